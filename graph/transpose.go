package graph

import (
	"slices"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// Transpose adds x with its axes in another order: axis i of the result is axis order[i] of x.
func (b *Builder) Transpose(x *gorgonia.Node, order ...int) *gorgonia.Node {
	l := b.unnamed("transpose")
	if !b.takes(l.Name, x) {
		return nil
	}
	s := x.Shape()
	sorted := slices.Sorted(slices.Values(order))
	for i, a := range sorted {
		if a != i || len(order) != len(s) {
			b.Errorf("%s: %v is no order of the %d axes of %s", l.Name, order, len(s), dims(s))
			return nil
		}
	}
	if len(order) != len(s) {
		b.Errorf("%s: %v is no order of the %d axes of %s", l.Name, order, len(s), dims(s))
		return nil
	}
	return b.layer(l, newTranspose(l.Kind, x, order), x)
}

func newTranspose(kind string, x *gorgonia.Node, order []int) *transposeOp {
	o, s := &transposeOp{order: slices.Clone(order)}, x.Shape()
	shape := make([]int, len(s))
	for i, a := range order {
		shape[i] = s[a]
	}
	o.core = newCore(o, kind, shape, 1, x)
	return o
}

type transposeOp struct {
	core
	order []int
}

func (o *transposeOp) lower(c *compiler, in []*value) *value {
	x, y := c.asPlain(in[0]), c.plain(o.shape...)
	steps := strides(x.shape)
	moved := make([]int, len(o.order))
	for i, a := range o.order {
		moved[i] = steps[a]
	}
	last := len(o.shape) - 1
	width, step := o.shape[last], moved[last]
	rows := inChunks(product(o.shape[:last]), width, func(row int) {
		at, rest := 0, row
		for a := last - 1; a >= 0; a-- {
			at += rest % o.shape[a] * moved[a]
			rest /= o.shape[a]
		}
		out := y.data[row*width : (row+1)*width]
		if step == 1 {
			copy(out, x.data[at:])
			return
		}
		for i := range out {
			out[i] = x.data[at]
			at += step
		}
	})
	c.add([]*value{x}, []*value{y}, 0, func(e *exec) error { rows.run(e.pool); return nil })
	return y
}

func (o *transposeOp) detail() any { return Order(o.order) }

func (o *transposeOp) SymDiff(inputs gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	back := make([]int, len(o.order))
	for i, a := range o.order {
		back[a] = i
	}
	dx, err := derive(newTranspose("transpose gradient", grad, back), &o.core, grad)
	return gorgonia.Nodes{dx}, err
}

// strides are the distances between neighbours on each axis, row-major.
func strides(shape []int) []int {
	steps, step := make([]int, len(shape)), 1
	for a := len(shape) - 1; a >= 0; a-- {
		steps[a] = step
		step *= shape[a]
	}
	return steps
}

// ChannelShuffle adds the channels of x in the order that lets every group of the next convolution see all
// groups of the last one: channel i·groups + g of the result is channel g·C/groups + i of x (Zhang et al.,
// "ShuffleNet", arXiv:1707.01083, figure 1).
func (b *Builder) ChannelShuffle(x *gorgonia.Node, groups int) *gorgonia.Node {
	l := b.unnamed("channel shuffle")
	if !b.rank(l.Name, x, 4) {
		return nil
	}
	if channels := x.Shape()[1]; groups < 1 || channels%groups != 0 {
		b.Errorf("%s: %d channels cannot be split into %d groups", l.Name, channels, groups)
		return nil
	}
	o := &shuffleOp{groups: groups}
	o.core = newCore(o, l.Kind, x.Shape(), 1, x)
	return b.layer(l, o, x)
}

type shuffleOp struct {
	core
	groups int
}

func (o *shuffleOp) lower(c *compiler, in []*value) *value {
	x, y := c.asBlocked(in[0]), c.result(o.shape...)
	per := o.shape[1] / o.groups
	area := o.shape[2] * o.shape[3] * kernel.Block
	blocks := inChunks(o.shape[0]*kernel.Blocks(o.shape[1]), area, func(row int) {
		n, block := row/kernel.Blocks(o.shape[1]), row%kernel.Blocks(o.shape[1])
		from, to := x.image(n), y.image(n)[block*area:(block+1)*area]
		for lane := range kernel.Block {
			channel := block*kernel.Block + lane
			if channel >= o.shape[1] {
				for i := lane; i < area; i += kernel.Block {
					to[i] = 0
				}
				continue
			}
			source := channel%o.groups*per + channel/o.groups
			plane := from[source/kernel.Block*area:][:area]
			for i, j := lane, source%kernel.Block; i < area; i, j = i+kernel.Block, j+kernel.Block {
				to[i] = plane[j]
			}
		}
	})
	c.add([]*value{x}, []*value{y}, 0, func(e *exec) error { blocks.run(e.pool); return nil })
	return y
}

func (o *shuffleOp) detail() any { return ShuffleOf(o.groups) }

func (o *shuffleOp) SymDiff(inputs gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	g := &shuffleOp{groups: o.shape[1] / o.groups}
	g.core = newCore(g, "channel shuffle gradient", inputs[0].Shape(), 1, grad)
	dx, err := derive(g, &o.core, grad)
	return gorgonia.Nodes{dx}, err
}
