// Command dense writes the two loops of a fully connected layer that read the weights where they lie,
// once: dot products of some rows with some rows of the input, and sums of multiples of some rows. The dot products
// are there for weights of 32 and of 16 bits; the latter are widened in registers.
package main

import (
	"fmt"
	"slices"
	"strings"

	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/lanes"
)

func main() {
	// Weight rows for 1, 2, … input rows: all sums in registers, beside the smaller side's vectors. Groups
	// of input rows may differ by one, so each also has the number of the next.
	for _, s := range []struct {
		wide bool
		name string
		rows []int
	}{
		{true, "AVX512", []int{8, 8, 8, 6, 5, 4, 3, 3}},
		{false, "AVX2", []int{6, 4, 3, 2}},
	} {
		for i, most := range s.rows {
			for _, rows := range slices.Compact([]int{1, s.rows[min(i+1, len(s.rows)-1)], most}) {
				name := fmt.Sprintf("dot%dx%d%s", rows, i+1, s.name)
				doc := fmt.Sprintf("adds the dot products of %d rows of w and %d rows of x, k long, to out, in the order of w's rows. It fetches from as many rows next bytes after w, pace bytes a step. Strides are in bytes.", rows, i+1)
				lanes.For(s.wide, name, "func(k int, w *float32, ldw int, next int, pace int, x *float32, ldx int, out *float32)", doc,
					func(f *lanes.F) { dot(f, rows, i+1, false) })
				lanes.For(s.wide, "half"+strings.ToUpper(name[:1])+name[1:], "func(k int, w *uint16, ldw int, next int, pace int, x *float32, ldx int, out *float32)",
					doc+" w is of 16-bit floats, rows of whole vectors.", func(f *lanes.F) { dot(f, rows, i+1, true) })
			}
		}
	}
	// Panels for 1, 2, … rows of sums.
	for _, s := range []struct {
		wide   bool
		name   string
		panels []int
	}{
		{true, "AVX512", []int{4, 4, 4, 4, 4, 4, 3, 3}},
		{false, "AVX2", []int{4, 4, 3, 3}},
	} {
		for i, panels := range s.panels {
			name := fmt.Sprintf("mix%d%s", i+1, s.name)
			doc := fmt.Sprintf("adds to each of %d rows of y, columns long, rows of w times that row's factors. It fetches w ahead; that distance changes by pace with each vector. Strides are in bytes.", i+1)
			lanes.For(s.wide, name, "func(columns int, rows int, w *float32, ldw int, ahead int, pace int, factors *float32, ldf int, y *float32, ldy int)", doc,
				func(f *lanes.F) { mix(f, i+1, panels) })
		}
	}
	lanes.Both("narrow", "func(n int, x *float32, scale float32, y *uint16)", "writes n floats, times scale, to y as the nearest 16-bit ones. n is a multiple of sixteen.", narrow)
	lanes.Generate()
}

// narrow rounds a vector at a time, to even where two are as near.
func narrow(f *lanes.F) {
	const nearest = 0
	n, x, scale, y := f.Arg("n"), f.Arg("x"), f.ArgVec("scale"), f.Arg("y")
	loop, done := f.Label("loop"), f.Label("done")
	f.SUBQ(Imm(16), n)
	f.JL(LabelRef(done))
	f.Here(loop)
	v := f.Mul(scale, f.GetMem(Mem{Base: x}))
	if f.Wide() {
		half := f.YMM()
		f.VCVTPS2PH(Imm(nearest), v.Lo, half)
		f.VMOVDQU(half, Mem{Base: y})
	} else {
		for i, quarter := range []reg.VecVirtual{v.Lo, v.Hi} {
			half := f.XMM()
			f.VCVTPS2PH(Imm(nearest), quarter, half)
			f.VMOVDQU(half, Mem{Base: y, Disp: 16 * i})
		}
	}
	f.ADDQ(Imm(64), x)
	f.ADDQ(Imm(32), y)
	f.SUBQ(Imm(16), n)
	f.JGE(LabelRef(loop))
	f.Here(done)
}

// A side is the addresses of some rows of one of the matrices.
type side []Mem

// newSide gives n rows from base, ld apart: every fourth has a pointer of its own.
func newSide(f *lanes.F, base, ld reg.GPVirtual, n int) side {
	ld3 := f.GP64()
	if n > 3 {
		f.LEAQ(Mem{Base: ld, Index: ld, Scale: 2}, ld3)
	}
	var s side
	for i := range n {
		if i > 0 && i%4 == 0 {
			next := f.GP64()
			f.LEAQ(Mem{Base: base, Index: ld, Scale: 4}, next)
			base = next
		}
		m := Mem{Base: base}
		switch i % 4 {
		case 1, 2:
			m.Index, m.Scale = ld, uint8(i%4)
		case 3:
			m.Index, m.Scale = ld3, 1
		}
		s = append(s, m)
	}
	return s
}

// advance moves all rows on.
func (s side) advance(f *lanes.F, bytes Op) {
	for i := 0; i < len(s); i += 4 {
		f.ADDQ(bytes, s[i].Base)
	}
}

// register returns a register of the family's full width: sums are apart, so that AVX2 need not pair.
func register(f *lanes.F) reg.VecVirtual {
	if f.Wide() {
		return f.ZMM()
	}
	return f.YMM()
}

// dot adds up in registers. Rows of 16-bit weights end in zeros, so that they are always whole vectors.
func dot(f *lanes.F, rows, inputs int, half bool) {
	width := f.Pick(16, 8)
	k := f.Arg("k")
	ldw := f.Arg("ldw")
	w, after := f.Arg("w"), f.Arg("next")
	f.ADDQ(w, after)
	weights, next := newSide(f, w, ldw, rows), newSide(f, after, ldw, rows)
	x := newSide(f, f.Arg("x"), f.Arg("ldx"), inputs)
	pace := f.Arg("pace")
	whole := func(m Mem) reg.VecVirtual {
		v := register(f)
		f.VMOVUPS(m, v)
		return v
	}
	weight, bytes := whole, 4
	if half {
		weight, bytes = func(m Mem) reg.VecVirtual {
			v := register(f)
			f.VCVTPH2PS(m, v)
			return v
		}, 2
	}
	sums := make([][]reg.VecVirtual, rows)
	for r := range sums {
		for range inputs {
			v := register(f)
			if f.Wide() {
				f.VPXORD(v, v, v)
			} else {
				f.VXORPS(v, v, v)
			}
			sums[r] = append(sums[r], v)
		}
	}
	// step does the i-th vector from where the rows are; the first asks for lines of the next rows.
	step := func(i int, weight, input func(m Mem) reg.VecVirtual) {
		fetch := func(r int) {
			if i == 0 {
				f.PREFETCHT1(next[r])
			}
		}
		// The smaller side stays in registers, the other passes through one.
		if rows <= inputs {
			held := make([]reg.VecVirtual, rows)
			for r := range held {
				held[r] = weight(weights[r].Offset(i * bytes * width))
				fetch(r)
			}
			for j := range inputs {
				v := input(x[j].Offset(4 * i * width))
				for r := range rows {
					f.VFMADD231PS(held[r], v, sums[r][j])
				}
			}
			return
		}
		held := make([]reg.VecVirtual, inputs)
		for j := range held {
			held[j] = input(x[j].Offset(4 * i * width))
		}
		for r := range rows {
			v := weight(weights[r].Offset(i * bytes * width))
			fetch(r)
			for j := range inputs {
				f.VFMADD231PS(held[j], v, sums[r][j])
			}
		}
	}
	// walk takes so many steps at a time, as long as there are that many.
	walk := func(steps int) {
		loop, done := f.Label("loop"), f.Label("walked")
		f.SUBQ(I32(steps*width), k)
		f.JL(LabelRef(done))
		f.Here(loop)
		for i := range steps {
			step(i, weight, whole)
		}
		weights.advance(f, I32(steps*bytes*width))
		for range steps {
			next.advance(f, pace)
		}
		x.advance(f, I32(4*steps*width))
		f.SUBQ(I32(steps*width), k)
		f.JGE(LabelRef(loop))
		f.Here(done)
		f.ADDQ(I32(steps*width), k)
	}
	if half && rows > inputs {
		walk(32 / width) // a cache line of each row, which is asked for once
	}
	walk(1)
	done := f.Label("done")
	f.TESTQ(k, k)
	f.JZ(LabelRef(done))
	mask := f.FirstLanes(k)
	first := func(m Mem) reg.VecVirtual {
		v := register(f)
		if f.Wide() {
			f.VMOVUPS_Z(m, mask.K, v)
		} else {
			f.VMASKMOVPS(m, mask.V.Lo, v)
		}
		return v
	}
	if !half {
		weight = first
	}
	step(0, weight, first)
	f.Here(done)
	var all []reg.VecVirtual
	for _, row := range sums {
		all = append(all, row...)
	}
	out := f.Arg("out")
	for i := 0; i < len(all); i += width {
		addSums(f, all[i:min(i+width, len(all))], Mem{Base: out, Disp: 4 * i})
	}
}

// addSums adds the sum of each register's lanes to a float at m. Two registers are added to one with
// half the lanes of either, as long as there are two: three instructions a pair, fifteen pairs for
// sixteen sums.
func addSums(f *lanes.F, v []reg.VecVirtual, m Mem) {
	quarters := f.Pick(4, 2) // of 128 bits
	slots := make([]reg.VecVirtual, 4*quarters)
	for i := range v {
		slots[i%4*quarters+i/4] = v[i] // in which order they come out
	}
	for step := f.Pick(0, 1); len(slots) > 1; step++ {
		half := make([]reg.VecVirtual, len(slots)/2)
		for i := range half {
			if a, b := slots[2*i], slots[2*i+1]; a != nil && b != nil {
				half[i] = merge(f, step, a, b)
			} else if a != nil {
				half[i] = merge(f, step, a, a)
			}
		}
		slots = half
	}
	sum := slots[0]
	count := f.GP64()
	f.MOVQ(U32(uint32(len(v))), count)
	mask := f.FirstLanes(count)
	old := register(f)
	if f.Wide() {
		f.VMOVUPS_Z(m, mask.K, old)
		f.VADDPS(old, sum, sum)
		f.VMOVUPS(sum, mask.K, m)
	} else {
		f.VMASKMOVPS(m, mask.V.Lo, old)
		f.VADDPS(old, sum, sum)
		f.VMASKMOVPS(sum, mask.V.Lo, m)
	}
}

// merge halves the lanes of a and of b: the quarters of a register twice, then the lanes of a quarter twice.
func merge(f *lanes.F, step int, a, b reg.VecVirtual) reg.VecVirtual {
	even, odd := register(f), register(f)
	switch {
	case step == 0:
		f.VSHUFF64X2(Imm(0x44), b, a, even)
		f.VSHUFF64X2(Imm(0xEE), b, a, odd)
	case step == 1 && f.Wide():
		f.VSHUFF64X2(Imm(0x88), b, a, even)
		f.VSHUFF64X2(Imm(0xDD), b, a, odd)
	case step == 1:
		f.VPERM2F128(Imm(0x20), b, a, even)
		f.VPERM2F128(Imm(0x31), b, a, odd)
	default:
		f.VSHUFPS(Imm(0x88), b, a, even)
		f.VSHUFPS(Imm(0xDD), b, a, odd)
	}
	f.VADDPS(odd, even, even)
	return even
}

func mix(f *lanes.F, outputs, panels int) {
	width := f.Pick(16, 8)
	columns, w, ldw, ahead := f.Arg("columns"), f.Arg("w"), f.Arg("ldw"), f.Arg("ahead")
	pace, err := f.Param("pace").Resolve()
	if err != nil {
		panic(err)
	}
	y := newSide(f, f.Arg("y"), f.Arg("ldy"), outputs)
	factors := newSide(f, f.GP64(), f.Arg("ldf"), outputs)
	rows, row := f.GP64(), f.GP64()
	// step does n vectors of columns; get and put move one.
	step := func(n int, get func(m Mem) reg.VecVirtual, put func(v reg.VecVirtual, m Mem)) {
		sums := make([][]reg.VecVirtual, outputs)
		for i := range sums {
			for p := range n {
				sums[i] = append(sums[i], get(y[i].Offset(4*width*p)))
			}
		}
		f.Load(f.Param("factors"), factors[0].Base)
		if outputs > 4 {
			ldf := factors[1].Index
			f.LEAQ(Mem{Base: factors[0].Base, Index: ldf, Scale: 4}, factors[4].Base)
		}
		f.Load(f.Param("rows"), rows)
		f.MOVQ(w, row)
		next := f.Label("row")
		f.Here(next)
		v := make([]reg.VecVirtual, n)
		for p := range v {
			v[p] = get(Mem{Base: row, Disp: 4 * width * p})
			if 4*width*p%64 == 0 {
				f.PREFETCHT1(Mem{Base: row, Index: ahead, Scale: 1, Disp: 4 * width * p})
			}
		}
		for i := range outputs {
			factor := register(f)
			f.VBROADCASTSS(factors[i], factor)
			for p := range v {
				f.VFMADD231PS(v[p], factor, sums[i][p])
			}
		}
		f.ADDQ(ldw, row)
		factors.advance(f, Imm(4))
		f.DECQ(rows)
		f.JNZ(LabelRef(next))
		for i := range sums {
			for p := range n {
				put(sums[i][p], y[i].Offset(4*width*p))
			}
		}
	}
	get := func(m Mem) reg.VecVirtual {
		v := register(f)
		f.VMOVUPS(m, v)
		return v
	}
	put := func(v reg.VecVirtual, m Mem) { f.VMOVUPS(v, m) }
	for _, n := range []int{panels, 1} {
		loop, done := f.Label("loop"), f.Label("done")
		f.SUBQ(Imm(uint64(width*n)), columns)
		f.JL(LabelRef(done))
		f.Here(loop)
		step(n, get, put)
		f.ADDQ(I32(4*width*n), w)
		y.advance(f, I32(4*width*n))
		for range n {
			f.ADDQ(pace.Addr, ahead)
		}
		f.SUBQ(Imm(uint64(width*n)), columns)
		f.JGE(LabelRef(loop))
		f.Here(done)
		f.ADDQ(Imm(uint64(width*n)), columns)
	}
	end := f.Label("end")
	f.TESTQ(columns, columns)
	f.JZ(LabelRef(end))
	mask := f.FirstLanes(columns)
	step(1, func(m Mem) reg.VecVirtual {
		v := register(f)
		if f.Wide() {
			f.VMOVUPS_Z(m, mask.K, v)
		} else {
			f.VMASKMOVPS(m, mask.V.Lo, v)
		}
		return v
	}, func(v reg.VecVirtual, m Mem) {
		if f.Wide() {
			f.VMOVUPS(v, mask.K, m)
		} else {
			f.VMASKMOVPS(v, mask.V.Lo, m)
		}
	})
	f.Here(end)
}
