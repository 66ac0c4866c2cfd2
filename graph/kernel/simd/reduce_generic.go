package simd

import (
	"math"
	"unsafe"
)

// rowMaxGeneric returns the largest of the numbers that are not NaN, -Inf if there is none.
func rowMaxGeneric(x *float32, n int) float32 {
	top := float32(math.Inf(-1))
	for _, v := range unsafe.Slice(x, n) {
		if v > top {
			top = v
		}
	}
	return top
}

// rowExpGeneric sets y to e^(x−shift) and returns the sum of y.
func rowExpGeneric(x, y *float32, n int, shift float32) float32 {
	var sum float64
	out := unsafe.Slice(y, n)
	for i, v := range unsafe.Slice(x, n) {
		e := exp32(v - shift)
		out[i] = e
		sum += float64(e)
	}
	return float32(sum)
}

func mulToGeneric(y *float32, n int, alpha float32) {
	out := unsafe.Slice(y, n)
	for i := range out {
		out[i] *= alpha
	}
}

func sumSquaresGeneric(x *float32, n int) float64 {
	var sum float64
	for _, v := range unsafe.Slice(x, n) {
		sum += float64(float64(v) * float64(v))
	}
	return sum
}
