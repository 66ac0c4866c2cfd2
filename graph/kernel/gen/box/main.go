// Command box writes the sums of boxes, one function for each number of rows and columns, and what
// tells where the boxes lie.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/gen/lanes"
)

func main() {
	// The most rows for 1, 2, … columns: all sums in registers, beside the factor.
	for _, s := range []struct {
		wide bool
		name string
		rows []int
	}{
		{true, "AVX512", []int{8, 8, 8, 7, 5}},
		{false, "AVX2", []int{7, 3, 2, 1, 1}},
	} {
		for i, most := range s.rows {
			for rows := 1; rows <= most; rows++ {
				lanes.For(s.wide, fmt.Sprintf("box%dx%d%s", rows, i+1, s.name),
					"func(n int, factors *float32, at *int32, step int, from *float32, row int, sum *float32, sumRow int)",
					fmt.Sprintf("is boxSumPortable for %d rows and %d columns. Distances are in bytes.", rows, i+1),
					func(f *lanes.F) { box(f, rows, i+1) })
			}
		}
	}
	lanes.Both("places", "func(pixels int, chosen *uint8, first *int32, r *byte, at *int32)", "is route.placesPortable; r is a *route.", places)
	lanes.Generate()
}

// box has two sets of sums if they fit: a box that is small would wait for the adders.
func box(f *lanes.F, rows, cols int) {
	n, factors, at, step := f.Arg("n"), f.Arg("factors"), f.Arg("at"), f.Arg("step")
	from, row := f.Arg("from"), f.Arg("row")
	times := map[int]reg.GPVirtual{1: row} // the distance from row to row times 1, 3, 5, 7
	for i := 3; i < rows; i += 2 {
		times[i] = f.GP64()
		if i == 7 {
			f.LEAQ(Mem{Base: times[3], Index: row, Scale: 4}, times[i])
		} else {
			f.LEAQ(Mem{Base: row, Index: row, Scale: uint8(i - 1)}, times[i])
		}
	}
	sets := 1
	if 2*rows*cols <= f.Pick(28, 6) {
		sets = 2
	}
	sums := make([][]lanes.Vec, sets)
	for s := range sums {
		for range rows * cols {
			sums[s] = append(sums[s], f.Zero())
		}
	}
	one := func(sums []lanes.Vec) {
		box := f.GP64()
		f.MOVLQSX(Mem{Base: at}, box)
		f.ADDQ(from, box)
		factor := f.Splat(Mem{Base: factors})
		f.ADDQ(step, at)
		f.ADDQ(step, factors)
		for i := range rows {
			m, k, scale := Mem{Base: box}, i, 1
			if i > 0 {
				for k%2 == 0 {
					k, scale = k/2, 2*scale
				}
				m.Index, m.Scale = times[k], uint8(scale)
			}
			for j := range cols {
				v := sums[i*cols+j]
				f.VFMADD231PS(m.Offset(64*j), factor.Lo, v.Lo)
				if !f.Wide() {
					f.VFMADD231PS(m.Offset(64*j+32), factor.Hi, v.Hi)
				}
			}
		}
	}
	loop, tail, end := f.Label("loop"), f.Label("tail"), f.Label("end")
	f.SUBQ(Imm(uint64(sets)), n)
	f.JL(LabelRef(tail))
	f.Here(loop)
	for _, s := range sums {
		one(s)
	}
	f.SUBQ(Imm(uint64(sets)), n)
	f.JGE(LabelRef(loop))
	f.Here(tail)
	if sets > 1 {
		f.ADDQ(Imm(uint64(sets)), n)
		f.JZ(LabelRef(end))
		one(sums[0])
		f.Here(end)
	}
	sum, sumRow := f.Arg("sum"), f.Arg("sumRow")
	for i := range rows {
		for j := range cols {
			v, m := sums[0][i*cols+j], Mem{Base: sum, Disp: 64 * j}
			if sets > 1 {
				f.AddTo(v, sums[1][i*cols+j])
			}
			f.AddMemTo(v, m)
			f.PutMem(v, m)
		}
		f.ADDQ(sumRow, sum)
	}
}

// Fields of kernel.route, four bytes each.
const (
	routeReciprocal = 4 * iota
	routeTap
	routeJump
	routePixel
)

func places(f *lanes.F) {
	pixels, chosen, first, r, at := f.Arg("pixels"), f.Arg("chosen"), f.Arg("first"), f.Arg("r"), f.Arg("at")
	field := func(off int) lanes.Vec { return f.Splat(Mem{Base: r, Disp: off}) }
	reciprocal, tap, jump, pixel := field(routeReciprocal), field(routeTap), field(routeJump), field(routePixel)
	place := f.GetMem(Mem{Base: first})
	f.Loop(pixels, func() {
		c := f.Vec()
		f.VPMOVZXBD(Mem{Base: chosen}, c.Lo)
		if !f.Wide() {
			f.VPMOVZXBD(Mem{Base: chosen, Disp: 8}, c.Hi)
		}
		row := f.ShiftRight(f.MulInt(c, reciprocal), 16)
		f.PutMem(f.AddInt(place, f.AddInt(f.MulInt(c, tap), f.MulInt(row, jump))), Mem{Base: at})
		f.Move(place, f.AddInt(place, pixel))
		f.ADDQ(Imm(16), chosen)
		f.ADDQ(I32(64), at)
	})
}
