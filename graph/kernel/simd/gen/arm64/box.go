package main

import (
	"fmt"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/fields"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/neon"
)

// The most rows of a box for half a column, 1, 2, … columns: all sums in registers, beside the factor and three that the
// box passes through.
var boxRows = []int{7, 7, 3, 2, 1, 1}

func boxes(file *neon.File) {
	for cols, most := range boxRows {
		for rows := 1; rows <= most; rows++ {
			file.Func(fmt.Sprintf("box%dx%dNEON", rows, cols),
				"func(boxes, n int, factors *float32, at *int32, step, next int, from *float32, row int, sum *float32, sumRow, sumNext int)",
				fmt.Sprintf("is boxSumGeneric for %d rows and %d columns, 0 for half of one. Distances are in bytes.", rows, cols),
				func(f *neon.F) { box(f, rows, cols) })
		}
	}
	file.Func("placesNEON", "func(rows, pixels int, chosen *uint8, first *int32, r *byte, at *int32)", "is placesGeneric; r is a *Route.", places)
	file.Func("spreadHalvesNEON", "func(pixels int, x, y *float32)", "is spreadHalvesGeneric.", func(f *neon.F) {
		pixels, x, y, zero := f.Arg("pixels"), f.Arg("x"), f.Arg("y"), f.Zero()
		f.Loop(pixels, func() {
			v, w := f.Vec(), f.Vec()
			f.LoadPair(v, w, neon.Mem{Base: x})
			f.StorePair(v, w, neon.Mem{Base: y})
			f.StorePair(zero, zero, neon.Mem{Base: y, Disp: 32})
			f.AddImm(x, x, 32)
			f.AddImm(y, y, 64)
		})
	})
	file.Func("gatherHalvesNEON", "func(pixels int, x, y *float32)", "is gatherHalvesGeneric.", func(f *neon.F) {
		pixels, x, y := f.Arg("pixels"), f.Arg("x"), f.Arg("y")
		f.Loop(pixels, func() {
			v, w := f.Vec(), f.Vec()
			f.LoadPair(v, w, neon.Mem{Base: x})
			f.StorePair(v, w, neon.Mem{Base: y})
			f.AddImm(x, x, 64)
			f.AddImm(y, y, 32)
		})
	})
}

func box(f *neon.F, rows, cols int) {
	pairs := max(2*cols, 1) // of registers in a row
	// Two sets of sums if they fit: a box that is small would wait for the adders.
	sets := make([][]neon.Vec, 1)
	if 4*rows*pairs <= 24 {
		sets = append(sets, nil)
	}
	for s := range sets {
		for range 2 * rows * pairs {
			sets[s] = append(sets[s], f.Vec())
		}
	}
	factors, at, step := f.Arg("factors"), f.Arg("at"), f.Arg("step")
	from, row, sum := f.Arg("from"), f.Arg("row"), f.Arg("sum")
	k, coming := f.Reg(), f.Reg()
	// A place is loaded a step ahead, or else the step's loads would wait for it behind those before.
	one := func(sums []neon.Vec) {
		place, factor := f.Reg(), f.Vec()
		f.AddReg(place, from, coming)
		f.Load1At(factor, factors, k)
		f.AddReg(k, k, step)
		f.LoadIntAt(coming, at, k)
		for r := range rows {
			for p := range pairs {
				v, w := f.Vec(), f.Vec()
				f.LoadPair(v, w, neon.Mem{Base: place, Disp: 32 * p})
				f.FMALane(sums[2*(r*pairs+p)], v, factor, 0)
				f.FMALane(sums[2*(r*pairs+p)+1], w, factor, 0)
			}
			if r < rows-1 {
				f.AddReg(place, place, row)
			}
		}
	}
	next := f.Label("box")
	boxes := f.Arg("boxes")
	f.Here(next)
	for _, set := range sets {
		for _, v := range set {
			f.Clear(v)
		}
	}
	loop, last, done := f.Label("loop"), f.Label("last"), f.Label("done")
	f.Set(k, 0)
	f.LoadInt(coming, neon.Mem{Base: at})
	n := f.Arg("n")
	f.SubsImm(n, n, len(sets))
	f.Branch("BLT", last)
	f.Here(loop)
	for _, set := range sets {
		one(set)
	}
	f.SubsImm(n, n, len(sets))
	f.Branch("BGE", loop)
	f.Here(last)
	if len(sets) > 1 {
		f.AddImm(n, n, 2)
		f.JumpZero(n, done)
		one(sets[0])
		f.Here(done)
	}
	to, sumRow := f.Reg(), f.Arg("sumRow")
	f.MoveReg(to, sum)
	for r := range rows {
		for p := range pairs {
			i := 2 * (r*pairs + p)
			v, w := f.Vec(), f.Vec()
			f.LoadPair(v, w, neon.Mem{Base: to, Disp: 32 * p})
			if len(sets) > 1 {
				f.AddTo(sets[0][i], sets[1][i])
				f.AddTo(sets[0][i+1], sets[1][i+1])
			}
			f.AddTo(sets[0][i], v)
			f.AddTo(sets[0][i+1], w)
			f.StorePair(sets[0][i], sets[0][i+1], neon.Mem{Base: to, Disp: 32 * p})
		}
		if r < rows-1 {
			f.AddReg(to, to, sumRow)
		}
	}
	far, sumNext := f.Arg("next"), f.Arg("sumNext")
	f.AddReg(at, at, far)
	f.AddReg(factors, factors, far)
	f.AddReg(sum, sum, sumNext)
	f.SubsImm(boxes, boxes, 1)
	f.Branch("BNE", next)
}

func places(f *neon.F) {
	rows, pixels, chosen, first, r, at := f.Arg("rows"), f.Arg("pixels"), f.Arg("chosen"), f.Arg("first"), f.Arg("r"), f.Arg("at")
	field := func(off int) neon.Vec {
		p := f.Reg()
		f.AddImm(p, r, off)
		return f.Splat(p)
	}
	reciprocal, tap, jump, pixel, row := field(fields.RouteReciprocal), field(fields.RouteTap), field(fields.RouteJump), field(fields.RoutePixel), field(fields.RouteRow)
	begin := f.Load16(neon.Mem{Base: first})
	f.Loop(rows, func() {
		var place [4]neon.Vec
		for q := range place {
			place[q] = f.Copy(begin[q])
		}
		left := f.Reg()
		f.MoveReg(left, pixels)
		f.Loop(left, func() {
			bytes := f.Load(neon.Mem{Base: chosen})
			var out [4]neon.Vec
			for q := range out {
				c := f.Widen(f.Widen(bytes, true, q/2 == 1, false), false, q%2 == 1, false)
				out[q] = f.Copy(place[q])
				f.MulAddInt(out[q], c, tap)
				f.MulAddInt(out[q], f.ShiftRight(f.MulInt(c, reciprocal), 16), jump)
				f.AddIntInto(place[q], place[q], pixel)
			}
			f.Store16(out, neon.Mem{Base: at})
			f.AddImm(chosen, chosen, 16)
			f.AddImm(at, at, 64)
		})
		for q := range begin {
			f.AddIntInto(begin[q], begin[q], row)
		}
	})
}
