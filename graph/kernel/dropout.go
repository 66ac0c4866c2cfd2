package kernel

import (
	"fmt"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

// Dropout sets y to x/keep with probability keep and to 0 otherwise. Whether element i is kept is a
// pure function of key and i: the same call on the gradient of y gives that of x, for any number of
// threads and in every kernel family. keep is between 0 and 1. x and y may be the same slice.
func Dropout(p *Pool, keep float32, key uint64, x, y []float32) { DropoutFrom(p, keep, key, 0, x, y) }

// DropoutFrom is [Dropout] of a part of a larger slice, whose element number first x begins with.
func DropoutFrom(p *Pool, keep float32, key uint64, first int, x, y []float32) {
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
	t.k = [3]uint32{uint32(key), uint32(key >> 32), uint32(float64(float64(keep)*(1<<24)) + 0.5)}
	t.numbered, t.first = simd.Loops().Dropout, first
	t.run(p, nil, len(x))
}

// mix64 is the finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
// generators", OOPSLA 2014).
func mix64(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
