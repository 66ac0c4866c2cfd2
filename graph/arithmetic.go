package graph

import (
	"fmt"
	"math"
	"slices"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// An Arithmetic is what [Builder.Combine] does with two numbers.
type Arithmetic int

const (
	Plus  Arithmetic = iota // x + y
	Minus                   // x - y
	Times                   // x·y
	Over                    // x/y
	Power                   // x^y
	Most                    // the larger one
	Least                   // the smaller one
	arithmetics
)

// Comparisons give 1 where they hold and 0 elsewhere. They have no derivative. The kernels number them so.
const (
	Less           Arithmetic = arithmetics + iota // x < y
	Greater                                        // x > y
	LessOrEqual                                    // x ≤ y
	GreaterOrEqual                                 // x ≥ y
	Equal                                          // x = y
	NotEqual                                       // x ≠ y
)

// String returns the name of a layer's kind.
func (a Arithmetic) String() string {
	if a < 0 || a > NotEqual {
		return fmt.Sprintf("arithmetic %d", int(a))
	}
	return kernel.Operator(a).String()
}

// slopes are the derivatives in x and y of a power, of the larger or of the smaller one.
func (a Arithmetic) slopes(x, y float32) (dx, dy float32) {
	if a == Most || a == Least {
		if x == y { // PyTorch's choice
			return 0.5, 0.5
		}
		if (x > y) == (a == Most) {
			return 1, 0
		}
		return 0, 1
	}
	power := math.Pow(float64(x), float64(y))
	if y != 0 {
		dx = float32(float64(y) * math.Pow(float64(x), float64(y)-1))
	}
	if x > 0 {
		dy = float32(power * math.Log(float64(x)))
	}
	return dx, dy
}

// Combine adds x and y, or their product and so on, element by element. Shapes are matched from the last
// dimension, and dimensions of 1 are stretched, as in NumPy. Sums of values of one shape are better made
// by [Builder.Add], which layers take in.
func (b *Builder) Combine(x, y *gorgonia.Node, a Arithmetic) *gorgonia.Node {
	l := b.unnamed(a.String())
	if !b.takes(l.Name, x, y) {
		return nil
	}
	xs, ys := x.Shape(), y.Shape()
	shape := slices.Clone([]int(xs))
	if len(ys) > len(xs) {
		shape = append(slices.Clone([]int(ys[:len(ys)-len(xs)])), xs...)
	}
	for i, d := range ys {
		at := i + len(shape) - len(ys)
		if shape[at] == 1 {
			shape[at] = d
		} else if d != 1 && d != shape[at] {
			b.Errorf("%s: the shapes %s and %s do not go together", l.Name, dims(xs), dims(ys))
			return nil
		}
	}
	return b.layer(l, newCombine(a, operand{x, ranked(xs, len(shape))}, operand{y, ranked(ys, len(shape))}, shape), x, y)
}

// ranked puts sides of 1 before a shape's own.
func ranked(shape []int, rank int) []int {
	return append(slices.Repeat([]int{1}, max(0, rank-len(shape))), shape...)
}

type combineOp struct {
	core
	arithmetic Arithmetic
	xs, ys     []int // the operands' shapes as they are matched, of as many sides
}

// An operand is a node, seen with a shape of as many elements.
type operand struct {
	node  *gorgonia.Node
	shape []int
}

// newCombine describes the combination of operands of as many sides; the result has the given shape.
func newCombine(a Arithmetic, x, y operand, result []int) *combineOp {
	o, diff := &combineOp{arithmetic: a, xs: x.shape, ys: y.shape}, 2
	if a >= arithmetics {
		diff = 0
	}
	o.core = newCore(o, a.String(), result, diff, x.node, y.node)
	return o
}

// matched is the shape of the result, with as many sides as the operands.
func (o *combineOp) matched() []int {
	shape, err := kernel.BroadcastShape(o.xs, o.ys)
	if err != nil {
		panic(err) // checked where the op was made
	}
	return shape
}

// stretch is the distance of neighbours in a value of some shape seen under the op's: 0 where it is
// stretched.
func stretch(shape, to []int) []int {
	steps, own := make([]int, len(to)), strides(shape)
	for i, d := range shape {
		if d > 1 {
			steps[i+len(to)-len(shape)] = own[i]
		}
	}
	return steps
}

// A pairing walks over two values that are stretched to one shape.
type pairing struct {
	shape, xs, ys []int
	width         int
}

func pairs(x, y, shape []int) *pairing {
	p := &pairing{shape: shape, xs: stretch(x, shape), ys: stretch(y, shape), width: 1}
	if len(shape) > 0 {
		p.width = shape[len(shape)-1]
	}
	return p
}

func (p *pairing) rows() int { return product(p.shape) / p.width }

// row gives where a row starts in both, and their steps along it.
func (p *pairing) row(row int) (x, y, dx, dy int) {
	for a := len(p.shape) - 2; a >= 0; a-- {
		i := row % p.shape[a]
		row /= p.shape[a]
		x += i * p.xs[a]
		y += i * p.ys[a]
	}
	if last := len(p.shape) - 1; last >= 0 {
		dx, dy = p.xs[last], p.ys[last]
	}
	return x, y, dx, dy
}

func (o *combineOp) lower(c *compiler, in []*value) *value {
	x, y, op := in[0], in[1], kernel.Operator(o.arithmetic)
	if slices.Equal(x.shape, y.shape) && x.blocked && y.blocked && (op.KeepsZero() || x.shape[1]%kernel.Block == 0) {
		out := c.like(x)
		c.add([]*value{x, y}, []*value{out}, 0, func(e *exec) error {
			elementwise(x, y, out, func(x, y, out []float32) { kernel.Operate(e.pool, op, x, y, out) })
			return nil
		})
		return out
	}
	if out := o.perChannel(c, x, y); out != nil {
		return out
	}
	x, y = c.asPlain(x), c.asPlain(y)
	plan, err := kernel.NewBroadcast(op, o.xs, o.ys)
	if err != nil {
		panic(err) // checked where the op was made
	}
	out := c.plain(o.shape...)
	if x.size() == out.size() {
		out.reuse = x
	}
	c.add([]*value{x, y}, []*value{out}, 0, func(e *exec) error { plan.Run(e.pool, x.data, y.data, out.data); return nil })
	return out
}

// perChannel combines maps with a number for each channel, of each image or of all, in their blocks. Such
// numbers gate channels and scale branches.
func (o *combineOp) perChannel(c *compiler, x, y *value) *value {
	s := o.shape
	if len(s) != 4 || !x.blocked || !slices.Equal(x.shape, s) || o.arithmetic > Times {
		return nil
	}
	shape := o.ys
	if len(shape) != 4 || shape[1] != s[1] || shape[2] != 1 || shape[3] != 1 || s[2]*s[3] == 1 {
		return nil
	}
	y = c.asPlain(y)
	out := c.like(x)
	blocks, area := kernel.Blocks(s[1]), s[2]*s[3]*kernel.Block
	rows := inChunks(s[0]*blocks, area, func(row int) {
		n, block := row/blocks, row%blocks
		var lanes [kernel.Block]float32
		numbers := y.data
		if shape[0] > 1 {
			numbers = numbers[n*s[1]:]
		}
		count := copy(lanes[:], numbers[block*kernel.Block:min(s[1], (block+1)*kernel.Block)])
		from, to := x.image(n)[block*area:(block+1)*area], out.image(n)[block*area:(block+1)*area]
		for i := 0; i < area; i += kernel.Block {
			o.span(to[i:i+count], from[i:i+count], lanes[:count])
			clear(to[i+count : i+kernel.Block])
		}
	})
	c.add([]*value{x, y}, []*value{out}, 0, func(e *exec) error { rows.run(e.pool); return nil })
	return out
}

// span computes a row with steps of 1.
func (o *combineOp) span(out, x, y []float32) {
	switch o.arithmetic {
	case Plus:
		for i := range out {
			out[i] = x[i] + y[i]
		}
	case Minus:
		for i := range out {
			out[i] = x[i] - y[i]
		}
	case Times:
		for i := range out {
			out[i] = x[i] * y[i]
		}
	}
}

func (o *combineOp) detail() any { return o.arithmetic }

// SymDiff writes the derivatives of the four operations in their terms.
func (o *combineOp) SymDiff(inputs gorgonia.Nodes, z, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	d := deriver{of: &o.core}
	x, y := operand{inputs[0], o.xs}, operand{inputs[1], o.ys}
	whole := func(n *gorgonia.Node) operand { return operand{n, o.matched()} }
	dz := whole(grad)
	var dx, dy operand
	switch o.arithmetic {
	case Plus:
		dx, dy = dz, dz
	case Minus:
		dx, dy = dz, whole(d.function(grad, Function{Kind: Linear, A: -1}))
	case Times:
		dx, dy = d.combine(Times, dz, y, o.shape), d.combine(Times, dz, x, o.shape)
	case Over: // dz/y and -dz·z/y
		dx = d.combine(Over, dz, y, o.shape)
		dy = whole(d.function(d.combine(Times, dx, whole(z), o.shape).node, Function{Kind: Linear, A: -1}))
	case Power, Most, Least:
		g := &combineGradOp{of: o}
		g.core = newCore(g, o.kind+" gradient", inputs[0].Shape(), 0, inputs[0], inputs[1], grad)
		dx := d.apply(g, inputs[0], inputs[1], grad)
		if d.err != nil {
			return nil, d.err
		}
		dy, err := second(&o.core, &g.core, 0, inputs[1].Shape(), dx)
		return gorgonia.Nodes{dx, dy}, err
	default:
		return o.core.SymDiff(inputs, z, grad)
	}
	a, b := d.reduceTo(dx, x), d.reduceTo(dy, y)
	return gorgonia.Nodes{a, b}, d.err
}

type combineGradOp struct {
	core
	of *combineOp
}

func (o *combineGradOp) lower(c *compiler, in []*value) *value {
	x, y, d := c.asPlain(in[0]), c.asPlain(in[1]), c.asPlain(in[2])
	dx, dy := c.plain(x.shape...), c.plain(y.shape...)
	c.state[&o.core] = []*value{dy}
	p := pairs(o.of.xs, o.of.ys, o.of.matched())
	c.add([]*value{x, y, d}, []*value{dx, dy}, 0, func(*exec) error {
		clear(dx.data)
		clear(dy.data)
		for row := range p.rows() {
			i, j, xs, ys := p.row(row)
			for k, g := range d.data[row*p.width : (row+1)*p.width] {
				sx, sy := o.of.arithmetic.slopes(x.data[i+k*xs], y.data[j+k*ys])
				dx.data[i+k*xs] += float32(g * sx)
				dy.data[j+k*ys] += float32(g * sy)
			}
		}
		return nil
	})
	return dx
}
