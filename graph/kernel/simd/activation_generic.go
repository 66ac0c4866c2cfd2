package simd

import (
	"math"
	"unsafe"
)

// activateGeneric is functions of a to b.
var activateGeneric = [ActivationKinds]Elementwise{
	IdentityKind:    mapped(func(x, _ float32) float32 { return x }),
	ReLUKind:        reluGeneric,
	TanhKind:        tanhGeneric,
	ReLU6Kind:       mapped(func(x, _ float32) float32 { return min(max(x, 0), 6) }),
	LeakyReLUKind:   mapped(leakyReLU32),
	SigmoidKind:     mapped(func(x, _ float32) float32 { return sigmoid32(x) }),
	HardSigmoidKind: mapped(func(x, _ float32) float32 { return min(max(x+3, 0), 6) / 6 }),
	HardSwishKind:   mapped(func(x, _ float32) float32 { return x * min(max(x+3, 0), 6) / 6 }),
	SiLUKind:        mapped(func(x, _ float32) float32 { return x / (1 + exp32(-x)) }),
	GELUKind:        mapped(func(x, _ float32) float32 { return x * normalCDF32(x) }),
}

// activateGradGeneric is c = b times the derivative at a, from the result or from the argument.
var activateGradGeneric = [ActivationKinds]Elementwise{
	IdentityKind: mappedGrad(func(_, _ float32) float32 { return 1 }),
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
		return s * (1 + x*(1-s))
	}),
	GELUKind: mappedGrad(func(x, _ float32) float32 {
		const perSqrt2Pi = 0.39894228040143267794
		return normalCDF32(x) + x*perSqrt2Pi*exp32(-x*x/2)
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
