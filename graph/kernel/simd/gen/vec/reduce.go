package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/lanes"
)

func rowMax(f *lanes.F) {
	x, n := f.Arg("x"), f.Arg("n")
	low := f.ConstInt(-0x800000) // the bits of -Inf, which the assembler cannot write
	top := f.Copy(low)
	f.Each(n, 1, func(at []lanes.At) {
		v := f.Get(x, at[0])
		if at[0].Tail != nil {
			v = f.Select(*at[0].Tail, v, low)
		}
		f.MaxInto(top, v, top) // Max returns its second operand for NaN
	})
	f.VMOVSS(f.MaxAcross(top), result(f))
}

// sumSquares turns every four or eight floats into doubles and keeps four vectors of sums, which is
// what the latency of the additions takes.
func sumSquares(f *lanes.F) {
	x, n := f.Arg("x"), f.Arg("n")
	var sums []reg.VecVirtual
	zero := f.Const(0).Lo
	for range 4 {
		s := double(f)
		f.VMOVAPD(zero, s)
		sums = append(sums, s)
	}
	parts := f.Pick(2, 4) // of a vector
	f.Each(n, f.Pick(2, 1), func(at []lanes.At) {
		for k, a := range at {
			for part := range parts {
				d := double(f)
				if a.Tail == nil {
					f.VCVTPS2PD(a.Mem(x).Offset(part*64/parts), d)
				} else {
					f.VCVTPS2PD(quarter(f, f.Get(x, a), part, parts), d)
				}
				f.VFMADD231PD(d, d, sums[(k*parts+part)%4])
			}
		}
	})
	f.VADDPD(sums[1], sums[0], sums[0])
	f.VADDPD(sums[3], sums[2], sums[2])
	f.VADDPD(sums[2], sums[0], sums[0])
	y, z := sums[0], f.XMM()
	if f.Wide() {
		y = f.YMM()
		f.VEXTRACTF64X4(Imm(1), sums[0], y)
		f.VADDPD(sums[0].AsY(), y, y)
	}
	f.VEXTRACTF128(Imm(1), y, z)
	f.VADDPD(y.AsX(), z, z)
	t := f.XMM()
	f.VPERMILPD(Imm(1), z, t)
	f.VADDSD(t, z, z)
	f.VMOVSD(z, result(f))
}

// double returns a register for doubles.
func double(f *lanes.F) reg.VecVirtual {
	if f.Wide() {
		return f.ZMM()
	}
	return f.YMM()
}

// quarter returns a part of a vector in a register half as wide as the family's.
func quarter(f *lanes.F, v lanes.Vec, part, parts int) Op {
	if parts == 2 {
		if part == 0 {
			return v.Lo.AsY()
		}
		y := f.YMM()
		f.VEXTRACTF64X4(Imm(1), v.Lo, y)
		return y
	}
	half := v.Lo
	if part >= 2 {
		half = v.Hi
	}
	if part%2 == 0 {
		return half.AsX()
	}
	x := f.XMM()
	f.VEXTRACTF128(Imm(1), half, x)
	return x
}
