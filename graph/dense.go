package graph

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// Dense adds a fully connected layer: x, N×K, gives N×out. Its parameters are name.weight, out×K, and
// name.bias.
func (b *Builder) Dense(x *gorgonia.Node, name string, out int, options ...Opt) *gorgonia.Node {
	inputs, params, ok := b.weighted(x, name, 2, out, options)
	if !ok {
		return nil
	}
	return b.dense(name, out, params, inputs)
}

// Pointwise adds a fully connected layer over the channels of each pixel: x, N×K×H×W, gives N×out×H×W, as
// in ConvNeXt's blocks. It is a convolution of 1×1 but for the shape of its weight, out×K.
func (b *Builder) Pointwise(x *gorgonia.Node, name string, out int, options ...Opt) *gorgonia.Node {
	inputs, params, ok := b.weighted(x, name, 4, out, options)
	if !ok {
		return nil
	}
	o := b.opts(1, 1, nil)
	shape, _ := b.convShape(name, x, out, o)
	return b.conv(name, o, shape, params, inputs)
}

// weighted declares the parameters of a fully connected layer.
func (b *Builder) weighted(x *gorgonia.Node, name string, rank, out int, options []Opt) (inputs []*gorgonia.Node, params int64, ok bool) {
	if !b.rank(name, x, rank) {
		return nil, 0, false
	}
	if out < 1 {
		b.Errorf("%s: %d outputs, at least 1 is needed", name, out)
		return nil, 0, false
	}
	o, in := b.opts(1, 1, options), x.Shape()[1]
	inputs = []*gorgonia.Node{x, b.declare(name+".weight", []int{out, in}, false, o.weights)}
	params = int64(out) * int64(in)
	if !o.noBias {
		inputs = append(inputs, b.declare(name+".bias", []int{out}, false, o.biases))
		params += int64(out)
	}
	return inputs, params, b.err == nil
}

// dense adds a fully connected layer over x, weights, and perhaps a bias.
func (b *Builder) dense(name string, out int, params int64, inputs []*gorgonia.Node) *gorgonia.Node {
	if b.err != nil {
		return nil
	}
	x := inputs[0]
	n, in := x.Shape()[0], x.Shape()[1]
	d := &denseOp{n: n, in: in, out: out}
	d.core = newCore(d, "dense", []int{n, out}, len(inputs), inputs...)
	d.wrt[0] = !b.image(x)
	formula := fmt.Sprintf("%d·%d", in, out)
	if len(inputs) > 2 {
		formula += fmt.Sprintf(" + %d", out)
	}
	return b.layer(Layer{Name: name, Kind: "dense", Params: params, MACs: int64(in) * int64(out), Formula: formula}, d, inputs...)
}

type denseOp struct {
	core
	n, in, out int
}

func (o *denseOp) macs() int64 { return int64(o.n) * int64(o.in) * int64(o.out) }

func (o *denseOp) lower(c *compiler, in []*value) *value {
	return (&fusedDense{denseOp: o}).lower(c, in)
}

func (o *denseOp) activated(a Activation) op { return &fusedDense{o, a} }

// fusedDense is a fully connected layer with the activation that follows it.
type fusedDense struct {
	*denseOp
	act Activation
}

func (o *fusedDense) activated(Activation) op { return nil }

func (o *fusedDense) lower(c *compiler, in []*value) *value {
	k, x, w := kernel.NewDense(o.n, o.in, o.out), c.asPlain(in[0]), in[1]
	reads, bias := []*value{x, w}, &value{}
	if len(in) > 2 {
		bias = in[2]
		reads = append(reads, bias)
	}
	y := c.plain(o.n, o.out)
	forward := k.Forward
	if size := k.HalfLen(); c.half && size > 0 && c.keeps([]*value{w}) {
		full := w
		w = c.derive(size, 0, []*value{full}, func(e *exec, packed []float32) { k.PackHalf(e.pool, full.data, packed) })
		reads[1], forward = w, k.ForwardHalf
		c.halves = append(c.halves, c.layer)
	}
	s := c.add(reads, []*value{y}, k.Scratch(c.pool.Threads()), func(e *exec) error {
		forward(e.pool, x.data, w.data, bias.data, y.data, o.act, e.scratch)
		return nil
	})
	s.macs = o.macs()
	return y
}

func (*denseOp) detail() any { return nil }

func (o *denseOp) SymDiff(inputs gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	x, w := inputs[0], inputs[1]
	dx, dw := &denseDataGradOp{of: o}, &denseFilterGradOp{of: o, bias: len(inputs) > 2}
	dx.core = newCore(dx, "dense data gradient", x.Shape(), 0, w, grad)
	dw.core = newCore(dw, "dense weight gradient", w.Shape(), 0, x, grad)
	return weighted(&o.core, inputs, grad, dx, dw)
}

type denseDataGradOp struct {
	core
	of *denseOp
}

func (o *denseDataGradOp) lower(c *compiler, in []*value) *value {
	k, w, dy := kernel.NewDense(o.of.n, o.of.in, o.of.out), in[0], c.asPlain(in[1])
	dx := c.plain(o.of.n, o.of.in)
	s := c.add([]*value{w, dy}, []*value{dx}, k.Scratch(c.pool.Threads()), func(e *exec) error {
		k.DataGrad(e.pool, dy.data, w.data, dx.data, e.scratch)
		return nil
	})
	s.macs = o.of.macs()
	return dx
}

type denseFilterGradOp struct {
	core
	of   *denseOp
	bias bool
}

func (o *denseFilterGradOp) lower(c *compiler, in []*value) *value {
	k, x, dy := kernel.NewDense(o.of.n, o.of.in, o.of.out), c.asPlain(in[0]), c.asPlain(in[1])
	dw, db := c.plain(o.of.out, o.of.in), &value{}
	writes := []*value{dw}
	if o.bias {
		db = c.plain(o.of.out)
		writes = append(writes, db)
		c.state[&o.core] = []*value{db}
	}
	s := c.add([]*value{x, dy}, writes, k.Scratch(c.pool.Threads()), func(e *exec) error {
		k.FilterGrad(e.pool, x.data, dy.data, dw.data, db.data, e.scratch)
		return nil
	})
	s.macs = o.of.macs()
	return dw
}
