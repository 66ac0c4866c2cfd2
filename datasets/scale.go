package datasets

import "fmt"

// Resize scales the image so that its shorter side has Size pixels, as torchvision does: the first
// step for pictures of many sizes (Krizhevsky et al. 2012, section 2: 256).
type Resize struct {
	Size int `param:"size [1,16384]"`
}

// Apply scales the sample.
func (t Resize) Apply(s *Sample) error { return s.scaleShorter(t.Size) }

// ScaleJitter scales the image so that its shorter side has from Min to Max pixels, all as likely
// (Simonyan & Zisserman, arXiv:1409.1556, section 3.1: 256 to 512).
type ScaleJitter struct {
	Min int `param:"min [1,16384]"`
	Max int `param:"max [1,16384]"`
}

// Validate says what does not fit together.
func (t ScaleJitter) Validate() error {
	return ordered("min", float64(t.Min), "max", float64(t.Max))
}

// Apply scales the sample.
func (t ScaleJitter) Apply(s *Sample) error {
	return s.scaleShorter(t.Min + Below(s.Rand, t.Max-t.Min+1))
}

func (s *Sample) scaleShorter(size int) error {
	h, w, err := shorterSide(s.Image.Shape, size)
	if err != nil {
		return err
	}
	return s.Scale(h, w)
}

// shorterSide returns the height and width that an image gets when its shorter side is scaled to
// size; the longer one is rounded down, as in torchvision.
func shorterSide(s Shape, size int) (h, w int, err error) {
	if s.H < 1 || s.W < 1 {
		return 0, 0, fmt.Errorf("cannot scale an image of %v", s)
	}
	long := int64(size) * int64(max(s.H, s.W)) / int64(min(s.H, s.W))
	if long > 1<<20 || long*int64(size) > 1<<28 {
		return 0, 0, fmt.Errorf("an image of %d×%d scaled to %d pixels on its shorter side has %d on the other: too large", s.H, s.W, size, long)
	}
	if s.H <= s.W {
		return size, int(long), nil
	}
	return int(long), size, nil
}
