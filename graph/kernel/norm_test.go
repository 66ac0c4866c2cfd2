package kernel

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// Shapes that are cut in every way: into one chunk, into several, with several pieces to a plane.
var normShapes = []mapShape{{2, 6, 5, 7}, {4, 17, 41, 40}, {3, 35, 17, 19}, {5, 130, 3, 2}, {2, 520, 3, 3}, {1, 16, 1, 1}, {7, 48, 1, 1}, {1, 33, 70, 61}}

type normReference struct {
	y, dx, mean, variance, invstd, dgamma, dbeta []float64
}

// newNormReference normalises x by straight loops. Channels of one value only have no gradient.
func newNormReference(s mapShape, x, dy []float64, gamma, beta []float32, eps float32, relu bool) *normReference {
	r := &normReference{y: make([]float64, s.len()), dx: make([]float64, s.len())}
	m := float64(s.n * s.h * s.w)
	each := func(c int, visit func(i int)) {
		for n := range s.n {
			for i := range s.h * s.w {
				visit((n*s.c+c)*s.h*s.w + i)
			}
		}
	}
	for c := range s.c {
		g, b := 1.0, 0.0
		if gamma != nil {
			g = float64(gamma[c])
		}
		if beta != nil {
			b = float64(beta[c])
		}
		var mean, m2, dgamma, dbeta float64
		each(c, func(i int) { mean += x[i] / m })
		each(c, func(i int) { m2 += (x[i] - mean) * (x[i] - mean) })
		inv := 1 / math.Sqrt(m2/m+float64(eps))
		passed := func(i int) float64 {
			if relu && !(r.y[i] > 0) {
				return 0
			}
			return dy[i]
		}
		each(c, func(i int) {
			r.y[i] = (x[i]-mean)*inv*g + b
			dgamma += passed(i) * (x[i] - mean) * inv
			dbeta += passed(i)
		})
		each(c, func(i int) {
			r.dx[i] = g * inv * (passed(i) - dbeta/m - (x[i]-mean)*inv*dgamma/m)
			if relu {
				r.y[i] = max(r.y[i], 0)
			}
		})
		r.mean, r.variance, r.invstd = append(r.mean, mean), append(r.variance, m2/max(1, m-1)), append(r.invstd, inv)
		r.dgamma, r.dbeta = append(r.dgamma, dgamma), append(r.dbeta, dbeta)
	}
	return r
}

func TestBatchNormAgreesWithStraightLoops(t *testing.T) {
	const eps = 1e-5
	for _, s := range normShapes {
		for _, relu := range []bool{false, true} {
			for _, plainly := range []bool{false, true} {
				t.Run(fmt.Sprintf("%v, relu %t, without gamma and beta %t", s, relu, plainly), func(t *testing.T) {
					x, dy := mapRandom(1, s.len(), 0.5), mapRandom(2, s.len(), 0.1)
					gamma, beta := narrow(mapRandom(3, s.c, 1)), narrow(mapRandom(4, s.c, 0))
					if plainly {
						gamma, beta = nil, nil
					}
					want := newNormReference(s, x, dy, gamma, beta, eps, relu)
					onEveryMapFamily(t, func(t *testing.T, p *Pool) []float32 {
						in, y, dx := mapOf(s, x), mapBuffer(s), mapBuffer(s)
						v := func() []float32 { return make([]float32, s.c) }
						mean, variance, invstd, dgamma, dbeta := v(), v(), v(), v(), v()
						BatchNorm(p, in, gamma, beta, eps, nil, y, mean, variance, invstd, reluIf(relu))
						wantNear(t, "y", plainOf(t, y), want.y, 1e-6)
						wantNear(t, "mean", widen(mean), want.mean, 1e-6)
						wantNear(t, "variance", widen(variance), want.variance, 1e-6)
						wantNear(t, "invstd", widen(invstd), want.invstd, 1e-6)
						BatchNormGrad(p, in, mapOf(s, dy), gamma, beta, mean, invstd, dx, dgamma, dbeta, reluIf(relu))
						if s.n*s.h*s.w > 1 {
							wantNear(t, "dx", plainOf(t, dx), want.dx, 1e-5)
							wantNear(t, "dgamma", widen(dgamma), want.dgamma, 1e-5)
						}
						wantNear(t, "dbeta", widen(dbeta), want.dbeta, 1e-6)

						// In place: y over x, dx over dy.
						over, overDx := mapOf(s, x), mapOf(s, dy)
						BatchNormGrad(p, over, overDx, gamma, beta, mean, invstd, overDx, dgamma, dbeta, reluIf(relu))
						BatchNorm(p, over, gamma, beta, eps, nil, over, mean, variance, invstd, reluIf(relu))
						wantSame(t, "y in place", plainOf(t, over), plainOf(t, y))
						wantSame(t, "dx in place", plainOf(t, overDx), plainOf(t, dx))
						out := append(y.Data, dx.Data...)
						for _, v := range [][]float32{mean, variance, invstd, dgamma, dbeta} {
							out = append(out, v...)
						}
						return out
					})
				})
			}
		}
	}
}

func TestBatchNormAddsAResidual(t *testing.T) {
	const eps = 1e-5
	for _, s := range normShapes {
		for _, relu := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v, relu %t", s, relu), func(t *testing.T) {
				x, r := mapRandom(1, s.len(), 0.5), mapRandom(2, s.len(), 0.1)
				gamma, beta := narrow(mapRandom(3, s.c, 1)), narrow(mapRandom(4, s.c, 0))
				want := newNormReference(s, x, x, gamma, beta, eps, false).y
				for i := range want {
					if want[i] += r[i]; relu {
						want[i] = max(0, want[i])
					}
				}
				onEveryMapFamily(t, func(t *testing.T, p *Pool) []float32 {
					y, residual := mapBuffer(s), mapOf(s, r)
					mean, variance, invstd := make([]float32, s.c), make([]float32, s.c), make([]float32, s.c)
					BatchNorm(p, mapOf(s, x), gamma, beta, eps, &residual, y, mean, variance, invstd, reluIf(relu))
					wantNear(t, "y", plainOf(t, y), want, 1e-6)
					BatchNorm(p, mapOf(s, x), gamma, beta, eps, &residual, residual, mean, variance, invstd, reluIf(relu))
					wantSame(t, "y over the residual", plainOf(t, residual), plainOf(t, y))
					return y.Data
				})
			})
		}
	}
}

// A mean a thousand times the deviation leaves 13 bits of float32 for the deviation; all the kernel may
// lose beyond that is the rounding of the mean.
func TestBatchNormOfValuesFarFromZero(t *testing.T) {
	contents := map[string]func(i int, v float64) float64{
		"far from zero":                             func(_ int, v float64) float64 { return v + 1000 },
		"far from zero but for the first":           func(i int, v float64) float64 { return float64(float32(v + 1000*float64(min(i, 1)))) },
		"far from zero, with steps between images":  func(i int, v float64) float64 { return float64(float32(v + 1000 + float64(i/(17*41*40)))) },
		"far from zero with a deviation of a tenth": func(_ int, v float64) float64 { return float64(float32(100 + v/10)) },
	}
	s := mapShape{3, 17, 41, 40}
	for name, of := range contents {
		t.Run(name, func(t *testing.T) {
			x := mapRandom(1, s.len(), 0)
			for i, v := range x {
				x[i] = float64(float32(of(i, v)))
			}
			want := newNormReference(s, x, x, nil, nil, 1e-5, false)
			onEveryMapFamily(t, func(t *testing.T, p *Pool) []float32 {
				y := mapBuffer(s)
				mean, variance, invstd := make([]float32, s.c), make([]float32, s.c), make([]float32, s.c)
				BatchNorm(p, mapOf(s, x), nil, nil, 1e-5, nil, y, mean, variance, invstd, Activation{})
				wantNear(t, "mean", widen(mean), want.mean, 1e-7)
				wantNear(t, "variance", widen(variance), want.variance, 1e-6)
				wantNear(t, "y", plainOf(t, y), want.y, 1e-4)
				return y.Data
			})
		})
	}
}

func TestChannelAffineAgreesWithStraightLoops(t *testing.T) {
	for _, s := range normShapes {
		for _, relu := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v, relu %t", s, relu), func(t *testing.T) {
				x, scale, shift := mapRandom(1, s.len(), 0.5), mapRandom(3, s.c, 1), mapRandom(4, s.c, 0)
				y := make([]float64, s.len())
				for i, v := range x {
					c := i / (s.h * s.w) % s.c
					if y[i] = v*scale[c] + shift[c]; relu {
						y[i] = max(0, y[i])
					}
				}
				onEveryMapFamily(t, func(t *testing.T, p *Pool) []float32 {
					got, over := mapBuffer(s), mapOf(s, x)
					ChannelAffine(p, mapOf(s, x), narrow(scale), narrow(shift), got, reluIf(relu))
					wantNear(t, "y", plainOf(t, got), y, 1e-6)
					ChannelAffine(p, over, narrow(scale), narrow(shift), over, reluIf(relu))
					wantSame(t, "y in place", plainOf(t, over), plainOf(t, got))
					return got.Data
				})
			})
		}
	}
}

func TestChannelAffineLetsNaNThrough(t *testing.T) {
	onEveryMapFamily(t, func(t *testing.T, p *Pool) []float32 {
		s := mapShape{1, 2, 1, 3}
		y := mapBuffer(s)
		ChannelAffine(p, mapOf(s, []float64{math.NaN(), -1, 2, math.Inf(-1), math.Inf(1), math.NaN()}), nil, nil, y, reluIf(true))
		wantSame(t, "y", plainOf(t, y), []float64{math.NaN(), 0, 2, 0, math.Inf(1), math.NaN()})
		return nil
	})
}

func TestChannelSumsAgreeWithStraightLoops(t *testing.T) {
	for _, s := range normShapes {
		t.Run(s.String(), func(t *testing.T) {
			x, want := mapRandom(1, s.len(), 0.1), make([]float64, s.c)
			for i, v := range x {
				want[i/(s.h*s.w)%s.c] += v
			}
			onEveryMapFamily(t, func(t *testing.T, p *Pool) []float32 {
				got := make([]float32, s.c)
				ChannelSums(p, mapOf(s, x), got)
				wantNear(t, "sum", widen(got), want, 1e-6)
				return got
			})
		})
	}
}

func TestNormAllocatesNothing(t *testing.T) {
	for _, s := range []mapShape{{2, 35, 19, 23}, {2, 520, 3, 3}} {
		x, y, v := mapBuffer(s), mapBuffer(s), make([]float32, s.c)
		wantNoAllocation(t, func(p *Pool) {
			BatchNorm(p, x, v, v, 1e-5, nil, y, v, v, v, reluIf(true))
			BatchNorm(p, x, v, v, 1e-5, &y, y, v, v, v, reluIf(true))
			BatchNormGrad(p, x, y, v, v, v, v, y, v, v, reluIf(true))
			ChannelAffine(p, x, v, v, y, reluIf(true))
			ChannelSums(p, x, v)
		})
	}
}

func TestBatchNormRefusesSlicesThatDoNotFit(t *testing.T) {
	defer func() {
		if message := fmt.Sprint(recover()); !strings.Contains(message, "gamma has 15 elements, must have 16") {
			t.Errorf("panic says %q", message)
		}
	}()
	p := NewPool(1)
	defer p.Close()
	a, v := mapBuffer(mapShape{1, 16, 2, 2}), make([]float32, 16)
	BatchNorm(p, a, v[1:], v, 1e-5, nil, a, v, v, v, Activation{})
}

func BenchmarkNorm(b *testing.B) {
	for _, s := range []mapShape{{16, 96, 112, 112}, {8, 64, 112, 112}, {8, 256, 14, 14}, {8, 2048, 7, 7}} {
		x, dy, y := mapOf(s, mapRandom(1, s.len(), 0)), mapOf(s, mapRandom(2, s.len(), 0)), mapBuffer(s)
		one := func() []float32 { return narrow(mapRandom(2, s.c, 1)) }
		gamma, beta, mean, variance, invstd, dgamma, dbeta := one(), one(), one(), one(), one(), one(), one()
		bytes := float64(4 * BlockedLen(s.n, s.c, s.h, s.w))
		benchmarkMap(b, s.String()+"/forward", 3*bytes, func(p *Pool) { BatchNorm(p, x, gamma, beta, 1e-5, nil, y, mean, variance, invstd, reluIf(true)) })
		benchmarkMap(b, s.String()+"/gradient", 5*bytes, func(p *Pool) { BatchNormGrad(p, x, dy, gamma, beta, mean, invstd, y, dgamma, dbeta, reluIf(true)) })
		benchmarkMap(b, s.String()+"/affine", 2*bytes, func(p *Pool) { ChannelAffine(p, x, gamma, beta, y, reluIf(true)) })
		benchmarkMap(b, s.String()+"/sums", bytes, func(p *Pool) { ChannelSums(p, x, mean) })
	}
}

// reluIf is ReLU or the identity.
func reluIf(relu bool) Activation {
	if relu {
		return Activation{Kind: ReLUKind}
	}
	return Activation{}
}

func TestNormTakesAnyActivation(t *testing.T) {
	s := mapShape{2, 21, 9, 7}
	x := mapRandom(5, s.len(), 0.3)
	gamma, beta := narrow(mapRandom(6, s.c, 1)), narrow(mapRandom(7, s.c, 0))
	for _, act := range []Activation{{Kind: SigmoidKind}, {Kind: ReLU6Kind}, {Kind: HardSwishKind}} {
		t.Run(act.String(), func(t *testing.T) {
			onEveryMapFamily(t, func(t *testing.T, p *Pool) []float32 {
				plain, want, got := mapBuffer(s), mapBuffer(s), mapBuffer(s)
				ChannelAffine(p, mapOf(s, x), gamma, beta, plain, Activation{})
				flat := narrow(plainOf(t, plain))
				Activate(p, act, flat, flat)
				ChannelAffine(p, mapOf(s, x), gamma, beta, got, act)
				wantNear(t, "affine", plainOf(t, got), widen(flat), 1e-6)
				mean, variance, invstd := make([]float32, s.c), make([]float32, s.c), make([]float32, s.c)
				residual := mapOf(s, mapRandom(8, s.len(), 0))
				BatchNorm(p, mapOf(s, x), gamma, beta, 1e-5, &residual, plain, mean, variance, invstd, Activation{})
				flat = narrow(plainOf(t, plain))
				Activate(p, act, flat, flat)
				BatchNorm(p, mapOf(s, x), gamma, beta, 1e-5, &residual, want, mean, variance, invstd, act)
				wantNear(t, "batch norm", plainOf(t, want), widen(flat), 1e-6)

				// The gradient, and that of the two in turn.
				BatchNorm(p, mapOf(s, x), gamma, beta, 1e-5, nil, plain, mean, variance, invstd, Activation{})
				kept := plain.Data
				if act.GradFromResult() {
					BatchNorm(p, mapOf(s, x), gamma, beta, 1e-5, nil, want, mean, variance, invstd, act)
					kept = want.Data
				}
				dy, dz := mapOf(s, mapRandom(9, s.len(), 0)), mapOf(s, mapRandom(9, s.len(), 0))
				ActivateGrad(p, act, kept, dz.Data, dz.Data)
				dx, dgamma, dbeta := mapBuffer(s), make([]float32, s.c), make([]float32, s.c)
				wantDx, wantDgamma, wantDbeta := mapBuffer(s), make([]float32, s.c), make([]float32, s.c)
				BatchNormGrad(p, mapOf(s, x), dz, gamma, beta, mean, invstd, wantDx, wantDgamma, wantDbeta, Activation{})
				BatchNormGrad(p, mapOf(s, x), dy, gamma, beta, mean, invstd, dx, dgamma, dbeta, act)
				wantNear(t, "dx", plainOf(t, dx), plainOf(t, wantDx), 1e-6)
				wantNear(t, "dgamma", widen(dgamma), widen(wantDgamma), 1e-6)
				wantNear(t, "dbeta", widen(dbeta), widen(wantDbeta), 1e-6)
				return append(append(want.Data, dx.Data...), dgamma...)
			})
		})
	}
}
