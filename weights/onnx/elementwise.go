package onnx

import (
	"fmt"
	"math"
	"slices"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

// A formula says how a value was computed from others, for those that it is a part of: the sigmoid in
// x·sigmoid(x), the mean in a normalisation. What is not needed beside the whole is never made.
type formula struct {
	op   string // "linear", "product", "sigmoid", "erf", …
	of   []*value
	a, b float64 // of linear: a·x + b
	axes []int
}

// by returns the formula of v if it is of that kind.
func (v *value) by(op string) *formula {
	if v.formula != nil && v.formula.op == op {
		return v.formula
	}
	return nil
}

// mapped is v with a function applied to each element.
func (c *construction) mapped(v *value, f graph.Function, op string) (*value, error) {
	if v.t != nil {
		return c.eachNumber(v, f.Of)
	}
	return c.inPlace(v, func(v *value) (*value, error) {
		return c.later(v, func() *value { return made(c.b.Apply(c.made(v), f)) }, &formula{op: op, of: []*value{v}, a: float64(f.A), b: float64(f.B)}), nil
	})
}

// later is a value of v's shape that is made when it is needed.
func (c *construction) later(v *value, make func() *value, f *formula) *value {
	return &value{shape: slices.Clone(v.shape), make: make, formula: f, raw: v.raw}
}

// inPlace applies an element-wise function to v before it is transposed, so that transpositions around it
// can meet.
func (c *construction) inPlace(v *value, f func(v *value) (*value, error)) (*value, error) {
	if v.from == nil || v.n != nil {
		return f(v)
	}
	y, err := f(v.from)
	if err != nil {
		return nil, err
	}
	r, err := c.transpose(y, v.axes)
	if err == nil && y.formula != nil && len(y.formula.of) == 1 {
		formula := *y.formula
		formula.of = []*value{v}
		r.formula = &formula
	}
	return r, err
}

// eachNumber computes a function of a tensor's numbers.
func (c *construction) eachNumber(v *value, f func(x float64) float64) (*value, error) {
	if _, err := c.spend(v.shape); err != nil {
		return nil, err
	}
	c.needs(v.t)
	r := &tensor{typ: v.t.typ, shape: slices.Clone(v.shape), weight: v.t.weight}
	if isFloat(v.t.typ) {
		r.floats = make([]float32, len(v.t.floats))
		for i, x := range v.t.floats {
			r.floats[i] = float32(f(float64(x)))
		}
		return known(r), nil
	}
	r.ints = make([]int64, len(v.t.ints))
	for i, x := range v.t.ints {
		r.ints[i] = int64(f(float64(x)))
	}
	return known(r), nil
}

// activated is v with an activation, under the name of the operator or of what it was found to be.
func (c *construction) activated(v *value, a graph.Activation, op string) (*value, error) {
	if v.t != nil {
		v = &value{shape: v.shape, n: c.made(v)}
	}
	return c.inPlace(v, func(v *value) (*value, error) {
		return c.later(v, func() *value { return made(c.b.Activate(c.made(v), a)) }, &formula{op: op, of: []*value{v}}), nil
	})
}

// linear is a·v + b.
func (c *construction) linear(v *value, a, b float64) (*value, error) {
	if v.t != nil {
		return c.eachNumber(v, func(x float64) float64 { return a*x + b })
	}
	if a == 1 && b == 0 {
		return v, nil
	}
	if b == 0 {
		if gelu := gelu(v, a); gelu != nil {
			return c.activated(gelu, graph.GELU, "gelu")
		}
		if tanh := v.by("tanh"); tanh != nil {
			x, slope := tanh.of[0], 1.0
			if l := x.by("linear"); l != nil && l.b == 0 {
				x, slope = l.of[0], l.a
			}
			return c.activated(x, graph.ScaledTanh(float32(a), float32(slope)), "scaled tanh")
		}
		if x := hardSwish(v, a); x != nil {
			return c.activated(x, graph.HardSwish, "hard-swish")
		}
		if relu6 := v.by("relu6"); relu6 != nil && near(a, 1./6) {
			if l := relu6.of[0].by("linear"); l != nil && l.a == 1 && l.b == 3 {
				return c.activated(l.of[0], graph.HardSigmoid, "hard-sigmoid")
			}
		}
	}
	return c.mapped(v, graph.Function{Kind: graph.Linear, A: float32(a), B: float32(b)}, "linear")
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-5*math.Abs(b) }

// gelu finds x where v times a is x·(1 + erf(x/√2))/2.
func gelu(v *value, a float64) *value {
	p := v.by("product")
	if p == nil {
		return nil
	}
	for i, gate := range p.of {
		x := p.of[1-i]
		one := gate.by("linear")
		if one == nil || one.a != 1 || one.b != 1 {
			continue
		}
		erf := one.of[0].by("erf")
		if erf == nil {
			continue
		}
		scaled := erf.of[0].by("linear")
		if scaled == nil || scaled.b != 0 || !near(scaled.a, math.Sqrt2/2) {
			continue
		}
		if half := x.by("linear"); half != nil && half.of[0] == scaled.of[0] && half.b == 0 && near(half.a*a, 0.5) {
			return half.of[0]
		}
		if x == scaled.of[0] && near(a, 0.5) {
			return x
		}
	}
	return nil
}

// hardSwish finds x where v times a is x·min(max(x + 3, 0), 6)/6.
func hardSwish(v *value, a float64) *value {
	p := v.by("product")
	if p == nil || !near(a, 1./6) {
		return nil
	}
	for i, gate := range p.of {
		if relu6 := gate.by("relu6"); relu6 != nil {
			if l := relu6.of[0].by("linear"); l != nil && l.a == 1 && l.b == 3 && l.of[0] == p.of[1-i] {
				return p.of[1-i]
			}
		}
	}
	return nil
}

// combined computes an arithmetic of two values.
func (c *construction) combined(x, y *value, a graph.Arithmetic) (*value, error) {
	shape, err := common(x.shape, y.shape)
	if err != nil {
		return nil, err
	}
	if _, err := elements(shape); err != nil {
		return nil, err
	}
	if x.t != nil && y.t != nil {
		return c.computed(x, y, shape, a)
	}
	if r, err := c.withNumber(x, y, shape, a); r != nil || err != nil {
		return r, err
	}
	if r := c.scaled(x, y, shape, a); r != nil {
		return r, nil
	}
	if r, err := c.recognised(x, y, a); r != nil || err != nil {
		return r, err
	}
	r := &value{shape: shape, raw: c.isRaw(x) && c.isRaw(y)}
	r.make = func() *value {
		if v := c.excited(x, y, a); v != nil {
			return v
		}
		nx, ny := c.side(x, y), c.side(y, x)
		if a == graph.Plus && slices.Equal(x.shape, y.shape) && x != y {
			return made(c.b.Add(nx, ny))
		}
		return made(c.b.Combine(nx, ny, a))
	}
	op := a.String()
	r.formula = &formula{op: op, of: []*value{x, y}}
	return r, nil
}

// excited multiplies maps by a factor for each channel of each image.
func (c *construction) excited(x, y *value, a graph.Arithmetic) *value {
	if x.rank() == 4 && x.shape[2]*x.shape[3] == 1 {
		x, y = y, x
	}
	if a != graph.Times || x.rank() != 4 || x.t != nil || y.t != nil || !y.is(x.shape[0], x.shape[1], 1, 1) || x.shape[2]*x.shape[3] == 1 {
		return nil
	}
	if y.base != nil && y.base.is(x.shape[:2]...) {
		y = y.base
	}
	return made(c.b.Excite(c.made(x), c.made(y)))
}

// side is the node of an operand. Numbers that are combined with the model's input itself arrange it and
// are no weights.
func (c *construction) side(v, other *value) *gorgonia.Node {
	if v.t != nil && other.raw {
		return c.constant(v.t)
	}
	return c.made(v)
}

func (c *construction) isRaw(v *value) bool { return v.raw || v.t != nil }

// withNumber computes with a single number.
func (c *construction) withNumber(x, y *value, shape []int, a graph.Arithmetic) (*value, error) {
	number, ok := y.single()
	v, swapped := x, false
	if !ok {
		number, ok = x.single()
		v, swapped = y, true
	}
	if !ok || v.t != nil {
		return nil, nil
	}
	v, err := c.reshape(v, append(slices.Repeat([]int{1}, len(shape)-v.rank()), v.shape...))
	if err != nil {
		return nil, err
	}
	inverse := func() (*value, error) {
		r, err := c.mapped(v, graph.Function{Kind: graph.Reciprocal}, "reciprocal")
		if err != nil {
			return nil, err
		}
		return c.linear(r, number, 0)
	}
	switch {
	case a == graph.Plus:
		return c.linear(v, 1, number)
	case a == graph.Minus && swapped:
		return c.linear(v, -1, number)
	case a == graph.Minus:
		return c.linear(v, 1, -number)
	case a == graph.Times:
		return c.linear(v, number, 0)
	case a == graph.Over && swapped:
		return inverse()
	case a == graph.Over && number != 0:
		return c.linear(v, 1/number, 0)
	case a == graph.Power && !swapped:
		switch number {
		case 1:
			return v, nil
		case 2:
			return c.combined(v, v, graph.Times)
		case 0.5:
			return c.mapped(v, graph.Function{Kind: graph.Sqrt}, "sqrt")
		case -1:
			return c.mapped(v, graph.Function{Kind: graph.Reciprocal}, "reciprocal")
		}
	case a == graph.Most && !isNaN(number):
		if number == 0 {
			return c.activated(v, graph.ReLU, "relu")
		}
		return c.mapped(v, graph.Function{Kind: graph.Clip, A: float32(number), B: float32(math.Inf(1))}, "clip")
	case a == graph.Least && !isNaN(number):
		return c.mapped(v, graph.Function{Kind: graph.Clip, A: float32(math.Inf(-1)), B: float32(number)}, "clip")
	}
	return nil, nil
}

func isNaN(v float64) bool { return v != v }

// scaled gives a layer that can take it in a scale or a shift for each of its channels.
func (c *construction) scaled(x, y *value, shape []int, a graph.Arithmetic) *value {
	if x.t != nil {
		x, y = y, x
		if a != graph.Plus && a != graph.Times {
			return nil
		}
	}
	if x.affine == nil || x.uses != 1 || y.t == nil || y.t.absent || !isFloat(y.t.typ) || !slices.Equal(x.shape, shape) {
		return nil
	}
	channel := 1
	if x.last {
		channel = len(shape) - 1
	}
	channels := shape[channel]
	full := append(slices.Repeat([]int{1}, len(shape)-y.rank()), y.shape...)
	for axis, d := range full {
		if d != 1 && (axis != channel || d != channels) {
			return nil
		}
	}
	c.needs(y.t)
	numbers := func(f func(v float32) float32) []float32 {
		list := make([]float32, channels)
		for i := range list {
			list[i] = f(y.t.floats[i%len(y.t.floats)])
		}
		return list
	}
	same := func(v float32) float32 { return v }
	switch a {
	case graph.Plus:
		return x.affine(nil, numbers(same))
	case graph.Minus:
		return x.affine(nil, numbers(func(v float32) float32 { return -v }))
	case graph.Times:
		return x.affine(numbers(same), nil)
	case graph.Over:
		return x.affine(numbers(func(v float32) float32 { return 1 / v }), nil)
	}
	return nil
}

// recognised finds functions that a file writes out: x·sigmoid(x), x·hard-sigmoid(x), normalisation of the
// last axes.
func (c *construction) recognised(x, y *value, a graph.Arithmetic) (*value, error) {
	switch a {
	case graph.Times:
		for _, p := range [2][2]*value{{x, y}, {y, x}} {
			v, gate := p[0], p[1]
			if s := gate.by("sigmoid"); s != nil && s.of[0] == v {
				return c.activated(v, graph.SiLU, "silu")
			}
			if s := gate.by("hard-sigmoid"); s != nil && s.of[0] == v {
				return c.activated(v, graph.HardSwish, "hard-swish")
			}
			if n := v.norm; n != nil && n.scale == nil && n.shift == nil && c.overSame(gate, n, v) {
				return c.again(n, gate, nil)
			}
		}
		// The half of GELU may be taken before the product.
		r := &value{shape: x.shape, formula: &formula{op: "product", of: []*value{x, y}}}
		if v := gelu(r, 1); v != nil {
			return c.activated(v, graph.GELU, "gelu")
		}
	case graph.Plus:
		for _, p := range [2][2]*value{{x, y}, {y, x}} {
			if n := p[0].norm; n != nil && n.scale != nil && n.shift == nil && c.overSame(p[1], n, p[0]) {
				return c.again(n, n.scale, p[1])
			}
		}
	case graph.Over:
		if n := centred(x, y); n != nil {
			return c.again(n, nil, nil)
		}
	}
	return nil, nil
}

// again is a normalisation with a scale and a shift.
func (c *construction) again(n *norm, scale, shift *value) (*value, error) {
	if n.channels {
		return c.normalisedChannels(n.of, n.eps, scale, shift), nil
	}
	return c.normalised(n.of, n.axis, n.eps, scale, shift)
}

// overSame reports whether a tensor has a number for each place of the axes that are normalised.
func (c *construction) overSame(v *value, n *norm, of *value) bool {
	shape := of.shape[n.axis:]
	if n.channels {
		shape = []int{1, of.shape[1], 1, 1}
	}
	return v.t != nil && isFloat(v.t.typ) && v.is(shape...)
}

// centred finds the parts of (x - mean(x))/√(mean((x - mean(x))²) + eps) over the last axes, or over the channels of
// maps.
func centred(x, y *value) *norm {
	d, root := x.by("difference"), y.by("sqrt")
	if d == nil || root == nil {
		return nil
	}
	mean, sum := d.of[1].by("mean"), root.of[0].by("linear")
	if mean == nil || mean.of[0] != d.of[0] || sum == nil || sum.a != 1 {
		return nil
	}
	variance := sum.of[0].by("mean")
	if variance == nil || !slices.Equal(variance.axes, mean.axes) {
		return nil
	}
	square := variance.of[0].by("product")
	if square == nil || square.of[0] != x || square.of[1] != x {
		return nil
	}
	n := &norm{of: d.of[0], axis: d.of[0].rank() - len(mean.axes), eps: float32(sum.b)}
	if n.of.rank() == 4 && slices.Equal(mean.axes, []int{1}) {
		n.axis, n.channels = 1, true
		return n
	}
	if !slices.Equal(mean.axes, counting(n.axis, 1, len(mean.axes))) {
		return nil
	}
	return n
}

// computed is an arithmetic of two tensors.
func (c *construction) computed(x, y *value, shape []int, a graph.Arithmetic) (*value, error) {
	if _, err := c.spend(shape); err != nil {
		return nil, err
	}
	c.needs(x.t)
	c.needs(y.t)
	typ := x.t.typ
	r := &tensor{typ: typ, shape: shape, weight: x.t.weight || y.t.weight}
	xs, ys := stretch(x.shape, shape), stretch(y.shape, shape)
	var at []int
	strided(shape, xs, func(i int) { at = append(at, i) })
	k := 0
	if isFloat(typ) {
		r.floats = make([]float32, len(at))
		strided(shape, ys, func(j int) {
			r.floats[k] = float32(arithmetic(a, x.t.number(at[k]), y.t.number(j)))
			k++
		})
		return known(r), nil
	}
	r.ints = make([]int64, len(at))
	var err error
	strided(shape, ys, func(j int) {
		v := x.t.ints[at[k]]
		if isFloat(y.t.typ) {
			r.ints[k] = int64(arithmetic(a, float64(v), float64(y.t.floats[j])))
		} else if w := y.t.ints[j]; w == 0 && a == graph.Over {
			err = fmt.Errorf("division by zero")
		} else {
			r.ints[k] = wholeArithmetic(a, v, w)
		}
		k++
	})
	return known(r), err
}

func (t *tensor) number(i int) float64 {
	if isFloat(t.typ) {
		return float64(t.floats[i])
	}
	return float64(t.ints[i])
}

// stretch is the distance of neighbours in a tensor seen under a larger shape.
func stretch(shape, to []int) []int {
	steps, step := make([]int, len(to)), 1
	for a := len(shape) - 1; a >= 0; a-- {
		if shape[a] > 1 {
			steps[a+len(to)-len(shape)] = step
		}
		step *= shape[a]
	}
	return steps
}

func arithmetic(a graph.Arithmetic, x, y float64) float64 {
	switch a {
	case graph.Plus:
		return x + y
	case graph.Minus:
		return x - y
	case graph.Times:
		return x * y
	case graph.Over:
		return x / y
	case graph.Most:
		return max(x, y)
	case graph.Least:
		return min(x, y)
	}
	return math.Pow(x, y)
}

func wholeArithmetic(a graph.Arithmetic, x, y int64) int64 {
	switch a {
	case graph.Plus:
		return x + y
	case graph.Minus:
		return x - y
	case graph.Times:
		return x * y
	case graph.Over:
		return x / y
	case graph.Most:
		return max(x, y)
	case graph.Least:
		return min(x, y)
	}
	return int64(math.Pow(float64(x), float64(y)))
}

// multiplied is the product along an axis: of its two halves, until nothing is left to multiply.
func (c *construction) multiplied(v *value, axis int) (*value, error) {
	for v.shape[axis] > 1 {
		half := v.shape[axis] / 2
		part := func(from, n int) (*value, error) {
			places := make([][]int, v.rank())
			places[axis] = counting(from, 1, n)
			return c.pick(v, 0, places)
		}
		first, err := part(0, half)
		if err != nil {
			return nil, err
		}
		second, err := part(half, half)
		if err != nil {
			return nil, err
		}
		both, err := c.combined(first, second, graph.Times)
		if err != nil {
			return nil, err
		}
		if v.shape[axis]%2 == 1 {
			rest, err := part(2*half, 1)
			if err != nil {
				return nil, err
			}
			if both, err = c.concat([]*value{both, rest}, axis); err != nil {
				return nil, err
			}
		}
		v = both
	}
	return v, nil
}

// productOf is the reduction by multiplication, which package graph has not.
const productOf = graph.Reduction(-1)

// reduced is the mean, sum or extreme over axes.
func (c *construction) reduced(v *value, r graph.Reduction, over []int, keep bool) (*value, error) {
	slices.Sort(over)
	shape, left := slices.Clone(v.shape), []int{}
	for a, d := range v.shape {
		if slices.Contains(over, a) {
			shape[a] = 1
		} else {
			left = append(left, d)
		}
	}
	if product(v.shape) == 0 {
		return nil, fmt.Errorf("it has no elements")
	}
	var out *value
	switch {
	case len(over) == 0 || v.rank() == 0:
		return v, nil
	case v.t == nil && r == productOf:
		out = v
		for _, a := range over {
			var err error
			if out, err = c.multiplied(out, a); err != nil {
				return nil, err
			}
		}
	case v.t != nil:
		var err error
		if out, err = c.reducedTensor(v, r, shape); err != nil {
			return nil, err
		}
	case r == graph.MeanOf && v.rank() == 4 && slices.Equal(over, []int{2, 3}):
		out = c.pooledGlobally(v)
	default:
		out = &value{shape: shape, raw: v.raw, make: func() *value { return made(c.b.Reduce(c.made(v), r, over...)) }}
	}
	if out.t == nil && r == graph.MeanOf {
		out.formula = &formula{op: "mean", of: []*value{v}, axes: over}
	}
	if keep {
		return out, nil
	}
	return c.reshape(out, left)
}

// pooledGlobally is the mean of maps, N×C×1×1: small maps for the convolutions that gate channels, a row for a
// classifier.
func (c *construction) pooledGlobally(v *value) *value {
	row := &value{shape: v.shape[:2]}
	row.make = func() *value { return made(c.b.GlobalAvgPool(c.made(v))) }
	out := &value{shape: []int{v.shape[0], v.shape[1], 1, 1}, base: row}
	out.make = func() *value { return made(c.b.AdaptiveAvgPool(c.made(v), 1, 1)) }
	return out
}

func (c *construction) reducedTensor(v *value, kind graph.Reduction, shape []int) (*value, error) {
	if _, err := c.spend(v.shape); err != nil {
		return nil, err
	}
	c.needs(v.t)
	steps := stretch(shape, v.shape)
	n := product(shape)
	sums, most, least := make([]float64, n), make([]float64, n), make([]float64, n)
	products := slices.Repeat([]float64{1}, n)
	seen, i := make([]int, n), 0
	strided(v.shape, steps, func(at int) {
		x := v.t.number(i)
		if seen[at] == 0 {
			most[at], least[at] = x, x
		}
		sums[at] += x
		products[at] *= x
		most[at], least[at] = max(most[at], x), min(least[at], x)
		seen[at]++
		i++
	})
	list := sums
	switch kind {
	case graph.MeanOf:
		for i := range sums {
			sums[i] /= float64(seen[i])
		}
	case graph.MaxOf:
		list = most
	case graph.MinOf:
		list = least
	case productOf:
		list = products
	}
	r := &tensor{typ: v.t.typ, shape: shape, weight: v.t.weight}
	if isFloat(v.t.typ) {
		r.floats = make([]float32, n)
		for i, x := range list {
			r.floats[i] = float32(x)
		}
	} else {
		r.ints = make([]int64, n)
		for i, x := range list {
			r.ints[i] = int64(x)
		}
	}
	return known(r), nil
}
