package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// neighbours loads a pixel of three blocks, squared if need be, and calls body for each part with the
// sum over five neighbouring channels.
func (f fn) neighbours(prev, cur, next reg.GPVirtual, square bool, body func(off int, sum reg.VecVirtual)) {
	squared := func(v reg.VecVirtual) reg.VecVirtual {
		if square {
			f.VMULPS(v, v, v)
		}
		return v
	}
	add := func(sum reg.VecVirtual, v Op) { f.VADDPS(v, sum, sum) }
	if f.Wide() {
		p, c, n := squared(f.load(Mem{Base: prev})), squared(f.load(Mem{Base: cur})), squared(f.load(Mem{Base: next}))
		align := func(places uint8, low, high reg.VecVirtual) reg.VecVirtual {
			v := f.ZMM()
			f.VALIGND(U8(places), low, high, v)
			return v
		}
		sum := align(14, p, c) // channels c−2
		add(sum, align(15, p, c))
		other := align(1, c, n)
		add(other, align(2, c, n))
		add(sum, c)
		add(sum, other)
		body(0, sum)
		return
	}
	// Eight channels, and the four on either side of them.
	c0, c1 := squared(f.load(Mem{Base: cur})), squared(f.load(Mem{Base: cur, Disp: 32}))
	p, n := squared(f.load(Mem{Base: prev, Disp: 32})), squared(f.load(Mem{Base: next}))
	middle := func(a, b reg.VecVirtual) reg.VecVirtual { // channels 4-7 of a, 0-3 of b
		v := f.YMM()
		f.VPERM2F128(U8(0x21), b, a, v)
		return v
	}
	between := []reg.VecVirtual{middle(p, c0), middle(c0, c1), middle(c1, n)}
	for h, c := range []reg.VecVirtual{c0, c1} {
		align := func(places uint8, low, high reg.VecVirtual) reg.VecVirtual {
			v := f.YMM()
			f.VPALIGNR(U8(4*places), low, high, v)
			return v
		}
		before, after := between[h], between[h+1]
		sum := align(2, before, c)
		add(sum, align(3, before, c))
		other := align(1, c, after)
		add(other, align(2, c, after))
		add(sum, c)
		add(sum, other)
		body(32*h, sum)
	}
}

// powers computes d^−½ and d^−¼ of d = k + alpha·sum, which must be positive. It starts from the
// processor's approximations, of 14 bits or 12, and improves them by a step of Newton's or Halley's method.
type powers struct {
	k, alpha, largest, half, one, threeQuarters reg.VecVirtual
}

func newPowers(f fn) powers {
	b, err := f.Param("k").Resolve()
	if err != nil {
		panic(err)
	}
	a, err := f.Param("alpha").Resolve()
	if err != nil {
		panic(err)
	}
	const largest = 0x1p127 // keeps infinity from becoming NaN
	return powers{f.splat(b.Addr), f.splat(a.Addr), f.Const(largest).Lo, f.Const(0.5).Lo, f.Const(1).Lo, f.Const(0.75).Lo}
}

func (w powers) of(f fn, sum reg.VecVirtual) (half, quarter reg.VecVirtual) {
	d := f.part()
	f.VMOVAPS(w.k, d)
	f.VFMADD231PS(sum, w.alpha, d)
	f.VMINPS(d, w.largest, d) // d if it is NaN
	half, _ = w.root(f, d)
	_, quarter = w.root(f, half)
	return half, quarter
}

// root returns 1/√d and √d.
func (w powers) root(f fn, d reg.VecVirtual) (inverse, root reg.VecVirtual) {
	r, h, e := f.part(), f.part(), f.part()
	if f.Wide() {
		f.VRSQRT14PS(d, r)
	} else {
		f.VRSQRTPS(d, r)
	}
	f.VMULPS(r, d, h)
	f.VMOVAPS(w.one, e)
	f.VFNMADD231PS(r, h, e) // e = 1 − d·r²
	// 1/√d = r·(1 + e/2 + 3e²/8 + …)
	t := f.part()
	f.VMULPS(w.half, e, t)
	if !f.Wide() {
		f.VMULPS(w.threeQuarters, e, e)
		f.VFMADD213PS(t, t, e) // 3e/4·e/2 + e/2
		t = e
	}
	f.VFMADD231PS(t, r, r)
	f.VFMADD231PS(t, h, h)
	return r, h
}

func lrn5(f fn) {
	prev, cur, next, y := f.Arg("prev"), f.Arg("cur"), f.Arg("next"), f.Arg("y")
	w := newPowers(f)
	f.pixels([]int{1}, []reg.GPVirtual{prev, cur, next, y}, func(int, int) {
		f.neighbours(prev, cur, next, true, func(off int, sum reg.VecVirtual) {
			half, quarter := w.of(f, sum)
			f.VMULPS(half, quarter, quarter)
			f.VMULPS(Mem{Base: cur, Disp: off}, quarter, quarter)
			f.VMOVUPS(quarter, Mem{Base: y, Disp: off})
		})
	})
}

func lrn5Terms(f fn) {
	prev, cur, next, dy, s, q := f.Arg("prev"), f.Arg("cur"), f.Arg("next"), f.Arg("dy"), f.Arg("s"), f.Arg("q")
	w := newPowers(f)
	f.pixels([]int{1}, []reg.GPVirtual{prev, cur, next, dy, s, q}, func(int, int) {
		f.neighbours(prev, cur, next, true, func(off int, sum reg.VecVirtual) {
			half, quarter := w.of(f, sum)
			f.VMULPS(half, quarter, quarter)
			f.VMULPS(Mem{Base: dy, Disp: off}, quarter, quarter)
			f.VMOVUPS(quarter, Mem{Base: s, Disp: off})
			f.VMULPS(half, half, half)
			f.VMULPS(Mem{Base: cur, Disp: off}, quarter, quarter)
			f.VMULPS(half, quarter, quarter)
			f.VMOVUPS(quarter, Mem{Base: q, Disp: off})
		})
	})
}

func lrn5Grad(f fn) {
	prev, cur, next, x, s, dx := f.Arg("prev"), f.Arg("cur"), f.Arg("next"), f.Arg("x"), f.Arg("s"), f.Arg("dx")
	b, err := f.Param("factor").Resolve()
	if err != nil {
		panic(err)
	}
	factor := f.splat(b.Addr)
	f.pixels([]int{1}, []reg.GPVirtual{prev, cur, next, x, s, dx}, func(int, int) {
		f.neighbours(prev, cur, next, false, func(off int, sum reg.VecVirtual) {
			f.VMULPS(factor, sum, sum)
			v := f.load(Mem{Base: s, Disp: off})
			f.VFMADD231PS(Mem{Base: x, Disp: off}, sum, v)
			f.VMOVUPS(v, Mem{Base: dx, Disp: off})
		})
	})
}
