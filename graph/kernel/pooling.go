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
	lo, hi := w.whole(big.W, ow)
	return pooling{w: w, big: *big, small: *small, argmax: argmax, lo: lo, hi: hi}
}

// whole returns which of a row's windows lie on a map of so many columns with all of theirs: from lo to hi.
func (w Window) whole(columns, windows int) (lo, hi int) {
	lo = min(windows, (w.PadL+w.SW-1)/w.SW)
	hi = lo
	if room := columns + w.PadL - w.KW; room >= 0 {
		hi = max(lo, min(windows, room/w.SW+1))
	}
	return lo, hi
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

// rowAt returns where a row begins in plane i of a map.
func rowAt(a *Act, i, row int) unsafe.Pointer {
	return unsafe.Pointer(&planeOf(a, i)[row*a.W*Block])
}
