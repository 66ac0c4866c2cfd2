package graph

import (
	"slices"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// Softmax adds exp(x)/Σexp(x) over the rows of x, N×C.
func (b *Builder) Softmax(x *gorgonia.Node) *gorgonia.Node {
	l := b.unnamed("softmax")
	if !b.rank(l.Name, x, 2) {
		return nil
	}
	o := &softmaxOp{}
	o.core = newCore(o, l.Kind, x.Shape(), 1, x)
	return b.layer(l, o, x)
}

type softmaxOp struct{ core }

func (o *softmaxOp) lower(c *compiler, in []*value) *value {
	x := c.asPlain(in[0])
	y := c.plain(o.shape...)
	c.add([]*value{x}, []*value{y}, 0, func(e *exec) error {
		kernel.Softmax(e.pool, o.shape[0], o.shape[1], x.data, y.data)
		return nil
	})
	return y
}

func (*softmaxOp) detail() any { return nil }

func (o *softmaxOp) SymDiff(_ gorgonia.Nodes, y, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	g := &softmaxGradOp{}
	g.core = newCore(g, "softmax gradient", y.Shape(), 0, y, grad)
	dx, err := derive(g, &o.core, y, grad)
	return gorgonia.Nodes{dx}, err
}

type softmaxGradOp struct{ core }

func (o *softmaxGradOp) lower(c *compiler, in []*value) *value {
	y, dy := c.asPlain(in[0]), c.asPlain(in[1])
	dx := c.plain(o.shape...)
	c.add([]*value{y, dy}, []*value{dx}, 0, func(e *exec) error {
		kernel.SoftmaxGrad(e.pool, o.shape[0], o.shape[1], y.data, dy.data, dx.data)
		return nil
	})
	return dx
}

// CrossEntropy adds the mean over images of -Σ t·log softmax(logits), a scalar. target is either N class
// numbers, where -1 takes an image out of the mean, or N×C probabilities. Label smoothing s puts
// (1 - s)·t + s/C in place of t (Szegedy et al. 2016, section 7). Targets are taken as they are: what they were
// computed from gets no gradient.
func (b *Builder) CrossEntropy(logits, target *gorgonia.Node, smoothing float32) *gorgonia.Node {
	l := b.unnamed("cross-entropy")
	if !b.rank(l.Name, logits, 2) {
		return nil
	}
	if !b.takes(l.Name, target) {
		return nil
	}
	s, t := logits.Shape(), target.Shape()
	if len(t) == 0 || t[0] != s[0] || len(t) > 2 || len(t) == 2 && t[1] != s[1] {
		b.Errorf("%s: logits %s need targets %d or %s, not %s", l.Name, dims(s), s[0], dims(s), orScalar(t))
		return nil
	}
	if !(smoothing >= 0 && smoothing < 1) {
		b.Errorf("%s: label smoothing %g is not in [0, 1)", l.Name, smoothing)
		return nil
	}
	o := &crossEntropyOp{n: s[0], classes: s[1], smoothing: smoothing, times: 1}
	o.core = newCore(o, l.Kind, nil, 1, logits, target)
	return b.layer(l, o, logits, target)
}

type crossEntropyOp struct {
	core
	n, classes int
	smoothing  float32
	times      float32 // what multiplies the mean
}

func (o *crossEntropyOp) lower(c *compiler, in []*value) *value {
	x, t := c.asPlain(in[0]), c.asPlain(in[1])
	loss, probs := c.plain(), c.plain(o.n, o.classes)
	c.state[&o.core] = []*value{probs}
	c.add([]*value{x, t}, []*value{loss, probs}, 0, func(e *exec) error {
		loss.data[0] = o.times * kernel.CrossEntropy(e.pool, o.n, o.classes, x.data, t.data, o.smoothing, probs.data)
		return nil
	})
	return loss
}

func (o *crossEntropyOp) SymDiff(inputs gorgonia.Nodes, loss, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	g := &crossEntropyGradOp{of: o}
	g.core = newCore(g, "cross-entropy gradient", inputs[0].Shape(), 0, loss, inputs[1], grad)
	dx, err := derive(g, &o.core, loss, inputs[1], grad)
	return gorgonia.Nodes{dx, nil}, err
}

type crossEntropyGradOp struct {
	core
	of *crossEntropyOp
}

func (o *crossEntropyGradOp) follows() int { return 0 }

func (o *crossEntropyGradOp) lower(c *compiler, in []*value) *value {
	probs, t, scale := c.kept(&o.of.core)[0], c.asPlain(in[1]), in[2]
	dx := c.plain(o.shape...)
	c.add([]*value{probs, t, scale}, []*value{dx}, 0, func(e *exec) error {
		kernel.CrossEntropyGrad(e.pool, o.of.n, o.of.classes, probs.data, t.data, o.of.smoothing, o.of.times*scale.data[0], dx.data)
		return nil
	})
	return dx
}

// MSE adds the mean of (prediction - target)², a scalar, for any shape that both have. Its gradient reaches both,
// unless one is an input.
func (b *Builder) MSE(prediction, target *gorgonia.Node) *gorgonia.Node {
	l := b.unnamed("mean squared error")
	if !b.takes(l.Name, prediction, target) {
		return nil
	}
	if !slices.Equal(prediction.Shape(), target.Shape()) {
		b.Errorf("%s: shapes %s and %s differ", l.Name, orScalar(prediction.Shape()), orScalar(target.Shape()))
		return nil
	}
	o := &mseOp{times: 1}
	o.core = newCore(o, l.Kind, nil, 2, prediction, target)
	o.wrt[0], o.wrt[1] = !b.image(prediction), !b.image(target)
	return b.layer(l, o, prediction, target)
}

type mseOp struct {
	core
	times float32 // what multiplies the mean
}

func (o *mseOp) lower(c *compiler, in []*value) *value {
	x, t := c.asPlain(in[0]), c.asPlain(in[1])
	loss := c.plain()
	c.add([]*value{x, t}, []*value{loss}, 0, func(e *exec) error {
		loss.data[0] = o.times * kernel.MSE(e.pool, x.data, t.data)
		return nil
	})
	return loss
}

func (o *mseOp) SymDiff(inputs gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	grads := make(gorgonia.Nodes, 2)
	for i := range grads {
		if !o.wrt[i] {
			continue
		}
		g, x, y := &mseGradOp{times: o.times}, inputs[i], inputs[1-i]
		g.core = newCore(g, "mean squared error gradient", x.Shape(), 0, x, y, grad)
		var err error
		if grads[i], err = derive(g, &o.core, x, y, grad); err != nil {
			return nil, err
		}
	}
	return grads, nil
}

type mseGradOp struct {
	core
	times float32
}

func (o *mseGradOp) lower(c *compiler, in []*value) *value {
	x, t, scale := c.asPlain(in[0]), c.asPlain(in[1]), in[2]
	dx := c.plain(o.shape...)
	c.add([]*value{x, t, scale}, []*value{dx}, 0, func(e *exec) error {
		kernel.MSEGrad(e.pool, x.data, t.data, o.times*scale.data[0], dx.data)
		return nil
	})
	return dx
}

// WeightedSum adds Σ weight·loss over scalars, as GoogLeNet's training loss does with its auxiliary
// classifiers.
func (b *Builder) WeightedSum(losses []*gorgonia.Node, weights []float32) *gorgonia.Node {
	l := b.unnamed("weighted sum")
	if !b.takes(l.Name, losses...) {
		return nil
	}
	if len(losses) == 0 || len(losses) != len(weights) {
		b.Errorf("%s: %d losses and %d weights", l.Name, len(losses), len(weights))
		return nil
	}
	for _, x := range losses {
		if !x.IsScalar() {
			b.Errorf("%s: a loss has the shape %s, a scalar is needed", l.Name, dims(x.Shape()))
			return nil
		}
	}
	o := &weightedSumOp{weights: slices.Clone(weights)}
	o.core = newCore(o, l.Kind, nil, len(losses), losses...)
	return b.layer(l, o, losses...)
}

type weightedSumOp struct {
	core
	weights []float32
}

func (o *weightedSumOp) lower(c *compiler, in []*value) *value {
	sum := c.plain()
	c.add(in, []*value{sum}, 0, func(*exec) error {
		var s float32
		for i, v := range in {
			s += float32(o.weights[i] * v.data[0])
		}
		sum.data[0] = s
		return nil
	})
	return sum
}

func (o *weightedSumOp) SymDiff(inputs gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	grads := make(gorgonia.Nodes, len(inputs))
	for i := range inputs {
		g := &weightedSumOp{weights: o.weights[i : i+1]}
		g.core = newCore(g, "weighted sum gradient", nil, 0, grad)
		var err error
		if grads[i], err = derive(g, &o.core, grad); err != nil {
			return nil, err
		}
	}
	return grads, nil
}
