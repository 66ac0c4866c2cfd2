package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// activations are all kinds, with functions and derivatives in float64.
var activations = []struct {
	a     Activation
	f, df func(x float64) float64
}{
	{Activation{}, func(x float64) float64 { return x }, func(float64) float64 { return 1 }},
	{Activation{Kind: ReLUKind}, func(x float64) float64 { return max(x, 0) }, func(x float64) float64 { return step(x, 0) }},
	{Activation{Kind: ReLU6Kind}, func(x float64) float64 { return min(max(x, 0), 6) }, func(x float64) float64 { return step(x, 0) - step(x, 6) }},
	{Activation{Kind: LeakyReLUKind, Slope: 0.125}, func(x float64) float64 { return max(x, x/8) }, func(x float64) float64 { return 0.125 + 0.875*step(x, 0) }},
	{Activation{Kind: LeakyReLUKind, Slope: -0.5}, func(x float64) float64 { return max(x, 0) + max(-x, 0)/2 }, func(x float64) float64 { return -0.5 + 1.5*step(x, 0) }},
	{Activation{Kind: LeakyReLUKind}, func(x float64) float64 { return max(x, 0) }, func(x float64) float64 { return step(x, 0) }},
	{Activation{Kind: SigmoidKind}, sigmoid, func(x float64) float64 { return sigmoid(x) * (1 - sigmoid(x)) }},
	{Activation{Kind: TanhKind, Amp: 1, Slope: 1}, math.Tanh, func(x float64) float64 { return 1 - math.Tanh(x)*math.Tanh(x) }},
	{Activation{Kind: TanhKind, Amp: 1.75, Slope: 0.625}, func(x float64) float64 { return 1.75 * math.Tanh(0.625*x) }, func(x float64) float64 {
		return 1.75 * 0.625 * (1 - math.Tanh(0.625*x)*math.Tanh(0.625*x))
	}},
	{Activation{Kind: HardSigmoidKind}, func(x float64) float64 { return min(max(x/6+0.5, 0), 1) }, func(x float64) float64 { return (step(x, -3) - step(x, 3)) / 6 }},
	{Activation{Kind: HardSwishKind}, func(x float64) float64 { return x * min(max(x/6+0.5, 0), 1) }, func(x float64) float64 {
		return (step(x, -3)-step(x, 3))*(x/3+0.5) + step(x, 3)
	}},
	{Activation{Kind: SiLUKind}, func(x float64) float64 { return x * sigmoid(x) }, func(x float64) float64 {
		return sigmoid(x) + x*sigmoid(x)*(1-sigmoid(x))
	}},
	{Activation{Kind: GELUKind}, func(x float64) float64 { return x * math.Erfc(-x/math.Sqrt2) / 2 }, func(x float64) float64 {
		return math.Erfc(-x/math.Sqrt2)/2 + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi)
	}},
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// step is 1 above the threshold.
func step(x, threshold float64) float64 {
	if x > threshold {
		return 1
	}
	return 0
}

func TestActivationsAgreeWithFloat64(t *testing.T) {
	for _, c := range activations {
		t.Run(c.a.String(), func(t *testing.T) {
			if err := c.a.Validate(); err != nil {
				t.Fatal(err)
			}
			onFamilies(t, func(t *testing.T) {
				p := testPool(t, 2)
				for _, n := range vecSizes {
					x, dy := newGuarded(n), newGuarded(n)
					for i := range x.v { // all over the range in which anything happens
						x.v[i] = float32(i)/float32(max(n-1, 1))*23.7 - 11.3
					}
					fillNormal(rand.New(rand.NewPCG(1, uint64(n))), dy.v)
					y, dx := newGuarded(n), newGuarded(n)
					Activate(p, c.a, x.v, y.v)
					kept := x.v
					if c.a.GradFromResult() {
						kept = y.v
					}
					ActivateGrad(p, c.a, kept, dy.v, dx.v)
					for _, g := range []guarded{x, y, dy, dx} {
						g.check(t, "around")
					}
					for i, v := range x.v {
						v, d := float64(v), float64(dy.v[i])
						if e := math.Abs(float64(y.v[i]) - c.f(v)); !(e <= 3e-7*max(1, math.Abs(c.f(v)))) {
							t.Fatalf("n=%d: of %g: %g, want %g", n, v, y.v[i], c.f(v))
						}
						if e := math.Abs(float64(dx.v[i]) - d*c.df(v)); !(e <= 1.2e-6*max(1, math.Abs(d))) {
							t.Fatalf("n=%d: gradient at %g: %g, want %g", n, v, dx.v[i], d*c.df(v))
						}
					}
					// In place, over what the gradient needs as well.
					inPlace := slices.Clone(x.v)
					Activate(p, c.a, inPlace, inPlace)
					if !sameBits(inPlace, y.v) {
						t.Fatalf("n=%d: other bits in place", n)
					}
					for _, over := range [][]float32{slices.Clone(kept), slices.Clone(dy.v)} {
						k, d := kept, dy.v
						if sameBits(over, kept) && n > 0 {
							k = over
						} else {
							d = over
						}
						ActivateGrad(p, c.a, k, d, over)
						if !sameBits(over, dx.v) {
							t.Fatalf("n=%d: other bits of the gradient in place", n)
						}
					}
				}
			})
		})
	}
}

func TestActivationsOfExtremes(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	p := testPool(t, 1)
	for _, c := range activations {
		x, y := []float32{nan, -inf, inf, -200, 200, -1e30, 0}, make([]float32, 7)
		Activate(p, c.a, x, y)
		if y[0] == y[0] {
			t.Errorf("%v of NaN is %g", c.a, y[0])
		}
		for i, v := range x[3:] {
			if w := float32(c.f(float64(v))); math.Abs(float64(y[3+i]-w)) > 1e-6*math.Abs(float64(w)) {
				t.Errorf("%v of %g is %g, want %g", c.a, v, y[3+i], w)
			}
		}
		if c.a.KeepsZero() != (y[6] == 0) {
			t.Errorf("%v of 0 is %g", c.a, y[6])
		}
	}
	for _, c := range []struct {
		a    Activation
		want [4]float32 // at -3, 3, 0 and 6: PyTorch 2 has these derivatives at the corners
	}{
		{Activation{Kind: ReLUKind}, [4]float32{0, 1, 0, 1}},
		{Activation{Kind: ReLU6Kind}, [4]float32{0, 1, 0, 0}},
		{Activation{Kind: LeakyReLUKind, Slope: 0.5}, [4]float32{0.5, 1, 0.5, 1}},
		{Activation{Kind: HardSigmoidKind}, [4]float32{0, 0, 1. / 6, 0}},
		{Activation{Kind: HardSwishKind}, [4]float32{0, 1, 0.5, 1}},
	} {
		x, y, dx := []float32{-3, 3, 0, 6}, make([]float32, 4), make([]float32, 4)
		Activate(p, c.a, x, y)
		if !c.a.GradFromResult() {
			y = x
		}
		ActivateGrad(p, c.a, y, []float32{1, 1, 1, 1}, dx)
		if dx := [4]float32(dx); dx != c.want {
			t.Errorf("derivatives of %v at its corners are %v, want %v", c.a, dx, c.want)
		}
	}
}

func TestBadActivationsAreRefused(t *testing.T) {
	for _, a := range []Activation{
		{Kind: 99}, {Kind: TanhKind}, {Kind: TanhKind, Amp: float32(math.Inf(1)), Slope: 1}, {Kind: LeakyReLUKind, Slope: float32(math.NaN())},
		{Kind: ReLUKind, Slope: 1}, {Kind: LeakyReLUKind, Slope: 1, Amp: 2},
	} {
		if a.Validate() == nil {
			t.Errorf("%+v is valid", a)
		}
	}
}

func BenchmarkActivations(b *testing.B) {
	p := testPool(b, 1)
	x, y := make([]float32, 1<<14), make([]float32, 1<<14)
	fillNormal(rand.New(rand.NewPCG(1, 2)), x)
	for _, c := range activations {
		b.Run(c.a.String(), func(b *testing.B) {
			b.SetBytes(8 << 14)
			for b.Loop() {
				Activate(p, c.a, x, y)
			}
		})
		b.Run(c.a.String()+" gradient", func(b *testing.B) {
			b.SetBytes(12 << 14)
			for b.Loop() {
				ActivateGrad(p, c.a, x, x, y)
			}
		})
	}
}
