package graph

import (
	"slices"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// functionOp maps every element by a function, for any shape.
type functionOp struct {
	core
	f kernel.Function
}

func newFunction(f kernel.Function, x *gorgonia.Node) *functionOp {
	o, diff := &functionOp{f: f}, 0
	if f.Differentiable() {
		diff = 1
	}
	o.core = newCore(o, f.String(), x.Shape(), diff, x)
	return o
}

func (o *functionOp) lower(c *compiler, in []*value) *value {
	x := in[0]
	if !c.lanesFree(x) && !o.f.KeepsZero() {
		x = c.asPlain(x)
	}
	y := c.like(x)
	c.add([]*value{x}, []*value{y}, 0, func(e *exec) error {
		elementwise(x, y, y, func(x, y, _ []float32) { kernel.Map(e.pool, o.f, x, y) })
		return nil
	})
	return y
}

// lanesFree reports whether a value has no lanes beyond its last channel, which must stay zeros.
func (c *compiler) lanesFree(v *value) bool { return !v.blocked || v.shape[1]%kernel.Block == 0 }

func (o *functionOp) SymDiff(inputs gorgonia.Nodes, y, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	if !o.f.Differentiable() {
		return o.core.SymDiff(inputs, y, grad)
	}
	g := &functionGradOp{f: o.f}
	g.core = newCore(g, o.kind+" gradient", y.Shape(), 0, inputs[0], y, grad)
	dx, err := derive(g, &o.core, inputs[0], y, grad)
	return gorgonia.Nodes{dx}, err
}

type functionGradOp struct {
	core
	f kernel.Function
}

func (o *functionGradOp) lower(c *compiler, in []*value) *value {
	// Lanes beyond the last channel, where dy is zero, could become 0·∞.
	x, y, dy := c.asPlain(in[0]), c.asPlain(in[1]), c.asPlain(in[2])
	dx := c.like(dy)
	c.add([]*value{x, y, dy}, []*value{dx}, 0, func(e *exec) error {
		kernel.MapGrad(e.pool, o.f, x.data, y.data, dy.data, dx.data)
		return nil
	})
	return dx
}

// operatorOp joins two tensors element by element; sides of 1 are repeated.
type operatorOp struct {
	core
	o    kernel.Operator
	a, b []int // the operands' shapes, with as many sides as the result
}

// newOperator describes a o b. The operands' shapes are a and b as they are to be seen: they hold as many
// elements as the nodes, and as many sides as each other.
func newOperator(o kernel.Operator, x, y *gorgonia.Node, a, b, result []int) *operatorOp {
	op, diff := &operatorOp{o: o, a: a, b: b}, 0
	if o <= kernel.Power {
		diff = 2
	}
	op.core = newCore(op, o.String(), result, diff, x, y)
	return op
}

func (o *operatorOp) lower(c *compiler, in []*value) *value {
	x, y := in[0], in[1]
	if slices.Equal(x.shape, y.shape) {
		x, y = c.alike(x, y)
		if !c.lanesFree(x) && !o.o.KeepsZero() {
			x, y = c.asPlain(x), c.asPlain(y)
		}
		z := c.like(x)
		c.add([]*value{x, y}, []*value{z}, 0, func(e *exec) error {
			elementwise(x, y, z, func(x, y, z []float32) { kernel.Operate(e.pool, o.o, x, y, z) })
			return nil
		})
		return z
	}
	x, y = c.asPlain(x), c.asPlain(y)
	plan, err := kernel.NewBroadcast(o.o, o.a, o.b)
	if err != nil {
		panic(err) // checked where the op was made
	}
	z := c.plain(o.shape...)
	c.add([]*value{x, y}, []*value{z}, 0, func(e *exec) error { plan.Run(e.pool, x.data, y.data, z.data); return nil })
	return z
}

// SymDiff writes the derivatives in operators again.
func (o *operatorOp) SymDiff(inputs gorgonia.Nodes, z, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	d := deriver{of: &o.core, shape: z.Shape()}
	x, y := operand{inputs[0], o.a}, operand{inputs[1], o.b}
	full := func(n *gorgonia.Node) operand { return operand{n, broadcastShape(o.a, o.b)} }
	dz := full(grad)
	var dx, dy operand
	switch o.o {
	case kernel.Plus:
		dx, dy = dz, dz
	case kernel.Minus:
		dx, dy = dz, full(d.function(kernel.Negate, grad))
	case kernel.Times:
		dx, dy = d.operator(kernel.Times, dz, y), d.operator(kernel.Times, dz, x)
	case kernel.Over:
		dx = d.operator(kernel.Over, dz, y)
		dy = full(d.function(kernel.Negate, d.operator(kernel.Over, d.operator(kernel.Times, dz, full(z)), y).node))
	case kernel.Power:
		// y·x^(y-1) and x^y·ln x.
		less := operand{d.apply(newAffine(y.node, 1, -1), y.node), y.shape}
		dx = d.operator(kernel.Times, dz, d.operator(kernel.Times, d.operator(kernel.Power, x, less), y))
		dy = d.operator(kernel.Times, dz, d.operator(kernel.Times, full(z), operand{d.function(kernel.Log, x.node), x.shape}))
	default:
		return o.core.SymDiff(inputs, z, grad)
	}
	a, b := d.reduceTo(dx, x), d.reduceTo(dy, y)
	return gorgonia.Nodes{a, b}, d.err
}

func broadcastShape(a, b []int) []int {
	out, err := kernel.BroadcastShape(a, b)
	if err != nil {
		panic(err) // checked where the op was made
	}
	return out
}

// An operand is a node, seen with a shape of as many elements.
type operand struct {
	node  *gorgonia.Node
	shape []int
}

// A deriver makes the nodes of a gradient. It keeps the first error.
type deriver struct {
	of    *core
	shape []int // of the op's result
	err   error
}

func (d *deriver) apply(o op, inputs ...*gorgonia.Node) *gorgonia.Node {
	if d.err != nil {
		return nil
	}
	var n *gorgonia.Node
	n, d.err = derive(o, d.of, inputs...)
	return n
}

func (d *deriver) function(f kernel.Function, x *gorgonia.Node) *gorgonia.Node {
	if d.err != nil {
		return nil
	}
	return d.apply(newFunction(f, x), x)
}

func (d *deriver) operator(o kernel.Operator, x, y operand) operand {
	if d.err != nil {
		return operand{}
	}
	shape := broadcastShape(x.shape, y.shape)
	result := shape
	if product(shape) == product(d.shape) {
		result = d.shape
	}
	return operand{d.apply(newOperator(o, x.node, y.node, x.shape, y.shape, result), x.node, y.node), shape}
}

// reduceTo sums a gradient over the sides along which its operand was repeated, and gives it the operand's
// shape.
func (d *deriver) reduceTo(grad, to operand) *gorgonia.Node {
	if d.err != nil {
		return nil
	}
	var axes []int
	for i, s := range to.shape {
		if s != grad.shape[i] {
			axes = append(axes, i)
		}
	}
	if len(axes) > 0 {
		return d.apply(newReduce(kernel.SumOf, grad.node, grad.shape, axes, to.node.Shape()), grad.node)
	}
	return d.reshape(grad.node, to.node.Shape())
}

// reshape gives a node another shape, if it has not got it already.
func (d *deriver) reshape(n *gorgonia.Node, shape []int) *gorgonia.Node {
	if d.err != nil || slices.Equal(n.Shape(), shape) {
		return n
	}
	return d.apply(newReshape("reshape", n, shape), n)
}

// affineOp is scale·x + shift, for any shape.
type affineOp struct {
	core
	scale, shift float32
}

func newAffine(x *gorgonia.Node, scale, shift float32) *affineOp {
	o := &affineOp{scale: scale, shift: shift}
	o.core = newCore(o, "affine", x.Shape(), 1, x)
	return o
}

func (o *affineOp) lower(c *compiler, in []*value) *value {
	x := in[0]
	if !c.lanesFree(x) && o.shift != 0 {
		x = c.asPlain(x)
	}
	y := c.like(x)
	c.add([]*value{x}, []*value{y}, 0, func(e *exec) error {
		elementwise(x, y, y, func(x, y, _ []float32) {
			kernel.Scale(e.pool, o.scale, x, y)
			if o.shift != 0 {
				for i := range y {
					y[i] += o.shift
				}
			}
		})
		return nil
	})
	return y
}

func (o *affineOp) SymDiff(_ gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	dx, err := derive(newAffine(grad, o.scale, 0), &o.core, grad)
	return gorgonia.Nodes{dx}, err
}
