package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// A mapShape is what the tests of map kernels run on: odd sizes, channels that don't fill a block.
type mapShape struct{ n, c, h, w int }

func (s mapShape) String() string { return fmt.Sprintf("%d×%d×%d×%d", s.n, s.c, s.h, s.w) }
func (s mapShape) len() int       { return s.n * s.c * s.h * s.w }

// of returns the batch as plain[n][c] planes.
func (s mapShape) plane(plain []float64, n, c int) []float64 {
	from := (n*s.c + c) * s.h * s.w
	return plain[from : from+s.h*s.w]
}

const (
	mapGap    = 5 * Block // between two images, and around the batch
	mapCanary = float32(-7.25e11)
)

// mapBuffer returns a batch with gaps between its images, full of canaries.
func mapBuffer(s mapShape) Act {
	stride := Blocks(s.c)*s.h*s.w*Block + mapGap
	all := make([]float32, mapGap+s.n*stride)
	for i := range all {
		all[i] = mapCanary
	}
	return Act{Data: all[mapGap:], N: s.n, C: s.c, H: s.h, W: s.w, Stride: stride}
}

// mapOf returns a batch with the given content and gaps between its images.
func mapOf(s mapShape, plain []float64) Act {
	a := mapBuffer(s)
	for n := range s.n {
		clear(a.Data[n*a.Stride : (n+1)*a.Stride-mapGap])
		for c := range s.c {
			for i, v := range s.plane(plain, n, c) {
				a.Plane(n*Blocks(s.c) + c/Block)[i*Block+c%Block] = float32(v)
			}
		}
	}
	return a
}

// plainOf returns what a kernel wrote, and fails if it wrote into a gap, or anything but zero into a
// lane without a channel.
func plainOf(t testing.TB, a Act) []float64 {
	t.Helper()
	s := mapShape{a.N, a.C, a.H, a.W}
	plain := make([]float64, s.len())
	before := a.Data[:0:0]
	for n := range s.n {
		for b := range Blocks(s.c) {
			for i, v := range a.Plane(n*Blocks(s.c) + b) {
				c := b*Block + i%Block
				if c < s.c {
					s.plane(plain, n, c)[i/Block] = float64(v)
				} else if math.Float32bits(v) != 0 {
					t.Fatalf("image %d, pixel %d: lane %d without a channel is %v, must be 0", n, i/Block, c, v)
				}
			}
		}
		before = append(before, a.Data[(n+1)*a.Stride-mapGap:(n+1)*a.Stride]...)
	}
	for i, v := range before {
		if v != mapCanary {
			t.Fatalf("float %d of the gaps was overwritten with %v", i, v)
		}
	}
	return plain
}

// mapRandom returns normal numbers around mean that float32 has.
func mapRandom(seed uint64, n int, mean float64) []float64 {
	r := rand.New(rand.NewPCG(seed, 16))
	x := make([]float64, n)
	for i := range x {
		x[i] = float64(float32(mean + r.NormFloat64()))
	}
	return x
}

func narrow(x []float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return y
}

func widen(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// wantNear fails unless got is as near want as tolerance, relative in norm.
func wantNear(t testing.TB, name string, got, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s has %d elements, must have %d", name, len(got), len(want))
	}
	var off, size float64
	for i, v := range want {
		off += (got[i] - v) * (got[i] - v)
		size += v * v
	}
	if r := math.Sqrt(off / max(size, 1e-30)); !(r <= tolerance) {
		t.Errorf("%s is off by %.3g in norm, must be at most %g", name, r, tolerance)
	}
}

// onEveryMapFamily runs a test for every family that this machine has. run does the kernel and returns all that it
// wrote; it must be the same for any number of threads.
func onEveryMapFamily(t *testing.T, run func(t *testing.T, p *Pool) []float32) {
	for _, f := range Families() {
		t.Run(f.String(), func(t *testing.T) {
			setFamily(t, f)
			var first []float32
			for _, threads := range []int{1, 2, 5} {
				p := NewPool(threads)
				got := run(t, p)
				p.Close()
				if first == nil {
					first = got
				}
				if !slices.EqualFunc(got, first, func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }) {
					t.Errorf("%d threads give other bits than one", threads)
				}
			}
		})
	}
}

// wantNoAllocation fails if a kernel allocates once it has run before.
func wantNoAllocation(t *testing.T, run func(p *Pool)) {
	t.Helper()
	p := NewPool(2)
	defer p.Close()
	if n := testing.AllocsPerRun(20, func() { run(p) }); n != 0 {
		t.Errorf("%v allocations a call, must be 0", n)
	}
}

// benchmarkMap measures a kernel that has to move so many bytes at least.
func benchmarkMap(b *testing.B, name string, bytes float64, run func(p *Pool)) {
	b.Run(name, func(b *testing.B) {
		p := NewPool(0)
		defer p.Close()
		run(p)
		for b.Loop() {
			run(p)
		}
		b.ReportMetric(bytes*float64(b.N)/b.Elapsed().Seconds()/1e9, "GB/s")
	})
}
