package kernel

import (
	"math"
	"sync"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

// A sumTask sums over chunks of x into one partial sum each.
type sumTask struct {
	x, y    []float32
	kernel  func(x *float32, n int) float64
	partial []float64
}

var sumTasks = sync.Pool{New: func() any { return new(sumTask) }}

// Task sums the task's chunk.
func (t *sumTask) Task(task, _ int) {
	from := task * vecChunk
	x := t.x[from:min(from+vecChunk, len(t.x))]
	if t.y == nil {
		t.partial[task] = t.kernel(&x[0], len(x))
		return
	}
	var sum float64
	for i, v := range t.y[from : from+len(x)] {
		d := float64(x[i]) - float64(v)
		sum += float64(d * d)
	}
	t.partial[task] = sum
}

// run returns the sum of the partial sums, taken in order, and gives the task back.
func (t *sumTask) run(p *Pool) float64 {
	tasks := (len(t.x) + vecChunk - 1) / vecChunk
	t.partial = grow(t.partial, tasks)
	runTasks(p, tasks, len(t.x), t)
	var sum float64
	for _, s := range t.partial {
		sum += s
	}
	*t = sumTask{partial: t.partial}
	sumTasks.Put(t)
	return sum
}

// grow returns a slice of n values, which is s if that is large enough.
func grow(s []float64, n int) []float64 {
	if cap(s) < n {
		return make([]float64, n)
	}
	return s[:n]
}

// SumSquares returns Σx², accumulated in float64, so that it neither overflows nor loses small terms.
func SumSquares(p *Pool, x []float32) float64 {
	t := sumTasks.Get().(*sumTask)
	t.x, t.kernel = x, simd.Loops().SumSquares
	return t.run(p)
}

// Finite reports whether x holds neither NaN nor an infinity.
func Finite(p *Pool, x []float32) bool {
	s := SumSquares(p, x) // in float64 no sum of squares of finite float32s overflows
	return !math.IsNaN(s) && !math.IsInf(s, 0)
}

// MSE returns the mean of (x−t)². It is 0 for empty slices.
func MSE(p *Pool, x, t []float32) float32 {
	sameLen("MSE", len(x), len(t))
	if len(x) == 0 {
		return 0
	}
	s := sumTasks.Get().(*sumTask)
	s.x, s.y = x, t
	return float32(s.run(p) / float64(len(x)))
}

// MSEGrad sets dx to scale times the gradient of MSE with respect to x, 2·scale/n·(x−t). dx may be x
// or t.
func MSEGrad(p *Pool, x, t []float32, scale float32, dx []float32) {
	sameLen("MSEGrad", len(x), len(t), len(dx))
	v := vecTasks.Get().(*vecTask)
	v.a, v.b, v.c, v.s[0] = x, t, dx, float32(2*float64(scale)/float64(len(x)))
	v.run(p, mseGrad, len(x))
}

func mseGrad(t *vecTask, from, n int) {
	x, target, dx := t.a[from:from+n], t.b[from:from+n], t.c[from:from+n]
	for i, v := range x {
		dx[i] = t.s[0] * (v - target[i])
	}
}
