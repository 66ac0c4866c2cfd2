package conv

import (
	"unsafe"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

// A laneFilter plans the gradient of filters whose groups lie within a block:
//
//	dw[f][c][i][j] = Σ_n Σ_r Σ_s dy[n][r][s][f] · x[n][sh·r+dh·i−top][sw·s+dw·j−left][the channel c of f's group]
//
// Tiles have the taps of one or two rows of the filters for rows and run along the pixels of a strip; the input is copied
// with its border. A part of the strips, a chunk, has sums of its own, which are added in order at the end.
type laneFilter struct {
	s        Shape
	blocks   int
	each     int // channels of a group
	oh, ow   int
	bh, bw   int // rows and columns of the window that a strip reads
	rows     int // of a strip
	strips   int // of an image
	chunks   int
	perBlock int // floats of a block's sums
	offs     [][2]int

	x            []float32
	xs           int
	dy           Act
	dw, db       []float32
	sums, biases []float32
	windows      []float32
	adding       bool
}

func newLaneFilter(s Shape) *laneFilter {
	const (
		window = 96 << 10 // bytes of a strip's input, about
		tasks  = 16       // that are sought
		each   = 1 << 12  // multiply-adds of a chunk, at least
	)
	g := &laneFilter{s: s, blocks: simd.Blocks(s.C), each: s.C / s.Groups, oh: s.OutH(), ow: s.OutW()}
	g.bw = (g.ow-1)*s.SW + (s.KW-1)*s.DW + 1
	halo := (s.KH-1)*s.DH + 1 - s.SH
	g.rows = max(1, min(g.oh, (window/(g.bw*Block*4)-halo)/s.SH))
	g.strips = ceil(g.oh, g.rows)
	g.rows = ceil(g.oh, g.strips)
	g.strips = ceil(g.oh, g.rows)
	g.bh = (g.rows-1)*s.SH + (s.KH-1)*s.DH + 1
	work := s.N * g.oh * g.ow * s.KH * s.KW * g.each
	g.chunks = max(1, min(ceil(tasks, g.blocks), s.N*g.strips, work/each))
	g.perBlock = s.KH * s.KW * g.each * Block
	for r := range g.rows {
		g.offs = append(g.offs, [2]int{r * s.SH * g.bw * Block * 4, r * g.ow * Block * 4})
	}
	return g
}

func (g *laneFilter) window() int { return alignUp(g.bh*g.bw*Block) + apart }

func (g *laneFilter) scratch(threads int) int {
	return Block + g.blocks*g.chunks*(g.perBlock+Block) + apart + threads*g.window()
}

func (g *laneFilter) run(p *Pool, x []float32, xs int, dy Act, dw, db, scratch []float32) {
	scratch = aligned(scratch)
	g.x, g.xs, g.dy, g.dw, g.db = x, xs, dy, dw, db
	sums := g.blocks * g.chunks * g.perBlock
	g.sums, scratch = scratch[:sums], scratch[sums:]
	g.biases, scratch = scratch[:g.blocks*g.chunks*Block], scratch[g.blocks*g.chunks*Block:]
	g.windows = scratch[apart:]
	p.Run(g.blocks*g.chunks, g)
	g.adding = true
	p.Run(g.blocks, g)
	g.x, g.dy, g.dw, g.db, g.sums, g.biases, g.windows, g.adding = nil, Act{}, nil, nil, nil, nil, nil, false
}

// Task sums a chunk of the strips of a block or, at the end, adds up a block's chunks.
func (g *laneFilter) Task(task, worker int) {
	if g.adding {
		g.finish(task)
		return
	}
	window := g.windows[worker*g.window():]
	block, chunk := task/g.chunks, task%g.chunks
	sums, biases := g.sums[task*g.perBlock:][:g.perBlock], g.biases[task*Block:][:Block]
	clear(sums)
	clear(biases)
	all := g.s.N * g.strips
	for i := chunk * all / g.chunks; i < (chunk+1)*all/g.chunks; i++ {
		g.strip(i/g.strips, block, i%g.strips*g.rows, window, sums, biases)
	}
}

func (g *laneFilter) strip(image, block, r0 int, window, sums, biases []float32) {
	s := &g.s
	rows := min(g.rows, g.oh-r0)
	f := frame{h: s.H, w: s.W, left: s.PadL, bh: g.bh, bw: g.bw, vec: Block}
	f.fill(window, g.x[image*g.xs+block*s.H*s.W*Block:][:s.H*s.W*Block], r0*s.SH-s.PadT)
	dy := unsafe.Pointer(&g.dy.Data[image*g.dy.Stride+(block*g.oh+r0)*g.ow*Block])
	t := simd.Tile{
		AMS: uintptr(s.DW * Block * 4), AKS: uintptr(s.SW * Block * 4), Offs: &g.offs[0], NB: rows, KB: g.ow,
		B: dy, BKS: Block * 4, CMS: uintptr(g.each * Block * 4),
	}
	most := simd.MaxLaneRows(g.each > 1)
	for c := range g.each {
		if g.each > 1 {
			t.Permute = &groupLanes[log2(g.each)][c]
		}
		for i := 0; i < s.KH; i++ {
			row := window[i*s.DH*g.bw*Block:]
			to := sums[(i*s.KW*g.each+c)*Block:]
			if 2*s.KW <= most && i+1 < s.KH {
				t.A0, t.A1 = unsafe.Pointer(&row[0]), unsafe.Pointer(&row[s.DH*g.bw*Block])
				into(&t, unsafe.Pointer(&to[0]), s.KW*g.each*Block*4)
				t.RunLanes(2 * s.KW)
				i++
				continue
			}
			parts := ceil(s.KW, most)
			for part := range parts {
				j0, j1 := part*s.KW/parts, (part+1)*s.KW/parts
				m := j1 - j0
				half := (m + 1) / 2 % m
				t.A0 = unsafe.Pointer(&row[j0*s.DW*Block])
				t.A1 = unsafe.Add(t.A0, half*s.DW*Block*4)
				into(&t, unsafe.Pointer(&to[j0*g.each*Block]), half*g.each*Block*4)
				t.RunLanes(m)
			}
		}
	}
	if g.db != nil {
		var starts [1][2]int
		addUp(dy, starts[:], rows*g.ow, unsafe.Pointer(&biases[0]))
	}
}

// finish adds a block's chunks in order, and writes its filters and biases.
func (g *laneFilter) finish(block int) {
	s := &g.s
	sums, biases := g.sums[block*g.chunks*g.perBlock:], g.biases[block*g.chunks*Block:]
	sumChunks(sums, g.perBlock, g.chunks, g.perBlock)
	lanes := min(Block, s.C-block*Block)
	taps := s.KH * s.KW
	dw := g.dw[block*Block*g.each*taps:]
	for tap := range taps {
		for c := range g.each {
			for l, v := range sums[(tap*g.each+c)*Block:][:lanes] {
				dw[(l*g.each+c)*taps+tap] = v
			}
		}
	}
	if g.db != nil {
		sumChunks(biases, Block, g.chunks, Block)
		copy(g.db[block*Block:][:lanes], biases)
	}
}
