package conv

import (
	"unsafe"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

// A filterGrad plans the gradient of the filters:
//
//	dw[f][c][i][j] = Σ_n Σ_r Σ_s dy[n][r][s][f] · x[n][sh·r+dh·i−top][sw·s+dw·j−left][c]
//
// Tiles have input channels (for plain input: the taps of a filter's row) for rows, panels of filters
// for columns and run along the pixels of a strip. A tap whose window reaches over the border just
// leaves out those pixels; only plain input, whose rows see different taps, is copied with a border.
//
// The sums of a task, its part of the filters, stay in the second-level cache while the pixels pass
// by. Where the parts are too few to keep the threads busy, the strips are dealt to several chunks,
// each with sums of its own, which are added in order at the end.
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

	perTask, subtasks int // panels of a part, parts of a unit range
	perRange, ranges  int // units of a part, parts of a panel run
	parts             int // groups × subtasks × ranges
	step              int // panels of a tile
	pairs, window     int // floats of a worker's lists of rows, one for each row of taps, and copied input

	filter filterIndex
	call   filterRun
}

func (g *filterGrad) run(p *Pool, x []float32, xs int, dy Act, dw, db, scratch []float32) {
	g.call.do(p, g, x, xs, dy, dw, db, scratch)
}

func newFilterGrad(s Shape, plain bool) *filterGrad {
	c := forwardCorr(s, plain) // the same groups, and the same view of a 1×1 filter
	c.plan()
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
		pixels = 128      // of a strip: those of three panels and of sixteen channels stay in the first-level cache
		plain  = 448      // of a strip of plain input, whose sums alone do
		macs   = 1 << 20  // of a task, at least
		enough = 32       // tasks
		part   = 64 << 10 // floats of sums that stay in the second-level cache
		each   = 1 << 10  // pixels of a chunk, at least: adding up the chunks then costs little
	)
	size := pixels
	if g.plain {
		size = plain
	}
	g.strips = cutStrips(g.n, g.oh, g.ow, size)
	g.bh, g.bw = g.h, g.w
	images, rows, cols := largest(g.strips)
	g.pairs = alignUp(images * rows * (g.kh + 1) * 4)
	if g.copied {
		g.bh, g.bw = (rows-1)*g.sh+(g.kh-1)*g.dh+1, (cols-1)*g.sw+(g.kw-1)*g.dw+1
		g.window = alignUp(images * g.cin * g.bh * g.bw)
	}
	g.step = tilePanels(min(g.cin, Block), 1, g.panels)
	if g.plain {
		g.step = tilePanels(g.kw, g.units, g.panels)
	}
	g.perTask, g.perRange = g.panels, g.units
	most := max(1, min(len(g.strips), g.n*g.oh*g.ow/each))
	want := min(enough, max(1, int(g.macs()/macs)))
	for {
		g.subtasks = (g.panels + g.perTask - 1) / g.perTask
		g.ranges = (g.units + g.perRange - 1) / g.perRange
		g.parts = g.groups * g.subtasks * g.ranges
		if g.parts*most >= want && g.part() <= part || !g.split() {
			break
		}
	}
	g.chunks = min((want+g.parts-1)/g.parts, most)
}

// split halves the parts, along the dimension that leaves them least to read; it reports false if
// they are as small as is sensible.
func (g *filterGrad) split() bool {
	step, least := g.step, Block
	if g.plain {
		least = 2 // filter rows that share a tile
	}
	units := (g.perRange/2 + least - 1) / least * least
	switch {
	case g.perTask > step && (g.perTask*Block > g.perRange || units >= g.perRange):
		g.perTask = (g.perTask/2 + step - 1) / step * step
	case units < g.perRange && units > 0:
		g.perRange = units
	default:
		return false
	}
	return true
}

func (g *filterGrad) macs() int64 {
	return int64(g.n*g.oh*g.ow) * int64(g.groups*g.panels*Block) * int64(g.units*g.taps)
}

// part returns the floats of a part's sums.
func (g *filterGrad) part() int { return g.perTask * g.perRange * g.taps * Block }

// worker returns the floats of a worker's own scratch space.
func (g *filterGrad) worker() int {
	n := g.pairs + g.window
	if g.chunks == 1 {
		n += g.part()
	}
	return n
}

// shared returns the floats of the chunks' sums and bias gradients.
func (g *filterGrad) shared() (sums, bias int) {
	bias = g.chunks * g.groups * g.panels * Block
	if g.chunks > 1 {
		sums = g.chunks * g.parts * g.part()
	}
	return sums, bias
}

func (g *filterGrad) scratch(threads int) int {
	sums, bias := g.shared()
	return Block + sums + bias + threads*g.worker()
}

// A filterRun is a call under way.
type filterRun struct {
	g            *filterGrad
	x            []float32
	xs           int
	dy           Act
	dw, db       []float32
	sums, biases []float32
	workers      []float32
	adding       bool
}

func (r *filterRun) do(p *Pool, g *filterGrad, x []float32, xs int, dy Act, dw, db, scratch []float32) {
	scratch = aligned(scratch)
	sums, biases := g.shared()
	*r = filterRun{
		g: g, x: x, xs: xs, dy: dy, dw: dw, db: db,
		sums: scratch[:sums], biases: scratch[sums:][:biases], workers: scratch[sums+biases:],
	}
	p.Run(g.chunks*g.parts, r)
	if g.chunks > 1 {
		r.adding = true
		p.Run(g.parts, r)
	}
	if db != nil {
		r.addBiases()
	}
	*r = filterRun{}
}

// Task sums one part over one chunk or, at the end, adds a part's chunks.
func (r *filterRun) Task(task, worker int) {
	g := r.g
	part, chunk := task%g.parts, task/g.parts
	sub, rest := part%g.subtasks, part/g.subtasks
	f := filterTask{r: r, group: rest / g.ranges, p0: sub * g.perTask, u0: rest % g.ranges * g.perRange}
	f.p1, f.u1 = min(f.p0+g.perTask, g.panels), min(f.u0+g.perRange, g.units)
	mine := r.workers[worker*g.worker():][:g.worker()]
	if g.chunks == 1 {
		f.sums = mine[g.pairs+g.window:]
	} else {
		f.sums = r.sums[task*g.part():][:g.part()]
	}
	if r.adding {
		sumChunks(f.sums, len(f.sums), g.chunks, g.parts*g.part())
		f.write()
		return
	}
	clear(f.sums)
	if f.u0 == 0 && r.db != nil {
		f.biases = r.biases[(chunk*g.groups+f.group)*g.panels*Block:][:g.panels*Block]
		clear(f.biases[f.p0*Block : f.p1*Block])
	}
	f.window = mine[g.pairs:]
	list := unsafe.Slice((*[2]int)(unsafe.Pointer(&mine[0])), g.pairs/4)
	for i := chunk * len(g.strips) / g.chunks; i < (chunk+1)*len(g.strips)/g.chunks; i++ {
		f.strip, f.next = &g.strips[i], nil
		if i+1 < (chunk+1)*len(g.strips)/g.chunks {
			f.next = &g.strips[i+1]
		}
		if g.plain {
			f.plain(list)
		} else {
			f.blocked(list)
		}
		if f.biases != nil {
			f.bias(list)
		}
	}
	if g.chunks == 1 {
		f.write()
	}
}

// A filterTask is the work on one strip.
type filterTask struct {
	r              *filterRun
	strip, next    *strip // and the one after it, nil if it is the last
	group          int
	p0, p1, u0, u1 int
	sums           []float32 // of each panel, unit and tap: sixteen filters
	biases         []float32 // nil if they are another task's
	window         []float32
}

// dy returns the gradient of the output where strip s begins, for panel p.
func (f *filterTask) dy(s *strip, p int) []float32 {
	g := f.r.g
	return f.r.dy.Data[s.n0*f.r.dy.Stride+(((f.group*g.panels+p)*g.oh+s.r0)*g.ow+s.c0)*Block:]
}

// tile returns a tile that steps through the pixels of a row and adds to the sums.
func (f *filterTask) tile() simd.Tile {
	g := f.r.g
	return simd.Tile{
		BKS: Block * 4, BPS: uintptr(g.oh*g.ow*Block) * 4,
		CPS: uintptr(g.perRange*g.taps*Block) * 4,
	}
}

// into aims the tile's two runs of rows, the second one's distances given, at the sums.
func into(t *simd.Tile, c unsafe.Pointer, second int) {
	t.C0, t.C1 = c, unsafe.Add(c, second)
	t.R0, t.R1 = t.C0, t.C1
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
		t.AKS = uintptr(g.sw*Block) * 4
		t.AMS = 4
		t.CMS = uintptr(g.taps*Block) * 4
		step, asked := g.step, f.p0
		for p := f.p0; p < f.p1; p += step {
			np := min(step, f.p1-p)
			dy := f.dy(s, p)
			most := simd.MaxRows(np)
			for c0 := f.u0; c0 < f.u1; {
				at := f.group*g.cin + c0
				run := min(Block-at%Block, f.u1-c0)
				parts := (run + most - 1) / most
				run = (run + parts - 1) / parts
				x := r.x[s.n0*r.xs+at/Block*g.h*g.w*Block+at%Block:]
				t.Ahead, t.AheadStep = uintptr(g.h*g.w*Block)*4, t.AKS // the next block of channels
				if p > f.p0 && rows == 1 && f.next != nil {
					// All that is near by now: the next strip's gradient, then its input.
					if asked < f.p1 {
						t.Ahead = bytesTo(&x[0], &f.dy(f.next, asked)[0]) - uintptr(list[0][0]+s.c0*g.sw*Block*4)
						t.AheadStep = Block * 4
						asked++
					} else {
						t.Ahead = uintptr((f.next.n0-s.n0)*r.xs+((f.next.r0-s.r0)*g.sh*g.w+(f.next.c0-s.c0)*g.sw)*Block) * 4
					}
				}
				half := (run + 1) / 2
				if half == run {
					half = 0
				}
				for i := i0; i < i1; i++ {
					t.NB = counts[i-i0]
					if t.NB == 0 {
						continue
					}
					t.Offs = &list[(i-i0)*rows]
					for j := range g.kw {
						lo, hi := g.columns(j)
						lo, hi = max(lo, s.c0), min(hi, s.c1)
						if lo >= hi {
							continue
						}
						t.KB = hi - lo
						t.A0 = unsafe.Pointer(&x[(lo*g.sw+j*g.dw-g.left)*Block])
						t.A1 = unsafe.Add(t.A0, half*4)
						t.B = unsafe.Pointer(&dy[(lo-s.c0)*Block])
						into(&t, unsafe.Pointer(&f.sums[(((p-f.p0)*g.perRange+c0-f.u0)*g.taps+i*g.kw+j)*Block]), half*int(t.CMS))
						t.Run(run, np)
					}
				}
				c0 += run
			}
		}
	}
}

// bytesTo returns the bytes from a to b, which may be anywhere.
func bytesTo(a, b *float32) uintptr { return uintptr(unsafe.Pointer(b)) - uintptr(unsafe.Pointer(a)) }

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
	t.Offs, t.NB, t.KB = &list[0], rows, s.c1-s.c0
	t.AKS = uintptr(g.sw) * 4
	t.AMS = uintptr(g.dw) * 4
	t.CMS = Block * 4
	step := g.step
	for p := f.p0; p < f.p1; p += step {
		np := min(step, f.p1-p)
		t.B = unsafe.Pointer(&f.dy(s, p)[0])
		sums := f.sums[(p-f.p0)*g.perRange*g.taps*Block:]
		most := simd.MaxRows(np)
		at := func(u int) int { return origin + (u/g.kh*g.bh+u%g.kh*g.dh)*g.bw }
		for u := f.u0; u < f.u1; u++ {
			a := unsafe.Pointer(&x[at(u)])
			if 2*g.kw <= most && u+1 < f.u1 {
				t.A0, t.A1 = a, unsafe.Pointer(&x[at(u+1)])
				into(&t, unsafe.Pointer(&sums[(u-f.u0)*g.kw*Block]), g.kw*Block*4)
				t.Run(2*g.kw, np)
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
				t.A0 = unsafe.Add(a, uintptr(j0)*t.AMS)
				t.A1 = unsafe.Add(t.A0, uintptr(half)*t.AMS)
				into(&t, unsafe.Pointer(&sums[((u-f.u0)*g.kw+j0)*Block]), half*Block*4)
				t.Run(j1-j0, np)
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
	c.copyWindow(dst, x, stride, s, first, 0, g.cin)
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
	t.Offs, t.NB, t.KB = &list[0], s.rows(), s.c1-s.c0
	t.A0, t.A1 = unsafe.Pointer(&one), unsafe.Pointer(&one)
	t.CPS = Block * 4
	step := simd.MostPanels()
	for p := f.p0; p < f.p1; p += step {
		t.B = unsafe.Pointer(&f.dy(s, p)[0])
		into(&t, unsafe.Pointer(&f.biases[p*Block]), 0)
		t.Run(1, min(step, f.p1-p))
	}
}

// sumChunks adds to n floats, whole vectors, those of the other chunks, which lie apart floats apart:
// a tile whose A is one and whose k are the chunks.
func sumChunks(sums []float32, n, chunks, apart int) {
	var start [2]int
	t := simd.Tile{
		A0: unsafe.Pointer(&one), A1: unsafe.Pointer(&one), Offs: &start, NB: 1, KB: chunks,
		BKS: uintptr(apart) * 4, BPS: Block * 4, CPS: Block * 4,
	}
	step := simd.MostPanels()
	for i := 0; i < n; i += step * Block {
		t.B = unsafe.Pointer(&sums[i])
		t.C0, t.C1 = t.B, t.B
		t.Run(1, min(step, (n-i)/Block))
	}
}

// write brings the part's sums to their places in the plain filters.
func (f *filterTask) write() {
	g, dw := f.r.g, f.r.dw
	index := &g.filter
	for p := f.p0; p < f.p1; p++ {
		from := f.sums[(p-f.p0)*g.perRange*g.taps*Block:][:(f.u1-f.u0)*g.taps*Block]
		lanes := min(Block, g.fout-p*Block)
		first := f.u0 * g.taps
		if index.merged == 1 {
			to := dw[f.group*index.group+p*Block*index.output+first:]
			simd.UnpackColumns(to, from, index.output, lanes)
			continue
		}
		for lane := range lanes {
			o := p*Block + lane
			q := o / index.outLen // of the groups merged into this one
			own := q * index.inpLen * g.kh * g.kw
			to := dw[(f.group*index.merged+q)*index.group+o%index.outLen*index.output:][:index.output]
			for k := max(0, first-own); k < min(len(to), first-own+len(from)/Block); k++ {
				to[k] = from[(own+k-first)*Block+lane]
			}
		}
	}
}

// addBiases adds up the chunks of the bias gradient.
func (r *filterRun) addBiases() {
	g := r.g
	all := g.groups * g.panels * Block
	for i := 1; i < g.chunks; i++ {
		for k, v := range r.biases[i*all:][:all] {
			r.biases[k] += v
		}
	}
	copy(r.db[:g.groups*g.fout], r.biases)
}
