package graph

import (
	"gorgonia.org/gorgonia"
)

// A Tap is a place on an axis and what its element is multiplied by.
type Tap struct {
	Place  int
	Weight float32
}

// Resample adds weighted sums along an axis of x: place i of the result is the sum over taps[i]. Linear
// and cubic resizing are one resampling for each axis. The taps are kept: do not change them.
func (b *Builder) Resample(x *gorgonia.Node, axis int, taps [][]Tap) *gorgonia.Node {
	l := b.unnamed("resample")
	if !b.takes(l.Name, x) {
		return nil
	}
	s := x.Shape().Clone()
	if axis < 0 || axis >= len(s) || len(taps) == 0 {
		b.Errorf("%s: axis %d of the shape %s to %d places", l.Name, axis, dims(s), len(taps))
		return nil
	}
	for i, list := range taps {
		for _, t := range list {
			if t.Place < 0 || t.Place >= s[axis] {
				b.Errorf("%s: place %d reads place %d of %d", l.Name, i, t.Place, s[axis])
				return nil
			}
		}
	}
	s[axis] = len(taps)
	o := &resampleOp{axis: axis, taps: taps}
	o.core = newCore(o, l.Kind, s, 1, x)
	return b.layer(l, o, x)
}

type resampleOp struct {
	core
	axis int
	taps [][]Tap
}

func (o *resampleOp) lower(c *compiler, in []*value) *value {
	x, y := c.asPlain(in[0]), c.plain(o.shape...)
	size, inner := x.shape[o.axis], product(o.shape[o.axis+1:])
	rows := inChunks(product(o.shape[:o.axis+1]), inner, func(row int) {
		outer, place := row/len(o.taps), row%len(o.taps)
		out := y.data[row*inner : (row+1)*inner]
		clear(out)
		for _, t := range o.taps[place] {
			from := x.data[(outer*size+t.Place)*inner:][:inner]
			for i, v := range from {
				out[i] += float32(t.Weight * v)
			}
		}
	})
	c.add([]*value{x}, []*value{y}, 0, func(e *exec) error { rows.run(e.pool); return nil })
	return y
}

func (o *resampleOp) detail() any { return Resampling{o.axis, o.taps} }

func (o *resampleOp) SymDiff(inputs gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	back := make([][]Tap, inputs[0].Shape()[o.axis])
	for i, list := range o.taps {
		for _, t := range list {
			back[t.Place] = append(back[t.Place], Tap{i, t.Weight})
		}
	}
	g := &resampleOp{axis: o.axis, taps: back}
	g.core = newCore(g, "resample gradient", inputs[0].Shape(), 1, grad)
	dx, err := derive(g, &o.core, grad)
	return gorgonia.Nodes{dx}, err
}
