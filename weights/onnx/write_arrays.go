package onnx

import (
	"fmt"
	"math"
	"slices"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

// arrays writes what computes with arrays of any shape; it reports whether the computation is of that kind.
func (x *exporter) arrays(c graph.Computation, in []string, out string) bool {
	w := &arrayWriter{x, c, in, out}
	switch detail := c.Detail.(type) {
	case graph.Arithmetic:
		w.arithmetic(detail)
	case graph.Function:
		w.function(detail)
	case graph.Reduction:
		w.reduction(detail)
	case graph.Order:
		w.transpose(detail)
	case graph.Picks:
		w.picks(detail)
	case graph.Resampling:
		w.resampling(detail)
	case graph.ShuffleOf:
		w.shuffle(int(detail))
	case graph.Volume:
		w.volume(detail)
	default:
		switch c.Kind {
		case "reshape":
			w.reshape(in[0], c.Node.Shape(), out)
		case "matrix product":
			w.last("MatMul", in)
		case "where":
			w.last("Where", []string{w.inner("condition", "Cast", in[:1], intAttr("to", typeBool)), in[1], in[2]})
		default:
			return false
		}
	}
	return true
}

// An arrayWriter writes one computation, in one node or several.
type arrayWriter struct {
	*exporter
	c   graph.Computation
	in  []string
	out string
}

// last writes the node whose result is the computation's, and inner one on the way to it.
func (w *arrayWriter) last(op string, in []string, attrs ...*message) {
	w.node(w.c.Layer, op, in, w.out, attrs...)
}

func (w *arrayWriter) inner(name, op string, in []string, attrs ...*message) string {
	name = w.c.Layer + "." + name
	w.node(name, op, in, name+".out", attrs...)
	return name + ".out"
}

func (w *arrayWriter) number(name string, v float32) string {
	return w.constant(w.c.Layer+"."+name+".value", nil, []float32{v})
}

func (w *arrayWriter) list(name string, list ...int) string {
	return w.ints(w.c.Layer+"."+name, list...)
}

func (w *arrayWriter) arithmetic(a graph.Arithmetic) {
	switch op := map[graph.Arithmetic]string{
		graph.Plus: "Add", graph.Minus: "Sub", graph.Times: "Mul", graph.Over: "Div", graph.Power: "Pow", graph.Most: "Max", graph.Least: "Min",
	}[a]; {
	case op != "":
		w.last(op, w.in)
	case a == graph.NotEqual:
		w.last("Cast", []string{w.inner("not", "Not", []string{w.inner("holds", "Equal", w.in)})}, intAttr("to", typeFloat))
	default:
		op = map[graph.Arithmetic]string{
			graph.Less: "Less", graph.Greater: "Greater", graph.LessOrEqual: "LessOrEqual", graph.GreaterOrEqual: "GreaterOrEqual", graph.Equal: "Equal",
		}[a]
		w.last("Cast", []string{w.inner("holds", op, w.in)}, intAttr("to", typeFloat))
	}
}

func (w *arrayWriter) function(f graph.Function) {
	switch f.Kind {
	case graph.Linear:
		scaled := w.in[0]
		if f.B == 0 {
			w.last("Mul", []string{scaled, w.number("factor", f.A)})
			return
		}
		if f.A != 1 {
			scaled = w.inner("scaled", "Mul", []string{scaled, w.number("factor", f.A)})
		}
		w.last("Add", []string{scaled, w.number("term", f.B)})
	case graph.Clip:
		in := []string{w.in[0], "", ""}
		if !math.IsInf(float64(f.A), -1) {
			in[1] = w.number("min", f.A)
		}
		if math.IsInf(float64(f.B), 1) {
			in = in[:2]
		} else {
			in[2] = w.number("max", f.B)
		}
		w.last("Clip", in)
	case graph.Elu:
		w.last("Elu", w.in, floatAttr("alpha", f.A))
	case graph.Log2:
		w.last("Mul", []string{w.inner("ln", "Log", w.in), w.number("factor", float32(1/math.Ln2))})
	case graph.Square:
		w.last("Mul", []string{w.in[0], w.in[0]})
	case graph.Cube:
		w.last("Mul", []string{w.inner("square", "Mul", []string{w.in[0], w.in[0]}), w.in[0]})
	case graph.InverseSqrt:
		w.last("Reciprocal", []string{w.inner("root", "Sqrt", w.in)})
	case graph.Log1p:
		w.last("Log", []string{w.inner("more", "Add", []string{w.in[0], w.number("one", 1)})})
	case graph.Expm1:
		w.last("Sub", []string{w.inner("power", "Exp", w.in), w.number("one", 1)})
	default:
		w.last(map[graph.FunctionKind]string{
			graph.Abs: "Abs", graph.Exp: "Exp", graph.Log: "Log", graph.Sqrt: "Sqrt", graph.Reciprocal: "Reciprocal", graph.Erf: "Erf",
			graph.Softplus: "Softplus", graph.Sign: "Sign", graph.Ceiling: "Ceil", graph.Floor: "Floor", graph.Round: "Round", graph.Sin: "Sin", graph.Cos: "Cos",
		}[f.Kind], w.in)
	}
}

func (w *arrayWriter) reduction(r graph.Reduction) {
	var axes []int
	for a, d := range w.c.Inputs[0].Shape() {
		if d != w.c.Node.Shape()[a] || d == 1 && a > 0 {
			axes = append(axes, a)
		}
	}
	switch op := map[graph.Reduction]string{graph.MeanOf: "ReduceMean", graph.MaxOf: "ReduceMax", graph.MinOf: "ReduceMin"}[r]; {
	case len(axes) == 0:
		w.last("Identity", w.in)
	case op != "":
		w.last(op, w.in, intsAttr("axes", axes...))
	default:
		w.last("ReduceSum", []string{w.in[0], w.list("axes", axes...)})
	}
	w.fixed = w.fixed || slices.Contains(axes, 0)
}

// reshape leaves the first side open, which is or holds that of the images. A value whose images lie elsewhere has
// been noted before.
func (w *arrayWriter) reshape(in string, shape []int, out string) {
	open := slices.Clone(shape)
	if len(open) > 0 {
		open[0] = -1
	}
	w.fixed = w.fixed || len(open) < 2 // images are no longer told apart
	if out == w.out {
		w.last("Reshape", []string{in, w.list("shape", open...)})
		return
	}
	w.node(out, "Reshape", []string{in, w.list(out+".shape", open...)}, out)
}

func (w *arrayWriter) transpose(order []int) {
	w.last("Transpose", w.in, intsAttr("perm", order...))
	w.fixed = w.fixed || len(order) > 0 && order[0] != 0
}

// picks writes steps along an axis as a slice and all else as a gathering, in which an element that is filled is one
// beyond the last.
func (w *arrayWriter) picks(p graph.Picks) {
	shape, v := w.c.Inputs[0].Shape(), w.in[0]
	pads, filled := make([]int, 2*len(shape)), false
	for a, places := range p.Places {
		if slices.Contains(places, -1) {
			pads[len(shape)+a], filled = 1, true
		}
	}
	if filled {
		v = w.inner("filled", "Pad", []string{v, w.list("pads", pads...), w.number("fill", p.Fill)})
	}
	for a, places := range p.Places {
		if places == nil {
			continue
		}
		w.fixed = w.fixed || a == 0
		name := fmt.Sprint("axis", a)
		if from, to, step, ok := steps(places); ok {
			v = w.inner(name, "Slice", []string{v, w.list(name+".starts", from), w.list(name+".ends", to), w.list(name+".axes", a), w.list(name+".steps", step)})
			continue
		}
		list := slices.Clone(places)
		for i, at := range list {
			if at < 0 {
				list[i] = shape[a]
			}
		}
		v = w.inner(name, "Gather", []string{v, w.list(name+".places", list...)}, intAttr("axis", int64(a)))
	}
	w.last("Identity", []string{v})
}

// steps finds a slice that takes these places.
func steps(places []int) (from, to, step int, ok bool) {
	if len(places) == 0 || places[0] < 0 {
		return 0, 0, 0, false
	}
	step = 1
	if len(places) > 1 {
		step = places[1] - places[0]
	}
	for i, p := range places {
		if p < 0 || p != places[0]+i*step {
			return 0, 0, 0, false
		}
	}
	return places[0], places[len(places)-1] + 1, step, step > 0
}

// resampling is the product with a matrix along the axis.
func (w *arrayWriter) resampling(r graph.Resampling) {
	shape := w.c.Inputs[0].Shape()
	from, to, last := shape[r.Axis], len(r.Taps), len(shape)-1
	matrix := make([]float32, from*to)
	for i, taps := range r.Taps {
		for _, t := range taps {
			matrix[t.Place*to+i] += t.Weight
		}
	}
	taps := w.constant(w.c.Layer+".taps", []int{from, to}, matrix)
	w.fixed = w.fixed || r.Axis == 0
	if r.Axis == last {
		w.last("MatMul", []string{w.in[0], taps})
		return
	}
	order := counting(0, 1, len(shape))
	order[r.Axis], order[last] = last, r.Axis
	turned := w.inner("turned", "Transpose", w.in, intsAttr("perm", order...))
	w.last("Transpose", []string{w.inner("resampled", "MatMul", []string{turned, taps})}, intsAttr("perm", order...))
}

func (w *arrayWriter) shuffle(groups int) {
	s := w.c.Node.Shape()
	split := w.inner("split", "Reshape", []string{w.in[0], w.list("groups", -1, groups, s[1]/groups, s[2], s[3])})
	turned := w.inner("turned", "Transpose", []string{split}, intsAttr("perm", 0, 2, 1, 3, 4))
	w.reshape(turned, s, w.out)
}

// volume writes convolutions and poolings of three spatial axes.
func (w *arrayWriter) volume(v graph.Volume) {
	from, to := w.c.Inputs[0].Shape()[2:], w.c.Node.Shape()[2:]
	pads := make([]int, 6)
	for a := range 3 {
		pads[a], pads[3+a] = v.Before[a], v.After[a]
		if v.Ceil { // as padding that comes to the same
			pads[3+a] = max(v.After[a], (to[a]-1)*v.Stride[a]+(v.Size[a]-1)*v.Dilation[a]+1-from[a]-v.Before[a])
		}
	}
	attrs := []*message{intsAttr("kernel_shape", v.Size[:]...), intsAttr("strides", v.Stride[:]...), intsAttr("pads", pads...)}
	switch w.c.Kind {
	case "conv 3d":
		filters := w.c.Inputs[1].Shape()
		groups := w.c.Inputs[0].Shape()[1] / filters[1]
		w.last("Conv", w.in, append(attrs, intsAttr("dilations", v.Dilation[:]...), intAttr("group", int64(groups)))...)
	case "max pool 3d":
		w.last("MaxPool", w.in, append(attrs, intsAttr("dilations", v.Dilation[:]...))...)
	default:
		if v.Dilation != [3]int{1, 1, 1} || v.CountPad && v.Ceil {
			w.refuse(fmt.Errorf("%s: an average over windows with gaps, or that hang over and count their padding, has no counterpart in version %d of ONNX", w.c.Layer, opset))
		}
		if v.CountPad {
			attrs = append(attrs, intAttr("count_include_pad", 1))
		}
		w.last("AveragePool", w.in, attrs...)
	}
}
