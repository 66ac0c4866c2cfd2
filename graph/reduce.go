package graph

import (
	"fmt"
	"slices"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// A Reduction is what [Builder.Reduce] makes of many numbers.
type Reduction int

const (
	MeanOf Reduction = iota
	SumOf
	MaxOf
	MinOf
	reductions
)

// String returns the name of a layer's kind.
func (r Reduction) String() string {
	if r < 0 || r >= reductions {
		return fmt.Sprintf("reduction %d", int(r))
	}
	return [...]string{"mean", "sum of axes", "max", "min"}[r]
}

// Reduce adds the mean, sum or extreme of x over some axes, which have a side of 1 in the result. The mean
// of whole maps is better made by [Builder.GlobalAvgPool].
func (b *Builder) Reduce(x *gorgonia.Node, r Reduction, axes ...int) *gorgonia.Node {
	l := b.unnamed(r.String())
	if !b.takes(l.Name, x) {
		return nil
	}
	s := x.Shape()
	shape := slices.Clone([]int(s))
	for _, a := range axes {
		if a < 0 || a >= len(s) {
			b.Errorf("%s: axis %d of the shape %s", l.Name, a, dims(s))
			return nil
		}
		shape[a] = 1
	}
	if len(s) == 0 {
		return x
	}
	return b.layer(l, newReduce(r, operand{x, s}, shape, shape), x)
}

// LogSoftmax adds x - log Σexp(x) over an axis, computed so that large x do no harm.
func (b *Builder) LogSoftmax(x *gorgonia.Node, axis int) *gorgonia.Node {
	x = b.Combine(x, b.Reduce(x, MaxOf, axis), Minus)
	return b.Combine(x, b.Apply(b.Reduce(b.Apply(x, Function{Kind: Exp}), SumOf, axis), Function{Kind: Log}), Minus)
}

type reduceOp struct {
	core
	reduction Reduction
	from, to  []int // the shape of x as it is seen, and that with a side of 1 for each that is reduced
	shared    bool  // each of several elements that are the largest gets the gradient, not only the first
}

// newReduce describes a reduction of x to the shape to, where the sides that are reduced are 1; the result has
// a shape of as many elements.
func newReduce(r Reduction, x operand, to, shape []int) *reduceOp {
	o := &reduceOp{reduction: r, from: x.shape, to: to}
	o.core = newCore(o, r.String(), shape, 1, x.node)
	return o
}

// over walks over x: each of the result's places, with all that it takes in.
type over struct {
	kept, gone   []int // shapes of the axes that stay and of those that do not
	keptAt, goAt []int // their strides in x
}

func newOver(from, to []int) *over {
	o, steps := &over{}, strides(from)
	for a, d := range from {
		if to[a] == d {
			o.kept, o.keptAt = append(o.kept, d), append(o.keptAt, steps[a])
		} else {
			o.gone, o.goAt = append(o.gone, d), append(o.goAt, steps[a])
		}
	}
	return o
}

// place is the offset of a number among the elements of a shape with strides.
func place(i int, shape, steps []int) int {
	at := 0
	for a := len(shape) - 1; a >= 0; a-- {
		at += i % shape[a] * steps[a]
		i /= shape[a]
	}
	return at
}

// each calls visit with the offset of everything that result i takes in.
func (o *over) each(i int, visit func(at int)) {
	start := place(i, o.kept, o.keptAt)
	if len(o.gone) == 0 {
		visit(start)
		return
	}
	last := len(o.gone) - 1
	for j := range product(o.gone[:last]) {
		at := start + place(j, o.gone[:last], o.goAt[:last])
		for range o.gone[last] {
			visit(at)
			at += o.goAt[last]
		}
	}
}

func (o *reduceOp) lower(c *compiler, in []*value) *value {
	var axes []int
	for a, d := range o.from {
		if o.to[a] != d {
			axes = append(axes, a)
		}
	}
	x, y, plan := c.asPlain(in[0]), c.plain(o.shape...), kernel.NewReduce(kernel.Reduction(o.reduction), o.from, axes)
	c.add([]*value{x}, []*value{y}, 0, func(e *exec) error { plan.Run(e.pool, x.data, y.data); return nil })
	return y
}

func (o *reduceOp) detail() any { return o.reduction }

func (o *reduceOp) SymDiff(inputs gorgonia.Nodes, y, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	d := deriver{of: &o.core}
	if o.reduction > SumOf {
		g := &reduceGradOp{of: o}
		g.core = newCore(g, o.kind+" gradient", inputs[0].Shape(), 0, inputs[0], y, grad)
		return gorgonia.Nodes{d.apply(g, inputs[0], y, grad)}, d.err
	}
	if o.reduction == MeanOf {
		grad = d.function(grad, Function{Kind: Linear, A: float32(product(o.to)) / float32(product(o.from))})
	}
	if d.err != nil {
		return nil, d.err
	}
	return gorgonia.Nodes{d.apply(newRepeat(operand{grad, o.to}, o.from, inputs[0].Shape()), grad)}, d.err
}

// reduceGradOp is the gradient of an extreme.
type reduceGradOp struct {
	core
	of *reduceOp
}

func (o *reduceGradOp) lower(c *compiler, in []*value) *value {
	x, y, dy, dx := c.asPlain(in[0]), c.asPlain(in[1]), c.asPlain(in[2]), c.plain(o.shape...)
	w := newOver(o.of.from, o.of.to)
	c.add([]*value{x, y, dy}, []*value{dx}, 0, func(*exec) error {
		clear(dx.data)
		for i, d := range dy.data {
			given := false
			w.each(i, func(at int) {
				if x.data[at] == y.data[i] && (!given || o.of.shared) {
					dx.data[at], given = d, true
				}
			})
		}
		return nil
	})
	return dx
}
