package graph

import (
	"syscall"
	"unsafe"
)

// largePages asks the system for large pages, of 2 MB as a rule, for memory that nothing has been written to yet. Kernels walk
// along many rows at once, which lie in more small pages than a processor remembers the places of. It is a wish:
// where the system has none, nothing changes.
func largePages(s []float32) {
	const worth = 4 << 20 // bytes that hold a whole one
	if 4*len(s) < worth {
		return
	}
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), 4*len(s))
	page := syscall.Getpagesize()
	b = b[-uintptr(unsafe.Pointer(unsafe.SliceData(b)))%uintptr(page):]
	_ = syscall.Madvise(b[:len(b)/page*page], syscall.MADV_HUGEPAGE)
}
