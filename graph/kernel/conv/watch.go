package conv

import (
	"unsafe"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

// A watch takes, of the results of a pass, what the batch normalisation behind a convolution or, of gradients, before it
// wants to know of the whole batch, while they are still in the cache. A part of the results, a task's, has sums of its
// own for each block of channels; these are merged in order at the end.
type watch struct {
	moments []simd.Moments  // of each part of each block; nil if sums are wanted
	sums    []simd.GradSums // likewise
	norm    *Normed
	parts   int // of a block
	blocks  int

	merged     []simd.Moments // what comes out, of each block
	mergedSums []simd.GradSums
}

// A Normed is what a batch normalisation, and the activation behind it, had as input.
type Normed struct {
	X       Act
	Affines []simd.Affine // of each block, as of its forward pass
	Act     simd.Activation
}

// A watchedPass is a pass whose results come in parts that lie in the cache for a while, and then go to memory past the
// outermost one: smaller batches are found there again, and are measured faster afterwards.
type watchedPass interface {
	pass
	watchedParts() int // of a block; 0 if that is not so
}

// on reports whether there is somebody who watches.
func (w *watch) on() bool { return w.parts > 0 }

// floats returns the room, in floats, of as many sums.
func (w *watch) floats(grads bool) int {
	size := unsafe.Sizeof(simd.Moments{})
	if grads {
		size = unsafe.Sizeof(simd.GradSums{})
	}
	return Block + alignUp(w.parts*w.blocks*int(size)/4)
}

// place puts the sums into scratch space of that size.
func (w *watch) place(scratch []float32) {
	scratch = aligned(scratch)
	at := unsafe.Pointer(&scratch[0])
	if w.norm != nil {
		w.sums = unsafe.Slice((*simd.GradSums)(at), w.parts*w.blocks)
	} else {
		w.moments = unsafe.Slice((*simd.Moments)(at), w.parts*w.blocks)
	}
}

// A piece is results of a block that lie side by side: where they are now, and where they go in their map.
type piece struct {
	y            []float32
	image, pixel int
}

// see takes in a part of a block: some pieces. Moments are of distances from the mean so far, at the start from that of
// the first pixels, which no part can be so far from that much cancels.
func (w *watch) see(block, part, pieces int, at func(i int) piece) {
	const (
		first = 16 * Block
		most  = 256 * Block // floats that are summed in float32
	)
	var d, q [Block]float32
	if w.norm != nil {
		s := &w.sums[block*w.parts+part]
		*s = simd.GradSums{}
		a := &w.norm.Affines[block]
		clip, clipped := w.norm.Act.Clip()
		for i := range pieces {
			k := at(i)
			x := w.norm.X.Data[k.image*w.norm.X.Stride+(block*w.norm.X.H*w.norm.X.W+k.pixel)*Block:][:len(k.y)]
			if !clipped {
				simd.GradBehind(w.norm.Act, x, k.y, k.y, a)
			}
			for y := k.y; len(y) > 0; {
				n := min(len(y), most)
				simd.SumGrads(x[:n], y[:n], a, clip, &d, &q)
				s.Add(&d, &q)
				x, y = x[n:], y[n:]
			}
		}
		return
	}
	s := &w.moments[block*w.parts+part]
	*s = simd.Moments{}
	var shift [Block]float32
	for i := range pieces {
		for y := at(i).y; len(y) > 0; {
			n := min(len(y), most)
			if s.N == 0 {
				simd.SumPixels(y[:min(n, first)], &shift)
				for j := range shift {
					shift[j] /= float32(min(n, first) / Block)
				}
			} else {
				for j := range shift {
					shift[j] = float32(s.Mean[j])
				}
			}
			simd.SumMoments(y[:n], &shift, &d, &q)
			s.Add(n/Block, &shift, &d, &q)
			y = y[n:]
		}
	}
}

// input returns what see will read beside the results: pixels of a block.
func (w *watch) input(image, block, pixel, pixels int) upcoming {
	if !w.on() || w.norm == nil {
		return nil
	}
	x := &w.norm.X
	return x.Data[image*x.Stride+(block*x.H*x.W+pixel)*Block:][:pixels*Block]
}

// An upcoming is what will be read: it may come from memory while other things are computed.
type upcoming []float32

// behind returns so many pixels of a map that begins with float number at, from pixel first on: as far as there are any.
func behind(x []float32, at, pixels, first, n int) upcoming {
	from := min(at+min(max(first, 0), pixels)*Block, len(x))
	return x[from:min(from+n*Block, len(x))]
}

// fetch asks for the next pixels.
func (u *upcoming) fetch(pixels int) {
	n := min(pixels*Block, len(*u))
	simd.Fetch((*u)[:n])
	*u = (*u)[n:]
}

// Task merges the parts of a block.
func (w *watch) Task(block, _ int) {
	first, end := block*w.parts, (block+1)*w.parts
	if w.norm != nil {
		s := w.sums[first]
		for i := first + 1; i < end; i++ {
			s.Merge(&w.sums[i])
		}
		w.mergedSums[block] = s
		return
	}
	s := w.moments[first]
	for i := first + 1; i < end; i++ {
		s.Merge(&w.moments[i])
	}
	w.merged[block] = s
}

// merge merges what was seen, if somebody watched.
func (a *args) merge(p *Pool) {
	if a.watch.on() {
		p.Run(a.watch.blocks, &a.watch)
	}
}

// watched returns a watch of a pass's results, off if that cannot be.
func watched(of pass, channels int) watch {
	if p, ok := of.(watchedPass); ok {
		return watch{parts: p.watchedParts(), blocks: simd.Blocks(channels)}
	}
	return watch{}
}

// Measures reports whether ForwardMeasured is at hand.
func (c *Plan) Measures() bool {
	w := watched(c.forward, c.shape.F)
	return w.on()
}

// MeasuredScratch returns the floats of scratch space that ForwardMeasured needs.
func (c *Plan) MeasuredScratch(threads int) int {
	w := watched(c.forward, c.shape.F)
	return c.Scratch(threads) + w.floats(false)
}

// ForwardMeasured is Forward, of neither a residual nor an activation, and the moments of each block of the result's
// channels over the batch.
func (c *Plan) ForwardMeasured(p *Pool, x Input, packed, bias []float32, y Act, moments []simd.Moments, scratch []float32) {
	w := &c.args.watch
	*w = watched(c.forward, c.shape.F)
	c.watch(p, w, false, len(moments), c.Scratch(p.Threads()), scratch)
	w.merged = moments
	c.Forward(p, x, packed, bias, nil, simd.Activation{}, y, scratch)
}

// SumsGrads reports whether DataGradSummed is at hand.
func (c *Plan) SumsGrads() bool {
	w := watched(c.dataGrad, c.shape.C)
	return !c.plain && w.on()
}

// SummedScratch returns the floats of scratch space that DataGradSummed needs.
func (c *Plan) SummedScratch(threads int) int {
	w := watched(c.dataGrad, c.shape.C)
	return c.DataGradScratch(threads) + w.floats(true)
}

// DataGradSummed is DataGrad where the input was the result of a batch normalisation, and the sums, for each block of
// channels, that the gradient of this wants. If its activation is no clipping, dx is the gradient behind it.
func (c *Plan) DataGradSummed(p *Pool, dy Act, packed []float32, accumulate bool, dx Act, norm *Normed, sums []simd.GradSums, scratch []float32) {
	mustBe("normalised input", norm.X, c.shape.N, c.shape.C, c.shape.H, c.shape.W)
	w := &c.args.watch
	*w = watched(c.dataGrad, c.shape.C)
	w.norm = norm
	c.watch(p, w, true, min(len(sums), len(norm.Affines)), c.DataGradScratch(p.Threads()), scratch)
	w.mergedSums = sums
	c.DataGrad(p, dy, packed, accumulate, dx, scratch)
}

// watch gives a watch room behind the pass's own scratch space.
func (c *Plan) watch(p *Pool, w *watch, grads bool, blocks, own int, scratch []float32) {
	if !w.on() {
		panic("conv: a pass that cannot be watched")
	}
	mustHave("results for each block", blocks, w.blocks)
	mustHave("scratch", len(scratch), own+w.floats(grads))
	w.place(scratch[own:])
}
