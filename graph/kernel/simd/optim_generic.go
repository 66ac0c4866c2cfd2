package simd

import (
	"math"
	"unsafe"
)

func sgdGeneric(a, b, c, d, s *float32, n int) {
	w, g := unsafe.Slice(a, n), unsafe.Slice(b, n)
	for i, x := range w {
		w[i] = x + float32(scalar(s, 0)*(g[i]+float32(scalar(s, 1)*x)))
	}
}

func sgdMomentumGeneric(a, b, c, d, s *float32, n int) {
	w, g, v := unsafe.Slice(a, n), unsafe.Slice(b, n), unsafe.Slice(c, n)
	for i, x := range w {
		d := g[i] + float32(scalar(s, 1)*x)
		d = float32(scalar(s, 2)*v[i]) + float32(scalar(s, 3)*d)
		v[i] = d
		w[i] = x + float32(scalar(s, 0)*d)
	}
}

func sgdNesterovGeneric(a, b, c, d, s *float32, n int) {
	w, g, v := unsafe.Slice(a, n), unsafe.Slice(b, n), unsafe.Slice(c, n)
	for i, x := range w {
		d := g[i] + float32(scalar(s, 1)*x)
		b := float32(scalar(s, 2)*v[i]) + float32(scalar(s, 3)*d)
		v[i] = b
		w[i] = x + float32(scalar(s, 0)*(d+float32(scalar(s, 2)*b)))
	}
}

func adamGeneric(a, b, c, d, s *float32, n int) {
	w, g, m, v := unsafe.Slice(a, n), unsafe.Slice(b, n), unsafe.Slice(c, n), unsafe.Slice(d, n)
	for i, x := range w {
		d := g[i] + float32(scalar(s, 1)*x)
		x = float32(x * scalar(s, 2))
		m1 := float32(scalar(s, 3)*m[i]) + float32(scalar(s, 4)*d)
		m2 := float32(scalar(s, 5)*v[i]) + float32(scalar(s, 6)*d*d)
		m[i], v[i] = m1, m2
		denom := float32(math.Sqrt(float64(m2)))/scalar(s, 7) + scalar(s, 8)
		w[i] = x + scalar(s, 0)*m1/denom
	}
}

func emaGeneric(a, b, c, d, s *float32, n int) {
	avg, w := unsafe.Slice(a, n), unsafe.Slice(b, n)
	for i, v := range avg {
		avg[i] = v + float32(scalar(s, 0)*(w[i]-v))
	}
}
