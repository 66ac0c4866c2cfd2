package image

import (
	"image"
	"image/color"
	"slices"
	"testing"
)

func TestImageIsOneOfPackageImage(t *testing.T) {
	for _, test := range []struct {
		name    string
		img     Image
		at      color.Color // of column 1, row 1
		outside color.Color
	}{
		{"grey", Image{Shape{1, 2, 3}, []uint8{1, 2, 3, 4, 5, 6}}, color.Gray{5}, color.Gray{0}},
		{"colour", Image{Shape{3, 2, 2}, []uint8{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}}, color.RGBA{4, 8, 12, 255}, color.RGBA{0, 0, 0, 255}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.img.Bounds(); got != image.Rect(0, 0, test.img.W, test.img.H) {
				t.Errorf("bounds %v", got)
			}
			if got := test.img.At(1, 1); got != test.at || test.img.ColorModel().Convert(got) != got {
				t.Errorf("pixel %v, want %v", got, test.at)
			}
			if got := test.img.At(test.img.W, 0); got != test.outside {
				t.Errorf("outside %v, want %v", got, test.outside)
			}
			var back Image
			if err := back.From(&test.img); err != nil {
				t.Fatal(err)
			}
			for c := range back.C {
				if want := test.img.Plane(min(c, test.img.C-1)); !slices.Equal(back.Plane(c), want) {
					t.Errorf("channel %d became %v, want %v", c, back.Plane(c), want)
				}
			}
		})
	}
}
