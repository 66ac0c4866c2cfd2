package graph

import (
	"fmt"
	"slices"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// foreign lowers a term whose op is Gorgonia's and has no translation: it runs through the op's own Do, which
// allocates.
func (c *compiler) foreign(t *term, in []*value) *value {
	n := t.node
	var reads []*value
	for _, v := range in {
		reads = append(reads, c.asPlain(v))
	}
	out, o := c.plain(n.Shape()...), n.Op()
	out.boxed = !isFloat32(n)
	args := make([]gorgonia.Value, len(reads))
	c.add(reads, []*value{out}, 0, func(*exec) error {
		for i, v := range reads {
			args[i] = boxOf(t.in[i].node, v)
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
	return out
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

// sumOp is an addition that [gorgonia.Grad] makes, where a value has several uses.
type sumOp struct{ core }

// isSum reports whether a node adds values of one shape by Gorgonia's own op.
func isSum(n *gorgonia.Node) bool {
	if n.Op() == nil || !isAdd(n.Op()) || !isFloat32(n) {
		return false
	}
	in := childrenOf(n)
	return isFloat32(in[0]) && isFloat32(in[1]) && slices.Equal(in[0].Shape(), in[1].Shape())
}

func newSum(n *gorgonia.Node) *sumOp {
	o := &sumOp{}
	o.core = newCore(o, "gorgonia", n.Shape(), 0, childrenOf(n)...)
	o.name = n.Op().String()
	return o
}

func (o *sumOp) lower(c *compiler, in []*value) *value { return c.addValues(in[0], in[1]) }

func (o *sumOp) fuse(_ *compiler, t *term) bool {
	return t.takeIn(func(last *term) op {
		switch d := last.op.(type) {
		case *convDataGradOp:
			return &fusedDataGrad{convDataGradOp: d, sum: true}
		case *fusedDataGrad:
			if !d.sum {
				return &fusedDataGrad{d.convDataGradOp, d.pooled, d.pool, true}
			}
		}
		return nil
	})
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
