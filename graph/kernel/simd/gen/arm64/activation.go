package main

import (
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/constants"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/neon"
)

// activations are functions of a to b, and gradients, b times the derivative at a to c. s[0] is an amplitude, s[1] a slope.
// What is not a number stays so.
func activations(file *neon.File) {
	function := func(name string, f func(o *operands, x neon.Vec) neon.Vec, consts ...float32) {
		elementwise(file, name, func(o *operands) func(at neon.At) {
			o.want(consts...)
			return func(at neon.At) { o.Put(f(o, o.Get(o.a, at)), o.b, at) }
		})
	}
	derivative := func(name string, f func(o *operands, x neon.Vec) neon.Vec, consts ...float32) {
		elementwise(file, name, func(o *operands) func(at neon.At) {
			o.want(append(consts, 0)...)
			return func(at neon.At) { o.Put(o.times(o.Get(o.b, at), f(o, o.Get(o.a, at))), o.c, at) }
		})
	}
	exponential := append([]float32{constants.ExpLow, constants.ExpHigh, constants.Log2E, constants.Ln2High, constants.Ln2Low, 1}, constants.ExpPoly...)
	bell := append(append([]float32{0, -0.5, 0.35, constants.PerSqrt2Pi}, constants.TailPoly...), exponential...)

	function("relu6", func(o *operands, x neon.Vec) neon.Vec { return o.Min(o.Const(6), o.Max(o.Const(0), x)) }, 0, 6)
	elementwise(file, "relu6Grad", func(o *operands) func(at neon.At) {
		o.want(0, 6)
		return func(at neon.At) {
			y := o.Get(o.a, at)
			dead := o.Or(o.GreaterEqual(o.Const(0), y), o.GreaterEqual(y, o.Const(6))) // not of NaN
			o.Put(o.AndNot(dead, o.Get(o.b, at)), o.c, at)
		}
	})
	elementwise(file, "leakyReLU", func(o *operands) func(at neon.At) {
		o.want(0)
		slope := o.scalar(1)
		return func(at neon.At) {
			x := o.Get(o.a, at)
			o.Put(o.Select(o.Greater(x, o.Const(0)), x, o.Mul(x, slope)), o.b, at)
		}
	})
	elementwise(file, "leakyReLUGrad", func(o *operands) func(at neon.At) {
		o.want(0)
		slope := o.scalar(1)
		return func(at neon.At) {
			dy := o.Get(o.b, at)
			o.Put(o.Select(o.Greater(o.Get(o.a, at), o.Const(0)), dy, o.times(dy, slope)), o.c, at)
		}
	})
	function("sigmoid", sigmoid, exponential...)
	derivative("sigmoidGrad", func(o *operands, y neon.Vec) neon.Vec { return o.Mul(o.Sub(o.Const(1), y), y) }, 1)
	function("hardSigmoid", hardSigmoid, 0, 3, 6, constants.Sixth)
	elementwise(file, "hardSigmoidGrad", func(o *operands) func(at neon.At) {
		o.want(-3, 3, constants.Sixth)
		return func(at neon.At) {
			x := o.Get(o.a, at)
			inside := o.And(o.Greater(x, o.Const(-3)), o.Greater(o.Const(3), x))
			o.Put(o.Keep(inside, o.Mul(o.Const(constants.Sixth), o.Get(o.b, at))), o.c, at)
		}
	})
	function("hardSwish", func(o *operands, x neon.Vec) neon.Vec { return o.Mul(x, hardSigmoid(o, x)) }, 0, 3, 6, constants.Sixth)
	derivative("hardSwishGrad", func(o *operands, x neon.Vec) neon.Vec {
		d := o.MulAdd(o.Const(constants.Third), x, o.Const(0.5))
		d = o.Select(o.Greater(o.Const(3), x), d, o.Const(1))
		return o.AndNot(o.GreaterEqual(o.Const(-3), x), d)
	}, -3, 0.5, 1, 3, constants.Third)
	function("silu", func(o *operands, x neon.Vec) neon.Vec { return o.Mul(sigmoid(o, x), x) }, exponential...)
	derivative("siluGrad", func(o *operands, x neon.Vec) neon.Vec {
		s := sigmoid(o, x) // s·(1 + x·(1 − s))
		return o.Mul(o.MulAdd(o.Sub(o.Const(1), s), x, o.Const(1)), s)
	}, exponential...)
	function("gelu", func(o *operands, x neon.Vec) neon.Vec {
		phi, _ := o.normalCDF(x)
		return o.Mul(phi, x)
	}, bell...)
	derivative("geluGrad", func(o *operands, x neon.Vec) neon.Vec {
		phi, bell := o.normalCDF(x)
		o.FMA(phi, bell, o.Mul(o.Const(constants.PerSqrt2Pi), x))
		return phi
	}, bell...)
	elementwise(file, "tanh", tanh)
	elementwise(file, "tanhGrad", func(o *operands) func(at neon.At) {
		first, second := o.scalar(0), o.scalar(1)
		return func(at neon.At) {
			y, d := o.Get(o.a, at), o.Copy(first)
			o.FNMA(d, o.Mul(second, y), y)
			o.Put(o.Mul(d, o.Get(o.b, at)), o.c, at)
		}
	})
}

// times returns dy·d, and 0 where d is 0, whatever dy is.
func (o *operands) times(dy, d neon.Vec) neon.Vec {
	return o.AndNot(o.Equal(d, o.Const(0)), o.Mul(dy, d))
}

// horner returns the polynomial of x with the given coefficients, highest power first.
func (o *operands) horner(poly []float32, x neon.Vec) neon.Vec {
	q := o.Const(poly[0])
	for _, c := range poly[1:] {
		q = o.MulAdd(q, x, o.Const(c))
	}
	return q
}

func (o *operands) wantExp() {
	o.want(constants.ExpLow, constants.ExpHigh, constants.Log2E, constants.Ln2High, constants.Ln2Low, 1)
	o.want(constants.ExpPoly...)
}

// exp returns e^x. The power of two goes on in two steps, since the exponent runs past both ends of float32's.
func (o *operands) exp(x neon.Vec) neon.Vec {
	x = o.Min(o.Const(constants.ExpHigh), o.Max(o.Const(constants.ExpLow), x))
	n := o.Round(o.Mul(x, o.Const(constants.Log2E)))
	o.FNMA(x, n, o.Const(constants.Ln2High))
	o.FNMA(x, n, o.Const(constants.Ln2Low))
	q := o.MulAdd(o.horner(constants.ExpPoly, x), x, o.Const(1))
	whole := o.ToInt(n)
	half, one := o.ShiftRightSigned(whole, 1), o.Const(1) // the bits of 1 are the exponent's bias
	rest := o.SubInt(whole, half)
	o.MulTo(q, o.AddInt(o.ShiftLeft(half, 23), one))
	o.MulTo(q, o.AddInt(o.ShiftLeft(rest, 23), one))
	return q
}

func sigmoid(o *operands, x neon.Vec) neon.Vec {
	return o.Div(o.Const(1), o.Add(o.Const(1), o.exp(o.Neg(x))))
}

func hardSigmoid(o *operands, x neon.Vec) neon.Vec {
	return o.Mul(o.Const(constants.Sixth), o.Min(o.Const(6), o.Max(o.Const(0), o.Add(x, o.Const(3)))))
}

// normalCDF returns Φ(x) and e^(−x²/2), as the generic normalCDF32.
func (o *operands) normalCDF(x neon.Vec) (phi, bell neon.Vec) {
	bell = o.exp(o.Mul(o.Mul(x, x), o.Const(-0.5)))
	t := o.Div(o.Const(1), o.MulAdd(o.Abs(x), o.Const(0.35), o.Const(1)))
	tail := o.Mul(o.Mul(o.horner(constants.TailPoly, t), t), bell)
	return o.Select(o.Greater(o.Const(0), x), tail, o.Sub(o.Const(1), tail)), bell
}

func tanh(o *operands) func(at neon.At) {
	amp, slope, sign := o.scalar(0), o.scalar(1), o.ConstInt(constants.SignBit)
	o.wantExp()
	o.want(constants.TanhSmall, constants.TanhLarge)
	o.want(constants.TanhPoly...)
	return func(at neon.At) {
		x := o.Mul(slope, o.Get(o.a, at))
		a := o.AndNot(sign, x)

		// 1 − 2/(e^2a + 1)
		b := o.Min(o.Const(constants.TanhLarge), a)
		e := o.Add(o.exp(o.Add(b, b)), o.Const(1))
		large := o.Sub(o.Const(1), o.Div(o.Add(o.Const(1), o.Const(1)), e))

		// a + a·a²·polynomial in a²
		s := o.Mul(a, a)
		small := o.MulAdd(o.Mul(o.horner(constants.TanhPoly, s), s), a, a)

		r := o.Select(o.Greater(o.Const(constants.TanhSmall), a), small, large)
		o.Put(o.Mul(amp, o.Or(r, o.And(sign, x))), o.b, at)
	}
}
