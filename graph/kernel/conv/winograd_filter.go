package conv

import (
	"unsafe"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

// winogradSide is the pixels of a tile's side in filter gradients, which are of F(4×4, 3×3).
const winogradSide = 4

// A winogradGrad plans the filter gradient of a 3×3 convolution: the transpose of minimal filtering.
// Tiles of the output's gradient go the transposed way of the forward pass's results, and each of
// 36 matrix products, input channels × tiles times tiles × filters, gives a transformed filter.
//
// Where channels are few, a task takes strips through all stages, with sums of its chunk of the strips.
// Where they are many, the transforms of a strip are split over all threads, and then the filters: a
// part of them has its 36 products side by side in the cache, from where it comes back as taps, nine
// for 36, before anything is written to memory.
type winogradGrad struct {
	winogradMap
	f      int
	groups int
	panels int
	wPitch int // floats between matrices of transformed output gradients
	uPitch int // and of sums
	staged bool
	chunks int
	parts  int // tasks of the output gradient for a panel in a strip

	// In stages, the parts that a group's filters are cut into: along the panels, and along the blocks
	// of channels.
	across, along int

	call winogradGradRun
}

func (g *winogradGrad) run(p *Pool, x []float32, xs int, dy Act, dw, db, scratch []float32) {
	g.call.do(p, g, x, xs, dy, dw, db, scratch)
}

func newWinogradGrad(s Shape) *winogradGrad {
	g := &winogradGrad{
		winogradMap: newWinogradMap(simd.F43, s.N, s.C, s.H, s.W, s.OutH(), s.OutW(), s.PadT, s.PadL),
		f:           s.F, groups: s.Groups, panels: simd.Blocks(s.F), chunks: 1, across: 1, along: 1,
	}
	const (
		most   = 140       // channels in and out, up to which a chunk's strips are done in one go
		cached = 800 << 10 // bytes of such a strip, transformed
		enough = 16        // chunks
		each   = 64        // tiles of a chunk, at least
		few    = 8         // chunks that are too few
		long   = 192       // tiles of a strip in stages
		wide   = 4         // panels of a part in stages, and
		deep   = 4         // blocks of channels, at most: their sums fit in the second-level cache
		parts  = 6         // that are sought
	)
	channels := (g.blocks + g.panels) * Block
	if channels > most || g.tiles() < few*each {
		g.staged = true
		g.cut(long)
		g.across = ceil(g.panels/g.groups, wide)
		blocks := deep
		for blocks > 1 && g.groups*g.across*ceil(simd.Blocks(g.rows()), blocks) < parts {
			blocks /= 2
		}
		g.along = ceil(simd.Blocks(g.rows()), blocks)
		g.uPitch = oddLines(ceil(g.panels/g.groups, g.across) * ceil(simd.Blocks(g.rows()), g.along) * Block)
	} else {
		g.cut(min(cached/(36*4*channels), each))
		g.chunks = min(enough, g.tiles()/each, g.strips)
		g.uPitch = oddLines(g.panels * g.rows())
	}
	g.wPitch = oddLines(g.panels * g.strip)
	const tasks, least = 16, 8
	g.parts = max(1, min(tasks/g.panels, g.strip/least))
	return g
}

// rows returns the rows of a panel of sums: the input channels of a group.
func (g *winogradGrad) rows() int { return g.c / g.groups }

// slots returns the number of sums of the bias gradient that are added at the end.
func (g *winogradGrad) slots() int {
	if g.staged {
		return g.parts
	}
	return g.chunks
}

func (g *winogradGrad) scratch(threads int) int {
	data, sums := 36*(g.vPitch+g.wPitch), g.chunks
	if g.staged {
		sums = threads
	} else {
		data *= threads
	}
	return Block + g.slots()*g.panels*Block + sums*36*g.uPitch + g.kept() + data + threads*winogradTemp
}

// kept returns the floats of the taps that wait for the next strip.
func (g *winogradGrad) kept() int {
	if !g.staged || g.strips == 1 {
		return 0
	}
	return g.panels * g.rows() * 9 * Block
}

// The stages of a call, after winogradFused, winogradIn and winogradProducts.
const winogradFinish = winogradProducts + 1

// A winogradGradRun is a call under way.
type winogradGradRun struct {
	g      *winogradGrad
	x      []float32
	xs     int
	dy     Act
	dw, db []float32
	biases []float32
	u      []float32 // sums of each chunk or, in stages, of each thread's part
	kept   []float32 // taps from the strips before
	v, w   []float32
	temp   []float32
	stage  int
	strip  int
}

func (r *winogradGradRun) do(p *Pool, g *winogradGrad, x []float32, xs int, dy Act, dw, db, scratch []float32) {
	*r = winogradGradRun{g: g, x: x, xs: xs, dy: dy, dw: dw, db: db}
	scratch = aligned(scratch)
	cut := func(n int) []float32 {
		s := scratch[:n]
		scratch = scratch[n:]
		return s
	}
	copies, sums := 1, p.Threads()
	if !g.staged {
		copies, sums = p.Threads(), g.chunks
	}
	r.biases = cut(g.slots() * g.panels * Block)
	r.u = cut(sums * 36 * g.uPitch)
	r.kept = cut(g.kept())
	r.v, r.w = cut(copies*36*g.vPitch), cut(copies*36*g.wPitch)
	r.temp = cut(p.Threads() * winogradTemp)
	clear(r.biases)
	if !g.staged {
		r.stage = winogradFused
		p.Run(g.chunks, r)
		r.stage = winogradFinish
		p.Run(g.panels*ceil(g.rows(), winogradRows), r)
	} else {
		for r.strip = range g.strips {
			r.stage = winogradIn
			p.Run(g.blocks*g.inputParts+g.panels*g.parts, r)
			r.stage = winogradProducts
			p.Run(g.groups*g.across*g.along, r)
		}
	}
	if db != nil {
		all := g.panels * Block
		for i := 1; i < g.slots(); i++ {
			for k, v := range r.biases[i*all:][:all] {
				r.biases[k] += v
			}
		}
		copy(db[:g.f], r.biases)
	}
	*r = winogradGradRun{}
}

// A filterPart is some panels of a group's filters and some of their channels, counted through all groups.
type filterPart struct{ p0, p1, c0, c1 int }

// part returns part i of a group's filters.
func (g *winogradGrad) part(group, i int) filterPart {
	panels, blocks, rows := g.panels/g.groups, simd.Blocks(g.rows()), g.rows()
	p, c := i/g.along, i%g.along
	return filterPart{
		p0: group*panels + p*panels/g.across, p1: group*panels + (p+1)*panels/g.across,
		c0: group*rows + c*blocks/g.along*Block, c1: group*rows + min((c+1)*blocks/g.along*Block, rows),
	}
}

// Task does a chunk of strips, or a part of a strip's stage, or finishes some filters.
func (r *winogradGradRun) Task(task, worker int) {
	g := r.g
	temp := r.temp[worker*winogradTemp:][:winogradTemp]
	switch r.stage {
	case winogradFused:
		v, w := r.v[worker*36*g.vPitch:][:36*g.vPitch], r.w[worker*36*g.wPitch:][:36*g.wPitch]
		u := r.u[task*36*g.uPitch:][:36*g.uPitch]
		first := task * g.strips / g.chunks
		for s := first; s < (task+1)*g.strips/g.chunks; s++ {
			t0, t1 := g.tilesOf(s)
			for b := range g.blocks {
				g.input(r.x, r.xs, b, t0, t1, v[b*g.strip*Block:], temp)
			}
			for p := range g.panels {
				r.gradient(p, task, t0, t1, w[p*g.strip*Block:], temp)
			}
			for group := range g.groups {
				f := g.part(group, 0)
				for xi := range 36 {
					if group == 0 && s+1 < (task+1)*g.strips/g.chunks {
						n0, n1 := g.tilesOf(s + 1)
						g.fetch(r.x, r.xs, g.blocks, g.h, g.w, 2-g.top, n0, n1, xi)
						g.fetch(r.dy.Data, r.dy.Stride, g.panels, g.oh, g.ow, 0, n0, n1, xi)
					}
					r.multiply(v, w, u[xi*g.uPitch+f.p0*g.rows()*Block:], t1-t0, xi, f, s > first)
				}
			}
		}
	case winogradIn:
		t0, t1 := g.tilesOf(r.strip)
		if n := g.blocks * g.inputParts; task < n {
			b, i := task/g.inputParts, task%g.inputParts
			from, to := i*(t1-t0)/g.inputParts, (i+1)*(t1-t0)/g.inputParts
			g.input(r.x, r.xs, b, t0+from, t0+to, r.v[(b*g.strip+from)*Block:], temp)
		} else {
			p, i := (task-n)/g.parts, (task-n)%g.parts
			from, to := i*(t1-t0)/g.parts, (i+1)*(t1-t0)/g.parts
			r.gradient(p, i, t0+from, t0+to, r.w[(p*g.strip+from)*Block:], temp)
		}
	case winogradProducts:
		t0, t1 := g.tilesOf(r.strip)
		u := r.u[worker*36*g.uPitch:][:36*g.uPitch]
		f := g.part(task/(g.across*g.along), task%(g.across*g.along))
		for xi := range 36 {
			r.multiply(r.v, r.w, u[xi*g.uPitch:], t1-t0, xi, f, false)
		}
		for p := f.p0; p < f.p1; p++ {
			for c := f.c0; c < f.c1; c += winogradRows {
				n := min(winogradRows, f.c1-c)
				r.write(p, c%g.rows(), n, u)
				u = u[n*Block:]
			}
		}
	case winogradFinish:
		r.finish(task)
	}
}

// gradient transforms tiles t0 to t1 of a panel of the output's gradient to w, and adds their pixels
// to the bias gradient's sums in slot.
func (r *winogradGradRun) gradient(panel, slot, t0, t1 int, w, temp []float32) {
	g := r.g
	row, pitch := g.ow*Block*4, g.wPitch*4
	for t := t0; t < t1; {
		n, ty, tx := t/(g.th*g.tw), t/g.tw%g.th, t%g.tw
		y0, x0 := ty*winogradSide, tx*winogradSide
		maps := r.dy.Data[n*r.dy.Stride+panel*g.oh*g.ow*Block:][:g.oh*g.ow*Block]
		to := &w[(t-t0)*Block]
		run := 1
		if y0+winogradSide <= g.oh && x0+winogradSide <= g.ow {
			run = min(g.ow/winogradSide-tx, t1-t)
			simd.WinogradOutputGrad(run, &maps[(y0*g.ow+x0)*Block], row, to, pitch)
		} else {
			if y0+winogradSide > g.oh {
				run = min(g.tw-tx, t1-t, winogradRow)
			}
			columns := run * winogradSide
			copyTiles(temp, maps, y0, x0, g.oh, g.ow, winogradSide, columns)
			simd.WinogradOutputGrad(run, &temp[0], columns*Block*4, to, pitch)
		}
		if r.db != nil {
			rows := min(winogradSide, g.oh-y0)
			var starts [winogradSide][2]int
			for i := range rows {
				starts[i][1] = i * row
			}
			sum := unsafe.Pointer(&r.biases[(slot*g.panels+panel)*Block])
			addUp(unsafe.Pointer(&maps[(y0*g.ow+x0)*Block]), starts[:rows], min(run*winogradSide, g.ow-x0), sum)
		}
		t += run
	}
}

// addUp adds to the vector at sum those in rows of count, at the given distances from b: a tile whose
// A is one.
func addUp(b unsafe.Pointer, rows [][2]int, count int, sum unsafe.Pointer) {
	t := simd.Tile{
		A0: unsafe.Pointer(&one), A1: unsafe.Pointer(&one), Offs: &rows[0], NB: len(rows), KB: count,
		B: b, BKS: Block * 4, C0: sum, C1: sum, R0: sum, R1: sum,
	}
	t.Run(1, 1)
}

// multiply computes one of the 36 products over count tiles for a part of the filters, and adds it to u
// if accumulate is set. Each tile of the micro-kernel asks for one of the arrays that the next product reads:
// other threads may have written them, into caches of their own.
func (r *winogradGradRun) multiply(v, w, u []float32, count, xi int, f filterPart, accumulate bool) {
	g := r.g
	rows := f.c1 - f.c0
	t := simd.Tile{
		AMS: 4, AKS: Block * 4, Offs: &oneBlock, NB: 1, KB: count, BKS: Block * 4, BPS: uintptr(g.strip*Block) * 4,
		CMS: Block * 4, CPS: uintptr(rows*Block) * 4, AheadStep: Block * 4,
	}
	step := tilePanels(min(rows, Block), 1, f.p1-f.p0)
	asked, blocks := 0, ceil(rows, Block)
	for p := f.p0; p < f.p1; p += step {
		np := min(step, f.p1-p)
		t.B = unsafe.Pointer(&w[xi*g.wPitch+p*g.strip*Block])
		most := simd.MaxRows(np)
		for c := f.c0; c < f.c1; {
			run := min(Block-c%Block, f.c1-c)
			parts := (run + most - 1) / most
			run = (run + parts - 1) / parts
			half := (run + 1) / 2
			if half == run {
				half = 0
			}
			a := &v[xi*g.vPitch+c/Block*g.strip*Block+c%Block]
			t.A0 = unsafe.Pointer(a)
			t.A1 = unsafe.Add(t.A0, half*4)
			t.C0 = unsafe.Pointer(&u[((p-f.p0)*rows+c-f.c0)*Block])
			t.C1 = unsafe.Add(t.C0, half*Block*4)
			if accumulate {
				t.R0, t.R1 = t.C0, t.C1
			}
			t.Ahead = 0
			switch i := asked - blocks; {
			case xi == 35:
			case i < 0:
				t.Ahead = bytesTo(a, &v[(xi+1)*g.vPitch+(f.c0/Block+asked)*g.strip*Block])
			case i < f.p1-f.p0:
				t.Ahead = bytesTo(a, &w[(xi+1)*g.wPitch+(f.p0+i)*g.strip*Block])
			}
			asked++
			t.Run(run, np)
			c += run
		}
	}
}

// finish adds the chunks of some filters' sums and writes the filters.
func (r *winogradGradRun) finish(task int) {
	g := r.g
	rows := g.rows()
	parts := ceil(rows, winogradRows)
	panel, c := task/parts, task%parts*winogradRows
	n := min(winogradRows, rows-c)
	u := r.u[(panel*rows+c)*Block:]
	if g.chunks > 1 {
		for xi := range 36 {
			sumChunks(u[xi*g.uPitch:], n*Block, g.chunks, 36*g.uPitch)
		}
	}
	r.write(panel, c, n, u)
}

// write transforms the sums of a panel's filters, n of their channels from c on, and adds them to those
// of the strips before; after the last strip they go to their places.
func (r *winogradGradRun) write(panel, c, n int, u []float32) {
	g := r.g
	rows := g.rows()
	var temp [winogradRows * 9 * Block]float32
	taps := temp[:n*9*Block]
	simd.WinogradFilterGrad(n, &u[0], g.uPitch*4, &taps[0])
	if len(r.kept) > 0 {
		kept := r.kept[(panel*rows+c)*9*Block:][:len(taps)]
		if r.strip > 0 {
			simd.AddTo(kept, taps)
		}
		if r.strip+1 < g.strips {
			copy(kept, taps)
			return
		}
	}
	perGroup, outputs := g.panels/g.groups, g.f/g.groups
	group, o := panel/perGroup, panel%perGroup*Block
	to := r.dw[((group*outputs+o)*rows+c)*9:]
	simd.UnpackColumns(to, taps, rows*9, min(Block, outputs-o))
}
