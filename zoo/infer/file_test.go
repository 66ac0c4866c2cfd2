package infer_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"slices"
	"strings"
	"testing"

	pixels "github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image/codec"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// scene is a picture with edges and slopes.
func scene(w, h int) image.Image {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			v := 127 + 90*math.Sin(float64(x)/float64(w)*19)*math.Cos(float64(y)/float64(h)*13)
			c := color.RGBA{uint8(v), uint8(255 * x / w), uint8(255 * y / h), 255}
			if (9*x/w+7*y/h)%4 == 0 {
				c.R, c.G = 250, 30
			}
			m.SetRGBA(x, y, c)
		}
	}
	return m
}

func TestAFileIsPreparedAsItsPictureIs(t *testing.T) {
	c := load(t, save(t, zoo.LeNet5(), graph.Eval, nil))
	in := c.Input()
	one := in[0] * in[1] * in[2]
	var small, large bytes.Buffer
	if err := png.Encode(&small, scene(70, 50)); err != nil {
		t.Fatal(err)
	}
	if err := jpeg.Encode(&large, scene(900, 700), &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	for _, f := range []struct {
		name string
		file []byte
		most float64 // of a mean difference, in levels of 255
	}{{"a small PNG", small.Bytes(), 0}, {"a large JPEG, which is decoded at a smaller size", large.Bytes(), 1.5}} {
		var m pixels.Image
		if err := codec.Decode(f.file, &m); err != nil {
			t.Fatal(err)
		}
		got, want := make([]float32, one), make([]float32, one)
		if err := c.Prepare(want, &m); err != nil {
			t.Fatal(err)
		}
		if err := c.PrepareFile(got, f.file); err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for i := range want {
			sum += math.Abs(float64(got[i]-want[i])) * .25 * 255 / float64(one)
		}
		if sum > f.most {
			t.Errorf("%s: %.3f levels from the whole picture on average: want at most %v", f.name, sum, f.most)
		}
	}
	if err := c.PrepareFile(make([]float32, 3), small.Bytes()); err == nil || !strings.Contains(err.Error(), "room for 3 numbers") {
		t.Errorf("too little room: error %v", err)
	}
	for _, file := range [][]byte{nil, []byte("no picture"), small.Bytes()[:60], large.Bytes()[:900]} {
		if err := c.PrepareFile(make([]float32, one), file); !errors.Is(err, pixels.ErrBroken) {
			t.Errorf("%d bytes of a file: error %v", len(file), err)
		}
	}
}

func TestTopIsWhatPredictGives(t *testing.T) {
	c := load(t, save(t, zoo.LeNet5(), graph.Eval, nil))
	img := scene(40, 40)
	logits, err := c.Logits(t.Context(), img)
	if err != nil {
		t.Fatal(err)
	}
	want, err := c.Predict(t.Context(), img, 3)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Top(logits, 3); !slices.Equal(got, want) {
		t.Errorf("%v: want %v", got, want)
	}
}
