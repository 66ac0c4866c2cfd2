package graph

import (
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// ConvWith is [Builder.Conv] with filters, out×C/groups×H×W, and a bias, nil for none, that are nodes of
// the graph: parameters by [Builder.Param], constants, or what other layers give. The size of the window
// is that of the filters.
func (b *Builder) ConvWith(x, filters, bias *gorgonia.Node, name string, options ...Opt) *gorgonia.Node {
	inputs, params, ok := b.given(name, x, filters, bias, 4)
	if !ok {
		return nil
	}
	w := filters.Shape()
	o := b.opts(0, 1, append([]Opt{Kernel(w[2], w[3])}, options...))
	o.kh, o.kw = w[2], w[3]
	shape, ok := b.convShape(name, x, w[0], o)
	if !ok {
		return nil
	}
	if w[1] != shape.C/o.groups {
		b.Errorf("%s: filters %s for %d channels in %d groups", name, dims(w), shape.C, o.groups)
		return nil
	}
	return b.conv(name, o, shape, params, inputs)
}

// DenseWith is [Builder.Dense] with weights, out×K, and a bias, nil for none, that are nodes of the graph.
func (b *Builder) DenseWith(x, weights, bias *gorgonia.Node, name string) *gorgonia.Node {
	inputs, params, ok := b.given(name, x, weights, bias, 2)
	if !ok {
		return nil
	}
	if w, k := weights.Shape(), x.Shape()[1]; w[1] != k {
		b.Errorf("%s: weights %s for rows of %d", name, dims(w), k)
		return nil
	}
	return b.dense(name, weights.Shape()[0], params, inputs)
}

// BatchNormWith is [Builder.BatchNorm] with a weight, a bias, a running mean and a running variance, C each,
// that are nodes of the graph: parameters and buffers ([Builder.Buffer]). Statistics that are no buffers do
// not move, and training uses them as they are.
func (b *Builder) BatchNormWith(x, weight, bias, mean, variance *gorgonia.Node, name string, eps, momentum float32) *gorgonia.Node {
	if !b.rank(name, x, 4) || !b.takes(name, weight, bias, mean, variance) {
		return nil
	}
	if !(eps >= 0) || !finite(eps, momentum) {
		b.Errorf("%s: eps %g must not be negative, and momentum %g finite", name, eps, momentum)
		return nil
	}
	inputs := []*gorgonia.Node{x, weight, bias, mean, variance}
	if !b.forChannels(name, x, inputs[1:]...) {
		return nil
	}
	return b.batchNorm(name, eps, momentum, b.trainable(weight, bias), inputs)
}

// LayerNormWith is [Builder.LayerNorm] with a weight and a bias, C each, that are nodes of the graph.
func (b *Builder) LayerNormWith(x, weight, bias *gorgonia.Node, name string, eps float32) *gorgonia.Node {
	if !b.takes(name, x, weight, bias) || len(x.Shape()) != 2 && !b.rank(name, x, 4) {
		return nil
	}
	if !(eps >= 0) || !finite(eps) {
		b.Errorf("%s: eps %g must not be negative", name, eps)
		return nil
	}
	if !b.forChannels(name, x, weight, bias) {
		return nil
	}
	return b.layerNorm(name, eps, b.trainable(weight, bias), []*gorgonia.Node{x, weight, bias})
}

// forChannels checks that nodes have a number for each channel of x.
func (b *Builder) forChannels(name string, x *gorgonia.Node, nodes ...*gorgonia.Node) bool {
	for _, n := range nodes {
		if !b.rank(name, n, 1) {
			return false
		}
		if got, channels := n.Shape()[0], x.Shape()[1]; got != channels {
			b.Errorf("%s: %s has %d numbers for %d channels", name, n.Name(), got, channels)
			return false
		}
	}
	return true
}

// given checks the nodes that a layer is built over, x and weights of some rank and a bias for each of
// the weights' first dimension, and counts the parameters among them.
func (b *Builder) given(name string, x, weights, bias *gorgonia.Node, rank int) (inputs []*gorgonia.Node, params int64, ok bool) {
	if !b.rank(name, x, rank) || !b.rank(name, weights, rank) {
		return nil, 0, false
	}
	inputs = []*gorgonia.Node{x, weights}
	if bias != nil {
		if !b.rank(name, bias, 1) {
			return nil, 0, false
		}
		if bias.Shape()[0] != weights.Shape()[0] {
			b.Errorf("%s: %d biases for %d outputs", name, bias.Shape()[0], weights.Shape()[0])
			return nil, 0, false
		}
		inputs = append(inputs, bias)
	}
	return inputs, b.trainable(inputs[1:]...), true
}

// trainable counts the elements of nodes that are parameters.
func (b *Builder) trainable(nodes ...*gorgonia.Node) (n int64) {
	for _, node := range nodes {
		if p := b.params.Get(node.Name()); p != nil && b.nodes[node.Name()] == node && !p.Buffer {
			n += int64(p.Len())
		}
	}
	return n
}

// Buffer returns the node of a tensor that the network keeps and training leaves alone.
func (b *Builder) Buffer(name string, init Initializer, shape ...int) *gorgonia.Node {
	return b.declare(name, shape, true, init)
}

// Values returns the node of a constant.
func (b *Builder) Values(name string, data []float32, shape ...int) *gorgonia.Node {
	if b.err != nil {
		return nil
	}
	if len(data) != product(shape) {
		b.Errorf("constant %s: %d values for the shape %s", name, len(data), dims(shape))
		return nil
	}
	var v any
	if len(shape) == 0 {
		v = data[0]
	} else {
		v = tensor.New(tensor.WithShape(shape...), tensor.WithBacking(data))
	}
	return b.g.AddNode(gorgonia.NewConstant(v, gorgonia.WithName(name)))
}
