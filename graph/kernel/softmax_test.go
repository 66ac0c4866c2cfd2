package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

var rowShapes = [][2]int{{1, 1}, {3, 1}, {1, 10}, {5, 2}, {128, 10}, {7, 15}, {7, 16}, {7, 17}, {33, 100}, {5, 361}, {70, 1000}, {2, 20001}, {0, 3}}

// refSoftmax returns the softmax of a row and ln Σexp.
func refSoftmax(x []float32) ([]float64, float64) {
	top := math.Inf(-1)
	for _, v := range x {
		top = max(top, float64(v))
	}
	y, sum := make([]float64, len(x)), 0.
	for i, v := range x {
		y[i] = math.Exp(float64(v) - top)
		sum += y[i]
	}
	for i := range y {
		y[i] /= sum
	}
	return y, top + math.Log(sum)
}

func onRowShapes(t *testing.T, test func(t *testing.T, r *rand.Rand, n, c int)) {
	onFamilies(t, func(t *testing.T) {
		for _, s := range rowShapes {
			t.Run(fmt.Sprintf("%d rows of %d", s[0], s[1]), func(t *testing.T) {
				test(t, rand.New(rand.NewPCG(uint64(s[0]), uint64(s[1]))), s[0], s[1])
			})
		}
	})
}

func TestSoftmax(t *testing.T) {
	onRowShapes(t, func(t *testing.T, r *rand.Rand, n, c int) {
		p := testPool(t, 2)
		x, y, dy, dx := newGuarded(n*c), newGuarded(n*c), newGuarded(n*c), newGuarded(n*c)
		for i := range x.v {
			x.v[i] = float32(300 + 20*r.NormFloat64()) // e^300 is beyond float32
		}
		fillNormal(r, dy.v)
		Softmax(p, n, c, x.v, y.v)
		SoftmaxGrad(p, n, c, y.v, dy.v, dx.v)
		var wantY, wantDX []float64
		for row := range n {
			s, _ := refSoftmax(x.v[row*c:][:c])
			dot := 0.
			for i, v := range y.v[row*c:][:c] {
				dot += float64(v) * float64(dy.v[row*c+i])
			}
			for i, v := range y.v[row*c:][:c] {
				wantDX = append(wantDX, float64(v)*(float64(dy.v[row*c+i])-dot))
			}
			wantY = append(wantY, s...)
		}
		if e := relErr(y.v, wantY); !(e < 1e-6) {
			t.Errorf("relative error %.2g", e)
		}
		if e := relErr(dx.v, wantDX); !(e < 1e-6) {
			t.Errorf("gradient: relative error %.2g", e)
		}
		for _, g := range []guarded{x, y, dy, dx} {
			g.check(t, "softmax")
		}
		Softmax(testPool(t, 1), n, c, x.v, x.v)
		if !sameBits(x.v, y.v) {
			t.Error("in place on one thread it gives other bits")
		}
	})
}

func TestSoftmaxOfInfinitiesAndNaN(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	onFamilies(t, func(t *testing.T) {
		p := testPool(t, 1)
		for _, c := range []struct {
			name    string
			x, want []float32
		}{
			{"a masked class has no part", []float32{1, -inf, 1}, []float32{0.5, 0, 0.5}},
			{"NaN spreads over the row", []float32{1, nan, 1}, []float32{nan, nan, nan}},
			{"NaN in front spreads over the row", []float32{nan, 2, 1}, []float32{nan, nan, nan}},
			{"+Inf makes NaN, as in PyTorch", []float32{1, inf, 1}, []float32{nan, nan, nan}},
			{"nothing but masked classes makes NaN, as in PyTorch", []float32{-inf, -inf, -inf}, []float32{nan, nan, nan}},
		} {
			y := make([]float32, 3)
			Softmax(p, 1, 3, c.x, y)
			for i, w := range c.want {
				if c.name[0] == '+' && i != 1 { // the others are 0 or NaN; what counts is that the row is not a result
					continue
				}
				if y[i] != w && !(y[i] != y[i] && w != w) {
					t.Errorf("%s: %v gives %v, want %v", c.name, c.x, y, c.want)
					break
				}
			}
		}
	})
}

func TestCrossEntropy(t *testing.T) {
	onRowShapes(t, func(t *testing.T, r *rand.Rand, n, c int) {
		p := testPool(t, 2)
		x := make([]float32, n*c)
		for i := range x {
			x[i] = float32(3 * r.NormFloat64())
		}
		classes, dense := make([]float32, n), make([]float32, n*c)
		for i := range classes {
			classes[i] = float32(r.IntN(c+1) - 1)
		}
		for i := range dense {
			dense[i] = r.Float32()
		}
		targets := [][]float32{classes, dense}
		if c == 1 { // n numbers: classes
			targets = targets[:1]
		}
		for _, target := range targets {
			for _, smoothing := range []float32{0, 0.1} {
				wantLoss, wantGrad := refCrossEntropy(n, c, x, target, float64(smoothing))
				probs, dx := newGuarded(n*c), newGuarded(n*c)
				loss := CrossEntropy(p, n, c, x, target, smoothing, probs.v)
				CrossEntropyGrad(p, n, c, probs.v, target, smoothing, 1, dx.v)
				if math.Abs(float64(loss)-wantLoss) > 1e-6*max(1, wantLoss) {
					t.Errorf("%d targets, smoothing %v: loss %v, want %v", len(target), smoothing, loss, wantLoss)
				}
				if e := relErr(dx.v, wantGrad); !(e < 1e-5) && c > 1 {
					t.Errorf("%d targets, smoothing %v: gradient has relative error %.2g", len(target), smoothing, e)
				}
				probs.check(t, "probs")
				dx.check(t, "dx")
				again := make([]float32, n*c)
				copy(again, x)
				one := testPool(t, 1)
				if l := CrossEntropy(one, n, c, again, target, smoothing, again); l != loss || !sameBits(again, probs.v) {
					t.Errorf("in place on one thread it gives other bits: loss %v, was %v", l, loss)
				}
				CrossEntropyGrad(one, n, c, again, target, smoothing, 1, again)
				if !sameBits(again, dx.v) {
					t.Error("the gradient in place on one thread has other bits")
				}
			}
		}
	})
}

// refCrossEntropy is the loss and its gradient from the definition.
func refCrossEntropy(n, c int, x, target []float32, smoothing float64) (float64, []float64) {
	var loss float64
	grad := make([]float64, n*c)
	counted := 0.
	for row := range n {
		if len(target) == n && target[row] == -1 {
			continue
		}
		counted++
		s, lse := refSoftmax(x[row*c:][:c])
		mass := 0.
		for i := range c {
			want := 0.
			if len(target) != n {
				want = float64(target[row*c+i])
			} else if int(target[row]) == i {
				want = 1
			}
			want = (1-smoothing)*want + smoothing/float64(c)
			loss -= want * (float64(x[row*c+i]) - lse)
			grad[row*c+i] = -want
			mass += want
		}
		for i := range c {
			grad[row*c+i] += mass * s[i]
		}
	}
	if counted == 0 {
		return 0, grad
	}
	for i := range grad {
		grad[i] /= counted
	}
	return loss / counted, grad
}

func TestCrossEntropyWhereNoRowCounts(t *testing.T) {
	p := testPool(t, 1)
	probs, dx := make([]float32, 4), []float32{9, 9, 9, 9}
	target := []float32{-1, -1}
	if loss := CrossEntropy(p, 2, 2, []float32{1, 2, 3, 4}, target, 0, probs); loss != 0 {
		t.Errorf("loss is %v", loss)
	}
	CrossEntropyGrad(p, 2, 2, probs, target, 0, 1, dx)
	if SumSquares(p, dx) != 0 {
		t.Errorf("gradient is %v", dx)
	}
}

func TestCrossEntropyOfNaN(t *testing.T) {
	onFamilies(t, func(t *testing.T) {
		p := testPool(t, 1)
		x, probs := []float32{1, 2, 3, float32(math.NaN()), 5, 6}, make([]float32, 6)
		for _, target := range [][]float32{{0, 2}, {0.5, 0.5, 0, 0.5, 0.5, 0}} {
			if loss := CrossEntropy(p, 2, 3, x, target, 0, probs); loss == loss {
				t.Errorf("loss is %v", loss)
			}
		}
	})
}

func TestCrossEntropyAgreesWithPyTorch(t *testing.T) {
	var golden struct {
		N, C  int
		Cases []struct {
			Logits, Target, Grad []float32
			Smoothing, Loss      float32
		}
	}
	readGolden(t, "softmax.json", &golden)
	onFamilies(t, func(t *testing.T) {
		p := testPool(t, 1)
		const scale = 0.25
		for i, c := range golden.Cases {
			probs, dx := make([]float32, len(c.Logits)), make([]float32, len(c.Logits))
			loss := CrossEntropy(p, golden.N, golden.C, c.Logits, c.Target, c.Smoothing, probs)
			if math.Abs(float64(loss-c.Loss)) > 1e-6*float64(c.Loss) {
				t.Errorf("case %d: loss %v, want %v", i, loss, c.Loss)
			}
			CrossEntropyGrad(p, golden.N, golden.C, probs, c.Target, c.Smoothing, scale, dx)
			want := make([]float64, len(dx))
			for k, g := range c.Grad {
				want[k] = scale * float64(g)
			}
			if e := relErr(dx, want); !(e < 1e-6) {
				t.Errorf("case %d: gradient has relative error %.2g", i, e)
			}
		}
	})
}
