package kernel

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// denseReference returns what Forward, DataGrad and FilterGrad should write, from straight loops.
func denseReference(n, in, out int, x, w, bias, dy []float32, relu bool) (y, dx, dw, db []float64) {
	y, dx, dw, db = make([]float64, n*out), make([]float64, n*in), make([]float64, out*in), make([]float64, out)
	for i := range n {
		for o := range out {
			sum, g := 0.0, float64(dy[i*out+o])
			if bias != nil {
				sum = float64(bias[o])
			}
			for k := range in {
				sum += float64(x[i*in+k]) * float64(w[o*in+k])
				dx[i*in+k] += g * float64(w[o*in+k])
				dw[o*in+k] += g * float64(x[i*in+k])
			}
			if relu {
				sum = max(sum, 0)
			}
			y[i*out+o] = sum
			db[o] += g
		}
	}
	return y, dx, dw, db
}

// The images are of every group that a dot product has, and some more; the layers LeNet's, and
// widths that are and are not whole vectors and pieces.
func TestDenseAgreesWithStraightLoops(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	layers := [][2]int{{1, 1}, {16, 3}, {400, 120}, {120, 84}, {84, 10}, {37, 53}, {48, 100}, {2064, 21}}
	for _, f := range Families() {
		for n := 0; n <= 18; n++ {
			t.Run(fmt.Sprintf("%v with %d images", f, n), func(t *testing.T) {
				setFamily(t, f)
				rng := rand.New(rand.NewPCG(9, uint64(n)))
				for _, l := range layers {
					checkDense(t, p, rng, n, l[0], l[1])
				}
			})
		}
		t.Run(fmt.Sprintf("%v with a batch, and with long rows", f), func(t *testing.T) {
			setFamily(t, f)
			rng := rand.New(rand.NewPCG(9, 10))
			checkDense(t, p, rng, 64, 400, 120)
			checkDense(t, p, rng, 2, 33000, 5)
			checkDense(t, p, rng, 19, 1040, 1011) // weights that are read in place, in several pieces and splits
		})
	}
}

func checkDense(t *testing.T, p *Pool, rng *rand.Rand, n, in, out int) {
	t.Helper()
	x, w, bias, dy := random(rng, n*in), random(rng, out*in), random(rng, out), random(rng, n*out)
	relu := rng.IntN(2) == 0
	if rng.IntN(2) == 0 {
		bias = nil
	}
	wantY, wantDX, wantDW, wantDB := denseReference(n, in, out, x, w, bias, dy, relu)
	d := NewDense(n, in, out)
	scratch := withCanaries(t, d.Scratch(p.Threads()))
	y, dx, dw, db := withCanaries(t, n*out), withCanaries(t, n*in), withCanaries(t, out*in), withCanaries(t, out)
	d.Forward(p, x, w, bias, y, reluIf(relu), scratch)
	d.DataGrad(p, dy, w, dx, scratch)
	d.FilterGrad(p, x, dy, dw, db, scratch)
	for _, c := range []struct {
		name string
		got  []float32
		want []float64
	}{{"y", y, wantY}, {"dx", dx, wantDX}, {"dw", dw, wantDW}, {"db", db, wantDB}} {
		if e := distance(c.got, c.want); !(e <= 2e-6) {
			t.Errorf("%d images, %d inputs, %d outputs: %s is off by %.3g", n, in, out, c.name, e)
		}
	}
}

func TestDenseAllocatesNothing(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	for _, n := range []int{3, 20} {
		in, out := 160, 70
		d := NewDense(n, in, out)
		x, w, y, scratch := make([]float32, n*in), make([]float32, in*out), make([]float32, n*out), make([]float32, d.Scratch(2))
		allocs := testing.AllocsPerRun(10, func() {
			d.Forward(p, x, w, nil, y, reluIf(true), scratch)
			d.DataGrad(p, y, w, x, scratch)
			d.FilterGrad(p, x, y, w, nil, scratch)
		})
		if allocs != 0 {
			t.Errorf("%d images: %v allocations a step", n, allocs)
		}
	}
}

// AlexNet's first two fully connected layers are bound by memory at these sizes: GB/s counts w once.
func BenchmarkDense(b *testing.B) {
	p := NewPool(0)
	defer p.Close()
	for _, s := range [][3]int{{1, 9216, 4096}, {8, 9216, 4096}, {16, 9216, 4096}, {64, 9216, 4096}, {1, 4096, 1000}, {64, 400, 120}, {64, 1152, 625}, {64, 625, 1152}} {
		n, in, out := s[0], s[1], s[2]
		d := NewDense(n, in, out)
		rng := rand.New(rand.NewPCG(1, 1))
		x, w, y, bias := random(rng, n*in), random(rng, in*out), random(rng, n*out), random(rng, out)
		scratch := make([]float32, d.Scratch(p.Threads()))
		for _, c := range []struct {
			name string
			run  func()
		}{
			{"forward", func() { d.Forward(p, x, w, bias, y, reluIf(true), scratch) }},
			{"dataGrad", func() { d.DataGrad(p, y, w, x, scratch) }},
			{"filterGrad", func() { d.FilterGrad(p, x, y, w, bias, scratch) }},
		} {
			b.Run(fmt.Sprintf("%dx%dx%d/%s", n, in, out, c.name), func(b *testing.B) {
				for b.Loop() {
					c.run()
				}
				ns := float64(b.Elapsed().Nanoseconds()) / float64(b.N)
				b.ReportMetric(float64(4*in*out)/ns, "GB/s")
				b.ReportMetric(2*float64(n*in*out)/ns, "GFLOP/s")
			})
		}
	}
}

func TestDenseHasTheSameBitsForAnyNumberOfThreads(t *testing.T) {
	for _, s := range [][3]int{{3, 1040, 1011}, {33, 1040, 1011}, {70, 333, 130}} {
		n, in, out := s[0], s[1], s[2]
		rng := rand.New(rand.NewPCG(11, 12))
		x, w, dy := random(rng, n*in), random(rng, out*in), random(rng, n*out)
		var want [][]float32
		for _, threads := range []int{1, 2, 5} {
			p := NewPool(threads)
			d := NewDense(n, in, out)
			scratch := make([]float32, d.Scratch(threads))
			got := [][]float32{make([]float32, n*out), make([]float32, n*in), make([]float32, out*in), make([]float32, out)}
			d.Forward(p, x, w, nil, got[0], Activation{}, scratch)
			d.DataGrad(p, dy, w, got[1], scratch)
			d.FilterGrad(p, x, dy, got[2], got[3], scratch)
			p.Close()
			if want == nil {
				want = got
			}
			for i, name := range []string{"y", "dx", "dw", "db"} {
				if !slices.Equal(got[i], want[i]) {
					t.Errorf("%v: %s differs with %d threads", s, name, threads)
				}
			}
		}
	}
}
