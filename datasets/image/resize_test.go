package image_test

import (
	"fmt"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/internal/imagetest"
)

// pillowCases are those of testdata/resize.py, in its order.
var pillowCases = []struct{ c, h, w, oh, ow int }{
	{1, 28, 28, 227, 227}, {1, 28, 28, 32, 32}, {1, 28, 28, 14, 14}, {1, 28, 28, 28, 40}, {1, 28, 28, 9, 28},
	{3, 40, 30, 64, 64}, {3, 100, 75, 64, 48}, {1, 375, 500, 57, 61}, {1, 17, 31, 5, 3}, {1, 1, 1, 7, 9},
	{1, 2, 3, 1, 1}, {1, 1, 300, 1, 7}, {3, 256, 341, 29, 29}, {1, 63, 64, 64, 63}, {1, 600, 2, 3, 5},
}

func TestResizeIsPillowsBilinearByteForByte(t *testing.T) {
	golden := imagetest.Golden(t, "testdata/resize.golden.gz")
	var r image.Resizer // one for all, so that its memory is seen to follow the sizes
	for _, c := range pillowCases {
		t.Run(fmt.Sprintf("%d×%d×%d to %d×%d", c.c, c.h, c.w, c.oh, c.ow), func(t *testing.T) {
			var got image.Image
			got.Reset(image.Shape{C: c.c, H: c.oh, W: c.ow})
			if err := r.Resize(&got, imagetest.Pattern(image.Shape{C: c.c, H: c.h, W: c.w})); err != nil {
				t.Fatal(err)
			}
			imagetest.Same(t, golden, got.Pix)
		})
	}
	t.Run("colour to grey", func(t *testing.T) {
		m := imagetest.Pattern(image.Shape{C: 3, H: 40, W: 30})
		var got []uint8
		for i, r := range m.Plane(0) {
			got = append(got, image.Grey(r, m.Plane(1)[i], m.Plane(2)[i]))
		}
		imagetest.Same(t, golden, got)
		if golden.Len() != 0 {
			t.Errorf("%d golden bytes left over", golden.Len())
		}
	})
}

func TestResizeRefusesWhatCannotBe(t *testing.T) {
	for _, c := range []struct {
		name     string
		from, to image.Shape
	}{
		{"no pixels to resize", image.Shape{C: 1, H: 0, W: 4}, image.Shape{C: 1, H: 4, W: 4}},
		{"no pixels to make", image.Shape{C: 1, H: 4, W: 4}, image.Shape{C: 1, H: 4, W: 0}},
		{"other channels", image.Shape{C: 1, H: 4, W: 4}, image.Shape{C: 3, H: 4, W: 4}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r image.Resizer
			var from, to image.Image
			from.Reset(c.from)
			to.Reset(c.to)
			if err := r.Resize(&to, &from); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestAPartIsCutOutOfWhatTheWholeBecomes(t *testing.T) {
	src := imagetest.Pattern(image.Shape{C: 3, H: 75, W: 100})
	for _, filter := range []image.Filter{image.Bilinear, image.Bicubic, image.Nearest} {
		r := image.Resizer{Filter: filter}
		for _, to := range []image.Shape{{C: 3, H: 36, W: 48}, {C: 3, H: 75, W: 48}, {C: 3, H: 36, W: 100}, {C: 3, H: 75, W: 100}, {C: 3, H: 150, W: 90}, {C: 3, H: 5, W: 7}} {
			var whole image.Image
			whole.Reset(to)
			if err := r.Resize(&whole, src); err != nil {
				t.Fatal(err)
			}
			for _, at := range [][4]int{{0, 0, 5, 7}, {to.H - 4, to.W - 6, 4, 6}, {1, 2, 3, 4}, {0, 0, to.H, to.W}, {to.H / 2, 0, 1, to.W}} {
				y, x, h, w := at[0], at[1], at[2], at[3]
				var part image.Image
				part.Reset(image.Shape{C: 3, H: h, W: w})
				if err := r.ResizePart(&part, src, to.H, to.W, y, x); err != nil {
					t.Fatal(err)
				}
				for i, v := range part.Pix {
					c, row, column := i/(h*w), i/w%h, i%w
					if want := whole.Plane(c)[(y+row)*to.W+x+column]; v != want {
						t.Fatalf("filter %v, %v at %v: channel %d at (%d, %d) is %d: want %d", filter, to, at, c, row, column, v, want)
					}
				}
			}
			var part image.Image
			part.Reset(image.Shape{C: 3, H: 2, W: 2})
			for _, at := range [][2]int{{-1, 0}, {0, -1}, {to.H - 1, 0}, {0, to.W - 1}} {
				if err := r.ResizePart(&part, src, to.H, to.W, at[0], at[1]); err == nil {
					t.Errorf("a part of %v at %v that lies outside is no error", to, at)
				}
			}
		}
	}
}
