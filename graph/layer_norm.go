package graph

import (
	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// LayerNorm normalises every pixel of x, N×C×H×W, over its channels, and rows, N×C, over their elements (Ba
// et al., arXiv:1607.06450; ConvNeXt's LayerNorm, arXiv:2201.03545): (x - mean)/√(variance + eps)·weight +
// bias. Its parameters are name.weight and name.bias, C each. It is the same in training and evaluation.
func (b *Builder) LayerNorm(x *gorgonia.Node, name string, eps float32) *gorgonia.Node {
	if !b.takes(name, x) {
		return nil
	}
	if len(x.Shape()) != 2 && !b.rank(name, x, 4) {
		return nil
	}
	if !(eps >= 0) || !finite(eps) {
		b.Errorf("%s: eps %g must not be negative", name, eps)
		return nil
	}
	channels := []int{x.Shape()[1]}
	inputs := []*gorgonia.Node{x, b.declare(name+".weight", channels, false, Constant(1)), b.declare(name+".bias", channels, false, Constant(0))}
	return b.layerNorm(name, eps, 2*int64(channels[0]), inputs)
}

// layerNorm adds a layer normalisation over x, weight and bias.
func (b *Builder) layerNorm(name string, eps float32, params int64, inputs []*gorgonia.Node) *gorgonia.Node {
	if b.err != nil {
		return nil
	}
	o := &layerNormOp{eps: eps}
	o.core = newCore(o, "layer norm", inputs[0].Shape(), 3, inputs...)
	return b.layer(Layer{Name: name, Kind: o.kind, Params: params}, o, inputs...)
}

type layerNormOp struct {
	core
	eps float32
}

// maps is a value as feature maps; rows are maps of one pixel.
func (c *compiler) maps(x *value) *value {
	if len(x.shape) == 2 {
		x = c.reshaped(c.asPlain(x), x.shape[0], x.shape[1], 1, 1)
	}
	return c.asBlocked(x)
}

// shaped gives maps of one pixel the shape of rows, if that is what is asked for.
func (c *compiler) shaped(x *value, shape []int) *value {
	if len(shape) == 2 {
		return c.reshaped(c.asPlain(x), shape...)
	}
	return x
}

func (o *layerNormOp) lower(c *compiler, in []*value) *value {
	x, gamma, beta := c.maps(in[0]), in[1], in[2]
	y, pixels := c.blocked(x.shape...), x.shape[0]*x.shape[2]*x.shape[3]
	mean, invstd := c.plain(pixels), c.plain(pixels)
	c.state[&o.core] = []*value{mean, invstd}
	c.add([]*value{x, gamma, beta}, []*value{y, mean, invstd}, 0, func(e *exec) error {
		kernel.LayerNorm(e.pool, x.act(), gamma.data, beta.data, o.eps, y.act(), mean.data, invstd.data)
		return nil
	})
	return c.shaped(y, o.shape)
}

func (o *layerNormOp) detail() any { return Epsilon(o.eps) }

func (o *layerNormOp) SymDiff(inputs gorgonia.Nodes, y, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	x, gamma, beta := inputs[0], inputs[1], inputs[2]
	g := &layerNormGradOp{of: o}
	g.core = newCore(g, "layer norm gradient", x.Shape(), 0, x, gamma, y, grad)
	dx, err := derive(g, &o.core, x, gamma, y, grad)
	if err != nil {
		return nil, err
	}
	dgamma, err := second(&o.core, &g.core, 0, gamma.Shape(), dx)
	if err != nil {
		return nil, err
	}
	dbeta, err := second(&o.core, &g.core, 1, beta.Shape(), dx)
	return gorgonia.Nodes{dx, dgamma, dbeta}, err
}

type layerNormGradOp struct {
	core
	of *layerNormOp
}

func (o *layerNormGradOp) follows() int { return 2 }

func (o *layerNormGradOp) lower(c *compiler, in []*value) *value {
	x, gamma, dy := c.maps(in[0]), in[1], c.maps(in[3])
	kept := c.kept(&o.of.core)
	mean, invstd := kept[0], kept[1]
	s := x.shape
	dx, dgamma, dbeta := c.like(dy), c.plain(s[1]), c.plain(s[1])
	c.state[&o.core] = []*value{dgamma, dbeta}
	c.add([]*value{x, gamma, dy, mean, invstd}, []*value{dx, dgamma, dbeta}, kernel.LayerNormScratch(s[0], s[1], s[2], s[3]), func(e *exec) error {
		kernel.LayerNormGrad(e.pool, x.act(), dy.act(), gamma.data, mean.data, invstd.data, dx.act(), dgamma.data, dbeta.data, e.scratch)
		return nil
	})
	return c.shaped(dx, o.shape)
}
