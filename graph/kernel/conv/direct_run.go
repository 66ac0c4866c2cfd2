package conv

import (
	"unsafe"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

// A corrRun is a call under way.
type corrRun struct {
	c            *corr
	x            []float32
	xs           int // floats from an image to the next
	packed, bias []float32
	res          []float32
	rs           int
	y            []float32
	ys           int
	act          simd.Activation
	windows      []float32
	stages       stages
	aligned      bool // results are on cache lines
	staged       bool // results are written to stages first
	copying      bool
	watch        *watch
}

// copyBlocks is how many blocks of channels (or plain channels) a copying task takes.
const copyBlocks = 8

func (r *corrRun) do(p *Pool, c *corr, bias, scratch []float32) {
	r.c = c
	scratch = aligned(scratch)
	r.bias = bias
	if bias != nil && len(bias) < c.groups*c.panels*Block { // of one group: those of several have whole panels
		r.bias = scratch[:c.groups*c.panels*Block]
		clear(r.bias[copy(r.bias, bias[:c.groups*c.fout]):])
	}
	r.windows = scratch[c.groups*c.panels*Block:]
	if c.stage > 0 && r.res == nil && r.aligned {
		windows := p.Threads()
		if c.shared {
			windows = len(c.strips) * c.groups
		}
		r.staged = true
		r.stages.open(p.Threads(), c.stage, r.windows[windows*c.window:])
	}
	if c.shared {
		r.copying = true
		p.Run(len(c.strips)*c.groups*c.copies(), r)
		r.copying = false
	}
	p.Run(len(c.strips)*c.groups*c.subtasks, r)
	r.stages.close()
}

// copies returns the tasks that copy one window.
func (c *corr) copies() int { return (c.blocks + copyBlocks - 1) / copyBlocks }

// Task computes one strip for the panels of one subtask, or copies some of a window.
func (r *corrRun) Task(task, worker int) {
	c := r.c
	if r.copying {
		part, task := task%c.copies(), task/c.copies()
		c.copyWindow(r.windows[task*c.window:][:c.window], r.x, r.xs, &c.strips[task/c.groups],
			c.first(task%c.groups), part*copyBlocks, (part+1)*copyBlocks)
		return
	}
	sub, rest := task%c.subtasks, task/c.subtasks
	g, s := rest%c.groups, &c.strips[rest/c.groups]
	p0 := sub * c.perTask
	p1 := min(p0+c.perTask, c.panels)

	w := walk{s: s, x: r.x, image: r.xs, row: c.sh * c.bw, pixel: c.sw}
	vec := c.vec()
	first := c.first(g)
	if c.copied {
		w.image = c.blocks * c.bh * c.bw * vec
		if c.shared {
			w.x = r.windows[rest*c.window:][:c.window]
		} else {
			w.x = r.windows[worker*c.window:][:c.window]
			c.copyWindow(w.x, r.x, r.xs, s, first, 0, c.blocks)
		}
	} else {
		w.x = r.x[s.n0*r.xs+(first*c.h*c.w+(s.r0*c.sh-c.top)*c.w+s.c0*c.sw-c.left)*vec:]
	}
	w.row *= vec
	w.pixel *= vec

	var t simd.Tile
	t.AKS = 4
	if c.plain {
		t.AKS = uintptr(c.dw) * 4
	}
	t.AMS = uintptr(w.pixel) * 4
	t.KB = c.kb
	t.BKS = Block * 4
	t.BPS = uintptr(c.nb*c.kb*Block) * 4
	t.CMS = uintptr(c.osw*Block) * 4
	t.CPS = uintptr(c.yh*c.yw*Block) * 4
	w.yPanel = c.yh * c.yw * Block
	width := s.c1 - s.c0
	step := tilePanels(width, s.rows(), p1-p0)
	w.c, w.offs = c, c.offs[g%len(c.offs)]
	if !c.copied { // a copied window has just been near
		t.AheadStep = t.AMS
	}
	for lo := 0; lo < c.nb; lo += c.chunk {
		hi := min(lo+c.chunk, c.nb)
		w.lo, w.hi = lo, hi
		for p := p0; p < p1; p += step {
			np := min(step, p1-p)
			panel := g*c.panels + p
			t.B = unsafe.Pointer(&r.packed[panel*c.nb*c.kb*Block])
			at := ((panel*c.yh+c.oy+c.osh*s.r0)*c.yw + c.ox + c.osw*s.c0) * Block
			w.y = r.y[s.n0*r.ys+at:]
			w.yImage, w.yRow, w.yPixel = r.ys, c.osh*c.yw*Block, c.osw*Block
			place := w.y
			if r.staged {
				w.stage = &r.stages[worker]
				w.y = w.stage.room()
				w.yImage, w.yRow, w.yPanel = (s.r1-s.r0)*width*Block, width*Block, s.rows()*width*Block
				t.CPS = uintptr(w.yPanel) * 4
			}
			w.res = nil
			t.Bias, t.Clip = nil, simd.Unclipped
			if lo == 0 {
				if r.bias != nil {
					t.Bias = unsafe.Pointer(&r.bias[panel*Block])
				}
				if r.res != nil {
					w.res, w.rImage = r.res[s.n0*r.rs+at:], r.rs
				}
			} else {
				w.res, w.rImage = w.y, r.ys
			}
			clip, clipped := r.act.Clip()
			if hi == c.nb {
				t.Clip = clip
			}
			next := np*c.nb + lo // the next panels' filters; after the last ones the next pass's or task's
			switch {
			case p+np < p1:
			case hi < c.nb:
				next = hi - (p-p0)*c.nb
			default:
				next = np * c.nb
			}
			w.next = next * c.kb * Block * 4
			w.panel = panel
			if r.watch.on() && hi == c.nb {
				w.watch = r.watch
			}
			w.tiles(&t, np)
			if hi < c.nb {
				continue
			}
			if !clipped {
				w.activate(r.act, np, c.fout-p*Block)
			}
			if w.watch != nil {
				w.see(rest/c.groups, np)
			}
			if w.stage != nil {
				w.stage.keep(place, np, s.rows(), width*Block, s.r1-s.r0, r.ys, c.yw*Block, c.yh*c.yw*Block)
			}
		}
	}
}

// A walk goes over the pixels of a strip in tiles. Slices begin at the strip's first pixel; distances
// are in floats.
type walk struct {
	c                    *corr
	offs                 [][2]int
	lo, hi               int // blocks of this pass
	s                    *strip
	x, y, res            []float32
	image, row, pixel    int
	yImage, yRow, yPixel int
	yPanel               int
	rImage               int
	watch                *watch // nil if nobody does
	stage                *stage // nil if results go to their places
	panel                int    // the first that is computed
	next                 int    // bytes from the panel to the filters that are wanted next
}

// tiles runs the micro-kernel over the strip, np panels at a time.
func (w *walk) tiles(t *simd.Tile, np int) {
	width, rows := w.s.c1-w.s.c0, w.s.rows()
	most := simd.MaxRows(np)
	steps := (w.hi - w.lo) * w.c.kb
	if 2*width <= most {
		t.FetchNext((rows+1)/2, np, w.next)
		for e := 0; e < rows; e += 2 {
			x0, y0, r0 := w.at(e)
			next, _, _ := w.at(min(e+2, rows))
			t.Ahead = uintptr(next-x0) * 4
			w.blocks(t, e, min(e+1, rows-1))
			t.A0, t.C0 = unsafe.Pointer(&w.x[x0]), unsafe.Pointer(&w.y[y0])
			if e+1 == rows {
				w.half(t, r0, width)
				t.Run(width, np)
				w.meanwhile(e, 0, width, np)
				return
			}
			x1, y1, r1 := w.at(e + 1)
			t.A1, t.C1 = unsafe.Pointer(&w.x[x1]), unsafe.Pointer(&w.y[y1])
			t.R0, t.R1 = nil, nil
			if w.res != nil {
				t.R0, t.R1 = unsafe.Pointer(&w.res[r0]), unsafe.Pointer(&w.res[r1])
			}
			t.Run(2*width, np)
			t.Fetched(steps)
			w.meanwhile(e, 0, width, np)
			w.meanwhile(e+1, 0, width, np)
		}
		return
	}
	parts := (width + most - 1) / most
	t.FetchNext(rows*parts, np, w.next)
	for e := range rows {
		x, y, r := w.at(e)
		w.blocks(t, e, e)
		for i := range parts {
			c0, c1 := i*width/parts, (i+1)*width/parts
			t.Ahead = uintptr(c1-c0) * t.AMS
			if i+1 == parts {
				next, _, _ := w.at(e + 1)
				t.Ahead = uintptr(next-x-c0*w.pixel) * 4
			}
			t.A0, t.C0 = unsafe.Pointer(&w.x[x+c0*w.pixel]), unsafe.Pointer(&w.y[y+c0*w.yPixel])
			w.half(t, r+c0*w.yPixel, c1-c0)
			t.Run(c1-c0, np)
			t.Fetched(steps)
			w.meanwhile(e, c0, c1, np)
		}
	}
}

// activate takes the activation of the strip's results for np panels, which have so many channels.
func (w *walk) activate(act simd.Activation, np, channels int) {
	for e := range w.s.rows() {
		_, y, _ := w.at(e)
		for p := range np {
			row := w.y[y+p*w.yPanel:][:(w.s.c1-w.s.c0)*Block]
			simd.ActivatePixels(act, row, min(Block, channels-p*Block))
		}
	}
}

// meanwhile has earlier results written to memory, and asks for what the watch will read, beside columns c0 to c1 of row
// e of the results.
func (w *walk) meanwhile(e, c0, c1, np int) {
	if w.stage != nil {
		w.stage.write((c1 - c0) * np)
	}
	if w.watch == nil || w.watch.norm == nil {
		return
	}
	perImage := w.s.r1 - w.s.r0
	for p := range np {
		coming := w.watch.input(w.s.n0+e/perImage, w.panel+p, (w.s.r0+e%perImage)*w.c.yw+w.s.c0+c0, c1-c0)
		coming.fetch(c1 - c0)
	}
}

// see shows the strip's results for np panels to the watch.
func (w *walk) see(part, np int) {
	perImage, size := w.s.r1-w.s.r0, (w.s.c1-w.s.c0)*Block
	for p := range np {
		w.watch.see(w.panel+p, part, w.s.rows(), func(e int) piece {
			_, y, _ := w.at(e)
			return piece{w.y[y+p*w.yPanel:][:size], w.s.n0 + e/perImage, (w.s.r0+e%perImage)*w.c.yw + w.s.c0}
		})
	}
}

// at returns where row e of the strip, counted through its images, begins.
func (w *walk) at(e int) (x, y, r int) {
	perImage := w.s.r1 - w.s.r0
	n := 0
	if e >= perImage {
		n, e = e/perImage, e%perImage
	}
	return n*w.image + e*w.row, n*w.yImage + e*w.yRow, n*w.rImage + e*w.yRow
}

// blocks gives the tile this pass's blocks, without the rows of taps that see nothing but the border
// from the strip's rows e and f. (Plain input has its channels outermost, and no such runs of blocks.)
func (w *walk) blocks(t *simd.Tile, e, f int) {
	c := w.c
	lo, hi := w.lo, w.hi
	if c.copied && !c.plain {
		perImage := w.s.r1 - w.s.r0
		i0, i1 := c.rowsOfTaps(w.s.r0 + e%perImage)
		if f != e {
			j0, j1 := c.rowsOfTaps(w.s.r0 + f%perImage)
			i0, i1 = min(i0, j0), max(i1, j1)
		}
		perRow := c.nb / c.kh
		hi = min(hi, i1*perRow)
		lo = min(max(lo, i0*perRow), hi)
	}
	t.NB = max(0, hi-lo)
	t.Offs = &w.offs[min(lo, len(w.offs)-1)]
}

// rowsOfTaps returns the range of the filters' rows that see the map from output row r.
func (c *corr) rowsOfTaps(r int) (i0, i1 int) {
	y := r*c.sh - c.top
	if y < 0 {
		i0 = min((-y+c.dh-1)/c.dh, c.kh)
	}
	if y < c.h {
		i1 = min((c.h-1-y)/c.dh+1, c.kh)
	}
	return i0, max(i0, i1)
}

// half sets the tile's second run of rows to go on where its first one ends.
func (w *walk) half(t *simd.Tile, r, m int) {
	h := (m + 1) / 2
	if h == m {
		h = 0 // the second run is empty: keep its addresses inside
	}
	t.A1, t.C1 = unsafe.Add(t.A0, uintptr(h)*t.AMS), unsafe.Add(t.C0, uintptr(h)*t.CMS)
	t.R0, t.R1 = nil, nil
	if w.res != nil {
		t.R0 = unsafe.Pointer(&w.res[r])
		t.R1 = unsafe.Add(t.R0, uintptr(h)*t.CMS)
	}
}

// tilePanels returns how many panels at a time cover panels × rows of width pixels with the least
// work: a step of a tile costs a multiply-add for each of its vectors, and no less than its loads
// and the latency of the adder allow.
func tilePanels(width, rows, panels int) int {
	best, _ := cheapest(width, rows, panels)
	return best
}

// cheapest is [tilePanels] with the cost.
func cheapest(width, rows, panels int) (best, least int) {
	best = 1
	for np := 1; np <= min(panels, 4); np++ {
		if simd.MaxRows(np) == 0 {
			continue
		}
		cost := panels/np*stripCost(width, rows, np) + stripCost(width, rows, panels%np)
		if least == 0 || cost < least {
			best, least = np, cost
		}
	}
	return best, least
}

func stripCost(width, rows, np int) int {
	if np == 0 {
		return 0
	}
	most := simd.MaxRows(np)
	if most == 0 {
		return np * stripCost(width, rows, 1)
	}
	cost := func(m int) int { return max(m*np, m+np+2, 8) + 1 + np }
	if 2*width <= most {
		return rows/2*cost(2*width) + rows%2*cost(width)
	}
	parts := (width + most - 1) / most
	return rows * parts * cost((width+parts-1)/parts)
}

// first returns the first block of maps, or plain map, that group g reads.
func (c *corr) first(g int) int {
	if c.plain {
		return g * c.cin
	}
	return g * c.cin / Block
}

// copyWindow copies the input that strip s reads, with zeros around the map: of the blocks from first
// on, b0 to b1.
func (c *corr) copyWindow(dst, x []float32, stride int, s *strip, first, b0, b1 int) {
	vec := c.vec()
	y0, x0 := s.r0*c.sh-c.top, s.c0*c.sw-c.left
	rows, cols := (s.r1-s.r0-1)*c.sh+(c.kh-1)*c.dh+1, (s.c1-s.c0-1)*c.sw+(c.kw-1)*c.dw+1
	lo := min(max(0, -x0), cols) // columns lo to hi lie in the map
	hi := max(lo, min(cols, c.w-x0))
	b1 = min(b1, c.blocks)
	if !c.plain {
		b1 = min(b1, simd.Blocks(c.cin*c.groups)-first)
	}
	for n := s.n0; n < s.n1; n++ {
		for b := b0; b < b1; b++ {
			src := x[n*stride+(first+b)*c.pixels()*vec:]
			to := dst[((n-s.n0)*c.blocks+b)*c.bh*c.bw*vec:]
			if c.thinned.w > 0 {
				c.thinned.copy(to[:cols*vec], src, s.c0)
				continue
			}
			for i := range rows {
				row := to[i*c.bw*vec:][:cols*vec]
				if y0+i < 0 || y0+i >= c.h {
					clear(row)
					continue
				}
				clear(row[:lo*vec])
				if hi > lo {
					copy(row[lo*vec:hi*vec], src[((y0+i)*c.w+x0+lo)*vec:])
				}
				clear(row[hi*vec:])
			}
		}
	}
}

// A zeroRun clears a data gradient before the phases with taps write theirs: more than the pixels that
// stay zero, but in a row.
type zeroRun struct{ y Act }

func (z *zeroRun) do(p *Pool, y Act) {
	z.y = y
	p.Run(y.N*simd.Blocks(y.C), z)
	*z = zeroRun{}
}

// Task clears one block of maps of one image.
func (z *zeroRun) Task(task, _ int) {
	blocks, size := simd.Blocks(z.y.C), z.y.H*z.y.W*Block
	clear(z.y.Data[task/blocks*z.y.Stride+task%blocks*size:][:size])
}

// oneBlock is the offsets of a tile whose k is one block.
var oneBlock [2]int

func ceil(a, b int) int { return (a + b - 1) / b }
