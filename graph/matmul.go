package graph

import (
	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// matMulOp is the product of two matrices, either of which may be transposed, or of two batches of them.
type matMulOp struct {
	core
	transA, transB bool
	batch, m, n, k int // products of m×k and k×n
}

func newMatMul(transA, transB bool, batch, m, n, k int, shape []int, a, b *gorgonia.Node) *matMulOp {
	o := &matMulOp{transA: transA, transB: transB, batch: batch, m: m, n: n, k: k}
	o.core = newCore(o, "matrix product", shape, 2, a, b)
	return o
}

func (o *matMulOp) lower(c *compiler, in []*value) *value {
	a, b, y := c.asPlain(in[0]), c.asPlain(in[1]), c.plain(o.shape...)
	run, scratch := o.plan(c.pool.Threads())
	s := c.add([]*value{a, b}, []*value{y}, scratch, func(e *exec) error {
		sizeA, sizeB, sizeY := o.m*o.k, o.k*o.n, o.m*o.n
		for i := range o.batch {
			run(e, a.data[i*sizeA:(i+1)*sizeA], b.data[i*sizeB:(i+1)*sizeB], y.data[i*sizeY:(i+1)*sizeY])
		}
		return nil
	})
	s.macs = int64(o.batch) * int64(o.m) * int64(o.n) * int64(o.k)
	return y
}

// plan chooses how a product is computed: as that of a fully connected layer, which knows how to read
// large matrices once, where only B is transposed or nothing is.
func (o *matMulOp) plan(threads int) (run func(e *exec, a, b, y []float32), scratch int) {
	switch {
	case !o.transA && o.transB:
		d := kernel.NewDense(o.m, o.k, o.n)
		return func(e *exec, a, b, y []float32) { d.Forward(e.pool, a, b, nil, y, false, e.scratch) }, d.Scratch(threads)
	case !o.transA:
		d := kernel.NewDense(o.m, o.n, o.k)
		return func(e *exec, a, b, y []float32) { d.DataGrad(e.pool, a, b, y, e.scratch) }, d.Scratch(threads)
	}
	g, lda, ldb := kernel.NewGemm(o.transA, o.transB, o.m, o.n, o.k), o.m, o.n
	if o.transB {
		ldb = o.k
	}
	return func(e *exec, a, b, y []float32) { g.Run(e.pool, a, lda, b, ldb, false, y, o.n, e.scratch) }, g.Scratch(threads)
}

func (o *matMulOp) SymDiff(inputs gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	a, b, d := inputs[0], inputs[1], deriver{of: &o.core}
	product := func(transA, transB bool, m, n, k int, to, x, y *gorgonia.Node) *gorgonia.Node {
		return d.apply(newMatMul(transA, transB, o.batch, m, n, k, to.Shape(), x, y), x, y)
	}
	var da, db *gorgonia.Node
	if o.transA { // Aᵀ is B·dYᵀ transposed
		da = product(o.transB, true, o.k, o.m, o.n, a, b, grad)
	} else {
		da = product(false, !o.transB, o.m, o.k, o.n, a, grad, b)
	}
	if o.transB {
		db = product(true, o.transA, o.n, o.k, o.m, b, grad, a)
	} else {
		db = product(!o.transA, false, o.k, o.n, o.m, b, a, grad)
	}
	return gorgonia.Nodes{da, db}, d.err
}
