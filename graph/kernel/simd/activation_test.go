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

// Activations of data in the first-level cache, in elements a nanosecond.
func BenchmarkActivate(b *testing.B) {
	x, y := make([]float32, 4096), make([]float32, 4096)
	for i := range x {
		x[i] = float32(i)/256 - 8
	}
	for _, f := range Families() {
		for k := range ActivationKinds {
			a := Activation{Kind: k}
			if k == TanhKind {
				a.Amp, a.Slope = 1, 1
			}
			for _, grad := range []bool{false, true} {
				name := f.String() + "/" + a.String()
				if grad {
					name += " gradient"
				}
				b.Run(name, func(b *testing.B) {
					setFamily(b, f)
					for b.Loop() {
						if grad {
							ActivateGrad(a, x, y, y)
						} else {
							Activate(a, x, y)
						}
					}
					b.ReportMetric(float64(len(x))*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "elements/ns")
				})
			}
		}
	}
}
