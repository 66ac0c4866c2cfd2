package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/lanes"
)

// Four columns of sixteen rows meet in four vectors by loads of four floats alone: vector j has those of
// rows j, 4+j, 8+j and 12+j. Transposing 4×4 floats within each quarter, with eight shuffles, is all that
// is left to do, and the same eight lead back. Columns go by fours; the last four may have been there before.

// gather writes columns as vectors.
func gather(f *lanes.F) {
	n, dst, step := f.Arg("n"), f.Arg("dst"), f.Arg("step")
	src := sixteenRows(f, f.Arg("src"), f.Arg("ld"))
	step3 := f.GP64()
	f.LEAQ(Mem{Base: step, Index: step, Scale: 2}, step3)
	back := f.GP64()
	byFours(f, n, func() {
		src.each(func(base reg.GPVirtual) { f.LEAQ(Mem{Base: base, Index: n, Scale: 4}, base) })
		f.MOVQ(n, back)
		f.IMULQ(step, back)
		f.ADDQ(back, dst)
	}, func() {
		var v [4]lanes.Vec
		for j := range v {
			v[j] = f.Vec()
			if f.Wide() {
				f.VBROADCASTF32X4(src.at(j), v[j].Lo)
				for q := 1; q < 4; q++ {
					f.VINSERTF32X4(Imm(uint64(q)), src.at(4*q+j), v[j].Lo, v[j].Lo)
				}
				continue
			}
			f.VBROADCASTF128(src.at(j), v[j].Lo)
			f.VINSERTF128(Imm(1), src.at(4+j), v[j].Lo, v[j].Lo)
			f.VBROADCASTF128(src.at(8+j), v[j].Hi)
			f.VINSERTF128(Imm(1), src.at(12+j), v[j].Hi, v[j].Hi)
		}
		v = quarters(f, v)
		for j, to := range []Mem{{Base: dst}, {Base: dst, Index: step, Scale: 1}, {Base: dst, Index: step, Scale: 2}, {Base: dst, Index: step3, Scale: 1}} {
			f.PutMem(v[j], to)
		}
		src.each(func(base reg.GPVirtual) { f.ADDQ(Imm(16), base) })
		f.LEAQ(Mem{Base: dst, Index: step, Scale: 4}, dst)
	})
}

// scatter is gather's reverse.
func scatter(f *lanes.F) {
	n, src := f.Arg("n"), f.Arg("src")
	dst := sixteenRows(f, f.Arg("dst"), f.Arg("ld"))
	back := f.GP64()
	byFours(f, n, func() {
		dst.each(func(base reg.GPVirtual) { f.LEAQ(Mem{Base: base, Index: n, Scale: 4}, base) })
		f.MOVQ(n, back)
		f.SHLQ(Imm(6), back)
		f.ADDQ(back, src)
	}, func() {
		var v [4]lanes.Vec
		for j := range v {
			v[j] = f.GetMem(Mem{Base: src, Disp: 64 * j})
		}
		v = quarters(f, v)
		for j := range v {
			f.VMOVUPS(v[j].Lo.AsX(), dst.at(j))
			if f.Wide() {
				for q := 1; q < 4; q++ {
					f.VEXTRACTF32X4(Imm(uint64(q)), v[j].Lo, dst.at(4*q+j))
				}
				continue
			}
			f.VEXTRACTF128(Imm(1), v[j].Lo, dst.at(4+j))
			f.VMOVUPS(v[j].Hi.AsX(), dst.at(8+j))
			f.VEXTRACTF128(Imm(1), v[j].Hi, dst.at(12+j))
		}
		dst.each(func(base reg.GPVirtual) { f.ADDQ(Imm(16), base) })
		f.ADDQ(I32(256), src)
	})
}

// sixteenRows addresses rows that are ld bytes apart.
func sixteenRows(f *lanes.F, first, ld reg.GPVirtual) rows {
	r := newRows(f, 16, ld)
	f.MOVQ(first, r.first)
	f.LEAQ(Mem{Base: first, Index: ld, Scale: 8}, r.other)
	return r
}

// byFours runs body for four of n at a time, where body moves on by itself; if fewer are left, it goes
// back first: by n, which is negative then.
func byFours(f *lanes.F, n reg.GPVirtual, back, body func()) {
	again, four, done := f.Label("again"), f.Label("four"), f.Label("done")
	f.Here(again)
	f.CMPQ(n, Imm(4))
	f.JGE(LabelRef(four))
	f.TESTQ(n, n)
	f.JZ(LabelRef(done))
	f.SUBQ(Imm(4), n)
	back()
	f.MOVQ(I32(4), n)
	f.Here(four)
	body()
	f.SUBQ(Imm(4), n)
	f.JMP(LabelRef(again))
	f.Here(done)
}

// quarters transposes the 4×4 floats of each quarter of four vectors.
func quarters(f *lanes.F, v [4]lanes.Vec) [4]lanes.Vec {
	lo01, hi01 := f.UnpackLow(v[0], v[1]), f.UnpackHigh(v[0], v[1])
	lo23, hi23 := f.UnpackLow(v[2], v[3]), f.UnpackHigh(v[2], v[3])
	return [4]lanes.Vec{
		f.UnpackLowPairs(lo01, lo23), f.UnpackHighPairs(lo01, lo23),
		f.UnpackLowPairs(hi01, hi23), f.UnpackHighPairs(hi01, hi23),
	}
}
