package kernel

import (
	"fmt"
	"unsafe"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

// A Gemm is a plan for C = op(A)·op(B) (+ C) on row-major matrices, op(A) being m×k and op(B) k×n.
//
// It goes the way of Goto & van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008):
// a block of B, kc×nc, is packed into panels of sixteen columns and stays in each core's second-level
// cache; the rows of A, kc long, are copied side by side once for all blocks of B, so that a tile's stay
// in the first-level cache while the micro-kernel walks along the panels. Every element of C is summed
// in the order of k, in blocks of kc that depend on k alone.
//
// A plan holds the state of one Run at a time, and is for the kernel family that it was made under.
type Gemm struct {
	transA, transB bool
	m, n, k        int

	rows         parts // rows of C, by tile
	columns      parts // panels of C, by block of B
	depth        parts // k, by block of B
	chunk        int   // panels in a task, of one tile's rows
	splits       int   // parts of k summed apart, for want of other parallelism
	wide         int   // panels in a tile
	tileA        int   // floats of the copy of a tile's rows of A
	longA, longB int   // floats of one split's copy of A, and of its block of B

	gemmCall
}

// gemmCall is what one Run is about.
type gemmCall struct {
	a, b, c       []float32
	lda, ldb, ldc int
	accumulate    bool
	bias          []float32 // n, or nil
	relu          bool
	blocks        []float32 // packed B, for each split
	rowsA         []float32 // copied A, for each split
	edges         []float32 // a tile for each worker
	partial       []float32 // for each split but the first, m×n
	phase         int
	step, column  int // block of k within a split; block of columns
}

const (
	gemmDepth  = 384             // of a block of B: fourteen rows of A are then 21 KiB
	gemmBlock  = 512 * gemmDepth // floats in a block of B: 768 KiB, most of the second-level cache
	gemmPad    = 16              // floats between copied rows of A, against cache sets that coincide
	edgeTile   = 17 * Block      // floats of a tile at C's right edge, and its bias
	packDepth  = 32              // rows of B in a packing task
	packPanels = 4               // panels in a packing task
	gemmTasks  = 16              // parallel work that is sought
	gemmSplit  = 1 << 20         // multiply-adds that are worth splitting k for
	sumStep    = 1 << 12         // elements of C in a task of the last sum
	gemmSmall  = 1 << 17         // multiply-adds that are not worth the other threads
)

// The phases of Run.
const (
	gemmPack = iota
	gemmTiles
	gemmSum
)

// oneBlock is the offsets of a tile whose k is one block.
var oneBlock [2]int

// parts divides total into count parts whose sizes differ by at most one unit.
type parts struct{ total, count, unit int }

// inParts divides total, in whole units but for the last, into parts of at most size.
func inParts(total, size, unit int) parts {
	units := (total + unit - 1) / unit
	return parts{total, (units*unit + size - 1) / size, unit}
}

// at returns where part i begins; at(count) is the end.
func (p parts) at(i int) int {
	units := (p.total + p.unit - 1) / p.unit
	return min(units*i/p.count*p.unit, p.total)
}

// largest returns the size of the largest part.
func (p parts) largest() int {
	units := (p.total + p.unit - 1) / p.unit
	return (units + p.count - 1) / p.count * p.unit
}

// NewGemm plans C (m×n) = op(A)·op(B). A is stored k×m if transA, and B n×k if transB.
func NewGemm(transA, transB bool, m, n, k int) *Gemm {
	if m < 0 || n < 0 || k < 0 {
		panic(fmt.Sprintf("kernel: matrix product of negative size %d×%d×%d", m, n, k))
	}
	g := &Gemm{transA: transA, transB: transB, m: m, n: n, k: k, wide: 2, splits: 1}
	if m == 0 || n == 0 || k == 0 {
		return g
	}
	if simd.MaxRows(2) == 0 || n <= Block {
		g.wide = 1
	}
	g.rows = inParts(m, min(simd.MaxRows(g.wide), Block), 1) // a transposed A's are copied in vectors
	g.depth = inParts(k, gemmDepth, 1)
	if k <= gemmDepth*4/3 {
		g.depth.count = 1 // rather than two short blocks
	}
	g.columns = inParts(Blocks(n), gemmBlock/Block/max(gemmDepth, g.depth.largest()), g.wide)
	g.chunk = g.columns.largest()
	for g.tasks() < gemmTasks && g.chunk > g.wide {
		g.chunk = (g.chunk/g.wide + 1) / 2 * g.wide
	}
	if m*n*k >= gemmSplit {
		g.splits = min(ceil(gemmTasks, g.tasks()), g.depth.count)
	}
	g.tileA = g.rows.largest() * (g.depth.largest() + gemmPad)
	if transA {
		g.tileA = Block * g.depth.largest()
	}
	g.longA = g.rows.count * g.tileA
	g.longB = g.depth.largest() * g.columns.largest() * Block
	return g
}

// tasks returns the number of tasks of the largest block of B.
func (g *Gemm) tasks() int { return g.rows.count * ceil(g.columns.largest(), g.chunk) }

// Scratch returns how many floats of scratch space Run wants on so many threads.
func (g *Gemm) Scratch(threads int) int {
	if g.m == 0 || g.n == 0 || g.k == 0 {
		return 0
	}
	return g.splits*(g.longA+g.longB) + threads*edgeTile + (g.splits-1)*g.m*g.n
}

// Run computes C = op(A)·op(B), or adds it to C. lda, ldb and ldc are the distances between rows as
// stored. C must not overlap A or B.
func (g *Gemm) Run(p *Pool, a []float32, lda int, b []float32, ldb int, accumulate bool, c []float32, ldc int, scratch []float32) {
	g.run(p, gemmCall{a: a, b: b, c: c, lda: lda, ldb: ldb, ldc: ldc, accumulate: accumulate}, scratch)
}

func (g *Gemm) run(p *Pool, call gemmCall, scratch []float32) {
	checkMatrix("A", g.m, g.k, g.transA, call.a, call.lda)
	checkMatrix("B", g.k, g.n, g.transB, call.b, call.ldb)
	checkMatrix("C", g.m, g.n, false, call.c, call.ldc)
	if g.m == 0 || g.n == 0 {
		return
	}
	if g.k == 0 {
		g.empty(call)
		return
	}
	if need := g.Scratch(p.Threads()); len(scratch) < need {
		panic(fmt.Sprintf("kernel: matrix product has %d floats of scratch space, wants %d", len(scratch), need))
	}
	g.gemmCall = call
	g.blocks, scratch = scratch[:g.splits*g.longB], scratch[g.splits*g.longB:]
	g.rowsA, scratch = scratch[:g.splits*g.longA], scratch[g.splits*g.longA:]
	g.edges, scratch = scratch[:p.Threads()*edgeTile], scratch[p.Threads()*edgeTile:]
	g.partial = scratch[:(g.splits-1)*g.m*g.n]
	steps := (g.depth.count + g.splits - 1) / g.splits
	for g.step = range steps {
		for g.column = range g.columns.count {
			panels := g.columns.at(g.column+1) - g.columns.at(g.column)
			g.phase = gemmPack
			g.tasksOn(p, g.splits*(g.packTasks(panels)+g.copyTasks()))
			g.phase = gemmTiles
			g.tasksOn(p, g.splits*g.rows.count*ceil(panels, g.chunk))
		}
	}
	if g.splits > 1 {
		g.phase = gemmSum
		p.Run(ceil(g.m*g.n, sumStep), g)
	}
	g.gemmCall = gemmCall{}
}

// tasksOn does a phase's tasks.
func (g *Gemm) tasksOn(p *Pool, tasks int) {
	if g.m*g.n*g.k > gemmSmall {
		p.Run(tasks, g)
		return
	}
	for i := range tasks {
		g.Task(i, 0)
	}
}

func ceil(a, b int) int { return (a + b - 1) / b }

func checkMatrix(name string, rows, columns int, trans bool, s []float32, ld int) {
	if trans {
		rows, columns = columns, rows
	}
	if rows == 0 || columns == 0 {
		return
	}
	if ld < columns || len(s) < (rows-1)*ld+columns {
		panic(fmt.Sprintf("kernel: matrix %s of %d×%d lies in %d floats with %d a row", name, rows, columns, len(s), ld))
	}
}

// empty is the product over no k at all.
func (g *Gemm) empty(call gemmCall) {
	for i := range g.m {
		row := call.c[i*call.ldc:][:g.n]
		for j := range row {
			if !call.accumulate {
				row[j] = 0
			}
			if call.bias != nil {
				row[j] += call.bias[j]
			}
			if call.relu && row[j] < 0 {
				row[j] = 0
			}
		}
	}
}

// Task does a piece of the phase that Run is in.
func (g *Gemm) Task(task, worker int) {
	switch g.phase {
	case gemmPack:
		g.packTask(task)
	case gemmTiles:
		g.tileTask(task, worker)
	case gemmSum:
		g.sumTask(task)
	}
}

// block returns the range of k of a split's current block, and whether it is the split's first or
// last; none when the split has no more.
func (g *Gemm) block(split int) (from, to int, first, last bool) {
	begin, end := split*g.depth.count/g.splits, (split+1)*g.depth.count/g.splits
	i := begin + g.step
	if i >= end {
		return 0, 0, false, false
	}
	return g.depth.at(i), g.depth.at(i + 1), i == begin, i == end-1
}

// packTasks returns the number of tasks that pack a split's block of B: a few panels each or, if B is
// stored by rows, a few whole rows, which lie in as few pages.
func (g *Gemm) packTasks(panels int) int {
	if g.transB {
		return ceil(panels, packPanels)
	}
	return ceil(g.depth.largest(), packDepth)
}

// copyTasks returns the number of tasks that copy a split's rows of A: with the first block of B.
func (g *Gemm) copyTasks() int {
	if g.column > 0 {
		return 0
	}
	return g.rows.count
}

// packTask copies a tile's rows of A, or packs a part of a block of B: sixteen columns side by side,
// zero beyond the last.
func (g *Gemm) packTask(task int) {
	start, end := g.columns.at(g.column), g.columns.at(g.column+1)
	copies := g.copyTasks()
	perSplit := g.packTasks(end-start) + copies
	split, task := task/perSplit, task%perSplit
	from, to, _, _ := g.block(split)
	if task < copies {
		g.copyRows(g.rowsA[split*g.longA+task*g.tileA:][:g.tileA], task, from, to)
		return
	}
	task -= copies
	kc := to - from
	dst := g.blocks[split*g.longB:]
	if g.transB {
		if kc == 0 {
			return
		}
		for q := task * packPanels; q < min((task+1)*packPanels, end-start); q++ {
			column := (start + q) * Block
			simd.PackTransposed(dst[q*kc*Block:], g.b[column*g.ldb+from:], g.ldb, min(Block, g.n-column), kc)
		}
		return
	}
	k0, k1 := task*packDepth, min((task+1)*packDepth, kc)
	if k0 >= k1 {
		return
	}
	for q := 0; q < end-start; q += packPanels {
		column := (start + q) * Block
		packPanelRows(dst[(q*kc+k0)*Block:], kc*Block, g.b[(from+k0)*g.ldb+column:], g.ldb, min(packPanels*Block, g.n-column, (end-start-q)*Block), k1-k0)
	}
}

// packPanelRows copies n rows of lanes ≤ 64 floats, ld apart, to panels of rows of sixteen, step apart;
// zeros fill the last.
func packPanelRows(dst []float32, step int, src []float32, ld, lanes, n int) {
	if lanes == packPanels*Block {
		simd.CopyPanels(n, packPanels, src, ld, dst, step)
		return
	}
	simd.PackRows(dst, src, ld, min(lanes, Block), n)
	if lanes > Block {
		packPanelRows(dst[step:], step, src[Block:], ld, lanes-Block, n)
	}
}

// tileTask computes a chunk of panels for the rows of a tile.
func (g *Gemm) tileTask(task, worker int) {
	start, end := g.columns.at(g.column), g.columns.at(g.column+1)
	chunks := ceil(end-start, g.chunk)
	split, i, chunk := task/(chunks*g.rows.count), task/chunks%g.rows.count, task%chunks
	from, to, firstBlock, lastBlock := g.block(split)
	if from == to {
		return
	}
	row, m, kc := g.rows.at(i), g.rows.at(i+1)-g.rows.at(i), to-from
	a := g.rowsA[split*g.longA+i*g.tileA:][:g.tileA]
	edge := g.edges[worker*edgeTile:][:edgeTile]

	// Where the sums go: C, or for a later split its own matrix.
	out := gemmOut{c: g.c[row*g.ldc:], ld: g.ldc, n: g.n, accumulate: g.accumulate || !firstBlock, relu: g.relu && lastBlock && g.splits == 1}
	if split > 0 {
		out.c, out.ld, out.accumulate = g.partial[((split-1)*g.m+row)*g.n:], g.n, !firstBlock
	} else if firstBlock {
		out.bias = g.bias
	}

	t := simd.Tile{Offs: &oneBlock, NB: 1, KB: kc, BKS: Block * 4, BPS: uintptr(kc * Block * 4), A0: unsafe.Pointer(&a[0])}
	t.AMS, t.AKS = uintptr(4*(kc+gemmPad)), 4
	if g.transA {
		t.AMS, t.AKS = 4, Block*4
	}
	t.A1 = t.A0
	if m > 1 {
		t.A1 = unsafe.Add(t.A0, uintptr((m+1)/2)*t.AMS)
	}
	b := g.blocks[split*g.longB:]
	last := min((chunk+1)*g.chunk, end-start)
	for q := chunk * g.chunk; q < last; q += g.wide {
		if q+g.wide >= last { // the next task is probably the next tile's
			t.Ahead, t.AheadStep = uintptr(g.tileA)*4, Block*4
		}
		t.B = unsafe.Pointer(&b[q*kc*Block])
		out.put(&t, m, min(g.wide, end-start-q), (start+q)*Block, edge)
	}
}

// copyRows copies the rows of op(A) that make a tile, columns from..to.
func (g *Gemm) copyRows(dst []float32, tile, from, to int) {
	row, end, kc := g.rows.at(tile), g.rows.at(tile+1), to-from
	if g.transA {
		g.copyColumns(dst, row, end-row, from, to)
		return
	}
	for r := range end - row {
		copy(dst[r*(kc+gemmPad):][:kc], g.a[(row+r)*g.lda+from:])
	}
}

// copyColumns copies m rows of a transposed A, columns from..to, to rows of sixteen: with what lies
// beside them, as long as A reaches so far.
func (g *Gemm) copyColumns(dst []float32, row, m, from, to int) {
	k := from
	if room := len(g.a) - from*g.lda - row - Block; room >= 0 {
		whole := min(to-from, room/g.lda+1)
		simd.CopyPanels(whole, 1, g.a[from*g.lda+row:], g.lda, dst, 0)
		k += whole
	}
	for ; k < to; k++ {
		copy(dst[(k-from)*Block:], g.a[k*g.lda+row:][:m])
	}
}

// gemmOut is where a tile's rows go in C or its like, n columns wide, and what is done to them there.
type gemmOut struct {
	c          []float32
	ld, n      int
	bias       []float32
	accumulate bool
	relu       bool
}

// put runs the tile's product for m rows and the columns from column on: through edge, a tile's worth
// of floats, for a panel that C ends in.
func (o *gemmOut) put(t *simd.Tile, m, panels, column int, edge []float32) {
	t.Clip = simd.Unclipped
	if o.relu {
		t.Clip = simd.ClipBelow0
	}
	half := (m + 1) / 2
	c, lanes := o.c[column:], o.n-column
	if whole := min(panels, lanes/Block); whole > 0 {
		t.CMS, t.CPS = uintptr(4*o.ld), Block*4
		t.C0, t.C1 = unsafe.Pointer(&c[0]), unsafe.Pointer(&c[0])
		if m > 1 {
			t.C1 = unsafe.Pointer(&c[half*o.ld])
		}
		t.R0, t.R1, t.Bias = nil, nil, nil
		if o.accumulate {
			t.R0, t.R1 = t.C0, t.C1
		}
		if o.bias != nil {
			t.Bias = unsafe.Pointer(&o.bias[column])
		}
		t.Run(m, whole)
		if whole == panels {
			return
		}
		t.B = unsafe.Add(t.B, uintptr(whole)*t.BPS)
		c, column, lanes = c[whole*Block:], column+whole*Block, lanes-whole*Block
	}
	t.CMS, t.CPS = Block*4, Block*4
	t.C0, t.C1 = unsafe.Pointer(&edge[0]), unsafe.Pointer(&edge[half*Block])
	t.R0, t.R1, t.Bias = nil, nil, nil
	if o.accumulate {
		t.R0, t.R1 = t.C0, t.C1
		for i := range m {
			copy(edge[i*Block:], c[i*o.ld:][:lanes])
		}
	}
	if o.bias != nil {
		padded := edge[edgeTile-Block:]
		clear(padded[copy(padded, o.bias[column:][:lanes]):])
		t.Bias = unsafe.Pointer(&padded[0])
	}
	t.Run(m, 1)
	for i := range m {
		copy(c[i*o.ld:][:lanes], edge[i*Block:])
	}
}

// sumTask adds what the later splits have, in their order, to a run of C's elements.
func (g *Gemm) sumTask(task int) {
	size := g.m * g.n
	for i := task * sumStep; i < min((task+1)*sumStep, size); {
		row, column := i/g.n, i%g.n
		count := min(g.n-column, (task+1)*sumStep-i)
		c := g.c[row*g.ldc+column:][:count]
		for split := range g.splits - 1 {
			simd.AddTo(g.partial[split*size+i:][:count], c)
		}
		if g.relu {
			for j := range c {
				if c[j] < 0 {
					c[j] = 0
				}
			}
		}
		i += count
	}
}
