package simd

import "unsafe"

// boxesGeneric are boxes of the sizes of AVX-512's.
var boxesGeneric = func() (all [6][]boxLoop) {
	for cols, most := range [...]int{8, 8, 8, 8, 7, 5} {
		for rows := 1; rows <= most; rows++ {
			all[cols] = append(all[cols], func(boxes, n int, factors *float32, at *int32, step, next int, from *float32, row int, sum *float32, sumRow, sumNext int) {
				boxSumGeneric(rows, cols, boxes, n, factors, at, step, next, from, row, sum, sumRow, sumNext)
			})
		}
	}
	return all
}()

func boxSumGeneric(rows, cols, boxes, n int, factors *float32, at *int32, step, next int, from *float32, row int, sum *float32, sumRow, sumNext int) {
	lanes := min(Block, max(cols*Block, Block/2))
	for b := range boxes {
		for r := range rows {
			for c := range max(cols, 1) {
				s := unsafe.Slice((*float32)(unsafe.Add(unsafe.Pointer(sum), b*sumNext+r*sumRow+c*Block*4)), lanes)
				for k := range n {
					f := *(*float32)(unsafe.Add(unsafe.Pointer(factors), b*next+k*step))
					place := int(*(*int32)(unsafe.Add(unsafe.Pointer(at), b*next+k*step)))
					for i, v := range unsafe.Slice((*float32)(unsafe.Add(unsafe.Pointer(from), place+r*row+c*Block*4)), lanes) {
						s[i] += float32(f * v)
					}
				}
			}
		}
	}
}

// spreadHalvesGeneric copies pixels of half a vector to whole ones with zeros.
func spreadHalvesGeneric(pixels int, x, y *float32) {
	from, to := unsafe.Slice(x, pixels*Block/2), unsafe.Slice(y, pixels*Block)
	for i := range pixels {
		copy(to[i*Block:], from[i*Block/2:][:Block/2])
		clear(to[i*Block+Block/2:][:Block/2])
	}
}

// gatherHalvesGeneric copies the first halves of pixels.
func gatherHalvesGeneric(pixels int, x, y *float32) {
	from, to := unsafe.Slice(x, (pixels-1)*Block+Block/2), unsafe.Slice(y, pixels*Block/2)
	for i := range pixels {
		copy(to[i*Block/2:], from[i*Block:][:Block/2])
	}
}

// placesGeneric is Route.Places; first is sixteen places, route a *Route.
func placesGeneric(rows, pixels int, chosen *uint8, start *int32, route *byte, at *int32) {
	r, first := (*Route)(unsafe.Pointer(route)), (*[Block]int32)(unsafe.Pointer(start))
	from, to := unsafe.Slice(chosen, rows*pixels*Block), unsafe.Slice(at, rows*pixels*Block)
	for i, c := range from {
		p := i / Block
		place := first[i%Block] + int32(p/pixels)*r.row + int32(p%pixels)*r.pixel
		to[i] = place + int32(c)*r.tap + int32(c)*r.reciprocal>>16*r.jump
	}
}
