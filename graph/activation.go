package graph

import (
	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// ReLU adds max(x, 0), for any shape. Where x is a convolution, a fully connected layer, a batch
// normalisation or a sum that nothing else uses, a session computes it on the way out of that layer.
func (b *Builder) ReLU(x *gorgonia.Node) *gorgonia.Node {
	if b.err != nil {
		return nil
	}
	o := &reluOp{}
	o.core = newCore(o, "relu", x.Shape(), 1, x)
	return b.layer(Layer{Kind: "relu"}, o, x)
}

type reluOp struct{ core }

func (o *reluOp) lower(c *compiler, in []*value) *value {
	x := in[0]
	y := c.like(x)
	c.add([]*value{x}, []*value{y}, 0, func(e *exec) error {
		elementwise(x, y, y, func(x, y, _ []float32) { kernel.ReLU(e.pool, x, y) })
		return nil
	})
	return y
}

func (o *reluOp) SymDiff(inputs gorgonia.Nodes, y, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	g := &reluGradOp{}
	g.core = newCore(g, "relu gradient", y.Shape(), 0, y, grad)
	dx, err := derive(g, &o.core, y, grad)
	return gorgonia.Nodes{dx}, err
}

type reluGradOp struct{ core }

func (o *reluGradOp) lower(c *compiler, in []*value) *value {
	if in[1] == nil {
		pool := c.children[c.node][1]
		in := c.inputs(pool)
		return pool.Op().(*maxPoolGradOp).scatter(c, c.reluGrad(in[0], in[1]))
	}
	return c.reluGrad(in[0], in[1])
}

func (c *compiler) reluGrad(y, dy *value) *value {
	y, dy = c.alike(y, dy)
	dx := c.like(dy)
	c.add([]*value{y, dy}, []*value{dx}, 0, func(e *exec) error {
		elementwise(y, dy, dx, func(y, dy, dx []float32) { kernel.ReLUGrad(e.pool, y, dy, dx) })
		return nil
	})
	return dx
}

// fusesReLU reports whether an op can compute the ReLU that follows it.
func fusesReLU(o op) bool {
	switch o.(type) {
	case *convOp, *denseOp, *batchNormOp, *addOp:
		return true
	}
	return false
}

// Tanh adds the hyperbolic tangent, for any shape.
func (b *Builder) Tanh(x *gorgonia.Node) *gorgonia.Node { return b.ScaledTanh(x, 1, 1) }

// ScaledTanh adds amp·tanh(slope·x). LeNet-5 squashes with amp 1.7159 and slope 2/3 (LeCun et al. 1998,
// equation 6 and appendix A).
func (b *Builder) ScaledTanh(x *gorgonia.Node, amp, slope float32) *gorgonia.Node {
	if b.err != nil {
		return nil
	}
	o := &tanhOp{amp: amp, slope: slope}
	o.core = newCore(o, "tanh", x.Shape(), 1, x)
	return b.layer(Layer{Kind: "tanh"}, o, x)
}

type tanhOp struct {
	core
	amp, slope float32
}

func (o *tanhOp) lower(c *compiler, in []*value) *value {
	x := in[0]
	y := c.like(x)
	c.add([]*value{x}, []*value{y}, 0, func(e *exec) error {
		elementwise(x, y, y, func(x, y, _ []float32) { kernel.Tanh(e.pool, o.amp, o.slope, x, y) })
		return nil
	})
	return y
}

func (o *tanhOp) SymDiff(_ gorgonia.Nodes, y, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	g := &tanhGradOp{of: o}
	g.core = newCore(g, "tanh gradient", y.Shape(), 0, y, grad)
	dx, err := derive(g, &o.core, y, grad)
	return gorgonia.Nodes{dx}, err
}

type tanhGradOp struct {
	core
	of *tanhOp
}

func (o *tanhGradOp) lower(c *compiler, in []*value) *value {
	y, dy := c.alike(in[0], in[1])
	dx := c.like(dy)
	c.add([]*value{y, dy}, []*value{dx}, 0, func(e *exec) error {
		elementwise(y, dy, dx, func(y, dy, dx []float32) { kernel.TanhGrad(e.pool, o.of.amp, o.of.slope, y, dy, dx) })
		return nil
	})
	return dx
}
