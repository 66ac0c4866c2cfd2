package graph

import (
	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// logSoftmaxOp is the logarithm of the softmax of every row.
type logSoftmaxOp struct{ core }

func (o *logSoftmaxOp) lower(c *compiler, in []*value) *value {
	x := c.asPlain(in[0])
	y := c.like(x)
	c.add([]*value{x}, []*value{y}, 0, func(e *exec) error {
		kernel.LogSoftmax(e.pool, o.shape[0], o.shape[1], x.data, y.data)
		return nil
	})
	return y
}

func (o *logSoftmaxOp) SymDiff(_ gorgonia.Nodes, y, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	g := &logSoftmaxGradOp{}
	g.core = newCore(g, "log softmax gradient", y.Shape(), 0, y, grad)
	dx, err := derive(g, &o.core, y, grad)
	return gorgonia.Nodes{dx}, err
}

type logSoftmaxGradOp struct{ core }

func (o *logSoftmaxGradOp) lower(c *compiler, in []*value) *value {
	y, dy := c.asPlain(in[0]), c.asPlain(in[1])
	dx := c.like(dy)
	c.add([]*value{y, dy}, []*value{dx}, 0, func(e *exec) error {
		kernel.LogSoftmaxGrad(e.pool, o.shape[0], o.shape[1], y.data, dy.data, dx.data)
		return nil
	})
	return dx
}
