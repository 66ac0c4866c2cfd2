//go:build (!amd64 && !arm64) || noasm

package simd

// pause passes a little time.
func pause(n int) {
	for range 20 * n {
	}
}
