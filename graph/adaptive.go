package graph

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// AdaptiveAvgPool adds means over windows that cover x evenly and give maps of h×w, whatever the size
// of x: window i of n over a side of s reaches from ⌊i·s/n⌋ to ⌈(i+1)·s/n⌉, PyTorch's definition.
// Windows overlap where n does not divide s. Maps that have the size already pass through.
func (b *Builder) AdaptiveAvgPool(x *gorgonia.Node, h, w int) *gorgonia.Node {
	l := b.unnamed("adaptive average pool")
	if !b.rank(l.Name, x, 4) {
		return nil
	}
	if h < 1 || w < 1 {
		b.Errorf("%s: output %d×%d, at least 1×1 is needed", l.Name, h, w)
		return nil
	}
	s := x.Shape()
	switch {
	case s[2] == h && s[3] == w:
		return x
	case s[2]%h == 0 && s[3]%w == 0:
		return b.AvgPool(x, 0, Kernel(s[2]/h, s[3]/w), Strides(s[2]/h, s[3]/w))
	}
	l.Formula = fmt.Sprintf("⌈(i + 1)·%d/%d⌉ - ⌊i·%d/%d⌋", s[2], h, s[2], h)
	o := &adaptivePoolOp{}
	o.core = newCore(o, l.Kind, []int{s[0], s[1], h, w}, 1, x)
	return b.layer(l, o, x)
}

type adaptivePoolOp struct{ core }

func (o *adaptivePoolOp) places() {}

func (o *adaptivePoolOp) lower(c *compiler, in []*value) *value {
	x := c.asBlocked(in[0])
	y := c.result(o.shape...)
	c.add([]*value{x}, []*value{y}, 0, func(e *exec) error { kernel.AdaptiveAvgPool(e.pool, x.act(), y.act()); return nil })
	return y
}

func (*adaptivePoolOp) detail() any { return nil }

func (o *adaptivePoolOp) SymDiff(inputs gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	g := &adaptivePoolGradOp{}
	g.core = newCore(g, "adaptive average pool gradient", inputs[0].Shape(), 0, grad)
	dx, err := derive(g, &o.core, grad)
	return gorgonia.Nodes{dx}, err
}

type adaptivePoolGradOp struct{ core }

func (o *adaptivePoolGradOp) lower(c *compiler, in []*value) *value {
	dy := c.asBlocked(in[0])
	dx := c.blocked(o.shape...)
	c.add([]*value{dy}, []*value{dx}, 0, func(e *exec) error { kernel.AdaptiveAvgPoolGrad(e.pool, dy.act(), dx.act()); return nil })
	return dx
}
