//go:build amd64 && !noasm

package kernel

//go:generate go -C gen run ./dense -out ../dense_amd64.s -stubs ../dense_stub_amd64.go -pkg kernel

import "fmt"

// runDot adds the dot products of rows (dotRows of them) of w and images of x, k long, to out, in the
// order of w's rows. Meanwhile it fetches, from as many rows that lie next floats on, the first k/share
// floats, for later calls.
func runDot(rows, images, k int, w []float32, ldw, next, share int, x []float32, ldx int, out []float32) {
	if family == Portable {
		dotPortable(rows, images, k, w, ldw, x, ldx, out)
		return
	}
	_, _, _ = w[(rows-1)*ldw+k-1], x[(images-1)*ldx+k-1], out[rows*images-1]
	if family == AVX512 {
		dotAVX512(rows, images, k, &w[0], 4*ldw, 4*next, 64/share, &x[0], 4*ldx, &out[0])
	} else {
		dotAVX2(rows, images, k, &w[0], 4*ldw, 4*next, 32/share, &x[0], 4*ldx, &out[0])
	}
}

func dotAVX512(rows, images, k int, w *float32, ldw int, next, pace int, x *float32, ldx int, out *float32) {
	switch images<<8 | rows {
	case 1<<8 | 1:
		dot1x1AVX512(k, w, ldw, next, pace, x, ldx, out)
	case 1<<8 | 8:
		dot8x1AVX512(k, w, ldw, next, pace, x, ldx, out)
	case 2<<8 | 1:
		dot1x2AVX512(k, w, ldw, next, pace, x, ldx, out)
	case 2<<8 | 8:
		dot8x2AVX512(k, w, ldw, next, pace, x, ldx, out)
	case 3<<8 | 1:
		dot1x3AVX512(k, w, ldw, next, pace, x, ldx, out)
	case 3<<8 | 6:
		dot6x3AVX512(k, w, ldw, next, pace, x, ldx, out)
	case 3<<8 | 8:
		dot8x3AVX512(k, w, ldw, next, pace, x, ldx, out)
	case 4<<8 | 1:
		dot1x4AVX512(k, w, ldw, next, pace, x, ldx, out)
	case 4<<8 | 5:
		dot5x4AVX512(k, w, ldw, next, pace, x, ldx, out)
	case 4<<8 | 6:
		dot6x4AVX512(k, w, ldw, next, pace, x, ldx, out)
	case 5<<8 | 1:
		dot1x5AVX512(k, w, ldw, next, pace, x, ldx, out)
	case 5<<8 | 4:
		dot4x5AVX512(k, w, ldw, next, pace, x, ldx, out)
	case 5<<8 | 5:
		dot5x5AVX512(k, w, ldw, next, pace, x, ldx, out)
	case 6<<8 | 1:
		dot1x6AVX512(k, w, ldw, next, pace, x, ldx, out)
	case 6<<8 | 3:
		dot3x6AVX512(k, w, ldw, next, pace, x, ldx, out)
	case 6<<8 | 4:
		dot4x6AVX512(k, w, ldw, next, pace, x, ldx, out)
	case 7<<8 | 1:
		dot1x7AVX512(k, w, ldw, next, pace, x, ldx, out)
	case 7<<8 | 3:
		dot3x7AVX512(k, w, ldw, next, pace, x, ldx, out)
	case 8<<8 | 1:
		dot1x8AVX512(k, w, ldw, next, pace, x, ldx, out)
	case 8<<8 | 3:
		dot3x8AVX512(k, w, ldw, next, pace, x, ldx, out)
	default:
		panic(fmt.Sprintf("kernel: family %v has no dot products of %d rows and %d images", family, rows, images))
	}
}

func dotAVX2(rows, images, k int, w *float32, ldw int, next, pace int, x *float32, ldx int, out *float32) {
	switch images<<8 | rows {
	case 1<<8 | 1:
		dot1x1AVX2(k, w, ldw, next, pace, x, ldx, out)
	case 1<<8 | 4:
		dot4x1AVX2(k, w, ldw, next, pace, x, ldx, out)
	case 1<<8 | 6:
		dot6x1AVX2(k, w, ldw, next, pace, x, ldx, out)
	case 2<<8 | 1:
		dot1x2AVX2(k, w, ldw, next, pace, x, ldx, out)
	case 2<<8 | 3:
		dot3x2AVX2(k, w, ldw, next, pace, x, ldx, out)
	case 2<<8 | 4:
		dot4x2AVX2(k, w, ldw, next, pace, x, ldx, out)
	case 3<<8 | 1:
		dot1x3AVX2(k, w, ldw, next, pace, x, ldx, out)
	case 3<<8 | 2:
		dot2x3AVX2(k, w, ldw, next, pace, x, ldx, out)
	case 3<<8 | 3:
		dot3x3AVX2(k, w, ldw, next, pace, x, ldx, out)
	case 4<<8 | 1:
		dot1x4AVX2(k, w, ldw, next, pace, x, ldx, out)
	case 4<<8 | 2:
		dot2x4AVX2(k, w, ldw, next, pace, x, ldx, out)
	default:
		panic(fmt.Sprintf("kernel: family %v has no dot products of %d rows and %d images", family, rows, images))
	}
}

// runMix adds to each of images rows of y, columns long, some rows of w, times their factors for that
// image: factors[image*ldf+row]. Meanwhile it fetches from the rows of w: with all of them in one call,
// what comes soon; with shares, its share of what follows after columns.
func runMix(images, columns, rows int, w []float32, ldw, share, shares int, factors []float32, ldf int, y []float32, ldy int) {
	if family == Portable {
		mixPortable(images, columns, rows, w, ldw, factors, ldf, y, ldy)
		return
	}
	_, _, _ = w[(rows-1)*ldw+columns-1], factors[(images-1)*ldf+rows-1], y[(images-1)*ldy+columns-1]
	ahead, pace := mixAhead, 0
	if shares > 1 {
		ahead = 4 * (columns + share*columns/shares)
		pace = 4*Block/shares - 4*Block
	}
	if family == AVX512 {
		mixAVX512(images, columns, rows, &w[0], 4*ldw, ahead, pace, &factors[0], 4*ldf, &y[0], 4*ldy)
	} else {
		mixAVX2(images, columns, rows, &w[0], 4*ldw, ahead, pace/2, &factors[0], 4*ldf, &y[0], 4*ldy)
	}
}

// mixAhead is how many bytes before their use the weights are fetched.
const mixAhead = 512

func mixAVX512(images, columns, rows int, w *float32, ldw, ahead, pace int, factors *float32, ldf int, y *float32, ldy int) {
	switch images {
	case 1:
		mix1AVX512(columns, rows, w, ldw, ahead, pace, factors, ldf, y, ldy)
	case 2:
		mix2AVX512(columns, rows, w, ldw, ahead, pace, factors, ldf, y, ldy)
	case 3:
		mix3AVX512(columns, rows, w, ldw, ahead, pace, factors, ldf, y, ldy)
	case 4:
		mix4AVX512(columns, rows, w, ldw, ahead, pace, factors, ldf, y, ldy)
	case 5:
		mix5AVX512(columns, rows, w, ldw, ahead, pace, factors, ldf, y, ldy)
	case 6:
		mix6AVX512(columns, rows, w, ldw, ahead, pace, factors, ldf, y, ldy)
	case 7:
		mix7AVX512(columns, rows, w, ldw, ahead, pace, factors, ldf, y, ldy)
	case 8:
		mix8AVX512(columns, rows, w, ldw, ahead, pace, factors, ldf, y, ldy)
	default:
		panic(fmt.Sprintf("kernel: family %v has no sums of rows for %d images", family, images))
	}
}

func mixAVX2(images, columns, rows int, w *float32, ldw, ahead, pace int, factors *float32, ldf int, y *float32, ldy int) {
	switch images {
	case 1:
		mix1AVX2(columns, rows, w, ldw, ahead, pace, factors, ldf, y, ldy)
	case 2:
		mix2AVX2(columns, rows, w, ldw, ahead, pace, factors, ldf, y, ldy)
	case 3:
		mix3AVX2(columns, rows, w, ldw, ahead, pace, factors, ldf, y, ldy)
	case 4:
		mix4AVX2(columns, rows, w, ldw, ahead, pace, factors, ldf, y, ldy)
	default:
		panic(fmt.Sprintf("kernel: family %v has no sums of rows for %d images", family, images))
	}
}
