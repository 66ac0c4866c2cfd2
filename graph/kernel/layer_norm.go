package kernel

import (
	"math"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

// layerPixels is the number of pixels of a task: their channels, which lie blocks apart, are walked over
// a few times.
const layerPixels = 32

type layerNorm struct {
	x, dy, y                  Act // y is dx in the gradient
	gamma, beta, mean, invstd []float32
	eps                       float64
	dgamma, dbeta             []float32
	partial                   []float32 // of dgamma and dbeta, by task
	runs                      int       // of pixels of an image
}

var layerNorms kept[layerNorm]

// LayerNorm normalises each pixel over its channels (Ba et al., arXiv:1607.06450, as ConvNeXt has it,
// arXiv:2201.03545):
//
//	y = (x − mean)·invstd·gamma + beta, invstd = 1/√(variance over the C channels + eps)
//
// gamma and beta have C elements. mean and invstd, of N·H·W, are left for [LayerNormGrad]. y may be x.
func LayerNorm(p *Pool, x Act, gamma, beta []float32, eps float32, y Act, mean, invstd []float32) {
	const op = "LayerNorm"
	wantAct(op, "x", &x, x.N, x.C, x.H, x.W)
	wantAct(op, "y", &y, x.N, x.C, x.H, x.W)
	wantLen(op, "gamma", len(gamma), x.C)
	wantLen(op, "beta", len(beta), x.C)
	wantLen(op, "mean", len(mean), x.N*x.H*x.W)
	wantLen(op, "invstd", len(invstd), x.N*x.H*x.W)
	t := layerNorm{x: x, y: y, gamma: gamma, beta: beta, eps: float64(eps), mean: mean, invstd: invstd, runs: ceil(x.H*x.W, layerPixels)}
	runKept(p, &layerNorms, x.N*t.runs, t)
}

// LayerNormScratch returns how many floats of scratch space [LayerNormGrad] takes.
func LayerNormScratch(n, c, h, w int) int { return n * ceil(h*w, layerPixels) * 2 * Blocks(c) * Block }

// LayerNormGrad writes the gradients of [LayerNorm]: all of dx, and dgamma and dbeta of C elements each. x,
// gamma, mean and invstd are those of the call it is the gradient of. dx may be dy.
func LayerNormGrad(p *Pool, x, dy Act, gamma, mean, invstd []float32, dx Act, dgamma, dbeta, scratch []float32) {
	const op = "LayerNormGrad"
	wantAct(op, "x", &x, x.N, x.C, x.H, x.W)
	wantAct(op, "dy", &dy, x.N, x.C, x.H, x.W)
	wantAct(op, "dx", &dx, x.N, x.C, x.H, x.W)
	wantLen(op, "gamma", len(gamma), x.C)
	wantLen(op, "mean", len(mean), x.N*x.H*x.W)
	wantLen(op, "invstd", len(invstd), x.N*x.H*x.W)
	wantLen(op, "dgamma", len(dgamma), x.C)
	wantLen(op, "dbeta", len(dbeta), x.C)
	t := layerNorm{x: x, dy: dy, y: dx, gamma: gamma, mean: mean, invstd: invstd, runs: ceil(x.H*x.W, layerPixels)}
	t.dgamma, t.dbeta, t.partial = dgamma, dbeta, scratch[:LayerNormScratch(x.N, x.C, x.H, x.W)]
	runKept(p, &layerNorms, x.N*t.runs, t)
	width := Blocks(x.C) * Block
	for c := range dgamma { // in the order of the tasks
		var g, b float64
		for task := range x.N * t.runs {
			g += float64(t.partial[2*task*width+c])
			b += float64(t.partial[(2*task+1)*width+c])
		}
		dgamma[c], dbeta[c] = float32(g), float32(b)
	}
}

func (t *layerNorm) Task(task, _ int) {
	n, from := task/t.runs, task%t.runs*layerPixels
	pixels := min(layerPixels, t.x.H*t.x.W-from)
	first := n*t.x.H*t.x.W + from // of the run's pixels in the batch
	mean, invstd := t.mean[first:first+pixels], t.invstd[first:first+pixels]
	if t.dgamma != nil {
		t.backward(task, n, from, mean, invstd)
		return
	}
	t.forward(n, from, mean, invstd)
}

// run is the run of pixels of a block of an image.
func (t *layerNorm) run(a *Act, n, block, from, pixels int) []float32 {
	return a.Plane(n*Blocks(a.C) + block)[from*Block : (from+pixels)*Block]
}

func (t *layerNorm) forward(n, from int, mean, invstd []float32) {
	blocks, c, pixels := Blocks(t.x.C), t.x.C, len(mean)
	var room [2][layerPixels * Block]float32
	sums, squares := room[0][:pixels*Block], room[1][:pixels*Block]
	for block := range blocks { // lanes beyond the last channel are zeros
		simd.AddTo(t.run(&t.x, n, block, from, pixels), sums)
	}
	simd.SumLanes(sums, mean)
	for p := range mean {
		mean[p] /= float32(c)
	}
	// What the mean lacks shows in the distances from it.
	clear(sums)
	for block := range blocks {
		x := t.run(&t.x, n, block, from, pixels)
		if lanes := c - block*Block; lanes < Block {
			for p := range pixels {
				for j, v := range x[p*Block:][:lanes] {
					d := v - mean[p]
					sums[p*Block+j] += d
					squares[p*Block+j] += float32(d * d)
				}
			}
			continue
		}
		simd.LayerMoments(x, mean, sums, squares)
	}
	var away [layerPixels]float32
	simd.SumLanes(sums, away[:pixels])
	simd.SumLanes(squares, invstd)
	for p, v := range invstd {
		rest := float64(away[p]) / float64(c)
		invstd[p] = float32(1 / math.Sqrt(max(0, float64(v)/float64(c)-float64(rest*rest))+t.eps))
		mean[p] = float32(float64(mean[p]) + rest)
	}
	for block := range blocks {
		gamma, beta := lanesOf(t.gamma, block, c, 1), lanesOf(t.beta, block, c, 0)
		simd.LayerNormalise(t.run(&t.x, n, block, from, pixels), t.run(&t.y, n, block, from, pixels), mean, invstd, &gamma, &beta)
	}
}

// backward: with g = dy·gamma and the normalised x̂, dx = invstd·(g − mean(g) − x̂·mean(g·x̂)).
func (t *layerNorm) backward(task, n, from int, mean, invstd []float32) {
	blocks, c, pixels := Blocks(t.x.C), t.x.C, len(mean)
	width := blocks * Block
	dgamma, dbeta := t.partial[2*task*width:][:width], t.partial[(2*task+1)*width:][:width]
	var room [2][layerPixels * Block]float32
	g, gx := room[0][:pixels*Block], room[1][:pixels*Block]
	for block := range blocks {
		gamma := lanesOf(t.gamma, block, c, 1)
		simd.LayerSums(t.run(&t.x, n, block, from, pixels), t.run(&t.dy, n, block, from, pixels), mean, invstd, &gamma, g, gx,
			(*[Block]float32)(dgamma[block*Block:]), (*[Block]float32)(dbeta[block*Block:]))
	}
	var means [2][layerPixels]float32
	meanG, meanGX := means[0][:pixels], means[1][:pixels]
	simd.SumLanes(g, meanG)
	simd.SumLanes(gx, meanGX)
	for p := range pixels {
		meanG[p] /= float32(c)
		meanGX[p] /= float32(c)
	}
	for block := range blocks {
		gamma := lanesOf(t.gamma, block, c, 1)
		dx := t.run(&t.y, n, block, from, pixels)
		simd.LayerGrad(t.run(&t.x, n, block, from, pixels), t.run(&t.dy, n, block, from, pixels), dx, mean, invstd, &gamma, meanG, meanGX)
		if lanes := c - block*Block; lanes < Block {
			for p := range pixels {
				clear(dx[p*Block+lanes:][:Block-lanes])
			}
		}
	}
}
