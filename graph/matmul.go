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
	m, k, n := xs[len(xs)-2], xs[len(xs)-1], ys[len(ys)-1]
	return b.layer(l, newMatMul(x, y, false, false, m, k, n, xs[:len(xs)-2], more, outer, append(slices.Clone(outer), m, n)), x, y)
}

type matMulOp struct {
	core
	transX, transY bool
	m, k, n        int
	stretched      bool     // a batch of matrices is, over the other
	pairs          *pairing // of the matrices' numbers
}

// newMatMul describes the products of m×k and k×n matrices, stored transposed if transX and transY say so, in
// batches of the shapes xs and ys that are matched to outer.
func newMatMul(x, y *gorgonia.Node, transX, transY bool, m, k, n int, xs, ys, outer, shape []int) *matMulOp {
	single := func(outer []int) []int { return append(slices.Clone(outer), 1) }
	o := &matMulOp{transX: transX, transY: transY, m: m, k: k, n: n, pairs: pairs(single(xs), single(ys), single(outer))}
	o.stretched = product(xs) != product(outer) || product(ys) != product(outer)
	o.core = newCore(o, "matrix product", shape, 2, x, y)
	return o
}

func (o *matMulOp) lower(c *compiler, in []*value) *value {
	x, y, z := c.asPlain(in[0]), c.asPlain(in[1]), c.plain(o.shape...)
	run, scratch := o.plan(c.pool.Threads())
	s := c.add([]*value{x, y}, []*value{z}, scratch, func(e *exec) error {
		for i := range o.pairs.rows() {
			a, b, _, _ := o.pairs.row(i)
			run(e, x.data[a*o.m*o.k:][:o.m*o.k], y.data[b*o.k*o.n:][:o.k*o.n], z.data[i*o.m*o.n:][:o.m*o.n])
		}
		return nil
	})
	s.macs = int64(o.pairs.rows()) * int64(o.m) * int64(o.n) * int64(o.k)
	return z
}

// plan chooses how a product is computed: as that of a fully connected layer, which knows how to read large
// matrices once, where x is not transposed.
func (o *matMulOp) plan(threads int) (run func(e *exec, x, y, z []float32), scratch int) {
	switch {
	case !o.transX && o.transY:
		d := kernel.NewDense(o.m, o.k, o.n)
		return func(e *exec, x, y, z []float32) { d.Forward(e.pool, x, y, nil, z, Identity, e.scratch) }, d.Scratch(threads)
	case !o.transX:
		d := kernel.NewDense(o.m, o.n, o.k)
		return func(e *exec, x, y, z []float32) { d.DataGrad(e.pool, x, y, z, e.scratch) }, d.Scratch(threads)
	}
	g, ldx, ldy := kernel.NewGemm(o.transX, o.transY, o.m, o.n, o.k), o.m, o.n
	if o.transY {
		ldy = o.k
	}
	return func(e *exec, x, y, z []float32) { g.Run(e.pool, x, ldx, y, ldy, false, z, o.n, e.scratch) }, g.Scratch(threads)
}

func (*matMulOp) detail() any { return nil }

func (o *matMulOp) SymDiff(inputs gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	x, y, d := inputs[0], inputs[1], deriver{of: &o.core}
	if o.stretched {
		g := &matMulGradOp{of: o}
		g.core = newCore(g, "matrix product gradient", x.Shape(), 0, x, y, grad)
		dx := d.apply(g, x, y, grad)
		if d.err != nil {
			return nil, d.err
		}
		dy, err := second(&o.core, &g.core, 0, y.Shape(), dx)
		return gorgonia.Nodes{dx, dy}, err
	}
	batch := o.pairs.shape
	times := func(a, b *gorgonia.Node, transA, transB bool, m, k, n int, to *gorgonia.Node) *gorgonia.Node {
		return d.apply(newMatMul(a, b, transA, transB, m, k, n, batch, batch, batch, to.Shape()), a, b)
	}
	var dx, dy *gorgonia.Node
	if o.transX { // that of xᵀ is dz·yᵀ, transposed
		dx = times(y, grad, o.transY, true, o.k, o.n, o.m, x)
	} else {
		dx = times(grad, y, false, !o.transY, o.m, o.n, o.k, x)
	}
	if o.transY {
		dy = times(grad, x, true, o.transX, o.n, o.m, o.k, y)
	} else {
		dy = times(x, grad, !o.transX, false, o.k, o.m, o.n, y)
	}
	return gorgonia.Nodes{dx, dy}, d.err
}

// matMulGradOp is the gradient of products where one batch is stretched over the other.
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
