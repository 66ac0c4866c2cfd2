package onnx

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

// within is a graph as an attribute.
func within(name string, nodes, tensors []*message, outputs ...string) *message {
	g, a := &message{}, &message{}
	for _, n := range nodes {
		g.message(1, n)
	}
	for _, t := range tensors {
		g.message(5, t)
	}
	for _, name := range outputs {
		g.message(12, Value{Name: name}.message())
	}
	a.text(1, name)
	a.message(6, g)
	a.int(20, 5)
	return a
}

// ran is what a model gives for an input of so many rows of three: 1, 2, 3, …
func ran(t *testing.T, m *Model, rows int) ([]float32, []int, error) {
	t.Helper()
	b := graph.NewBuilder(graph.NewParams(), graph.Eval)
	x := b.Input("image", rows, 3)
	y, err := m.Build(b, x)
	if err != nil {
		return nil, nil, err
	}
	b.Params().Init(1)
	s, err := graph.Compile(b, []*gorgonia.Node{y[0]}, graph.Config{})
	if err != nil {
		t.Fatal(err)
	}
	data := make([]float32, 3*rows)
	for i := range data {
		data[i] = float32(i + 1)
	}
	if err := s.Bind(x, data); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	return slices.Clone(s.Value(y[0])), y[0].Shape(), nil
}

// One row gets its double, plus a tensor of the branch; more rows are summed up by a graph in which another chooses.
func branching() sketch {
	inner := use("If", []string{"two rows"}, "inner",
		within("then_branch", []*message{use("Mul", []string{"summed", "five"}, "a")}, []*message{floats("five", nil, 5)}, "a"),
		within("else_branch", []*message{use("Neg", []string{"summed"}, "b")}, nil, "b"))
	return sketch{input: []int64{-1, 3}, nodes: []*message{
		use("Shape", []string{"x"}, "shape"), use("Gather", []string{"shape", "first"}, "rows"),
		use("Equal", []string{"rows", "one"}, "one row"), use("Equal", []string{"rows", "two"}, "two rows"),
		use("Add", []string{"x", "x"}, "double"),
		use("If", []string{"one row"}, "y",
			within("then_branch", []*message{use("Add", []string{"double", "shift"}, "shifted")}, []*message{floats("shift", []int{3}, 10, 20, 30)}, "shifted"),
			within("else_branch", []*message{use("ReduceSum", []string{"x"}, "summed", intAttr("keepdims", 0)), inner}, nil, "inner")),
	}, tensors: []*message{longs("first", 0), longs("one", 1), longs("two", 2)}}
}

func TestABranchIsChosenWhenAGraphIsBuilt(t *testing.T) {
	m, err := Read(bytes.NewReader(branching().bytes()))
	if err != nil {
		t.Fatal(err)
	}
	again, err := Read(bytes.NewReader(m.Structure()))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		rows  int
		want  []float32
		shape []int
	}{{1, []float32{12, 24, 36}, []int{1, 3}}, {2, []float32{105}, nil}, {3, []float32{-45}, nil}} {
		for name, m := range map[string]*Model{"as read": m, "from its structure": again} {
			got, shape, err := ran(t, m, c.rows)
			if err != nil {
				t.Fatal(name, err)
			}
			if !slices.Equal(got, c.want) || c.shape != nil && !slices.Equal(shape, c.shape) {
				t.Errorf("%s, %d rows: %v of the shape %v, want %v", name, c.rows, got, shape, c.want)
			}
		}
	}
}

func TestWhatCannotBeChosenIsOneErrorLine(t *testing.T) {
	same := within("else_branch", []*message{use("Neg", []string{"x"}, "e")}, nil, "e")
	choose := func(attrs ...*message) sketch {
		return sketch{input: []int64{1, 3}, nodes: []*message{use("If", []string{"yes"}, "y", attrs...)}, tensors: []*message{longs("yes", 1)}}
	}
	deep := use("Neg", []string{"x"}, "d")
	for range 20 {
		deep = use("If", []string{"yes"}, "d", within("then_branch", []*message{deep}, nil, "d"))
	}
	twice := []*message{floats("t", nil, 1)}
	computed := choose(within("then_branch", nil, nil, "x"), same)
	computed.nodes = append([]*message{use("ReduceMax", []string{"x"}, "yes", intAttr("keepdims", 0))}, computed.nodes...)
	computed.tensors = nil
	for _, c := range []struct {
		name, want string
		s          sketch
	}{
		{"a condition that is computed", "its condition yes is computed from the image", computed},
		{"no branch for it", "it has no then_branch", choose(same)},
		{"an operator that nobody knows, in the branch taken", "operators that this program does not know: Unique (node Unique of y)",
			choose(within("then_branch", []*message{use("Unique", []string{"x"}, "u")}, nil, "u"), same)},
		{"a branch that reads what nothing gives", `a branch of If of y reads "nothing", which nothing gives`,
			choose(within("then_branch", []*message{use("Neg", []string{"nothing"}, "u")}, nil, "u"), same)},
		{"a branch without outputs", "gives 0 values, 1 are wanted", choose(within("then_branch", nil, nil), same)},
		{"nested too deep", "more than 16 deep", sketch{input: []int64{1, 3}, nodes: []*message{deep}, tensors: []*message{longs("yes", 1)}}},
		{"two tensors of a name", `two tensors are called "t"`, choose(within("then_branch", nil, twice, "t"), within("else_branch", nil, twice, "t"))},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := Read(bytes.NewReader(c.s.bytes()))
			if err == nil {
				_, _, err = ran(t, m, 1)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v does not say %q", err, c.want)
			}
		})
	}
	// One that is not taken may have any operator.
	m, err := Read(bytes.NewReader(choose(within("then_branch", []*message{use("Neg", []string{"x"}, "n")}, nil, "n"), within("else_branch", []*message{use("Unique", []string{"x"}, "u")}, nil, "u")).bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := ran(t, m, 1); err != nil || !slices.Equal(got, []float32{-1, -2, -3}) {
		t.Errorf("%v, %v", got, err)
	}
}
