// Command tile writes the micro-kernel: one function for each number of rows and panels.
//
// A row's sums live in one vector for each panel, so panels vectors of B serve all rows of a step
// and one broadcast of A serves all panels. Fourteen rows of two panels are 28 sums, two vectors of B
// and two registers for broadcasts: all of AVX-512's 32, with 16 loads for 28 multiply-adds. AVX2 has
// half the width and half the registers: six rows of one panel. With one panel every multiply-add has a
// broadcast of its own, so that the loads of a step set the pace: twenty rows share those that are not.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/fields"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/lanes"
)

// ahead is how far, in bytes, B is fetched before it is needed: the packed panels come from the
// second-level cache, which takes some fifteen cycles, a step of the full tile.
const ahead = 512

func main() {
	for _, s := range []struct {
		wide         bool
		family       string
		panels, rows int
	}{
		{true, "AVX512", 1, 20}, {true, "AVX512", 2, 14}, {true, "AVX512", 3, 8}, {true, "AVX512", 4, 6},
		{false, "AVX2", 1, 6},
	} {
		for rows := 1; rows <= s.rows; rows++ {
			name := fmt.Sprintf("tile%dx%d%s", rows, s.panels, s.family)
			doc := fmt.Sprintf("is the micro-kernel for %d rows and %d panels; t is a *Tile.", rows, s.panels)
			lanes.For(s.wide, name, "func(t *byte)", doc, func(f *lanes.F) { tile(f, rows, s.panels) })
		}
	}
	for _, s := range []struct {
		wide               bool
		family             string
		rows, permutedRows int
	}{{true, "AVX512", 28, 24}, {false, "AVX2", 7, 5}} {
		for rows := 1; rows <= s.rows; rows++ {
			name := fmt.Sprintf("lanes%d%s", rows, s.family)
			doc := fmt.Sprintf("is lanesGeneric for %d rows; t is a *Tile.", rows)
			lanes.For(s.wide, name, "func(t *byte)", doc, func(f *lanes.F) { laneTile(f, rows, false) })
		}
		for rows := 1; rows <= s.permutedRows; rows++ {
			name := fmt.Sprintf("permuted%d%s", rows, s.family)
			doc := fmt.Sprintf("is lanesGeneric for %d rows; t is a *Tile.", rows)
			lanes.For(s.wide, name, "func(t *byte)", doc, func(f *lanes.F) { laneTile(f, rows, true) })
		}
	}
	lanes.Both("sumTo", "func(n int, x, y *float32)", "adds n floats at x to those at y.", func(f *lanes.F) {
		n, x, y := f.Arg("n"), f.Arg("x"), f.Arg("y")
		f.Each(n, 4, func(at []lanes.At) {
			for _, a := range at {
				f.Put(f.Add(f.Get(y, a), f.Get(x, a)), y, a)
			}
		})
	})
	for _, panels := range []int{1, 4} {
		lanes.Both(fmt.Sprintf("copy%d", panels), "func(n int, src *float32, ld int, dst *float32, step int)",
			fmt.Sprintf("copies n rows of %d vectors, ld bytes apart, to as many panels, step bytes apart.", panels),
			func(f *lanes.F) { copyPanels(f, panels) })
	}
	lanes.Both("gather", "func(n int, src *float32, ld int, dst *float32, step int)",
		"writes the n ≥ 4 columns of sixteen rows, ld bytes apart, to vectors that are step bytes apart.", gather)
	lanes.Both("scatter", "func(n int, src, dst *float32, ld int)",
		"writes n ≥ 4 neighbouring vectors to the columns of sixteen rows, ld bytes apart.", scatter)
	lanes.Both("stream", "func(n int, x, y *float32)", "copies n vectors to y, which lies on whole cache lines, past the caches.", func(f *lanes.F) {
		n, x, y := f.Arg("n"), f.Arg("x"), f.Arg("y")
		f.Loop(n, func() {
			v := f.GetMem(Mem{Base: x})
			f.VMOVNTPS(v.Lo, Mem{Base: y})
			if !f.Wide() {
				f.VMOVNTPS(v.Hi, Mem{Base: y, Disp: 32})
			}
			f.ADDQ(I32(64), x)
			f.ADDQ(I32(64), y)
		})
	})
	lanes.For(false, "fetchLines", "func(n int, x *float32)", "asks for n cache lines from x on: into the second-level cache.", func(f *lanes.F) {
		n, x := f.Arg("n"), f.Arg("x")
		f.Loop(n, func() {
			f.PREFETCHT1(Mem{Base: x})
			f.ADDQ(I32(64), x)
		})
	})
	lanes.Generate()
}

// rows addresses rows that come in two evenly spaced runs.
type rows struct {
	half         int
	first, other reg.GPVirtual         // starts of the runs
	times        map[int]reg.GPVirtual // the spacing times 1, 3, 5 to 13, as far as needed
}

// newRows makes registers for m rows; spacing is the register of the distance between two.
func newRows(f *lanes.F, m int, spacing reg.GPVirtual) rows {
	r := rows{half: (m + 1) / 2, first: f.GP64(), times: map[int]reg.GPVirtual{1: spacing}}
	if m > 1 {
		r.other = f.GP64()
	}
	for i := 3; i < r.half; i += 2 {
		r.times[i] = f.GP64()
		switch i {
		case 3, 5, 9:
			f.LEAQ(Mem{Base: spacing, Index: spacing, Scale: uint8(i - 1)}, r.times[i])
		case 7:
			f.LEAQ(Mem{Base: r.times[3], Index: spacing, Scale: 4}, r.times[i])
		case 11, 13:
			f.LEAQ(Mem{Base: r.times[i-8], Index: spacing, Scale: 8}, r.times[i])
		}
	}
	return r
}

// at returns the address of row i.
func (r rows) at(i int) Mem {
	base := r.first
	if i >= r.half {
		base, i = r.other, i-r.half
	}
	if i == 0 {
		return Mem{Base: base}
	}
	scale := 1
	for i%2 == 0 {
		i, scale = i/2, scale*2
	}
	return Mem{Base: base, Index: r.times[i], Scale: uint8(scale)}
}

// each calls f for the start of each run.
func (r rows) each(f func(base reg.GPVirtual)) {
	f(r.first)
	if r.other != nil {
		f(r.other)
	}
}

func tile(f *lanes.F, m, panels int) {
	t := f.Arg("t")
	field := func(off int) Mem { return Mem{Base: t, Disp: off} }
	load := func(off int) reg.GPVirtual {
		r := f.GP64()
		f.MOVQ(field(off), r)
		return r
	}
	fetch(f, m, panels, load, field)
	sums := start(f, m, panels, field(fields.TileBias))

	// Σ over blocks and over k.
	blocks, offs, stored := load(fields.TileNB), load(fields.TileOffs), f.Label("store")
	f.CMPQ(field(fields.TileKB), Imm(0))
	f.JLE(LabelRef(stored))
	a := newRows(f, m, load(fields.TileAMS))
	aks, bks := load(fields.TileAKS), Op(field(fields.TileBKS)) // the last rows take its register
	if m <= 16 {
		bks = load(fields.TileBKS)
	}
	b, panel := f.GP64(), []Mem{}
	if panels > 1 {
		bps := load(fields.TileBPS)
		panel = append(panel, Mem{Base: b}, Mem{Base: b, Index: bps, Scale: 1}, Mem{Base: b, Index: bps, Scale: 2})
		if panels == 4 {
			bps3 := f.GP64()
			f.LEAQ(Mem{Base: bps, Index: bps, Scale: 2}, bps3)
			panel = append(panel, Mem{Base: b, Index: bps3, Scale: 1})
		}
	} else {
		panel = append(panel, Mem{Base: b})
	}
	k, coming, next := f.GP64(), f.GP64(), load(fields.TileNext)
	f.ADDQ(field(fields.TileB), next)
	f.Loop(blocks, func() {
		f.MOVQ(Mem{Base: offs}, a.first)
		if m > 1 {
			f.MOVQ(a.first, a.other)
			f.ADDQ(field(fields.TileA1), a.other)
		}
		f.ADDQ(field(fields.TileA0), a.first)
		f.MOVQ(field(fields.TileAhead), coming)
		f.ADDQ(a.first, coming)
		f.MOVQ(Mem{Base: offs, Disp: 8}, b)
		f.ADDQ(field(fields.TileB), b)
		f.ADDQ(Imm(16), offs)
		f.MOVQ(field(fields.TileKB), k)
		step := f.Label("k")
		f.Here(step)
		var bv []lanes.Vec
		for p := range panels {
			bv = append(bv, f.GetMem(panel[p]))
			f.PREFETCHT0(panel[p].Offset(ahead))
		}
		f.PREFETCHT0(Mem{Base: coming})
		f.ADDQ(field(fields.TileAheadStep), coming)
		f.PREFETCHT1(Mem{Base: next})
		f.ADDQ(field(fields.TileNextStep), next)
		for i := range m {
			av := f.Splat(a.at(i))
			for p := range panels {
				f.FMA(sums[i][p], bv[p], av)
			}
		}
		a.each(func(base reg.GPVirtual) { f.ADDQ(aks, base) })
		f.ADDQ(bks, b)
		f.DECQ(k)
		f.JNZ(LabelRef(step))
	})
	f.Here(stored)
	finish(f, sums, load, field)
}

// fetch asks for the residual, which is needed at the end.
func fetch(f *lanes.F, m, panels int, load func(off int) reg.GPVirtual, field func(off int) Mem) {
	none := f.Label("unfetched")
	r := newRows(f, m, load(fields.TileCMS))
	f.MOVQ(field(fields.TileR0), r.first)
	f.TESTQ(r.first, r.first)
	f.JZ(LabelRef(none))
	if m > 1 {
		f.MOVQ(field(fields.TileR1), r.other)
	}
	for p := range panels {
		for i := range m {
			f.PREFETCHT0(r.at(i))
		}
		if p < panels-1 {
			r.each(func(base reg.GPVirtual) { f.ADDQ(field(fields.TileCPS), base) })
		}
	}
	f.Here(none)
}

// start makes the sums and sets them to the bias, or to zero.
func start(f *lanes.F, m, panels int, bias Mem) [][]lanes.Vec {
	sums := make([][]lanes.Vec, m)
	for i := range sums {
		for range panels {
			sums[i] = append(sums[i], f.Zero())
		}
	}
	none, at := f.Label("unbiased"), f.GP64()
	f.MOVQ(bias, at)
	f.TESTQ(at, at)
	f.JZ(LabelRef(none))
	for p := range panels {
		v := f.GetMem(Mem{Base: at, Disp: 64 * p})
		for i := range sums {
			f.Move(sums[i][p], v)
		}
	}
	f.Here(none)
	return sums
}

// finish adds the residual, clips at zero, perhaps at six too, and stores, a panel at a time.
func finish(f *lanes.F, sums [][]lanes.Vec, load func(off int) reg.GPVirtual, field func(off int) Mem) {
	m, panels := len(sums), len(sums[0])
	c := newRows(f, m, load(fields.TileCMS))
	cps := f.GP64()
	if panels > 1 {
		f.MOVQ(field(fields.TileCPS), cps)
	}
	// The residual has the spacing of C.
	r := rows{half: c.half, first: c.first, other: c.other, times: c.times}

	noResidual := f.Label("unadded")
	f.MOVQ(field(fields.TileR0), r.first)
	f.TESTQ(r.first, r.first)
	f.JZ(LabelRef(noResidual))
	if m > 1 {
		f.MOVQ(field(fields.TileR1), r.other)
	}
	for p := range panels {
		for i := range m {
			f.AddMemTo(sums[i][p], r.at(i))
		}
		if p < panels-1 {
			r.each(func(base reg.GPVirtual) { f.ADDQ(cps, base) })
		}
	}
	f.Here(noResidual)

	unclipped := f.Label("unclipped")
	f.CMPQ(field(fields.TileClip), Imm(0))
	f.JEQ(LabelRef(unclipped))
	each := func(op func(d, a, b lanes.Vec), bound float32) {
		v := f.Const(bound)
		for i := range m {
			for p := range panels {
				op(sums[i][p], v, sums[i][p])
			}
		}
	}
	each(f.MaxInto, 0)
	f.CMPQ(field(fields.TileClip), Imm(1))
	f.JEQ(LabelRef(unclipped))
	each(f.MinInto, 6)
	f.Here(unclipped)

	f.MOVQ(field(fields.TileC0), c.first)
	if m > 1 {
		f.MOVQ(field(fields.TileC1), c.other)
	}
	for p := range panels {
		for i := range m {
			f.PutMem(sums[i][p], c.at(i))
		}
		if p < panels-1 {
			c.each(func(base reg.GPVirtual) { f.ADDQ(cps, base) })
		}
	}
}

// copyPanels is for rows that lie in as many pages, where no prefetcher helps.
func copyPanels(f *lanes.F, panels int) {
	n, src, ld, dst, step := f.Arg("n"), f.Arg("src"), f.Arg("ld"), f.Arg("dst"), f.Arg("step")
	to := []Mem{{Base: dst}, {Base: dst, Index: step, Scale: 1}, {Base: dst, Index: step, Scale: 2}}
	if panels > 3 {
		step3 := f.GP64()
		f.LEAQ(Mem{Base: step, Index: step, Scale: 2}, step3)
		to = append(to, Mem{Base: dst, Index: step3, Scale: 1})
	}
	f.Loop(n, func() {
		for p := range panels {
			f.PREFETCHT0(Mem{Base: src, Index: ld, Scale: 8, Disp: 64 * p})
			f.PutMem(f.GetMem(Mem{Base: src, Disp: 64 * p}), to[p])
		}
		f.ADDQ(ld, src)
		f.ADDQ(I32(64), dst)
	})
}
