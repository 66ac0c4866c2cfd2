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
	bh, bw   int // the input that a strip reads
	border   int // floats of it, and a vector's room behind
	maps     int // floats of the plain maps
	perGroup int // filters of a tile
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
	c.bh, c.bw = (c.rows-1)*s.SH+(s.KH-1)*s.DH+1, c.ow+(s.KW-1)*s.DW
	c.border, c.maps = alignUp(s.C*c.bh*c.bw)+Block, alignUp(s.F*c.panels*c.wide)
	for ch := range s.C {
		for i := range s.KH {
			c.offs = append(c.offs, [2]int{(ch*s.KH + i) * s.KW * 4, (ch*c.bh + i*s.DH) * c.bw * 4})
		}
	}
	return c
}

// worker returns the floats of a thread's own scratch space: the input, the bias and the plain maps.
func (c *pixelConv) worker() int { return c.border + 2*c.maps }

func (c *pixelConv) scratch(threads int) int { return Block + threads*c.worker() }

// A pixelRun is a call under way.
type pixelRun struct {
	c       *pixelConv
	x, w    []float32
	bias    []float32
	relu    bool
	y       Act
	workers []float32
}

func (r *pixelRun) do(p *Pool, c *pixelConv, residual *Act, scratch []float32) {
	r.c, r.workers = c, aligned(scratch)
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
	mine := r.workers[worker*c.worker():][:c.worker()]
	x, maps, bias := mine[:c.border], mine[c.border:][:c.maps], mine[c.border+c.maps:]
	c.copyInput(x, r.x[n*s.C*s.H*s.W:], r0*s.SH-s.PadT)
	t := tile{
		ams: uintptr(s.C*s.KH*s.KW) * 4, aks: 4, nb: len(c.offs), kb: s.KW,
		bks: uintptr(s.DW) * 4, bps: uintptr(s.SH*c.bw) * 4, cps: uintptr(c.wide) * 4, cms: uintptr(c.panels*c.wide) * 4,
	}
	t.offs = &c.offs[0]
	if r.relu {
		t.relu = 1
	}
	if r.bias != nil {
		for f := range s.F {
			row := bias[f*c.panels*c.wide:][:c.panels*c.wide]
			for i := range row {
				row[i] = r.bias[f]
			}
		}
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
				t.b = unsafe.Pointer(&x[(row-r0)*s.SH*c.bw+from])
				t.c0, t.c1 = unsafe.Pointer(&maps[at]), unsafe.Pointer(&maps[other])
				if r.bias != nil {
					t.r0, t.r1 = unsafe.Pointer(&bias[at]), unsafe.Pointer(&bias[other])
				}
				runTile(&t, m, np)
			}
		}
		y := r.y.Data[n*r.y.Stride+row*c.ow*Block:]
		if c.wide == c.ow {
			convert(&maps[0], &y[0], c.panels*c.wide, np*c.ow, s.F)
			continue
		}
		for i := range np {
			convert(&maps[i*c.wide], &y[i*c.ow*Block], c.panels*c.wide, c.ow, s.F)
		}
	}
}

// copyInput copies the rows of an image that a strip reads, from row y0 on, with zeros around.
func (c *pixelConv) copyInput(dst, x []float32, y0 int) {
	s := &c.s
	clear(dst)
	width := min(s.W, c.bw-s.PadL) // of a row, as far as filters reach
	if width <= 0 {
		return
	}
	for ch := range s.C {
		for i := max(0, -y0); i < min(c.bh, s.H-y0); i++ {
			copy(dst[(ch*c.bh+i)*c.bw+s.PadL:], x[(ch*s.H+y0+i)*s.W:][:width])
		}
	}
}
