package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

var pooledCases = []struct {
	name  string
	s     ConvShape
	plain bool
	w     Window
}{
	{"LeNet's C1", ConvShape{N: 5, C: 1, H: 28, W: 28, F: 6, KH: 5, KW: 5, PadT: 2, PadB: 2, PadL: 2, PadR: 2}, true, Window{KH: 2, KW: 2, SH: 2, SW: 2}},
	{"LeNet's C3", ConvShape{N: 9, C: 6, H: 14, W: 14, F: 16, KH: 5, KW: 5}, false, Window{KH: 2, KW: 2, SH: 2, SW: 2}},
	{"many images", ConvShape{N: 67, C: 2, H: 7, W: 6, F: 3, KH: 3, KW: 2}, false, Window{KH: 2, KW: 2, SH: 2, SW: 2}},
	{"padding, windows that overlap and hang over", ConvShape{N: 2, C: 13, H: 9, W: 11, F: 35, KH: 3, KW: 3, PadT: 1, PadB: 1, PadL: 1, PadR: 1}, false,
		Window{KH: 3, KW: 3, SH: 2, SW: 2, PadT: 1, PadL: 1, Ceil: true}},
	{"padding on one side, windows that leave pixels out", ConvShape{N: 2, C: 8, H: 12, W: 13, F: 17, KH: 4, KW: 6, PadT: 2, PadR: 3}, false,
		Window{KH: 2, KW: 1, SH: 3, SW: 4}},
	{"a block of channels, filters wider than a box", ConvShape{N: 1, C: 16, H: 15, W: 17, F: 5, KH: 9, KW: 8}, false, Window{KH: 3, KW: 4, SH: 3, SW: 4}},
	{"1×1", ConvShape{N: 3, C: 5, H: 6, W: 7, F: 20, KH: 1, KW: 1}, false, Window{KH: 2, KW: 3, SH: 2, SW: 2, PadR: 1}},
	{"one pixel", ConvShape{N: 1, C: 1, H: 1, W: 1, F: 1, KH: 1, KW: 1}, false, Window{KH: 1, KW: 1, SH: 1, SW: 1}},
	{"plain, stride 4", ConvShape{N: 2, C: 3, H: 63, W: 67, F: 20, KH: 11, KW: 11, SH: 4, SW: 4, PadT: 2, PadB: 2, PadL: 2, PadR: 2}, true, Window{KH: 3, KW: 3, SH: 2, SW: 2}},
	{"plain, few filters, windows that overlap and hang over", ConvShape{N: 3, C: 2, H: 13, W: 23, F: 13, KH: 3, KW: 4, PadT: 1, PadL: 2}, true,
		Window{KH: 3, KW: 3, SH: 2, SW: 2, PadT: 1, PadL: 1, Ceil: true}},
	{"plain, rows of windows that end before a tile's", ConvShape{N: 3, C: 1, H: 11, W: 20, F: 5, KH: 2, KW: 3}, true, Window{KH: 2, KW: 3, SH: 2, SW: 2, PadL: 1}},
	{"plain, the last row of windows hangs over", ConvShape{N: 2, C: 1, H: 10, W: 21, F: 5, KH: 2, KW: 2}, true, Window{KH: 2, KW: 2, SH: 2, SW: 2, Ceil: true}},
	{"plain, windows as high as a tile", ConvShape{N: 2, C: 2, H: 16, W: 18, F: 3, KH: 2, KW: 2}, true, Window{KH: 4, KW: 2, SH: 4, SW: 2, PadB: 2}},
	{"plain, dilated, wide filter", ConvShape{N: 2, C: 2, H: 9, W: 60, F: 18, KH: 3, KW: 19, DH: 2, SW: 2, PadL: 4}, true, Window{KH: 2, KW: 3, SH: 1, SW: 2, PadT: 1}},
	{"a window of 256 pixels", ConvShape{N: 1, C: 3, H: 20, W: 18, F: 4, KH: 3, KW: 2}, false, Window{KH: 16, KW: 16, SH: 1, SW: 1}},
}

// pooledPass computes both gradients and returns dx (nil for plain input), dw and db.
func pooledPass(t testing.TB, p *Pool, g *PooledGrad, d *convData, dy Act, argmax []uint8, accumulate bool) (dx, dw, db []float32) {
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
		big, small := mapShape{s.N, s.F, oh, ow}, mapShape{s.N, s.F, ph, pw}
		one := convPool(t, 1)
		argmax := make([]uint8, BlockedLen(s.N, s.F, ph, pw))
		MaxPool(one, k.w, mapOf(big, widen(d.dy)), mapBuffer(small), argmax)
		dy, gdy := convBlocked(convNormals(rand.New(rand.NewPCG(5, 6)), small.len()), s.N, s.F, ph, pw, 16)
		full := mapBuffer(big)
		MaxPoolGrad(one, k.w, dy, argmax, full)
		ref := newConvReference(s, d.x, d.w, narrow(plainOf(t, full)))
		t.Run(k.name, func(t *testing.T) {
			convFamilies(t, func(t *testing.T) {
				g := newPooledGrad(s, k.plain, k.w)
				three := convPool(t, 3)
				for _, accumulate := range []bool{false, true} {
					dx, dw, db := pooledPass(t, three, g, d, dy, argmax, accumulate)
					gdy.check(t, "pooled gradient")
					convNear(t, "filter gradient", dw, ref.dw, 1e-5)
					convNear(t, "bias gradient", db, ref.db, 1e-5)
					dx1, dw1, db1 := pooledPass(t, one, g, d, dy, argmax, accumulate)
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
		s     ConvShape
		plain bool
		w     Window
		want  bool
	}{
		{"few channels", ConvShape{N: 64, C: 6, H: 14, W: 14, F: 16, KH: 5, KW: 5}, false, two, true},
		{"few filters of a plain image", ConvShape{N: 64, C: 1, H: 28, W: 28, F: 6, KH: 5, KW: 5, PadT: 2, PadB: 2, PadL: 2, PadR: 2}, true, two, true},
		{"many channels", ConvShape{N: 8, C: 64, H: 14, W: 14, F: 16, KH: 3, KW: 3}, false, two, false},
		{"windows on every pixel", ConvShape{N: 8, C: 16, H: 14, W: 14, F: 16, KH: 3, KW: 3}, false, Window{KH: 2, KW: 2, SH: 1, SW: 1}, false},
		{"strides", ConvShape{N: 8, C: 6, H: 14, W: 14, F: 16, KH: 5, KW: 5, SH: 2, SW: 2}, false, two, false},
		{"groups", ConvShape{N: 8, C: 6, H: 14, W: 14, F: 16, KH: 5, KW: 5, Groups: 2}, false, two, false},
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
			dy := mapBuffer(mapShape{s.N, s.F, g.ph, g.pw})
			argmax := make([]uint8, BlockedLen(s.N, s.F, g.ph, g.pw))
			scratch := make([]float32, max(g.FilterGradScratch(2), g.DataGradScratch(2)))
			packed, dw, dx := make([]float32, g.GradPackedLen()), make([]float32, s.filterLen()), mapBuffer(mapShape{s.N, s.C, s.H, s.W})
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

func TestBoxSumAgreesWithItsTwin(t *testing.T) {
	convFamilies(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		for cols, most := range boxRows[family] {
			for rows := 1; rows <= most; rows++ {
				for n := 1; n <= 5; n++ {
					wide := max(cols*Block, Block/2)
					s := boxSum{boxes: 1 + rng.IntN(3), n: n, step: 1 + rng.IntN(20), next: rng.IntN(50), row: rng.IntN(100), sumRow: wide + rng.IntN(9), sumNext: rng.IntN(200)}
					from := random(rng, 50+(rows-1)*s.row+wide)
					last := (s.boxes-1)*s.next + (n-1)*s.step
					factors, at := random(rng, last+1), make([]int32, last+1+s.step)
					for i := range at {
						at[i] = int32(4 * rng.IntN(51))
					}
					sums := newConvGuard((s.boxes-1)*s.sumNext + (rows-1)*s.sumRow + wide)
					copy(sums.data, random(rng, len(sums.data)))
					want := append([]float32(nil), sums.data...)
					boxSumPortable(rows, cols, s.boxes, n, &factors[0], &at[0], 4*s.step, 4*s.next, &from[0], 4*s.row, &want[0], 4*s.sumRow, 4*s.sumNext)
					s.run(&box{0, 0, rows, cols}, factors, at, from, sums.data)
					sums.check(t, "sums")
					convNear(t, fmt.Sprintf("%d×%d, %+v", rows, cols, s), sums.data, widen(want), 1e-6)
				}
			}
		}
	})
}

func BenchmarkPooledGrad(b *testing.B) {
	for _, k := range []struct {
		name  string
		s     ConvShape
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
		small := mapShape{s.N, s.F, g.ph, g.pw}
		dy, dx := mapBuffer(small), mapBuffer(mapShape{s.N, s.C, s.H, s.W})
		argmax := make([]uint8, BlockedLen(s.N, s.F, g.ph, g.pw))
		MaxPool(p, k.w, mapOf(mapShape{s.N, s.F, s.OutH(), s.OutW()}, widen(random(rng, s.N*s.F*s.OutH()*s.OutW()))), dy, argmax)
		w, dw := random(rng, s.filterLen()), make([]float32, s.filterLen())
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
