package augment

import (
	"fmt"
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/internal/nearest"
)

// A Border says what stands for the pixels beyond an image's edge, or in place of those cut out.
type Border uint8

const (
	// Black is 0.
	Black Border = iota
	// Mean is the data set's mean, which is about 0 when it is normalised.
	Mean
	// Reflect mirrors the image at the middle of its outermost pixels.
	Reflect
	// Edge repeats the outermost pixels.
	Edge
)

var borders = []string{"black", "mean", "reflect", "edge"}

// String returns the border's name, as in a recipe.
func (b Border) String() string {
	if int(b) < len(borders) {
		return borders[b]
	}
	return fmt.Sprintf("border %d", uint8(b))
}

// MarshalText writes the border's name.
func (b Border) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText reads a border's name.
func (b *Border) UnmarshalText(text []byte) error {
	for i, name := range borders {
		if string(text) == name {
			*b = Border(i)
			return nil
		}
	}
	return fmt.Errorf("should be %s%s", strings.Join(borders, ", "), nearest.Hint(string(text), borders))
}

// at returns the place from 0 to n-1 whose pixel stands at i, or -1 for one value everywhere.
func (b Border) at(i, n int) int {
	if uint(i) < uint(n) {
		return i
	}
	switch b {
	case Edge:
		return min(max(i, 0), n-1)
	case Reflect:
		if n == 1 {
			return 0
		}
		period := 2 * (n - 1)
		i = (i%period + period) % period
		return min(i, period-i)
	}
	return -1
}

// cut copies the window of dst's size whose top left corner is at (y, x) of src, which may lie outside.
func (s *Sample) cut(dst, src *image.Image, y, x int, border Border) {
	Window(dst, src, y, x, border, func(c int) uint8 { return s.fill(border, c) })
}

// Window copies the window of dst's size whose top left corner is at (y, x) of src. What lies beyond
// the edge is the border's, or in channel c the value fill(c). It panics without images, a fill, or as many
// channels in src.
func Window(dst, src *image.Image, y, x int, border Border, fill func(c int) uint8) {
	// Of a row, the pixels from left to right are there.
	left := min(max(-x, 0), dst.W)
	right := max(min(src.W-x, dst.W), left)
	for c := range dst.C {
		from, to := src.Plane(c), dst.Plane(c)
		f := fill(c)
		for r := range dst.H {
			row := to[r*dst.W : (r+1)*dst.W]
			at := border.at(y+r, src.H)
			if at < 0 {
				set(row, f)
				continue
			}
			line := from[at*src.W : (at+1)*src.W]
			if left < right {
				copy(row[left:right], line[x+left:])
			}
			if left == 0 && right == len(row) {
				continue
			}
			if border == Black || border == Mean {
				set(row[:left], f)
				set(row[right:], f)
				continue
			}
			for i := range row {
				if i < left || i >= right {
					row[i] = line[border.at(x+i, src.W)]
				}
			}
		}
	}
}

func set(row []uint8, v uint8) {
	for i := range row {
		row[i] = v
	}
}

// plain refuses borders that are not one value.
func plain(b Border) error {
	if b != Black && b != Mean {
		return fmt.Errorf("fill %v: should be black or mean", b)
	}
	return nil
}
