package kernel

import (
	"unsafe"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

// poolGrad is the gradient of either pooling, a maximum's if there is an argmax.
type poolGrad struct {
	pooling
	// For an average: one over the counted rows of each row of windows, and over the counted columns of
	// each column of windows.
	high, wide []float32
	single     bool // average of all pixels
}

var poolGrads kept[poolGrad]

// MaxPoolGrad writes all of dx, the gradient of [MaxPool]'s input, from that of its output and the
// argmax it left.
func MaxPoolGrad(p *Pool, w Window, dy Act, argmax []uint8, dx Act) {
	wantArgmax("MaxPoolGrad", w, &dy, argmax)
	shared := newPooling("MaxPoolGrad", w, &dx, &dy, argmax)
	if sideBySide(w) {
		runMaxUnpool(p, shared)
		return
	}
	runPoolGrad(p, shared)
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
	t.single = t.argmax == nil && len(t.high)*len(t.wide) == 1 && t.w.KH-t.w.PadT >= t.big.H && t.w.KW-t.w.PadL >= t.big.W
	if t.cut = rowsOf(&t.big, 2*t.big.W); t.single {
		t.cut = cutUnits(t.big.N*Blocks(t.big.C), t.big.H*t.big.W*simd.PixelBytes)
	}
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
		if t.single {
			t.plane(u)
		} else {
			t.row(u/t.big.H, u%t.big.H)
		}
	}
}

// plane writes a plane of dx where one window averages it all: one pixel, again and again.
func (t *poolGrad) plane(i int) {
	const near = 1024 // floats that stay in the first-level cache
	all := t.big.Plane(i)
	g := simd.Gather{
		DY: rowAt(&t.small, i, 0), Rows: 1, Cols: 1, N: 1, DX: unsafe.Pointer(&all[0]),
		High: unsafe.Pointer(&t.high[0]), Wide: unsafe.Pointer(&t.wide[0]),
	}
	g.Spread()
	for n := Block; n < len(all); {
		n += copy(all[n:], all[:min(n, near)])
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
		g := simd.Gather{DYRow: dy.W * simd.PixelBytes, Rows: rows, Step: w.SW * simd.PixelBytes}
		for iw := phase; iw < dx.W; iw += g.N * w.SW {
			ow, kw, cols := lastWindow(iw, w.PadL, w.KW, w.SW, dy.W)
			g.Cols, g.N, g.DX = cols, 1, at(out, iw)
			if cols == full && kw < w.SW {
				g.N = min(dy.W-ow, (dx.W-iw+w.SW-1)/w.SW)
			}
			if rows == 0 || cols == 0 {
				for i := range g.N {
					*(*[Block]float32)(unsafe.Add(g.DX, i*g.Step)) = [Block]float32{}
				}
				continue
			}
			g.DY = at(rowAt(dy, plane, oh), ow)
			if t.argmax == nil {
				g.High, g.Wide = unsafe.Pointer(&t.high[oh]), unsafe.Pointer(&t.wide[ow])
				g.Spread()
				continue
			}
			g.Arg = unsafe.Pointer(&t.argmax[((plane*dy.H+oh)*dy.W+ow)*Block])
			g.Tap, g.TapCol, g.TapRow = kh*w.KW+kw, w.SW, w.SH*w.KW
			g.Routed()
		}
	}
}
