package conv

import (
	"fmt"
	"unsafe"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
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

// MaxWindow is the most pixels that a window of max pooling may have: its index is kept in a byte.
const MaxWindow = 256

// Out returns the size of the result for a map of h×w, by PyTorch's rule.
func (w Window) Out(h, width int) (oh, ow int) {
	return pooledSize(h, w.KH, w.SH, w.PadT, w.PadB, w.Ceil), pooledSize(width, w.KW, w.SW, w.PadL, w.PadR, w.Ceil)
}

func pooledSize(size, k, step, before, after int, ceil bool) int {
	room := size + before + after - k
	if ceil {
		room += step - 1
	}
	if room < 0 {
		return 0
	}
	n := room/step + 1
	if ceil && n > 1 && (n-1)*step >= size+before {
		n--
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
	case h < 1 || width < 1 || pooledSize(h, w.KH, w.SH, w.PadT, w.PadB, w.Ceil) < 1 || pooledSize(width, w.KW, w.SW, w.PadL, w.PadR, w.Ceil) < 1:
		return fmt.Errorf("pooling window of %d×%d is larger than the map of %d×%d with its padding of %d,%d,%d,%d", w.KH, w.KW, h, width, w.PadT, w.PadB, w.PadL, w.PadR)
	}
	return nil
}

// ValidateMax is Validate for max pooling, whose windows have at most [MaxWindow] pixels.
func (w Window) ValidateMax(h, width int) error {
	if err := w.Validate(h, width); err != nil {
		return err
	}
	if w.KH*w.KW > MaxWindow {
		return fmt.Errorf("max pooling window of %d×%d has %d pixels, must have at most %d", w.KH, w.KW, w.KH*w.KW, MaxWindow)
	}
	return nil
}

// Whole returns which of a row's windows lie on a map of so many columns with all of theirs: from lo to hi.
func (w Window) Whole(columns, windows int) (lo, hi int) {
	lo = min(windows, (w.PadL+w.SW-1)/w.SW)
	hi = lo
	if room := columns + w.PadL - w.KW; room >= 0 {
		hi = max(lo, min(windows, room/w.SW+1))
	}
	return lo, hi
}

// MaxRow writes a row of plane i of y, the largest pixels of windows on x. Windows from lo to hi are those of [Window.Whole].
// What each window has chosen goes to argmax, which is as long as y or nil.
func (w *Window) MaxRow(x, y *Act, i, row, lo, hi int, argmax []uint8) {
	w.row(x, y, i, row, lo, hi, argmax, false)
}

// UnpoolRow is the way back of [Window.MaxRow] for windows that do not overlap: it gives the pixels of x that the row's windows
// have chosen the numbers in y, and zero to the windows' other pixels.
func (w *Window) UnpoolRow(x, y *Act, i, row, lo, hi int, argmax []uint8) {
	w.row(x, y, i, row, lo, hi, argmax, true)
}

func (w *Window) row(x, y *Act, i, row, lo, hi int, argmax []uint8, back bool) {
	top := row*w.SH - w.PadT
	r0, r1 := clip(top, w.KH, x.H)
	s := simd.MaxRow{
		XRow: x.W * simd.PixelBytes, Step: w.SW * simd.PixelBytes, KH: r1 - r0,
		Y: unsafe.Pointer(&y.Plane(i)[row*y.W*Block]),
	}
	if argmax != nil {
		s.Arg = unsafe.Pointer(&argmax[(i*y.H+row)*y.W*Block])
	}
	in := unsafe.Pointer(&x.Plane(i)[(top+r0)*x.W*Block])
	for column := 0; column < y.W; column += s.N {
		left := column*w.SW - w.PadL
		c0, c1 := clip(left, w.KW, x.W)
		s.X, s.KW, s.N = unsafe.Add(in, (left+c0)*simd.PixelBytes), c1-c0, 1
		s.Index, s.RowJump = r0*w.KW+c0, w.KW-s.KW
		if column == lo && hi > lo {
			s.N = hi - lo
		}
		if back {
			s.Unpool()
		} else {
			s.Run()
		}
		s.Y = unsafe.Add(s.Y, s.N*simd.PixelBytes)
		if s.Arg != nil {
			s.Arg = unsafe.Add(s.Arg, s.N*Block)
		}
	}
}

// clip returns the part [from, to) of a window of k pixels starting at start that lies on an axis of size pixels.
func clip(start, k, size int) (from, to int) { return max(0, -start), min(k, size-start) }

// mustHaveArgmax panics unless argmax fits the pooled map and the window's index fits a byte.
func (w Window) mustHaveArgmax(small Act, argmax []uint8) {
	mustHaveAll("argmax", len(argmax), simd.BlockedLen(small.N, small.C, small.H, small.W))
	if w.KH*w.KW > MaxWindow {
		panic(fmt.Sprintf("conv: window of %d×%d has more than %d pixels", w.KH, w.KW, MaxWindow))
	}
}

func mustHaveAll(what string, have, want int) {
	if have != want {
		panic(fmt.Sprintf("conv: %s has %d elements, must have %d", what, have, want))
	}
}
