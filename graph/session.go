package graph

import (
	"errors"
	"fmt"
	"slices"
	"time"
	"unsafe"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// Config says how a session runs. Its zero value is a good one.
type Config struct {
	Pool      *kernel.Pool // the threads; nil for a pool with one for each core
	Workspace *Workspace   // the memory; nil for one of its own
	Seed      uint64       // of the dropout masks
	NoPlan    bool         // every value gets memory of its own: for tests of the plan
	Part      Part         // of a larger batch; the zero value is a whole batch

	// Ready, if not nil, is told of each output, by its number, as soon as a run has computed it for good: the
	// caller may use it while the rest is computed. It is called between steps, by the goroutine of the run.
	Ready func(output int)

	// Half keeps, in evaluation, the weights of those layers that take the time of reading them as 16-bit floats:
	// fully connected ones of more weights than caches hold, at small batches. Half the bytes are read; inputs, sums
	// and outputs stay float32. Each weight is off by at most 2⁻¹¹ of itself.
	Half bool

	// Like is a session for the same network, parameters, batch and number of threads: what it derives of
	// the parameters, packed filters above all, is shared with it. The two may run at the same time, as long
	// as neither changes parameters.
	Like *Session
}

// A Workspace is memory that sessions use in turn. Sessions that never run at the same time, such as
// those for training, for the smaller last batch and for evaluation, need only as much as the largest
// of them. What one leaves in its outputs is gone when another runs.
type Workspace struct {
	memory []float32
	need   int
}

// NewWorkspace returns an empty workspace; sessions that are compiled for it make it grow.
func NewWorkspace() *Workspace { return &Workspace{} }

func (w *Workspace) get() []float32 {
	if len(w.memory) < w.need {
		w.memory = nil // may be collected before the larger one is made
		w.memory = cacheAligned(w.need)
	}
	return w.memory
}

// cacheAligned makes a slice that starts on a cache line.
func cacheAligned(n int) []float32 {
	s := kernel.Floats(n + align)
	skip := (-uintptr(unsafe.Pointer(unsafe.SliceData(s))) / 4) % align
	return s[skip : int(skip)+n : int(skip)+n]
}

// A Session computes some outputs of a graph, again and again. It is for one goroutine at a time.
type Session struct {
	params   *Params
	space    *Workspace
	exec     exec
	steps    []*step
	external []*value // with memory of their own
	planned  []*value
	views    []*value
	boxes    []*value // of Gorgonia's own kinds
	nodes    map[*gorgonia.Node]*value
	outputs  map[*gorgonia.Node]*value
	memory   *float32 // where values are bound to
	derived  *derived
	halves   []string
	updates  bool // runs change buffers among the parameters
	size     Memory
	scratch  int
	program  int
	times    []time.Duration // of each step, if they are measured
	borrows  bool            // takes threads for each run, rather than having its own
	check    func(s *Session, done *step) error
	ready    func(output int)
	final    [][]int // the outputs that each step is the last to write; nil if nobody asks
}

// Memory is what a session needs, in bytes. It is known before the first run.
type Memory struct {
	Parameters int64 // the parameters and buffers of the network, shared with other sessions
	Values     int64 // feature maps and gradients, after sharing; common to the sessions of a workspace
	Scratch    int64 // kernels' scratch space, likewise
	Packed     int64 // parameters in the form that kernels read, kept between runs
	Inputs     int64 // the inputs, which the caller binds
}

// Total returns the sum.
func (m Memory) Total() int64 { return m.Parameters + m.Values + m.Scratch + m.Packed + m.Inputs }

// Compile prepares the computation of the outputs: nodes of the builder's graph, the loss and gradients
// among them if it is for training. Nothing is allocated for values before the first run.
func Compile(b *Builder, outputs []*gorgonia.Node, cfg Config) (s *Session, err error) {
	if b == nil || b.g == nil {
		return nil, errors.New("compile: no builder: NewBuilder makes one")
	}
	if err := b.check("compile", outputs...); err != nil {
		return nil, err
	}
	defer recoverAs(&err, "compile")
	borrows := cfg.Pool == nil
	if borrows {
		cfg.Pool = defaultPool()
	}
	if cfg.Workspace == nil {
		cfg.Workspace = NewWorkspace()
	}
	t, err := translateWhatIsStock(b.g.AllNodes(), outputs)
	if err != nil {
		return nil, err
	}
	c := newCompiler(cfg.Pool, b.params, b.Training())
	c.half = cfg.Half
	if t != nil {
		c.leaf = t.leafOf(c.named)
	}
	if s, err = c.session(t, outputs, cfg); err != nil {
		return nil, err
	}
	s.borrows = borrows
	return s, nil
}

// session compiles the outputs, which are translated if t is not nil.
func (c *compiler) session(t *translation, outputs []*gorgonia.Node, cfg Config) (*Session, error) {
	computed := func(n *gorgonia.Node) *gorgonia.Node {
		if t == nil {
			return n
		}
		return t.nodes[n]
	}
	var wanted []*gorgonia.Node
	for _, n := range outputs {
		wanted = append(wanted, computed(n))
	}
	if err := c.compile(wanted); err != nil {
		return nil, err
	}
	s := &Session{
		params: c.params, space: cfg.Workspace, nodes: c.values, outputs: map[*gorgonia.Node]*value{},
		exec: exec{pool: cfg.Pool, seed: cfg.Seed, part: cfg.Part}, derived: c.derived, halves: c.halves, updates: c.updates, scratch: c.scratch,
	}
	if t != nil {
		s.nodes = map[*gorgonia.Node]*value{}
		for n, made := range t.nodes {
			s.nodes[n] = c.values[made]
		}
	}
	for _, n := range outputs {
		c.layer = n.Name()
		v := c.asPlain(c.values[computed(n)])
		v.storage().keep = true
		s.outputs[n] = v
	}
	if cfg.Like != nil {
		if err := s.share(cfg.Like); err != nil {
			return nil, err
		}
	}
	s.steps = c.steps
	if s.ready = cfg.Ready; s.ready != nil {
		s.finals(outputs)
	}
	s.program = plan(c.steps, !cfg.NoPlan)
	s.collect()
	s.space.need = max(s.space.need, s.program+padTo(c.scratch))
	s.size.Values, s.size.Scratch = 4*int64(s.program), 4*int64(c.scratch)
	for _, n := range s.derived.sizes {
		s.size.Packed += 4 * int64(n)
	}
	for _, p := range c.params.list {
		s.size.Parameters += 4 * int64(p.Len())
	}
	for _, v := range s.external {
		if v.name != "" && c.params.Get(v.name) == nil {
			s.size.Inputs += 4 * int64(v.size())
		}
	}
	return s, nil
}

// finals finds out after which step each output is there.
func (s *Session) finals(outputs []*gorgonia.Node) {
	s.final = make([][]int, len(s.steps))
	for k, n := range outputs {
		last := -1
		for i, st := range s.steps {
			if !st.derived && slices.ContainsFunc(st.writes, func(v *value) bool { return v.storage() == s.outputs[n].storage() }) {
				last = i
			}
		}
		if last >= 0 {
			s.final[last] = append(s.final[last], k)
		}
	}
}

func padTo(n int) int { return (n + align - 1) / align * align }

// collect lists the values of all steps by where their memory comes from.
func (s *Session) collect() {
	seen := map[*value]bool{}
	var add func(v *value)
	add = func(v *value) {
		if seen[v] {
			return
		}
		seen[v] = true
		switch {
		case v.root != nil:
			add(v.root)
			s.views = append(s.views, v) // after its root
		case v.boxed:
			s.boxes = append(s.boxes, v)
		case v.source != nil:
			s.external = append(s.external, v)
		default:
			s.planned = append(s.planned, v)
		}
	}
	for _, st := range s.steps {
		for _, v := range st.reads {
			add(v)
		}
		for _, v := range st.writes {
			add(v)
		}
	}
	for _, v := range s.outputs {
		add(v)
	}
}

// Halves returns the layers whose weights are read as 16-bit floats: none without [Config].Half.
func (s *Session) Halves() []string { return s.halves }

// Memory returns what the session needs.
func (s *Session) Memory() Memory { return s.size }

// Bind makes data the memory of an input: it is read at the following runs, and not copied. It may be
// bound anew before each run.
func (s *Session) Bind(input *gorgonia.Node, data []float32) error {
	v := s.nodes[input]
	if input == nil || v == nil || v.source == nil || s.params.Get(v.name) != nil {
		return fmt.Errorf("node %v is not an input of this session", input)
	}
	if len(data) != v.size() {
		return fmt.Errorf("input %s: %d values bound, the shape %s needs %d", v.name, len(data), dims(v.shape), v.size())
	}
	v.bound = data
	return nil
}

// SetStep sets the number of the next run, which the dropout masks depend on besides the seed. It
// starts at zero and grows by one with each run.
func (s *Session) SetStep(step uint64) { s.exec.step = step }

// Value returns an output in N×C×H×W order. It holds until the next run in the session's workspace.
func (s *Session) Value(output *gorgonia.Node) []float32 {
	if v := s.outputs[output]; v != nil {
		return v.data
	}
	return nil
}

// Run computes the outputs from the inputs bound and the parameters as they are now.
func (s *Session) Run() (err error) {
	if err := s.bind(); err != nil {
		return err
	}
	if s.borrows {
		s.exec.pool = borrow()
		defer giveBack(s.exec.pool)
	}
	layer := ""
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s: %v", layer, r)
		}
	}()
	var clock time.Time
	if s.times != nil {
		clock = time.Now()
	}
	run := func(i int, st *step) error {
		layer = st.layer
		if err := st.run(&s.exec); err != nil {
			return fmt.Errorf("%s: %w", layer, err)
		}
		if s.check != nil {
			if err := s.check(s, st); err != nil {
				return fmt.Errorf("%s: %w", layer, err)
			}
		}
		if s.times != nil {
			now := time.Now()
			s.times[i] += now.Sub(clock)
			clock = now
		}
		return nil
	}
	if err := s.derive(run); err != nil {
		return err
	}
	for i, st := range s.steps {
		if st.derived {
			continue
		}
		if err := run(i, st); err != nil {
			return err
		}
		if s.final != nil {
			for _, k := range s.final[i] {
				s.ready(k)
			}
		}
	}
	if s.updates {
		s.params.Changed()
	}
	s.exec.step++
	return nil
}

// A StepTime says how long a step of a layer took in all runs, and what it does in each.
type StepTime struct {
	Layer, Kind string // "layer1.0.conv1" and "conv filter gradient"
	Time        time.Duration
	MACs        int64 // multiply-adds, as papers count them; minimal filtering does fewer
	Bytes       int64 // of what it reads and writes, each once
}

// Profile starts to measure the steps of the following runs and returns what was measured since it was
// last called, in the order of the steps.
func (s *Session) Profile() []StepTime {
	var list []StepTime
	for i, t := range s.times {
		st := s.steps[i]
		list = append(list, StepTime{st.layer, st.kind, t, st.macs, st.bytes()})
	}
	s.times = make([]time.Duration, len(s.steps))
	return list
}

// bind gives every value its memory. After the first run only what lies outside may have moved.
func (s *Session) bind() error {
	if s.space == nil {
		return errors.New("the session was not made by Compile")
	}
	memory := s.space.get()
	s.derived.allocate()
	for _, v := range s.external {
		d := v.source()
		if len(d) != v.size() {
			if v.fault != nil {
				return v.fault
			}
			if len(d) == 0 {
				return fmt.Errorf("%s has no values: bind the input, or initialise or load the parameters", v.name)
			}
			return fmt.Errorf("%s: %d values, the shape %s needs %d", v.name, len(d), dims(v.shape), v.size())
		}
		if within(d, memory) { // a result of an earlier run, whose place other values take before it comes again
			v.aside = append(v.aside[:0], d...)
			d = v.aside
		}
		v.data = d
	}
	for _, v := range s.boxes {
		if v.load != nil {
			box, err := v.load()
			if err != nil {
				return err
			}
			v.box = box
		}
	}
	if first := unsafe.SliceData(memory); s.memory != first || first == nil {
		for _, v := range s.planned {
			v.data = memory[v.base : v.base+v.size() : v.base+v.size()]
		}
		s.memory = first
		s.exec.scratch = memory[s.program : s.program+s.scratch]
	}
	for _, v := range s.views {
		v.data = v.root.data[v.offset : v.offset+v.size()]
	}
	return nil
}

// within reports whether a slice lies in another.
func within(d, memory []float32) bool {
	if len(d) == 0 || len(memory) == 0 {
		return false
	}
	at, start := uintptr(unsafe.Pointer(&d[0])), uintptr(unsafe.Pointer(&memory[0]))
	return at >= start && at < start+4*uintptr(len(memory))
}
