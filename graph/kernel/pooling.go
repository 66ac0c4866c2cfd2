package kernel

import (
	"fmt"
	"unsafe"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

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
	lo, hi := w.Whole(big.W, ow)
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
func rowsOf(a *Act, touched int) cut { return cutUnits(a.N*Blocks(a.C)*a.H, touched*simd.PixelBytes) }

// rowAt returns where a row begins in plane i of a map.
func rowAt(a *Act, i, row int) unsafe.Pointer {
	return unsafe.Pointer(&a.Plane(i)[row*a.W*Block])
}
