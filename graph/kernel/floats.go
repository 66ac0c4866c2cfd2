package kernel

// Floats makes a slice of n zeros. Where it is large, the system is asked to map it in pages of 2 MB in place of 4 KB, if it
// has them: a layer that reads its weights once, from memory, waits less for addresses to be looked up.
func Floats(n int) []float32 {
	s := make([]float32, n)
	inHugePages(s)
	return s
}
