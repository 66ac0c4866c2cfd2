package onnx

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

// Operators, and forms of them, that PyTorch does not write: from versions 6 to 21, with results by hand. x is 1, -2, 3, 4,
// 5, -6, 7, 8 of the shape given.
func TestOperatorsOfAllVersions(t *testing.T) {
	tensors := []*message{
		floats("two", []int{2}, 2, -1), floats("four", []int{4}, 1, 2, 3, 4), floats("zeros", []int{2}, 0, 0), floats("ones", []int{2}, 1, 1),
		floats("low", nil, -1), floats("high", nil, 4), floats("three", nil, 3), floats("sixth", nil, 1./6), floats("slope", []int{2}, 0.5, 0.1),
		longs("spread", 1, 2, 2, 1), longs("split", 1, 2, 1, 2, 2), longs("back", 1, 2, 2, 2), floats("region", []int{8}, 0, 0, 0, 0, 1, 1, 0.5, 1),
		longs("sizes", 1, 2, 1, 2), longs("two sides", 1, 4), floats("k", []int{1, 1, 1, 2}, 1, 10), floats("b", []int{2}, 1, 2), longs("from 1", 1), longs("to 8", 8), floats("halves", nil, 2), floats("one slope", []int{1, 1, 1}, 0.25),
	}
	// Two groups of (1, -2, 3, 4) and (5, -6, 7, 8).
	normal := func(list []float64, scale, shift float64) (out []float32) {
		mean, square := 0.0, 0.0
		for _, v := range list {
			mean += v / 4
		}
		for _, v := range list {
			square += (v - mean) * (v - mean) / 4
		}
		for _, v := range list {
			out = append(out, float32(scale*(v-mean)/math.Sqrt(square+1e-5)+shift))
		}
		return out
	}
	first, second := []float64{1, -2, 3, 4}, []float64{5, -6, 7, 8}
	each := func(f func(v float64) float64) (out []float32) {
		for _, v := range slices.Concat(first, second) {
			out = append(out, float32(f(v)))
		}
		return out
	}
	// The softmax of each group of so many.
	soft := func(group int) (out []float32) {
		all := slices.Concat(first, second)
		for i, v := range all {
			sum := 0.0
			for _, w := range all[i/group*group:][:group] {
				sum += math.Exp(w)
			}
			out = append(out, float32(math.Exp(v)/sum))
		}
		return out
	}
	for _, tt := range []struct {
		name  string
		opset int64
		nodes []*message
		shape []int64
		want  []float32
		say   string // of an error
	}{
		{"group normalisation with a scale for each group", 18, []*message{use("GroupNormalization", []string{"x", "two", "b"}, "y", intAttr("num_groups", 2))}, []int64{1, 4, 2, 1},
			slices.Concat(normal(first, 2, 1), normal(second, -1, 2)), ""},
		{"group normalisation with a scale for each channel", 21, []*message{use("GroupNormalization", []string{"x", "four", "four"}, "y", intAttr("num_groups", 2))}, []int64{1, 4, 2, 1},
			slices.Concat(normal(first, 1, 1)[:2], normal(first, 2, 2)[2:], normal(second, 3, 3)[:2], normal(second, 4, 4)[2:]), ""},
		{"a scale for each group in version 21", 21, []*message{use("GroupNormalization", []string{"x", "two", "b"}, "y", intAttr("num_groups", 2))}, []int64{1, 4, 2, 1}, nil, "for 4 channels in 2 groups"},
		{"three groups of four channels", 18, []*message{use("GroupNormalization", []string{"x", "two", "b"}, "y", intAttr("num_groups", 3))}, []int64{1, 4, 2, 1}, nil, "3 groups of the shape 1×4×2×1"},
		{"mish", 18, []*message{use("Mish", []string{"x"}, "y")}, []int64{1, 8}, each(func(v float64) float64 { return v * math.Tanh(math.Log1p(math.Exp(v))) }), ""},
		{"gelu", 20, []*message{use("Gelu", []string{"x"}, "y")}, []int64{1, 8}, each(func(v float64) float64 { return v * (1 + math.Erf(v/math.Sqrt2)) / 2 }), ""},
		{"gelu by tanh", 20, []*message{use("Gelu", []string{"x"}, "y", textAttr("approximate", "tanh"))}, []int64{1, 8}, nil, `approximate is "tanh"`},
		{"hard-swish, written out", 9, []*message{
			use("Add", []string{"x", "three"}, "a"), use("Clip", []string{"a"}, "c", floatAttr("min", 0), floatAttr("max", 6)), use("Mul", []string{"x", "c"}, "m"), use("Mul", []string{"m", "sixth"}, "y"),
		}, []int64{1, 8}, each(func(v float64) float64 { return v * min(max(v+3, 0), 6) / 6 }), ""},
		{"bounds that are computed", 13, []*message{
			use("ReduceMin", []string{"x"}, "m", intAttr("keepdims", 0)), use("Neg", []string{"m"}, "n"), use("Clip", []string{"x", "low", "n"}, "y"),
		}, []int64{1, 8}, []float32{1, -1, 3, 4, 5, -1, 6, 6}, ""},
		{"channel shuffle", 11, []*message{
			use("Reshape", []string{"x", "split"}, "s"), use("Transpose", []string{"s"}, "t", intsAttr("perm", 0, 2, 1, 3, 4)), use("Reshape", []string{"t", "back"}, "y"),
		}, []int64{1, 2, 2, 2}, []float32{1, -2, 3, 4, 5, -6, 7, 8}, ""},
		{"a slope for each channel, as version 6 has it", 6, []*message{use("PRelu", []string{"x", "slope"}, "y")}, []int64{1, 2, 2, 2}, []float32{1, -1, 3, 4, 5, -0.6, 7, 8}, ""},
		{"a sum that is stretched from an axis on", 6, []*message{use("Add", []string{"x", "two"}, "y", intAttr("broadcast", 1), intAttr("axis", 1))}, []int64{1, 2, 2, 2}, []float32{3, 0, 5, 6, 4, -7, 6, 7}, ""},
		{"a normalisation by the batch", 14, []*message{use("BatchNormalization", []string{"x", "ones", "zeros", "zeros", "ones"}, "y", intAttr("training_mode", 1))}, []int64{1, 2, 2, 2},
			slices.Concat(normal(first, 1, 0), normal(second, 1, 0)), ""},
		{"a normalisation whose statistics are missing", 14, []*message{use("BatchNormalization", []string{"x", "four", "two", "two", "ones"}, "y")}, []int64{1, 2, 2, 2}, nil, "its input 1 has the shape 4 for 2 channels"},
		{"a region, resized", 13, []*message{use("Resize", []string{"x", "region", "", "sizes"}, "y", textAttr("coordinate_transformation_mode", "tf_crop_and_resize"), textAttr("mode", "linear"))}, []int64{1, 2, 2, 2},
			[]float32{1.5, -0.5, 5.5, -2.5}, ""},
		{"two axes, resized", 18, []*message{use("Resize", []string{"x", "", "", "two sides"}, "y", intsAttr("axes", 2, 3), textAttr("mode", "nearest"), textAttr("nearest_mode", "floor"), textAttr("coordinate_transformation_mode", "asymmetric"))},
			[]int64{1, 2, 2, 2}, []float32{1, 1, -2, -2, 5, 5, -6, -6}, ""},
		{"smooth resizing", 18, []*message{use("Resize", []string{"x", "", "", "sizes"}, "y", intAttr("antialias", 1))}, []int64{1, 2, 2, 2}, nil, "antialias is 1"},
		{"an aspect that is kept", 18, []*message{use("Resize", []string{"x", "", "", "sizes"}, "y", textAttr("keep_aspect_ratio_policy", "not_larger"))}, []int64{1, 2, 2, 2}, nil, `keep_aspect_ratio_policy is "not_larger"`},
		{"a transposed convolution of four pixels", 11, []*message{use("ConvTranspose", []string{"x", "k"}, "y", intsAttr("strides", 1, 2))}, []int64{1, 1, 1, 8},
			[]float32{1, 10, -2, -20, 3, 30, 4, 40, 5, 50, -6, -60, 7, 70, 8, 80}, ""},
		{"filters of other channels", 11, []*message{use("Conv", []string{"x", "k"}, "y")}, []int64{1, 2, 2, 2}, nil, "filters 1×1×1×2 for the shape 1×2×2×2 in 1 groups"},
		{"a window of another size", 11, []*message{use("Conv", []string{"x", "k"}, "y", intsAttr("kernel_shape", 3, 3))}, []int64{1, 1, 4, 2}, nil, "kernel_shape is [3 3], the filters are 1×1×1×2"},
		{"a bias of other filters", 11, []*message{use("Conv", []string{"x", "k", "b"}, "y")}, []int64{1, 1, 4, 2}, nil, "a bias of 2 for the filters 1×1×1×2"},
		{"a reshape that does not fit", 13, []*message{use("Reshape", []string{"x", "split"}, "y")}, []int64{1, 7}, nil, "the shape 1×7 has 7 elements"},
		{"blocks of three", 13, []*message{use("DepthToSpace", []string{"x"}, "y", intAttr("blocksize", 3))}, []int64{1, 8, 1, 1}, nil, "blocks of 3 for the shape 1×8×1×1"},
		{"a product of what is computed, of seven", 13, []*message{use("Slice", []string{"x", "from 1", "to 8", "from 1"}, "s"), use("ReduceProd", []string{"s"}, "y", intsAttr("axes", 1))}, []int64{1, 8},
			[]float32{-2 * 3 * 4 * 5 * -6 * 7 * 8}, ""},
		{"a product over two axes", 13, []*message{use("ReduceProd", []string{"x"}, "y", intsAttr("axes", 2, 1), intAttr("keepdims", 0))}, []int64{1, 2, 2, 2}, []float32{1 * 3 * 5 * 7, -2 * 4 * -6 * 8}, ""},
		{"a product of all", 13, []*message{use("ReduceProd", []string{"x"}, "y")}, []int64{1, 2, 4}, []float32{40320}, ""},
		{"rounding to the even one", 13, []*message{use("Div", []string{"x", "halves"}, "h"), use("Round", []string{"h"}, "y")}, []int64{1, 8}, []float32{0, -1, 2, 2, 2, -3, 4, 4}, ""},
		{"pixels to channels and back", 13, []*message{use("SpaceToDepth", []string{"x"}, "d", intAttr("blocksize", 2)), use("DepthToSpace", []string{"d"}, "y", intAttr("blocksize", 2))}, []int64{1, 1, 2, 4},
			[]float32{1, -2, 3, 4, 5, -6, 7, 8}, ""},
		{"channels of zeros on each side of maps", 6, []*message{use("Pad", []string{"x"}, "y", intsAttr("pads", 0, 1, 0, 0, 0, 1, 0, 0))}, []int64{1, 2, 2, 2},
			[]float32{0, 0, 0, 0, 1, -2, 3, 4, 5, -6, 7, 8, 0, 0, 0, 0}, ""},
		{"more channels of zeros after maps than before", 6, []*message{use("Pad", []string{"x"}, "y", intsAttr("pads", 0, 1, 0, 0, 0, 2, 0, 0))}, []int64{1, 2, 2, 2},
			[]float32{0, 0, 0, 0, 1, -2, 3, 4, 5, -6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0}, ""},
		{"more channels of zeros before maps than after", 6, []*message{use("Pad", []string{"x"}, "y", intsAttr("pads", 0, 2, 0, 0, 0, 1, 0, 0))}, []int64{1, 2, 2, 2},
			[]float32{0, 0, 0, 0, 0, 0, 0, 0, 1, -2, 3, 4, 5, -6, 7, 8, 0, 0, 0, 0}, ""},
		{"channels of zeros on each side of sequences", 6, []*message{use("Pad", []string{"x"}, "y", intsAttr("pads", 0, 1, 0, 0, 1, 0))}, []int64{1, 2, 4},
			[]float32{0, 0, 0, 0, 1, -2, 3, 4, 5, -6, 7, 8, 0, 0, 0, 0}, ""},
		{"channels of zeros on each side of volumes", 6, []*message{use("Pad", []string{"x"}, "y", intsAttr("pads", 0, 1, 0, 0, 0, 0, 1, 0, 0, 0))}, []int64{1, 2, 2, 1, 2},
			[]float32{0, 0, 0, 0, 1, -2, 3, 4, 5, -6, 7, 8, 0, 0, 0, 0}, ""},
		{"a slope for all channels", 9, []*message{use("PRelu", []string{"x", "one slope"}, "y")}, []int64{1, 2, 2, 2}, []float32{1, -0.5, 3, 4, 5, -1.5, 7, 8}, ""},
		{"no window begins behind what is there, rounded up as it is", 11, []*message{
			use("MaxPool", []string{"x"}, "y", intsAttr("kernel_shape", 1, 2), intsAttr("strides", 1, 3), intAttr("ceil_mode", 1)),
		}, []int64{1, 1, 1, 6}, []float32{1, 5}, ""},
		{"the last window holds one number alone", 11, []*message{
			use("MaxPool", []string{"x"}, "y", intsAttr("kernel_shape", 1, 2), intsAttr("strides", 1, 3), intAttr("ceil_mode", 1)),
		}, []int64{1, 1, 1, 7}, []float32{1, 5, 7}, ""},
		{"a window after padding begins within what is there, rounded up", 11, []*message{
			use("MaxPool", []string{"x"}, "y", intsAttr("kernel_shape", 1, 2), intsAttr("strides", 1, 3), intsAttr("pads", 0, 1, 0, 0), intAttr("ceil_mode", 1)),
		}, []int64{1, 1, 1, 4}, []float32{1, 4}, ""},
		{"a window after padding that would begin in the padding", 11, []*message{
			use("MaxPool", []string{"x"}, "y", intsAttr("kernel_shape", 1, 2), intsAttr("strides", 1, 3), intsAttr("pads", 0, 1, 0, 1), intAttr("ceil_mode", 1)),
		}, []int64{1, 1, 1, 4}, []float32{1, 4}, ""},
		{"padding for the same size, the more of it after", 11, []*message{use("AveragePool", []string{"x"}, "y", intsAttr("kernel_shape", 1, 3), intsAttr("strides", 1, 3), textAttr("auto_pad", "SAME_UPPER"))}, []int64{1, 1, 1, 8},
			[]float32{2. / 3, 1, 15. / 2}, ""},
		{"padding for the same size, the more of it before", 11, []*message{use("AveragePool", []string{"x"}, "y", intsAttr("kernel_shape", 1, 3), intsAttr("strides", 1, 3), textAttr("auto_pad", "SAME_LOWER"))}, []int64{1, 1, 1, 8},
			[]float32{-0.5, 4, 3}, ""},
		{"padding for the same size of a window with a hole", 11, []*message{use("MaxPool", []string{"x"}, "y", intsAttr("kernel_shape", 1, 2), intsAttr("dilations", 1, 2), textAttr("auto_pad", "SAME_UPPER"))}, []int64{1, 1, 1, 8},
			[]float32{-2, 3, 4, 5, 4, 7, 8, 7}, ""},
		{"a softmax from axis one on, until version 12", 12, []*message{use("Softmax", []string{"x"}, "y")}, []int64{1, 2, 2, 2}, soft(8), ""},
		{"a softmax from axis three on", 11, []*message{use("Softmax", []string{"x"}, "y", intAttr("axis", 3))}, []int64{1, 2, 2, 2}, soft(2), ""},
		{"a softmax from axis two on", 11, []*message{use("Softmax", []string{"x"}, "y", intAttr("axis", 2))}, []int64{1, 2, 2, 2}, soft(4), ""},
		{"a softmax along the last axis, from version 13 on", 13, []*message{use("Softmax", []string{"x"}, "y")}, []int64{1, 2, 2, 2}, soft(2), ""},
		{"operators of others, and missing ones", 13, []*message{use("NonZero", []string{"x"}, "n"), use("Unique", []string{"n"}, "y")}, []int64{1, 8}, nil, "operators that this program does not know: NonZero (node NonZero of y), Unique (node Unique of y)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := Read(bytes.NewReader(sketch{nodes: tt.nodes, input: tt.shape, tensors: tensors, opset: tt.opset}.bytes()))
			if err != nil {
				t.Fatal(err)
			}
			b := graph.NewBuilder(graph.NewParams(), graph.Eval)
			x := b.Input("image", clampInts(tt.shape)...)
			y, err := m.Build(b, x)
			if tt.say != "" {
				if err == nil || !strings.Contains(err.Error(), tt.say) || strings.Contains(err.Error(), "\n") {
					t.Errorf("error %v does not say %q", err, tt.say)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			b.Params().Init(1)
			s, err := graph.Compile(b, []*gorgonia.Node{y[0]}, graph.Config{})
			if err != nil {
				t.Fatal(err)
			}
			data := []float32{1, -2, 3, 4, 5, -6, 7, 8}
			if err := s.Bind(x, data[:product(clampInts(tt.shape))]); err != nil {
				t.Fatal(err)
			}
			if err := s.Run(); err != nil {
				t.Fatal(err)
			}
			got := s.Value(y[0])
			if len(got) != len(tt.want) {
				t.Fatalf("%v, want %v", got, tt.want)
			}
			for i, v := range tt.want {
				if d := math.Abs(float64(got[i] - v)); !(d < 1e-4) {
					t.Fatalf("%v, want %v", got, tt.want)
				}
			}
		})
	}
}

// Maps that get as many channels of zeros before them as after, or one more after, are one layer: residual networks'
// shortcut without parameters. Other padding is not.
func TestChannelsOfZerosAreAShortcut(t *testing.T) {
	for _, c := range []struct {
		name  string
		shape []int64
		pads  []int
		want  bool
	}{
		{"one on each side", []int64{1, 2, 2, 2}, []int{0, 1, 0, 0, 0, 1, 0, 0}, true},
		{"one before, two after", []int64{1, 2, 2, 2}, []int{0, 1, 0, 0, 0, 2, 0, 0}, true},
		{"two before, one after", []int64{1, 2, 2, 2}, []int{0, 2, 0, 0, 0, 1, 0, 0}, false},
		{"rows too", []int64{1, 2, 2, 2}, []int{0, 1, 1, 0, 0, 1, 1, 0}, false},
		{"of sequences", []int64{1, 2, 4}, []int{0, 1, 0, 0, 1, 0}, false},
	} {
		m, err := Read(bytes.NewReader(sketch{nodes: []*message{use("Relu", []string{"x"}, "r"), use("Pad", []string{"r"}, "y", intsAttr("pads", c.pads...))}, input: c.shape, opset: 6}.bytes()))
		if err != nil {
			t.Fatal(err)
		}
		b := graph.NewBuilder(graph.NewParams(), graph.Eval)
		if _, err := m.Build(b, b.Input("image", clampInts(c.shape)...)); err != nil {
			t.Fatal(err)
		}
		if got := slices.ContainsFunc(b.Layers(), func(l graph.Layer) bool { return l.Kind == "subsample" }); got != c.want {
			t.Errorf("%s: a shortcut %v, want %v", c.name, got, c.want)
		}
	}
}

// ONNX's momentum is what stays of running statistics; the batch's mean comes in with the rest.
func TestRunningStatisticsKeepONNXsMomentum(t *testing.T) {
	m, err := Read(bytes.NewReader(sketch{
		nodes: []*message{use("BatchNormalization", []string{"x", "scale", "shift", "mean", "variance"}, "y", floatAttr("momentum", 0.75))}, input: []int64{1, 2, 2, 2},
		tensors: []*message{floats("scale", []int{2}, 1, 1), floats("shift", []int{2}, 0, 0), floats("mean", []int{2}, 8, 0), floats("variance", []int{2}, 1, 1)},
	}.bytes()))
	if err != nil {
		t.Fatal(err)
	}
	b := graph.NewBuilder(graph.NewParams(), graph.Train)
	x := b.Input("image", 1, 2, 2, 2)
	y, err := m.Build(b, x)
	if err != nil {
		t.Fatal(err)
	}
	b.Params().Init(1)
	s, err := graph.Compile(b, []*gorgonia.Node{y[0]}, graph.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Bind(x, []float32{1, -2, 3, 4, 5, -6, 7, 8}), s.Run()); err != nil {
		t.Fatal(err)
	}
	// The means are 1.5 and 3.5.
	if got := b.Params().Get("mean").Data; math.Abs(float64(got[0])-(.75*8+.25*1.5)) > 1e-5 || math.Abs(float64(got[1])-.25*3.5) > 1e-5 {
		t.Errorf("the means become %v, want 6.375 and 0.875", got)
	}
}

// What is dropped is said by an attribute, from version 12 on by an input, or is a half.
func TestDropoutsHaveTheirRates(t *testing.T) {
	for _, c := range []struct {
		name  string
		opset int64
		node  *message
		want  float64
	}{
		{"nothing is said", 10, use("Dropout", []string{"r"}, "y"), 0.5},
		{"an attribute", 10, use("Dropout", []string{"r"}, "y", floatAttr("ratio", 0.25)), 0.25},
		{"an input", 13, use("Dropout", []string{"r", "rate"}, "y"), 0.125},
		{"no input", 13, use("Dropout", []string{"r"}, "y"), 0.5},
	} {
		m, err := Read(bytes.NewReader(sketch{
			nodes: []*message{use("Relu", []string{"x"}, "r"), c.node}, input: []int64{1, 8}, opset: c.opset, tensors: []*message{floats("rate", nil, 0.125)},
		}.bytes()))
		if err != nil {
			t.Fatal(err)
		}
		b := graph.NewBuilder(graph.NewParams(), graph.Train)
		if _, err := m.Build(b, b.Input("image", 1, 8)); err != nil {
			t.Fatal(err)
		}
		rate := 0.0
		for _, l := range b.Layers() {
			rate += l.Rate
		}
		if rate != c.want {
			t.Errorf("%s: a rate of %v, want %v", c.name, rate, c.want)
		}
	}
}

// Slopes are weights, which training changes, also where one serves all channels.
func TestSlopesAreParameters(t *testing.T) {
	for name, slope := range map[string]*message{"one for all": floats("slope", []int{1, 1, 1}, 0.25), "one for each channel": floats("slope", []int{2, 1, 1}, 0.25, 0.5)} {
		m, err := Read(bytes.NewReader(sketch{
			nodes: []*message{use("Conv", []string{"x", "w"}, "c"), use("PRelu", []string{"c", "slope"}, "y")}, input: []int64{1, 2, 2, 2},
			tensors: []*message{floats("w", []int{2, 2, 1, 1}, 1, 2, 3, 4), slope},
		}.bytes()))
		if err != nil {
			t.Fatal(err)
		}
		b := graph.NewBuilder(graph.NewParams(), graph.Train)
		if _, err := m.Build(b, b.Input("image", 1, 2, 2, 2)); err != nil {
			t.Fatal(err)
		}
		b.Params().Init(1)
		if p := b.Params().Get("slope"); p == nil || p.Buffer || p.Data[0] != 0.25 {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

// A model made for so many images whose graph depends on their number is not taken for one of another number.
func TestAModelForManyImagesSaysSo(t *testing.T) {
	s := sketch{nodes: []*message{use("Reshape", []string{"x", "shape"}, "y")}, tensors: []*message{longs("shape", 2, 8)}, input: []int64{2, 2, 2, 2}}
	m, err := Read(bytes.NewReader(s.bytes()))
	if err != nil {
		t.Fatal(err)
	}
	m.Outputs[0].Shape = []int{2, 8}
	b := graph.NewBuilder(graph.NewParams(), graph.Eval)
	if y, err := m.Build(b, b.Input("two", 2, 2, 2, 2)); err != nil || !slices.Equal(y[0].Shape(), []int{2, 8}) {
		t.Errorf("with two images: %v", err)
	}
	b = graph.NewBuilder(graph.NewParams(), graph.Eval)
	y, err := m.Build(b, b.Input("three", 3, 2, 2, 2))
	if err == nil && !slices.Equal(y[0].Shape(), []int{3, 8}) {
		t.Errorf("with three images the output is %v", y[0].Shape())
	}
	// Where the images are no longer first, their number counts.
	s = sketch{nodes: []*message{use("Transpose", []string{"x"}, "y", intsAttr("perm", 1, 0))}, input: []int64{2, 4}}
	if m, err = Read(bytes.NewReader(s.bytes())); err != nil {
		t.Fatal(err)
	}
	m.Outputs[0].Shape = []int{2, 4}
	b = graph.NewBuilder(graph.NewParams(), graph.Eval)
	if _, err = m.Build(b, b.Input("three", 3, 4)); err == nil || !strings.Contains(err.Error(), "was made for 2 images") {
		t.Errorf("error %v", err)
	}
}

// The number of images is free also where the file names one, for all inputs alike; every other side is as it stands.
func TestInputsHaveTheSidesThatTheFileNames(t *testing.T) {
	sum := []*message{use("Add", []string{"x", "z"}, "y")}
	relu := []*message{use("Relu", []string{"x"}, "y")}
	for _, c := range []struct {
		name        string
		nodes       []*message
		file, other []int64
		x, z        []int
		say         string
	}{
		{"as the file has them", sum, []int64{1, 2}, []int64{1, 2}, []int{1, 2}, []int{1, 2}, ""},
		{"three images where the file has one", sum, []int64{1, 2}, []int64{1, 2}, []int{3, 2}, []int{3, 2}, ""},
		{"a free number of images", sum, []int64{-1, 2}, []int64{-1, 2}, []int{3, 2}, []int{3, 2}, ""},
		{"three images, and two", sum, []int64{1, 2}, []int64{1, 2}, []int{3, 2}, []int{2, 2}, "input z is 1×2, the graph's has the shape 2×2"},
		{"a second input that is of no image", sum, []int64{1, 2}, []int64{2, 2}, []int{3, 2}, []int{3, 2}, "input z is 2×2, the graph's has the shape 3×2"},
		{"another side", sum, []int64{1, 2}, []int64{1, 2}, []int{1, 2}, []int{1, 3}, "input z is 1×2, the graph's has the shape 1×3"},
		{"another side of the first", relu, []int64{1, 2}, nil, []int{1, 3}, nil, "input x is 1×2, the graph's has the shape 1×3"},
		{"another rank", relu, []int64{1, 2}, nil, []int{1, 2, 1}, nil, "input x is 1×2, the graph's has the shape 1×2×1"},
		{"a list of numbers is no list of images", relu, []int64{5}, nil, []int{3}, nil, "input x is 5, the graph's has the shape 3"},
		{"a list of numbers", relu, []int64{5}, nil, []int{5}, nil, ""},
	} {
		m, err := Read(bytes.NewReader(sketch{nodes: c.nodes, input: c.file, other: c.other}.bytes()))
		if err != nil {
			t.Fatal(err)
		}
		b := graph.NewBuilder(graph.NewParams(), graph.Eval)
		nodes := []*gorgonia.Node{b.Input("first", c.x...)}
		if c.other != nil {
			nodes = append(nodes, b.Input("second", c.z...))
		}
		y, err := m.Build(b, nodes...)
		if c.say == "" && (err != nil || !slices.Equal(y[0].Shape(), c.x)) {
			t.Errorf("%s: %v", c.name, err)
		}
		if c.say != "" && (err == nil || !strings.Contains(err.Error(), c.say)) {
			t.Errorf("%s: error %v, want %s", c.name, err, c.say)
		}
	}
}
