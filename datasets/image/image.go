package image

import (
	"errors"
	"fmt"
	"slices"
)

// ErrBroken is wrapped by the error for an image that cannot be decoded, where others may well be good.
var ErrBroken = errors.New("broken image")

// A Shape is channels × height × width. Zero height and width, where a shape describes many images, mean
// that each has a size of its own.
type Shape struct {
	C, H, W int
}

// Len returns C·H·W.
func (s Shape) Len() int { return s.C * s.H * s.W }

func (s Shape) String() string { return fmt.Sprintf("%d×%d×%d", s.C, s.H, s.W) }

// Shorter returns the shape that an image gets when its shorter side is scaled to that many pixels; the
// longer one is rounded down, as in torchvision.
func (s Shape) Shorter(size int) (Shape, error) {
	if s.H < 1 || s.W < 1 {
		return Shape{}, fmt.Errorf("cannot scale an image of %v", s)
	}
	long := int64(size) * int64(max(s.H, s.W)) / int64(min(s.H, s.W))
	if long > 1<<20 || long*int64(size) > 1<<28 {
		return Shape{}, fmt.Errorf("an image of %d×%d scaled to %d pixels on its shorter side has %d on the other: too large", s.H, s.W, size, long)
	}
	if s.H <= s.W {
		return Shape{s.C, size, int(long)}, nil
	}
	return Shape{s.C, int(long), size}, nil
}

// MaxPixels is the most that an image may have: 134 million, 400 MB in memory.
const MaxPixels = 1 << 27

// CheckSize says whether an image of that size is accepted.
func CheckSize(w, h int) error {
	if w < 1 || h < 1 {
		return fmt.Errorf("an image of %d×%d pixels", w, h)
	}
	if w > MaxPixels/h { // their product may be too large for a number
		return fmt.Errorf("an image of %d×%d pixels: more than the %d that are accepted", w, h, MaxPixels)
	}
	return nil
}

// An Image is C planes of H×W bytes, rows from top to bottom; 3 planes are red, green, blue.
type Image struct {
	Shape
	Pix []uint8 // C·H·W
}

// Reset gives the image a shape and room for it, keeping its memory if that is large enough. The
// pixels are undefined afterwards.
func (m *Image) Reset(s Shape) {
	m.Shape = s
	n := s.Len()
	m.Pix = slices.Grow(m.Pix[:0], n)[:n]
}

// Plane returns the bytes of channel c, H×W.
func (m *Image) Plane(c int) []uint8 {
	n := m.H * m.W
	return m.Pix[c*n : (c+1)*n : (c+1)*n]
}
