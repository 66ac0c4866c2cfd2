//go:build !amd64 || noasm

package kernel

func runBoxSum(rows, cols, n int, factors *float32, at *int32, step int, from *float32, row int, sum *float32, sumRow int) {
	boxSumPortable(rows, cols, n, factors, at, step, from, row, sum, sumRow)
}

func (r *route) places(pixels int, chosen *uint8, first *[Block]int32, at *int32) {
	r.placesPortable(pixels, chosen, first, at)
}
