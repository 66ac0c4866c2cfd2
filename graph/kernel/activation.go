package kernel

import "github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"

// An Activation is a function of one element; its zero value is the identity.
type (
	Activation     = simd.Activation
	ActivationKind = simd.ActivationKind
)

// The kinds of activations. Their definitions are PyTorch's.
const (
	IdentityKind    = simd.IdentityKind
	ReLUKind        = simd.ReLUKind        // max(x, 0)
	ReLU6Kind       = simd.ReLU6Kind       // min(max(x, 0), 6)
	LeakyReLUKind   = simd.LeakyReLUKind   // x where it is positive, Slope·x elsewhere
	SigmoidKind     = simd.SigmoidKind     // 1/(1 + e^-x)
	TanhKind        = simd.TanhKind        // Amp·tanh(Slope·x)
	HardSigmoidKind = simd.HardSigmoidKind // min(max(x + 3, 0), 6)/6
	HardSwishKind   = simd.HardSwishKind   // x·min(max(x + 3, 0), 6)/6
	SiLUKind        = simd.SiLUKind        // x/(1 + e^-x)
	GELUKind        = simd.GELUKind        // x·Φ(x) with Φ(x) = (1 + erf(x/√2))/2, not its approximation by tanh
)

// Activate sets y to the activation of x. NaN stays NaN. x and y may be the same slice.
func Activate(p *Pool, a Activation, x, y []float32) {
	sameLen("Activate", len(x), len(y))
	t := vecTasks.Get().(*vecTask)
	t.a, t.b, t.s[0], t.s[1] = x, y, a.Amp, a.Slope
	t.runLoop(p, simd.Loops().Activate[a.Kind], len(x))
}

// ActivateGrad sets dx to dy times the derivative of the activation. kept is what
// [Activation.GradFromResult] says: the result y or the argument x. dx may be kept or dy.
func ActivateGrad(p *Pool, a Activation, kept, dy, dx []float32) {
	sameLen("ActivateGrad", len(kept), len(dy), len(dx))
	t := vecTasks.Get().(*vecTask)
	t.a, t.b, t.c, t.s[0], t.s[1] = kept, dy, dx, a.Amp, a.Slope
	if a.Kind == TanhKind {
		t.s[0], t.s[1] = a.Amp*a.Slope, a.Slope/a.Amp
	}
	t.runLoop(p, simd.Loops().ActivateGrad[a.Kind], len(kept))
}
