package augment

import "slices"

// HorizontalFlip mirrors the image, left to right, with probability P (Krizhevsky et al. 2012,
// section 4.1).
type HorizontalFlip struct {
	P float64 `param:"p (0,1]"`
}

// Apply flips the sample, or does not.
func (t HorizontalFlip) Apply(s *Sample) error {
	if Chance(s.Rand, t.P) {
		mirror(s.Image.Pix, s.Image.W)
	}
	return nil
}

// mirror reverses each row.
func mirror(rows []uint8, width int) {
	for ; len(rows) > 0; rows = rows[width:] {
		slices.Reverse(rows[:width])
	}
}
