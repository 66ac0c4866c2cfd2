package datasets

import (
	"fmt"
	"math"
	"slices"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// Views are the parts of an image that an evaluation looks at, to average what a network makes of
// them. The zero value is the one that [Input] describes.
type Views struct {
	// Crops is 1 (or 0) for the middle alone; 5 for the four corners and the middle; 10 for these and
	// their mirror images (Krizhevsky et al. 2012, section 4.1).
	Crops int
	// Flip adds each view's mirror image; 10 crops have them already.
	Flip bool
}

// Len returns the number of views of an image.
func (v Views) Len() int {
	n := max(v.Crops, 1)
	if v.Flip && n < 10 {
		n *= 2
	}
	return n
}

// Validate says what cannot be.
func (v Views) Validate() error {
	switch v.Crops {
	case 0, 1, 5, 10:
		return nil
	}
	return fmt.Errorf("crops %d: should be 1, 5 or 10", v.Crops)
}

// PrepareViews writes views of the image as the input wants them to dst, V×C×H×W: top left, top right,
// bottom left, bottom right, middle, then all of their mirror images.
//
// Corners are those of the image as scaled by the input's Resize, as large as its Crop. Where the input
// has no crop, as for small images, they are as large as its height and width; if it does not
// scale either, the image is scaled to 8/7 of those first: 256 for 224, as in the paper.
func (p *Preparer) PrepareViews(dst []float32, img *image.Image, v Views) error {
	if err := v.Validate(); err != nil {
		return err
	}
	one := p.in.Len()
	if len(dst) != v.Len()*one {
		return fmt.Errorf("room for %d values: %d views of %v have %d", len(dst), v.Len(), p.in.Shape, v.Len()*one)
	}
	half := len(dst)
	if v.Len() > max(v.Crops, 1) || v.Crops == 10 {
		half /= 2
	}
	if v.Crops < 5 {
		img, err := p.fit(img)
		if err != nil {
			return err
		}
		p.normalise(dst[:one], img)
	} else if err := p.corners(dst[:half], img); err != nil {
		return err
	}
	if half < len(dst) {
		copy(dst[half:], dst[:half])
		mirror(dst[half:], p.in.W)
	}
	return nil
}

// corners writes the four corners and the middle.
func (p *Preparer) corners(dst []float32, img *image.Image) error {
	img, err := p.channels(img)
	if err != nil {
		return err
	}
	if img, err = p.shorter(img); err != nil {
		return err
	}
	h, w := p.in.Crop, p.in.Crop
	if p.in.Crop == 0 {
		h, w = p.in.H, p.in.W
		if p.in.Resize == 0 {
			larger := func(n int) int { return int(math.Round(float64(n) * 8 / 7)) }
			if img, err = p.scale(&p.scaled, img, larger(h), larger(w)); err != nil {
				return err
			}
		}
	}
	one := p.in.Len()
	for i, at := range [5][2]int{{0, 0}, {0, img.W - w}, {img.H - h, 0}, {img.H - h, img.W - w}, {middle(img.H, h), middle(img.W, w)}} {
		part, err := p.size(p.crop(img, h, w, at[0], at[1]))
		if err != nil {
			return err
		}
		p.normalise(dst[i*one:(i+1)*one], part)
	}
	return nil
}

// mirror reverses each row.
func mirror(rows []float32, width int) {
	for ; len(rows) > 0; rows = rows[width:] {
		slices.Reverse(rows[:width])
	}
}
