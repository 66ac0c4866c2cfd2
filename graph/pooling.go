package graph

import (
	"slices"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// MaxPool adds the maximum over windows of size×size, which move by their own size unless a stride is
// given. Padding never wins; with [Ceil], sizes are PyTorch's.
func (b *Builder) MaxPool(x *gorgonia.Node, size int, options ...Opt) *gorgonia.Node {
	w, l, ok := b.window(x, "max pool", size, options)
	if !ok {
		return nil
	}
	if err := w.ValidateMax(x.Shape()[2], x.Shape()[3]); err != nil {
		b.Errorf("%s: %w", l.Name, err)
		return nil
	}
	o := &maxPoolOp{window: w}
	o.core = newCore(o, l.Kind, pooled(x, w), 1, x)
	return b.layer(l, o, x)
}

// AvgPool adds the mean over windows of size×size. Padding counts as zeros unless [ExcludePad] is given.
func (b *Builder) AvgPool(x *gorgonia.Node, size int, options ...Opt) *gorgonia.Node {
	w, l, ok := b.window(x, "average pool", size, options)
	if !ok {
		return nil
	}
	o := &avgPoolOp{window: w}
	o.core = newCore(o, l.Kind, pooled(x, w), 1, x)
	return b.layer(l, o, x)
}

func (b *Builder) window(x *gorgonia.Node, kind string, size int, options []Opt) (kernel.Window, Layer, bool) {
	l := b.unnamed(kind)
	if !b.rank(l.Name, x, 4) {
		return kernel.Window{}, l, false
	}
	o, s := b.opts(size, size, options), x.Shape()
	if !b.fits(l.Name, o, s[2], s[3]) {
		return kernel.Window{}, l, false
	}
	w := kernel.Window{
		KH: o.kh, KW: o.kw, SH: o.sh, SW: o.sw, PadT: o.top, PadB: o.bottom, PadL: o.left, PadR: o.right,
		Ceil: o.ceil, CountPad: !o.excludePad,
	}
	if err := w.Validate(s[2], s[3]); err != nil {
		b.Errorf("%s: %w", l.Name, err)
		return w, l, false
	}
	h, wd := w.Out(s[2], s[3])
	l.Formula = o.formula(s[2], h, s[3], wd)
	return w, l, true
}

func pooled(x *gorgonia.Node, w kernel.Window) []int {
	s := x.Shape()
	h, wd := w.Out(s[2], s[3])
	return []int{s[0], s[1], h, wd}
}

type maxPoolOp struct {
	core
	window kernel.Window
}

func (o *maxPoolOp) lower(c *compiler, in []*value) *value {
	x := c.asBlocked(in[0])
	return o.maximum(c, []*value{x}, 0, 0, func(e *exec, y kernel.Act, argmax []uint8) {
		kernel.MaxPool(e.pool, o.window, x.act(), y, argmax)
	})
}

func (o *maxPoolOp) places() {}

// fuse takes in the convolution before it, and the activation between them, if nothing else reads their result
// and the kernels can pool it where they make it.
func (o *maxPoolOp) fuse(c *compiler, t *term) bool {
	x := t.in[0]
	pooled := &pooledConv{maxPoolOp: o}
	switch f := x.op.(type) {
	case *convOp:
		pooled.conv = f
	case *fusedConv:
		if f.norm != nil || f.sum {
			return false
		}
		pooled.conv, pooled.act = f.convOp, f.act
	default:
		return false
	}
	if !x.alone() || !c.conv(pooled.conv).Pools() {
		return false
	}
	in := x.in
	x.leave()
	t.become(pooled, in...)
	return true
}

// fuse hides the pooling's own rule.
func (o *pooledConv) fuse(*compiler, *term) bool { return false }

// maximum adds the step of a max pooling that run does.
func (o *maxPoolOp) maximum(c *compiler, reads []*value, scratch int, macs int64, run func(e *exec, y kernel.Act, argmax []uint8)) *value {
	y := c.result(o.shape...)
	writes, where := []*value{y}, c.plain((y.size()+3)/4)
	where.bits = true
	if c.term == nil || c.term.followed { // a tape machine runs the gradient later, if at all
		c.state[&o.core] = []*value{where}
		writes = append(writes, where)
	}
	s := c.add(reads, writes, scratch, func(e *exec) error {
		var argmax []uint8
		if where.data != nil {
			argmax = where.choicesOf(o.shape)
		}
		run(e, y.act(), argmax)
		return nil
	})
	s.macs = macs
	return y
}

func (o *maxPoolOp) detail() any { return o.window }

func (o *maxPoolOp) SymDiff(inputs gorgonia.Nodes, y, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	g := &maxPoolGradOp{of: o}
	g.core = newCore(g, "max pool gradient", inputs[0].Shape(), 0, y, grad)
	dx, err := derive(g, &o.core, y, grad)
	return gorgonia.Nodes{dx}, err
}

type maxPoolGradOp struct {
	core
	of *maxPoolOp
}

func (o *maxPoolGradOp) follows() int { return 0 }

// fuse lets the gradients of a convolution do with that of the pooled map, if they alone read this one.
func (o *maxPoolGradOp) fuse(_ *compiler, t *term) bool {
	if len(t.readers) == 0 || t.output {
		return false
	}
	conv := convOf(t.readers[0], t)
	if conv == nil || slices.ContainsFunc(t.readers, func(r *term) bool { return convOf(r, t) != conv }) {
		return false
	}
	plan := kernel.NewPooledGrad(conv.shape, conv.plain, o.of.window)
	if plan == nil {
		return false
	}
	dy := t.in[1]
	for _, r := range slices.Clone(t.readers) {
		in := slices.Clone(r.in)
		in[1] = dy
		switch g := r.op.(type) {
		case *convDataGradOp:
			r.become(&fusedDataGrad{convDataGradOp: g, pooled: plan, pool: o.of}, in...)
		case *fusedDataGrad:
			r.become(&fusedDataGrad{g.convDataGradOp, plan, o.of, g.sum}, in...)
		case *convFilterGradOp:
			r.become(&fusedFilterGrad{g, plan, o.of}, in...)
		}
	}
	t.leave()
	return true
}

// convOf is the convolution whose gradient a term computes from that of its result, or nil.
func convOf(t, grad *term) *convOp {
	if len(t.in) < 2 || t.in[1] != grad || len(t.in) > 2 && t.in[2] == grad {
		return nil
	}
	switch g := t.op.(type) {
	case *convDataGradOp:
		return g.of
	case *fusedDataGrad:
		return g.of
	case *convFilterGradOp:
		return g.of
	}
	return nil
}

func (o *maxPoolGradOp) lower(c *compiler, in []*value) *value {
	where, dy := c.kept(&o.of.core)[0], c.asBlocked(in[1])
	dx := c.result(o.shape...)
	c.add([]*value{where, dy}, []*value{dx}, 0, func(e *exec) error {
		kernel.MaxPoolGrad(e.pool, o.of.window, dy.act(), where.choicesOf(dy.shape), dx.act())
		return nil
	})
	return dx
}

func (o *avgPoolOp) places() {}

type avgPoolOp struct {
	core
	window kernel.Window
}

func (o *avgPoolOp) lower(c *compiler, in []*value) *value {
	x := c.asBlocked(in[0])
	y := c.result(o.shape...)
	c.add([]*value{x}, []*value{y}, 0, func(e *exec) error {
		kernel.AvgPool(e.pool, o.window, x.act(), y.act())
		return nil
	})
	return y
}

func (o *avgPoolOp) detail() any { return o.window }

func (o *avgPoolOp) SymDiff(inputs gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	g := &avgPoolGradOp{window: o.window}
	g.core = newCore(g, "average pool gradient", inputs[0].Shape(), 0, grad)
	dx, err := derive(g, &o.core, grad)
	return gorgonia.Nodes{dx}, err
}

type avgPoolGradOp struct {
	core
	window kernel.Window
}

func (o *avgPoolGradOp) lower(c *compiler, in []*value) *value {
	dy := c.asBlocked(in[0])
	dx := c.result(o.shape...)
	c.add([]*value{dy}, []*value{dx}, 0, func(e *exec) error {
		kernel.AvgPoolGrad(e.pool, o.window, dy.act(), dx.act())
		return nil
	})
	return dx
}

// GlobalAvgPool adds the mean of every map: N×C×H×W gives N×C.
func (b *Builder) GlobalAvgPool(x *gorgonia.Node) *gorgonia.Node {
	l := b.unnamed("global average pool")
	if !b.rank(l.Name, x, 4) {
		return nil
	}
	s := x.Shape()
	o := &globalAvgPoolOp{}
	o.core = newCore(o, l.Kind, s[:2], 1, x)
	return b.layer(l, o, x)
}

type globalAvgPoolOp struct{ core }

func (o *globalAvgPoolOp) lower(c *compiler, in []*value) *value {
	x := c.asBlocked(in[0])
	y := c.plain(o.shape...)
	c.add([]*value{x}, []*value{y}, 0, func(e *exec) error { kernel.GlobalAvgPool(e.pool, x.act(), y.data); return nil })
	return y
}

func (*globalAvgPoolOp) detail() any { return nil }

func (o *globalAvgPoolOp) SymDiff(inputs gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	g := &globalAvgPoolGradOp{}
	g.core = newCore(g, "global average pool gradient", inputs[0].Shape(), 0, grad)
	dx, err := derive(g, &o.core, grad)
	return gorgonia.Nodes{dx}, err
}

type globalAvgPoolGradOp struct{ core }

func (o *globalAvgPoolGradOp) lower(c *compiler, in []*value) *value {
	dy := c.asPlain(in[0])
	dx := c.result(o.shape...)
	c.add([]*value{dy}, []*value{dx}, 0, func(e *exec) error { kernel.GlobalAvgPoolGrad(e.pool, dy.data, dx.act()); return nil })
	return dx
}
