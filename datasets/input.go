package datasets

import (
	"fmt"
	"math"
	"slices"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/augment"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// An Input says how an image becomes what a network takes: its shorter side is scaled to Resize pixels,
// the square of Crop pixels in its middle is taken, what has not yet the height and width of Shape is
// scaled to them, and each channel is normalised by its mean and standard deviation (pixels from 0 to
// 1). It is stored with trained weights: training, evaluation and prediction share it.
type Input struct {
	image.Shape
	Resize    int          // pixels; 0: the image is not scaled before the crop
	Crop      int          // pixels; 0: the whole image. What lies outside of a smaller image is black
	Mean, Std []float32    // one for each channel, or one for all
	Filter    image.Filter // that scales
	Scale     float32      // of a white pixel; 0 means 1. Caffe's networks want 255. Mean and deviation are on this scale
	Squash    bool         // both sides are scaled to Resize, whatever the image's proportions
	BGR       bool         // channels are blue, green, red; mean and deviation are in this order
}

// For fills in what is left zero from the facts of a source: its shape (where images have a size of
// their own, that of the crop), its mean and deviation (0 and 1 if it knows none). The error says what
// does not fit together.
func (in Input) For(info Info) (Input, error) {
	if in.Shape == (image.Shape{}) {
		in.Shape = info.Shape
		if in.H == 0 && in.W == 0 {
			in.H, in.W = in.Crop, in.Crop
		}
	}
	if m := 1 << 14; in.Resize < 0 || in.Crop < 0 || max(in.Resize, in.Crop) > m {
		return Input{}, fmt.Errorf("input %v: resize %d, crop %d: should be 1 to %d, or 0 for none", in.Shape, in.Resize, in.Crop, m)
	}
	if len(in.Mean) == 0 && len(in.Std) == 0 {
		in.Mean, in.Std = info.Mean, info.Std
	}
	if len(in.Mean) == 0 && len(in.Std) == 0 {
		in.Mean, in.Std = []float32{0}, []float32{1}
	}
	if min(in.C, in.H, in.W) < 1 {
		return Input{}, fmt.Errorf("input %v: every dimension must be at least 1", in.Shape)
	}
	if max(in.C, in.H, in.W) > 1<<16 || int64(in.C)*int64(in.H)*int64(in.W) > math.MaxInt32/4 {
		return Input{}, fmt.Errorf("input %v: more than 2 GiB", in.Shape)
	}
	if err := convertible(info.Shape.C, in.C); err != nil {
		return Input{}, fmt.Errorf("input %v: %v: %w", in.Shape, info, err)
	}
	if in.Scale == 0 {
		in.Scale = 1
	}
	if !(in.Scale > 0) || math.IsInf(float64(in.Scale), 0) {
		return Input{}, fmt.Errorf("scale %v: should be above 0, as 1 or 255", in.Scale)
	}
	if in.BGR && in.C != 3 {
		return Input{}, fmt.Errorf("channels in the order blue, green, red: the input has %d", in.C)
	}
	var err error
	if in.Mean, err = spread("mean", in.Mean, in.C); err != nil {
		return Input{}, err
	}
	if in.Std, err = spread("std", in.Std, in.C); err != nil {
		return Input{}, err
	}
	for _, s := range in.Std {
		if !(s > 0) {
			return Input{}, fmt.Errorf("std %v: should be above 0", s)
		}
	}
	return in, nil
}

// Least is how many pixels a picture's shorter side must keep where it is decoded smaller than it is
// ([codec.DecodeAtLeast]): twice as many as it gets in the end, so that what is scaled down then by the careful
// filter is as good as the whole picture. 0 means that it must keep all, for a part of it is cut out as it is.
func (in Input) Least() int {
	switch {
	case in.Filter == image.Nearest: // takes single pixels: not those of another size
		return 0
	case in.Resize > 0:
		return 2 * in.Resize
	case in.Crop > 0:
		return 0
	}
	return 2 * max(in.H, in.W)
}

// spread returns a copy of v with a value for each of c channels.
func spread(what string, v []float32, c int) ([]float32, error) {
	switch len(v) {
	case c:
		return slices.Clone(v), nil
	case 1:
		return slices.Repeat(v, c), nil
	}
	return nil, fmt.Errorf("%s of %d values for %d channels: should be one, or one for each", what, len(v), c)
}

// convertible says whether images of one number of channels can be taken for another's.
func convertible(from, to int) error {
	if from == to || from == 1 && to == 3 || from == 3 && to == 1 {
		return nil
	}
	return fmt.Errorf("%d channels cannot become %d", from, to)
}

// A Preparer turns images into a network's input. It keeps scratch memory, and is not for concurrent use.
type Preparer struct {
	in     Input
	value  [][256]float32 // of each channel and byte
	alike  bool           // the channels' values are the same
	resize image.Resizer
	// What the image becomes, one after the other.
	grey, scaled, cropped, sized image.Image
}

// NewPreparer returns a preparer for an input that is complete (see [Input.For]).
func NewPreparer(in Input) (*Preparer, error) {
	in, err := in.For(Info{Name: "image", Shape: in.Shape})
	if err != nil {
		return nil, err
	}
	p := &Preparer{in: in, value: make([][256]float32, in.C), alike: true, resize: image.Resizer{Filter: in.Filter}}
	for c := range p.value {
		for b := range p.value[c] {
			// Step by step in float32, as torchvision's ToTensor and Normalize do.
			unit := float32(b) / 255
			if in.Scale != 1 {
				unit = float32(float64(b) * float64(in.Scale) / 255)
			}
			p.value[c][b] = float32(unit-in.Mean[c]) / in.Std[c]
		}
		p.alike = p.alike && p.value[c] == p.value[0]
	}
	return p, nil
}

// Prepare writes the image as the input wants it to dst, C×H×W of the input. Grey becomes three equal
// channels, and colour becomes grey by Pillow's weights (ITU-R 601), where the input asks for it.
func (p *Preparer) Prepare(dst []float32, img *image.Image) error {
	return p.PrepareViews(dst, img, Views{})
}

// fit makes the image the one that the input looks at: its height and width, and one channel if the
// input has one. What it returns is img or the preparer's own.
func (p *Preparer) fit(img *image.Image) (*image.Image, error) {
	img, err := p.channels(img)
	if err != nil {
		return nil, err
	}
	if c, side := p.in.Crop, p.in.Resize; c > 0 && side >= c && side != min(img.H, img.W) && !p.in.Squash {
		// What is cut off need not be scaled.
		whole, err := img.Shorter(side)
		if err != nil {
			return nil, err
		}
		p.cropped.Reset(image.Shape{C: img.C, H: c, W: c})
		if err := p.resize.ResizePart(&p.cropped, img, whole.H, whole.W, middle(whole.H, c), middle(whole.W, c)); err != nil {
			return nil, err
		}
		return p.size(&p.cropped)
	}
	if img, err = p.shorter(img); err != nil {
		return nil, err
	}
	if c := p.in.Crop; c > 0 {
		img = p.crop(img, c, c, middle(img.H, c), middle(img.W, c))
	}
	return p.size(img)
}

// channels gives a colour image one channel if the input has one.
func (p *Preparer) channels(img *image.Image) (*image.Image, error) {
	if err := convertible(img.C, p.in.C); err != nil {
		return nil, err
	}
	if img.C == 3 && p.in.C == 1 {
		p.grey.Reset(image.Shape{C: 1, H: img.H, W: img.W})
		r, g, b := img.Plane(0), img.Plane(1), img.Plane(2)
		for i := range p.grey.Pix {
			p.grey.Pix[i] = image.Grey(r[i], g[i], b[i])
		}
		img = &p.grey
	}
	return img, nil
}

// shorter scales the image's shorter side, or both, unless that is to be 0.
func (p *Preparer) shorter(img *image.Image) (*image.Image, error) {
	side := p.in.Resize
	if p.in.Squash && side > 0 {
		return p.scale(&p.scaled, img, side, side)
	}
	if side == 0 || side == min(img.H, img.W) {
		return img, nil
	}
	to, err := img.Shorter(side)
	if err != nil {
		return nil, err
	}
	return p.scale(&p.scaled, img, to.H, to.W)
}

// scale scales the image into another.
func (p *Preparer) scale(to, img *image.Image, h, w int) (*image.Image, error) {
	if img.H == h && img.W == w {
		return img, nil
	}
	to.Reset(image.Shape{C: img.C, H: h, W: w})
	return to, p.resize.Resize(to, img)
}

// crop takes h×w pixels from (y, x) on.
func (p *Preparer) crop(img *image.Image, h, w, y, x int) *image.Image {
	if img.H == h && img.W == w && y == 0 && x == 0 {
		return img
	}
	p.cropped.Reset(image.Shape{C: img.C, H: h, W: w})
	augment.Window(&p.cropped, img, y, x, augment.Black, func(int) uint8 { return 0 })
	return &p.cropped
}

// size scales the image to the input's height and width.
func (p *Preparer) size(img *image.Image) (*image.Image, error) {
	return p.scale(&p.sized, img, p.in.H, p.in.W)
}

// middle is where n pixels in the middle of size begin: torchvision's center_crop, which rounds halves
// to even.
func middle(size, n int) int { return int(math.RoundToEven(float64(size-n) / 2)) }

// normalise writes the values of an image that fits; one channel becomes as many as the input has.
func (p *Preparer) normalise(dst []float32, img *image.Image) {
	n := p.in.H * p.in.W
	for c := range p.in.C {
		to := dst[c*n : (c+1)*n]
		if c > 0 && img.C == 1 && p.alike {
			copy(to, dst[:n])
			continue
		}
		value := &p.value[c]
		from := min(c, img.C-1)
		if p.in.BGR && img.C == 3 {
			from = 2 - c
		}
		for i, b := range img.Plane(from)[:len(to)] {
			to[i] = value[b]
		}
	}
}
