package kernel

import (
	"fmt"
)

// A ConvShape is the geometry of a two-dimensional convolution: N images of C maps of H×W pixels,
// F filters of KH×KW taps, strides, zero padding on each side, dilation (1 is none) and groups.
// What networks call convolution is correlation: the filter is not flipped.
type ConvShape struct {
	N, C, H, W             int
	F, KH, KW              int
	SH, SW                 int
	PadT, PadB, PadL, PadR int
	DH, DW                 int
	Groups                 int
}

// OutH returns the rows of the result.
func (s ConvShape) OutH() int { return outSize(s.H, s.PadT+s.PadB, s.KH, s.DH, s.SH) }

// OutW returns the columns of the result.
func (s ConvShape) OutW() int { return outSize(s.W, s.PadL+s.PadR, s.KW, s.DW, s.SW) }

func outSize(size, pad, taps, dilation, stride int) int {
	room := size + pad - (taps-1)*dilation - 1
	if room < 0 {
		return 0
	}
	return room/stride + 1
}

// MACs returns the multiply-adds of one pass, counting those with padding, as papers do.
func (s ConvShape) MACs() int64 {
	return int64(s.N) * int64(s.F) * int64(s.OutH()) * int64(s.OutW()) * int64(s.C/s.Groups) * int64(s.KH) * int64(s.KW)
}

// Validate says what is wrong with the shape, if anything.
func (s ConvShape) Validate() error {
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

func (s ConvShape) filterLen() int { return s.F * (s.C / s.Groups) * s.KH * s.KW }

// Input is what a convolution reads: Act, or Plain (N×C×H×W) if the plan was made for plain input.
type Input struct {
	Plain []float32
	Act   Act
}

// A Conv is the plan of one convolution and its two gradients. The plan holds no data but the
// arguments of the call under way: one call at a time.
type Conv struct {
	shape   ConvShape
	plain   bool
	forward [1]*corr // one, or none; an array, as packing takes a slice of them
	phases  []*corr  // data gradient: one stride-1 correlation for each phase of the stride that taps reach
	filter  *filterGrad

	// In place of the above, where vectors of pixels or minimal filtering are faster.
	pixels       *pixelConv
	winograd     *winograd
	winogradGrad *winograd
	winogradSum  *winogradGrad

	call struct {
		pack         packRun
		forward      corrRun
		pixels       pixelRun
		zero         zeroRun
		filter       filterRun
		winogradPack winogradPack
		winograd     winogradRun
		winogradGrad winogradGradRun
	}
}

// An algorithm is a way to compute a convolution.
type algorithm int

const (
	fastest algorithm = iota // chosen by shape
	direct
	minimal // Winograd's minimal filtering
	pixelwise
)

// NewConv plans a convolution. With plainInput, Forward and FilterGrad read plain N×C×H×W images
// (the first layer of a network; there is no gradient for images). In training, filters change from call
// to call: the plan may not want them packed.
func NewConv(s ConvShape, plainInput, training bool) (*Conv, error) {
	return newConv(s, plainInput, training, fastest)
}

func newConv(s ConvShape, plainInput, training bool, a algorithm) (*Conv, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	c := &Conv{shape: s, plain: plainInput}
	may := !plainInput && winogradCan(s) && a != direct
	m := mapping{images: s.N, h: s.OutH(), w: s.OutW(), inputs: s.C, outputs: s.F, groups: s.Groups}
	switch {
	case may && (a == minimal || winogradPays(m, training)):
		c.winograd = forwardWinograd(s, training)
	case pixelsCan(s, plainInput) && (a == pixelwise || a == fastest && pixelsPay(s)):
		c.pixels = newPixelConv(s)
	default:
		c.forward[0] = forwardCorr(s, plainInput)
	}
	if may && (a == minimal || winogradPays(mapping{images: s.N, h: s.H, w: s.W, inputs: s.F, outputs: s.C, groups: s.Groups}, training)) {
		c.winogradGrad = gradWinograd(s, training)
	} else if !plainInput {
		c.phases = gradCorrs(s)
	}
	if may && (a == minimal || winogradGradPays(m)) {
		c.winogradSum = newWinogradGrad(s)
	} else {
		c.filter = newFilterGrad(s, plainInput)
	}
	return c, nil
}

// Shape returns the shape the plan was made for.
func (c *Conv) Shape() ConvShape { return c.shape }

// PackedLen returns the floats of the packed filters that Forward reads; 0 if it reads them as they are.
func (c *Conv) PackedLen() int {
	switch {
	case c.winograd != nil:
		return c.winograd.packedLen()
	case c.pixels != nil:
		return c.shape.filterLen()
	}
	return c.forward[0].packedLen()
}

// Pack brings filters, F×C/Groups×KH×KW, into the form that Forward reads.
func (c *Conv) Pack(p *Pool, w, packed []float32) {
	mustHave("filters", len(w), c.shape.filterLen())
	mustHave("packed filters", len(packed), c.PackedLen())
	switch {
	case c.PackedLen() == 0:
		return
	case c.winograd != nil:
		c.call.winogradPack.run(p, c.winograd, w, packed)
		return
	case c.pixels != nil:
		copy(packed, w[:c.shape.filterLen()])
		return
	}
	c.call.pack.run(p, c.forward[:], w, packed)
}

// GradPackedLen returns the floats of the packed filters that DataGrad reads; 0 if it reads them as they are.
func (c *Conv) GradPackedLen() int {
	if c.winogradGrad != nil {
		return c.winogradGrad.packedLen()
	}
	n := 0
	for _, ph := range c.phases {
		n += ph.packedLen()
	}
	return n
}

// PackGrad brings filters, F×C/Groups×KH×KW, into the form that DataGrad reads.
func (c *Conv) PackGrad(p *Pool, w, packed []float32) {
	c.mustNotBePlain()
	mustHave("filters", len(w), c.shape.filterLen())
	mustHave("packed filters", len(packed), c.GradPackedLen())
	if c.GradPackedLen() == 0 {
		return
	}
	if c.winogradGrad != nil {
		c.call.winogradPack.run(p, c.winogradGrad, w, packed)
		return
	}
	c.call.pack.run(p, c.phases, w, packed)
}

// Scratch returns the floats of scratch space that Forward needs on a pool of so many threads.
func (c *Conv) Scratch(threads int) int {
	switch {
	case c.winograd != nil:
		return c.winograd.scratch(threads)
	case c.pixels != nil:
		return c.pixels.scratch(threads, 0)
	}
	return c.forward[0].scratch(threads)
}

// DataGradScratch returns the floats of scratch space that DataGrad needs.
func (c *Conv) DataGradScratch(threads int) int {
	if c.winogradGrad != nil {
		return c.winogradGrad.scratch(threads)
	}
	n := 0
	for _, ph := range c.phases {
		n = max(n, ph.scratch(threads))
	}
	return n
}

// FilterGradScratch returns the floats of scratch space that FilterGrad needs.
func (c *Conv) FilterGradScratch(threads int) int {
	if c.winogradSum != nil {
		return c.winogradSum.scratch(threads)
	}
	return c.filter.scratch(threads)
}

// Forward computes y = act(x∗w + bias + residual), where bias (F floats), residual (the shape of y)
// may be nil and act is max(0, ·) if relu is set. The residual may be y itself. Where PackedLen is 0,
// packed stands for the filters as they are.
func (c *Conv) Forward(p *Pool, x Input, packed, bias []float32, residual *Act, relu bool, y Act, scratch []float32) {
	s := c.shape
	c.mustHaveFilters(packed, c.PackedLen())
	mustHave("scratch", len(scratch), c.Scratch(p.Threads()))
	mustBe("output", y, s.N, s.F, s.OutH(), s.OutW())
	data, stride := x.of(c.shape, c.plain)
	if bias != nil {
		mustHave("bias", len(bias), s.F)
		bias = bias[:s.F]
	}
	var res Act
	if residual != nil {
		mustBe("residual", *residual, s.N, s.F, s.OutH(), s.OutW())
		res = *residual
	}
	if c.winograd != nil {
		r := &c.call.winograd
		*r = winogradRun{x: data, xs: stride, u: packed, res: res.Data, rs: res.Stride, y: y.Data, ys: y.Stride}
		r.do(p, c.winograd, bias, relu, scratch)
		return
	}
	if c.pixels != nil {
		r := &c.call.pixels
		*r = pixelRun{x: data, w: packed, relu: relu, y: y}
		r.do(p, c.pixels, bias, residual, scratch)
		return
	}
	r := &c.call.forward
	*r = corrRun{x: data, xs: stride, packed: packed, res: res.Data, rs: res.Stride, y: y.Data, ys: y.Stride, relu: relu}
	r.do(p, c.forward[0], bias, scratch)
}

// Pools reports whether ForwardPooled is at hand, and faster: where the result of an image is one task's
// and stays in its cache.
func (c *Conv) Pools() bool { return c.pixels != nil && c.pixels.strips == 1 }

// PooledScratch returns the floats of scratch space that ForwardPooled needs.
func (c *Conv) PooledScratch(threads int, w Window) int {
	return c.pixels.scratch(threads, c.pixels.poolHeight(w))
}

// ForwardPooled computes Forward without a residual, and [MaxPool] of the result, which is kept nowhere.
func (c *Conv) ForwardPooled(p *Pool, x Input, packed, bias []float32, relu bool, w Window, y Act, argmax []uint8, scratch []float32) {
	s := c.shape
	mustHave("packed filters", len(packed), c.PackedLen())
	mustHave("scratch", len(scratch), c.PooledScratch(p.Threads(), w))
	oh, ow := w.Out(s.OutH(), s.OutW())
	mustBe("output", y, s.N, s.F, oh, ow)
	if argmax != nil {
		wantArgmax("ForwardPooled", w, &y, argmax)
	}
	data, _ := x.of(s, c.plain)
	r := &c.call.pixels
	*r = pixelRun{x: data, w: packed, relu: relu, y: y}
	r.pooled(c.pixels, w, argmax)
	r.do(p, c.pixels, bias, nil, scratch)
}

// DataGrad computes the gradient of the input, dx, from that of the output, dy; it adds to dx if
// accumulate is set. Packed comes from PackGrad or, where GradPackedLen is 0, is the filters as they are.
func (c *Conv) DataGrad(p *Pool, dy Act, packed []float32, accumulate bool, dx Act, scratch []float32) {
	c.mustNotBePlain()
	s := c.shape
	c.mustHaveFilters(packed, c.GradPackedLen())
	mustHave("scratch", len(scratch), c.DataGradScratch(p.Threads()))
	mustBe("output gradient", dy, s.N, s.F, s.OutH(), s.OutW())
	mustBe("input gradient", dx, s.N, s.C, s.H, s.W)
	var sum Act // what dx is added to
	if accumulate {
		sum = dx
	}
	if c.winogradGrad != nil {
		r := &c.call.winograd
		*r = winogradRun{x: dy.Data, xs: dy.Stride, u: packed, res: sum.Data, rs: sum.Stride, y: dx.Data, ys: dx.Stride}
		r.do(p, c.winogradGrad, nil, false, scratch)
		return
	}
	if !accumulate && c.gaps() {
		c.call.zero.do(p, dx)
	}
	for _, ph := range c.phases {
		r := &c.call.forward
		*r = corrRun{x: dy.Data, xs: dy.Stride, packed: packed[ph.packedAt:], res: sum.Data, rs: sum.Stride, y: dx.Data, ys: dx.Stride}
		r.do(p, ph, nil, scratch)
	}
}

// gaps reports whether there are pixels between the strides, which no tap has read.
func (c *Conv) gaps() bool {
	return len(c.phases) < min(c.shape.SH, c.shape.H)*min(c.shape.SW, c.shape.W)
}

// FilterGrad computes the gradient of the filters, dw (F×C/Groups×KH×KW), and of the bias, db (F
// floats, nil if there is none), from the input of Forward and the gradient of its output.
func (c *Conv) FilterGrad(p *Pool, x Input, dy Act, dw, db, scratch []float32) {
	s := c.shape
	mustHave("scratch", len(scratch), c.FilterGradScratch(p.Threads()))
	mustHave("filter gradient", len(dw), s.filterLen())
	if db != nil {
		mustHave("bias gradient", len(db), s.F)
	}
	mustBe("output gradient", dy, s.N, s.F, s.OutH(), s.OutW())
	data, stride := x.of(c.shape, c.plain)
	if c.winogradSum != nil {
		c.call.winogradGrad.do(p, c.winogradSum, data, stride, dy, dw, db, scratch)
		return
	}
	c.call.filter.do(p, c.filter, data, stride, dy, dw, db, scratch)
}

// of returns the data of a convolution's input, and the floats from an image to the next.
func (x Input) of(s ConvShape, plain bool) (data []float32, stride int) {
	if plain {
		mustHave("plain input", len(x.Plain), s.N*s.C*s.H*s.W)
		return x.Plain, s.C * s.H * s.W
	}
	mustBe("input", x.Act, s.N, s.C, s.H, s.W)
	return x.Act.Data, x.Act.Stride
}

// mustHaveFilters checks filters that are packed to so many floats, or left as they are if to none.
func (c *Conv) mustHaveFilters(w []float32, packed int) {
	if packed == 0 {
		mustHave("filters", len(w), c.shape.filterLen())
		return
	}
	mustHave("packed filters", len(w), packed)
}

func (c *Conv) mustNotBePlain() {
	if c.plain {
		panic("kernel: a convolution planned for plain input has no data gradient")
	}
}

func mustHave(what string, have, want int) {
	if have < want {
		panic(fmt.Sprintf("kernel: %s: %d floats, want %d", what, have, want))
	}
}

func mustBe(what string, a Act, n, c, h, w int) {
	if a.N != n || a.C != c || a.H != h || a.W != w {
		panic(fmt.Sprintf("kernel: %s is %d×%d×%d×%d, want %d×%d×%d×%d", what, a.N, a.C, a.H, a.W, n, c, h, w))
	}
	image := Blocks(c) * h * w * Block
	if a.Stride < image {
		panic(fmt.Sprintf("kernel: %s: images %d floats apart, want at least %d", what, a.Stride, image))
	}
	mustHave(what, len(a.Data), (n-1)*a.Stride+image)
}
