package kernel

import "unsafe"

type maxPool struct{ pooling }

var maxPools kept[maxPool]

// MaxPool gives y the largest pixel of every window on x; y is N×C×OH×OW with (OH, OW) = w.Out(H, W).
// Padding is never the largest. As in PyTorch, NaN is larger than everything, and of equal pixels
// the first one in the window counts. argmax, as long as a dense blocked y, receives where in its window each
// was found (row·KW + column), which is all that [MaxPoolGrad] needs; it is nil in evaluation.
func MaxPool(p *Pool, w Window, x, y Act, argmax []uint8) {
	t := maxPool{newPooling("MaxPool", w, &x, &y, argmax)}
	if argmax != nil {
		wantArgmax("MaxPool", w, &y, argmax)
	}
	t.cut = rowsOf(&y, w.SH*x.W+y.W)
	runKept(p, &maxPools, t.cut.tasks(), t)
}

func (t *maxPool) Task(task, _ int) {
	const cached = 4 << 20 // bytes of a batch that is probably in a cache
	w, x, y := &t.w, &t.big, &t.small
	large := 4*len(x.Data) > cached
	from, to := t.cut.of(task)
	for u := from; u < to; u++ {
		plane, oh := u/y.H, u%y.H
		top := oh*w.SH - w.PadT
		r0, r1 := clip(top, w.KH, x.H)
		s := maxRow{
			xRow: x.W * pixelBytes, step: w.SW * pixelBytes, kh: r1 - r0,
			y: rowAt(y, plane, oh),
		}
		if t.argmax != nil {
			s.arg = unsafe.Pointer(&t.argmax[(plane*y.H+oh)*y.W*Block])
		}
		in := rowAt(x, plane, top+r0)
		if large { // ask for what the next row will read
			fetch(planeOf(x, plane)[(top+r1)*x.W*Block : min(top+r1+w.SH, x.H)*x.W*Block])
		}
		for ow := 0; ow < y.W; ow += s.n {
			left := ow*w.SW - w.PadL
			c0, c1 := clip(left, w.KW, x.W)
			s.x, s.kw, s.n = at(in, left+c0), c1-c0, 1
			s.index, s.rowJump = r0*w.KW+c0, w.KW-s.kw
			if ow == t.lo && t.hi > t.lo {
				s.n = t.hi - t.lo
			}
			s.run()
			s.y = at(s.y, s.n)
			if s.arg != nil {
				s.arg = unsafe.Add(s.arg, s.n*Block)
			}
		}
	}
}

// A maxRow is neighbouring windows that have the same taps on the map.
type maxRow struct {
	x              unsafe.Pointer // first tap of the first window
	xRow, step     int            // bytes from row to row of a window, and from window to window
	kh, kw, n      int            // taps of a window; windows
	y, arg         unsafe.Pointer // arg may be nil
	index, rowJump int            // what the first tap is called; how many names are left out after each row
}

func (s *maxRow) runPortable() {
	for i := range s.n {
		first := unsafe.Add(s.x, i*s.step)
		best := *(*[Block]float32)(first)
		var arg [Block]uint8
		for j := range arg {
			arg[j] = uint8(s.index)
		}
		tap := s.index
		for r := range s.kh {
			for c := range s.kw {
				v := (*[Block]float32)(unsafe.Add(first, r*s.xRow+c*pixelBytes))
				for j, f := range v {
					if f > best[j] || f != f {
						best[j], arg[j] = f, uint8(tap)
					}
				}
				tap++
			}
			tap += s.rowJump
		}
		*(*[Block]float32)(at(s.y, i)) = best
		if s.arg != nil {
			*(*[Block]uint8)(unsafe.Add(s.arg, i*Block)) = arg
		}
	}
}
