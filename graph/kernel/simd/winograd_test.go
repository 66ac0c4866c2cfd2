package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

func TestWinogradTransformsAgreeWithTheirTwins(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	const most = 5
	const rowPixels = 4*most + 3
	pitch := (most | 1) * Block
	vectors := random(rng, 36*pitch)
	pixels := random(rng, 6*rowPixels*Block)
	residual := random(rng, 4*rowPixels*Block)
	filters := random(rng, most*9*Block)
	large := random(rng, most*25*Block)
	bias := random(rng, Block)
	row := rowPixels * Block * 4
	var open, closed [2 * Block]float32
	for i := range Block {
		open[i], open[Block+i] = float32(math.Inf(-1)), float32(math.Inf(1))
		closed[i], closed[Block+i] = 0, 1.5
	}
	transforms := []struct {
		name   string
		floats int
		run    func(n int, to []float32)
	}{
		{"input", 36 * pitch, func(n int, to []float32) { F43.Input(n, &pixels[0], row, &to[0], pitch*4) }},
		{"output", 4 * rowPixels * Block, func(n int, to []float32) {
			F43.Output(n, &vectors[0], pitch*4, &to[0], row, nil, &bias[0], &open[0])
		}},
		{"output with residual, clipped", 4 * rowPixels * Block, func(n int, to []float32) {
			F43.Output(n, &vectors[0], pitch*4, &to[0], row, &residual[0], &bias[0], &closed[0])
		}},
		{"input of 2×2", 16 * pitch, func(n int, to []float32) { F23.Input(n, &pixels[0], row, &to[0], pitch*4) }},
		{"output of 2×2", 2 * rowPixels * Block, func(n int, to []float32) {
			F23.Output(n, &vectors[0], pitch*4, &to[0], row, nil, &bias[0], &open[0])
		}},
		{"output of 2×2 with residual, clipped", 2 * rowPixels * Block, func(n int, to []float32) {
			F23.Output(n, &vectors[0], pitch*4, &to[0], row, &residual[0], &bias[0], &closed[0])
		}},
		{"filter of 2×2", 16 * pitch, func(n int, to []float32) { F23.Filter(n, &filters[0], &to[0], pitch*4) }},
		{"input of 2×2 from 5×5", 36 * pitch, func(n int, to []float32) { F25.Input(n, &pixels[0], row, &to[0], pitch*4) }},
		{"output of 2×2 from 5×5", 2 * rowPixels * Block, func(n int, to []float32) {
			F25.Output(n, &vectors[0], pitch*4, &to[0], row, nil, &bias[0], &open[0])
		}},
		{"output of 2×2 from 5×5 with residual, clipped", 2 * rowPixels * Block, func(n int, to []float32) {
			F25.Output(n, &vectors[0], pitch*4, &to[0], row, &residual[0], &bias[0], &closed[0])
		}},
		{"filter of 2×2 from 5×5", 36 * pitch, func(n int, to []float32) { F25.Filter(n, &large[0], &to[0], pitch*4) }},
		{"filter", 36 * pitch, func(n int, to []float32) { F43.Filter(n, &filters[0], &to[0], pitch*4) }},
		{"gradient of the output", 36 * pitch, func(n int, to []float32) { WinogradOutputGrad(n, &pixels[0], row, &to[0], pitch*4) }},
		{"gradient of the filter", 9 * most * Block, func(n int, to []float32) { WinogradFilterGrad(n, &vectors[0], pitch*4, &to[0]) }},
	}
	onFamilies(t, func(t *testing.T) {
		f := CurrentFamily()
		for _, k := range transforms {
			for n := 1; n <= most; n++ {
				t.Run(fmt.Sprintf("%s of %d tiles", k.name, n), func(t *testing.T) {
					got, want := newGuard(k.floats), newGuard(k.floats)
					setFamily(t, Generic)
					k.run(n, want.data)
					setFamily(t, f)
					k.run(n, got.data)
					got.check(t, k.name)
					expected := make([]float64, 0, k.floats)
					var result []float32
					for i, v := range want.data {
						// What the twin leaves alone, the assembly must.
						if untouched := math.Float32bits(v) == math.Float32bits(canary); untouched {
							if math.Float32bits(got.data[i]) != math.Float32bits(v) {
								t.Fatalf("wrote at %d of %d", i, k.floats)
							}
							continue
						}
						expected, result = append(expected, float64(v)), append(result, got.data[i])
					}
					if len(expected) == 0 {
						t.Fatal("nothing was written")
					}
					near(t, k.name, result, expected, 3e-7)
				})
			}
		}
	})
}
