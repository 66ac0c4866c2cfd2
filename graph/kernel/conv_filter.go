package kernel

import "unsafe"

// A filterGrad plans the gradient of the filters:
//
//	dw[f][c][i][j] = Σ_n Σ_r Σ_s dy[n][r][s][f] · x[n][sh·r+dh·i−top][sw·s+dw·j−left][c]
//
// Tiles have input channels (for plain input: the taps of a filter's row) for rows, panels of filters
// for columns and run along the pixels of a strip. A tap whose window reaches over the border just
// leaves out those pixels; only plain input, whose rows see different taps, is copied with a border.
//
// The strips are dealt to a number of chunks, each with sums of its own, which are added in order at
// the end: for each panel, channel and tap, sixteen filters, and in the panel's last vector the sums
// of dy, the gradient of the bias.
type filterGrad struct {
	n      int
	plain  bool
	groups int
	cin    int
	fout   int
	h, w   int
	oh, ow int

	kh, kw, dh, dw, sh, sw, top, left int

	panels int // of a group
	strips []strip
	chunks int
	copied bool
	bh, bw int
	units  int // rows of a group that share their taps: channels; for plain input, filter rows of a channel
	taps   int // of a unit

	perTask, subtasks int // panels of a task, tasks of a unit range
	range1, ranges    int // units of a task, tasks of a panel run

	filter filterIndex
}

func newFilterGrad(s ConvShape, plain bool) *filterGrad {
	c := forwardCorr(s, plain) // the same groups, and the same view of a 1×1 filter
	g := &filterGrad{
		n: c.n, plain: plain, groups: c.groups, cin: c.cin, fout: c.fout, h: c.h, w: c.w, oh: c.oh, ow: c.ow,
		kh: c.kh, kw: c.kw, dh: c.dh, dw: c.dw, sh: c.sh, sw: c.sw, top: c.top, left: c.left,
		panels: c.panels, copied: plain && c.copied, filter: c.filter,
	}
	g.units, g.taps = g.cin, g.kh*g.kw
	if plain {
		g.units, g.taps = g.cin*g.kh, g.kw
	}
	g.planTasks()
	return g
}

func (g *filterGrad) planTasks() {
	const (
		pixels = 128     // of a strip: those of three panels and of sixteen channels stay in the first-level cache
		macs   = 1 << 20 // of a task, at least
		enough = 32      // tasks
		part   = 64 << 10
		most   = 2 << 20 // floats of all chunks' sums, unless one has more
	)
	g.strips = cutStrips(g.n, g.oh, g.ow, pixels)
	g.bh, g.bw = g.h, g.w
	if g.copied {
		rows, cols := 0, 0
		for _, s := range g.strips {
			rows, cols = max(rows, s.r1-s.r0), max(cols, s.c1-s.c0)
		}
		g.bh, g.bw = (rows-1)*g.sh+(g.kh-1)*g.dh+1, (cols-1)*g.sw+(g.kw-1)*g.dw+1
	}
	perPanel := g.units * g.taps * Block
	step := g.step()
	g.perTask = g.panels
	if g.panels*perPanel > part {
		g.perTask = min(g.panels, max(1, part/perPanel/step)*step)
	}
	g.subtasks = (g.panels + g.perTask - 1) / g.perTask
	g.range1 = g.units
	if g.perTask*perPanel > part {
		g.range1 = alignUp(max(1, part/(g.perTask*g.taps*Block)))
	}
	g.ranges = (g.units + g.range1 - 1) / g.range1
	tasks := g.groups * g.subtasks * g.ranges
	work := g.n * g.oh * g.ow * g.groups * g.panels * perPanel
	want := min(enough, max(1, work/macs))
	g.chunks = max(1, min(want/tasks, len(g.strips), most/(g.groups*g.panels*perPanel)))
}

// step returns the panels of a tile.
func (g *filterGrad) step() int {
	if g.plain {
		return tilePanels(g.kw, g.units, g.panels)
	}
	return tilePanels(min(g.cin, Block), 1, g.panels)
}

// sums returns the floats of a panel's sums.
func (g *filterGrad) sums() int { return (g.units*g.taps + 1) * Block }

// pairs returns the floats that a worker's lists of rows take: one list for each row of taps.
func (g *filterGrad) pairs() int {
	rows := 0
	for _, s := range g.strips {
		rows = max(rows, s.rows())
	}
	return alignUp(rows * (g.kh + 1) * 4)
}

func (g *filterGrad) window() int {
	if !g.copied {
		return 0
	}
	images := 0
	for _, s := range g.strips {
		images = max(images, s.n1-s.n0)
	}
	return alignUp(images * g.cin * g.bh * g.bw)
}

func (g *filterGrad) scratch(threads int) int {
	return Block + g.chunks*g.groups*g.panels*g.sums() + threads*(g.pairs()+g.window())
}

// A filterRun is a call under way.
type filterRun struct {
	g        *filterGrad
	x        []float32
	xs       int
	dy       Act
	dw, db   []float32
	sums     []float32
	workers  []float32
	reducing bool
}

func (r *filterRun) do(p *Pool, g *filterGrad, x []float32, xs int, dy Act, dw, db, scratch []float32) {
	scratch = aligned(scratch)
	n := g.chunks * g.groups * g.panels * g.sums()
	*r = filterRun{g: g, x: x, xs: xs, dy: dy, dw: dw, db: db, sums: scratch[:n], workers: scratch[n:]}
	p.Run(g.chunks*g.groups*g.subtasks*g.ranges, r)
	r.reducing = true
	p.Run(g.groups*g.panels, r)
	*r = filterRun{}
}

// Task sums over one chunk for some panels and units or, at the end, adds one panel's chunks.
func (r *filterRun) Task(task, worker int) {
	if r.reducing {
		r.reduce(task)
		return
	}
	g := r.g
	sub, task := task%g.subtasks, task/g.subtasks
	part, task := task%g.ranges, task/g.ranges
	group, chunk := task%g.groups, task/g.groups
	p0 := sub * g.perTask
	p1 := min(p0+g.perTask, g.panels)
	u0 := part * g.range1
	u1 := min(u0+g.range1, g.units)
	sums := r.sums[(chunk*g.groups+group)*g.panels*g.sums():][:g.panels*g.sums()]
	for p := p0; p < p1; p++ {
		of := sums[p*g.sums():][:g.sums()]
		clear(of[u0*g.taps*Block : u1*g.taps*Block])
		if part == 0 {
			clear(of[len(of)-Block:])
		}
	}
	mine := r.workers[worker*(g.pairs()+g.window()):][:g.pairs()+g.window()]
	f := filterTask{r: r, group: group, p0: p0, p1: p1, u0: u0, u1: u1, sums: sums, window: mine[g.pairs():]}
	list := unsafe.Slice((*[2]int)(unsafe.Pointer(&mine[0])), g.pairs()/4)
	for i := chunk * len(g.strips) / g.chunks; i < (chunk+1)*len(g.strips)/g.chunks; i++ {
		f.strip = &g.strips[i]
		if g.plain {
			f.plain(list)
		} else {
			f.blocked(list)
		}
		if part == 0 && r.db != nil {
			f.bias(list)
		}
	}
}

// A filterTask is the work on one strip.
type filterTask struct {
	r              *filterRun
	strip          *strip
	group          int
	p0, p1, u0, u1 int
	sums, window   []float32
}

// dy returns the gradient of the output where the strip begins, for panel p.
func (f *filterTask) dy(p int) []float32 {
	g, s := f.r.g, f.strip
	return f.r.dy.Data[s.n0*f.r.dy.Stride+(((f.group*g.panels+p)*g.oh+s.r0)*g.ow+s.c0)*Block:]
}

// tile returns a tile that steps through the pixels of a row and adds to the sums.
func (f *filterTask) tile() tile {
	g := f.r.g
	return tile{
		bks: Block * 4, bps: uintptr(g.oh*g.ow*Block) * 4,
		cps: uintptr(g.sums()) * 4,
	}
}

// into aims the tile's two runs of rows, the second one's distances given, at the sums.
func (t *tile) into(c unsafe.Pointer, second int) {
	t.c0, t.c1 = c, unsafe.Add(c, second)
	t.r0, t.r1 = t.c0, t.c1
}

func (f *filterTask) blocked(list [][2]int) {
	g, s, r := f.r.g, f.strip, f.r
	rows := s.rows()
	var counts [64]int // rows that a row of taps has in the map
	perImage := s.r1 - s.r0
	for i0 := 0; i0 < g.kh; i0 += len(counts) { // filters are hardly ever higher
		i1 := min(i0+len(counts), g.kh)
		for i := i0; i < i1; i++ {
			counts[i-i0] = 0
			for e := range rows {
				n, row := e/perImage, e%perImage
				y := (s.r0+row)*g.sh + i*g.dh - g.top
				if y >= 0 && y < g.h {
					list[(i-i0)*rows+counts[i-i0]] = [2]int{(n*r.xs + y*g.w*Block) * 4, (n*r.dy.Stride + row*g.ow*Block) * 4}
					counts[i-i0]++
				}
			}
		}
		t := f.tile()
		t.aks = uintptr(g.sw*Block) * 4
		t.ams = 4
		t.cms = uintptr(g.taps*Block) * 4
		step := g.step()
		for p := f.p0; p < f.p1; p += step {
			np := min(step, f.p1-p)
			dy := f.dy(p)
			most := maxRows(np)
			for c0 := f.u0; c0 < f.u1; {
				at := f.group*g.cin + c0
				run := min(Block-at%Block, f.u1-c0)
				parts := (run + most - 1) / most
				run = (run + parts - 1) / parts
				x := r.x[s.n0*r.xs+at/Block*g.h*g.w*Block+at%Block:]
				half := (run + 1) / 2
				if half == run {
					half = 0
				}
				for i := i0; i < i1; i++ {
					t.nb = counts[i-i0]
					if t.nb == 0 {
						continue
					}
					t.offs = &list[(i-i0)*rows]
					for j := range g.kw {
						lo, hi := g.columns(j)
						lo, hi = max(lo, s.c0), min(hi, s.c1)
						if lo >= hi {
							continue
						}
						t.kb = hi - lo
						t.a0 = unsafe.Pointer(&x[(lo*g.sw+j*g.dw-g.left)*Block])
						t.a1 = unsafe.Add(t.a0, half*4)
						t.b = unsafe.Pointer(&dy[(lo-s.c0)*Block])
						t.into(unsafe.Pointer(&f.sums[p*g.sums()+(c0*g.taps+i*g.kw+j)*Block]), half*int(t.cms))
						runTile(&t, run, np)
					}
				}
				c0 += run
			}
		}
	}
}

// columns returns the range of output columns whose tap j lies in the map.
func (g *filterGrad) columns(j int) (lo, hi int) {
	shift := j*g.dw - g.left // 0 ≤ sw·column + shift < w
	if shift < 0 {
		lo = (-shift + g.sw - 1) / g.sw
	}
	if g.w-shift > 0 {
		hi = min(g.ow, (g.w-shift-1)/g.sw+1)
	}
	return lo, hi
}

func (f *filterTask) plain(list [][2]int) {
	g, s, r := f.r.g, f.strip, f.r
	first := f.group * g.cin
	x, image, origin := r.x[s.n0*r.xs:], r.xs, (first*g.h+s.r0*g.sh-g.top)*g.w+s.c0*g.sw-g.left
	if g.copied {
		x, image, origin = f.window, g.cin*g.bh*g.bw, 0
		g.copyWindow(x, r.x, r.xs, s, first)
	}
	rows, perImage := s.rows(), s.r1-s.r0
	for e := range rows {
		n, row := e/perImage, e%perImage
		list[e] = [2]int{(n*image + row*g.sh*g.bw) * 4, (n*r.dy.Stride + row*g.ow*Block) * 4}
	}
	t := f.tile()
	t.offs, t.nb, t.kb = &list[0], rows, s.c1-s.c0
	t.aks = uintptr(g.sw) * 4
	t.ams = uintptr(g.dw) * 4
	t.cms = Block * 4
	step := g.step()
	for p := f.p0; p < f.p1; p += step {
		np := min(step, f.p1-p)
		t.b = unsafe.Pointer(&f.dy(p)[0])
		sums := f.sums[p*g.sums():]
		most := maxRows(np)
		at := func(u int) int { return origin + (u/g.kh*g.bh+u%g.kh*g.dh)*g.bw }
		for u := f.u0; u < f.u1; u++ {
			a := unsafe.Pointer(&x[at(u)])
			if 2*g.kw <= most && u+1 < f.u1 {
				t.a0, t.a1 = a, unsafe.Pointer(&x[at(u+1)])
				t.into(unsafe.Pointer(&sums[u*g.kw*Block]), g.kw*Block*4)
				runTile(&t, 2*g.kw, np)
				u++
				continue
			}
			parts := (g.kw + most - 1) / most
			for i := range parts {
				j0, j1 := i*g.kw/parts, (i+1)*g.kw/parts
				half := (j1 - j0 + 1) / 2
				if half == j1-j0 {
					half = 0
				}
				t.a0 = unsafe.Add(a, uintptr(j0)*t.ams)
				t.a1 = unsafe.Add(t.a0, uintptr(half)*t.ams)
				t.into(unsafe.Pointer(&sums[(u*g.kw+j0)*Block]), half*Block*4)
				runTile(&t, j1-j0, np)
			}
		}
	}
}

// copyWindow copies the plain input that strip s reads, maps from first on, with zeros around.
func (g *filterGrad) copyWindow(dst, x []float32, stride int, s *strip, first int) {
	c := corr{
		plain: true, groups: g.groups, cin: g.cin, blocks: g.cin, h: g.h, w: g.w, bh: g.bh, bw: g.bw,
		kh: g.kh, kw: g.kw, dh: g.dh, dw: g.dw, sh: g.sh, sw: g.sw, top: g.top, left: g.left,
	}
	c.copyWindow(dst, x, stride, s, first)
}

var one float32 = 1

// bias adds up dy: a tile whose A is one everywhere.
func (f *filterTask) bias(list [][2]int) {
	g, s, r := f.r.g, f.strip, f.r
	perImage := s.r1 - s.r0
	for e := range s.rows() {
		list[e] = [2]int{0, (e/perImage*r.dy.Stride + e%perImage*g.ow*Block) * 4}
	}
	t := f.tile()
	t.offs, t.nb, t.kb = &list[0], s.rows(), s.c1-s.c0
	t.a0, t.a1 = unsafe.Pointer(&one), unsafe.Pointer(&one)
	step := 4
	for maxRows(step) == 0 {
		step--
	}
	for p := f.p0; p < f.p1; p += step {
		t.b = unsafe.Pointer(&f.dy(p)[0])
		t.into(unsafe.Pointer(&f.sums[(p+1)*g.sums()-Block]), 0)
		runTile(&t, 1, min(step, f.p1-p))
	}
}

// reduce adds the chunks of one panel and writes its filters.
func (r *filterRun) reduce(panel int) {
	g := r.g
	f := &g.filter
	chunk := g.groups * g.panels * g.sums()
	total := r.sums[panel*g.sums():][:g.sums()]
	for i := 1; i < g.chunks; i++ {
		for k, v := range r.sums[i*chunk+panel*g.sums():][:g.sums()] {
			total[k] += v
		}
	}
	group, p := panel/g.panels, panel%g.panels
	taps := g.kh * g.kw
	for lane := range min(Block, g.fout-p*Block) {
		o := p*Block + lane
		q := o / f.outLen
		own := total[q*f.inpLen*taps*Block+lane:]
		to := r.dw[(group*f.merged+q)*f.group+o%f.outLen*f.output:][:f.output]
		for k := range to {
			to[k] = own[k*Block]
		}
		if r.db != nil {
			r.db[group*g.fout+o] = total[g.sums()-Block+lane]
		}
	}
}
