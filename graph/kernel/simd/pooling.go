package simd

import "unsafe"

// at returns the address of the i-th pixel from p on.
func at(p unsafe.Pointer, pixel int) unsafe.Pointer { return unsafe.Add(p, pixel*PixelBytes) }

// A MaxRow is neighbouring windows that have the same taps on the map. The assembly of this and its like knows the
// order of the fields.
type MaxRow struct {
	X              unsafe.Pointer // first tap of the first window
	XRow, Step     int            // bytes from row to row of a window, and from window to window
	KH, KW, N      int            // taps of a window; windows
	Y, Arg         unsafe.Pointer // Arg may be nil
	Index, RowJump int            // what the first tap is called; how many names are left out after each row
}

// Run writes the largest pixel of each window to Y, and which it was to Arg.
func (s *MaxRow) Run() {
	if s.Arg != nil {
		active.maxArg(bytesOf(s))
	} else {
		active.maxOnly(bytesOf(s))
	}
}

// Unpool is the way back for windows that do not overlap: it writes the number in Y of each window to the tap that
// Arg names, and zero to the window's other taps.
func (s *MaxRow) Unpool() { active.unpool(bytesOf(s)) }

// A SumRow is neighbouring windows that have the same taps on the map, to be summed and scaled.
type SumRow struct {
	X          unsafe.Pointer // first tap of the first window
	XRow, Step int            // bytes from row to row of a window, and from window to window
	KH, KW, N  int            // taps of a window; windows
	Y          unsafe.Pointer
	Scale      float32
}

// Run writes the scaled sum of each window to Y.
func (s *SumRow) Run() { active.sumWindows(bytesOf(s)) }

// A Gather is pixels of a row of dx that lie at the same places of as many windows. The windows are
// found by going back from the last that holds the pixel: a row of dy up, the pixel is a stride further
// down in the window.
type Gather struct {
	DY         unsafe.Pointer // last window of the first pixel
	DYRow      int            // bytes of a row of dy
	Rows, Cols int            // windows of each pixel, at least one
	N          int            // pixels
	DX         unsafe.Pointer
	Step       int // bytes from pixel to pixel in dx; in dy they are neighbours

	// Of a maximum:
	Arg                 unsafe.Pointer // what the last window of the first pixel chose
	Tap, TapCol, TapRow int            // what the pixel is called there; how far on in the window to the left and above

	// Of an average:
	High, Wide unsafe.Pointer // weights of the last window of the first pixel; those before lie before
}

// Routed sums the windows that chose the pixel.
func (g *Gather) Routed() { active.routed(bytesOf(g)) }

// Spread sums the windows with their weights.
func (g *Gather) Spread() { active.spread(bytesOf(g)) }
