// Command winograd writes the transforms of Winograd's minimal filtering F(4×4, 3×3): Lavin & Gray,
// "Fast Algorithms for Convolutional Networks" (arXiv:1509.09308), at the points 0, ±5/8, ±3/2 and ∞; and those of
// F(2×2, 3×3) (f23.go) and F(2×2, 5×5) (f25.go).
//
// Any six points will do; these lose the least precision among small binary fractions, less than half
// of what the usual 0, ±1, ±2 lose, and all constants but the reciprocals in the filter transform are
// exact. The work is in vectors of sixteen channels, each lane a transform of its own. A transform in two
// dimensions is that of the columns followed by that of the rows, two rows at a time, whose values
// never leave the registers; AVX2 does eight lanes, then the other eight.
package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/lanes"
)

const (
	a  = 5. / 8
	b  = 3. / 2
	a2 = a * a
	b2 = b * b
	a3 = a * a2
	b3 = b * b2
	a4 = a * a3 // for filters of five taps
	b4 = b * b3
	n0 = a2 * b2            // Π (p−q) over the other finite points q, for p = 0,
	na = 2 * a2 * (a2 - b2) // for p = ±a,
	nb = 2 * b2 * (b2 - a2) // for p = ±b
)

func main() {
	both("winogradInput", "func(n int, x *float32, row int, v *float32, pitch int)",
		"transforms n tiles of 6×6 pixels, four apart in rows that are row bytes apart, to 36 vectors that are pitch bytes apart.", func(g *gen) { input(g, 4) })
	both("winogradOutput", "func(n int, m *float32, pitch int, y *float32, row int, r *float32, bias *float32, bounds *float32)",
		"transforms 36 vectors to each of n tiles of 4×4 pixels; adds bias and, unless it is nil, r, laid out like y, and clips to bounds, a vector of the least and one of the most.", output)
	both("winogradFilter", "func(n int, w *float32, u *float32, pitch int)",
		"transforms n filters of 3×3 vectors to 36 vectors that are pitch bytes apart.", func(g *gen) { filter(g, 3) })
	both("winogradOutputGrad", "func(n int, dy *float32, row int, w *float32, pitch int)",
		"transforms n tiles of 4×4 pixels to 36 vectors that are pitch bytes apart: the transpose of winogradOutput.", outputGrad)
	both("winogradFilterGrad", "func(n int, u *float32, pitch int, w *float32)",
		"transforms 36 vectors to each of n filters of 3×3 vectors: the transpose of winogradFilter.", filterGrad)
	both("winograd23Input", "func(n int, x *float32, row int, v *float32, pitch int)",
		"transforms n tiles of 4×4 pixels, two apart in rows that are row bytes apart, to 16 vectors that are pitch bytes apart.", input23)
	both("winograd23Output", "func(n int, m *float32, pitch int, y *float32, row int, r *float32, bias *float32, bounds *float32)",
		"is winogradOutput for 16 vectors and tiles of 2×2 pixels.", output23)
	both("winograd23Filter", "func(n int, w *float32, u *float32, pitch int)",
		"transforms n filters of 3×3 vectors to 16 vectors that are pitch bytes apart.", filter23)
	both("winograd25Input", "func(n int, x *float32, row int, v *float32, pitch int)",
		"is winogradInput for tiles that are two apart.", func(g *gen) { input(g, 2) })
	both("winograd25Output", "func(n int, m *float32, pitch int, y *float32, row int, r *float32, bias *float32, bounds *float32)",
		"is winogradOutput for tiles of 2×2 pixels.", output25)
	both("winograd25Filter", "func(n int, w *float32, u *float32, pitch int)",
		"transforms n filters of 5×5 vectors to 36 vectors that are pitch bytes apart.", func(g *gen) { filter(g, 5) })
	lanes.Generate()
}

// gen is a transform under construction.
type gen struct {
	*lanes.F
	consts map[float32]Op
	half   int // bytes from the first lane to the first of this pass
}

// both emits a transform for both families.
func both(name, signature, doc string, body func(g *gen)) {
	lanes.Both(name, signature, doc, func(f *lanes.F) { body(&gen{F: f, consts: map[float32]Op{}}) })
}

// prepare makes constants ready: in registers, or where those are few, in memory.
func (g *gen) prepare(values ...float64) {
	for _, v := range values {
		x := float32(v)
		if g.Wide() {
			g.consts[x] = g.Const(x).Lo
		} else {
			g.consts[x] = eight(g, x)
		}
	}
}

var eights = map[float32]Mem{}

func eight(g *gen, x float32) Mem {
	m, ok := eights[x]
	if !ok {
		m = g.StaticGlobal(fmt.Sprintf("winograd%d", len(eights)))
		g.DataAttributes(attr.RODATA | attr.NOPTR)
		for range 8 {
			g.AppendDatum(U32(math.Float32bits(x)))
		}
		eights[x] = m
	}
	return m
}

func (g *gen) c(v float64) Op {
	op, ok := g.consts[float32(v)]
	if !ok {
		panic(fmt.Sprintf("constant %g is not prepared", v))
	}
	return op
}

// eachHalf emits body once for all sixteen lanes, or for each half.
func (g *gen) eachHalf(body func()) {
	body()
	if !g.Wide() {
		g.half = 32
		body()
		g.half = 0
	}
}

func (g *gen) reg() reg.VecVirtual {
	if g.Wide() {
		return g.ZMM()
	}
	return g.YMM()
}

func (g *gen) load(m Mem) reg.VecVirtual {
	r := g.reg()
	g.VMOVUPS(m.Offset(g.half), r)
	return r
}

func (g *gen) store(r reg.VecVirtual, m Mem) { g.VMOVUPS(r, m.Offset(g.half)) }

func (g *gen) copy(x reg.VecVirtual) reg.VecVirtual {
	r := g.reg()
	g.VMOVAPS(x, r)
	return r
}

func (g *gen) mul(x reg.VecVirtual, c float64) reg.VecVirtual {
	r := g.reg()
	g.VMULPS(g.c(c), x, r)
	return r
}

// fma makes d = d + x·c, fnma d = d − x·c.
func (g *gen) fma(d, x reg.VecVirtual, c float64)  { g.VFMADD231PS(g.c(c), x, d) }
func (g *gen) fnma(d, x reg.VecVirtual, c float64) { g.VFNMADD231PS(g.c(c), x, d) }

func (g *gen) add(x, y reg.VecVirtual) reg.VecVirtual {
	r := g.reg()
	g.VADDPS(y, x, r)
	return r
}

func (g *gen) sub(x, y reg.VecVirtual) reg.VecVirtual {
	r := g.reg()
	g.VSUBPS(y, x, r)
	return r
}

// plusMinus returns e + o and e − o; e is lost.
func (g *gen) plusMinus(e, o reg.VecVirtual) (plus, minus reg.VecVirtual) {
	minus = g.sub(e, o)
	g.VADDPS(o, e, e)
	return e, minus
}

// plusMinusTimes returns e + c·o and e − c·o; e is lost.
func (g *gen) plusMinusTimes(e, o reg.VecVirtual, c float64) (plus, minus reg.VecVirtual) {
	minus = g.copy(e)
	g.fma(e, o, c)
	g.fnma(minus, o, c)
	return e, minus
}

// A grid addresses six (or fewer) evenly spaced places.
type grid struct{ step, step3, step5 reg.GPVirtual }

func (g *gen) grid(step reg.GPVirtual, places int) grid {
	s := grid{step: step}
	if places > 3 {
		s.step3 = g.GP64()
		g.LEAQ(Mem{Base: step, Index: step, Scale: 2}, s.step3)
	}
	if places > 5 {
		s.step5 = g.GP64()
		g.LEAQ(Mem{Base: step, Index: step, Scale: 4}, s.step5)
	}
	return s
}

func (s grid) at(base reg.GPVirtual, i int) Mem {
	switch i {
	case 0:
		return Mem{Base: base}
	case 1, 2, 4:
		return Mem{Base: base, Index: s.step, Scale: uint8(i)}
	case 3:
		return Mem{Base: base, Index: s.step3, Scale: 1}
	}
	return Mem{Base: base, Index: s.step5, Scale: 1}
}

// six returns a register six times as large.
func (g *gen) six(step reg.GPVirtual) reg.GPVirtual {
	r := g.GP64()
	g.LEAQ(Mem{Base: step, Index: step, Scale: 2}, r)
	g.ADDQ(r, r)
	return r
}

// input is Bᵀ d B:
//
//	Bᵀ = a²b²    0  −a²−b²    0     1  0
//	       0  ∓ab²   −b²     ±a     1  0
//	       0  ∓a²b   −a²     ±b     1  0
//	       0   a²b²    0   −a²−b²   0  1
//
// Tiles are so many pixels apart.
func input(g *gen, apart int) {
	n, x, v := g.Arg("n"), g.Arg("x"), g.Arg("v")
	rows, pitch := g.grid(g.Arg("row"), 6), g.Arg("pitch")
	g.prepare(a, b, a2, b2, a2*b2, a2+b2)
	across, down := g.grid(pitch, 6), g.six(pitch)
	row := g.GP64()
	g.Loop(n, func() {
		g.eachHalf(func() {
			g.LEAQ(Mem{Base: v, Index: down, Scale: 1}, row)
			for pair := range 3 {
				var t [2][6]reg.VecVirtual
				for j := range 6 {
					d := func(i int) reg.VecVirtual { return g.load(rows.at(x, i).Offset(64 * j)) }
					if pair == 2 {
						t[0][j] = inputEnd(g, d, 1)
						t[1][j] = inputEnd(g, d, 0)
					} else {
						t[0][j], t[1][j] = inputPair(g, d, pair)
					}
				}
				for k := range 2 {
					d := func(j int) reg.VecVirtual { return g.copy(t[k][j]) }
					g.store(inputEnd(g, d, 0), across.at(row, 0))
					g.store(inputEnd(g, d, 1), across.at(row, 5))
					for p := range 2 {
						plus, minus := inputPair(g, d, p)
						g.store(plus, across.at(row, 2*p+1))
						g.store(minus, across.at(row, 2*p+2))
					}
					if pair == 2 {
						g.MOVQ(v, row) // the last of the six is the first
					} else {
						g.ADDQ(down, row)
					}
				}
			}
		})
		g.ADDQ(I32(apart*64), x)
		g.ADDQ(Imm(64), v)
	})
}

// inputEnd is the transform at 0 (from d0, d2, d4) or ∞ (from d1, d3, d5).
func inputEnd(g *gen, d func(int) reg.VecVirtual, from int) reg.VecVirtual {
	t := d(4 + from)
	g.fnma(t, d(2+from), a2+b2)
	g.fma(t, d(from), a2*b2)
	return t
}

// inputPair is the transform at ±a (pair 0) or ±b.
func inputPair(g *gen, d func(int) reg.VecVirtual, pair int) (plus, minus reg.VecVirtual) {
	own, other := a, b2
	if pair == 1 {
		own, other = b, a2
	}
	e := d(4)
	g.fnma(e, d(2), other)
	o := d(3)
	g.fnma(o, d(1), other)
	return g.plusMinusTimes(e, o, own)
}

// output is Aᵀ m A:
//
//	Aᵀ = 1  1   1  1   1  0
//	     0  a  −a  b  −b  0
//	     0  a²  a² b²  b² 0
//	     0  a³ −a³ b³ −b³ 1
func output(g *gen) {
	n, m, y, r, bias, bounds := g.Arg("n"), g.Arg("m"), g.Arg("y"), g.Arg("r"), g.Arg("bias"), g.Arg("bounds")
	pitch, yRow := g.Arg("pitch"), g.Arg("row")
	g.prepare(a, b, a2, b2, a3, b3)
	down := g.grid(g.six(pitch), 6)
	delta := g.GP64()
	g.MOVQ(r, delta)
	g.SUBQ(y, delta)
	at, out := g.GP64(), g.GP64()
	g.Loop(n, func() {
		g.eachHalf(func() {
			for odd := range 2 { // rows 0 and 2, then 1 and 3
				var t [2][6]reg.VecVirtual
				g.MOVQ(m, at)
				for j := range 6 {
					mi := func(i int) Mem { return down.at(at, i).Offset(g.half) }
					one, two := g.reg(), g.reg()
					g.VMOVUPS(mi(1), one)
					g.VMOVUPS(mi(3), two)
					if odd == 0 {
						g.VADDPS(mi(2), one, one)
						g.VADDPS(mi(4), two, two)
						t[0][j] = g.add(one, two)
						g.VADDPS(mi(0), t[0][j], t[0][j])
						t[1][j] = g.mul(one, a2)
						g.fma(t[1][j], two, b2)
					} else {
						g.VSUBPS(mi(2), one, one)
						g.VSUBPS(mi(4), two, two)
						t[0][j] = g.mul(one, a)
						g.fma(t[0][j], two, b)
						t[1][j] = g.mul(one, a3)
						g.fma(t[1][j], two, b3)
						g.VADDPS(mi(5), t[1][j], t[1][j])
					}
					if j < 5 {
						g.ADDQ(pitch, at)
					}
				}
				if odd == 0 {
					g.MOVQ(y, out)
				} else {
					g.LEAQ(Mem{Base: y, Index: yRow, Scale: 1}, out)
				}
				for k := range 2 {
					outputRow(g, t[k][:], out, r, delta, bias, bounds)
					if k == 0 {
						g.LEAQ(Mem{Base: out, Index: yRow, Scale: 2}, out)
					}
				}
			}
		})
		g.ADDQ(I32(4*64), y)
		g.ADDQ(Imm(64), m)
	})
}

// outputRow transforms a row and stores its four pixels.
func outputRow(g *gen, x []reg.VecVirtual, out, r, delta, bias, bounds reg.GPVirtual) {
	plus := g.add(x[1], x[2])
	g.VSUBPS(x[2], x[1], x[1])
	g.VADDPS(x[4], x[3], x[2])
	g.VSUBPS(x[4], x[3], x[3])
	g.VADDPS(plus, x[0], x[0])
	g.VADDPS(x[2], x[0], x[0])
	y2 := g.mul(plus, a2)
	g.fma(y2, x[2], b2)
	g.fma(x[5], x[1], a3)
	g.fma(x[5], x[3], b3)
	y1 := g.mul(x[1], a)
	g.fma(y1, x[3], b)
	g.finish([]reg.VecVirtual{x[0], y1, y2, x[5]}, out, r, delta, bias, bounds)
}

// finish adds bias and residual to neighbouring pixels, clips and stores them.
func (g *gen) finish(y []reg.VecVirtual, out, r, delta, bias, bounds reg.GPVirtual) {
	for _, v := range y {
		g.VADDPS(Mem{Base: bias, Disp: g.half}, v, v)
	}
	none := g.Label("none")
	g.TESTQ(r, r)
	g.JZ(LabelRef(none))
	for j, v := range y {
		g.VADDPS(Mem{Base: out, Index: delta, Scale: 1, Disp: 64*j + g.half}, v, v)
	}
	g.Here(none)
	low, high := g.load(Mem{Base: bounds}), g.load(Mem{Base: bounds, Disp: 64})
	for j, v := range y {
		g.VMAXPS(v, low, v) // NaN stays NaN
		g.VMINPS(v, high, v)
		g.store(v, Mem{Base: out, Disp: 64 * j})
	}
}

// filter is G g Gᵀ for filters of three or five taps a side, rows of G being 1/n·(1, p, p², …) for the finite points.
func filter(g *gen, taps int) {
	n, from, u, pitch := g.Arg("n"), g.Arg("w"), g.Arg("u"), g.Arg("pitch")
	g.prepare(1 / n0)
	g.prepare(powers[0][:taps]...)
	g.prepare(powers[1][:taps]...)
	across, down := g.grid(pitch, 6), g.six(pitch)
	row := g.GP64()
	g.Loop(n, func() {
		g.eachHalf(func() {
			g.LEAQ(Mem{Base: u, Index: down, Scale: 1}, row)
			for pair := range 3 {
				var t [2][5]reg.VecVirtual
				for j := range taps {
					d := func(i int) reg.VecVirtual { return g.load(Mem{Base: from, Disp: (taps*i + j) * 64}) }
					if pair == 2 {
						t[0][j], t[1][j] = d(taps-1), g.mul(d(0), 1/n0)
					} else {
						t[0][j], t[1][j] = filterPair(g, d, taps, pair)
					}
				}
				for k := range 2 {
					d := func(j int) reg.VecVirtual { return t[k][j] }
					g.store(g.mul(t[k][0], 1/n0), across.at(row, 0))
					for p := range 2 {
						plus, minus := filterPair(g, d, taps, p)
						g.store(plus, across.at(row, 2*p+1))
						g.store(minus, across.at(row, 2*p+2))
					}
					g.store(t[k][taps-1], across.at(row, 5))
					if pair == 2 {
						g.MOVQ(u, row)
					} else {
						g.ADDQ(down, row)
					}
				}
			}
		})
		g.ADDQ(I32(taps*taps*64), from)
		g.ADDQ(Imm(64), u)
	})
}

// powers are the numbers of G's rows for a and b.
var powers = [2][]float64{{1 / na, a / na, a2 / na, a3 / na, a4 / na}, {1 / nb, b / nb, b2 / nb, b3 / nb, b4 / nb}}

// filterPair is the transform at ±a (pair 0) or ±b.
func filterPair(g *gen, d func(int) reg.VecVirtual, taps, pair int) (plus, minus reg.VecVirtual) {
	c := powers[pair]
	e := g.mul(d(0), c[0])
	if taps == 3 {
		g.fma(e, d(2), c[2])
		return g.plusMinusTimes(e, d(1), c[1])
	}
	o := g.mul(d(1), c[1])
	g.fma(e, d(2), c[2])
	g.fma(e, d(4), c[4])
	g.fma(o, d(3), c[3])
	return g.plusMinus(e, o)
}

// outputGrad is A dy Aᵀ.
func outputGrad(g *gen) {
	n, dy, w := g.Arg("n"), g.Arg("dy"), g.Arg("w")
	rows, pitch := g.grid(g.Arg("row"), 4), g.Arg("pitch")
	g.prepare(a, b, a2, b2, a3, b3)
	across, down := g.grid(pitch, 6), g.six(pitch)
	row := g.GP64()
	g.Loop(n, func() {
		g.eachHalf(func() {
			g.LEAQ(Mem{Base: w, Index: down, Scale: 1}, row)
			for pair := range 3 {
				var t [2][4]reg.VecVirtual
				for j := range 4 {
					d := func(i int) reg.VecVirtual { return g.load(rows.at(dy, i).Offset(64 * j)) }
					if pair == 2 {
						t[0][j], t[1][j] = d(3), d(0)
					} else {
						t[0][j], t[1][j] = outputGradPair(g, d, pair)
					}
				}
				for k := range 2 {
					d := func(j int) reg.VecVirtual { return t[k][j] }
					g.store(t[k][0], across.at(row, 0))
					g.store(t[k][3], across.at(row, 5))
					for p := range 2 {
						plus, minus := outputGradPair(g, d, p)
						g.store(plus, across.at(row, 2*p+1))
						g.store(minus, across.at(row, 2*p+2))
					}
					if pair == 2 {
						g.MOVQ(w, row)
					} else {
						g.ADDQ(down, row)
					}
				}
			}
		})
		g.ADDQ(I32(4*64), dy)
		g.ADDQ(Imm(64), w)
	})
}

func outputGradPair(g *gen, d func(int) reg.VecVirtual, pair int) (plus, minus reg.VecVirtual) {
	p1, p2, p3 := a, a2, a3
	if pair == 1 {
		p1, p2, p3 = b, b2, b3
	}
	e := g.copy(d(0))
	g.fma(e, d(2), p2)
	o := g.mul(d(1), p1)
	g.fma(o, d(3), p3)
	return g.plusMinus(e, o)
}

// filterGrad is Gᵀ u G.
func filterGrad(g *gen) {
	n, u, pitch, to := g.Arg("n"), g.Arg("u"), g.Arg("pitch"), g.Arg("w")
	g.prepare(1/n0, 1/na, a/na, a2/na, 1/nb, b/nb, b2/nb)
	down := g.grid(g.six(pitch), 6)
	at := g.GP64()
	g.Loop(n, func() {
		g.eachHalf(func() {
			for i := range 3 {
				var t [6]reg.VecVirtual
				g.MOVQ(u, at)
				for j := range 6 {
					t[j] = filterGradRow(g, func(k int) reg.VecVirtual { return g.load(down.at(at, k)) }, i)
					if j < 5 {
						g.ADDQ(pitch, at)
					}
				}
				for j := range 3 {
					r := filterGradRow(g, func(k int) reg.VecVirtual { return g.copy(t[k]) }, j)
					g.store(r, Mem{Base: to, Disp: (3*i + j) * 64})
				}
			}
		})
		g.ADDQ(I32(9*64), to)
		g.ADDQ(Imm(64), u)
	})
}

func filterGradRow(g *gen, d func(int) reg.VecVirtual, i int) reg.VecVirtual {
	one, two, t := d(1), d(3), d(2)
	if i == 1 {
		g.VSUBPS(t, one, one)
		g.VSUBPS(d(4), two, two)
		r := g.mul(one, a/na)
		g.fma(r, two, b/nb)
		return r
	}
	g.VADDPS(t, one, one)
	g.VADDPS(d(4), two, two)
	if i == 0 {
		r := g.mul(d(0), 1/n0)
		g.fma(r, one, 1/na)
		g.fma(r, two, 1/nb)
		return r
	}
	r := d(5)
	g.fma(r, one, a2/na)
	g.fma(r, two, b2/nb)
	return r
}
