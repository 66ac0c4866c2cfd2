// Package conv is the algorithms of convolution and its gradients, behind one plan: the direct sum, Winograd's minimal
// filtering, vectors of pixels, lanes of their own for depthwise ones and small groups, and sums through a max pooling;
// an expansion and the depthwise convolution behind it in one pass. It knows no processor. The inner loops and their sizes
// are those of package simd; what suits a processor follows from what that package says of its tiles.
//
// A [Plan] is made once for a shape. It says how much scratch space its calls need, allocates nothing in them, and cuts
// its work by the shape alone, so that any number of threads gives the same bits.
//
// # Adding one
//
// An algorithm is a file: it computes any of the three passes (forward, the gradient of the data, the gradient of the
// filters) of the shapes that it can, and says where it is the fastest. Write a plan type for each of its passes
// that has the methods of pass or filterPass, and a variable of type algorithm whose functions return that plan, or nil
// for a shape that the algorithm cannot do or that another does faster. Put the variable into the list in algorithm.go
// and into the tests' list of plans, which holds each against straight loops in float64 on every family and
// any number of threads.
package conv

import (
	"fmt"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

// What the threads and the layout are is the processor's business.
type (
	Act  = simd.Act
	Pool = simd.Pool
)

// Block is the number of channels that lie side by side in the blocked layout.
const Block = simd.Block

// A Shape is the geometry of a two-dimensional convolution: N images of C maps of H×W pixels,
// F filters of KH×KW taps, strides, zero padding on each side, dilation (1 is none) and groups.
// What networks call convolution is correlation: the filter is not flipped.
type Shape struct {
	N, C, H, W             int
	F, KH, KW              int
	SH, SW                 int
	PadT, PadB, PadL, PadR int
	DH, DW                 int
	Groups                 int
}

// OutH returns the rows of the result.
func (s Shape) OutH() int { return outSize(s.H, s.PadT+s.PadB, s.KH, s.DH, s.SH) }

// OutW returns the columns of the result.
func (s Shape) OutW() int { return outSize(s.W, s.PadL+s.PadR, s.KW, s.DW, s.SW) }

func outSize(size, pad, taps, dilation, stride int) int {
	room := size + pad - (taps-1)*dilation - 1
	if room < 0 {
		return 0
	}
	return room/stride + 1
}

// MACs returns the multiply-adds of one pass, counting those with padding, as papers do.
func (s Shape) MACs() int64 {
	return int64(s.N) * int64(s.F) * int64(s.OutH()) * int64(s.OutW()) * int64(s.C/s.Groups) * int64(s.KH) * int64(s.KW)
}

// Validate says what is wrong with the shape, if anything.
func (s Shape) Validate() error {
	const most = 1 << 20 // of one dimension; keeps every product of four below 2⁶³ after the check on elements
	for _, d := range []struct {
		name       string
		value, min int
	}{
		{"images", s.N, 1}, {"channels", s.C, 1}, {"height", s.H, 1}, {"width", s.W, 1},
		{"filters", s.F, 1}, {"filter height", s.KH, 1}, {"filter width", s.KW, 1},
		{"vertical stride", s.SH, 1}, {"horizontal stride", s.SW, 1},
		{"top padding", s.PadT, 0}, {"bottom padding", s.PadB, 0}, {"left padding", s.PadL, 0}, {"right padding", s.PadR, 0},
		{"vertical dilation", s.DH, 1}, {"horizontal dilation", s.DW, 1}, {"groups", s.Groups, 1},
	} {
		if d.value < d.min || d.value > most {
			return fmt.Errorf("convolution: %s is %d, must be %d to %d", d.name, d.value, d.min, most)
		}
	}
	if s.C%s.Groups != 0 || s.F%s.Groups != 0 {
		return fmt.Errorf("convolution: %d groups divide neither or only one of %d channels and %d filters", s.Groups, s.C, s.F)
	}
	if s.OutH() < 1 || s.OutW() < 1 {
		return fmt.Errorf("convolution: a %d×%d filter (dilation %d×%d) does not fit in a %d×%d map padded to %d×%d",
			s.KH, s.KW, s.DH, s.DW, s.H, s.W, s.H+s.PadT+s.PadB, s.W+s.PadL+s.PadR)
	}
	const elements = 1 << 40 // of one array: more is a mistake in the caller's arithmetic
	for _, d := range []struct {
		name string
		dims [4]int
	}{
		{"input", [4]int{s.N, s.C + Block, s.H + s.PadT + s.PadB, s.W + s.PadL + s.PadR}},
		{"output", [4]int{s.N, s.F + Block, s.OutH(), s.OutW()}},
		{"filters", [4]int{s.F + Block, s.C + Block, s.KH, s.KW}},
	} {
		size := 1.0
		for _, v := range d.dims {
			size *= float64(v)
		}
		if size > elements {
			return fmt.Errorf("convolution: %s of %v is larger than 2^40 elements", d.name, d.dims)
		}
	}
	return nil
}

func (s Shape) filterLen() int { return s.F * (s.C / s.Groups) * s.KH * s.KW }

// Input is what a convolution reads: Act, or Plain (N×C×H×W) if the plan was made for plain input.
type Input struct {
	Plain []float32
	Act   Act
}

// A Plan is the plan of one convolution and its two gradients. The plan holds no data but the
// arguments of the call under way: one call at a time.
type Plan struct {
	shape      Shape
	plain      bool
	forward    pass
	dataGrad   pass // nil for plain input
	filterGrad filterPass
	args       args
}

// New plans a convolution. With plainInput, Forward and FilterGrad read plain N×C×H×W images
// (the first layer of a network; there is no gradient for images). In training, filters change from call
// to call: the plan may not want them packed.
func New(s Shape, plainInput, training bool) (*Plan, error) {
	return newPlan(s, options{plain: plainInput, training: training}, nil)
}

// newPlan plans with the given algorithm wherever that can, or with the fastest.
func newPlan(s Shape, o options, only *algorithm) (*Plan, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	c := &Plan{shape: s, plain: o.plain}
	choices := algorithms
	if only != nil {
		o.forced = true
		choices = []*algorithm{only, &direct}
	}
	for _, a := range choices {
		if c.forward == nil && a.forward != nil {
			c.forward = a.forward(s, o)
		}
		if c.dataGrad == nil && a.dataGrad != nil && !o.plain {
			c.dataGrad = a.dataGrad(s, o)
		}
		if c.filterGrad == nil && a.filterGrad != nil {
			c.filterGrad = a.filterGrad(s, o)
		}
	}
	return c, nil
}

// Shape returns the shape the plan was made for.
func (c *Plan) Shape() Shape { return c.shape }

// PackedLen returns the floats of the packed filters that Forward reads; 0 if it reads them as they are.
func (c *Plan) PackedLen() int { return c.forward.packedLen() }

// Pack brings filters, F×C/Groups×KH×KW, into the form that Forward reads.
func (c *Plan) Pack(p *Pool, w, packed []float32) { c.packFor(c.forward, p, w, packed) }

func (c *Plan) packFor(to pass, p *Pool, w, packed []float32) {
	mustHave("filters", len(w), c.shape.filterLen())
	mustHave("packed filters", len(packed), to.packedLen())
	if to.packedLen() > 0 {
		to.pack(p, w, packed)
	}
}

// GradPackedLen returns the floats of the packed filters that DataGrad reads; 0 if it reads them as they are.
func (c *Plan) GradPackedLen() int {
	if c.plain {
		return 0
	}
	return c.dataGrad.packedLen()
}

// PackGrad brings filters, F×C/Groups×KH×KW, into the form that DataGrad reads.
func (c *Plan) PackGrad(p *Pool, w, packed []float32) {
	c.mustNotBePlain()
	c.packFor(c.dataGrad, p, w, packed)
}

// Scratch returns the floats of scratch space that Forward needs on a pool of so many threads.
func (c *Plan) Scratch(threads int) int { return c.forward.scratch(threads) }

// DataGradScratch returns the floats of scratch space that DataGrad needs.
func (c *Plan) DataGradScratch(threads int) int {
	if c.plain {
		return 0
	}
	return c.dataGrad.scratch(threads)
}

// FilterGradScratch returns the floats of scratch space that FilterGrad needs.
func (c *Plan) FilterGradScratch(threads int) int { return c.filterGrad.scratch(threads) }

// Forward computes y = act(x∗w + bias + residual), where bias (F floats), residual (the shape of y)
// may be nil. The residual may be y itself. Where PackedLen is 0,
// packed stands for the filters as they are.
func (c *Plan) Forward(p *Pool, x Input, packed, bias []float32, residual *Act, act simd.Activation, y Act, scratch []float32) {
	s := c.shape
	c.mustHaveFilters(packed, c.PackedLen())
	mustHave("scratch", len(scratch), c.Scratch(p.Threads()))
	mustBe("output", y, s.N, s.F, s.OutH(), s.OutW())
	a := &c.args
	a.x, a.xs = x.of(c.shape, c.plain)
	if bias != nil {
		mustHave("bias", len(bias), s.F)
		a.bias = bias[:s.F]
	}
	if residual != nil {
		mustBe("residual", *residual, s.N, s.F, s.OutH(), s.OutW())
		a.res = *residual
	}
	a.filters, a.act, a.y = packed, act, y
	c.forward.run(p, a, scratch)
	a.merge(p)
	c.args = args{} // let go of the caller's memory
}

// Pools reports whether ForwardPooled is at hand, and faster: where the result of an image is one task's
// and stays in its cache.
func (c *Plan) Pools() bool {
	to, ok := c.forward.(pooledPass)
	return ok && to.pools()
}

// PooledScratch returns the floats of scratch space that ForwardPooled needs.
func (c *Plan) PooledScratch(threads int, w Window) int {
	return c.forward.(pooledPass).pooledScratch(threads, w)
}

// ForwardPooled computes Forward without a residual, and max pooling of the result, which is kept nowhere.
func (c *Plan) ForwardPooled(p *Pool, x Input, packed, bias []float32, act simd.Activation, w Window, y Act, argmax []uint8, scratch []float32) {
	s := c.shape
	mustHave("packed filters", len(packed), c.PackedLen())
	mustHave("scratch", len(scratch), c.PooledScratch(p.Threads(), w))
	oh, ow := w.Out(s.OutH(), s.OutW())
	mustBe("output", y, s.N, s.F, oh, ow)
	if argmax != nil {
		w.mustHaveArgmax(y, argmax)
	}
	a := &c.args
	a.x, a.xs = x.of(s, c.plain)
	a.filters, a.bias, a.act, a.y = packed, bias, act, y
	c.forward.(pooledPass).runPooled(p, a, w, argmax, scratch)
	c.args = args{}
}

// DataGrad computes the gradient of the input, dx, from that of the output, dy; it adds to dx if
// accumulate is set. Packed comes from PackGrad or, where GradPackedLen is 0, is the filters as they are.
func (c *Plan) DataGrad(p *Pool, dy Act, packed []float32, accumulate bool, dx Act, scratch []float32) {
	c.mustNotBePlain()
	s := c.shape
	c.mustHaveFilters(packed, c.GradPackedLen())
	mustHave("scratch", len(scratch), c.DataGradScratch(p.Threads()))
	mustBe("output gradient", dy, s.N, s.F, s.OutH(), s.OutW())
	mustBe("input gradient", dx, s.N, s.C, s.H, s.W)
	a := &c.args
	a.x, a.xs, a.filters, a.y = dy.Data, dy.Stride, packed, dx
	if accumulate {
		a.res = dx
	}
	c.dataGrad.run(p, a, scratch)
	a.merge(p)
	c.args = args{}
}

// FilterGrad computes the gradient of the filters, dw (F×C/Groups×KH×KW), and of the bias, db (F
// floats, nil if there is none), from the input of Forward and the gradient of its output.
func (c *Plan) FilterGrad(p *Pool, x Input, dy Act, dw, db, scratch []float32) {
	s := c.shape
	mustHave("scratch", len(scratch), c.FilterGradScratch(p.Threads()))
	mustHave("filter gradient", len(dw), s.filterLen())
	if db != nil {
		mustHave("bias gradient", len(db), s.F)
	}
	mustBe("output gradient", dy, s.N, s.F, s.OutH(), s.OutW())
	data, stride := x.of(c.shape, c.plain)
	c.filterGrad.run(p, data, stride, dy, dw, db, scratch)
}

// of returns the data of a convolution's input, and the floats from an image to the next.
func (x Input) of(s Shape, plain bool) (data []float32, stride int) {
	if plain {
		mustHave("plain input", len(x.Plain), s.N*s.C*s.H*s.W)
		return x.Plain, s.C * s.H * s.W
	}
	mustBe("input", x.Act, s.N, s.C, s.H, s.W)
	return x.Act.Data, x.Act.Stride
}

// mustHaveFilters checks filters that are packed to so many floats, or left as they are if to none.
func (c *Plan) mustHaveFilters(w []float32, packed int) {
	if packed == 0 {
		mustHave("filters", len(w), c.shape.filterLen())
		return
	}
	mustHave("packed filters", len(w), packed)
}

func (c *Plan) mustNotBePlain() {
	if c.plain {
		panic("conv: a convolution planned for plain input has no data gradient")
	}
}

func mustHave(what string, have, want int) {
	if have < want {
		panic(fmt.Sprintf("conv: %s: %d floats, want %d", what, have, want))
	}
}

func mustBe(what string, a Act, n, c, h, w int) {
	if a.N != n || a.C != c || a.H != h || a.W != w {
		panic(fmt.Sprintf("conv: %s is %d×%d×%d×%d, want %d×%d×%d×%d", what, a.N, a.C, a.H, a.W, n, c, h, w))
	}
	image := simd.Blocks(c) * h * w * Block
	if a.Stride < image {
		panic(fmt.Sprintf("conv: %s: images %d floats apart, want at least %d", what, a.Stride, image))
	}
	mustHave(what, len(a.Data), (n-1)*a.Stride+image)
}
