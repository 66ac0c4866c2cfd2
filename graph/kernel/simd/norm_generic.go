package simd

import (
	"math"
	"unsafe"
)

// sumPixelsGeneric sums n pixels.
func sumPixelsGeneric(x *float32, n int, sum *float32) {
	var s [Block]float32
	for _, in := range pixels(x, n) {
		for j, v := range in {
			s[j] += v
		}
	}
	*vector(sum) = s
}

// pixels returns n pixels from x on.
func pixels(x *float32, n int) [][Block]float32 {
	return unsafe.Slice((*[Block]float32)(unsafe.Pointer(x)), n)
}

func vector(x *float32) *[Block]float32 { return (*[Block]float32)(unsafe.Pointer(x)) }

// sumMomentsGeneric sums the distances of n pixels from shift, and their squares.
func sumMomentsGeneric(x *float32, n int, shift, d, q *float32) {
	var sd, sq [Block]float32
	middle := vector(shift)
	for _, in := range pixels(x, n) {
		for j, v := range in {
			v -= middle[j]
			sd[j] += v
			sq[j] += float32(v * v)
		}
	}
	*vector(d), *vector(q) = sd, sq
}

// normaliseGeneric is y = (x − mean)·scale + shift for n pixels, clipped; b is an *Affine.
func normaliseGeneric(clip uintptr) func(x, y *float32, n int, b *byte) {
	return func(x, y *float32, n int, b *byte) {
		a, to := (*Affine)(unsafe.Pointer(b)), pixels(y, n)
		for i := range to {
			in, out := &pixels(x, n)[i], &to[i]
			for j, v := range in {
				v = float32((v-a.Mean[j])*a.Scale[j]) + a.Shift[j]
				out[j] = clipped(v, clip)
			}
		}
	}
}

// normaliseAddGeneric is y = (x − mean)·scale + shift + r for n pixels, clipped.
func normaliseAddGeneric(clip uintptr) func(x, r, y *float32, n int, b *byte) {
	return func(x, r, y *float32, n int, b *byte) {
		a, to := (*Affine)(unsafe.Pointer(b)), pixels(y, n)
		for i := range to {
			in, added, out := &pixels(x, n)[i], &pixels(r, n)[i], &to[i]
			for j, v := range in {
				v = float32((v-a.Mean[j])*a.Scale[j]) + a.Shift[j] + added[j]
				out[j] = clipped(v, clip)
			}
		}
	}
}

// sumGradsGeneric sums dy, and dy·(x − mean), of n pixels.
func sumGradsGeneric(clip uintptr) func(x, dy *float32, n int, b *byte, d, q *float32) {
	return func(x, dy *float32, n int, b *byte, d, q *float32) {
		a := (*Affine)(unsafe.Pointer(b))
		var sd, sq [Block]float32
		for i := range n {
			in, g := &pixels(x, n)[i], &pixels(dy, n)[i]
			for j, v := range in {
				v -= a.Mean[j]
				if !passed(float32(v*a.Scale[j])+a.Shift[j], clip) {
					continue
				}
				sd[j] += g[j]
				sq[j] += float32(g[j] * v)
			}
		}
		*vector(d), *vector(q) = sd, sq
	}
}

// normaliseGradGeneric is dx = scale·dy + slope·(x − mean) + offset for n pixels, of dy that was not clipped.
func normaliseGradGeneric(clip uintptr) func(x, dy, dx *float32, n int, b *byte) {
	return func(x, dy, dx *float32, n int, b *byte) {
		a, to := (*Affine)(unsafe.Pointer(b)), pixels(dx, n)
		for i := range to {
			in, g, out := &pixels(x, n)[i], &pixels(dy, n)[i], &to[i]
			for j, v := range in {
				v -= a.Mean[j]
				r := float32(v*a.Slope[j]) + a.Offset[j]
				if passed(float32(v*a.Scale[j])+a.Shift[j], clip) {
					r += float32(g[j] * a.Scale[j])
				}
				out[j] = r
			}
		}
	}
}

// clipped returns v within the bounds of a clip. NaN stays NaN.
func clipped(v float32, clip uintptr) float32 {
	if clip != Unclipped && v < 0 {
		return 0
	}
	if clip == ClipBelow0Above6 && v > 6 {
		return 6
	}
	return v
}

// passed reports whether v lies within the bounds.
func passed(v float32, clip uintptr) bool {
	return clip == Unclipped || v > 0 && (clip == ClipBelow0 || v < 6)
}

// window5 gives s the sums over five neighbouring channels of what is in f, sixteen channels of three blocks.
func window5(f *[3 * Block]float32, s *[Block]float32) {
	for j := range s {
		w := f[Block-2+j:][:5]
		s[j] = w[0] + w[1] + w[2] + w[3] + w[4]
	}
}

func squares(prev, cur, next *[Block]float32, f *[3 * Block]float32) {
	for j := range Block {
		f[j], f[Block+j], f[2*Block+j] = prev[j]*prev[j], cur[j]*cur[j], next[j]*next[j]
	}
}

// lrn5Generic is x·(k + alpha·Σx²)^−¾ for n pixels.
func lrn5Generic(prev, cur, next *float32, n int, k, alpha float32, y *float32) {
	var f [3 * Block]float32
	var s [Block]float32
	to := pixels(y, n)
	for i := range to {
		x := &pixels(cur, n)[i]
		squares(&pixels(prev, n)[i], x, &pixels(next, n)[i], &f)
		window5(&f, &s)
		for j, sum := range s {
			half := 1 / float32(math.Sqrt(float64(k+float32(alpha*sum))))
			to[i][j] = x[j] * half * float32(math.Sqrt(float64(half)))
		}
	}
}

// lrn5TermsGeneric gives s = dy·d^−¾ and q = s·x/d.
func lrn5TermsGeneric(prev, cur, next *float32, n int, k, alpha float32, dy, s, q *float32) {
	var f [3 * Block]float32
	var sums [Block]float32
	scaled, terms := pixels(s, n), pixels(q, n)
	for i := range scaled {
		x, d := &pixels(cur, n)[i], &pixels(dy, n)[i]
		squares(&pixels(prev, n)[i], x, &pixels(next, n)[i], &f)
		window5(&f, &sums)
		for j, sum := range sums {
			half := 1 / float32(math.Sqrt(float64(k+float32(alpha*sum))))
			scaled[i][j] = d[j] * half * float32(math.Sqrt(float64(half)))
			terms[i][j] = scaled[i][j] * x[j] * half * half
		}
	}
}

// lrn5GradGeneric gives dx = s + factor·x·Σq; prev, cur and next hold the q of three blocks.
func lrn5GradGeneric(prev, cur, next *float32, n int, factor float32, x, s, dx *float32) {
	var f [3 * Block]float32
	var sums [Block]float32
	to := pixels(dx, n)
	for i := range to {
		in, scaled := &pixels(x, n)[i], &pixels(s, n)[i]
		copy(f[:], pixels(prev, n)[i][:])
		copy(f[Block:], pixels(cur, n)[i][:])
		copy(f[2*Block:], pixels(next, n)[i][:])
		window5(&f, &sums)
		for j, sum := range sums {
			to[i][j] = scaled[j] + float32(factor*in[j]*sum)
		}
	}
}

// layerMomentsGeneric adds x − mean to sums and its square to squares, pixel by pixel. The mean is the same for all lanes
// of a pixel, as are the other numbers of layer normalisation.
func layerMomentsGeneric(x *float32, n int, mean, sums, squares *float32) {
	first, second := pixels(sums, n), pixels(squares, n)
	for i, m := range unsafe.Slice(mean, n) {
		for j, v := range pixels(x, n)[i] {
			d := v - m
			first[i][j] += d
			second[i][j] += float32(d * d)
		}
	}
}

// layerNormaliseGeneric sets y to x̂·gamma + beta with x̂ = (x − mean)·invstd; gamma and beta are those of a block.
func layerNormaliseGeneric(x, y *float32, n int, mean, invstd, gamma, beta *float32) {
	to, g, b := pixels(y, n), vector(gamma), vector(beta)
	for i, m := range unsafe.Slice(mean, n) {
		s := unsafe.Slice(invstd, n)[i]
		for j, v := range pixels(x, n)[i] {
			to[i][j] = float32((v-m)*s*g[j]) + b[j]
		}
	}
}

// layerSumsGeneric adds dy·gamma to g and dy·gamma·x̂ to gx, pixel by pixel, and sets dgamma and dbeta, those of a block,
// to the sums of dy·x̂ and of dy.
func layerSumsGeneric(x, dy *float32, n int, mean, invstd, gamma, g, gx, dgamma, dbeta *float32) {
	var dg, db [Block]float32
	w, sums, products := vector(gamma), pixels(g, n), pixels(gx, n)
	for i, m := range unsafe.Slice(mean, n) {
		s, d := unsafe.Slice(invstd, n)[i], &pixels(dy, n)[i]
		for j, v := range pixels(x, n)[i] {
			hat := (v - m) * s
			dg[j] += float32(d[j] * hat)
			db[j] += d[j]
			sums[i][j] += float32(d[j] * w[j])
			products[i][j] += float32(d[j] * w[j] * hat)
		}
	}
	*vector(dgamma), *vector(dbeta) = dg, db
}

// layerGradGeneric sets dx to invstd·(dy·gamma − meanG − x̂·meanGX).
func layerGradGeneric(x, dy, dx *float32, n int, mean, invstd, gamma, meanG, meanGX *float32) {
	w, to := vector(gamma), pixels(dx, n)
	for i, m := range unsafe.Slice(mean, n) {
		s, d := unsafe.Slice(invstd, n)[i], &pixels(dy, n)[i]
		first, second := unsafe.Slice(meanG, n)[i], unsafe.Slice(meanGX, n)[i]
		for j, v := range pixels(x, n)[i] {
			to[i][j] = s * (float32(d[j]*w[j]) - first - float32((v-m)*s*second))
		}
	}
}

// sumLanesGeneric writes the sum of each pixel's lanes.
func sumLanesGeneric(x *float32, n int, sums *float32) {
	for i := range n {
		var sum float64
		for _, v := range pixels(x, n)[i] {
			sum += float64(v)
		}
		unsafe.Slice(sums, n)[i] = float32(sum)
	}
}
