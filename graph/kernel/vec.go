package kernel

import (
	"fmt"
	"sync"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
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
	s          [simd.MaxScalars]float32
	k          [3]uint32

	kernel   vecKernel // or one of the processor's loops:
	loop     simd.Elementwise
	numbered simd.Numbered
	first    int // number of the first element
	n        int
	clear    []float32 // zeroed before the kernel runs, nil for none
}

// Task does the task's chunk.
func (t *vecTask) Task(task, _ int) {
	from := task * vecChunk
	n := min(vecChunk, t.n-from)
	if t.clear != nil {
		clear(t.clear[from : from+n])
	}
	switch {
	case t.loop != nil:
		t.loop(start(t.a, from), start(t.b, from), start(t.c, from), start(t.d, from), &t.s[0], n)
	case t.numbered != nil:
		t.numbered(start(t.a, from), start(t.b, from), &t.s[0], &t.k[0], t.first+from, n)
	default:
		t.kernel(t, from, n)
	}
}

// start returns where element from lies, nil for an operand that the kernel has not.
func start(x []float32, from int) *float32 {
	if x == nil {
		return nil
	}
	return &x[from]
}

var vecTasks = sync.Pool{New: func() any { return new(vecTask) }}

// run does all of the task's n elements and gives the task back.
func (t *vecTask) run(p *Pool, kernel vecKernel, n int) {
	t.kernel, t.n = kernel, n
	runTasks(p, (n+vecChunk-1)/vecChunk, n, t)
	*t = vecTask{}
	vecTasks.Put(t)
}

// runLoop is run for a loop of the processor's.
func (t *vecTask) runLoop(p *Pool, loop simd.Elementwise, n int) {
	t.loop = loop
	t.run(p, nil, n)
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

// Add sets y to a + b. Any of the three may be the same slice.
func Add(p *Pool, a, b, y []float32) {
	sameLen("Add", len(a), len(b), len(y))
	t := vecTasks.Get().(*vecTask)
	t.a, t.b, t.c = a, b, y
	t.runLoop(p, simd.Loops().Add, len(a))
}

// AddReLU sets y to max(a+b, 0). NaN stays NaN. Any of the three may be the same slice.
func AddReLU(p *Pool, a, b, y []float32) {
	sameLen("AddReLU", len(a), len(b), len(y))
	t := vecTasks.Get().(*vecTask)
	t.a, t.b, t.c = a, b, y
	t.runLoop(p, simd.Loops().AddReLU, len(a))
}

// Scale sets y to alpha·x. x and y may be the same slice.
func Scale(p *Pool, alpha float32, x, y []float32) {
	sameLen("Scale", len(x), len(y))
	t := vecTasks.Get().(*vecTask)
	t.a, t.b, t.s[0] = x, y, alpha
	t.runLoop(p, simd.Loops().Scale, len(x))
}

// Axpy adds alpha·x to y.
func Axpy(p *Pool, alpha float32, x, y []float32) {
	sameLen("Axpy", len(x), len(y))
	t := vecTasks.Get().(*vecTask)
	t.a, t.b, t.s[0] = x, y, alpha
	t.runLoop(p, simd.Loops().Axpy, len(x))
}

// Fill sets every element of y to value.
func Fill(p *Pool, value float32, y []float32) {
	t := vecTasks.Get().(*vecTask)
	t.a, t.s[0] = y, value
	t.runLoop(p, simd.Loops().Fill, len(y))
}
