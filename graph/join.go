package graph

import (
	"slices"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// Add adds two values of the same shape, as a residual block joins its branches.
func (b *Builder) Add(x, y *gorgonia.Node) *gorgonia.Node {
	l := b.unnamed("add")
	if !b.takes(l.Name, x, y) {
		return nil
	}
	if !slices.Equal(x.Shape(), y.Shape()) {
		b.Errorf("%s: shapes %s and %s differ", l.Name, dims(x.Shape()), dims(y.Shape()))
		return nil
	}
	o := &addOp{}
	o.core = newCore(o, l.Kind, x.Shape(), 2, x, y)
	return b.layer(l, o, x, y)
}

type addOp struct{ core }

func (o *addOp) lower(c *compiler, in []*value) *value { return c.addValues(in[0], in[1]) }

func (o *addOp) places() {}

// fuse lets the layer that makes one of the values add the other.
func (o *addOp) fuse(c *compiler, t *term) bool {
	return t.takeIn(func(last *term) op {
		if s, ok := last.op.(summer); ok {
			return s.summed(c)
		}
		return nil
	})
}

func (o *addOp) activated(a Activation) op {
	if a != ReLU {
		return nil
	}
	return &fusedAdd{o}
}

// fusedAdd is a sum and the ReLU that follows it.
type fusedAdd struct{ *addOp }

func (o *fusedAdd) fuse(*compiler, *term) bool { return false }

func (o *fusedAdd) activated(Activation) op { return nil }

func (o *fusedAdd) lower(c *compiler, in []*value) *value {
	x, y := c.alike(in[0], in[1])
	out := c.like(x)
	c.add([]*value{x, y}, []*value{out}, 0, func(e *exec) error {
		elementwise(x, y, out, func(x, y, z []float32) { kernel.AddReLU(e.pool, x, y, z) })
		return nil
	})
	return out
}

func (*addOp) detail() any { return nil }

func (o *addOp) SymDiff(_ gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	return gorgonia.Nodes{grad, grad}, nil
}

// Concat joins feature maps along the channels. Where the parts' channel numbers are multiples of 16, a
// session lets the parts' layers write straight into the result; a part that is a concatenation itself, as in
// densely connected networks, becomes a view of it.
func (b *Builder) Concat(xs ...*gorgonia.Node) *gorgonia.Node {
	l := b.unnamed("concat")
	if len(xs) == 0 {
		b.Errorf("%s: nothing to join", l.Name)
		return nil
	}
	if !b.takes(l.Name, xs...) || !b.rank(l.Name, xs[0], 4) {
		return nil
	}
	o, shape := &concatOp{}, xs[0].Shape()
	shape[1] = 0
	for _, x := range xs {
		s := x.Shape()
		if len(s) != 4 || s[0] != shape[0] || s[2] != shape[2] || s[3] != shape[3] {
			b.Errorf("%s: shapes %s and %s differ in more than the channels", l.Name, dims(xs[0].Shape()), dims(s))
			return nil
		}
		o.from = append(o.from, shape[1])
		shape[1] += s[1]
	}
	o.core = newCore(o, l.Kind, shape, len(xs), xs...)
	return b.layer(l, o, xs...)
}

type concatOp struct {
	core
	from []int // first channel of each part
}

// aligned reports whether every part starts at a multiple of 16 channels.
func (o *concatOp) aligned() bool {
	for _, f := range o.from {
		if f%kernel.Block != 0 {
			return false
		}
	}
	return true
}

// concatValue is the memory of a concatenation, made when the first of its parts needs it.
func (c *compiler) concatValue(t *term, shape []int) *value {
	v := c.concats[t]
	if v == nil {
		v = c.blocked(shape...)
		if t != nil && t.concat != nil { // it is a part of a larger one
			v = c.channels(c.concatValue(t.concat, t.concat.node.Shape()), t.from, shape[1])
		}
		c.concats[t] = v
	}
	return v
}

func (o *concatOp) places() {}

// fuse reads a concatenation of the first parts in their place, and lets the parts' layers write where their parts
// belong. The second is no rewriting.
func (o *concatOp) fuse(c *compiler, t *term) bool {
	if !o.aligned() {
		return false
	}
	if t.joinFurther(c) {
		return true
	}
	for i, part := range t.in {
		if _, ok := part.op.(placer); ok && part.concat == nil {
			part.concat, part.from = t, o.from[i]
		}
	}
	return false
}

// joinFurther rewrites a concatenation of parts of which the first ones are joined already, so that it reads that
// concatenation. Files of densely connected networks are written so: a and b; a, b and c; a, b, c and d.
func (t *term) joinFurther(c *compiler) bool {
	var parts []*term
	var ends []int // of each input, in parts
	for _, x := range t.in {
		parts = append(parts, x.parts()...)
		ends = append(ends, len(parts))
	}
	begun, at := parts[0], slices.Index(c.list, t)
	for again := true; again; {
		again = false
		for _, r := range begun.readers {
			if !r.joins() || r.in[0] != begun {
				continue
			}
			if p := r.parts(); len(p) < len(parts) && slices.Equal(p, parts[:len(p)]) && slices.Contains(ends, len(p)) && slices.Index(c.list, r) < at {
				begun, again = r, true
				break
			}
		}
	}
	if begun == parts[0] || begun == t.in[0] {
		return false
	}
	o, rest := t.op.(*concatOp), 1+slices.Index(ends, len(begun.parts()))
	t.become(&concatOp{core: o.core, from: slices.Insert(slices.Clone(o.from[rest:]), 0, 0)}, slices.Insert(slices.Clone(t.in[rest:]), 0, begun)...)
	return true
}

// joins reports whether a term is a concatenation along the channels.
func (t *term) joins() bool {
	_, ok := t.op.(*concatOp)
	return ok
}

// parts returns what a concatenation joins in the end, where some of its parts are concatenations themselves.
func (t *term) parts() []*term {
	if !t.joins() {
		return []*term{t}
	}
	var list []*term
	for _, part := range t.in {
		list = append(list, part.parts()...)
	}
	return list
}

func (o *concatOp) lower(c *compiler, in []*value) *value {
	y := c.concatValue(c.term, o.shape)
	cleared := o.aligned()
	for i, x := range in {
		if x.root == y && x.offset == c.channels(y, o.from[i], x.shape[1]).offset {
			continue // it was written there; a part that comes twice was so only once
		}
		if !cleared {
			// The lanes beyond the last channel must hold zeros.
			cleared = true
			c.add(nil, []*value{y}, 0, func(e *exec) error { kernel.Fill(e.pool, 0, y.data); return nil })
		}
		x := c.asBlocked(x)
		c.add([]*value{x}, []*value{y}, 0, func(e *exec) error {
			kernel.CopyChannels(e.pool, x.act(), 0, y.act(), o.from[i], x.shape[1], false)
			return nil
		})
	}
	return y
}

func (*concatOp) detail() any { return nil }

func (o *concatOp) SymDiff(inputs gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	grads := make(gorgonia.Nodes, len(inputs))
	for i, x := range inputs {
		g := &sliceOp{from: o.from[i]}
		g.core = newCore(g, "concat gradient", x.Shape(), 0, grad)
		var err error
		if grads[i], err = derive(g, &o.core, grad); err != nil {
			return nil, err
		}
	}
	return grads, nil
}

// sliceOp takes some channels.
type sliceOp struct {
	core
	from int
}

func (o *sliceOp) lower(c *compiler, in []*value) *value {
	return c.slice(c.asBlocked(in[0]), o.from, o.shape)
}

// slice is some channels of x, which is blocked: x's own memory where they start and end with a block.
func (c *compiler) slice(x *value, from int, shape []int) *value {
	if from%kernel.Block == 0 && shape[1]%kernel.Block == 0 {
		return c.channels(x, from, shape[1])
	}
	y := c.blocked(shape...)
	c.add([]*value{x}, []*value{y}, 0, func(e *exec) error {
		if shape[1]%kernel.Block != 0 {
			kernel.Fill(e.pool, 0, y.data)
		}
		kernel.CopyChannels(e.pool, x.act(), from, y.act(), 0, shape[1], false)
		return nil
	})
	return y
}

// Flatten gives every image one row: N×C×H×W becomes N×(C·H·W).
func (b *Builder) Flatten(x *gorgonia.Node) *gorgonia.Node {
	l := b.unnamed("flatten")
	if !b.takes(l.Name, x) {
		return nil
	}
	s := x.Shape()
	if len(s) < 2 {
		b.Errorf("%s: input has the shape %s, at least 2 dimensions are needed", l.Name, dims(s))
		return nil
	}
	o := &reshapeOp{}
	o.core = newCore(o, l.Kind, []int{s[0], product(s[1:])}, 1, x)
	return b.layer(l, o, x)
}

type reshapeOp struct{ core }

func (o *reshapeOp) lower(c *compiler, in []*value) *value {
	return c.reshaped(c.asPlain(in[0]), o.shape...)
}

func (*reshapeOp) detail() any { return nil }

func (o *reshapeOp) SymDiff(inputs gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	g := &reshapeOp{}
	g.core = newCore(g, "reshape", inputs[0].Shape(), 1, grad)
	dx, err := derive(g, &o.core, grad)
	return gorgonia.Nodes{dx}, err
}
