package kernel

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

var lrnParams = map[string]LRNParams{
	"AlexNet's":               {Size: 5, K: 2, Alpha: 1e-4, Beta: 0.75},
	"AlexNet's, a big alpha":  {Size: 5, K: 1, Alpha: 0.3, Beta: 0.75},
	"three channels":          {Size: 3, K: 1, Alpha: 0.2, Beta: 0.75},
	"another power":           {Size: 5, K: 1.5, Alpha: 0.2, Beta: 0.5},
	"an even number":          {Size: 4, K: 1, Alpha: 0.2, Beta: 0.75},
	"more channels than some": {Size: 41, K: 1, Alpha: 0.1, Beta: 0.6},
	"one channel, no k":       {Size: 1, K: 0, Alpha: 1, Beta: 0.25},
}

func lrnReference(s mapShape, o LRNParams, x, dy []float64) (y, dx []float64) {
	y, dx = make([]float64, s.len()), make([]float64, s.len())
	beta, alpha := float64(o.Beta), float64(o.Alpha)
	step := s.h * s.w
	for i, v := range x {
		c := i / step % s.c
		from, to := max(0, c-o.Size/2), min(s.c-1, c+(o.Size-1)/2)
		d := float64(o.K)
		for j := from; j <= to; j++ {
			d += alpha * x[i+(j-c)*step] * x[i+(j-c)*step]
		}
		y[i] = v * math.Pow(d, -beta)
		dx[i] += dy[i] * math.Pow(d, -beta)
		for j := from; j <= to; j++ {
			dx[i+(j-c)*step] -= 2 * alpha * beta * dy[i] * v * math.Pow(d, -beta-1) * x[i+(j-c)*step]
		}
	}
	return y, dx
}

func TestLRNAgreesWithStraightLoops(t *testing.T) {
	for name, o := range lrnParams {
		for _, s := range []mapShape{{2, 6, 5, 7}, {1, 17, 9, 8}, {2, 35, 7, 11}, {1, 96, 13, 13}, {1, 1, 1, 1}, {3, 32, 1, 3}} {
			t.Run(fmt.Sprintf("%s, %v", name, s), func(t *testing.T) {
				x, dy := mapRandom(1, s.len(), 0.2), mapRandom(2, s.len(), 0)
				for i := range x {
					x[i] *= 4
				}
				y, dx := lrnReference(s, o, x, dy)
				onEveryMapFamily(t, func(t *testing.T, p *Pool) []float32 {
					in, got, gotDx, over := mapOf(s, x), mapBuffer(s), mapBuffer(s), mapOf(s, dy)
					LRN(p, o, in, got)
					wantNear(t, "y", plainOf(t, got), y, 1e-6)
					LRNGrad(p, o, in, mapOf(s, dy), gotDx)
					wantNear(t, "dx", plainOf(t, gotDx), dx, 1e-6)
					LRNGrad(p, o, in, over, over)
					wantSame(t, "dx in place", plainOf(t, over), plainOf(t, gotDx))
					return append(got.Data, gotDx.Data...)
				})
			})
		}
	}
}

func TestLRNOfHugeNumbers(t *testing.T) {
	onEveryMapFamily(t, func(t *testing.T, p *Pool) []float32 {
		s := mapShape{1, 7, 1, 2}
		x := mapRandom(1, s.len(), 0)
		x[0], x[13] = 1e30, math.NaN() // the first channel's square is beyond float32; the last is NaN
		y := mapBuffer(s)
		LRN(p, LRNParams{Size: 5, K: 1, Alpha: 1, Beta: 0.75}, mapOf(s, x), y)
		got := plainOf(t, y)
		for c := range 3 {
			if v := got[2*c]; !(math.Abs(v) <= 1e4) {
				t.Errorf("channel %d beside a huge one is %v, must be next to nothing", c, v)
			}
		}
		for c := 4; c < 7; c++ {
			if !math.IsNaN(got[2*c+1]) {
				t.Errorf("channel %d beside NaN is %v, must be NaN", c, got[2*c+1])
			}
		}
		return nil
	})
}

func TestLRNValidate(t *testing.T) {
	for _, c := range []struct {
		name string
		o    LRNParams
		want string
	}{
		{"no channels", LRNParams{Size: 0, K: 1}, "over 0 channels"},
		{"a negative k", LRNParams{Size: 5, K: -1}, "k = -1"},
		{"alpha that is not a number", LRNParams{Size: 5, Alpha: float32(math.NaN())}, "alpha = NaN"},
	} {
		t.Run("complains about "+c.name, func(t *testing.T) {
			if err := c.o.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, must say %q", err, c.want)
			}
		})
	}
	t.Run("accepts those of the tests", func(t *testing.T) {
		for name, o := range lrnParams {
			if err := o.Validate(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestLRNAllocatesNothing(t *testing.T) {
	s := mapShape{2, 35, 19, 23}
	x, y := mapBuffer(s), mapBuffer(s)
	wantNoAllocation(t, func(p *Pool) {
		for _, o := range []LRNParams{{Size: 5, K: 2, Alpha: 1e-4, Beta: 0.75}, {Size: 3, K: 2, Alpha: 1e-4, Beta: 0.5}} {
			LRN(p, o, x, y)
			LRNGrad(p, o, x, y, y)
		}
	})
}

func BenchmarkLRN(b *testing.B) {
	o := LRNParams{Size: 5, K: 2, Alpha: 1e-4, Beta: 0.75}
	for _, s := range []mapShape{{8, 96, 55, 55}, {8, 256, 27, 27}} {
		x, dy, y := mapOf(s, mapRandom(1, s.len(), 0)), mapOf(s, mapRandom(2, s.len(), 0)), mapBuffer(s)
		bytes := float64(4 * BlockedLen(s.n, s.c, s.h, s.w))
		benchmarkMap(b, s.String()+"/forward", 2*bytes, func(p *Pool) { LRN(p, o, x, y) })
		benchmarkMap(b, s.String()+"/gradient", 3*bytes, func(p *Pool) { LRNGrad(p, o, x, dy, y) })
	}
}
