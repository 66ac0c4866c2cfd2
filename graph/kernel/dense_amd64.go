//go:build amd64 && !noasm

package kernel

//go:generate go -C gen run ./dense -out ../dense_amd64.s -stubs ../dense_stub_amd64.go -pkg kernel

import "fmt"

// runDot adds the dot products of rows (dotRows of them) of w and images of x, k long, to out, in the
// order of w's rows. Meanwhile it fetches, from as many rows, the k/share
// floats at w[next:] for later calls.
func runDot(rows, images, k int, w []float32, ldw, next, share int, x []float32, ldx int, out []float32) {
	if family == Portable {
		dotPortable(rows, images, k, w, ldw, x, ldx, out)
		return
	}
	_, _, _ = w[(rows-1)*ldw+k-1], x[(images-1)*ldx+k-1], out[rows*images-1]
	if family == AVX512 {
		dotAVX512(rows, images, k, &w[0], 4*ldw, &w[next], 64/share, &x[0], 4*ldx, &out[0])
	} else {
		dotAVX2(rows, images, k, &w[0], 4*ldw, &w[next], 32/share, &x[0], 4*ldx, &out[0])
	}
}

func dotAVX512(rows, images, k int, w *float32, ldw int, next *float32, pace int, x *float32, ldx int, out *float32) {
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

func dotAVX2(rows, images, k int, w *float32, ldw int, next *float32, pace int, x *float32, ldx int, out *float32) {
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
