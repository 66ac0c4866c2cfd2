package graph

import (
	"gorgonia.org/gorgonia"
)

// ChannelScale adds gain·w·x + b with one coefficient w and one bias b for each channel: the trainable
// part of LeNet-5's subsampling, where a gain of 4 turns a mean of four into their sum (LeCun et al.
// 1998, section II.B). Its parameters are name.weight and name.bias, C each.
func (b *Builder) ChannelScale(x *gorgonia.Node, name string, gain float32, options ...Opt) *gorgonia.Node {
	if !b.rank(name, x, 4) {
		return nil
	}
	o, channels := b.opts(1, 1, options), x.Shape()[1]
	w := b.declare(name+".weight", []int{channels}, false, o.weights)
	bias := b.declare(name+".bias", []int{channels}, false, o.biases)
	if b.err != nil {
		return nil
	}
	s := &scaleOp{gain: gain}
	s.core = newCore(s, "channel scale", x.Shape(), 3, x, w, bias)
	s.wrt[0] = !b.image(x)
	return b.layer(Layer{Name: name, Kind: s.kind, Params: 2 * int64(channels)}, s, x, w, bias)
}

type scaleOp struct {
	core
	gain float32
}

func (o *scaleOp) lower(c *compiler, in []*value) *value {
	x, w, bias := c.asPlain(in[0]), in[1], in[2]
	y, area := c.plain(o.shape...), o.shape[2]*o.shape[3]
	c.add([]*value{x, w, bias}, []*value{y}, 0, func(*exec) error {
		for i := range y.data {
			channel := i / area % len(w.data)
			y.data[i] = float32(o.gain*w.data[channel]*x.data[i]) + bias.data[channel]
		}
		return nil
	})
	return y
}

func (o *scaleOp) detail() any { return Gain(o.gain) }

func (o *scaleOp) SymDiff(inputs gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	g := &scaleGradOp{of: o}
	g.core = newCore(g, "channel scale gradient", inputs[1].Shape(), 0, inputs[0], inputs[1], grad)
	return together(&o.core, inputs, grad, g)
}

type scaleGradOp struct {
	core
	of *scaleOp
}

func (o *scaleGradOp) lower(c *compiler, in []*value) *value {
	x, w, dy := c.asPlain(in[0]), in[1], c.asPlain(in[2])
	dw, db, dx := c.plain(o.shape...), c.plain(o.shape...), c.plain(o.of.shape...)
	c.state[&o.core] = []*value{db, dx}
	area, gain := o.of.shape[2]*o.of.shape[3], o.of.gain
	c.add([]*value{x, w, dy}, []*value{dw, db, dx}, 0, func(*exec) error {
		clear(dw.data)
		clear(db.data)
		for i, d := range dy.data {
			channel := i / area % len(w.data)
			dw.data[channel] += float32(gain * d * x.data[i])
			db.data[channel] += d
			dx.data[i] = gain * d * w.data[channel]
		}
		return nil
	})
	return dw
}

// PointBias adds a bias of its own to every element of a row: x, N×K, with the parameter name, K. It
// ends AlphaGo's policy network, which has a different bias for each point of the board (Silver et al.
// 2016, methods).
func (b *Builder) PointBias(x *gorgonia.Node, name string, options ...Opt) *gorgonia.Node {
	if !b.rank(name, x, 2) {
		return nil
	}
	k := x.Shape()[1]
	bias := b.declare(name, []int{k}, false, b.opts(1, 1, options).biases)
	if b.err != nil {
		return nil
	}
	o := &pointBiasOp{}
	o.core = newCore(o, "point bias", x.Shape(), 2, x, bias)
	o.wrt[0] = !b.image(x)
	return b.layer(Layer{Name: name, Kind: o.kind, Params: int64(k)}, o, x, bias)
}

type pointBiasOp struct{ core }

func (o *pointBiasOp) lower(c *compiler, in []*value) *value {
	x, bias := c.asPlain(in[0]), in[1]
	y := c.like(x)
	c.add([]*value{x, bias}, []*value{y}, 0, func(*exec) error {
		for i, v := range x.data {
			y.data[i] = v + bias.data[i%len(bias.data)]
		}
		return nil
	})
	return y
}

func (*pointBiasOp) detail() any { return nil }

func (o *pointBiasOp) SymDiff(inputs gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	g := &pointBiasGradOp{}
	g.core = newCore(g, "point bias gradient", inputs[1].Shape(), 0, grad)
	db, err := derive(g, &o.core, grad)
	return gorgonia.Nodes{grad, db}, err
}

type pointBiasGradOp struct{ core }

func (o *pointBiasGradOp) lower(c *compiler, in []*value) *value {
	dy, db := c.asPlain(in[0]), c.plain(o.shape...)
	c.add([]*value{dy}, []*value{db}, 0, func(*exec) error {
		clear(db.data)
		for i, d := range dy.data {
			db.data[i%len(db.data)] += d
		}
		return nil
	})
	return db
}
