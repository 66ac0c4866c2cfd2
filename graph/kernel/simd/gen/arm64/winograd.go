package main

import (
	"fmt"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/neon"
)

// The transforms of Winograd's minimal filtering F(4×4, 3×3) at the points 0, ±5/8, ±3/2 and ∞, as the x86 generator's:
// a transform in two dimensions is that of the columns followed by that of the rows. With 32 registers all columns can go
// before the rows, so that every number is read once; constants are lanes. A vector of sixteen channels is
// four quarters, one after the other.
const (
	wa  = 5. / 8
	wb  = 3. / 2
	wa2 = wa * wa
	wb2 = wb * wb
	wa3 = wa * wa2
	wb3 = wb * wb2
	wn0 = wa2 * wb2
	wna = 2 * wa2 * (wa2 - wb2)
	wnb = 2 * wb2 * (wb2 - wa2)
)

func winograd(file *neon.File) {
	one := func(name, signature string, body func(w *transform)) {
		file.Func(name+"NEON", signature, "is "+name+"Generic.", func(f *neon.F) { body(&transform{F: f}) })
	}
	one("winogradInput", "func(n int, x *float32, row int, v *float32, pitch int)", func(w *transform) { winogradInput(w, 4) })
	one("winogradOutput", "func(n int, m *float32, pitch int, y *float32, row int, r, bias, bounds *float32)", winogradOutput)
	one("winogradFilter", "func(n int, w, u *float32, pitch int)", winogradFilter)
	one("winogradOutputGrad", "func(n int, dy *float32, row int, w *float32, pitch int)", winogradOutputGrad)
	one("winogradFilterGrad", "func(n int, u *float32, pitch int, w *float32)", winogradFilterGrad)
	one("winograd23Input", "func(n int, x *float32, row int, v *float32, pitch int)", winograd23Input)
	one("winograd23Output", "func(n int, m *float32, pitch int, y *float32, row int, r, bias, bounds *float32)", winograd23Output)
	one("winograd23Filter", "func(n int, w, u *float32, pitch int)", winograd23Filter)
	one("winograd25Input", "func(n int, x *float32, row int, v *float32, pitch int)", func(w *transform) { winogradInput(w, 2) })
	one("winograd25Output", "func(n int, m *float32, pitch int, y *float32, row int, r, bias, bounds *float32)", winograd25Output)
	one("winograd25Filter", "func(n int, w, u *float32, pitch int)", winograd25Filter)
}

// A transform is one under construction. Its constants are lanes of registers.
type transform struct {
	*neon.F
	consts map[float32]element
}

type element struct {
	v    neon.Vec
	lane int
}

func (w *transform) prepare(values ...float64) {
	w.consts = map[float32]element{}
	for len(values) > 0 {
		n := min(4, len(values))
		var xs []float32
		for _, x := range values[:n] {
			xs = append(xs, float32(x))
		}
		v := w.Consts(xs...)
		for i, x := range xs {
			w.consts[x] = element{v, i}
		}
		values = values[n:]
	}
}

func (w *transform) c(x float64) element {
	e, ok := w.consts[float32(x)]
	if !ok {
		panic(fmt.Sprintf("constant %g is not prepared", x))
	}
	return e
}

func (w *transform) mul(x neon.Vec, c float64) neon.Vec {
	e := w.c(c)
	return w.MulLane(x, e.v, e.lane)
}

// fma makes d = d + x·c, fnma d = d − x·c.
func (w *transform) fma(d, x neon.Vec, c float64) {
	e := w.c(c)
	w.FMALane(d, x, e.v, e.lane)
}

func (w *transform) fnma(d, x neon.Vec, c float64) {
	e := w.c(c)
	w.FNMALane(d, x, e.v, e.lane)
}

// plusMinus returns e + o and e − o.
func (w *transform) plusMinus(e, o neon.Vec) (plus, minus neon.Vec) { return w.Add(e, o), w.Sub(e, o) }

// plusMinusTimes returns e + c·o and e − c·o; e is lost.
func (w *transform) plusMinusTimes(e, o neon.Vec, c float64) (plus, minus neon.Vec) {
	minus = w.Copy(e)
	w.fma(e, o, c)
	w.fnma(minus, o, c)
	return e, minus
}

// An advance is how many bytes a pointer goes on from vector to vector.
type advance struct {
	p     neon.Reg
	bytes int
}

// quarters runs body for four channels at a time of n vectors of sixteen. The pointers go on by
// themselves.
func (w *transform) quarters(n neon.Reg, pointers []advance, body func()) {
	quarter := w.Reg()
	w.Loop(n, func() {
		w.Set(quarter, 4)
		w.Loop(quarter, func() {
			body()
			for _, a := range pointers {
				w.AddImm(a.p, a.p, 16)
			}
		})
		for _, a := range pointers {
			if a.bytes != 64 {
				w.AddImm(a.p, a.p, a.bytes-64)
			}
		}
	})
}

// winogradInput is Bᵀ d B; tiles are so many pixels apart.
func winogradInput(w *transform, apart int) {
	n, x, row, v, pitch := w.Arg("n"), w.Arg("x"), w.Arg("row"), w.Arg("v"), w.Arg("pitch")
	w.prepare(wa, wb, wa2, wb2, wa2*wb2, wa2+wb2)
	down := w.six(pitch)
	w.quarters(n, []advance{{x, apart * 64}, {v, 64}}, func() {
		// Rows ±a and ±b of all columns, then 0 and ∞.
		w.inputRows(w.after(x, row), row, w.after(v, down), down, pitch, 4)
		w.inputRows(x, row, v, down, pitch, 2)
	})
}

// after returns p + step.
func (w *transform) after(p, step neon.Reg) neon.Reg {
	r := w.Reg()
	w.AddReg(r, p, step)
	return r
}

// six returns a register six times as large.
func (w *transform) six(step neon.Reg) neon.Reg {
	r := w.Reg()
	w.AddShifted(r, step, step, 1)
	w.AddReg(r, r, r)
	return r
}

// steps returns the addresses of n places that are step bytes apart.
func (w *transform) steps(first, step neon.Reg, n int) []neon.Reg {
	all := []neon.Reg{first}
	for i := 1; i < n; i++ {
		all = append(all, w.after(all[i-1], step))
	}
	return all
}

// inputRows does the four rows of the points ±a and ±b, from rows 1 to 4 at x; or the two of 0 and ∞, from all six.
func (w *transform) inputRows(x, row, v, down, pitch neon.Reg, count int) {
	from := w.steps(x, row, 6)
	t := make([][6]neon.Vec, count)
	for j := range 6 {
		load := func(i int) neon.Vec { return w.Load(neon.Mem{Base: from[i], Disp: 64 * j}) }
		if count == 4 {
			d1, d2, d3, d4 := load(0), load(1), load(2), load(3)
			t[0][j], t[1][j], t[2][j], t[3][j] = w.inputPairs(d1, d2, d3, d4)
			continue
		}
		t[0][j] = w.inputEnd(load(0), load(2), load(4))
		t[1][j] = w.inputEnd(load(1), load(3), load(5))
	}
	to := v
	for k := range t {
		if k > 0 {
			step := down
			if count == 2 {
				step = w.Reg()
				w.AddShifted(step, down, down, 2) // row 5
			}
			to = w.after(to, step)
		}
		d, at := t[k], w.steps(to, pitch, 6)
		p1, p2, p3, p4 := w.inputPairs(d[1], d[2], w.Copy(d[3]), w.Copy(d[4]))
		for i, p := range []neon.Vec{p1, p2, p3, p4} {
			w.Store(p, neon.Mem{Base: at[1+i]})
		}
		w.Store(w.inputEnd(d[0], d[2], d[4]), neon.Mem{Base: at[0]})
		w.Store(w.inputEnd(d[1], d[3], d[5]), neon.Mem{Base: at[5]})
	}
}

// inputEnd is the transform at 0 (from d0, d2, d4) or ∞ (from d1, d3, d5); the last is lost.
func (w *transform) inputEnd(first, second, last neon.Vec) neon.Vec {
	w.fnma(last, second, wa2+wb2)
	w.fma(last, first, wa2*wb2)
	return last
}

// inputPairs are the transforms at ±a and ±b; d3 and d4 are lost.
func (w *transform) inputPairs(d1, d2, d3, d4 neon.Vec) (p1, p2, p3, p4 neon.Vec) {
	ea, oa := w.Copy(d4), w.Copy(d3)
	w.fnma(ea, d2, wb2)
	w.fnma(oa, d1, wb2)
	w.fnma(d4, d2, wa2)
	w.fnma(d3, d1, wa2)
	p1, p2 = w.plusMinusTimes(ea, oa, wa)
	p3, p4 = w.plusMinusTimes(d4, d3, wb)
	return
}

// winogradOutput is Aᵀ m A.
func winogradOutput(w *transform) {
	w.output(6, 4, []float64{wa, wb, wa2, wb2, wa3, wb3}, w.outputLine)
}

// output transforms reach² vectors to tiles of side² pixels, a line of reach at a time to one of side.
func (w *transform) output(reach, side int, constants []float64, line func(m []neon.Vec) []neon.Vec) {
	n, m, pitch, y, row, r := w.Arg("n"), w.Arg("m"), w.Arg("pitch"), w.Arg("y"), w.Arg("row"), w.Arg("r")
	bias, bounds := w.Arg("bias"), w.Arg("bounds")
	w.prepare(constants...)
	down, delta := w.times(reach, pitch), w.Reg()
	w.SubReg(delta, r, y)
	w.quarters(n, []advance{{m, 64}, {y, side * 64}, {bias, 0}, {bounds, 0}}, func() {
		from := w.steps(m, down, reach)
		t := make([][]neon.Vec, side)
		for range reach {
			d := make([]neon.Vec, reach)
			for i := range d {
				d[i] = w.Load(neon.Mem{Base: from[i]})
				from[i] = w.after(from[i], pitch)
			}
			for i, z := range line(d) {
				t[i] = append(t[i], z)
			}
		}
		out := w.Reg()
		w.MoveReg(out, y)
		for k := range t {
			w.finish(line(t[k]), out, r, delta, bias, bounds)
			if k < side-1 {
				w.AddReg(out, out, row)
			}
		}
	})
}

// times returns a register four or six times as large.
func (w *transform) times(n int, step neon.Reg) neon.Reg {
	if n == 4 {
		return w.four(step)
	}
	return w.six(step)
}

// finish adds bias and residual to neighbouring pixels, clips and stores them.
func (w *transform) finish(z []neon.Vec, out, r, delta, bias, bounds neon.Reg) {
	b := w.Load(neon.Mem{Base: bias})
	for _, v := range z {
		w.AddTo(v, b)
	}
	none := w.Label("none")
	w.JumpZero(r, none)
	residual := w.after(out, delta)
	for j, v := range z {
		w.AddTo(v, w.Load(neon.Mem{Base: residual, Disp: 64 * j}))
	}
	w.Here(none)
	low, high := w.Load(neon.Mem{Base: bounds}), w.Load(neon.Mem{Base: bounds, Disp: 64})
	for j, v := range z {
		w.MaxTo(v, low) // NaN stays NaN
		w.MinTo(v, high)
		w.Store(v, neon.Mem{Base: out, Disp: 64 * j})
	}
}

// outputLine uses up what it is given.
func (w *transform) outputLine(m []neon.Vec) []neon.Vec {
	sa, da := w.plusMinus(m[1], m[2])
	sb, db := w.plusMinus(m[3], m[4])
	w.AddTo(m[0], sa)
	w.AddTo(m[0], sb)
	y1, y2 := w.mul(da, wa), w.mul(sa, wa2)
	w.fma(y1, db, wb)
	w.fma(y2, sb, wb2)
	w.fma(m[5], da, wa3)
	w.fma(m[5], db, wb3)
	return []neon.Vec{m[0], y1, y2, m[5]}
}

// winogradFilter is G g Gᵀ.
func winogradFilter(w *transform) {
	n, g, u, pitch := w.Arg("n"), w.Arg("w"), w.Arg("u"), w.Arg("pitch")
	w.prepare(1/wn0, 1/wna, wa/wna, wa2/wna, 1/wnb, wb/wnb, wb2/wnb)
	down := w.six(pitch)
	w.quarters(n, []advance{{g, 9 * 64}, {u, 64}}, func() {
		var t [6][3]neon.Vec
		for j := range 3 {
			var d [3]neon.Vec
			for i := range d {
				d[i] = w.Load(neon.Mem{Base: g, Disp: (3*i + j) * 64})
			}
			for i, v := range w.filterLine(d) {
				t[i][j] = v
			}
		}
		row := w.Reg()
		w.MoveReg(row, u)
		for i := range t {
			at := w.steps(row, pitch, 6)
			for j, v := range w.filterLine(t[i]) {
				w.Store(v, neon.Mem{Base: at[j]})
			}
			if i < 5 {
				w.AddReg(row, row, down)
			}
		}
	})
}

func (w *transform) filterLine(g [3]neon.Vec) [6]neon.Vec {
	pair := func(c0, c1, c2 float64) (plus, minus neon.Vec) {
		e := w.mul(g[0], c0)
		w.fma(e, g[2], c2)
		return w.plusMinusTimes(e, g[1], c1)
	}
	a, b := [2]neon.Vec{}, [2]neon.Vec{}
	a[0], a[1] = pair(1/wna, wa/wna, wa2/wna)
	b[0], b[1] = pair(1/wnb, wb/wnb, wb2/wnb)
	return [6]neon.Vec{w.mul(g[0], 1/wn0), a[0], a[1], b[0], b[1], g[2]}
}

// winogradOutputGrad is A dy Aᵀ.
func winogradOutputGrad(w *transform) {
	n, dy, row, to, pitch := w.Arg("n"), w.Arg("dy"), w.Arg("row"), w.Arg("w"), w.Arg("pitch")
	w.prepare(wa, wb, wa2, wb2, wa3, wb3)
	down := w.six(pitch)
	w.quarters(n, []advance{{dy, 4 * 64}, {to, 64}}, func() {
		from := w.steps(dy, row, 4)
		var t [6][4]neon.Vec
		for j := range 4 {
			var d [4]neon.Vec
			for i := range d {
				d[i] = w.Load(neon.Mem{Base: from[i], Disp: 64 * j})
			}
			for i, v := range w.outputGradLine(d) {
				t[i][j] = v
			}
		}
		at := w.Reg()
		w.MoveReg(at, to)
		for i := range t {
			places := w.steps(at, pitch, 6)
			for j, v := range w.outputGradLine(t[i]) {
				w.Store(v, neon.Mem{Base: places[j]})
			}
			if i < 5 {
				w.AddReg(at, at, down)
			}
		}
	})
}

func (w *transform) outputGradLine(y [4]neon.Vec) [6]neon.Vec {
	pair := func(p1, p2, p3 float64) (plus, minus neon.Vec) {
		e, o := w.Copy(y[0]), w.mul(y[1], p1)
		w.fma(e, y[2], p2)
		w.fma(o, y[3], p3)
		return w.plusMinus(e, o)
	}
	a, b := [2]neon.Vec{}, [2]neon.Vec{}
	a[0], a[1] = pair(wa, wa2, wa3)
	b[0], b[1] = pair(wb, wb2, wb3)
	return [6]neon.Vec{y[0], a[0], a[1], b[0], b[1], y[3]}
}

// winogradFilterGrad is Gᵀ u G.
func winogradFilterGrad(w *transform) {
	n, u, pitch, g := w.Arg("n"), w.Arg("u"), w.Arg("pitch"), w.Arg("w")
	w.prepare(1/wn0, 1/wna, wa/wna, wa2/wna, 1/wnb, wb/wnb, wb2/wnb)
	down := w.six(pitch)
	w.quarters(n, []advance{{u, 64}, {g, 9 * 64}}, func() {
		from := w.steps(u, down, 6)
		var t [3][6]neon.Vec
		for j := range 6 {
			var d [6]neon.Vec
			for i := range d {
				d[i] = w.Load(neon.Mem{Base: from[i]})
				from[i] = w.after(from[i], pitch)
			}
			t[0][j], t[1][j], t[2][j] = w.filterGradLine(d)
		}
		for i := range t {
			var z [3]neon.Vec
			z[0], z[1], z[2] = w.filterGradLine(t[i])
			for j, v := range z {
				w.Store(v, neon.Mem{Base: g, Disp: (3*i + j) * 64})
			}
		}
	})
}

// filterGradLine uses up what it is given.
func (w *transform) filterGradLine(u [6]neon.Vec) (y0, y1, y2 neon.Vec) {
	sa, da := w.plusMinus(u[1], u[2])
	sb, db := w.plusMinus(u[3], u[4])
	y0, y1 = w.mul(u[0], 1/wn0), w.mul(da, wa/wna)
	w.fma(y0, sa, 1/wna)
	w.fma(y0, sb, 1/wnb)
	w.fma(y1, db, wb/wnb)
	w.fma(u[5], sa, wa2/wna)
	w.fma(u[5], sb, wb2/wnb)
	return y0, y1, u[5]
}
