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

// Operators with shapes and attributes that cannot be: each names what is wrong. x has the shape given.
func TestShapesThatDoNotFitSaySo(t *testing.T) {
	tensors := []*message{
		floats("two", []int{2}, 1, 2), floats("three", []int{3}, 1, 2, 3), floats("rect", []int{2, 3}, 1, 2, 3, 4, 5, 6), floats("filter", []int{1, 3, 1, 1}, 1, 2, 3), floats("nan", nil, float32(math.NaN())),
		longs("minus two", -2, 2), longs("five", 5), longs("kept", 1, 0, 0, 0, 0, 0), longs("axis 9", 9), longs("twice", 1, 1), longs("many", 1<<30, 1<<30),
	}
	image := []int64{1, 3, 4, 4}
	for _, c := range []struct {
		name  string
		node  *message
		shape []int64
		want  string
	}{
		{"slopes of two channels", use("PRelu", []string{"x", "two"}, "y"), image, "a slope of 2 for the shape 1×3×4×4"},
		{"a bound for each channel", use("Clip", []string{"x", "three"}, "y"), image, "a bound of 3"},
		{"a bound that is no number", use("Clip", []string{"x", "nan"}, "y"), image, "a bound is no number"},
		{"a missing addend", use("Sum", []string{"x", "", "x"}, "y"), image, "its input 1 is missing"},
		{"no shape", use("Reshape", []string{"x"}, "y"), image, "it has no shape"},
		{"a side that is kept and not there", use("Reshape", []string{"x", "kept"}, "y"), image, "side 4 of the shape [1 3 4 4 0 0] is kept, of 1×3×4×4"},
		{"a side of minus two", use("Reshape", []string{"x", "minus two"}, "y"), image, "the shape is [-2 2]"},
		{"a huge shape", use("Reshape", []string{"x", "many"}, "y"), image, "the shape is [1073741824 1073741824]"},
		{"a shape of five", use("Reshape", []string{"x", "five"}, "y"), image, "48 elements"},
		{"an axis that is not there", use("Flatten", []string{"x"}, "y", intAttr("axis", 7)), image, "axis 7 of the shape 1×3×4×4"},
		{"an axis that is not one", use("Squeeze", []string{"x"}, "y", intsAttr("axes", 1)), image, ""},
		{"an order of three axes", use("Transpose", []string{"x"}, "y", intsAttr("perm", 0, 2, 1)), image, "perm [0 2 1] of the shape 1×3×4×4"},
		{"an axis named twice", use("ReduceSum", []string{"x", "twice"}, "y"), image, "axis 1 is named twice"},
		{"an axis beyond the last", use("ReduceSum", []string{"x", "axis 9"}, "y"), image, "axis 9"},
		{"whole numbers that are none", use("Reshape", []string{"x", "two"}, "y"), image, "is float32 where whole numbers are needed"},
		{"shapes that do not stretch", use("Add", []string{"x", "three"}, "y"), image, "the shapes 1×3×4×4 and 3 do not go together"},
		{"a join of other ranks", use("Concat", []string{"x", "two"}, "y", intAttr("axis", 1)), image, "do not go together"},
		{"a join of other sides", use("Concat", []string{"x", "filter"}, "y", intAttr("axis", 1)), image, "do not go together"},
		{"filters of two axes", use("Conv", []string{"x", "rect"}, "y"), image, "filters 2×3 for the shape 1×3×4×4"},
		{"a padding by another name", use("Conv", []string{"x", "filter"}, "y", textAttr("auto_pad", "LEFT")), image, `auto_pad is "LEFT"`},
		{"three strides", use("Conv", []string{"x", "filter"}, "y", intsAttr("strides", 1, 1, 1)), image, ""},
		{"a window that is too large", use("MaxPool", []string{"x"}, "y", intsAttr("kernel_shape", 9, 9)), image, "does not fit into the shape 1×3×4×4"},
		{"columns first", use("MaxPool", []string{"x"}, "y", intsAttr("kernel_shape", 2, 2), intAttr("storage_order", 1)), image, "storage_order is 1"},
		{"maps of four axes", use("MaxPool", []string{"x"}, "y", intsAttr("kernel_shape", 2, 2, 2, 2)), []int64{1, 1, 2, 2, 2, 2}, "4 spatial axes"},
		{"negative padding", use("MaxPool", []string{"x"}, "y", intsAttr("kernel_shape", 2, 2), intsAttr("pads", -1, 0, 0, 0)), image, "pads are [-1 0 0 0]"},
		{"rows without maps", use("GlobalAveragePool", []string{"x"}, "y"), []int64{1, 3}, "the shape 1×3 has no maps"},
		{"a window of an even size", use("LRN", []string{"x"}, "y", intAttr("size", 4)), image, "size is 4: odd sizes are known"},
		{"response normalisation of rows", use("LRN", []string{"x"}, "y", intAttr("size", 3)), []int64{1, 3}, "is not N×C×H×W"},
		{"no matrices", use("Gemm", []string{"x", "rect"}, "y"), image, "matrices 1×3×4×4 and 2×3"},
		{"rows of another length", use("Gemm", []string{"x", "rect"}, "y"), []int64{1, 3}, "rows of 3 for weights of 2"},
		{"rows of another length for a matrix", use("MatMul", []string{"x", "rect"}, "y"), []int64{1, 3}, "rows of 3 for a matrix 2×3"},
		{"a softmax of no axis", use("Softmax", []string{"x"}, "y", intAttr("axis", 6)), image, "axis 6 of the shape 1×3×4×4"},
		{"a scale of other channels", use("LayerNormalization", []string{"x", "two"}, "y"), image, "a scale or shift of 2 for the shape 1×3×4×4"},
		{"another domain", func() *message { n := use("Relu", []string{"x"}, "y"); n.text(7, "com.example"); return n }(), image, "com.example.Relu"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := Read(bytes.NewReader(sketch{nodes: []*message{c.node}, input: c.shape, tensors: tensors}.bytes()))
			if err != nil {
				t.Fatal(err)
			}
			b := graph.NewBuilder(graph.NewParams(), graph.Eval)
			if _, err = m.Build(b, b.Input("image", clampInts(c.shape)...)); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v does not say %q", err, c.want)
			}
		})
	}
}

// Arithmetic with numbers that are known, of what is computed: x is 1, -2, 4.
func TestNumbersMeetWhatIsComputed(t *testing.T) {
	for _, c := range []struct {
		name  string
		nodes []*message
		want  []float32
	}{
		{"a number over it", []*message{use("Div", []string{"eight", "x"}, "y")}, []float32{8, -4, 2}},
		{"its first power", []*message{use("Pow", []string{"x", "one"}, "y")}, []float32{1, -2, 4}},
		{"its inverse", []*message{use("Pow", []string{"x", "less"}, "y")}, []float32{1, -0.5, 0.25}},
		{"at least zero", []*message{use("Max", []string{"x", "zero"}, "y")}, []float32{1, 0, 4}},
		{"at most one", []*message{use("Min", []string{"x", "one"}, "y")}, []float32{1, -2, 1}},
		{"less from a number", []*message{use("Sub", []string{"eight", "x"}, "y")}, []float32{7, 10, 4}},
		{"hard sigmoid, by six", []*message{use("HardSigmoid", []string{"x"}, "y", floatAttr("alpha", 0.25), floatAttr("beta", 0.5))}, []float32{0.75, 0, 1}},
		{"a dropout that does nothing", []*message{use("Dropout", []string{"x"}, "y")}, []float32{1, -2, 4}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := sketch{nodes: c.nodes, input: []int64{1, 3}, tensors: []*message{floats("eight", nil, 8), floats("one", nil, 1), floats("less", nil, -1), floats("zero", nil, 0)}}
			m, err := Read(bytes.NewReader(s.bytes()))
			if err != nil {
				t.Fatal(err)
			}
			b := graph.NewBuilder(graph.NewParams(), graph.Eval)
			x := b.Input("image", 1, 3)
			y, err := m.Build(b, x)
			if err != nil {
				t.Fatal(err)
			}
			run, err := graph.Compile(b, []*gorgonia.Node{y[0]}, graph.Config{})
			if err != nil {
				t.Fatal(err)
			}
			if err := run.Bind(x, []float32{1, -2, 4}); err != nil {
				t.Fatal(err)
			}
			if err := run.Run(); err != nil {
				t.Fatal(err)
			}
			if got := run.Value(y[0]); !slices.Equal(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}
