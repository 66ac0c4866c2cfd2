package kernel

import (
	"fmt"
	"unsafe"
)

// A Gemm is a plan for C = op(A)·op(B) (+ C) on row-major matrices, op(A) being m×k and op(B) k×n.
//
// It goes the way of Goto & van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008):
// a block of B, kc×nc, is packed into panels of sixteen columns and stays in each core's second-level
// cache; a few rows of A, kc long, are copied to where they stay in the first-level cache while the
// micro-kernel walks along the panels. Every element of C is summed in the order of k, in blocks of kc
// that depend on k alone.
//
// A plan holds the state of one Run at a time, and is for the kernel family that it was made under.
type Gemm struct {
	transA, transB bool
	m, n, k        int

	rows           parts // rows of C, by tile
	columns        parts // panels of C, by block of B
	depth          parts // k, by block of B
	group          int   // tiles of rows in a task
	chunk          int   // panels in a task
	splits         int   // parts of k summed apart, for want of other parallelism
	wide           int   // panels in a tile
	longA          int   // floats of a task's copy of A
	packB, packedB int   // panels in a packing task; floats of one split's block of B

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
	local         []float32 // for each worker: rows of A, then a tile
	partial       []float32 // for each split but the first, m×n
	phase         int
	step, column  int // block of k within a split; block of columns
}

const (
	gemmDepth   = 384                  // of a block of B: fourteen rows of A are then 21 KiB
	gemmColumns = 32                   // panels in a block of B, which is then 786 KiB
	gemmPad     = 16                   // floats between copied rows of A, against cache sets that coincide
	edgeTile    = 17 * Block           // floats of a tile at C's right edge, and its bias
	gemmTasks   = 16                   // parallel work that is sought
	gemmSplit   = 1 << 20              // multiply-adds that are worth splitting k for
	copyStep    = gemmColumns / 2 * 16 // columns of C that one task of the last sum takes
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
	g := &Gemm{transA: transA, transB: transB, m: m, n: n, k: k, wide: 2, group: 1, packB: 4}
	if maxRows(2) == 0 || n <= Block {
		g.wide = 1
	}
	height := maxRows(g.wide)
	if height < 14 {
		g.group = 8 // one panel of B stays in the first-level cache, the rows of A in the second
	}
	g.rows = inParts(m, height, 1)
	g.columns = inParts(Blocks(n), gemmColumns, g.wide)
	g.depth = inParts(k, gemmDepth, 1)
	if m == 0 || n == 0 || k == 0 {
		return g
	}
	g.chunk = g.columns.largest()
	for g.tasks() < gemmTasks && g.chunk > g.wide {
		g.chunk = (g.chunk/g.wide + 1) / 2 * g.wide
	}
	g.splits = 1
	if m*n*k >= gemmSplit {
		g.splits = min((gemmTasks+g.tasks()-1)/g.tasks(), g.depth.count)
	}
	perRow := g.depth.largest() + gemmPad
	if transA {
		perRow = g.depth.largest()
	}
	g.longA = g.group * height * perRow
	if transA {
		g.longA = g.group * g.stepA() * perRow
	}
	g.packedB = g.depth.largest() * g.columns.largest() * Block
	return g
}

// stepA returns the distance of two columns of k in the copy of a transposed A.
func (g *Gemm) stepA() int {
	if g.rows.largest() <= 8 {
		return 8
	}
	return 16
}

// tasks returns the number of tasks of the largest block of B.
func (g *Gemm) tasks() int {
	return g.groups() * ((g.columns.largest() + g.chunk - 1) / g.chunk)
}

func (g *Gemm) groups() int { return (g.rows.count + g.group - 1) / g.group }

// Scratch returns how many floats of scratch space Run wants on so many threads.
func (g *Gemm) Scratch(threads int) int {
	if g.m == 0 || g.n == 0 || g.k == 0 {
		return 0
	}
	return g.splits*g.packedB + threads*(g.longA+edgeTile) + (g.splits-1)*g.m*g.n
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
	g.blocks, scratch = scratch[:g.splits*g.packedB], scratch[g.splits*g.packedB:]
	g.local, scratch = scratch[:p.Threads()*(g.longA+edgeTile)], scratch[p.Threads()*(g.longA+edgeTile):]
	g.partial = scratch[:(g.splits-1)*g.m*g.n]
	steps := (g.depth.count + g.splits - 1) / g.splits
	for g.column = range g.columns.count {
		panels := g.columns.at(g.column+1) - g.columns.at(g.column)
		for g.step = range steps {
			g.phase = gemmPack
			p.Run(g.splits*ceil(panels, g.packB), g)
			g.phase = gemmTiles
			p.Run(g.splits*g.groups()*ceil(panels, g.chunk), g)
		}
	}
	if g.splits > 1 {
		g.phase = gemmSum
		p.Run(ceil(g.m*g.n, copyStep), g)
	}
	g.gemmCall = gemmCall{}
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

// packTask packs a few panels of B: sixteen columns side by side, zero beyond the last.
func (g *Gemm) packTask(task int) {
	start, end := g.columns.at(g.column), g.columns.at(g.column+1)
	perSplit := ceil(end-start, g.packB)
	split, first := task/perSplit, task%perSplit*g.packB
	from, to, _, _ := g.block(split)
	if from == to {
		return
	}
	last := min(first+g.packB, end-start)
	kc := to - from
	dst := g.blocks[split*g.packedB:]
	for q := first; q < last; {
		column := (start + q) * Block
		lanes, panels := min(Block, g.n-column), 1
		panel := dst[q*kc*Block:]
		switch {
		case g.transB:
			packTransposed(panel, g.b[column*g.ldb+from:], g.ldb, lanes, kc)
		case last-q == 4 && g.n-column >= 4*Block:
			panels = 4
			packRows(panel, g.b[from*g.ldb+column:], g.ldb, 4*Block, kc)
		default:
			packRows(panel, g.b[from*g.ldb+column:], g.ldb, lanes, kc)
		}
		q += panels
	}
}

// packRows copies kc rows of lanes floats, ld apart, to panels of kc rows of sixteen; zeros fill the
// last. lanes is at most 16, or 64.
func packRows(dst, src []float32, ld, lanes, kc int) {
	if lanes%Block == 0 && copyPanels(kc, lanes/Block, src, ld, dst, kc*Block) {
		return
	}
	for i := range kc {
		row := src[i*ld:][:lanes]
		for at := i * Block; len(row) > 0; at += kc * Block {
			to := dst[at:][:Block]
			done := copy(to, row)
			clear(to[done:])
			row = row[done:]
		}
	}
}

// packTransposed writes kc rows of sixteen floats, the columns of lanes ≤ 16 rows of kc floats, ld
// apart; zeros after them.
func packTransposed(dst, src []float32, ld, lanes, kc int) {
	done := 0
	if lanes == Block {
		done = transposeRows(dst, src, ld, kc)
	}
	for i := done; i < kc; i++ {
		row := dst[i*Block:][:Block]
		for j := range lanes {
			row[j] = src[j*ld+i]
		}
		clear(row[lanes:])
	}
}

// tileTask computes a group of tile rows and a chunk of panels.
func (g *Gemm) tileTask(task, worker int) {
	start, end := g.columns.at(g.column), g.columns.at(g.column+1)
	chunks, groups := ceil(end-start, g.chunk), g.groups()
	split, group, chunk := task/(chunks*groups), task/chunks%groups, task%chunks
	from, to, firstBlock, lastBlock := g.block(split)
	if from == to {
		return
	}
	kc := to - from
	local := g.local[worker*(g.longA+edgeTile):][:g.longA+edgeTile]
	edge := local[g.longA:]

	// Where the sums go: C, or for a later split its own matrix.
	c, ldc, column0, accumulate := g.c, g.ldc, start*Block, g.accumulate || !firstBlock
	bias, relu := g.bias, g.relu && lastBlock && g.splits == 1
	if split > 0 {
		c, ldc, accumulate = g.partial[(split-1)*g.m*g.n:], g.n, !firstBlock
	}
	if split > 0 || !firstBlock {
		bias = nil
	}

	t := tile{offs: &oneBlock, nb: 1, kb: kc, bks: Block * 4, bps: uintptr(kc * Block * 4)}
	tile0, tile1 := group*g.group, min((group+1)*g.group, g.rows.count)
	stepA := g.copyRows(local, tile0, tile1, from, to)
	b := g.blocks[split*g.packedB:]
	for q := chunk * g.chunk; q < min((chunk+1)*g.chunk, end-start); q += g.wide {
		wide := min(g.wide, end-start-q)
		column := column0 + q*Block
		t.b = unsafe.Pointer(&b[q*kc*Block])
		for i := tile0; i < tile1; i++ {
			row, m := g.rows.at(i), g.rows.at(i+1)-g.rows.at(i)
			a := local[(i-tile0)*stepA:]
			t.a0 = unsafe.Pointer(&a[0])
			if g.transA {
				t.ams, t.aks = 4, uintptr(4*g.stepA())
			} else {
				t.ams, t.aks = uintptr(4*(kc+gemmPad)), 4
			}
			t.a1 = unsafe.Add(t.a0, uintptr((m+1)/2)*t.ams)
			if m == 1 {
				t.a1 = t.a0
			}
			g.put(&t, m, wide, c[row*ldc+column:], ldc, g.n-column, accumulate, bias, column, relu, edge)
		}
	}
}

// copyRows copies the rows of A of some tiles, columns from..to, to dst: row after row with a gap, or
// if A is transposed column after column. It returns the distance between two tiles.
func (g *Gemm) copyRows(dst []float32, tile0, tile1, from, to int) int {
	kc := to - from
	if !g.transA {
		height := g.rows.largest()
		for i := tile0; i < tile1; i++ {
			at := (i - tile0) * height
			for row := g.rows.at(i); row < g.rows.at(i+1); row++ {
				copy(dst[at*(kc+gemmPad):][:kc], g.a[row*g.lda+from:])
				at++
			}
		}
		return height * (kc + gemmPad)
	}
	step := g.stepA()
	for i := tile0; i < tile1; i++ {
		row, m := g.rows.at(i), g.rows.at(i+1)-g.rows.at(i)
		to := dst[(i-tile0)*step*kc:][:step*kc]
		k := 0
		if step == Block { // whole vectors, beyond the rows of the tile, as long as A reaches so far
			if room := len(g.a) - from*g.lda - row - Block; room >= 0 {
				if whole := min(kc, room/g.lda+1); copyPanels(whole, 1, g.a[from*g.lda+row:], g.lda, to, 0) {
					k = whole
				}
			}
		}
		for ; k < kc; k++ {
			copy(to[k*step:], g.a[(from+k)*g.lda+row:][:m])
		}
	}
	return step * kc
}

// put runs the tile's product for m rows at c, of which columns are left: through edge, a tile's
// worth of floats, for a panel that C ends in.
func (g *Gemm) put(t *tile, m, panels int, c []float32, ldc, columns int, accumulate bool, bias []float32, column int, relu bool, edge []float32) {
	t.relu = 0
	if relu {
		t.relu = 1
	}
	whole := min(panels, columns/Block)
	if whole > 0 {
		t.cms, t.cps = uintptr(4*ldc), Block*4
		t.c0, t.bias = unsafe.Pointer(&c[0]), nil
		t.c1 = t.c0
		if m > 1 {
			t.c1 = unsafe.Pointer(&c[(m+1)/2*ldc])
		}
		if bias != nil {
			t.bias = unsafe.Pointer(&bias[column])
		}
		t.r0, t.r1 = nil, nil
		if accumulate {
			t.r0, t.r1 = t.c0, t.c1
		}
		runTile(t, m, whole)
	}
	if whole == panels {
		return
	}
	lanes := columns - whole*Block
	c = c[whole*Block:]
	b := t.b
	t.b = unsafe.Add(b, uintptr(whole)*t.bps)
	t.cms, t.cps = Block*4, Block*4
	t.c0, t.bias = unsafe.Pointer(&edge[0]), nil
	t.c1 = unsafe.Pointer(&edge[(m+1)/2*Block])
	t.r0, t.r1 = nil, nil
	if bias != nil {
		padded := edge[edgeTile-Block:]
		clear(padded[copy(padded, bias[column+whole*Block:][:lanes]):])
		t.bias = unsafe.Pointer(&padded[0])
	}
	if accumulate {
		t.r0, t.r1 = t.c0, t.c1
		for i := range m {
			copy(edge[i*Block:], c[i*ldc:][:lanes])
		}
	}
	runTile(t, m, 1)
	for i := range m {
		copy(c[i*ldc:][:lanes], edge[i*Block:])
	}
	t.b = b
}

// sumTask adds what the later splits have, in their order, to a run of C's elements.
func (g *Gemm) sumTask(task int) {
	size := g.m * g.n
	for i := task * copyStep; i < min((task+1)*copyStep, size); {
		row, column := i/g.n, i%g.n
		count := min(g.n-column, (task+1)*copyStep-i)
		c := g.c[row*g.ldc+column:][:count]
		for split := range g.splits - 1 {
			addTo(g.partial[split*size+i:][:count], c)
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

func addToPortable(x, y []float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] += v
	}
}
