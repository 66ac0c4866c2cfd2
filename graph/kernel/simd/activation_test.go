package simd

import (
	"math"
	"testing"
)

// The tail matters to products with large weights: it must not be lost against 1.
func TestNormalCDFInBothTails(t *testing.T) {
	for x := float32(-9); x < 9; x += 0.003 {
		got, want := float64(normalCDF32(x)), math.Erfc(-float64(x)/math.Sqrt2)/2
		if e := math.Abs(got-want) / want; !(e < 9e-7+1.2e-7*float64(x*x)) {
			t.Fatalf("Φ(%g) is %g, want %g (relative error %.2g)", x, got, want, e)
		}
	}
}
