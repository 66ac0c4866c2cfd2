package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The transforms of F(2×2, 3×3), at the points 0, ±1 and ∞: sums and differences. 16 products stand for the 36 of a
// sum, and transformed filters are not twice as large as filters.

// input23 is Bᵀ d B:
//
//	Bᵀ = 1  0 −1  0
//	     0  1  1  0
//	     0 −1  1  0
//	     0 −1  0  1
func input23(g *gen) {
	n, x, v := g.Arg("n"), g.Arg("x"), g.Arg("v")
	rows, pitch := g.grid(g.Arg("row"), 4), g.Arg("pitch")
	across, down := g.grid(pitch, 4), g.grid(g.four(pitch), 4)
	g.Loop(n, func() {
		g.eachHalf(func() {
			at := g.GP64()
			for pair, to := range [2][2]int{{0, 3}, {1, 2}} { // the ends, then ±1
				var t [2][4]reg.VecVirtual
				for j := range 4 {
					d := func(i int) Mem { return rows.at(x, i).Offset(64 * j) }
					if pair == 0 {
						t[0][j], t[1][j] = g.load(d(0)), g.load(d(3))
						g.VSUBPS(d(2).Offset(g.half), t[0][j], t[0][j])
						g.VSUBPS(d(1).Offset(g.half), t[1][j], t[1][j])
					} else {
						one := g.load(d(1))
						t[1][j] = g.load(d(2))
						t[0][j] = g.add(t[1][j], one)
						g.VSUBPS(one, t[1][j], t[1][j])
					}
				}
				for k, row := range to {
					t := t[k]
					g.LEAQ(down.at(v, row), at)
					g.store(g.sub(t[0], t[2]), across.at(at, 0))
					g.store(g.add(t[1], t[2]), across.at(at, 1))
					g.store(g.sub(t[2], t[1]), across.at(at, 2))
					g.store(g.sub(t[3], t[1]), across.at(at, 3))
				}
			}
		})
		g.ADDQ(I32(2*64), x)
		g.ADDQ(Imm(64), v)
	})
}

// output23 is Aᵀ m A:
//
//	Aᵀ = 1  1  1  0
//	     0  1 −1  1
func output23(g *gen) {
	n, m, y, r, bias, bounds := g.Arg("n"), g.Arg("m"), g.Arg("y"), g.Arg("r"), g.Arg("bias"), g.Arg("bounds")
	pitch, yRow := g.Arg("pitch"), g.Arg("row")
	down := g.grid(g.four(pitch), 4)
	delta := g.GP64()
	g.MOVQ(r, delta)
	g.SUBQ(y, delta)
	at, out := g.GP64(), g.GP64()
	g.Loop(n, func() {
		g.eachHalf(func() {
			var t [2][4]reg.VecVirtual
			g.MOVQ(m, at)
			for j := range 4 {
				d := func(i int) Mem { return down.at(at, i) }
				one, two := g.load(d(1)), g.load(d(2))
				t[0][j], t[1][j] = g.add(one, two), g.sub(one, two)
				g.VADDPS(d(0).Offset(g.half), t[0][j], t[0][j])
				g.VADDPS(d(3).Offset(g.half), t[1][j], t[1][j])
				if j < 3 {
					g.ADDQ(pitch, at)
				}
			}
			g.MOVQ(y, out)
			for k, t := range t {
				sum, difference := g.add(t[1], t[2]), g.sub(t[1], t[2])
				g.finish([]reg.VecVirtual{g.add(sum, t[0]), g.add(difference, t[3])}, out, r, delta, bias, bounds)
				if k == 0 {
					g.ADDQ(yRow, out)
				}
			}
		})
		g.ADDQ(I32(2*64), y)
		g.ADDQ(Imm(64), m)
	})
}

// filter23 is G g Gᵀ:
//
//	G = 1  0  0
//	    ½  ½  ½
//	    ½ −½  ½
//	    0  0  1
func filter23(g *gen) {
	n, from, u, pitch := g.Arg("n"), g.Arg("w"), g.Arg("u"), g.Arg("pitch")
	g.prepare(0.5)
	across, down := g.grid(pitch, 4), g.grid(g.four(pitch), 4)
	g.Loop(n, func() {
		g.eachHalf(func() {
			at := g.GP64()
			for pair, to := range [2][2]int{{0, 3}, {1, 2}} {
				var t [2][3]reg.VecVirtual
				for j := range 3 {
					d := func(i int) reg.VecVirtual { return g.load(Mem{Base: from, Disp: (3*i + j) * 64}) }
					if pair == 0 {
						t[0][j], t[1][j] = d(0), d(2)
					} else {
						t[0][j], t[1][j] = g.filterPair23(d(0), d(1), d(2))
					}
				}
				for k, row := range to {
					t := t[k]
					g.LEAQ(down.at(u, row), at)
					g.store(t[0], across.at(at, 0))
					g.store(t[2], across.at(at, 3))
					plus, minus := g.filterPair23(t[0], t[1], t[2])
					g.store(plus, across.at(at, 1))
					g.store(minus, across.at(at, 2))
				}
			}
		})
		g.ADDQ(I32(9*64), from)
		g.ADDQ(Imm(64), u)
	})
}

// filterPair23 is the transform at ±1.
func (g *gen) filterPair23(g0, g1, g2 reg.VecVirtual) (plus, minus reg.VecVirtual) {
	return g.plusMinusTimes(g.mul(g.add(g0, g2), 0.5), g1, 0.5)
}

// four returns a register four times as large.
func (g *gen) four(step reg.GPVirtual) reg.GPVirtual {
	r := g.GP64()
	g.MOVQ(step, r)
	g.SHLQ(Imm(2), r)
	return r
}
