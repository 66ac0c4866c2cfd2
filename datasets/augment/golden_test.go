package augment

import (
	"fmt"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/internal/imagetest"
)

func TestColoursChangeAsPillowsDoByteForByte(t *testing.T) {
	golden := imagetest.Golden(t, "testdata/color.golden.gz")
	for _, c := range []int{1, 3} {
		for _, f := range []float32{0, .37, 1, 1.3, 2.75} {
			t.Run(fmt.Sprintf("brightness, contrast and saturation of %d channels by %v", c, f), func(t *testing.T) {
				img := imagetest.Pattern(image.Shape{C: c, H: 40, W: 30})
				blend(img.Pix, 0, f)
				imagetest.Same(t, golden, img.Pix)
				img = imagetest.Pattern(image.Shape{C: c, H: 40, W: 30})
				blend(img.Pix, meanGrey(img), f)
				imagetest.Same(t, golden, img.Pix)
				img = imagetest.Pattern(image.Shape{C: c, H: 40, W: 30})
				if c == 3 {
					saturate(img, f)
				}
				imagetest.Same(t, golden, img.Pix)
			})
		}
	}
	if golden.Len() != 0 {
		t.Errorf("%d golden bytes left over", golden.Len())
	}
}
