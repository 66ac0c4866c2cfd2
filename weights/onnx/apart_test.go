package onnx

import (
	"bytes"
	"slices"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

// numbersOf builds a model for x and runs it; it is also written, read again and run.
func numbersOf(t *testing.T, s sketch, x []float32) (got, again []float32) {
	t.Helper()
	file := s.bytes()
	for range 2 {
		m, err := Read(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		b := graph.NewBuilder(graph.NewParams(), graph.Eval)
		in := b.Input("image", clampInts(s.input)...)
		outputs, err := m.Build(b, in)
		if err != nil {
			t.Fatal(err)
		}
		b.Params().Init(1)
		got, again = again, computed(t, b, in, outputs[0], x)
		var w bytes.Buffer
		if err := Write(&w, b, in, outputs[0], Config{}); err != nil {
			t.Fatal(err)
		}
		file = w.Bytes()
	}
	return got, again
}

func computed(t *testing.T, b *graph.Builder, x, y *gorgonia.Node, image []float32) []float32 {
	t.Helper()
	s, err := graph.Compile(b, []*gorgonia.Node{y}, graph.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Bind(x, image); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	return slices.Clone(s.Value(y))
}

// Numbers that are stretched to the same shape stay their own, in however many nodes.
func TestNumbersThatAreStretchedAlikeStayApart(t *testing.T) {
	for _, c := range []struct {
		name  string
		nodes []*message
		want  []float32
	}{
		{"a mask after a mask", []*message{
			use("Less", []string{"x", "a"}, "l"), use("Where", []string{"l", "b", "x"}, "m"),
			use("Greater", []string{"m", "c"}, "g"), use("Where", []string{"g", "m", "d"}, "y"),
		}, []float32{7, 7, 1, 2, 7, 3}},
		{"two chosen from, then added", []*message{
			use("Less", []string{"x", "a"}, "l"), use("Where", []string{"l", "b", "c"}, "m"),
			use("Where", []string{"l", "d", "b"}, "n"), use("Add", []string{"m", "n"}, "y"),
		}, []float32{7.25, 7.25, .75, .75, 7.25, .75}},
	} {
		got, again := numbersOf(t, sketch{input: []int64{1, 2, 3}, nodes: c.nodes, tensors: []*message{
			floats("a", []int{1}, -.5), floats("b", []int{1}, .25), floats("c", []int{1}, .5), floats("d", []int{1}, 7),
		}}, []float32{-1, -2, 1, 2, -3, 3})
		if !slices.Equal(got, c.want) || !slices.Equal(again, c.want) {
			t.Errorf("%s: %v, written and read again %v, want %v", c.name, got, again, c.want)
		}
	}
}

// A part without elements adds nothing to what it is joined with: a roll of one row has one.
func TestAnEmptyPartIsJoined(t *testing.T) {
	got, again := numbersOf(t, sketch{input: []int64{1, 1, 3}, tensors: []*message{longs("zero", 0), longs("one", 1), longs("end", 99)}, nodes: []*message{
		use("Slice", []string{"x", "zero", "one", "one"}, "all"), use("Slice", []string{"x", "one", "end", "one"}, "none"),
		use("Concat", []string{"none", "all"}, "joined", intAttr("axis", 1)), use("Neg", []string{"joined"}, "y"),
	}}, []float32{1, 2, 3})
	if want := []float32{-1, -2, -3}; !slices.Equal(got, want) || !slices.Equal(again, want) {
		t.Errorf("%v, written and read again %v, want %v", got, again, want)
	}
}

// Layers may have one name in a graph; in a file each value has its own, and so have the constants inside of layers.
func TestLayersOfOneNameAreWrittenApart(t *testing.T) {
	b := graph.NewBuilder(graph.NewParams(), graph.Eval)
	x := b.Input("x", 1, 3)
	y := x
	for i, eps := range []float32{1e-5, 3} {
		scale, shift := b.Values([]string{"s1", "s2"}[i], []float32{1, 2, 3}, 3), b.Values([]string{"t1", "t2"}[i], []float32{0, 1, 0}, 3)
		y = b.LayerNormWith(y, scale, shift, "norm", eps)
	}
	if err := b.Err(); err != nil {
		t.Fatal(err)
	}
	image := []float32{1, 4, -2}
	want := computed(t, b, x, y, image)
	var w bytes.Buffer
	if err := Write(&w, b, x, y, Config{}); err != nil {
		t.Fatal(err)
	}
	m, err := Read(bytes.NewReader(w.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	other := graph.NewBuilder(graph.NewParams(), graph.Eval)
	in := other.Input("x", 1, 3)
	outputs, err := m.Build(other, in)
	if err != nil {
		t.Fatal(err)
	}
	other.Params().Init(1)
	if got := computed(t, other, in, outputs[0], image); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
