package kernel

import (
	"math"
	"slices"
	"testing"
)

func TestLayerNormAgreesWithStraightLoops(t *testing.T) {
	const eps = 1e-3
	for _, c := range modernShapes {
		for _, centre := range []float64{0, 100} { // a mean far from zero must not cost digits
			t.Run(c.String(), func(t *testing.T) {
				x, dy := mapRandom(1, c.len(), centre), mapRandom(2, c.len(), 0)
				gamma, beta := mapRandom(3, c.c, 1), mapRandom(4, c.c, 0)
				y, dx, dgamma, dbeta := make([]float64, c.len()), make([]float64, c.len()), make([]float64, c.c), make([]float64, c.c)
				area := c.h * c.w
				for n := range c.n {
					for p := range area {
						at := func(ch int) int { return (n*c.c+ch)*area + p }
						var mean, variance float64
						for ch := range c.c {
							mean += x[at(ch)] / float64(c.c)
						}
						for ch := range c.c {
							variance += (x[at(ch)] - mean) * (x[at(ch)] - mean) / float64(c.c)
						}
						std := math.Sqrt(variance + eps)
						for ch := range c.c {
							hat := (x[at(ch)] - mean) / std
							y[at(ch)] = hat*gamma[ch] + beta[ch]
							dgamma[ch] += dy[at(ch)] * hat
							dbeta[ch] += dy[at(ch)]
						}
						// The derivative of every output in every input.
						for i := range c.c {
							for j := range c.c {
								d := -1/float64(c.c) - (x[at(i)]-mean)*(x[at(j)]-mean)/(std*std*float64(c.c))
								if i == j {
									d++
								}
								dx[at(j)] += dy[at(i)] * gamma[i] * d / std
							}
						}
					}
				}
				onEveryMapFamily(t, func(t *testing.T, p *Pool) []float32 {
					got, gotDx := mapBuffer(c), mapBuffer(c)
					mean, invstd := make([]float32, c.n*area), make([]float32, c.n*area)
					dg, db := make([]float32, c.c), make([]float32, c.c)
					LayerNorm(p, mapOf(c, x), narrow(gamma), narrow(beta), eps, got, mean, invstd)
					wantNear(t, "y", plainOf(t, got), y, 1e-5)
					scratch := make([]float32, LayerNormScratch(c.n, c.c, c.h, c.w))
					LayerNormGrad(p, mapOf(c, x), mapOf(c, dy), narrow(gamma), mean, invstd, gotDx, dg, db, scratch)
					wantNear(t, "dx", plainOf(t, gotDx), dx, 2e-5)
					wantNear(t, "dgamma", widen(dg), dgamma, 2e-5)
					wantNear(t, "dbeta", widen(db), dbeta, 1e-6)
					inPlace := mapOf(c, dy)
					LayerNormGrad(p, mapOf(c, x), inPlace, narrow(gamma), mean, invstd, inPlace, dg, db, scratch)
					wantSame(t, "dx over dy", plainOf(t, inPlace), plainOf(t, gotDx))
					return slices.Concat(got.Data, gotDx.Data, dg, db)
				})
			})
		}
	}
}

func TestLayerNormAllocatesNothing(t *testing.T) {
	c := mapShape{2, 35, 9, 7}
	x, dy, y := mapBuffer(c), mapBuffer(c), mapBuffer(c)
	mean, invstd, g, b := make([]float32, 126), make([]float32, 126), make([]float32, 35), make([]float32, 35)
	scratch := make([]float32, LayerNormScratch(2, 35, 9, 7))
	wantNoAllocation(t, func(p *Pool) {
		LayerNorm(p, x, g, b, 1e-6, y, mean, invstd)
		LayerNormGrad(p, x, dy, g, mean, invstd, y, g, b, scratch)
	})
}
