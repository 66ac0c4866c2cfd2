package graph

import (
	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// repeatOp repeats a value along its sides of 1.
type repeatOp struct {
	core
	from, to []int // the shape of x as it is seen, and the one that it is repeated to
}

// newRepeat describes x repeated along its sides of 1 to the shape to; the result has a shape of as many
// elements.
func newRepeat(x operand, to, shape []int) *repeatOp {
	o := &repeatOp{from: x.shape, to: to}
	o.core = newCore(o, "repeat", shape, 1, x.node)
	return o
}

func (o *repeatOp) lower(c *compiler, in []*value) *value {
	x, y, plan := c.asPlain(in[0]), c.plain(o.shape...), kernel.NewStrided(o.to, stretch(o.from, o.to), 0)
	c.add([]*value{x}, []*value{y}, 0, func(e *exec) error { plan.Gather(e.pool, x.data, y.data); return nil })
	return y
}

func (o *repeatOp) SymDiff(inputs gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	dx, err := derive(newReduce(SumOf, operand{grad, o.to}, o.from, inputs[0].Shape()), &o.core, grad)
	return gorgonia.Nodes{dx}, err
}
