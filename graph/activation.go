package graph

import (
	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// An Activation is a function of one element, for [Builder.Activate]. Its zero value is [Identity].
type Activation = kernel.Activation

// The activations, as PyTorch defines them.
var (
	Identity    = Activation{}
	ReLU        = Activation{Kind: kernel.ReLUKind}                   // max(x, 0)
	ReLU6       = Activation{Kind: kernel.ReLU6Kind}                  // min(max(x, 0), 6): MobileNetV2, arXiv:1801.04381
	Sigmoid     = Activation{Kind: kernel.SigmoidKind}                // 1/(1 + e^-x)
	Tanh        = Activation{Kind: kernel.TanhKind, Amp: 1, Slope: 1} //
	HardSigmoid = Activation{Kind: kernel.HardSigmoidKind}            // min(max(x + 3, 0), 6)/6: MobileNetV3, arXiv:1905.02244
	HardSwish   = Activation{Kind: kernel.HardSwishKind}              // x·min(max(x + 3, 0), 6)/6: likewise
	SiLU        = Activation{Kind: kernel.SiLUKind}                   // x/(1 + e^-x), also called swish: arXiv:1710.05941
	GELU        = Activation{Kind: kernel.GELUKind}                   // x·(1 + erf(x/√2))/2: arXiv:1606.08415
)

// LeakyReLU is x where it is positive and slope·x elsewhere.
func LeakyReLU(slope float32) Activation {
	return Activation{Kind: kernel.LeakyReLUKind, Slope: slope}
}

// ScaledTanh is amp·tanh(slope·x). LeNet-5 squashes with amp 1.7159 and slope 2/3 (LeCun et al. 1998,
// equation 6 and appendix A).
func ScaledTanh(amp, slope float32) Activation {
	return Activation{Kind: kernel.TanhKind, Amp: amp, Slope: slope}
}

// Activate adds an activation, for any shape; [Identity] is x itself. Where x is a convolution, a fully
// connected layer, a batch normalisation or a sum that nothing else uses, and the kernels can, a session
// computes it on the way out of that layer.
func (b *Builder) Activate(x *gorgonia.Node, a Activation) *gorgonia.Node {
	if !b.takes(a.Kind.String(), x) {
		return nil
	}
	if err := a.Validate(); err != nil {
		b.Errorf("activation: %w", err)
		return nil
	}
	if a == Identity {
		return x
	}
	l := b.unnamed(a.Kind.String())
	o := &activationOp{activation: a}
	if a == ReLU {
		o.backward = b.relu
	}
	o.core = newCore(o, l.Kind, x.Shape(), 1, x)
	return b.layer(l, o, x)
}

// ReLU adds max(x, 0).
func (b *Builder) ReLU(x *gorgonia.Node) *gorgonia.Node { return b.Activate(x, ReLU) }

// Tanh adds the hyperbolic tangent.
func (b *Builder) Tanh(x *gorgonia.Node) *gorgonia.Node { return b.Activate(x, Tanh) }

// ScaledTanh adds amp·tanh(slope·x), for which see [ScaledTanh].
func (b *Builder) ScaledTanh(x *gorgonia.Node, amp, slope float32) *gorgonia.Node {
	return b.Activate(x, ScaledTanh(amp, slope))
}

type activationOp struct {
	core
	activation Activation
	backward   ReLURule // of a ReLU
}

func (o *activationOp) lower(c *compiler, in []*value) *value {
	x := c.activated(in[0], o.activation)
	y := c.like(x)
	c.add([]*value{x}, []*value{y}, 0, func(e *exec) error {
		elementwise(x, y, y, func(x, y, _ []float32) { kernel.Activate(e.pool, o.activation, x, y) })
		return nil
	})
	return y
}

// fuse lets the layer before compute the activation, if nothing else reads what it gives.
func (o *activationOp) fuse(_ *compiler, t *term) bool {
	x := t.in[0]
	layer, ok := x.op.(activator)
	if !ok || !x.alone() {
		return false
	}
	fused := layer.activated(o.activation)
	if fused == nil {
		return false
	}
	in := x.in
	x.leave()
	t.become(fused, in...)
	return true
}

func (o *activationOp) places() {}

// activated gives x a layout in which the activation of the slice is that of the value: lanes beyond the
// last channel must stay zeros.
func (c *compiler) activated(x *value, a Activation) *value {
	if x.blocked && x.shape[1]%kernel.Block != 0 && !a.KeepsZero() {
		return c.asPlain(x)
	}
	return x
}

func (o *activationOp) detail() any { return o.activation }

func (o *activationOp) SymDiff(inputs gorgonia.Nodes, y, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	if o.backward != ExactReLU {
		var err error
		if grad, err = o.positive(grad); err != nil || o.backward == DeconvReLU {
			return gorgonia.Nodes{grad}, err
		}
	}
	kept := inputs[0]
	if o.activation.GradFromResult() {
		kept = y
	}
	g := &activationGradOp{activation: o.activation}
	g.core = newCore(g, o.kind+" gradient", y.Shape(), 0, kept, grad)
	dx, err := derive(g, &o.core, kept, grad)
	return gorgonia.Nodes{dx}, err
}

type activationGradOp struct {
	core
	activation Activation
}

func (o *activationGradOp) lower(c *compiler, in []*value) *value {
	return c.activationGrad(o.activation, in[0], in[1])
}

// fuse puts a ReLU's mask on the smaller map, where the gradient is that of max pooling: the pixel that a maximum
// came from is positive exactly if the maximum is.
func (o *activationGradOp) fuse(c *compiler, t *term) bool {
	pooled, ok := t.in[1].op.(*maxPoolGradOp)
	if !ok || o.activation != ReLU || !t.in[1].alone() {
		return false
	}
	pool, dy := t.in[1].in[0], t.in[1].in[1]
	if _, ok := pool.op.(*maxPoolOp); !ok || pool.in[0] != t.in[0] {
		return false
	}
	if t.alone() {
		if norm, ok := t.readers[0].op.(*batchNormGradOp); ok && norm.takes(t) {
			return false
		}
	}
	mask := &activationGradOp{core: o.core, activation: o.activation}
	mask.core.shape = pooled.of.shape
	t.in[1].leave()
	t.become(pooled, pool, c.before(t, mask, pool, dy))
	return true
}

// activationGrad multiplies dy by the derivative, which is found from kept. Where dy is zero, as beyond
// the last channel, so is the result.
func (c *compiler) activationGrad(a Activation, kept, dy *value) *value {
	kept, dy = c.alike(kept, dy)
	dx := c.like(dy)
	c.add([]*value{kept, dy}, []*value{dx}, 0, func(e *exec) error {
		elementwise(kept, dy, dx, func(kept, dy, dx []float32) { kernel.ActivateGrad(e.pool, a, kept, dy, dx) })
		return nil
	})
	return dx
}
