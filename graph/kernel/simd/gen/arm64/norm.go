package main

import (
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/fields"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/neon"
)

// In the blocked layout lanes are channels, so that all but local response and layer normalisation treat a pixel, four
// registers, as one number.

// A clip is what an activation does: 0, 1 and 2 as in package simd.
type clip int

const (
	unclipped clip = iota
	below0
	below0above6
)

func maps(file *neon.File) {
	pooling(file)
	file.Func("sumPixelsNEON", "func(x *float32, n int, sum *float32)", "is sumPixelsGeneric.", sumPixels)
	file.Func("sumMomentsNEON", "func(x *float32, n int, shift, d, q *float32)", "is sumMomentsGeneric.", sumMoments)
	for c, name := range []string{"", "ReLU", "ReLU6"} {
		clips := func(kind, signature string, body func(f *neon.F, c clip)) {
			file.Func(kind+name+"NEON", signature, "is "+kind+"Generic; a is an *Affine.", func(f *neon.F) { body(f, clip(c)) })
		}
		clips("normalise", "func(x, y *float32, n int, a *byte)", func(f *neon.F, c clip) { normalise(f, c, false) })
		clips("normaliseAdd", "func(x, r, y *float32, n int, a *byte)", func(f *neon.F, c clip) { normalise(f, c, true) })
		clips("sumGrads", "func(x, dy *float32, n int, a *byte, d, q *float32)", sumGrads)
		clips("normaliseGrad", "func(x, dy, dx *float32, n int, a *byte)", normaliseGrad)
	}
	layerNorms(file)
	responseNorms(file)
}

// vectors returns n vectors of sixteen zeros.
func zeros(f *neon.F, n int) [][4]neon.Vec {
	v := make([][4]neon.Vec, n)
	for i := range v {
		v[i] = [4]neon.Vec{f.Zero(), f.Zero(), f.Zero(), f.Zero()}
	}
	return v
}

// fold adds all vectors to the first.
func fold(f *neon.F, v [][4]neon.Vec) [4]neon.Vec {
	for n := len(v); n > 1; n = (n + 1) / 2 {
		for i := range n / 2 {
			for q := range v[i] {
				f.AddTo(v[i][q], v[i+(n+1)/2][q])
			}
		}
	}
	return v[0]
}

// groups counts n down in groups of the given sizes, the last of which is 1.
func groups(f *neon.F, n neon.Reg, sizes []int, body func(size int)) {
	for _, size := range sizes {
		loop, done := f.Label("group"), f.Label("done")
		f.SubsImm(n, n, size)
		f.Branch("BLT", done)
		f.Here(loop)
		body(size)
		f.SubsImm(n, n, size)
		f.Branch("BGE", loop)
		f.Here(done)
		f.AddImm(n, n, size)
	}
}

// pixels walks over the n pixels of arrays in groups of the given sizes, and moves the pointers on.
func pixels(f *neon.F, sizes []int, arrays []neon.Reg, body func(pixel, disp int)) {
	groups(f, f.Arg("n"), sizes, func(size int) {
		for i := range size {
			body(i, 64*i)
		}
		for _, a := range arrays {
			f.AddImm(a, a, 64*size)
		}
	})
}

func sumPixels(f *neon.F) {
	x := f.Arg("x")
	sum := zeros(f, 4)
	pixels(f, []int{4, 1}, []neon.Reg{x}, func(i, disp int) {
		for q, v := range f.Load16(neon.Mem{Base: x, Disp: disp}) {
			f.AddTo(sum[i][q], v)
		}
	})
	f.Store16(fold(f, sum), neon.Mem{Base: f.Arg("sum")})
}

func sumMoments(f *neon.F) {
	x, shift := f.Arg("x"), f.Load16(neon.Mem{Base: f.Arg("shift")})
	d, s := zeros(f, 3), zeros(f, 3) // as many as fit
	pixels(f, []int{3, 1}, []neon.Reg{x}, func(i, disp int) {
		for q := range 4 {
			v := f.Sub(f.Load(neon.Mem{Base: x, Disp: disp + 16*q}), shift[q])
			f.AddTo(d[i][q], v)
			f.FMA(s[i][q], v, v)
		}
	})
	f.Store16(fold(f, d), neon.Mem{Base: f.Arg("d")})
	f.Store16(fold(f, s), neon.Mem{Base: f.Arg("q")})
}

// affine reads a field of an *Affine.
func affine(f *neon.F, a neon.Reg, field int) [4]neon.Vec {
	return f.Load16(neon.Mem{Base: a, Disp: field})
}

// normalise adds r to the result if add is set.
func normalise(f *neon.F, c clip, add bool) {
	x, y, a := f.Arg("x"), f.Arg("y"), f.Arg("a")
	arrays := []neon.Reg{x, y}
	var r neon.Reg
	if add {
		r = f.Arg("r")
		arrays = append(arrays, r)
	}
	mean, scale, shift := affine(f, a, fields.AffineMean), affine(f, a, fields.AffineScale), affine(f, a, fields.AffineShift)
	low, high := f.Const(0), f.Const(6)
	pixels(f, []int{2, 1}, arrays, func(_, disp int) {
		var out [4]neon.Vec
		for q, v := range f.Load16(neon.Mem{Base: x, Disp: disp}) {
			out[q] = f.MulAdd(f.Sub(v, mean[q]), scale[q], shift[q])
		}
		if add {
			for q, v := range f.Load16(neon.Mem{Base: r, Disp: disp}) {
				f.AddTo(out[q], v)
			}
		}
		for q := range out {
			if c != unclipped {
				f.MaxTo(out[q], low) // NaN stays NaN
			}
			if c == below0above6 {
				f.MinTo(out[q], high)
			}
		}
		f.Store16(out, neon.Mem{Base: y, Disp: disp})
	})
}

// passed returns dy where the forward loop's result was within bounds, by the same arithmetic.
func passed(f *neon.F, c clip, dy, away, scale, shift, low, high neon.Vec) neon.Vec {
	if c == unclipped {
		return dy
	}
	t := f.MulAdd(away, scale, shift)
	inside := f.Greater(t, low)
	if c == below0above6 {
		inside = f.And(inside, f.Greater(high, t))
	}
	return f.Keep(inside, dy)
}

func sumGrads(f *neon.F, c clip) {
	x, dy, a := f.Arg("x"), f.Arg("dy"), f.Arg("a")
	mean := affine(f, a, fields.AffineMean)
	var scale, shift [4]neon.Vec
	low, high := f.Const(0), f.Const(6)
	if c != unclipped {
		scale, shift = affine(f, a, fields.AffineScale), affine(f, a, fields.AffineShift)
	}
	d, s := zeros(f, 1), zeros(f, 1)
	pixels(f, []int{1}, []neon.Reg{x, dy}, func(_, disp int) {
		for q := range 4 {
			v := f.Sub(f.Load(neon.Mem{Base: x, Disp: disp + 16*q}), mean[q])
			g := passed(f, c, f.Load(neon.Mem{Base: dy, Disp: disp + 16*q}), v, scale[q], shift[q], low, high)
			f.AddTo(d[0][q], g)
			f.FMA(s[0][q], g, v)
		}
	})
	f.Store16(d[0], neon.Mem{Base: f.Arg("d")})
	f.Store16(s[0], neon.Mem{Base: f.Arg("q")})
}

func normaliseGrad(f *neon.F, c clip) {
	x, dy, dx, a := f.Arg("x"), f.Arg("dy"), f.Arg("dx"), f.Arg("a")
	mean, scale, shift := affine(f, a, fields.AffineMean), affine(f, a, fields.AffineScale), affine(f, a, fields.AffineShift)
	slope, offset := affine(f, a, fields.AffineSlope), affine(f, a, fields.AffineOffset)
	low, high := f.Const(0), f.Const(6)
	pixels(f, []int{2, 1}, []neon.Reg{x, dy, dx}, func(_, disp int) {
		for q := range 4 {
			v := f.Sub(f.Load(neon.Mem{Base: x, Disp: disp + 16*q}), mean[q])
			g := passed(f, c, f.Load(neon.Mem{Base: dy, Disp: disp + 16*q}), v, scale[q], shift[q], low, high)
			r := f.MulAdd(v, slope[q], offset[q])
			f.FMA(r, g, scale[q])
			f.Store(r, neon.Mem{Base: dx, Disp: disp + 16*q})
		}
	})
}

// layerNorms go over pixels that have numbers of their own, the same for all lanes.
func layerNorms(file *neon.File) {
	file.Func("sumLanesNEON", "func(x *float32, n int, sums *float32)", "is sumLanesGeneric.", func(f *neon.F) {
		x, n, sums := f.Arg("x"), f.Arg("n"), f.Arg("sums")
		f.Loop(n, func() {
			v := f.Load16(neon.Mem{Base: x})
			s := f.Add(f.Add(v[0], v[2]), f.Add(v[1], v[3]))
			s = f.AddPairs(s, s)
			f.Store1(f.AddPairs(s, s), neon.Mem{Base: sums})
			advanceAll(f, 64, x)
			advanceAll(f, 4, sums)
		})
	})
	file.Func("layerMomentsNEON", "func(x *float32, n int, mean, sums, squares *float32)", "is layerMomentsGeneric.", func(f *neon.F) {
		x, n, mean, sums, squares := f.Arg("x"), f.Arg("n"), f.Arg("mean"), f.Arg("sums"), f.Arg("squares")
		f.Loop(n, func() {
			m := f.Splat(mean)
			v, s, t := f.Load16(neon.Mem{Base: x}), f.Load16(neon.Mem{Base: sums}), f.Load16(neon.Mem{Base: squares})
			for q := range v {
				d := f.Sub(v[q], m)
				f.AddTo(s[q], d)
				f.FMA(t[q], d, d)
			}
			f.Store16(s, neon.Mem{Base: sums})
			f.Store16(t, neon.Mem{Base: squares})
			advanceAll(f, 64, x, sums, squares)
			advanceAll(f, 4, mean)
		})
	})
	file.Func("layerNormaliseNEON", "func(x, y *float32, n int, mean, invstd, gamma, beta *float32)", "is layerNormaliseGeneric.", func(f *neon.F) {
		x, y, n, mean, invstd := f.Arg("x"), f.Arg("y"), f.Arg("n"), f.Arg("mean"), f.Arg("invstd")
		gamma, beta := f.Load16(neon.Mem{Base: f.Arg("gamma")}), f.Load16(neon.Mem{Base: f.Arg("beta")})
		f.Loop(n, func() {
			m, s := f.Splat(mean), f.Splat(invstd)
			v := f.Load16(neon.Mem{Base: x})
			for q := range v {
				v[q] = f.MulAdd(f.Mul(f.Sub(v[q], m), s), gamma[q], beta[q])
			}
			f.Store16(v, neon.Mem{Base: y})
			advanceAll(f, 64, x, y)
			advanceAll(f, 4, mean, invstd)
		})
	})
	file.Func("layerSumsNEON", "func(x, dy *float32, n int, mean, invstd, gamma, sums, products, dgamma, dbeta *float32)", "is layerSumsGeneric.", func(f *neon.F) {
		x, dy, n, mean, invstd := f.Arg("x"), f.Arg("dy"), f.Arg("n"), f.Arg("mean"), f.Arg("invstd")
		sums, products := f.Arg("sums"), f.Arg("products")
		gamma, totals := f.Load16(neon.Mem{Base: f.Arg("gamma")}), zeros(f, 2)
		dgamma, dbeta := totals[0], totals[1]
		f.Loop(n, func() {
			m, s := f.Splat(mean), f.Splat(invstd)
			for q := range 4 {
				hat := f.Mul(f.Sub(f.Load(neon.Mem{Base: x, Disp: 16 * q}), m), s)
				d := f.Load(neon.Mem{Base: dy, Disp: 16 * q})
				f.AddTo(dbeta[q], d)
				f.FMA(dgamma[q], d, hat)
				w := f.Mul(d, gamma[q])
				f.Store(f.Add(f.Load(neon.Mem{Base: sums, Disp: 16 * q}), w), neon.Mem{Base: sums, Disp: 16 * q})
				f.Store(f.Add(f.Load(neon.Mem{Base: products, Disp: 16 * q}), f.Mul(hat, w)), neon.Mem{Base: products, Disp: 16 * q})
			}
			advanceAll(f, 64, x, dy, sums, products)
			advanceAll(f, 4, mean, invstd)
		})
		f.Store16(dgamma, neon.Mem{Base: f.Arg("dgamma")})
		f.Store16(dbeta, neon.Mem{Base: f.Arg("dbeta")})
	})
	file.Func("layerGradNEON", "func(x, dy, dx *float32, n int, mean, invstd, gamma, meanG, meanGX *float32)", "is layerGradGeneric.", func(f *neon.F) {
		x, dy, dx, n, mean, invstd := f.Arg("x"), f.Arg("dy"), f.Arg("dx"), f.Arg("n"), f.Arg("mean"), f.Arg("invstd")
		meanG, meanGX := f.Arg("meanG"), f.Arg("meanGX")
		gamma := f.Load16(neon.Mem{Base: f.Arg("gamma")})
		f.Loop(n, func() {
			m, s, first, second := f.Splat(mean), f.Splat(invstd), f.Splat(meanG), f.Splat(meanGX)
			for q := range 4 {
				hat := f.Mul(f.Sub(f.Load(neon.Mem{Base: x, Disp: 16 * q}), m), s)
				d := f.Sub(f.Mul(f.Load(neon.Mem{Base: dy, Disp: 16 * q}), gamma[q]), first)
				f.FNMA(d, hat, second)
				f.Store(f.Mul(d, s), neon.Mem{Base: dx, Disp: 16 * q})
			}
			advanceAll(f, 64, x, dy, dx)
			advanceAll(f, 4, mean, invstd, meanG, meanGX)
		})
	})
}

func advanceAll(f *neon.F, bytes int, pointers ...neon.Reg) {
	for _, p := range pointers {
		f.AddImm(p, p, bytes)
	}
}

// responseNorms are local response normalisation over five neighbouring channels.
func responseNorms(file *neon.File) {
	file.Func("lrn5NEON", "func(prev, cur, next *float32, n int, k, alpha float32, y *float32)", "is lrn5Generic.", func(f *neon.F) {
		prev, cur, next, y := f.Arg("prev"), f.Arg("cur"), f.Arg("next"), f.Arg("y")
		w := newPowers(f)
		pixels(f, []int{1}, []neon.Reg{prev, cur, next, y}, func(int, int) {
			neighbours(f, prev, cur, next, true, func(disp int, sum neon.Vec) {
				half, quarter := w.of(f, sum)
				f.MulTo(quarter, half)
				f.MulTo(quarter, f.Load(neon.Mem{Base: cur, Disp: disp}))
				f.Store(quarter, neon.Mem{Base: y, Disp: disp})
			})
		})
	})
	file.Func("lrn5TermsNEON", "func(prev, cur, next *float32, n int, k, alpha float32, dy, s, q *float32)", "is lrn5TermsGeneric.", func(f *neon.F) {
		prev, cur, next, dy, s, q := f.Arg("prev"), f.Arg("cur"), f.Arg("next"), f.Arg("dy"), f.Arg("s"), f.Arg("q")
		w := newPowers(f)
		pixels(f, []int{1}, []neon.Reg{prev, cur, next, dy, s, q}, func(int, int) {
			neighbours(f, prev, cur, next, true, func(disp int, sum neon.Vec) {
				half, quarter := w.of(f, sum)
				f.MulTo(quarter, half)
				f.MulTo(quarter, f.Load(neon.Mem{Base: dy, Disp: disp}))
				f.Store(quarter, neon.Mem{Base: s, Disp: disp})
				f.MulTo(quarter, f.Load(neon.Mem{Base: cur, Disp: disp}))
				f.MulTo(quarter, f.Mul(half, half))
				f.Store(quarter, neon.Mem{Base: q, Disp: disp})
			})
		})
	})
	file.Func("lrn5GradNEON", "func(prev, cur, next *float32, n int, factor float32, x, s, dx *float32)", "is lrn5GradGeneric.", func(f *neon.F) {
		prev, cur, next, x, s, dx := f.Arg("prev"), f.Arg("cur"), f.Arg("next"), f.Arg("x"), f.Arg("s"), f.Arg("dx")
		factor := f.ArgVec("factor")
		pixels(f, []int{1}, []neon.Reg{prev, cur, next, x, s, dx}, func(int, int) {
			neighbours(f, prev, cur, next, false, func(disp int, sum neon.Vec) {
				v := f.Load(neon.Mem{Base: s, Disp: disp})
				f.FMA(v, f.Load(neon.Mem{Base: x, Disp: disp}), f.Mul(factor, sum))
				f.Store(v, neon.Mem{Base: dx, Disp: disp})
			})
		})
	})
}

// neighbours loads a pixel of three blocks, squared if need be, and calls body for each quarter with the sum over five
// neighbouring channels.
func neighbours(f *neon.F, prev, cur, next neon.Reg, square bool, body func(disp int, sum neon.Vec)) {
	c := f.Load16(neon.Mem{Base: cur})
	v := []neon.Vec{f.Load(neon.Mem{Base: prev, Disp: 48}), c[0], c[1], c[2], c[3], f.Load(neon.Mem{Base: next})}
	if square {
		for i := range v {
			v[i] = f.Mul(v[i], v[i])
		}
	}
	for q := range 4 {
		before, here, after := v[q], v[q+1], v[q+2]
		sum := f.Add(f.Align(before, here, 2), f.Align(before, here, 3)) // channels c−2 and c−1
		other := f.Add(f.Align(here, after, 1), f.Align(here, after, 2))
		body(16*q, f.Add(f.Add(sum, here), other))
	}
}

// powers computes d^−½ and d^−¼ of d = k + alpha·sum, which must be positive. It starts from the processor's estimate of
// eight bits, which two of Newton's steps bring to sixteen and to nearly 24; a step of the series adds the rest.
type powers struct{ k, alpha, largest, half, one neon.Vec }

func newPowers(f *neon.F) powers {
	const largest = 0x1p127 // keeps infinity from becoming NaN
	return powers{f.ArgVec("k"), f.ArgVec("alpha"), f.Const(largest), f.Const(0.5), f.Const(1)}
}

func (w powers) of(f *neon.F, sum neon.Vec) (half, quarter neon.Vec) {
	d := f.Min(f.MulAdd(sum, w.alpha, w.k), w.largest)
	half, _ = w.root(f, d)
	_, quarter = w.root(f, half)
	return half, quarter
}

// root returns 1/√d and √d.
func (w powers) root(f *neon.F, d neon.Vec) (inverse, root neon.Vec) {
	r := f.RootEstimate(d)
	r = f.Mul(r, f.RootStep(f.Mul(d, r), r))
	h := f.Mul(d, r)
	e := f.Copy(w.one)
	f.FNMA(e, r, h) // 1 − d·r²
	e = f.Mul(e, w.half)
	r, h = f.MulAdd(e, r, r), f.MulAdd(e, h, h)
	// Once more, from what is left.
	e = f.Copy(w.one)
	f.FNMA(e, r, h)
	e = f.Mul(e, w.half)
	return f.MulAdd(e, r, r), f.MulAdd(e, h, h)
}
