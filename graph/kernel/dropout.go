package kernel

import (
	"fmt"
	"math"
)

// Dropout sets y to x/keep with probability keep and to 0 otherwise. Whether element i is kept is a
// pure function of key and i: the same call on the gradient of y gives that of x, for any number of
// threads and in every kernel family. keep is between 0 and 1. x and y may be the same slice.
func Dropout(p *Pool, keep float32, key uint64, x, y []float32) {
	sameLen("Dropout", len(x), len(y))
	if !(keep >= 0 && keep <= 1) {
		panic(fmt.Sprintf("kernel: Dropout: keep is %v, not a probability", keep))
	}
	t := vecTasks.Get().(*vecTask)
	t.a, t.b = x, y
	if keep > 0 {
		t.s[0] = 1 / keep
	}
	key = mix64(key + 0x9e3779b97f4a7c15)
	t.k = [3]uint32{uint32(key), uint32(key >> 32), uint32(float64(keep)*(1<<24) + 0.5)}
	t.run(p, vectors().dropout, len(x))
}

// mix64 is the finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
// generators", OOPSLA 2014).
func mix64(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Multipliers of the 32-bit mixer that decides over an element, the lowest-bias one with two rounds
// that C. Wellons's hash prospector found. The second half of the key goes in between the rounds, so
// that the masks of two keys are no shifted copies of each other.
const (
	dropMul0 = 0x21f0aaad
	dropMul1 = 0xd35a2d97
)

// The index enters the mixer with 32 bits: a mask repeats after 2³² elements, 16 GB.
func dropoutPortable(t *vecTask, from, n int) {
	x, y := t.a[from:from+n], t.b[from:from+n]
	k0, k1, limit, scale := t.k[0], t.k[1], t.k[2], t.s[0]
	for i, v := range x {
		h := uint32(from+i) + k0
		h = (h ^ h>>16) * dropMul0
		h = (h ^ h>>15) + k1
		h *= dropMul1
		h ^= h >> 15
		r := math.Float32bits(v * scale) // an integer, since the compiler selects those without a branch
		if h>>8 >= limit {               // 24 bits, so that a signed comparison does
			r = 0
		}
		y[i] = math.Float32frombits(r)
	}
}
