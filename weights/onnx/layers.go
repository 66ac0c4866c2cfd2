package onnx

import (
	"fmt"
	"slices"
	"strings"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// layerName is the name of a layer with weights: that of its weights without their last part, if they have
// the names that PyTorch gives, otherwise the node's; with a number where it is another layer's already.
func (c *construction) layerName(w *value) string {
	name := ""
	if w != nil && w.t != nil {
		for _, ending := range []string{".weight", ".bias", ".gamma"} {
			if prefix, ok := strings.CutSuffix(w.t.source, ending); ok {
				name = prefix
			}
		}
	}
	if name == "" {
		name = strings.TrimPrefix(c.node.String(), "/")
	}
	for base, i := name, 2; c.names[name]; i++ {
		name = fmt.Sprint(base, " ", i)
	}
	c.names[name] = true
	return name
}

// A window says how a convolution or pooling walks over the spatial axes of a value.
type window struct {
	size, stride, dilation []int
	pads                   []int // before each axis, then after each
	ceil                   bool
}

// window reads the attributes of a node whose window has that size over a value.
func (c *call) window(v *value, size []int) (window, error) {
	n := v.rank() - 2
	if n < 1 || n > 3 {
		return window{}, fmt.Errorf("the shape %s has %d spatial axes: 1 to 3 are known", sides(v.shape), n)
	}
	w := window{size: c.ints("kernel_shape"), stride: c.ints("strides"), dilation: c.ints("dilations"), pads: c.ints("pads"), ceil: c.int("ceil_mode", 0) != 0}
	if w.size == nil {
		w.size = size
	}
	ones := slices.Repeat([]int{1}, n)
	if w.stride == nil {
		w.stride = ones
	}
	if w.dilation == nil {
		w.dilation = ones
	}
	if len(w.size) != n || len(w.stride) != n || len(w.dilation) != n || w.pads != nil && len(w.pads) != 2*n {
		return w, fmt.Errorf("kernel_shape %v, strides %v, dilations %v and pads %v for the shape %s", w.size, w.stride, w.dilation, w.pads, sides(v.shape))
	}
	for a := range n {
		if w.size[a] < 1 || w.stride[a] < 1 || w.dilation[a] < 1 {
			return w, fmt.Errorf("kernel_shape %v, strides %v and dilations %v must be at least 1", w.size, w.stride, w.dilation)
		}
	}
	for _, list := range [][]int{w.size, w.stride, w.dilation, w.pads} {
		for _, v := range list {
			if v > 1<<20 || v < -1<<20 {
				return w, fmt.Errorf("kernel_shape %v, strides %v, dilations %v and pads %v", w.size, w.stride, w.dilation, w.pads)
			}
		}
	}
	switch auto := c.text("auto_pad", "NOTSET"); auto {
	case "NOTSET", "":
		if w.pads == nil {
			w.pads = make([]int, 2*n)
		}
	case "VALID":
		w.pads = make([]int, 2*n)
	case "SAME_UPPER", "SAME_LOWER":
		w.pads = make([]int, 2*n)
		for a := range n {
			side := v.shape[2+a]
			out := (side + w.stride[a] - 1) / w.stride[a]
			all := max(0, (out-1)*w.stride[a]+(w.size[a]-1)*w.dilation[a]+1-side)
			w.pads[a], w.pads[n+a] = all/2, all-all/2
			if auto == "SAME_LOWER" {
				w.pads[a], w.pads[n+a] = all-all/2, all/2
			}
		}
		w.ceil = false
	default:
		return w, fmt.Errorf("auto_pad is %q", auto)
	}
	return w, nil
}

// room is the side of an axis with padding, less the window's reach.
func (w window) room(a, side int) int {
	return side + w.pads[a] + w.pads[len(w.size)+a] - (w.size[a]-1)*w.dilation[a] - 1
}

// out is the size of the result on each axis.
func (w window) out(shape []int) ([]int, error) {
	out := make([]int, len(w.size))
	for a := range out {
		side, room := shape[2+a], w.room(a, shape[2+a])
		if w.ceil {
			room += w.stride[a] - 1
		}
		if room < 0 {
			return nil, fmt.Errorf("a window of %v does not fit into the shape %s with the pads %v", w.size, sides(shape), w.pads)
		}
		out[a] = room/w.stride[a] + 1
		if w.ceil && out[a] > 1 && (out[a]-1)*w.stride[a] >= side+w.pads[a] {
			out[a]-- // it would begin in the padding at the end
		}
	}
	return out, nil
}

// options are the window's for a layer of maps. A single axis is the width.
func (w window) options() []graph.Opt {
	w = w.of(2)
	list := []graph.Opt{
		graph.Kernel(w.size[0], w.size[1]), graph.Strides(w.stride[0], w.stride[1]), graph.Dilations(w.dilation[0], w.dilation[1]),
		graph.Pads(w.pads[0], w.pads[2], w.pads[1], w.pads[3]),
	}
	if w.ceil {
		list = append(list, graph.Ceil())
	}
	return list
}

// of is the window with axes of 1 before its own, n in all.
func (w window) of(n int) window {
	more := n - len(w.size)
	ones, own := slices.Repeat([]int{1}, more), len(w.size)
	zeros := make([]int, more)
	return window{
		size: append(slices.Clone(ones), w.size...), stride: append(slices.Clone(ones), w.stride...), dilation: append(slices.Clone(ones), w.dilation...),
		pads: slices.Concat(zeros, w.pads[:own], zeros, w.pads[own:]), ceil: w.ceil,
	}
}

// volume is the window over three axes.
func (w window) volume(countPad bool) graph.Volume {
	w = w.of(3)
	return graph.Volume{
		Size: [3]int(w.size), Stride: [3]int(w.stride), Dilation: [3]int(w.dilation),
		Before: [3]int(w.pads[:3]), After: [3]int(w.pads[3:]), Ceil: w.ceil, CountPad: countPad,
	}
}

// spatial is v's node with n spatial axes, those of 1 before its own.
func (c *construction) spatial(v *value, n int) *gorgonia.Node {
	more := n + 2 - v.rank()
	if more <= 0 {
		return c.made(v)
	}
	r, err := c.reshape(v, slices.Concat(v.shape[:2], slices.Repeat([]int{1}, more), v.shape[2:]))
	if err != nil {
		c.b.Errorf("%w", err)
		return nil
	}
	return c.made(r)
}

// shaped is a node under a shape.
func (c *construction) shaped(n *gorgonia.Node, shape []int) *value {
	if n == nil {
		return nil
	}
	v, err := c.reshape(made(n), shape)
	if err != nil {
		c.b.Errorf("%w", err)
		return nil
	}
	return v
}

func buildConv(c *call) ([]*value, error) {
	x, w, bias := c.in[0], c.in[1], c.input(2)
	if w.rank() != x.rank() {
		return nil, fmt.Errorf("filters %s for the shape %s", sides(w.shape), sides(x.shape))
	}
	win, err := c.window(x, w.shape[2:])
	if err != nil {
		return nil, err
	}
	if !slices.Equal(win.size, w.shape[2:]) {
		return nil, fmt.Errorf("kernel_shape is %v, the filters are %s", win.size, sides(w.shape))
	}
	groups := c.int("group", 1)
	if x.padded != nil && !slices.ContainsFunc(win.pads, func(p int) bool { return p < 0 }) {
		for i, p := range x.padded.pads {
			win.pads[i] += p
		}
		x = x.padded.from
	}
	out, err := win.out(x.shape)
	if err != nil {
		return nil, err
	}
	if groups < 1 || w.shape[1]*groups != x.shape[1] || w.shape[0]%groups != 0 {
		return nil, fmt.Errorf("filters %s for the shape %s in %d groups", sides(w.shape), sides(x.shape), groups)
	}
	if bias != nil && !bias.is(w.shape[0]) {
		return nil, fmt.Errorf("a bias of %s for the filters %s", sides(bias.shape), sides(w.shape))
	}
	return []*value{c.conv(c.layerName(w), x, w, bias, win, groups, append([]int{x.shape[0], w.shape[0]}, out...))}, nil
}

// conv is a convolution that takes a scale and a shift into its weights until it is made.
func (c *call) conv(name string, x, w, bias *value, win window, groups int, shape []int) *value {
	v := &value{shape: shape}
	v.make = func() *value {
		if x.rank() == 5 {
			return made(c.b.Conv3DWith(c.made(x), c.weight(w, w.shape, name+".weight"), c.biasNode(bias, name), name, win.volume(false), groups))
		}
		filters := w.shape
		if x.rank() == 3 {
			filters = []int{w.shape[0], w.shape[1], 1, w.shape[2]}
		}
		n := c.b.ConvWith(c.spatial(x, 2), c.weight(w, filters, name+".weight"), c.biasNode(bias, name), name, append(win.options(), graph.Groups(groups))...)
		return c.shaped(n, shape)
	}
	if w.t == nil || bias != nil && bias.t == nil {
		return v
	}
	v.affine = func(scale, shift []float32) *value {
		w, bias := c.scaledBy(w, scale), c.shiftedBy(bias, w.shape[0], scale, shift)
		if bias.t.source == "" {
			bias.t.source = name + ".bias"
		}
		return c.conv(name, x, w, bias, win, groups, shape)
	}
	return v
}

// scaledBy multiplies each row of weights by its number.
func (c *construction) scaledBy(w *value, scale []float32) *value {
	if scale == nil {
		return w
	}
	t := *w.t
	t.how += " scaled by " + c.node.String()
	t.floats = slices.Clone(t.floats)
	per := len(t.floats) / len(scale)
	for i := range t.floats {
		t.floats[i] *= scale[i/per]
	}
	return known(&t)
}

// shiftedBy is a bias, nil for none, times scale plus shift.
func (c *construction) shiftedBy(bias *value, n int, scale, shift []float32) *value {
	t := &tensor{typ: typeFloat, shape: []int{n}, floats: make([]float32, n), weight: true}
	if bias != nil {
		*t = *bias.t
		t.how += " moved by " + c.node.String()
		t.floats = slices.Clone(t.floats)
	}
	for i := range t.floats {
		if scale != nil {
			t.floats[i] *= scale[i]
		}
		if shift != nil {
			t.floats[i] += shift[i]
		}
	}
	return known(t)
}

// weight is the node of a layer's weights under a shape: a parameter if they are known.
func (c *construction) weight(w *value, shape []int, name string) *gorgonia.Node {
	if w.t == nil {
		v, err := c.reshape(w, shape)
		if err != nil {
			c.b.Errorf("%w", err)
			return nil
		}
		return c.made(v)
	}
	t := *w.t
	if t.source == "" {
		t.source = name
	}
	return c.param(&t, shape, t.floats, false)
}

func (c *construction) biasNode(bias *value, name string) *gorgonia.Node {
	if bias == nil {
		return nil
	}
	return c.weight(bias, bias.shape, name+".bias")
}

func buildMaxPool(c *call) ([]*value, error) {
	if len(c.node.out) > 1 && c.m.uses[c.node.out[1]] > 0 {
		return nil, fmt.Errorf("its second result, the places of the maxima, is not known")
	}
	return c.pool(func(win window, x *value) *gorgonia.Node {
		if x.rank() < 5 && win.simple() && product(win.size) <= kernel.MaxWindow {
			return c.b.MaxPool(c.spatial(x, 2), 0, win.options()...)
		}
		return c.b.MaxPool3D(c.spatial(x, 3), win.volume(false))
	})
}

func buildAveragePool(c *call) ([]*value, error) {
	count := c.int("count_include_pad", 0) != 0
	return c.pool(func(win window, x *value) *gorgonia.Node {
		if x.rank() == 5 || !win.simple() {
			return c.b.AvgPool3D(c.spatial(x, 3), win.volume(count))
		}
		if len(win.size) == 2 && win.covers(x.shape[2:]) && (!count || slices.Max(win.pads) == 0) {
			return c.made(c.pooledGlobally(x))
		}
		options := win.options()
		if !count {
			options = append(options, graph.ExcludePad())
		}
		return c.b.AvgPool(c.spatial(x, 2), 0, options...)
	})
}

// covers reports whether the only window takes in all of the maps.
func (w window) covers(sides []int) bool {
	out, err := w.out(append([]int{1, 1}, sides...))
	if err != nil || product(out) != 1 {
		return false
	}
	for a, side := range sides {
		if w.size[a]-w.pads[a] < side {
			return false
		}
	}
	return true
}

// simple reports whether the pooling of maps is as the fast loops have it.
func (w window) simple() bool {
	for a, size := range w.size {
		if w.dilation[a] != 1 || w.pads[a] >= size || w.pads[len(w.size)+a] >= size {
			return false
		}
	}
	return true
}

// pool builds a pooling of its first input.
func (c *call) pool(build func(win window, x *value) *gorgonia.Node) ([]*value, error) {
	x := c.in[0]
	if c.int("storage_order", 0) != 0 {
		return nil, fmt.Errorf("storage_order is 1")
	}
	win, err := c.window(x, nil)
	if err != nil {
		return nil, err
	}
	if slices.Min(win.pads) < 0 {
		return nil, fmt.Errorf("pads are %v", win.pads)
	}
	out, err := win.out(x.shape)
	if err != nil {
		return nil, err
	}
	shape := append(slices.Clone(x.shape[:2]), out...)
	if x.is(shape...) && product(win.size) == 1 && slices.Max(win.pads) == 0 { // of adaptive pooling to the same size
		return []*value{x}, nil
	}
	v := &value{shape: shape, raw: x.raw}
	v.make = func() *value { return c.shaped(build(win, x), shape) }
	return []*value{v}, nil
}

func buildGlobalPool(mean bool) func(c *call) ([]*value, error) {
	return func(c *call) ([]*value, error) {
		x := c.in[0]
		if x.rank() < 3 {
			return nil, fmt.Errorf("the shape %s has no maps", sides(x.shape))
		}
		var over []int
		for a := 2; a < x.rank(); a++ {
			over = append(over, a)
		}
		kind := graph.MaxOf
		if mean {
			kind = graph.MeanOf
		}
		v, err := c.reduced(x, kind, over, true)
		return []*value{v}, err
	}
}

func buildBatchNorm(c *call) ([]*value, error) {
	x := c.in[0]
	if x.rank() < 2 {
		return nil, fmt.Errorf("the shape %s has no channels", sides(x.shape))
	}
	eps, momentum := c.float("epsilon", 1e-5), c.float("momentum", 0.9)
	if c.int("training_mode", 0) != 0 {
		return c.batchStatistics(eps, momentum)
	}
	if len(c.node.out) > 1 && c.m.Opset < 14 && slices.ContainsFunc(c.node.out[1:], func(name string) bool { return c.m.uses[name] > 0 }) {
		return nil, fmt.Errorf("it gives statistics of the batch, as in training")
	}
	channels := []int{x.shape[1]}
	if c.int("spatial", 1) == 0 && c.m.Opset < 9 { // a mean and a deviation for every pixel
		channels = []int{product(x.shape[1:])}
	}
	for i, v := range c.in[1:5] {
		if product(v.shape) != channels[0] {
			return nil, fmt.Errorf("its input %d has the shape %s for %d channels", i+1, sides(v.shape), channels[0])
		}
		if v.t == nil {
			return c.normaliseBy(x, c.in[1:5], eps)
		}
	}
	return []*value{c.batchNorm(c.layerName(c.in[1]), x, [4]*value(c.in[1:5]), eps, 1-momentum, channels)}, nil
}

// batchNorm is a batch normalisation that takes a scale and a shift into its weights until it is made.
func (c *call) batchNorm(name string, x *value, p [4]*value, eps, momentum float32, channels []int) *value {
	v := &value{shape: x.shape}
	v.make = func() *value {
		var nodes [4]*gorgonia.Node
		for i, ending := range []string{".weight", ".bias", ".running_mean", ".running_var"} {
			t := *p[i].t
			if t.source == "" {
				t.source = name + ending
			}
			nodes[i] = c.param(&t, channels, t.floats, i > 1)
		}
		area := product(x.shape) / x.shape[0] / channels[0]
		maps, err := c.reshape(x, []int{x.shape[0], channels[0], area, 1})
		if err != nil {
			c.b.Errorf("%w", err)
			return nil
		}
		if x.rank() == 4 && channels[0] == x.shape[1] {
			maps = x
		}
		return c.shaped(c.b.BatchNormWith(c.made(maps), nodes[0], nodes[1], nodes[2], nodes[3], name, eps, momentum), x.shape)
	}
	v.affine = func(scale, shift []float32) *value {
		if channels[0] != x.shape[1] {
			return nil
		}
		q := p
		q[0], q[1] = c.scaledBy(p[0], scale), c.shiftedBy(p[1], channels[0], scale, shift)
		return c.batchNorm(name, x, q, eps, momentum, channels)
	}
	return v
}

// normaliseBy is a batch normalisation by statistics that are computed.
func (c *call) normaliseBy(x *value, p []*value, eps float32) ([]*value, error) {
	var q [4]*value
	for i, v := range p {
		shape := slices.Repeat([]int{1}, x.rank())
		shape[1] = x.shape[1]
		var err error
		if q[i], err = c.reshape(v, shape); err != nil {
			return nil, err
		}
	}
	return c.chain(x, func(x *value) (*value, error) { return c.combined(x, q[2], graph.Minus) }, func(x *value) (*value, error) {
		variance, err := c.linear(q[3], 1, float64(eps))
		if err != nil {
			return nil, err
		}
		deviation, err := c.mapped(variance, graph.Function{Kind: graph.Sqrt}, "sqrt")
		if err != nil {
			return nil, err
		}
		return c.combined(x, deviation, graph.Over)
	}, func(x *value) (*value, error) { return c.combined(x, q[0], graph.Times) }, func(x *value) (*value, error) { return c.combined(x, q[1], graph.Plus) })
}

// chain applies one step after the other.
func (c *call) chain(v *value, steps ...func(v *value) (*value, error)) ([]*value, error) {
	for _, step := range steps {
		var err error
		if v, err = step(v); err != nil {
			return nil, err
		}
	}
	return []*value{v}, nil
}

// batchStatistics normalises by the batch itself and gives the statistics moved by momentum.
func (c *call) batchStatistics(eps, momentum float32) ([]*value, error) {
	x := c.in[0]
	var over []int
	for a := range x.rank() {
		if a != 1 {
			over = append(over, a)
		}
	}
	mean, err := c.reduced(x, graph.MeanOf, slices.Clone(over), true)
	if err != nil {
		return nil, err
	}
	d, err := c.combined(x, mean, graph.Minus)
	if err != nil {
		return nil, err
	}
	square, err := c.combined(d, d, graph.Times)
	if err != nil {
		return nil, err
	}
	variance, err := c.reduced(square, graph.MeanOf, slices.Clone(over), true)
	if err != nil {
		return nil, err
	}
	out, err := c.normaliseBy(x, []*value{c.in[1], c.in[2], mean, variance}, eps)
	if err != nil {
		return nil, err
	}
	for i, of := range []*value{mean, variance} {
		of, err := c.reshape(of, []int{x.shape[1]})
		if err != nil {
			return nil, err
		}
		fresh, err := c.linear(of, float64(1-momentum), 0)
		if err != nil {
			return nil, err
		}
		old, err := c.linear(c.in[3+i], float64(momentum), 0)
		if err != nil {
			return nil, err
		}
		moved, err := c.combined(old, fresh, graph.Plus)
		if err != nil {
			return nil, err
		}
		out = append(out, moved)
	}
	return out, nil
}

func buildLRN(c *call) ([]*value, error) {
	x, size := c.in[0], c.int("size", 0)
	alpha, beta, bias := c.float("alpha", 1e-4), c.float("beta", 0.75), c.float("bias", 1)
	if x.rank() != 4 {
		return nil, fmt.Errorf("the shape %s is not N×C×H×W", sides(x.shape))
	}
	if size < 1 || size%2 == 0 {
		return nil, fmt.Errorf("size is %d: odd sizes are known", size)
	}
	v := &value{shape: x.shape}
	v.make = func() *value { return made(c.b.LRN(c.made(x), size, bias, alpha/float32(size), beta)) }
	return []*value{v}, nil
}

func buildGemm(c *call) ([]*value, error) {
	x, w, bias := c.in[0], c.in[1], c.input(2)
	alpha, beta := c.float("alpha", 1), c.float("beta", 1)
	if x.rank() != 2 || w.rank() != 2 {
		return nil, fmt.Errorf("matrices %s and %s", sides(x.shape), sides(w.shape))
	}
	turn := func(v *value, on bool) (*value, error) {
		if !on {
			return v, nil
		}
		return c.transpose(v, []int{1, 0})
	}
	x, err := turn(x, c.int("transA", 0) != 0)
	if err != nil {
		return nil, err
	}
	w, err = turn(w, c.int("transB", 0) == 0) // out×in from here on
	if err != nil {
		return nil, err
	}
	if x.shape[1] != w.shape[1] {
		return nil, fmt.Errorf("rows of %d for weights of %d", x.shape[1], w.shape[1])
	}
	out := w.shape[0]
	if bias != nil && beta == 0 {
		bias = nil
	}
	if w.t != nil && (bias == nil || bias.t != nil && isFloat(bias.t.typ) && (product(bias.shape) == 1 || product(bias.shape) == out && bias.shape[bias.rank()-1] == out)) {
		if alpha != 1 {
			w = c.scaledBy(w, slices.Repeat([]float32{alpha}, out))
		}
		if bias != nil {
			t := *bias.t
			t.shape = []int{out}
			if len(t.floats) == 1 {
				t.floats = slices.Repeat(t.floats, out)
				c.needs(bias.t)
			}
			bias = known(&t)
			if beta != 1 {
				bias = c.scaledBy(bias, slices.Repeat([]float32{beta}, out))
			}
		}
		return []*value{c.dense(c.layerName(c.in[1]), x, w, bias)}, nil
	}
	name := c.layerName(nil)
	v := c.dense(name, x, w, nil)
	scaled, err := c.linear(v, float64(alpha), 0)
	if err != nil || bias == nil {
		return []*value{scaled}, err
	}
	shift, err := c.linear(bias, float64(beta), 0)
	if err != nil {
		return nil, err
	}
	scaled, err = c.combined(scaled, shift, graph.Plus)
	return []*value{scaled}, err
}

// dense is a fully connected layer of rows with weights out×in. It takes a scale and a shift into its
// weights until it is made.
func (c *call) dense(name string, x, w, bias *value) *value {
	v := &value{shape: []int{x.shape[0], w.shape[0]}}
	v.make = func() *value {
		return made(c.b.DenseWith(c.made(x), c.weight(w, w.shape, name+".weight"), c.biasNode(bias, name), name))
	}
	if w.t != nil && (bias == nil || bias.t != nil) {
		v.affine = func(scale, shift []float32) *value {
			w, bias := c.scaledBy(w, scale), c.shiftedBy(bias, w.shape[0], scale, shift)
			if bias.t.source == "" {
				bias.t.source = name + ".bias"
			}
			return c.dense(name, x, w, bias)
		}
	}
	return v
}

// buildMatMul makes products with a stored matrix fully connected layers.
func buildMatMul(c *call) ([]*value, error) {
	x, w := c.in[0], c.in[1]
	if x.t == nil && w.t != nil && w.rank() == 2 && x.rank() >= 2 && isFloat(w.t.typ) {
		v, err := c.rows(x, w)
		return []*value{v}, err
	}
	xs, ys := x, w
	var err error
	if x.rank() == 1 {
		if xs, err = c.reshape(x, []int{1, x.shape[0]}); err != nil {
			return nil, err
		}
	}
	if w.rank() == 1 {
		if ys, err = c.reshape(w, []int{w.shape[0], 1}); err != nil {
			return nil, err
		}
	}
	if xs.rank() < 2 || ys.rank() < 2 || xs.shape[xs.rank()-1] != ys.shape[ys.rank()-2] {
		return nil, fmt.Errorf("matrices %s and %s", sides(x.shape), sides(w.shape))
	}
	outer, err := common(xs.shape[:xs.rank()-2], ys.shape[:ys.rank()-2])
	if err != nil {
		return nil, err
	}
	v := &value{shape: append(slices.Clone(outer), xs.shape[xs.rank()-2], ys.shape[ys.rank()-1])}
	v.make = func() *value { return made(c.b.MatMul(c.made(xs), c.made(ys))) }
	shape := slices.Clone(outer)
	if x.rank() > 1 {
		shape = append(shape, x.shape[x.rank()-2])
	}
	if w.rank() > 1 {
		shape = append(shape, w.shape[w.rank()-1])
	}
	v, err = c.reshape(v, shape)
	return []*value{v}, err
}

// rows multiplies rows in the last axis of x by a stored matrix, in×out. Channels in the last axis of maps
// that were transposed for it are a convolution of the maps as they were.
func (c *call) rows(x, w *value) (*value, error) {
	in, out := w.shape[0], w.shape[1]
	last := x.rank() - 1
	if x.shape[last] != in {
		return nil, fmt.Errorf("rows of %d for a matrix %s", x.shape[last], sides(w.shape))
	}
	name := c.layerName(w)
	w, err := c.transpose(w, []int{1, 0})
	if err != nil {
		return nil, err
	}
	shape := append(slices.Clone(x.shape[:last]), out)
	if x.rank() == 2 {
		return c.dense(name, x, w, nil), nil
	}
	if slices.Equal(x.axes, channelsLast) && x.from != nil {
		return c.pointwise(name, x.from, w, nil)
	}
	x, err = c.reshape(x, []int{product(x.shape[:last]), in})
	if err != nil {
		return nil, err
	}
	return c.rowsShaped(c.dense(name, x, w, nil), shape)
}

// channelsLast takes N×C×H×W to N×H×W×C.
var channelsLast = []int{0, 2, 3, 1}

// pointwise is a convolution by single pixels whose result is transposed to have its channels last.
func (c *call) pointwise(name string, x, w, bias *value) (*value, error) {
	one := []int{1, 1}
	win := window{size: one, stride: one, dilation: one, pads: make([]int, 4)}
	t := *w.t
	t.shape = append(slices.Clone(w.shape), 1, 1)
	y := c.conv(name, x, known(&t), bias, win, 1, []int{x.shape[0], w.shape[0], x.shape[2], x.shape[3]})
	v, err := c.transpose(y, channelsLast)
	if err == nil && y.affine != nil {
		v.last, v.affine = true, c.lastAffine(y, func(y *value) (*value, error) { return c.transpose(y, channelsLast) })
	}
	return v, err
}

// rowsShaped is a fully connected layer under its real shape.
func (c *call) rowsShaped(y *value, shape []int) (*value, error) {
	v, err := c.reshape(y, shape)
	if err == nil && y.affine != nil {
		v.last, v.affine = true, c.lastAffine(y, func(y *value) (*value, error) { return c.reshape(y, shape) })
	}
	return v, err
}

// lastAffine takes a bias for the last axis into a layer whose result was rearranged.
func (c *call) lastAffine(y *value, arrange func(y *value) (*value, error)) func(scale, shift []float32) *value {
	return func(scale, shift []float32) *value {
		shifted := y.affine(scale, shift)
		if shifted == nil {
			return nil
		}
		r, err := arrange(shifted)
		if err != nil {
			return nil
		}
		return r
	}
}

func buildSoftmax(log bool) func(c *call) ([]*value, error) {
	return func(c *call) ([]*value, error) {
		x := c.in[0]
		otherwise := -1
		if c.m.Opset < 13 {
			otherwise = 1
		}
		at, err := axis(c.int("axis", otherwise), max(x.rank(), 1))
		if err != nil || x.rank() == 0 {
			return nil, fmt.Errorf("axis %d of the shape %s", c.int("axis", otherwise), sides(x.shape))
		}
		// Before version 13, the axes from one on are one row.
		rows := []int{product(x.shape[:at]), product(x.shape[at:])}
		order := []int{}
		v := x
		if c.m.Opset >= 13 {
			for a := range x.rank() {
				if a != at {
					order = append(order, a)
				}
			}
			order = append(order, at)
			rows = []int{product(x.shape) / max(x.shape[at], 1), x.shape[at]}
			if v, err = c.transpose(x, order); err != nil {
				return nil, err
			}
		}
		turned := v.shape
		if v, err = c.reshape(v, rows); err != nil {
			return nil, err
		}
		row := &value{shape: rows, make: func() *value {
			if log {
				return made(c.b.LogSoftmax(c.made(v), 1))
			}
			return made(c.b.Softmax(c.made(v)))
		}}
		row.formula = &formula{op: "softmax", of: []*value{x}}
		y, err := c.reshape(row, turned)
		if err != nil || len(order) == 0 {
			return []*value{y}, err
		}
		back := make([]int, len(order))
		for i, a := range order {
			back[a] = i
		}
		y, err = c.transpose(y, back)
		return []*value{y}, err
	}
}

func buildDropout(c *call) ([]*value, error) {
	x, rate := c.in[0], float64(c.float("ratio", 0.5))
	if v := c.input(1); v != nil {
		number, ok := v.single()
		if !ok {
			return nil, fmt.Errorf("its ratio is computed")
		}
		rate = number
	}
	if x.t != nil || !c.b.Training() || rate == 0 {
		return []*value{x}, nil
	}
	if !(rate > 0 && rate < 1) {
		return nil, fmt.Errorf("ratio is %g", rate)
	}
	v := &value{shape: x.shape, raw: x.raw}
	v.make = func() *value { return made(c.b.Dropout(c.made(x), rate)) }
	return []*value{v}, nil
}

func buildLayerNorm(c *call) ([]*value, error) {
	x := c.in[0]
	at, err := axis(c.int("axis", -1), x.rank())
	if err != nil {
		return nil, err
	}
	eps := c.float("epsilon", 1e-5)
	v, err := c.normalised(x, at, eps, c.in[1], c.input(2))
	if err != nil || !slices.ContainsFunc(c.node.out[1:], func(name string) bool { return c.m.uses[name] > 0 }) {
		return []*value{v}, err
	}
	// Its further results are the mean and one over the deviation.
	over := counting(at, 1, x.rank()-at)
	mean, err := c.reduced(x, graph.MeanOf, over, true)
	if err != nil {
		return nil, err
	}
	inverse, err := c.chain(x,
		func(x *value) (*value, error) { return c.combined(x, mean, graph.Minus) },
		func(d *value) (*value, error) { return c.combined(d, d, graph.Times) },
		func(s *value) (*value, error) { return c.reduced(s, graph.MeanOf, over, true) },
		func(s *value) (*value, error) { return c.linear(s, 1, float64(eps)) },
		func(s *value) (*value, error) { return c.mapped(s, graph.Function{Kind: graph.Sqrt}, "sqrt") },
		func(s *value) (*value, error) {
			return c.mapped(s, graph.Function{Kind: graph.Reciprocal}, "reciprocal")
		})
	return append([]*value{v, mean}, inverse...), err
}

// normalised is layer normalisation over the axes from one on; scale and shift may be nil.
func (c *construction) normalised(x *value, from int, eps float32, scale, shift *value) (*value, error) {
	for _, p := range []*value{scale, shift} {
		if p != nil && product(p.shape) != product(x.shape[from:]) {
			return nil, fmt.Errorf("a scale or shift of %s for the shape %s from axis %d on", sides(p.shape), sides(x.shape), from)
		}
	}
	v := &value{shape: x.shape, norm: &norm{of: x, axis: from, eps: eps, scale: scale, shift: shift}}
	last := from == x.rank()-1
	if last && slices.Equal(x.axes, channelsLast) && x.from != nil {
		y := &value{shape: x.from.shape, make: func() *value { return c.layerNorm(x.from, eps, scale, shift) }}
		turned, err := c.transpose(y, channelsLast)
		if err == nil {
			turned.norm = v.norm
		}
		return turned, err
	}
	v.make = func() *value {
		rows, err := c.reshape(x, []int{product(x.shape[:from]), product(x.shape[from:])})
		if err != nil {
			c.b.Errorf("%w", err)
			return nil
		}
		y := c.layerNorm(rows, eps, scale, shift)
		if y == nil {
			return nil
		}
		return c.shaped(y.n, x.shape)
	}
	return v, nil
}

// normalisedChannels is layer normalisation over the channels of maps.
func (c *construction) normalisedChannels(x *value, eps float32, scale, shift *value) *value {
	v := &value{shape: x.shape, norm: &norm{of: x, axis: 1, channels: true, eps: eps, scale: scale, shift: shift}}
	v.make = func() *value { return c.layerNorm(x, eps, scale, shift) }
	return v
}

// layerNorm normalises over the channels of maps or over rows.
func (c *construction) layerNorm(x *value, eps float32, scale, shift *value) *value {
	name, n := c.layerName(scale), x.shape[1]
	node := func(p *value, ending string, otherwise float32) *gorgonia.Node {
		if p == nil {
			return c.constant(&tensor{typ: typeFloat, shape: []int{n}, floats: slices.Repeat([]float32{otherwise}, n)})
		}
		return c.weight(p, []int{n}, name+ending)
	}
	return made(c.b.LayerNormWith(c.made(x), node(scale, ".weight", 1), node(shift, ".bias", 0), name, eps))
}
