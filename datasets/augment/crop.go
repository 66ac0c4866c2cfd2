package augment

import (
	"fmt"
	"math"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// RandomCrop takes a square of the image, anywhere in it, after padding the image on its four sides: 4 pixels
// for CIFAR (Lee et al., "Deeply-Supervised Nets", arXiv:1409.5185; He et al., arXiv:1512.03385,
// section 4.2), none for the 224 of 256 pixels of AlexNet (Krizhevsky et al. 2012, section 4.1).
type RandomCrop struct {
	Pad int `param:"pad [0,4096]"` // pixels
	// Size is the side of the square. 0 means the image's own height and width where it is padded,
	// otherwise the network's.
	Size int    `param:"size [0,16384]"`
	Fill Border `param:"fill"` // what the padding is
}

// Apply crops the sample. An image that is smaller than the square, with its padding, is an error.
func (t RandomCrop) Apply(s *Sample) error {
	size := image.Shape{C: s.Image.C, H: s.Image.H, W: s.Image.W}
	switch {
	case t.Size > 0:
		size.H, size.W = t.Size, t.Size
	case t.Pad == 0 && s.Input.H > 0:
		size.H, size.W = s.Input.H, s.Input.W
	}
	down, right := s.Image.H+2*t.Pad-size.H, s.Image.W+2*t.Pad-size.W
	if down < 0 || right < 0 {
		return fmt.Errorf("crop: an image of %d×%d has no window of %d×%d: make it larger first (resize, scale), or pad it more",
			s.Image.H, s.Image.W, size.H, size.W)
	}
	y, x := Below(s.Rand, down+1)-t.Pad, Below(s.Rand, right+1)-t.Pad
	old := s.Renew(size)
	s.cut(s.Image, old, y, x, t.Fill)
	return nil
}

// RandomResizedCrop takes a part of the image of random area and aspect and scales it to one size: 8
// to 100 % and 3/4 to 4/3 in GoogLeNet (Szegedy et al., arXiv:1409.4842, section 6). The draws are
// torchvision's: ten attempts, then the middle.
type RandomResizedCrop struct {
	MinArea   float64 `param:"min_area (0,1]"` // fractions of the image's area
	MaxArea   float64 `param:"max_area (0,1]"`
	MinAspect float64 `param:"min_aspect [0.01,100]"` // width over height
	MaxAspect float64 `param:"max_aspect [0.01,100]"`
	Size      int     `param:"size [0,16384]"` // side of the result; 0: the network's input, or the image's size
}

// Validate says what does not fit together.
func (t RandomResizedCrop) Validate() error {
	return ordered("min_area", t.MinArea, "max_area", t.MaxArea, "min_aspect", t.MinAspect, "max_aspect", t.MaxAspect)
}

// Apply crops and scales the sample.
func (t RandomResizedCrop) Apply(s *Sample) error {
	H, W := s.Image.H, s.Image.W
	if H < 1 || W < 1 {
		return fmt.Errorf("resized-crop: an image of %d×%d", H, W)
	}
	y, x, h, w := t.draw(s, H, W)
	size := image.Shape{C: s.Image.C, H: H, W: W}
	switch {
	case t.Size > 0:
		size.H, size.W = t.Size, t.Size
	case s.Input.H > 0:
		size.H, size.W = s.Input.H, s.Input.W
	}
	if h != H || w != W {
		old := s.Renew(image.Shape{C: s.Image.C, H: h, W: w})
		s.cut(s.Image, old, y, x, Edge)
	}
	return s.Scale(size.H, size.W)
}

func (t RandomResizedCrop) draw(s *Sample, H, W int) (y, x, h, w int) {
	low, high := math.Log(t.MinAspect), math.Log(t.MaxAspect)
	for range 10 {
		area := float64(H) * float64(W) * Between(s.Rand, t.MinArea, t.MaxArea)
		aspect := math.Exp(Between(s.Rand, low, high))
		w, h = int(math.RoundToEven(math.Sqrt(area*aspect))), int(math.RoundToEven(math.Sqrt(area/aspect)))
		if 0 < w && w <= W && 0 < h && h <= H {
			return Below(s.Rand, H-h+1), Below(s.Rand, W-w+1), h, w
		}
	}
	switch aspect := float64(W) / float64(H); {
	case aspect < t.MinAspect:
		w, h = W, int(math.RoundToEven(float64(W)/t.MinAspect))
	case aspect > t.MaxAspect:
		w, h = int(math.RoundToEven(float64(H)*t.MaxAspect)), H
	default:
		w, h = W, H
	}
	// Of an image one pixel high a slice of the right aspect may round to nothing.
	w, h = min(max(w, 1), W), min(max(h, 1), H)
	return (H - h) / 2, (W - w) / 2, h, w
}

// ordered takes names and numbers, two and two: the second of a pair must not be below the first.
func ordered(pairs ...any) error {
	for ; len(pairs) > 0; pairs = pairs[4:] {
		if low, high := pairs[1].(float64), pairs[3].(float64); low > high {
			return fmt.Errorf("%s %v: should be at most %s, %v", pairs[0], low, pairs[2], high)
		}
	}
	return nil
}
