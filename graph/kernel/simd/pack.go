package simd

// Bringing matrices into the panels of sixteen columns that tiles read, and back.

// PackColumns writes each of kc columns of lanes ≤ 16 rows, ld floats apart, to its place in dst, sixteen floats with
// zeros behind the last lane: the first column's place is first, the others' are step further each.
func PackColumns(dst []float32, first, step int, src []float32, ld, lanes, kc int) {
	if lanes == Block && kc >= 4 {
		_, _, _ = src[15*ld+kc-1], dst[first:][Block-1], dst[first+(kc-1)*step:][Block-1]
		active.gather(kc, hide(&src[0]), 4*ld, hide(&dst[first]), 4*step)
		return
	}
	for i := range kc {
		row := dst[first+i*step:][:Block]
		for j := range lanes {
			row[j] = src[j*ld+i]
		}
		clear(row[lanes:])
	}
}

// PackTransposed writes kc rows of sixteen floats, the columns of lanes ≤ 16 rows of kc floats, ld
// apart; zeros after them.
func PackTransposed(dst, src []float32, ld, lanes, kc int) {
	PackColumns(dst, 0, Block, src, ld, lanes, kc)
}

// PackRows copies n rows of lanes ≤ 16 floats, ld apart, to rows of sixteen, zeros after them.
func PackRows(dst, src []float32, ld, lanes, n int) {
	if lanes == Block {
		CopyPanels(n, 1, src, ld, dst, 0)
		return
	}
	for i := range n {
		to := dst[i*Block:][:Block]
		clear(to[copy(to, src[i*ld:][:lanes]):])
	}
}

// UnpackColumns writes vectors of lanes ≤ 16 numbers as the columns of so many rows, ld floats apart.
func UnpackColumns(dst, src []float32, ld, lanes int) {
	n := len(src) / Block
	if lanes == Block && n >= 4 {
		_, _ = src[n*Block-1], dst[15*ld+n-1]
		active.scatter(n, hide(&src[0]), hide(&dst[0]), 4*ld)
		return
	}
	for i := range n {
		for lane, v := range src[i*Block:][:lanes] {
			dst[lane*ld+i] = v
		}
	}
}

// CopyPanels copies n rows of 1 or 4 times sixteen floats, ld floats apart, to as many panels of rows of
// sixteen, step floats apart.
func CopyPanels(n, panels int, src []float32, ld int, dst []float32, step int) {
	if n == 0 {
		return
	}
	_, _ = src[(n-1)*ld+panels*Block-1], dst[(panels-1)*step+n*Block-1]
	active.copyPanels[panels](n, hide(&src[0]), 4*ld, hide(&dst[0]), 4*step)
}

// Fetch asks for x, which will be read soon, to come into the second-level cache.
func Fetch(x []float32) {
	if len(x) > 0 {
		active.fetch(ceil(len(x), Block), hide(&x[0]))
	}
}

// AddTo adds x to as many floats of y.
func AddTo(x, y []float32) {
	if len(x) > 0 {
		_ = y[len(x)-1]
		active.addTo(len(x), hide(&x[0]), hide(&y[0]))
	}
}

// Fill sets all of x to a number.
func Fill(x []float32, number float32) {
	if len(x) > 0 {
		active.Fill(hide(&x[0]), nil, nil, nil, hide(&number), len(x))
	}
}
