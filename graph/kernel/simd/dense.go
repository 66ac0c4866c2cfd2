package simd

import "fmt"

// A dotRow is the dot products with so many images, by rows of w: of one row always.
type dotRow []func(k int, w *float32, ldw, next, pace int, x *float32, ldx int, out *float32)

// A halfDotRow is a dotRow of 16-bit weights.
type halfDotRow []func(k int, w *uint16, ldw, next, pace int, x *float32, ldx int, out *float32)

// A mixLoop is the sum of rows for so many images.
type mixLoop func(columns, rows int, w *float32, ldw, ahead, pace int, factors *float32, ldf int, y *float32, ldy int)

// DotInputs returns the most images that Dot takes at once.
func DotInputs() int { return len(active.dot) - 1 }

// DotRows returns how many of some rows Dot takes at once: all its sums are in registers.
func DotRows(rows, images int) int {
	if most := len(active.dot[images]) - 1; rows >= most {
		return most
	}
	return 1
}

// Dot adds the dot products of rows ([DotRows] of them) of w and images of x, k long, to out, in the
// order of w's rows. Meanwhile it fetches, from as many rows that lie next floats on, the first k/share
// floats, for later calls.
func Dot(rows, images, k int, w []float32, ldw, next, share int, x []float32, ldx int, out []float32) {
	_, _, _ = w[(rows-1)*ldw+k-1], x[(images-1)*ldx+k-1], out[rows*images-1]
	loop := active.dot[images][rows]
	if loop == nil {
		panic(fmt.Sprintf("simd: family %v has no dot products of %d rows and %d images", family, rows, images))
	}
	loop(k, &w[0], 4*ldw, 4*next, active.vector/share, &x[0], 4*ldx, &out[0])
}

// HalfDot is [Dot] with weights of 16-bit floats, whose rows go on with zeros, to a multiple of [Block] weights from
// w's start on: whole vectors of them are read. The sums are those of Dot with the same weights.
func HalfDot(rows, images, k int, w []uint16, ldw, next, share int, x []float32, ldx int, out []float32) {
	_, _, _ = w[(rows-1)*ldw+(k+Block-1)/Block*Block-1], x[(images-1)*ldx+k-1], out[rows*images-1]
	loop := active.halfDot[images][rows]
	if loop == nil {
		panic(fmt.Sprintf("simd: family %v has no dot products of %d rows of 16 bits and %d images", family, rows, images))
	}
	loop(k, &w[0], 2*ldw, 2*next, active.vector/2/share, &x[0], 4*ldx, &out[0])
}

// Narrow writes the 16-bit floats that are nearest to x times scale to y, zeros up to a multiple of [Block] of them.
// What is too large becomes infinite.
func Narrow(x []float32, scale float32, y []uint16) {
	whole := len(x) / Block * Block
	_ = y[(len(x)+Block-1)/Block*Block-1]
	if whole > 0 {
		active.narrow(whole, &x[0], scale, &y[0])
	}
	if whole < len(x) {
		var last [Block]float32
		copy(last[:], x[whole:])
		active.narrow(Block, hide(&last[0]), scale, &y[whole])
	}
}

// Mix adds to each of images rows of y, columns long, some rows of w, times their factors for that
// image: factors[image*ldf+row]. Meanwhile it fetches from the rows of w: with all of them in one call,
// what comes soon; with shares, its share of what follows after columns.
func Mix(images, columns, rows int, w []float32, ldw, share, shares int, factors []float32, ldf int, y []float32, ldy int) {
	const near = 512 // bytes before their use that the weights are fetched
	_, _, _ = w[(rows-1)*ldw+columns-1], factors[(images-1)*ldf+rows-1], y[(images-1)*ldy+columns-1]
	ahead, pace := near, 0
	if shares > 1 {
		ahead = 4 * (columns + share*columns/shares)
		pace = (4*Block/shares - 4*Block) * active.vector / (4 * Block)
	}
	active.mix[images](columns, rows, &w[0], 4*ldw, ahead, pace, &factors[0], 4*ldf, &y[0], 4*ldy)
}
