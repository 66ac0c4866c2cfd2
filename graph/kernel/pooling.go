package kernel

import (
	"fmt"
	"unsafe"
)

// A Window says how pooling walks over a map.
type Window struct {
	KH, KW                 int // rows and columns of the window
	SH, SW                 int // rows and columns from one window to the next
	PadT, PadB, PadL, PadR int // rows and columns of padding around the map

	// Ceil adds a last window that hangs over the border where the steps don't come out even, unless it
	// would start in the padding below or to the right.
	Ceil bool
	// CountPad makes an average count the padding (though not what hangs over it) as zeros. Without it
	// the average is over the pixels of the map alone.
	CountPad bool
}

// MaxWindow is the most pixels that a window of [MaxPool] may have: its index is kept in a byte.
const MaxWindow = 256

// Out returns the size of the result for a map of h×w, by PyTorch's rule.
func (w Window) Out(h, width int) (oh, ow int) {
	return pooledSize(h, w.KH, w.SH, w.PadT, w.PadB, w.Ceil), pooledSize(width, w.KW, w.SW, w.PadL, w.PadR, w.Ceil)
}

func pooledSize(size, k, step, before, after int, ceil bool) int {
	room := size + before + after - k
	if room < 0 {
		return 0
	}
	n := room/step + 1
	if ceil && room%step != 0 && n*step < size+before {
		n++
	}
	return n
}

// Validate says whether the window can walk over a map of h×w.
func (w Window) Validate(h, width int) error {
	switch {
	case w.KH < 1 || w.KW < 1:
		return fmt.Errorf("pooling window is %d×%d, must be at least 1×1", w.KH, w.KW)
	case w.SH < 1 || w.SW < 1:
		return fmt.Errorf("pooling stride is %d×%d, must be at least 1×1", w.SH, w.SW)
	case min(w.PadT, w.PadB, w.PadL, w.PadR) < 0:
		return fmt.Errorf("pooling padding is %d,%d,%d,%d, must not be negative", w.PadT, w.PadB, w.PadL, w.PadR)
	case max(w.PadT, w.PadB) >= w.KH || max(w.PadL, w.PadR) >= w.KW:
		return fmt.Errorf("pooling padding is %d,%d,%d,%d, must be smaller than the window of %d×%d or some windows would be empty", w.PadT, w.PadB, w.PadL, w.PadR, w.KH, w.KW)
	case h < 1 || width < 1 || h+w.PadT+w.PadB < w.KH || width+w.PadL+w.PadR < w.KW:
		return fmt.Errorf("pooling window of %d×%d is larger than the map of %d×%d with its padding of %d,%d,%d,%d", w.KH, w.KW, h, width, w.PadT, w.PadB, w.PadL, w.PadR)
	}
	return nil
}

// ValidateMax is Validate for [MaxPool], whose windows have at most [MaxWindow] pixels.
func (w Window) ValidateMax(h, width int) error {
	if err := w.Validate(h, width); err != nil {
		return err
	}
	if w.KH*w.KW > MaxWindow {
		return fmt.Errorf("max pooling window of %d×%d has %d pixels, must have at most %d", w.KH, w.KW, w.KH*w.KW, MaxWindow)
	}
	return nil
}

// clip returns the part [from, to) of a window of k pixels starting at start that lies on an axis of size pixels.
func clip(start, k, size int) (from, to int) { return max(0, -start), min(k, size-start) }

// pooling is what the four pooling kernels share: big is the map that the windows walk over (x or dx),
// small has a pixel for every window (y or dy).
type pooling struct {
	w          Window
	big, small Act
	argmax     []uint8
	cut        cut // into rows of the map that is written
	// Windows lo ≤ ow < hi lie on the map with all their columns.
	lo, hi int
}

func newPooling(op string, w Window, big, small *Act, argmax []uint8) pooling {
	if err := w.Validate(big.H, big.W); err != nil {
		panic("kernel: " + op + ": " + err.Error())
	}
	oh, ow := w.Out(big.H, big.W)
	wantAct(op, "the larger map", big, big.N, big.C, big.H, big.W)
	wantAct(op, "the smaller map", small, big.N, big.C, oh, ow)
	lo := min(ow, (w.PadL+w.SW-1)/w.SW)
	hi := lo
	if room := big.W + w.PadL - w.KW; room >= 0 {
		hi = max(lo, min(ow, room/w.SW+1))
	}
	return pooling{w: w, big: *big, small: *small, argmax: argmax, lo: lo, hi: hi}
}

// wantArgmax panics unless argmax fits the pooled map and the window's index fits a byte.
func wantArgmax(op string, w Window, small *Act, argmax []uint8) {
	wantLen(op, "argmax", len(argmax), BlockedLen(small.N, small.C, small.H, small.W))
	if w.KH*w.KW > MaxWindow {
		panic(fmt.Sprintf("kernel: %s: window of %d×%d has more than %d pixels", op, w.KH, w.KW, MaxWindow))
	}
}

// rowsOf cuts a batch into tasks of rows; touched is how many pixels are read and written for each.
func rowsOf(a *Act, touched int) cut { return cutUnits(a.N*Blocks(a.C)*a.H, touched*pixelBytes) }

// row returns where a row begins in plane i of a map.
func rowAt(a *Act, i, row int) unsafe.Pointer {
	return unsafe.Pointer(&planeOf(a, i)[row*a.W*Block])
}

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
	w, x, y := &t.w, &t.big, &t.small
	from, to := t.cut.of(task)
	for u := from; u < to; u++ {
		plane, oh := u/y.H, u%y.H
		top := oh*w.SH - w.PadT
		r0, r1 := clip(top, w.KH, x.H)
		s := maxRow{
			xRow: x.W * pixelBytes, step: w.SW * pixelBytes, kh: r1 - r0,
			indexRow: w.KW, y: rowAt(y, plane, oh),
		}
		if t.argmax != nil {
			s.arg = unsafe.Pointer(&t.argmax[(plane*y.H+oh)*y.W*Block])
		}
		in := rowAt(x, plane, top+r0)
		for ow := 0; ow < y.W; ow += s.n {
			left := ow*w.SW - w.PadL
			c0, c1 := clip(left, w.KW, x.W)
			s.x, s.kw, s.index, s.n = at(in, left+c0), c1-c0, r0*w.KW+c0, 1
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
	x               unsafe.Pointer // first tap of the first window
	xRow, step      int            // bytes from row to row of a window, and from window to window
	kh, kw, n       int            // taps of a window; windows
	index, indexRow int            // what the first tap is called, and how far on the next row's are
	y, arg          unsafe.Pointer // arg may be nil
}

func (s *maxRow) runPortable() {
	for i := range s.n {
		first := unsafe.Add(s.x, i*s.step)
		best := *(*[Block]float32)(first)
		var arg [Block]uint8
		for j := range arg {
			arg[j] = uint8(s.index)
		}
		for r := range s.kh {
			for c := range s.kw {
				v := (*[Block]float32)(unsafe.Add(first, r*s.xRow+c*pixelBytes))
				tap := uint8(s.index + r*s.indexRow + c)
				for j, f := range v {
					if f > best[j] || f != f {
						best[j], arg[j] = f, tap
					}
				}
			}
		}
		*(*[Block]float32)(at(s.y, i)) = best
		if s.arg != nil {
			*(*[Block]uint8)(unsafe.Add(s.arg, i*Block)) = arg
		}
	}
}

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

// last returns, for the pixel at i of an axis, the last window that holds it, its place in that window
// and how many windows hold it; windows that lie beyond the end of y don't count.
func last(i, before, k, step, windows int) (o, tap, n int) {
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
	oh, kh, rows := last(ih, w.PadT, w.KH, w.SH, dy.H)
	out := rowAt(dx, plane, ih)
	// Pixels a stride apart have the same taps in neighbouring windows.
	for phase := range min(w.SW, dx.W) {
		full := (w.KW - (phase+w.PadL)%w.SW + w.SW - 1) / w.SW // windows that hold a pixel far from the borders
		g := gather{dyRow: dy.W * pixelBytes, rows: rows, step: w.SW * pixelBytes}
		for iw := phase; iw < dx.W; iw += g.n * w.SW {
			ow, kw, cols := last(iw, w.PadL, w.KW, w.SW, dy.W)
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
				g.spread(unsafe.Pointer(&t.high[oh]), unsafe.Pointer(&t.wide[ow]))
				continue
			}
			arg := unsafe.Pointer(&t.argmax[((plane*dy.H+oh)*dy.W+ow)*Block])
			g.routed(arg, kh*w.KW+kw, w.SH*w.KW, w.SW)
		}
	}
}

// A gather is pixels of a row of dx that lie at the same places of as many windows. The windows are
// found by going back from the last that holds the pixel: a row of dy up, the pixel is a stride further
// down in the window.
type gather struct {
	dy         unsafe.Pointer // last window of the first pixel
	dyRow      int            // bytes of a row of dy
	rows, cols int            // windows of each pixel, at least one
	n          int            // pixels
	dx         unsafe.Pointer
	step       int // bytes from pixel to pixel in dx; in dy they are neighbours
}

// routedPortable sums the windows that chose the pixel: index is what the first pixel is called in its last window,
// indexRow and indexCol are how far on it is in the window above and in the one to the left.
func (g *gather) routedPortable(arg unsafe.Pointer, index, indexRow, indexCol int) {
	for i := range g.n {
		var sum [Block]float32
		for r := range g.rows {
			for c := range g.cols {
				back := i*Block - r*g.dyRow/4 - c*Block
				chosen := (*[Block]uint8)(unsafe.Add(arg, back))
				d := (*[Block]float32)(unsafe.Add(g.dy, back*4))
				tap := uint8(index + r*indexRow + c*indexCol)
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
	scale      float32
	y          unsafe.Pointer
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

// spreadPortable sums the windows with their weights, which lie in high and wide from the first pixel's last window backwards.
func (g *gather) spreadPortable(high, wide unsafe.Pointer) {
	for i := range g.n {
		var sum [Block]float32
		for r := range g.rows {
			var row [Block]float32
			for c := range g.cols {
				d := (*[Block]float32)(unsafe.Add(g.dy, (i-c)*pixelBytes-r*g.dyRow))
				f := *(*float32)(unsafe.Add(wide, 4*(i-c)))
				for j := range row {
					row[j] += f * d[j]
				}
			}
			f := *(*float32)(unsafe.Add(high, -4*r))
			for j := range sum {
				sum[j] += f * row[j]
			}
		}
		*(*[Block]float32)(unsafe.Add(g.dx, i*g.step)) = sum
	}
}

type globalAvgPool struct {
	x   Act
	y   []float32
	cut cut // into planes
}

var globalAvgPools kept[globalAvgPool]

// GlobalAvgPool gives y, a plain N×C matrix, the average of every channel of every image.
func GlobalAvgPool(p *Pool, x Act, y []float32) {
	wantAct("GlobalAvgPool", "x", &x, x.N, x.C, x.H, x.W)
	wantLen("GlobalAvgPool", "y", len(y), x.N*x.C)
	t := globalAvgPool{x, y, cutUnits(x.N*Blocks(x.C), x.H*x.W*pixelBytes)}
	runKept(p, &globalAvgPools, t.cut.tasks(), t)
}

func (t *globalAvgPool) Task(task, _ int) {
	pixels, blocks := t.x.H*t.x.W, Blocks(t.x.C)
	from, to := t.cut.of(task)
	for u := from; u < to; u++ {
		plane := planeOf(&t.x, u)
		var total [Block]float64
		for i := range pieces(pixels) {
			a, b := piece(i, pixels)
			addSums(plane[a*Block:b*Block], &total)
		}
		n, c := u/blocks, u%blocks*Block
		out := t.y[n*t.x.C+c : n*t.x.C+min(c+Block, t.x.C)]
		for j := range out {
			out[j] = float32(total[j] / float64(pixels))
		}
	}
}

type globalAvgPoolGrad struct {
	dy  []float32
	dx  Act
	cut cut // into planes
}

var globalAvgPoolGrads kept[globalAvgPoolGrad]

// GlobalAvgPoolGrad writes all of dx, the gradient of [GlobalAvgPool]'s input, from dy, a plain N×C matrix.
func GlobalAvgPoolGrad(p *Pool, dy []float32, dx Act) {
	wantAct("GlobalAvgPoolGrad", "dx", &dx, dx.N, dx.C, dx.H, dx.W)
	wantLen("GlobalAvgPoolGrad", "dy", len(dy), dx.N*dx.C)
	t := globalAvgPoolGrad{dy, dx, cutUnits(dx.N*Blocks(dx.C), dx.H*dx.W*pixelBytes)}
	runKept(p, &globalAvgPoolGrads, t.cut.tasks(), t)
}

func (t *globalAvgPoolGrad) Task(task, _ int) {
	blocks, c := Blocks(t.dx.C), t.dx.C
	from, to := t.cut.of(task)
	for u := from; u < to; u++ {
		n := u / blocks
		v := lanesOf(t.dy[n*c:(n+1)*c], u%blocks, c, 0)
		for j := range v {
			v[j] /= float32(t.dx.H * t.dx.W)
		}
		plane := planeOf(&t.dx, u)
		for len(plane) > 0 {
			*(*[Block]float32)(plane) = v
			plane = plane[Block:]
		}
	}
}
