package graph

import (
	"fmt"

	"gorgonia.org/gorgonia"
)

// PartialConv adds a convolution whose filters each see only some of the maps, as C3 of LeNet-5 does
// (LeCun et al. 1998, table I): table[f] lists the channels of x that filter f sees. The stride is 1 and
// there is no padding. Its parameters are name.weight, one size×size kernel for each connection in the
// table's order, and name.bias, one for each filter.
func (b *Builder) PartialConv(x *gorgonia.Node, name string, table [][]int, size int, options ...Opt) *gorgonia.Node {
	if !b.rank(name, x, 4) {
		return nil
	}
	o, s := b.opts(size, 1, options), x.Shape()
	if !b.fits(name, o, s[2], s[3]) {
		return nil
	}
	connections := 0
	for f, channels := range table {
		for _, c := range channels {
			if c < 0 || c >= s[1] {
				b.Errorf("%s: filter %d sees map %d, the input has %d", name, f, c, s[1])
				return nil
			}
		}
		connections += len(channels)
	}
	if connections == 0 {
		b.Errorf("%s: no filter sees any map", name)
		return nil
	}
	w := b.declare(name+".weight", []int{connections, size, size}, false, o.weights)
	bias := b.declare(name+".bias", []int{len(table)}, false, o.biases)
	if b.err != nil {
		return nil
	}
	h, wd := s[2]-size+1, s[3]-size+1
	p := &partialConvOp{table: table, size: size}
	p.core = newCore(p, "partial conv", []int{s[0], len(table), h, wd}, 3, x, w, bias)
	p.wrt[0] = !b.image(x)
	taps := int64(connections * size * size)
	return b.layer(Layer{
		Name: name, Kind: p.kind, Params: taps + int64(len(table)), MACs: taps * int64(h*wd),
		Formula: fmt.Sprintf("%s; %d of %d connections", o.formula(s[2], h, s[3], wd), connections, len(table)*s[1]),
	}, p, x, w, bias)
}

type partialConvOp struct {
	core
	table [][]int
	size  int
}

// pairs calls f for every stretch of output pixels and the input pixels that meet one weight there:
// the weight's place and the first places of both stretches, which are as long as an output row.
func (o *partialConvOp) pairs(in []int, f func(weight, x, y int)) {
	out := o.shape
	for n := range out[0] {
		kernel := 0
		for filter, channels := range o.table {
			for _, channel := range channels {
				for i := range o.size {
					for j := range o.size {
						for row := range out[2] {
							x := ((n*in[1]+channel)*in[2]+row+i)*in[3] + j
							f((kernel*o.size+i)*o.size+j, x, ((n*out[1]+filter)*out[2]+row)*out[3])
						}
					}
				}
				kernel++
			}
		}
	}
}

func (o *partialConvOp) lower(c *compiler, in []*value) *value {
	x, w, bias := c.asPlain(in[0]), in[1], in[2]
	y, area, width := c.plain(o.shape...), o.shape[2]*o.shape[3], o.shape[3]
	c.add([]*value{x, w, bias}, []*value{y}, 0, func(*exec) error {
		for i := range y.data {
			y.data[i] = bias.data[i/area%len(bias.data)]
		}
		o.pairs(x.shape, func(weight, from, to int) {
			k, row := w.data[weight], y.data[to:to+width]
			for i, v := range x.data[from : from+width] {
				row[i] += float32(k * v)
			}
		})
		return nil
	})
	return y
}

func (o *partialConvOp) detail() any { return Table(o.table) }

func (o *partialConvOp) SymDiff(inputs gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	g := &partialConvGradOp{of: o}
	g.core = newCore(g, "partial conv gradient", inputs[1].Shape(), 0, inputs[0], inputs[1], grad)
	return together(&o.core, inputs, grad, g)
}

type partialConvGradOp struct {
	core
	of *partialConvOp
}

func (o *partialConvGradOp) lower(c *compiler, in []*value) *value {
	x, w, dy := c.asPlain(in[0]), in[1], c.asPlain(in[2])
	out := o.of.shape
	dw, db, dx := c.plain(o.shape...), c.plain(out[1]), c.plain(x.shape...)
	c.state[&o.core] = []*value{db, dx}
	area, width := out[2]*out[3], out[3]
	c.add([]*value{x, w, dy}, []*value{dw, db, dx}, 0, func(*exec) error {
		clear(dw.data)
		clear(db.data)
		clear(dx.data)
		for i, d := range dy.data {
			db.data[i/area%len(db.data)] += d
		}
		o.of.pairs(x.shape, func(weight, from, to int) {
			k, sum := w.data[weight], float32(0)
			xs, dxs := x.data[from:from+width], dx.data[from:from+width]
			for i, d := range dy.data[to : to+width] {
				sum += float32(d * xs[i])
				dxs[i] += float32(k * d)
			}
			dw.data[weight] += sum
		})
		return nil
	})
	return dw
}
