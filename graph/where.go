package graph

import (
	"slices"

	"gorgonia.org/gorgonia"
)

// Where adds x where condition, of ones and zeros as comparisons give them, is not zero, and y elsewhere. All three
// have one shape.
func (b *Builder) Where(condition, x, y *gorgonia.Node) *gorgonia.Node {
	l := b.unnamed("where")
	if !b.takes(l.Name, condition, x, y) {
		return nil
	}
	for _, n := range []*gorgonia.Node{x, y} {
		if !slices.Equal(condition.Shape(), n.Shape()) {
			b.Errorf("%s: shapes %s and %s differ", l.Name, orScalar(condition.Shape()), orScalar(n.Shape()))
			return nil
		}
	}
	o := &whereOp{}
	o.core = newCore(o, l.Kind, x.Shape(), 0, condition, x, y)
	o.wrt[1], o.wrt[2] = true, true
	return b.layer(l, o, condition, x, y)
}

type whereOp struct{ core }

func (o *whereOp) lower(c *compiler, in []*value) *value {
	condition, x, y := c.asPlain(in[0]), c.asPlain(in[1]), c.asPlain(in[2])
	out := c.plain(o.shape...)
	const width = 1024
	size := product(o.shape)
	rows := inChunks((size+width-1)/width, width, func(row int) {
		for i := row * width; i < min((row+1)*width, size); i++ {
			if out.data[i] = y.data[i]; condition.data[i] != 0 {
				out.data[i] = x.data[i]
			}
		}
	})
	c.add([]*value{condition, x, y}, []*value{out}, 0, func(e *exec) error { rows.run(e.pool); return nil })
	return out
}

func (*whereOp) detail() any { return nil }

// SymDiff gives each side the gradient where it was taken.
func (o *whereOp) SymDiff(inputs gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	d := deriver{of: &o.core}
	none := d.function(grad, Function{Kind: Linear})
	side := func(x, y *gorgonia.Node) *gorgonia.Node {
		g := &whereOp{}
		g.core = newCore(g, "where gradient", o.shape, 0, inputs[0], x, y)
		return d.apply(g, inputs[0], x, y)
	}
	dx, dy := side(grad, none), side(none, grad)
	return gorgonia.Nodes{nil, dx, dy}, d.err
}
