package conv

import (
	"math/rand/v2"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

var pooledCases = []struct {
	name  string
	s     Shape
	plain bool
	w     Window
}{
	{"LeNet's C1", Shape{N: 5, C: 1, H: 28, W: 28, F: 6, KH: 5, KW: 5, PadT: 2, PadB: 2, PadL: 2, PadR: 2}, true, Window{KH: 2, KW: 2, SH: 2, SW: 2}},
	{"LeNet's C3", Shape{N: 9, C: 6, H: 14, W: 14, F: 16, KH: 5, KW: 5}, false, Window{KH: 2, KW: 2, SH: 2, SW: 2}},
	{"many images", Shape{N: 67, C: 2, H: 7, W: 6, F: 3, KH: 3, KW: 2}, false, Window{KH: 2, KW: 2, SH: 2, SW: 2}},
	{"padding, windows that overlap and hang over", Shape{N: 2, C: 13, H: 9, W: 11, F: 35, KH: 3, KW: 3, PadT: 1, PadB: 1, PadL: 1, PadR: 1}, false,
		Window{KH: 3, KW: 3, SH: 2, SW: 2, PadT: 1, PadL: 1, Ceil: true}},
	{"padding on one side, windows that leave pixels out", Shape{N: 2, C: 8, H: 12, W: 13, F: 17, KH: 4, KW: 6, PadT: 2, PadR: 3}, false,
		Window{KH: 2, KW: 1, SH: 3, SW: 4}},
	{"a block of channels, filters wider than a box", Shape{N: 1, C: 16, H: 15, W: 17, F: 5, KH: 9, KW: 8}, false, Window{KH: 3, KW: 4, SH: 3, SW: 4}},
	{"1×1", Shape{N: 3, C: 5, H: 6, W: 7, F: 20, KH: 1, KW: 1}, false, Window{KH: 2, KW: 3, SH: 2, SW: 2, PadR: 1}},
	{"one pixel", Shape{N: 1, C: 1, H: 1, W: 1, F: 1, KH: 1, KW: 1}, false, Window{KH: 1, KW: 1, SH: 1, SW: 1}},
	{"plain, stride 4", Shape{N: 2, C: 3, H: 63, W: 67, F: 20, KH: 11, KW: 11, SH: 4, SW: 4, PadT: 2, PadB: 2, PadL: 2, PadR: 2}, true, Window{KH: 3, KW: 3, SH: 2, SW: 2}},
	{"plain, few filters, windows that overlap and hang over", Shape{N: 3, C: 2, H: 13, W: 23, F: 13, KH: 3, KW: 4, PadT: 1, PadL: 2}, true,
		Window{KH: 3, KW: 3, SH: 2, SW: 2, PadT: 1, PadL: 1, Ceil: true}},
	{"plain, rows of windows that end before a tile's", Shape{N: 3, C: 1, H: 11, W: 20, F: 5, KH: 2, KW: 3}, true, Window{KH: 2, KW: 3, SH: 2, SW: 2, PadL: 1}},
	{"plain, the last row of windows hangs over", Shape{N: 2, C: 1, H: 10, W: 21, F: 5, KH: 2, KW: 2}, true, Window{KH: 2, KW: 2, SH: 2, SW: 2, Ceil: true}},
	{"plain, windows as high as a tile", Shape{N: 2, C: 2, H: 16, W: 18, F: 3, KH: 2, KW: 2}, true, Window{KH: 4, KW: 2, SH: 4, SW: 2, PadB: 2}},
	{"plain, dilated, wide filter", Shape{N: 2, C: 2, H: 9, W: 60, F: 18, KH: 3, KW: 19, DH: 2, SW: 2, PadL: 4}, true, Window{KH: 2, KW: 3, SH: 1, SW: 2, PadT: 1}},
	{"a window of 256 pixels", Shape{N: 1, C: 3, H: 20, W: 18, F: 4, KH: 3, KW: 2}, false, Window{KH: 16, KW: 16, SH: 1, SW: 1}},
}

// pooledBackward computes both gradients and returns dx (nil for plain input), dw and db.
func pooledBackward(t testing.TB, p *Pool, g *PooledGrad, d *convData, dy Act, argmax []uint8, accumulate bool) (dx, dw, db []float32) {
	s := d.s
	x, gx := d.input()
	gdw, gdb := newConvGuard(s.filterLen()).poison(), newConvGuard(s.F).poison()
	scratch := newConvGuard(g.FilterGradScratch(p.Threads())).poison()
	g.FilterGrad(p, x, dy, argmax, gdw.data, gdb.data, scratch.data)
	tt := t.(*testing.T)
	gx.check(tt, "input")
	gdw.check(tt, "filter gradient")
	gdb.check(tt, "bias gradient")
	scratch.check(tt, "filter gradient: scratch")
	if d.plain {
		return nil, gdw.data, gdb.data
	}
	packed := newConvGuard(g.GradPackedLen()).poison()
	g.PackGrad(p, d.w, packed.data)
	packed.check(tt, "packed filters")
	a, gdx := convGuarded(s.N, s.C, s.H, s.W, 32)
	if accumulate {
		a, gdx = convBlocked(d.seed, s.N, s.C, s.H, s.W, 32)
	}
	scratch = newConvGuard(g.DataGradScratch(p.Threads())).poison()
	g.DataGrad(p, dy, argmax, packed.data, accumulate, a, scratch.data)
	gdx.check(tt, "input gradient")
	scratch.check(tt, "data gradient: scratch")
	dx, err := convPlain(a)
	if err != nil {
		t.Fatal(err)
	}
	return dx, gdw.data, gdb.data
}

func TestPooledGradAgainstStraightLoops(t *testing.T) {
	for _, k := range pooledCases {
		s := convDefaults(k.s)
		d := newConvData(s, k.plain)
		oh, ow := s.OutH(), s.OutW()
		ph, pw := k.w.Out(oh, ow)
		one := convPool(t, 1)
		argmax := make([]uint8, simd.BlockedLen(s.N, s.F, ph, pw))
		big, _ := convBlocked(d.dy, s.N, s.F, oh, ow, 0)
		maxPool(k.w, big, emptyAct(s.N, s.F, ph, pw), argmax)
		dy, gdy := convBlocked(convNormals(rand.New(rand.NewPCG(5, 6)), s.N*s.F*ph*pw), s.N, s.F, ph, pw, 16)
		ref := newConvReference(s, d.x, d.w, unpool(k.w, dy, argmax, oh, ow))
		t.Run(k.name, func(t *testing.T) {
			convFamilies(t, func(t *testing.T) {
				g := newPooledGrad(s, k.plain, k.w)
				three := convPool(t, 3)
				for _, accumulate := range []bool{false, true} {
					dx, dw, db := pooledBackward(t, three, g, d, dy, argmax, accumulate)
					gdy.check(t, "pooled gradient")
					convNear(t, "filter gradient", dw, ref.dw, 1e-5)
					convNear(t, "bias gradient", db, ref.db, 1e-5)
					dx1, dw1, db1 := pooledBackward(t, one, g, d, dy, argmax, accumulate)
					sameConvBits(t, "filter gradient", dw1, dw)
					sameConvBits(t, "bias gradient", db1, db)
					if k.plain {
						continue
					}
					want := append([]float64(nil), ref.dx...)
					if accumulate {
						for i, v := range d.seed {
							want[i] += float64(v)
						}
					}
					convNear(t, "data gradient", dx, want, 1e-5)
					sameConvBits(t, "data gradient", dx1, dx)
				}
			})
		})
	}
}

func TestPooledGradKnowsWhatItCan(t *testing.T) {
	two := Window{KH: 2, KW: 2, SH: 2, SW: 2}
	for _, k := range []struct {
		name  string
		s     Shape
		plain bool
		w     Window
		want  bool
	}{
		{"few channels", Shape{N: 64, C: 6, H: 14, W: 14, F: 16, KH: 5, KW: 5}, false, two, true},
		{"few filters of a plain image", Shape{N: 64, C: 1, H: 28, W: 28, F: 6, KH: 5, KW: 5, PadT: 2, PadB: 2, PadL: 2, PadR: 2}, true, two, true},
		{"many channels", Shape{N: 8, C: 64, H: 14, W: 14, F: 16, KH: 3, KW: 3}, false, two, false},
		{"windows on every pixel", Shape{N: 8, C: 16, H: 14, W: 14, F: 16, KH: 3, KW: 3}, false, Window{KH: 2, KW: 2, SH: 1, SW: 1}, false},
		{"strides", Shape{N: 8, C: 6, H: 14, W: 14, F: 16, KH: 5, KW: 5, SH: 2, SW: 2}, false, two, false},
		{"groups", Shape{N: 8, C: 6, H: 14, W: 14, F: 16, KH: 5, KW: 5, Groups: 2}, false, two, false},
	} {
		t.Run(k.name, func(t *testing.T) {
			if got := NewPooledGrad(convDefaults(k.s), k.plain, k.w) != nil; got != k.want {
				t.Errorf("planned: %v, want %v", got, k.want)
			}
		})
	}
}

func TestPooledGradAllocatesNothing(t *testing.T) {
	convFamilies(t, func(t *testing.T) {
		p := convPool(t, 2)
		for _, k := range pooledCases[:2] {
			s := convDefaults(k.s)
			d, g := newConvData(s, k.plain), newPooledGrad(s, k.plain, k.w)
			x, _ := d.input()
			dy := emptyAct(s.N, s.F, g.ph, g.pw)
			argmax := make([]uint8, simd.BlockedLen(s.N, s.F, g.ph, g.pw))
			scratch := make([]float32, max(g.FilterGradScratch(2), g.DataGradScratch(2)))
			packed, dw, dx := make([]float32, g.GradPackedLen()), make([]float32, s.filterLen()), emptyAct(s.N, s.C, s.H, s.W)
			if n := testing.AllocsPerRun(5, func() {
				g.FilterGrad(p, x, dy, argmax, dw, d.bias, scratch)
				if !k.plain {
					g.PackGrad(p, d.w, packed)
					g.DataGrad(p, dy, argmax, packed, false, dx, scratch)
				}
			}); n != 0 {
				t.Errorf("%s: %g allocations, want none", k.name, n)
			}
		}
	})
}

func BenchmarkPooledGrad(b *testing.B) {
	for _, k := range []struct {
		name  string
		s     Shape
		plain bool
		w     Window
	}{
		{"5×5 6→16 14² ×64", squareConv(64, 6, 14, 16, 5, 1, 0), false, Window{KH: 2, KW: 2, SH: 2, SW: 2}},
		{"5×5 1→6 28² ×64", squareConv(64, 1, 28, 6, 5, 1, 2), true, Window{KH: 2, KW: 2, SH: 2, SW: 2}},
		{"11×11÷4 3→64 224² ×8", squareConv(8, 3, 224, 64, 11, 4, 2), true, Window{KH: 3, KW: 3, SH: 2, SW: 2}},
	} {
		s := k.s
		p := convPool(b, 1)
		d, g := &convData{s: s, plain: k.plain, x: make([]float32, s.N*s.C*s.H*s.W)}, newPooledGrad(s, k.plain, k.w)
		x, _ := d.input()
		rng := rand.New(rand.NewPCG(5, 6))
		dy, dx := emptyAct(s.N, s.F, g.ph, g.pw), emptyAct(s.N, s.C, s.H, s.W)
		argmax := make([]uint8, simd.BlockedLen(s.N, s.F, g.ph, g.pw))
		full, _ := convBlocked(convNormals(rng, s.N*s.F*s.OutH()*s.OutW()), s.N, s.F, s.OutH(), s.OutW(), 0)
		maxPool(k.w, full, dy, argmax)
		w, dw := convNormals(rng, s.filterLen()), make([]float32, s.filterLen())
		packed := make([]float32, g.GradPackedLen())
		scratch := make([]float32, max(g.FilterGradScratch(1), g.DataGradScratch(1)))
		measure := func(what string, f func()) {
			b.Run(k.name+"/"+what, func(b *testing.B) {
				for b.Loop() {
					f()
				}
				b.ReportMetric(2*float64(s.MACs())*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
			})
		}
		measure("filter", func() { g.FilterGrad(p, x, dy, argmax, dw, dw[:s.F], scratch) })
		if !k.plain {
			measure("pack", func() { g.PackGrad(p, w, packed) })
			measure("data", func() { g.DataGrad(p, dy, argmax, packed, false, dx, scratch) })
		}
	}
}

// emptyAct returns a dense batch of zeros.
func emptyAct(n, c, h, w int) Act {
	return simd.NewAct(make([]float32, simd.BlockedLen(n, c, h, w)), n, c, h, w)
}

// maxPool pools a whole batch.
func maxPool(w Window, x, y Act, argmax []uint8) {
	lo, hi := w.Whole(x.W, y.W)
	for i := range y.N * simd.Blocks(y.C) {
		for row := range y.H {
			w.MaxRow(&x, &y, i, row, lo, hi, argmax)
		}
	}
}

// unpool returns the gradient of max pooling's input, as a plain batch.
func unpool(w Window, dy Act, argmax []uint8, h, width int) []float32 {
	dx := make([]float32, dy.N*dy.C*h*width)
	for n := range dy.N {
		for c := range dy.C {
			plane := n*simd.Blocks(dy.C) + c/Block
			for p := range dy.H {
				for q := range dy.W {
					at := (p*dy.W+q)*Block + c%Block
					tap := int(argmax[plane*dy.H*dy.W*Block+at])
					i, j := p*w.SH-w.PadT+tap/w.KW, q*w.SW-w.PadL+tap%w.KW
					dx[((n*dy.C+c)*h+i)*width+j] += dy.Plane(plane)[at]
				}
			}
		}
	}
	return dx
}
