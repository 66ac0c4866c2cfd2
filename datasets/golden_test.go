package datasets

import (
	"fmt"
	"slices"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/internal/imagetest"
)

func TestPreparationIsPillowsAndTorchvisionsByteForByte(t *testing.T) {
	golden := imagetest.Golden(t, "testdata/prepare.golden.gz")
	prepare := func(t *testing.T, s image.Shape, resize, crop int, v Views) []uint8 {
		p, err := NewPreparer(Input{Shape: image.Shape{C: s.C, H: crop, W: crop}, Resize: resize, Crop: crop})
		if err != nil {
			t.Fatal(err)
		}
		values := make([]float32, v.Len()*s.C*crop*crop)
		if err := p.PrepareViews(values, imagetest.Pattern(s), v); err != nil {
			t.Fatal(err)
		}
		var back []uint8
		for _, f := range values {
			back = append(back, uint8(f*255+.5))
		}
		return back
	}
	for _, c := range []struct {
		s            image.Shape
		resize, crop int
	}{{image.Shape{C: 3, H: 100, W: 75}, 36, 29}, {image.Shape{C: 1, H: 75, W: 100}, 36, 32}, {image.Shape{C: 3, H: 40, W: 31}, 0, 28}, {image.Shape{C: 3, H: 33, W: 20}, 24, 30}, {image.Shape{C: 1, H: 300, W: 7}, 14, 14}, {image.Shape{C: 3, H: 61, W: 61}, 61, 40}} {
		t.Run(fmt.Sprintf("%v resized to %d, %d in the middle", c.s, c.resize, c.crop), func(t *testing.T) {
			imagetest.Same(t, golden, prepare(t, c.s, c.resize, c.crop, Views{}))
		})
	}
	for _, c := range []struct {
		s            image.Shape
		resize, crop int
	}{{image.Shape{C: 3, H: 100, W: 75}, 36, 29}, {image.Shape{C: 1, H: 75, W: 100}, 36, 32}} {
		t.Run(fmt.Sprintf("five crops of %v resized to %d", c.s, c.resize), func(t *testing.T) {
			five := prepare(t, c.s, c.resize, c.crop, Views{Crops: 5})
			imagetest.Same(t, golden, five)
			ten := prepare(t, c.s, c.resize, c.crop, Views{Crops: 10})
			for row := ten[len(five):]; len(row) > 0; row = row[c.crop:] {
				slices.Reverse(row[:c.crop])
			}
			if !slices.Equal(ten, slices.Concat(five, five)) {
				t.Error("ten crops are not five and their mirror images")
			}
		})
	}
	if golden.Len() != 0 {
		t.Errorf("%d golden bytes left over", golden.Len())
	}
}
