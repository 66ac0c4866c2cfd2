package main

import (
	"fmt"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/fields"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/neon"
)

// mostRows are 24 registers of sums, six of A and two that B passes through.
const mostRows = 6

func tiles(file *neon.File) {
	laneTiles(file)
	for rows := 1; rows <= mostRows; rows++ {
		file.Func(fmt.Sprintf("tile%dx1NEON", rows), "func(t *byte)", fmt.Sprintf("is the micro-kernel for %d rows and 1 panel; t is a *Tile.", rows),
			func(f *neon.F) { tile(f, rows) })
	}
}

// A frame is what tiles have in common: t and what its fields hold.
type frame struct {
	*neon.F
	t neon.Reg
}

func (f frame) field(off int) neon.Mem  { return neon.Mem{Base: f.t, Disp: off} }
func (f frame) load(off int) neon.Reg   { return f.LoadReg(f.field(off)) }
func (f frame) empty(off int, l string) { f.JumpZero(f.load(off), l) }

// rows returns the addresses of m rows in two evenly spaced runs.
func (f frame) rows(m, first, other, spacing int) []neon.Reg {
	step, all := f.load(spacing), []neon.Reg{f.load(first)}
	for i := 1; i < m; i++ {
		if i == (m+1)/2 {
			all = append(all, f.load(other))
			continue
		}
		r := f.Reg()
		f.AddReg(r, all[i-1], step)
		all = append(all, r)
	}
	return all
}

// tile has two loops over k. Where neighbouring k are neighbours in A, as in the blocked layout, a register holds four of
// them, and a multiply-add takes one by its number: 22 loads serve 96 multiply-adds of six rows. Elsewhere, and
// for the last k, a row's number is loaded alone. Either way a sum's terms come in the order of k.
func tile(g *neon.F, m int) {
	f := frame{g, g.Arg("t")}
	f.fetchResidual(m)
	sums := f.start(m)
	stored := f.Label("store")
	f.empty(fields.TileKB, stored)
	blocks, offs := f.load(fields.TileNB), f.load(fields.TileOffs)
	rows := f.rows(m, fields.TileA0, fields.TileA1, fields.TileAMS)
	aks, bks, aheadStep, next, nextStep := f.load(fields.TileAKS), f.load(fields.TileBKS), f.load(fields.TileAheadStep), f.load(fields.TileNext), f.load(fields.TileNextStep)
	start := f.load(fields.TileB)
	f.AddReg(next, next, start)
	f.Loop(blocks, func() {
		off, b, coming, k := f.LoadReg(neon.Mem{Base: offs}), f.LoadReg(neon.Mem{Base: offs, Disp: 8}), f.load(fields.TileAhead), f.load(fields.TileKB)
		f.AddReg(b, b, start)
		f.AddReg(coming, coming, off)
		f.AddReg(coming, coming, rows[0])
		f.AddImm(offs, offs, 16)
		fetch := func() {
			f.Fetch(coming, 1)
			f.AddReg(coming, coming, aheadStep)
			f.Fetch(next, 2)
			f.AddReg(next, next, nextStep)
		}
		// times adds the products of a step: a are registers and lane which of theirs.
		times := func(a []neon.Vec, lane int) {
			for half := range 2 {
				v, w := f.Vec(), f.Vec()
				f.LoadPair(v, w, neon.Mem{Base: b, Disp: 32 * half})
				for i := range m {
					f.FMALane(sums[i][2*half], v, a[i], lane)
				}
				for i := range m {
					f.FMALane(sums[i][2*half+1], w, a[i], lane)
				}
			}
			f.AddReg(b, b, bks)
		}
		single, end := f.Label("single"), f.Label("end")
		f.CompareImm(aks, 4)
		f.Branch("BNE", single)
		four, last := f.Label("four"), f.Label("last")
		f.SubsImm(k, k, 4)
		f.Branch("BLT", last)
		f.Here(four)
		a := make([]neon.Vec, m)
		for i := range a {
			a[i] = f.Vec()
			f.LoadAt(a[i], rows[i], off)
		}
		f.AddImm(off, off, 16)
		for lane := range 4 {
			fetch()
			times(a, lane)
		}
		f.SubsImm(k, k, 4)
		f.Branch("BGE", four)
		f.Here(last)
		f.AddImm(k, k, 4)
		f.JumpZero(k, end)
		f.Here(single)
		one := f.Label("one")
		f.Here(one)
		fetch()
		a = make([]neon.Vec, m)
		for i := range a {
			a[i] = f.Vec()
			f.Load1At(a[i], rows[i], off)
		}
		f.AddReg(off, off, aks)
		times(a, 0)
		f.SubsImm(k, k, 1)
		f.Branch("BNE", one)
		f.Here(end)
	})
	f.Here(stored)
	f.finish(sums)
}

// fetchResidual asks for the residual, which is needed at the end.
func (f frame) fetchResidual(m int) {
	none := f.Label("unfetched")
	f.empty(fields.TileR0, none)
	for _, r := range f.rows(m, fields.TileR0, fields.TileR1, fields.TileCMS) {
		f.Fetch(r, 1)
	}
	f.Here(none)
}

// start makes the sums of m rows and sets them to the bias, or to zero.
func (f frame) start(m int) [][4]neon.Vec {
	sums := make([][4]neon.Vec, m)
	none, ready, at := f.Label("unbiased"), f.Label("ready"), f.load(fields.TileBias)
	f.JumpZero(at, none)
	bias := f.Load16(neon.Mem{Base: at})
	for i := range sums {
		for q, v := range bias {
			sums[i][q] = f.Copy(v)
		}
	}
	f.Jump(ready)
	f.Here(none)
	for i := range sums {
		for _, v := range sums[i] {
			f.Clear(v)
		}
	}
	f.Here(ready)
	return sums
}

// finish adds the residual, clips at zero, perhaps at six too, and stores.
func (f frame) finish(sums [][4]neon.Vec) {
	m := len(sums)
	each := func(do func(v neon.Vec)) {
		for i := range sums {
			for _, v := range sums[i] {
				do(v)
			}
		}
	}
	none := f.Label("unadded")
	f.empty(fields.TileR0, none)
	for i, r := range f.rows(m, fields.TileR0, fields.TileR1, fields.TileCMS) {
		for h := range 2 {
			v, w := f.Vec(), f.Vec()
			f.LoadPair(v, w, neon.Mem{Base: r, Disp: 32 * h})
			f.AddTo(sums[i][2*h], v)
			f.AddTo(sums[i][2*h+1], w)
		}
	}
	f.Here(none)
	unclipped, clip := f.Label("unclipped"), f.load(fields.TileClip)
	f.JumpZero(clip, unclipped)
	zero := f.Const(0)
	each(func(v neon.Vec) { f.MaxTo(v, zero) }) // NaN stays NaN
	f.CompareImm(clip, 1)
	f.Branch("BEQ", unclipped)
	six := f.Const(6)
	each(func(v neon.Vec) { f.MinTo(v, six) })
	f.Here(unclipped)
	for i, r := range f.rows(m, fields.TileC0, fields.TileC1, fields.TileCMS) {
		f.Store16(sums[i], neon.Mem{Base: r})
	}
}
