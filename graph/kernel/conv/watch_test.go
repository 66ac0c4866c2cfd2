package conv

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"unsafe"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

// alwaysStream has every result, however small, written past the caches, as long as the test runs.
func alwaysStream(t *testing.T) {
	before := simd.StreamFrom(0)
	t.Cleanup(func() { simd.StreamFrom(before) })
}

// onLines is a guarded batch whose pixels begin at cache lines.
func onLines(n, c, h, w, gap int) (Act, *convGuard) {
	a, g := convGuarded(n, c, h, w, gap)
	size := len(g.data)
	room := make([]float32, size+2*64+Block)
	skip := int(-(uintptr(unsafe.Pointer(&room[0])) / 4) % Block)
	copy(room[skip:], g.all)
	g.all = room[skip:][:len(g.all)]
	g.data = g.all[64:][:size:size]
	a.Data = g.data
	return a, g
}

var watchedCases = []struct {
	name  string
	s     Shape
	plain bool
}{
	{"1×1", Shape{N: 2, C: 20, H: 13, W: 31, F: 33, KH: 1, KW: 1}, false},
	{"1×1 of many channels", Shape{N: 3, C: 700, H: 2, W: 3, F: 20, KH: 1, KW: 1}, false},
	{"1×1 stride 2", Shape{N: 2, C: 17, H: 9, W: 8, F: 19, KH: 1, KW: 1, SH: 2, SW: 2}, false},
	{"3×3 on few pixels", Shape{N: 5, C: 18, H: 4, W: 5, F: 19, KH: 3, KW: 3, PadT: 1, PadB: 1, PadL: 1, PadR: 1}, false},
	{"3×3 in two groups on long rows", Shape{N: 1, C: 32, H: 5, W: 45, F: 32, KH: 3, KW: 3, PadT: 1, PadB: 1, PadL: 1, PadR: 1, Groups: 2}, false},
	{"3×4 strides 2 and 3", Shape{N: 2, C: 7, H: 12, W: 19, F: 9, KH: 3, KW: 4, SH: 2, SW: 3, PadT: 2, PadL: 1, PadR: 3}, false},
	{"plain 7×7 stride 2", Shape{N: 2, C: 3, H: 23, W: 31, F: 17, KH: 7, KW: 7, SH: 2, SW: 2, PadT: 3, PadB: 3, PadL: 3, PadR: 3}, true},
	{"depthwise 3×3", Shape{N: 2, C: 19, H: 9, W: 14, F: 19, KH: 3, KW: 3, PadT: 1, PadB: 1, PadL: 1, PadR: 1, Groups: 19}, false},
	{"depthwise 5×5 stride 2 in strips", Shape{N: 1, C: 16, H: 31, W: 28, F: 16, KH: 5, KW: 5, SH: 2, SW: 2, PadT: 2, PadB: 2, PadL: 2, PadR: 2, Groups: 16}, false},
	{"depthwise, strides larger than the filter", Shape{N: 1, C: 5, H: 11, W: 12, F: 5, KH: 2, KW: 1, SH: 3, SW: 4, PadT: 1, Groups: 5}, false},
	{"groups of 4, stride 2", Shape{N: 1, C: 20, H: 14, W: 15, F: 20, KH: 3, KW: 3, SH: 2, SW: 2, PadT: 1, PadB: 1, PadL: 1, PadR: 1, Groups: 5}, false},
}

func TestResultsThatAreWatched(t *testing.T) {
	alwaysStream(t)
	measured, summed := 0, 0
	convFamilies(t, func(t *testing.T) {
		pools := []*Pool{convPool(t, 1), convPool(t, 2), convPool(t, 3)}
		for _, k := range watchedCases {
			d := newConvData(convDefaults(k.s), k.plain)
			for _, a := range []*algorithm{&direct, &depthwise} {
				c, err := newPlan(d.s, options{plain: d.plain, training: true}, a)
				if err != nil {
					t.Fatal(err)
				}
				if !plannedBy(c, a) {
					continue
				}
				t.Run(k.name+", "+a.name, func(t *testing.T) {
					d.forward(t, pools[2], c, true, false, hardSwish)
					if c.Measures() {
						measured++
						want := d.forward(t, pools[0], c, true, false, none)
						var moments []simd.Moments
						for _, p := range pools {
							y, m := d.measured(t, p, c)
							sameConvBits(t, "measured", want, y)
							if moments != nil && !slices.Equal(m, moments) {
								t.Fatal("moments differ with the number of threads")
							}
							moments = m
						}
					}
					if d.plain {
						return
					}
					d.dataGrad(t, pools[2], c, false)
					if !c.SumsGrads() {
						return
					}
					summed++
					for i, act := range []simd.Activation{none, relu, relu6, hardSwish, sigmoid} {
						var sums []simd.GradSums
						for _, p := range pools {
							s := d.summed(t, p, c, i%2 == 1, act)
							if sums != nil && !slices.Equal(s, sums) {
								t.Fatal("sums differ with the number of threads")
							}
							sums = s
						}
					}
				})
			}
		}
	})
	if measured == 0 || summed == 0 {
		t.Errorf("%d passes measured, %d summed", measured, summed)
	}
}

// measured runs ForwardMeasured and checks the moments.
func (d *convData) measured(t *testing.T, p *Pool, c *Plan) ([]float32, []simd.Moments) {
	t.Helper()
	s := d.s
	x, _ := d.input()
	packed := newConvGuard(c.PackedLen()).poison()
	c.Pack(p, d.w, packed.data)
	y, gy := onLines(s.N, s.F, s.OutH(), s.OutW(), 32)
	scratch := newConvGuard(c.MeasuredScratch(p.Threads())).poison()
	moments := make([]simd.Moments, simd.Blocks(s.F))
	c.ForwardMeasured(p, x, packed.data, d.bias, y, moments, scratch.data)
	gy.check(t, "measured output")
	scratch.check(t, "measured: scratch")
	got, err := convPlain(y)
	if err != nil {
		t.Fatal(err)
	}
	pixels := s.OutH() * s.OutW()
	for f := range s.F {
		var n, mean, m2 float64
		for i := range s.N {
			for _, v := range got[(i*s.F+f)*pixels:][:pixels] {
				n++
				mean += float64(v)
			}
		}
		mean /= n
		for i := range s.N {
			for _, v := range got[(i*s.F+f)*pixels:][:pixels] {
				m2 += (float64(v) - mean) * (float64(v) - mean)
			}
		}
		m := &moments[f/Block]
		spread := math.Sqrt(m2/n) + 1e-6
		if l := f % Block; m.N != n || math.Abs(m.Mean[l]-mean) > 1e-5*(spread+math.Abs(mean)) || math.Abs(m.M2[l]-m2) > 1e-5*(m2+1e-6) {
			t.Fatalf("channel %d: %g values, mean %g, squares %g; want %g, %g, %g", f, m.N, m.Mean[l], m.M2[l], n, mean, m2)
		}
	}
	return got, moments
}

// summed runs DataGradSummed as behind a batch normalisation of some numbers, and checks the gradient and the sums.
func (d *convData) summed(t *testing.T, p *Pool, c *Plan, accumulate bool, act simd.Activation) []simd.GradSums {
	t.Helper()
	s := d.s
	dy, _ := convBlocked(d.dy, s.N, s.F, s.OutH(), s.OutW(), 16)
	packed := newConvGuard(c.GradPackedLen()).poison()
	c.PackGrad(p, d.w, packed.data)
	dx, gdx := onLines(s.N, s.C, s.H, s.W, 32)
	if accumulate {
		dx, gdx = convBlocked(d.seed, s.N, s.C, s.H, s.W, 32)
	}
	x, _ := convBlocked(d.x, s.N, s.C, s.H, s.W, 16)
	norm := &Normed{X: x, Act: act, Affines: make([]simd.Affine, simd.Blocks(s.C))}
	for i := range s.C {
		a, l := &norm.Affines[i/Block], i%Block
		a.Mean[l], a.Scale[l], a.Shift[l] = float32(i%5)*0.25-0.5, 0.5+float32(i%3), float32(i%7)*0.125-0.25
	}
	scratch := newConvGuard(c.SummedScratch(p.Threads())).poison()
	sums := make([]simd.GradSums, simd.Blocks(s.C))
	c.DataGradSummed(p, dy, packed.data, accumulate, dx, norm, sums, scratch.data)
	gdx.check(t, "summed input gradient")
	scratch.check(t, "summed: scratch")
	got, err := convPlain(dx)
	if err != nil {
		t.Fatal(err)
	}
	pixels := s.H * s.W
	wants, wantD, wantQ, size := make([]float64, len(got)), make([]float64, s.C), make([]float64, s.C), make([]float64, s.C)
	_, clipped := act.Clip()
	for i := range got {
		ch := i / pixels % s.C
		a, l := &norm.Affines[ch/Block], ch%Block
		g := d.ref.dx[i]
		if accumulate {
			g += float64(d.seed[i])
		}
		v := float64(d.x[i] - a.Mean[l])
		behind := g * slopeOf(act, v*float64(a.Scale[l])+float64(a.Shift[l]))
		wants[i] = g
		if !clipped {
			wants[i] = behind
		}
		wantD[ch] += behind
		wantQ[ch] += behind * v
		size[ch] += math.Abs(behind) * (1 + math.Abs(v))
	}
	convNear(t, fmt.Sprintf("summed data gradient, accumulate %v, %v", accumulate, act), got, wants, 1e-5)
	for ch := range s.C {
		m, l := &sums[ch/Block], ch%Block
		if math.Abs(m.D[l]-wantD[ch]) > 1e-5*size[ch] || math.Abs(m.Q[l]-wantQ[ch]) > 1e-5*size[ch] {
			t.Fatalf("accumulate %v, %v, channel %d: sums %g and %g, want %g and %g", accumulate, act, ch, m.D[l], m.Q[l], wantD[ch], wantQ[ch])
		}
	}
	return sums
}

// slopeOf is the derivative of an activation.
func slopeOf(a simd.Activation, x float64) float64 {
	switch a {
	case relu:
		if x <= 0 {
			return 0
		}
	case relu6:
		if x <= 0 || x >= 6 {
			return 0
		}
	case sigmoid:
		y := activationOf(a, x)
		return y * (1 - y)
	case hardSwish:
		switch {
		case x <= -3:
			return 0
		case x < 3:
			return (2*x + 3) / 6
		}
	}
	return 1
}

func TestWatchedPassesAllocateNothing(t *testing.T) {
	alwaysStream(t)
	convFamilies(t, func(t *testing.T) {
		p := convPool(t, 2)
		for _, s := range []Shape{squareConv(2, 20, 15, 18, 1, 1, 0), depthwiseConv(2, 20, 15, 1, 3, 2)} {
			d := newConvData(s, false)
			c, err := New(s, false, true)
			if err != nil {
				t.Fatal(err)
			}
			x, _ := d.input()
			dy, _ := convBlocked(d.dy, s.N, s.F, s.OutH(), s.OutW(), 0)
			y, _ := onLines(s.N, s.F, s.OutH(), s.OutW(), 0)
			dx, _ := onLines(s.N, s.C, s.H, s.W, 0)
			packed, gradPacked := make([]float32, c.PackedLen()), make([]float32, c.GradPackedLen())
			scratch := make([]float32, max(c.MeasuredScratch(2), c.SummedScratch(2)))
			moments, sums := make([]simd.Moments, simd.Blocks(s.F)), make([]simd.GradSums, simd.Blocks(s.C))
			norm := &Normed{X: x.Act, Act: hardSwish, Affines: make([]simd.Affine, simd.Blocks(s.C))}
			if n := testing.AllocsPerRun(5, func() {
				c.Pack(p, d.w, packed)
				c.PackGrad(p, d.w, gradPacked)
				c.ForwardMeasured(p, x, packed, d.bias, y, moments, scratch)
				c.DataGradSummed(p, dy, gradPacked, false, dx, norm, sums, scratch)
			}); n != 0 {
				t.Errorf("%+v: %g allocations in a step, want none", s, n)
			}
		}
	})
}
