package graph

import (
	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// Subsample adds the shortcut without parameters of residual networks: every stride-th pixel of x, with
// maps of zeros before and after its own, half each, to make that many channels (He et al. 2015, section
// 3.3, option A).
func (b *Builder) Subsample(x *gorgonia.Node, stride, channels int) *gorgonia.Node {
	l := b.unnamed("subsample")
	if !b.rank(l.Name, x, 4) {
		return nil
	}
	s := x.Shape()
	if stride < 1 || channels < s[1] {
		b.Errorf("%s: stride %d must be at least 1, and %d channels at least the input's %d", l.Name, stride, channels, s[1])
		return nil
	}
	o := &subsampleOp{stride: stride, from: (channels - s[1]) / 2}
	o.core = newCore(o, l.Kind, []int{s[0], channels, (s[2] + stride - 1) / stride, (s[3] + stride - 1) / stride}, 1, x)
	return b.layer(l, o, x)
}

type subsampleOp struct {
	core
	stride, from int
}

func (o *subsampleOp) lower(c *compiler, in []*value) *value {
	x, y := c.asBlocked(in[0]), c.result(o.shape...)
	c.add([]*value{x}, []*value{y}, 0, func(e *exec) error {
		kernel.Subsample(e.pool, x.act(), o.stride, y.act(), o.from)
		return nil
	})
	return y
}

func (o *subsampleOp) detail() any { return Subsampling{o.stride, o.from} }

func (o *subsampleOp) SymDiff(inputs gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	g := &subsampleGradOp{of: o}
	g.core = newCore(g, "subsample gradient", inputs[0].Shape(), 0, grad)
	dx, err := derive(g, &o.core, grad)
	return gorgonia.Nodes{dx}, err
}

type subsampleGradOp struct {
	core
	of *subsampleOp
}

func (o *subsampleGradOp) lower(c *compiler, in []*value) *value {
	dy, dx := c.asBlocked(in[0]), c.result(o.shape...)
	c.add([]*value{dy}, []*value{dx}, 0, func(e *exec) error {
		kernel.SubsampleGrad(e.pool, dy.act(), o.of.stride, dx.act(), o.of.from)
		return nil
	})
	return dx
}
