package kernel

import "unsafe"

// boxSum is the inner loop of gradients that come through a maximum: it adds up boxes of rows×cols
// vectors that lie anywhere in an array, each times a factor,
//
//	sum[r][c] += Σ_k factors[k] · from[at[k]+r·row+c]
//
// with all sums in registers. Factors and places (in bytes) are step floats apart, rows of from and of
// sum so many floats. It takes no more rows than boxRows says.
func boxSum(rows, cols, n int, factors []float32, at []int32, step int, from []float32, row int, sum []float32, sumRow int) {
	if n == 0 {
		return
	}
	_, _, _ = factors[(n-1)*step], at[(n-1)*step], sum[(rows-1)*sumRow+cols*Block-1]
	runBoxSum(rows, cols, n, &factors[0], &at[0], 4*step, &from[0], 4*row, &sum[0], 4*sumRow)
}

// boxRows is the most rows of a box by family and number of columns, less one.
var boxRows = [...][5]int{
	Portable: {8, 8, 8, 7, 5},
	AVX2:     {7, 3, 2, 1, 1},
	AVX512:   {8, 8, 8, 7, 5},
}

// eachBox calls f for boxes, none too large for boxSum, that together make one of rows×cols: with the
// first row and column of each, and its size.
func eachBox(rows, cols int, f func(r, c, rows, cols int)) {
	runs := ceil(cols, len(boxRows[family]))
	for i := range runs {
		c0, c1 := i*cols/runs, (i+1)*cols/runs
		parts := ceil(rows, boxRows[family][c1-c0-1])
		for j := range parts {
			r0, r1 := j*rows/parts, (j+1)*rows/parts
			f(r0, c0, r1-r0, c1-c0)
		}
	}
}

func boxSumPortable(rows, cols, n int, factors *float32, at *int32, step int, from *float32, row int, sum *float32, sumRow int) {
	for r := range rows {
		for c := range cols {
			s := (*[Block]float32)(unsafe.Add(unsafe.Pointer(sum), r*sumRow+c*Block*4))
			for k := range n {
				f := *(*float32)(unsafe.Add(unsafe.Pointer(factors), k*step))
				place := int(*(*int32)(unsafe.Add(unsafe.Pointer(at), k*step)))
				for i, v := range (*[Block]float32)(unsafe.Add(unsafe.Pointer(from), place+r*row+c*Block*4)) {
					s[i] += f * v
				}
			}
		}
	}
}

// A route turns what max pooling has chosen, row·KW + column of each window, into the places of boxes:
// one for each pixel of the pooled map and each of its sixteen channels. The assembly knows the fields.
type route struct {
	reciprocal int32 // ⌈2¹⁶/KW⌉: (chosen·reciprocal)>>16 is the row, as chosen and KW are below 257
	tap        int32 // bytes from a column of the window to the next
	jump       int32 // and what is to be added for each row
	pixel      int32 // bytes from a pixel of the pooled map to its right neighbour
}

// newRoute gives rows and columns of a window KW wide and pooled pixels these distances, in floats.
func newRoute(kw, row, column, pixel int) route {
	return route{reciprocal: int32(ceil(1<<16, kw)), tap: int32(4 * column), jump: int32(4 * (row - kw*column)), pixel: int32(4 * pixel)}
}

func (r *route) placesPortable(pixels int, chosen *uint8, first *[Block]int32, at *int32) {
	from, to := unsafe.Slice(chosen, pixels*Block), unsafe.Slice(at, pixels*Block)
	for i, c := range from {
		row := int32(c) * r.reciprocal >> 16
		to[i] = first[i%Block] + int32(i/Block)*r.pixel + int32(c)*r.tap + row*r.jump
	}
}
