package graph

import (
	"slices"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// MatMul adds the products of the matrices in the last two dimensions of x, …×m×k, and y, …×k×n. The
// dimensions before them are matched and stretched as in NumPy. Products with a single matrix of weights
// are better made by [Builder.DenseWith].
func (b *Builder) MatMul(x, y *gorgonia.Node) *gorgonia.Node {
	l := b.unnamed("matrix product")
	if !b.takes(l.Name, x, y) {
		return nil
	}
	xs, ys := x.Shape(), y.Shape()
	if len(xs) < 2 || len(ys) < 2 || xs[len(xs)-1] != ys[len(ys)-2] {
		b.Errorf("%s: matrices %s and %s", l.Name, dims(xs), dims(ys))
		return nil
	}
	outer := slices.Clone([]int(xs[:len(xs)-2]))
	more := ys[:len(ys)-2]
	if len(more) > len(outer) {
		outer = append(slices.Clone([]int(more[:len(more)-len(outer)])), outer...)
	}
	for i, d := range more {
		at := i + len(outer) - len(more)
		if outer[at] == 1 {
			outer[at] = d
		} else if d != 1 && d != outer[at] {
			b.Errorf("%s: the shapes %s and %s do not go together", l.Name, dims(xs), dims(ys))
			return nil
		}
	}
	single := func(outer []int) []int { return append(slices.Clone(outer), 1) }
	o := &matMulOp{m: xs[len(xs)-2], k: xs[len(xs)-1], n: ys[len(ys)-1]}
	o.pairs = pairs(single(xs[:len(xs)-2]), single(ys[:len(ys)-2]), single(outer))
	o.core = newCore(o, l.Kind, append(slices.Clone(outer), o.m, o.n), 2, x, y)
	return b.layer(l, o, x, y)
}

type matMulOp struct {
	core
	m, k, n int
	pairs   *pairing // of the matrices' numbers
}

func (o *matMulOp) lower(c *compiler, in []*value) *value {
	x, y, z := c.asPlain(in[0]), c.asPlain(in[1]), c.plain(o.shape...)
	g := kernel.NewGemm(false, false, o.m, o.n, o.k)
	c.add([]*value{x, y}, []*value{z}, g.Scratch(c.pool.Threads()), func(e *exec) error {
		for i := range o.pairs.rows() {
			a, b, _, _ := o.pairs.row(i)
			g.Run(e.pool, x.data[a*o.m*o.k:][:o.m*o.k], o.k, y.data[b*o.k*o.n:][:o.k*o.n], o.n, false, z.data[i*o.m*o.n:][:o.m*o.n], o.n, e.scratch)
		}
		return nil
	})
	return z
}

func (o *matMulOp) SymDiff(inputs gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	g := &matMulGradOp{of: o}
	g.core = newCore(g, "matrix product gradient", inputs[0].Shape(), 0, inputs[0], inputs[1], grad)
	dx, err := derive(g, &o.core, inputs[0], inputs[1], grad)
	if err != nil {
		return nil, err
	}
	dy, err := second(&o.core, &g.core, 0, inputs[1].Shape(), dx)
	return gorgonia.Nodes{dx, dy}, err
}

type matMulGradOp struct {
	core
	of *matMulOp
}

func (o *matMulGradOp) lower(c *compiler, in []*value) *value {
	m, k, n := o.of.m, o.of.k, o.of.n
	x, y, dz := c.asPlain(in[0]), c.asPlain(in[1]), c.asPlain(in[2])
	dx, dy := c.plain(x.shape...), c.plain(y.shape...)
	c.state[&o.core] = []*value{dy}
	gx, gy := kernel.NewGemm(false, true, m, k, n), kernel.NewGemm(true, false, k, n, m)
	scratch := max(gx.Scratch(c.pool.Threads()), gy.Scratch(c.pool.Threads()))
	c.add([]*value{x, y, dz}, []*value{dx, dy}, scratch, func(e *exec) error {
		clear(dx.data)
		clear(dy.data)
		for i := range o.of.pairs.rows() {
			a, b, _, _ := o.of.pairs.row(i)
			d := dz.data[i*m*n:][:m*n]
			gx.Run(e.pool, d, n, y.data[b*k*n:][:k*n], n, true, dx.data[a*m*k:][:m*k], k, e.scratch)
			gy.Run(e.pool, x.data[a*m*k:][:m*k], k, d, n, true, dy.data[b*k*n:][:k*n], n, e.scratch)
		}
		return nil
	})
	return dx
}
