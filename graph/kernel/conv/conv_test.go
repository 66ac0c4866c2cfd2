package conv

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

// convCases are shapes with everything that can go wrong: odd sizes, strides that differ, padding on
// one side only, dilation, groups of any size, channels that fill no block.
var convCases = []struct {
	name  string
	s     Shape
	plain bool
}{
	{"one pixel", Shape{N: 1, C: 1, H: 1, W: 1, F: 1, KH: 1, KW: 1}, false},
	{"3×3 same, two blocks each way", Shape{N: 2, C: 32, H: 9, W: 11, F: 32, KH: 3, KW: 3, PadT: 1, PadB: 1, PadL: 1, PadR: 1}, false},
	{"3×3 same, channels that fill no block", Shape{N: 3, C: 19, H: 7, W: 7, F: 21, KH: 3, KW: 3, PadT: 1, PadB: 1, PadL: 1, PadR: 1}, false},
	{"3×3 same on a board", Shape{N: 2, C: 48, H: 19, W: 19, F: 50, KH: 3, KW: 3, PadT: 1, PadB: 1, PadL: 1, PadR: 1}, false},
	{"3×3 with half a block of channels", Shape{N: 1, C: 24, H: 14, W: 14, F: 40, KH: 3, KW: 3, PadT: 1, PadB: 1, PadL: 1, PadR: 1}, false},
	{"3×3 many channels, few pixels", Shape{N: 5, C: 96, H: 4, W: 4, F: 80, KH: 3, KW: 3, PadT: 1, PadB: 1, PadL: 1, PadR: 1}, false},
	{"3×3 in two groups", Shape{N: 2, C: 64, H: 13, W: 13, F: 96, KH: 3, KW: 3, PadT: 1, PadB: 1, PadL: 1, PadR: 1, Groups: 2}, false},
	{"3×3 padding on one side", Shape{N: 2, C: 17, H: 10, W: 9, F: 40, KH: 3, KW: 3, PadT: 2, PadR: 1}, false},
	{"3×3 padding wider than the filter", Shape{N: 1, C: 5, H: 3, W: 2, F: 7, KH: 3, KW: 3, PadT: 4, PadB: 3, PadL: 7, PadR: 5}, false},
	{"3×3 on three pixels", Shape{N: 9, C: 33, H: 1, W: 3, F: 16, KH: 3, KW: 3, PadT: 1, PadB: 1, PadL: 1, PadR: 1}, false},
	{"3×3 of 24 channels on wide rows", Shape{N: 2, C: 24, H: 12, W: 61, F: 20, KH: 3, KW: 3, PadT: 1, PadB: 1, PadL: 1, PadR: 1}, false},
	{"3×3 valid", Shape{N: 1, C: 8, H: 30, W: 30, F: 16, KH: 3, KW: 3}, false},
	{"1×1", Shape{N: 2, C: 40, H: 13, W: 17, F: 33, KH: 1, KW: 1}, false},
	{"1×1 on a long row", Shape{N: 1, C: 16, H: 1, W: 1000, F: 16, KH: 1, KW: 1}, false},
	{"1×1 padded", Shape{N: 2, C: 5, H: 3, W: 3, F: 4, KH: 1, KW: 1, PadT: 1, PadB: 2, PadL: 0, PadR: 1}, false},
	{"1×1 stride 2", Shape{N: 2, C: 32, H: 15, W: 14, F: 48, KH: 1, KW: 1, SH: 2, SW: 2}, false},
	{"1×1 stride 2 to rows of seven", Shape{N: 3, C: 40, H: 13, W: 14, F: 72, KH: 1, KW: 1, SH: 2, SW: 2}, false},
	{"1×1 stride 2 by 3 to rows of seven", Shape{N: 2, C: 272, H: 16, W: 19, F: 90, KH: 1, KW: 1, SH: 2, SW: 3}, false},
	{"1×1 stride 2 to many short rows", Shape{N: 2, C: 24, H: 90, W: 14, F: 33, KH: 1, KW: 1, SH: 1, SW: 2}, false},
	{"groups, 1×1, stride 2 to rows of seven", Shape{N: 2, C: 48, H: 14, W: 14, F: 96, KH: 1, KW: 1, SH: 2, SW: 2, Groups: 3}, false},
	{"5×5 of six channels", Shape{N: 3, C: 6, H: 14, W: 14, F: 16, KH: 5, KW: 5}, false},
	{"5×5 down to one pixel", Shape{N: 4, C: 16, H: 5, W: 5, F: 120, KH: 5, KW: 5}, false},
	{"5×5, asymmetric borders", Shape{N: 2, C: 19, H: 11, W: 15, F: 37, KH: 5, KW: 5, PadT: 2, PadB: 1, PadL: 0, PadR: 3}, false},
	{"5×5 of groups of whole blocks", Shape{N: 1, C: 64, H: 9, W: 21, F: 96, KH: 5, KW: 5, PadT: 4, PadB: 3, PadL: 2, PadR: 2, Groups: 2}, false},
	{"5×5 of many channels", Shape{N: 1, C: 320, H: 12, W: 13, F: 20, KH: 5, KW: 5, PadT: 2, PadB: 2, PadL: 2, PadR: 2}, false},
	{"3×3 of many channels", Shape{N: 1, C: 320, H: 12, W: 27, F: 20, KH: 3, KW: 3, PadT: 1, PadB: 1, PadL: 1, PadR: 1}, false},
	{"5×5 in two groups", Shape{N: 2, C: 96, H: 13, W: 13, F: 64, KH: 5, KW: 5, PadT: 2, PadB: 2, PadL: 2, PadR: 2, Groups: 2}, false},
	{"7×7 stride 2", Shape{N: 1, C: 3, H: 33, W: 31, F: 17, KH: 7, KW: 7, SH: 2, SW: 2, PadT: 3, PadB: 3, PadL: 3, PadR: 3}, false},
	{"3×3 stride 2, padding on one side", Shape{N: 2, C: 20, H: 12, W: 11, F: 36, KH: 3, KW: 3, SH: 2, SW: 2, PadT: 0, PadB: 1, PadL: 1, PadR: 0}, false},
	{"3×4 strides 2 and 3", Shape{N: 2, C: 17, H: 12, W: 19, F: 9, KH: 3, KW: 4, SH: 2, SW: 3, PadT: 2, PadB: 0, PadL: 1, PadR: 3}, false},
	{"strides larger than the filter", Shape{N: 1, C: 7, H: 11, W: 12, F: 5, KH: 2, KW: 1, SH: 3, SW: 4, PadT: 1}, false},
	{"dilated", Shape{N: 2, C: 18, H: 15, W: 13, F: 20, KH: 3, KW: 3, DH: 2, DW: 3, PadT: 2, PadB: 2, PadL: 3, PadR: 3}, false},
	{"dilated and strided", Shape{N: 1, C: 16, H: 17, W: 16, F: 16, KH: 3, KW: 2, SH: 2, SW: 3, DH: 2, DW: 2, PadT: 1, PadB: 2, PadL: 3, PadR: 1}, false},
	{"stride 4, dilation 6", Shape{N: 1, C: 3, H: 29, W: 31, F: 4, KH: 4, KW: 3, SH: 4, SW: 4, DH: 6, DW: 6, PadT: 5, PadB: 5, PadL: 5, PadR: 5}, false},
	{"padding wider than the filter", Shape{N: 1, C: 4, H: 3, W: 2, F: 4, KH: 2, KW: 2, PadT: 3, PadB: 4, PadL: 5, PadR: 3}, false},
	{"groups of 5 to 7", Shape{N: 2, C: 15, H: 8, W: 9, F: 21, KH: 3, KW: 3, PadT: 1, PadB: 1, PadL: 1, PadR: 1, Groups: 3}, false},
	{"groups of 8 to 16", Shape{N: 2, C: 32, H: 8, W: 9, F: 64, KH: 3, KW: 3, PadT: 1, PadB: 1, PadL: 1, PadR: 1, Groups: 4}, false},
	{"groups of 3 to 32", Shape{N: 2, C: 21, H: 6, W: 9, F: 224, KH: 3, KW: 2, PadT: 1, PadB: 1, Groups: 7}, false},
	{"groups of 12 to 24", Shape{N: 1, C: 48, H: 6, W: 9, F: 96, KH: 3, KW: 3, SH: 2, SW: 2, PadT: 1, Groups: 4}, false},
	{"groups of 16 to 8", Shape{N: 1, C: 64, H: 6, W: 9, F: 32, KH: 3, KW: 3, PadL: 1, Groups: 4}, false},
	{"depthwise 3×3", Shape{N: 2, C: 35, H: 14, W: 14, F: 35, KH: 3, KW: 3, PadT: 1, PadB: 1, PadL: 1, PadR: 1, Groups: 35}, false},
	{"depthwise 3×3 stride 2", Shape{N: 2, C: 40, H: 15, W: 13, F: 40, KH: 3, KW: 3, SH: 2, SW: 2, PadT: 1, PadB: 1, PadL: 1, PadR: 1, Groups: 40}, false},
	{"depthwise 3×3 stride 2, padding at the end", Shape{N: 1, C: 16, H: 14, W: 16, F: 16, KH: 3, KW: 3, SH: 2, SW: 2, PadB: 1, PadR: 1, Groups: 16}, false},
	{"depthwise 5×5", Shape{N: 3, C: 17, H: 7, W: 7, F: 17, KH: 5, KW: 5, PadT: 2, PadB: 2, PadL: 2, PadR: 2, Groups: 17}, false},
	{"depthwise 5×5 stride 2", Shape{N: 1, C: 48, H: 29, W: 28, F: 48, KH: 5, KW: 5, SH: 2, SW: 2, PadT: 2, PadB: 2, PadL: 2, PadR: 2, Groups: 48}, false},
	{"depthwise 7×7", Shape{N: 2, C: 33, H: 7, W: 7, F: 33, KH: 7, KW: 7, PadT: 3, PadB: 3, PadL: 3, PadR: 3, Groups: 33}, false},
	{"depthwise 7×7 on a wide map", Shape{N: 1, C: 16, H: 5, W: 61, F: 16, KH: 7, KW: 7, PadT: 3, PadB: 3, PadL: 3, PadR: 3, Groups: 16}, false},
	{"depthwise 3×3 on a map of many strips", Shape{N: 1, C: 20, H: 75, W: 112, F: 20, KH: 3, KW: 3, PadT: 1, PadB: 1, PadL: 1, PadR: 1, Groups: 20}, false},
	{"depthwise, dilated, strides 2 and 3", Shape{N: 2, C: 18, H: 17, W: 19, F: 18, KH: 3, KW: 4, SH: 2, SW: 3, DH: 2, DW: 2, PadT: 2, PadL: 1, PadR: 3, Groups: 18}, false},
	{"depthwise, strides larger than the filter", Shape{N: 1, C: 5, H: 11, W: 12, F: 5, KH: 2, KW: 1, SH: 3, SW: 4, PadT: 1, Groups: 5}, false},
	{"depthwise, a wide filter without padding", Shape{N: 1, C: 3, H: 4, W: 50, F: 3, KH: 2, KW: 33, Groups: 3}, false},
	{"depthwise, padding wider than the filter", Shape{N: 1, C: 4, H: 3, W: 2, F: 4, KH: 2, KW: 2, PadT: 3, PadB: 4, PadL: 5, PadR: 3, Groups: 4}, false},
	{"groups of 2", Shape{N: 2, C: 38, H: 9, W: 8, F: 38, KH: 3, KW: 3, PadT: 1, PadB: 1, PadL: 1, PadR: 1, Groups: 19}, false},
	{"groups of 4", Shape{N: 2, C: 36, H: 14, W: 13, F: 36, KH: 3, KW: 3, PadT: 1, PadB: 1, PadL: 1, PadR: 1, Groups: 9}, false},
	{"groups of 4, stride 2", Shape{N: 1, C: 64, H: 14, W: 15, F: 64, KH: 3, KW: 3, SH: 2, SW: 2, PadT: 1, PadB: 1, PadL: 1, PadR: 1, Groups: 16}, false},
	{"groups of 8", Shape{N: 2, C: 40, H: 8, W: 29, F: 40, KH: 3, KW: 3, PadT: 1, PadB: 1, PadL: 1, PadR: 1, Groups: 5}, false},
	{"groups of 8, 1×1, stride 2", Shape{N: 2, C: 16, H: 8, W: 9, F: 16, KH: 1, KW: 1, SH: 2, SW: 2, Groups: 2}, false},
	{"depthwise on nine pixels", Shape{N: 2, C: 35, H: 9, W: 9, F: 35, KH: 3, KW: 3, PadT: 1, PadB: 1, PadL: 1, PadR: 1, Groups: 35}, false},
	{"depthwise, two filters each", Shape{N: 1, C: 16, H: 9, W: 9, F: 32, KH: 3, KW: 3, SH: 2, SW: 2, PadT: 1, PadB: 1, PadL: 1, PadR: 1, Groups: 16}, false},
	{"3×3 of many channels", Shape{N: 1, C: 128, H: 14, W: 14, F: 144, KH: 3, KW: 3, PadT: 1, PadB: 1, PadL: 1, PadR: 1}, false},
	{"3×3 of many channels and tiles", Shape{N: 4, C: 144, H: 14, W: 13, F: 33, KH: 3, KW: 3, PadT: 1, PadB: 1, PadL: 1, PadR: 1}, false},
	{"1×1 of many channels", Shape{N: 3, C: 272, H: 7, W: 7, F: 320, KH: 1, KW: 1}, false},
	{"3×3 on a large map", Shape{N: 1, C: 16, H: 57, W: 90, F: 24, KH: 3, KW: 3, PadT: 1, PadB: 1, PadL: 1, PadR: 1}, false},
	{"3×3 on a very wide map", Shape{N: 1, C: 3, H: 3, W: 700, F: 5, KH: 3, KW: 3, PadT: 1, PadB: 1, PadL: 1, PadR: 1}, false},
	{"a filter higher than 64", Shape{N: 1, C: 2, H: 70, W: 3, F: 3, KH: 67, KW: 2, PadT: 1}, false},

	{"plain 5×5 of one channel", Shape{N: 3, C: 1, H: 28, W: 28, F: 6, KH: 5, KW: 5, PadT: 2, PadB: 2, PadL: 2, PadR: 2}, true},
	{"plain 7×7 stride 2", Shape{N: 1, C: 3, H: 45, W: 47, F: 64, KH: 7, KW: 7, SH: 2, SW: 2, PadT: 3, PadB: 3, PadL: 3, PadR: 3}, true},
	{"plain 11×11 stride 4", Shape{N: 2, C: 3, H: 63, W: 67, F: 40, KH: 11, KW: 11, SH: 4, SW: 4, PadT: 2, PadB: 2, PadL: 2, PadR: 2}, true},
	{"plain 11×11 stride 4 without padding", Shape{N: 1, C: 3, H: 67, W: 67, F: 96, KH: 11, KW: 11, SH: 4, SW: 4}, true},
	{"plain 5×5 of 48 planes", Shape{N: 2, C: 48, H: 19, W: 19, F: 48, KH: 5, KW: 5, PadT: 2, PadB: 2, PadL: 2, PadR: 2}, true},
	{"plain 3×3, one side padded, dilated", Shape{N: 2, C: 3, H: 12, W: 10, F: 20, KH: 3, KW: 3, DH: 2, DW: 3, SH: 1, SW: 2, PadT: 1, PadR: 3}, true},
	{"plain 1×1", Shape{N: 2, C: 5, H: 9, W: 7, F: 11, KH: 1, KW: 1}, true},
	{"plain wide filter", Shape{N: 1, C: 2, H: 5, W: 60, F: 18, KH: 2, KW: 19, PadL: 4}, true},
	{"plain rows of an odd length, few filters", Shape{N: 3, C: 3, H: 21, W: 37, F: 7, KH: 3, KW: 4, SH: 2, DH: 2, DW: 2, PadT: 3, PadR: 2}, true},
	{"plain map larger than a task's rows", Shape{N: 2, C: 3, H: 120, W: 70, F: 14, KH: 5, KW: 5, PadT: 2, PadB: 2, PadL: 2, PadR: 2}, true},
	{"plain padding wider than the map", Shape{N: 1, C: 2, H: 3, W: 2, F: 4, KH: 2, KW: 2, PadT: 3, PadB: 4, PadL: 5, PadR: 3}, true},
	{"plain groups", Shape{N: 2, C: 6, H: 9, W: 8, F: 9, KH: 3, KW: 3, PadT: 1, PadB: 1, PadL: 1, PadR: 1, Groups: 3}, true},
	{"plain groups of whole panels", Shape{N: 1, C: 4, H: 9, W: 8, F: 32, KH: 3, KW: 3, PadT: 1, PadB: 1, PadL: 1, PadR: 1, Groups: 2}, true},
}

// convDefaults makes strides, dilations and groups left at 0 one.
func convDefaults(s Shape) Shape {
	for _, v := range []*int{&s.SH, &s.SW, &s.DH, &s.DW, &s.Groups} {
		*v = max(*v, 1)
	}
	return s
}

// convReference computes a convolution and its gradients in float64, on plain arrays.
type convReference struct {
	s          Shape
	x, w, dy   []float32
	y          []float64
	dx, dw, db []float64
}

func newConvReference(s Shape, x, w, dy []float32) *convReference {
	r := &convReference{s: s, x: x, w: w, dy: dy}
	oh, ow := s.OutH(), s.OutW()
	cg, fg := s.C/s.Groups, s.F/s.Groups
	r.y = make([]float64, s.N*s.F*oh*ow)
	r.dx = make([]float64, len(x))
	r.dw = make([]float64, len(w))
	r.db = make([]float64, s.F)
	for n := range s.N {
		for f := range s.F {
			for p := range oh {
				for q := range ow {
					at := ((n*s.F+f)*oh+p)*ow + q
					d := float64(dy[at])
					r.db[f] += d
					for c := range cg {
						for i := range s.KH {
							for j := range s.KW {
								h, w := p*s.SH+i*s.DH-s.PadT, q*s.SW+j*s.DW-s.PadL
								if h < 0 || h >= s.H || w < 0 || w >= s.W {
									continue
								}
								xi := ((n*s.C+f/fg*cg+c)*s.H+h)*s.W + w
								wi := ((f*cg+c)*s.KH+i)*s.KW + j
								r.y[at] += float64(x[xi]) * float64(r.w[wi])
								r.dx[xi] += d * float64(r.w[wi])
								r.dw[wi] += d * float64(x[xi])
							}
						}
					}
				}
			}
		}
	}
	return r
}

func convNormals(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

// convBlocked returns plain data in the blocked layout, images gap floats further apart than they
// need be, with canaries in the gaps and around.
func convBlocked(plain []float32, n, c, h, w, gap int) (Act, *convGuard) {
	a, g := convGuarded(n, c, h, w, gap)
	for i := range n {
		image := a.Data[i*a.Stride:][:simd.Blocks(c)*h*w*Block]
		clear(image)
		for k := range c {
			for p := range h * w {
				image[(k/Block*h*w+p)*Block+k%Block] = plain[(i*c+k)*h*w+p]
			}
		}
	}
	return a, g
}

func convGuarded(n, c, h, w, gap int) (Act, *convGuard) {
	image := simd.Blocks(c) * h * w * Block
	size := (n-1)*(image+gap) + image
	g := newConvGuard(size)
	for i := range n - 1 {
		for k := range gap {
			g.data[i*(image+gap)+image+k] = convCanary
		}
	}
	g.image, g.gap = image, gap
	return Act{Data: g.data, N: n, C: c, H: h, W: w, Stride: image + gap}, g
}

// convPlain returns a blocked batch in the plain layout, and an error if lanes beyond C are not zero.
func convPlain(a Act) ([]float32, error) {
	plain := make([]float32, a.N*a.C*a.H*a.W)
	for i := range a.N {
		for k := range simd.Blocks(a.C) * Block {
			for p := range a.H * a.W {
				v := a.Data[i*a.Stride+(k/Block*a.H*a.W+p)*Block+k%Block]
				if k < a.C {
					plain[(i*a.C+k)*a.H*a.W+p] = v
				} else if v != 0 {
					return nil, fmt.Errorf("image %d, lane of channel %d, pixel %d is %g, want 0", i, k, p, v)
				}
			}
		}
	}
	return plain, nil
}

var convCanary = math.Float32frombits(0x7fc0beef)

// A convGuard is a slice with canaries on both sides (and in the gaps between images).
type convGuard struct {
	all, data  []float32
	image, gap int
}

func newConvGuard(n int) *convGuard {
	const margin = 64
	g := &convGuard{all: make([]float32, n+2*margin)}
	for i := range g.all {
		g.all[i] = convCanary
	}
	g.data = g.all[margin : margin+n : margin+n]
	return g
}

// poison fills the data with NaN, which spreads to whatever is computed from it.
func (g *convGuard) poison() *convGuard {
	for i := range g.data {
		g.data[i] = float32(math.NaN())
	}
	return g
}

func (g *convGuard) check(t *testing.T, what string) {
	t.Helper()
	margin := (len(g.all) - len(g.data)) / 2
	for i, v := range g.all {
		at := i - margin
		inside := at >= 0 && at < len(g.data)
		if inside && (g.gap == 0 || at%(g.image+g.gap) < g.image) {
			continue
		}
		if math.Float32bits(v) != math.Float32bits(convCanary) {
			t.Fatalf("%s: wrote %g at %d, outside of its %d floats", what, v, at, len(g.data))
		}
	}
}

// near fails the test if got is further than tolerance from want, relative in norm.
func convNear(t *testing.T, what string, got []float32, want []float64, tolerance float64) {
	t.Helper()
	var d, w float64
	for i, v := range want {
		e := float64(got[i]) - v
		d += e * e
		w += v * v
	}
	if e := math.Sqrt(d); !(e <= tolerance*math.Sqrt(w)) {
		t.Errorf("%s: off by %.3g relative in norm, want at most %g", what, e/math.Sqrt(w), tolerance)
	}
}

func convFamilies(t *testing.T, f func(t *testing.T)) {
	for _, fam := range simd.Families() {
		t.Run(fam.String(), func(t *testing.T) {
			setFamily(t, fam)
			f(t)
		})
	}
}

func convPool(t testing.TB, threads int) *Pool {
	p := simd.NewPool(threads)
	t.Cleanup(p.Close)
	return p
}

func sameConvBits(t *testing.T, what string, a, b []float32) {
	t.Helper()
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			t.Fatalf("%s: %g and %g at %d on different numbers of threads", what, a[i], b[i], i)
		}
	}
}

// convData is a case's data, and what should come out.
type convData struct {
	s               Shape
	plain           bool
	x, w, dy        []float32
	bias, res, seed []float32
	ref             *convReference
}

func newConvData(s Shape, plain bool) *convData {
	rng := rand.New(rand.NewPCG(1, uint64(s.C*s.F+s.H)))
	out := s.N * s.F * s.OutH() * s.OutW()
	d := &convData{s: s, plain: plain}
	d.x = convNormals(rng, s.N*s.C*s.H*s.W)
	d.w = convNormals(rng, s.filterLen())
	d.dy = convNormals(rng, out)
	d.bias = convNormals(rng, s.F)
	d.res = convNormals(rng, out)
	d.seed = convNormals(rng, len(d.x))
	d.ref = newConvReference(s, d.x, d.w, d.dy)
	return d
}

func (d *convData) input() (Input, *convGuard) {
	if d.plain {
		g := newConvGuard(len(d.x))
		copy(g.data, d.x)
		return Input{Plain: g.data}, g
	}
	a, g := convBlocked(d.x, d.s.N, d.s.C, d.s.H, d.s.W, 48)
	return Input{Act: a}, g
}

// forward runs the forward pass in one of its variants, checks it and returns the result.
func (d *convData) forward(t *testing.T, p *Pool, c *Plan, bias, residual bool, act simd.Activation) []float32 {
	t.Helper()
	s := d.s
	x, gx := d.input()
	packed := newConvGuard(c.PackedLen()).poison()
	c.Pack(p, d.w, packed.data)
	packed.check(t, "packed filters")
	filters := packed.data
	if len(filters) == 0 {
		filters = d.w
	}
	y, gy := convGuarded(s.N, s.F, s.OutH(), s.OutW(), 32)
	scratch := newConvGuard(c.Scratch(p.Threads())).poison()
	want := append([]float64(nil), d.ref.y...)
	var b []float32
	var r *Act
	pixels := s.OutH() * s.OutW()
	if bias {
		b = d.bias
		for i := range want {
			want[i] += float64(b[i/pixels%s.F])
		}
	}
	if residual {
		res, _ := convBlocked(d.res, s.N, s.F, s.OutH(), s.OutW(), 64)
		r = &res
		for i := range want {
			want[i] += float64(d.res[i])
		}
	}
	for i, v := range want {
		want[i] = activationOf(act, v)
	}
	c.Forward(p, x, filters, b, r, act, y, scratch.data)
	what := fmt.Sprintf("forward, bias %v, residual %v, %v", bias, residual, act)
	gx.check(t, what+": input")
	gy.check(t, what+": output")
	packed.check(t, what+": packed filters")
	scratch.check(t, what+": scratch")
	got, err := convPlain(y)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	convNear(t, what, got, want, 1e-5)
	return got
}

func (d *convData) dataGrad(t *testing.T, p *Pool, c *Plan, accumulate bool) []float32 {
	t.Helper()
	s := d.s
	dy, gdy := convBlocked(d.dy, s.N, s.F, s.OutH(), s.OutW(), 16)
	packed := newConvGuard(c.GradPackedLen()).poison()
	c.PackGrad(p, d.w, packed.data)
	packed.check(t, "packed filters for the data gradient")
	filters := packed.data
	if len(filters) == 0 {
		filters = d.w
	}
	dx, gdx := convGuarded(s.N, s.C, s.H, s.W, 32)
	want := append([]float64(nil), d.ref.dx...)
	if accumulate {
		dx, gdx = convBlocked(d.seed, s.N, s.C, s.H, s.W, 32)
		for i, v := range d.seed {
			want[i] += float64(v)
		}
	}
	scratch := newConvGuard(c.DataGradScratch(p.Threads())).poison()
	c.DataGrad(p, dy, filters, accumulate, dx, scratch.data)
	what := fmt.Sprintf("data gradient, accumulate %v", accumulate)
	gdy.check(t, what+": output gradient")
	gdx.check(t, what+": input gradient")
	packed.check(t, what+": packed filters")
	scratch.check(t, what+": scratch")
	got, err := convPlain(dx)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	convNear(t, what, got, want, 1e-5)
	return got
}

func (d *convData) filterGrad(t *testing.T, p *Pool, c *Plan, bias bool) (dw, db []float32) {
	t.Helper()
	s := d.s
	x, gx := d.input()
	dy, gdy := convBlocked(d.dy, s.N, s.F, s.OutH(), s.OutW(), 16)
	gdw, gdb := newConvGuard(s.filterLen()).poison(), newConvGuard(s.F).poison()
	scratch := newConvGuard(c.FilterGradScratch(p.Threads())).poison()
	if bias {
		db = gdb.data
	}
	c.FilterGrad(p, x, dy, gdw.data, db, scratch.data)
	gx.check(t, "filter gradient: input")
	gdy.check(t, "filter gradient: output gradient")
	gdw.check(t, "filter gradient")
	gdb.check(t, "bias gradient")
	scratch.check(t, "filter gradient: scratch")
	convNear(t, "filter gradient", gdw.data, d.ref.dw, 1e-5)
	if bias {
		convNear(t, "bias gradient", db, d.ref.db, 1e-5)
	}
	return gdw.data, db
}

// Activations: those that loops clip with, and such as are a pass of their own, one of which is not zero at zero.
var (
	none      = simd.Activation{}
	relu      = simd.Activation{Kind: simd.ReLUKind}
	relu6     = simd.Activation{Kind: simd.ReLU6Kind}
	sigmoid   = simd.Activation{Kind: simd.SigmoidKind}
	hardSwish = simd.Activation{Kind: simd.HardSwishKind}
)

func activationOf(a simd.Activation, x float64) float64 {
	switch a {
	case relu:
		return max(x, 0)
	case relu6:
		return min(max(x, 0), 6)
	case sigmoid:
		return 1 / (1 + math.Exp(-x))
	case hardSwish:
		return x * min(max(x+3, 0), 6) / 6
	}
	return x
}

// convPlans are the ways to compute a convolution, forced.
var convPlans = []struct {
	name     string
	a        *algorithm
	training bool
}{
	{"by the direct sum", &direct, false},
	{"by minimal filtering", &minimal, false},
	{"by minimal filtering in training", &minimal, true},
	{"by minimal filtering of small tiles", &smallTiles, false},
	{"by minimal filtering of 5×5", &fiveTaps, false},
	{"by minimal filtering of 5×5 in training", &fiveTaps, true},
	{"in vectors of pixels", &pixelwise, false},
	{"depthwise", &depthwise, false},
}

func TestConvAgainstStraightLoops(t *testing.T) {
	data := make([]*convData, len(convCases))
	for i, k := range convCases {
		data[i] = newConvData(convDefaults(k.s), k.plain)
	}
	convFamilies(t, func(t *testing.T) {
		one, three := convPool(t, 1), convPool(t, 3)
		for i, k := range convCases {
			for _, plan := range convPlans {
				d := data[i]
				c, err := newPlan(d.s, options{plain: d.plain, training: plan.training}, plan.a)
				if err != nil {
					t.Fatal(err)
				}
				if !plannedBy(c, plan.a) {
					continue
				}
				t.Run(k.name+", "+plan.name, func(t *testing.T) {
					d.forward(t, three, c, false, false, none)
					d.forward(t, three, c, true, false, relu)
					d.forward(t, three, c, false, true, sigmoid)
					d.forward(t, three, c, false, false, hardSwish)
					a := d.forward(t, one, c, true, true, relu6)
					sameConvBits(t, "forward", a, d.forward(t, three, c, true, true, relu6))
					if !d.plain {
						d.dataGrad(t, three, c, false)
						a := d.dataGrad(t, one, c, true)
						sameConvBits(t, "data gradient", a, d.dataGrad(t, three, c, true))
					}
					if plan.a.filterGrad == nil { // it is another plan's
						return
					}
					d.filterGrad(t, three, c, false)
					dw1, db1 := d.filterGrad(t, one, c, true)
					dw3, db3 := d.filterGrad(t, three, c, true)
					sameConvBits(t, "filter gradient", dw1, dw3)
					sameConvBits(t, "bias gradient", db1, db3)
				})
			}
		}
	})
}

func TestConvForwardPooled(t *testing.T) {
	convFamilies(t, func(t *testing.T) {
		for _, k := range pooledCases {
			s := convDefaults(k.s)
			c, err := newPlan(s, options{plain: k.plain, training: false}, &pixelwise)
			if err != nil {
				t.Fatal(err)
			}
			if !c.Pools() {
				continue
			}
			t.Run(k.name, func(t *testing.T) {
				d, p := newConvData(s, k.plain), convPool(t, 3)
				x, _ := d.input()
				packed := make([]float32, c.PackedLen())
				c.Pack(p, d.w, packed)
				oh, ow := k.w.Out(s.OutH(), s.OutW())
				full, _ := convGuarded(s.N, s.F, s.OutH(), s.OutW(), 16)
				want, _ := convGuarded(s.N, s.F, oh, ow, 32)
				got, guard := convGuarded(s.N, s.F, oh, ow, 32)
				wantArg, gotArg := make([]uint8, simd.BlockedLen(s.N, s.F, oh, ow)), make([]uint8, simd.BlockedLen(s.N, s.F, oh, ow))
				c.Forward(p, x, packed, d.bias, nil, relu, full, make([]float32, c.Scratch(3)))
				maxPool(k.w, full, want, wantArg)
				for _, argmax := range [][]uint8{nil, gotArg} {
					scratch := newConvGuard(c.PooledScratch(3, k.w)).poison()
					c.ForwardPooled(p, x, packed, d.bias, relu, k.w, got, argmax, scratch.data)
					scratch.check(t, "scratch")
					guard.check(t, "pooled map")
					a, err := convPlain(got)
					if err != nil {
						t.Fatal(err)
					}
					if b, _ := convPlain(want); !slices.Equal(a, b) {
						t.Error("the pooled map differs from that of two passes")
					}
				}
				if !slices.Equal(gotArg, wantArg) {
					t.Error("other pixels were chosen than in two passes")
				}
			})
		}
	})
}

func TestConvShapeValidate(t *testing.T) {
	good := convDefaults(Shape{N: 1, C: 6, H: 8, W: 8, F: 9, KH: 3, KW: 3, Groups: 3})
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, k := range []struct {
		name, want string
		change     func(s *Shape)
	}{
		{"no image is refused", "images is 0", func(s *Shape) { s.N = 0 }},
		{"a stride of zero is refused", "vertical stride is 0", func(s *Shape) { s.SH = 0 }},
		{"negative padding is refused", "left padding is -1", func(s *Shape) { s.PadL = -1 }},
		{"a dilation of zero is refused", "horizontal dilation is 0", func(s *Shape) { s.DW = 0 }},
		{"groups must divide the channels", "2 groups", func(s *Shape) { s.Groups = 2 }},
		{"groups must divide the filters", "2 groups", func(s *Shape) { s.Groups, s.C = 2, 4 }},
		{"a filter larger than the map is refused", "does not fit in a 8×8 map padded to 8×8", func(s *Shape) { s.KH, s.DH = 3, 4 }},
		{"absurd sizes are refused", "2^40 elements", func(s *Shape) { s.N, s.H, s.W = 1<<20, 1<<20, 1<<20 }},
	} {
		t.Run(k.name, func(t *testing.T) {
			s := good
			k.change(&s)
			_, err := New(s, false, false)
			if err == nil || !strings.Contains(err.Error(), k.want) {
				t.Errorf("error %v, want one about %q", err, k.want)
			}
		})
	}
}

func TestConvScratchMayBeDirty(t *testing.T) {
	// A large shape, after a small one has left its data in the same scratch space and output.
	for _, plan := range convPlans {
		convFamilies(t, func(t *testing.T) {
			p := convPool(t, 2)
			var scratch []float32
			var first []float32
			large := convDefaults(Shape{N: 2, C: 40, H: 17, W: 15, F: 38, KH: 3, KW: 3, PadT: 1, PadB: 1, PadL: 1, PadR: 1})
			small := convDefaults(Shape{N: 1, C: 5, H: 6, W: 4, F: 33, KH: 3, KW: 3, PadT: 1, PadR: 1})
			for _, s := range []Shape{large, small, large} {
				c, err := newPlan(s, options{plain: false, training: plan.training}, plan.a)
				if err != nil {
					t.Fatal(err)
				}
				rng := rand.New(rand.NewPCG(7, 7))
				x, _ := convBlocked(convNormals(rng, s.N*s.C*s.H*s.W), s.N, s.C, s.H, s.W, 0)
				dy, _ := convBlocked(convNormals(rng, s.N*s.F*s.OutH()*s.OutW()), s.N, s.F, s.OutH(), s.OutW(), 0)
				w := convNormals(rng, s.filterLen())
				packed, gradPacked := make([]float32, c.PackedLen()), make([]float32, c.GradPackedLen())
				c.Pack(p, w, packed)
				c.PackGrad(p, w, gradPacked)
				if c.PackedLen() == 0 {
					packed = w
				}
				if c.GradPackedLen() == 0 {
					gradPacked = w
				}
				if scratch == nil {
					scratch = make([]float32, max(c.Scratch(2), c.DataGradScratch(2), c.FilterGradScratch(2)))
				}
				y := simd.NewAct(make([]float32, simd.BlockedLen(s.N, s.F, s.OutH(), s.OutW())), s.N, s.F, s.OutH(), s.OutW())
				dx := simd.NewAct(make([]float32, simd.BlockedLen(s.N, s.C, s.H, s.W)), s.N, s.C, s.H, s.W)
				dw := make([]float32, len(w))
				c.Forward(p, Input{Act: x}, packed, w[:s.F], nil, relu, y, scratch)
				c.DataGrad(p, dy, gradPacked, false, dx, scratch)
				c.FilterGrad(p, Input{Act: x}, dy, dw, nil, scratch)
				all := slices.Concat(y.Data, dx.Data, dw)
				if first == nil {
					first = all
				} else if s == large {
					sameConvBits(t, "second time", first, all)
				}
			}
		})
	}
}

func TestConvAllocatesNothing(t *testing.T) {
	convFamilies(t, func(t *testing.T) {
		p := convPool(t, 2)
		for _, k := range []struct {
			stride int
			plain  bool
			a      *algorithm
		}{{2, false, &direct}, {2, true, &direct}, {1, false, &direct}, {1, false, &minimal}, {1, true, &pixelwise}, {1, false, &depthwise}, {2, false, &depthwise}} {
			plain := k.plain
			s := convDefaults(Shape{N: 2, C: 20, H: 17, W: 15, F: 18, KH: 3, KW: 3, SH: k.stride, SW: k.stride, PadT: 1, PadB: 1, PadL: 1, PadR: 1})
			if k.a == &depthwise {
				s.F, s.Groups = s.C, s.C
			}
			d := newConvData(s, plain)
			c, err := newPlan(s, options{plain: plain, training: false}, k.a)
			if err != nil {
				t.Fatal(err)
			}
			x, _ := d.input()
			dy, _ := convBlocked(d.dy, s.N, s.F, s.OutH(), s.OutW(), 0)
			res, _ := convBlocked(d.res, s.N, s.F, s.OutH(), s.OutW(), 0)
			y, _ := convGuarded(s.N, s.F, s.OutH(), s.OutW(), 0)
			dx, _ := convGuarded(s.N, s.C, s.H, s.W, 0)
			packed, gradPacked := make([]float32, c.PackedLen()), make([]float32, c.GradPackedLen())
			scratch := make([]float32, max(c.Scratch(2), c.DataGradScratch(2), c.FilterGradScratch(2)))
			dw := make([]float32, s.filterLen())
			half, _ := convGuarded(s.N, s.F, s.OutH()/2, s.OutW()/2, 0)
			two := Window{KH: 2, KW: 2, SH: 2, SW: 2}
			if c.Pools() {
				scratch = make([]float32, max(len(scratch), c.PooledScratch(2, two)))
			}
			if n := testing.AllocsPerRun(5, func() {
				if c.Pools() {
					c.ForwardPooled(p, x, d.w, d.bias, relu, two, half, nil, scratch)
				}
				c.Pack(p, d.w, packed)
				c.Forward(p, x, packed, d.bias, &res, hardSwish, y, scratch)
				if !plain {
					c.PackGrad(p, d.w, gradPacked)
					c.DataGrad(p, dy, gradPacked, true, dx, scratch)
				}
				c.FilterGrad(p, x, dy, dw, d.bias, scratch)
			}); n != 0 {
				t.Errorf("%+v: %g allocations in a step, want none", k, n)
			}
		}
	})
}

func TestConvOnRandomShapes(t *testing.T) {
	convFamilies(t, func(t *testing.T) {
		p := convPool(t, 2)
		rng := rand.New(rand.NewPCG(11, 12))
		for i := range 60 {
			s := Shape{
				N: 1 + rng.IntN(4), H: 1 + rng.IntN(16), W: 1 + rng.IntN(16), Groups: 1,
				KH: 1 + rng.IntN(5), KW: 1 + rng.IntN(5), SH: 1 + rng.IntN(3), SW: 1 + rng.IntN(3),
				PadT: rng.IntN(4), PadB: rng.IntN(4), PadL: rng.IntN(4), PadR: rng.IntN(4), DH: 1 + rng.IntN(2), DW: 1 + rng.IntN(2),
			}
			if rng.IntN(3) == 0 {
				side := 3 + 2*rng.IntN(2)
				s.KH, s.KW, s.SH, s.SW, s.DH, s.DW = side, side, 1, 1, 1, 1
			}
			if rng.IntN(3) == 0 {
				s.Groups = 1 + rng.IntN(4)
			}
			s.C, s.F = s.Groups*(1+rng.IntN(40)), s.Groups*(1+rng.IntN(40))
			plain := rng.IntN(4) == 0
			if s.Validate() != nil {
				continue
			}
			t.Run(fmt.Sprintf("shape %d, %+v, plain %v", i, s, plain), func(t *testing.T) {
				d := newConvData(s, plain)
				for _, plan := range convPlans {
					c, err := newPlan(s, options{plain: plain, training: plan.training}, plan.a)
					if err != nil {
						t.Fatal(err)
					}
					d.forward(t, p, c, true, true, relu6)
					if !plain {
						d.dataGrad(t, p, c, false)
					}
					if plan.a.filterGrad != nil { // else it is another plan's
						d.filterGrad(t, p, c, true)
					}
				}
			})
		}
	})
}

// plannedBy reports whether the forward pass is the algorithm's.
func plannedBy(c *Plan, a *algorithm) bool {
	switch f := c.forward.(type) {
	case *winogradPass:
		return a == map[simd.Winograd]*algorithm{simd.F43: &minimal, simd.F23: &smallTiles, simd.F25: &fiveTaps}[f.form]
	case *pixelConv:
		return a == &pixelwise
	case *lanePass:
		return a == &depthwise
	}
	return a == &direct
}

// Pixels that a 1×1 filter with strides sees are brought together where tiles that end with the rows would be short.
func TestThinnedMaps(t *testing.T) {
	tests := []struct {
		name string
		s    Shape
		want map[simd.Family]bool
	}{
		{"rows of 7", Shape{N: 1, C: 32, H: 14, W: 14, F: 64, KH: 1, KW: 1, SH: 2, SW: 2}, map[simd.Family]bool{simd.AVX2: true, simd.AVX512: false}},
		{"rows of 14", Shape{N: 1, C: 32, H: 28, W: 28, F: 64, KH: 1, KW: 1, SH: 2, SW: 2}, map[simd.Family]bool{simd.AVX2: true, simd.AVX512: false}},
		{"rows of 36", Shape{N: 1, C: 32, H: 72, W: 72, F: 64, KH: 1, KW: 1, SH: 2, SW: 2}, map[simd.Family]bool{simd.AVX2: false, simd.AVX512: false}},
		{"padding", Shape{N: 1, C: 32, H: 13, W: 13, F: 64, KH: 1, KW: 1, SH: 2, SW: 2, PadT: 1, PadL: 1}, map[simd.Family]bool{simd.AVX2: false}},
		{"no strides", Shape{N: 1, C: 32, H: 7, W: 7, F: 64, KH: 1, KW: 1}, map[simd.Family]bool{simd.AVX2: false}},
		{"3×3", Shape{N: 1, C: 32, H: 15, W: 15, F: 64, KH: 3, KW: 3, SH: 2, SW: 2}, map[simd.Family]bool{simd.AVX2: false}},
	}
	convFamilies(t, func(t *testing.T) {
		for _, c := range tests {
			want, told := c.want[simd.CurrentFamily()]
			if !told {
				continue
			}
			pass := direct.forward(convDefaults(c.s), options{}).(*directPass)
			if got := pass.phases[0].thinned.w > 0; got != want {
				t.Errorf("%s: thinned is %v, want %v", c.name, got, want)
			}
		}
	})
}
