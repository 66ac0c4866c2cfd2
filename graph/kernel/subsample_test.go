package kernel

import (
	"fmt"
	"testing"
)

func TestSubsampleAgreesWithStraightLoops(t *testing.T) {
	for _, c := range []struct {
		s                        mapShape
		stride, channels, offset int
	}{
		{mapShape{2, 16, 32, 32}, 2, 32, 8}, // He et al.'s CIFAR networks
		{mapShape{1, 32, 16, 16}, 2, 64, 16},
		{mapShape{2, 6, 7, 9}, 2, 17, 5},
		{mapShape{1, 35, 5, 4}, 3, 70, 21},
		{mapShape{1, 17, 3, 5}, 1, 17, 0},
	} {
		t.Run(fmt.Sprintf("%v by %d to %d channels from %d on", c.s, c.stride, c.channels, c.offset), func(t *testing.T) {
			small := mapShape{c.s.n, c.channels, (c.s.h + c.stride - 1) / c.stride, (c.s.w + c.stride - 1) / c.stride}
			x, dy := mapRandom(1, c.s.len(), 0), mapRandom(2, small.len(), 0)
			y, dx := make([]float64, small.len()), make([]float64, c.s.len())
			for n := range c.s.n {
				for ch := range c.s.c {
					for o := range small.h * small.w {
						i := o/small.w*c.stride*c.s.w + o%small.w*c.stride
						small.plane(y, n, ch+c.offset)[o] = c.s.plane(x, n, ch)[i]
						c.s.plane(dx, n, ch)[i] = small.plane(dy, n, ch+c.offset)[o]
					}
				}
			}
			onEveryMapFamily(t, func(t *testing.T, p *Pool) []float32 {
				got, gotDx := mapBuffer(small), mapBuffer(c.s)
				Subsample(p, mapOf(c.s, x), c.stride, got, c.offset)
				wantSame(t, "y", plainOf(t, got), y)
				SubsampleGrad(p, mapOf(small, dy), c.stride, gotDx, c.offset)
				wantSame(t, "dx", plainOf(t, gotDx), dx)
				return append(got.Data, gotDx.Data...)
			})
		})
	}
}

func TestSubsampleAllocatesNothing(t *testing.T) {
	x, y := mapBuffer(mapShape{2, 35, 19, 23}), mapBuffer(mapShape{2, 70, 10, 12})
	wantNoAllocation(t, func(p *Pool) {
		Subsample(p, x, 2, y, 17)
		SubsampleGrad(p, y, 2, x, 17)
	})
}
