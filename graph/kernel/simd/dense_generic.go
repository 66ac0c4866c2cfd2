package simd

import (
	"math"
	"unsafe"
)

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

// halfDotsGeneric are the dot products with rows of 16-bit weights: those of the rows widened.
var halfDotsGeneric = func() (all []halfDotRow) {
	for images, loops := range dotsGeneric {
		row := make(halfDotRow, len(loops))
		for rows, dot := range loops {
			if dot != nil {
				row[rows] = func(k int, w *uint16, ldw, _, _ int, x *float32, ldx int, out *float32) {
					halfDotGeneric(rows, images, k, w, ldw, x, ldx, out)
				}
			}
		}
		all = append(all, row)
	}
	return all
}()

// halfDotGeneric widens a piece of a row at a time, so that each is widened once for all images.
func halfDotGeneric(rows, images, k int, w *uint16, ldw int, x *float32, ldx int, out *float32) {
	const piece = 512
	sums := unsafe.Slice(out, rows*images)
	var wide [piece]float32
	for r := range rows {
		row := unsafe.Slice((*uint16)(unsafe.Add(unsafe.Pointer(w), r*ldw)), k)
		var s [4][4]float32 // by image, as dotGeneric adds
		for from := 0; from < k; from += piece {
			a := wide[:min(piece, k-from)]
			for j := range a {
				a[j] = widened(row[from+j])
			}
			for i := range images {
				b, s := floats(x, i*ldx+4*from, len(a)), &s[i]
				for j, v := range a {
					s[j%4] += float32(v * b[j])
				}
			}
		}
		for i := range images {
			s := &s[i]
			sums[r*images+i] += s[0] + s[2] + (s[1] + s[3])
		}
	}
}

// narrowGeneric writes the 16-bit floats nearest to x times scale.
func narrowGeneric(n int, x *float32, scale float32, y *uint16) {
	to := unsafe.Slice(y, n)
	for i, v := range unsafe.Slice(x, n) {
		to[i] = narrowed(v * scale)
	}
}

// narrowed returns the nearest 16-bit float, the even one of two.
func narrowed(v float32) uint16 {
	bits := math.Float32bits(v)
	sign, size := uint16(bits>>16)&0x8000, bits&0x7FFFFFFF
	switch {
	case size > 0x7F800000: // no number: it stays quiet and keeps its first bits
		return sign | 0x7E00 | uint16(size>>13)&0x1FF
	case size >= 0x477FF000: // 65,520 and more are nearer to infinity
		return sign | 0x7C00
	case size < 0x38800000: // below 2⁻¹⁴ steps are 2⁻²⁴, as they are in a float32 from 0.5 on
		return sign | uint16(math.Float32bits(math.Float32frombits(size)+0.5)-0x3F000000)
	}
	size += 0xFFF + size>>13&1
	return sign | uint16((size-112<<23)>>13)
}

// widened returns the same number in 32 bits.
func widened(h uint16) float32 {
	const up = 1 << 112 // the exponents' zeros are that far apart
	sign, size := uint32(h&0x8000)<<16, uint32(h&0x7FFF)<<13
	v := math.Float32bits(math.Float32frombits(size) * up)
	if h&0x7C00 == 0x7C00 {
		v = size | 0x7F800000
	}
	return math.Float32frombits(sign | v)
}

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
