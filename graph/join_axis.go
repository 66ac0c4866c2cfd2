package graph

import (
	"gorgonia.org/gorgonia"
)

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
	d, from, grads := deriver{of: &o.core}, 0, make(gorgonia.Nodes, len(inputs))
	for i, x := range inputs {
		n := x.Shape()[o.axis]
		grads[i] = d.apply(newSlice(grad, o.axis, from, n, 1), grad)
		from += n
	}
	return grads, d.err
}
