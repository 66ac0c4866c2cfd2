package onnx_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/onnx"
)

// A model of another program becomes an expression graph, that any node can follow. Its tensors are parameters, to be
// trained or kept.
func ExampleLoad() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "model.onnx")
	if err := somebody(path); err != nil {
		log.Fatal(err)
	}

	model, err := onnx.Load(path)
	if err != nil {
		log.Fatal(err)
	}
	b := graph.NewBuilder(graph.NewParams(), graph.Eval)
	x := b.Input("image", 1, 1, 2, 2)
	outputs, err := model.Build(b, x)
	if err != nil {
		log.Fatal(err)
	}
	squares := gorgonia.Must(gorgonia.Square(outputs[0]))
	s, err := graph.Compile(b, []*gorgonia.Node{squares}, graph.Config{})
	if err != nil {
		log.Fatal(err)
	}
	b.Params().Init(1) // to the values in the file
	if err := s.Bind(x, []float32{1, 2, 3, 4}); err != nil {
		log.Fatal(err)
	}
	if err := s.Run(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(model.Inputs[0].Name, model.Inputs[0].Shape, b.Params().Count(), "parameters", s.Value(squares))
	// Output: input [-1 1 2 2] 10 parameters [25 225]
}

// somebody writes a fully connected layer of ones and twos, without biases to speak of.
func somebody(path string) error {
	b := graph.NewBuilder(graph.NewParams(), graph.Eval)
	x := b.Input("x", 1, 1, 2, 2)
	y := b.Dense(b.Flatten(x), "fc", 2, graph.Init(graph.Constant(1), graph.Constant(0)))
	b.Params().Init(1)
	b.Params().Get("fc.bias").Data = []float32{-5, 5}
	return onnx.Save(path, b, x, y, onnx.Config{})
}
