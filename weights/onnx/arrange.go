package onnx

import (
	"fmt"
	"slices"

	"gorgonia.org/gorgonia"
)

// What moves elements without computing works alike on tensors that are known and on nodes.

// reshape is v under another shape with as many elements.
func (c *construction) reshape(v *value, shape []int) (*value, error) {
	n, err := elements(shape)
	if err != nil {
		return nil, err
	}
	if have, _ := elements(v.shape); have != n {
		return nil, fmt.Errorf("the shape %s has %d elements, %s has %d", sides(v.shape), have, sides(shape), n)
	}
	if v.t != nil {
		t := *v.t
		t.shape = slices.Clone(shape)
		return known(&t), nil
	}
	if v.is(shape...) {
		return v, nil
	}
	base := v
	if v.base != nil {
		base = v.base
		if base.is(shape...) {
			return base, nil
		}
	}
	if s := c.shuffled(base, shape); s != nil {
		return s, nil
	}
	r := &value{shape: slices.Clone(shape), base: base, raw: v.raw}
	r.make = func() *value { return made(c.reshaped(c.made(base), shape)) }
	return r, nil
}

// reshaped is [graph.Builder.Flatten] where it is one, which reads better in a list of layers.
func (c *construction) reshaped(n *gorgonia.Node, shape []int) *gorgonia.Node {
	if n != nil && len(shape) == 2 && len(n.Shape()) > 2 && shape[0] == n.Shape()[0] {
		return c.b.Flatten(n)
	}
	return c.b.Reshape(n, shape...)
}

// made is a node as a value.
func made(n *gorgonia.Node) *value {
	if n == nil {
		return nil
	}
	return &value{shape: n.Shape().Clone(), n: n}
}

// shuffled finds the channel shuffle of ShuffleNet (arXiv:1707.01083): N×g×C/g×H×W, transposed to
// N×C/g×g×H×W, seen as N×C×H×W.
func (c *construction) shuffled(v *value, shape []int) *value {
	x := v.from
	if x == nil || x.base == nil || !slices.Equal(v.axes, []int{0, 2, 1, 3, 4}) || len(shape) != 4 || !x.base.is(shape...) {
		return nil
	}
	if s := x.shape; s[0] != shape[0] || s[3] != shape[2] || s[4] != shape[3] {
		return nil
	}
	r := &value{shape: slices.Clone(shape), raw: v.raw}
	r.make = func() *value { return made(c.b.ChannelShuffle(c.made(x.base), x.shape[1])) }
	return r
}

// transpose brings the axes into another order.
func (c *construction) transpose(v *value, order []int) (*value, error) {
	shape := make([]int, len(order))
	for i, a := range order {
		shape[i] = v.shape[a]
	}
	identity := slices.IsSorted(order)
	switch {
	case identity:
		return v, nil
	case v.t != nil:
		return c.transposed(v.t, order, shape)
	}
	from := v
	if v.from != nil { // two in a row are one
		from = v.from
		both := make([]int, len(order))
		for i, a := range order {
			both[i] = v.axes[a]
		}
		if order = both; slices.IsSorted(order) {
			return from, nil
		}
	}
	// Sides of 1 may stand anywhere: what moves nothing else is a reshape.
	var moved []int
	for _, a := range order {
		if from.shape[a] != 1 {
			moved = append(moved, a)
		}
	}
	if slices.IsSorted(moved) {
		return c.reshape(from, shape)
	}
	r := &value{shape: shape, from: from, axes: order, raw: v.raw}
	r.make = func() *value { return made(c.b.Transpose(c.made(from), order...)) }
	return r, nil
}

// transposed computes a transposed tensor.
func (c *construction) transposed(t *tensor, order, shape []int) (*value, error) {
	if _, err := c.spend(shape); err != nil && !t.weight {
		return nil, err
	}
	strides := make([]int, len(order))
	step := 1
	for a := len(t.shape) - 1; a >= 0; a-- {
		strides[a] = step
		step *= t.shape[a]
	}
	moved := make([]int, len(order))
	for i, a := range order {
		moved[i] = strides[a]
	}
	r := t.arranged(shape, 0, func(visit func(from int)) { strided(shape, moved, visit) })
	r.how += fmt.Sprint("T", order)
	return known(r), nil
}

// strided visits the offsets of a shape's elements in order.
func strided(shape, strides []int, visit func(at int)) {
	if product(shape) == 0 {
		return
	}
	index, at := make([]int, len(shape)), 0
	for {
		visit(at)
		a := len(shape) - 1
		for ; a >= 0; a-- {
			index[a]++
			at += strides[a]
			if index[a] < shape[a] {
				break
			}
			at -= index[a] * strides[a]
			index[a] = 0
		}
		if a < 0 {
			return
		}
	}
}

// arranged is a tensor of elements of t, whose offsets each gives in order; -1 stands for fill.
func (t *tensor) arranged(shape []int, fill float32, each func(visit func(from int))) *tensor {
	r := &tensor{typ: t.typ, shape: slices.Clone(shape), weight: t.weight, source: t.source, how: t.how, absent: t.absent, fresh: t.fresh}
	if t.absent {
		return r
	}
	n := product(shape)
	if isFloat(t.typ) {
		r.floats = make([]float32, 0, n)
		each(func(from int) {
			v := fill
			if from >= 0 {
				v = t.floats[from]
			}
			r.floats = append(r.floats, v)
		})
		return r
	}
	r.ints = make([]int64, 0, n)
	each(func(from int) {
		v := int64(fill)
		if from >= 0 {
			v = t.ints[from]
		}
		r.ints = append(r.ints, v)
	})
	return r
}

// pick takes the elements at chosen places of each axis, and fill where a place is -1; see
// [graph.Builder.Pick].
func (c *construction) pick(v *value, fill float32, places [][]int) (*value, error) {
	shape, whole := slices.Clone(v.shape), true
	for a, list := range places {
		if list == nil {
			continue
		}
		shape[a] = len(list)
		if counted := len(list) == v.shape[a] && isCount(list); counted {
			places[a] = nil
		} else {
			whole = false
		}
	}
	if whole {
		return v, nil
	}
	if _, err := elements(shape); err != nil {
		return nil, err
	}
	if v.t == nil {
		if slices.Contains(shape, 0) { // a part of what is joined again, as a roll of one row has it
			return known(&tensor{typ: typeFloat, shape: shape}), nil
		}
		r := &value{shape: shape, raw: v.raw}
		r.make = func() *value { return made(c.b.Pick(c.made(v), fill, places...)) }
		return r, nil
	}
	if _, err := c.spend(shape); err != nil {
		return nil, err
	}
	c.needs(v.t)
	r := v.t.arranged(shape, fill, func(visit func(from int)) {
		index := make([]int, len(shape))
		for range product(shape) {
			at := 0
			for a, i := range index {
				if places[a] != nil {
					i = places[a][i]
				}
				if i < 0 {
					at = -1
					break
				}
				at = at*v.shape[a] + i
			}
			visit(at)
			for a := len(shape) - 1; a >= 0; a-- {
				if index[a]++; index[a] < shape[a] {
					break
				}
				index[a] = 0
			}
		}
	})
	r.source = ""
	return known(r), nil
}

// places are n places of an axis with a step, never nil. They count as what is folded.
func (c *construction) places(from, step, n int) ([]int, error) {
	if _, err := c.spend([]int{n}); err != nil {
		return nil, err
	}
	return counting(from, step, n), nil
}

func isCount(list []int) bool {
	for i, p := range list {
		if p != i {
			return false
		}
	}
	return true
}

// stretched is v with sides of 1 repeated, and with sides before its own, to a shape.
func (c *construction) stretched(v *value, shape []int) (*value, error) {
	if v.is(shape...) {
		return v, nil
	}
	full := slices.Repeat([]int{1}, len(shape)-v.rank())
	v, err := c.reshape(v, append(full, v.shape...))
	if err != nil {
		return nil, err
	}
	places := make([][]int, len(shape))
	for a, d := range shape {
		if v.shape[a] != d {
			if places[a], err = c.places(0, 0, d); err != nil {
				return nil, err
			}
		}
	}
	return c.pick(v, 0, places)
}

// common is the shape that two shapes are stretched to.
func common(a, b []int) ([]int, error) {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := slices.Clone(a)
	for i, d := range b {
		at := i + len(a) - len(b)
		switch {
		case d == out[at] || d == 1:
		case out[at] == 1:
			out[at] = d
		default:
			return nil, fmt.Errorf("the shapes %s and %s do not go together", sides(a), sides(b))
		}
	}
	return out, nil
}

// concat joins values along an axis.
func (c *construction) concat(list []*value, along int) (*value, error) {
	shape, constant := slices.Clone(list[0].shape), true
	shape[along] = 0
	var parts []*value
	for _, v := range list {
		if v.rank() != len(shape) {
			return nil, fmt.Errorf("the shapes %s and %s do not go together", sides(list[0].shape), sides(v.shape))
		}
		for a, d := range v.shape {
			if a != along && d != shape[a] {
				return nil, fmt.Errorf("the shapes %s and %s do not go together", sides(list[0].shape), sides(v.shape))
			}
		}
		shape[along] += v.shape[along]
		if v.shape[along] > 0 {
			parts = append(parts, v)
		}
		constant = constant && v.t != nil
	}
	if _, err := elements(shape); err != nil {
		return nil, err
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	if !constant {
		r := &value{shape: shape}
		r.make = func() *value { return made(c.joined(parts, along)) }
		return r, nil
	}
	if _, err := c.spend(shape); err != nil {
		return nil, err
	}
	first := list[0].t
	for _, v := range list {
		c.needs(v.t)
		if isFloat(v.t.typ) != isFloat(first.typ) {
			return nil, fmt.Errorf("%s and %s are joined", typeName(first.typ), typeName(v.t.typ))
		}
	}
	r := &tensor{typ: first.typ, shape: shape}
	outer := product(shape[:along])
	for o := range outer {
		for _, v := range list {
			n := v.t.size() / max(outer, 1)
			r.weight = r.weight || v.t.weight
			if isFloat(first.typ) {
				r.floats = append(r.floats, v.t.floats[o*n:(o+1)*n]...)
			} else {
				r.ints = append(r.ints, v.t.ints[o*n:(o+1)*n]...)
			}
		}
	}
	if isFloat(first.typ) && r.floats == nil {
		r.floats = []float32{}
	} else if r.floats == nil && r.ints == nil {
		r.ints = []int64{}
	}
	return known(r), nil
}

// joined is [graph.Builder.Concat] for channels of maps; other values are brought into that form.
func (c *construction) joined(parts []*value, along int) *gorgonia.Node {
	nodes := make([]*gorgonia.Node, len(parts))
	maps := len(parts[0].shape) == 4 && along == 1
	for i, v := range parts {
		if nodes[i] = c.made(v); nodes[i] == nil {
			return nil
		}
		if !maps { // what comes before the axis, the axis, what comes after it
			nodes[i] = c.b.Reshape(nodes[i], product(v.shape[:along]), v.shape[along], product(v.shape[along+1:]), 1)
		}
	}
	y := c.b.Concat(nodes...)
	if maps || y == nil {
		return y
	}
	shape := slices.Clone(parts[0].shape)
	shape[along] = y.Shape()[1]
	return c.b.Reshape(y, shape...)
}
