package graph

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// A tape is a session of a single op, for Gorgonia's tape machine.
type tape struct {
	c      *compiler
	s      *Session
	inputs []*value
	out    gorgonia.Value
	result *value
}

func newTape(o op, inputs []gorgonia.Value) (*tape, error) {
	c := newCompiler(defaultPool(), NewParams(), true)
	c.layer = o.base().name
	t := &tape{c: c}
	for i, v := range inputs {
		in := &value{name: fmt.Sprintf("input %d", i), shape: v.Shape(), keep: true}
		in.source = func() []float32 { return in.bound }
		t.inputs = append(t.inputs, in)
	}
	t.result = c.asPlain(o.lower(c, t.inputs))
	if t.result.storage().source != nil || t.result.root != nil {
		// Never another node's memory.
		v, r := t.result, c.plain(t.result.shape...)
		c.add([]*value{v}, []*value{r}, 0, func(*exec) error { copy(r.data, v.data); return nil })
		t.result = r
	}
	t.result.keep = true
	for _, kept := range c.state[o.base()] {
		kept.storage().keep = true
	}
	t.s = &Session{
		params: c.params, derived: c.derived, space: NewWorkspace(), borrows: true,
		steps: c.steps, scratch: c.scratch, program: plan(c.steps, true),
	}
	t.s.collect()
	t.s.space.need = t.s.program + padTo(c.scratch)
	return t, nil
}

func (t *tape) run(inputs []gorgonia.Value) (gorgonia.Value, error) {
	for i, v := range inputs {
		d, err := floats(v)
		if err != nil {
			return nil, err
		}
		t.inputs[i].bound = d
	}
	t.s.params.Changed()
	if err := t.s.Run(); err != nil {
		return nil, err
	}
	if t.out == nil {
		if len(t.result.shape) == 0 {
			t.out = gorgonia.NewF32(0)
		} else {
			t.out = tensor.New(tensor.WithShape(t.result.shape...), tensor.WithBacking(t.result.data))
		}
	}
	if scalar, ok := t.out.(*gorgonia.F32); ok {
		*scalar = gorgonia.F32(t.result.data[0])
	}
	return t.out, nil
}

// kept returns what a forward op keeps for its gradient. On a tape the forward op has a program of its
// own, whose memory is read here.
func (c *compiler) kept(forward *core) []*value {
	if s, ok := c.state[forward]; ok || forward.tape == nil {
		return s
	}
	var imported []*value
	for _, v := range forward.tape.c.state[forward] {
		imported = append(imported, &value{
			name: forward.name, shape: v.shape, blocked: v.blocked, stride: v.stride, keep: true,
			source: func() []float32 { return v.data },
		})
	}
	c.state[forward] = imported
	return imported
}

// floats is the memory of a value of Gorgonia, or a row-major copy where it is a view with gaps.
func floats(v gorgonia.Value) ([]float32, error) {
	switch v := v.(type) {
	case *gorgonia.F32:
		return []float32{float32(*v)}, nil
	case *tensor.Dense:
		if v.Dtype() != tensor.Float32 {
			return nil, fmt.Errorf("value of type %v, float32 is needed", v.Dtype())
		}
		if v.Shape().TotalSize() == 1 && v.IsScalar() {
			return []float32{v.ScalarValue().(float32)}, nil
		}
		if !v.RequiresIterator() && !v.DataOrder().IsColMajor() {
			return v.Float32s(), nil
		}
		data, it := v.Data().([]float32), v.Iterator()
		out := make([]float32, 0, v.Shape().TotalSize())
		for i, err := it.Start(); err == nil; i, err = it.Next() {
			out = append(out, data[i])
		}
		return out, nil
	}
	return nil, fmt.Errorf("value of type %T, a float32 tensor is needed", v)
}
