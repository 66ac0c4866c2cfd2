package main

import "github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/neon"

// The transforms of F(2×2, 3×3) at the points 0, ±1 and ∞, as the x86 generator's.

// winograd23Input is Bᵀ d B.
func winograd23Input(w *transform) {
	n, x, row, v, pitch := w.Arg("n"), w.Arg("x"), w.Arg("row"), w.Arg("v"), w.Arg("pitch")
	down := w.four(pitch)
	line := func(d [4]neon.Vec) [4]neon.Vec {
		plus, minus := w.plusMinus(d[2], d[1])
		return [4]neon.Vec{w.Sub(d[0], d[2]), plus, minus, w.Sub(d[3], d[1])}
	}
	w.quarters(n, []advance{{x, 2 * 64}, {v, 64}}, func() {
		from := w.steps(x, row, 4)
		var t [4][4]neon.Vec
		for j := range 4 {
			var d [4]neon.Vec
			for i := range d {
				d[i] = w.Load(neon.Mem{Base: from[i], Disp: 64 * j})
			}
			for i, z := range line(d) {
				t[i][j] = z
			}
		}
		w.storeRows(v, down, pitch, func(i int) [4]neon.Vec { return line(t[i]) })
	})
}

// winograd23Output is Aᵀ m A.
func winograd23Output(w *transform) {
	w.output(4, 2, nil, func(m []neon.Vec) []neon.Vec {
		plus, minus := w.plusMinus(m[1], m[2])
		w.AddTo(plus, m[0])
		w.AddTo(minus, m[3])
		return []neon.Vec{plus, minus}
	})
}

// winograd23Filter is G g Gᵀ.
func winograd23Filter(w *transform) {
	n, g, u, pitch := w.Arg("n"), w.Arg("w"), w.Arg("u"), w.Arg("pitch")
	w.prepare(0.5)
	down := w.four(pitch)
	line := func(g [3]neon.Vec) [4]neon.Vec {
		plus, minus := w.plusMinusTimes(w.mul(w.Add(g[0], g[2]), 0.5), g[1], 0.5)
		return [4]neon.Vec{g[0], plus, minus, g[2]}
	}
	w.quarters(n, []advance{{g, 9 * 64}, {u, 64}}, func() {
		var t [4][3]neon.Vec
		for j := range 3 {
			var d [3]neon.Vec
			for i := range d {
				d[i] = w.Load(neon.Mem{Base: g, Disp: (3*i + j) * 64})
			}
			for i, z := range line(d) {
				t[i][j] = z
			}
		}
		w.storeRows(u, down, pitch, func(i int) [4]neon.Vec { return line(t[i]) })
	})
}

// storeRows stores four rows of four vectors.
func (w *transform) storeRows(to, down, pitch neon.Reg, row func(i int) [4]neon.Vec) {
	at := w.Reg()
	w.MoveReg(at, to)
	for i := range 4 {
		places := w.steps(at, pitch, 4)
		for j, z := range row(i) {
			w.Store(z, neon.Mem{Base: places[j]})
		}
		if i < 3 {
			w.AddReg(at, at, down)
		}
	}
}

// four returns a register four times as large.
func (w *transform) four(step neon.Reg) neon.Reg {
	r := w.Reg()
	w.AddReg(r, step, step)
	w.AddReg(r, r, r)
	return r
}
