package main

import (
	"fmt"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/neon"
)

// The most rows of tiles whose A are vectors: of six, 24 registers of sums, four of B and four that A passes through;
// permuted, one row less, for two of indices and two that are neighbours.
const (
	mostLaneRows     = 6
	mostPermutedRows = 5
)

func laneTiles(file *neon.File) {
	const doc = "is lanesGeneric for %d rows; t is a *Tile."
	for rows := 1; rows <= mostLaneRows; rows++ {
		file.Func(fmt.Sprintf("lanes%dNEON", rows), "func(t *byte)", fmt.Sprintf(doc, rows), func(f *neon.F) { laneTile(f, rows, false) })
	}
	for rows := 1; rows <= mostPermutedRows; rows++ {
		file.Func(fmt.Sprintf("permuted%dNEON", rows), "func(t *byte)", fmt.Sprintf(doc, rows), func(f *neon.F) { laneTile(f, rows, true) })
	}
}

// laneTile is a tile of one panel whose A are vectors: each lane has a sum of its own. It is as fast as it loads: a
// multiply-add needs a vector of A to itself.
func laneTile(g *neon.F, m int, permuted bool) {
	f := frame{g, g.Arg("t")}
	sums := f.start(m)
	stored := f.Label("store")
	f.empty(offKB, stored)
	blocks, offs := f.load(offNB), f.load(offOffs)
	rows := f.rows(m, offA0, offA1, offAMS)
	aks, bks, start := f.load(offAKS), f.load(offBKS), f.load(offB)
	var each, first neon.Vec
	if permuted { // the bytes 4i to 4i+3 of index i
		each, first = f.ConstInt(0x04040404), f.ConstInt(0x03020100)
	}
	f.Loop(blocks, func() {
		off, b, k := f.LoadReg(neon.Mem{Base: offs}), f.LoadReg(neon.Mem{Base: offs, Disp: 8}), f.load(offKB)
		f.AddReg(b, b, start)
		f.AddImm(offs, offs, 16)
		var indices neon.Reg
		if permuted {
			indices = f.load(offPermute)
		}
		f.Loop(k, func() {
			if permuted {
				f.permutedStep(sums, rows, off, b, indices, each, first)
				f.AddReg(indices, indices, f.load(offPermuteStep))
			} else {
				w := f.Load16(neon.Mem{Base: b})
				for i, row := range rows {
					at := f.Reg()
					f.AddReg(at, row, off)
					for h := range 2 {
						v, u := f.Vec(), f.Vec()
						f.LoadPair(v, u, neon.Mem{Base: at, Disp: 32 * h})
						f.FMA(sums[i][2*h], v, w[2*h])
						f.FMA(sums[i][2*h+1], u, w[2*h+1])
					}
				}
			}
			f.AddReg(off, off, aks)
			f.AddReg(b, b, bks)
		})
	})
	f.Here(stored)
	f.finish(sums)
}

// permutedStep takes lanes by their indices. Those of the second half are those of the first plus eight, so that the same
// bytes of the half's two registers are meant.
func (f frame) permutedStep(sums [][4]neon.Vec, rows []neon.Reg, off, b, indices neon.Reg, each, first neon.Vec) {
	lo, hi := f.Vec(), f.Vec()
	f.LoadPair(lo, hi, neon.Mem{Base: indices})
	index := [2]neon.Vec{f.Copy(first), f.Copy(first)}
	f.MulAddInt(index[0], lo, each)
	f.MulAddInt(index[1], hi, each)
	for h := range 2 {
		w, u := f.Vec(), f.Vec()
		f.LoadPair(w, u, neon.Mem{Base: b, Disp: 32 * h})
		for i, row := range rows {
			at := f.Reg()
			f.AddReg(at, row, off)
			v0, v1 := f.Pair(30)
			f.LoadPair(v0, v1, neon.Mem{Base: at, Disp: 32 * h})
			f.FMA(sums[i][2*h], f.Lookup(v0, v1, index[0]), w)
			f.FMA(sums[i][2*h+1], f.Lookup(v0, v1, index[1]), u)
		}
	}
}
