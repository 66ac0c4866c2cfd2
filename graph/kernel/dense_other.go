//go:build !amd64 || noasm

package kernel

// runDot adds the dot products of rows (dotRows of them) of w and images of x, k long, to out, in the
// order of w's rows.
func runDot(rows, images, k int, w []float32, ldw, next, share int, x []float32, ldx int, out []float32) {
	dotPortable(rows, images, k, w, ldw, x, ldx, out)
}

// runMix adds to each of images rows of y, columns long, some rows of w, times their factors for that
// image: factors[image*ldf+row].
func runMix(images, columns, rows int, w []float32, ldw, share, shares int, factors []float32, ldf int, y []float32, ldy int) {
	mixPortable(images, columns, rows, w, ldw, factors, ldf, y, ldy)
}
