package simd

import (
	"math"
	"unsafe"
)

// Multipliers of the 32-bit mixer that decides over an element, the lowest-bias one with two rounds
// that C. Wellons's hash prospector found. The second half of the key goes in between the rounds, so
// that the masks of two keys are no shifted copies of each other.
const (
	dropMul0 = 0x21f0aaad
	dropMul1 = 0xd35a2d97
)

// dropoutGeneric keeps b[i] = s[0]·a[i] or sets it to 0, by the number of the element. The index enters the mixer with 32 bits: a
// mask repeats after 2³² elements, 16 GB.
func dropoutGeneric(a, b, s *float32, k *uint32, from, n int) {
	x, y := unsafe.Slice(a, n), unsafe.Slice(b, n)
	key := (*[3]uint32)(unsafe.Pointer(k))
	k0, k1, limit, scale := key[0], key[1], key[2], scalar(s, 0)
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
