package graph

import (
	"math"
	"math/rand/v2"
)

// A ref is a tensor of the straight-loop reference, in float64 and N×C×H×W order.
type ref struct {
	shape []int
	data  []float64
}

func newRef(shape ...int) ref { return ref{shape, make([]float64, product(shape))} }

func (r ref) at(n, c, h, w int) float64 {
	return r.data[((n*r.shape[1]+c)*r.shape[2]+h)*r.shape[3]+w]
}

func (r ref) set(n, c, h, w int, v float64) {
	r.data[((n*r.shape[1]+c)*r.shape[2]+h)*r.shape[3]+w] = v
}

// each calls f for every element of the last three dimensions of every image.
func (r ref) each(f func(n, c, h, w int) float64) ref {
	for n := range r.shape[0] {
		for c := range r.shape[1] {
			for h := range r.shape[2] {
				for w := range r.shape[3] {
					r.set(n, c, h, w, f(n, c, h, w))
				}
			}
		}
	}
	return r
}

func (r ref) apply(f func(float64) float64) ref {
	out := newRef(r.shape...)
	for i, v := range r.data {
		out.data[i] = f(v)
	}
	return out
}

type geometry struct{ kh, kw, sh, sw, top, left, dh, dw, groups, oh, ow int }

func refConv(x, w ref, bias []float64, g geometry) ref {
	perGroup, filters := w.shape[1], w.shape[0]
	return newRef(x.shape[0], filters, g.oh, g.ow).each(func(n, f, oy, ox int) float64 {
		sum := 0.0
		if bias != nil {
			sum = bias[f]
		}
		first := f / (filters / g.groups) * perGroup
		for c := range perGroup {
			for i := range g.kh {
				for j := range g.kw {
					y, xx := oy*g.sh-g.top+i*g.dh, ox*g.sw-g.left+j*g.dw
					if y >= 0 && y < x.shape[2] && xx >= 0 && xx < x.shape[3] {
						sum += x.at(n, first+c, y, xx) * w.at(f, c, i, j)
					}
				}
			}
		}
		return sum
	})
}

// refPool walks over windows; take gets the values inside the map and the number of places that a window
// has inside the padded map.
func refPool(x ref, g geometry, bottom, right int, take func(inside []float64, padded int) float64) ref {
	return newRef(x.shape[0], x.shape[1], g.oh, g.ow).each(func(n, c, oy, ox int) float64 {
		var inside []float64
		padded := 0
		for i := range g.kh {
			for j := range g.kw {
				y, xx := oy*g.sh-g.top+i, ox*g.sw-g.left+j
				if y < x.shape[2]+bottom && xx < x.shape[3]+right {
					padded++
				}
				if y >= 0 && y < x.shape[2] && xx >= 0 && xx < x.shape[3] {
					inside = append(inside, x.at(n, c, y, xx))
				}
			}
		}
		return take(inside, padded)
	})
}

func mean(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += x
	}
	return s / float64(len(v))
}

func refBatchNorm(x ref, gamma, beta []float64, eps float64) ref {
	out := newRef(x.shape...)
	for c := range x.shape[1] {
		var v []float64
		x.each(func(n, cc, h, w int) float64 {
			if cc == c {
				v = append(v, x.at(n, cc, h, w))
			}
			return x.at(n, cc, h, w)
		})
		m, variance := mean(v), 0.0
		for _, a := range v {
			variance += (a - m) * (a - m) / float64(len(v))
		}
		for n := range x.shape[0] {
			for h := range x.shape[2] {
				for w := range x.shape[3] {
					out.set(n, c, h, w, (x.at(n, c, h, w)-m)/math.Sqrt(variance+eps)*gamma[c]+beta[c])
				}
			}
		}
	}
	return out
}

func refLRN(x ref, size int, k, alpha, beta float64) ref {
	return newRef(x.shape...).each(func(n, c, h, w int) float64 {
		s := k
		for j := max(0, c-size/2); j <= min(x.shape[1]-1, c+size/2); j++ {
			s += alpha * x.at(n, j, h, w) * x.at(n, j, h, w)
		}
		return x.at(n, c, h, w) / math.Pow(s, beta)
	})
}

func refSoftmax(x ref) ref {
	out, c := newRef(x.shape...), x.shape[1]
	for n := range x.shape[0] {
		sum := 0.0
		for i := range c {
			sum += math.Exp(x.data[n*c+i])
		}
		for i := range c {
			out.data[n*c+i] = math.Exp(x.data[n*c+i]) / sum
		}
	}
	return out
}

// relativeError is |a - b| / |b| in the Euclidean norm.
func relativeError(a []float32, b []float64) float64 {
	var d, n float64
	for i := range b {
		d += (float64(a[i]) - b[i]) * (float64(a[i]) - b[i])
		n += b[i] * b[i]
	}
	return math.Sqrt(d) / max(math.Sqrt(n), 1e-30)
}

// spread fills with numbers that differ from one another by more than a finite difference moves them, so
// that no maximum changes its place, and that keep away from zero, where ReLU bends.
func spread(r *rand.Rand, data []float32) {
	for i, k := range r.Perm(len(data)) {
		v := (float32(k) + 0.5 - float32(len(data))/2) / float32(len(data)) * 3
		if v >= 0 {
			v += 0.01
		} else {
			v -= 0.01
		}
		data[i] = v
	}
}
