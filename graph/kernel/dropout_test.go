package kernel

import (
	"math"
	"testing"
)

// dropMask returns which of n elements are kept.
func dropMask(p *Pool, keep float32, key uint64, n int) []bool {
	x, y := make([]float32, n), make([]float32, n)
	Fill(p, 1, x)
	Dropout(p, keep, key, x, y)
	mask := make([]bool, n)
	for i, v := range y {
		mask[i] = v != 0
	}
	return mask
}

// agreement returns how far the number of places where a and b agree is from that of independent
// masks, in standard deviations.
func agreement(a, b []bool, keep float64) float64 {
	same := 0
	for i := range a {
		if a[i] == b[i] {
			same++
		}
	}
	n, q := float64(len(a)), keep*keep+(1-keep)*(1-keep)
	return (float64(same) - n*q) / math.Sqrt(n*q*(1-q))
}

func TestDropout(t *testing.T) {
	const n = vecWake + 1234
	p := testPool(t, 2)
	t.Run("keeps the right share, scaled", func(t *testing.T) {
		for _, keep := range []float32{0.1, 0.3, 0.5, 0.6, 0.9, 0.999} {
			x, y := make([]float32, n), make([]float32, n)
			Fill(p, 2, x)
			Dropout(p, keep, 42, x, y)
			kept := 0
			for _, v := range y {
				if v != 0 {
					kept++
					if v != 2*(1/keep) {
						t.Fatalf("keep %v makes %v of 2", keep, v)
					}
				}
			}
			k := float64(keep)
			if z := (float64(kept) - n*k) / math.Sqrt(n*k*(1-k)); math.Abs(z) > 4 {
				t.Errorf("keep %v keeps %d of %d, %.1f standard deviations off", keep, kept, n, z)
			}
		}
	})
	t.Run("keeps all with 1 and nothing with 0", func(t *testing.T) {
		for i, kept := range dropMask(p, 1, 3, n) {
			if !kept {
				t.Fatalf("keep 1 drops element %d", i)
			}
		}
		x, y := make([]float32, n), make([]float32, n)
		Fill(p, 1, x)
		Dropout(p, 0, 3, x, y)
		if s := SumSquares(p, y); s != 0 {
			t.Errorf("keep 0 leaves a sum of squares of %v", s)
		}
	})
	t.Run("makes masks that know nothing of each other or themselves", func(t *testing.T) {
		const keep = 0.5
		var masks [][]bool
		for _, key := range []uint64{0, 1, 2, 3, 1 << 32, 1<<32 + 1, 1 << 63, 0x9e3779b97f4a7c15} {
			masks = append(masks, dropMask(p, keep, key, n))
		}
		for i, a := range masks {
			for _, shift := range []int{1, 2, 3, 4, 7, 8, 16, 64, 256, 361, 1024, 4096, 16384} {
				if z := agreement(a[shift:], a[:n-shift], keep); math.Abs(z) > 4.5 {
					t.Errorf("mask %d and itself shifted by %d: %.1f standard deviations off", i, shift, z)
				}
			}
			for j, b := range masks[:i] {
				for _, shift := range []int{0, 1, 2, 16, 1024} {
					if z := agreement(a[shift:], b[:n-shift], keep); math.Abs(z) > 4.5 {
						t.Errorf("masks %d and %d shifted by %d: %.1f standard deviations off", i, j, shift, z)
					}
				}
			}
		}
	})
	t.Run("makes the same bits in every family, on any number of threads, in place", func(t *testing.T) {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(i%97) - 48.5
		}
		var want []float32
		onFamilies(t, func(t *testing.T) {
			for _, threads := range []int{1, 2, 3} {
				g := newGuarded(n)
				copy(g.v, x)
				Dropout(testPool(t, threads), 0.3, 12345678901234567, g.v, g.v)
				g.check(t, "Dropout")
				if want == nil {
					want = g.v
				}
				if !sameBits(want, g.v) {
					t.Errorf("%d threads give other bits", threads)
				}
			}
		})
	})
	t.Run("decides over an element by its index alone", func(t *testing.T) {
		all := dropMask(p, 0.5, 9, n)
		for _, m := range vecSizes {
			for i, kept := range dropMask(p, 0.5, 9, min(m, n)) {
				if kept != all[i] {
					t.Fatalf("element %d of %d is not as in a longer slice", i, m)
				}
			}
		}
	})
}
