package infer

import (
	"context"
	"image"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/onnx"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// What is nil, or was not made by a constructor, is an error, not a panic.
func TestNothingIsAnError(t *testing.T) {
	img := image.NewGray(image.Rect(0, 0, 2, 2))
	var none context.Context
	var c Classifier
	reader, err := weights.FromFile("w", "nothing", &weights.File{})
	if err != nil {
		t.Fatal(err)
	}
	for what, f := range map[string]func() error{
		"LoadFrom nil":             func() error { _, err := LoadFrom(nil, nil); return err },
		"LoadFrom":                 func() error { _, err := LoadFrom(reader, nil); return err },
		"Params":                   func() error { _, err := Params(nil, nil); return err },
		"Params of no model":       func() error { _, err := Params(reader, nil); return err },
		"Params of an empty model": func() error { _, err := Params(reader, &zoo.Model{}); return err },
		"Import":                   func() error { _, err := Import(nil, nil, ImportConfig{}); return err },
		"Import of no model":       func() error { _, err := Import(reader, nil, ImportConfig{}); return err },
		"Import of an empty model": func() error { _, err := Import(reader, &zoo.Model{}, ImportConfig{}); return err },
		"Find":                     func() error { _, err := Find(nil, ""); return err },
		"FindVariant":              func() error { _, err := FindVariant(nil, "lenet5"); return err },
		"NewProgram":               func() error { _, err := NewProgram(nil, nil, 0, graph.Config{}); return err },
		"Program.Run":              func() error { return new(Program).Run(nil, 0, nil) },
		"SaveONNX":                 func() error { return SaveONNX("", nil, onnx.Config{}) },
		"Predict":                  func() error { _, err := c.Predict(none, img, 1); return err },
		"PredictBatch":             func() error { _, err := c.PredictBatch(none, []image.Image{nil}, 1); return err },
		"Logits":                   func() error { _, err := c.Logits(none, nil); return err },
		"Features":                 func() error { _, err := c.Features(none, img); return err },
		"Compute":                  func() error { return c.Compute(nil, 0, nil) },
		"Prepare":                  func() error { return c.Prepare(nil, nil) },
		"PrepareFile":              func() error { return c.PrepareFile(nil, nil) },
	} {
		if err := f(); err == nil {
			t.Errorf("%s is no error", what)
		}
	}
	if Fits(nil, nil) || Fits(reader, nil) || Preprocessing(nil) != nil || Variants(nil, "lenet5") != nil {
		t.Error("nothing fits")
	}
	if c.Classes() != nil || c.Parameters() != nil || c.Halves() != nil || c.Input() != [3]int{} || c.Top(nil, 1) != nil || c.Top([]float32{1}, -1) != nil {
		t.Error("an empty classifier has something")
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := new(Source).Close(); err != nil {
		t.Error(err)
	}
}
