package graph

import (
	"gorgonia.org/gorgonia"
)

// Reshape adds the elements of x, in their order, under another shape.
func (b *Builder) Reshape(x *gorgonia.Node, shape ...int) *gorgonia.Node {
	l := b.unnamed("reshape")
	if !b.takes(l.Name, x) {
		return nil
	}
	for _, d := range shape {
		if d < 1 {
			b.Errorf("%s: to the shape %s: every dimension must be at least 1", l.Name, dims(shape))
			return nil
		}
	}
	if s := x.Shape(); s.TotalSize() != product(shape) {
		b.Errorf("%s: the shape %s has %d elements, %s has %d", l.Name, dims(s), s.TotalSize(), dims(shape), product(shape))
		return nil
	}
	return b.layer(l, newReshape(l.Kind, x, shape), x)
}

func newReshape(kind string, x *gorgonia.Node, shape []int) *reshapeOp {
	o := &reshapeOp{}
	o.core = newCore(o, kind, shape, 1, x)
	return o
}
