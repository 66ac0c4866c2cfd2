package train

import (
	"os"
	"runtime"
	"strconv"
	"strings"
)

// PeakRSS returns the most memory in bytes that the process has had at one time: Linux's VmHWM, which
// unlike getrusage does not count the program that started this one; elsewhere what the Go runtime has
// taken from the system.
func PeakRSS() int64 {
	if text, err := os.ReadFile("/proc/self/status"); err == nil {
		for line := range strings.Lines(string(text)) {
			if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
				if kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64); err == nil {
					return kb << 10
				}
			}
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys - m.HeapReleased)
}
