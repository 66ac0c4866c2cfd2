// Command dense writes the dot products of a fully connected layer: some rows of the weights with
// some rows of the input, all of them along memory, so that the weights stream through once.
package main

import (
	"fmt"
	"slices"

	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/gen/lanes"
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
				doc := fmt.Sprintf("adds the dot products of %d rows of w and %d rows of x, k long, to out, in the order of w's rows. It fetches from as many rows at next, pace bytes a step. Strides are in bytes.", rows, i+1)
				lanes.For(s.wide, name, "func(k int, w *float32, ldw int, next *float32, pace int, x *float32, ldx int, out *float32)", doc,
					func(f *lanes.F) { dot(f, rows, i+1) })
			}
		}
	}
	lanes.Generate()
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

func dot(f *lanes.F, rows, inputs int) {
	width := f.Pick(16, 8)
	k := f.Arg("k")
	ldw := f.Arg("ldw")
	w, next := newSide(f, f.Arg("w"), ldw, rows), newSide(f, f.Arg("next"), ldw, rows)
	x := newSide(f, f.Arg("x"), f.Arg("ldx"), inputs)
	pace := f.Arg("pace")
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
	step := func(load func(m Mem) reg.VecVirtual) {
		// The smaller side stays in registers, the other passes through one.
		if rows <= inputs {
			held := make([]reg.VecVirtual, rows)
			for r := range held {
				held[r] = load(w[r])
				f.PREFETCHT1(next[r])
			}
			for i := range inputs {
				v := load(x[i])
				for r := range rows {
					f.VFMADD231PS(held[r], v, sums[r][i])
				}
			}
			return
		}
		held := make([]reg.VecVirtual, inputs)
		for i := range held {
			held[i] = load(x[i])
		}
		for r := range rows {
			v := load(w[r])
			f.PREFETCHT1(next[r])
			for i := range inputs {
				f.VFMADD231PS(held[i], v, sums[r][i])
			}
		}
	}
	loop, tail, done := f.Label("loop"), f.Label("tail"), f.Label("done")
	f.SUBQ(Imm(uint64(width)), k)
	f.JL(LabelRef(tail))
	f.Here(loop)
	step(func(m Mem) reg.VecVirtual {
		v := register(f)
		f.VMOVUPS(m, v)
		return v
	})
	w.advance(f, I32(4*width))
	next.advance(f, pace)
	x.advance(f, I32(4*width))
	f.SUBQ(Imm(uint64(width)), k)
	f.JGE(LabelRef(loop))
	f.Here(tail)
	f.ADDQ(Imm(uint64(width)), k)
	f.JZ(LabelRef(done))
	mask := f.FirstLanes(k)
	step(func(m Mem) reg.VecVirtual {
		v := register(f)
		if f.Wide() {
			f.VMOVUPS_Z(m, mask.K, v)
		} else {
			f.VMASKMOVPS(m, mask.V.Lo, v)
		}
		return v
	})
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
