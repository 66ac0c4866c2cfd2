package conv

import (
	"unsafe"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

// depthwise is convolutions whose groups lie within a block of sixteen channels: depthwise ones, a channel each, and
// groups of two, four or eight, with as many filters. A block of results reads but the block of the same number, and so
// each lane has a sum of its own: filters are vectors, and pixels too, for groups with their lanes permuted. Nothing
// is multiplied by zero.
var depthwise = algorithm{
	name: "depthwise",
	forward: func(s Shape, o options) pass {
		if !withinBlocks(s, o) {
			return nil
		}
		return newLanePass(s, []*lanePhase{{
			oh: s.OutH(), ow: s.OutW(), osh: 1, osw: 1,
			y:   laneTaps{step: s.DH, pad: s.PadT, taps: upTo(s.KH)},
			x:   laneTaps{step: s.DW, pad: s.PadL, taps: upTo(s.KW)},
			all: s.KH * s.KW, kw: s.KW,
		}}, false)
	},
	dataGrad: func(s Shape, o options) pass {
		if !withinBlocks(s, o) {
			return nil
		}
		var phases []*lanePhase
		for r := range min(s.SH, s.H) {
			v := gradPhase(r, s.H, s.KH, s.SH, s.DH, s.PadT)
			for q := range min(s.SW, s.W) {
				u := gradPhase(q, s.W, s.KW, s.SW, s.DW, s.PadL)
				if len(v.taps) > 0 && len(u.taps) > 0 {
					phases = append(phases, &lanePhase{
						oh: v.outputs, ow: u.outputs, osh: s.SH, osw: s.SW, oy: r, ox: q,
						y:   laneTaps{step: v.step, pad: v.pad, taps: v.taps},
						x:   laneTaps{step: u.step, pad: u.pad, taps: u.taps},
						all: s.KH * s.KW, kw: s.KW,
					})
				}
			}
		}
		return newLanePass(s, phases, true)
	},
	filterGrad: func(s Shape, o options) filterPass {
		if !withinBlocks(s, o) {
			return nil
		}
		return newLaneFilter(s)
	},
}

// withinBlocks reports whether every group is 1, 2, 4 or 8 channels and as many filters.
func withinBlocks(s Shape, o options) bool {
	each := s.C / s.Groups
	return !o.plain && s.Groups > 1 && s.F == s.C && each < Block && Block%each == 0
}

func upTo(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// A lanePass is a forward pass, or a data gradient: the correlation of a batch with filters for each lane. A task is a
// strip of some rows of one block of maps of one image. It copies the input that it reads, with zeros around the map,
// into its thread's cache, and computes all phases of the result from it.
type lanePass struct {
	n, blocks, channels int
	each                int // channels of a group
	h, w                int // of the input
	yh, yw              int // of the result
	sh, sw              int // input pixels from a result of a phase to the next
	phases              []*lanePhase
	backward            bool
	gaps                bool // there are results that no tap reaches
	top, left           int  // zeros around the input; maybe negative
	bh, bw              int  // rows and columns of the window that a strip reads
	rows, strips        int  // rows of a phase in a strip
	planes              int  // neighbouring planes of a task, if they are one strip each
	osh                 int  // rows of the result for one of a phase
	stage               int  // floats of a strip's results that are to be written past the caches; 0 if they are not

	zeroing zeroRun
	args
	windows []float32
	stages  stages
	staged  bool // results are written to stages first
	filters []float32
	biases  []float32
}

// A lanePhase is results that are evenly spaced and reached by the same taps.
type lanePhase struct {
	oh, ow, osh, osw, oy, ox int // how many results, how far apart, from where on
	y, x                     laneTaps
	all, kw                  int // taps of a filter, and of its row

	offs     [][2]int
	nb, kb   int
	aks      int // bytes from a step of a block to the next
	packedAt int // floats from a block's filters to this phase's
}

// laneTaps are the taps along one axis, a number of pixels apart; the first one sees the pixel that is pad before a
// result's own.
type laneTaps struct {
	step, pad int
	taps      []int
}

// end returns the first pixel behind those that the taps of so many results see, stride apart.
func (t *laneTaps) end(results, stride int) int {
	return (results-1)*stride + (len(t.taps)-1)*t.step - t.pad + 1
}

func newLanePass(s Shape, phases []*lanePhase, backward bool) *lanePass {
	window := 96 << 10 // bytes of a strip's input, about
	d := &lanePass{
		osh: 1,
		n:   s.N, channels: s.C, blocks: simd.Blocks(s.C), each: s.C / s.Groups, phases: phases, backward: backward,
		h: s.H, w: s.W, yh: s.OutH(), yw: s.OutW(), sh: s.SH, sw: s.SW,
	}
	if backward {
		d.h, d.w, d.yh, d.yw, d.sh, d.sw = s.OutH(), s.OutW(), s.H, s.W, 1, 1
		d.gaps = len(phases) < min(s.SH, s.H)*min(s.SW, s.W)
		d.osh = min(s.SH, s.H)
	}
	if len(phases) == 0 {
		return d
	}
	past := !d.gaps && simd.Streams(d.n*d.blocks*d.yh*d.yw*simd.PixelBytes)
	if past && d.osh > 1 {
		window /= 2 // the results are more
	}
	d.top, d.left = phases[0].y.pad, phases[0].x.pad
	most, right := 0, 0
	for _, p := range phases {
		d.top, d.left = max(d.top, p.y.pad), max(d.left, p.x.pad)
		most = max(most, p.oh)
		right = max(right, p.x.end(p.ow, d.sw))
	}
	d.bw = d.left + right
	d.rows = most
	halo := d.windowRows(1) - d.sh
	if room := window / (d.bw * Block * 4); d.windowRows(d.rows) > room {
		d.rows = max(1, (room-halo)/d.sh)
	}
	d.strips = ceil(most, d.rows)
	const tasks = 16
	if d.n*d.blocks*d.strips < tasks {
		d.strips = min(ceil(tasks, d.n*d.blocks), ceil(most, 4))
	}
	d.rows = ceil(most, d.strips)
	d.strips = ceil(most, d.rows)
	d.bh = d.windowRows(d.rows)
	if past {
		d.stage = d.rows*d.osh*d.yw*Block + apart
	}
	d.planes = 1
	if work := d.yh * d.yw * d.each * phases[0].all; d.strips == 1 {
		const vectors = 2048 // multiply-adds of a task, at least
		d.planes = min(max(1, vectors/max(1, work)), ceil(d.n*d.blocks, tasks))
	}
	at := 0
	for _, p := range phases {
		at = d.planPhase(p, at)
	}
	return d
}

// windowRows returns the rows of the input that so many rows of all phases see, counted from top on.
func (d *lanePass) windowRows(rows int) int {
	n := 0
	for _, p := range d.phases {
		n = max(n, d.top+p.y.end(rows, d.sh))
	}
	return n
}

// planPhase lists the blocks of k of a phase, whose filters begin at the given float, and returns where they end.
func (d *lanePass) planPhase(p *lanePhase, at int) int {
	p.packedAt = at
	for i := range p.y.taps {
		row := d.top - p.y.pad + i*p.y.step
		first := (row*d.bw + d.left - p.x.pad) * Block * 4
		if d.each == 1 {
			p.offs = append(p.offs, [2]int{first, i * len(p.x.taps) * Block * 4})
			continue
		}
		for j := range p.x.taps {
			tap := i*len(p.x.taps) + j
			p.offs = append(p.offs, [2]int{first + j*p.x.step*Block*4, tap * d.each * Block * 4})
		}
	}
	p.nb, p.kb, p.aks = len(p.offs), len(p.x.taps), p.x.step*Block*4
	if d.each > 1 {
		p.kb, p.aks = d.each, 0
	}
	return at + len(p.y.taps)*len(p.x.taps)*d.each*Block
}

// perBlock returns the floats of a block's packed filters.
func (d *lanePass) perBlock() int {
	n := 0
	for _, p := range d.phases {
		n += len(p.y.taps) * len(p.x.taps) * d.each * Block
	}
	return n
}

func (d *lanePass) packedLen() int { return d.blocks * d.perBlock() }

// pack writes, for each block, phase, tap and channel of a group, a vector of sixteen filters.
func (d *lanePass) pack(_ *Pool, w, packed []float32) {
	clear(packed[:d.packedLen()])
	for b := range d.blocks {
		block := packed[b*d.perBlock():]
		for _, p := range d.phases {
			to := block[p.packedAt:]
			for i, row := range p.y.taps {
				for j, column := range p.x.taps {
					for c := range d.each {
						vector := to[((i*len(p.x.taps)+j)*d.each+c)*Block:][:Block]
						for l := range min(Block, d.channels-b*Block) {
							filter, input := b*Block+l, c
							if d.backward { // the group's filter c, and its channel that this lane is
								filter, input = b*Block+l/d.each*d.each+c, l%d.each
							}
							vector[l] = w[(filter*d.each+input)*p.all+row*p.kw+column]
						}
					}
				}
			}
		}
	}
}

// window returns the floats of a thread's own scratch space.
func (d *lanePass) window() int { return alignUp(d.bh*d.bw*Block) + apart }

func (d *lanePass) scratch(threads int) int {
	return Block + d.blocks*Block + threads*(d.window()+2*d.stage)
}

// watchedParts are the strips of all images.
func (d *lanePass) watchedParts() int {
	if d.stage == 0 {
		return 0
	}
	return d.n * d.strips
}

func (d *lanePass) run(p *Pool, a *args, scratch []float32) {
	if d.gaps && a.res.Data == nil {
		d.zeroing.do(p, a.y)
	}
	if len(d.phases) == 0 {
		return
	}
	scratch = aligned(scratch)
	d.args, d.filters = *a, a.filters
	d.biases = nil
	if a.bias != nil {
		d.biases = scratch[:d.blocks*Block]
		clear(d.biases[copy(d.biases, a.bias):])
	}
	d.windows = scratch[d.blocks*Block:]
	if d.stage > 0 && a.res.Data == nil && a.y.OnLines() {
		d.staged = true
		d.stages.open(p.Threads(), d.stage, d.windows[p.Threads()*d.window():])
	}
	p.Run(ceil(d.n*d.blocks, d.planes)*d.strips, d)
	d.stages.close()
	d.args, d.filters, d.biases, d.windows, d.staged = args{}, nil, nil, nil, false // let go of the caller's memory
}

// Task computes a strip of a plane, or some planes.
func (d *lanePass) Task(task, worker int) {
	window := d.windows[worker*d.window():]
	var meanwhile meanwhile
	if d.staged {
		meanwhile.stage = &d.stages[worker]
	}
	strip, first := task%d.strips, task/d.strips*d.planes
	for plane := first; plane < min(first+d.planes, d.n*d.blocks); plane++ {
		d.strip(plane/d.blocks, plane%d.blocks, strip*d.rows, window, &meanwhile)
	}
}

// strip computes rows of all phases from r0 on.
func (d *lanePass) strip(image, block, r0 int, window []float32, m *meanwhile) {
	x := d.args.x[image*d.xs+block*d.h*d.w*Block:][:d.h*d.w*Block]
	f := frame{h: d.h, w: d.w, left: d.left, bh: d.bh, bw: d.bw, vec: Block}
	f.fill(window, x, r0*d.sh-d.top)
	clip, clipped := d.act.Clip()
	t := simd.Tile{B: unsafe.Pointer(&d.filters[block*d.perBlock()]), BKS: Block * 4, AMS: uintptr(d.sw * Block * 4), Clip: clip}
	if d.each > 1 {
		t.Permute, t.PermuteStep = &groupLanes[log2(d.each)][0], Block*4
	}
	if d.biases != nil {
		t.Bias = unsafe.Pointer(&d.biases[block*Block])
	}
	y := d.y.Data[image*d.y.Stride+block*d.yh*d.yw*Block:][:d.yh*d.yw*Block]
	from, to := r0*d.osh*d.yw*Block, min((r0+d.rows)*d.osh, d.yh)*d.yw*Block // of the results
	results := y[from:to]
	if m.stage != nil {
		results = m.stage.room()[:to-from]
		m.next = behind(d.args.x, image*d.xs+block*d.h*d.w*Block, d.h*d.w, (r0*d.sh-d.top+d.bh)*d.w, d.rows*d.sh*d.w)
		m.each = d.sh * d.sw
	}
	var res []float32
	if d.res.Data != nil {
		res = d.res.Data[image*d.res.Stride+block*d.yh*d.yw*Block:][:d.yh*d.yw*Block]
	}
	filters := t.B
	m.coming = d.watch.input(image, block, from/Block, (to-from)/Block)
	for _, p := range d.phases {
		r1 := min(r0+d.rows, p.oh)
		t.B = unsafe.Add(filters, p.packedAt*4)
		t.Offs, t.NB, t.KB, t.AKS = &p.offs[0], p.nb, p.kb, uintptr(p.aks)
		t.CMS = uintptr(p.osw * Block * 4)
		d.tiles(&t, p, window, results, res, r0, r1, from, m)
	}
	if !clipped { // a forward pass
		simd.ActivatePixels(d.act, results, d.channels-block*Block)
	}
	if d.watch.on() {
		d.watch.see(block, image*d.strips+r0/d.rows, 1, func(int) piece { return piece{results, image, from / Block} })
	}
	if m.stage != nil {
		m.stage.keep(y[from:to], 1, 1, to-from, 1, 0, 0, 0)
	}
}

// tiles computes rows r0 to r1 of a phase, two at a time where those are short, else a row in even parts. y begins with
// float number from of the map.
func (d *lanePass) tiles(t *simd.Tile, p *lanePhase, window, y, res []float32, r0, r1, from int, m *meanwhile) {
	most := simd.MaxLaneRows(d.each > 1)
	at := func(row, column int) (x, to int) {
		return ((row-r0)*d.sh*d.bw + column*d.sw) * Block, ((p.oy+row*p.osh)*d.yw + p.ox + column*p.osw) * Block
	}
	set := func(x0, x1, y0, y1 int) {
		t.A0, t.A1 = unsafe.Pointer(&window[x0]), unsafe.Pointer(&window[x1])
		t.C0, t.C1 = unsafe.Pointer(&y[y0-from]), unsafe.Pointer(&y[y1-from])
		if res != nil {
			t.R0, t.R1 = unsafe.Pointer(&res[y0]), unsafe.Pointer(&res[y1])
		}
	}
	parts := ceil(p.ow, most)
	for row := r0; row < r1; row++ {
		if 2*p.ow <= most && row+1 < r1 {
			x0, y0 := at(row, 0)
			x1, y1 := at(row+1, 0)
			set(x0, x1, y0, y1)
			t.RunLanes(2 * p.ow)
			m.results(2 * p.ow)
			row++
			continue
		}
		for i := range parts {
			c0, c1 := i*p.ow/parts, (i+1)*p.ow/parts
			n := c1 - c0
			half := (n + 1) / 2 % n // the second run of one result is empty: keep its addresses inside
			x0, y0 := at(row, c0)
			x1, y1 := at(row, c0+half)
			set(x0, x1, y0, y1)
			t.RunLanes(n)
			m.results(n)
		}
	}
}

// groupLanes are, for groups of 1, 2, 4 and 8 channels, the lanes that see each channel of their group.
var groupLanes = func() (all [4][][Block]int32) {
	for g := range all {
		each := 1 << g
		all[g] = make([][Block]int32, each)
		for c := range each {
			for l := range Block {
				all[g][c][l] = int32(l/each*each + c)
			}
		}
	}
	return all
}()

func log2(n int) (l int) {
	for ; n > 1; n /= 2 {
		l++
	}
	return l
}
