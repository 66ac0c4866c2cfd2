package augment

// Cutout blots out squares whose middles are anywhere in the image, so that parts of them may lie
// outside (DeVries & Taylor, "Improved Regularization of Convolutional Neural Networks with Cutout",
// arXiv:1708.04552: one of 16 pixels for CIFAR-10, of 8 for CIFAR-100).
type Cutout struct {
	Size  int    `param:"size [1,4096]"`
	Count int    `param:"count [1,64]"`
	Fill  Border `param:"fill"` // Black or Mean
}

// Validate says what cannot be.
func (t Cutout) Validate() error { return plain(t.Fill) }

// Apply blots out parts of the sample.
func (t Cutout) Apply(s *Sample) error {
	h, w := s.Image.H, s.Image.W
	if h < 1 || w < 1 {
		return nil
	}
	for range t.Count {
		y, x := Below(s.Rand, h)-t.Size/2, Below(s.Rand, w)-t.Size/2
		left, right := max(x, 0), min(x+t.Size, w)
		for c := range s.Image.C {
			plane, v := s.Image.Plane(c), s.fill(t.Fill, c)
			for r := max(y, 0); r < min(y+t.Size, h); r++ {
				set(plane[r*w+left:r*w+right], v)
			}
		}
	}
	return nil
}
