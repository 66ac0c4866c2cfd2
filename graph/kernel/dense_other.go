//go:build !amd64 || noasm

package kernel

// runDot adds the dot products of rows (dotRows of them) of w and images of x, k long, to out, in the
// order of w's rows. There is nothing to say about w[next:].
func runDot(rows, images, k int, w []float32, ldw, next, share int, x []float32, ldx int, out []float32) {
	dotPortable(rows, images, k, w, ldw, x, ldx, out)
}
