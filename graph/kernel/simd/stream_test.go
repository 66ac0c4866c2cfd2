package simd

import (
	"math"
	"slices"
	"testing"
	"unsafe"
)

func TestStreamCopiesWholePixels(t *testing.T) {
	onFamilies(t, func(t *testing.T) {
		for _, pixels := range []int{0, 1, 2, 7, 100} {
			x := make([]float32, pixels*Block)
			for i := range x {
				x[i] = float32(i) + 0.5
			}
			room := make([]float32, (pixels+3)*Block)
			skip := int(-(uintptr(unsafe.Pointer(&room[0])) / 4) % Block)
			y := room[skip:][:pixels*Block]
			Stream(x, y)
			if !slices.Equal(x, y) {
				t.Errorf("%d pixels are not copied", pixels)
			}
			for i, v := range room {
				if (i < skip || i >= skip+len(y)) && v != 0 {
					t.Errorf("%d pixels: wrote %g at %d of %d", pixels, v, i-skip, len(y))
				}
			}
		}
	})
}

func TestBatchesOnCacheLines(t *testing.T) {
	room := make([]float32, 100)
	skip := int(-(uintptr(unsafe.Pointer(&room[0])) / 4) % Block)
	for _, k := range []struct {
		from, stride int
		want         bool
	}{{0, 16, true}, {0, 32, true}, {1, 16, false}, {8, 16, false}, {16, 16, true}, {0, 24, false}} {
		a := Act{Data: room[skip+k.from:], N: 1, C: 3, H: 1, W: 1, Stride: k.stride}
		if got := a.OnLines(); got != k.want {
			t.Errorf("from float %d, images %d floats apart: %t, want %t", k.from, k.stride, got, k.want)
		}
	}
}

// Values in pieces of any size have the moments of all of them, however far from zero they lie.
func TestMomentsOfPieces(t *testing.T) {
	values := []float64{1e4 + 1, 1e4 + 3, 1e4 - 2, 1e4 + 7, 1e4, 1e4 - 5, 1e4 + 4}
	for _, cut := range []int{1, 3, 6} {
		var parts [2]Moments
		for i, piece := range [][]float64{values[:cut], values[cut:]} {
			var shift, d, q [Block]float32
			for l := range Block {
				shift[l] = float32(1e4 + float64(l))
				for _, v := range piece {
					away := float32(v - float64(shift[l]))
					d[l] += away
					q[l] += float32(away * away)
				}
			}
			parts[i].Add(len(piece), &shift, &d, &q)
		}
		parts[0].Merge(&parts[1])
		for l := range Block {
			mean, m2 := 1e4+8.0/7, 0.0
			for _, v := range values {
				m2 += (v - mean) * (v - mean)
			}
			if m := &parts[0]; m.N != 7 || math.Abs(m.Mean[l]-mean) > 1e-9*mean || math.Abs(m.M2[l]-m2) > 1e-5*m2 {
				t.Fatalf("cut at %d, lane %d: %g values, mean %g, squares %g; want 7, %g, %g", cut, l, m.N, m.Mean[l], m.M2[l], mean, m2)
			}
		}
	}
}
