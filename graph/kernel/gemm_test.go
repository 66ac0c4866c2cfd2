package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// withCanaries returns n floats with canaries around them, and a check that they still live.
func withCanaries(t testing.TB, n int) []float32 {
	const margin = 64
	s := make([]float32, n+2*margin)
	for i := range s {
		s[i] = 12345
	}
	t.Cleanup(func() {
		for i := range margin {
			if s[i] != 12345 || s[len(s)-1-i] != 12345 {
				t.Errorf("a kernel wrote outside its slice of %d floats", n)
				return
			}
		}
	})
	return s[margin : margin+n : margin+n]
}

// distance is the norm of got-want over that of want.
func distance(got []float32, want []float64) float64 {
	var d, w float64
	for i := range got {
		e := float64(got[i]) - want[i]
		d += e * e
		w += want[i] * want[i]
	}
	if w == 0 {
		return math.Sqrt(d)
	}
	return math.Sqrt(d / w)
}

type gemmCase struct {
	transA, transB, accumulate bool
	m, n, k                    int
}

func (c gemmCase) String() string {
	return fmt.Sprintf("%dx%dx%d transA=%v transB=%v accumulate=%v", c.m, c.n, c.k, c.transA, c.transB, c.accumulate)
}

// run multiplies random matrices with gaps between their rows, and checks the product and the gaps.
func (c gemmCase) run(t *testing.T, p *Pool, rng *rand.Rand) {
	t.Helper()
	lda, ldb, ldc := c.k, c.n, c.n+rng.IntN(7)
	if c.transA {
		lda = c.m
	}
	if c.transB {
		ldb = c.k
	}
	lda, ldb = lda+rng.IntN(7), ldb+rng.IntN(7)
	lenOf := func(rows, columns, ld int, trans bool) int {
		if trans {
			rows, columns = columns, rows
		}
		return max(0, (rows-1)*ld+columns)
	}
	a, b := random(rng, lenOf(c.m, c.k, lda, c.transA)), random(rng, lenOf(c.k, c.n, ldb, c.transB))
	out := withCanaries(t, lenOf(c.m, c.n, ldc, false))
	copy(out, random(rng, len(out)))
	want := make([]float64, len(out))
	for i := range out {
		want[i] = float64(out[i])
	}
	for i := range c.m {
		for j := range c.n {
			sum := 0.0
			for k := range c.k {
				x, y := i*lda+k, k*ldb+j
				if c.transA {
					x = k*lda + i
				}
				if c.transB {
					y = j*ldb + k
				}
				sum += float64(a[x]) * float64(b[y])
			}
			if c.accumulate {
				sum += want[i*ldc+j]
			}
			want[i*ldc+j] = sum
		}
	}
	g := NewGemm(c.transA, c.transB, c.m, c.n, c.k)
	scratch := withCanaries(t, g.Scratch(p.Threads()))
	g.Run(p, a, lda, b, ldb, c.accumulate, out, ldc, scratch)
	if d := distance(out, want); !(d <= 2e-6) {
		t.Errorf("%v: relative distance %.3g", c, d)
	}
}

func TestGemmAgreesWithStraightLoops(t *testing.T) {
	p := NewPool(3)
	defer p.Close()
	sizes := [][3]int{
		{1, 1, 1}, {0, 3, 2}, {3, 0, 2}, {3, 2, 0}, {2, 3, 4}, {14, 32, 8}, {15, 33, 9}, {29, 17, 100}, {7, 100, 385},
		{6, 16, 384}, {64, 120, 400}, {100, 10, 84}, {53, 47, 800}, {131, 530, 11}, {33, 600, 401}, {10, 9, 20000}, {60, 70, 3000},
	}
	for _, f := range Families() {
		for _, trans := range []int{0, 1, 2, 3} {
			t.Run(fmt.Sprintf("%v transposed %02b", f, trans), func(t *testing.T) {
				setFamily(t, f)
				rng := rand.New(rand.NewPCG(5, uint64(trans)))
				for _, s := range sizes {
					for _, accumulate := range []bool{false, true} {
						gemmCase{trans&1 != 0, trans&2 != 0, accumulate, s[0], s[1], s[2]}.run(t, p, rng)
					}
				}
			})
		}
	}
}

func TestGemmHasTheSameBitsForAnyNumberOfThreads(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for _, s := range [][3]int{{100, 200, 900}, {10, 10, 30000}, {1, 500, 500}} {
		m, n, k := s[0], s[1], s[2]
		a, b := random(rng, m*k), random(rng, k*n)
		var want []float32
		for _, threads := range []int{1, 2, 5} {
			p := NewPool(threads)
			c := make([]float32, m*n)
			g := NewGemm(false, false, m, n, k)
			g.Run(p, a, k, b, n, false, c, n, make([]float32, g.Scratch(threads)))
			p.Close()
			if want == nil {
				want = c
			}
			for i := range c {
				if math.Float32bits(c[i]) != math.Float32bits(want[i]) {
					t.Fatalf("%v: c[%d] is %v with %d threads, %v with one", s, i, c[i], threads, want[i])
				}
			}
		}
	}
}

func TestGemmAllocatesNothing(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	m, n, k := 37, 45, 500
	a, b, c := make([]float32, m*k), make([]float32, k*n), make([]float32, m*n)
	g := NewGemm(false, true, m, n, k)
	scratch := make([]float32, g.Scratch(2))
	if allocs := testing.AllocsPerRun(10, func() { g.Run(p, a, k, b, k, true, c, n, scratch) }); allocs != 0 {
		t.Errorf("%v allocations a run", allocs)
	}
}

func BenchmarkGemm(b *testing.B) {
	for _, f := range Families()[1:] {
		for _, threads := range []int{1, 2} {
			for _, trans := range []int{0, 1, 2, 3} {
				for _, s := range [][3]int{{1024, 1024, 1024}, {256, 256, 256}, {64, 120, 400}} {
					if trans != 0 && s[0] == 256 {
						continue
					}
					b.Run(fmt.Sprintf("%v/%dx%dx%d/trans%02b/threads%d", f, s[0], s[1], s[2], trans, threads), func(b *testing.B) {
						setFamily(b, f)
						m, n, k := s[0], s[1], s[2]
						g := NewGemm(trans&1 != 0, trans&2 != 0, m, n, k)
						lda, ldb := k, n
						if g.transA {
							lda = m
						}
						if g.transB {
							ldb = k
						}
						rng := rand.New(rand.NewPCG(1, 1))
						av, bv, cv := random(rng, m*k), random(rng, k*n), make([]float32, m*n)
						p := NewPool(threads)
						defer p.Close()
						scratch := make([]float32, g.Scratch(threads))
						for b.Loop() {
							g.Run(p, av, lda, bv, ldb, false, cv, n, scratch)
						}
						b.ReportMetric(2*float64(m*n*k)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
					})
				}
			}
		}
	}
}
