package kernel

// sumPixelsPortable sums the pixels of a piece.
func sumPixelsPortable(x []float32, sum *[Block]float32) {
	var s [Block]float32
	for ; len(x) >= Block; x = x[Block:] {
		for j, v := range (*[Block]float32)(x) {
			s[j] += v
		}
	}
	*sum = s
}

// sumMomentsPortable sums the distances of a piece's pixels from shift, and their squares.
func sumMomentsPortable(x []float32, shift, d, q *[Block]float32) {
	var sd, sq [Block]float32
	for ; len(x) >= Block; x = x[Block:] {
		for j, v := range (*[Block]float32)(x) {
			v -= shift[j]
			sd[j] += v
			sq[j] += v * v
		}
	}
	*d, *q = sd, sq
}

// normalisePortable is y = (x − mean)·scale + shift, and the ReLU of that.
func normalisePortable(x, y []float32, a *affine, relu bool) {
	for ; len(x) >= Block; x, y = x[Block:], y[Block:] {
		in, out := (*[Block]float32)(x), (*[Block]float32)(y)
		for j, v := range in {
			v = (v-a.mean[j])*a.scale[j] + a.shift[j]
			if relu && v < 0 { // NaN passes
				v = 0
			}
			out[j] = v
		}
	}
}

// normaliseAddPortable is y = (x − mean)·scale + shift + r, and the ReLU of that.
func normaliseAddPortable(x, r, y []float32, a *affine, relu bool) {
	for ; len(x) >= Block; x, r, y = x[Block:], r[Block:], y[Block:] {
		in, added, out := (*[Block]float32)(x), (*[Block]float32)(r), (*[Block]float32)(y)
		for j, v := range in {
			v = (v-a.mean[j])*a.scale[j] + a.shift[j] + added[j]
			if relu && v < 0 { // NaN passes
				v = 0
			}
			out[j] = v
		}
	}
}

// sumGradsPortable sums dy, and dy·(x − mean), of a piece.
func sumGradsPortable(x, dy []float32, a *affine, relu bool, d, q *[Block]float32) {
	var sd, sq [Block]float32
	for ; len(x) >= Block; x, dy = x[Block:], dy[Block:] {
		in, g := (*[Block]float32)(x), (*[Block]float32)(dy)
		for j, v := range in {
			v -= a.mean[j]
			if relu && !(v*a.scale[j]+a.shift[j] > 0) {
				continue
			}
			sd[j] += g[j]
			sq[j] += g[j] * v
		}
	}
	*d, *q = sd, sq
}

// normaliseGradPortable is dx = scale·dy + slope·(x − mean) + offset, of dy that passed the ReLU.
func normaliseGradPortable(x, dy, dx []float32, a *affine, relu bool) {
	for ; len(x) >= Block; x, dy, dx = x[Block:], dy[Block:], dx[Block:] {
		in, g, out := (*[Block]float32)(x), (*[Block]float32)(dy), (*[Block]float32)(dx)
		for j, v := range in {
			v -= a.mean[j]
			r := v*a.slope[j] + a.offset[j]
			if !relu || v*a.scale[j]+a.shift[j] > 0 {
				r += g[j] * a.scale[j]
			}
			out[j] = r
		}
	}
}
