package graph

import (
	"math"
	"slices"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// BatchNorm adds batch normalisation over N, H and W (Ioffe and Szegedy 2015). Training normalises by
// the batch's mean and biased variance and moves the running statistics by momentum (PyTorch's sense:
// 0.1 takes a tenth of the new value, its variance unbiased); evaluation uses the running ones, and so
// does training where one of them is frozen, which leaves both as they are. Its parameters are name.weight
// and name.bias, its buffers name.running_mean and name.running_var.
func (b *Builder) BatchNorm(x *gorgonia.Node, name string, eps, momentum float32) *gorgonia.Node {
	if !b.rank(name, x, 4) {
		return nil
	}
	if !(eps >= 0) || !finite(eps, momentum) {
		b.Errorf("%s: eps %g must not be negative, and momentum %g finite", name, eps, momentum)
		return nil
	}
	channels := []int{x.Shape()[1]}
	inputs := []*gorgonia.Node{
		x,
		b.declare(name+".weight", channels, false, Constant(1)),
		b.declare(name+".bias", channels, false, Constant(0)),
		b.declare(name+".running_mean", channels, true, Constant(0)),
		b.declare(name+".running_var", channels, true, Constant(1)),
	}
	return b.batchNorm(name, eps, momentum, 2*int64(channels[0]), inputs)
}

// batchNorm adds a batch normalisation over x, weight, bias, mean and variance.
func (b *Builder) batchNorm(name string, eps, momentum float32, params int64, inputs []*gorgonia.Node) *gorgonia.Node {
	if b.err != nil {
		return nil
	}
	x := inputs[0]
	frozen := func(n *gorgonia.Node) bool { p := b.params.Get(n.Name()); return p == nil || p.Frozen }
	o := &batchNormOp{eps: eps, momentum: momentum}
	o.training = b.Training() && !frozen(inputs[3]) && !frozen(inputs[4])
	o.core = newCore(o, "batch norm", x.Shape(), 3, inputs...)
	o.wrt[0] = !b.image(x)
	return b.layer(Layer{Name: name, Kind: o.kind, Params: params}, o, inputs...)
}

func finite(vs ...float32) bool {
	for _, v := range vs {
		if v-v != 0 {
			return false
		}
	}
	return true
}

type batchNormOp struct {
	core
	eps, momentum float32
	training      bool // normalises by the batch; otherwise by running statistics that do not move
}

func (o *batchNormOp) lower(c *compiler, in []*value) *value {
	return (&fusedNorm{batchNormOp: o}).lower(c, in)
}

func (o *batchNormOp) places() {}

// fuse folds a normalisation by running statistics into the convolution before it, in a graph for evaluation.
func (o *batchNormOp) fuse(c *compiler, t *term) bool {
	conv, ok := t.in[0].op.(*convOp)
	if !ok || c.training || !t.in[0].alone() {
		return false
	}
	x := t.in[0]
	in := slices.Concat(x.in, t.in[1:])
	x.leave()
	t.become(&fusedConv{convOp: conv, norm: o}, in...)
	return true
}

func (o *batchNormOp) activated(a Activation) op { return &fusedNorm{batchNormOp: o, act: a} }

func (o *batchNormOp) summed(*compiler) op {
	if !o.training {
		return nil
	}
	return &fusedNorm{batchNormOp: o, sum: true}
}

// fusedNorm is a batch normalisation with what follows it: a value that is added, its last input, and an
// activation.
type fusedNorm struct {
	*batchNormOp
	sum bool
	act Activation
}

// fuse hides the normalisation's own rule.
func (o *fusedNorm) fuse(*compiler, *term) bool { return false }

func (o *fusedNorm) summed(*compiler) op { return nil }

func (o *fusedNorm) activated(a Activation) op {
	if o.act != Identity || o.sum && a != ReLU {
		return nil
	}
	return &fusedNorm{o.batchNormOp, o.sum, a}
}

func (o *fusedNorm) lower(c *compiler, in []*value) *value {
	if !o.training {
		x, channels := c.asBlocked(in[0]), o.shape[1]
		affine := c.affine(o.batchNormOp, in)
		y := c.result(o.shape...)
		c.add([]*value{x, affine}, []*value{y}, 0, func(e *exec) error {
			kernel.ChannelAffine(e.pool, x.act(), affine.data[:channels], affine.data[channels:], y.act(), o.act)
			return nil
		})
		return y
	}
	var residual *value
	if o.sum {
		residual = in[5]
	}
	return c.normalise(o.batchNormOp, in, residual, o.act)
}

// normalise adds the steps of a batch normalisation in training, of a value that is added to it if residual
// is not nil, and of the activation that follows.
func (c *compiler) normalise(o *batchNormOp, in []*value, residual *value, act Activation) *value {
	x, gamma, beta, runningMean, runningVar := c.asBlocked(in[0]), in[1], in[2], in[3], in[4]
	channels := o.shape[1]
	c.layer, c.kind, c.updates = o.name, o.kind, true
	mean, variance, invstd := c.plain(channels), c.plain(channels), c.plain(channels)
	c.state[&o.core] = []*value{mean, invstd}
	reads := []*value{x, gamma, beta, runningMean, runningVar}
	var y *value
	var added *kernel.Act
	if residual == nil {
		y = c.result(o.shape...)
	} else {
		residual, added = c.asBlocked(residual), new(kernel.Act)
		y = c.like(residual)
		reads = append(reads, residual)
	}
	moments := c.moments[x]
	c.add(reads, []*value{y, mean, variance, invstd}, 0, func(e *exec) error {
		if added != nil {
			*added = residual.act()
		}
		if e.part.Sum != nil {
			return e.normaliseTogether(o, x.act(), gamma.data, beta.data, runningMean.data, runningVar.data, mean.data, variance.data, invstd.data, added, y.act(), act)
		}
		if moments != nil {
			kernel.BatchNormMeasured(e.pool, x.act(), moments, gamma.data, beta.data, o.eps, added, y.act(), mean.data, variance.data, invstd.data, act)
		} else {
			kernel.BatchNorm(e.pool, x.act(), gamma.data, beta.data, o.eps, added, y.act(), mean.data, variance.data, invstd.data, act)
		}
		if e.part.Still {
			return nil
		}
		for i, m := range mean.data {
			runningMean.data[i] += float32(o.momentum * (m - runningMean.data[i]))
			runningVar.data[i] += float32(o.momentum * (variance.data[i] - runningVar.data[i]))
		}
		return nil
	})
	return y
}

// affine derives scale and shift of each channel from the running statistics, one after the other.
func (c *compiler) affine(o *batchNormOp, in []*value) *value {
	gamma, beta, runningMean, runningVar := in[1], in[2], in[3], in[4]
	channels := o.shape[1]
	return c.derive(2*channels, 0, in[1:5], func(_ *exec, a []float32) {
		for i := range channels {
			s := float64(gamma.data[i]) / math.Sqrt(float64(runningVar.data[i])+float64(o.eps))
			a[i], a[channels+i] = float32(s), float32(float64(beta.data[i])-float64(s*float64(runningMean.data[i])))
		}
	})
}

func (o *batchNormOp) detail() any { return Epsilon(o.eps) }

func (o *batchNormOp) SymDiff(inputs gorgonia.Nodes, y, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	if !o.training {
		return o.fixedDiff(inputs, grad)
	}
	g := &batchNormGradOp{of: o}
	children := []*gorgonia.Node{inputs[0], inputs[1], y, grad, inputs[2]}
	g.core = newCore(g, "batch norm gradient", y.Shape(), 0, children...)
	dx, err := derive(g, &o.core, children...)
	if err != nil {
		return nil, err
	}
	dgamma, err := second(&o.core, &g.core, 0, inputs[1].Shape(), dx)
	if err != nil {
		return nil, err
	}
	dbeta, err := second(&o.core, &g.core, 1, inputs[2].Shape(), dx)
	return gorgonia.Nodes{dx, dgamma, dbeta, nil, nil}, err
}

type batchNormGradOp struct {
	core
	of *batchNormOp
}

func (o *batchNormGradOp) follows() int { return 2 }

func (o *batchNormGradOp) lower(c *compiler, in []*value) *value {
	return (&fusedNormGrad{batchNormGradOp: o}).lower(c, in)
}

// takes reports whether the gradient of an activation, which only the normalisation's reads, can be computed
// with it. An activation whose gradient is found from the argument, which nothing else reads then, is computed
// with the normalisation from now on.
func (o *batchNormGradOp) takes(grad *term) bool {
	a := grad.op.(*activationGradOp).activation
	if a.GradFromResult() {
		f, ok := grad.in[0].op.(*fusedNorm)
		return ok && f.batchNormOp == o.of && !f.sum && f.act == a
	}
	return o.activation(grad) != nil
}

// activation is the term of the activation that a gradient belongs to, if it and the gradient are all that read
// the normalisation.
func (o *batchNormGradOp) activation(grad *term) *term {
	norm, a := grad.in[0], grad.op.(*activationGradOp).activation
	if f, ok := norm.op.(*batchNormOp); !ok || f != o.of || len(norm.readers) != 2 || norm.output {
		return nil
	}
	for _, t := range norm.readers {
		if f, ok := t.op.(*activationOp); ok && f.activation == a {
			return t
		}
	}
	return nil
}

func (o *batchNormGradOp) fuse(_ *compiler, t *term) bool {
	grad := t.in[3]
	g, ok := grad.op.(*activationGradOp)
	if !ok || !grad.alone() || !o.takes(grad) {
		return false
	}
	if !g.activation.GradFromResult() {
		norm, act := grad.in[0], o.activation(grad)
		in := norm.in
		norm.leave()
		act.become(o.of.activated(g.activation), in...)
	}
	dy := grad.in[1]
	grad.leave()
	t.become(&fusedNormGrad{o, g.activation}, t.in[0], t.in[1], t.in[2], dy, t.in[4])
	return true
}

// fusedNormGrad is the gradient of a batch normalisation and of the activation that follows it.
type fusedNormGrad struct {
	*batchNormGradOp
	act Activation
}

func (o *fusedNormGrad) fuse(*compiler, *term) bool { return false }

func (o *fusedNormGrad) lower(c *compiler, in []*value) *value {
	act, dy := o.act, c.asBlocked(in[3])
	x, gamma, beta := c.asBlocked(in[0]), in[1], in[4]
	kept := c.kept(&o.of.core)
	mean, invstd := kept[0], kept[1]
	dgamma, dbeta := c.plain(o.shape[1]), c.plain(o.shape[1])
	c.state[&o.core] = []*value{dgamma, dbeta}
	dx := c.like(dy)
	sums := c.sums[dy]
	c.add([]*value{x, gamma, beta, dy, mean, invstd}, []*value{dx, dgamma, dbeta}, 0, func(e *exec) error {
		if sums != nil {
			kernel.BatchNormGradSummed(e.pool, x.act(), dy.act(), sums, gamma.data, beta.data, mean.data, invstd.data, dx.act(), dgamma.data, dbeta.data, act)
		} else {
			kernel.BatchNormGrad(e.pool, x.act(), dy.act(), gamma.data, beta.data, mean.data, invstd.data, dx.act(), dgamma.data, dbeta.data, act)
		}
		if e.part.Sum != nil {
			return e.gradTogether(x.act(), gamma.data, mean.data, invstd.data, dgamma.data, dbeta.data, dx.act())
		}
		return nil
	})
	return dx
}

// fixedDiff is the derivative of y = s·x + t with s = weight/√(variance + eps), where mean and variance
// do not depend on x. The gradient of x does without x, which then need not be kept.
func (o *batchNormOp) fixedDiff(inputs gorgonia.Nodes, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	x, gamma, beta, mean, variance := inputs[0], inputs[1], inputs[2], inputs[3], inputs[4]
	grads := make(gorgonia.Nodes, 5)
	var err error
	if o.wrt[0] {
		g := &fixedNormGradOp{eps: o.eps}
		g.core = newCore(g, "batch norm gradient", x.Shape(), 0, gamma, variance, grad)
		if grads[0], err = derive(g, &o.core, gamma, variance, grad); err != nil {
			return nil, err
		}
	}
	sums := &fixedNormSumsOp{eps: o.eps}
	sums.core = newCore(sums, "batch norm weight gradient", gamma.Shape(), 0, x, mean, variance, grad)
	if grads[1], err = derive(sums, &o.core, x, mean, variance, grad); err != nil {
		return nil, err
	}
	grads[2], err = second(&o.core, &sums.core, 0, beta.Shape(), grads[1])
	return grads, err
}

type fixedNormGradOp struct {
	core
	eps float32
}

func (o *fixedNormGradOp) lower(c *compiler, in []*value) *value {
	gamma, variance, dy := in[0], in[1], c.asBlocked(in[2])
	scale := c.derive(o.shape[1], 0, []*value{gamma, variance}, func(_ *exec, s []float32) {
		for i := range s {
			s[i] = float32(float64(gamma.data[i]) / math.Sqrt(float64(variance.data[i])+float64(o.eps)))
		}
	})
	dx := c.like(dy)
	c.add([]*value{scale, dy}, []*value{dx}, 0, func(e *exec) error {
		kernel.ChannelAffine(e.pool, dy.act(), scale.data, nil, dx.act(), Identity)
		return nil
	})
	return dx
}

type fixedNormSumsOp struct {
	core
	eps float32
}

func (o *fixedNormSumsOp) lower(c *compiler, in []*value) *value {
	x, mean, variance, dy := c.asBlocked(in[0]), in[1], in[2], c.asBlocked(in[3])
	channels := o.shape[0]
	invstd := c.derive(channels, 0, []*value{variance}, func(_ *exec, s []float32) {
		for i, v := range variance.data {
			s[i] = float32(1 / math.Sqrt(float64(v)+float64(o.eps)))
		}
	})
	dgamma, dbeta := c.plain(channels), c.plain(channels)
	c.state[&o.core] = []*value{dbeta}
	unused := c.blocked(dy.shape...) // the dx of a normalisation by the batch, whose sums are the same
	c.add([]*value{x, mean, invstd, dy}, []*value{dgamma, dbeta, unused}, 0, func(e *exec) error {
		kernel.BatchNormGrad(e.pool, x.act(), dy.act(), nil, nil, mean.data, invstd.data, unused.act(), dgamma.data, dbeta.data, Identity)
		return nil
	})
	return dgamma
}

// LRN adds local response normalisation across channels, x/(k + alpha·Σx²)^beta with the sum over size
// neighbouring channels (Krizhevsky et al. 2012, section 3.3: k = 2, n = 5, alpha = 1e-4, beta = 0.75).
// Caffe and PyTorch divide alpha by size.
func (b *Builder) LRN(x *gorgonia.Node, size int, k, alpha, beta float32) *gorgonia.Node {
	l := b.unnamed("lrn")
	if !b.rank(l.Name, x, 4) {
		return nil
	}
	if size < 1 || size%2 == 0 || !(k > 0) || !(alpha >= 0) || !finite(k, alpha, beta) {
		b.Errorf("%s: size %d must be odd, k %g positive, alpha %g not negative and beta %g finite", l.Name, size, k, alpha, beta)
		return nil
	}
	o := &lrnOp{params: kernel.LRNParams{Size: size, K: k, Alpha: alpha, Beta: beta}}
	o.core = newCore(o, l.Kind, x.Shape(), 1, x)
	return b.layer(l, o, x)
}

func (o *lrnOp) places() {}

type lrnOp struct {
	core
	params kernel.LRNParams
}

func (o *lrnOp) lower(c *compiler, in []*value) *value {
	x := c.asBlocked(in[0])
	y := c.result(o.shape...)
	c.add([]*value{x}, []*value{y}, 0, func(e *exec) error { kernel.LRN(e.pool, o.params, x.act(), y.act()); return nil })
	return y
}

func (o *lrnOp) detail() any { return o.params }

func (o *lrnOp) SymDiff(inputs gorgonia.Nodes, y, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	g := &lrnGradOp{params: o.params}
	g.core = newCore(g, "lrn gradient", y.Shape(), 0, inputs[0], grad)
	dx, err := derive(g, &o.core, inputs[0], grad)
	return gorgonia.Nodes{dx}, err
}

type lrnGradOp struct {
	core
	params kernel.LRNParams
}

func (o *lrnGradOp) lower(c *compiler, in []*value) *value {
	x, dy := c.asBlocked(in[0]), c.asBlocked(in[1])
	dx := c.result(o.shape...)
	c.add([]*value{x, dy}, []*value{dx}, 0, func(e *exec) error {
		kernel.LRNGrad(e.pool, o.params, x.act(), dy.act(), dx.act())
		return nil
	})
	return dx
}
