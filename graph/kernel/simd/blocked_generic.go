package simd

import "unsafe"

func toBlockedGeneric(plain, blocked *float32, plane, pixels, channels int) {
	x, y := unsafe.Slice(plain, (channels-1)*plane+pixels), unsafe.Slice(blocked, pixels*Block)
	if channels < Block {
		clear(y)
	}
	for c := range channels {
		for i, v := range x[c*plane:][:pixels] {
			y[i*Block+c] = v
		}
	}
}

func fromBlockedGeneric(plain, blocked *float32, plane, pixels, channels int) {
	x, y := unsafe.Slice(plain, (channels-1)*plane+pixels), unsafe.Slice(blocked, pixels*Block)
	for c := range channels {
		row := x[c*plane:][:pixels]
		for i := range row {
			row[i] = y[i*Block+c]
		}
	}
}

func copyLanesGeneric(x, y *float32, pixels, n int) {
	if pixels == 0 {
		return
	}
	src, dst := unsafe.Slice(x, (pixels-1)*Block+n), unsafe.Slice(y, (pixels-1)*Block+n)
	for i := 0; i < len(src); i += Block {
		copy(dst[i:i+n], src[i:i+n])
	}
}

func addLanesGeneric(x, y *float32, pixels, n int) {
	if pixels == 0 {
		return
	}
	src, dst := unsafe.Slice(x, (pixels-1)*Block+n), unsafe.Slice(y, (pixels-1)*Block+n)
	for i := 0; i < len(src); i += Block {
		for k, v := range src[i : i+n] {
			dst[i+k] += v
		}
	}
}
