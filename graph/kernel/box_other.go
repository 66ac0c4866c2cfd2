//go:build !amd64 || noasm

package kernel

func runBoxSum(rows, cols, boxes, n int, factors *float32, at *int32, step, next int, from *float32, row int, sum *float32, sumRow, sumNext int) {
	boxSumPortable(rows, cols, boxes, n, factors, at, step, next, from, row, sum, sumRow, sumNext)
}

func (r *route) places(rows, pixels int, chosen *uint8, first *[Block]int32, at *int32) {
	r.placesPortable(rows, pixels, chosen, first, at)
}

// spreadHalves copies pixels of half a vector to whole ones with zeros.
func spreadHalves(pixels int, x, y []float32) { spreadHalvesPortable(pixels, &x[0], &y[0]) }

// gatherHalves copies the first halves of pixels.
func gatherHalves(pixels int, x, y []float32) { gatherHalvesPortable(pixels, &x[0], &y[0]) }
