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

// Lanes without a channel stay zero, also where the function of zero is not.
func TestActivatedPixelsKeepTheirEmptyLanes(t *testing.T) {
	onFamilies(t, func(t *testing.T) {
		for _, channels := range []int{3, 15, 16, 40} {
			for kind := range ActivationKinds {
				a := Activation{Kind: kind}
				if kind == TanhKind {
					a.Amp, a.Slope = 1.5, .5
				}
				pixels := make([]float32, 5*Block)
				for i := range pixels {
					if i%Block < channels {
						pixels[i] = float32(i%11) - 4.5
					}
				}
				want := make([]float32, len(pixels))
				Activate(a, pixels, want)
				ActivatePixels(a, pixels, channels)
				for i, v := range pixels {
					if i%Block >= channels {
						want[i] = 0
					}
					if v != want[i] {
						t.Fatalf("%v of %d channels: lane %d is %v, want %v", a, channels, i, v, want[i])
					}
				}
			}
		}
	})
}
