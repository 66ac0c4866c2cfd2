//go:build !amd64 || noasm

package kernel

func (s *maxRow) run()    { s.runPortable() }
func (s *sumRow) run()    { s.runPortable() }
func (g *gather) routed() { g.routedPortable() }
func (g *gather) spread() { g.spreadPortable() }

func sumPixels(x []float32, sum *[Block]float32)          { sumPixelsPortable(x, sum) }
func sumMoments(x []float32, shift, d, q *[Block]float32) { sumMomentsPortable(x, shift, d, q) }
func normalise(x, y []float32, a *affine, relu bool)      { normalisePortable(x, y, a, relu) }

func sumGrads(x, dy []float32, a *affine, relu bool, d, q *[Block]float32) {
	sumGradsPortable(x, dy, a, relu, d, q)
}

func normaliseAdd(x, r, y []float32, a *affine, relu bool) {
	normaliseAddPortable(x, r, y, a, relu)
}
func normaliseGrad(x, dy, dx []float32, a *affine, relu bool) {
	normaliseGradPortable(x, dy, dx, a, relu)
}

func lrn5(prev, cur, next []float32, o *LRNParams, y []float32) {
	lrn5Portable(prev, cur, next, o, y)
}

func lrn5Terms(prev, cur, next, dy []float32, o *LRNParams, s, q []float32) {
	lrn5TermsPortable(prev, cur, next, dy, o, s, q)
}

func lrn5Grad(prev, cur, next, x, s []float32, o *LRNParams, dx []float32) {
	lrn5GradPortable(prev, cur, next, x, s, o, dx)
}
