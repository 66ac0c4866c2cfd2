package infer_test

import (
	"context"
	"errors"
	"image"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// ending is an image that ends a context when it is read.
type ending struct {
	image.Image
	end context.CancelFunc
}

func (e ending) Bounds() image.Rectangle {
	e.end()
	return e.Image.Bounds()
}

func TestPredictionsEndWithTheirContext(t *testing.T) {
	c := load(t, save(t, zoo.LeNet5(), graph.Eval, nil))
	var images []image.Image
	for i := range 400 {
		images = append(images, noise(uint64(i), 28, 28))
	}
	want, err := c.PredictBatch(images, 2)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.PredictContext(t.Context(), images, 2)
	if err != nil || len(got) != len(want) || got[399][1] != want[399][1] {
		t.Errorf("with a context that lasts: %d predictions, %v", len(got), err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	read := 0
	for i := range images {
		if i == 9 {
			images[i] = ending{images[i], cancel}
		} else {
			images[i] = counted{images[i], &read}
		}
	}
	if _, err := c.PredictContext(ctx, images[:4], 1); err != nil {
		t.Errorf("before its end: %v", err)
	}
	read = 0
	one := images[8:10] // of one step, which the second image's reading ends
	if _, err := c.PredictContext(ctx, one, 1); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("at its end: %v", err)
	}
	read = 0
	if _, err := c.PredictContext(ctx, images, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("after its end: %v", err)
	}
	if read > 0 {
		t.Errorf("after its end %d images were read", read)
	}
	// It is as good as new.
	if again, err := c.Predict(noise(0, 28, 28), 2); err != nil || again[0].Index != want[0][0].Index {
		t.Errorf("afterwards: %v, %v", again, err)
	}
}

// counted is an image that counts how often it is looked at, by one goroutine.
type counted struct {
	image.Image
	n *int
}

func (c counted) Bounds() image.Rectangle {
	*c.n++
	return c.Image.Bounds()
}
