package kernel

import "unsafe"

// A boxSum is the inner loop of gradients that come through a maximum. It adds up boxes of rows×cols
// vectors that lie anywhere in an array, each times a factor, for one sum after the other:
//
//	sum[b·sumNext+r·sumRow+c] += Σ_k factors[b·next+k·step] · from[at[b·next+k·step]+r·row+c]
//
// for b < boxes and k < n, with all of a sum in registers. Distances are in floats, but places in bytes.
// Behind the last place it reads one more.
type boxSum struct {
	boxes, n        int
	step, next      int
	row             int
	sumRow, sumNext int
}

// A box is a part of a larger one that has as many rows as boxSum takes of its columns.
type box struct{ r, c, rows, cols int }

// boxRows is the most rows of a box by family and number of columns. No columns are half of one.
var boxRows = [...][6]int{
	Portable: {8, 8, 8, 8, 7, 5},
	AVX2:     {7, 7, 3, 2, 1, 1},
	AVX512:   {8, 8, 8, 8, 7, 5},
}

// cutBox cuts a box into such that boxSum takes.
func cutBox(rows, cols int) []box {
	var all []box
	runs := max(1, ceil(cols, len(boxRows[family])-1))
	for i := range runs {
		c0, c1 := i*cols/runs, (i+1)*cols/runs
		parts := ceil(rows, boxRows[family][c1-c0])
		for j := range parts {
			r0, r1 := j*rows/parts, (j+1)*rows/parts
			all = append(all, box{r0, c0, r1 - r0, c1 - c0})
		}
	}
	return all
}

func (s *boxSum) run(b *box, factors []float32, at []int32, from, sum []float32) {
	last := (s.boxes-1)*s.next + (s.n-1)*s.step
	_, _, _ = factors[last], at[last+s.step], sum[(s.boxes-1)*s.sumNext+(b.rows-1)*s.sumRow+max(b.cols*Block, Block/2)-1]
	runBoxSum(b.rows, b.cols, s.boxes, s.n, &factors[0], &at[0], 4*s.step, 4*s.next, &from[0], 4*s.row, &sum[0], 4*s.sumRow, 4*s.sumNext)
}

func boxSumPortable(rows, cols, boxes, n int, factors *float32, at *int32, step, next int, from *float32, row int, sum *float32, sumRow, sumNext int) {
	lanes := min(Block, max(cols*Block, Block/2))
	for b := range boxes {
		for r := range rows {
			for c := range max(cols, 1) {
				s := unsafe.Slice((*float32)(unsafe.Add(unsafe.Pointer(sum), b*sumNext+r*sumRow+c*Block*4)), lanes)
				for k := range n {
					f := *(*float32)(unsafe.Add(unsafe.Pointer(factors), b*next+k*step))
					place := int(*(*int32)(unsafe.Add(unsafe.Pointer(at), b*next+k*step)))
					for i, v := range unsafe.Slice((*float32)(unsafe.Add(unsafe.Pointer(from), place+r*row+c*Block*4)), lanes) {
						s[i] += f * v
					}
				}
			}
		}
	}
}

// spreadHalvesPortable copies pixels of half a vector to whole ones with zeros.
func spreadHalvesPortable(pixels int, x, y *float32) {
	from, to := unsafe.Slice(x, pixels*Block/2), unsafe.Slice(y, pixels*Block)
	for i := range pixels {
		copy(to[i*Block:], from[i*Block/2:][:Block/2])
		clear(to[i*Block+Block/2:][:Block/2])
	}
}

// gatherHalvesPortable copies the first halves of pixels.
func gatherHalvesPortable(pixels int, x, y *float32) {
	from, to := unsafe.Slice(x, (pixels-1)*Block+Block/2), unsafe.Slice(y, pixels*Block/2)
	for i := range pixels {
		copy(to[i*Block/2:], from[i*Block:][:Block/2])
	}
}

// A route turns what max pooling has chosen, row·KW + column of each window, into the places of boxes:
// one for each pixel of the pooled map and each of its sixteen channels. The assembly knows the fields.
type route struct {
	reciprocal int32 // ⌈2¹⁶/KW⌉: (chosen·reciprocal)>>16 is the row, as chosen and KW are below 257
	tap        int32 // bytes from a column of the window to the next
	jump       int32 // and what is to be added for each row
	pixel, row int32 // bytes from a pixel of the pooled map to the next, and to the one below
}

// newRoute is for windows kw wide. It is told the distances between the boxes of a window's rows and of
// its columns, and between the boxes of windows that are neighbours, or one above the other, in floats.
func newRoute(kw, row, column, right, below int) route {
	return route{int32(ceil(1<<16, kw)), int32(4 * column), int32(4 * (row - kw*column)), int32(4 * right), int32(4 * below)}
}

func (r *route) placesPortable(rows, pixels int, chosen *uint8, first *[Block]int32, at *int32) {
	from, to := unsafe.Slice(chosen, rows*pixels*Block), unsafe.Slice(at, rows*pixels*Block)
	for i, c := range from {
		p := i / Block
		place := first[i%Block] + int32(p/pixels)*r.row + int32(p%pixels)*r.pixel
		to[i] = place + int32(c)*r.tap + int32(c)*r.reciprocal>>16*r.jump
	}
}
