package kernel

import (
	"slices"
	"testing"
	"unsafe"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

// What is known of a batch beforehand gives the same as measuring it.
func TestNormFromWhatIsKnown(t *testing.T) {
	for _, s := range []mapShape{{2, 6, 5, 7}, {3, 35, 17, 3}} {
		for _, act := range []Activation{{}, {Kind: ReLUKind}, {Kind: ReLU6Kind}, {Kind: SiLUKind}} {
			t.Run(s.String()+", "+act.String(), func(t *testing.T) {
				onEveryMapFamily(t, func(t *testing.T, p *Pool) []float32 {
					one := func() []float32 { return make([]float32, s.c) }
					x, dy := mapOf(s, mapRandom(1, s.len(), 0.5)), mapOf(s, mapRandom(2, s.len(), 0.1))
					gamma, beta := narrow(mapRandom(3, s.c, 1)), narrow(mapRandom(4, s.c, 0))
					mean, variance, invstd, dgamma, dbeta := one(), one(), one(), one(), one()
					mean2, variance2, invstd2, dgamma2, dbeta2 := one(), one(), one(), one(), one()
					y, y2, dx := mapBuffer(s), mapBuffer(s), mapBuffer(s)
					residual := mapOf(s, mapRandom(5, s.len(), 0))

					moments := make([]Moments, Blocks(s.c))
					for i := range moments {
						for n := range s.n {
							var d, q, zero [Block]float32
							plane := x.Plane(n*len(moments) + i)
							simd.SumMoments(plane, &zero, &d, &q)
							moments[i].Add(len(plane)/Block, &zero, &d, &q)
						}
					}
					BatchNorm(p, x, gamma, beta, 1e-5, &residual, y, mean, variance, invstd, act)
					BatchNormMeasured(p, x, moments, gamma, beta, 1e-5, &residual, y2, mean2, variance2, invstd2, act)
					wantNear(t, "y", plainOf(t, y2), plainOf(t, y), 1e-5)
					wantNear(t, "mean", widen(mean2), widen(mean), 1e-5)
					wantNear(t, "variance", widen(variance2), widen(variance), 1e-5)
					wantNear(t, "invstd", widen(invstd2), widen(invstd), 1e-5)

					var norm Normed
					NormedInput(&norm, x, gamma, beta, mean, invstd, act)
					behind, dx2 := mapOf(s, mapRandom(2, s.len(), 0.1)), mapBuffer(s)
					sums := make([]GradSums, Blocks(s.c))
					clip, clipped := act.Clip()
					for i := range sums {
						for n := range s.n {
							var d, q [Block]float32
							in, g := x.Plane(n*len(sums)+i), behind.Plane(n*len(sums)+i)
							if !clipped {
								simd.GradBehind(act, in, g, g, &norm.Affines[i])
							}
							simd.SumGrads(in, g, &norm.Affines[i], clip, &d, &q)
							sums[i].Add(&d, &q)
						}
					}
					BatchNormGrad(p, x, dy, gamma, beta, mean, invstd, dx, dgamma, dbeta, act)
					BatchNormGradSummed(p, x, behind, sums, gamma, beta, mean, invstd, dx2, dgamma2, dbeta2, act)
					wantNear(t, "dx", plainOf(t, dx2), plainOf(t, dx), 1e-5)
					wantNear(t, "dgamma", widen(dgamma2), widen(dgamma), 1e-5)
					wantNear(t, "dbeta", widen(dbeta2), widen(dbeta), 1e-5)
					return slices.Concat(y2.Data, dx2.Data, mean2, dgamma2)
				})
			})
		}
	}
}

// Large results go to memory past the caches, and are the same to the bit.
func TestNormOfLargeBatches(t *testing.T) {
	large := StreamFrom(0)
	defer StreamFrom(large)
	s := mapShape{2, 35, 17, 19}
	for _, act := range []Activation{{Kind: ReLU6Kind}, {Kind: SigmoidKind}} {
		onEveryMapFamily(t, func(t *testing.T, p *Pool) []float32 {
			one := func() []float32 { return make([]float32, s.c) }
			x, residual, y := mapOf(s, mapRandom(1, s.len(), 0.5)), mapOf(s, mapRandom(2, s.len(), 0.1)), mapBuffer(s)
			room := make([]float32, len(y.Data)+Block)
			skip := int(-(uintptr(unsafe.Pointer(&room[0])) / 4) % Block)
			onLines := y
			onLines.Data = room[skip:][:len(y.Data)]
			copy(onLines.Data, y.Data) // what lies between images
			for _, added := range []*Act{nil, &residual} {
				StreamFrom(large)
				BatchNorm(p, x, nil, nil, 1e-5, added, y, one(), one(), one(), act)
				StreamFrom(0)
				BatchNorm(p, x, nil, nil, 1e-5, added, onLines, one(), one(), one(), act)
				wantSame(t, "y", plainOf(t, onLines), plainOf(t, y))
			}
			return onLines.Data
		})
	}
}
