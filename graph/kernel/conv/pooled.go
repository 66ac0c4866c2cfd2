package conv

import (
	"unsafe"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

// A PooledGrad plans the gradients of a convolution whose result nothing but a max pooling reads (a ReLU
// between the two may have masked the pooled gradient). The gradient of such a result is zero but for
// one pixel in each window and channel, and so is not written out at all: whatever a window has chosen
// adds one box to each sum,
//
//	dw[f][c][i][j] = Σ_n Σ_p d[n][p][f] · x[n][c][place(p,f)+(i,j)]
//	dx[n][c][place(p,f)+(i,j)] += d[n][p][f] · w[f][c][i][j]
//
// where p runs over the pooled pixels. That is as many products for every pixel of the smaller map as
// the full sums need for every pixel of the larger one, on vectors of input channels (or, of plain
// input, a filter's row) where the full sums have vectors of filters. The plan holds no data but the
// arguments of the call under way: one call at a time.
type PooledGrad struct {
	s      Shape
	plain  bool
	window Window
	ph, pw int // the pooled map
	lanes  int // of an input pixel: of plain input one, else half a vector where that holds all channels

	// Of the filters: sums of boxes of the input, rows×cols vectors for each unit.
	units  int // blocks of channels, or plain channels
	cols   int // vectors of a row of taps, 0 for half a one
	taps   []simd.Box
	copied bool // x is read from a copy with its border and, at its end, a vector's room
	input  frame
	shift  int // halves: floats from this copy to one that is a pixel ahead, 0 for none
	apart  int // floats of a chunk's sums: each filter's, and the biases
	chunks int // runs of images that are summed apart, and added in order

	// Of the data: sums of boxes of packed filters, as large as what a window may reach.
	rows, wide int // of the box: rows, and vectors of a row
	reach      []simd.Box
	boxLen     int // floats of a packed filter for one column of the window: zeros above, taps, zeros below
	pass       int // filters of a pass over the pixels: they stay in the first-level cache
	ah, aw     int // the area that all boxes reach: rows, and floats of a row
	tasks      int

	filter pooledFilter
	data   pooledData
	pack   pooledPack
}

// NewPooledGrad plans the gradients of a convolution that a max pooling follows, nil if the full sums
// are faster or needed.
func NewPooledGrad(s Shape, plainInput bool, w Window) *PooledGrad {
	g := newPooledGrad(s, plainInput, w)
	if g == nil || !g.pays() {
		return nil
	}
	return g
}

func newPooledGrad(s Shape, plain bool, w Window) *PooledGrad {
	dense := s.SH == 1 && s.SW == 1 && s.DH == 1 && s.C <= Block
	if s.Groups > 1 || s.DW > 1 || !plain && !dense || s.Validate() != nil || w.ValidateMax(s.OutH(), s.OutW()) != nil {
		return nil
	}
	g := &PooledGrad{s: s, plain: plain, window: w, lanes: Block}
	g.ph, g.pw = w.Out(s.OutH(), s.OutW())
	switch {
	case plain:
		g.lanes = 1
	case s.C <= Block/2:
		g.lanes = Block / 2
	}
	g.planFilter()
	if !plain {
		g.planData()
	}
	const places = 1 << 29 // floats that they reach
	if max(g.copiedLen(), g.input.size(g.units), g.GradPackedLen()) >= places {
		return nil
	}
	return g
}

func (g *PooledGrad) planFilter() {
	const (
		products = 1 << 15 // of vectors, of a chunk: some microseconds
		most     = 16
	)
	s := g.s
	g.units, g.cols = simd.Blocks(s.C), ceil(s.KW*g.lanes, Block)
	if g.plain {
		g.units = s.C
		if s.KW <= Block/2 {
			g.cols = 0
		}
	}
	g.taps = simd.CutBox(s.KH, g.cols)
	g.input = frame{h: s.H, w: s.W, left: s.PadL, bh: s.H, bw: s.W, vec: g.lanes}
	g.copied = g.lanes < Block || s.PadT+s.PadB+s.PadL+s.PadR > 0
	if g.copied {
		g.input.bh, g.input.bw = (s.OutH()-1)*s.SH+(s.KH-1)*s.DH+1, (s.OutW()-1)*s.SW+(s.KW-1)*s.DW+1
	}
	// Where the windows' columns are even and odd in turn, the boxes of the odd ones are read from a second
	// copy, in which they begin with whole vectors too.
	if w := g.window; g.halves() && w.KW == 2 && w.SW%2 == 0 && w.PadL%2 == 0 {
		g.input.bw += g.input.bw % 2
		g.shift = g.copiedLen()
	}
	g.apart = s.F*g.perFilter() + simd.Blocks(s.F)*Block
	for g.chunks = 1; g.chunks < most && 2*g.chunks <= s.N && s.N*g.filterProducts() > g.chunks*products; {
		g.chunks *= 2
	}
}

// perFilter returns the floats of the sums of one filter.
func (g *PooledGrad) perFilter() int { return g.units * g.s.KH * g.perRow() }

// perRow returns the floats of the sums of a filter's row.
func (g *PooledGrad) perRow() int { return max(g.cols, 1) * Block }

// filterProducts returns the products of vectors that the gradient of the filters takes for an image.
func (g *PooledGrad) filterProducts() int { return g.ph * g.pw * g.s.F * g.perFilter() / Block }

func (g *PooledGrad) planData() {
	const cache = 12 << 10 // floats: the first level
	s, w := g.s, g.window
	g.rows, g.wide = s.KH+w.KH-1, ceil((s.KW+w.KW-1)*g.lanes, Block)
	g.reach = simd.CutBox(g.rows, g.wide)
	g.boxLen = (s.KH + 2*(w.KH-1)) * g.wide * Block
	g.pass = Block
	for g.pass > 1 && g.pass*w.KW*g.boxLen > cache {
		g.pass /= 2
	}
	g.ah = max((g.ph-1)*w.SH+g.rows, s.H+s.PadT+w.PadT)
	g.aw = max((g.pw-1)*w.SW*g.lanes+g.wide*Block, alignUp((s.W+s.PadL+w.PadL)*g.lanes))
	g.tasks = min(s.N, 32)
}

// pays compares, for each gradient, the products of vectors with those of the full sums. A box of plain
// input crosses cache lines; a small one waits for the place and the factor.
func (g *PooledGrad) pays() bool {
	const step = 3 // products that finding a box is worth
	s := g.s
	windows := g.ph * g.pw * s.F
	full := s.OutH() * s.OutW() * s.KH * s.KW
	box := g.perFilter() / Block
	if g.plain {
		box *= 2
	}
	if windows*(box+step) > full*s.C*simd.Blocks(s.F) {
		return false
	}
	return g.plain || windows*(g.rows*g.wide+step) < s.H*s.W*s.KH*s.KW*s.F*simd.Blocks(s.C)
}

// pixels returns the pixels of a pooled map.
func (g *PooledGrad) pixels() int { return g.ph * g.pw }

// FilterGradScratch returns the floats of scratch space that FilterGrad needs on so many threads.
func (g *PooledGrad) FilterGradScratch(threads int) int {
	return Block + g.chunks*g.apart + apart + threads*g.filterWorker()
}

// filterWorker returns the floats of a thread's own scratch space: places, and the copied input.
func (g *PooledGrad) filterWorker() int { return g.placesLen() + g.copiedLen() + apart }

// placesLen returns the floats of a list of places, with one row more than there are pixels.
func (g *PooledGrad) placesLen() int { return (g.pixels() + 1) * Block }

// copiedLen returns the floats of all copies of the input.
func (g *PooledGrad) copiedLen() int {
	switch {
	case !g.copied:
		return 0
	case g.shift > 0:
		return 2 * g.shift
	}
	return alignUp(g.input.size(g.units)) + Block
}

// halves reports whether pixels of the input are half a vector.
func (g *PooledGrad) halves() bool { return g.lanes == Block/2 }

// DataGradScratch returns the floats of scratch space that DataGrad needs on so many threads.
func (g *PooledGrad) DataGradScratch(threads int) int { return Block + threads*g.dataWorker() }

// dataWorker returns the floats of a thread's own scratch space: places, and the sums of all boxes.
func (g *PooledGrad) dataWorker() int { return g.placesLen() + g.ah*g.aw + apart }

// GradPackedLen returns the floats of the packed filters that DataGrad reads.
func (g *PooledGrad) GradPackedLen() int { return g.s.F * g.window.KW * g.boxLen }

// check panics unless dy and chosen belong to the pooled map.
func (g *PooledGrad) check(dy Act, chosen []uint8) {
	mustBe("pooled gradient", dy, g.s.N, g.s.F, g.ph, g.pw)
	mustHaveAll("argmax", len(chosen), simd.BlockedLen(dy.N, dy.C, dy.H, dy.W))
}

// A pooledFilter is a FilterGrad under way.
type pooledFilter struct {
	g             *PooledGrad
	x             []float32
	xs            int
	dy            Act
	chosen        []uint8
	dw, db        []float32
	sums, workers []float32
	adding        bool
}

// FilterGrad computes the gradient of the filters, dw (F×C×KH×KW), and of the bias, db (F floats, nil if
// there is none), from the convolution's input, the gradient dy of the pooled map and the argmax that
// [MaxPool] left.
func (g *PooledGrad) FilterGrad(p *Pool, x Input, dy Act, argmax []uint8, dw, db, scratch []float32) {
	s := g.s
	mustHave("scratch", len(scratch), g.FilterGradScratch(p.Threads()))
	mustHave("filter gradient", len(dw), s.filterLen())
	if db != nil {
		mustHave("bias gradient", len(db), s.F)
	}
	g.check(dy, argmax)
	scratch = aligned(scratch)
	all := g.chunks * g.apart
	r := &g.filter
	*r = pooledFilter{g: g, dy: dy, chosen: argmax, dw: dw, db: db, sums: scratch[:all], workers: scratch[all+apart:]}
	r.x, r.xs = x.of(s, g.plain)
	p.Run(g.chunks, r)
	r.adding = true
	p.Run(simd.Blocks(s.F), r)
	*r = pooledFilter{}
}

// Task sums the boxes of a chunk of images or, at the end, adds up the chunks for a block of filters.
func (r *pooledFilter) Task(task, worker int) {
	if r.adding {
		r.add(task)
		return
	}
	g, s, w := r.g, r.g.s, &r.g.window
	mine := r.workers[worker*g.filterWorker():][:g.filterWorker()]
	at, own := placesIn(mine[:g.placesLen()]), mine[g.placesLen():]
	sums := r.sums[task*g.apart:][:g.apart]
	clear(sums)
	biases := sums[s.F*g.perFilter():]
	row, column := g.input.bw*g.input.vec, g.input.vec
	next := s.SW * column // from a column of a window to the next
	if g.shift > 0 {
		next = g.shift
	}
	to := simd.NewRoute(w.KW, s.SH*row, next, w.SW*s.SW*column, w.SH*s.SH*row)
	var first [Block]int32
	for l := range first {
		first[l] = int32(-4 * (w.PadT*s.SH*row + w.PadL*s.SW*column))
	}
	boxes := simd.BoxSum{N: g.pixels(), Step: Block, Next: 1, Row: s.DH * row, SumRow: g.perRow(), SumNext: g.perFilter()}
	clear(own[:g.copiedLen()])
	for n := task * s.N / g.chunks; n < (task+1)*s.N/g.chunks; n++ {
		x := r.x[n*r.xs:]
		switch {
		case g.halves():
			g.copyHalves(own, x)
			x = own
		case g.copied:
			g.input.copy(own, x, g.units, -s.PadT)
			x = own
		}
		for b := range simd.Blocks(s.F) {
			dy := r.dy.Plane(n*simd.Blocks(s.F) + b)
			var sum [Block]float32
			simd.SumPixels(dy, &sum)
			simd.AddTo(sum[:], biases[b*Block:])
			to.Places(g.ph, g.pw, &r.chosen[(n*simd.Blocks(s.F)+b)*g.pixels()*Block], &first, &at[0])
			boxes.Boxes = min(Block, s.F-b*Block)
			for u := range g.units {
				x, sum := x[u*g.input.size(1):], sums[b*Block*g.perFilter()+u*s.KH*g.perRow():]
				for i := range g.taps {
					t := &g.taps[i]
					boxes.Run(t, dy, at, x[t.R*boxes.Row+t.C*Block:], sum[t.R*g.perRow()+t.C*Block:])
				}
			}
		}
	}
}

// copyHalves is frame.copy from a blocked map to one whose pixels are half a vector, and to that which is a
// pixel ahead.
func (g *PooledGrad) copyHalves(dst, x []float32) {
	f := &g.input
	width := min(f.w, f.bw-f.left)
	if width <= 0 {
		return
	}
	for i := range min(f.h, f.bh-g.s.PadT) {
		from, at := x[i*f.w*Block:], ((i+g.s.PadT)*f.bw+f.left)*f.vec
		simd.GatherHalves(width, from, dst[at:])
		if g.shift > 0 {
			simd.GatherHalves(width, from, dst[at+g.shift-f.vec:])
		}
	}
}

// placesIn returns scratch space as room for places.
func placesIn(scratch []float32) []int32 {
	return unsafe.Slice((*int32)(unsafe.Pointer(&scratch[0])), len(scratch))
}

// add adds up the chunks for a block of filters and writes its gradient.
func (r *pooledFilter) add(b int) {
	g, s := r.g, r.g.s
	from, to := b*Block, min((b+1)*Block, s.F)
	sums := r.sums[from*g.perFilter():]
	sumChunks(sums, (to-from)*g.perFilter(), g.chunks, g.apart)
	for f := from; f < to; f++ {
		sum, dw := r.sums[f*g.perFilter():], r.dw[f*s.C*s.KH*s.KW:][:s.C*s.KH*s.KW]
		if g.plain {
			for i := range s.C * s.KH {
				copy(dw[i*s.KW:(i+1)*s.KW], sum[i*g.perRow():])
			}
			continue
		}
		for c := range s.C {
			for i := range s.KH {
				row, to := sum[i*g.perRow()+c:], dw[(c*s.KH+i)*s.KW:]
				for j := range s.KW {
					to[j] = row[j*g.lanes]
				}
			}
		}
	}
	if r.db != nil {
		biases := r.sums[s.F*g.perFilter()+from:]
		sumChunks(biases, Block, g.chunks, g.apart)
		copy(r.db[from:to], biases)
	}
}

// A pooledPack is a PackGrad under way.
type pooledPack struct {
	g         *PooledGrad
	w, packed []float32
}

// PackGrad brings filters, F×C×KH×KW, into the form that DataGrad reads: for each column of the window,
// rows of the box, with so many zeros above and below the taps as the window has rows beyond its first.
func (g *PooledGrad) PackGrad(p *Pool, w, packed []float32) {
	mustHave("filters", len(w), g.s.filterLen())
	mustHave("packed filters", len(packed), g.GradPackedLen())
	g.pack = pooledPack{g, w, packed}
	p.Run(g.s.F, &g.pack)
	g.pack = pooledPack{}
}

// Task packs one filter.
func (r *pooledPack) Task(f, _ int) {
	g, s := r.g, r.g.s
	w := r.w[f*s.C*s.KH*s.KW:]
	for column := range g.window.KW {
		box := r.packed[(f*g.window.KW+column)*g.boxLen:][:g.boxLen]
		clear(box)
		for i := range s.KH {
			row := box[(g.window.KH-1+i)*g.wide*Block+column*g.lanes:]
			for c := range s.C {
				for j, v := range w[(c*s.KH+i)*s.KW:][:s.KW] {
					row[j*g.lanes+c] = v
				}
			}
		}
	}
}

// A pooledData is a DataGrad under way.
type pooledData struct {
	g               *PooledGrad
	dy, dx          Act
	chosen          []uint8
	packed, workers []float32
	accumulate      bool
}

// DataGrad computes the gradient of the convolution's input, dx, from that of the pooled map, dy, and
// the argmax that [MaxPool] left; it adds to dx if accumulate is set. Packed comes from PackGrad.
func (g *PooledGrad) DataGrad(p *Pool, dy Act, argmax []uint8, packed []float32, accumulate bool, dx Act, scratch []float32) {
	mustHave("packed filters", len(packed), g.GradPackedLen())
	mustHave("scratch", len(scratch), g.DataGradScratch(p.Threads()))
	mustBe("input gradient", dx, g.s.N, g.s.C, g.s.H, g.s.W)
	g.check(dy, argmax)
	g.data = pooledData{g, dy, dx, argmax, packed, aligned(scratch), accumulate}
	p.Run(g.tasks, &g.data)
	g.data = pooledData{}
}

// Task does some images.
func (r *pooledData) Task(task, worker int) {
	g, s, w := r.g, r.g.s, r.g.window
	mine := r.workers[worker*g.dataWorker():][:g.dataWorker()]
	at, area := placesIn(mine[:g.placesLen()]), mine[g.placesLen():][:g.ah*g.aw]
	box := simd.NewRoute(w.KW, -g.wide*Block, g.boxLen, 0, 0)
	boxes := simd.BoxSum{Boxes: g.pw, Step: 1, Next: Block, Row: g.wide * Block, SumRow: g.aw, SumNext: w.SW * g.lanes}
	for n := task * s.N / g.tasks; n < (task+1)*s.N/g.tasks; n++ {
		clear(area)
		for f0 := 0; f0 < s.F; f0 += g.pass {
			dy := r.dy.Plane(n*simd.Blocks(s.F) + f0/Block)
			if f0%Block == 0 {
				var first [Block]int32
				for l := range first { // of the window's first row, whose box has the most zeros below
					first[l] = int32(4 * (l%g.pass*w.KW*g.boxLen + (w.KH-1)*g.wide*Block))
				}
				chosen := r.chosen[(n*simd.Blocks(s.F)+f0/Block)*g.pixels()*Block:]
				box.Places(1, g.pixels(), &chosen[0], &first, &at[0])
			}
			packed := r.packed[f0*w.KW*g.boxLen:]
			boxes.N = min(g.pass, s.F-f0)
			for i := range g.reach {
				b := &g.reach[i]
				for p := range g.ph {
					from := p*g.pw*Block + f0%Block
					boxes.Run(b, dy[from:], at[from:], packed[(b.R*g.wide+b.C)*Block:], area[(p*w.SH+b.R)*g.aw+b.C*Block:])
				}
			}
		}
		r.write(n, area)
	}
}

// write brings the part of the area that is the map to image n of dx.
func (r *pooledData) write(n int, area []float32) {
	g, s, w := r.g, r.g.s, r.g.window
	dx := r.dx.Plane(n)
	for i := range s.H {
		row := area[(i+s.PadT+w.PadT)*g.aw+(s.PadL+w.PadL)*g.lanes:]
		to := dx[i*s.W*Block:][:s.W*Block]
		switch {
		case r.accumulate:
			for j := range s.W {
				for l, v := range row[j*g.lanes:][:g.lanes] {
					to[j*Block+l] += v
				}
			}
		case g.lanes == Block:
			copy(to, row)
		default:
			simd.SpreadHalves(s.W, row, to)
		}
	}
}
