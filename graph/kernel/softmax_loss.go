package kernel

import (
	"fmt"
	"math"
)

// CrossEntropy returns the mean over the rows that count of −Σ target·ln softmax(logits) and sets
// probs to the softmax. logits and probs are n×c and may be the same slice. target is either the n
// rows' class numbers, where -1 says that a row does not count, or n×c probabilities (c > 1). Label smoothing
// ε replaces a row t of probabilities by (1−ε)·t + ε/c, as PyTorch's cross_entropy does. It is 0 if
// no row counts. It panics on a target that is no class.
func CrossEntropy(p *Pool, n, c int, logits, target []float32, smoothing float32, probs []float32) float32 {
	checkRows("CrossEntropy", n, c, len(logits), len(probs))
	counted := countRows("CrossEntropy", n, c, target)
	t := rowTasks.Get().(*rowTask)
	t.x, t.y, t.d, t.smoothing = logits, probs, target, float64(smoothing)
	kernel := denseLossRow
	if len(target) == n {
		kernel = classLossRow
	}
	sum := t.run(p, kernel, n, c)
	if counted == 0 {
		return 0
	}
	return float32(sum / float64(counted))
}

// countRows returns how many rows count, and panics if target is no valid one.
func countRows(op string, n, c int, target []float32) int {
	if len(target) != n {
		if len(target) != n*c {
			panic(fmt.Sprintf("kernel: %s: target has %d floats, want %d classes or %d×%d probabilities", op, len(target), n, n, c))
		}
		return n
	}
	counted := 0
	for i, v := range target {
		if v == -1 {
			continue
		}
		if !(v >= 0 && v < float32(c)) || v != float32(int(v)) {
			panic(fmt.Sprintf("kernel: %s: target of row %d is %v, want a class below %d or -1", op, i, v, c))
		}
		counted++
	}
	return counted
}

func classLossRow(t *rowTask, row int) float64 {
	x, class := t.x[row*t.c:(row+1)*t.c], int(t.d[row])
	var hit float32
	if class >= 0 {
		hit = x[class] // now: the softmax may overwrite it
	}
	var sum float64
	if t.smoothing != 0 {
		for _, v := range x {
			sum += float64(v)
		}
	}
	top, expSum := t.softmax(row)
	if class < 0 {
		return 0
	}
	logSum := math.Log(float64(expSum))
	loss := float64((1 - t.smoothing) * (logSum - (float64(hit) - float64(top))))
	if t.smoothing != 0 {
		loss += float64(t.smoothing * (logSum - (sum/float64(t.c) - float64(top))))
	}
	return loss
}

func denseLossRow(t *rowTask, row int) float64 {
	x, target := t.x[row*t.c:(row+1)*t.c], t.d[row*t.c:(row+1)*t.c]
	top := t.loops.RowMax(&x[0], t.c)
	var dot, mass float64
	for i, v := range target {
		w := t.smoothed(v)
		dot += float64(w * (float64(x[i]) - float64(top)))
		mass += w
	}
	_, expSum := t.softmax(row)
	return float64(math.Log(float64(expSum))*mass) - dot
}

// smoothed returns the probability v after label smoothing.
func (t *rowTask) smoothed(v float32) float64 {
	return float64((1-t.smoothing)*float64(v)) + t.smoothing/float64(t.c)
}

// CrossEntropyGrad sets dx to scale times the gradient of CrossEntropy with respect to the logits,
// from the probs it returned; rows that do not count get 0. dx may be probs.
func CrossEntropyGrad(p *Pool, n, c int, probs, target []float32, smoothing, scale float32, dx []float32) {
	checkRows("CrossEntropyGrad", n, c, len(probs), len(dx))
	counted := countRows("CrossEntropyGrad", n, c, target)
	t := rowTasks.Get().(*rowTask)
	t.x, t.y, t.d, t.smoothing = probs, dx, target, float64(smoothing)
	t.scale = float64(scale) / float64(max(1, counted))
	kernel := denseGradRow
	if len(target) == n {
		kernel = classGradRow
	}
	t.run(p, kernel, n, c)
}

func classGradRow(t *rowTask, row int) float64 {
	probs, dx, class := t.x[row*t.c:(row+1)*t.c], t.y[row*t.c:(row+1)*t.c], int(t.d[row])
	if class < 0 {
		clear(dx)
		return 0
	}
	scale, rest := float32(t.scale), float32(t.smoothed(0))
	hit := float32(t.scale * (float64(probs[class]) - t.smoothed(1)))
	for i, v := range probs {
		dx[i] = scale * (v - rest)
	}
	dx[class] = hit
	return 0
}

func denseGradRow(t *rowTask, row int) float64 {
	probs, dx, target := t.x[row*t.c:(row+1)*t.c], t.y[row*t.c:(row+1)*t.c], t.d[row*t.c:(row+1)*t.c]
	var mass float64
	for _, v := range target {
		mass += t.smoothed(v)
	}
	for i, v := range probs {
		dx[i] = float32(t.scale * (float64(float64(v)*mass) - t.smoothed(target[i])))
	}
	return 0
}
