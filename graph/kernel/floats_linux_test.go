package kernel

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// The flags of mappings say whether huge pages were asked for: hg.
func TestLargeSlicesAreInHugePages(t *testing.T) {
	if _, err := os.Stat("/sys/kernel/mm/transparent_hugepage/enabled"); err != nil {
		t.Skip("the system has no huge pages: ", err)
	}
	advised := func(at uintptr) bool {
		f, err := os.Open("/proc/self/smaps")
		if err != nil {
			t.Skip(err)
		}
		defer f.Close()
		inside := false
		for lines := bufio.NewScanner(f); lines.Scan(); {
			var from, to uintptr
			if n, _ := fmt.Sscanf(lines.Text(), "%x-%x ", &from, &to); n == 2 {
				inside = from <= at && at < to
			} else if flags, ok := strings.CutPrefix(lines.Text(), "VmFlags:"); ok && inside {
				return strings.Contains(flags+" ", " hg ")
			}
		}
		t.Fatal("the slice is in no mapping")
		return false
	}
	own, err := syscall.Mmap(-1, 0, 2*hugePage, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		t.Skip(err)
	}
	defer syscall.Munmap(own)
	if err := syscall.Madvise(own, madvHugePage); err != nil || !advised(uintptr(unsafe.Pointer(&own[0]))) {
		t.Skip("the system takes no advice on pages, as under an emulator: ", err)
	}
	for _, n := range []int{0, 1, 1000, 16<<20/4 + 3} {
		s := Floats(n)
		if len(s) != n || cap(s) != n && n > 1<<20 {
			t.Fatalf("%d elements, room for %d, of %d", len(s), cap(s), n)
		}
		for i := range s {
			if s[i] != 0 {
				t.Fatalf("element %d is %g", i, s[i])
			}
			s[i] = float32(i)
		}
		if n > 0 {
			if middle := uintptr(unsafe.Pointer(&s[n/2])); n > 1<<20 && !advised(middle) {
				t.Errorf("%d elements are in small pages", n)
			}
		}
	}
}
