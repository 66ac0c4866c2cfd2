package onnx

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// A branch is a graph within a node, one of those between which an If chooses. Its nodes read the values of the graphs
// around it. Its tensors are the model's: names are those of one file, and no two values share one.
type branch struct {
	nodes   []*node
	tensors []*tensor
	outputs []Value
}

// mostNested is how deep branches may stand within branches.
const mostNested = 16

// branch reads a GraphProto of an attribute.
func (d *decoder) branch(s *stream) (*branch, error) {
	if d.nested++; d.nested > mostNested {
		return nil, fmt.Errorf("graphs within graphs, more than %d deep", mostNested)
	}
	defer func() { d.nested-- }()
	b := &branch{}
	err := s.each(func(field protowire.Number, typ protowire.Type) error {
		switch field {
		case 1:
			return s.within(typ, func(m *stream) error { return d.node(&b.nodes, m) })
		case 5:
			return s.within(typ, func(m *stream) error {
				t, err := readTensor(m, d.files, d.dir)
				b.tensors = append(b.tensors, t)
				return err
			})
		case 12:
			return s.within(typ, func(m *stream) error { return readInto(&b.outputs, m) })
		case 15:
			return fmt.Errorf("it has sparse tensors, which this program does not read")
		}
		return s.skip(typ)
	})
	return b, err
}

// branches are the graphs between which a node chooses, the first where its condition is true.
func (n *node) branches() []*branch {
	if n.op != "If" || !standard(n.domain) {
		return nil
	}
	var list []*branch
	for _, name := range []string{"then_branch", "else_branch"} {
		if a := n.attrs[name]; a != nil && a.graph != nil {
			list = append(list, a.graph)
		}
	}
	return list
}

// gather makes the tensors of branches the model's, and notes what nodes with branches read of the graph around them.
func (d *decoder) gather(nodes []*node) error {
	for _, n := range nodes {
		made := map[string]bool{"": true} // or noted
		for _, b := range n.branches() {
			for _, t := range b.tensors {
				if err := d.take(t); err != nil {
					return err
				}
			}
			if err := d.gather(b.nodes); err != nil {
				return err
			}
			for _, inner := range b.nodes {
				for _, out := range inner.out {
					made[out] = true
				}
			}
		}
		for _, b := range n.branches() {
			for name := range b.reads {
				if !made[name] && d.m.tensors[name] == nil {
					n.captured, made[name] = append(n.captured, name), true
				}
			}
		}
	}
	return nil
}

// reads calls each for the name of every value that a branch's nodes read, and that it gives.
func (b *branch) reads(each func(name string) bool) {
	for _, n := range b.nodes {
		for _, name := range slices.Concat(n.in, n.captured) {
			if !each(name) {
				return
			}
		}
	}
	for _, v := range b.outputs {
		if !each(v.Name) {
			return
		}
	}
}

// count counts how often the values of a node's branches are read.
func (m *Model) count(n *node) {
	for _, b := range n.branches() {
		for name := range b.reads {
			m.uses[name]++
		}
		for _, inner := range b.nodes {
			m.count(inner)
		}
	}
}

// buildIf builds one of two graphs: which, has to be known.
func buildIf(c *call) ([]*value, error) {
	condition, ok := c.in[0].single()
	if !ok {
		if c.in[0].t == nil {
			return nil, fmt.Errorf("its condition %s is computed from the image: it has to be known when the graph is built", c.node.in[0])
		}
		return nil, fmt.Errorf("its condition has the shape %s: should be one truth value", sides(c.in[0].shape))
	}
	c.needs(c.in[0].t)
	name := "then_branch"
	if condition == 0 {
		name = "else_branch"
	}
	a := c.node.attrs[name]
	if a == nil || a.graph == nil {
		return nil, fmt.Errorf("it has no %s", name)
	}
	if err := supported(a.graph.nodes); err != nil {
		return nil, err
	}
	of := c.construction.node
	defer func() { c.construction.node = of }()
	for _, n := range a.graph.nodes {
		c.construction.node = n
		if err := c.construction.build(n); err != nil {
			return nil, fmt.Errorf("%s (%s): %w", n, n.op, err)
		}
	}
	var out []*value
	for _, v := range a.graph.outputs {
		got := c.values[v.Name]
		if got == nil {
			return nil, fmt.Errorf("nothing gives %s of its %s", v.Name, name)
		}
		out = append(out, got)
	}
	if len(out) < len(c.node.out) {
		return nil, fmt.Errorf("its %s gives %d values, %d are wanted", name, len(out), len(c.node.out))
	}
	return out, nil
}

// branchMessage writes a branch without its tensors, which stand among the model's.
func (m *Model) branchMessage(b *branch) *message {
	w := &message{}
	for _, n := range b.nodes {
		w.message(1, m.nodeMessage(n))
	}
	w.text(2, "branch")
	for _, v := range b.outputs {
		w.message(12, v.message())
	}
	return w
}
