package datasets

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"testing"
)

// same fails the test if the pixels are not the next golden ones.
func same(t *testing.T, golden *bytes.Reader, got []uint8) {
	t.Helper()
	want := make([]uint8, len(got))
	if _, err := io.ReadFull(golden, want); err != nil {
		t.Fatal(err)
	}
	wrong, most := 0, 0
	for i, g := range got {
		if d := int(g) - int(want[i]); d != 0 {
			wrong, most = wrong+1, max(most, d, -d)
		}
	}
	if wrong > 0 {
		t.Errorf("%d of %d bytes differ, by up to %d", wrong, len(want), most)
	}
}

func TestPreparationIsPillowsAndTorchvisionsByteForByte(t *testing.T) {
	golden := pillow(t, "augment.golden.gz")
	for _, c := range []int{1, 3} {
		for _, f := range []float32{0, .37, 1, 1.3, 2.75} {
			t.Run(fmt.Sprintf("brightness, contrast and saturation of %d channels by %v", c, f), func(t *testing.T) {
				img := pattern(Shape{c, 40, 30})
				blend(img.Pix, 0, f)
				same(t, golden, img.Pix)
				img = pattern(Shape{c, 40, 30})
				blend(img.Pix, meanGrey(img), f)
				same(t, golden, img.Pix)
				img = pattern(Shape{c, 40, 30})
				if c == 3 {
					saturate(img, f)
				}
				same(t, golden, img.Pix)
			})
		}
	}
	prepare := func(t *testing.T, s Shape, resize, crop int, v Views) []uint8 {
		p, err := NewPreparer(Input{Shape: Shape{s.C, crop, crop}, Resize: resize, Crop: crop})
		if err != nil {
			t.Fatal(err)
		}
		values := make([]float32, v.Len()*s.C*crop*crop)
		if err := p.PrepareViews(values, pattern(s), v); err != nil {
			t.Fatal(err)
		}
		var back []uint8
		for _, f := range values {
			back = append(back, uint8(f*255+.5))
		}
		return back
	}
	for _, c := range []struct {
		s            Shape
		resize, crop int
	}{{Shape{3, 100, 75}, 36, 29}, {Shape{1, 75, 100}, 36, 32}, {Shape{3, 40, 31}, 0, 28}, {Shape{3, 33, 20}, 24, 30}, {Shape{1, 300, 7}, 14, 14}, {Shape{3, 61, 61}, 61, 40}} {
		t.Run(fmt.Sprintf("%v resized to %d, %d in the middle", c.s, c.resize, c.crop), func(t *testing.T) {
			same(t, golden, prepare(t, c.s, c.resize, c.crop, Views{}))
		})
	}
	for _, c := range []struct {
		s            Shape
		resize, crop int
	}{{Shape{3, 100, 75}, 36, 29}, {Shape{1, 75, 100}, 36, 32}} {
		t.Run(fmt.Sprintf("five crops of %v resized to %d", c.s, c.resize), func(t *testing.T) {
			five := prepare(t, c.s, c.resize, c.crop, Views{Crops: 5})
			same(t, golden, five)
			ten := prepare(t, c.s, c.resize, c.crop, Views{Crops: 10})
			mirror(ten[len(five):], c.crop)
			if !slices.Equal(ten, slices.Concat(five, five)) {
				t.Error("ten crops are not five and their mirror images")
			}
		})
	}
	if golden.Len() != 0 {
		t.Errorf("%d golden bytes left over", golden.Len())
	}
}
