package image

import (
	"errors"
	"fmt"
	"math"
)

// coeffBits is the fixed point of a weight, as in Pillow (src/libImaging/Resample.c, PRECISION_BITS):
// 8 bits for the pixel and 2 to spare for the sum.
const coeffBits = 32 - 8 - 2

// A Resizer scales images as Pillow does, byte for byte: a filter (bilinear, unless Filter says
// otherwise), pixel centres at one half, widened to the step when it makes an image smaller (antialias),
// horizontally first and rounded to bytes between the two passes. It keeps its weights and its scratch
// memory from one image to the next, and is not for concurrent use. The zero value is ready.
type Resizer struct {
	Filter Filter
	x, y   weights
	mid    []uint8
	acc    []int32
}

// Resize scales src to the shape that dst has (see [Image.Reset]). The two must have the same number
// of channels and not share memory.
func (r *Resizer) Resize(dst, src *Image) error {
	var height, width int
	if dst != nil {
		height, width = dst.H, dst.W
	}
	return r.ResizePart(dst, src, height, width, 0, 0)
}

// ResizePart makes dst the part of its height and width that begins at (y, x) of what src is when it is scaled to
// height × width: as [Resizer.Resize] and a crop, but what is cut off is not computed.
func (r *Resizer) ResizePart(dst, src *Image, height, width, y, x int) error {
	if dst == nil || src == nil {
		return errors.New("cannot resize: an image is nil")
	}
	if src.C != dst.C || min(src.C, src.H, src.W, dst.H, dst.W) < 1 {
		return fmt.Errorf("cannot resize %v to %v: channels must agree, and no dimension be 0", src.Shape, dst.Shape)
	}
	if y < 0 || x < 0 || y+dst.H > height || x+dst.W > width {
		return fmt.Errorf("cannot take %v at (%d, %d) of an image of %d×%d", dst.Shape, y, x, height, width)
	}
	if r.Filter == Nearest {
		copyNearest(dst, src, nearest(src.H, height)[y:y+dst.H], nearest(src.W, width)[x:x+dst.W])
		return nil
	}
	r.x.set(r.Filter, src.W, width)
	r.y.set(r.Filter, src.H, height)
	columns, rows := r.x.part(x, dst.W), r.y.part(y, dst.H)
	// The rows of src that the part depends on.
	top := int(rows.first[0])
	bottom := int(rows.first[dst.H-1]) + rows.taps
	for c := range src.C {
		from, to := src.Plane(c)[top*src.W:bottom*src.W], dst.Plane(c)
		if src.W == width && dst.W == width {
			rows.vertical(r, to, from, dst.W, top)
			continue
		}
		if src.H == height {
			columns.horizontal(to, from, src.W)
			continue
		}
		if n := (bottom - top) * dst.W; cap(r.mid) < n {
			r.mid = make([]uint8, n)
		}
		mid := r.mid[:(bottom-top)*dst.W]
		columns.horizontal(mid, from, src.W)
		rows.vertical(r, to, mid, dst.W, top)
	}
	return nil
}

// A span is the weights of some of the pixels.
type span struct {
	taps  int
	first []int32
	k     []int32
}

func (w *weights) part(from, n int) span {
	return span{w.taps, w.first[from : from+n], w.k[from*w.taps : (from+n)*w.taps]}
}

// copyNearest takes the pixels of those rows and columns.
func copyNearest(dst, src *Image, rows, columns []int) {
	for c := range src.C {
		from, to := src.Plane(c), dst.Plane(c)
		for y, row := range rows {
			line := from[row*src.W : (row+1)*src.W]
			for x, column := range columns {
				to[y*dst.W+x] = line[column]
			}
		}
	}
}

// horizontal makes rows of the pixels, of rows of in.
func (s span) horizontal(dst, src []uint8, in int) {
	out := len(s.first)
	for len(src) > 0 {
		row, to := src[:in], dst[:out]
		src, dst = src[in:], dst[out:]
		switch taps := s.taps; taps {
		case 2:
			for i, f := range s.first {
				two := row[f : f+2]
				k := s.k[2*i : 2*i+2]
				to[i] = round(k[0]*int32(two[0]) + k[1]*int32(two[1]))
			}
		case 3: // three and four, unrolled too: from photographs to what networks take
			for i, f := range s.first {
				px := row[f:][:3]
				k := s.k[3*i:][:3]
				to[i] = round(k[0]*int32(px[0]) + k[1]*int32(px[1]) + k[2]*int32(px[2]))
			}
		case 4:
			for i, f := range s.first {
				px := row[f:][:4]
				k := s.k[4*i:][:4]
				to[i] = round(k[0]*int32(px[0]) + k[1]*int32(px[1]) + k[2]*int32(px[2]) + k[3]*int32(px[3]))
			}
		default:
			for i, f := range s.first {
				var sum int32
				px := row[f : int(f)+taps]
				for t, k := range s.k[i*taps : (i+1)*taps] {
					sum += k * int32(px[t])
				}
				to[i] = round(sum)
			}
		}
	}
}

// vertical makes the rows, of rows of which the first is that number.
func (s span) vertical(r *Resizer, dst, src []uint8, width, top int) {
	if cap(r.acc) < width {
		r.acc = make([]int32, width)
	}
	acc := r.acc[:width]
	taps := s.taps
	for i, f := range s.first {
		f -= int32(top)
		to := dst[i*width : (i+1)*width]
		k := s.k[i*taps : (i+1)*taps]
		if taps == 2 {
			a := src[int(f)*width:][:len(to)]
			b := src[int(f+1)*width:][:len(to)]
			k0, k1 := k[0], k[1]
			for x := range to {
				to[x] = round(k0*int32(a[x]) + k1*int32(b[x]))
			}
			continue
		}
		// Three rows at a time: the sums are read and written less often.
		clear(acc)
		for t := 0; t < len(k); t += 3 {
			a := src[(int(f)+t)*width:][:len(acc)]
			b, c, k1, k2 := a, a, int32(0), int32(0)
			if t+1 < len(k) {
				b, k1 = src[(int(f)+t+1)*width:][:len(acc)], k[t+1]
			}
			if t+2 < len(k) {
				c, k2 = src[(int(f)+t+2)*width:][:len(acc)], k[t+2]
			}
			k0 := k[t]
			for x := range acc {
				acc[x] += k0*int32(a[x]) + k1*int32(b[x]) + k2*int32(c[x])
			}
		}
		for x, sum := range acc {
			to[x] = round(sum)
		}
	}
}

// round takes a weighted sum of bytes back to a byte. The weights sum to 1 up to their rounding; those of
// some filters are negative at the edges, so that the sum may leave the range of a byte.
func round(sum int32) uint8 {
	return uint8(min(max(sum+1<<(coeffBits-1), 0), 255<<coeffBits) >> coeffBits)
}

// weights says how to make each of out pixels from taps neighbours among in.
type weights struct {
	filter  Filter
	in, out int
	taps    int
	first   []int32 // out: the first neighbour
	k       []int32 // out×taps
	f       []float64
}

// set computes the weights as Pillow's precompute_coeffs and normalize_coeffs_8bpc do.
func (w *weights) set(filter Filter, in, out int) {
	if w.filter == filter && w.in == in && w.out == out {
		return
	}
	w.filter, w.in, w.out = filter, in, out
	scale := float64(in) / float64(out)
	wide := max(scale, 1)
	support, weight := float64(filters[filter].support*wide), filters[filter].weight
	narrow := 1 / wide
	// bounds is Pillow's: the pixels whose centres are within support of the centre of pixel i, and
	// now and then one whose weight is 0.
	bounds := func(i int) (center float64, from, to int) {
		center = float64((float64(i) + 0.5) * scale) // the conversion forbids a fused multiply-add, which rounds otherwise
		return center, max(int(center-support+0.5), 0), min(int(center+support+0.5), in)
	}
	quantised := func(i int) (from int, k []float64) {
		center, from, to := bounds(i)
		k = w.f[:0]
		sum := 0.0
		for x := from; x < to; x++ {
			d := float64((float64(x) - center + 0.5) * narrow)
			k = append(k, weight(d))
			sum += k[len(k)-1]
		}
		for t := range k {
			scaled := float64(k[t] / sum * (1 << coeffBits))
			k[t] = float64(int32(math.Copysign(0.5, scaled) + scaled))
		}
		w.f = k
		for len(k) > 1 && k[len(k)-1] == 0 {
			k = k[:len(k)-1]
		}
		for len(k) > 1 && k[0] == 0 {
			from, k = from+1, k[1:]
		}
		return from, k
	}

	w.taps = 0
	for i := range out {
		_, k := quantised(i)
		w.taps = max(w.taps, len(k))
	}
	w.first, w.k = w.first[:0], w.k[:0]
	for i := range out {
		from, k := quantised(i)
		// All pixels get the same number of taps; where that would reach beyond the edge, it starts
		// earlier, with weights of 0.
		first := min(from, in-w.taps)
		w.first = append(w.first, int32(first))
		for t := range w.taps {
			if j := t - (from - first); j >= 0 && j < len(k) {
				w.k = append(w.k, int32(k[j]))
			} else {
				w.k = append(w.k, 0)
			}
		}
	}
}
