package kernel

import (
	"fmt"
	"sync"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

// A rowTask is a softmax kernel at work on n rows of c numbers, a fixed number of rows a task.
type rowTask struct {
	kernel           func(t *rowTask, row int) float64 // returns the row's part of the loss
	x, y, d          []float32
	n, c, rows       int
	smoothing, scale float64
	loops            *simd.Table
	partial          []float64
}

var rowTasks = sync.Pool{New: func() any { return new(rowTask) }}

// Task does the task's rows.
func (t *rowTask) Task(task, _ int) {
	var sum float64
	for row := task * t.rows; row < min((task+1)*t.rows, t.n); row++ {
		sum += t.kernel(t, row)
	}
	t.partial[task] = sum
}

// run does all rows, returns the sum of the kernel's results, taken in order, and gives the task back.
func (t *rowTask) run(p *Pool, kernel func(t *rowTask, row int) float64, n, c int) float64 {
	t.kernel, t.n, t.c, t.loops = kernel, n, c, simd.Loops()
	t.rows = max(1, vecChunk/4/c) // an exponential costs several times what an addition does
	tasks := (n + t.rows - 1) / t.rows
	t.partial = grow(t.partial, tasks)
	runTasks(p, tasks, 4*n*c, t)
	var sum float64
	for _, s := range t.partial {
		sum += s
	}
	*t = rowTask{partial: t.partial}
	rowTasks.Put(t)
	return sum
}

// checkRows panics unless every operand holds n rows of c ≥ 1 numbers.
func checkRows(op string, n, c int, got ...int) {
	if n < 0 || c < 1 {
		panic(fmt.Sprintf("kernel: %s: %d rows of %d classes", op, n, c))
	}
	for i, l := range got {
		if l != n*c {
			panic(fmt.Sprintf("kernel: %s: operand %d has %d floats, want %d rows of %d", op, i+1, l, n, c))
		}
	}
}

// Softmax sets each of the n rows of y to the softmax of that row of x, both n×c. x and y may be the
// same slice.
func Softmax(p *Pool, n, c int, x, y []float32) {
	checkRows("Softmax", n, c, len(x), len(y))
	t := rowTasks.Get().(*rowTask)
	t.x, t.y = x, y
	t.run(p, softmaxRow, n, c)
}

func softmaxRow(t *rowTask, row int) float64 {
	t.softmax(row)
	return 0
}

// softmax does one row of y and returns the maximum of the row of x and Σexp(x−maximum).
func (t *rowTask) softmax(row int) (top, sum float32) {
	x, y := t.x[row*t.c:(row+1)*t.c], t.y[row*t.c:(row+1)*t.c]
	top = t.loops.RowMax(&x[0], t.c)
	sum = t.loops.RowExp(&x[0], &y[0], t.c, top)
	t.loops.MulTo(&y[0], t.c, 1/sum)
	return top, sum
}

// SoftmaxGrad sets dx to the gradient of Softmax, y·(dy − Σ y·dy) row by row, from its result y. All
// are n×c; dx may be y or dy.
func SoftmaxGrad(p *Pool, n, c int, y, dy, dx []float32) {
	checkRows("SoftmaxGrad", n, c, len(y), len(dy), len(dx))
	t := rowTasks.Get().(*rowTask)
	t.x, t.y, t.d = y, dy, dx
	t.run(p, softmaxGradRow, n, c)
}

func softmaxGradRow(t *rowTask, row int) float64 {
	y, dy, dx := t.x[row*t.c:(row+1)*t.c], t.y[row*t.c:(row+1)*t.c], t.d[row*t.c:(row+1)*t.c]
	var dot float64
	for i, v := range y {
		dot += float64(float64(v) * float64(dy[i]))
	}
	for i, v := range y {
		dx[i] = float32(float64(v) * (float64(dy[i]) - dot)) // in a row near 0 and 1 the two cancel
	}
	return 0
}
