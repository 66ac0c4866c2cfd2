package conv

import (
	"unsafe"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

// An Expanded is a forward pass through two convolutions, the second of which alone reads what the first makes: a 1×1
// one that expands the channels, and a depthwise one (Sandler et al., "MobileNetV2: Inverted Residuals and Linear
// Bottlenecks", arXiv:1801.04381). The map between them is the largest of a network, and never written to memory: a
// task makes some rows of a few of its blocks in its thread's cache, with zeros around them, and convolves these.
// Rows that two strips need are made twice.
type Expanded struct {
	first  *corr
	second *lanePass

	panels       int // blocks of a task
	groups       int // tasks of a strip
	rows, strips int // rows of the result in a strip
	bh           int // rows of the window that a strip reads

	x            []float32
	xs           int
	layers       [2]Layer
	y            Act
	biases       []float32 // of the first, in whole vectors
	secondBiases []float32
	windows      []float32
}

// A Layer is what a convolution does beside its plan: filters in the form that the plan's Forward reads, a bias for each
// of its results or nil, and an activation.
type Layer struct {
	Packed, Bias []float32
	Act          simd.Activation
}

// NewExpanded joins two plans. It returns nil if they are not of the form, or faster one after the other.
func NewExpanded(pointwise, depthwise *Plan) *Expanded {
	const cache = 512 << 10 // bytes of a thread's windows
	one, ok := pointwise.forward.(*directPass)
	two, also := depthwise.forward.(*lanePass)
	s, t := pointwise.shape, depthwise.shape
	if !ok || !also || two.each != 1 || pointwise.plain || s.Groups != 1 || s.KH*s.KW*s.SH*s.SW != 1 || s.PadT+s.PadB+s.PadL+s.PadR > 0 ||
		s.N != t.N || s.F != t.C || s.H != t.H || s.W != t.W {
		return nil
	}
	e := &Expanded{first: one.phases[0], second: two}
	e.panels = tilePanels(s.W, s.H, two.blocks)
	e.groups = ceil(two.blocks, e.panels)
	row := two.bw * Block * 4 * e.panels
	halo := (t.KH-1)*t.DH + 1 - t.SH
	e.rows = max(1, min(t.OutH(), (cache/row-halo)/t.SH))
	const tasks = 8
	twice := func(strips int) bool { return (strips-1)*max(halo, 0)*4 > t.H } // more than a quarter of the first one's work
	e.strips = ceil(t.OutH(), e.rows)
	if twice(e.strips) {
		return nil
	}
	if more := min(ceil(tasks, s.N*e.groups), ceil(t.OutH(), 7)); more > e.strips && !twice(more) {
		e.strips = more
	}
	e.rows = ceil(t.OutH(), e.strips)
	e.strips = ceil(t.OutH(), e.rows)
	e.bh = (e.rows-1)*t.SH + (t.KH-1)*t.DH + 1
	return e
}

func (e *Expanded) window() int { return alignUp(e.panels*e.bh*e.second.bw*Block) + apart }

// Scratch returns the floats of scratch space that Forward needs on a pool of so many threads.
func (e *Expanded) Scratch(threads int) int {
	return Block + 2*e.second.blocks*Block + threads*e.window()
}

// Forward computes y from x. Layers are those of the two plans.
func (e *Expanded) Forward(p *Pool, x Act, pointwise, depthwise Layer, y Act, scratch []float32) {
	c, d := e.first, e.second
	mustBe("input", x, d.n, c.cin, d.h, d.w)
	mustBe("output", y, d.n, d.channels, d.yh, d.yw)
	mustHave("packed filters", len(pointwise.Packed), c.packedLen())
	mustHave("packed filters", len(depthwise.Packed), d.packedLen())
	mustHave("scratch", len(scratch), e.Scratch(p.Threads()))
	scratch = aligned(scratch)
	e.x, e.xs, e.layers, e.y = x.Data, x.Stride, [2]Layer{pointwise, depthwise}, y
	vectors := d.blocks * Block
	e.biases, e.secondBiases, e.windows = scratch[:vectors], scratch[vectors:2*vectors], scratch[2*vectors:]
	clear(e.biases[copy(e.biases, pointwise.Bias):])
	clear(e.secondBiases[copy(e.secondBiases, depthwise.Bias):])
	p.Run(d.n*e.strips*e.groups, e)
	e.x, e.layers, e.y, e.biases, e.secondBiases, e.windows = nil, [2]Layer{}, Act{}, nil, nil, nil
}

// Task computes a strip of a few blocks of one image.
func (e *Expanded) Task(task, worker int) {
	c, d, p := e.first, e.second, e.second.phases[0]
	group, strip, image := task%e.groups, task/e.groups%e.strips, task/e.groups/e.strips
	b0 := group * e.panels
	b1 := min(b0+e.panels, d.blocks)
	r0 := strip * e.rows
	r1 := min(r0+e.rows, d.yh)
	window := e.windows[worker*e.window():]
	e.expand(window, image, b0, b1, r0*d.sh-d.top, (r1-r0-1)*d.sh+e.bh-(e.rows-1)*d.sh)

	act := e.layers[1].Act
	clip, clipped := act.Clip()
	t := simd.Tile{
		BKS: Block * 4, AMS: uintptr(d.sw * Block * 4), Clip: clip, CMS: Block * 4,
		Offs: &p.offs[0], NB: p.nb, KB: p.kb, AKS: uintptr(p.aks),
	}
	for b := b0; b < b1; b++ {
		t.B = unsafe.Pointer(&e.layers[1].Packed[b*d.perBlock()])
		t.Bias = unsafe.Pointer(&e.secondBiases[b*Block])
		y := e.y.Plane(image*d.blocks + b)
		d.tiles(&t, p, window[(b-b0)*e.bh*d.bw*Block:], y, nil, r0, r1, 0, new(meanwhile))
		if !clipped {
			simd.ActivatePixels(act, y[r0*d.yw*Block:r1*d.yw*Block], c.fout-b*Block)
		}
	}
}

// expand computes rows of blocks b0 to b1 of the map between, from row y0 on, with zeros around the map.
func (e *Expanded) expand(window []float32, image, b0, b1, y0, rows int) {
	c, d := e.first, e.second
	np := b1 - b0
	act := e.layers[0].Act
	clip, clipped := act.Clip()
	x := e.x[image*e.xs:]
	plane := e.bh * d.bw * Block
	t := simd.Tile{
		AMS: Block * 4, AKS: 4, Offs: &c.offs[0][0], NB: c.nb, KB: c.kb,
		B: unsafe.Pointer(&e.layers[0].Packed[b0*c.nb*c.kb*Block]), BKS: Block * 4, BPS: uintptr(c.nb * c.kb * Block * 4),
		CMS: Block * 4, CPS: uintptr(plane * 4), Bias: unsafe.Pointer(&e.biases[b0*Block]), Clip: clip, AheadStep: Block * 4,
	}
	for i := range rows {
		inside := y0+i >= 0 && y0+i < d.h
		for k := range np {
			row := window[k*plane+i*d.bw*Block:][:d.bw*Block]
			if !inside {
				clear(row)
				continue
			}
			clear(row[:d.left*Block])
			clear(row[min(d.left+d.w, d.bw)*Block:])
		}
	}
	from, to := max(0, -y0), min(rows, d.h-y0)
	wide := min(d.w, d.bw-d.left)
	most := simd.MaxRows(np)
	at := func(i, column int) (x, to int) {
		return ((y0+i)*d.w + column) * Block, (i*d.bw + d.left + column) * Block
	}
	parts := ceil(wide, most)
	for i := from; i < to; i++ {
		if 2*wide <= most && i+1 < to {
			x0, w0 := at(i, 0)
			x1, w1 := at(i+1, 0)
			t.A0, t.A1 = unsafe.Pointer(&x[x0]), unsafe.Pointer(&x[x1])
			t.C0, t.C1 = unsafe.Pointer(&window[w0]), unsafe.Pointer(&window[w1])
			t.Ahead = uintptr(2 * d.w * Block * 4)
			t.Run(2*wide, np)
			i++
			continue
		}
		for part := range parts {
			c0, c1 := part*wide/parts, (part+1)*wide/parts
			m := c1 - c0
			half := (m + 1) / 2 % m
			x0, w0 := at(i, c0)
			t.A0, t.A1 = unsafe.Pointer(&x[x0]), unsafe.Pointer(&x[x0+half*Block])
			t.C0, t.C1 = unsafe.Pointer(&window[w0]), unsafe.Pointer(&window[w0+half*Block])
			t.Ahead = uintptr(m * Block * 4)
			t.Run(m, np)
		}
	}
	if clipped {
		return
	}
	for k := range np {
		for i := from; i < to; i++ {
			simd.ActivatePixels(act, window[k*plane+(i*d.bw+d.left)*Block:][:wide*Block], c.fout-(b0+k)*Block)
		}
	}
}
