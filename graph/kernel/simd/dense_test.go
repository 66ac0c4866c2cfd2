package simd

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestNarrowRoundsToTheNearest(t *testing.T) {
	onFamilies(t, func(t *testing.T) {
		exact := make([]float64, 1<<16) // by their definition: sign, five bits of exponent, ten of fraction
		for h := range exact {
			exponent, fraction := h>>10&31, float64(h&1023)/1024
			v := math.Ldexp(1+fraction, exponent-15)
			if exponent == 0 {
				v = math.Ldexp(fraction, -14)
			}
			if exponent == 31 {
				v = math.Inf(1)
			}
			if h>>15 == 1 {
				v = -v
			}
			exact[h] = v
		}
		narrow := func(x ...float32) []uint16 {
			y := make([]uint16, (len(x)+Block-1)/Block*Block)
			Narrow(x, 1, y)
			return y
		}
		for h, v := range exact {
			next := exact[min(h&0x7FFF+1, 0x7C00)|h&0x8000]
			if h&0x7C00 == 0x7C00 || math.IsInf(next, 0) {
				continue
			}
			even := uint16(h + h&1) // of two that are as near
			middle := float32((v + next) / 2)
			got := narrow(float32(v), math.Nextafter32(middle, float32(v)), middle, math.Nextafter32(middle, float32(next)))
			if want := [4]uint16{uint16(h), uint16(h), even, uint16(h + 1)}; [4]uint16(got) != want {
				t.Fatalf("around %g: %x, want %x", v, got[:4], want)
			}
			for i, zero := range got[4:] {
				if zero != 0 {
					t.Fatalf("number %d beyond the end is %x", 4+i, zero)
				}
			}
		}
		inf := float32(math.Inf(1))
		got := narrow(65519.99, 65520, -65520, inf, -inf, float32(math.NaN()), math.MaxFloat32)
		if want := [5]uint16{0x7BFF, 0x7C00, 0xFC00, 0x7C00, 0xFC00}; [5]uint16(got) != want || got[5]&0x7E00 != 0x7E00 || got[6] != 0x7C00 {
			t.Errorf("at the end of the range: %x, want %x, a quiet NaN and 7c00", got[:7], want)
		}
		scaled := make([]uint16, Block)
		if Narrow([]float32{3, -5}, 0.25, scaled); scaled[0] != 0x3A00 || scaled[1] != 0xBD00 {
			t.Errorf("0.75 and -1.25 are %x", scaled[:2])
		}
	})
}

// Weights that 16 bits hold give the same sums as in 32, to the last bit.
func TestHalfDotIsDotOfTheSameWeights(t *testing.T) {
	onFamilies(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		for images := 1; images <= DotInputs(); images++ {
			for _, rows := range []int{1, DotRows(64, images)} {
				for _, k := range []int{1, 7, 8, 9, 15, 16, 17, 40, 100, 1029} {
					ldw := (k+Block-1)/Block*Block + Block*rng.IntN(2)
					w, half := make([]float32, rows*ldw), make([]uint16, rows*ldw)
					for r := range rows {
						for i := range k {
							w[r*ldw+i] = float32(rng.IntN(2047)-1023) / 1024
						}
						Narrow(w[r*ldw:][:k], 1, half[r*ldw:])
					}
					ldx := k + rng.IntN(5)
					x := random(rng, (images-1)*ldx+k)
					want, got := random(rng, rows*images), newGuard(rows*images)
					copy(got.data, want)
					Dot(rows, images, k, w, ldw, 0, 1, x, ldx, want)
					HalfDot(rows, images, k, half, ldw, 0, 1, x, ldx, got.data)
					got.check(t, "sums")
					for i := range want {
						if math.Float32bits(got.data[i]) != math.Float32bits(want[i]) {
							t.Fatalf("%d rows, %d images, %d long: sum %d is %v, of 32 bits %v", rows, images, k, i, got.data[i], want[i])
						}
					}
				}
			}
		}
	})
}
