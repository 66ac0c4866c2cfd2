package kernel

import (
	"math"
	"time"
	"unsafe"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

// A Roofline is what bounds the kernels on a machine (Williams, Waterman & Patterson, "Roofline: An Insightful
// Visual Performance Model for Multicore Architectures", 2009): none multiplies faster, and none whose operands
// are in no cache moves them faster.
type Roofline struct {
	FLOPS float64 // floating-point operations a second: two for each multiply-add
	Bytes float64 // read and written a second
}

// MeasureRoofline measures both on the pool's threads in some tenths of a second: the micro-kernel with its
// operands in the first-level cache, and the sum of two arrays that no cache holds. The fastest of several
// runs counts.
func MeasureRoofline(p *Pool) Roofline {
	peak := newPeakRun()
	tasks := 4 * p.Threads()
	flops := float64(tasks) * peak.flops() / shortest(p, tasks, peak)
	stream := &streamRun{x: make([]float32, streamTasks*streamChunk), y: make([]float32, streamTasks*streamChunk)}
	Fill(p, 1, stream.x) // memory that was never written is one page of zeros, in the first-level cache
	return Roofline{FLOPS: flops, Bytes: 3 * 4 * float64(len(stream.x)) / shortest(p, streamTasks, stream)}
}

// shortest is the least time of several runs, in seconds.
func shortest(p *Pool, tasks int, work Tasker) float64 {
	least := math.Inf(1)
	for range 12 {
		begun := time.Now()
		p.Run(tasks, work)
		least = min(least, time.Since(begun).Seconds())
	}
	return least
}

// peakK are the steps of k, and peakCalls the calls of the micro-kernel in a task.
const peakK, peakCalls = 256, 256

// A peakRun runs the family's largest tile.
type peakRun struct {
	rows, panels int
	a, b         []float32
}

func newPeakRun() *peakRun {
	r := &peakRun{}
	for panels := 1; panels <= simd.MostPanels(); panels++ {
		if simd.MaxRows(panels)*panels > r.rows*r.panels {
			r.rows, r.panels = simd.MaxRows(panels), panels
		}
	}
	r.a, r.b = make([]float32, r.rows*peakK), make([]float32, r.panels*Block*peakK)
	return r
}

// flops is the number of floating-point operations in a task.
func (r *peakRun) flops() float64 { return 2 * peakCalls * float64(r.rows*r.panels*Block*peakK) }

// Task multiplies the same matrices again and again.
func (r *peakRun) Task(int, int) {
	var c [4 * Block * Block]float32
	half := (r.rows + 1) / 2
	offs := [1][2]int{}
	t := simd.Tile{
		A0: unsafe.Pointer(&r.a[0]), A1: unsafe.Pointer(&r.a[half*peakK]), AMS: 4 * peakK, AKS: 4, // as in the blocked layout
		Offs: &offs[0], NB: 1, KB: peakK,
		B: unsafe.Pointer(&r.b[0]), BKS: uintptr(4 * Block * r.panels), BPS: 4 * Block,
		C0: unsafe.Pointer(&c[0]), C1: unsafe.Pointer(&c[half*Block*r.panels]), CMS: uintptr(4 * Block * r.panels), CPS: 4 * Block,
	}
	for range peakCalls {
		t.Run(r.rows, r.panels)
	}
}

// streamTasks arrays of streamChunk floats are 128 MB, and as many are added to them.
const streamTasks, streamChunk = 64, 1 << 19

// A streamRun adds x to y.
type streamRun struct{ x, y []float32 }

// Task adds one chunk.
func (r *streamRun) Task(task, _ int) {
	from := task * streamChunk
	simd.AddTo(r.x[from:from+streamChunk], r.y[from:from+streamChunk])
}
