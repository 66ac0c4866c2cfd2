package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The transforms of F(2×2, 5×5), at the points of F(4×4, 3×3): pixels and filters are transformed in the same way, 36 products
// stand for the 100 of a sum.

// output25 is Aᵀ m A:
//
//	Aᵀ = 1  1  1  1  1  0
//	     0  a −a  b −b  1
func output25(g *gen) {
	n, m, y, r, bias, bounds := g.Arg("n"), g.Arg("m"), g.Arg("y"), g.Arg("r"), g.Arg("bias"), g.Arg("bounds")
	pitch, yRow := g.Arg("pitch"), g.Arg("row")
	g.prepare(a, b)
	down := g.grid(g.six(pitch), 6)
	delta := g.GP64()
	g.MOVQ(r, delta)
	g.SUBQ(y, delta)
	at, out := g.GP64(), g.GP64()
	g.Loop(n, func() {
		g.eachHalf(func() {
			g.MOVQ(y, out)
			for k := range 2 {
				var t [6]reg.VecVirtual
				g.MOVQ(m, at)
				for j := range 6 {
					d := func(i int) Mem { return down.at(at, i).Offset(g.half) }
					one, two := g.load(down.at(at, 1)), g.load(down.at(at, 3))
					if k == 0 {
						g.VADDPS(d(2), one, one)
						g.VADDPS(d(4), two, two)
						t[j] = g.add(one, two)
						g.VADDPS(d(0), t[j], t[j])
					} else {
						g.VSUBPS(d(2), one, one)
						g.VSUBPS(d(4), two, two)
						t[j] = g.mul(one, a)
						g.fma(t[j], two, b)
						g.VADDPS(d(5), t[j], t[j])
					}
					if j < 5 {
						g.ADDQ(pitch, at)
					}
				}
				left := g.add(g.add(t[1], t[2]), g.add(t[3], t[4]))
				g.VADDPS(t[0], left, left)
				right := g.mul(g.sub(t[1], t[2]), a)
				g.fma(right, g.sub(t[3], t[4]), b)
				g.VADDPS(t[5], right, right)
				g.finish([]reg.VecVirtual{left, right}, out, r, delta, bias, bounds)
				if k == 0 {
					g.ADDQ(yRow, out)
				}
			}
		})
		g.ADDQ(I32(2*64), y)
		g.ADDQ(Imm(64), m)
	})
}
