package main

import "github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/neon"

// The transforms of F(2×2, 5×5) at the points of F(4×4, 3×3), as the x86 generator's.
const (
	wa4 = wa * wa3
	wb4 = wb * wb3
)

// winograd25Output is Aᵀ m A.
func winograd25Output(w *transform) {
	w.output(6, 2, []float64{wa, wb}, func(m []neon.Vec) []neon.Vec {
		sa, da := w.plusMinus(m[1], m[2])
		sb, db := w.plusMinus(m[3], m[4])
		w.AddTo(sa, sb)
		w.AddTo(sa, m[0])
		w.fma(m[5], da, wa)
		w.fma(m[5], db, wb)
		return []neon.Vec{sa, m[5]}
	})
}

// winograd25Filter is G g Gᵀ. The rows go one pair after the other: all at once would need more registers than there are.
func winograd25Filter(w *transform) {
	n, g, u, pitch := w.Arg("n"), w.Arg("w"), w.Arg("u"), w.Arg("pitch")
	w.prepare(1/wn0, 1/wna, wa/wna, wa2/wna, wa3/wna, wa4/wna, 1/wnb, wb/wnb, wb2/wnb, wb3/wnb, wb4/wnb)
	down := w.six(pitch)
	pair := func(g [5]neon.Vec, c [5]float64) (plus, minus neon.Vec) {
		e, o := w.mul(g[0], c[0]), w.mul(g[1], c[1])
		w.fma(e, g[2], c[2])
		w.fma(e, g[4], c[4])
		w.fma(o, g[3], c[3])
		return w.plusMinus(e, o)
	}
	a := [5]float64{1 / wna, wa / wna, wa2 / wna, wa3 / wna, wa4 / wna}
	b := [5]float64{1 / wnb, wb / wnb, wb2 / wnb, wb3 / wnb, wb4 / wnb}
	w.quarters(n, []advance{{g, 25 * 64}, {u, 64}}, func() {
		at := w.Reg()
		w.MoveReg(at, u)
		store := func(t [5]neon.Vec) {
			places := w.steps(at, pitch, 6)
			w.Store(w.mul(t[0], 1/wn0), neon.Mem{Base: places[0]})
			w.Store(t[4], neon.Mem{Base: places[5]})
			for i, c := range [][5]float64{a, b} {
				plus, minus := pair(t, c)
				w.Store(plus, neon.Mem{Base: places[2*i+1]})
				w.Store(minus, neon.Mem{Base: places[2*i+2]})
			}
		}
		tap := func(i, j int) neon.Vec { return w.Load(neon.Mem{Base: g, Disp: (5*i + j) * 64}) }
		var first, last [5]neon.Vec
		for j := range first {
			first[j] = w.mul(tap(0, j), 1/wn0)
		}
		store(first)
		for _, c := range [][5]float64{a, b} {
			var t [2][5]neon.Vec
			for j := range 5 {
				t[0][j], t[1][j] = pair([5]neon.Vec{tap(0, j), tap(1, j), tap(2, j), tap(3, j), tap(4, j)}, c)
			}
			for k := range t {
				w.AddReg(at, at, down)
				store(t[k])
			}
		}
		for j := range last {
			last[j] = tap(4, j)
		}
		w.AddReg(at, at, down)
		store(last)
	})
}
