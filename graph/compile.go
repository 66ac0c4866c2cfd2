package graph

import (
	"cmp"
	"fmt"
	"slices"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// A compiler turns nodes into steps over values.
type compiler struct {
	pool     *kernel.Pool
	params   *Params // nil for a single op on a tape
	training bool

	layer   string // being lowered
	kind    string
	steps   []*step
	values  map[*gorgonia.Node]*value
	state   map[*core][]*value // what forward ops keep for their gradients
	convs   map[*core]*kernel.Conv
	concats map[*term]*value
	moments map[*value][]kernel.Moments  // of values that a convolution has measured
	sums    map[*value][]kernel.GradSums // of gradients, likewise
	list    []*term
	term    *term                                  // being lowered; nil for a single op on a tape
	leaf    func(n *gorgonia.Node) (*value, error) // makes the values of leaves; nil for those of a builder's graph
	derived *derived
	half    bool     // weights that take the time of reading them are of 16 bits; see Config
	halves  []string // the layers that have such
	scratch int
	updates bool // a step changes buffers among the parameters
}

// A step is a kernel call, or a few of them, with what it reads and writes.
type step struct {
	layer, kind   string
	reads, writes []*value
	scratch       int
	measures      bool  // takes the sums of a batch normalisation
	derived       bool  // depends on nothing but parameters: run again only after they have changed
	macs          int64 // multiply-adds, as papers count them
	run           func(*exec) error
}

// bytes is the memory of all that the step reads and writes.
func (s *step) bytes() int64 {
	floats := 0
	for _, v := range append(slices.Clone(s.reads), s.writes...) {
		floats += v.size()
	}
	return 4 * int64(floats)
}

// exec is what a running step may use.
type exec struct {
	pool    *kernel.Pool
	scratch []float32
	seed    uint64
	step    uint64
	part    Part
}

func newCompiler(pool *kernel.Pool, params *Params, training bool) *compiler {
	return &compiler{
		pool: pool, params: params, training: training,
		values: map[*gorgonia.Node]*value{}, state: map[*core][]*value{}, convs: map[*core]*kernel.Conv{},
		concats: map[*term]*value{}, derived: newDerived(), moments: map[*value][]kernel.Moments{}, sums: map[*value][]kernel.GradSums{},
	}
}

// compile lowers everything that the outputs need. Nodes are numbered in the order of their making,
// in which children come before parents.
func (c *compiler) compile(outputs []*gorgonia.Node) error {
	needed := sorted(outputs)
	slices.SortFunc(needed, func(a, b *gorgonia.Node) int { return cmp.Compare(a.ID(), b.ID()) })
	c.list = c.terms(needed, outputs)
	c.fuse()
	for _, t := range c.list {
		if t.gone {
			continue
		}
		if err := c.lower(t); err != nil {
			return err
		}
		if t.node != nil {
			c.values[t.node] = t.value
		}
	}
	return nil
}

func (c *compiler) lower(t *term) (err error) {
	c.term = t
	var in []*value
	for i, child := range t.in {
		if child.value == nil && !(t.follows(i) && child.gone) {
			return fmt.Errorf("node %v is used before it is computed", child.node)
		}
		in = append(in, child.value)
	}
	switch o := t.op.(type) {
	case nil:
		t.value, err = c.input(t.node)
	case op:
		c.layer, c.kind = o.base().name, o.base().kind
		t.value = o.lower(c, in)
	default:
		c.layer, c.kind = o.String(), "gorgonia"
		t.value = c.foreign(t, in)
	}
	return err
}

func (c *compiler) input(n *gorgonia.Node) (*value, error) {
	if c.leaf == nil {
		return c.named(n)
	}
	return c.leaf(n)
}

// named is the value of a leaf of a builder's graph: the parameter of its name, or what will be bound to it.
func (c *compiler) named(n *gorgonia.Node) (*value, error) {
	if isConstant(n) {
		return c.constant(n)
	}
	if !isFloat32(n) {
		return nil, fmt.Errorf("input %s is of type %v: sessions compute with float32", n.Name(), n.Type())
	}
	v := &value{name: n.Name(), shape: n.Shape(), keep: true}
	v.source = func() []float32 { return v.bound }
	if p := c.params.Get(n.Name()); p != nil {
		v.fixed, v.source = true, func() []float32 { return p.Data }
	}
	return v, nil
}

// add appends a step of the layer that is being lowered.
func (c *compiler) add(reads, writes []*value, scratch int, run func(*exec) error) *step {
	s := &step{layer: c.layer, kind: c.kind, reads: reads, writes: writes, scratch: scratch, run: run}
	c.scratch = max(c.scratch, scratch)
	c.steps = append(c.steps, s)
	return s
}

// plain makes a row-major value.
func (c *compiler) plain(shape ...int) *value { return &value{shape: shape} }

// blocked makes a blocked value for feature maps.
func (c *compiler) blocked(shape ...int) *value {
	return &value{shape: shape, blocked: true, stride: kernel.Blocks(shape[1]) * shape[2] * shape[3] * kernel.Block}
}

// result makes the blocked value of the node that is being lowered: on its own, or its place in a
// concatenation.
func (c *compiler) result(shape ...int) *value {
	v := c.blocked(shape...)
	if t := c.term; t != nil && t.concat != nil {
		return c.channels(c.concatValue(t.concat, t.concat.node.Shape()), t.from, shape[1])
	}
	return v
}

// channels is a view of some channels of a blocked value; from is a multiple of 16.
func (c *compiler) channels(v *value, from, channels int) *value {
	shape := slices.Clone(v.shape)
	shape[1] = channels
	return &value{shape: shape, blocked: true, root: v, offset: from / kernel.Block * shape[2] * shape[3] * kernel.Block, stride: v.stride}
}

// reshaped is a view of a plain value.
func (c *compiler) reshaped(v *value, shape ...int) *value { return &value{shape: shape, root: v} }

// like makes a value of the same shape and layout as v, which may take v's memory if nothing else
// needs it any more.
func (c *compiler) like(v *value) *value {
	if !v.blocked {
		return &value{shape: v.shape, reuse: v}
	}
	r := c.result(v.shape...)
	if r.root == nil {
		r.reuse = v
	}
	return r
}

// asPlain is v row-major, converted once if it is not.
func (c *compiler) asPlain(v *value) *value {
	if !v.blocked {
		return v
	}
	if v.twin == nil {
		t := c.plain(v.shape...)
		s := c.add([]*value{v}, []*value{t}, 0, func(e *exec) error { kernel.FromBlocked(e.pool, v.act(), t.data); return nil })
		s.kind = "layout"
		v.twin, t.twin = t, v
	}
	return v.twin
}

// asBlocked is v blocked, converted once if it is not.
func (c *compiler) asBlocked(v *value) *value {
	if v.blocked {
		return v
	}
	if v.twin == nil {
		t := c.blocked(v.shape...)
		s := c.add([]*value{v}, []*value{t}, 0, func(e *exec) error { kernel.ToBlocked(e.pool, v.data, t.act()); return nil })
		s.kind = "layout"
		v.twin, t.twin = t, v
	}
	return v.twin
}

// alike gives two values of the same shape the same layout, the blocked one if they differ.
func (c *compiler) alike(x, y *value) (*value, *value) {
	if x.blocked != y.blocked {
		return c.asBlocked(x), c.asBlocked(y)
	}
	return x, y
}

// keeps reports whether what is derived of the values is kept from run to run.
func (c *compiler) keeps(reads []*value) bool {
	return !c.training && c.params != nil && !slices.ContainsFunc(reads, func(v *value) bool { return !v.storage().fixed })
}

// derive makes a value of others. If they are parameters and constants alone, in evaluation it is kept from
// run to run and computed again when parameters have changed; in training they change at every step.
func (c *compiler) derive(size, scratch int, reads []*value, run func(*exec, []float32)) *value {
	v := &value{shape: []int{size}}
	s := c.add(reads, []*value{v}, scratch, func(e *exec) error { run(e, v.data); return nil })
	if c.keeps(reads) {
		s.derived, v.fixed = true, true
		v.keep, v.source = true, c.derived.add(c.layer, size)
	}
	return v
}
