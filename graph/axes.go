package graph

import (
	"slices"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// newReshape describes the same elements in another shape.
func newReshape(kind string, x *gorgonia.Node, shape []int) *reshapeOp {
	o := &reshapeOp{}
	o.core = newCore(o, kind, shape, 1, x)
	return o
}

// reduceOp sums, averages or takes the maximum over some axes.
type reduceOp struct {
	core
	how  kernel.Reduction
	in   []int // the input's shape
	axes []int
}

// newReduce describes a reduction of x, seen with the shape in, over axes; the result has the given shape.
func newReduce(how kernel.Reduction, x *gorgonia.Node, in, axes, shape []int) *reduceOp {
	o := &reduceOp{how: how, in: in, axes: axes}
	o.core = newCore(o, how.String(), shape, 1, x)
	return o
}

func (o *reduceOp) lower(c *compiler, in []*value) *value {
	x, y, plan := c.asPlain(in[0]), c.plain(o.shape...), kernel.NewReduce(o.how, o.in, o.axes)
	c.add([]*value{x}, []*value{y}, 0, func(e *exec) error { plan.Run(e.pool, x.data, y.data); return nil })
	return y
}

// SymDiff repeats the gradient along the axes. Of a maximum that several elements reach, each gets all of it, as
// Gorgonia has it.
func (o *reduceOp) SymDiff(inputs gorgonia.Nodes, y, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	d := deriver{of: &o.core, shape: inputs[0].Shape()}
	kept := slices.Clone(o.in)
	count := 1
	for _, a := range o.axes {
		count *= kept[a]
		kept[a] = 1
	}
	if o.how == kernel.MaxOf {
		largest := d.operator(kernel.Equal, operand{inputs[0], o.in}, operand{y, kept})
		return gorgonia.Nodes{d.operator(kernel.Times, largest, operand{grad, kept}).node}, d.err
	}
	if o.how == kernel.MeanOf {
		grad = d.apply(newAffine(grad, 1/float32(count), 0), grad)
	}
	if d.err != nil {
		return nil, d.err
	}
	dx := d.apply(newRepeat(grad, kept, o.in, inputs[0].Shape()), grad)
	return gorgonia.Nodes{dx}, d.err
}

// stridedOp picks elements of its input at strides: a transpose, a slice, a repetition.
type stridedOp struct {
	core
	view    []int // the result's shape as it was planned
	strides []int
	offset  int
	repeats []int // axes along which elements are repeated
}

// newRepeat describes x, seen with the shape from, repeated along its sides of 1 to the shape to; the result has
// the given shape.
func newRepeat(x *gorgonia.Node, from, to, shape []int) *stridedOp {
	o := &stridedOp{view: to, strides: strides(from)}
	for i, d := range to {
		if from[i] != d {
			o.strides[i] = 0
			o.repeats = append(o.repeats, i)
		}
	}
	o.core = newCore(o, "repeat", shape, 1, x)
	return o
}

// newPermute describes a transpose: axis i of the result is axis order[i] of x.
func newPermute(x *gorgonia.Node, order []int) *stridedOp {
	in, o := x.Shape(), &stridedOp{}
	all := strides(in)
	for _, a := range order {
		o.view, o.strides = append(o.view, in[a]), append(o.strides, all[a])
	}
	o.core = newCore(o, "transpose", o.view, 1, x)
	return o
}

// newSlice describes count elements along an axis, from start on, step apart; the result has the given shape.
func newSlice(x *gorgonia.Node, axis, start, count, step int, shape []int) *stridedOp {
	in := x.Shape()
	o := &stridedOp{view: slices.Clone(in), strides: strides(in)}
	o.view[axis] = count
	o.offset = start * o.strides[axis]
	o.strides[axis] *= step
	o.core = newCore(o, "slice", shape, 1, x)
	return o
}

// strides are those of a row-major tensor.
func strides(shape []int) []int {
	s, n := make([]int, len(shape)), 1
	for i := len(shape) - 1; i >= 0; i-- {
		s[i], n = n, n*shape[i]
	}
	return s
}

func (o *stridedOp) lower(c *compiler, in []*value) *value {
	x, y, plan := c.asPlain(in[0]), c.plain(o.shape...), kernel.NewStrided(o.view, o.strides, o.offset)
	c.add([]*value{x}, []*value{y}, 0, func(e *exec) error { plan.Gather(e.pool, x.data, y.data); return nil })
	return y
}

func (o *stridedOp) SymDiff(inputs gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	d := deriver{of: &o.core, shape: inputs[0].Shape()}
	if len(o.repeats) > 0 {
		return gorgonia.Nodes{d.apply(newReduce(kernel.SumOf, grad, o.view, o.repeats, inputs[0].Shape()), grad)}, d.err
	}
	g := &scatterOp{of: o}
	g.core = newCore(g, o.kind+" gradient", inputs[0].Shape(), 1, grad)
	return gorgonia.Nodes{d.apply(g, grad)}, d.err
}

// scatterOp puts elements where a stridedOp takes them from; the others are zero.
type scatterOp struct {
	core
	of *stridedOp
}

func (o *scatterOp) lower(c *compiler, in []*value) *value {
	dy, dx, plan := c.asPlain(in[0]), c.plain(o.shape...), kernel.NewStrided(o.of.view, o.of.strides, o.of.offset)
	c.add([]*value{dy}, []*value{dx}, 0, func(e *exec) error { plan.Scatter(e.pool, dy.data, dx.data); return nil })
	return dx
}

func (o *scatterOp) SymDiff(inputs gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	g := &stridedOp{view: o.of.view, strides: o.of.strides, offset: o.of.offset}
	g.core = newCore(g, o.of.kind, inputs[0].Shape(), 1, grad)
	dy, err := derive(g, &o.core, grad)
	return gorgonia.Nodes{dy}, err
}

// joinOp concatenates along any axis, row-major.
type joinOp struct {
	core
	axis int
}

func newJoin(axis int, shape []int, xs ...*gorgonia.Node) *joinOp {
	o := &joinOp{axis: axis}
	o.core = newCore(o, "concat", shape, len(xs), xs...)
	return o
}

func (o *joinOp) lower(c *compiler, in []*value) *value {
	parts, y := make([]*value, len(in)), c.plain(o.shape...)
	for i, v := range in {
		parts[i] = c.asPlain(v)
	}
	inner := product(o.shape[o.axis+1:])
	outer := product(o.shape[:o.axis])
	c.add(parts, []*value{y}, 0, func(*exec) error {
		at := 0
		for i := range outer {
			for _, part := range parts {
				n := part.shape[o.axis] * inner
				copy(y.data[at:at+n], part.data[i*n:(i+1)*n])
				at += n
			}
		}
		return nil
	})
	return y
}

func (o *joinOp) SymDiff(inputs gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	d, from, grads := deriver{of: &o.core, shape: o.shape}, 0, make(gorgonia.Nodes, len(inputs))
	for i, x := range inputs {
		n := x.Shape()[o.axis]
		grads[i] = d.apply(newSlice(grad, o.axis, from, n, 1, x.Shape()), grad)
		from += n
	}
	return grads, d.err
}
