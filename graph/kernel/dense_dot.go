package kernel

// dotTable is, by family and number of images less one, how many rows of w a dot product takes at
// once: all its sums are in registers. One row is always possible.
var dotTable = [...][]int{
	Portable: {4, 4, 4, 4},
	AVX2:     {6, 4, 3, 2},
	AVX512:   {8, 8, 8, 6, 5, 4, 3, 3},
}

// dotInputs returns the most images that runDot takes at once.
func dotInputs() int { return len(dotTable[family]) }

// dotRows returns how many of some rows runDot takes at once.
func dotRows(rows, images int) int {
	if most := dotTable[family][images-1]; rows >= most {
		return most
	}
	return 1
}

// dotPortable adds the dot products of rows of w and rows of x, k long, to out, in the order of w's rows.
func dotPortable(rows, images, k int, w []float32, ldw int, x []float32, ldx int, out []float32) {
	for r := range rows {
		a := w[r*ldw:][:k]
		for i := range images {
			b := x[i*ldx:][:len(a)]
			var s [4]float32
			j := 0
			for ; j+4 <= len(a); j += 4 {
				a, b := (*[4]float32)(a[j:]), (*[4]float32)(b[j:])
				s[0] += a[0] * b[0]
				s[1] += a[1] * b[1]
				s[2] += a[2] * b[2]
				s[3] += a[3] * b[3]
			}
			for ; j < len(a); j++ {
				s[j%4] += a[j] * b[j]
			}
			out[r*images+i] += s[0] + s[2] + (s[1] + s[3])
		}
	}
}

// mixPortable adds to each of images rows of y, columns long, some rows of w, times their factors for
// that image: factors[image*ldf+row].
func mixPortable(images, columns, rows int, w []float32, ldw int, factors []float32, ldf int, y []float32, ldy int) {
	for i := range images {
		sum := y[i*ldy:][:columns]
		for r := range rows {
			f, row := factors[i*ldf+r], w[r*ldw:][:len(sum)]
			for j := range sum {
				sum[j] += f * row[j]
			}
		}
	}
}
