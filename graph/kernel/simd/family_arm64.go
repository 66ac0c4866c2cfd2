//go:build arm64 && !noasm

package simd

const (
	hasAVX2   = false
	hasAVX512 = false
	hasNEON   = true // Go runs on no arm64 without
)
