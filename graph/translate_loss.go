package graph

import (
	"slices"

	"gorgonia.org/gorgonia"
)

// Losses, as they are spelled with Gorgonia's ops: a number times the sum of products t·log softmax(x), or of
// squares (x - y)². The mean of them, the negative, a sum over the classes and then a mean over the rows, a factor
// before or after: all are that. They become one op, which has the digits that a softmax loses near 0 and 1.

// lossRule translates a scalar node if it is such a loss, and returns nil otherwise.
func (t *translation) lossRule(n *gorgonia.Node) (*gorgonia.Node, error) {
	if !n.IsScalar() || !isFloat32(n) {
		return nil, nil
	}
	times, of := summed(n)
	if of == n || of.Op() == nil {
		return nil, nil
	}
	if x, y, factor, ok := squared(of); ok {
		return t.meanSquares(n, times*factor, x, y)
	}
	if !isBinary(of, "⊙") {
		return nil, nil
	}
	for i, side := range childrenOf(of) {
		a, log := scaled(side)
		b, target := scaled(childrenOf(of)[1-i])
		if axis, ok := logSoftmaxOf(log); ok && slices.Equal(log.Shape(), of.Shape()) && slices.Equal(target.Shape(), of.Shape()) {
			return t.crossEntropy(n, -times*a*b, log, axis, target)
		}
	}
	return nil, nil
}

// summed finds the node of whose elements a scalar is the sum, times a number.
func summed(n *gorgonia.Node) (times float64, of *gorgonia.Node) {
	times = 1
	for {
		factor, next := scaled(n)
		times *= factor
		if next.Op() == nil {
			return times, next
		}
		if kind := stock(next.Op()).kind; kind != "sumOp" && kind != "reshapeOp" {
			return times, next
		}
		n = childrenOf(next)[0]
	}
}

// scaled finds the node of which another is a multiple, element by element.
func scaled(n *gorgonia.Node) (times float64, of *gorgonia.Node) {
	times = 1
	for n.Op() != nil {
		in := childrenOf(n)
		by := func(i int) (float64, bool) {
			v, ok := fixed(in[i])
			return v, ok && in[1-i].Shape().TotalSize() == n.Shape().TotalSize()
		}
		switch o := stock(n.Op()); {
		case o.kind == "elemUnaryOp" && o.String() == "neg":
			times, n = -times, in[0]
			continue
		case o.binary() == "⊙":
			if v, ok := by(0); ok {
				times, n = times*v, in[1]
				continue
			}
			if v, ok := by(1); ok {
				times, n = times*v, in[0]
				continue
			}
		case o.binary() == "÷":
			if v, ok := by(1); ok && v != 0 {
				times, n = times/v, in[0]
				continue
			}
		}
		break
	}
	return times, n
}

// fixed is the value of a scalar that no run changes: a constant, the length of a side, a product of them.
func fixed(n *gorgonia.Node) (float64, bool) {
	if v, ok := number(n); ok {
		return float64(v), true
	}
	if n.Op() == nil || !n.IsScalar() {
		return 0, false
	}
	o, in := stock(n.Op()), childrenOf(n)
	switch {
	case o.kind == "sizeOp" && in[0].IsScalar():
		return 1, true
	case o.kind == "sizeOp" && o.int("axis") < len(in[0].Shape()):
		return float64(in[0].Shape()[o.int("axis")]), true
	case o.binary() == "⊙":
		a, ok := fixed(in[0])
		b, also := fixed(in[1])
		return a * b, ok && also
	}
	return 0, false
}

// squared recognises factor·(x - y)²: a square, a power of two, or a product of the difference and itself.
func squared(n *gorgonia.Node) (x, y *gorgonia.Node, factor float64, ok bool) {
	in := childrenOf(n)
	switch o := stock(n.Op()); {
	case o.kind == "elemUnaryOp" && o.String() == "square", o.binary() == "⊙" && in[0] == in[1]:
	case o.binary() == "^":
		if two, ok := number(in[1]); !ok || two != 2 {
			return nil, nil, 0, false
		}
	default:
		return nil, nil, 0, false
	}
	times, difference := scaled(in[0])
	if !isBinary(difference, "-") {
		return nil, nil, 0, false
	}
	x, y = childrenOf(difference)[0], childrenOf(difference)[1]
	return x, y, times * times, slices.Equal(x.Shape(), n.Shape()) && slices.Equal(y.Shape(), n.Shape())
}

// logSoftmaxOf recognises the logarithm of a softmax, which Gorgonia makes one op of, and returns its axis.
func logSoftmaxOf(n *gorgonia.Node) (axis int, ok bool) {
	if n.Op() == nil || len(n.Shape()) == 0 {
		return 0, false
	}
	o := stock(n.Op())
	if o.kind != "softmaxOp" || !o.bool("isLog") {
		return 0, false
	}
	return softmaxAxis(o, n.Shape()), true
}

func (t *translation) meanSquares(n *gorgonia.Node, times float64, x, y *gorgonia.Node) (*gorgonia.Node, error) {
	in, err := t.all([]*gorgonia.Node{x, y})
	if in == nil {
		return nil, err
	}
	o := &mseOp{times: float32(times * float64(product(x.Shape())))}
	o.core = newCore(o, "mean squared error", nil, 2, in...)
	return t.one(o, n, in...), nil
}

// crossEntropy makes the loss of rows of logits: those of whose softmax, along its axis, logs is the logarithm.
func (t *translation) crossEntropy(n *gorgonia.Node, times float64, logs *gorgonia.Node, axis int, target *gorgonia.Node) (*gorgonia.Node, error) {
	shape := logs.Shape()
	if axis < 0 || axis >= len(shape) || product(shape[axis+1:]) != 1 || shape[axis] < 2 {
		return nil, nil // not rows as they lie in memory
	}
	in, err := t.all([]*gorgonia.Node{childrenOf(logs)[0], target})
	if in == nil || t.active[in[1]] {
		return nil, err
	}
	rows, classes := product(shape[:axis]), shape[axis]
	for i, x := range in {
		if !slices.Equal(x.Shape(), []int{rows, classes}) {
			if in[i], err = t.inner(newReshape("reshape", x, []int{rows, classes}), x); err != nil {
				return nil, err
			}
		}
	}
	o := &crossEntropyOp{n: rows, classes: classes, times: float32(times * float64(rows))}
	o.core = newCore(o, "cross-entropy", nil, 1, in...)
	t.inside = append(t.inside, logs) // what the network says
	return t.one(o, n, in...), nil
}
