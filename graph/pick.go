package graph

import (
	"slices"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// Pick adds the elements of x that stand at chosen places of each axis: the result's element (i, j, …) is
// that of x at (places[0][i], places[1][j], …), and fill where one of these is -1. An axis whose list is
// nil stays as it is. Slices with any step, padding, gathering and nearest-neighbour resizing are picks.
// The lists are kept: do not change them.
func (b *Builder) Pick(x *gorgonia.Node, fill float32, places ...[]int) *gorgonia.Node {
	l := b.unnamed("pick")
	if !b.takes(l.Name, x) {
		return nil
	}
	s := x.Shape().Clone()
	if len(places) != len(s) || len(s) == 0 {
		b.Errorf("%s: %d lists of places for the shape %s", l.Name, len(places), dims(s))
		return nil
	}
	for a, list := range places {
		if list == nil {
			continue
		}
		for _, p := range list {
			if p < -1 || p >= s[a] {
				b.Errorf("%s: place %d on an axis of %d", l.Name, p, s[a])
				return nil
			}
		}
		if s[a] = len(list); s[a] == 0 {
			b.Errorf("%s: nothing is picked from axis %d", l.Name, a)
			return nil
		}
	}
	o := &pickOp{fill: fill, places: places}
	o.core = newCore(o, l.Kind, s, 1, x)
	return b.layer(l, o, x)
}

type pickOp struct {
	core
	fill   float32
	places [][]int
}

// newSlice describes count elements along an axis, from start on, step apart.
func newSlice(x *gorgonia.Node, axis, start, count, step int) *pickOp {
	shape := x.Shape()
	o := &pickOp{places: make([][]int, len(shape))}
	for i := range count {
		o.places[axis] = append(o.places[axis], start+i*step)
	}
	shape[axis] = count
	o.core = newCore(o, "slice", shape, 1, x)
	return o
}

// channels returns the first of neighbouring channels if those are all that is picked.
func (o *pickOp) channels() (from int, ok bool) {
	if len(o.shape) != 4 || o.places[1] == nil || o.places[0] != nil || o.places[2] != nil || o.places[3] != nil {
		return 0, false
	}
	from, n := run(o.places[1])
	return from, n == len(o.places[1]) && from >= 0
}

// run returns the first place of a list and the number of places that follow it one by one.
func run(list []int) (from, n int) {
	n = 1
	for n < len(list) && list[0] >= 0 && list[n] == list[0]+n {
		n++
	}
	return list[0], n
}

func (o *pickOp) lower(c *compiler, in []*value) *value {
	if from, ok := o.channels(); ok && in[0].blocked {
		return c.slice(in[0], from, o.shape)
	}
	x, y := c.asPlain(in[0]), c.plain(o.shape...)
	t := o.walk(x.shape)
	t.copy = func(from, to, n int) { copy(y.data[to:to+n], x.data[from:from+n]) }
	t.leave = func(to, n int) {
		for i := range y.data[to : to+n] {
			y.data[to+i] = o.fill
		}
	}
	rows := inChunks(t.rows(), t.width(), t.row)
	c.add([]*value{x}, []*value{y}, 0, func(e *exec) error { rows.run(e.pool); return nil })
	return y
}

func (o *pickOp) detail() any { return Picks{o.fill, o.places} }

func (o *pickOp) SymDiff(inputs gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	g := &pickGradOp{of: o}
	g.core = newCore(g, "pick gradient", inputs[0].Shape(), 0, grad)
	dx, err := derive(g, &o.core, grad)
	return gorgonia.Nodes{dx}, err
}

type pickGradOp struct {
	core
	of *pickOp
}

func (o *pickGradOp) lower(c *compiler, in []*value) *value {
	dy, dx := c.asPlain(in[0]), c.plain(o.shape...)
	t := o.of.walk(o.shape)
	t.copy = func(from, to, n int) {
		for i, d := range dy.data[to : to+n] {
			dx.data[from+i] += d
		}
	}
	t.leave = func(int, int) {}
	// Rows with the same place on the first axis may meet; those with different ones do not if the first
	// axis is whole.
	rows, tasks := t.rows(), 1
	if o.of.places[0] == nil && len(o.shape) > 1 {
		tasks = o.shape[0]
	}
	work := each(func(task int) {
		clear(dx.data[task*len(dx.data)/tasks : (task+1)*len(dx.data)/tasks])
		for row := task * rows / tasks; row < (task+1)*rows/tasks; row++ {
			t.row(row)
		}
	})
	c.add([]*value{dy}, []*value{dx}, 0, func(e *exec) error { e.pool.Run(tasks, work); return nil })
	return dx
}

// A pickWalk goes through the rows of a pick's result: all axes but the last are counted in one number.
type pickWalk struct {
	from, to    []int // shapes
	places      [][]int
	runs        []pickRun // of the last axis
	copy        func(from, to, n int)
	leave       func(to, n int)
	fromStrides []int
}

// A pickRun is a piece of the last axis whose places follow each other, or are all -1.
type pickRun struct{ from, to, n int }

func (o *pickOp) walk(from []int) *pickWalk {
	t := &pickWalk{from: from, to: o.shape, places: o.places, fromStrides: make([]int, len(from))}
	stride := 1
	for a := len(from) - 1; a >= 0; a-- {
		t.fromStrides[a] = stride
		stride *= from[a]
	}
	last := len(from) - 1
	if list := o.places[last]; list == nil {
		t.runs = []pickRun{{0, 0, from[last]}}
	} else {
		for to := 0; to < len(list); {
			at, n := run(list[to:])
			if at < 0 {
				n = slices.IndexFunc(list[to:], func(p int) bool { return p >= 0 })
				if n < 0 {
					n = len(list) - to
				}
			}
			t.runs = append(t.runs, pickRun{at, to, n})
			to += n
		}
	}
	return t
}

func (t *pickWalk) rows() int  { return product(t.to[:len(t.to)-1]) }
func (t *pickWalk) width() int { return t.to[len(t.to)-1] }

func (t *pickWalk) row(row int) {
	start, rest, width := 0, row, t.width()
	for a := len(t.to) - 2; a >= 0; a-- {
		place := rest % t.to[a]
		rest /= t.to[a]
		if t.places[a] != nil {
			place = t.places[a][place]
		}
		if place < 0 {
			t.leave(row*width, width)
			return
		}
		start += place * t.fromStrides[a]
	}
	for _, r := range t.runs {
		if r.from < 0 {
			t.leave(row*width+r.to, r.n)
		} else {
			t.copy(start+r.from, row*width+r.to, r.n)
		}
	}
}

// each is work for a pool.
type each func(task int)

func (f each) Task(task, _ int) { f(task) }

// chunks are rows of work that are cut into tasks large enough to be worth one.
type chunks struct {
	tasks int
	work  each
}

func inChunks(rows, width int, f func(row int)) chunks {
	const floats = 4096 // of a task, about
	tasks := max(1, min(rows, rows*width/floats))
	return chunks{tasks, func(task int) {
		for row := task * rows / tasks; row < (task+1)*rows/tasks; row++ {
			f(row)
		}
	}}
}

func (c chunks) run(p *kernel.Pool) { p.Run(c.tasks, c.work) }
