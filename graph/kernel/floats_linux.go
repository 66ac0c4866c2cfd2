package kernel

import (
	"syscall"
	"unsafe"
)

const (
	hugePage     = 2 << 20
	madvHugePage = 14 // MADV_HUGEPAGE of madvise(2), which package syscall does not name
)

// inHugePages asks for huge pages for the part of a slice that consists of whole ones. That they may be refused changes
// nothing but speed. It comes before anything is written: a page that is there stays small.
func inHugePages(s []float32) {
	at := uintptr(unsafe.Pointer(unsafe.SliceData(s)))
	from, to := (at+hugePage-1)&^(hugePage-1), (at+4*uintptr(len(s)))&^(hugePage-1)
	if from >= to {
		return
	}
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), 4*len(s))
	syscall.Madvise(bytes[from-at:to-at], madvHugePage)
}
