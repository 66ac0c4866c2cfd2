package graph

import (
	"slices"

	"gorgonia.org/gorgonia"
)

// A deriver makes the nodes of an op's gradient out of other ops. It keeps the first error.
type deriver struct {
	of  *core
	err error
}

func (d *deriver) apply(o op, inputs ...*gorgonia.Node) *gorgonia.Node {
	if d.err != nil {
		return nil
	}
	var n *gorgonia.Node
	n, d.err = derive(o, d.of, inputs...)
	return n
}

func (d *deriver) function(x *gorgonia.Node, f Function) *gorgonia.Node {
	if d.err != nil {
		return nil
	}
	return d.apply(newFunction(x, f), x)
}

// combine joins operands; the result is seen with the operands' sides, and its node has the given shape.
func (d *deriver) combine(a Arithmetic, x, y operand, shape []int) operand {
	if d.err != nil {
		return operand{}
	}
	o := newCombine(a, x, y, shape)
	return operand{d.apply(o, x.node, y.node), o.matched()}
}

// reduceTo sums a gradient over the sides along which an operand was stretched, and gives it the operand's
// shape.
func (d *deriver) reduceTo(grad, to operand) *gorgonia.Node {
	if d.err != nil {
		return nil
	}
	if !slices.Equal(grad.shape, to.shape) {
		return d.apply(newReduce(SumOf, grad, to.shape, to.node.Shape()), grad.node)
	}
	return d.reshape(grad.node, to.node.Shape())
}

// reshape gives a node another shape, if it has not got it already.
func (d *deriver) reshape(n *gorgonia.Node, shape []int) *gorgonia.Node {
	if d.err != nil || slices.Equal(n.Shape(), shape) {
		return n
	}
	return d.apply(newReshape("reshape", n, shape), n)
}
