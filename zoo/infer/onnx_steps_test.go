package infer_test

import (
	"path/filepath"
	"slices"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/onnx"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// A file of a network runs as fast as the network does, since it takes as many steps that move as many bytes, or fewer:
// a scale of a layer goes into its weights. Every form of every network, thin, is exported and read again.
func TestAnONNXFileRunsTheStepsOfItsNetwork(t *testing.T) {
	for _, e := range zoo.List() {
		for _, v := range e.Variants {
			t.Run(e.Name+" "+v.Name, func(t *testing.T) {
				opts := []zoo.Option{zoo.Variant(v.Name)}
				if slices.Contains(v.Takes, "width") {
					opts = append(opts, zoo.Width(0.25))
				}
				if testing.Short() && v.MACs > 1e9 {
					t.Skip("takes a second or two")
				}
				m, err := zoo.New(e.Name, opts...)
				if err != nil {
					t.Fatal(err)
				}
				b := graph.NewBuilder(graph.NewParams(), graph.Eval)
				x := b.Input("image", 1, m.Input[0], m.Input[1], m.Input[2])
				y, err := m.Build(b, x)
				if err != nil {
					t.Fatal(err)
				}
				b.Params().Init(1)
				path := filepath.Join(t.TempDir(), "model.onnx")
				if err := onnx.Save(path, b, x, y, onnx.Config{Meta: weights.Meta{}}); err != nil {
					t.Fatal(err)
				}
				want := steps(t, b, x, y)

				file, err := onnx.Load(path)
				if err != nil {
					t.Fatal(err)
				}
				b = graph.NewBuilder(graph.NewParams(), graph.Eval)
				x = b.Input("image", 1, m.Input[0], m.Input[1], m.Input[2])
				read, err := file.Build(b, x)
				if err != nil {
					t.Fatal(err)
				}
				b.Params().Init(1)
				got := steps(t, b, x, read[0])
				if e.Name == "lenet5" && v.Name == "1998" {
					t.Skip("its partial convolutions and its codes are written as whole ones and as arithmetic")
				}
				if len(got) > len(want) || total(got) > 1.01*total(want) {
					t.Errorf("the file takes %d steps that move %.0f bytes, the network %d that move %.0f", len(got), total(got), len(want), total(want))
				}
			})
		}
	}
}

func total(steps []graph.StepTime) (bytes float64) {
	for _, s := range steps {
		bytes += float64(s.Bytes)
	}
	return bytes
}

// steps lists what a program does.
func steps(t *testing.T, b *graph.Builder, x, y *gorgonia.Node) []graph.StepTime {
	t.Helper()
	s, err := graph.Compile(b, []*gorgonia.Node{y}, graph.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Bind(x, make([]float32, x.Shape().TotalSize())); err != nil {
		t.Fatal(err)
	}
	s.Profile()
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	return s.Profile()
}
