package simd

import "unsafe"

// An Affine is what normalisation does to a block of channels: y = (x − Mean)·Scale + Shift. In its
// gradient, dx = Scale·dy + Slope·(x − Mean) + Offset. The assembly knows the order of the fields.
type Affine struct{ Mean, Scale, Shift, Slope, Offset [Block]float32 }

// Slices are of whole pixels. The first one's length counts.

// SumPixels sets sum to the sum of pixels.
func SumPixels(x []float32, sum *[Block]float32) {
	active.sumPixels(hide(unsafe.SliceData(x)), len(x)/Block, hide(&sum[0]))
}

// SumMoments sets d to the sum of the pixels' distances from shift, and q to that of their squares.
func SumMoments(x []float32, shift, d, q *[Block]float32) {
	active.sumMoments(hide(unsafe.SliceData(x)), len(x)/Block, hide(&shift[0]), hide(&d[0]), hide(&q[0]))
}

// Normalise sets y to (x − Mean)·Scale + Shift, clipped as the results of a [Tile].
func Normalise(x, y []float32, a *Affine, clip uintptr) {
	active.normalise[clip](hide(unsafe.SliceData(x)), hide(unsafe.SliceData(y[:len(x)])), len(x)/Block, bytesOf(a))
}

// NormaliseAdd sets y to (x − Mean)·Scale + Shift + r, clipped as the results of a [Tile].
func NormaliseAdd(x, r, y []float32, a *Affine, clip uintptr) {
	active.normaliseAdd[clip](hide(unsafe.SliceData(x)), hide(unsafe.SliceData(r[:len(x)])), hide(unsafe.SliceData(y[:len(x)])), len(x)/Block, bytesOf(a))
}

// SumGrads sets d to the sum of dy, and q to that of dy·(x − Mean), of dy whose result [Normalise] did not clip.
func SumGrads(x, dy []float32, a *Affine, clip uintptr, d, q *[Block]float32) {
	active.sumGrads[clip](hide(unsafe.SliceData(x)), hide(unsafe.SliceData(dy[:len(x)])), len(x)/Block, bytesOf(a), hide(&d[0]), hide(&q[0]))
}

// NormaliseGrad sets dx to Scale·dy + Slope·(x − Mean) + Offset, of dy whose result [Normalise] did not clip.
func NormaliseGrad(x, dy, dx []float32, a *Affine, clip uintptr) {
	active.normaliseGrad[clip](hide(unsafe.SliceData(x)), hide(unsafe.SliceData(dy[:len(x)])), hide(unsafe.SliceData(dx[:len(x)])), len(x)/Block, bytesOf(a))
}

// GradBehind writes the gradient behind an activation that is no clipping to dx, which may be dy. What the activation saw,
// the result of [Normalise], is found from x once more, a few pixels at a time.
func GradBehind(act Activation, x, dy, dx []float32, a *Affine) {
	var room [32 * Block]float32
	for len(x) > 0 {
		n := min(len(x), len(room))
		seen := room[:n]
		Normalise(x[:n], seen, a, Unclipped)
		if act.GradFromResult() {
			Activate(act, seen, seen)
		}
		ActivateGrad(act, seen, dy[:n], dx[:n])
		x, dy, dx = x[n:], dy[n:], dx[n:]
	}
}

// SumLanes writes the sum of each pixel's lanes.
func SumLanes(x, sums []float32) {
	_ = sums[:len(x)/Block]
	active.sumLanes(hide(unsafe.SliceData(x)), len(x)/Block, hide(unsafe.SliceData(sums)))
}

// Layer normalisation takes pixels of a block of channels, and numbers for each pixel.

// LayerMoments adds x − mean to sums, and its square to squares.
func LayerMoments(x, mean, sums, squares []float32) {
	n := len(mean)
	_, _, _ = x[n*Block-1], sums[n*Block-1], squares[n*Block-1]
	active.layerMoments(hide(&x[0]), n, hide(&mean[0]), hide(&sums[0]), hide(&squares[0]))
}

// LayerNormalise sets y to x̂·gamma + beta, where x̂ is (x − mean)·invstd.
func LayerNormalise(x, y, mean, invstd []float32, gamma, beta *[Block]float32) {
	n := len(mean)
	_, _, _ = x[n*Block-1], y[n*Block-1], invstd[n-1]
	active.layerNormalise(hide(&x[0]), hide(&y[0]), n, hide(&mean[0]), hide(&invstd[0]), hide(&gamma[0]), hide(&beta[0]))
}

// LayerSums adds dy·gamma to g and dy·gamma·x̂ to gx, and sets dgamma and dbeta to the pixels' sums of dy·x̂ and of dy.
func LayerSums(x, dy, mean, invstd []float32, gamma *[Block]float32, g, gx []float32, dgamma, dbeta *[Block]float32) {
	n := len(mean)
	_, _, _, _, _ = x[n*Block-1], dy[n*Block-1], invstd[n-1], g[n*Block-1], gx[n*Block-1]
	active.layerSums(hide(&x[0]), hide(&dy[0]), n, hide(&mean[0]), hide(&invstd[0]), hide(&gamma[0]), hide(&g[0]), hide(&gx[0]), hide(&dgamma[0]), hide(&dbeta[0]))
}

// LayerGrad sets dx to invstd·(dy·gamma − meanG − x̂·meanGX).
func LayerGrad(x, dy, dx, mean, invstd []float32, gamma *[Block]float32, meanG, meanGX []float32) {
	n := len(mean)
	_, _, _, _, _, _ = x[n*Block-1], dy[n*Block-1], dx[n*Block-1], invstd[n-1], meanG[n-1], meanGX[n-1]
	active.layerGrad(hide(&x[0]), hide(&dy[0]), hide(&dx[0]), n, hide(&mean[0]), hide(&invstd[0]), hide(&gamma[0]), hide(&meanG[0]), hide(&meanGX[0]))
}

// Local response normalisation over five channels, with the power ¾. A loop takes pixels of a block of channels, and of
// the blocks before and after it.

// LRN5 sets y to x·(k + alpha·Σx²)^−¾.
func LRN5(prev, cur, next []float32, k, alpha float32, y []float32) {
	n := len(cur)
	active.lrn5(hide(unsafe.SliceData(prev[:n])), hide(unsafe.SliceData(cur)), hide(unsafe.SliceData(next[:n])), n/Block, k, alpha, hide(unsafe.SliceData(y[:n])))
}

// LRN5Terms gives s = dy·d^−¾ and q = s·x/d, where d is k + alpha·Σx².
func LRN5Terms(prev, cur, next, dy []float32, k, alpha float32, s, q []float32) {
	n := len(cur)
	active.lrn5Terms(hide(unsafe.SliceData(prev[:n])), hide(unsafe.SliceData(cur)), hide(unsafe.SliceData(next[:n])), n/Block, k, alpha,
		hide(unsafe.SliceData(dy[:n])), hide(unsafe.SliceData(s[:n])), hide(unsafe.SliceData(q[:n])))
}

// LRN5Grad gives dx = s − 1.5·alpha·x·Σq; prev, cur and next hold the q of three blocks.
func LRN5Grad(prev, cur, next, x, s []float32, alpha float32, dx []float32) {
	n := len(cur)
	active.lrn5Grad(hide(unsafe.SliceData(prev[:n])), hide(unsafe.SliceData(cur)), hide(unsafe.SliceData(next[:n])), n/Block, -1.5*alpha,
		hide(unsafe.SliceData(x[:n])), hide(unsafe.SliceData(s[:n])), hide(unsafe.SliceData(dx[:n])))
}
