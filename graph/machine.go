package graph

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"unsafe"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// A Machine runs any Gorgonia graph: it is a [gorgonia.VM], to be used in place of [gorgonia.NewTapeMachine]. What
// it knows of Gorgonia's ops it translates to the ops of this package; the rest, and all that is not float32, runs
// through the ops' own Do. It is for one goroutine at a time.
//
// A run reads the values of inputs and weights from their nodes and leaves results there: those of the graph's
// roots, of what [gorgonia.Read] asks for, of the gradients that [gorgonia.Grad] has made for leaves, and of every
// node before them but feature maps (four dimensions) that only other layers read. [Machine.Keep] asks for those
// too. Tensors that a run has left are overwritten by the next one; scalars are not.
//
// Gradients are found by differentiating the translated graph. Where a result of Gorgonia's is wrong, this can
// give another one: see the note on [Machine.Nodes].
type Machine struct {
	g       *gorgonia.ExprGraph
	options vmOptions
	err     error // of NewMachine
	keep    []*gorgonia.Node

	session *Session
	t       *translation
	flags   []reflect.Value // of ops that behave differently in training
	set     []bool          // the flags that the session was compiled for
	seen    int             // nodes of the graph when it was
	results []result
	reads   []reading
	lets    [][2]*gorgonia.Node
	runs    uint64
}

// A result is what a run leaves at a node.
type result struct {
	node  *gorgonia.Node
	v     *value
	copy  []float32 // the tensor's memory, where the value's belongs to somebody else
	bound gorgonia.Value
	of    []*gorgonia.Node // the leaves that this is the gradient of
}

type reading struct {
	node *gorgonia.Node
	into *gorgonia.Value
}

// NewMachine returns a machine for a graph. Options are those of Gorgonia's tape machine: EvalMode, BindDualValues,
// WithNaNWatch and WithInfWatch are heeded, those that log or trace have no effect. The graph is compiled at the
// first run, which also reports errors.
func NewMachine(g *gorgonia.ExprGraph, opts ...gorgonia.VMOpt) *Machine {
	m := &Machine{g: g}
	if g == nil {
		m.err = errors.New("machine: no graph")
		return m
	}
	if m.options, m.err = optionsOf(opts); m.err != nil {
		return m
	}
	m.err = m.setTraining(!m.options.eval)
	return m
}

// setTraining sets the mode of all ops that have one, as a tape machine does.
func (m *Machine) setTraining(training bool) (err error) {
	defer recoverAs(&err, "machine")
	for _, n := range m.g.AllNodes() {
		if o, ok := n.Op().(gorgonia.TrainModeOp); ok {
			if err := o.SetTraining(training); err != nil {
				return fmt.Errorf("%v: %w", n, err)
			}
		}
	}
	return nil
}

// Keep says that the values of these nodes are to be left at them by the runs that follow, whatever they are.
func (m *Machine) Keep(nodes ...*gorgonia.Node) error {
	for _, n := range nodes {
		if err := m.has(n); err != nil {
			return err
		}
	}
	m.keep = append(m.keep, nodes...)
	m.session = nil
	return nil
}

// Let binds a value to a leaf, as [gorgonia.Let] does.
func (m *Machine) Let(n *gorgonia.Node, v any) (err error) {
	if err := m.has(n); err != nil {
		return err
	}
	defer recoverAs(&err, "machine")
	return gorgonia.Let(n, v)
}

// Set gives a leaf the value that another node has got in the last run. It is a copy.
func (m *Machine) Set(leaf, from *gorgonia.Node) (err error) {
	if err := errors.Join(m.has(leaf), m.has(from)); err != nil {
		return err
	}
	v := from.Value()
	if v == nil {
		return fmt.Errorf("machine: %v has no value: run the machine first, and ask for feature maps with Keep", from)
	}
	defer recoverAs(&err, "machine")
	if v, err = gorgonia.CloneValue(v); err != nil {
		return fmt.Errorf("machine: %v: %w", from, err)
	}
	return gorgonia.Let(leaf, v)
}

func (m *Machine) has(n *gorgonia.Node) error {
	if m.err != nil {
		return m.err
	}
	if n == nil || n.Graph() != m.g {
		return errors.New("machine: the node is not one of the graph")
	}
	return nil
}

// Reset prepares for another run. There is nothing to be done.
func (m *Machine) Reset() {}

// Close frees what the machine holds. Values that it has left at nodes stay.
func (m *Machine) Close() error {
	m.session, m.t, m.results = nil, nil, nil
	return nil
}

// RunAll computes everything once.
func (m *Machine) RunAll() (err error) {
	if err := m.compile(); err != nil {
		return err
	}
	defer recoverAs(&err, "machine")
	m.session.SetStep(m.runs)
	m.runs++
	if err := m.session.Run(); err != nil {
		return err
	}
	return m.publish()
}

// compile prepares the program, if it is not there or the graph has changed.
func (m *Machine) compile() (err error) {
	if m.err == nil && m.g == nil {
		m.err = errors.New("machine: no graph")
	}
	if m.err != nil {
		return m.err
	}
	if m.session != nil && m.seen == len(m.g.AllNodes()) && !m.flagsMoved() {
		return nil
	}
	defer recoverAs(&err, "machine")
	m.session, m.results, m.reads, m.lets = nil, nil, nil, nil
	all := slices.Clone([]*gorgonia.Node(m.g.AllNodes()))
	m.readFlags(all)
	outputs := m.outputs(all)
	t, err := translate(all, outputs)
	if err != nil {
		return fmt.Errorf("machine: %w", err)
	}
	if outputs, err = m.more(t, all, outputs); err != nil {
		return fmt.Errorf("machine: %w", err)
	}
	training := slices.ContainsFunc(outputs, func(n *gorgonia.Node) bool { return len(n.DerivOf()) > 0 })
	c := newCompiler(defaultPool(), NewParams(), training)
	c.leaf = t.leafOf(leafValue)
	s, err := c.session(t, outputs, Config{Pool: defaultPool(), Workspace: NewWorkspace(), Seed: 1})
	if err != nil {
		return fmt.Errorf("machine: %w", err)
	}
	s.borrows = true
	if m.options.watchNaN || m.options.watchInf {
		s.check = m.watch
	}
	m.prepare(s, outputs)
	m.session, m.t, m.seen = s, t, len(m.g.AllNodes())
	return nil
}

func (m *Machine) readFlags(all []*gorgonia.Node) {
	m.flags, m.set = nil, nil
	for _, n := range all {
		if n.Op() == nil {
			continue
		}
		if flag, ok := trainingFlag(n.Op()); ok {
			m.flags, m.set = append(m.flags, flag), append(m.set, flag.Bool())
		}
	}
}

func (m *Machine) flagsMoved() bool {
	for i, f := range m.flags {
		if f.Bool() != m.set[i] {
			return true
		}
	}
	return false
}

// outputs are the nodes that have to be computed, before the graph is translated: the roots, but for what Grad
// left over, what is read, the gradients of leaves, and what the caller wants kept.
func (m *Machine) outputs(all []*gorgonia.Node) []*gorgonia.Node {
	var outputs []*gorgonia.Node
	have := map[*gorgonia.Node]bool{}
	add := func(n *gorgonia.Node) {
		if !have[n] && n.Op() != nil && !isConstant(n) {
			have[n] = true
			outputs = append(outputs, n)
		}
	}
	parents := map[*gorgonia.Node]int{}
	for _, n := range all {
		children := childrenOf(n)
		switch {
		case n.Op() != nil && stock(n.Op()).into() != nil:
			m.reads = append(m.reads, reading{children[0], stock(n.Op()).into()})
			add(children[0])
			continue
		case isStatement(n) && len(children) == 2: // gorgonia.Set
			m.lets = append(m.lets, [2]*gorgonia.Node{children[0], children[1]})
			add(children[1])
			continue
		}
		for _, child := range children {
			parents[child]++
		}
	}
	known := gradientOf(all) != nil
	for _, n := range all {
		group := groupOf(n)
		switch {
		case isStatement(n) || n.Op() == nil:
			if d := n.Deriv(); d != nil {
				add(d)
			}
		case parents[n] > 0 || group == strayGroup || known && group == gradientGroup:
		default:
			add(n)
		}
	}
	for _, n := range m.keep {
		add(n)
	}
	return outputs
}

// more adds the nodes whose values cost nothing to leave: all that were translated on the way but feature maps.
func (m *Machine) more(t *translation, all, outputs []*gorgonia.Node) ([]*gorgonia.Node, error) {
	for _, n := range t.inside {
		if _, err := t.node(n); err != nil {
			return nil, err
		}
	}
	for _, n := range all {
		made := t.nodes[n]
		if made == nil || n.Op() == nil || isConstant(n) || len(n.Shape()) == 4 || groupOf(n) == gradientGroup || len(n.DerivOf()) > 0 ||
			stock(n.Op()).kind == "sizeOp" || slices.Contains(outputs, n) {
			continue
		}
		outputs = append(outputs, n)
	}
	return outputs, nil
}

// leafValue is the value of a leaf of a user's graph: what is bound to the node at the time of a run.
func leafValue(n *gorgonia.Node) (*value, error) {
	v := &value{name: n.Name(), shape: n.Shape(), keep: true}
	missing := fmt.Errorf("%v has no value: set it with gorgonia.Let", n)
	if !isFloat32(n) {
		v.boxed, v.load = true, func() (gorgonia.Value, error) {
			if box := n.Value(); box != nil {
				return box, nil
			}
			return nil, missing
		}
		return v, nil
	}
	v.source = func() []float32 {
		switch bound := n.Value().(type) {
		case *gorgonia.F32:
			return unsafe.Slice((*float32)(bound), 1)
		case nil:
			v.fault = missing
			return nil
		default:
			var data []float32
			data, v.fault = floats(bound)
			return data
		}
	}
	return v, nil
}

// prepare lists what a run leaves where.
func (m *Machine) prepare(s *Session, outputs []*gorgonia.Node) {
	taken := map[*value]bool{}
	for _, n := range outputs {
		v := s.outputs[n]
		r := result{node: n, v: v}
		for _, leaf := range n.DerivOf() {
			if leaf.Op() == nil && leaf.Deriv() == n {
				r.of = append(r.of, leaf)
			}
		}
		if !v.boxed && (v.root != nil || v.source != nil || taken[v]) {
			// Not its own memory: a solver writes into gradients.
			r.copy = make([]float32, v.size())
		}
		taken[v] = true
		m.results = append(m.results, r)
	}
}

// publish leaves the results at the nodes.
func (m *Machine) publish() error {
	for i := range m.results {
		if err := m.results[i].leave(m.options); err != nil {
			return err
		}
	}
	for _, r := range m.reads {
		*r.into = r.node.Value()
	}
	for _, l := range m.lets {
		if err := m.Set(l[0], l[1]); err != nil {
			return err
		}
	}
	return nil
}

func (r *result) leave(o vmOptions) (err error) {
	v := r.v
	switch {
	case v.boxed:
		if r.bound, err = gorgonia.CloneValue(v.box); err != nil {
			return fmt.Errorf("machine: %v: %w", r.node, err)
		}
	case r.node.IsScalar():
		r.bound = gorgonia.NewF32(v.data[0]) // a new one, as callers collect them
	default:
		data := v.data
		if r.copy != nil {
			copy(r.copy, data)
			data = r.copy
		}
		if d, ok := r.bound.(*tensor.Dense); !ok || &d.Float32s()[0] != &data[0] {
			r.bound = tensor.New(tensor.WithShape(r.node.Shape()...), tensor.WithBacking(data))
		}
	}
	if r.node.Value() != r.bound {
		if err := gorgonia.UnsafeLet(r.node, r.bound); err != nil {
			return fmt.Errorf("machine: %v: %w", r.node, err)
		}
	}
	for i, leaf := range r.of {
		if err := r.give(leaf, o, i > 0); err != nil {
			return err
		}
	}
	return nil
}

// give makes the gradient that of a leaf. With BindDualValues it is added to the one that is there, which solvers
// set to zero. Of leaves that have one gradient, as those of a sum do, all but the first get a copy: a solver that
// writes into one must not change the others'.
func (r *result) give(leaf *gorgonia.Node, o vmOptions, copied bool) error {
	dual := o.bindDual && (len(o.dual) == 0 || slices.Contains(o.dual, leaf))
	before, err := leaf.Grad()
	if err != nil {
		return fmt.Errorf("machine: gradient of %v: %w", leaf, err)
	}
	if before == r.bound && !dual && !copied {
		return nil
	}
	if !dual || before == nil || before == r.bound {
		v := r.bound
		switch to, ok := before.(*tensor.Dense); {
		case copied && !dual && ok && before != r.bound:
			copy(to.Float32s(), v.(*tensor.Dense).Float32s())
			return nil
		case copied, dual: // of its own, which grows if it is dual
			if v, err = gorgonia.CloneValue(v); err != nil {
				return fmt.Errorf("machine: gradient of %v: %w", leaf, err)
			}
		}
		gorgonia.WithGrad(v)(leaf)
		return nil
	}
	sum, err := addTo(before, r.bound)
	if err != nil {
		return fmt.Errorf("machine: gradient of %v: %w", leaf, err)
	}
	if sum != before {
		gorgonia.WithGrad(sum)(leaf)
	}
	return nil
}

// addTo adds v to sum, in place where it can.
func addTo(sum, v gorgonia.Value) (gorgonia.Value, error) {
	switch s := sum.(type) {
	case *gorgonia.F32:
		*s += *v.(*gorgonia.F32)
	case *gorgonia.F64:
		*s += *v.(*gorgonia.F64)
	case *tensor.Dense:
		return s.Add(v.(*tensor.Dense), tensor.UseUnsafe())
	default:
		return nil, fmt.Errorf("values of type %T are not added", sum)
	}
	return sum, nil
}

// watch reports NaN and infinities, as the options ask.
func (m *Machine) watch(s *Session, st *step) error {
	for _, v := range st.writes {
		if v.bits || v.boxed || v.dense() && kernel.Finite(s.exec.pool, v.data) {
			continue
		}
		for n := range v.shape[0] {
			data := v.data
			if v.blocked {
				data = v.image(n)
			}
			for _, f := range data {
				switch {
				case m.options.watchNaN && f != f:
					return errors.New("NaN found in value")
				case m.options.watchInf && math.IsInf(float64(f), 0):
					return errors.New("infinity found in value")
				}
			}
			if !v.blocked {
				break
			}
		}
	}
	return nil
}

// A NodeRun says how a machine computes a node of the graph.
type NodeRun struct {
	Node   *gorgonia.Node
	Native bool   // by this package; otherwise by the op's own Do
	As     string // "conv", "relu", …; "" for nodes that are computed as a part of others, or not at all
}

// Nodes says how each node of the graph is run, leaves and statements left out. Native results are those of the
// tape machine up to rounding, but for these: softmax does not overflow; dropout draws other masks, and its
// gradient is right; sums over inner axes of four-dimensional tensors, gradients of average pooling and of batch
// normalisation in evaluation are right; the slope of a rectifier at exactly 0, where it has none, is that of the
// side below, as in PyTorch, while Gorgonia takes the one above.
func (m *Machine) Nodes() ([]NodeRun, error) {
	if err := m.compile(); err != nil {
		return nil, err
	}
	var list []NodeRun
	for _, n := range m.g.AllNodes() {
		if n.Op() == nil || isConstant(n) || isStatement(n) {
			continue
		}
		r := NodeRun{Node: n, Native: true}
		if made := m.t.nodes[n]; made != nil {
			r.Native = m.t.ours[n]
			if o, ok := made.Op().(op); ok {
				r.As = o.base().kind
			} else if made.Op() != nil {
				r.As = made.Op().String()
			}
		}
		list = append(list, r)
	}
	return list, nil
}
