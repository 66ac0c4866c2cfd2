package main

import (
	. "github.com/mmcloughlin/avo/operand"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/constants"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/lanes"
)

// horner returns the polynomial of x with the given coefficients, highest power first.
func (o *operands) horner(poly []float32, x lanes.Vec) lanes.Vec {
	q := o.Copy(o.Const(poly[0]))
	for _, c := range poly[1:] {
		o.MulAdd(q, x, o.Const(c))
	}
	return q
}

func (o *operands) wantExp() {
	o.wantConsts(constants.ExpLow, constants.ExpHigh, constants.Log2E, constants.Ln2High, constants.Ln2Low, 1)
	o.wantConsts(constants.ExpPoly...)
}

// exp returns e^x. A NaN stays one: Min and Max return their second operand then.
func (o *operands) exp(x lanes.Vec) lanes.Vec {
	x = o.Min(o.Const(constants.ExpHigh), o.Max(o.Const(constants.ExpLow), x))
	n := o.Round(o.Mul(x, o.Const(constants.Log2E)))
	o.FNMA(x, n, o.Const(constants.Ln2High))
	o.FNMA(x, n, o.Const(constants.Ln2Low))
	q := o.horner(constants.ExpPoly, x)
	o.MulAdd(q, x, o.Const(1))
	if o.Wide() {
		o.VSCALEFPS(n.Lo, q.Lo, q.Lo)
		return q
	}
	// The power of two goes on in two steps, since the exponent runs past both ends of float32's.
	whole := o.ToInt(n)
	o.VPSRAD(Imm(1), whole.Lo, n.Lo)
	o.VPSRAD(Imm(1), whole.Hi, n.Hi)
	rest := o.SubInt(whole, n)
	bias := o.ConstInt(127)
	o.MulTo(q, o.ShiftLeft(o.AddInt(n, bias), 23))
	o.MulTo(q, o.ShiftLeft(o.AddInt(rest, bias), 23))
	return q
}

func tanh(o *operands) func(at lanes.At) {
	o.want(0, 1)
	o.wantExp()
	o.wantConsts(constants.TanhSmall, constants.TanhLarge, 2)
	o.wantConsts(constants.TanhPoly...)
	sign := constInt(o.F, constants.SignBit)
	return func(at lanes.At) {
		a := o.AndNot(sign(), o.Mul(o.scalar(1), o.Get(o.a, at)))

		// 1 − 2/(e^2a + 1)
		b := o.Min(o.Const(constants.TanhLarge), a)
		large := o.Sub(o.Const(1), o.Div(o.Const(2), o.Add(o.exp(o.Add(b, b)), o.Const(1))))

		// a + a·a²·polynomial in a²
		s := o.Mul(a, a)
		small := o.Mul(o.horner(constants.TanhPoly, s), s)
		o.MulAdd(small, a, a)

		r := o.Select(o.Compare(lanes.Less, a, o.Const(constants.TanhSmall)), small, large)
		x := o.Mul(o.scalar(1), o.Get(o.a, at)) // again: AVX2 has no registers to keep it in
		r = o.Or(r, o.And(sign(), x))
		o.Put(o.Mul(o.scalar(0), r), o.b, at)
	}
}

func tanhGrad(o *operands) func(at lanes.At) {
	return func(at lanes.At) {
		y, d := o.Get(o.a, at), o.Copy(o.load(0))
		o.FNMA(d, o.Mul(o.load(1), y), y)
		o.MulTo(d, o.Get(o.b, at))
		o.Put(d, o.c, at)
	}
}

func rowExp(f *lanes.F) {
	o := newOperands(f)
	x, y, n, shift := f.Arg("x"), f.Arg("y"), f.Arg("n"), f.ArgVec("shift")
	o.wantExp()
	sum := f.Zero()
	f.Each(n, f.Pick(2, 1), func(at []lanes.At) {
		for _, a := range at {
			e := o.exp(f.Sub(f.Get(x, a), shift))
			f.Put(e, y, a)
			if a.Tail != nil {
				e = f.Keep(*a.Tail, e)
			}
			f.AddTo(sum, e)
		}
	})
	f.VMOVSS(f.Sum(sum), result(f))
}

// result is where the function's result goes.
func result(f *lanes.F) Mem {
	b, err := f.ReturnIndex(0).Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}
