package graph

import (
	"fmt"
	"slices"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// Conv adds a convolution: filters of kernel×kernel taps over x, N×C×H×W, give N×filters×H'×W' with
// H' = (H - F + 2P)/S + 1. Its parameters are name.weight, filters×C/groups×kernel×kernel, and
// name.bias. It has a stride of 1 and no padding unless options say so.
func (b *Builder) Conv(x *gorgonia.Node, name string, filters, kernelSize int, options ...Opt) *gorgonia.Node {
	if !b.rank(name, x, 4) {
		return nil
	}
	o := b.opts(kernelSize, 1, options)
	shape, ok := b.convShape(name, x, filters, o)
	if !ok {
		return nil
	}
	inputs := []*gorgonia.Node{x, b.declare(name+".weight", []int{filters, shape.C / o.groups, o.kh, o.kw}, false, o.weights)}
	params := int64(filters) * int64(shape.C/o.groups*o.kh*o.kw)
	if !o.noBias {
		inputs = append(inputs, b.declare(name+".bias", []int{filters}, false, o.biases))
		params += int64(filters)
	}
	return b.conv(name, o, shape, params, inputs)
}

// convShape describes a convolution of x, and whether there can be such a one.
func (b *Builder) convShape(name string, x *gorgonia.Node, filters int, o opts) (kernel.ConvShape, bool) {
	s := x.Shape()
	shape := kernel.ConvShape{
		N: s[0], C: s[1], H: s[2], W: s[3], F: filters, KH: o.kh, KW: o.kw, SH: o.sh, SW: o.sw,
		PadT: o.top, PadB: o.bottom, PadL: o.left, PadR: o.right, DH: o.dh, DW: o.dw, Groups: o.groups,
	}
	if !b.fits(name, o, s[2], s[3]) {
		return shape, false
	}
	if err := shape.Validate(); err != nil {
		b.Errorf("%s: %w", name, err)
		return shape, false
	}
	return shape, true
}

// conv adds a convolution over x, filters, and perhaps a bias.
func (b *Builder) conv(name string, o opts, shape kernel.ConvShape, params int64, inputs []*gorgonia.Node) *gorgonia.Node {
	if b.err != nil {
		return nil
	}
	x := inputs[0]
	op := &convOp{shape: shape, plain: b.image(x) && shape.C < kernel.Block}
	op.core = newCore(op, "conv", []int{shape.N, shape.F, shape.OutH(), shape.OutW()}, len(inputs), inputs...)
	op.wrt[0] = !b.image(x)
	return b.layer(Layer{
		Name: name, Kind: "conv", Params: params, MACs: shape.MACs() / int64(shape.N),
		Formula: o.formula(shape.H, shape.OutH(), shape.W, shape.OutW()),
	}, op, inputs...)
}

// fits checks that a window fits into a padded input of h×w and otherwise shows the arithmetic.
func (b *Builder) fits(name string, o opts, h, w int) bool {
	if o.sh < 1 || o.sw < 1 || o.dh < 1 || o.dw < 1 || o.kh < 1 || o.kw < 1 || min(o.top, o.bottom, o.left, o.right) < 0 {
		b.Errorf("%s: window, stride and dilation must be at least 1 and padding at least 0", name)
		return false
	}
	for _, d := range []struct {
		side                  string
		n, f, d, s, low, high int
	}{{"height", h, o.kh, o.dh, o.sh, o.top, o.bottom}, {"width", w, o.kw, o.dw, o.sw, o.left, o.right}} {
		extent, over := (d.f-1)*d.d+1, 0
		if o.ceil {
			over = d.s - 1 // the only window may hang over the edge
		}
		if d.n+d.low+d.high+over < extent {
			b.Errorf("%s: input %s %d is too small: (N - F + 2P)/S + 1 = %s + 1 < 1", name, d.side, d.n, quotient(d.n, extent, d.low, d.high, d.s))
			return false
		}
	}
	return true
}

func (o opts) formula(h, outH, w, outW int) string {
	f := fmt.Sprintf("%s = %d", o.rounded(h, (o.kh-1)*o.dh+1, o.top, o.bottom, o.sh), outH)
	if h != w || o.kh != o.kw || o.sh != o.sw || o.top != o.left || o.bottom != o.right {
		f += fmt.Sprintf(", %s = %d", o.rounded(w, (o.kw-1)*o.dw+1, o.left, o.right, o.sw), outW)
	}
	return f
}

// rounded is the arithmetic of a size with the quotient's rounding, if it is no integer.
func (o opts) rounded(n, f, low, high, stride int) string {
	quotient := quotient(n, f, low, high, stride)
	switch {
	case (n-f+low+high)%stride == 0:
	case o.ceil:
		quotient = "⌈" + quotient + "⌉"
	default:
		quotient = "⌊" + quotient + "⌋"
	}
	return quotient + " + 1"
}

// quotient writes (N - F + 2P)/S with its numbers.
func quotient(n, f, low, high, stride int) string {
	if low == high {
		return fmt.Sprintf("(%d - %d + 2·%d)/%d", n, f, low, stride)
	}
	return fmt.Sprintf("(%d - %d + %d + %d)/%d", n, f, low, high, stride)
}

type convOp struct {
	core
	shape kernel.ConvShape
	plain bool // reads the image as it is, row-major
}

// conv returns the plan that the forward op and its gradients share in one session.
func (c *compiler) conv(o *convOp) *kernel.Conv {
	if c.convs[&o.core] == nil {
		k, err := kernel.NewConv(o.shape, o.plain, c.training)
		if err != nil {
			panic(err) // the Builder has validated the shape
		}
		c.convs[&o.core] = k
	}
	return c.convs[&o.core]
}

func (c *compiler) convInput(o *convOp, x *value) *value {
	if o.plain {
		return c.asPlain(x)
	}
	return c.asBlocked(x)
}

func (o *convOp) input(x *value) kernel.Input {
	if o.plain {
		return kernel.Input{Plain: x.data}
	}
	return kernel.Input{Act: x.act()}
}

func (o *convOp) lower(c *compiler, in []*value) *value { return c.convolve(o, in, nil, nil, Identity) }

func (o *convOp) places() {}

func (o *convOp) activated(a Activation) op { return &fusedConv{convOp: o, act: a} }

func (o *convOp) summed(c *compiler) op { return (&fusedConv{convOp: o}).summed(c) }

// fusedConv is a convolution with what follows it: in evaluation a batch normalisation or a scale of channels, folded
// into filters and bias, and a value that is added; then an activation. Its inputs are those of the convolution, those
// of the normalisation but for x or the scale, and the value.
type fusedConv struct {
	*convOp
	norm   *batchNormOp // nil for none
	scaled bool
	sum    bool
	act    Activation
}

// folds returns how many inputs belong to what is folded into the convolution.
func (o *fusedConv) folds() int {
	switch {
	case o.norm != nil:
		return 4
	case o.scaled:
		return 1
	}
	return 0
}

// affine is scale and shift of each channel by what is folded into the convolution, nil for nothing; in are the inputs.
func (o *fusedConv) affine(c *compiler, in []*value) *value {
	own := o.convOp.Arity()
	switch {
	case o.norm != nil:
		return c.affine(o.norm, in[own-1:own+4])
	case o.scaled:
		factors := in[own]
		return c.derive(2*factors.size(), 0, []*value{factors}, func(_ *exec, a []float32) { clear(a[copy(a, factors.data):]) })
	}
	return nil
}

func (o *fusedConv) lower(c *compiler, in []*value) *value {
	var residual *value
	if o.sum {
		residual = in[len(in)-1]
	}
	return c.convolve(o.convOp, in[:o.convOp.Arity()], o.affine(c, in), residual, o.act)
}

func (o *fusedConv) activated(a Activation) op {
	if o.act != Identity || o.sum && a != ReLU {
		return nil
	}
	return &fusedConv{o.convOp, o.norm, o.scaled, o.sum, a}
}

func (o *fusedConv) summed(c *compiler) op {
	if c.training || o.sum || o.act != Identity {
		return nil
	}
	return &fusedConv{o.convOp, o.norm, o.scaled, true, Identity}
}

// convolve adds the steps of a convolution with inputs in, of a batch normalisation that is folded into
// its filters and bias if affine is not nil, of a value that is added to it if residual is not nil, and
// of the activation that follows.
func (c *compiler) convolve(o *convOp, in []*value, affine, residual *value, act Activation) *value {
	k, x := c.conv(o), c.convInput(o, in[0])
	packed, bias := c.filters(o, in, affine)
	reads := []*value{x, packed}
	if bias.shape != nil {
		reads = append(reads, bias)
	}
	var added *kernel.Act
	if residual != nil {
		residual, added = c.asBlocked(residual), new(kernel.Act)
		reads = append(reads, residual)
	}
	y := c.result(o.core.shape...)
	scratch := k.Scratch(c.pool.Threads())
	var moments []kernel.Moments
	if added == nil && act == Identity && k.Measures() && c.term.normalised() {
		moments, scratch = make([]kernel.Moments, kernel.Blocks(o.shape.F)), k.MeasuredScratch(c.pool.Threads())
		c.moments[y] = moments
	}
	s := c.add(reads, []*value{y}, scratch, func(e *exec) error {
		if moments != nil && e.part.Sum == nil {
			k.ForwardMeasured(e.pool, o.input(x), packed.data, bias.data, y.act(), moments, e.scratch)
			return nil
		}
		if added != nil {
			*added = residual.act()
		}
		k.Forward(e.pool, o.input(x), packed.data, bias.data, added, act, y.act(), e.scratch)
		return nil
	})
	s.layer, s.kind, s.macs = o.name, o.kind, o.shape.MACs() // also as part of a later node
	s.measures = moments != nil
	return y
}

// filters are those of a convolution with inputs in as its plan reads them, with a batch normalisation folded into
// them if affine is not nil, and the bias, which may be empty.
func (c *compiler) filters(o *convOp, in []*value, affine *value) (packed, bias *value) {
	k, w := c.conv(o), in[1]
	bias, scratch, sources := &value{}, 0, []*value{w}
	if len(in) > 2 {
		bias = in[2]
	}
	if affine != nil {
		bias, scratch, sources = c.foldedBias(affine, bias), w.size(), []*value{w, affine}
	}
	packed = w
	if k.PackedLen() > 0 { // always in evaluation, in which alone there is something to fold
		packed = c.derive(k.PackedLen(), scratch, sources, func(e *exec, packed []float32) {
			filters := w.data
			if affine != nil {
				filters = fold(e.scratch[:len(w.data)], w.data, affine.data)
			}
			k.Pack(e.pool, filters, packed)
		})
	}
	return packed, bias
}

func (o *convOp) finish(c *compiler, t *term) { (&fusedConv{convOp: o}).finish(c, t) }

// finish lets a depthwise convolution in evaluation take in the 1×1 convolution whose result it alone reads, with the
// normalisation and the activation between them, so that this result is never written to memory.
func (o *fusedConv) finish(c *compiler, t *term) {
	x := t.in[0]
	var first *fusedConv
	switch f := x.op.(type) {
	case *convOp:
		first = &fusedConv{convOp: f}
	case *fusedConv:
		first = f
	}
	if c.training || o.sum || first == nil || first.sum || !x.alone() {
		return
	}
	plan := kernel.NewExpanded(c.conv(first.convOp), c.conv(o.convOp))
	if plan == nil {
		return
	}
	in := slices.Concat(x.in, t.in[1:])
	x.leave()
	t.become(&expandedConv{o, first, plan}, in...)
}

// expandedConv is a depthwise convolution and the 1×1 convolution before it. Its inputs are those of the first, and
// those of the other but for x.
type expandedConv struct {
	*fusedConv
	first *fusedConv
	plan  *kernel.Expanded
}

func (o *expandedConv) finish(*compiler, *term) {}

// folded gives the filters and the bias of a convolution with the normalisation that follows it; in are its inputs,
// and those of the normalisation but for x.
func (o *fusedConv) folded(c *compiler, in []*value) (packed, bias *value) {
	return c.filters(o.convOp, in[:o.convOp.Arity()], o.affine(c, in))
}

func (o *expandedConv) lower(c *compiler, in []*value) *value {
	split := o.first.convOp.Arity() + o.first.folds()
	input := c.asBlocked(in[0])
	packed1, bias1 := o.first.folded(c, in[:split])
	packed2, bias2 := o.fusedConv.folded(c, in[split-1:]) // whose x is not asked for
	reads := []*value{input, packed1, packed2}
	for _, b := range []*value{bias1, bias2} {
		if b.shape != nil {
			reads = append(reads, b)
		}
	}
	y := c.result(o.core.shape...)
	s := c.add(reads, []*value{y}, o.plan.Scratch(c.pool.Threads()), func(e *exec) error {
		o.plan.Forward(e.pool, input.act(), kernel.ConvLayer{Packed: packed1.data, Bias: bias1.data, Act: o.first.act},
			kernel.ConvLayer{Packed: packed2.data, Bias: bias2.data, Act: o.act}, y.act(), e.scratch)
		return nil
	})
	s.layer, s.kind, s.macs = o.name, o.kind, o.first.shape.MACs()+o.shape.MACs()
	return y
}

// pooledConv is a convolution, with or without an activation, and the max pooling that follows it. Its inputs are
// those of the convolution.
type pooledConv struct {
	*maxPoolOp
	conv *convOp
	act  Activation
}

func (o *pooledConv) lower(c *compiler, in []*value) *value {
	conv := o.conv
	c.layer, c.kind = conv.name, conv.kind
	k, x, w, bias := c.conv(conv), c.convInput(conv, in[0]), in[1], &value{}
	packed := c.derive(k.PackedLen(), 0, []*value{w}, func(e *exec, packed []float32) { k.Pack(e.pool, w.data, packed) })
	reads := []*value{x, packed}
	if len(in) > 2 {
		bias = in[2]
		reads = append(reads, bias)
	}
	return o.maximum(c, reads, k.PooledScratch(c.pool.Threads(), o.window), conv.shape.MACs(), func(e *exec, y kernel.Act, argmax []uint8) {
		k.ForwardPooled(e.pool, conv.input(x), packed.data, bias.data, o.act, o.window, y, argmax, e.scratch)
	})
}

// foldedBias derives scale·bias + shift; bias may be empty.
func (c *compiler) foldedBias(affine, bias *value) *value {
	filters := affine.shape[0] / 2
	sources := []*value{affine}
	if bias.shape != nil {
		sources = append(sources, bias)
	}
	return c.derive(filters, 0, sources, func(_ *exec, out []float32) {
		copy(out, affine.data[filters:])
		for f, b := range bias.data {
			out[f] += float32(affine.data[f] * b)
		}
	})
}

// fold multiplies every filter by its channel's scale.
func fold(dst, w, affine []float32) []float32 {
	filters := len(affine) / 2
	taps := len(w) / filters
	for f, scale := range affine[:filters] {
		for i, v := range w[f*taps : (f+1)*taps] {
			dst[f*taps+i] = scale * v
		}
	}
	return dst
}

func (o *convOp) detail() any { return o.shape }

func (o *convOp) SymDiff(inputs gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	x, w := inputs[0], inputs[1]
	dx, dw := &convDataGradOp{of: o}, &convFilterGradOp{of: o, bias: len(inputs) > 2}
	dx.core = newCore(dx, "conv data gradient", x.Shape(), 0, w, grad)
	dw.core = newCore(dw, "conv filter gradient", w.Shape(), 0, x, grad)
	return weighted(&o.core, inputs, grad, dx, dw)
}

// weighted makes the gradient nodes of a layer with the inputs x, w and perhaps a bias: with dx over w
// and grad, if the layer is differentiable in x; with dw over x and grad; and the bias's, which dw keeps.
func weighted(layer *core, inputs gorgonia.Nodes, grad *gorgonia.Node, dx, dw op) (gorgonia.Nodes, error) {
	grads := make(gorgonia.Nodes, len(inputs))
	var err error
	if layer.wrt[0] {
		if grads[0], err = derive(dx, layer, inputs[1], grad); err != nil {
			return nil, err
		}
	}
	if grads[1], err = derive(dw, layer, inputs[0], grad); err != nil {
		return nil, err
	}
	if len(inputs) > 2 {
		if grads[2], err = second(layer, dw.base(), 0, inputs[2].Shape(), grads[1]); err != nil {
			return nil, err
		}
	}
	return grads, nil
}

// together makes the gradient nodes of a layer with the inputs x, w and a bias whose op g, over x, w and
// grad, computes all three: dw is its result, db and dx are what it keeps.
func together(layer *core, inputs gorgonia.Nodes, grad *gorgonia.Node, g op) (gorgonia.Nodes, error) {
	dw, err := derive(g, layer, inputs[0], inputs[1], grad)
	if err != nil {
		return nil, err
	}
	db, err := second(layer, g.base(), 0, inputs[2].Shape(), dw)
	if err != nil || !layer.wrt[0] {
		return gorgonia.Nodes{nil, dw, db}, err
	}
	dx, err := second(layer, g.base(), 1, inputs[0].Shape(), dw)
	return gorgonia.Nodes{dx, dw, db}, err
}

type convDataGradOp struct {
	core
	of *convOp
}

func (o *convDataGradOp) lower(c *compiler, in []*value) *value {
	return (&fusedDataGrad{convDataGradOp: o}).lower(c, in)
}

// fusedDataGrad is a data gradient from that of the map pooled from the convolution's, if pooled is not nil, and
// the sum with another gradient of the same value, its last input, if sum is set.
type fusedDataGrad struct {
	*convDataGradOp
	pooled *kernel.PooledGrad
	pool   *maxPoolOp
	sum    bool
}

func (o *fusedDataGrad) lower(c *compiler, in []*value) *value {
	k, w, dy := c.conv(o.of), in[0], c.asBlocked(in[1])
	reads, size, scratch, pack := []*value{dy}, k.GradPackedLen(), k.DataGradScratch(c.pool.Threads()), k.PackGrad
	var where *value
	if g := o.pooled; g != nil {
		where = c.kept(&o.pool.core)[0]
		reads, size, scratch, pack = []*value{dy, where}, g.GradPackedLen(), g.DataGradScratch(c.pool.Threads()), g.PackGrad
	}
	packed := w
	if size > 0 {
		packed = c.derive(size, 0, []*value{w}, func(e *exec, packed []float32) { pack(e.pool, w.data, packed) })
	}
	reads = append(reads, packed)
	var norm *kernel.Normed
	var sums []kernel.GradSums
	into := c.normalisedFrom()
	if into != nil && o.pooled == nil && k.SumsGrads() {
		norm, sums = &kernel.Normed{}, make([]kernel.GradSums, kernel.Blocks(o.of.shape.C))
		scratch = k.SummedScratch(c.pool.Threads())
		reads = append(reads, into.all()...)
	}
	var dx, base *value
	if !o.sum {
		dx = c.result(o.core.shape...)
	} else {
		base = c.asBlocked(in[2])
		if base == dy { // of a convolution added to its input: dy is read until dx is complete
			dx = c.result(o.core.shape...)
		} else {
			dx = c.like(base)
		}
		reads = append(reads, base)
	}
	if sums != nil {
		c.sums[dx] = sums
	}
	s := c.add(reads, []*value{dx}, scratch, func(e *exec) error {
		if base != nil && &dx.data[0] != &base.data[0] {
			for n := range dx.shape[0] {
				copy(dx.image(n), base.image(n))
			}
		}
		if sums != nil {
			kernel.NormedInput(norm, into.x.act(), into.gamma.data, into.beta.data, into.mean.data, into.invstd.data, into.act)
			k.DataGradSummed(e.pool, dy.act(), packed.data, base != nil, dx.act(), norm, sums, e.scratch)
		} else if o.pooled != nil {
			o.pooled.DataGrad(e.pool, dy.act(), where.choicesOf(dy.shape), packed.data, base != nil, dx.act(), e.scratch)
		} else {
			k.DataGrad(e.pool, dy.act(), packed.data, base != nil, dx.act(), e.scratch)
		}
		return nil
	})
	s.macs, s.measures = o.of.shape.MACs(), sums != nil
	return dx
}

type convFilterGradOp struct {
	core
	of   *convOp
	bias bool
}

func (o *convFilterGradOp) lower(c *compiler, in []*value) *value {
	return (&fusedFilterGrad{convFilterGradOp: o}).lower(c, in)
}

// fusedFilterGrad is a filter gradient from that of the map pooled from the convolution's, if pooled is not nil.
type fusedFilterGrad struct {
	*convFilterGradOp
	pooled *kernel.PooledGrad
	pool   *maxPoolOp
}

func (o *fusedFilterGrad) lower(c *compiler, in []*value) *value {
	k, x, dy := c.conv(o.of), c.convInput(o.of, in[0]), c.asBlocked(in[1])
	dw, db := c.plain(o.core.shape...), &value{}
	writes := []*value{dw}
	if o.bias {
		db = c.plain(o.of.shape.F)
		writes = append(writes, db)
		c.state[&o.core] = []*value{db}
	}
	var s *step
	if g := o.pooled; g != nil {
		where := c.kept(&o.pool.core)[0]
		s = c.add([]*value{x, dy, where}, writes, g.FilterGradScratch(c.pool.Threads()), func(e *exec) error {
			g.FilterGrad(e.pool, o.of.input(x), dy.act(), where.choicesOf(dy.shape), dw.data, db.data, e.scratch)
			return nil
		})
	} else {
		s = c.add([]*value{x, dy}, writes, k.FilterGradScratch(c.pool.Threads()), func(e *exec) error {
			k.FilterGrad(e.pool, o.of.input(x), dy.act(), dw.data, db.data, e.scratch)
			return nil
		})
	}
	s.macs = o.of.shape.MACs()
	return dw
}

// secondOp is a further result of an op that computes several at once.
type secondOp struct {
	core
	of    *core
	index int
}

// second makes the node for result number index that the op of first keeps.
func second(layer, of *core, index int, shape []int, first *gorgonia.Node) (*gorgonia.Node, error) {
	o := &secondOp{of: of, index: index}
	o.core = newCore(o, of.kind+" (2)", shape, 0, first)
	return derive(o, layer, first)
}

func (o *secondOp) lower(c *compiler, _ []*value) *value { return c.kept(o.of)[o.index] }
