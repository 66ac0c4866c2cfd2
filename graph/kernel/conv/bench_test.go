package conv

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

func squareConv(n, c, size, f, k, stride, pad int) Shape {
	return Shape{
		N: n, C: c, H: size, W: size, F: f, KH: k, KW: k, SH: stride, SW: stride,
		PadT: pad, PadB: pad, PadL: pad, PadR: pad, DH: 1, DW: 1, Groups: 1,
	}
}

var convBenchmarks = []struct {
	name  string
	s     Shape
	plain bool
}{
	{"3×3 64→64 56² ×1", squareConv(1, 64, 56, 64, 3, 1, 1), false},
	{"3×3 64→64 56² ×8", squareConv(8, 64, 56, 64, 3, 1, 1), false},
	{"3×3 512→512 7² ×1", squareConv(1, 512, 7, 512, 3, 1, 1), false},
	{"3×3 512→512 7² ×16", squareConv(16, 512, 7, 512, 3, 1, 1), false},
	{"3×3 256→256 14² ×8", squareConv(8, 256, 14, 256, 3, 1, 1), false},
	{"3×3 64→64 224² ×1", squareConv(1, 64, 224, 64, 3, 1, 1), false},
	{"1×1 256→64 56² ×1", squareConv(1, 256, 56, 64, 1, 1, 0), false},
	{"1×1 256→64 56² ×8", squareConv(8, 256, 56, 64, 1, 1, 0), false},
	{"1×1 512→2048 7² ×1", squareConv(1, 512, 7, 2048, 1, 1, 0), false},
	{"1×1 512→2048 7² ×16", squareConv(16, 512, 7, 2048, 1, 1, 0), false},
	{"1×1 2048→512 7² ×16", squareConv(16, 2048, 7, 512, 1, 1, 0), false},
	{"1×1 1024→256 14² ×8", squareConv(8, 1024, 14, 256, 1, 1, 0), false},
	{"7×7÷2 3→64 224² ×1", squareConv(1, 3, 224, 64, 7, 2, 3), true},
	{"7×7÷2 3→64 224² ×8", squareConv(8, 3, 224, 64, 7, 2, 3), true},
	{"11×11÷4 3→64 224² ×8", squareConv(8, 3, 224, 64, 11, 4, 2), true},
	{"5×5 64→192 27² ×1", squareConv(1, 64, 27, 192, 5, 1, 2), false},
	{"5×5 64→192 27² ×8", squareConv(8, 64, 27, 192, 5, 1, 2), false},
	{"3×3 16→16 32² ×32", squareConv(32, 16, 32, 16, 3, 1, 1), false},
	{"3×3 192→192 19² ×1", squareConv(1, 192, 19, 192, 3, 1, 1), false},
	{"3×3 192→192 19² ×16", squareConv(16, 192, 19, 192, 3, 1, 1), false},
	{"3×3÷2 128→256 28² ×8", squareConv(8, 128, 28, 256, 3, 2, 1), false},
	{"1×1÷2 256→512 56² ×4", squareConv(4, 256, 56, 512, 1, 2, 0), false},
	{"5×5 6→16 14² ×64", squareConv(64, 6, 14, 16, 5, 1, 0), false},
	{"5×5 1→6 28² ×64", squareConv(64, 1, 28, 6, 5, 1, 2), true},
	{"3×3 128→128 28² ×1", squareConv(1, 128, 28, 128, 3, 1, 1), false},
	{"3×3 128→128 28² ×8", squareConv(8, 128, 28, 128, 3, 1, 1), false},
	{"3×3 256→256 14² ×1", squareConv(1, 256, 14, 256, 3, 1, 1), false},
	{"3×3 32→32 16² ×32", squareConv(32, 32, 16, 32, 3, 1, 1), false},
	{"3×3 64→64 8² ×32", squareConv(32, 64, 8, 64, 3, 1, 1), false},
	{"3×3 256→384 13² ×4", squareConv(4, 256, 13, 384, 3, 1, 1), false},
	{"3×3 512→512 14² ×1", squareConv(1, 512, 14, 512, 3, 1, 1), false},
	{"3×3 512→512 7² ×4", squareConv(4, 512, 7, 512, 3, 1, 1), false},
	{"3×3 512→512 14² ×8", squareConv(8, 512, 14, 512, 3, 1, 1), false},
	{"3×3 512→512 2² ×64", squareConv(64, 512, 2, 512, 3, 1, 1), false},
}

func BenchmarkConv(b *testing.B) {
	for _, threads := range []int{1, 2} {
		p := convPool(b, threads)
		for _, k := range convBenchmarks {
			s := k.s
			rng := rand.New(rand.NewPCG(1, 1))
			c, err := New(s, k.plain, false)
			if err != nil {
				b.Fatal(err)
			}
			var x Input
			if k.plain {
				x.Plain = convNormals(rng, s.N*s.C*s.H*s.W)
			} else {
				x.Act = simd.NewAct(convNormals(rng, simd.BlockedLen(s.N, s.C, s.H, s.W)), s.N, s.C, s.H, s.W)
			}
			dy := simd.NewAct(convNormals(rng, simd.BlockedLen(s.N, s.F, s.OutH(), s.OutW())), s.N, s.F, s.OutH(), s.OutW())
			y := simd.NewAct(make([]float32, len(dy.Data)), s.N, s.F, s.OutH(), s.OutW())
			dx := simd.NewAct(make([]float32, simd.BlockedLen(s.N, s.C, s.H, s.W)), s.N, s.C, s.H, s.W)
			w := convNormals(rng, s.filterLen())
			dw, bias := make([]float32, len(w)), make([]float32, s.F)
			packed, gradPacked := make([]float32, c.PackedLen()), make([]float32, c.GradPackedLen())
			scratch := make([]float32, max(c.Scratch(threads), c.DataGradScratch(threads), c.FilterGradScratch(threads)))
			c.Pack(p, w, packed)
			measure := func(what string, f func()) {
				b.Run(fmt.Sprintf("%s/%s/threads=%d", k.name, what, threads), func(b *testing.B) {
					for b.Loop() {
						f()
					}
					b.ReportMetric(2*float64(s.MACs())*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
				})
			}
			measure("pack", func() { c.Pack(p, w, packed) })
			measure("forward", func() { c.Forward(p, x, packed, bias, nil, true, y, scratch) })
			if !k.plain {
				c.PackGrad(p, w, gradPacked)
				measure("data", func() { c.DataGrad(p, dy, gradPacked, false, dx, scratch) })
			}
			// In training, filters are new each time.
			if c, err = New(s, k.plain, true); err != nil {
				b.Fatal(err)
			}
			if scratch = make([]float32, max(c.Scratch(threads), c.DataGradScratch(threads), c.FilterGradScratch(threads))); c.PackedLen() == 0 {
				measure("forward in training", func() { c.Forward(p, x, w, bias, nil, true, y, scratch) })
			}
			if !k.plain && c.GradPackedLen() == 0 {
				measure("data in training", func() { c.DataGrad(p, dy, w, false, dx, scratch) })
			}
			measure("filter", func() { c.FilterGrad(p, x, dy, dw, bias, scratch) })
		}
	}
}
