// Package constants has the numbers of the functions that all families compute: those of the generic twins in package
// simd, which their tests compare with.
package constants

// Those of exp32 and tanh32, from Cephes' expf and tanhf.
const (
	ExpLow, ExpHigh       = -104, 88.8
	Log2E                 = 1.44269504088896341
	Ln2High, Ln2Low       = 0.693359375, -2.12194440e-4
	TanhSmall             = 0.625
	TanhLarge             = 10
	SignBit         int32 = -1 << 31
)

// Those of hard sigmoids and of normalCDF32.
const (
	Third, Sixth = 1. / 3, 1. / 6
	PerSqrt2Pi   = 0.39894228040143267794
)

// Polynomials, the highest power's coefficient first.
var (
	ExpPoly  = []float32{1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1, 1}
	TanhPoly = []float32{-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1}
	TailPoly = []float32{ // of normalCDF32
		-0.0291459321, 0.143971705, -0.255714265, 0.159174167, -0.0231098362, 0.105508003, 0.119832868, 0.13986187, 0.139621404,
	}
)
