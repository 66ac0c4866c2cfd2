package kernel

import "testing"

// modernShapes have odd sizes, channels that fill no block, and planes of several pieces.
var modernShapes = []mapShape{{2, 16, 5, 7}, {3, 35, 3, 3}, {1, 96, 17, 19}, {2, 5, 1, 1}, {1, 3, 40, 41}, {5, 17, 8, 1}}

func TestExciteAgreesWithStraightLoops(t *testing.T) {
	for _, c := range modernShapes {
		t.Run(c.String(), func(t *testing.T) {
			x, dy, s := mapRandom(1, c.len(), 0.5), mapRandom(2, c.len(), 0), mapRandom(3, c.n*c.c, 0.3)
			y, dx, ds := make([]float64, c.len()), make([]float64, c.len()), make([]float64, c.n*c.c)
			area := c.h * c.w
			for i, v := range x {
				y[i], dx[i] = v*s[i/area], dy[i]*s[i/area]
				ds[i/area] += dy[i] * v
			}
			onEveryMapFamily(t, func(t *testing.T, p *Pool) []float32 {
				got, gotDx, gotDs := mapBuffer(c), mapBuffer(c), make([]float32, c.n*c.c)
				Excite(p, mapOf(c, x), narrow(s), got)
				wantNear(t, "y", plainOf(t, got), y, 1e-7)
				ExciteGrad(p, mapOf(c, x), narrow(s), mapOf(c, dy), gotDx, gotDs)
				wantNear(t, "dx", plainOf(t, gotDx), dx, 1e-7)
				wantNear(t, "ds", widen(gotDs), ds, 1e-6)
				inPlace := mapOf(c, dy)
				ExciteGrad(p, mapOf(c, x), narrow(s), inPlace, inPlace, gotDs)
				wantSame(t, "dx over dy", plainOf(t, inPlace), plainOf(t, gotDx))
				return append(append(got.Data, gotDx.Data...), gotDs...)
			})
		})
	}
}

func TestChannelDotsAgreeWithStraightLoops(t *testing.T) {
	for _, c := range modernShapes {
		t.Run(c.String(), func(t *testing.T) {
			x, y, want := mapRandom(1, c.len(), 0.5), mapRandom(2, c.len(), 1), make([]float64, c.c)
			for i, v := range x {
				want[i/(c.h*c.w)%c.c] += v * y[i]
			}
			onEveryMapFamily(t, func(t *testing.T, p *Pool) []float32 {
				got := make([]float32, c.c)
				ChannelDots(p, mapOf(c, x), mapOf(c, y), got)
				wantNear(t, "dots", widen(got), want, 1e-6)
				return got
			})
		})
	}
}

func TestExciteAllocatesNothing(t *testing.T) {
	c := mapShape{2, 35, 9, 7}
	x, dy, y := mapBuffer(c), mapBuffer(c), mapBuffer(c)
	s, ds, dots := make([]float32, 70), make([]float32, 70), make([]float32, 35)
	wantNoAllocation(t, func(p *Pool) {
		Excite(p, x, s, y)
		ExciteGrad(p, x, s, dy, y, ds)
		ChannelDots(p, x, dy, dots)
	})
}
