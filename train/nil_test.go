package train

import (
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// What is nil, or says nothing, is an error, not a panic.
func TestNothingIsAnError(t *testing.T) {
	data, folder := split(t), t.TempDir()
	silent := tiny()
	silent.Build = nil
	barren := tiny()
	barren.Build = func(*graph.Builder, *gorgonia.Node) (*gorgonia.Node, error) { return nil, nil }
	goOn := func(string, recipe.Config) (*Trainer, error) { return nil, nil }
	opens := func(string) (*weights.Reader, error) { return nil, nil }
	knows := func(weights.Meta) (Network, error) { return tiny(), nil }
	for what, f := range map[string]func() error{
		"New":            func() error { _, err := New(tinyConfig(), Of(nil), data, Options{Folder: folder}); return err },
		"New, no graph":  func() error { _, err := New(tinyConfig(), silent, data, Options{Folder: folder}); return err },
		"New, no output": func() error { _, err := New(tinyConfig(), barren, data, Options{Folder: folder}); return err },
		"Bench, no output": func() error {
			_, err := Bench(t.Context(), barren, BenchConfig{Mode: "train", Batch: 1, Time: 1})
			return err
		},
		"Evaluate, network": func() error {
			_, err := Evaluate(t.Context(), EvalConfig{Weights: []string{"x"}, Images: data.Val})
			return err
		},
		"New, no data": func() error {
			_, err := New(tinyConfig(), tiny(), datasets.Split{}, Options{Folder: folder})
			return err
		},
		"Bench": func() error {
			_, err := Bench(t.Context(), Network{}, BenchConfig{Mode: "train", Batch: 1, Time: 1})
			return err
		},
		"Bench, no graph": func() error {
			_, err := Bench(t.Context(), silent, BenchConfig{Mode: "infer", Batch: 1, Time: 1})
			return err
		},
		"Evaluate":         func() error { _, err := Evaluate(t.Context(), EvalConfig{Images: data.Val}); return err },
		"Evaluate, images": func() error { _, err := Evaluate(t.Context(), EvalConfig{Weights: []string{"x"}}); return err },
		"Evaluate, reader": func() error {
			_, err := Evaluate(t.Context(), EvalConfig{Weights: []string{"x"}, Open: opens, Network: knows, Images: data.Val})
			return err
		},
		"OpenMember":        func() error { _, err := OpenMember(folder, 0, nil, nil); return err },
		"OpenMember, begin": func() error { _, err := OpenMember(folder, 0, goOn, nil); return err },
		"Divide":            func() error { _, _, _, err := Divide(recipe.Config{}, datasets.Split{}); return err },
	} {
		if err := f(); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	quick := recipe.Quick(1, 16, 0.1)
	if quick.With(nil).Epochs != quick.Epochs {
		t.Error("no change is a change")
	}
}
