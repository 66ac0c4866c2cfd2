package simd

import "fmt"

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
	ActivationKinds                // how many there are
)

var activationNames = [ActivationKinds]string{
	"identity", "relu", "relu6", "leaky relu", "sigmoid", "tanh", "hard-sigmoid", "hard-swish", "silu", "gelu",
}

// String returns the kind's name in lower case.
func (k ActivationKind) String() string {
	if k >= ActivationKinds {
		return fmt.Sprintf("activation %d", uint8(k))
	}
	return activationNames[k]
}

// Validate says whether the activation is one of the kinds with parameters that it can have.
func (a Activation) Validate() error {
	switch {
	case a.Kind >= ActivationKinds:
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

// Clip returns which of the ends of [Tile] the activation is, if it is one.
func (a Activation) Clip() (clip uintptr, ok bool) {
	switch a.Kind {
	case IdentityKind:
		return Unclipped, true
	case ReLUKind:
		return ClipBelow0, true
	case ReLU6Kind:
		return ClipBelow0Above6, true
	}
	return Unclipped, false
}

// Activate sets y to the activation of x. Both may be the same.
func Activate(a Activation, x, y []float32) {
	if len(x) > 0 {
		scalars := [...]float32{a.Amp, a.Slope}
		_ = y[len(x)-1]
		active.Activate[a.Kind](hide(&x[0]), hide(&y[0]), nil, nil, hide(&scalars[0]), len(x))
	}
}

// ActivateGrad sets dx to dy times the derivative of the activation. kept is what [Activation.GradFromResult] says.
func ActivateGrad(a Activation, kept, dy, dx []float32) {
	if len(kept) > 0 {
		scalars := a.gradScalars()
		_, _ = dy[len(kept)-1], dx[len(kept)-1]
		active.ActivateGrad[a.Kind](hide(&kept[0]), hide(&dy[0]), hide(&dx[0]), nil, hide(&scalars[0]), len(kept))
	}
}

// gradScalars are what the loop of the gradient takes.
func (a Activation) gradScalars() [2]float32 {
	if a.Kind == TanhKind {
		return [2]float32{a.Amp * a.Slope, a.Slope / a.Amp}
	}
	return [2]float32{a.Amp, a.Slope}
}

// ActivatePixels takes the activation of pixels of a block that has so many channels, or more than sixteen, in place.
// Lanes without a channel stay zero.
func ActivatePixels(a Activation, pixels []float32, channels int) {
	if a.Kind == IdentityKind {
		return
	}
	Activate(a, pixels, pixels)
	if channels < Block && !a.KeepsZero() {
		for i := channels; i < len(pixels); i += Block {
			clear(pixels[i:][:Block-channels])
		}
	}
}
