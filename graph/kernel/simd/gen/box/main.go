// Command box writes the sums of boxes, one function for each number of rows and columns, and what
// tells where the boxes lie.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/fields"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/lanes"
)

func main() {
	// The most rows for half a column, 1, 2, … columns: all sums in registers, beside the factor.
	for _, s := range []struct {
		wide bool
		name string
		rows []int
	}{
		{true, "AVX512", []int{8, 8, 8, 8, 7, 5}},
		{false, "AVX2", []int{7, 7, 3, 2, 1, 1}},
	} {
		for cols, most := range s.rows {
			for rows := 1; rows <= most; rows++ {
				lanes.For(s.wide, fmt.Sprintf("box%dx%d%s", rows, cols, s.name),
					"func(boxes, n int, factors *float32, at *int32, step, next int, from *float32, row int, sum *float32, sumRow, sumNext int)",
					fmt.Sprintf("is boxSumGeneric for %d rows and %d columns, 0 for half of one. Distances are in bytes.", rows, cols),
					func(f *lanes.F) { box(f, rows, cols) })
			}
		}
	}
	lanes.Both("places", "func(rows, pixels int, chosen *uint8, first *int32, r *byte, at *int32)", "is route.placesGeneric; r is a *route.", places)
	lanes.Both("spreadHalves", "func(pixels int, x, y *float32)", "is spreadHalvesGeneric.", spreadHalves)
	lanes.Both("gatherHalves", "func(pixels int, x, y *float32)", "is gatherHalvesGeneric.", gatherHalves)
	lanes.Generate()
}

// A part of a box is a register's worth of it: in which row, and how many bytes from its beginning.
type part struct{ row, off int }

func box(f *lanes.F, rows, cols int) {
	var parts []part
	register, width := func() reg.VecVirtual { return f.YMM() }, 32
	if f.Wide() && cols > 0 {
		register, width = func() reg.VecVirtual { return f.ZMM() }, 64
	}
	for i := range rows {
		for off := 0; off < max(64*cols, 32); off += width {
			parts = append(parts, part{i, off})
		}
	}
	// Two sets of sums if they fit: a box that is small would wait for the adders.
	sets := make([][]reg.VecVirtual, 1)
	if 2*len(parts) <= f.Pick(28, 14) {
		sets = append(sets, nil)
	}
	for s := range sets {
		for range parts {
			sets[s] = append(sets[s], register())
		}
	}
	factor := register()
	factors, at, step := f.Arg("factors"), f.Arg("at"), f.Arg("step")
	from, row, sum := f.Arg("from"), f.Arg("row"), f.Arg("sum")
	times := map[int]reg.GPVirtual{1: row} // the distance from row to row times 1, 3, 5, 7
	for i := 3; i < rows; i += 2 {
		times[i] = f.GP64()
		if i == 7 {
			f.LEAQ(Mem{Base: times[3], Index: row, Scale: 4}, times[i])
		} else {
			f.LEAQ(Mem{Base: row, Index: row, Scale: uint8(i - 1)}, times[i])
		}
	}
	n, k, place, coming := f.GP64(), f.GP64(), f.GP64(), f.GP64()
	// A place is loaded a step ahead, or else the step's loads would wait for it behind those before.
	one := func(sums []reg.VecVirtual) {
		f.LEAQ(Mem{Base: from, Index: coming, Scale: 1}, place)
		f.VBROADCASTSS(Mem{Base: factors, Index: k, Scale: 1}, factor)
		f.ADDQ(step, k)
		f.MOVLQSX(Mem{Base: at, Index: k, Scale: 1}, coming)
		for i, p := range parts {
			m, times1, scale := Mem{Base: place, Disp: p.off}, p.row, 1
			if p.row > 0 {
				for times1%2 == 0 {
					times1, scale = times1/2, 2*scale
				}
				m.Index, m.Scale = times[times1], uint8(scale)
			}
			f.VFMADD231PS(m, factor, sums[i])
		}
	}
	next := f.Label("box")
	f.Here(next)
	for _, set := range sets {
		for _, v := range set {
			if f.Wide() {
				f.VPXORD(v, v, v)
			} else {
				f.VXORPS(v, v, v)
			}
		}
	}
	loop, last, done := f.Label("loop"), f.Label("last"), f.Label("done")
	f.XORQ(k, k)
	f.MOVLQSX(Mem{Base: at}, coming)
	f.MOVQ(argument(f, "n"), n)
	f.SUBQ(Imm(uint64(len(sets))), n)
	f.JL(LabelRef(last))
	f.Here(loop)
	for _, set := range sets {
		one(set)
	}
	f.SUBQ(Imm(uint64(len(sets))), n)
	f.JGE(LabelRef(loop))
	f.Here(last)
	if len(sets) > 1 {
		f.ADDQ(Imm(2), n)
		f.JZ(LabelRef(done))
		one(sets[0])
		f.Here(done)
	}
	to := f.GP64()
	f.MOVQ(sum, to)
	for i, p := range parts {
		v, m := sets[0][i], Mem{Base: to, Disp: p.off}
		if p.off == 0 && p.row > 0 {
			f.ADDQ(argument(f, "sumRow"), to)
		}
		if len(sets) > 1 {
			f.VADDPS(sets[1][i], v, v)
		}
		f.VADDPS(m, v, v)
		f.VMOVUPS(v, m)
	}
	f.ADDQ(argument(f, "next"), at)
	f.ADDQ(argument(f, "next"), factors)
	f.ADDQ(argument(f, "sumNext"), sum)
	f.DECQ(argument(f, "boxes"))
	f.JNZ(LabelRef(next))
}

// argument returns where an argument lies.
func argument(f *lanes.F, name string) Mem {
	b, err := f.Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

func spreadHalves(f *lanes.F) {
	pixels, x, y := f.Arg("pixels"), f.Arg("x"), f.Arg("y")
	v := f.Zero()
	f.Loop(pixels, func() {
		f.VMOVUPS(Mem{Base: x}, v.Lo.AsY()) // the upper half of a whole register becomes zero
		f.PutMem(v, Mem{Base: y})
		f.ADDQ(I32(32), x)
		f.ADDQ(I32(64), y)
	})
}

func gatherHalves(f *lanes.F) {
	pixels, x, y, v := f.Arg("pixels"), f.Arg("x"), f.Arg("y"), f.YMM()
	f.Loop(pixels, func() {
		f.VMOVUPS(Mem{Base: x}, v)
		f.VMOVUPS(v, Mem{Base: y})
		f.ADDQ(I32(64), x)
		f.ADDQ(I32(32), y)
	})
}

func places(f *lanes.F) {
	rows, pixels, chosen, first, r, at := f.Arg("rows"), f.Arg("pixels"), f.Arg("chosen"), f.Arg("first"), f.Arg("r"), f.Arg("at")
	field := func(off int) Mem { return Mem{Base: r, Disp: off} }
	reciprocal, tap, jump := f.Splat(field(fields.RouteReciprocal)), f.Splat(field(fields.RouteTap)), f.Splat(field(fields.RouteJump))
	begin := f.GetMem(Mem{Base: first})
	left := f.GP64()
	f.Loop(rows, func() {
		place := f.Copy(begin)
		f.MOVQ(pixels, left)
		f.Loop(left, func() {
			c := f.Vec()
			f.VPMOVZXBD(Mem{Base: chosen}, c.Lo)
			if !f.Wide() {
				f.VPMOVZXBD(Mem{Base: chosen, Disp: 8}, c.Hi)
			}
			row := f.MulInt(f.ShiftRight(f.MulInt(c, reciprocal), 16), jump)
			f.PutMem(f.AddInt(place, f.AddInt(f.MulInt(c, tap), row)), Mem{Base: at})
			f.Move(place, f.AddInt(place, f.Splat(field(fields.RoutePixel))))
			f.ADDQ(Imm(16), chosen)
			f.ADDQ(I32(64), at)
		})
		f.Move(begin, f.AddInt(begin, f.Splat(field(fields.RouteRow))))
	})
}
