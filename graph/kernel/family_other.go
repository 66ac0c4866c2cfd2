//go:build !amd64 || noasm

package kernel

const (
	hasAVX2   = false
	hasAVX512 = false
)
