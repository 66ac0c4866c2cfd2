package graph

import (
	"fmt"
	"slices"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// foreign lowers a node whose op is Gorgonia's: a constant, the additions that [gorgonia.Grad] makes
// where a value has several uses, and whatever has no translation. The last run through the op's own Do,
// which allocates.
func (c *compiler) foreign(n *gorgonia.Node, in []*value) (*value, error) {
	if isConstant(n) {
		return c.constant(n)
	}
	if isAdd(n.Op()) && isFloat32(n) {
		for i, v := range in {
			if v == nil {
				grad := c.children[n][i]
				c.layer, c.kind = grad.Op().(op).base().name, grad.Op().(op).base().kind
				return c.dataGrad(grad.Op().(*convDataGradOp), c.inputs(grad), in[1-i]), nil
			}
		}
		if slices.Equal(in[0].shape, in[1].shape) {
			return c.addValues(in[0], in[1]), nil
		}
	}
	children := c.children[n]
	var reads []*value
	for _, v := range in {
		reads = append(reads, c.asPlain(v))
	}
	out, o := c.plain(n.Shape()...), n.Op()
	out.boxed = !isFloat32(n)
	args := make([]gorgonia.Value, len(reads))
	c.add(reads, []*value{out}, 0, func(*exec) error {
		for i, v := range reads {
			args[i] = boxOf(children[i], v)
		}
		result, err := o.Do(args...)
		clear(args)
		if err != nil {
			return err
		}
		if out.boxed {
			out.box = result
			return nil
		}
		d, err := floats(result)
		if err != nil {
			return err
		}
		if len(d) != len(out.data) {
			return fmt.Errorf("%v gives %d values where the shape %s has %d", o, len(d), dims(out.shape), len(out.data))
		}
		copy(out.data, d)
		return nil
	})
	return out, nil
}

// boxOf is a value in the form that Gorgonia's ops take. Tensors get a header of their own, which some ops
// change.
func boxOf(n *gorgonia.Node, v *value) gorgonia.Value {
	switch {
	case !v.boxed && n.IsScalar():
		return gorgonia.NewF32(v.data[0])
	case !v.boxed:
		return tensor.New(tensor.WithShape(v.shape...), tensor.WithBacking(v.data))
	}
	if d, ok := v.box.(*tensor.Dense); ok {
		return d.ShallowClone()
	}
	return v.box
}

func (c *compiler) constant(n *gorgonia.Node) (*value, error) {
	v := n.Value()
	if v == nil {
		return nil, fmt.Errorf("node %v has neither inputs nor a value", n)
	}
	if !isFloat32(n) {
		return &value{name: n.Name(), shape: n.Shape(), keep: true, boxed: true, box: v}, nil
	}
	d, err := floats(v)
	if err != nil {
		return nil, fmt.Errorf("constant %v: %w", n, err)
	}
	return &value{name: n.Name(), shape: n.Shape(), keep: true, fixed: true, source: func() []float32 { return d }}, nil
}

func (c *compiler) addValues(x, y *value) *value {
	x, y = c.alike(x, y)
	out := c.like(x)
	c.add([]*value{x, y}, []*value{out}, 0, func(e *exec) error {
		elementwise(x, y, out, func(x, y, z []float32) { kernel.Add(e.pool, x, y, z) })
		return nil
	})
	return out
}
