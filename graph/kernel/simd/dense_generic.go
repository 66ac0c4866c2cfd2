package simd

import "unsafe"

// dotsGeneric are the dot products of up to four images with one row, or four.
var dotsGeneric = func() (all []dotRow) {
	const most = 4
	all = append(all, nil)
	for images := 1; images <= most; images++ {
		row := make(dotRow, most+1)
		for _, rows := range []int{1, most} {
			row[rows] = func(k int, w *float32, ldw, _, _ int, x *float32, ldx int, out *float32) {
				dotGeneric(rows, images, k, w, ldw, x, ldx, out)
			}
		}
		all = append(all, row)
	}
	return all
}()

// floats returns n floats from the given number of bytes behind p.
func floats(p *float32, bytes, n int) []float32 {
	return unsafe.Slice((*float32)(unsafe.Add(unsafe.Pointer(p), bytes)), n)
}

// dotGeneric adds the dot products of rows of w and images of x, k long, to out, in the order of w's rows.
func dotGeneric(rows, images, k int, w *float32, ldw int, x *float32, ldx int, out *float32) {
	sums := unsafe.Slice(out, rows*images)
	for r := range rows {
		a := floats(w, r*ldw, k)
		for i := range images {
			b := floats(x, i*ldx, k)
			var s [4]float32
			j := 0
			for ; j+4 <= len(a); j += 4 {
				a, b := (*[4]float32)(a[j:]), (*[4]float32)(b[j:])
				s[0] += float32(a[0] * b[0])
				s[1] += float32(a[1] * b[1])
				s[2] += float32(a[2] * b[2])
				s[3] += float32(a[3] * b[3])
			}
			for ; j < len(a); j++ {
				s[j%4] += float32(a[j] * b[j])
			}
			sums[r*images+i] += s[0] + s[2] + (s[1] + s[3])
		}
	}
}

// mixesGeneric are the sums of rows for up to four images.
var mixesGeneric = func() (all []mixLoop) {
	for images := range 5 {
		all = append(all, func(columns, rows int, w *float32, ldw, _, _ int, factors *float32, ldf int, y *float32, ldy int) {
			mixGeneric(images, columns, rows, w, ldw, factors, ldf, y, ldy)
		})
	}
	return all
}()

// mixGeneric adds to each of images rows of y, columns long, some rows of w, times their factors for that image.
func mixGeneric(images, columns, rows int, w *float32, ldw int, factors *float32, ldf int, y *float32, ldy int) {
	for i := range images {
		sum := floats(y, i*ldy, columns)
		for r, f := range floats(factors, i*ldf, rows) {
			row := floats(w, r*ldw, len(sum))
			for j := range sum {
				sum[j] += float32(f * row[j])
			}
		}
	}
}
