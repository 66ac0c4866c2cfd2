package onnx

import (
	"fmt"
	"slices"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

// Operators that are put together from others.

// buildConvTranspose spreads the input by the strides, with zeros between, and convolves with the filters turned
// around: what is the gradient of a convolution in its input.
func buildConvTranspose(c *call) ([]*value, error) {
	x, w, bias := c.in[0], c.in[1], c.input(2)
	if w.rank() != x.rank() {
		return nil, fmt.Errorf("filters %s for the shape %s", sides(w.shape), sides(x.shape))
	}
	win, err := c.window(x, w.shape[2:])
	if err != nil {
		return nil, err
	}
	groups := c.int("group", 1)
	if !slices.Equal(win.size, w.shape[2:]) || groups < 1 || w.shape[0] != x.shape[1] || w.shape[0]%groups != 0 {
		return nil, fmt.Errorf("filters %s for the shape %s in %d groups, kernel_shape %v", sides(w.shape), sides(x.shape), groups, win.size)
	}
	n, filters := len(win.size), w.shape[1]*groups
	if bias != nil && !bias.is(filters) {
		return nil, fmt.Errorf("a bias of %s for %d channels", sides(bias.shape), filters)
	}
	more, wanted := c.ints("output_padding"), c.ints("output_shape")
	if len(wanted) == n+2 {
		wanted = wanted[2:]
	}
	if more == nil {
		more = make([]int, n)
	}
	if len(more) != n || wanted != nil && len(wanted) != n {
		return nil, fmt.Errorf("output_padding %v and output_shape %v for the shape %s", more, wanted, sides(x.shape))
	}
	places, out := make([][]int, x.rank()), make([]int, n)
	for a := range n {
		side, stride, reach := x.shape[2+a], win.stride[a], (win.size[a]-1)*win.dilation[a]
		before, after := win.pads[a], win.pads[n+a]
		if auto := c.text("auto_pad", "NOTSET"); wanted != nil || auto == "SAME_UPPER" || auto == "SAME_LOWER" {
			size := side * stride
			if wanted != nil {
				size = wanted[a]
			}
			all := stride*(side-1) + more[a] + reach + 1 - size
			if before, after = all-all/2, all/2; auto == "SAME_UPPER" {
				before, after = after, before
			}
			if all < 0 { // what no window reaches lies at the end
				before, after = 0, all
			}
		}
		out[a] = stride*(side-1) + more[a] + reach + 1 - before - after
		if more[a] < 0 || more[a] > 1<<20 || out[a] < 1 || out[a] >= most {
			return nil, fmt.Errorf("a side of %d becomes %d", side, out[a])
		}
		if places[2+a], err = c.places(before-reach, 1, out[a]+reach); err != nil {
			return nil, err
		}
		for i, p := range places[2+a] {
			if places[2+a][i] = -1; p >= 0 && p%stride == 0 && p/stride < side {
				places[2+a][i] = p / stride
			}
		}
	}
	spread, err := c.pick(x, 0, places)
	if err != nil {
		return nil, err
	}
	turned, err := c.turned(w, groups)
	if err != nil {
		return nil, err
	}
	flat := window{size: win.size, stride: slices.Repeat([]int{1}, n), dilation: win.dilation, pads: make([]int, 2*n)}
	return []*value{c.conv(c.layerName(w), spread, turned, bias, flat, groups, append([]int{x.shape[0], filters}, out...))}, nil
}

// turned is the filters of a transposed convolution, C×M/groups×…, as those of a convolution, M×C/groups×…: each
// one upside down. They are still the weights of that name.
func (c *call) turned(w *value, groups int) (*value, error) {
	shape := w.shape
	order := []int{0, 2, 1}
	places := make([][]int, len(shape)+1)
	for a, d := range shape[2:] {
		order = append(order, 3+a)
		places[3+a] = counting(d-1, -1, d)
	}
	v, err := c.reshape(w, slices.Concat([]int{groups, shape[0] / groups}, shape[1:]))
	if err == nil {
		v, err = c.transpose(v, order)
	}
	if err == nil {
		v, err = c.pick(v, 0, places)
	}
	if err == nil {
		v, err = c.reshape(v, slices.Concat([]int{groups * shape[1], shape[0] / groups}, shape[2:]))
	}
	if err != nil || v.t == nil {
		return v, err
	}
	t := *v.t
	t.weight, t.source, t.how = w.t.weight, w.t.source, w.t.how+" turned by "+c.node.String()
	return known(&t), nil
}

// buildInstanceNorm normalises each map of each image by itself.
func buildInstanceNorm(c *call) ([]*value, error) {
	x := c.in[0]
	if x.rank() < 3 || product(c.in[1].shape) != x.shape[1] || product(c.in[2].shape) != x.shape[1] {
		return nil, fmt.Errorf("a scale of %s and a shift of %s for the shape %s", sides(c.in[1].shape), sides(c.in[2].shape), sides(x.shape))
	}
	return one(c.grouped(x, x.shape[1], c.float("epsilon", 1e-5), c.in[1], c.in[2]))
}

// buildGroupNorm has a scale and a shift for each group, from version 21 on for each channel.
func buildGroupNorm(c *call) ([]*value, error) {
	x, groups := c.in[0], c.int("num_groups", 0)
	if x.rank() < 3 || groups < 1 || x.shape[1]%groups != 0 {
		return nil, fmt.Errorf("%d groups of the shape %s", groups, sides(x.shape))
	}
	for i, p := range c.in[1:3] {
		if n := product(p.shape); n != x.shape[1] && (n != groups || c.m.Opset >= 21) {
			return nil, fmt.Errorf("its input %d has the shape %s for %d channels in %d groups", 1+i, sides(p.shape), x.shape[1], groups)
		}
	}
	return one(c.grouped(x, groups, c.float("epsilon", 1e-5), c.in[1], c.in[2]))
}

// grouped normalises groups of channels, each image by itself, and then scales and shifts channels or groups.
func (c *call) grouped(x *value, groups int, eps float32, scale, shift *value) (*value, error) {
	n, channels := x.shape[0], x.shape[1]
	v, err := c.reshape(x, []int{n * groups, product(x.shape) / n / groups})
	if err == nil {
		v, err = c.normalised(v, 1, eps, nil, nil)
	}
	if err == nil {
		v, err = c.reshape(v, x.shape)
	}
	if err != nil {
		return nil, err
	}
	for i, p := range []*value{scale, shift} {
		how := []graph.Arithmetic{graph.Times, graph.Plus}[i]
		if x.base != nil && p.all(float32(1-i)) {
			continue // of group normalisation, as PyTorch writes it: its own scale follows
		}
		shape, wide := slices.Repeat([]int{1}, x.rank()), x.shape
		if shape[1] = channels; product(p.shape) != channels {
			wide = []int{n, groups, product(x.shape) / n / groups}
			shape = []int{1, groups, 1}
		}
		if p, err = c.reshape(p, shape); err == nil {
			v, err = c.reshape(v, wide)
		}
		if err == nil {
			v, err = c.combined(v, p, how)
		}
		if err == nil {
			v, err = c.reshape(v, x.shape)
		}
		if err != nil {
			return nil, err
		}
	}
	return v, nil
}

// all reports whether a tensor has one number everywhere.
func (v *value) all(number float32) bool {
	return v.t != nil && len(v.t.floats) > 0 && !slices.ContainsFunc(v.t.floats, func(f float32) bool { return f != number })
}

// buildDepthToSpace and buildSpaceToDepth exchange channels for squares of pixels.
func buildDepthToSpace(c *call) ([]*value, error) {
	x, b := c.in[0], c.int("blocksize", 0)
	if x.rank() != 4 || b < 1 || b > 1<<10 || x.shape[1]%(b*b) != 0 {
		return nil, fmt.Errorf("blocks of %d for the shape %s", b, sides(x.shape))
	}
	n, d, h, w := x.shape[0], x.shape[1]/(b*b), x.shape[2], x.shape[3]
	split, order := []int{n, b, b, d, h, w}, []int{0, 3, 4, 1, 5, 2}
	switch mode := c.text("mode", "DCR"); mode {
	case "DCR":
	case "CRD":
		split, order = []int{n, d, b, b, h, w}, []int{0, 1, 4, 2, 5, 3}
	default:
		return nil, fmt.Errorf("mode is %q", mode)
	}
	return c.chain(x, func(v *value) (*value, error) { return c.reshape(v, split) }, func(v *value) (*value, error) { return c.transpose(v, order) },
		func(v *value) (*value, error) { return c.reshape(v, []int{n, d, h * b, w * b}) })
}

func buildSpaceToDepth(c *call) ([]*value, error) {
	x, b := c.in[0], c.int("blocksize", 0)
	if x.rank() != 4 || b < 1 || x.shape[2]%b != 0 || x.shape[3]%b != 0 {
		return nil, fmt.Errorf("blocks of %d for the shape %s", b, sides(x.shape))
	}
	n, d, h, w := x.shape[0], x.shape[1], x.shape[2]/b, x.shape[3]/b
	return c.chain(x, func(v *value) (*value, error) { return c.reshape(v, []int{n, d, h, b, w, b}) },
		func(v *value) (*value, error) { return c.transpose(v, []int{0, 3, 5, 1, 2, 4}) },
		func(v *value) (*value, error) { return c.reshape(v, []int{n, d * b * b, h, w}) })
}

// buildCelu is a·elu(x/a), and buildSelu a multiple of elu.
func buildCelu(c *call) ([]*value, error) {
	a := float64(c.float("alpha", 1))
	if a == 0 {
		return nil, fmt.Errorf("alpha is 0")
	}
	return c.chain(c.in[0], func(v *value) (*value, error) { return c.linear(v, 1/a, 0) },
		func(v *value) (*value, error) { return c.mapped(v, graph.Function{Kind: graph.Elu, A: 1}, "elu") },
		func(v *value) (*value, error) { return c.linear(v, a, 0) })
}

func buildSelu(c *call) ([]*value, error) {
	elu := graph.Function{Kind: graph.Elu, A: c.float("alpha", 1.67326319217681884765625)}
	return c.chain(c.in[0], func(v *value) (*value, error) { return c.mapped(v, elu, "elu") },
		func(v *value) (*value, error) {
			return c.linear(v, float64(c.float("gamma", 1.05070102214813232421875)), 0)
		})
}

// buildMish is x·tanh(softplus(x)).
func buildMish(c *call) ([]*value, error) {
	x := c.in[0]
	return c.chain(x, func(v *value) (*value, error) {
		return c.mapped(v, graph.Function{Kind: graph.Softplus}, "softplus")
	}, func(v *value) (*value, error) { return c.activated(v, graph.Tanh, "tanh") }, func(v *value) (*value, error) { return c.combined(x, v, graph.Times) })
}

// buildSoftsign is x/(1 + |x|).
func buildSoftsign(c *call) ([]*value, error) {
	x := c.in[0]
	return c.chain(x, func(v *value) (*value, error) { return c.mapped(v, graph.Function{Kind: graph.Abs}, "abs") },
		func(v *value) (*value, error) { return c.linear(v, 1, 1) }, func(v *value) (*value, error) { return c.combined(x, v, graph.Over) })
}

// buildMean is the mean of all inputs.
func buildMean(c *call) ([]*value, error) {
	sum, err := folded(graph.Plus)(c)
	if err != nil {
		return nil, err
	}
	return one(c.linear(sum[0], 1/float64(len(c.in)), 0))
}

// reductionOf is a reduction of a function of the elements, followed by another function.
func reductionOf(before graph.FunctionKind, r graph.Reduction, after graph.FunctionKind) func(c *call) ([]*value, error) {
	return func(c *call) ([]*value, error) {
		v, err := c.mapped(c.in[0], graph.Function{Kind: before, A: 1}, "")
		if err != nil {
			return nil, err
		}
		c.in = append([]*value{v}, c.in[1:]...)
		out, err := reduction(r)(c)
		if err != nil {
			return nil, err
		}
		return one(c.mapped(out[0], graph.Function{Kind: after, A: 1}, ""))
	}
}

// buildReduceLogSumExp takes the largest element out before, so that no exponential is too large.
func buildReduceLogSumExp(c *call) ([]*value, error) {
	x := c.in[0]
	keep := c.int("keepdims", 1) != 0
	list, whole, err := c.reducedAxes()
	if err != nil || whole {
		return []*value{x}, err
	}
	top, err := c.reduced(x, graph.MaxOf, slices.Clone(list), true)
	if err != nil {
		return nil, err
	}
	sum, err := c.chain(x, func(v *value) (*value, error) { return c.combined(v, top, graph.Minus) },
		func(v *value) (*value, error) { return c.mapped(v, graph.Function{Kind: graph.Exp}, "exp") },
		func(v *value) (*value, error) { return c.reduced(v, graph.SumOf, slices.Clone(list), true) },
		func(v *value) (*value, error) { return c.mapped(v, graph.Function{Kind: graph.Log}, "log") },
		func(v *value) (*value, error) { return c.combined(v, top, graph.Plus) })
	if err != nil || keep {
		return sum, err
	}
	var left []int
	for a, d := range x.shape {
		if !slices.Contains(list, a) {
			left = append(left, d)
		}
	}
	return one(c.reshape(sum[0], left))
}
