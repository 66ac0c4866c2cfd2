package onnx

import (
	"bytes"
	"slices"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

// A network of nothing, such as dropout alone in evaluation, gives its input: also when it is written.
func TestANetworkOfNothingIsWritten(t *testing.T) {
	for _, softmax := range []bool{false, true} {
		b := graph.NewBuilder(graph.NewParams(), graph.Eval)
		x := b.Input("x", 2, 3)
		var file bytes.Buffer
		if err := Write(&file, b, x, b.Dropout(x, 0.5), Config{Softmax: softmax}); err != nil {
			t.Fatal(err)
		}
		m, err := Read(&file)
		if err != nil {
			t.Fatal(err)
		}
		b = graph.NewBuilder(graph.NewParams(), graph.Eval)
		x = b.Input("x", 2, 3)
		y, err := m.Build(b, x)
		if err != nil {
			t.Fatal(err)
		}
		s, err := graph.Compile(b, []*gorgonia.Node{y[0]}, graph.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Bind(x, []float32{1, 2, 3, 7, 7, 7}); err != nil {
			t.Fatal(err)
		}
		if err := s.Run(); err != nil {
			t.Fatal(err)
		}
		want := []float32{1, 2, 3, 7, 7, 7}
		if softmax {
			want = []float32{0.09003057, 0.24472848, 0.66524094, 1. / 3, 1. / 3, 1. / 3}
		}
		if got := s.Value(y[0]); !slices.EqualFunc(got, want, func(a, b float32) bool { return a-b < 1e-6 && b-a < 1e-6 }) {
			t.Errorf("softmax %v: %v, want %v", softmax, got, want)
		}
	}
}
