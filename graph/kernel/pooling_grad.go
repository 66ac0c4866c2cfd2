package kernel

import "unsafe"

// poolGrad is the gradient of either pooling, a maximum's if there is an argmax.
type poolGrad struct {
	pooling
	// For an average: one over the counted rows of each row of windows, and over the counted columns of
	// each column of windows.
	high, wide []float32
}

var poolGrads kept[poolGrad]

// MaxPoolGrad writes all of dx, the gradient of [MaxPool]'s input, from that of its output and the
// argmax it left.
func MaxPoolGrad(p *Pool, w Window, dy Act, argmax []uint8, dx Act) {
	wantArgmax("MaxPoolGrad", w, &dy, argmax)
	runPoolGrad(p, newPooling("MaxPoolGrad", w, &dx, &dy, argmax))
}

// AvgPoolGrad writes all of dx, the gradient of [AvgPool]'s input.
func AvgPoolGrad(p *Pool, w Window, dy, dx Act) {
	runPoolGrad(p, newPooling("AvgPoolGrad", w, &dx, &dy, nil))
}

func runPoolGrad(p *Pool, shared pooling) {
	t := poolGrads.get()
	t.pooling, t.high, t.wide = shared, t.high[:0], t.wide[:0]
	if w, dy, dx := &t.w, &t.small, &t.big; t.argmax == nil {
		for oh := range dy.H {
			t.high = append(t.high, 1/counted(oh*w.SH-w.PadT, w.KH, dx.H, w.PadB, w.CountPad))
		}
		for ow := range dy.W {
			t.wide = append(t.wide, 1/counted(ow*w.SW-w.PadL, w.KW, dx.W, w.PadR, w.CountPad))
		}
	}
	t.cut = rowsOf(&t.big, 2*t.big.W)
	p.Run(t.cut.tasks(), t)
	t.pooling = pooling{} // let go of the caller's slices
	poolGrads.put(t)
}

// lastWindow returns, for the pixel at i of an axis, the last window that holds it, its place in that window
// and how many windows hold it; windows that lie beyond the end of y don't count.
func lastWindow(i, before, k, step, windows int) (o, tap, n int) {
	i += before
	o, tap = i/step, i%step
	n = min((k-tap+step-1)/step, o+1)
	if over := o - (windows - 1); over > 0 {
		o, tap, n = o-over, tap+over*step, n-over
	}
	return o, tap, max(0, n)
}

func (t *poolGrad) Task(task, _ int) {
	from, to := t.cut.of(task)
	for u := from; u < to; u++ {
		t.row(u/t.big.H, u%t.big.H)
	}
}

// row writes row ih of a plane of dx.
func (t *poolGrad) row(plane, ih int) {
	w, dx, dy := &t.w, &t.big, &t.small
	oh, kh, rows := lastWindow(ih, w.PadT, w.KH, w.SH, dy.H)
	out := rowAt(dx, plane, ih)
	// Pixels a stride apart have the same taps in neighbouring windows.
	for phase := range min(w.SW, dx.W) {
		full := (w.KW - (phase+w.PadL)%w.SW + w.SW - 1) / w.SW // windows that hold a pixel far from the borders
		g := gather{dyRow: dy.W * pixelBytes, rows: rows, step: w.SW * pixelBytes}
		for iw := phase; iw < dx.W; iw += g.n * w.SW {
			ow, kw, cols := lastWindow(iw, w.PadL, w.KW, w.SW, dy.W)
			g.cols, g.n, g.dx = cols, 1, at(out, iw)
			if cols == full && kw < w.SW {
				g.n = min(dy.W-ow, (dx.W-iw+w.SW-1)/w.SW)
			}
			if rows == 0 || cols == 0 {
				for i := range g.n {
					*(*[Block]float32)(unsafe.Add(g.dx, i*g.step)) = [Block]float32{}
				}
				continue
			}
			g.dy = at(rowAt(dy, plane, oh), ow)
			if t.argmax == nil {
				g.high, g.wide = unsafe.Pointer(&t.high[oh]), unsafe.Pointer(&t.wide[ow])
				g.spread()
				continue
			}
			g.arg = unsafe.Pointer(&t.argmax[((plane*dy.H+oh)*dy.W+ow)*Block])
			g.tap, g.tapCol, g.tapRow = kh*w.KW+kw, w.SW, w.SH*w.KW
			g.routed()
		}
	}
}

// A gather is pixels of a row of dx that lie at the same places of as many windows. The windows are
// found by going back from the last that holds the pixel: a row of dy up, the pixel is a stride further
// down in the window. The assembly of this and its like knows the order of the fields.
type gather struct {
	dy         unsafe.Pointer // last window of the first pixel
	dyRow      int            // bytes of a row of dy
	rows, cols int            // windows of each pixel, at least one
	n          int            // pixels
	dx         unsafe.Pointer
	step       int // bytes from pixel to pixel in dx; in dy they are neighbours

	// Of a maximum:
	arg                 unsafe.Pointer // what the last window of the first pixel chose
	tap, tapCol, tapRow int            // what the pixel is called there; how far on in the window to the left and above

	// Of an average:
	high, wide unsafe.Pointer // weights of the last window of the first pixel; those before lie before
}

// routedPortable sums the windows that chose the pixel.
func (g *gather) routedPortable() {
	for i := range g.n {
		var sum [Block]float32
		for r := range g.rows {
			for c := range g.cols {
				chosen := (*[Block]uint8)(unsafe.Add(g.arg, (i-c)*Block-r*g.dyRow/4))
				d := (*[Block]float32)(unsafe.Add(g.dy, (i-c)*pixelBytes-r*g.dyRow))
				tap := uint8(g.tap + r*g.tapRow + c*g.tapCol)
				for j := range sum {
					if chosen[j] == tap {
						sum[j] += d[j]
					}
				}
			}
		}
		*(*[Block]float32)(unsafe.Add(g.dx, i*g.step)) = sum
	}
}

// spreadPortable sums the windows with their weights.
func (g *gather) spreadPortable() {
	for i := range g.n {
		var sum [Block]float32
		for r := range g.rows {
			high := *(*float32)(unsafe.Add(g.high, -4*r))
			for c := range g.cols {
				d := (*[Block]float32)(unsafe.Add(g.dy, (i-c)*pixelBytes-r*g.dyRow))
				f := high * *(*float32)(unsafe.Add(g.wide, 4*(i-c)))
				for j := range sum {
					sum[j] += f * d[j]
				}
			}
		}
		*(*[Block]float32)(unsafe.Add(g.dx, i*g.step)) = sum
	}
}
