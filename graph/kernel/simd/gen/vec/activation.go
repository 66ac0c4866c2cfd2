package main

import (
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/constants"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/lanes"
)

// Activations: functions of a to b, and gradients, b times the derivative at a to c. s[0] is an amplitude, s[1] a slope.
// What is not a number stays so: Min and Max return their second operand then.

func activations() {
	elementwise("relu6", "writes min(max(a, 0), 6) to b.", function(func(o *operands, x lanes.Vec) lanes.Vec {
		return o.Min(o.Const(6), o.Max(o.Const(0), x))
	}, 0, 6))
	elementwise("relu6Grad", "writes b where a is neither ≤ 0 nor ≥ 6, else 0, to c.", func(o *operands) func(at lanes.At) {
		o.wantConsts(0, 6)
		return func(at lanes.At) {
			y := o.Get(o.a, at)
			above, below := o.Compare(lanes.NotLessEq, y, o.Const(0)), o.Compare(lanes.NotLessEq, o.Const(6), y)
			o.Put(o.Keep(above, o.Keep(below, o.Get(o.b, at))), o.c, at)
		}
	})
	elementwise("leakyReLU", "writes a where it is positive, else s[1]·a, to b.", func(o *operands) func(at lanes.At) {
		o.want(1)
		o.wantConsts(0)
		return func(at lanes.At) {
			x := o.Get(o.a, at)
			o.Put(o.Select(o.Compare(lanes.GreaterThan, x, o.Const(0)), x, o.Mul(x, o.scalar(1))), o.b, at)
		}
	})
	elementwise("leakyReLUGrad", "writes b where a is positive, else s[1]·b, to c.", func(o *operands) func(at lanes.At) {
		o.want(1)
		o.wantConsts(0)
		return func(at lanes.At) {
			dy := o.Get(o.b, at)
			positive := o.Compare(lanes.GreaterThan, o.Get(o.a, at), o.Const(0))
			o.Put(o.Select(positive, dy, o.times(dy, o.Copy(o.scalar(1)))), o.c, at)
		}
	})
	elementwise("sigmoid", "writes 1/(1 + e^-a) to b.", func(o *operands) func(at lanes.At) {
		sigmoid := o.sigmoid()
		return func(at lanes.At) { o.Put(sigmoid(o.Get(o.a, at)), o.b, at) }
	})
	elementwise("sigmoidGrad", "writes b·(1−a)·a to c.", derivative(func(o *operands, y lanes.Vec) lanes.Vec {
		return o.Mul(o.Sub(o.Const(1), y), y)
	}, 0, 1))
	elementwise("hardSigmoid", "writes min(max(a + 3, 0), 6)/6 to b.", function(hardSigmoid, 0, 3, 6, constants.Sixth))
	elementwise("hardSigmoidGrad", "writes b/6 where −3 < a < 3, else 0, to c.", func(o *operands) func(at lanes.At) {
		o.wantConsts(-3, 3, constants.Sixth)
		return func(at lanes.At) {
			x := o.Get(o.a, at)
			above, below := o.Compare(lanes.GreaterThan, x, o.Const(-3)), o.Compare(lanes.Less, x, o.Const(3))
			o.Put(o.Keep(above, o.Keep(below, o.Mul(o.Const(constants.Sixth), o.Get(o.b, at)))), o.c, at)
		}
	})
	elementwise("hardSwish", "writes a·min(max(a + 3, 0), 6)/6 to b.", function(func(o *operands, x lanes.Vec) lanes.Vec {
		return o.Mul(x, hardSigmoid(o, x))
	}, 0, 3, 6, constants.Sixth))
	elementwise("hardSwishGrad", "writes b times the derivative of hardSwish at a to c.", derivative(func(o *operands, x lanes.Vec) lanes.Vec {
		d := o.Copy(o.Const(constants.Third))
		o.MulAdd(d, x, o.Const(0.5))
		d = o.Select(o.Compare(lanes.Less, x, o.Const(3)), d, o.Copy(o.Const(1)))
		return o.Keep(o.Compare(lanes.NotLessEq, x, o.Const(-3)), d)
	}, -3, 0, 0.5, 1, 3, constants.Third))
	elementwise("silu", "writes a/(1 + e^-a) to b.", func(o *operands) func(at lanes.At) {
		sigmoid := o.sigmoid()
		return func(at lanes.At) {
			s := sigmoid(o.Get(o.a, at))
			o.Put(o.Mul(s, o.Get(o.a, at)), o.b, at)
		}
	})
	elementwise("siluGrad", "writes b times the derivative of silu at a to c.", func(o *operands) func(at lanes.At) {
		sigmoid := o.sigmoid()
		return func(at lanes.At) {
			s := sigmoid(o.Get(o.a, at))
			d := o.Sub(o.Const(1), s) // s·(1 + x·(1 − s))
			o.MulAdd(d, o.Get(o.a, at), o.Const(1))
			o.Put(o.times(o.Get(o.b, at), o.Mul(d, s)), o.c, at)
		}
	})
	elementwise("gelu", "writes a·Φ(a) to b.", func(o *operands) func(at lanes.At) {
		o.wantExp()
		return func(at lanes.At) {
			phi, _ := o.normalCDF(at)
			o.Put(o.Mul(phi, o.Get(o.a, at)), o.b, at)
		}
	})
	elementwise("geluGrad", "writes b times the derivative of gelu at a to c.", func(o *operands) func(at lanes.At) {
		o.wantExp()
		return func(at lanes.At) {
			phi, bell := o.normalCDF(at)
			o.FMA(phi, bell, o.Mul(o.Const(constants.PerSqrt2Pi), o.Get(o.a, at)))
			o.Put(o.times(o.Get(o.b, at), phi), o.c, at)
		}
	})
}

// function is the body of a function of one number.
func function(f func(o *operands, x lanes.Vec) lanes.Vec, consts ...float32) func(o *operands) func(at lanes.At) {
	return func(o *operands) func(at lanes.At) {
		o.wantConsts(consts...)
		return func(at lanes.At) { o.Put(f(o, o.Get(o.a, at)), o.b, at) }
	}
}

// derivative is the body of a gradient with the given derivative.
func derivative(f func(o *operands, x lanes.Vec) lanes.Vec, consts ...float32) func(o *operands) func(at lanes.At) {
	return func(o *operands) func(at lanes.At) {
		o.wantConsts(consts...)
		return func(at lanes.At) { o.Put(o.times(o.Get(o.b, at), f(o, o.Get(o.a, at))), o.c, at) }
	}
}

// times returns dy·d, and 0 where d is 0, whatever dy is.
func (o *operands) times(dy, d lanes.Vec) lanes.Vec {
	return o.Keep(o.Compare(lanes.NotEqual, d, o.Const(0)), o.Mul(dy, d))
}

// sigmoid prepares what makes 1/(1 + e^-x) of x.
func (o *operands) sigmoid() func(x lanes.Vec) lanes.Vec {
	o.wantExp()
	sign := constInt(o.F, constants.SignBit)
	return func(x lanes.Vec) lanes.Vec {
		return o.Div(o.Const(1), o.Add(o.Const(1), o.exp(o.Xor(sign(), x))))
	}
}

func hardSigmoid(o *operands, x lanes.Vec) lanes.Vec {
	return o.Mul(o.Const(constants.Sixth), o.Min(o.Const(6), o.Max(o.Const(0), o.Add(x, o.Const(3)))))
}

// normalCDF returns Φ(a) and e^(−a²/2), as the generic normalCDF32.
func (o *operands) normalCDF(at lanes.At) (phi, bell lanes.Vec) {
	sign := constInt(o.F, constants.SignBit)
	x := o.Get(o.a, at)
	bell = o.exp(o.Mul(o.Mul(x, x), o.Const(-0.5)))
	x = o.AndNot(sign(), o.Get(o.a, at)) // again: AVX2 has no registers to keep it in
	o.MulAdd(x, o.Const(0.35), o.Const(1))
	t := o.Div(o.Const(1), x)
	tail := o.Mul(o.horner(constants.TailPoly, t), t)
	o.MulTo(tail, bell)
	negative := o.Compare(lanes.Less, o.Get(o.a, at), o.Const(0))
	return o.Select(negative, tail, o.Sub(o.Const(1), tail)), bell
}
