package onnx_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/onnx"
)

// A written is a node as it stands in the file.
type written struct {
	op      string
	in, out []string
	attrs   map[string]any // int64, float32 or []int64
}

// A stored is a tensor as it stands in the file.
type stored struct {
	shape []int
	data  []float64
}

// decode reads what a model says: its nodes in order and its tensors.
func decode(t *testing.T, model []byte) (nodes []written, tensors map[string]stored) {
	t.Helper()
	tensors = map[string]stored{}
	for _, f := range fields(t, model) {
		if f.number != 7 {
			continue
		}
		for _, f := range fields(t, f.bytes) {
			switch f.number {
			case 1:
				nodes = append(nodes, decodeNode(t, f.bytes))
			case 5:
				name, s := decodeTensor(t, f.bytes)
				tensors[name] = s
			}
		}
	}
	return nodes, tensors
}

func decodeNode(t *testing.T, b []byte) written {
	n := written{attrs: map[string]any{}}
	for _, f := range fields(t, b) {
		switch f.number {
		case 1:
			n.in = append(n.in, string(f.bytes))
		case 2:
			n.out = append(n.out, string(f.bytes))
		case 4:
			n.op = string(f.bytes)
		case 5:
			name, v, typ, list := "", any(nil), uint64(0), []int64{}
			for _, f := range fields(t, f.bytes) {
				switch f.number {
				case 1:
					name = string(f.bytes)
				case 2:
					v = math.Float32frombits(uint32(f.value))
				case 3:
					v = int64(f.value)
				case 8:
					list = append(list, int64(f.value))
				case 20:
					typ = f.value
				}
			}
			if typ == 7 {
				v = list
			}
			if want := map[uint64]string{1: "float32", 2: "int64", 7: "[]int64"}[typ]; fmt.Sprintf("%T", v) != want {
				t.Errorf("attribute %s of %s says it is of type %d and holds a %T", name, n.op, typ, v)
			}
			n.attrs[name] = v
		}
	}
	return n
}

func decodeTensor(t *testing.T, b []byte) (string, stored) {
	name, typ, raw, s := "", uint64(0), []byte(nil), stored{}
	for _, f := range fields(t, b) {
		switch f.number {
		case 1:
			s.shape = append(s.shape, int(f.value))
		case 2:
			typ = f.value
		case 8:
			name = string(f.bytes)
		case 9:
			raw = f.bytes
		}
	}
	for ; len(raw) > 0; raw = raw[map[uint64]int{1: 4, 7: 8}[typ]:] {
		switch typ {
		case 1:
			s.data = append(s.data, float64(math.Float32frombits(binary.LittleEndian.Uint32(raw))))
		case 7:
			s.data = append(s.data, float64(int64(binary.LittleEndian.Uint64(raw))))
		default:
			t.Fatalf("tensor %s has the type %d", name, typ)
		}
	}
	return name, s
}

// A toy is a graph of one layer or few whose output shows every attribute: parameters are random, sides
// differ, and constants are far from their defaults.
type toy struct {
	name  string
	input []int
	build func(b *graph.Builder, x *gorgonia.Node) *gorgonia.Node
	want  map[string]map[string]any // attributes that an operator is written with, by its name
}

func ints(list ...int64) []int64 { return list }

var toys = []toy{
	{"a convolution with four paddings", []int{2, 3, 7, 9}, func(b *graph.Builder, x *gorgonia.Node) *gorgonia.Node {
		return b.Conv(x, "c", 4, 3, graph.Kernel(2, 3), graph.Strides(1, 2), graph.Pads(0, 1, 2, 3))
	}, map[string]map[string]any{"Conv": {
		"kernel_shape": ints(2, 3), "strides": ints(1, 2), "pads": ints(0, 2, 1, 3), "dilations": ints(1, 1), "group": int64(1)}}},
	{"a convolution in groups with holes", []int{1, 6, 9, 8}, func(b *graph.Builder, x *gorgonia.Node) *gorgonia.Node {
		return b.Conv(x, "c", 4, 3, graph.Groups(2), graph.Dilation(2), graph.Pads(2, 0, 1, 0), graph.NoBias())
	}, map[string]map[string]any{"Conv": {
		"kernel_shape": ints(3, 3), "strides": ints(1, 1), "pads": ints(2, 1, 0, 0), "dilations": ints(2, 2), "group": int64(2)}}},
	{"max pooling with four paddings", []int{1, 2, 8, 9}, func(b *graph.Builder, x *gorgonia.Node) *gorgonia.Node {
		return b.MaxPool(x, 3, graph.Kernel(3, 4), graph.Strides(2, 3), graph.Pads(1, 0, 2, 3))
	}, map[string]map[string]any{"MaxPool": {
		"kernel_shape": ints(3, 4), "strides": ints(2, 3), "pads": ints(1, 2, 0, 3)}}},
	{"max pooling that hangs over", []int{1, 2, 8, 7}, func(b *graph.Builder, x *gorgonia.Node) *gorgonia.Node {
		return b.MaxPool(x, 3, graph.Stride(2), graph.Ceil())
	}, map[string]map[string]any{"MaxPool": {
		"kernel_shape": ints(3, 3), "strides": ints(2, 2), "pads": ints(0, 0, 1, 0)}}},
	{"an average that counts its padding", []int{1, 2, 7, 8}, func(b *graph.Builder, x *gorgonia.Node) *gorgonia.Node {
		return b.AvgPool(x, 3, graph.Stride(2), graph.Pads(1, 2, 0, 1))
	}, map[string]map[string]any{"AveragePool": {
		"kernel_shape": ints(3, 3), "strides": ints(2, 2), "pads": ints(1, 0, 2, 1), "count_include_pad": int64(1)}}},
	{"an average without its padding", []int{1, 2, 7, 8}, func(b *graph.Builder, x *gorgonia.Node) *gorgonia.Node {
		return b.AvgPool(x, 3, graph.Kernel(3, 2), graph.Strides(1, 2), graph.Pads(2, 1, 1, 0), graph.ExcludePad())
	}, map[string]map[string]any{"AveragePool": {
		"kernel_shape": ints(3, 2), "strides": ints(1, 2), "pads": ints(2, 1, 1, 0)}}},
	{"an average that hangs over", []int{1, 2, 8, 10}, func(b *graph.Builder, x *gorgonia.Node) *gorgonia.Node {
		return b.AvgPool(x, 3, graph.Stride(2), graph.Ceil())
	}, map[string]map[string]any{"AveragePool": {
		"kernel_shape": ints(3, 3), "strides": ints(2, 2), "pads": ints(0, 0, 1, 1)}}},
	{"batch normalisation", []int{2, 3, 4, 5}, func(b *graph.Builder, x *gorgonia.Node) *gorgonia.Node {
		return b.BatchNorm(x, "bn", 0.3, 0.1)
	}, map[string]map[string]any{"BatchNormalization": {"epsilon": float32(0.3)}}},
	{"normalisation across channels", []int{1, 7, 3, 2}, func(b *graph.Builder, x *gorgonia.Node) *gorgonia.Node {
		return b.LRN(x, 3, 1.7, 0.4, 0.6)
	}, map[string]map[string]any{"LRN": {"size": int64(3), "alpha": float32(0.4) * 3, "beta": float32(0.6), "bias": float32(1.7)}}},
	{"a squashed fully connected layer", []int{2, 3, 2, 2}, func(b *graph.Builder, x *gorgonia.Node) *gorgonia.Node {
		return b.ScaledTanh(b.Dense(b.Flatten(x), "d", 5), 1.7159, 2.0/3)
	}, map[string]map[string]any{"Flatten": {"axis": int64(1)}, "Gemm": {"transB": int64(1)}, "Tanh": {}}},
	{"probabilities of joined maps", []int{2, 3, 2, 2}, func(b *graph.Builder, x *gorgonia.Node) *gorgonia.Node {
		return b.Softmax(b.GlobalAvgPool(b.Concat(b.ReLU(x), x, b.ReLU(b.Conv(x, "c", 2, 1)))))
	}, map[string]map[string]any{"Concat": {"axis": int64(1)}, "Flatten": {"axis": int64(1)}, "Softmax": {"axis": int64(1)}}},
	{"pixels with a stride and maps of zeros", []int{2, 3, 5, 6}, func(b *graph.Builder, x *gorgonia.Node) *gorgonia.Node {
		return b.Subsample(x, 2, 8)
	}, map[string]map[string]any{"Slice": {}, "Pad": {}}},
	{"coefficients of channels", []int{2, 3, 2, 3}, func(b *graph.Builder, x *gorgonia.Node) *gorgonia.Node {
		return b.ChannelScale(x, "s", 4)
	}, map[string]map[string]any{"Mul": {}, "Add": {}}},
	{"a residual", []int{1, 2, 3, 3}, func(b *graph.Builder, x *gorgonia.Node) *gorgonia.Node {
		return b.ReLU(b.Add(b.BatchNorm(b.Conv(x, "c", 2, 3, graph.Pad(1)), "bn", 0.05, 0.1), x))
	}, map[string]map[string]any{"Add": {}, "Relu": {}}},
	{"means over uneven windows", []int{1, 2, 5, 7}, func(b *graph.Builder, x *gorgonia.Node) *gorgonia.Node {
		return b.AdaptiveAvgPool(x, 3, 2)
	}, map[string]map[string]any{"MatMul": {}}},
}

// What is written means what the layer computes: attributes are the expected ones to the letter, and the
// nodes, computed here by the text of the standard with straight loops in float64, give the session's
// output. Inputs are such that a wrong attribute shows.
func TestAttributesMeanWhatIsComputed(t *testing.T) {
	for i, tt := range toys {
		for _, fold := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, folded %v", tt.name, fold), func(t *testing.T) {
				b := graph.NewBuilder(graph.NewParams(), graph.Eval)
				x := b.Input("x", tt.input...)
				y := tt.build(b, x)
				if err := b.Err(); err != nil {
					t.Fatal(err)
				}
				b.Params().Init(1)
				rng := rand.New(rand.NewPCG(uint64(i), 3))
				for _, p := range b.Params().All() {
					for i := range p.Data {
						p.Data[i] = float32(rng.NormFloat64())
						if p.Name == "bn.running_var" {
							p.Data[i] = 0.1 + rng.Float32()/4 // so small that epsilon counts
						}
					}
				}
				data := make([]float32, x.Shape().TotalSize())
				for i := range data {
					data[i] = float32(rng.NormFloat64()) - 0.5
				}
				got := evaluate(t, b, x, y, data)
				var file bytes.Buffer
				if err := onnx.Write(&file, b, x, y, onnx.Config{Fold: fold}); err != nil {
					t.Fatal(err)
				}
				nodes, tensors := decode(t, file.Bytes())
				if !fold {
					attrs := map[string]map[string]any{}
					for _, n := range nodes {
						if tt.want[n.op] != nil {
							attrs[n.op] = n.attrs
						}
					}
					if !reflect.DeepEqual(attrs, tt.want) {
						t.Errorf("attributes are %v, want %v", attrs, tt.want)
					}
				}
				values := tensors
				values["input"] = stored{x.Shape(), float64s(data)}
				for _, n := range nodes {
					values[n.out[0]] = compute(t, n, values)
				}
				want, ok := values["logits"]
				if !ok || !slices.Equal(want.shape, y.Shape()) {
					t.Fatalf("the output is %v, want %v", want.shape, y.Shape())
				}
				for i, v := range got {
					if d := math.Abs(float64(v) - want.data[i]); !(d <= 1e-5*(1+math.Abs(want.data[i]))) {
						t.Fatalf("value %d is %g, the file says %g", i, v, want.data[i])
					}
				}
			})
		}
	}
}

// A value that hangs over the edge counts neither as a pixel nor as padding, which ONNX cannot say
// together with padding that counts.
func TestAnAverageWithoutCounterpartIsRefused(t *testing.T) {
	b := graph.NewBuilder(graph.NewParams(), graph.Eval)
	x := b.Input("x", 1, 1, 6, 6)
	y := b.AvgPool(x, 3, graph.Stride(2), graph.Pad(1), graph.Ceil())
	if err := onnx.Write(&bytes.Buffer{}, b, x, y, onnx.Config{}); err == nil {
		t.Error("it was written")
	}
}

func evaluate(t *testing.T, b *graph.Builder, x, y *gorgonia.Node, data []float32) []float32 {
	t.Helper()
	s, err := graph.Compile(b, []*gorgonia.Node{y}, graph.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Bind(x, data); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	return slices.Clone(s.Value(y))
}

func float64s(list []float32) []float64 {
	out := make([]float64, len(list))
	for i, v := range list {
		out[i] = float64(v)
	}
	return out
}

// compute runs a node as the standard's text has it, operator set 13.
func compute(t *testing.T, n written, values map[string]stored) stored {
	t.Helper()
	var in []stored
	for _, name := range n.in {
		v, ok := values[name]
		if !ok {
			t.Fatalf("%s reads %s, which nobody makes", n.op, name)
		}
		in = append(in, v)
	}
	pair := func(name string, otherwise int64) [2]int {
		if list, ok := n.attrs[name].([]int64); ok {
			return [2]int{int(list[0]), int(list[1])}
		}
		return [2]int{int(otherwise), int(otherwise)}
	}
	var pads [4]int // top, left, bottom, right
	if list, ok := n.attrs["pads"].([]int64); ok {
		for i, v := range list {
			pads[i] = int(v)
		}
	}
	x := in[0]
	each := func(f func(v float64) float64) stored {
		out := stored{x.shape, make([]float64, len(x.data))}
		for i, v := range x.data {
			out.data[i] = f(v)
		}
		return out
	}
	float := func(name string, otherwise float64) float64 {
		if v, ok := n.attrs[name].(float32); ok {
			return float64(v)
		}
		return otherwise
	}
	switch n.op {
	case "Relu":
		return each(func(v float64) float64 { return max(v, 0) })
	case "Tanh":
		return each(math.Tanh)
	case "Add":
		return broadcast(x, in[1], func(a, b float64) float64 { return a + b })
	case "Mul":
		return broadcast(x, in[1], func(a, b float64) float64 { return a * b })
	case "Flatten":
		rows := 1
		for _, d := range x.shape[:n.attrs["axis"].(int64)] {
			rows *= d
		}
		return stored{[]int{rows, len(x.data) / rows}, x.data}
	case "Gemm": // of two matrices, the second transposed or not, and a row
		m, k := x.shape[0], x.shape[1]
		columns := len(in[1].data) / k
		out := stored{[]int{m, columns}, make([]float64, m*columns)}
		for i := range m {
			for j := range columns {
				for l := range k {
					at := l*columns + j
					if n.attrs["transB"] == int64(1) {
						at = j*k + l
					}
					out.data[i*columns+j] += x.data[i*k+l] * in[1].data[at]
				}
				out.data[i*columns+j] += in[2].data[j]
			}
		}
		return out
	case "MatMul":
		return matMul(x, in[1])
	case "Softmax":
		rows, columns := x.shape[0], x.shape[1]
		out := stored{x.shape, make([]float64, len(x.data))}
		for i := range rows {
			sum := 0.0
			for _, v := range x.data[i*columns : (i+1)*columns] {
				sum += math.Exp(v)
			}
			for j, v := range x.data[i*columns : (i+1)*columns] {
				out.data[i*columns+j] = math.Exp(v) / sum
			}
		}
		return out
	case "GlobalAveragePool":
		area := x.shape[2] * x.shape[3]
		out := stored{[]int{x.shape[0], x.shape[1], 1, 1}, make([]float64, x.shape[0]*x.shape[1])}
		for i, v := range x.data {
			out.data[i/area] += v / float64(area)
		}
		return out
	case "Concat": // along the channels
		out := stored{shape: slices.Clone(x.shape)}
		out.shape[1] = 0
		for _, part := range in {
			out.shape[1] += part.shape[1]
		}
		for image := range x.shape[0] {
			for _, part := range in {
				size := len(part.data) / x.shape[0]
				out.data = append(out.data, part.data[image*size:(image+1)*size]...)
			}
		}
		return out
	case "Slice": // starts, ends, axes, steps, all of them positive
		starts, steps := []int{0, 0, 0, 0}, []int{1, 1, 1, 1}
		shape := slices.Clone(x.shape)
		for i, axis := range in[3].data {
			a := int(axis)
			starts[a], steps[a] = int(in[1].data[i]), int(in[4].data[i])
			shape[a] = (min(int(in[2].data[i]), x.shape[a]) - starts[a] + steps[a] - 1) / steps[a]
		}
		return arranged(shape, func(i [4]int) float64 {
			return at4(x, starts[0]+i[0]*steps[0], starts[1]+i[1]*steps[1], starts[2]+i[2]*steps[2], starts[3]+i[3]*steps[3])
		})
	case "Pad":
		shape, before := slices.Clone(x.shape), [4]int{}
		for a := range 4 {
			before[a] = int(in[1].data[a])
			shape[a] += before[a] + int(in[1].data[4+a])
		}
		return arranged(shape, func(i [4]int) float64 {
			return at4(x, i[0]-before[0], i[1]-before[1], i[2]-before[2], i[3]-before[3])
		})
	case "BatchNormalization":
		area, eps := x.shape[2]*x.shape[3], float("epsilon", 1e-5)
		out := stored{x.shape, make([]float64, len(x.data))}
		for i, v := range x.data {
			c := i / area % x.shape[1]
			out.data[i] = (v-in[3].data[c])/math.Sqrt(in[4].data[c]+eps)*in[1].data[c] + in[2].data[c]
		}
		return out
	case "LRN":
		size := int(n.attrs["size"].(int64))
		return arranged(x.shape, func(i [4]int) float64 {
			sum := 0.0
			for c := i[1] - (size-1)/2; c <= i[1]+size/2; c++ {
				sum += at4(x, i[0], c, i[2], i[3]) * at4(x, i[0], c, i[2], i[3])
			}
			return at4(x, i[0], i[1], i[2], i[3]) / math.Pow(float("bias", 1)+float("alpha", 1e-4)/float64(size)*sum, float("beta", 0.75))
		})
	case "Conv":
		w, stride, dilation, groups := in[1], pair("strides", 1), pair("dilations", 1), 1
		if g, ok := n.attrs["group"].(int64); ok {
			groups = int(g)
		}
		size := func(axis int) int {
			return (x.shape[2+axis]+pads[axis]+pads[2+axis]-(w.shape[2+axis]-1)*dilation[axis]-1)/stride[axis] + 1
		}
		if k := pair("kernel_shape", 0); k != [2]int{w.shape[2], w.shape[3]} {
			t.Errorf("kernel_shape is %v for filters of %v", k, w.shape)
		}
		return arranged([]int{x.shape[0], w.shape[0], size(0), size(1)}, func(i [4]int) float64 {
			sum := 0.0
			if len(in) > 2 {
				sum = in[2].data[i[1]]
			}
			first := i[1] / (w.shape[0] / groups) * w.shape[1]
			for c := range w.shape[1] {
				for kh := range w.shape[2] {
					for kw := range w.shape[3] {
						sum += at4(w, i[1], c, kh, kw) * at4(x, i[0], first+c, i[2]*stride[0]-pads[0]+kh*dilation[0], i[3]*stride[1]-pads[1]+kw*dilation[1])
					}
				}
			}
			return sum
		})
	case "MaxPool", "AveragePool":
		k, stride := pair("kernel_shape", 0), pair("strides", 1)
		size := func(axis int) int { return (x.shape[2+axis]+pads[axis]+pads[2+axis]-k[axis])/stride[axis] + 1 }
		return arranged([]int{x.shape[0], x.shape[1], size(0), size(1)}, func(i [4]int) float64 {
			most, sum, pixels := math.Inf(-1), 0.0, 0
			for kh := range k[0] {
				for kw := range k[1] {
					h, w := i[2]*stride[0]-pads[0]+kh, i[3]*stride[1]-pads[1]+kw
					if h < 0 || w < 0 || h >= x.shape[2] || w >= x.shape[3] {
						continue
					}
					v := at4(x, i[0], i[1], h, w)
					most, sum, pixels = max(most, v), sum+v, pixels+1
				}
			}
			switch {
			case n.op == "MaxPool":
				return most
			case n.attrs["count_include_pad"] == int64(1):
				return sum / float64(k[0]*k[1])
			}
			return sum / float64(pixels)
		})
	}
	t.Fatalf("%s is not known here", n.op)
	return stored{}
}

// at4 is an element of a tensor with four dimensions, zero outside of it.
func at4(x stored, i ...int) float64 {
	at := 0
	for a, v := range i {
		if v < 0 || v >= x.shape[a] {
			return 0
		}
		at = at*x.shape[a] + v
	}
	return x.data[at]
}

func arranged(shape []int, f func(i [4]int) float64) stored {
	out := stored{shape: slices.Clone(shape)}
	for a := range shape[0] {
		for b := range shape[1] {
			for c := range shape[2] {
				for d := range shape[3] {
					out.data = append(out.data, f([4]int{a, b, c, d}))
				}
			}
		}
	}
	return out
}

// broadcast computes with y stretched to the shape of x, dimensions matched from the last one.
func broadcast(x, y stored, f func(a, b float64) float64) stored {
	out := stored{x.shape, make([]float64, len(x.data))}
	for i, v := range x.data {
		at, rest, step := 0, i, 1
		for a := len(x.shape) - 1; a >= 0; a-- {
			if b := a - len(x.shape) + len(y.shape); b >= 0 {
				if y.shape[b] > 1 {
					at += rest % x.shape[a] * step
				}
				step *= y.shape[b]
			}
			rest /= x.shape[a]
		}
		out.data[i] = f(v, y.data[at])
	}
	return out
}

// matMul multiplies the matrices in the last two dimensions; one of the two is a single matrix.
func matMul(x, y stored) stored {
	last := func(s stored) (int, int) { return s.shape[len(s.shape)-2], s.shape[len(s.shape)-1] }
	m, k := last(x)
	_, columns := last(y)
	more := x
	if len(y.shape) > len(x.shape) {
		more = y
	}
	outer := more.shape[:len(more.shape)-2]
	out := stored{shape: append(slices.Clone(outer), m, columns)}
	matrices := 1
	for _, d := range outer {
		matrices *= d
	}
	for i := range matrices {
		from := func(s stored) []float64 {
			r, c := last(s)
			return s.data[i*r*c%len(s.data):][:r*c]
		}
		a, b := from(x), from(y)
		for r := range m {
			for c := range columns {
				sum := 0.0
				for l := range k {
					sum += a[r*k+l] * b[l*columns+c]
				}
				out.data = append(out.data, sum)
			}
		}
	}
	return out
}
