package datasets

import (
	"fmt"
	"math"
	"slices"
)

// An Input says how an image becomes what a network takes: the shape that it is resized to, and the
// mean and standard deviation of each channel (pixels from 0 to 1) that it is normalised with. It is
// stored with trained weights: training, evaluation and prediction share it.
type Input struct {
	Shape
	Mean, Std []float32 // one for each channel, or one for all
}

// For fills in what is left zero from the facts of a source: its shape, its mean and deviation (0
// and 1 if it knows none). The error says what does not fit together.
func (in Input) For(info Info) (Input, error) {
	if in.Shape == (Shape{}) {
		in.Shape = info.Shape
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
	in          Input
	value       [][256]float32 // of each channel and byte
	alike       bool           // the channels' values are the same
	resize      Resizer
	grey, sized Image
}

// NewPreparer returns a preparer for an input that is complete (see [Input.For]).
func NewPreparer(in Input) (*Preparer, error) {
	in, err := in.For(Info{Name: "image", Shape: in.Shape})
	if err != nil {
		return nil, err
	}
	p := &Preparer{in: in, value: make([][256]float32, in.C), alike: true}
	for c := range p.value {
		for b := range p.value[c] {
			// Step by step in float32, as torchvision's ToTensor and Normalize do.
			unit := float32(b) / 255
			p.value[c][b] = float32(unit-in.Mean[c]) / in.Std[c]
		}
		p.alike = p.alike && p.value[c] == p.value[0]
	}
	return p, nil
}

// Prepare writes the image, resized and normalised, to dst, C×H×W of the input. Grey becomes three
// equal channels, and colour becomes grey by Pillow's weights (ITU-R 601), where the input asks for it.
func (p *Preparer) Prepare(dst []float32, img *Image) error {
	if len(dst) != p.in.Len() {
		return fmt.Errorf("room for %d values: an input of %v has %d", len(dst), p.in.Shape, p.in.Len())
	}
	img, err := p.fit(img)
	if err != nil {
		return err
	}
	p.normalise(dst, img)
	return nil
}

// fit gives the image the input's height and width, and one channel if the input has one. What it
// returns is img or the preparer's own.
func (p *Preparer) fit(img *Image) (*Image, error) {
	if err := convertible(img.C, p.in.C); err != nil {
		return nil, err
	}
	if img.C == 3 && p.in.C == 1 {
		p.grey.Reset(Shape{1, img.H, img.W})
		r, g, b := img.Plane(0), img.Plane(1), img.Plane(2)
		for i := range p.grey.Pix {
			p.grey.Pix[i] = uint8((uint32(r[i])*19595 + uint32(g[i])*38470 + uint32(b[i])*7471 + 1<<15) >> 16)
		}
		img = &p.grey
	}
	if img.H != p.in.H || img.W != p.in.W {
		p.sized.Reset(Shape{img.C, p.in.H, p.in.W})
		if err := p.resize.Resize(&p.sized, img); err != nil {
			return nil, err
		}
		img = &p.sized
	}
	return img, nil
}

// normalise writes the values of an image that fits; one channel becomes as many as the input has.
func (p *Preparer) normalise(dst []float32, img *Image) {
	n := p.in.H * p.in.W
	for c := range p.in.C {
		to := dst[c*n : (c+1)*n]
		if c > 0 && img.C == 1 && p.alike {
			copy(to, dst[:n])
			continue
		}
		value := &p.value[c]
		for i, b := range img.Plane(min(c, img.C-1))[:len(to)] {
			to[i] = value[b]
		}
	}
}
