package simd

import (
	"math"
	"unsafe"
)

// mulAdd returns a·b + c, rounded twice on every processor: a product that is converted, as here and wherever in this
// package it goes into a sum, is not fused with the addition, which compilers may do and on arm64 do.
func mulAdd(a, b, c float32) float32 { return float32(a*b) + c }

// scalar returns the i-th scalar of an elementwise loop.
func scalar(s *float32, i int) float32 { return *(*float32)(unsafe.Add(unsafe.Pointer(s), 4*i)) }

func reluGeneric(a, b, c, d, s *float32, n int) {
	x, y := unsafe.Slice(a, n), unsafe.Slice(b, n)
	for i, v := range x {
		y[i] = max(v, 0) // NaN passes
	}
}

func reluGradGeneric(a, b, c, d, s *float32, n int) {
	y, dy, dx := unsafe.Slice(a, n), unsafe.Slice(b, n), unsafe.Slice(c, n)
	for i, v := range y {
		d := math.Float32bits(dy[i]) // an integer, since the compiler selects those without a branch
		if v <= 0 {
			d = 0
		}
		dx[i] = math.Float32frombits(d)
	}
}

func addGeneric(a, b, c, d, s *float32, n int) {
	x, r, y := unsafe.Slice(a, n), unsafe.Slice(b, n), unsafe.Slice(c, n)
	for i, v := range x {
		y[i] = v + r[i]
	}
}

func addReLUGeneric(a, b, c, d, s *float32, n int) {
	x, r, y := unsafe.Slice(a, n), unsafe.Slice(b, n), unsafe.Slice(c, n)
	for i, v := range x {
		y[i] = max(v+r[i], 0)
	}
}

func scaleGeneric(a, b, c, d, s *float32, n int) {
	x, y, alpha := unsafe.Slice(a, n), unsafe.Slice(b, n), scalar(s, 0)
	for i, v := range x {
		y[i] = alpha * v
	}
}

func axpyGeneric(a, b, c, d, s *float32, n int) {
	x, y, alpha := unsafe.Slice(a, n), unsafe.Slice(b, n), scalar(s, 0)
	for i, v := range x {
		y[i] += float32(alpha * v)
	}
}

func fillGeneric(a, b, c, d, s *float32, n int) {
	y, value := unsafe.Slice(a, n), scalar(s, 0)
	for i := range y {
		y[i] = value
	}
}

func tanhGeneric(a, b, c, d, s *float32, n int) {
	x, y, amp, slope := unsafe.Slice(a, n), unsafe.Slice(b, n), scalar(s, 0), scalar(s, 1)
	for i, v := range x {
		y[i] = amp * tanh32(slope*v)
	}
}

func tanhGradGeneric(a, b, c, d, s *float32, n int) {
	y, dy, dx := unsafe.Slice(a, n), unsafe.Slice(b, n), unsafe.Slice(c, n)
	for i, v := range y {
		dx[i] = dy[i] * (scalar(s, 0) - float32(scalar(s, 1)*v*v))
	}
}

// Constants of the exponential and the hyperbolic tangent: S. Moshier, Cephes library, expf and
// tanhf. ln 2 comes in two parts of which the first has few bits, so that its product with an
// exponent is exact; 1.5·2²³ added to a number and taken off again rounds it to an integer.
const (
	expLow, expHigh       = -104, 88.8 // beyond these the result is 0 and +Inf
	log2e                 = 1.44269504088896341
	ln2High, ln2Low       = 0.693359375, -2.12194440e-4
	roundMagic            = 3 << 22
	exp0, exp1, exp2      = 5.0000001201e-1, 1.6666665459e-1, 4.1665795894e-2
	exp3, exp4, exp5      = 8.3334519073e-3, 1.3981999507e-3, 1.9875691500e-4
	tanhSmall, tanhLarge  = 0.625, 10 // polynomial below the first, ±1 above the second
	tanh0, tanh1, tanh2   = -3.33332819422e-1, 1.33314422036e-1, -5.37397155531e-2
	tanh3, tanh4, bias127 = 2.06390887954e-2, -5.70498872745e-3, 127
)

// exp32 is e^x in float32 arithmetic, with an error below 1.5 units in the last place.
func exp32(x float32) float32 {
	if x < expLow {
		x = expLow
	}
	if x > expHigh {
		x = expHigh
	}
	rounded := float32(x*log2e) + roundMagic
	n := int32(math.Float32bits(rounded)) - int32(math.Float32bits(roundMagic))
	f := rounded - roundMagic
	r := x - float32(f*ln2High)
	r -= float32(f * ln2Low)
	q := mulAdd(mulAdd(mulAdd(mulAdd(mulAdd(exp5, r, exp4), r, exp3), r, exp2), r, exp1), r, exp0) * r
	e := mulAdd(q, r, r) + 1
	// The power of two goes on in two steps, since the exponent runs past both ends of float32's.
	half := n >> 1
	e *= math.Float32frombits(uint32(half+bias127) << 23)
	return e * math.Float32frombits(uint32(n-half+bias127)<<23)
}

// tanh32 is tanh x in float32 arithmetic, with an error below 2 units in the last place.
func tanh32(x float32) float32 {
	const sign = 1 << 31
	bits := math.Float32bits(x)
	a := math.Float32frombits(bits &^ sign)
	var r float32
	if a < tanhSmall {
		s := a * a
		r = mulAdd(mulAdd(mulAdd(mulAdd(mulAdd(tanh4, s, tanh3), s, tanh2), s, tanh1), s, tanh0)*s, a, a)
	} else {
		if a > tanhLarge {
			a = tanhLarge
		}
		r = 1 - 2/(exp32(2*a)+1)
	}
	return math.Float32frombits(math.Float32bits(r) | bits&sign)
}
