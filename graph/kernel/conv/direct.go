package conv

import (
	"unsafe"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

// direct is the direct sum, as products of matrices that nobody writes down: it takes every shape.
var direct = algorithm{
	name: "the direct sum",
	forward: func(s Shape, o options) pass {
		c := forwardCorr(s, o.plain)
		c.thin()
		c.plan()
		return &directPass{phases: []*corr{c}}
	},
	dataGrad: func(s Shape, o options) pass {
		phases := gradCorrs(s)
		return &directPass{phases: phases, gaps: len(phases) < min(s.SH, s.H)*min(s.SW, s.W)}
	},
	filterGrad: func(s Shape, o options) filterPass { return newFilterGrad(s, o.plain) },
}

// A directPass is a forward pass, which is one correlation, or a data gradient: one with stride 1 for each phase of
// the stride that taps reach.
type directPass struct {
	phases []*corr
	gaps   bool // there are pixels between the strides, which no tap has read

	packing packRun
	zeroing zeroRun
	call    corrRun
	stages  stages
}

func (d *directPass) packedLen() int {
	n := 0
	for _, c := range d.phases {
		n += c.packedLen()
	}
	return n
}

func (d *directPass) pack(p *Pool, w, packed []float32) { d.packing.run(p, d.phases, w, packed) }

func (d *directPass) scratch(threads int) int {
	n := 0
	for _, c := range d.phases {
		n = max(n, c.scratch(threads))
	}
	return n
}

func (d *directPass) run(p *Pool, a *args, scratch []float32) {
	if d.gaps && a.res.Data == nil {
		d.zeroing.do(p, a.y)
	}
	for _, c := range d.phases {
		d.call = corrRun{
			x: a.x, xs: a.xs, packed: a.filters[c.packedAt:], res: a.res.Data, rs: a.res.Stride,
			y: a.y.Data, ys: a.y.Stride, act: a.act, aligned: a.y.OnLines(), watch: &a.watch, stages: d.stages,
		}
		d.call.do(p, c, a.bias, scratch)
		d.stages = d.call.stages
		d.call = corrRun{} // let go of the caller's memory
	}
}

// watchedParts are strips. Results of several phases lie between each other.
func (d *directPass) watchedParts() int {
	if len(d.phases) != 1 || d.phases[0].stage == 0 {
		return 0
	}
	return len(d.phases[0].strips)
}

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
	thinned  thinned
	shared   bool // by tasks of their own, for all that read it
	bh, bw   int  // the largest window
	window   int  // floats of it
	stage    int  // floats of a strip's results that are to be written past the caches; 0 if they are not
	strips   []strip
	perTask  int // panels of a task
	subtasks int // tasks of a strip and a group

	filter   filterIndex
	packedAt int // floats of the packed filters of the phases before
}

// A thinned map is one of which a 1×1 filter with strides sees some pixels only. They are copied side by side, so that tiles may
// cross their rows.
type thinned struct {
	h, w   int // of the map, 0 if it is read where it is
	ow     int // columns of what is seen of it
	sh, sw int
}

// copy copies what is seen of a map, from pixel from on, to dst.
func (t thinned) copy(dst, x []float32, from int) {
	r, s := from/t.ow, from%t.ow
	for len(dst) > 0 {
		row := x[(r*t.sh*t.w+s*t.sw)*Block:]
		n := min(t.ow-s, len(dst)/Block)
		for i := range n {
			*(*[Block]float32)(dst[i*Block:]) = *(*[Block]float32)(row[i*t.sw*Block:])
		}
		dst, r, s = dst[n*Block:], r+1, 0
	}
}

// thin copies what a 1×1 filter with strides sees of blocked maps, if tiles that end with the rows are too short: rows of seven
// pixels make tiles of four and three where six fit (AVX2), and pairs of rows whole ones where fourteen do (AVX-512).
func (c *corr) thin() {
	if c.plain || c.kh*c.kw > 1 || c.sh*c.sw == 1 || c.top != 0 || c.left != 0 || (c.oh-1)*c.sh >= c.h || (c.ow-1)*c.sw >= c.w {
		return
	}
	panels := simd.Blocks(c.fout)
	_, apart := cheapest(c.ow, c.oh, panels)
	if _, across := cheapest(c.oh*c.ow, 1, panels); 10*across < 9*apart {
		c.thinned = thinned{c.h, c.w, c.ow, c.sh, c.sw}
		c.h, c.w, c.sh, c.sw = c.oh, c.ow, 1, 1
	}
}

// pixels returns those of an input map.
func (c *corr) pixels() int {
	if c.thinned.w > 0 {
		return c.thinned.h * c.thinned.w
	}
	return c.h * c.w
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

// forwardCorr returns the correlation of a forward pass, which is still to be planned.
func forwardCorr(s Shape, plain bool) *corr {
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
	return c
}

// gradCorrs plans the data gradient: the input pixels of one phase of the strides (row sh·q+r, say)
// are reached by taps a fixed distance apart, so each phase is a stride-1 correlation of its own.
func gradCorrs(s Shape) []*corr {
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
			if c.kh == 0 || c.kw == 0 {
				continue // pixels between the strides
			}
			c.plan()
			if len(all) > 0 {
				last := all[len(all)-1]
				c.packedAt = last.packedAt + last.packedLen()
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
	c.panels = simd.Blocks(c.fout)
	c.copied = c.thinned.w > 0 || c.top > 0 || (c.oh-1)*c.sh+(c.kh-1)*c.dh-c.top >= c.h ||
		c.left > 0 || (c.ow-1)*c.sw+(c.kw-1)*c.dw-c.left >= c.w
	c.blocks = c.cin
	if !c.plain {
		c.blocks = simd.Blocks(c.cin)
		if c.cin%Block != 0 && c.groups > 1 {
			c.blocks++ // a group may begin inside of a block
		}
		c.blocks = min(c.blocks, simd.Blocks(c.cin*c.groups))
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
		macs   = 1 << 18   // of a strip, at least
		panel  = 1 << 20   // and of a task for some of the panels
		small  = 160 << 10 // bytes of filters that each thread may read, rather than all pixels
		enough = 32        // tasks
	)
	total := c.n * c.oh * c.ow
	work := total * c.panels * Block * c.nb * c.kb * c.groups
	least := 112
	if c.packedLen()*4 <= small {
		least = min(least, total/2)
	}
	size := min(pixels, max(least, total*c.groups/min(enough, max(1, work/macs)))) // pixels of a strip
	perPixel := c.cin * 4 * c.sh * c.sw
	if !c.copied { // then the maps may stay where they are, and a pass needs but its own channels
		perPixel = min(c.cin, c.chunk*c.kb) * 4
	}
	size = max(min(size, window/max(1, perPixel)), 14)

	c.strips = cutStrips(c.n, c.oh, c.ow, size)
	c.subtasks = min((c.panels+1)/2, max(1, min(enough, work/panel)/(len(c.strips)*c.groups)))
	c.perTask = (c.panels + c.subtasks - 1) / c.subtasks
	if c.perTask > 2 && c.subtasks > 1 {
		c.perTask += c.perTask & 1
	}
	c.subtasks = (c.panels + c.perTask - 1) / c.perTask
	c.bh, c.bw = c.h, c.w
	if c.copied {
		images, rows, cols := largest(c.strips)
		c.bh, c.bw = (rows-1)*c.sh+(c.kh-1)*c.dh+1, (cols-1)*c.sw+(c.kw-1)*c.dw+1
		c.window = alignUp(images*c.blocks*c.bh*c.bw*c.vec()) + apart
	}
	c.shared = c.copied && c.subtasks > 1
	if c.nb <= c.chunk && c.together() && simd.Streams(c.n*c.yh*c.yw*c.groups*c.panels*simd.PixelBytes) {
		images, rows, cols := largest(c.strips)
		c.stage = images*rows*cols*min(c.perTask, simd.MostPanels())*Block + apart
	}
}

// together reports whether results lie side by side, and are all there are in their maps.
func (c *corr) together() bool {
	return c.osh == 1 && c.osw == 1 && c.oy == 0 && c.ox == 0 && c.oh == c.yh && c.ow == c.yw
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
	if in*ir*ic%2 != 0 && ir > 1 && ir < rows {
		ir++ // as much for one thread as for the other
	}
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
			for i := range c.kh {
				for ch := range c.nb / (c.kh * c.kw) {
					at := first + ch*c.kb
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
	return Block + c.groups*c.panels*Block + windows*c.window + 2*threads*c.stage
}

// apart is how many floats lie between what one thread writes and what another does: a page, as a
// processor that follows the first one's writes fetches what lies behind them, up to the page's end.
const apart = 1024

func alignUp(floats int) int { return (floats + Block - 1) / Block * Block }

// aligned returns the part of scratch that begins on a cache line. It may be up to 15 floats shorter.
func aligned(scratch []float32) []float32 {
	if len(scratch) == 0 {
		return scratch
	}
	skip := -(uintptr(unsafe.Pointer(&scratch[0])) / 4) % Block
	return scratch[min(int(skip), len(scratch)):]
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
	whole := simd.Blocks(channels) * Block
	if 2*whole+whole/Block <= 2*channels+channels/kb {
		return Block, whole / Block
	}
	return kb, channels / kb
}
