package simd

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func TestBoxSumAgreesWithItsTwin(t *testing.T) {
	onFamilies(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		for cols := range active.boxes {
			for rows := 1; rows <= len(active.boxes[cols]); rows++ {
				for n := 1; n <= 5; n++ {
					wide := max(cols*Block, Block/2)
					s := BoxSum{Boxes: 1 + rng.IntN(3), N: n, Step: 1 + rng.IntN(20), Next: rng.IntN(50), Row: rng.IntN(100), SumRow: wide + rng.IntN(9), SumNext: rng.IntN(200)}
					from := random(rng, 50+(rows-1)*s.Row+wide)
					last := (s.Boxes-1)*s.Next + (n-1)*s.Step
					factors, at := random(rng, last+1), make([]int32, last+1+s.Step)
					for i := range at {
						at[i] = int32(4 * rng.IntN(51))
					}
					sums := newGuard((s.Boxes-1)*s.SumNext + (rows-1)*s.SumRow + wide)
					copy(sums.data, random(rng, len(sums.data)))
					want := append([]float32(nil), sums.data...)
					boxSumGeneric(rows, cols, s.Boxes, n, &factors[0], &at[0], 4*s.Step, 4*s.Next, &from[0], 4*s.Row, &want[0], 4*s.SumRow, 4*s.SumNext)
					s.Run(&Box{0, 0, rows, cols}, factors, at, from, sums.data)
					sums.check(t, "sums")
					near(t, fmt.Sprintf("%d×%d, %+v", rows, cols, s), sums.data, wide64(want), 1e-6)
				}
			}
		}
	})
}

func wide64(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}
