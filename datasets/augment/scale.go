package augment

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
	to, err := s.Image.Shorter(size)
	if err != nil {
		return err
	}
	return s.Scale(to.H, to.W)
}
