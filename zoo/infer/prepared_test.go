package infer_test

import (
	"image"
	"image/color"
	"math"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

func TestPreparedImagesGiveTheSameLogits(t *testing.T) {
	c := load(t, save(t, zoo.LeNet5(), graph.Eval, nil))
	in := c.Input()
	one, k := in[0]*in[1]*in[2], len(c.Classes())
	for _, n := range []int{1, 3, 4, 5, 16, 21} {
		x, got := make([]float32, n*one), make([]float32, n*k)
		var pictures []image.Image
		for i := range n {
			img := image.NewGray(image.Rect(0, 0, 40, 30))
			for j := range img.Pix {
				img.Pix[j] = uint8(7*i + j*j%251)
			}
			img.SetGray(i, i, color.Gray{255})
			pictures = append(pictures, img)
			if err := c.Prepare(x[i*one:(i+1)*one], img); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Compute(x, n, got); err != nil {
			t.Fatal(err)
		}
		batch, err := c.PredictBatch(t.Context(), pictures, k)
		if err != nil || len(batch) != n {
			t.Fatalf("%d answers to %d images: %v", len(batch), n, err)
		}
		for i, img := range pictures {
			want, err := c.Logits(t.Context(), img)
			if err != nil {
				t.Fatal(err)
			}
			// Steps for one image and for many add in different orders.
			if d := apart(got[i*k:(i+1)*k], want); d > 1e-5 {
				t.Errorf("image %d of %d: %v, should be %v", i, n, got[i*k:(i+1)*k], want)
			}
			sum := 0.0
			for _, v := range want {
				sum += math.Exp(float64(v))
			}
			for _, p := range batch[i] {
				if probability := math.Exp(float64(want[p.Index])) / sum; math.Abs(float64(p.Probability)-probability) > 1e-5 {
					t.Errorf("image %d of %d in a batch: class %d is %g, should be %g", i, n, p.Index, p.Probability, probability)
				}
			}
			if len(batch[i]) != k {
				t.Errorf("image %d of %d has %d classes in a batch", i, n, len(batch[i]))
			}
		}
	}
	if err := c.Prepare(make([]float32, 3), image.NewGray(image.Rect(0, 0, 2, 2))); err == nil || !strings.Contains(err.Error(), "room for 3 numbers") {
		t.Errorf("too little room: %v", err)
	}
	if err := c.Compute(make([]float32, 5), 1, make([]float32, k)); err == nil || !strings.Contains(err.Error(), "1 images in 5 numbers") {
		t.Errorf("too few numbers: %v", err)
	}
	if err := c.Prepare(make([]float32, one), nil); err == nil {
		t.Error("nil is prepared")
	}
}
