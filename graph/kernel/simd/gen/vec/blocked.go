package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/lanes"
)

// A side is where rows of a square are read or written: some rows of it, and of each some floats.
type side struct {
	base   reg.GPVirtual
	stride reg.GPVirtual // bytes between rows
	rows   reg.GPVirtual // how many rows there are, nil for all
	mask   *lanes.Mask   // which floats of a row there are, nil for all
}

// toBlocked's rows are channels, and its columns pixels.
func toBlocked(f *lanes.F) { convert(f, true) }

// fromBlocked's rows are pixels, and its columns channels.
func fromBlocked(f *lanes.F) { convert(f, false) }

func convert(f *lanes.F, to bool) {
	plain, blocked := f.Arg("plain"), f.Arg("blocked")
	plane, pixels, channels := f.Arg("plane"), f.Arg("pixels"), f.Arg("channels")
	f.SHLQ(Imm(2), plane)
	pixel, zero := f.GP64(), f.Const(0).Lo
	f.MOVQ(I32(64), pixel)
	square := func(left reg.GPVirtual, mask *lanes.Mask) {
		p := side{base: plain, stride: plane, rows: channels, mask: mask}
		b := side{base: blocked, stride: pixel, rows: left}
		if to {
			transpose(f, p, b, zero)
		} else {
			transpose(f, b, p, zero)
		}
	}
	loop, done, end := f.Label("loop"), f.Label("done"), f.Label("end")
	f.SUBQ(Imm(16), pixels)
	f.JL(LabelRef(done))
	f.Here(loop)
	square(nil, nil)
	f.ADDQ(Imm(16*4), plain)
	f.ADDQ(I32(16*64), blocked)
	f.SUBQ(Imm(16), pixels)
	f.JGE(LabelRef(loop))
	f.Here(done)
	f.ADDQ(Imm(16), pixels)
	f.JZ(LabelRef(end))
	mask := f.FirstLanes(pixels)
	square(pixels, &mask)
	f.Here(end)
}

// transpose copies sixteen rows to sixteen columns; missing rows count as zeros.
func transpose(f *lanes.F, from, to side, zero reg.VecVirtual) {
	if f.Wide() {
		transpose16(f, from, to, zero)
		return
	}
	for r := range 2 {
		for c := range 2 {
			transpose8(f, from, to, zero, r, c)
		}
	}
}

// each emits body for rows first..first+n of the side, as many of them as there are.
func (s side) each(f *lanes.F, first, n int, body func(i int, row Mem)) {
	done, p := f.Label("rows"), f.GP64()
	if first == 0 {
		f.MOVQ(s.base, p)
	} else {
		f.LEAQ(Mem{Base: s.base, Index: s.stride, Scale: 8}, p) // first is 8
	}
	for i := range n {
		if s.rows != nil {
			f.CMPQ(s.rows, Imm(uint64(first+i)))
			f.JLE(LabelRef(done))
		}
		body(i, Mem{Base: p})
		f.ADDQ(s.stride, p)
	}
	f.Here(done)
}

func transpose16(f *lanes.F, from, to side, zero reg.VecVirtual) {
	var r, t [16]reg.VecVirtual
	for i := range r {
		r[i] = f.ZMM()
		if from.rows != nil {
			f.VMOVAPS(zero, r[i])
		}
	}
	from.each(f, 0, 16, func(i int, row Mem) {
		if from.mask != nil {
			f.VMOVUPS_Z(row, from.mask.K, r[i])
		} else {
			f.VMOVUPS(row, r[i])
		}
	})
	transpose4(f, r[:], func() reg.VecVirtual { return f.ZMM() })
	// Now r[4i+j] holds column 4l+j of rows 4i…4i+3 in its lane l: a 4×4 of lanes for each j.
	for j := range 4 {
		a, b, c, d := f.ZMM(), f.ZMM(), f.ZMM(), f.ZMM()
		f.VSHUFF32X4(Imm(0x88), r[4+j], r[j], a)
		f.VSHUFF32X4(Imm(0xdd), r[4+j], r[j], b)
		f.VSHUFF32X4(Imm(0x88), r[12+j], r[8+j], c)
		f.VSHUFF32X4(Imm(0xdd), r[12+j], r[8+j], d)
		for i := range 4 {
			t[4*i+j] = f.ZMM()
		}
		f.VSHUFF32X4(Imm(0x88), c, a, t[j])
		f.VSHUFF32X4(Imm(0x88), d, b, t[4+j])
		f.VSHUFF32X4(Imm(0xdd), c, a, t[8+j])
		f.VSHUFF32X4(Imm(0xdd), d, b, t[12+j])
	}
	to.each(f, 0, 16, func(i int, row Mem) {
		if to.mask != nil {
			f.VMOVUPS(t[i], to.mask.K, row)
		} else {
			f.VMOVUPS(t[i], row)
		}
	})
}

// transpose8 does rows 8r…8r+7 and columns 8c…8c+7.
func transpose8(f *lanes.F, from, to side, zero reg.VecVirtual, r, c int) {
	half := func(m *lanes.Mask, i int) reg.VecVirtual {
		if i == 0 {
			return m.V.Lo
		}
		return m.V.Hi
	}
	var v, t [8]reg.VecVirtual
	for i := range v {
		v[i] = f.YMM()
		if from.rows != nil {
			f.VMOVAPS(zero, v[i])
		}
	}
	from.each(f, 8*r, 8, func(i int, row Mem) {
		if from.mask != nil {
			f.VMASKMOVPS(row.Offset(32*c), half(from.mask, c), v[i])
		} else {
			f.VMOVUPS(row.Offset(32*c), v[i])
		}
	})
	transpose4(f, v[:], func() reg.VecVirtual { return f.YMM() })
	for j := range 4 {
		t[j], t[4+j] = f.YMM(), f.YMM()
		f.VPERM2F128(Imm(0x20), v[4+j], v[j], t[j])
		f.VPERM2F128(Imm(0x31), v[4+j], v[j], t[4+j])
	}
	to.each(f, 8*c, 8, func(i int, row Mem) {
		if to.mask != nil {
			f.VMASKMOVPS(t[i], half(to.mask, r), row.Offset(32*r))
		} else {
			f.VMOVUPS(t[i], row.Offset(32*r))
		}
	})
}

// transpose4 transposes the 4×4s that each lane of four rows makes.
func transpose4(f *lanes.F, r []reg.VecVirtual, vec func() reg.VecVirtual) {
	for i := 0; i < len(r); i += 4 {
		a, b, c, d := vec(), vec(), vec(), vec()
		f.VUNPCKLPS(r[i+1], r[i], a)
		f.VUNPCKHPS(r[i+1], r[i], b)
		f.VUNPCKLPS(r[i+3], r[i+2], c)
		f.VUNPCKHPS(r[i+3], r[i+2], d)
		for j := range 4 {
			r[i+j] = vec()
		}
		f.VUNPCKLPD(c, a, r[i])
		f.VUNPCKHPD(c, a, r[i+1])
		f.VUNPCKLPD(d, b, r[i+2])
		f.VUNPCKHPD(d, b, r[i+3])
	}
}

// copyLanes has a loop of its own for whole vectors: masked stores are slow on some processors.
func copyLanes(f *lanes.F, accumulate bool) {
	x, y, pixels, n := f.Arg("x"), f.Arg("y"), f.Arg("pixels"), f.Arg("n")
	some, end := f.Label("some"), f.Label("end")
	loop := func(get func(m Mem) lanes.Vec, put func(v lanes.Vec, m Mem)) {
		f.Loop(pixels, func() {
			v := get(Mem{Base: x})
			if accumulate {
				v = f.Add(v, get(Mem{Base: y}))
			}
			put(v, Mem{Base: y})
			f.ADDQ(Imm(64), x)
			f.ADDQ(Imm(64), y)
		})
	}
	f.CMPQ(n, Imm(16))
	f.JNE(LabelRef(some))
	loop(f.GetMem, f.PutMem)
	f.JMP(LabelRef(end))
	f.Here(some)
	mask := f.FirstLanes(n)
	loop(func(m Mem) lanes.Vec { return f.GetMasked(m, mask) }, func(v lanes.Vec, m Mem) { f.PutMasked(v, m, mask) })
	f.Here(end)
}
