package kernel

import "math"

// LogSoftmax sets each of the n rows of y to the logarithm of the softmax of that row of x, both n×c. x and y
// may be the same slice.
func LogSoftmax(p *Pool, n, c int, x, y []float32) {
	checkRows("LogSoftmax", n, c, len(x), len(y))
	t := rowTasks.Get().(*rowTask)
	t.x, t.y = x, y
	t.run(p, logSoftmaxRow, n, c)
}

func logSoftmaxRow(t *rowTask, row int) float64 {
	x, y := t.x[row*t.c:(row+1)*t.c], t.y[row*t.c:(row+1)*t.c]
	top := float64(t.loops.RowMax(&x[0], t.c))
	var sum float64
	for _, v := range x {
		sum += math.Exp(float64(v) - top)
	}
	log := top + math.Log(sum)
	for i, v := range x {
		y[i] = float32(float64(v) - log)
	}
	return 0
}

// LogSoftmaxGrad sets dx to the gradient of LogSoftmax from its result y and the result's gradient dy. dx may
// be dy.
func LogSoftmaxGrad(p *Pool, n, c int, y, dy, dx []float32) {
	checkRows("LogSoftmaxGrad", n, c, len(y), len(dy), len(dx))
	t := rowTasks.Get().(*rowTask)
	t.x, t.d, t.y = y, dy, dx
	t.run(p, logSoftmaxGradRow, n, c)
}

func logSoftmaxGradRow(t *rowTask, row int) float64 {
	y, dy, dx := t.x[row*t.c:(row+1)*t.c], t.d[row*t.c:(row+1)*t.c], t.y[row*t.c:(row+1)*t.c]
	var sum float64
	for _, d := range dy {
		sum += float64(d)
	}
	for i, d := range dy {
		dx[i] = float32(float64(d) - float64(math.Exp(float64(y[i]))*sum))
	}
	return 0
}
