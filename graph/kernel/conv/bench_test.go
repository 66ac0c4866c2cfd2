package conv

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

func squareConv(n, c, size, f, k, stride, pad int) Shape {
	return Shape{
		N: n, C: c, H: size, W: size, F: f, KH: k, KW: k, SH: stride, SW: stride,
		PadT: pad, PadB: pad, PadL: pad, PadR: pad, DH: 1, DW: 1, Groups: 1,
	}
}

// depthwiseConv is a convolution of groups of each channels that keeps the size of the map, but for its stride.
func depthwiseConv(n, c, size, each, k, stride int) Shape {
	s := squareConv(n, c, size, c, k, stride, k/2)
	s.Groups = c / each
	return s
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
	{"3×3 32→64 14² ×64", squareConv(64, 32, 14, 64, 3, 1, 1), false},
	{"3×3 64→128 7² ×64", squareConv(64, 64, 7, 128, 3, 1, 1), false},
	{"3×3 512→512 2² ×64", squareConv(64, 512, 2, 512, 3, 1, 1), false},
	{"depthwise 3×3 32 112² ×1", depthwiseConv(1, 32, 112, 1, 3, 1), false},
	{"depthwise 3×3÷2 96 112² ×1", depthwiseConv(1, 96, 112, 1, 3, 2), false},
	{"depthwise 3×3 144 56² ×1", depthwiseConv(1, 144, 56, 1, 3, 1), false},
	{"depthwise 3×3 144 56² ×16", depthwiseConv(16, 144, 56, 1, 3, 1), false},
	{"depthwise 3×3÷2 96 112² ×16", depthwiseConv(16, 96, 112, 1, 3, 2), false},
	{"depthwise 3×3 32 112² ×16", depthwiseConv(16, 32, 112, 1, 3, 1), false},
	{"depthwise 3×3 384 14² ×1", depthwiseConv(1, 384, 14, 1, 3, 1), false},
	{"depthwise 3×3 960 7² ×1", depthwiseConv(1, 960, 7, 1, 3, 1), false},
	{"depthwise 3×3 384 14² ×16", depthwiseConv(16, 384, 14, 1, 3, 1), false},
	{"depthwise 5×5 240 28² ×1", depthwiseConv(1, 240, 28, 1, 5, 1), false},
	{"depthwise 5×5÷2 672 14² ×8", depthwiseConv(8, 672, 14, 1, 5, 2), false},
	{"depthwise 7×7 96 56² ×1", depthwiseConv(1, 96, 56, 1, 7, 1), false},
	{"depthwise 7×7 768 7² ×8", depthwiseConv(8, 768, 7, 1, 7, 1), false},
	{"groups of 4 3×3 128 56² ×1", depthwiseConv(1, 128, 56, 4, 3, 1), false},
	{"groups of 8 3×3 256 28² ×1", depthwiseConv(1, 256, 28, 8, 3, 1), false},
	{"groups of 16 3×3 512 14² ×1", depthwiseConv(1, 512, 14, 16, 3, 1), false},
	{"groups of 32 3×3 1024 7² ×1", depthwiseConv(1, 1024, 7, 32, 3, 1), false},
	{"1×1 32→16 112² ×1", squareConv(1, 32, 112, 16, 1, 1, 0), false},
	{"1×1 16→96 112² ×1", squareConv(1, 16, 112, 96, 1, 1, 0), false},
	{"1×1 16→96 112² ×16", squareConv(16, 16, 112, 96, 1, 1, 0), false},
	{"1×1 24→144 56² ×16", squareConv(16, 24, 56, 144, 1, 1, 0), false},
	{"1×1 144→24 56² ×16", squareConv(16, 144, 56, 24, 1, 1, 0), false},
	{"1×1 144→32 28² ×16", squareConv(16, 144, 28, 32, 1, 1, 0), false},
	{"1×1 32→192 28² ×16", squareConv(16, 32, 28, 192, 1, 1, 0), false},
	{"1×1 96→24 56² ×1", squareConv(1, 96, 56, 24, 1, 1, 0), false},
	{"1×1 144→24 56² ×1", squareConv(1, 144, 56, 24, 1, 1, 0), false},
	{"1×1 24→144 56² ×1", squareConv(1, 24, 56, 144, 1, 1, 0), false},
	{"1×1 192→32 28² ×1", squareConv(1, 192, 28, 32, 1, 1, 0), false},
	{"1×1 32→192 28² ×1", squareConv(1, 32, 28, 192, 1, 1, 0), false},
	{"1×1 384→64 14² ×1", squareConv(1, 384, 14, 64, 1, 1, 0), false},
	{"1×1 64→384 14² ×1", squareConv(1, 64, 14, 384, 1, 1, 0), false},
	{"1×1 576→96 14² ×1", squareConv(1, 576, 14, 96, 1, 1, 0), false},
	{"1×1 960→160 7² ×1", squareConv(1, 960, 7, 160, 1, 1, 0), false},
	{"1×1 160→960 7² ×1", squareConv(1, 160, 7, 960, 1, 1, 0), false},
	{"1×1 320→1280 7² ×1", squareConv(1, 320, 7, 1280, 1, 1, 0), false},
}

func BenchmarkConv(b *testing.B) {
	for _, threads := range []int{1, 2} {
		p := convPool(b, threads)
		peak := peakFLOPS(p)
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
					flops := 2 * float64(s.MACs()) * float64(b.N) / b.Elapsed().Seconds()
					bytes := 4 * float64(len(y.Data)+simd.BlockedLen(s.N, s.C, s.H, s.W)) * float64(b.N) / b.Elapsed().Seconds()
					b.ReportMetric(flops/1e9, "GFLOP/s")
					b.ReportMetric(100*flops/peak, "%peak")
					b.ReportMetric(bytes/1e9, "GB/s")
				})
			}
			measure("pack", func() { c.Pack(p, w, packed) })
			measure("forward", func() { c.Forward(p, x, packed, bias, nil, relu, y, scratch) })
			if !k.plain {
				c.PackGrad(p, w, gradPacked)
				measure("data", func() { c.DataGrad(p, dy, gradPacked, false, dx, scratch) })
			}
			if c.Measures() {
				moments, scratch := make([]simd.Moments, simd.Blocks(s.F)), make([]float32, c.MeasuredScratch(threads))
				measure("measured", func() { c.ForwardMeasured(p, x, packed, bias, y, moments, scratch) })
			}
			if c.SumsGrads() {
				sums, scratch := make([]simd.GradSums, simd.Blocks(s.C)), make([]float32, c.SummedScratch(threads))
				norm := &Normed{X: x.Act, Affines: make([]simd.Affine, simd.Blocks(s.C)), Act: relu6}
				for i := range norm.Affines {
					for j := range Block {
						norm.Affines[i].Scale[j] = 1
					}
				}
				measure("summed", func() { c.DataGradSummed(p, dy, gradPacked, false, dx, norm, sums, scratch) })
			}
			// In training, filters are new each time.
			if c, err = New(s, k.plain, true); err != nil {
				b.Fatal(err)
			}
			if scratch = make([]float32, max(c.Scratch(threads), c.DataGradScratch(threads), c.FilterGradScratch(threads))); c.PackedLen() == 0 {
				measure("forward in training", func() { c.Forward(p, x, w, bias, nil, relu, y, scratch) })
			}
			if !k.plain && c.GradPackedLen() == 0 {
				measure("data in training", func() { c.DataGrad(p, dy, w, false, dx, scratch) })
			}
			measure("filter", func() { c.FilterGrad(p, x, dy, dw, bias, scratch) })
		}
	}
}

// peakFLOPS is what the pool's threads compute in a second with the family's largest tile in the first-level cache.
func peakFLOPS(p *Pool) float64 {
	best := 0.0
	for range 5 {
		r := peakRun{}
		begun := time.Now()
		p.Run(p.Threads(), &r)
		best = max(best, float64(p.Threads()*r.flops())/time.Since(begun).Seconds())
	}
	return best
}

const peakSteps, peakCalls = 256, 4000

type peakRun struct{}

func (peakRun) size() (rows, panels int) {
	for p := 1; p <= simd.MostPanels(); p++ {
		if n := simd.MaxRows(p); n*p > rows*panels {
			rows, panels = n, p
		}
	}
	return rows, panels
}

func (r peakRun) flops() int {
	rows, panels := r.size()
	return 2 * rows * panels * Block * peakSteps * peakCalls
}

func (r peakRun) Task(int, int) {
	rows, panels := r.size()
	a, b, c := make([]float32, rows*peakSteps), make([]float32, panels*Block*peakSteps), make([]float32, rows*panels*Block)
	half := (rows + 1) / 2
	t := simd.Tile{
		A0: unsafe.Pointer(&a[0]), A1: unsafe.Pointer(&a[half]), AMS: 4, AKS: uintptr(4 * rows), Offs: &oneBlock, NB: 1, KB: peakSteps,
		B: unsafe.Pointer(&b[0]), BKS: uintptr(4 * Block * panels), BPS: 4 * Block,
		C0: unsafe.Pointer(&c[0]), C1: unsafe.Pointer(&c[half*Block*panels]), CMS: uintptr(4 * Block * panels), CPS: 4 * Block,
	}
	for range peakCalls {
		t.Run(rows, panels)
	}
}
