package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

// vecSizes are lengths around every boundary: vectors, unrolled loops, chunks, the caller's thread.
var vecSizes = []int{0, 1, 2, 7, 15, 16, 17, 31, 33, 63, 64, 65, 127, 130, 1000, vecChunk - 1, vecChunk, vecChunk + 1, vecWake + vecChunk + 21}

// setFamily chooses a family for the rest of the test.
func setFamily(t testing.TB, f Family) {
	t.Helper()
	old := CurrentFamily()
	if err := SetFamily(f); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = SetFamily(old) })
}

// onFamilies runs the test once for every family of this machine.
func onFamilies(t *testing.T, test func(t *testing.T)) {
	for _, f := range Families() {
		t.Run("on "+f.String(), func(t *testing.T) {
			setFamily(t, f)
			test(t)
		})
	}
}

// testPool returns a pool that ends with the test.
func testPool(t testing.TB, threads int) *Pool {
	p := NewPool(threads)
	t.Cleanup(p.Close)
	return p
}

const canary = 1.2345e-11

// A guarded is a slice with canaries around it, and off every alignment.
type guarded struct{ all, v []float32 }

func newGuarded(n int) guarded {
	all := make([]float32, n+64)
	for i := range all {
		all[i] = canary
	}
	return guarded{all, all[33 : 33+n : 33+n]}
}

func (g guarded) check(t *testing.T, what string) {
	t.Helper()
	for i, v := range g.all {
		if (i < 33 || i >= 33+len(g.v)) && v != canary {
			t.Fatalf("%s: float %d of %d was written", what, i-33, len(g.v))
		}
	}
}

func fillNormal(r *rand.Rand, x []float32) {
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
}

func random(rng *rand.Rand, n int) []float32 {
	s := make([]float32, n)
	for i := range s {
		s[i] = 2*rng.Float32() - 1
	}
	return s
}

// sameBits reports whether two slices hold the same bits.
func sameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

// relErr returns |got−want|/|want| in the Euclidean norm.
func relErr(got []float32, want []float64) float64 {
	var diff, norm float64
	for i, w := range want {
		d := float64(got[i]) - w
		diff += d * d
		norm += w * w
	}
	if diff == 0 {
		return 0
	}
	return math.Sqrt(diff / norm)
}

var rectified = Activation{Kind: ReLUKind}

func scaledTanh(amp, slope float32) Activation {
	return Activation{Kind: TanhKind, Amp: amp, Slope: slope}
}

// vecCases are the elementwise kernels on up to four operands, each with one element's meaning.
var vecCases = []struct {
	name string
	args int
	out  []int // operands that it writes
	run  func(p *Pool, v [][]float32)
	ref  func(v []float64)
}{
	{"ReLU", 2, []int{1}, func(p *Pool, v [][]float32) { Activate(p, rectified, v[0], v[1]) },
		func(v []float64) { v[1] = max(v[0], 0) }},
	{"ReLUGrad", 3, []int{2}, func(p *Pool, v [][]float32) { ActivateGrad(p, rectified, v[0], v[1], v[2]) },
		func(v []float64) {
			v[2] = 0
			if v[0] > 0 {
				v[2] = v[1]
			}
		}},
	{"Add", 3, []int{2}, func(p *Pool, v [][]float32) { Add(p, v[0], v[1], v[2]) },
		func(v []float64) { v[2] = v[0] + v[1] }},
	{"AddReLU", 3, []int{2}, func(p *Pool, v [][]float32) { AddReLU(p, v[0], v[1], v[2]) },
		func(v []float64) { v[2] = max(v[0]+v[1], 0) }},
	{"Scale", 2, []int{1}, func(p *Pool, v [][]float32) { Scale(p, -1.5, v[0], v[1]) },
		func(v []float64) { v[1] = -1.5 * v[0] }},
	{"Axpy", 2, []int{1}, func(p *Pool, v [][]float32) { Axpy(p, 0.3, v[0], v[1]) },
		func(v []float64) { v[1] += float64(float32(0.3)) * v[0] }},
	{"Fill", 1, []int{0}, func(p *Pool, v [][]float32) { Fill(p, 7.5, v[0]) },
		func(v []float64) { v[0] = 7.5 }},
	{"Tanh", 2, []int{1}, func(p *Pool, v [][]float32) { Activate(p, scaledTanh(1.7159, 2./3), v[0], v[1]) },
		func(v []float64) { v[1] = 1.7159 * math.Tanh(2./3*v[0]) }},
	{"TanhGrad", 3, []int{2}, func(p *Pool, v [][]float32) { ActivateGrad(p, scaledTanh(1.7159, 2./3), v[0], v[1], v[2]) },
		func(v []float64) { v[2] = v[1] * 1.7159 * 2 / 3 * (1 - v[0]/1.7159*v[0]/1.7159) }},
	{"EMA", 2, []int{0}, func(p *Pool, v [][]float32) { EMA(p, 0.75, v[0], v[1]) },
		func(v []float64) { v[0] = 0.75*v[0] + 0.25*v[1] }},
	{"MSEGrad of mean over n", 3, []int{2}, func(p *Pool, v [][]float32) { MSEGrad(p, v[0], v[1], 0.5*float32(len(v[0])), v[2]) },
		func(v []float64) { v[2] = v[0] - v[1] }},
}

func TestElementwise(t *testing.T) {
	for _, c := range vecCases {
		t.Run(c.name, func(t *testing.T) {
			onFamilies(t, func(t *testing.T) {
				p := testPool(t, 2)
				for _, n := range vecSizes {
					r := rand.New(rand.NewPCG(uint64(n), 1))
					buf, before, flat := make([]guarded, c.args), make([][]float32, c.args), make([][]float32, c.args)
					for k := range buf {
						buf[k] = newGuarded(n)
						flat[k] = buf[k].v
						fillNormal(r, flat[k])
						before[k] = slices.Clone(flat[k])
					}
					c.run(p, flat)
					want := make([][]float64, c.args)
					for i := range n {
						v := make([]float64, c.args)
						for k := range v {
							v[k] = float64(before[k][i])
						}
						c.ref(v)
						for k := range v {
							want[k] = append(want[k], v[k])
						}
					}
					for k := range buf {
						buf[k].check(t, fmt.Sprintf("n=%d operand %d", n, k))
						if !slices.Contains(c.out, k) && !sameBits(flat[k], before[k]) {
							t.Fatalf("n=%d: operand %d was changed", n, k)
						}
						if e := relErr(flat[k], want[k]); !(e < 3e-7) {
							t.Fatalf("n=%d: operand %d has relative error %.2g", n, k, e)
						}
					}
				}
			})
		})
	}
}

func TestElementwiseAgreesWithItsGenericTwin(t *testing.T) {
	const n = 1000
	exact := []string{"ReLU", "ReLUGrad", "Add", "AddReLU", "Scale", "Fill", "MSEGrad of mean over n"} // nothing to fuse
	for _, c := range vecCases {
		t.Run(c.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(11, 12))
			start := make([]float32, n)
			fillNormal(r, start)
			var want []float32
			onFamilies(t, func(t *testing.T) {
				v := make([][]float32, c.args)
				for k := range v {
					v[k] = slices.Clone(start[k:])
					v[k] = v[k][:n-c.args]
				}
				c.run(testPool(t, 1), v)
				got := v[c.out[0]]
				if want == nil {
					want = got // generic comes first
				}
				if slices.Contains(exact, c.name) {
					if !sameBits(got, want) {
						t.Error("other bits")
					}
					return
				}
				wide := make([]float64, len(want))
				for i, x := range want {
					wide[i] = float64(x)
				}
				if e := relErr(got, wide); !(e < 2e-7) {
					t.Errorf("relative difference %.2g", e)
				}
			})
		})
	}
}

func TestElementwiseInPlace(t *testing.T) {
	for _, c := range vecCases {
		for _, out := range c.out {
			for in := range c.args {
				if in == out {
					continue
				}
				t.Run(fmt.Sprintf("%s may write operand %d over operand %d", c.name, out, in), func(t *testing.T) {
					onFamilies(t, func(t *testing.T) {
						p := testPool(t, 2)
						const n = 2*vecChunk + 37
						r := rand.New(rand.NewPCG(3, 4))
						apart, same := make([][]float32, c.args), make([][]float32, c.args)
						for k := range apart {
							apart[k] = make([]float32, n)
							fillNormal(r, apart[k])
						}
						copy(apart[out], apart[in]) // what an operand that is read and written starts from
						for k := range apart {
							same[k] = slices.Clone(apart[k])
						}
						same[out] = same[in]
						c.run(p, apart)
						c.run(p, same)
						if !sameBits(apart[out], same[out]) {
							t.Error("the result is another than with slices apart")
						}
					})
				})
			}
		}
	}
}

func TestElementwiseOnAnyNumberOfThreads(t *testing.T) {
	onFamilies(t, func(t *testing.T) {
		const n = vecWake + 3*vecChunk + 5
		for _, c := range vecCases {
			r := rand.New(rand.NewPCG(5, 6))
			start := make([][]float32, c.args)
			for k := range start {
				start[k] = make([]float32, n)
				fillNormal(r, start[k])
			}
			var first [][]float32
			for _, threads := range []int{1, 2, 3} {
				v := make([][]float32, c.args)
				for k := range v {
					v[k] = slices.Clone(start[k])
				}
				c.run(testPool(t, threads), v)
				if first == nil {
					first = v
				}
				for k := range v {
					if !sameBits(v[k], first[k]) {
						t.Errorf("%s: %d threads give other bits than one", c.name, threads)
					}
				}
			}
		}
	})
}

func TestReLUPassesNaN(t *testing.T) {
	nan, inf, zero := float32(math.NaN()), float32(math.Inf(1)), float32(math.Copysign(0, -1))
	onFamilies(t, func(t *testing.T) {
		p := testPool(t, 1)
		for _, n := range []int{5, 16, 21, 64, 133} {
			x, y, one, dx := make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
			for i := range x {
				x[i] = []float32{nan, -1, zero, inf, -inf}[i%5]
			}
			Fill(p, 1, one)
			wantY, wantDX := []float32{nan, 0, zero, inf, 0}, []float32{1, 0, 0, 1, 0}
			check := func(what string, got []float32, want []float32) {
				t.Helper()
				for i, v := range got {
					w := want[i%5]
					if v != w && !(v != v && w != w) {
						t.Fatalf("%s of %v is %v, want %v (n=%d, i=%d)", what, x[i], v, w, n, i)
					}
				}
			}
			Activate(p, rectified, x, y)
			check("ReLU", y, wantY)
			ActivateGrad(p, rectified, y, one, dx)
			check("ReLUGrad", dx, wantDX)
			clear(one)
			AddReLU(p, x, one, y)
			check("AddReLU", y, wantY)
			AddReLU(p, one, x, y)
			check("AddReLU turned round", y, wantY)
		}
	})
}

// ulps returns how many units in the last place got is away from want.
func ulps(got float32, want float64) float64 {
	if float64(got) == want || got != got && want != want {
		return 0
	}
	if math.IsInf(float64(got), 0) && math.Abs(want) >= math.MaxFloat32*(1+1./(1<<25)) {
		return 0
	}
	_, exp := math.Frexp(want)
	return math.Abs(float64(got)-want) / math.Ldexp(1, max(exp-24, -149))
}

// sampleFloats returns float32s spread evenly over the representable numbers of both signs up to
// limit, and the special ones.
func sampleFloats(limit float32) []float32 {
	x := []float32{0, float32(math.Copysign(0, -1)), float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), limit, -limit, math.MaxFloat32, -math.MaxFloat32}
	for b := uint32(0); b < math.Float32bits(limit); b += 9973 {
		x = append(x, math.Float32frombits(b), -math.Float32frombits(b))
	}
	return x
}

func TestTanhErrsByLessThanTwoUlps(t *testing.T) {
	x := sampleFloats(12)
	y := make([]float32, len(x))
	onFamilies(t, func(t *testing.T) {
		Activate(testPool(t, 1), scaledTanh(1, 1), x, y)
		worst, at := 0., float32(0)
		for i, v := range x {
			if u := ulps(y[i], math.Tanh(float64(v))); !(u <= worst) {
				worst, at = u, v
			}
			if math.Signbit(float64(v)) != math.Signbit(float64(y[i])) {
				t.Fatalf("tanh(%v) = %v has the wrong sign", v, y[i])
			}
		}
		t.Logf("worst: %.2f ulp at %v", worst, at)
		if !(worst < 2) {
			t.Errorf("tanh(%v) is %.2f ulp off", at, worst)
		}
	})
}

func TestExponentialErrsByLessThanOneAndAHalfUlps(t *testing.T) {
	x := sampleFloats(110)
	y := make([]float32, len(x))
	onFamilies(t, func(t *testing.T) {
		simd.Loops().RowExp(&x[0], &y[0], len(x), 0)
		worst, at := 0., float32(0)
		for i, v := range x {
			if u := ulps(y[i], math.Exp(float64(v))); !(u <= worst) {
				worst, at = u, v
			}
		}
		t.Logf("worst: %.2f ulp at %v", worst, at)
		if !(worst < 1.5) {
			t.Errorf("exp(%v) is %.2f ulp off", at, worst)
		}
	})
}

func TestSumSquares(t *testing.T) {
	onFamilies(t, func(t *testing.T) {
		for _, n := range vecSizes {
			g := newGuarded(n)
			x := g.v
			r := rand.New(rand.NewPCG(uint64(n), 7))
			var want float64
			for i := range x {
				x[i] = float32(r.NormFloat64() * math.Pow(10, 30*r.Float64()-10)) // squares overflow a float32
				want += float64(x[i]) * float64(x[i])
			}
			first := SumSquares(testPool(t, 1), x)
			if math.Abs(first-want) > 1e-12*want {
				t.Errorf("n=%d: got %v, want %v", n, first, want)
			}
			for _, threads := range []int{2, 3} {
				if got := SumSquares(testPool(t, threads), x); got != first {
					t.Errorf("n=%d: %v on %d threads, %v on one", n, got, threads, first)
				}
			}
			g.check(t, "SumSquares")
		}
	})
}

func TestFinite(t *testing.T) {
	onFamilies(t, func(t *testing.T) {
		p := testPool(t, 2)
		for _, n := range vecSizes[1:] {
			x := make([]float32, n)
			Fill(p, -math.MaxFloat32, x)
			if !Finite(p, x) {
				t.Fatalf("n=%d: the largest float32s are not finite", n)
			}
			for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
				for _, i := range []int{0, n / 2, n - 1} {
					old := x[i]
					x[i] = float32(bad)
					if Finite(p, x) {
						t.Fatalf("n=%d: %v at %d is finite", n, bad, i)
					}
					x[i] = old
				}
			}
		}
	})
}

func TestMSE(t *testing.T) {
	t.Run("is 0 for nothing", func(t *testing.T) {
		if got := MSE(testPool(t, 1), nil, nil); got != 0 {
			t.Errorf("got %v", got)
		}
	})
	t.Run("is the mean of squared differences on any number of threads", func(t *testing.T) {
		for _, n := range vecSizes[1:] {
			r := rand.New(rand.NewPCG(uint64(n), 8))
			x, y := make([]float32, n), make([]float32, n)
			fillNormal(r, x)
			fillNormal(r, y)
			var want float64
			for i := range x {
				d := float64(x[i]) - float64(y[i])
				want += d * d / float64(n)
			}
			first := MSE(testPool(t, 1), x, y)
			if math.Abs(float64(first)-want) > 1e-7*want {
				t.Errorf("n=%d: got %v, want %v", n, first, want)
			}
			if got := MSE(testPool(t, 3), x, y); got != first {
				t.Errorf("n=%d: %v on three threads, %v on one", n, got, first)
			}
		}
	})
}

// vecCalls is every kernel of the vector files, on batches of 24 images of 20 channels.
func vecCalls() []struct {
	name string
	call func(p *Pool)
} {
	const n, c, h, w = 24, 20, 13, 11
	flat := func() []float32 { return make([]float32, BlockedLen(n, c, h, w)) }
	a, b, y, z := flat(), flat(), flat(), flat()
	plain := make([]float32, n*c*h*w)
	act, act2 := NewAct(a, n, c, h, w), NewAct(b, n, c, h, w)
	rows := len(plain) / 10
	target := make([]float32, rows)
	var u Updates
	return []struct {
		name string
		call func(p *Pool)
	}{
		{"ReLU", func(p *Pool) { Activate(p, rectified, a, y) }},
		{"ReLUGrad", func(p *Pool) { ActivateGrad(p, rectified, a, b, y) }},
		{"Add", func(p *Pool) { Add(p, a, b, y) }},
		{"AddReLU", func(p *Pool) { AddReLU(p, a, b, y) }},
		{"Scale", func(p *Pool) { Scale(p, 2, a, y) }},
		{"Axpy", func(p *Pool) { Axpy(p, 2, a, y) }},
		{"Fill", func(p *Pool) { Fill(p, 1, y) }},
		{"Tanh", func(p *Pool) { Activate(p, scaledTanh(1, 1), a, y) }},
		{"TanhGrad", func(p *Pool) { ActivateGrad(p, scaledTanh(1, 1), a, b, y) }},
		{"Dropout", func(p *Pool) { Dropout(p, 0.5, 1, a, y) }},
		{"SGD", func(p *Pool) { u.SGD(a, b, nil, SGDStep{LR: 0.1}); u.Run(p) }},
		{"SGD with momentum", func(p *Pool) { u.SGD(a, b, y, SGDStep{LR: 0.1, Momentum: 0.9}); u.Run(p) }},
		{"SGD with Nesterov's momentum", func(p *Pool) { u.SGD(a, b, y, SGDStep{LR: 0.1, Momentum: 0.9, Nesterov: true}); u.Run(p) }},
		{"Adam", func(p *Pool) {
			u.Adam(a, b, y, z, AdamStep{LR: 0.1, Beta1: 0.9, Beta2: 0.99, Eps: 1e-8, Step: 1})
			u.Run(p)
		}},
		{"EMA", func(p *Pool) { EMA(p, 0.9, a, b) }},
		{"SumSquares", func(p *Pool) { SumSquares(p, a) }},
		{"Finite", func(p *Pool) { Finite(p, a) }},
		{"MSE", func(p *Pool) { MSE(p, a, b) }},
		{"MSEGrad", func(p *Pool) { MSEGrad(p, a, b, 1, y) }},
		{"ToBlocked", func(p *Pool) { ToBlocked(p, plain, act) }},
		{"FromBlocked", func(p *Pool) { FromBlocked(p, act, plain) }},
		{"CopyChannels", func(p *Pool) { CopyChannels(p, act, 1, act2, 3, 15, true) }},
		{"Softmax", func(p *Pool) { Softmax(p, rows, 10, plain, plain) }},
		{"SoftmaxGrad", func(p *Pool) { SoftmaxGrad(p, rows, 10, plain, plain, plain) }},
		{"CrossEntropy", func(p *Pool) { CrossEntropy(p, rows, 10, plain, target, 0.1, plain) }},
		{"CrossEntropyGrad", func(p *Pool) { CrossEntropyGrad(p, rows, 10, plain, target, 0.1, 1, plain) }},
		{"CrossEntropy on probabilities", func(p *Pool) { CrossEntropy(p, rows, 10, plain, plain, 0.1, plain) }},
		{"CrossEntropyGrad on probabilities", func(p *Pool) { CrossEntropyGrad(p, rows, 10, plain, plain, 0.1, 1, plain) }},
	}
}

// withRaceDetector reports whether the race detector is built in: it makes sync.Pool forget at random.
func withRaceDetector() bool {
	info, _ := debug.ReadBuildInfo()
	return slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

func TestVectorsAllocateNothing(t *testing.T) {
	if withRaceDetector() {
		t.Skip("the race detector makes sync.Pool forget")
	}
	onFamilies(t, func(t *testing.T) {
		p := testPool(t, 2)
		for _, c := range vecCalls() {
			if got := testing.AllocsPerRun(10, func() { c.call(p) }); got != 0 {
				t.Errorf("%s allocates %v times a run", c.name, got)
			}
		}
	})
}

func TestVectorsRefuseOtherLengths(t *testing.T) {
	p := testPool(t, 1)
	s := func(n int) []float32 { return make([]float32, n) }
	for _, c := range []struct {
		name, want string
		call       func()
	}{
		{"ReLU", "kernel: Activate: operand 2 has 3 floats, the first has 4", func() { Activate(p, rectified, s(4), s(3)) }},
		{"ReLUGrad", "operand 3 has 5", func() { ActivateGrad(p, rectified, s(4), s(4), s(5)) }},
		{"Add", "operand 2 has 5", func() { Add(p, s(4), s(5), s(4)) }},
		{"AddReLU", "operand 3 has 0", func() { AddReLU(p, s(4), s(4), nil) }},
		{"Scale", "operand 2 has 5", func() { Scale(p, 1, s(4), s(5)) }},
		{"Axpy", "operand 2 has 5", func() { Axpy(p, 1, s(4), s(5)) }},
		{"Tanh", "operand 2 has 5", func() { Activate(p, scaledTanh(1, 1), s(4), s(5)) }},
		{"TanhGrad", "operand 2 has 5", func() { ActivateGrad(p, scaledTanh(1, 1), s(4), s(5), s(4)) }},
		{"Dropout", "operand 2 has 5", func() { Dropout(p, 1, 1, s(4), s(5)) }},
		{"Dropout's probability", "keep is 1.5, not a probability", func() { Dropout(p, 1.5, 1, s(4), s(4)) }},
		{"SGD", "operand 2 has 5", func() { new(Updates).SGD(s(4), s(5), nil, SGDStep{}) }},
		{"SGD without its buffer", "SGD with momentum: operand 3 has 0", func() { new(Updates).SGD(s(4), s(4), nil, SGDStep{Momentum: 0.9}) }},
		{"Adam", "operand 4 has 1", func() { new(Updates).Adam(s(4), s(4), s(4), s(1), AdamStep{Step: 1}) }},
		{"Adam's step", "step 0; steps count from 1", func() { new(Updates).Adam(s(4), s(4), s(4), s(4), AdamStep{}) }},
		{"EMA", "operand 2 has 5", func() { EMA(p, 1, s(4), s(5)) }},
		{"MSE", "operand 2 has 5", func() { MSE(p, s(4), s(5)) }},
		{"MSEGrad", "operand 3 has 5", func() { MSEGrad(p, s(4), s(4), 1, s(5)) }},
		{"ToBlocked's plain batch", "plain batch has 23 floats, want 1×2×3×4", func() { ToBlocked(p, s(23), NewAct(s(192), 1, 2, 3, 4)) }},
		{"ToBlocked's blocked batch", "with stride 192 has 191 floats, want 192", func() { ToBlocked(p, s(24), NewAct(s(191), 1, 2, 3, 4)) }},
		{"FromBlocked's stride", "blocked batch 2×2×3×4 with stride 100", func() { FromBlocked(p, Act{Data: s(400), N: 2, C: 2, H: 3, W: 4, Stride: 100}, s(48)) }},
		{"CopyChannels' batches", "from 1×2×3×4 to 1×2×4×3", func() { CopyChannels(p, NewAct(s(192), 1, 2, 3, 4), 0, NewAct(s(192), 1, 2, 4, 3), 0, 1, false) }},
		{"CopyChannels' channels", "2 channels from 1 of 2 to 0 of 2", func() { CopyChannels(p, NewAct(s(192), 1, 2, 3, 4), 1, NewAct(s(192), 1, 2, 3, 4), 0, 2, false) }},
		{"Softmax", "operand 2 has 5 floats, want 2 rows of 3", func() { Softmax(p, 2, 3, s(6), s(5)) }},
		{"Softmax without classes", "2 rows of 0 classes", func() { Softmax(p, 2, 0, nil, nil) }},
		{"CrossEntropy's target", "target has 4 floats, want 2 classes or 2×3 probabilities", func() { CrossEntropy(p, 2, 3, s(6), s(4), 0, s(6)) }},
		{"CrossEntropy's class", "target of row 1 is 3, want a class below 3 or -1", func() { CrossEntropy(p, 2, 3, s(6), []float32{0, 3}, 0, s(6)) }},
		{"CrossEntropyGrad's class", "target of row 0 is 0.5", func() { CrossEntropyGrad(p, 2, 3, s(6), []float32{0.5, 3}, 0, 1, s(6)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, c.want) {
					t.Errorf("panic %q does not say %q", got, c.want)
				}
			}()
			c.call()
		})
	}
}

func BenchmarkVectors(b *testing.B) {
	const n = 4 << 20 // larger than the caches of a core
	v := make([][]float32, 4)
	r := rand.New(rand.NewPCG(1, 1))
	for k := range v {
		v[k] = make([]float32, n)
		fillNormal(r, v[k])
	}
	act := NewAct(v[1], 16, n/16/256, 16, 16)
	quarter := NewAct(v[2], 16, n/16/256, 8, 8)
	means := v[3][:act.N*act.C]
	classes := make([]float32, n/10)
	var u Updates
	for _, c := range []struct {
		name    string
		streams float64 // operands read + operands written, of n floats each
		call    func(p *Pool)
	}{
		{"ReLU", 2, func(p *Pool) { Activate(p, rectified, v[0], v[1]) }},
		{"ReLUGrad", 3, func(p *Pool) { ActivateGrad(p, rectified, v[0], v[1], v[2]) }},
		{"Add", 3, func(p *Pool) { Add(p, v[0], v[1], v[2]) }},
		{"AddReLU", 3, func(p *Pool) { AddReLU(p, v[0], v[1], v[2]) }},
		{"Axpy", 3, func(p *Pool) { Axpy(p, 1e-9, v[0], v[1]) }},
		{"Scale", 2, func(p *Pool) { Scale(p, 0.5, v[0], v[2]) }},
		{"Fill", 1, func(p *Pool) { Fill(p, 1e-9, v[2]) }},
		{"Tanh", 2, func(p *Pool) { Activate(p, scaledTanh(1.7, 0.6), v[0], v[2]) }},
		{"TanhGrad", 3, func(p *Pool) { ActivateGrad(p, scaledTanh(1.7, 0.6), v[0], v[1], v[2]) }},
		{"Dropout", 2, func(p *Pool) { Dropout(p, 0.5, 7, v[0], v[2]) }},
		{"SGD", 5, func(p *Pool) { u.SGD(v[0], v[1], v[2], SGDStep{LR: 1e-9, Momentum: 0.9, WeightDecay: 1e-9}); u.Run(p) }},
		{"Adam", 7, func(p *Pool) {
			u.Adam(v[0], v[1], v[2], v[3], AdamStep{LR: 1e-9, Beta1: 0.9, Beta2: 0.99, Eps: 1e-8, Step: 1})
			u.Run(p)
		}},
		{"EMA", 3, func(p *Pool) { EMA(p, 0.9, v[0], v[1]) }},
		{"SumSquares", 1, func(p *Pool) { SumSquares(p, v[0]) }},
		{"ToBlocked", 2, func(p *Pool) { ToBlocked(p, v[0], act) }},
		{"FromBlocked", 2, func(p *Pool) { FromBlocked(p, act, v[0]) }},
		{"CopyChannels", 2, func(p *Pool) { CopyChannels(p, act, 0, act, act.C/2, act.C/2, false) }},
		{"Finite", 1, func(p *Pool) { Finite(p, v[0]) }},
		{"MSE", 2, func(p *Pool) { MSE(p, v[0], v[1]) }},
		{"MSEGrad", 3, func(p *Pool) { MSEGrad(p, v[0], v[1], 1, v[2]) }},
		{"Subsample", 0.5, func(p *Pool) { Subsample(p, act, 2, quarter, 0) }},
		{"SubsampleGrad", 1.25, func(p *Pool) { SubsampleGrad(p, quarter, 2, act, 0) }},
		{"GlobalAvgPool", 1, func(p *Pool) { GlobalAvgPool(p, act, means) }},
		{"GlobalAvgPoolGrad", 1, func(p *Pool) { GlobalAvgPoolGrad(p, means, act) }},
		{"CrossEntropy of 10", 2, func(p *Pool) { CrossEntropy(p, n/10, 10, v[0][:n/10*10], classes, 0, v[2][:n/10*10]) }},
		{"CrossEntropyGrad of 10", 2, func(p *Pool) { CrossEntropyGrad(p, n/10, 10, v[0][:n/10*10], classes, 0, 1, v[2][:n/10*10]) }},
		{"SoftmaxGrad of 10", 3, func(p *Pool) { SoftmaxGrad(p, n/10, 10, v[0][:n/10*10], v[1][:n/10*10], v[2][:n/10*10]) }},
		{"Softmax of 1000", 2, func(p *Pool) { Softmax(p, n/1000, 1000, v[0][:n/1000*1000], v[2][:n/1000*1000]) }},
		{"Softmax of 10", 2, func(p *Pool) { Softmax(p, n/10, 10, v[0][:n/10*10], v[2][:n/10*10]) }},
	} {
		for _, f := range Families() {
			for _, threads := range []int{1, 2} {
				b.Run(fmt.Sprintf("%s/%v/threads=%d", c.name, f, threads), func(b *testing.B) {
					setFamily(b, f)
					p := testPool(b, threads)
					for b.Loop() {
						c.call(p)
					}
					b.ReportMetric(float64(b.N)*c.streams*4*n/b.Elapsed().Seconds()/1e9, "GB/s")
				})
			}
		}
	}
}
