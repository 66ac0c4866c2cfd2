package image_test

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// A list is images by their pixels; nil is one that is broken.
type list []*image.Image

func (l list) Len() int { return len(l) }

func (l list) Image(i int, dst *image.Image) error {
	if l[i] == nil {
		return fmt.Errorf("%d.jpg: %w: no picture at all", i, image.ErrBroken)
	}
	dst.Reset(l[i].Shape)
	copy(dst.Pix, l[i].Pix)
	return nil
}

func TestMomentsAreThoseOfAllPixels(t *testing.T) {
	shape := image.Shape{C: 3, H: 1, W: 2}
	l := list{{Shape: shape, Pix: []uint8{0, 51, 255, 153, 102, 0}}, nil, {Shape: shape, Pix: []uint8{204, 255, 51, 51, 0, 0}}}
	m, err := image.Measure(l, 10)
	if err != nil {
		t.Fatal(err)
	}
	for c, want := range []float64{.5, .5, .1} { // (0 + .2 + .8 + 1)/4, (1 + .6 + .2 + .2)/4, .4/4
		if math.Abs(m.Mean(c)-want) > 1e-12 {
			t.Errorf("channel %d: mean %v: want %v", c, m.Mean(c), want)
		}
	}
	for a, row := range [3][3]float64{{.17, -.13, -.05}, {-.13, .11, .05}, {-.05, .05, .03}} {
		for b, want := range row {
			if got := m.Covariance(a, b); math.Abs(got-want) > 1e-12 {
				t.Errorf("channels %d and %d: covariance %v: want %v", a, b, got, want)
			}
		}
	}
	if m, err = image.Measure(l, 2); err != nil || math.Abs(m.Mean(0)-.1) > 1e-12 {
		t.Errorf("two of three, one of them broken: mean %v, %v: want that of the first, .1", m.Mean(0), err)
	}
}

func TestWhatHasNoMomentsIsAnError(t *testing.T) {
	one := func(c int) *image.Image {
		return &image.Image{Shape: image.Shape{C: c, H: 1, W: 1}, Pix: make([]uint8, c)}
	}
	for _, l := range []list{{}, {nil, nil}, {one(4)}, {one(1), one(3)}} {
		if _, err := image.Measure(l, 10); err == nil {
			t.Errorf("%v has moments", l)
		}
	}
	if _, err := image.Measure(list{one(3), nil}, 10); errors.Is(err, image.ErrBroken) {
		t.Errorf("a broken image is not left out: %v", err)
	}
}
