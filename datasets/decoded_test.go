package datasets

import (
	"bytes"
	std "image"
	"image/color"
	"image/jpeg"
	"math"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image/codec"
)

// Of a large photograph a network sees the same whether or not it was decoded at a smaller size; it sees it better
// than by Pillow's draft mode for the size that it wants, which leaves out the careful filter.
func TestANetworkSeesTheSameOfAPictureThatIsDecodedSmaller(t *testing.T) {
	photo := std.NewRGBA(std.Rect(0, 0, 1600, 1200))
	for y := range 1200 {
		for x := range 1600 {
			v := uint8(127 + 80*math.Sin(float64(x*x)/9e4)*math.Cos(float64(y)/37))
			c := color.RGBA{v, uint8(x >> 3), 255 - v, 255}
			if (x/45+y/77)%5 == 0 {
				c.R, c.B = 240, 30
			}
			photo.SetRGBA(x, y, c)
		}
	}
	var file bytes.Buffer
	if err := jpeg.Encode(&file, photo, &jpeg.Options{Quality: 92}); err != nil {
		t.Fatal(err)
	}
	in := Input{Shape: image.Shape{C: 3, H: 224, W: 224}, Resize: 256, Crop: 224}
	p, err := NewPreparer(in)
	if err != nil {
		t.Fatal(err)
	}
	seen := func(least, height int) []float32 {
		var m image.Image
		if err := codec.DecodeAtLeast(file.Bytes(), &m, least); err != nil {
			t.Fatal(err)
		}
		if m.H != height {
			t.Fatalf("at least %d: %v: want a height of %d", least, m.Shape, height)
		}
		x := make([]float32, in.Len())
		if err := p.Prepare(x, &m); err != nil {
			t.Fatal(err)
		}
		return x
	}
	whole, ours, draft := seen(0, 1200), seen(in.Least(), 600), seen(in.Resize, 300)
	off := func(x []float32) (sum float64) {
		for i, v := range x {
			sum += 255 * math.Abs(float64(v-whole[i])) / float64(len(x))
		}
		return sum
	}
	if o, d := off(ours), off(draft); o > .7 || o > d/2 {
		t.Errorf("%.3f levels from what the whole picture gives, the draft mode %.3f: want at most 0.7, and half of that", o, d)
	}
}
