package graph

import (
	"encoding/binary"
	"fmt"
	"hash"
	"hash/fnv"
	"sync/atomic"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// An op is an operation of ours on a Gorgonia graph. What it computes is said once, by lower, for
// sessions and for the tape machine alike.
type op interface {
	gorgonia.SDOp

	base() *core

	// lower adds the steps that compute the op to a session's program and returns the result.
	lower(c *compiler, in []*value) *value
}

// core is the part of an op that Gorgonia asks for and that is the same for all. Each op is unique: two
// nodes with ops of the same kind over the same inputs are two nodes, with their own state.
type core struct {
	self  op
	id    uint64
	kind  string
	name  string // the layer's
	shape tensor.Shape
	typ   hm.Type
	wrt   []bool // which inputs the op is differentiable in
	tape  *tape
}

var lastID atomic.Uint64

// newCore describes an op self that takes the inputs and gives a result of the given shape, nil for a
// scalar. It is differentiable in the first diff inputs.
func newCore(self op, kind string, shape []int, diff int, inputs ...*gorgonia.Node) core {
	c := core{self: self, id: lastID.Add(1), kind: kind, name: kind, shape: tensor.Shape(shape).Clone(), wrt: make([]bool, len(inputs))}
	types := make([]hm.Type, 0, len(inputs)+1)
	for i, n := range inputs {
		c.wrt[i] = i < diff
		types = append(types, n.Type())
	}
	if len(shape) == 0 {
		c.shape = tensor.ScalarShape()
		types = append(types, tensor.Float32)
	} else {
		types = append(types, gorgonia.TensorType{Dims: len(shape), Of: tensor.Float32})
	}
	c.typ = hm.NewFnType(types...)
	return c
}

func (c *core) base() *core           { return c }
func (c *core) Arity() int            { return len(c.wrt) }
func (c *core) Type() hm.Type         { return c.typ }
func (c *core) DiffWRT(int) []bool    { return c.wrt }
func (c *core) ReturnsPtr() bool      { return false }
func (c *core) CallsExtern() bool     { return false }
func (c *core) OverwritesInput() int  { return -1 }
func (c *core) String() string        { return c.kind + " " + c.name }
func (c *core) WriteHash(h hash.Hash) { binary.Write(h, binary.LittleEndian, c.id) }
func (c *core) Hashcode() uint32      { h := fnv.New32a(); c.WriteHash(h); return h.Sum32() }

// InferShape returns the shape that the Builder has computed and checked.
func (c *core) InferShape(...gorgonia.DimSizer) (tensor.Shape, error) { return c.shape.Clone(), nil }

// SymDiff is for ops without a derivative; the others override it.
func (c *core) SymDiff(gorgonia.Nodes, *gorgonia.Node, *gorgonia.Node) (gorgonia.Nodes, error) {
	return nil, fmt.Errorf("%s: %s has no derivative", c.name, c.kind)
}

// Do runs the op for a tape machine.
func (c *core) Do(inputs ...gorgonia.Value) (v gorgonia.Value, err error) {
	defer recoverAs(&err, c.name)
	if c.tape == nil {
		if c.tape, err = newTape(c.self, inputs); err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return c.tape.run(inputs)
}

// derive makes the node of an op that belongs to a gradient.
func derive(o op, forward *core, inputs ...*gorgonia.Node) (*gorgonia.Node, error) {
	o.base().name = forward.name
	n, err := gorgonia.ApplyOp(o, inputs...)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", forward.name, o.base().kind, err)
	}
	return n, nil
}
