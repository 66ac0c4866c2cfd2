package graph

import (
	"slices"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// Excite multiplies every map of x, N×C×H×W, by its factor in gate, N×C or N×C×1×1: the end of a
// squeeze-and-excitation block (Hu et al., arXiv:1709.01507, equation 4), whose gate the maps' averages
// make. Both are differentiated.
func (b *Builder) Excite(x, gate *gorgonia.Node) *gorgonia.Node {
	l := b.unnamed("excite")
	if !b.rank(l.Name, x, 4) || !b.takes(l.Name, gate) {
		return nil
	}
	if s := gate.Shape(); !slices.Equal(s, x.Shape()[:2]) && !slices.Equal(s, append(x.Shape()[:2], 1, 1)) {
		b.Errorf("%s: maps %s need a gate of %s, not %s", l.Name, dims(x.Shape()), dims(x.Shape()[:2]), orScalar(s))
		return nil
	}
	o := &exciteOp{}
	o.core = newCore(o, l.Kind, x.Shape(), 2, x, gate)
	return b.layer(l, o, x, gate)
}

type exciteOp struct{ core }

func (o *exciteOp) lower(c *compiler, in []*value) *value {
	x, gate := c.asBlocked(in[0]), c.asPlain(in[1])
	y := c.like(x)
	c.add([]*value{x, gate}, []*value{y}, 0, func(e *exec) error {
		kernel.Excite(e.pool, x.act(), gate.data, y.act())
		return nil
	})
	return y
}

func (*exciteOp) detail() any { return nil }

func (o *exciteOp) SymDiff(inputs gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	x, gate := inputs[0], inputs[1]
	g := &exciteGradOp{}
	g.core = newCore(g, "excite gradient", x.Shape(), 0, x, gate, grad)
	dx, err := derive(g, &o.core, x, gate, grad)
	if err != nil {
		return nil, err
	}
	dgate, err := second(&o.core, &g.core, 0, gate.Shape(), dx)
	return gorgonia.Nodes{dx, dgate}, err
}

type exciteGradOp struct{ core }

func (o *exciteGradOp) lower(c *compiler, in []*value) *value {
	x, gate, dy := c.asBlocked(in[0]), c.asPlain(in[1]), c.asBlocked(in[2])
	dx, dgate := c.like(dy), c.plain(gate.shape...)
	c.state[&o.core] = []*value{dgate}
	c.add([]*value{x, gate, dy}, []*value{dx, dgate}, 0, func(e *exec) error {
		kernel.ExciteGrad(e.pool, x.act(), gate.data, dy.act(), dx.act(), dgate.data)
		return nil
	})
	return dx
}

// LayerScale multiplies every map of x, N×C×H×W, by a trained factor of its channel (Touvron et al.,
// arXiv:2103.17239, as ConvNeXt has it). Its parameter is name, C×1×1, and starts at init.
func (b *Builder) LayerScale(x *gorgonia.Node, name string, init float32) *gorgonia.Node {
	if !b.rank(name, x, 4) {
		return nil
	}
	channels := x.Shape()[1]
	factors := b.declare(name, []int{channels, 1, 1}, false, Constant(init))
	if b.err != nil {
		return nil
	}
	o := &layerScaleOp{}
	o.core = newCore(o, "layer scale", x.Shape(), 2, x, factors)
	return b.layer(Layer{Name: name, Kind: o.kind, Params: int64(channels)}, o, x, factors)
}

type layerScaleOp struct{ core }

func (o *layerScaleOp) lower(c *compiler, in []*value) *value { return c.scaleChannels(in[0], in[1]) }

// fuse folds the factors into the convolution before them, in a graph for evaluation.
func (o *layerScaleOp) fuse(c *compiler, t *term) bool {
	x := t.in[0]
	conv, ok := x.op.(*convOp)
	if !ok || c.training || !x.alone() {
		return false
	}
	in := slices.Concat(x.in, t.in[1:])
	x.leave()
	t.become(&fusedConv{convOp: conv, scaled: true}, in...)
	return true
}

func (c *compiler) scaleChannels(x, factors *value) *value {
	x = c.asBlocked(x)
	y := c.like(x)
	c.add([]*value{x, factors}, []*value{y}, 0, func(e *exec) error {
		kernel.ChannelAffine(e.pool, x.act(), factors.data, nil, y.act(), Identity)
		return nil
	})
	return y
}

func (*layerScaleOp) detail() any { return nil }

func (o *layerScaleOp) SymDiff(inputs gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	x, factors := inputs[0], inputs[1]
	dx, df := &layerScaleGradOp{}, &layerScaleSumsOp{}
	dx.core = newCore(dx, "layer scale gradient", x.Shape(), 0, factors, grad)
	df.core = newCore(df, "layer scale weight gradient", factors.Shape(), 0, x, grad)
	grads := make(gorgonia.Nodes, 2)
	var err error
	if grads[0], err = derive(dx, &o.core, factors, grad); err != nil {
		return nil, err
	}
	grads[1], err = derive(df, &o.core, x, grad)
	return grads, err
}

type layerScaleGradOp struct{ core }

func (o *layerScaleGradOp) lower(c *compiler, in []*value) *value {
	return c.scaleChannels(in[1], in[0])
}

type layerScaleSumsOp struct{ core }

func (o *layerScaleSumsOp) lower(c *compiler, in []*value) *value {
	x, dy := c.asBlocked(in[0]), c.asBlocked(in[1])
	sums := c.plain(o.shape...)
	c.add([]*value{x, dy}, []*value{sums}, 0, func(e *exec) error {
		kernel.ChannelDots(e.pool, x.act(), dy.act(), sums.data)
		return nil
	})
	return sums
}
