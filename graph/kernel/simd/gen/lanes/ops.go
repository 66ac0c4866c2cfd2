package lanes

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// three applies an instruction of two sources, in avo's order: op(b, a, dst) for a op b.
func (f *F) three(op func(...operand.Op), a, b Vec) Vec {
	d := f.vec()
	f.into(op, d, a, b)
	return d
}

func (f *F) into(op func(...operand.Op), d, a, b Vec) {
	d.mutable()
	op(b.Lo, a.Lo, d.Lo)
	if !f.wide {
		op(b.Hi, a.Hi, d.Hi)
	}
}

func (f *F) two(op func(...operand.Op), a Vec) Vec {
	d := f.vec()
	op(a.Lo, d.Lo)
	if !f.wide {
		op(a.Hi, d.Hi)
	}
	return d
}

// pick returns the instruction of the family.
func (f *F) pick(wide, narrow func(...operand.Op)) func(...operand.Op) {
	if f.wide {
		return wide
	}
	return narrow
}

// op3 adapts an instruction whose operands avo fixes at three.
func op3(op func(a, b, c operand.Op)) func(...operand.Op) {
	return func(o ...operand.Op) { op(o[0], o[1], o[2]) }
}

// Add returns a + b.
func (f *F) Add(a, b Vec) Vec { return f.three(f.VADDPS, a, b) }

// Sub returns a − b.
func (f *F) Sub(a, b Vec) Vec { return f.three(f.VSUBPS, a, b) }

// Mul returns a·b.
func (f *F) Mul(a, b Vec) Vec { return f.three(f.VMULPS, a, b) }

// Div returns a/b, correctly rounded.
func (f *F) Div(a, b Vec) Vec { return f.three(f.VDIVPS, a, b) }

// Min returns a where a < b, else b (so b where either is NaN).
func (f *F) Min(a, b Vec) Vec { return f.three(f.VMINPS, a, b) }

// Max returns a where a > b, else b (so b where either is NaN: Max(zero, x) is PyTorch's ReLU).
func (f *F) Max(a, b Vec) Vec { return f.three(f.VMAXPS, a, b) }

// AddTo makes d = d + a.
func (f *F) AddTo(d, a Vec) { f.into(f.VADDPS, d, d, a) }

// AddMemTo makes d = d + the sixteen floats at m.
func (f *F) AddMemTo(d Vec, m operand.Mem) {
	d.mutable()
	f.VADDPS(m, d.Lo, d.Lo)
	if !f.wide {
		f.VADDPS(m.Offset(32), d.Hi, d.Hi)
	}
}

// MulTo makes d = d·a.
func (f *F) MulTo(d, a Vec) { f.into(f.VMULPS, d, d, a) }

// MaxInto makes d = Max(a, b).
func (f *F) MaxInto(d, a, b Vec) { f.into(f.VMAXPS, d, a, b) }

// MinInto makes d = Min(a, b).
func (f *F) MinInto(d, a, b Vec) { f.into(f.VMINPS, d, a, b) }

// MaxTo makes d = Max(d, a).
func (f *F) MaxTo(d, a Vec) { f.into(f.VMAXPS, d, d, a) }

// Sqrt returns √a, correctly rounded.
func (f *F) Sqrt(a Vec) Vec { return f.two(f.VSQRTPS, a) }

// FMA makes d = a·b + d, rounded once.
func (f *F) FMA(d, a, b Vec) { f.into(f.VFMADD231PS, d, a, b) }

// FMAMem makes d = a·b + d for the sixteen floats b at m.
func (f *F) FMAMem(d, a Vec, m operand.Mem) {
	d.mutable()
	f.VFMADD231PS(m, a.Lo, d.Lo)
	if !f.wide {
		f.VFMADD231PS(m.Offset(32), a.Hi, d.Hi)
	}
}

// PermutationAt reads sixteen indices, of which AVX2 takes the first eight for both halves.
func (f *F) PermutationAt(m operand.Mem) Vec {
	if f.wide {
		return f.GetMem(m)
	}
	y := f.YMM()
	f.VMOVUPS(m, y)
	return Vec{Lo: y, Hi: y}
}

// Permuted reads sixteen floats at m in the order of a permutation: lane i is number index[i] or, on AVX2, of its own
// half.
func (f *F) Permuted(m operand.Mem, index Vec) Vec {
	v := f.vec()
	f.VPERMPS(m, index.Lo, v.Lo)
	if !f.wide {
		f.VPERMPS(m.Offset(32), index.Hi, v.Hi)
	}
	return v
}

// FNMA makes d = d − a·b, rounded once.
func (f *F) FNMA(d, a, b Vec) { f.into(f.VFNMADD231PS, d, a, b) }

// MulAdd makes d = d·a + b, rounded once: a step of Horner's rule.
func (f *F) MulAdd(d, a, b Vec) { f.into(f.VFMADD213PS, d, a, b) }

// And, Or, Xor and AndNot (b without the bits of a) work on the bits.
func (f *F) And(a, b Vec) Vec { return f.three(f.pick(f.VPANDD, op3(f.VPAND)), a, b) }

// Or returns the bits of either.
func (f *F) Or(a, b Vec) Vec { return f.three(f.pick(f.VPORD, op3(f.VPOR)), a, b) }

// Xor returns the bits of one but not both.
func (f *F) Xor(a, b Vec) Vec { return f.three(f.pick(f.VPXORD, op3(f.VPXOR)), a, b) }

// AndNot returns the bits of b that a has not.
func (f *F) AndNot(a, b Vec) Vec { return f.three(f.pick(f.VPANDND, op3(f.VPANDN)), a, b) }

// AddInt returns a + b in each int32.
func (f *F) AddInt(a, b Vec) Vec { return f.three(f.VPADDD, a, b) }

// SubInt returns a − b in each int32.
func (f *F) SubInt(a, b Vec) Vec { return f.three(f.VPSUBD, a, b) }

// MulInt returns the low half of a·b in each int32.
func (f *F) MulInt(a, b Vec) Vec { return f.three(f.VPMULLD, a, b) }

// ShiftLeft returns a<<n in each int32.
func (f *F) ShiftLeft(a Vec, n uint8) Vec { return f.imm(f.VPSLLD, n, a) }

// ShiftRight returns a>>n in each uint32, zeros coming in.
func (f *F) ShiftRight(a Vec, n uint8) Vec { return f.imm(f.VPSRLD, n, a) }

func (f *F) imm(op func(...operand.Op), n uint8, a Vec) Vec {
	return f.two(func(o ...operand.Op) { op(operand.U8(n), o[0], o[1]) }, a)
}

// ToInt rounds each float to the nearest int32, ties to even.
func (f *F) ToInt(a Vec) Vec { return f.two(f.VCVTPS2DQ, a) }

// ToFloat turns each int32 into a float.
func (f *F) ToFloat(a Vec) Vec { return f.two(f.VCVTDQ2PS, a) }

// Round rounds each float to an integer, ties to even.
func (f *F) Round(a Vec) Vec {
	if f.wide {
		return f.imm(f.VRNDSCALEPS, 8, a)
	}
	return f.two(func(o ...operand.Op) { f.VROUNDPS(operand.U8(8), o[0], o[1]) }, a)
}

// A Predicate compares two floats, as in CMPPS. All but NotEqual and the Not… forms are false for NaN.
type Predicate uint8

// The predicates.
const (
	Equal       Predicate = 0x00
	Less        Predicate = 0x11 // quiet
	LessEqual   Predicate = 0x12
	Unordered   Predicate = 0x03 // either is NaN
	NotEqual    Predicate = 0x04
	NotLess     Predicate = 0x15 // greater, equal or unordered
	NotLessEq   Predicate = 0x16 // greater or unordered
	GreaterEq   Predicate = 0x1D
	GreaterThan Predicate = 0x1E
)

// Compare returns the lanes in which a p b.
func (f *F) Compare(p Predicate, a, b Vec) Mask {
	if f.wide {
		k := f.K()
		f.VCMPPS(operand.U8(p), b.Lo, a.Lo, k)
		return Mask{K: k}
	}
	d := f.vec()
	f.VCMPPS(operand.U8(p), b.Lo, a.Lo, d.Lo)
	f.VCMPPS(operand.U8(p), b.Hi, a.Hi, d.Hi)
	return Mask{V: d}
}

// GreaterInt returns the lanes in which the int32 a > b.
func (f *F) GreaterInt(a, b Vec) Mask {
	if f.wide {
		k := f.K()
		f.VPCMPGTD(b.Lo, a.Lo, k)
		return Mask{K: k}
	}
	return Mask{V: f.three(f.VPCMPGTD, a, b)}
}

// EqualInt returns the lanes in which the int32 a = b.
func (f *F) EqualInt(a, b Vec) Mask {
	if f.wide {
		k := f.K()
		f.VPCMPEQD(b.Lo, a.Lo, k)
		return Mask{K: k}
	}
	return Mask{V: f.three(f.VPCMPEQD, a, b)}
}

// Select returns a in the lanes of m, b in the others.
func (f *F) Select(m Mask, a, b Vec) Vec {
	d := f.vec()
	if f.wide {
		f.VBLENDMPS(a.Lo, b.Lo, m.K, d.Lo)
	} else {
		f.VBLENDVPS(m.V.Lo, a.Lo, b.Lo, d.Lo)
		f.VBLENDVPS(m.V.Hi, a.Hi, b.Hi, d.Hi)
	}
	return d
}

// Keep returns a in the lanes of m, zero in the others.
func (f *F) Keep(m Mask, a Vec) Vec {
	if f.wide {
		d := f.vec()
		f.VMOVAPS_Z(a.Lo, m.K, d.Lo)
		return d
	}
	return f.And(m.V, a)
}

// Bits returns the mask as a number whose bit i is lane i.
func (f *F) Bits(m Mask) reg.GPVirtual {
	r := f.GP64()
	if f.wide {
		f.KMOVW(m.K, r.As32())
		return r
	}
	hi := f.GP64()
	f.VMOVMSKPS(m.V.Lo, r.As32())
	f.VMOVMSKPS(m.V.Hi, hi.As32())
	f.SHLL(operand.U8(8), hi.As32())
	f.ORL(hi.As32(), r.As32())
	return r
}

// Sum returns the sum of the lanes, added in halves (i with i+8, then i+4, i+2, i+1), in the low
// lane of an XMM register.
func (f *F) Sum(v Vec) reg.VecVirtual { return f.fold(v, f.VADDPS, f.VADDPS, f.VADDSS) }

// MaxAcross returns the greatest lane in the low lane of an XMM register. Not for NaN.
func (f *F) MaxAcross(v Vec) reg.VecVirtual { return f.fold(v, f.VMAXPS, f.VMAXPS, f.VMAXSS) }

func (f *F) fold(v Vec, wide, half, scalar func(...operand.Op)) reg.VecVirtual {
	y := f.YMM()
	if f.wide {
		f.VEXTRACTF64X4(operand.U8(1), v.Lo, y)
		wide(v.Lo.AsY(), y, y)
	} else {
		wide(v.Hi, v.Lo, y)
	}
	x := f.XMM()
	if f.wide {
		f.VEXTRACTF32X4(operand.U8(1), y, x) // the older instruction knows sixteen registers only
	} else {
		f.VEXTRACTF128(operand.U8(1), y, x)
	}
	half(y.AsX(), x, x)
	t := f.XMM()
	f.VPERMILPD(operand.U8(1), x, t)
	half(t, x, x)
	f.VMOVSHDUP(x, t)
	scalar(t, x, x)
	return x
}

// UnpackLow interleaves the first two floats of each quarter of a with those of b.
func (f *F) UnpackLow(a, b Vec) Vec { return f.three(f.VUNPCKLPS, a, b) }

// UnpackHigh interleaves the last two floats of each quarter of a with those of b.
func (f *F) UnpackHigh(a, b Vec) Vec { return f.three(f.VUNPCKHPS, a, b) }

// UnpackLowPairs joins the first two floats of each quarter of a and those of b.
func (f *F) UnpackLowPairs(a, b Vec) Vec { return f.three(f.VUNPCKLPD, a, b) }

// UnpackHighPairs joins the last two floats of each quarter of a and those of b.
func (f *F) UnpackHighPairs(a, b Vec) Vec { return f.three(f.VUNPCKHPD, a, b) }
