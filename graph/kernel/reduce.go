package kernel

import "math"

// A Reduction makes one number of many.
type Reduction uint8

// The reductions.
const (
	MeanOf Reduction = iota
	SumOf
	MaxOf
	MinOf
)

// A Reduce is a plan for a reduction of a row-major tensor over some of its sides. Sums are taken in float64,
// in the order of memory. A plan holds the state of one call at a time.
type Reduce struct {
	how             Reduction
	kept, over      []int // sides
	keptAt, overAt  []int // their strides
	width           int   // of the last side if it is kept: neighbours are reduced together; otherwise 1
	outputs, inputs int   // walks over the kept sides (but a last one), elements that each output takes in
	x, y            []float32
}

const reduceWidth = 64 // neighbours that a task reduces together

// NewReduce plans a reduction of a tensor of that shape over axes.
func NewReduce(how Reduction, shape []int, axes []int) *Reduce {
	r := &Reduce{how: how, width: 1, outputs: 1, inputs: 1}
	reduced := make([]bool, len(shape))
	for _, a := range axes {
		reduced[a] = true
	}
	stride := 1
	// From the last side to the first, neighbours of the same fate joined.
	var before int
	for i := len(shape) - 1; i >= 0; i-- {
		d := shape[i]
		if d == 1 {
			continue
		}
		dims, at, fate := &r.kept, &r.keptAt, 1
		if reduced[i] {
			dims, at, fate = &r.over, &r.overAt, 2
			r.inputs *= d
		}
		if fate == before {
			(*dims)[0] *= d
		} else {
			*dims, *at = append([]int{d}, *dims...), append([]int{stride}, *at...)
		}
		before, stride = fate, stride*d
	}
	if n := len(r.kept); n > 0 && r.keptAt[n-1] == 1 && r.inputs > 1 {
		r.width = r.kept[n-1]
		r.kept, r.keptAt = r.kept[:n-1], r.keptAt[:n-1]
	}
	for _, d := range r.kept {
		r.outputs *= d
	}
	return r
}

// Run sets y to the reduction of x.
func (r *Reduce) Run(p *Pool, x, y []float32) {
	r.x, r.y = x, y
	runTasks(p, r.outputs*r.pieces(), len(x), r)
	r.x, r.y = nil, nil
}

// pieces is the number of tasks for the neighbours of one walk.
func (r *Reduce) pieces() int { return (r.width + reduceWidth - 1) / reduceWidth }

// Task does the task's outputs.
func (r *Reduce) Task(task, _ int) {
	output, from := task/r.pieces(), task%r.pieces()*reduceWidth
	n := min(reduceWidth, r.width-from)
	base := placed(output, r.kept, r.keptAt) + from
	var memory [reduceWidth]float64
	acc := memory[:n]
	if r.how >= MaxOf {
		for i := range acc {
			acc[i] = math.Inf(int(r.how-MaxOf)*2 - 1)
		}
	}
	last := len(r.over) - 1
	if r.width == 1 && last >= 0 && r.overAt[last] == 1 {
		// Along the last side.
		run := r.over[last]
		for i := range r.inputs / run {
			at := base + placed(i, r.over[:last], r.overAt)
			acc[0] = r.fold(acc[0], r.x[at:at+run])
		}
	} else {
		for i := range r.inputs {
			at := base + placed(i, r.over, r.overAt)
			for j, v := range r.x[at : at+n] {
				acc[j] = r.take(acc[j], float64(v))
			}
		}
	}
	y := r.y[output*r.width+from:]
	for j, v := range acc {
		if r.how == MeanOf {
			v /= float64(r.inputs)
		}
		y[j] = float32(v)
	}
}

func (r *Reduce) fold(acc float64, x []float32) float64 {
	if r.how < MaxOf {
		for _, v := range x {
			acc += float64(v)
		}
		return acc
	}
	for _, v := range x {
		acc = r.take(acc, float64(v))
	}
	return acc
}

// take adds a number to what was reduced so far. NaN stays.
func (r *Reduce) take(acc, v float64) float64 {
	switch r.how {
	case MaxOf:
		return max(acc, v)
	case MinOf:
		return min(acc, v)
	}
	return acc + v
}
