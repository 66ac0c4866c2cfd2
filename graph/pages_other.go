//go:build !linux

package graph

// largePages is a wish that this system is not asked for.
func largePages([]float32) {}
