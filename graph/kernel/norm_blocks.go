package kernel

import "github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"

const (
	// maxChunks is about how many tasks the statistics of a group of blocks are cut into, so that few
	// channels keep many cores busy too.
	maxChunks = 64
	// groupBytes is what the statistics of a group read: the second walk finds it in the outermost cache.
	groupBytes = 8 << 20
	// Batches of wholeBlocks blocks, or of cachedBlocks whose pixels take cachedBytes each, aren't cut: a task
	// does a block from its statistics to its result, the second time out of the cache.
	wholeBlocks, cachedBlocks, cachedBytes = 32, 8, 512 << 10
)

// A blockwise kernel takes statistics of every channel over the whole batch, and then walks over the
// batch once more with what came out. Pieces are those of channels.in.
type blockwise interface {
	// measure takes the statistics of pieces of a block and keeps them as partial result number part.
	measure(block, from, to, part int)
	// finish combines the partial results [first, end) of a block.
	finish(block, first, end int)
	// apply does the second walk over pieces of a block.
	apply(block, from, to int)
}

// channels runs a blockwise kernel over batches of one shape. Its cuts are by shape, and what was cut is
// combined in order.
type channels struct {
	work                   blockwise
	pixels, blocks, pieces int // of a plane; of an image; of a plane
	n                      int // pieces of a block in the whole batch
	chunks                 int // partial results of a block
	group                  int // blocks that are measured before they are walked over again
	first                  int // of the group's blocks
	phase                  phase
	cut                    cut // of the second walk
}

type phase int

const (
	measuring phase = iota // tasks are chunks of blocks
	applying               // tasks are runs of pieces
	both                   // tasks are blocks
)

// plan sets the walk up for batches like a, of which measure reads so many at a time, and returns the
// number of partial results.
func (c *channels) plan(a *Act, reads int) int {
	c.pixels, c.blocks = a.H*a.W, Blocks(a.C)
	c.pieces = pieces(c.pixels)
	c.n = a.N * c.pieces
	c.chunks = 1
	if bytes := a.N * c.pixels * reads * simd.PixelBytes; c.blocks < wholeBlocks && (c.blocks < cachedBlocks || bytes > cachedBytes) {
		c.group = max(1, min(c.blocks, groupBytes/max(1, bytes)))
		c.chunks = max(1, min(c.n, maxChunks/c.group))
	}
	return c.blocks * c.chunks
}

// run does the work; touched is how many batches the second walk reads and writes, 0 if there is none.
func (c *channels) run(p *Pool, work blockwise, touched int) {
	c.work = work
	if c.chunks == 1 {
		c.phase = both
		p.Run(c.blocks, c)
		return
	}
	for first := 0; first < c.blocks; first += c.group {
		count := min(c.group, c.blocks-first)
		c.phase, c.first = measuring, first
		p.Run(count*c.chunks, c)
		for b := first; b < first+count; b++ {
			work.finish(b, b*c.chunks, (b+1)*c.chunks)
		}
		if touched > 0 {
			c.walk(p, work, first, count, touched)
		}
	}
}

// walk does the second walk alone, over count blocks.
func (c *channels) walk(p *Pool, work blockwise, first, count, touched int) {
	c.work, c.phase, c.first = work, applying, first
	c.cut = cutUnits(count*c.n, touched*min(piecePixels, c.pixels)*simd.PixelBytes)
	p.Run(c.cut.tasks(), c)
}

func (c *channels) Task(task, _ int) {
	switch c.phase {
	case measuring:
		block, i := c.first+task/c.chunks, task%c.chunks
		c.work.measure(block, i*c.n/c.chunks, (i+1)*c.n/c.chunks, block*c.chunks+i)
	case applying:
		from, to := c.cut.of(task)
		for from < to {
			block := from / c.n
			end := min(to, (block+1)*c.n)
			c.work.apply(c.first+block, from-block*c.n, end-block*c.n)
			from = end
		}
	case both:
		c.work.measure(task, 0, c.n, task)
		c.work.finish(task, task, task+1)
		c.work.apply(task, 0, c.n)
	}
}

// in returns piece i of a block of a: of the first image first.
func (c *channels) in(a *Act, block, i int) []float32 {
	from, to := piece(i%c.pieces, c.pixels)
	return a.Plane(i/c.pieces*c.blocks + block)[from*Block : to*Block]
}
