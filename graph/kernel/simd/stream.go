package simd

import "unsafe"

// streamed is the size, in bytes, from which a result is too large to be found in the caches by whoever reads it next.
var streamed = 16 << 20

// StreamFrom sets the size, in bytes, from which results are written by [Stream] as the outermost cache will not keep them,
// and returns what it was: 16 MB unless set. As with [SetFamily], no kernel may run meanwhile, and no plan be used that was
// made before.
func StreamFrom(bytes int) (before int) {
	before, streamed = streamed, bytes
	return before
}

// Streams reports whether a result of so many bytes is better written by [Stream]: a store that goes through the caches
// reads every line from memory first. A family whose Stream is a plain copy gains nothing by it, and does it only if
// StreamFrom asks for it at any size.
func Streams(bytes int) bool { return bytes >= streamed && (active.pastCaches || streamed == 0) }

// OnLines reports whether every pixel of every block begins at a cache line.
func (a *Act) OnLines() bool {
	return uintptr(unsafe.Pointer(unsafe.SliceData(a.Data)))%PixelBytes == 0 && a.Stride%Block == 0
}

// Stream copies x, whole pixels, to y, which begins at a cache line, past the caches. Other threads see it after an
// atomic operation, as all that hands work from one to the other is.
func Stream(x, y []float32) {
	if len(x) > 0 {
		_ = y[len(x)-1]
		active.stream(len(x)/Block, hide(&x[0]), hide(&y[0]))
	}
}
