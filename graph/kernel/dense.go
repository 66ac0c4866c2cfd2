package kernel

import (
	"fmt"
	"unsafe"
)

// A Dense is a plan for a fully connected layer y = x·wᵀ + b: x is n×in, w out×in (as PyTorch stores
// it) and y n×out, all row-major.
//
// For a few images, n ≤ 16, the time is that of fetching w from memory, so w is read where it lies,
// once: Forward takes dot products of its rows, DataGrad adds multiples of them, neither rearranges
// it. Larger batches are matrix products as any other.
//
// A plan holds the state of one call at a time, and is for the kernel family that it was made under.
type Dense struct {
	n, in, out int

	forward, dataGrad *Gemm // nil where w is read in place
	filterGrad        *Gemm

	outs   parts // rows of w, by task of Forward
	depth  parts // columns of w, by piece of a task of Forward
	batch  parts // images, by group of a dot product
	ins    parts // columns of w in panels, by task of DataGrad
	rows   parts // images, by tile of DataGrad
	panels int   // in a tile of DataGrad
	walk   int   // rows of w that DataGrad walks along together
	splits int   // parts of w's rows that DataGrad sums apart

	denseCall
}

// denseCall is what one call is about.
type denseCall struct {
	phase         int
	x, w, bias, y []float32
	relu          bool
	pieces        []float32 // x, for each part of in an n×part matrix
	local         []float32
}

const (
	denseImages = 16      // the most that leave w in place
	denseInput  = 1 << 13 // floats of x that a piece of Forward reads again and again: they stay in the second-level cache
	denseOuts   = 64      // the most rows of w in a task of Forward
	denseIns    = 160     // the most panels in a task of DataGrad: the longer, the better they stream from memory
	denseSplits = 4       // the most parts of w's rows that DataGrad sums apart
	denseStep   = 1 << 14 // floats of dx in a task of their sum
	denseTasks  = 32      // parallel work that is sought
	denseSmall  = 1 << 14 // multiply-adds that are not worth a second task
)

// The phases.
const (
	denseCopy = iota
	denseForward
	denseDataGrad
	denseSum
)

// NewDense plans a layer of in inputs and out outputs, for n images.
func NewDense(n, in, out int) *Dense {
	if n < 0 || in < 0 || out < 0 {
		panic(fmt.Sprintf("kernel: dense layer of negative size: %d images, %d inputs, %d outputs", n, in, out))
	}
	d := &Dense{n: n, in: in, out: out, filterGrad: NewGemm(true, false, out, in, n)}
	small := n <= denseImages && n > 0 && in > 0 && out > 0
	if !small {
		d.forward = NewGemm(false, true, n, out, in)
	}
	if !small || in%Block != 0 {
		d.dataGrad = NewGemm(false, false, n, in, out)
	}
	if small {
		tasks := min(denseTasks, max(1, n*in*out/denseSmall))
		d.depth = inParts(in, max(denseInput/n, 2*Block), Block)
		d.batch = inParts(n, dotInputs(), 1)
		rows := dotRows(denseOuts, d.batch.largest())
		d.outs = inParts(out, max(rows, min(denseOuts, ceil(out, tasks))/rows*rows), rows)
		d.panels = 4
		for d.panels > 1 && maxRows(d.panels) < min(n, 8) {
			d.panels--
		}
		d.rows = inParts(n, maxRows(d.panels), 1)
		d.ins = inParts(Blocks(in), max(1, min(denseIns, ceil(Blocks(in), tasks))), 1)
		d.splits = 1
		if tasks == denseTasks {
			d.splits = min(denseSplits, ceil(denseTasks/2, d.ins.count), ceil(out, 64))
		}
		d.walk = 16
		if n <= 4 {
			d.walk = 8
		}
	}
	return d
}

// Scratch returns how many floats of scratch space the methods want on so many threads.
func (d *Dense) Scratch(threads int) int {
	need := d.filterGrad.Scratch(threads)
	if d.forward != nil {
		need = max(need, d.forward.Scratch(threads))
	} else {
		need = max(need, threads*d.outs.largest()*d.n+d.copied())
	}
	if d.dataGrad != nil {
		need = max(need, d.dataGrad.Scratch(threads))
	} else {
		need = max(need, (d.splits-1)*d.n*d.in)
	}
	return need
}

// copied returns how many floats Forward's copy of x takes: its pieces are made contiguous, as rows a
// power of two apart would fall in the same few sets of the first-level cache. None for one image.
func (d *Dense) copied() int {
	if d.n < 2 {
		return 0
	}
	return d.n * d.in
}

func (d *Dense) check(name string, s []float32, rows, columns int) {
	if len(s) != rows*columns {
		panic(fmt.Sprintf("kernel: dense layer (%d images, %d inputs, %d outputs): %s has %d floats, want %d×%d", d.n, d.in, d.out, name, len(s), rows, columns))
	}
}

// Forward writes y = x·wᵀ + bias, negative results made zero if relu. bias (out floats) may be nil.
func (d *Dense) Forward(p *Pool, x, w, bias, y []float32, relu bool, scratch []float32) {
	d.check("x", x, d.n, d.in)
	d.check("w", w, d.out, d.in)
	d.check("y", y, d.n, d.out)
	if bias != nil {
		d.check("bias", bias, 1, d.out)
	}
	if d.forward != nil {
		d.forward.run(p, gemmCall{a: x, lda: d.in, b: w, ldb: d.in, c: y, ldc: d.out, bias: bias, relu: relu}, scratch)
		return
	}
	d.denseCall = denseCall{x: x, w: w, bias: bias, y: y, relu: relu, pieces: x}
	if copied := d.copied(); copied > 0 {
		d.phase, d.pieces, scratch = denseCopy, scratch[:copied], scratch[copied:]
		if copied < denseSmall {
			for i := range d.n {
				d.copyTask(i)
			}
		} else {
			p.Run(d.n, d)
		}
	}
	d.phase, d.local = denseForward, scratch[:p.Threads()*d.outs.largest()*d.n]
	p.Run(d.outs.count, d)
	d.denseCall = denseCall{}
}

// DataGrad writes dx = dy·w.
func (d *Dense) DataGrad(p *Pool, dy, w, dx, scratch []float32) {
	d.check("dy", dy, d.n, d.out)
	d.check("w", w, d.out, d.in)
	d.check("dx", dx, d.n, d.in)
	if d.dataGrad != nil {
		d.dataGrad.Run(p, dy, d.out, w, d.in, false, dx, d.in, scratch)
		return
	}
	d.denseCall = denseCall{phase: denseDataGrad, x: dx, w: w, y: dy, local: scratch[:(d.splits-1)*d.n*d.in]}
	p.Run(d.ins.count*d.splits, d)
	if d.splits > 1 {
		d.phase = denseSum
		p.Run(ceil(d.n*d.in, denseStep), d)
	}
	d.denseCall = denseCall{}
}

// FilterGrad writes dw = dyᵀ·x, and db, the sum of dy over the images; db may be nil.
func (d *Dense) FilterGrad(p *Pool, x, dy, dw, db, scratch []float32) {
	d.check("x", x, d.n, d.in)
	d.check("dy", dy, d.n, d.out)
	d.check("dw", dw, d.out, d.in)
	d.filterGrad.Run(p, dy, d.out, x, d.in, false, dw, d.in, scratch)
	if db == nil {
		return
	}
	d.check("db", db, 1, d.out)
	clear(db)
	for i := range d.n {
		for j, v := range dy[i*d.out:][:d.out] {
			db[j] += v
		}
	}
}

// Task does a piece of the call.
func (d *Dense) Task(task, worker int) {
	switch d.phase {
	case denseCopy:
		d.copyTask(task)
	case denseForward:
		d.forwardTask(task, worker)
	case denseDataGrad:
		d.dataGradTask(task)
	case denseSum:
		from, to := task*denseStep, min((task+1)*denseStep, len(d.x))
		for split := range d.splits - 1 {
			addTo(d.local[split*len(d.x):][from:to], d.x[from:])
		}
	}
}

// copyTask copies an image to its place in the pieces.
func (d *Dense) copyTask(image int) {
	for piece := range d.depth.count {
		from, to := d.depth.at(piece), d.depth.at(piece+1)
		copy(d.pieces[d.n*from+image*(to-from):], d.x[image*d.in+from:image*d.in+to])
	}
}

// forwardTask computes the outputs of some rows of w for all images. A piece of x stays in the
// first-level cache; a few rows of w meet all of it while the next few come from memory.
func (d *Dense) forwardTask(task, worker int) {
	from, to := d.outs.at(task), d.outs.at(task+1)
	// The sums of a few rows for a group of images lie together, as runDot adds to them.
	sums := d.local[worker*d.outs.largest()*d.n:][:(to-from)*d.n]
	clear(sums)
	images0 := d.batch.largest()
	for piece := range d.depth.count {
		k0, k1 := d.depth.at(piece), d.depth.at(piece+1)
		at := 0
		for row := from; row < to; {
			rows := dotRows(to-row, images0)
			next := (min(row+rows, d.out-rows) - row) * d.in
			for g := range d.batch.count {
				image, images := d.batch.at(g), d.batch.at(g+1)-d.batch.at(g)
				part := g * (k1 - k0) / d.batch.count
				runDot(rows, images, k1-k0, d.w[row*d.in+k0:], d.in, next+part, d.batch.count, d.pieces[d.n*k0+image*(k1-k0):], k1-k0, sums[at:])
				at += rows * images
			}
			row += rows
		}
	}
	at := 0
	for row := from; row < to; {
		rows := dotRows(to-row, images0)
		for g := range d.batch.count {
			for r := range rows {
				for i := d.batch.at(g); i < d.batch.at(g+1); i++ {
					v := sums[at]
					if d.bias != nil {
						v += d.bias[row+r]
					}
					if d.relu && v < 0 {
						v = 0
					}
					d.y[i*d.out+row+r] = v
					at++
				}
			}
		}
		row += rows
	}
}

// dataGradTask computes some columns of dx, or of what some rows of w add to it: tiles whose B is w itself.
func (d *Dense) dataGradTask(task int) {
	split, part := task/d.ins.count, task%d.ins.count
	from, to := d.ins.at(part), d.ins.at(part+1)
	first, last := split*d.out/d.splits, (split+1)*d.out/d.splits
	dx := d.x
	if split > 0 {
		dx = d.local[(split-1)*len(d.x):][:len(d.x)]
	}
	t := tile{offs: &oneBlock, nb: 1, ams: uintptr(4 * d.out), aks: 4, bks: uintptr(4 * d.in), bps: 4 * Block, cms: uintptr(4 * d.in), cps: 4 * Block}
	for k := first; k < last; k += d.walk {
		t.kb = min(d.walk, last-k)
		for panel := from; panel < to; panel += d.panels {
			panels := min(d.panels, to-panel)
			t.b = unsafe.Pointer(&d.w[k*d.in+panel*Block])
			for g := range d.rows.count {
				image, images := d.rows.at(g), d.rows.at(g+1)-d.rows.at(g)
				other := image + (images+1)/2
				if images == 1 {
					other = image
				}
				t.a0, t.a1 = unsafe.Pointer(&d.y[image*d.out+k]), unsafe.Pointer(&d.y[other*d.out+k])
				t.c0, t.c1 = unsafe.Pointer(&dx[image*d.in+panel*Block]), unsafe.Pointer(&dx[other*d.in+panel*Block])
				if k > first {
					t.r0, t.r1 = t.c0, t.c1
				}
				runTile(&t, images, panels)
			}
		}
	}
}
