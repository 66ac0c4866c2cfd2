package image_test

import (
	"fmt"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/internal/imagetest"
)

// filterCases are those of testdata/resize.py, in its order.
var filterCases = []struct{ c, h, w, oh, ow int }{
	{1, 28, 28, 61, 59}, {1, 28, 28, 9, 28}, {3, 100, 75, 64, 48}, {1, 17, 31, 5, 3}, {1, 2, 3, 1, 1},
	{1, 3, 2, 40, 50}, {1, 1, 300, 1, 7}, {3, 256, 341, 29, 29}, {1, 90, 120, 67, 101},
}

func TestFiltersArePillowsByteForByte(t *testing.T) {
	for _, filter := range []image.Filter{image.Bicubic, image.Lanczos, image.Box, image.Hamming, image.Nearest} {
		golden := imagetest.Golden(t, "testdata/"+filter.String()+".golden.gz")
		r := image.Resizer{Filter: filter}
		for _, c := range filterCases {
			t.Run(fmt.Sprintf("%v %d×%d×%d to %d×%d", filter, c.c, c.h, c.w, c.oh, c.ow), func(t *testing.T) {
				var got image.Image
				got.Reset(image.Shape{C: c.c, H: c.oh, W: c.ow})
				if err := r.Resize(&got, imagetest.Pattern(image.Shape{C: c.c, H: c.h, W: c.w})); err != nil {
					t.Fatal(err)
				}
				imagetest.Same(t, golden, got.Pix)
			})
		}
		if golden.Len() != 0 {
			t.Errorf("%v: %d golden bytes left over", filter, golden.Len())
		}
	}
}

func TestAResizerFollowsItsFilter(t *testing.T) {
	from := imagetest.Pattern(image.Shape{C: 1, H: 28, W: 28})
	r, fresh := image.Resizer{}, image.Resizer{Filter: image.Bicubic}
	var first, second, want image.Image
	for _, m := range []*image.Image{&first, &second, &want} {
		m.Reset(image.Shape{C: 1, H: 61, W: 59})
	}
	if err := r.Resize(&first, from); err != nil {
		t.Fatal(err)
	}
	r.Filter = image.Bicubic
	if err := r.Resize(&second, from); err != nil {
		t.Fatal(err)
	}
	if err := fresh.Resize(&want, from); err != nil {
		t.Fatal(err)
	}
	if string(second.Pix) != string(want.Pix) || string(first.Pix) == string(want.Pix) {
		t.Error("the weights of the filter before were kept")
	}
}

func TestParseFilter(t *testing.T) {
	for name, want := range map[string]image.Filter{"": image.Bilinear, "bilinear": image.Bilinear, "BICUBIC": image.Bicubic, "nearest": image.Nearest} {
		if got, err := image.ParseFilter(name); err != nil || got != want {
			t.Errorf("%q is %v, error %v: want %v", name, got, err, want)
		}
	}
	if _, err := image.ParseFilter("cubic spline"); err == nil {
		t.Error("an unknown filter is no error")
	}
}
