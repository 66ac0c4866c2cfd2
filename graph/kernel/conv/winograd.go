package conv

import "github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"

// The forms of Winograd's minimal filtering. The one of small tiles is for few pixels and many filters, in evaluation.
var (
	minimal    = minimalFiltering("minimal filtering", simd.F43)
	smallTiles = minimalFiltering("minimal filtering of small tiles", simd.F23)
	fiveTaps   = minimalFiltering("minimal filtering of 5×5", simd.F25)
)

func minimalFiltering(name string, form simd.Winograd) algorithm {
	can := func(s Shape, m mapping, o options) bool {
		if !winogradCan(s, form) || o.training && form == simd.F23 {
			return false
		}
		best, pays := winogradForm(m, o.training)
		return o.forced || pays && best == form
	}
	a := algorithm{
		name: name,
		forward: func(s Shape, o options) pass {
			if o.plain || !can(s, forwardMapping(s), o) {
				return nil
			}
			return &winogradPass{winograd: forwardWinograd(s, form, o.training)}
		},
		dataGrad: func(s Shape, o options) pass {
			if !can(s, gradMapping(s), o) {
				return nil
			}
			return &winogradPass{winograd: gradWinograd(s, form, o.training)}
		},
	}
	if form == simd.F43 {
		a.filterGrad = func(s Shape, o options) filterPass {
			if o.plain || !winogradCan(s, form) || !o.forced && !winogradGradPays(forwardMapping(s)) {
				return nil
			}
			return newWinogradGrad(s)
		}
	}
	return a
}

// A winogradPass is a plan and the call under way.
type winogradPass struct {
	*winograd
	packing winogradPack
	call    winogradRun
}

func (w *winogradPass) pack(p *Pool, filters, packed []float32) {
	w.packing.run(p, w.winograd, filters, packed)
}

func (w *winogradPass) run(p *Pool, a *args, scratch []float32) {
	w.call = winogradRun{x: a.x, xs: a.xs, u: a.filters, res: a.res.Data, rs: a.res.Stride, y: a.y.Data, ys: a.y.Stride}
	w.call.do(p, w.winograd, a.bias, a.act, scratch)
}

// A winograd plans a 3×3 or 5×5 convolution of stride 1, or its data gradient, by minimal filtering (Winograd,
// "Arithmetic Complexity of Computations", 1980; Lavin & Gray, "Fast Algorithms for Convolutional
// Networks", arXiv:1509.09308). F(4×4, 3×3) computes tiles of 4×4 pixels from 6×6 with
// 36 products for each pair of channels where the sum takes 144. In the transformed domain those are
// 36 matrix products, tiles × input channels times input channels × output channels, which the
// micro-kernel computes.
//
// Tiles pass by in strips. Where transformed strips fit in the second-level cache, a task takes a
// strip through all three stages. Where all tiles are one strip and filters outweigh it, a task does so for
// a pair of panels, and each thread transforms the input once for itself. Where channels are many, the
// first stage is split over all threads, by channels, and the other two by panels: transformed pixels go from
// cache to cache, but products stay where they are made. Strips are as long as the filters' way from memory asks for.
//
// Transformed filters are four times as large as filters. Where they would be used only once, in stages of
// training, they are not packed: a task transforms those of a few panels of results, some channels at a
// time, into its thread's cache, multiplies, and takes its results through the last stage too.
//
// F(2×2, 3×3) takes 16 products for four pixels where the sum takes 36, with filters 1.8 times as large: for
// evaluation of so few pixels that the larger ones' way from memory would take longer than what they save.
// F(2×2, 5×5) takes 36 products where the sum takes 100, from pixels transformed as for F(4×4, 3×3).
//
// # Precision
//
// With the points 0, ±5/8, ±3/2 and ∞ the error of F(4×4, 3×3) on normally distributed data is about 8e-7 relative in
// norm for 64 input channels and 1.4e-6 for 512, three or four times that of the direct sum, and half
// of what the usual points 0, ±1, ±2 would give; that of F(2×2, 3×3) is a third of it,
// that of F(2×2, 5×5) a tenth more. The transforms add pixels before they multiply:
// values beyond 1e36 may overflow where the sum would not, and a pixel that is not finite makes its
// whole tile so.
type winograd struct {
	winogradMap
	f       int // output channels
	groups  int
	kb, nb  int // steps of a block of k, blocks
	chunk   int // blocks of one pass
	offs    [][2]int
	panels  int // of all groups
	uPitch  int // floats from one of the filter matrices, of which there are as many as products, to the next
	mPitch  int // and of the results
	staged  bool
	round   int  // strips that stages take at a time
	fresh   bool // filters are transformed on the way, in stages
	wide    int  // panels that then go together
	deep    int  // and blocks of k
	parts   int  // tasks of a strip that is done in one go, each for some of the panels
	flipped bool // packs the filters of a data gradient

	calls int
	held  []winogradHeld // by each thread
}

// A winogradHeld says which strip of which call it is that a thread has the transformed input of.
type winogradHeld struct {
	call, strip int
	_           [112]byte
}

// A winogradMap is the part of a plan that brings a batch into the transformed domain.
type winogradMap struct {
	form       simd.Winograd
	side, taps int // pixels of the sides of a tile and of a filter
	reach      int // and of what a tile is made from
	products   int // of a tile: the square of that
	n, c       int
	h, w       int // input map
	oh, ow     int // output map
	top, left  int // zeros before the input; may be negative
	th, tw     int // tiles of an image
	strip      int // tiles of a strip
	strips     int
	blocks     int // of input channels
	vPitch     int // floats from one of the input matrices to the next
	inputParts int // tasks of a block in a strip
}

const (
	winogradRow  = 8                               // tiles that hang over a border, at most, to be copied side by side
	winogradTemp = 6 * (winogradRow*4 + 2) * Block // floats of such a copy, of the largest form

	// Stages take two strips at a time, so that two threads have tasks of one strip each.
	winogradRound = 2
)

// oddLines returns the floats of n cache lines, or one more: an odd number of them, so that the
// matrices' vectors do not fall into the same sets of the cache.
func oddLines(n int) int { return (n | 1) * Block }

// winogradCan reports whether a convolution has the form that the algorithm computes.
func winogradCan(s Shape, form simd.Winograd) bool {
	return s.KH == form.Taps() && s.KW == form.Taps() && s.SH == 1 && s.SW == 1 && s.DH == 1 && s.DW == 1 &&
		(s.Groups == 1 || s.C/s.Groups%Block == 0 && s.F/s.Groups%Block == 0)
}

func newWinogradMap(form simd.Winograd, n, c, h, w, oh, ow, top, left int) winogradMap {
	side, taps := form.Side(), form.Taps()
	reach := side + taps - 1
	return winogradMap{
		form: form, side: side, taps: taps, reach: reach, products: reach * reach,
		n: n, c: c, h: h, w: w, oh: oh, ow: ow, top: top, left: left, blocks: simd.Blocks(c),
		th: ceil(oh, side), tw: ceil(ow, side),
	}
}

func (g *winogradMap) tiles() int { return g.n * g.th * g.tw }

// cut cuts the tiles into strips of about the given number.
func (g *winogradMap) cut(tiles int) {
	g.strips = max(1, (g.tiles()+tiles/2)/tiles)
	g.strip = (g.tiles() + g.strips - 1) / g.strips
	g.strips = (g.tiles() + g.strip - 1) / g.strip
	g.vPitch = oddLines(g.blocks * g.strip)
	const tasks, least = 16, 8 // tasks of a stage; tiles of a task
	g.inputParts = max(1, min(tasks/g.blocks, g.strip/least))
}

// tilesOf returns the tiles of a strip.
func (g *winogradMap) tilesOf(strip int) (t0, t1 int) {
	return strip * g.strip, min((strip+1)*g.strip, g.tiles())
}

// forwardWinograd plans the forward pass, gradWinograd the data gradient.
func forwardWinograd(s Shape, form simd.Winograd, training bool) *winograd {
	g := &winograd{
		winogradMap: newWinogradMap(form, s.N, s.C, s.H, s.W, s.OutH(), s.OutW(), s.PadT, s.PadL),
		f:           s.F, groups: s.Groups,
	}
	g.plan(training)
	return g
}

func gradWinograd(s Shape, form simd.Winograd, training bool) *winograd {
	g := &winograd{
		winogradMap: newWinogradMap(form, s.N, s.F, s.OutH(), s.OutW(), s.H, s.W, s.KH-1-s.PadT, s.KW-1-s.PadL),
		f:           s.C, groups: s.Groups, flipped: true,
	}
	g.plan(training)
	return g
}

func (g *winograd) plan(training bool) {
	g.kb, g.nb = channelSteps(g.c / g.groups)
	const steps = 320
	chunks := max(1, (g.nb*g.kb+steps/2)/steps)
	g.chunk = (g.nb + chunks - 1) / chunks
	g.panels = simd.Blocks(g.f)
	g.uPitch = oddLines(g.panels * g.nb * g.kb)
	g.planStrips(training)
	g.round = winogradRound
	if g.fresh {
		g.planFresh()
	} else {
		if g.staged {
			g.parts = ceil(g.panels, g.wideness())
		}
		g.mPitch = oddLines(ceil(g.panels, g.parts) * g.strip)
	}
	g.offs = make([][2]int, g.nb)
	for i := range g.offs {
		ch := i * g.kb
		g.offs[i] = [2]int{(ch/Block*g.strip*Block + ch%Block) * 4, ch * Block * 4}
	}
}

// planStrips chooses between whole strips and stages, and the tiles of a strip: in whole tiles of the
// micro-kernel, which are of fourteen rows at best.
func (g *winograd) planStrips(training bool) {
	const (
		most   = 300        // channels in and out, up to which strips are done in one go
		cached = 640 << 10  // bytes of such a strip, transformed
		tasks  = 16         // strips that are sought
		few    = 8          // strips that are too few, unless
		small  = 160 << 10  // bytes of filters, transformed, that each thread may read for short strips
		held   = 1200 << 10 // bytes of all tiles, transformed, that each thread may have for itself
		large  = 8 << 20    // bytes of a strip in stages
		fresh  = 96         // tiles of a strip in stages for which filters are transformed anew
		rows   = 14
	)
	channels := (g.blocks + g.panels) * Block
	g.parts = 1
	// With few tiles, stages would send all that is transformed from one thread's cache to another's, which takes as long
	// as to do it twice.
	if g.tiles() < few*rows {
		switch {
		case g.products*4*g.blocks*g.panels*Block*Block <= small:
			g.cut(max(g.tiles()/4, 8))
			return
		case g.products*4*g.blocks*Block*g.tiles() <= held:
			g.cut(g.tiles())
			g.parts = ceil(g.panels, 2)
			return
		}
	}
	if channels > most || g.tiles() < few*rows {
		g.staged, g.fresh = true, training
		if training {
			g.cut(fresh)
			return
		}
		strip := max(min(large/(g.products*4*channels), 8*rows)/rows, 1) * rows
		g.cut(strip)
		if g.strips%winogradRound != 0 && g.tiles() >= few*rows {
			g.cut(ceil(g.tiles(), g.strips+1))
		}
		return
	}
	strip := min(cached/(g.products*4*channels), g.tiles()/tasks, 8*rows)
	g.cut(max(strip/rows, 1) * rows)
}

// wideness returns how many panels' results of a strip a task has in the second-level cache.
func (g *winograd) wideness() int {
	const results = 8 << 10 // floats of one of the products
	return min(4, max(2, results/(g.strip*Block)), g.panels/g.groups)
}

// planFresh chooses the strips of a round: one, whose tasks have their own part of the filters for all tiles, or
// shorter ones where those would be too few for threads to end together.
func (g *winograd) planFresh() {
	const least = 8 // tasks
	g.round = 1
	g.planParts()
	if g.groups*g.across() < least && g.strips > 1 {
		g.round = winogradRound
		g.cut(ceil(g.strip, winogradRound))
		g.planParts()
	}
}

// planParts chooses how much of the filters a task of a fresh plan has in its hands.
func (g *winograd) planParts() {
	const filters = 8 << 10 // floats of them in one of the products
	g.wide = g.wideness()
	g.deep = max(1, filters/(g.wide*Block*g.kb))
	if least := Block / g.kb; g.deep < g.nb { // whole blocks of channels
		g.deep = (g.deep + least - 1) / least * least
	}
	g.deep = min(g.deep, g.nb)
	g.uPitch = oddLines(g.wide * g.deep * g.kb)
	g.mPitch = oddLines(g.wide * g.strip)
}

// packedLen returns the floats of packed filters, 0 if the filters are read as they are.
func (g *winograd) packedLen() int {
	if g.fresh {
		return 0
	}
	return g.products * g.uPitch
}

// room returns the floats that each thread has to itself.
func (g *winograd) room() int {
	room := winogradTemp + apart
	switch {
	case g.fresh:
		room += g.products * (g.mPitch + g.uPitch)
	case g.staged:
		room += g.products * g.mPitch
	default:
		room += g.products * (g.vPitch + g.mPitch)
	}
	return room
}

func (g *winograd) scratch(threads int) int {
	n := Block + g.panels*Block + threads*g.room()
	if g.staged {
		n += g.round * g.products * g.vPitch
	}
	return n
}
