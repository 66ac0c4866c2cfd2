package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The transforms of F(2×2, 5×5), at the points of F(4×4, 3×3): pixels are transformed in the same way, 36 products stand for
// the 100 of a sum.

const (
	a4 = a * a3
	b4 = b * b3
)

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

// filter25 is G g Gᵀ, rows of G being 1/n·(1, p, p², p³, p⁴) for the finite points.
func filter25(g *gen) {
	n, from, u, pitch := g.Arg("n"), g.Arg("w"), g.Arg("u"), g.Arg("pitch")
	g.prepare(1/n0, 1/na, a/na, a2/na, a3/na, a4/na, 1/nb, b/nb, b2/nb, b3/nb, b4/nb)
	across, down := g.grid(pitch, 6), g.six(pitch)
	row := g.GP64()
	g.Loop(n, func() {
		g.eachHalf(func() {
			g.LEAQ(Mem{Base: u, Index: down, Scale: 1}, row)
			for pair := range 3 {
				var t [2][5]reg.VecVirtual
				for j := range 5 {
					d := func(i int) reg.VecVirtual { return g.load(Mem{Base: from, Disp: (5*i + j) * 64}) }
					if pair == 2 {
						t[0][j], t[1][j] = d(4), g.mul(d(0), 1/n0)
					} else {
						t[0][j], t[1][j] = filterPair25(g, d, pair)
					}
				}
				for k := range 2 {
					d := func(j int) reg.VecVirtual { return t[k][j] }
					g.store(g.mul(t[k][0], 1/n0), across.at(row, 0))
					for p := range 2 {
						plus, minus := filterPair25(g, d, p)
						g.store(plus, across.at(row, 2*p+1))
						g.store(minus, across.at(row, 2*p+2))
					}
					g.store(t[k][4], across.at(row, 5))
					if pair == 2 {
						g.MOVQ(u, row)
					} else {
						g.ADDQ(down, row)
					}
				}
			}
		})
		g.ADDQ(I32(25*64), from)
		g.ADDQ(Imm(64), u)
	})
}

func filterPair25(g *gen, d func(int) reg.VecVirtual, pair int) (plus, minus reg.VecVirtual) {
	c := [5]float64{1 / na, a / na, a2 / na, a3 / na, a4 / na}
	if pair == 1 {
		c = [5]float64{1 / nb, b / nb, b2 / nb, b3 / nb, b4 / nb}
	}
	e, o := g.mul(d(0), c[0]), g.mul(d(1), c[1])
	g.fma(e, d(2), c[2])
	g.fma(e, d(4), c[4])
	g.fma(o, d(3), c[3])
	return g.plusMinus(e, o)
}
