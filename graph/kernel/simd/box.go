package simd

// A BoxSum is the inner loop of gradients that come through a maximum. It adds up boxes of rows×cols
// vectors that lie anywhere in an array, each times a factor, for one sum after the other:
//
//	sum[b·SumNext+r·SumRow+c] += Σ_k factors[b·Next+k·Step] · from[at[b·Next+k·Step]+r·Row+c]
//
// for b < Boxes and k < N, with all of a sum in registers. Distances are in floats, but places in bytes.
// Behind the last place it reads one more.
type BoxSum struct {
	Boxes, N        int
	Step, Next      int
	Row             int
	SumRow, SumNext int
}

// A Box is a part of a larger one that has as many rows as a BoxSum takes of its columns; no columns are half of one.
type Box struct{ R, C, Rows, Cols int }

// A boxLoop is the loop for boxes of one size.
type boxLoop func(boxes, n int, factors *float32, at *int32, step, next int, from *float32, row int, sum *float32, sumRow, sumNext int)

// CutBox cuts a box into such as a BoxSum takes.
func CutBox(rows, cols int) []Box {
	var all []Box
	runs := max(1, ceil(cols, len(active.boxes)-1))
	for i := range runs {
		c0, c1 := i*cols/runs, (i+1)*cols/runs
		parts := ceil(rows, len(active.boxes[c1-c0]))
		for j := range parts {
			r0, r1 := j*rows/parts, (j+1)*rows/parts
			all = append(all, Box{r0, c0, r1 - r0, c1 - c0})
		}
	}
	return all
}

// Run adds up boxes of the size of b.
func (s *BoxSum) Run(b *Box, factors []float32, at []int32, from, sum []float32) {
	last := (s.Boxes-1)*s.Next + (s.N-1)*s.Step
	_, _, _ = factors[last], at[last+s.Step], sum[(s.Boxes-1)*s.SumNext+(b.Rows-1)*s.SumRow+max(b.Cols*Block, Block/2)-1]
	active.boxes[b.Cols][b.Rows-1](s.Boxes, s.N, &factors[0], &at[0], 4*s.Step, 4*s.Next, &from[0], 4*s.Row, &sum[0], 4*s.SumRow, 4*s.SumNext)
}

// A Route turns what max pooling has chosen, row·KW + column of each window, into the places of boxes:
// one for each pixel of the pooled map and each of its sixteen channels. The assembly knows the fields.
type Route struct {
	reciprocal int32 // ⌈2¹⁶/KW⌉: (chosen·reciprocal)>>16 is the row, as chosen and KW are below 257
	tap        int32 // bytes from a column of the window to the next
	jump       int32 // and what is to be added for each row
	pixel, row int32 // bytes from a pixel of the pooled map to the next, and to the one below
}

// NewRoute is for windows kw wide. It is told the distances between the boxes of a window's rows and of
// its columns, and between the boxes of windows that are neighbours, or one above the other, in floats.
func NewRoute(kw, row, column, right, below int) Route {
	return Route{int32(ceil(1<<16, kw)), int32(4 * column), int32(4 * (row - kw*column)), int32(4 * right), int32(4 * below)}
}

// Places writes the places of the boxes of rows×pixels windows, of which the first one's sixteen are given.
func (r *Route) Places(rows, pixels int, chosen *uint8, first *[Block]int32, at *int32) {
	active.places(rows, pixels, chosen, hide(&first[0]), bytesOf(r), at)
}

// SpreadHalves copies pixels of half a vector to whole ones with zeros.
func SpreadHalves(pixels int, x, y []float32) {
	_, _ = x[pixels*Block/2-1], y[pixels*Block-1]
	active.spreadHalves(pixels, &x[0], &y[0])
}

// GatherHalves copies the first halves of pixels.
func GatherHalves(pixels int, x, y []float32) {
	_, _ = x[(pixels-1)*Block+Block/2-1], y[pixels*Block/2-1]
	active.gatherHalves(pixels, &x[0], &y[0])
}
