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

// String returns the name of a layer's kind.
func (a Arithmetic) String() string {
	if a < 0 || a >= arithmetics {
		return fmt.Sprintf("arithmetic %d", int(a))
	}
	return [...]string{"sum", "difference", "product", "quotient", "power", "maximum", "minimum"}[a]
}

func (a Arithmetic) of(x, y float32) float32 {
	switch a {
	case Plus:
		return x + y
	case Minus:
		return x - y
	case Times:
		return x * y
	case Over:
		return x / y
	case Most:
		return max(x, y)
	case Least:
		return min(x, y)
	}
	return float32(math.Pow(float64(x), float64(y)))
}

// slopes are the derivatives in x and y.
func (a Arithmetic) slopes(x, y float32) (dx, dy float32) {
	switch a {
	case Plus:
		return 1, 1
	case Minus:
		return 1, -1
	case Times:
		return y, x
	case Over:
		return 1 / y, -x / (y * y)
	case Most, Least:
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
	o := &combineOp{arithmetic: a}
	o.core = newCore(o, l.Kind, shape, 2, x, y)
	return b.layer(l, o, x, y)
}

type combineOp struct {
	core
	arithmetic Arithmetic
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
	x, y := in[0], in[1]
	if slices.Equal(x.shape, y.shape) && x.blocked && y.blocked && o.arithmetic <= Times {
		out := c.like(x)
		c.add([]*value{x, y}, []*value{out}, 0, func(e *exec) error {
			elementwise(x, y, out, func(x, y, out []float32) { o.span(out, x, y, 1, 1) })
			return nil
		})
		return out
	}
	if out := o.perChannel(c, x, y); out != nil {
		return out
	}
	x, y = c.asPlain(x), c.asPlain(y)
	out, p := c.plain(o.shape...), pairs(x.shape, y.shape, o.shape)
	rows := inChunks(p.rows(), p.width, func(row int) {
		i, j, dx, dy := p.row(row)
		o.span(out.data[row*p.width:(row+1)*p.width], x.data[i:], y.data[j:], dx, dy)
	})
	c.add([]*value{x, y}, []*value{out}, 0, func(e *exec) error { rows.run(e.pool); return nil })
	return out
}

// perChannel combines maps with a number for each channel, of each image or of all, in their blocks. Such
// numbers gate channels and scale branches.
func (o *combineOp) perChannel(c *compiler, x, y *value) *value {
	s := o.shape
	if len(s) != 4 || !x.blocked || !slices.Equal(x.shape, s) || o.arithmetic > Times {
		return nil
	}
	shape := y.shape
	for len(shape) < 4 {
		shape = append([]int{1}, shape...)
	}
	if shape[1] != s[1] || shape[2] != 1 || shape[3] != 1 || s[2]*s[3] == 1 {
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
			o.span(to[i:i+count], from[i:i+count], lanes[:count], 1, 1)
			clear(to[i+count : i+kernel.Block])
		}
	})
	c.add([]*value{x, y}, []*value{out}, 0, func(e *exec) error { rows.run(e.pool); return nil })
	return out
}

// span computes a row with steps of 0 or 1.
func (o *combineOp) span(out, x, y []float32, dx, dy int) {
	switch {
	case o.arithmetic == Plus && dx == 1 && dy == 1:
		for i := range out {
			out[i] = x[i] + y[i]
		}
	case o.arithmetic == Times && dx == 1 && dy == 1:
		for i := range out {
			out[i] = x[i] * y[i]
		}
	case o.arithmetic == Plus && dx == 1:
		for i := range out {
			out[i] = x[i] + y[0]
		}
	case o.arithmetic == Times && dx == 1:
		for i := range out {
			out[i] = x[i] * y[0]
		}
	default:
		for i := range out {
			out[i] = o.arithmetic.of(x[i*dx], y[i*dy])
		}
	}
}

func (o *combineOp) SymDiff(inputs gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	g := &combineGradOp{of: o}
	g.core = newCore(g, o.kind+" gradient", inputs[0].Shape(), 0, inputs[0], inputs[1], grad)
	dx, err := derive(g, &o.core, inputs[0], inputs[1], grad)
	if err != nil {
		return nil, err
	}
	dy, err := second(&o.core, &g.core, 0, inputs[1].Shape(), dx)
	return gorgonia.Nodes{dx, dy}, err
}

type combineGradOp struct {
	core
	of *combineOp
}

func (o *combineGradOp) lower(c *compiler, in []*value) *value {
	x, y, d := c.asPlain(in[0]), c.asPlain(in[1]), c.asPlain(in[2])
	dx, dy := c.plain(x.shape...), c.plain(y.shape...)
	c.state[&o.core] = []*value{dy}
	p := pairs(x.shape, y.shape, o.of.shape)
	c.add([]*value{x, y, d}, []*value{dx, dy}, 0, func(*exec) error {
		clear(dx.data)
		clear(dy.data)
		for row := range p.rows() {
			i, j, xs, ys := p.row(row)
			for k, g := range d.data[row*p.width : (row+1)*p.width] {
				sx, sy := o.of.arithmetic.slopes(x.data[i+k*xs], y.data[j+k*ys])
				dx.data[i+k*xs] += g * sx
				dy.data[j+k*ys] += g * sy
			}
		}
		return nil
	})
	return dx
}
