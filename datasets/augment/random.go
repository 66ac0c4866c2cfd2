package augment

import (
	"math"
	"math/bits"
	"math/rand/v2"
)

// Below returns a number from 0 to n-1, each as likely. N must be at least 1. Of math/rand/v2 only
// what the generators put out is promised to stay: what a run's repeatability rests on is drawn by
// this and the functions beside it. They panic without a generator.
func Below(r *rand.Rand, n int) int {
	v, _ := bits.Mul64(r.Uint64(), uint64(n))
	return int(v)
}

// Between returns a number from low to below high, evenly spread.
func Between(r *rand.Rand, low, high float64) float64 {
	return low + float64(unit(r)*(high-low))
}

// Chance is true with probability p.
func Chance(r *rand.Rand, p float64) bool { return unit(r) < p }

// unit returns a number from 0 to below 1.
func unit(r *rand.Rand) float64 { return float64(r.Uint64()>>11) / (1 << 53) }

// normal returns a normally distributed number of mean 0 and deviation 1 (Box & Muller, Ann. Math.
// Statist. 29(2), 1958).
func normal(r *rand.Rand) float64 {
	radius := math.Sqrt(-2 * math.Log(1-unit(r)))
	return radius * math.Cos(2*math.Pi*unit(r))
}

// gamma returns a number of the gamma distribution of that shape and scale 1 (Marsaglia & Tsang, ACM
// TOMS 26(3), 2000).
func gamma(r *rand.Rand, shape float64) float64 {
	boost := 1.0
	if shape < 1 {
		boost = math.Pow(1-unit(r), 1/shape)
		shape++
	}
	d := shape - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := normal(r)
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v *= v * v
		if math.Log(1-unit(r)) < x*x/2+d-d*v+d*math.Log(v) {
			return boost * d * v
		}
	}
}

// beta returns a number of the beta distribution whose two parameters are both a.
func beta(r *rand.Rand, a float64) float64 {
	x, y := gamma(r, a), gamma(r, a)
	if x+y == 0 { // both too small for a float64: the mass is at the ends
		return float64(Below(r, 2))
	}
	return x / (x + y)
}
