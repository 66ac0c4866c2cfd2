package kernel

import (
	"fmt"
	"math"
)

// An Activation is a function of one element. Its zero value is the identity. Amp and Slope belong to
// those kinds that have them and are zero elsewhere, so that two activations are the same exactly if they
// are equal.
type Activation struct {
	Kind  ActivationKind
	Amp   float32 // of Tanh
	Slope float32 // of LeakyReLU and Tanh
}

// An ActivationKind names a family of functions. The definitions are PyTorch's.
type ActivationKind uint8

const (
	IdentityKind    ActivationKind = iota
	ReLUKind                       // max(x, 0)
	ReLU6Kind                      // min(max(x, 0), 6)
	LeakyReLUKind                  // x where it is positive, Slope·x elsewhere
	SigmoidKind                    // 1/(1 + e^-x)
	TanhKind                       // Amp·tanh(Slope·x)
	HardSigmoidKind                // min(max(x + 3, 0), 6)/6
	HardSwishKind                  // x·min(max(x + 3, 0), 6)/6
	SiLUKind                       // x/(1 + e^-x)
	GELUKind                       // x·Φ(x) with Φ(x) = (1 + erf(x/√2))/2, not its approximation by tanh
	activationKinds
)

var activationNames = [activationKinds]string{
	"identity", "relu", "relu6", "leaky relu", "sigmoid", "tanh", "hard-sigmoid", "hard-swish", "silu", "gelu",
}

// String returns the kind's name in lower case.
func (k ActivationKind) String() string {
	if k >= activationKinds {
		return fmt.Sprintf("activation %d", uint8(k))
	}
	return activationNames[k]
}

// Validate says whether the activation is one of the kinds with parameters that it can have.
func (a Activation) Validate() error {
	switch {
	case a.Kind >= activationKinds:
		return fmt.Errorf("there is no %v", a.Kind)
	case a.Kind == TanhKind && (a.Amp == 0 || !finite32(a.Amp) || !finite32(a.Slope)):
		return fmt.Errorf("tanh with amplitude %g and slope %g: the amplitude must not be 0, and both must be finite", a.Amp, a.Slope)
	case a.Kind == LeakyReLUKind && !finite32(a.Slope):
		return fmt.Errorf("leaky relu with slope %g: it must be finite", a.Slope)
	case a.Kind != TanhKind && a.Amp != 0, a.Kind != TanhKind && a.Kind != LeakyReLUKind && a.Slope != 0:
		return fmt.Errorf("%v has no amplitude %g and slope %g", a.Kind, a.Amp, a.Slope)
	}
	return nil
}

func finite32(v float32) bool { return v-v == 0 }

// String returns the name, with the parameters if they are not the usual ones.
func (a Activation) String() string {
	switch {
	case a.Kind == TanhKind && (a.Amp != 1 || a.Slope != 1):
		return fmt.Sprintf("%g·tanh(%g·x)", a.Amp, a.Slope)
	case a.Kind == LeakyReLUKind:
		return fmt.Sprintf("%v %g", a.Kind, a.Slope)
	}
	return a.Kind.String()
}

// GradFromResult reports whether the gradient is found from the result y of the function; otherwise it is
// found from x.
func (a Activation) GradFromResult() bool {
	switch a.Kind {
	case IdentityKind, ReLUKind, ReLU6Kind, SigmoidKind, TanhKind:
		return true
	case LeakyReLUKind:
		return a.Slope >= 0 // otherwise y does not tell the sign of x
	}
	return false
}

// KeepsZero reports whether the function of 0 is 0. Only then may it be taken of a blocked batch as a
// slice, as lanes beyond the last channel must stay zeros.
func (a Activation) KeepsZero() bool { return a.Kind != SigmoidKind && a.Kind != HardSigmoidKind }

// Activate sets y to the activation of x. NaN stays NaN. x and y may be the same slice.
func Activate(p *Pool, a Activation, x, y []float32) {
	sameLen("Activate", len(x), len(y))
	t := vecTasks.Get().(*vecTask)
	t.a, t.b, t.s[0], t.s[1] = x, y, a.Amp, a.Slope
	t.run(p, a.forward(), len(x))
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
	t.run(p, a.backward(), len(kept))
}

func (a Activation) forward() vecKernel {
	switch a.Kind {
	case ReLUKind:
		return vectors().relu
	case TanhKind:
		return vectors().tanh
	}
	return activationForward[a.Kind]
}

func (a Activation) backward() vecKernel {
	switch a.Kind {
	case ReLUKind:
		return vectors().reluGrad
	case TanhKind:
		return vectors().tanhGrad
	}
	return activationBackward[a.Kind]
}

var activationForward = [activationKinds]vecKernel{
	IdentityKind:    mapped(func(x, _ float32) float32 { return x }),
	ReLU6Kind:       mapped(func(x, _ float32) float32 { return min(max(x, 0), 6) }),
	LeakyReLUKind:   mapped(leakyReLU32),
	SigmoidKind:     mapped(func(x, _ float32) float32 { return sigmoid32(x) }),
	HardSigmoidKind: mapped(func(x, _ float32) float32 { return min(max(x+3, 0), 6) / 6 }),
	HardSwishKind:   mapped(func(x, _ float32) float32 { return x * min(max(x+3, 0), 6) / 6 }),
	SiLUKind:        mapped(func(x, _ float32) float32 { return x / (1 + exp32(-x)) }),
	GELUKind:        mapped(func(x, _ float32) float32 { return x * normalCDF32(x) }),
}

var activationBackward = [activationKinds]vecKernel{
	IdentityKind: mappedGrad(func(_, _ float32) float32 { return 1 }),
	ReLU6Kind: mappedGrad(func(y, _ float32) float32 {
		if y <= 0 || y >= 6 {
			return 0
		}
		return 1
	}),
	LeakyReLUKind: mappedGrad(func(kept, slope float32) float32 {
		if kept > 0 {
			return 1
		}
		return slope
	}),
	SigmoidKind: mappedGrad(func(y, _ float32) float32 { return (1 - y) * y }),
	HardSigmoidKind: mappedGrad(func(x, _ float32) float32 {
		if x > -3 && x < 3 {
			return 1. / 6
		}
		return 0
	}),
	HardSwishKind: mappedGrad(func(x, _ float32) float32 {
		switch {
		case x <= -3:
			return 0
		case x < 3:
			return x/3 + 0.5
		}
		return 1
	}),
	SiLUKind: mappedGrad(func(x, _ float32) float32 {
		s := sigmoid32(x)
		return s * (1 + x*(1-s))
	}),
	GELUKind: mappedGrad(func(x, _ float32) float32 {
		const perSqrt2Pi = 0.39894228040143267794
		return normalCDF32(x) + x*perSqrt2Pi*exp32(-x*x/2)
	}),
}

// mapped makes a kernel of a function of an element and the slope.
func mapped(f func(x, slope float32) float32) vecKernel {
	return func(t *vecTask, from, n int) {
		x, y, slope := t.a[from:from+n], t.b[from:from+n], t.s[1]
		for i, v := range x {
			y[i] = f(v, slope)
		}
	}
}

// mappedGrad makes a kernel of a derivative.
func mappedGrad(f func(kept, slope float32) float32) vecKernel {
	return func(t *vecTask, from, n int) {
		kept, dy, dx, slope := t.a[from:from+n], t.b[from:from+n], t.c[from:from+n], t.s[1]
		for i, v := range kept {
			d := f(v, slope)
			if d == 0 {
				dx[i] = 0 // also of an infinite dy, as PyTorch has it for what is cut off
			} else {
				dx[i] = dy[i] * d
			}
		}
	}
}

func leakyReLU32(x, slope float32) float32 {
	if x > 0 {
		return x
	}
	return slope * x
}

func sigmoid32(x float32) float32 { return 1 / (1 + exp32(-x)) }

// Constants of the error function: S. Moshier, Cephes library, erff and erfcf. erf(z) is z times a
// polynomial in z² up to 1; erfc(z) is e^(-z²)/z times one in 1/z² above it, another from 2 on.
var (
	erfSmall = [7]float32{
		7.853861353153693e-5, -8.010193625184903e-4, 5.188327685732524e-3, -2.685381193529856e-2,
		1.128358514861418e-1, -3.761262582423300e-1, 1.128379165726710e+0,
	}
	erfcMiddle = [9]float32{
		2.326819970068386e-2, -1.387039388740657e-1, 3.687424674597105e-1, -5.824733027278666e-1, 6.210004621745983e-1,
		-4.944515323274145e-1, 3.404879937665872e-1, -2.741127028184656e-1, 5.638259427386472e-1,
	}
	erfcLarge = [8]float32{
		-1.047766399936249e+1, 1.297719955372516e+1, -7.495518717768503e+0, 2.921019019210786e+0,
		-1.015265279202700e+0, 4.218463358204948e-1, -2.820767439740514e-1, 5.641895067754075e-1,
	}
)

// normalCDF32 is Φ(x), the share of a normal distribution below x, in float32 arithmetic. Far below zero
// its relative error grows with x², to about 2e-6 at -5, as that of the rounded x² does.
func normalCDF32(x float32) float32 {
	const perSqrt2 = 0.70710678118654752440
	z := math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) // |x|
	z *= perSqrt2
	if z < 1 {
		return 0.5 + 0.5*x*perSqrt2*polynomial(z*z, erfSmall[:])
	}
	q := 1 / z
	tail := exp32(-x * x / 2)
	if z < 2 {
		tail *= q * polynomial(q*q, erfcMiddle[:])
	} else {
		tail *= q * polynomial(q*q, erfcLarge[:])
	}
	tail *= 0.5
	if x < 0 {
		return tail
	}
	return 1 - tail
}

func polynomial(x float32, c []float32) float32 {
	p := c[0]
	for _, k := range c[1:] {
		p = p*x + k
	}
	return p
}
