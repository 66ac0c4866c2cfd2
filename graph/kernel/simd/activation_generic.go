package simd

import (
	"math"
	"unsafe"
)

// activateGeneric is functions of a to b.
var activateGeneric = [ActivationKinds]Elementwise{
	IdentityKind:    func(a, b, _, _, _ *float32, n int) { copy(unsafe.Slice(b, n), unsafe.Slice(a, n)) },
	ReLUKind:        reluGeneric,
	TanhKind:        tanhGeneric,
	ReLU6Kind:       mapped(func(x, _ float32) float32 { return min(max(x, 0), 6) }),
	LeakyReLUKind:   mapped(leakyReLU32),
	SigmoidKind:     mapped(func(x, _ float32) float32 { return sigmoid32(x) }),
	HardSigmoidKind: mapped(func(x, _ float32) float32 { return min(max(x+3, 0), 6) * (1. / 6) }),
	HardSwishKind:   mapped(func(x, _ float32) float32 { return x * min(max(x+3, 0), 6) * (1. / 6) }),
	SiLUKind:        mapped(func(x, _ float32) float32 { return x / (1 + exp32(-x)) }),
	GELUKind:        mapped(func(x, _ float32) float32 { return x * normalCDF32(x) }),
}

// activateGradGeneric is c = b times the derivative at a, from the result or from the argument.
var activateGradGeneric = [ActivationKinds]Elementwise{
	IdentityKind: func(_, b, c, _, _ *float32, n int) { copy(unsafe.Slice(c, n), unsafe.Slice(b, n)) },
	ReLUKind:     reluGradGeneric,
	TanhKind:     tanhGradGeneric,
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
		return s * (1 + float32(x*(1-s)))
	}),
	GELUKind: mappedGrad(func(x, _ float32) float32 {
		const perSqrt2Pi = 0.39894228040143267794
		return normalCDF32(x) + float32(x*perSqrt2Pi*exp32(-x*x/2))
	}),
}

// mapped makes a kernel of a function of an element and the slope.
func mapped(f func(x, slope float32) float32) Elementwise {
	return func(a, b, c, d, s *float32, n int) {
		x, y, slope := unsafe.Slice(a, n), unsafe.Slice(b, n), scalar(s, 1)
		for i, v := range x {
			y[i] = f(v, slope)
		}
	}
}

// mappedGrad makes a kernel of a derivative.
func mappedGrad(f func(kept, slope float32) float32) Elementwise {
	return func(a, b, c, d, s *float32, n int) {
		kept, dy, dx, slope := unsafe.Slice(a, n), unsafe.Slice(b, n), unsafe.Slice(c, n), scalar(s, 1)
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

// tailPoly is a polynomial in t = 1/(1 + 0.35·|x|) whose product with t·e^(−x²/2) is Φ(−|x|): a minimax fit up to 14,
// beyond which float32 has no number but 0, with a relative error of 3.2e-8.
var tailPoly = [...]float32{
	-0.0291459321, 0.143971705, -0.255714265, 0.159174167, -0.0231098362, 0.105508003, 0.119832868, 0.13986187, 0.139621404,
}

// normalCDF32 is Φ(x), the share of a normal distribution below x, in float32 arithmetic. Far below zero
// its relative error grows with x², to about 2e-6 at -5, as that of the rounded x² does.
func normalCDF32(x float32) float32 {
	t := 1 / (1 + float32(0.35*math.Float32frombits(math.Float32bits(x)&^(1<<31))))
	tail := float32(exp32(-x*x/2) * t * polynomial(t, tailPoly[:]))
	if x < 0 {
		return tail
	}
	return 1 - tail
}

func polynomial(x float32, c []float32) float32 {
	p := c[0]
	for _, k := range c[1:] {
		p = float32(p*x) + k
	}
	return p
}
