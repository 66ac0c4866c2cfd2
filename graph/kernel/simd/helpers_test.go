package simd

import (
	"math"
	"testing"
)

var canary = math.Float32frombits(0x7fc0beef)

// A guard is a slice with canaries on both sides (and in the gaps between images).
type guard struct {
	all, data  []float32
	image, gap int
}

func newGuard(n int) *guard {
	const margin = 64
	g := &guard{all: make([]float32, n+2*margin)}
	for i := range g.all {
		g.all[i] = canary
	}
	g.data = g.all[margin : margin+n : margin+n]
	return g
}

func (g *guard) check(t *testing.T, what string) {
	t.Helper()
	margin := (len(g.all) - len(g.data)) / 2
	for i, v := range g.all {
		at := i - margin
		inside := at >= 0 && at < len(g.data)
		if inside && (g.gap == 0 || at%(g.image+g.gap) < g.image) {
			continue
		}
		if math.Float32bits(v) != math.Float32bits(canary) {
			t.Fatalf("%s: wrote %g at %d, outside of its %d floats", what, v, at, len(g.data))
		}
	}
}

// near fails the test if got is further than tolerance from want, relative in norm.
func near(t *testing.T, what string, got []float32, want []float64, tolerance float64) {
	t.Helper()
	var d, w float64
	for i, v := range want {
		e := float64(got[i]) - v
		d += e * e
		w += v * v
	}
	if e := math.Sqrt(d); !(e <= tolerance*math.Sqrt(w)) {
		t.Errorf("%s: off by %.3g relative in norm, want at most %g", what, e/math.Sqrt(w), tolerance)
	}
}

func onFamilies(t *testing.T, f func(t *testing.T)) {
	for _, fam := range Families() {
		t.Run(fam.String(), func(t *testing.T) {
			setFamily(t, fam)
			f(t)
		})
	}
}

func sameBits(t *testing.T, what string, a, b []float32) {
	t.Helper()
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			t.Fatalf("%s: %g and %g at %d", what, a[i], b[i], i)
		}
	}
}
