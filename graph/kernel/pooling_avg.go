package kernel

import "unsafe"

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
		s := sumRow{xRow: x.W * pixelBytes, step: w.SW * pixelBytes, kh: r1 - r0, y: rowAt(y, plane, oh)}
		in := rowAt(x, plane, top+r0)
		for ow := 0; ow < y.W; ow += s.n {
			left := ow*w.SW - w.PadL
			c0, c1 := clip(left, w.KW, x.W)
			s.x, s.kw, s.n = at(in, left+c0), c1-c0, 1
			s.scale = 1 / (high * counted(left, w.KW, x.W, w.PadR, w.CountPad))
			if ow == t.lo && t.hi > t.lo {
				s.n = t.hi - t.lo
			}
			s.run()
			s.y = at(s.y, s.n)
		}
	}
}

// A sumRow is neighbouring windows that have the same taps on the map, to be summed and scaled.
type sumRow struct {
	x          unsafe.Pointer // first tap of the first window
	xRow, step int            // bytes from row to row of a window, and from window to window
	kh, kw, n  int            // taps of a window; windows
	y          unsafe.Pointer
	scale      float32
}

func (s *sumRow) runPortable() {
	for i := range s.n {
		first := unsafe.Add(s.x, i*s.step)
		var sum [Block]float32
		for r := range s.kh {
			for c := range s.kw {
				v := (*[Block]float32)(unsafe.Add(first, r*s.xRow+c*pixelBytes))
				for j := range sum {
					sum[j] += v[j]
				}
			}
		}
		for j := range sum {
			sum[j] *= s.scale
		}
		*(*[Block]float32)(at(s.y, i)) = sum
	}
}
