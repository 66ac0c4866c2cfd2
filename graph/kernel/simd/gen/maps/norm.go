package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/fields"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/lanes"
)

// pixels walks over the pixels of arrays in groups of the given sizes, and advances the pointers.
func (f fn) pixels(sizes []int, arrays []reg.GPVirtual, body func(pixel, disp int)) {
	f.groups(f.Arg("n"), sizes, func(size int) {
		for i := range size {
			body(i, 64*i)
		}
		for _, a := range arrays {
			f.ADDQ(I32(64*size), a)
		}
	})
}

// each calls body for the parts of a pixel.
func (f fn) each(disp int, body func(h, disp int)) {
	for h, off := range f.parts() {
		body(h, disp+off)
	}
}

func sumPixels(f fn) {
	x := f.Arg("x")
	sum := f.vectors(4)
	f.pixels([]int{4, 1}, []reg.GPVirtual{x}, func(i, disp int) {
		f.each(disp, func(h, disp int) { f.VADDPS(Mem{Base: x, Disp: disp}, sum[i][h], sum[i][h]) })
	})
	f.store(f.fold(sum), Mem{Base: f.Arg("sum")})
}

func sumMoments(f fn) {
	x := f.Arg("x")
	shift := f.vector(Mem{Base: f.Arg("shift")})
	unroll := f.Pick(4, 2)
	d, q := f.vectors(unroll), f.vectors(unroll)
	f.pixels([]int{unroll, 1}, []reg.GPVirtual{x}, func(i, disp int) {
		f.each(disp, func(h, disp int) {
			v := f.load(Mem{Base: x, Disp: disp})
			f.VSUBPS(shift[h], v, v)
			f.VADDPS(v, d[i][h], d[i][h])
			f.VFMADD231PS(v, v, q[i][h])
		})
	})
	f.store(f.fold(d), Mem{Base: f.Arg("d")})
	f.store(f.fold(q), Mem{Base: f.Arg("q")})
}

func normalise(f fn, c clip) { normaliseTo(f, false, c) }

func normaliseAdd(f fn, c clip) { normaliseTo(f, true, c) }

// normaliseTo adds r to the result if add is set.
func normaliseTo(f fn, add bool, c clip) {
	x, y, a := f.Arg("x"), f.Arg("y"), f.Arg("a")
	arrays := []reg.GPVirtual{x, y}
	var r reg.GPVirtual
	if add {
		r = f.Arg("r")
		arrays = append(arrays, r)
	}
	mean, scale, shift := f.vector(Mem{Base: a, Disp: fields.AffineMean}), f.vector(Mem{Base: a, Disp: fields.AffineScale}), f.vector(Mem{Base: a, Disp: fields.AffineShift})
	low, high := f.bounds(c)
	f.pixels([]int{4, 1}, arrays, func(_, disp int) {
		f.each(disp, func(h, disp int) {
			v := f.load(Mem{Base: x, Disp: disp})
			f.VSUBPS(mean[h], v, v)
			f.VFMADD213PS(shift[h], scale[h], v)
			if add {
				f.VADDPS(Mem{Base: r, Disp: disp}, v, v)
			}
			if low != nil {
				f.VMAXPS(v, low, v) // v if it is NaN
			}
			if high != nil {
				f.VMINPS(v, high, v)
			}
			f.VMOVUPS(v, Mem{Base: y, Disp: disp})
		})
	})
}

// passed returns dy where the forward kernel's result was within bounds, by the same arithmetic.
func (f fn) passed(dy Mem, away, scale, shift, low, high reg.VecVirtual) reg.VecVirtual {
	t := f.part()
	f.VMOVAPS(away, t)
	f.VFMADD213PS(shift, scale, t)
	inside := f.compare(lanes.GreaterThan, t, low)
	if high != nil {
		f.and(inside, f.compare(lanes.Less, t, high))
	}
	return f.loadMasked(dy, inside)
}

func sumGrads(f fn, c clip) {
	x, dy, a := f.Arg("x"), f.Arg("dy"), f.Arg("a")
	mean := f.vector(Mem{Base: a, Disp: fields.AffineMean})
	unroll := f.Pick(4, 1)
	var scale, shift []reg.VecVirtual
	low, high := f.bounds(c)
	if low != nil {
		scale, shift = f.vector(Mem{Base: a, Disp: fields.AffineScale}), f.vector(Mem{Base: a, Disp: fields.AffineShift})
	}
	d, q := f.vectors(unroll), f.vectors(unroll)
	sizes := []int{unroll, 1}
	if unroll == 1 {
		sizes = sizes[1:]
	}
	f.pixels(sizes, []reg.GPVirtual{x, dy}, func(i, disp int) {
		f.each(disp, func(h, disp int) {
			v := f.load(Mem{Base: x, Disp: disp})
			f.VSUBPS(mean[h], v, v)
			from := Mem{Base: dy, Disp: disp}
			var g reg.VecVirtual
			if low != nil {
				g = f.passed(from, v, scale[h], shift[h], low, high)
			} else {
				g = f.load(from)
			}
			f.VADDPS(g, d[i][h], d[i][h])
			f.VFMADD231PS(g, v, q[i][h])
		})
	})
	f.store(f.fold(d), Mem{Base: f.Arg("d")})
	f.store(f.fold(q), Mem{Base: f.Arg("q")})
}

func normaliseGrad(f fn, c clip) {
	x, dy, dx, a := f.Arg("x"), f.Arg("dy"), f.Arg("dx"), f.Arg("a")
	mean, scale := f.vector(Mem{Base: a, Disp: fields.AffineMean}), f.vector(Mem{Base: a, Disp: fields.AffineScale})
	slope, offset := f.vector(Mem{Base: a, Disp: fields.AffineSlope}), f.vector(Mem{Base: a, Disp: fields.AffineOffset})
	var shift []reg.VecVirtual
	low, high := f.bounds(c)
	if low != nil {
		shift = f.vector(Mem{Base: a, Disp: fields.AffineShift})
	}
	f.pixels([]int{f.Pick(4, 2), 1}, []reg.GPVirtual{x, dy, dx}, func(_, disp int) {
		f.each(disp, func(h, disp int) {
			v := f.load(Mem{Base: x, Disp: disp})
			f.VSUBPS(mean[h], v, v)
			var g Op = Mem{Base: dy, Disp: disp}
			if low != nil {
				g = f.passed(Mem{Base: dy, Disp: disp}, v, scale[h], shift[h], low, high)
			}
			f.VFMADD213PS(offset[h], slope[h], v)
			f.VFMADD231PS(g, scale[h], v)
			f.VMOVUPS(v, Mem{Base: dx, Disp: disp})
		})
	})
}
