package conv

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

var expandedCases = []struct {
	channels int
	s        Shape // of the depthwise convolution
	acts     [2]simd.Activation
}{
	{16, depthwiseConv(1, 96, 30, 1, 3, 2), [2]simd.Activation{relu6, relu6}},
	{24, depthwiseConv(2, 144, 56, 1, 3, 1), [2]simd.Activation{relu6, none}},
	{19, depthwiseConv(3, 37, 14, 1, 5, 1), [2]simd.Activation{hardSwish, sigmoid}},
	{40, depthwiseConv(1, 70, 15, 1, 5, 2), [2]simd.Activation{sigmoid, hardSwish}},
	{33, depthwiseConv(4, 100, 7, 1, 3, 1), [2]simd.Activation{relu, relu6}},
	{5, Shape{N: 2, C: 18, H: 40, W: 23, F: 18, KH: 3, KW: 3, SH: 2, SW: 1, PadB: 1, PadR: 2, DH: 1, DW: 1, Groups: 18}, [2]simd.Activation{relu, none}},
	{160, depthwiseConv(1, 48, 100, 1, 3, 1), [2]simd.Activation{none, relu}},
}

// expandedSetup is two plans, and data for them.
type expandedSetup struct {
	one, two *Plan
	x        Act
	layers   [2]Layer
}

func newExpandedSetup(t testing.TB, p *Pool, channels int, s Shape, acts [2]simd.Activation) expandedSetup {
	t.Helper()
	pointwise := Shape{N: s.N, C: channels, H: s.H, W: s.W, F: s.C, KH: 1, KW: 1, SH: 1, SW: 1, DH: 1, DW: 1, Groups: 1}
	one, err := New(pointwise, false, false)
	if err != nil {
		t.Fatal(err)
	}
	two, err := New(s, false, false)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(uint64(channels), 3))
	e := expandedSetup{one: one, two: two}
	e.x, _ = convBlocked(convNormals(rng, s.N*channels*s.H*s.W), s.N, channels, s.H, s.W, 32)
	for i, c := range []*Plan{one, two} {
		e.layers[i] = Layer{Packed: make([]float32, c.PackedLen()), Bias: convNormals(rng, c.shape.F), Act: acts[i]}
		c.Pack(p, convNormals(rng, c.shape.filterLen()), e.layers[i].Packed)
	}
	return e
}

// apart runs the plans one after the other.
func (e *expandedSetup) apart(p *Pool, between, y Act, scratch []float32) {
	e.one.Forward(p, Input{Act: e.x}, e.layers[0].Packed, e.layers[0].Bias, nil, e.layers[0].Act, between, scratch)
	e.two.Forward(p, Input{Act: between}, e.layers[1].Packed, e.layers[1].Bias, nil, e.layers[1].Act, y, scratch)
}

func TestExpandedAgreesWithTwoConvolutions(t *testing.T) {
	convFamilies(t, func(t *testing.T) {
		for _, k := range expandedCases {
			t.Run(fmt.Sprintf("%d channels to %d, %v", k.channels, k.s.C, k.acts), func(t *testing.T) {
				s := k.s
				var first []float32
				for _, threads := range []int{1, 2, 3} {
					p := convPool(t, threads)
					e := newExpandedSetup(t, p, k.channels, s, k.acts)
					joined := NewExpanded(e.one, e.two)
					if joined == nil {
						t.Fatal("not joined")
					}
					want, between := emptyAct(s.N, s.F, s.OutH(), s.OutW()), emptyAct(s.N, s.C, s.H, s.W)
					e.apart(p, between, want, make([]float32, max(e.one.Scratch(threads), e.two.Scratch(threads))))
					got, guard := convGuarded(s.N, s.F, s.OutH(), s.OutW(), 48)
					scratch := newConvGuard(joined.Scratch(threads)).poison()
					joined.Forward(p, e.x, e.layers[0], e.layers[1], got, scratch.data)
					guard.check(t, "result")
					scratch.check(t, "scratch")
					a, err := convPlain(got)
					if err != nil {
						t.Fatal(err)
					}
					b, _ := convPlain(want)
					wide := make([]float64, len(b))
					for i, v := range b {
						wide[i] = float64(v)
					}
					convNear(t, "result", a, wide, 1e-6)
					if first == nil {
						first = a
					}
					sameConvBits(t, "result", first, a)
					if n := testing.AllocsPerRun(3, func() { joined.Forward(p, e.x, e.layers[0], e.layers[1], got, scratch.data) }); n != 0 {
						t.Errorf("%g allocations", n)
					}
				}
			})
		}
	})
}

func TestOnlyAnExpansionIsJoined(t *testing.T) {
	plan := func(s Shape) *Plan {
		c, err := New(s, false, false)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	depthwise := depthwiseConv(1, 96, 28, 1, 3, 1)
	for _, k := range []struct {
		name     string
		one, two Shape
		want     bool
	}{
		{"an expansion", squareConv(1, 16, 28, 96, 1, 1, 0), depthwise, true},
		{"a 3×3 convolution before", squareConv(1, 16, 28, 96, 3, 1, 1), depthwise, false},
		{"groups of two behind", squareConv(1, 16, 28, 96, 1, 1, 0), depthwiseConv(1, 96, 28, 2, 3, 1), false},
		{"strides before", squareConv(1, 16, 56, 96, 1, 2, 0), depthwise, false},
		{"two dense ones", squareConv(1, 16, 28, 96, 1, 1, 0), squareConv(1, 96, 28, 96, 3, 1, 1), false},
	} {
		if got := NewExpanded(plan(k.one), plan(k.two)) != nil; got != k.want {
			t.Errorf("%s: joined %v, want %v", k.name, got, k.want)
		}
	}
}

// MobileNetV2's and EfficientNet's expansions, joined and apart.
func BenchmarkExpanded(b *testing.B) {
	for _, k := range []struct {
		channels int
		s        Shape
		act      simd.Activation
	}{
		{16, depthwiseConv(1, 96, 112, 1, 3, 2), relu6},
		{24, depthwiseConv(1, 144, 56, 1, 3, 1), relu6},
		{32, depthwiseConv(1, 192, 28, 1, 3, 1), relu6},
		{64, depthwiseConv(1, 384, 14, 1, 3, 1), relu6},
		{160, depthwiseConv(1, 960, 7, 1, 3, 1), relu6},
		{16, depthwiseConv(8, 96, 112, 1, 3, 2), relu6},
		{24, depthwiseConv(8, 144, 56, 1, 3, 1), relu6},
		{32, depthwiseConv(8, 192, 28, 1, 3, 1), relu6},
		{64, depthwiseConv(8, 384, 14, 1, 3, 1), relu6},
		{24, depthwiseConv(8, 144, 56, 1, 5, 2), simd.Activation{Kind: simd.SiLUKind}},
		{112, depthwiseConv(8, 672, 14, 1, 5, 1), simd.Activation{Kind: simd.SiLUKind}},
	} {
		p := convPool(b, 2)
		e := newExpandedSetup(b, p, k.channels, k.s, [2]simd.Activation{k.act, k.act})
		s := k.s
		between, y := emptyAct(s.N, s.C, s.H, s.W), emptyAct(s.N, s.F, s.OutH(), s.OutW())
		scratch := make([]float32, max(e.one.Scratch(2), e.two.Scratch(2)))
		name := fmt.Sprintf("%d→%d %d×%d %d² ×%d", k.channels, s.C, s.KH, s.KW, s.H, s.N)
		macs := e.one.shape.MACs() + s.MACs()
		measure := func(how string, f func()) {
			b.Run(name+"/"+how, func(b *testing.B) {
				for b.Loop() {
					f()
				}
				b.ReportMetric(2*float64(macs)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
			})
		}
		measure("apart", func() { e.apart(p, between, y, scratch) })
		if joined := NewExpanded(e.one, e.two); joined != nil {
			room := make([]float32, joined.Scratch(2))
			measure("joined", func() { joined.Forward(p, e.x, e.layers[0], e.layers[1], y, room) })
		}
	}
}
