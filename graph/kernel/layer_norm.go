package kernel

import "math"

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
	return planeOf(a, n*Blocks(a.C)+block)[from*Block : (from+pixels)*Block]
}

func (t *layerNorm) forward(n, from int, mean, invstd []float32) {
	blocks, c, pixels := Blocks(t.x.C), t.x.C, len(mean)
	var sums [layerPixels][Block]float32
	for block := range blocks {
		for p, x := 0, t.run(&t.x, n, block, from, pixels); p < pixels; p, x = p+1, x[Block:] {
			for j, v := range (*[Block]float32)(x) {
				sums[p][j] += v // lanes beyond the last channel are zeros
			}
		}
	}
	for p := range mean {
		mean[p] = float32(sumLanes(&sums[p]) / float64(c))
	}
	clear(sums[:])
	for block := range blocks {
		lanes := min(Block, c-block*Block)
		for p, x := 0, t.run(&t.x, n, block, from, pixels); p < pixels; p, x = p+1, x[Block:] {
			for j, v := range x[:lanes] {
				d := v - mean[p]
				sums[p][j] += d * d
			}
		}
	}
	for p := range invstd {
		invstd[p] = float32(1 / math.Sqrt(sumLanes(&sums[p])/float64(c)+t.eps))
	}
	for block := range blocks {
		gamma, beta := lanesOf(t.gamma, block, c, 1), lanesOf(t.beta, block, c, 0)
		x, y := t.run(&t.x, n, block, from, pixels), t.run(&t.y, n, block, from, pixels)
		for p := range pixels {
			a, b := (*[Block]float32)(x[p*Block:]), (*[Block]float32)(y[p*Block:])
			for j, v := range a {
				b[j] = (v-mean[p])*invstd[p]*gamma[j] + beta[j]
			}
		}
	}
}

// backward: with g = dy·gamma and the normalised x̂, dx = invstd·(g − mean(g) − x̂·mean(g·x̂)).
func (t *layerNorm) backward(task, n, from int, mean, invstd []float32) {
	blocks, c, pixels := Blocks(t.x.C), t.x.C, len(mean)
	width := blocks * Block
	dgamma, dbeta := t.partial[2*task*width:][:width], t.partial[(2*task+1)*width:][:width]
	var g, gx [layerPixels][Block]float32
	for block := range blocks {
		gamma := lanesOf(t.gamma, block, c, 1)
		x, dy := t.run(&t.x, n, block, from, pixels), t.run(&t.dy, n, block, from, pixels)
		var dg, db [Block]float32
		for p := range pixels {
			a, d := (*[Block]float32)(x[p*Block:]), (*[Block]float32)(dy[p*Block:])
			for j, v := range a {
				hat := (v - mean[p]) * invstd[p]
				dg[j] += d[j] * hat
				db[j] += d[j]
				g[p][j] += d[j] * gamma[j]
				gx[p][j] += d[j] * gamma[j] * hat
			}
		}
		copy(dgamma[block*Block:], dg[:])
		copy(dbeta[block*Block:], db[:])
	}
	var meanG, meanGX [layerPixels]float32
	for p := range pixels {
		meanG[p], meanGX[p] = float32(sumLanes(&g[p])/float64(c)), float32(sumLanes(&gx[p])/float64(c))
	}
	for block := range blocks {
		gamma, lanes := lanesOf(t.gamma, block, c, 1), min(Block, c-block*Block)
		x, dy, dx := t.run(&t.x, n, block, from, pixels), t.run(&t.dy, n, block, from, pixels), t.run(&t.y, n, block, from, pixels)
		for p := range pixels {
			a, d, out := (*[Block]float32)(x[p*Block:]), (*[Block]float32)(dy[p*Block:]), (*[Block]float32)(dx[p*Block:])
			for j := range lanes {
				hat := (a[j] - mean[p]) * invstd[p]
				out[j] = invstd[p] * (d[j]*gamma[j] - meanG[p] - hat*meanGX[p])
			}
			clear(out[lanes:])
		}
	}
}

func sumLanes(v *[Block]float32) float64 {
	var s float64
	for _, x := range v {
		s += float64(x)
	}
	return s
}
