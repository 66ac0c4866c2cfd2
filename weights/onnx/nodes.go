package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"gorgonia.org/gorgonia"
	dense "gorgonia.org/tensor"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// An exporter translates a graph, node by node.
type exporter struct {
	b             *graph.Builder
	input, output *gorgonia.Node
	names         map[*gorgonia.Node]string // of values
	nodes         []*message
	tensors       []*message // parameters and constants
	stored        map[string]bool
	made          map[string]bool // values by their names
	final         string          // name of the network's result
	half          bool            // weights are stored as 16-bit floats
	fixed         bool            // the number of images cannot be left free
	err           error
}

func (x *exporter) walk(fold bool) error {
	list, err := x.b.Computations(x.output)
	if err != nil {
		return err
	}
	uses := map[*gorgonia.Node]int{x.output: 1}
	made := map[*gorgonia.Node]*graph.Computation{}
	for i, c := range list {
		for _, in := range c.Inputs {
			uses[in]++
		}
		made[c.Node] = &list[i]
	}
	// folded gives the convolution that a batch normalisation can be part of.
	folded := map[*gorgonia.Node]*graph.Computation{}
	if fold {
		for _, c := range list {
			if conv := made[c.Inputs[0]]; c.Kind == "batch norm" && conv != nil && conv.Kind == "conv" && uses[conv.Node] == 1 && x.allKnown(conv.Inputs[1:]) && x.allKnown(c.Inputs[1:]) {
				folded[c.Node], folded[conv.Node] = conv, conv
			}
		}
	}
	layers := map[string]bool{} // values inside of a layer are called by its name
	for i := range list {
		c := &list[i]
		for base, n := c.Layer, 2; layers[c.Layer]; n++ {
			c.Layer = fmt.Sprint(base, " ", n)
		}
		layers[c.Layer] = true
	}
	for _, c := range list {
		conv := folded[c.Node]
		switch {
		case conv == nil:
			err = x.translate(c)
		case conv.Node == c.Node: // written with its batch normalisation
		default:
			err = x.fold(*conv, c)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.Layer, err)
		}
	}
	return nil
}

func (x *exporter) allKnown(nodes []*gorgonia.Node) bool {
	return !slices.ContainsFunc(nodes, func(n *gorgonia.Node) bool { _, ok := x.known(n); return !ok })
}

// weighted are the kinds of layers whose parameters are stored in forms of their own.
var weighted = map[string]bool{
	"conv": true, "dense": true, "point bias": true, "batch norm": true, "channel scale": true, "partial conv": true, "rbf": true, "layer scale": true,
	"layer norm": true,
}

func (x *exporter) translate(c graph.Computation) error {
	in := make([]string, len(c.Inputs))
	for i, n := range c.Inputs {
		if i > 0 && weighted[c.Kind] && x.b.ParamNode(n.Name()) == n {
			continue // stored below, in the layer's own form
		}
		var err error
		if in[i], err = x.operand(n); err != nil {
			return err
		}
	}
	out := x.name(c)
	if x.arrays(c, in, out) {
		return nil
	}
	if a, ok := c.Detail.(graph.Activation); ok {
		x.activation(c.Layer, a, in[0], out)
		return nil
	}
	switch c.Kind {
	case "add":
		x.node(c.Layer, "Add", in, out)
	case "concat":
		// What is stored has as many rows as there are images now.
		x.fixed = x.fixed || slices.ContainsFunc(c.Inputs, func(n *gorgonia.Node) bool { _, stored := x.known(n); return stored })
		x.node(c.Layer, "Concat", in, out, intAttr("axis", 1))
	case "flatten":
		x.node(c.Layer, "Flatten", in, out, intAttr("axis", 1))
	case "softmax":
		x.node(c.Layer, "Softmax", in, out, intAttr("axis", 1))
	case "conv":
		s := c.Detail.(kernel.ConvShape)
		w := in[1]
		x.fixed = x.fixed || !x.allKnown(c.Inputs[1:2]) // filters that are computed, of the images for one
		if w == "" {                                    // a parameter; a pointwise layer's has two dimensions
			w = x.constant(c.Inputs[1].Name(), []int{s.F, s.C / s.Groups, s.KH, s.KW}, x.data(c.Inputs[1]))
		}
		in = append([]string{in[0], w}, x.params(c.Inputs[2:], in[2:])...)
		x.node(c.Layer, "Conv", in, out, convAttrs(c.Detail.(kernel.ConvShape))...)
	case "dense":
		in = append(in[:1:1], x.params(c.Inputs[1:], in[1:])...)
		x.node(c.Layer, "Gemm", in, out, intAttr("transB", 1))
	case "point bias":
		in = append(in[:1:1], x.params(c.Inputs[1:], in[1:])...)
		x.node(c.Layer, "Add", in, out)
	case "batch norm":
		in = append(in[:1:1], x.params(c.Inputs[1:], in[1:])...)
		x.node(c.Layer, "BatchNormalization", in, out, floatAttr("epsilon", float32(c.Detail.(graph.Epsilon))))
	case "lrn":
		p := c.Detail.(kernel.LRNParams)
		x.node(c.Layer, "LRN", in, out, intAttr("size", int64(p.Size)),
			floatAttr("alpha", p.Alpha*float32(p.Size)), // which ONNX divides by size
			floatAttr("beta", p.Beta), floatAttr("bias", p.K))
	case "max pool", "average pool":
		attrs, err := poolAttrs(c)
		if err != nil {
			return err
		}
		x.node(c.Layer, map[string]string{"max pool": "MaxPool", "average pool": "AveragePool"}[c.Kind], in, out, attrs...)
	case "global average pool":
		mean := c.Layer + ".mean" // N×C×1×1
		x.node(mean, "GlobalAveragePool", in, mean)
		x.node(c.Layer, "Flatten", []string{mean}, out, intAttr("axis", 1))
	case "adaptive average pool":
		x.adaptive(c, in[0], out)
	case "channel scale":
		gain, w := float32(c.Detail.(graph.Gain)), x.data(c.Inputs[1])
		scaled := make([]float32, len(w))
		for i, v := range w {
			scaled[i] = gain * v
		}
		perChannel := []int{1, len(w), 1, 1}
		x.node(c.Layer+".scale", "Mul", []string{in[0], x.constant(c.Layer+".weight", perChannel, scaled)}, c.Layer+".scale.out")
		x.node(c.Layer, "Add", []string{c.Layer + ".scale.out", x.constant(c.Layer+".bias", perChannel, x.data(c.Inputs[2]))}, out)
	case "partial conv":
		x.partialConv(c, in[0], out)
	case "subsample":
		x.subsample(c, in[0], out)
	case "rbf":
		// -Σ(x - code)² over N×1×K less 1×C×K.
		code := c.Inputs[1].Shape()
		x.node(c.Layer+".row", "Unsqueeze", []string{in[0], x.ints(c.Layer+".axes", 1)}, c.Layer+".row.out")
		x.node(c.Layer+".difference", "Sub", []string{c.Layer + ".row.out", x.constant(c.Layer+".codes", []int{1, code[0], code[1]}, x.data(c.Inputs[1]))}, c.Layer+".difference.out")
		x.node(c.Layer+".square", "ReduceSumSquare", []string{c.Layer + ".difference.out"}, c.Layer+".square.out", intsAttr("axes", 2), intAttr("keepdims", 0))
		x.node(c.Layer, "Neg", []string{c.Layer + ".square.out"}, out)
	case "excite":
		gate := in[1]
		if len(c.Inputs[1].Shape()) == 2 {
			gate = c.Layer + ".gate.out" // N×C×1×1
			x.node(c.Layer+".gate", "Unsqueeze", []string{in[1], x.ints(c.Layer+".axes", 2, 3)}, gate)
		}
		x.node(c.Layer, "Mul", []string{in[0], gate}, out)
	case "layer scale":
		in = append(in[:1:1], x.params(c.Inputs[1:], in[1:])...)
		x.node(c.Layer, "Mul", in, out)
	case "layer norm":
		x.layerNorm(c, in[0], out)
	default:
		return fmt.Errorf("a %s has no counterpart in ONNX that we know", c.Kind)
	}
	return nil
}

// fold writes a convolution with the batch normalisation that follows it: the
// filters times γ/√(σ²+ε), the bias (b-µ)·γ/√(σ²+ε)+β.
func (x *exporter) fold(conv, norm graph.Computation) error {
	source := x.names[conv.Inputs[0]]
	if source == "" {
		return fmt.Errorf("the value %v is another input of the graph: a model has one", conv.Inputs[0])
	}
	w, s := x.data(conv.Inputs[1]), conv.Detail.(kernel.ConvShape)
	gamma, beta, mean, variance := x.data(norm.Inputs[1]), x.data(norm.Inputs[2]), x.data(norm.Inputs[3]), x.data(norm.Inputs[4])
	var bias []float32
	if len(conv.Inputs) > 2 {
		bias = x.data(conv.Inputs[2])
	}
	filters, shifts := make([]float32, len(w)), make([]float32, len(gamma))
	taps := len(w) / len(gamma)
	for f := range gamma {
		scale := float64(gamma[f]) / math.Sqrt(float64(variance[f])+float64(norm.Detail.(graph.Epsilon)))
		for i := f * taps; i < (f+1)*taps; i++ {
			filters[i] = float32(float64(w[i]) * scale)
		}
		shift := -float64(mean[f])
		if bias != nil {
			shift += float64(bias[f])
		}
		shifts[f] = float32(shift*scale + float64(beta[f]))
	}
	in := []string{source, x.constant(conv.Layer+".weight", []int{s.F, s.C / s.Groups, s.KH, s.KW}, filters), x.constant(conv.Layer+".bias", []int{len(shifts)}, shifts)}
	x.node(conv.Layer, "Conv", in, x.name(norm), convAttrs(s)...)
	return nil
}

// layerNorm writes (x - mean)/√(mean of squares + ε)·γ + β over the channels, for which operator set 13 has
// no name.
func (x *exporter) layerNorm(c graph.Computation, in, out string) {
	perChannel := []int{1, c.Node.Shape()[1]}
	for range c.Node.Shape()[2:] {
		perChannel = append(perChannel, 1)
	}
	inner := func(name, op string, inputs []string, attrs ...*message) string {
		x.node(c.Layer+"."+name, op, inputs, c.Layer+"."+name+".out", attrs...)
		return c.Layer + "." + name + ".out"
	}
	mean := inner("mean", "ReduceMean", []string{in}, intsAttr("axes", 1))
	centred := inner("centred", "Sub", []string{in, mean})
	variance := inner("variance", "ReduceMean", []string{inner("square", "Mul", []string{centred, centred})}, intsAttr("axes", 1))
	std := inner("std", "Sqrt", []string{inner("sum", "Add", []string{variance, x.constant(c.Layer+".eps", nil, []float32{float32(c.Detail.(graph.Epsilon))})})})
	scaled := inner("scaled", "Mul", []string{inner("normalised", "Div", []string{centred, std}), x.constant(c.Inputs[1].Name(), perChannel, x.data(c.Inputs[1]))})
	x.node(c.Layer, "Add", []string{scaled, x.constant(c.Inputs[2].Name(), perChannel, x.data(c.Inputs[2]))}, out)
}

// adaptive pools as two products with matrices of means: rows, then columns.
func (x *exporter) adaptive(c graph.Computation, in, out string) {
	from, to := c.Inputs[0].Shape(), c.Node.Shape()
	means := func(size, n int, transposed bool) []float32 {
		m := make([]float32, n*size)
		for i := range n {
			low, high := i*size/n, ((i+1)*size+n-1)/n
			for j := low; j < high; j++ {
				at := i*size + j
				if transposed {
					at = j*n + i
				}
				m[at] = 1 / float32(high-low)
			}
		}
		return m
	}
	columns := x.constant(c.Layer+".columns", []int{from[3], to[3]}, means(from[3], to[3], true))
	rows := x.constant(c.Layer+".rows", []int{to[2], from[2]}, means(from[2], to[2], false))
	x.node(c.Layer+".columns", "MatMul", []string{in, columns}, c.Layer+".columns.out")
	x.node(c.Layer, "MatMul", []string{rows, c.Layer + ".columns.out"}, out)
}

// partialConv writes whole filters with zeros for the maps that they do not see.
func (x *exporter) partialConv(c graph.Computation, in, out string) {
	table, w := c.Detail.(graph.Table), x.data(c.Inputs[1])
	size, channels := c.Inputs[1].Shape()[1], c.Inputs[0].Shape()[1]
	taps := size * size
	filters := make([]float32, len(table)*channels*taps)
	for f, sees := range table {
		for _, channel := range sees {
			to := filters[(f*channels+channel)*taps:][:taps]
			for i, v := range w[:taps] { // a map may be listed twice
				to[i] += v
			}
			w = w[taps:]
		}
	}
	bias := x.data(c.Inputs[2])
	x.node(c.Layer, "Conv", []string{in, x.constant(c.Layer+".weight", []int{len(table), channels, size, size}, filters), x.constant(c.Layer+".bias", []int{len(bias)}, bias)}, out,
		intsAttr("kernel_shape", size, size))
}

// subsample takes pixels with a stride and puts maps of zeros around theirs.
func (x *exporter) subsample(c graph.Computation, in, out string) {
	d, from, to := c.Detail.(graph.Subsampling), c.Inputs[0].Shape(), c.Node.Shape()
	sliced := in
	if d.Stride > 1 {
		sliced = c.Layer + ".slice.out"
		x.node(c.Layer+".slice", "Slice", []string{in,
			x.ints(c.Layer+".starts", 0, 0), x.ints(c.Layer+".ends", from[2], from[3]),
			x.ints(c.Layer+".axes", 2, 3), x.ints(c.Layer+".steps", d.Stride, d.Stride)}, sliced)
	}
	pads := x.ints(c.Layer+".pads", 0, d.From, 0, 0, 0, to[1]-from[1]-d.From, 0, 0)
	x.node(c.Layer, "Pad", []string{sliced, pads}, out)
}

func convAttrs(s kernel.ConvShape) []*message {
	return []*message{
		intsAttr("kernel_shape", s.KH, s.KW), intsAttr("strides", s.SH, s.SW),
		intsAttr("pads", s.PadT, s.PadL, s.PadB, s.PadR), intsAttr("dilations", s.DH, s.DW), intAttr("group", int64(s.Groups)),
	}
}

// poolAttrs replaces ceil mode, whose meaning has changed between versions of
// ONNX, by the padding that it comes to.
func poolAttrs(c graph.Computation) ([]*message, error) {
	w, from, to := c.Detail.(kernel.Window), c.Inputs[0].Shape(), c.Node.Shape()
	bottom, right, hangs := w.PadB, w.PadR, false
	if w.Ceil {
		bottom = max(0, (to[2]-1)*w.SH+w.KH-from[2]-w.PadT)
		right = max(0, (to[3]-1)*w.SW+w.KW-from[3]-w.PadL)
		hangs = bottom > w.PadB || right > w.PadR
	}
	attrs := []*message{
		intsAttr("kernel_shape", w.KH, w.KW), intsAttr("strides", w.SH, w.SW), intsAttr("pads", w.PadT, w.PadL, bottom, right),
	}
	if c.Kind == "average pool" {
		padded := max(w.PadT, w.PadB, w.PadL, w.PadR) > 0
		if w.CountPad && hangs && padded {
			return nil, fmt.Errorf("an average that counts its padding but not what hangs over has no counterpart in ONNX")
		}
		if w.CountPad && padded {
			attrs = append(attrs, intAttr("count_include_pad", 1))
		}
	}
	return attrs, nil
}

// name chooses the name of a result. Layers and parameters may have the same
// names, values and parameters may not.
func (x *exporter) name(c graph.Computation) string {
	name := c.Layer + ".out"
	if c.Node == x.output {
		name = x.final
	}
	x.names[c.Node] = name
	return name
}

func (x *exporter) node(name, op string, in []string, out string, attrs ...*message) {
	if x.made[out] {
		x.refuse(fmt.Errorf("two values would be called %q: layers that are written need names of their own", out))
	}
	if x.made == nil {
		x.made = map[string]bool{}
	}
	x.made[out] = true
	n := &message{}
	for _, v := range in {
		n.text(1, v)
	}
	n.text(2, out)
	n.text(3, name)
	n.text(4, op)
	for _, a := range attrs {
		n.message(5, a)
	}
	x.nodes = append(x.nodes, n)
}

// data gives the values of a parameter or a constant.
func (x *exporter) data(n *gorgonia.Node) []float32 {
	data, ok := x.known(n)
	if !ok {
		x.refuse(fmt.Errorf("%v is computed where this program writes weights alone", n))
		return make([]float32, n.Shape().TotalSize())
	}
	return data
}

// known finds the values of what is stored in a model.
func (x *exporter) known(n *gorgonia.Node) ([]float32, bool) {
	if x.b.ParamNode(n.Name()) == n {
		return x.b.Params().Get(n.Name()).Data, true
	}
	if n.Op() == nil {
		return nil, false
	}
	switch v := n.Value().(type) {
	case *gorgonia.F32:
		return []float32{float32(*v)}, true
	case *dense.Dense:
		data, ok := v.Data().([]float32)
		return data, ok
	}
	return nil, false
}

// operand is the name of what a computation reads: a value, or a parameter or a constant, which is stored.
func (x *exporter) operand(n *gorgonia.Node) (string, error) {
	if name := x.names[n]; name != "" {
		return name, nil
	}
	data, ok := x.known(n)
	if !ok {
		return "", fmt.Errorf("the value %v is another input of the graph: a model has one", n)
	}
	return x.constant(n.Name(), n.Shape(), data), nil
}

func (x *exporter) refuse(err error) {
	if x.err == nil {
		x.err = err
	}
}

// params stores those parameters under their names that have none as values yet, and returns what they are read as.
func (x *exporter) params(nodes []*gorgonia.Node, names []string) []string {
	names = slices.Clone(names)
	for i, n := range nodes {
		if names[i] == "" {
			names[i] = x.constant(n.Name(), n.Shape(), x.data(n))
		}
	}
	return names
}

// constant stores a tensor and returns its name; nil is the shape of a scalar.
func (x *exporter) constant(name string, shape []int, data []float32) string {
	if !x.half || len(data) < 2 {
		t := tensorHeader(name, typeFloat, shape)
		t.floats(9, data)
		return x.store(name, t)
	}
	if !x.stored[name] {
		t := tensorHeader(name, typeFloat16, shape)
		raw, err := halves(data)
		if err != nil {
			x.refuse(fmt.Errorf("tensor %s: %w", name, err))
		}
		t.bytes(9, raw)
		x.store(name, t)
		x.node(name+".cast", "Cast", []string{name}, name+".float32", intAttr("to", typeFloat))
	}
	return name + ".float32"
}

// halves rounds to 16-bit floats, of two as near to the even one, little-endian.
func halves(data []float32) ([]byte, error) {
	raw := make([]byte, 0, 2*len(data))
	for _, v := range data {
		bits := math.Float32bits(v)
		sign, size := uint16(bits>>16)&0x8000, math.Abs(float64(v))
		var half uint16
		switch {
		case v != v:
			half = 0x7e00
		case math.IsInf(float64(v), 0):
			half = 0x7c00
		case size >= 65520:
			return nil, fmt.Errorf("%g is too large for a 16-bit float", v)
		case size < 1.0/(1<<14): // a multiple of 2^-24
			half = uint16(math.RoundToEven(size * (1 << 24)))
		default:
			fraction, exponent := math.Frexp(size) // size = fraction·2^exponent, fraction in [1/2, 1)
			half = uint16(exponent+14)<<10 + uint16(math.RoundToEven(fraction*2048)) - 1024
		}
		raw = binary.LittleEndian.AppendUint16(raw, sign|half)
	}
	return raw, nil
}

// ints stores a list of int64, as which some operators take what others have
// as attributes.
func (x *exporter) ints(name string, list ...int) string {
	t := tensorHeader(name, typeInt64, []int{len(list)})
	var b []byte
	for _, v := range list {
		b = binary.LittleEndian.AppendUint64(b, uint64(v))
	}
	t.bytes(9, b)
	return x.store(name, t)
}

func (x *exporter) store(name string, t *message) string {
	if !x.stored[name] {
		x.stored[name] = true
		x.tensors = append(x.tensors, t)
	}
	return name
}

func tensorHeader(name string, typ int64, shape []int) *message {
	t := &message{}
	for _, d := range shape {
		t.int(1, int64(d))
	}
	t.int(2, typ)
	t.text(8, name)
	return t
}

// Types of attributes.
const (
	attrFloat = 1
	attrInt   = 2
	attrInts  = 7
)

func intAttr(name string, v int64) *message {
	a := &message{}
	a.text(1, name)
	a.int(3, v)
	a.int(20, attrInt)
	return a
}

func floatAttr(name string, v float32) *message {
	a := &message{}
	a.text(1, name)
	a.float(2, v)
	a.int(20, attrFloat)
	return a
}

func intsAttr(name string, list ...int) *message {
	a := &message{}
	a.text(1, name)
	for _, v := range list {
		a.int(8, int64(v))
	}
	a.int(20, attrInts)
	return a
}
