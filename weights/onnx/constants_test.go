package onnx

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

// integers is a tensor of int64 of any shape.
func integers(name string, shape []int, list ...int) *message {
	t := tensorHeader(name, typeInt64, shape)
	var b []byte
	for _, v := range list {
		for i := range 8 {
			b = append(b, byte(uint64(v)>>(8*i)))
		}
	}
	t.bytes(9, b)
	return t
}

// What follows from constants is computed when a graph is built, as ONNX defines it.
func TestConstantsAreComputed(t *testing.T) {
	a := floats("a", []int{2, 3}, 1, -2, 3.5, 0, 4, -1)
	b := floats("b", []int{3}, 2, 0.5, -1)
	i, j := integers("i", []int{2, 2}, 7, -7, 4, 0), integers("j", []int{2}, 2, 3)
	shape, axis := integers("shape", []int{2}, 3, 2), integers("axis", []int{1}, 1)
	flags := integers("flags", []int{2, 2}, 1, 0, 0, 1)
	type of = []float64
	for _, tt := range []struct {
		name  string
		nodes []*message
		shape []int
		want  of
	}{
		{"sum", []*message{use("Add", []string{"a", "b"}, "y")}, []int{2, 3}, of{3, -1.5, 2.5, 2, 4.5, -2}},
		{"difference", []*message{use("Sub", []string{"a", "b"}, "y")}, []int{2, 3}, of{-1, -2.5, 4.5, -2, 3.5, 0}},
		{"product", []*message{use("Mul", []string{"a", "b"}, "y")}, []int{2, 3}, of{2, -1, -3.5, 0, 2, 1}},
		{"quotient", []*message{use("Div", []string{"a", "b"}, "y")}, []int{2, 3}, of{0.5, -4, -3.5, 0, 8, 1}},
		{"power", []*message{use("Pow", []string{"b", "j3"}, "y")}, []int{3}, of{4, 0.125, 1}},
		{"whole sum and product", []*message{use("Add", []string{"i", "j"}, "s"), use("Mul", []string{"s", "j"}, "y")}, []int{2, 2}, of{18, -12, 12, 9}},
		{"whole quotient, towards zero", []*message{use("Div", []string{"i", "j"}, "y")}, []int{2, 2}, of{3, -2, 2, 0}},
		{"whole difference and power", []*message{use("Sub", []string{"i", "j"}, "d"), use("Pow", []string{"d", "j"}, "y")}, []int{2, 2}, of{25, -1000, 4, -27}},
		{"rest of a division", []*message{use("Mod", []string{"i", "j"}, "y")}, []int{2, 2}, of{1, 2, 0, 0}},
		{"rest of a division, as C has it", []*message{use("Mod", []string{"i", "j"}, "y", intAttr("fmod", 1))}, []int{2, 2}, of{1, -1, 0, 0}},
		{"largest and smallest", []*message{use("Max", []string{"a", "b"}, "m"), use("Min", []string{"m", "b"}, "y")}, []int{2, 3}, of{2, 0.5, -1, 2, 0.5, -1}},
		{"whole largest", []*message{use("Max", []string{"i", "j"}, "y")}, []int{2, 2}, of{7, 3, 4, 3}},
		{"less", []*message{use("Less", []string{"a", "b"}, "y")}, []int{2, 3}, of{1, 1, 0, 1, 0, 0}},
		{"less or equal", []*message{use("LessOrEqual", []string{"a", "b"}, "y")}, []int{2, 3}, of{1, 1, 0, 1, 0, 1}},
		{"greater", []*message{use("Greater", []string{"i", "j"}, "y")}, []int{2, 2}, of{1, 0, 1, 0}},
		{"greater or equal", []*message{use("GreaterOrEqual", []string{"a", "b"}, "y")}, []int{2, 3}, of{0, 0, 1, 0, 1, 1}},
		{"equal and not", []*message{use("Equal", []string{"i", "i"}, "e"), use("Not", []string{"e"}, "y")}, []int{2, 2}, of{0, 0, 0, 0}},
		{"and", []*message{use("And", []string{"flags", "i"}, "y")}, []int{2, 2}, of{1, 0, 0, 0}},
		{"or", []*message{use("Or", []string{"flags", "i"}, "y")}, []int{2, 2}, of{1, 1, 1, 1}},
		{"exclusive or", []*message{use("Xor", []string{"flags", "i"}, "y")}, []int{2, 2}, of{0, 1, 1, 1}},
		{"choice", []*message{use("Where", []string{"flags", "i", "j"}, "y")}, []int{2, 2}, of{7, 3, 2, 0}},
		{"mean over an axis", []*message{use("ReduceMean", []string{"a"}, "y", intsAttr("axes", 1))}, []int{2, 1}, of{2.5 / 3, 1}},
		{"sum over all", []*message{use("ReduceSum", []string{"a"}, "y", intAttr("keepdims", 0))}, []int{1}, of{5.5}},
		{"sum over an axis that is an input", []*message{use("ReduceSum", []string{"i", "axis"}, "y")}, []int{2, 1}, of{0, 4}},
		{"sum over no axis, on request", []*message{use("ReduceSum", []string{"i"}, "y", intAttr("noop_with_empty_axes", 1))}, []int{2, 2}, of{7, -7, 4, 0}},
		{"extremes over an axis", []*message{
			use("ReduceMax", []string{"a"}, "m", intsAttr("axes", 0)), use("ReduceMin", []string{"a"}, "l", intsAttr("axes", 0)), use("Concat", []string{"m", "l"}, "y", intAttr("axis", 0)),
		}, []int{2, 3}, of{1, 4, 3.5, 0, -2, -1}},
		{"product over an axis", []*message{use("ReduceProd", []string{"i"}, "y", intsAttr("axes", 0), intAttr("keepdims", 0))}, []int{2}, of{28, 0}},
		{"functions", []*message{use("Abs", []string{"a"}, "p"), use("Sqrt", []string{"p"}, "r"), use("Neg", []string{"r"}, "y")}, []int{2, 3}, of{-1, -math.Sqrt2, -math.Sqrt(3.5), 0, -2, -1}},
		{"rounding", []*message{use("Round", []string{"b"}, "r"), use("Floor", []string{"a"}, "f"), use("Ceil", []string{"f"}, "c"), use("Add", []string{"c", "r"}, "y")}, []int{2, 3}, of{3, -2, 2, 2, 4, -2}},
		{"a line between bounds", []*message{use("HardSigmoid", []string{"a"}, "y", floatAttr("alpha", 0.25), floatAttr("beta", 0.5))}, []int{2, 3}, of{0.75, 0, 1, 0.5, 1, 0.25}},
		{"bounds", []*message{use("Clip", []string{"a", "low", "high"}, "y")}, []int{2, 3}, of{1, -1, 2, 0, 2, -1}},
		{"to whole numbers", []*message{use("Cast", []string{"a"}, "y", intAttr("to", typeInt64))}, []int{2, 3}, of{1, -2, 3, 0, 4, -1}},
		{"to fractions", []*message{use("Cast", []string{"i"}, "y", intAttr("to", typeFloat))}, []int{2, 2}, of{7, -7, 4, 0}},
		{"to truth and back", []*message{use("Cast", []string{"a"}, "t", intAttr("to", typeBool)), use("Cast", []string{"t"}, "y", intAttr("to", typeInt32))}, []int{2, 3}, of{1, 1, 1, 0, 1, 1}},
		{"wider fractions", []*message{use("Cast", []string{"b"}, "y", intAttr("to", typeDouble))}, []int{3}, of{2, 0.5, -1}},
		{"reshape and transpose", []*message{use("Reshape", []string{"a", "shape"}, "r"), use("Transpose", []string{"r"}, "y")}, []int{2, 3}, of{1, 3.5, 4, -2, 0, -1}},
		{"a column, squeezed", []*message{use("Gather", []string{"a", "two"}, "g", intAttr("axis", 1)), use("Squeeze", []string{"g"}, "y")}, []int{2}, of{3.5, -1}},
		{"repetition", []*message{use("Tile", []string{"j", "two"}, "y")}, []int{4}, of{2, 3, 2, 3}},
		{"expansion", []*message{use("Expand", []string{"j", "twos"}, "y")}, []int{2, 2}, of{2, 3, 2, 3}},
		{"a range", []*message{use("Range", []string{"zero", "seven", "step"}, "y")}, []int{3}, of{0, 3, 6}},
		{"a range of fractions", []*message{use("Range", []string{"low", "high", "half"}, "y")}, []int{6}, of{-1, -0.5, 0, 0.5, 1, 1.5}},
		{"sizes", []*message{use("Shape", []string{"a"}, "s"), use("Size", []string{"a"}, "z"), use("Mul", []string{"s", "z"}, "y")}, []int{2}, of{12, 18}},
		{"a part of a shape", []*message{use("Shape", []string{"a"}, "y", intAttr("start", -1))}, []int{1}, of{3}},
		{"a slice backwards", []*message{use("Slice", []string{"a", "from", "to", "axis", "back"}, "y")}, []int{2, 2}, of{3.5, -2, -1, 4}},
		{"padding by edges", []*message{use("Pad", []string{"j", "pads"}, "y", textAttr("mode", "edge"))}, []int{5}, of{2, 2, 3, 3, 3}},
		{"a fill", []*message{use("ConstantOfShape", []string{"shape"}, "y")}, []int{3, 2}, of{0, 0, 0, 0, 0, 0}},
		{"numbers in attributes", []*message{
			use("Constant", nil, "p", floatsAttr("value_floats", 1.5, 2)), use("Constant", nil, "q", floatAttr("value_float", 2)),
			use("Constant", nil, "r", intsAttr("value_ints", 4, 5)), use("Constant", nil, "s", intAttr("value_int", 3)),
			use("Mul", []string{"p", "q"}, "u"), use("Mul", []string{"r", "s"}, "v"), use("Cast", []string{"v"}, "w", intAttr("to", typeFloat)), use("Add", []string{"u", "w"}, "y"),
		}, []int{2}, of{15, 19}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := sketch{nodes: tt.nodes, input: []int64{1, 2}, tensors: []*message{
				a, b, i, j, shape, axis, flags, floats("j3", []int{3}, 2, 3, 4), floats("low", nil, -1), floats("high", nil, 2), floats("half", nil, 0.5),
				integers("two", []int{1}, 2), integers("twos", []int{2}, 2, 2), integers("zero", nil, 0), integers("seven", nil, 7), integers("step", nil, 3),
				integers("from", []int{1}, -1), integers("to", []int{1}, 0), integers("back", []int{1}, -1), integers("pads", []int{2}, 1, 2),
			}}
			m, err := Read(bytes.NewReader(s.bytes()))
			if err != nil {
				t.Fatal(err)
			}
			g := graph.NewBuilder(graph.NewParams(), graph.Eval)
			y, err := m.Build(g, g.Input("x", 1, 2))
			if err != nil {
				t.Fatal(err)
			}
			v := y[0].Value()
			if v == nil {
				t.Fatal("the output is computed")
			}
			if !slices.Equal(y[0].Shape(), tt.shape) && len(tt.want) > 1 {
				t.Errorf("the shape is %v, want %v", y[0].Shape(), tt.shape)
			}
			var got of
			switch d := v.Data().(type) {
			case []float32:
				for _, f := range d {
					got = append(got, float64(f))
				}
			case []int64:
				for _, n := range d {
					got = append(got, float64(n))
				}
			case float32:
				got = of{float64(d)}
			case int64:
				got = of{float64(d)}
			}
			if !slices.EqualFunc(got, tt.want, func(x, y float64) bool { return math.Abs(x-y) < 1e-6 }) {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}

func floatsAttr(name string, list ...float32) *message {
	a := &message{}
	a.text(1, name)
	for _, v := range list {
		a.float(7, v)
	}
	a.int(20, 6)
	return a
}

func tensorAttr(name string, t *message) *message {
	a := &message{}
	a.text(1, name)
	a.message(5, t)
	a.int(20, 4)
	return a
}

// A classifier's output is found, a softmax at its end is left off, and what is no classifier is said to be none.
func TestTheLogitsOfAModel(t *testing.T) {
	w := floats("w", []int{2, 4}, 1, 0, 0, 0, 0, 1, 0, 0)
	for _, tt := range []struct {
		name  string
		nodes []*message
		input []int64
		want  string // of the error; otherwise the logits are 1 and 2
	}{
		{"plain", []*message{use("Flatten", []string{"x"}, "f"), use("Gemm", []string{"f", "w"}, "y", intAttr("transB", 1))}, []int64{-1, 1, 2, 2}, ""},
		{"with a softmax", []*message{use("Flatten", []string{"x"}, "f"), use("Gemm", []string{"f", "w"}, "g", intAttr("transB", 1)), use("Softmax", []string{"g"}, "y")}, []int64{-1, 1, 2, 2}, ""},
		{"channels last", []*message{use("Flatten", []string{"x"}, "f"), use("Gemm", []string{"f", "w"}, "g", intAttr("transB", 1)), use("Softmax", []string{"g"}, "y")}, []int64{-1, 2, 2, 1}, ""},
		{"a sigmoid", []*message{use("Flatten", []string{"x"}, "f"), use("Sigmoid", []string{"f"}, "y")}, []int64{-1, 1, 2, 2}, "goes through a sigmoid: its classes do not exclude each other"},
		{"a map", []*message{use("Relu", []string{"x"}, "y")}, []int64{-1, 1, 2, 2}, "no output is N×classes: there is y"},
		{"no image", []*message{use("Relu", []string{"x"}, "y")}, []int64{-1, 7}, "the model's input x is "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := Read(bytes.NewReader(sketch{nodes: tt.nodes, input: tt.input, tensors: []*message{w}}.bytes()))
			if err != nil {
				t.Fatal(err)
			}
			b := graph.NewBuilder(graph.NewParams(), graph.Eval)
			x := b.Input("image", 1, 1, 2, 2)
			y, err := m.Logits(b, x)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v does not say %q", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if in, err := m.ImageInput(); err != nil || in != [3]int{1, 2, 2} {
				t.Errorf("the input is %v, %v", in, err)
			}
			b.Params().Init(1)
			s, err := graph.Compile(b, []*gorgonia.Node{y}, graph.Config{})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Bind(x, []float32{1, 2, 3, 4}); err != nil {
				t.Fatal(err)
			}
			if err := s.Run(); err != nil {
				t.Fatal(err)
			}
			if got := s.Value(y); !slices.Equal(got, []float32{1, 2}) {
				t.Errorf("logits %v", got)
			}
			if got := m.Weights("w", []int{2, 4}); len(got) != 8 || m.Weights("w", []int{4, 2}) != nil || m.Weights("v", []int{8}) != nil {
				t.Errorf("weights %v", got)
			}
		})
	}
}

// A last layer of any form becomes one for other classes; what is none is said.
func TestTheClassesOfAModelCanBecomeOthers(t *testing.T) {
	flat := use("Flatten", []string{"x"}, "f")
	w, rows, bias := floats("w", []int{2, 4}, 1, 2, 3, 4, 5, 6, 7, 8), floats("r", []int{4, 2}, 1, 2, 3, 4, 5, 6, 7, 8), floats("b", []int{2}, 1, 2)
	filters := floats("k", []int{2, 1, 1, 1}, 1, 2)
	for _, tt := range []struct {
		name  string
		nodes []*message
		want  string
	}{
		{"rows of weights", []*message{flat, use("Gemm", []string{"f", "w", "b"}, "y", intAttr("transB", 1))}, ""},
		{"columns of weights", []*message{flat, use("Gemm", []string{"f", "r", "b"}, "g"), use("Softmax", []string{"g"}, "y")}, ""},
		{"a product and a sum", []*message{flat, use("MatMul", []string{"f", "r"}, "g"), use("Add", []string{"b", "g"}, "y")}, ""},
		{"a convolution, averaged", []*message{use("Conv", []string{"x", "k", "b"}, "c"), use("GlobalAveragePool", []string{"c"}, "g"), use("Reshape", []string{"g", "to"}, "y")}, ""},
		{"no layer", []*message{use("Relu", []string{"x"}, "y")}, "the 2 classes cannot become 3: no layer with weights gives them"},
		{"a product of two values", []*message{flat, use("Gemm", []string{"f", "w"}, "g", intAttr("transB", 1)), use("Mul", []string{"g", "g"}, "y")}, "Mul of y (Mul) stands between them and the last layer"},
		{"a sum of two values", []*message{flat, use("Gemm", []string{"f", "w"}, "g", intAttr("transB", 1)), use("Add", []string{"g", "g"}, "y")}, "Add of y joins them"},
		{"weights in a node", []*message{flat, use("Constant", nil, "own", tensorAttr("value", floats("", []int{2, 4}, 1, 2, 3, 4, 5, 6, 7, 8))), use("Gemm", []string{"f", "own", "b"}, "y", intAttr("transB", 1))}, ""},
		{"weights that two layers have", []*message{flat, use("Gemm", []string{"f", "w"}, "g", intAttr("transB", 1)), use("MatMul", []string{"g", "w"}, "h"), use("Gemm", []string{"h", "w"}, "y", intAttr("transB", 1))}, "are no stored ones of 2 rows"},
		{"a bias of other classes", []*message{flat, use("Gemm", []string{"f", "w", "four"}, "y", intAttr("transB", 1))}, "the bias of Gemm of y is no stored one of 2"},
		{"weights of other classes", []*message{flat, use("Gemm", []string{"f", "r"}, "y", intAttr("transB", 1))}, "are no stored ones of 2 rows"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := sketch{nodes: tt.nodes, input: []int64{-1, 1, 2, 2}, tensors: []*message{w, rows, bias, filters, integers("to", []int{2}, -1, 2), floats("four", []int{4}, 1, 2, 3, 4)}}
			m, err := Read(bytes.NewReader(s.bytes()))
			if err != nil {
				t.Fatal(err)
			}
			err = m.SetClasses(2, 3)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v does not say %q", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			b := graph.NewBuilder(graph.NewParams(), graph.Train)
			y, err := m.Logits(b, b.Input("image", 2, 1, 2, 2))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(y.Shape(), []int{2, 3}) {
				t.Errorf("logits of %v", y.Shape())
			}
			b.Params().Init(1)
			for _, p := range b.Params().All() {
				if zero := slices.Max(p.Data) == 0 && slices.Min(p.Data) == 0; zero != (p.Name == "b") {
					t.Errorf("%s begins with %v", p.Name, p.Data)
				}
			}
		})
	}
	m, err := Read(bytes.NewReader(sketch{nodes: []*message{use("Relu", []string{"x"}, "y")}, input: []int64{1, 2}}.bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.SetClasses(4, 4); err != nil {
		t.Error(err)
	}
}
