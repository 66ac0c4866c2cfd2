package conv

import (
	"unsafe"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

// pixelwise is forward passes of a few filters on plain images.
var pixelwise = algorithm{
	name: "vectors of pixels",
	forward: func(s Shape, o options) pass {
		if !pixelsCan(s, o.plain) || !o.forced && !pixelsPay(s) {
			return nil
		}
		return newPixelConv(s)
	},
}

// A pixelConv plans the forward pass of a few filters on plain images. Vectors of filters would be mostly
// empty; here the lanes are sixteen pixels of a row of the result. Tiles have filters for rows and such
// runs of several image rows for panels: A are the filters as they are, B is the image, copied with its
// border. The small plain maps that come out, some rows of them at a time, are brought into the blocked
// layout while they are in the first-level cache.
type pixelConv struct {
	s        Shape
	oh, ow   int
	panels   int // image rows of a tile
	rows     int // image rows of a task
	strips   int // tasks of an image
	wide     int // floats of a row of the plain maps
	runs     int // of sixteen pixels in a row; they may overlap
	offs     [][2]int
	input    frame // what a strip reads
	maps     int   // floats of the plain maps
	perGroup int   // filters of a tile
	call     pixelRun
}

// Filters are read as they are, but from a place that stays the same: a copy.
func (c *pixelConv) packedLen() int                    { return c.s.filterLen() }
func (c *pixelConv) pack(_ *Pool, w, packed []float32) { copy(packed, w[:c.s.filterLen()]) }

func (c *pixelConv) scratch(threads int) int { return c.scratchFor(threads, 0) }

func (c *pixelConv) run(p *Pool, a *args, scratch []float32) {
	c.call = pixelRun{x: a.x, w: a.filters, act: a.act, y: a.y}
	c.call.do(p, c, a.bias, a.res, scratch)
}

func (c *pixelConv) pools() bool { return c.strips == 1 }

func (c *pixelConv) pooledScratch(threads int, w Window) int {
	return c.scratchFor(threads, c.poolHeight(w))
}

func (c *pixelConv) runPooled(p *Pool, a *args, w Window, argmax []uint8, scratch []float32) {
	c.call = pixelRun{x: a.x, w: a.filters, act: a.act, y: a.y}
	c.call.pooled(c, w, argmax)
	c.call.do(p, c, a.bias, Act{}, scratch)
}

func pixelsCan(s Shape, plain bool) bool {
	return plain && s.Groups == 1 && s.SW == 1 && s.F <= Block
}

// pixelsPay reports whether vectors of pixels are so much fuller than those of filters that it is worth
// bringing the result into the blocked layout.
func pixelsPay(s Shape) bool {
	return 4*s.F*ceil(s.OutW(), Block) <= 3*s.OutW()
}

func newPixelConv(s Shape) *pixelConv {
	const macs = 1 << 18 // of a task, at least
	c := &pixelConv{s: s, oh: s.OutH(), ow: s.OutW(), panels: 1}
	for np := 2; np <= 4 && np <= c.oh; np++ {
		if simd.MaxRows(np) >= min(s.F, 6) {
			c.panels = np
		}
	}
	most := simd.MaxRows(c.panels)
	c.perGroup = ceil(s.F, ceil(s.F, most))
	perRow := c.ow * s.F * s.C * s.KH * s.KW
	c.rows = min(c.oh, ceil(ceil(macs, perRow), c.panels)*c.panels)
	c.strips = ceil(c.oh, c.rows)
	c.wide, c.runs = max(c.ow, Block), ceil(c.ow, Block)
	c.input = frame{h: s.H, w: s.W, left: s.PadL, bh: (c.rows-1)*s.SH + (s.KH-1)*s.DH + 1, bw: c.ow + (s.KW-1)*s.DW, vec: 1}
	c.maps = alignUp(s.F * c.panels * c.wide)
	for ch := range s.C {
		for i := range s.KH {
			c.offs = append(c.offs, [2]int{(ch*s.KH + i) * s.KW * 4, (ch*c.input.bh + i*s.DH) * c.input.bw * 4})
		}
	}
	return c
}

// framed returns the floats of a strip's input, with a vector's room behind: short rows are read beyond
// their end.
func (c *pixelConv) framed() int { return alignUp(c.input.size(c.s.C)) + Block }

// worker returns the floats of a thread's own scratch space: the input, the plain maps and, if they are to
// be pooled, rows of the result.
func (c *pixelConv) worker(height int) int {
	return c.framed() + c.maps + height*c.ow*Block + apart
}

// scratchFor returns the floats of scratch space where so many rows are pooled at a time.
func (c *pixelConv) scratchFor(threads, height int) int {
	return Block + c.maps + threads*c.worker(height)
}

// poolHeight returns how many rows of an image are pooled at a time: those of a tile, or all of them if
// windows lie across these.
func (c *pixelConv) poolHeight(w Window) int {
	if w.KH == w.SH && w.PadT == 0 && c.panels%w.KH == 0 {
		return c.panels
	}
	return c.oh
}

// pooled lets the results be pooled.
func (r *pixelRun) pooled(c *pixelConv, w Window, argmax []uint8) {
	r.pooling, r.window, r.argmax, r.height = true, w, argmax, c.poolHeight(w)
	r.lo, r.hi = w.Whole(c.ow, r.y.W)
}

// A pixelRun is a call under way.
type pixelRun struct {
	c       *pixelConv
	x, w    []float32
	bias    []float32       // as plain maps, nil for none
	act     simd.Activation // of what is computed so far
	y       Act
	workers []float32

	pooling bool // y is the pooled result
	window  Window
	argmax  []uint8
	lo, hi  int // windows of a row that are whole
	height  int // rows that are pooled at a time

	adding bool // the residual
	res    Act
}

func (r *pixelRun) do(p *Pool, c *pixelConv, bias []float32, residual Act, scratch []float32) {
	scratch = aligned(scratch)
	r.c, r.workers = c, scratch[c.maps:]
	if bias != nil {
		r.bias = scratch[:c.maps]
		size := c.panels * c.wide
		for f := range bias[:c.s.F] {
			simd.Fill(r.bias[f*size:][:size], bias[f])
		}
	}
	act := r.act
	if residual.Data != nil {
		r.act = simd.Activation{}
	}
	p.Run(c.s.N*c.strips, r)
	if residual.Data != nil { // hardly ever: nothing has the shape of a first layer's result before there is one
		r.adding, r.res, r.act = true, residual, act
		p.Run(c.s.N, r)
	}
	*r = pixelRun{}
}

// add adds the residual to an image's result.
func (r *pixelRun) add(n int) {
	image := simd.Blocks(r.c.s.F) * r.c.oh * r.c.ow * Block
	y, res := r.y.Data[n*r.y.Stride:][:image], r.res.Data[n*r.res.Stride:][:image]
	simd.AddTo(res, y)
	simd.ActivatePixels(r.act, y, r.c.s.F)
}

// Task computes a strip of rows of one image.
func (r *pixelRun) Task(task, worker int) {
	if r.adding {
		r.add(task)
		return
	}
	c, s := r.c, &r.c.s
	n, r0 := task/c.strips, task%c.strips*c.rows
	r1 := min(r0+c.rows, c.oh)
	size := c.worker(r.height)
	mine := r.workers[worker*size:][:size]
	x, maps := mine[:c.framed()], mine[c.framed():]
	clear(x)
	c.input.copy(x, r.x[n*s.C*s.H*s.W:], s.C, r0*s.SH-s.PadT)
	t := simd.Tile{
		AMS: uintptr(s.C*s.KH*s.KW) * 4, AKS: 4, NB: len(c.offs), KB: s.KW,
		BKS: uintptr(s.DW) * 4, BPS: uintptr(s.SH*c.input.bw) * 4, CPS: uintptr(c.wide) * 4, CMS: uintptr(c.panels*c.wide) * 4,
	}
	t.Offs = &c.offs[0]
	clip, clipped := r.act.Clip()
	t.Clip = clip
	convert := simd.Loops().ToBlocked
	for row := r0; row < r1; row += c.panels {
		np := min(c.panels, r1-row)
		for f := 0; f < s.F; f += c.perGroup {
			m := min(c.perGroup, s.F-f)
			half := (m + 1) / 2
			t.A0 = unsafe.Pointer(&r.w[f*s.C*s.KH*s.KW])
			t.A1 = t.A0
			if half < m {
				t.A1 = unsafe.Add(t.A0, uintptr(half)*t.AMS)
			}
			for run := range c.runs {
				from := min(run*Block, c.wide-Block)
				at := f*c.panels*c.wide + from
				other := at
				if half < m {
					other += half * c.panels * c.wide
				}
				t.B = unsafe.Pointer(&x[(row-r0)*s.SH*c.input.bw+from])
				t.C0, t.C1 = unsafe.Pointer(&maps[at]), unsafe.Pointer(&maps[other])
				if r.bias != nil {
					t.R0, t.R1 = unsafe.Pointer(&r.bias[at]), unsafe.Pointer(&r.bias[other])
				}
				t.Run(m, np)
			}
		}
		y := maps[c.maps:]
		if r.pooling {
			y = y[row%r.height*c.ow*Block:]
		} else {
			y = r.y.Data[n*r.y.Stride+row*c.ow*Block:]
		}
		if c.wide == c.ow {
			convert(&maps[0], &y[0], c.panels*c.wide, np*c.ow, s.F)
		} else {
			for i := range np {
				convert(&maps[i*c.wide], &y[i*c.ow*Block], c.panels*c.wide, c.ow, s.F)
			}
		}
		if !clipped {
			simd.ActivatePixels(r.act, y[:np*c.ow*Block], s.F)
		}
		if end := row + np; r.pooling && (end%r.height == 0 || end == c.oh) {
			r.poolRows(n, (end-1)/r.height*r.height, end, maps[c.maps:])
		}
	}
}

// poolRows pools the windows that begin in rows from..to of image n's result.
func (r *pixelRun) poolRows(n, from, to int, rows []float32) {
	big, y := Act{Data: rows, N: 1, C: r.y.C, H: to - from, W: r.c.ow}, &r.y
	first := from / r.window.SH
	small := Act{Data: y.Data[n*y.Stride+first*y.W*Block:], N: 1, C: y.C, H: y.H - first, W: y.W}
	if to < r.c.oh {
		small.H = (to - from) / r.window.SH
	}
	argmax := r.argmax
	if argmax != nil {
		argmax = argmax[(n*y.H+first)*y.W*Block:]
	}
	for row := range small.H {
		r.window.MaxRow(&big, &small, 0, row, r.lo, r.hi, argmax)
	}
}

// A frame is room for maps and the zeros around them that filters see.
type frame struct {
	h, w   int // of a map
	left   int // columns of zeros in front
	bh, bw int // rows and columns of the frame
	vec    int // floats of a pixel
}

// size returns the floats of so many maps in their frames.
func (f *frame) size(maps int) int { return maps * f.bh * f.bw * f.vec }

// fill brings a map, or a block of maps, into its frame in dst, and zeros around it. The frame's first row is row y0 of
// the map; left and right, columns may be cut off.
func (f *frame) fill(dst, x []float32, y0 int) {
	skip := max(0, -f.left)              // columns of the map before the frame
	lo := min(max(0, f.left), f.bw)      // columns of zeros before the map
	hi := max(lo, min(f.bw, f.left+f.w)) // the first column of zeros behind it
	for i := range f.bh {
		row := dst[i*f.bw*f.vec:][:f.bw*f.vec]
		if y0+i < 0 || y0+i >= f.h {
			clear(row)
			continue
		}
		clear(row[:lo*f.vec])
		if hi > lo {
			copy(row[lo*f.vec:hi*f.vec], x[((y0+i)*f.w+skip)*f.vec:])
		}
		clear(row[hi*f.vec:])
	}
}

// copy brings maps of x into their frames in dst, which are zero where no map is. The frame's first row
// is row y0 of a map.
func (f *frame) copy(dst, x []float32, maps, y0 int) {
	width := min(f.w, f.bw-f.left) * f.vec // of a row, as far as filters reach
	if width <= 0 {
		return
	}
	for m := range maps {
		for i := max(0, -y0); i < min(f.bh, f.h-y0); i++ {
			copy(dst[((m*f.bh+i)*f.bw+f.left)*f.vec:], x[(m*f.h+y0+i)*f.w*f.vec:][:width])
		}
	}
}
