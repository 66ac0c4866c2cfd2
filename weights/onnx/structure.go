package onnx

import (
	"encoding/binary"
	"maps"
	"math"
	"slices"
)

// parametersFile stands in a structure where a file names that of a tensor's numbers.
const parametersFile = "(parameters)"

// fewNumbers are kept in a structure also where they are a parameter's. It is a variable for the sake of tests.
var fewNumbers = 16

// Structure writes the model without the numbers of its parameters, as [Model.Build] has declared them: what
// is needed beside those to build it again. [Read] reads it; parameters then begin with zeros.
func (m *Model) Structure() []byte {
	g := &message{}
	for _, n := range m.nodes {
		g.message(1, m.nodeMessage(n))
	}
	g.text(2, m.Name)
	for _, name := range slices.Sorted(maps.Keys(m.tensors)) {
		if m.uses[name] > 0 {
			g.message(5, m.tensorMessage(m.tensors[name], name))
		}
	}
	for _, v := range m.Inputs {
		g.message(11, v.message())
	}
	for _, v := range m.Outputs {
		g.message(12, v.message())
	}
	all := &message{}
	all.int(1, irVersion)
	all.text(2, m.Producer)
	all.message(7, g)
	set := &message{}
	set.text(1, "")
	set.int(2, int64(m.Opset))
	all.message(8, set)
	var out []byte
	for _, p := range all.parts {
		out = append(out, p.bytes...)
		for _, v := range p.floats {
			out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
		}
	}
	return out
}

func (m *Model) nodeMessage(n *node) *message {
	w := &message{}
	for _, name := range n.in {
		w.text(1, name)
	}
	for _, name := range n.out {
		w.text(2, name)
	}
	w.text(3, n.name)
	w.text(4, n.op)
	for _, name := range slices.Sorted(maps.Keys(n.attrs)) {
		a, at := n.attrs[name], &message{}
		at.text(1, name)
		at.float(2, a.float)
		at.int(3, a.int)
		if a.text != "" {
			at.text(4, a.text)
		}
		if a.tensor != nil {
			source := ""
			if n.op == "Constant" && len(n.out) > 0 {
				source = n.out[0]
			}
			at.message(5, m.tensorMessage(a.tensor, source))
		}
		if a.graph != nil {
			at.message(6, m.branchMessage(a.graph))
		}
		for _, v := range a.floats {
			at.float(7, v)
		}
		for _, v := range a.ints {
			at.int(8, v)
		}
		if a.typ != 0 {
			at.int(20, a.typ)
		}
		w.message(5, at)
	}
	return w
}

// tensorMessage writes a tensor; without its numbers if they are a parameter's alone. source is what it is
// called as a parameter.
func (m *Model) tensorMessage(t *tensor, source string) *message {
	typ := t.typ
	switch {
	case isFloat(typ):
		typ = typeFloat
	case width(typ) > 0:
		typ = typeInt64
	}
	w := tensorHeader(t.name, typ, t.shape)
	switch {
	case width(typ) == 0: // nobody reads it
	case isFloat(typ) && source != "" && t.size() > fewNumbers && !m.needed[source]:
		where := &message{}
		where.text(1, "location")
		where.text(2, parametersFile)
		w.message(13, where)
		w.int(14, 1)
	case isFloat(typ):
		w.floats(9, t.floats)
	default:
		var b []byte
		for _, v := range t.ints {
			b = binary.LittleEndian.AppendUint64(b, uint64(v))
		}
		w.bytes(9, b)
	}
	return w
}

func (v Value) message() *message {
	shape := &message{}
	for i, d := range v.Shape {
		side := &message{}
		if d >= 0 {
			side.int(1, int64(d))
		} else {
			side.text(2, v.Sides[i])
		}
		shape.message(1, side)
	}
	elements, typ, info := &message{}, &message{}, &message{}
	elements.int(1, typeFloat)
	if v.Shape != nil {
		elements.message(2, shape)
	}
	typ.message(1, elements)
	info.text(1, v.Name)
	info.message(2, typ)
	return info
}
