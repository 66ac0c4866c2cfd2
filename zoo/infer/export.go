package infer

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/onnx"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// Stored describes the network that the metadata of a weights file names.
func Stored(meta weights.Meta) (*zoo.Model, error) {
	if meta.Network == "" {
		return nil, errors.New("the file does not say which network it belongs to: zoo import makes one that does")
	}
	var o zoo.Options
	if len(meta.Options) > 0 {
		if err := json.Unmarshal(meta.Options, &o); err != nil {
			return nil, fmt.Errorf("options of %s: %w", meta.Network, err)
		}
	}
	return zoo.New(meta.Network, zoo.WithOptions(o))
}

// SaveONNX writes the network of a weights file as an ONNX model, with the file's metadata: input
// "input", N×C×H×W with a free N, and output "logits", what [zoo.Model.Build] returns, or "probabilities". c
// says how; its metadata are the file's. Classifiers on inner layers stay behind.
func SaveONNX(path string, f *weights.File, c onnx.Config) error {
	if f == nil {
		return errors.New("no weights: the file is nil")
	}
	m, err := Stored(f.Meta)
	if err != nil {
		return err
	}
	stored, err := paramsFor(m, f.Specs())
	if err != nil {
		return err
	}
	var want []weights.Spec
	for _, p := range stored.All() {
		want = append(want, weights.Spec{Name: p.Name, Shape: p.Shape})
	}
	if err := weights.Match(f.Specs(), want); err != nil {
		return fmt.Errorf("%s: %w", m.Name, err)
	}
	b := graph.NewBuilder(graph.NewParams(), graph.Eval)
	x := b.Input("image", 1, m.Input[0], m.Input[1], m.Input[2])
	y, err := m.Build(b, x)
	if err != nil {
		return err
	}
	for _, t := range f.Tensors {
		if p := b.Params().Get(t.Name); p != nil {
			p.Data = t.Data
		}
	}
	if c.Softmax && m.Loss != zoo.CrossEntropy {
		return fmt.Errorf("%s: its output is no list of classes: there is no softmax of it", m.Name)
	}
	c.Meta = f.Meta
	return onnx.Save(path, b, x, y, c)
}
