package kernel

import "github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"

type avgPool struct{ pooling }

var avgPools kept[avgPool]

// AvgPool gives y the average of every window on x; y is N×C×OH×OW with (OH, OW) = w.Out(H, W).
func AvgPool(p *Pool, w Window, x, y Act) {
	t := avgPool{newPooling("AvgPool", w, &x, &y, nil)}
	t.cut = rowsOf(&y, w.SH*x.W+y.W)
	runKept(p, &avgPools, t.cut.tasks(), t)
}

// counted returns how many of k pixels starting at start an average divides by.
func counted(start, k, size, after int, countPad bool) float32 {
	if countPad {
		return float32(min(k, size+after-start))
	}
	from, to := clip(start, k, size)
	return float32(to - from)
}

func (t *avgPool) Task(task, _ int) {
	w, x, y := &t.w, &t.big, &t.small
	from, to := t.cut.of(task)
	for u := from; u < to; u++ {
		plane, oh := u/y.H, u%y.H
		top := oh*w.SH - w.PadT
		r0, r1 := clip(top, w.KH, x.H)
		high := counted(top, w.KH, x.H, w.PadB, w.CountPad)
		s := simd.SumRow{XRow: x.W * simd.PixelBytes, Step: w.SW * simd.PixelBytes, KH: r1 - r0, Y: rowAt(y, plane, oh)}
		in := rowAt(x, plane, top+r0)
		for ow := 0; ow < y.W; ow += s.N {
			left := ow*w.SW - w.PadL
			c0, c1 := clip(left, w.KW, x.W)
			s.X, s.KW, s.N = at(in, left+c0), c1-c0, 1
			s.Scale = 1 / (high * counted(left, w.KW, x.W, w.PadR, w.CountPad))
			if ow == t.lo && t.hi > t.lo {
				s.N = t.hi - t.lo
			}
			s.Run()
			s.Y = at(s.Y, s.N)
		}
	}
}
