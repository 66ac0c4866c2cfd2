package kernel

import "unsafe"

// A corr plans the correlation of a batch of maps with packed filters: the forward pass, and each
// phase of the data gradient.
//
//	y[oy+osh·r][ox+osw·s][o] = Σ_c Σ_i Σ_j x[sh·r+dh·i−top][sw·s+dw·j−left][c] · filter[o][c][i][j]
//
// for r < oh, s < ow and, with zeros outside of x, any sign of top and left. A call is a number of
// tasks; a task is a strip of output pixels for some output panels of one group. If its window of the
// input reaches over the border of the map, the window is copied into scratch space with zeros
// around it. Then come tiles, whose k runs over blocks: up to sixteen channels under one tap or, for
// plain input, one channel's row of taps.
type corr struct {
	n      int
	plain  bool
	groups int // after merging those whose outputs do not fill panels
	cin    int // channels of a group
	fout   int // outputs of a group
	h, w   int
	oh, ow int

	kh, kw, dh, dw, sh, sw, top, left int

	yh, yw, osh, osw, oy, ox int // the whole output map, and where our pixels lie in it

	kb, nb   int // steps of a block, blocks
	chunk    int // blocks of one pass over the tiles
	panels   int // of a group
	offs     [][][2]int
	blocks   int  // of input channels that a group's window touches
	copied   bool // the input window is copied, with its border
	shared   bool // by tasks of their own, for all that read it
	bh, bw   int  // the largest window
	window   int  // floats of it
	strips   []strip
	perTask  int // panels of a task
	subtasks int // tasks of a strip and a group

	filter filterIndex
}

// A strip is a box of output pixels: images, rows, columns.
type strip struct{ n0, n1, r0, r1, c0, c1 int }

func (s strip) rows() int { return (s.n1 - s.n0) * (s.r1 - s.r0) }

// A filterIndex says where in the plain filters a packed element comes from.
type filterIndex struct {
	merged         int   // original groups in one of ours
	group          int   // floats from an original group to the next
	output, input  int   // floats from an output (input) channel to the next
	tap            []int // floats to each tap
	backward       bool  // outputs are the filters' channels: taps may be missing, or in any order
	outLen, inpLen int   // channels of an original group
}

// mergeGroups returns how many neighbouring groups to treat as one, so that outputs come in whole
// panels: a dense filter with zeros.
func mergeGroups(groups, outputs int) int {
	for j := 1; j < groups; j++ {
		if groups%j == 0 && outputs*j%Block == 0 {
			return j
		}
	}
	return groups
}

func forwardCorr(s ConvShape, plain bool) *corr {
	taps := s.KH * s.KW
	f := filterIndex{outLen: s.F / s.Groups, inpLen: s.C / s.Groups, input: taps}
	f.output = f.inpLen * taps
	f.group = f.outLen * f.output
	f.merged = 1
	if s.Groups > 1 && f.outLen%Block != 0 {
		f.merged = mergeGroups(s.Groups, f.outLen)
	}
	for t := range taps {
		f.tap = append(f.tap, t)
	}
	c := &corr{
		n: s.N, plain: plain, groups: s.Groups / f.merged, cin: f.inpLen * f.merged, fout: f.outLen * f.merged,
		h: s.H, w: s.W, oh: s.OutH(), ow: s.OutW(),
		kh: s.KH, kw: s.KW, dh: s.DH, dw: s.DW, sh: s.SH, sw: s.SW, top: s.PadT, left: s.PadL,
		osh: 1, osw: 1, filter: f,
	}
	c.yh, c.yw = c.oh, c.ow
	c.plan()
	return c
}

// gradCorrs plans the data gradient: the input pixels of one phase of the strides (row sh·q+r, say)
// are reached by taps a fixed distance apart, so each phase is a stride-1 correlation of its own.
func gradCorrs(s ConvShape) []*corr {
	taps := s.KH * s.KW
	f := filterIndex{outLen: s.C / s.Groups, inpLen: s.F / s.Groups, output: taps, backward: true}
	f.input = f.outLen * taps
	f.group = f.inpLen * f.input
	f.merged = 1
	if s.Groups > 1 && f.outLen%Block != 0 {
		f.merged = mergeGroups(s.Groups, f.outLen)
	}
	var all []*corr
	for r := range min(s.SH, s.H) {
		v := gradPhase(r, s.H, s.KH, s.SH, s.DH, s.PadT)
		for q := range min(s.SW, s.W) {
			u := gradPhase(q, s.W, s.KW, s.SW, s.DW, s.PadL)
			c := &corr{
				n: s.N, groups: s.Groups / f.merged, cin: f.inpLen * f.merged, fout: f.outLen * f.merged,
				h: s.OutH(), w: s.OutW(), oh: v.outputs, ow: u.outputs,
				kh: len(v.taps), kw: len(u.taps), dh: v.step, dw: u.step, sh: 1, sw: 1, top: v.pad, left: u.pad,
				yh: s.H, yw: s.W, osh: s.SH, osw: s.SW, oy: r, ox: q, filter: f,
			}
			for _, i := range v.taps {
				for _, j := range u.taps {
					c.filter.tap = append(c.filter.tap, i*s.KW+j)
				}
			}
			if c.kh > 0 && c.kw > 0 {
				c.plan()
			}
			all = append(all, c)
		}
	}
	return all
}

// A gradTaps is one dimension of a phase of the data gradient: which taps reach its pixels, in the order
// of the output pixels that they connect to, how far apart those are, and the padding in front.
type gradTaps struct {
	outputs, step, pad int
	taps               []int
}

func gradPhase(r, size, taps, stride, dilation, pad int) gradTaps {
	p := gradTaps{outputs: (size - r + stride - 1) / stride, step: 1}
	last := 0 // output pixel that tap t connects the phase's pixel 0 to
	for t := taps - 1; t >= 0; t-- {
		d := r + pad - t*dilation
		if d%stride != 0 {
			continue
		}
		if len(p.taps) == 0 {
			p.pad = -d / stride
		} else {
			p.step = d/stride - last
		}
		last = d / stride
		p.taps = append(p.taps, t)
	}
	return p
}

// plan completes a corr whose geometry is set. All its choices hang on the shape (and the family),
// not on the threads.
func (c *corr) plan() {
	if c.kh == 1 && c.kw == 1 && c.sh == 1 && c.sw == 1 && c.osh == 1 && c.osw == 1 && c.top == 0 && c.left == 0 &&
		c.oh == c.h && c.ow == c.w && c.yh == c.oh && c.yw == c.ow {
		c.w *= c.h // a 1×1 filter sees no rows: tiles may cross them
		c.h = 1
		c.oh, c.ow, c.yh, c.yw = 1, c.w, 1, c.w
	}
	c.panels = Blocks(c.fout)
	c.copied = c.top > 0 || (c.oh-1)*c.sh+(c.kh-1)*c.dh-c.top >= c.h ||
		c.left > 0 || (c.ow-1)*c.sw+(c.kw-1)*c.dw-c.left >= c.w
	c.blocks = c.cin
	if !c.plain {
		c.blocks = Blocks(c.cin)
		if c.cin%Block != 0 && c.groups > 1 {
			c.blocks++ // a group may begin inside of a block
		}
		c.blocks = min(c.blocks, Blocks(c.cin*c.groups))
	}
	c.planSteps()
	c.planTasks()
	c.planOffsets()
}

// planSteps chooses how the k of the tiles is cut into blocks.
func (c *corr) planSteps() {
	switch {
	case c.plain:
		c.kb, c.nb = c.kw, c.cin*c.kh
	case c.groups == 1:
		kb, nb := channelSteps(c.cin)
		c.kb, c.nb = kb, nb*c.kh*c.kw
	default: // a block of another group's channels has no zeros to offer
		c.kb = Block
		for c.cin%c.kb != 0 {
			c.kb /= 2
		}
		c.nb = c.cin / c.kb * c.kh * c.kw
	}
	const steps = 320 // two panels of them stay in the first-level cache
	chunks := max(1, (c.nb*c.kb+steps/2)/steps)
	c.chunk = (c.nb + chunks - 1) / chunks
}

// planTasks cuts the output into strips, and panels into runs, for balance and for the caches.
func (c *corr) planTasks() {
	const (
		pixels = 224       // of a strip: filters stream from the outer caches once for each strip
		window = 384 << 10 // bytes of a strip's input
		macs   = 1 << 20   // of a task, at least
		enough = 32        // tasks
	)
	total := c.n * c.oh * c.ow
	work := total * c.panels * Block * c.nb * c.kb * c.groups
	want := min(enough, max(1, work/macs))
	size := min(pixels, max(112, total*c.groups/want)) // pixels of a strip
	perPixel := c.cin * 4 * c.sh * c.sw
	size = max(min(size, window/max(1, perPixel)), 14)

	c.strips = cutStrips(c.n, c.oh, c.ow, size)
	c.subtasks = min((c.panels+1)/2, max(1, want/(len(c.strips)*c.groups)))
	c.perTask = (c.panels + c.subtasks - 1) / c.subtasks
	if c.perTask > 2 && c.subtasks > 1 {
		c.perTask += c.perTask & 1
	}
	c.subtasks = (c.panels + c.perTask - 1) / c.perTask
	c.bh, c.bw = c.h, c.w
	if c.copied {
		images, rows, cols := largest(c.strips)
		c.bh, c.bw = (rows-1)*c.sh+(c.kh-1)*c.dh+1, (cols-1)*c.sw+(c.kw-1)*c.dw+1
		c.window = alignUp(images * c.blocks * c.bh * c.bw * c.vec())
	}
	c.shared = c.copied && c.subtasks > 1
}

// largest returns the most images, rows and columns of any strip.
func largest(strips []strip) (images, rows, cols int) {
	for _, s := range strips {
		images, rows, cols = max(images, s.n1-s.n0), max(rows, s.r1-s.r0), max(cols, s.c1-s.c0)
	}
	return images, rows, cols
}

// cutStrips cuts the output into strips of about size pixels: some images, some rows of an image, or,
// where rows are long, a part of one.
func cutStrips(n, rows, cols, size int) []strip {
	images, height, width := 1, rows, cols
	switch {
	case cols > size+size/2:
		height, width = 1, size
	case size >= 2*rows*cols:
		images = size / (rows * cols)
	default:
		height = min(rows, max(1, (size+cols/2)/cols))
	}
	var all []strip
	in, ir, ic := (n+images-1)/images, (rows+height-1)/height, (cols+width-1)/width
	for i := range in {
		for j := range ir {
			for k := range ic {
				all = append(all, strip{i * n / in, (i + 1) * n / in, j * rows / ir, (j + 1) * rows / ir, k * cols / ic, (k + 1) * cols / ic})
			}
		}
	}
	return all
}

// planOffsets lists the blocks: where each begins in the input window, and in a packed panel.
// A group that begins inside of a block of channels has a list of its own.
func (c *corr) planOffsets() {
	lists := 1
	if !c.plain && c.groups > 1 && c.cin%Block != 0 {
		lists = c.groups
	}
	c.offs = make([][][2]int, lists)
	for g := range c.offs {
		list := make([][2]int, 0, c.nb)
		add := func(at int) { list = append(list, [2]int{at * 4, len(list) * c.kb * Block * 4}) }
		if c.plain {
			for ch := range c.cin {
				for i := range c.kh {
					add((ch*c.bh + i*c.dh) * c.bw)
				}
			}
		} else {
			first := g * c.cin % Block
			for ch := 0; len(list) < c.nb; ch += c.kb {
				at := first + ch
				for i := range c.kh {
					for j := range c.kw {
						add(((at/Block*c.bh+i*c.dh)*c.bw+j*c.dw)*Block + at%Block)
					}
				}
			}
		}
		c.offs[g] = list
	}
}

func (c *corr) packedLen() int {
	if c.kh == 0 || c.kw == 0 {
		return 0
	}
	return c.groups * c.panels * c.nb * c.kb * Block
}

// vec returns the floats of a pixel in one map, or block of maps.
func (c *corr) vec() int {
	if c.plain {
		return 1
	}
	return Block
}

func (c *corr) scratch(threads int) int {
	windows := threads
	if c.shared {
		windows = len(c.strips) * c.groups
	}
	return Block + c.groups*c.panels*Block + windows*c.window
}

func alignUp(floats int) int { return (floats + Block - 1) / Block * Block }

// aligned returns the part of scratch that begins on a cache line. It may be up to 15 floats shorter.
func aligned(scratch []float32) []float32 {
	if len(scratch) == 0 {
		return scratch
	}
	skip := -(uintptr(unsafe.Pointer(&scratch[0])) / 4) % Block
	return scratch[min(int(skip), len(scratch)):]
}

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
	relu         bool
	windows      []float32
	copying      bool
}

// copyBlocks is how many blocks of channels (or plain channels) a copying task takes.
const copyBlocks = 8

func (r *corrRun) do(p *Pool, c *corr, bias, scratch []float32) {
	r.c = c
	scratch = aligned(scratch)
	if bias != nil { // groups of ours have whole panels, or there is only one: the bias stays in order
		r.bias = scratch[:c.groups*c.panels*Block]
		clear(r.bias[copy(r.bias, bias[:c.groups*c.fout]):])
	}
	r.windows = scratch[c.groups*c.panels*Block:]
	if c.shared {
		r.copying = true
		p.Run(len(c.strips)*c.groups*c.copies(), r)
		r.copying = false
	}
	p.Run(len(c.strips)*c.groups*c.subtasks, r)
	*r = corrRun{} // let go of the caller's memory
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

	var t tile
	t.aks = 4
	if c.plain {
		t.aks = uintptr(c.dw) * 4
	}
	t.ams = uintptr(w.pixel) * 4
	t.kb = c.kb
	t.bks = Block * 4
	t.bps = uintptr(c.nb*c.kb*Block) * 4
	t.cms = uintptr(c.osw*Block) * 4
	t.cps = uintptr(c.yh*c.yw*Block) * 4
	width := s.c1 - s.c0
	step := tilePanels(width, s.rows(), p1-p0)
	offs := c.offs[g%len(c.offs)]
	for lo := 0; lo < c.nb; lo += c.chunk {
		hi := min(lo+c.chunk, c.nb)
		t.offs, t.nb = &offs[lo], hi-lo
		for p := p0; p < p1; p += step {
			np := min(step, p1-p)
			panel := g*c.panels + p
			t.b = unsafe.Pointer(&r.packed[panel*c.nb*c.kb*Block])
			at := ((panel*c.yh+c.oy+c.osh*s.r0)*c.yw + c.ox + c.osw*s.c0) * Block
			w.y = r.y[s.n0*r.ys+at:]
			w.yImage, w.yRow, w.yPixel = r.ys, c.osh*c.yw*Block, c.osw*Block
			w.res = nil
			t.bias, t.relu = nil, 0
			if lo == 0 {
				if r.bias != nil {
					t.bias = unsafe.Pointer(&r.bias[panel*Block])
				}
				if r.res != nil {
					w.res, w.rImage = r.res[s.n0*r.rs+at:], r.rs
				}
			} else {
				w.res, w.rImage = w.y, r.ys
			}
			if r.relu && hi == c.nb {
				t.relu = 1
			}
			w.tiles(&t, np)
		}
	}
}

// channelSteps cuts the k of channels channels into blocks: whole ones whose last lanes are zeros, or
// small ones with nothing in vain. A block costs about as much as half a step.
func channelSteps(channels int) (kb, nb int) {
	if channels <= Block {
		return channels, 1
	}
	kb = Block
	for channels%kb != 0 {
		kb /= 2
	}
	whole := Blocks(channels) * Block
	if 2*whole+whole/Block <= 2*channels+channels/kb {
		return Block, whole / Block
	}
	return kb, channels / kb
}

// A walk goes over the pixels of a strip in tiles. Slices begin at the strip's first pixel; distances
// are in floats.
type walk struct {
	s                    *strip
	x, y, res            []float32
	image, row, pixel    int
	yImage, yRow, yPixel int
	rImage               int
}

// tiles runs the micro-kernel over the strip, np panels at a time.
func (w *walk) tiles(t *tile, np int) {
	width, rows := w.s.c1-w.s.c0, w.s.rows()
	most := maxRows(np)
	if 2*width <= most {
		for e := 0; e < rows; e += 2 {
			x0, y0, r0 := w.at(e)
			t.a0, t.c0 = unsafe.Pointer(&w.x[x0]), unsafe.Pointer(&w.y[y0])
			if e+1 == rows {
				w.half(t, r0, width)
				runTile(t, width, np)
				return
			}
			x1, y1, r1 := w.at(e + 1)
			t.a1, t.c1 = unsafe.Pointer(&w.x[x1]), unsafe.Pointer(&w.y[y1])
			t.r0, t.r1 = nil, nil
			if w.res != nil {
				t.r0, t.r1 = unsafe.Pointer(&w.res[r0]), unsafe.Pointer(&w.res[r1])
			}
			runTile(t, 2*width, np)
		}
		return
	}
	parts := (width + most - 1) / most
	for e := range rows {
		x, y, r := w.at(e)
		for i := range parts {
			c0, c1 := i*width/parts, (i+1)*width/parts
			t.a0, t.c0 = unsafe.Pointer(&w.x[x+c0*w.pixel]), unsafe.Pointer(&w.y[y+c0*w.yPixel])
			w.half(t, r+c0*w.yPixel, c1-c0)
			runTile(t, c1-c0, np)
		}
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

// half sets the tile's second run of rows to go on where its first one ends.
func (w *walk) half(t *tile, r, m int) {
	h := (m + 1) / 2
	if h == m {
		h = 0 // the second run is empty: keep its addresses inside
	}
	t.a1, t.c1 = unsafe.Add(t.a0, uintptr(h)*t.ams), unsafe.Add(t.c0, uintptr(h)*t.cms)
	t.r0, t.r1 = nil, nil
	if w.res != nil {
		t.r0 = unsafe.Pointer(&w.res[r])
		t.r1 = unsafe.Add(t.r0, uintptr(h)*t.cms)
	}
}

// tilePanels returns how many panels at a time cover panels × rows of width pixels with the least
// work: a step of a tile costs a multiply-add for each of its vectors, and no less than its loads
// and the latency of the adder allow.
func tilePanels(width, rows, panels int) int {
	best, least := 1, 0
	for np := 1; np <= min(panels, 4); np++ {
		if maxRows(np) == 0 {
			continue
		}
		cost := panels/np*stripCost(width, rows, np) + stripCost(width, rows, panels%np)
		if least == 0 || cost < least {
			best, least = np, cost
		}
	}
	return best
}

func stripCost(width, rows, np int) int {
	if np == 0 {
		return 0
	}
	most := maxRows(np)
	if most == 0 {
		return np * stripCost(width, rows, 1)
	}
	cost := func(m int) int { return max(m*np, m+np+2, 8) + 1 }
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
		b1 = min(b1, Blocks(c.cin*c.groups)-first)
	}
	for n := s.n0; n < s.n1; n++ {
		for b := b0; b < b1; b++ {
			src := x[n*stride+(first+b)*c.h*c.w*vec:]
			to := dst[((n-s.n0)*c.blocks+b)*c.bh*c.bw*vec:]
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

// A zeroRun clears the pixels of a data gradient's phase that no tap reaches.
type zeroRun struct {
	c *corr
	y Act
}

func (z *zeroRun) do(p *Pool, c *corr, y Act) {
	z.c, z.y = c, y
	p.Run(y.N*Blocks(y.C), z)
	*z = zeroRun{}
}

// Task clears one block of maps of one image.
func (z *zeroRun) Task(task, _ int) {
	c, blocks := z.c, Blocks(z.y.C)
	maps := z.y.Data[task/blocks*z.y.Stride+task%blocks*c.yh*c.yw*Block:]
	for i := c.oy; i < c.yh; i += c.osh {
		for j := c.ox; j < c.yw; j += c.osw {
			*(*[Block]float32)(maps[(i*c.yw+j)*Block:]) = [Block]float32{}
		}
	}
}
