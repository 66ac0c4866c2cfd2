package onnx

import (
	"io"
	"path/filepath"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

func TestNothingIsAnError(t *testing.T) {
	b := graph.NewBuilder(graph.NewParams(), graph.Eval)
	x := b.Input("x", 1, 3)
	path := filepath.Join(t.TempDir(), "x.onnx")
	for what, f := range map[string]func() error{
		"LoadFS":          func() error { _, err := LoadFS(nil, "x"); return err },
		"Read":            func() error { _, err := Read(nil); return err },
		"Write":           func() error { return Write(nil, b, x, b.ReLU(x), Config{}) },
		"Write nil":       func() error { return Write(io.Discard, nil, x, x, Config{}) },
		"Write no input":  func() error { return Write(io.Discard, b, nil, x, Config{}) },
		"Write no output": func() error { return Write(io.Discard, b, x, nil, Config{Softmax: true}) },
		"Save nil":        func() error { return Save(path, nil, x, x, Config{}) },
		"Save no graph":   func() error { return Save(path, new(graph.Builder), x, x, Config{}) },
		"Build": func() error {
			_, err := new(Model).Build(nil, []*gorgonia.Node{nil}...)
			return err
		},
	} {
		if err := f(); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}
