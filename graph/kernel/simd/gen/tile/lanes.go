package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/fields"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/lanes"
)

// laneTile is a tile of one panel whose A are vectors: each lane has a sum of its own. B is in a register, and A comes
// from memory as the operand of the multiply-add or, permuted, by way of another register.
func laneTile(f *lanes.F, m int, permuted bool) {
	t := f.Arg("t")
	field := func(off int) Mem { return Mem{Base: t, Disp: off} }
	load := func(off int) reg.GPVirtual {
		r := f.GP64()
		f.MOVQ(field(off), r)
		return r
	}
	sums := start(f, m, 1, field(fields.TileBias))
	blocks, offs, stored := load(fields.TileNB), load(fields.TileOffs), f.Label("store")
	f.CMPQ(field(fields.TileKB), Imm(0))
	f.JLE(LabelRef(stored))
	a := newRows(f, m, load(fields.TileAMS))
	b, k, indices := f.GP64(), f.GP64(), reg.GPVirtual(nil)
	if permuted {
		indices = f.GP64()
	}
	f.Loop(blocks, func() {
		f.MOVQ(Mem{Base: offs}, a.first)
		if m > 1 {
			f.MOVQ(a.first, a.other)
			f.ADDQ(field(fields.TileA1), a.other)
		}
		f.ADDQ(field(fields.TileA0), a.first)
		f.MOVQ(Mem{Base: offs, Disp: 8}, b)
		f.ADDQ(field(fields.TileB), b)
		f.ADDQ(Imm(16), offs)
		f.MOVQ(field(fields.TileKB), k)
		if permuted {
			f.MOVQ(field(fields.TilePermute), indices)
		}
		step := f.Label("k")
		f.Here(step)
		bv := f.GetMem(Mem{Base: b})
		var index lanes.Vec
		if permuted {
			index = f.PermutationAt(Mem{Base: indices})
			f.ADDQ(field(fields.TilePermuteStep), indices)
		}
		for i := range m {
			if permuted {
				f.FMA(sums[i][0], bv, f.Permuted(a.at(i), index))
			} else {
				f.FMAMem(sums[i][0], bv, a.at(i))
			}
		}
		a.each(func(base reg.GPVirtual) { f.ADDQ(field(fields.TileAKS), base) })
		f.ADDQ(field(fields.TileBKS), b)
		f.DECQ(k)
		f.JNZ(LabelRef(step))
	})
	f.Here(stored)
	finish(f, sums, load, field)
}
