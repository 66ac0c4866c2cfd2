package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// The layers are too large for the caches; rows have weights of very different sizes, and are and are not whole blocks.
func TestDenseOf16BitsAgreesWithStraightLoops(t *testing.T) {
	for _, f := range Families() {
		for _, s := range [][3]int{{1, 1040, 1011}, {3, 1037, 1029}, {17, 1033, 1024}, {64, 1024, 1025}} {
			n, in, out := s[0], s[1], s[2]
			t.Run(fmt.Sprintf("%v with %d images", f, n), func(t *testing.T) {
				setFamily(t, f)
				rng := rand.New(rand.NewPCG(11, uint64(n)))
				x, w, bias := random(rng, n*in), random(rng, out*in), random(rng, out)
				for i := range w {
					w[i] *= float32(math.Ldexp(1, i/in%70-35)) // by row: from 2⁻³⁵, below what 16 bits hold, to 2³⁴, above it
				}
				clear(w[5*in : 6*in])
				d := NewDense(n, in, out)
				p := NewPool(2)
				defer p.Close()
				packed, y, scratch := withCanaries(t, d.HalfLen()), withCanaries(t, n*out), withCanaries(t, d.Scratch(2))
				d.PackHalf(p, w, packed)
				d.ForwardHalf(p, x, packed, bias, y, reluIf(true), scratch)
				for o := range out {
					for i := range n {
						sum, size := float64(bias[o]), 1e-30
						for k := range in {
							v := float64(x[i*in+k]) * float64(w[o*in+k])
							sum, size = sum+v, size+v*v
						}
						// Each weight is off by at most 2⁻¹¹ of itself, as often up as down.
						if e := math.Abs(float64(y[i*out+o])-max(sum, 0)) / (math.Sqrt(size) + math.Abs(float64(bias[o]))); !(e < 1.2e-3) {
							t.Fatalf("image %d, output %d: %v, want %v", i, o, y[i*out+o], max(sum, 0))
						}
					}
				}
				for _, threads := range []int{1, 3} {
					q := NewPool(threads)
					packed2, y2 := make([]float32, len(packed)), make([]float32, len(y))
					d.PackHalf(q, w, packed2)
					d.ForwardHalf(q, x, packed2, bias, y2, reluIf(true), make([]float32, d.Scratch(threads)))
					q.Close()
					if !sameBits(y2, y) {
						t.Errorf("%d threads give other bits than 2", threads)
					}
				}
			})
		}
	}
}

func TestDenseOf16BitsIsForLayersThatAreBoundByReading(t *testing.T) {
	for _, s := range []struct {
		n, in, out int
		half       bool
	}{{1, 9216, 4096, true}, {8, 4096, 1000, true}, {64, 4096, 4096, true}, {65, 4096, 4096, false}, {1, 64, 10, false}} {
		if got := NewDense(s.n, s.in, s.out).HalfLen(); (got > 0) != s.half || s.half && got != s.out+s.out*s.in/2 {
			t.Errorf("%d images, %d×%d: %d floats of 16-bit weights", s.n, s.in, s.out, got)
		}
	}
}

func TestDenseOf16BitsKeepsWhatIsNoNumber(t *testing.T) {
	const in, out = 1024, 1024
	d := NewDense(1, in, out)
	p := NewPool(1)
	defer p.Close()
	w, x, y, packed := make([]float32, in*out), make([]float32, in), make([]float32, out), make([]float32, d.HalfLen())
	for i := range x {
		x[i] = 1
	}
	w[3], w[in+3], w[2*in+3] = float32(math.NaN()), float32(math.Inf(1)), 1e38
	d.PackHalf(p, w, packed)
	d.ForwardHalf(p, x, packed, nil, y, Activation{}, make([]float32, d.Scratch(1)))
	if v := float64(y[0]); !math.IsNaN(v) {
		t.Errorf("a weight that is no number gives %v", v)
	}
	if v := float64(y[1]); !math.IsInf(v, 1) {
		t.Errorf("an infinite weight gives %v", v)
	}
	if v := y[2]; !(math.Abs(float64(v)/1e38-1) < 1e-3) {
		t.Errorf("a weight of 1e38 gives %v", v)
	}
	if slices.ContainsFunc(y[3:], func(v float32) bool { return v != 0 }) {
		t.Error("rows of zeros give something else")
	}
}

// AlexNet's and VGG's first fully connected layers: GB/s counts the weights once, in the bytes that they take.
func BenchmarkDenseOf16Bits(b *testing.B) {
	p := NewPool(0)
	defer p.Close()
	for _, s := range [][3]int{{1, 9216, 4096}, {8, 9216, 4096}, {1, 25088, 4096}} {
		n, in, out := s[0], s[1], s[2]
		d := NewDense(n, in, out)
		rng := rand.New(rand.NewPCG(1, 1))
		x, w, y := random(rng, n*in), random(rng, in*out), random(rng, n*out)
		packed, scratch := make([]float32, d.HalfLen()), make([]float32, d.Scratch(p.Threads()))
		d.PackHalf(p, w, packed)
		for _, c := range []struct {
			name  string
			bytes int
			run   func()
		}{
			{"32 bits", 4, func() { d.Forward(p, x, w, nil, y, reluIf(true), scratch) }},
			{"16 bits", 2, func() { d.ForwardHalf(p, x, packed, nil, y, reluIf(true), scratch) }},
			{"pack", 6, func() { d.PackHalf(p, w, packed) }},
		} {
			b.Run(fmt.Sprintf("%dx%dx%d/%s", n, in, out, c.name), func(b *testing.B) {
				for b.Loop() {
					c.run()
				}
				b.ReportMetric(float64(c.bytes*in*out)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GB/s")
			})
		}
	}
}
