package simd

import "unsafe"

func gatherGeneric(n int, src *float32, ld int, dst *float32, step int) {
	for i := range n {
		to := (*[Block]float32)(unsafe.Add(unsafe.Pointer(dst), i*step))
		for lane := range to {
			to[lane] = *(*float32)(unsafe.Add(unsafe.Pointer(src), lane*ld+4*i))
		}
	}
}

func scatterGeneric(n int, src, dst *float32, ld int) {
	for i := range n {
		for lane, v := range (*[Block]float32)(unsafe.Add(unsafe.Pointer(src), i*Block*4)) {
			*(*float32)(unsafe.Add(unsafe.Pointer(dst), lane*ld+4*i)) = v
		}
	}
}

func copyPanelsGeneric(panels int) func(n int, src *float32, ld int, dst *float32, step int) {
	return func(n int, src *float32, ld int, dst *float32, step int) {
		for i := range n {
			for p := range panels {
				from := unsafe.Add(unsafe.Pointer(src), i*ld+p*Block*4)
				*(*[Block]float32)(unsafe.Add(unsafe.Pointer(dst), p*step+i*Block*4)) = *(*[Block]float32)(from)
			}
		}
	}
}

func fetchGeneric(int, *float32) {}

// streamGeneric copies n vectors.
func streamGeneric(n int, x, y *float32) { copy(unsafe.Slice(y, n*Block), unsafe.Slice(x, n*Block)) }

func addToGeneric(n int, x, y *float32) {
	from, to := unsafe.Slice(x, n), unsafe.Slice(y, n)
	for i, v := range from {
		to[i] += v
	}
}
