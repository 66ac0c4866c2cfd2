package simd

import "unsafe"

// An Affine is what normalisation does to a block of channels: y = (x − Mean)·Scale + Shift. In its
// gradient, dx = Scale·dy + Slope·(x − Mean) + Offset. The assembly knows the order of the fields.
type Affine struct{ Mean, Scale, Shift, Slope, Offset [Block]float32 }

// Slices are of whole pixels. The first one's length counts.

// SumPixels sets sum to the sum of pixels.
func SumPixels(x []float32, sum *[Block]float32) {
	active.sumPixels(unsafe.SliceData(x), len(x)/Block, hide(&sum[0]))
}

// SumMoments sets d to the sum of the pixels' distances from shift, and q to that of their squares.
func SumMoments(x []float32, shift, d, q *[Block]float32) {
	active.sumMoments(unsafe.SliceData(x), len(x)/Block, hide(&shift[0]), hide(&d[0]), hide(&q[0]))
}

// Normalise sets y to (x − Mean)·Scale + Shift, and to the ReLU of that.
func Normalise(x, y []float32, a *Affine, relu bool) {
	active.normalise[which(relu)](unsafe.SliceData(x), unsafe.SliceData(y[:len(x)]), len(x)/Block, bytesOf(a))
}

// NormaliseAdd sets y to (x − Mean)·Scale + Shift + r, and to the ReLU of that.
func NormaliseAdd(x, r, y []float32, a *Affine, relu bool) {
	active.normaliseAdd[which(relu)](unsafe.SliceData(x), unsafe.SliceData(r[:len(x)]), unsafe.SliceData(y[:len(x)]), len(x)/Block, bytesOf(a))
}

// SumGrads sets d to the sum of dy, and q to that of dy·(x − Mean), of dy that passed the ReLU of [Normalise].
func SumGrads(x, dy []float32, a *Affine, relu bool, d, q *[Block]float32) {
	active.sumGrads[which(relu)](unsafe.SliceData(x), unsafe.SliceData(dy[:len(x)]), len(x)/Block, bytesOf(a), hide(&d[0]), hide(&q[0]))
}

// NormaliseGrad sets dx to Scale·dy + Slope·(x − Mean) + Offset, of dy that passed the ReLU of [Normalise].
func NormaliseGrad(x, dy, dx []float32, a *Affine, relu bool) {
	active.normaliseGrad[which(relu)](unsafe.SliceData(x), unsafe.SliceData(dy[:len(x)]), unsafe.SliceData(dx[:len(x)]), len(x)/Block, bytesOf(a))
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
