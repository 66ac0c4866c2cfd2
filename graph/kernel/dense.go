package kernel

import (
	"fmt"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

// A Dense is a plan for a fully connected layer y = x·wᵀ + b: x is n×in, w out×in (as PyTorch stores
// it) and y n×out, all row-major.
//
// For a few images the time is that of fetching w from memory, so w is read where it lies, once: Forward takes dot products of its rows, DataGrad adds multiples of them, neither rearranges
// it. Larger batches are matrix products as any other.
//
// A plan holds the state of one call at a time, and is for the kernel family that it was made under.
type Dense struct {
	n, in, out int

	forward, dataGrad *Gemm // nil where w is read in place
	filterGrad        *Gemm

	outs   parts // rows of w, by task of Forward
	depth  parts // columns of w, by piece of a task of Forward
	batch  parts // images, by call of runDot and runMix
	ins    parts // columns of w, by task of DataGrad
	splits int   // parts of w's rows that DataGrad sums apart

	denseCall
}

// denseCall is what one call is about.
type denseCall struct {
	phase         int
	x, w, bias, y []float32
	relu          bool
	half          []uint16  // w in 16 bits, if it is not in w
	factors       []float32 // of its rows
	pieces        []float32 // x, for each part of in an n×part matrix
	local         []float32
	threads       int
}

const (
	denseImages = 16      // the most that leave w in place, if it fits in the caches; else four times as many
	denseLarge  = 1 << 19 // weights that do not
	denseInput  = 1 << 13 // floats of x that a group of Forward reads again and again: they stay in the first-level cache
	denseOuts   = 64      // the most rows of w in a task of Forward
	denseIns    = 1 << 18 // floats of dx in a task of DataGrad: they stay in the second-level cache; whole rows of w stream best
	denseWalk   = 16      // rows of w that DataGrad walks along together
	denseMix    = 384     // columns of w that meet one group of images and then the next
	denseSplits = 8       // the most parts of w's rows that DataGrad sums apart
	denseStep   = 1 << 14 // floats of dx in a task of their sum
	denseTasks  = 32      // parallel work that is sought
	denseSmall  = 1 << 16 // multiply-adds that are not worth a second task
)

// The phases.
const (
	denseCopy = iota
	denseForward
	denseDataGrad
	denseSum
	denseNarrow
)

// NewDense plans a layer of in inputs and out outputs, for n images.
func NewDense(n, in, out int) *Dense {
	if n < 0 || in < 0 || out < 0 {
		panic(fmt.Sprintf("kernel: dense layer of negative size: %d images, %d inputs, %d outputs", n, in, out))
	}
	d := &Dense{n: n, in: in, out: out, filterGrad: NewGemm(true, false, out, in, n)}
	most := denseImages
	if in*out >= denseLarge {
		most *= 4
	}
	small := n <= most && n > 0 && in > 0 && out > 0
	if !small {
		d.forward, d.dataGrad = NewGemm(false, true, n, out, in), NewGemm(false, false, n, in, out)
	}
	if small {
		tasks := min(denseTasks, max(1, n*in*out/denseSmall))
		d.batch = inParts(n, simd.DotInputs(), 1)
		d.depth = inParts(in, denseInput/d.batch.largest(), Block)
		rows := simd.DotRows(denseOuts, d.batch.largest())
		d.outs = inParts(out, max(rows, min(denseOuts, ceil(out, tasks))/rows*rows), rows)
		if tasks == 1 { // a second one would wake another thread
			d.outs = inParts(out, out, 1)
		}
		d.ins = inParts(in, max(denseIns/n, 4096), Block)
		d.splits = 1
		if tasks == denseTasks {
			d.splits = min(denseSplits, ceil(out, 64))
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

// Forward writes y = act(x·wᵀ + bias). bias (out floats) may be nil.
func (d *Dense) Forward(p *Pool, x, w, bias, y []float32, act Activation, scratch []float32) {
	d.check("w", w, d.out, d.in)
	d.denseCall = denseCall{w: w}
	d.activated(p, x, bias, y, act, scratch)
}

// activated writes y = act(x·wᵀ + bias) for the weights in d.
func (d *Dense) activated(p *Pool, x, bias, y []float32, act Activation, scratch []float32) {
	d.relu = act.Kind == ReLUKind
	d.product(p, x, bias, y, scratch)
	d.denseCall = denseCall{}
	if act.Kind != ReLUKind && act.Kind != IdentityKind {
		Activate(p, act, y, y)
	}
}

// product writes y = x·wᵀ + bias, negative results made zero if d.relu.
func (d *Dense) product(p *Pool, x, bias, y, scratch []float32) {
	d.check("x", x, d.n, d.in)
	d.check("y", y, d.n, d.out)
	if bias != nil {
		d.check("bias", bias, 1, d.out)
	}
	if d.forward != nil {
		d.forward.run(p, gemmCall{a: x, lda: d.in, b: d.w, ldb: d.in, c: y, ldc: d.out, bias: bias, relu: d.relu}, scratch)
		return
	}
	d.x, d.bias, d.y, d.pieces, d.threads = x, bias, y, x, p.Threads()
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
	case denseNarrow:
		d.narrowTask(task)
	case denseSum:
		from, to := task*denseStep, min((task+1)*denseStep, len(d.x))
		for split := range d.splits - 1 {
			simd.AddTo(d.local[split*len(d.x):][from:to], d.x[from:])
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

// forwardTask computes the outputs of some rows of w for all images, a piece of their columns after the
// other. For each group of images, its part of x stays in the first-level cache, and the piece of w in
// the second, while a share of the next piece comes from memory; if there is but one group, the next
// rows of the same piece.
func (d *Dense) forwardTask(task, worker int) {
	from, to := d.outs.at(task), d.outs.at(task+1)
	sums := d.local[worker*d.outs.largest()*d.n:][:(to-from)*d.n]
	clear(sums)
	groups, most := d.batch.count, d.batch.largest()
	ldw := d.in
	if d.half != nil {
		ldw = d.halfRow()
	}
	for piece := range d.depth.count {
		k0, k1 := d.depth.at(piece), d.depth.at(piece+1)
		next := k1 - k0
		if piece == d.depth.count-1 { // the first piece of this thread's next task, if threads take turns
			next = d.outs.at(min(task+d.threads, d.outs.count-1))*ldw - from*ldw - k0
		}
		at := 0
		for g := range groups {
			image, images := d.batch.at(g), d.batch.at(g+1)-d.batch.at(g)
			x, share := d.pieces[d.n*k0+image*(k1-k0):], g*(k1-k0)/groups
			for row := from; row < to; {
				rows := simd.DotRows(to-row, most)
				if groups == 1 {
					next = min(rows, d.out-rows-row) * ldw
				}
				if d.half != nil {
					simd.HalfDot(rows, images, k1-k0, d.half[row*ldw+k0:], ldw, next+share, groups, x, k1-k0, sums[at:])
				} else {
					simd.Dot(rows, images, k1-k0, d.w[row*ldw+k0:], ldw, next+share, groups, x, k1-k0, sums[at:])
				}
				at += rows * images
				row += rows
			}
		}
	}
	for g := range groups {
		first, images := d.batch.at(g), d.batch.at(g+1)-d.batch.at(g)
		for i := range images {
			y := d.y[(first+i)*d.out+from:][:to-from]
			if images == 1 {
				copy(y, sums)
			} else {
				for row := range y {
					y[row] = sums[row*images+i]
				}
			}
			if d.half != nil {
				for row, f := range d.factors[from:to] {
					y[row] *= f
				}
			}
			d.finish(y, from)
		}
		sums = sums[(to-from)*images:]
	}
}

// finish adds the bias to the outputs from the given one on, and makes negative ones zero if d.relu.
func (d *Dense) finish(y []float32, from int) {
	loops := simd.Loops()
	switch {
	case d.bias == nil && d.relu:
		loops.ReLU(&y[0], &y[0], nil, nil, nil, len(y))
	case d.relu:
		loops.AddReLU(&y[0], &d.bias[from:][:len(y)][0], &y[0], nil, nil, len(y))
	case d.bias != nil:
		loops.Add(&y[0], &d.bias[from:][:len(y)][0], &y[0], nil, nil, len(y))
	}
}

// dataGradTask computes some columns of dx, or of what some rows of w add to it.
func (d *Dense) dataGradTask(task int) {
	split, part := task/d.ins.count, task%d.ins.count
	from, to := d.ins.at(part), d.ins.at(part+1)
	first, last := split*d.out/d.splits, (split+1)*d.out/d.splits
	dx := d.x
	if split > 0 {
		dx = d.local[(split-1)*len(d.x):][:len(d.x)]
	}
	for i := range d.n {
		clear(dx[i*d.in+from : i*d.in+to])
	}
	step := to - from
	if d.batch.count > 1 {
		step = denseMix
	}
	for k := first; k < last; k += denseWalk {
		rows := min(denseWalk, last-k)
		for column := from; column < to; column += step {
			for g := range d.batch.count {
				image, images := d.batch.at(g), d.batch.at(g+1)-d.batch.at(g)
				simd.Mix(images, min(step, to-column), rows, d.w[k*d.in+column:], d.in, g, d.batch.count, d.y[image*d.out+k:], d.out, dx[image*d.in+column:], d.in)
			}
		}
	}
}
