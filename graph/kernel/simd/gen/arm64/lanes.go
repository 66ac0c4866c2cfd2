package main

import (
	"fmt"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/fields"
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

// laneTile is a tile of one panel whose A are vectors: each lane has a sum of its own. In general it is as fast as it loads, as
// a multiply-add needs a vector of A to itself. Two shapes that networks have do better: neighbouring results of a depthwise
// convolution without a stride, which share what they see, and groups of four channels, which need no permutation.
func laneTile(g *neon.F, m int, permuted bool) {
	f := frame{g, g.Arg("t")}
	sums := f.start(m)
	stored := f.Label("store")
	f.empty(fields.TileKB, stored)
	blocks, offs := f.load(fields.TileNB), f.load(fields.TileOffs)
	rows := f.rows(m, fields.TileA0, fields.TileA1, fields.TileAMS)
	aks, bks, start := f.load(fields.TileAKS), f.load(fields.TileBKS), f.load(fields.TileB)
	if permuted {
		f.groupsOfFour(sums, rows, stored)
	} else if m > 1 {
		for _, taps := range []int{3, 5, 7} {
			f.neighbours(sums, rows, taps, stored)
		}
	}
	var each, first neon.Vec
	if permuted { // the bytes 4i to 4i+3 of index i
		each, first = f.ConstInt(0x04040404), f.ConstInt(0x03020100)
	}
	f.Loop(blocks, func() {
		off, b, k := f.LoadReg(neon.Mem{Base: offs}), f.LoadReg(neon.Mem{Base: offs, Disp: 8}), f.load(fields.TileKB)
		f.AddReg(b, b, start)
		f.AddImm(offs, offs, 16)
		var indices neon.Reg
		if permuted {
			indices = f.load(fields.TilePermute)
		}
		f.Loop(k, func() {
			if permuted {
				f.permutedStep(sums, rows, off, b, indices, each, first)
				f.AddReg(indices, indices, f.load(fields.TilePermuteStep))
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

// unless goes to a label if a register is not x.
func (f frame) unless(r neon.Reg, x int, label string) {
	f.CompareImm(r, x)
	f.Branch("BNE", label)
}

// eachBlock runs body for each block, with the addresses of A's offset and of B.
func (f frame) eachBlock(body func(off, b neon.Reg)) {
	blocks, offs, start := f.load(fields.TileNB), f.load(fields.TileOffs), f.load(fields.TileB)
	f.Loop(blocks, func() {
		off, b := f.LoadReg(neon.Mem{Base: offs}), f.LoadReg(neon.Mem{Base: offs, Disp: 8})
		f.AddReg(b, b, start)
		f.AddImm(offs, offs, 16)
		body(off, b)
	})
}

// neighbours does the whole tile, and goes to done, if its rows and a row's taps, so many of them, are neighbours: each vector of
// A is loaded once for all rows that see it. A sum's terms come in the order of the taps.
func (f frame) neighbours(sums [][4]neon.Vec, rows []neon.Reg, taps int, done string) {
	m, other := len(sums), f.Label("other")
	f.unless(f.load(fields.TileKB), taps, other)
	for _, step := range []int{fields.TileAKS, fields.TileAMS, fields.TileBKS} {
		f.unless(f.load(step), 64, other)
	}
	gap := f.Reg()
	f.SubReg(gap, rows[(m+1)/2], rows[0])
	f.unless(gap, 64*((m+1)/2), other)
	wide := 1 // registers of a vector at a time
	if taps == 3 {
		wide = 2
	}
	load := func(m neon.Mem) []neon.Vec {
		if wide == 1 {
			return []neon.Vec{f.Load(m)}
		}
		v, w := f.Vec(), f.Vec()
		f.LoadPair(v, w, m)
		return []neon.Vec{v, w}
	}
	f.eachBlock(func(off, b neon.Reg) {
		f.AddReg(off, off, rows[0])
		for q := 0; q < 4; q += wide {
			w := make([][]neon.Vec, taps)
			for k := range w {
				w[k] = load(neon.Mem{Base: b, Disp: 64*k + 16*q})
			}
			for place := range m + taps - 1 {
				x := load(neon.Mem{Base: off, Disp: 64*place + 16*q})
				for i := max(0, place-taps+1); i < min(m, place+1); i++ {
					for h := range x {
						f.FMA(sums[i][q+h], x[h], w[place-i][h])
					}
				}
			}
		}
	})
	f.Jump(done)
	f.Here(other)
}

// groupsOfFour does the whole tile, and goes to done, if the steps of a block are the four channels of groups of four: then the
// lanes of a register of A are what the sums of the same four lanes need, one a step.
func (f frame) groupsOfFour(sums [][4]neon.Vec, rows []neon.Reg, done string) {
	other := f.Label("other")
	f.unless(f.load(fields.TileKB), 4, other)
	f.unless(f.load(fields.TilePermuteStep), 64, other)
	aks, indices := f.load(fields.TileAKS), f.load(fields.TilePermute)
	f.JumpNotZero(aks, other)
	for _, want := range []struct{ step, lane, index int }{{0, 3, 0}, {0, 4, 4}, {3, 0, 3}, {3, 7, 7}} {
		r := f.Reg()
		f.LoadInt(r, neon.Mem{Base: indices, Disp: 64*want.step + 4*want.lane})
		f.unless(r, want.index, other)
	}
	bks := f.load(fields.TileBKS)
	f.eachBlock(func(off, b neon.Reg) {
		for q := range 4 {
			var w [4]neon.Vec
			at := f.Reg()
			f.MoveReg(at, b)
			for c := range w {
				w[c] = f.Load(neon.Mem{Base: at, Disp: 16 * q})
				if c < 3 {
					f.AddReg(at, at, bks)
				}
			}
			for i, row := range rows {
				x := f.Vec()
				f.LoadAt(x, row, off)
				for c := range w {
					f.FMALane(sums[i][q], w[c], x, c)
				}
			}
			f.AddImm(off, off, 16)
		}
	})
	f.Jump(done)
	f.Here(other)
}
