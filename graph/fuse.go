package graph

import (
	"slices"

	"gorgonia.org/gorgonia"
)

// The second pass: fuse rewrites a graph into one of fewer, larger ops, which the kernels compute at once. Each
// op says by itself what it can take in, in a rule beside it.

// A term is a node that is being compiled: an op over other terms. Rewriting changes its op and its inputs, not
// what it stands for.
type term struct {
	op       gorgonia.Op    // nil for a leaf; one of ours, perhaps fused; or a foreign one
	node     *gorgonia.Node // whose value this is; nil for one that the pass has made
	in       []*term
	readers  []*term
	output   bool
	followed bool // a gradient needs what its op keeps
	gone     bool // another term does its work
	concat   *term
	from     int // the first channel of its place in the concatenation, if there is one
	value    *value
}

// Optional interfaces of an op, by which it says what it can do.
type (
	// A follower has an input that it does not read: it is there to be computed first, as what its op keeps is
	// needed.
	follower interface{ follows() int }

	// A fuser looks at its surroundings and rewrites them; it reports whether it did.
	fuser interface {
		fuse(c *compiler, t *term) bool
	}

	// A finisher has a rule for when no other fits any more.
	finisher interface {
		finish(c *compiler, t *term)
	}

	// An activator gives an op that also computes the activation that follows, or nil.
	activator interface{ activated(a Activation) op }

	// A summer gives an op that also adds a value to the result, its last input; or nil.
	summer interface{ summed(c *compiler) op }

	// A placer makes its result with compiler.result, so that it can lie inside of a concatenation.
	placer interface{ places() }
)

// terms makes a term for each node, in their order, in which children come before parents.
func (c *compiler) terms(nodes, outputs []*gorgonia.Node) []*term {
	var list []*term
	of := map[*gorgonia.Node]*term{}
	for _, n := range nodes {
		t := &term{op: n.Op(), node: n}
		if isConstant(n) {
			t.op = nil
		} else if isSum(n) {
			t.op = newSum(n)
		}
		for _, child := range childrenOf(n) {
			t.in = append(t.in, of[child])
		}
		t.claim()
		of[n] = t
		list = append(list, t)
	}
	for _, n := range outputs {
		of[n].output = true
	}
	return list
}

// fuse applies the rules until none fits.
func (c *compiler) fuse() {
	for changed := true; changed; {
		changed = false
		for _, t := range slices.Clone(c.list) {
			if o, ok := t.op.(fuser); ok && !t.gone && o.fuse(c, t) {
				changed = true
			}
		}
	}
	for _, t := range c.list {
		if o, ok := t.op.(finisher); ok && !t.gone {
			o.finish(c, t)
		}
	}
}

// follows reports whether a term does not read input i.
func (t *term) follows(i int) bool {
	o, ok := t.op.(follower)
	return ok && o.follows() == i
}

func (t *term) claim() {
	for i, child := range t.in {
		if t.follows(i) {
			child.followed = true
		} else {
			child.readers = append(child.readers, t)
		}
	}
}

func (t *term) release() {
	for i, child := range t.in {
		if !t.follows(i) {
			at := slices.Index(child.readers, t)
			child.readers = slices.Delete(child.readers, at, at+1)
		}
	}
}

// become gives a term another op and other inputs.
func (t *term) become(o gorgonia.Op, in ...*term) {
	t.release()
	t.op, t.in = o, in
	t.claim()
}

// leave takes a term out: another does its work.
func (t *term) leave() {
	t.release()
	t.gone = true
}

// alone reports whether one other term reads the value, and nobody else.
func (t *term) alone() bool { return len(t.readers) == 1 && !t.output }

// before puts a new term before another one.
func (c *compiler) before(t *term, o gorgonia.Op, in ...*term) *term {
	made := &term{op: o, in: in}
	made.claim()
	c.list = slices.Insert(c.list, slices.Index(c.list, t), made)
	return made
}

// takeIn lets a sum be computed with the younger of its inputs: the other one is there by then.
func (t *term) takeIn(with func(last *term) op) bool {
	last, other := t.in[0], t.in[1]
	if other.node != nil && last.node != nil && other.node.ID() > last.node.ID() {
		last, other = other, last
	}
	if !last.alone() {
		return false
	}
	o := with(last)
	if o == nil {
		return false
	}
	in := append(slices.Clone(last.in), other)
	last.leave()
	t.become(o, in...)
	return true
}
