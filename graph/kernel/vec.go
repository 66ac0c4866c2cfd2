package kernel

import (
	"fmt"
	"sync"
)

// The elementwise kernels work on chunks of this many floats: small enough that a chunk of every
// operand stays in the second-level cache, large enough that taking a task costs nothing beside it.
// The split depends on the length alone, which is what keeps reductions the same for any number of
// threads.
const vecChunk = 16 << 10

// Work on fewer floats than this runs on the caller's thread: waking the others would take longer.
const vecWake = 4 * vecChunk

// A vecKernel does elements from..from+n of a task.
type vecKernel func(t *vecTask, from, n int)

// A vecTask is an elementwise kernel at work, on up to four operands and nine scalars. Which of them
// is which is the kernel's business.
type vecTask struct {
	a, b, c, d []float32
	s          [9]float32
	k          [3]uint32

	kernel vecKernel
	n      int
	clear  []float32 // zeroed before the kernel runs, nil for none
}

// Task does the task's chunk.
func (t *vecTask) Task(task, _ int) {
	from := task * vecChunk
	n := min(vecChunk, t.n-from)
	if t.clear != nil {
		clear(t.clear[from : from+n])
	}
	t.kernel(t, from, n)
}

var vecTasks = sync.Pool{New: func() any { return new(vecTask) }}

// run does all of the task's n elements and gives the task back.
func (t *vecTask) run(p *Pool, kernel vecKernel, n int) {
	t.kernel, t.n = kernel, n
	runTasks(p, (n+vecChunk-1)/vecChunk, n, t)
	*t = vecTask{}
	vecTasks.Put(t)
}

// runTasks runs tasks that touch so many floats in all, on the caller's thread if they are few.
func runTasks(p *Pool, tasks, floats int, work Tasker) {
	if floats >= vecWake {
		p.Run(tasks, work)
		return
	}
	for i := range tasks {
		work.Task(i, 0)
	}
}

// sameLen panics unless every operand of the operation has the length of the first.
func sameLen(op string, want int, got ...int) {
	for i, n := range got {
		if n != want {
			panic(fmt.Sprintf("kernel: %s: operand %d has %d floats, the first has %d", op, i+2, n, want))
		}
	}
}

// ReLU sets y to max(x, 0). NaN stays NaN. x and y may be the same slice.
func ReLU(p *Pool, x, y []float32) {
	sameLen("ReLU", len(x), len(y))
	t := vecTasks.Get().(*vecTask)
	t.a, t.b = x, y
	t.run(p, vectors().relu, len(x))
}

// ReLUGrad sets dx to dy where the result y of ReLU is positive (or NaN) and to 0 elsewhere. dx may
// be y or dy.
func ReLUGrad(p *Pool, y, dy, dx []float32) {
	sameLen("ReLUGrad", len(y), len(dy), len(dx))
	t := vecTasks.Get().(*vecTask)
	t.a, t.b, t.c = y, dy, dx
	t.run(p, vectors().reluGrad, len(y))
}

// Add sets y to a + b. Any of the three may be the same slice.
func Add(p *Pool, a, b, y []float32) {
	sameLen("Add", len(a), len(b), len(y))
	t := vecTasks.Get().(*vecTask)
	t.a, t.b, t.c = a, b, y
	t.run(p, vectors().add, len(a))
}

// AddReLU sets y to max(a+b, 0). NaN stays NaN. Any of the three may be the same slice.
func AddReLU(p *Pool, a, b, y []float32) {
	sameLen("AddReLU", len(a), len(b), len(y))
	t := vecTasks.Get().(*vecTask)
	t.a, t.b, t.c = a, b, y
	t.run(p, vectors().addReLU, len(a))
}

// Scale sets y to alpha·x. x and y may be the same slice.
func Scale(p *Pool, alpha float32, x, y []float32) {
	sameLen("Scale", len(x), len(y))
	t := vecTasks.Get().(*vecTask)
	t.a, t.b, t.s[0] = x, y, alpha
	t.run(p, vectors().scale, len(x))
}

// Axpy adds alpha·x to y.
func Axpy(p *Pool, alpha float32, x, y []float32) {
	sameLen("Axpy", len(x), len(y))
	t := vecTasks.Get().(*vecTask)
	t.a, t.b, t.s[0] = x, y, alpha
	t.run(p, vectors().axpy, len(x))
}

// Fill sets every element of y to value.
func Fill(p *Pool, value float32, y []float32) {
	t := vecTasks.Get().(*vecTask)
	t.a, t.s[0] = y, value
	t.run(p, vectors().fill, len(y))
}

// Tanh sets y to amp·tanh(slope·x); LeCun's squashing function has amp 1.7159 and slope 2/3. The
// error of tanh is below 2 units in the last place. x and y may be the same slice.
func Tanh(p *Pool, amp, slope float32, x, y []float32) {
	sameLen("Tanh", len(x), len(y))
	t := vecTasks.Get().(*vecTask)
	t.a, t.b, t.s[0], t.s[1] = x, y, amp, slope
	t.run(p, vectors().tanh, len(x))
}

// TanhGrad sets dx to dy times the derivative of Tanh, slope·(amp − y²/amp), from its result y. amp
// is not 0. dx may be y or dy.
func TanhGrad(p *Pool, amp, slope float32, y, dy, dx []float32) {
	sameLen("TanhGrad", len(y), len(dy), len(dx))
	t := vecTasks.Get().(*vecTask)
	t.a, t.b, t.c, t.s[0], t.s[1] = y, dy, dx, amp*slope, slope/amp
	t.run(p, vectors().tanhGrad, len(y))
}
