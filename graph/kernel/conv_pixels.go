package kernel

import "unsafe"

// A pixelConv plans the forward pass of a few filters on plain images. Vectors of filters would be mostly
// empty; here the lanes are sixteen pixels of a row of the result. Tiles have filters for rows and such
// runs of several image rows for panels: A are the filters as they are, B is the image, copied with its
// border. The small plain maps that come out, some rows of them at a time, are brought into the blocked
// layout while they are in the first-level cache.
type pixelConv struct {
	s        ConvShape
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
}

func pixelsCan(s ConvShape, plain bool) bool {
	return plain && s.Groups == 1 && s.SW == 1 && s.F <= Block
}

// pixelsPay reports whether vectors of pixels are so much fuller than those of filters that it is worth
// bringing the result into the blocked layout.
func pixelsPay(s ConvShape) bool {
	return 4*s.F*ceil(s.OutW(), Block) <= 3*s.OutW()
}

func newPixelConv(s ConvShape) *pixelConv {
	const macs = 1 << 18 // of a task, at least
	c := &pixelConv{s: s, oh: s.OutH(), ow: s.OutW(), panels: 1}
	for np := 2; np <= 4 && np <= c.oh; np++ {
		if maxRows(np) >= min(s.F, 6) {
			c.panels = np
		}
	}
	most := maxRows(c.panels)
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

func (c *pixelConv) scratch(threads, height int) int {
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
	x := Act{N: r.y.N, C: r.y.C, H: c.oh, W: c.ow}
	r.pooling, r.height = true, c.poolHeight(w)
	r.pool.pooling = pooling{w: w, big: x, small: r.y, argmax: argmax}
	r.pool.lo, r.pool.hi = w.whole(c.ow, r.y.W)
}

// A pixelRun is a call under way.
type pixelRun struct {
	c       *pixelConv
	x, w    []float32
	bias    []float32 // as plain maps, nil for none
	relu    bool
	y       Act
	workers []float32

	pooling bool // y is the pooled result
	pool    maxPool
	height  int // rows that are pooled at a time
}

func (r *pixelRun) do(p *Pool, c *pixelConv, bias []float32, residual *Act, scratch []float32) {
	scratch = aligned(scratch)
	r.c, r.workers = c, scratch[c.maps:]
	if bias != nil {
		r.bias = scratch[:c.maps]
		size := c.panels * c.wide
		for f, b := range bias[:c.s.F] {
			for i := range r.bias[f*size:][:size] {
				r.bias[f*size+i] = b
			}
		}
	}
	relu := r.relu
	r.relu = relu && residual == nil
	p.Run(c.s.N*c.strips, r)
	if residual != nil { // hardly ever: nothing has the shape of a first layer's result before there is one
		image := Blocks(c.s.F) * c.oh * c.ow * Block
		for n := range c.s.N {
			y, res := r.y.Data[n*r.y.Stride:][:image], residual.Data[n*residual.Stride:][:image]
			if relu {
				AddReLU(p, y, res, y)
			} else {
				Add(p, y, res, y)
			}
		}
	}
	*r = pixelRun{}
}

// Task computes a strip of rows of one image.
func (r *pixelRun) Task(task, worker int) {
	c, s := r.c, &r.c.s
	n, r0 := task/c.strips, task%c.strips*c.rows
	r1 := min(r0+c.rows, c.oh)
	size := c.worker(r.height)
	mine := r.workers[worker*size:][:size]
	x, maps := mine[:c.framed()], mine[c.framed():]
	clear(x)
	c.input.copy(x, r.x[n*s.C*s.H*s.W:], s.C, r0*s.SH-s.PadT)
	t := tile{
		ams: uintptr(s.C*s.KH*s.KW) * 4, aks: 4, nb: len(c.offs), kb: s.KW,
		bks: uintptr(s.DW) * 4, bps: uintptr(s.SH*c.input.bw) * 4, cps: uintptr(c.wide) * 4, cms: uintptr(c.panels*c.wide) * 4,
	}
	t.offs = &c.offs[0]
	if r.relu {
		t.relu = 1
	}
	convert := vectors().toBlocked
	for row := r0; row < r1; row += c.panels {
		np := min(c.panels, r1-row)
		for f := 0; f < s.F; f += c.perGroup {
			m := min(c.perGroup, s.F-f)
			half := (m + 1) / 2
			t.a0 = unsafe.Pointer(&r.w[f*s.C*s.KH*s.KW])
			t.a1 = t.a0
			if half < m {
				t.a1 = unsafe.Add(t.a0, uintptr(half)*t.ams)
			}
			for run := range c.runs {
				from := min(run*Block, c.wide-Block)
				at := f*c.panels*c.wide + from
				other := at
				if half < m {
					other += half * c.panels * c.wide
				}
				t.b = unsafe.Pointer(&x[(row-r0)*s.SH*c.input.bw+from])
				t.c0, t.c1 = unsafe.Pointer(&maps[at]), unsafe.Pointer(&maps[other])
				if r.bias != nil {
					t.r0, t.r1 = unsafe.Pointer(&r.bias[at]), unsafe.Pointer(&r.bias[other])
				}
				runTile(&t, m, np)
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
		if end := row + np; r.pooling && (end%r.height == 0 || end == c.oh) {
			r.poolRows(n, (end-1)/r.height*r.height, end, maps[c.maps:])
		}
	}
}

// poolRows pools the windows that begin in rows from..to of image n's result.
func (r *pixelRun) poolRows(n, from, to int, rows []float32) {
	t, y := r.pool, &r.y
	first := from / t.w.SH
	t.big.N, t.big.H, t.big.Data = 1, to-from, rows
	t.small.N, t.small.H, t.small.Data = 1, y.H-first, y.Data[n*y.Stride+first*y.W*Block:]
	if to < r.c.oh {
		t.small.H = (to - from) / t.w.SH
	}
	if t.argmax != nil {
		t.argmax = t.argmax[(n*y.H+first)*y.W*Block:]
	}
	t.cut = cut{t.small.H, t.small.H}
	t.Task(0, 0)
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
