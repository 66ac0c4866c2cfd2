package infer

import (
	"context"
	"errors"
	"image"
	"runtime"
	"sync"
	"sync/atomic"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// StepImages is how many images share a step of the network: what comes together should come in as many.
const StepImages = 4

const (
	fewImages  = 3         // fewer are cheaper one by one
	laneMemory = 128 << 20 // bytes that all lanes may take beside packed weights, unless one takes more
)

var errClosed = errors.New("the classifier was closed")

// A runner runs a network for many goroutines. A [graph.Session] and a [kernel.Pool] are for one at a
// time, so there are lanes, each with a pool and sessions of its own over the same parameters, packed once for
// all of them. As small kernels gain little from threads, there is a lane with one thread for each core if
// memory allows it, and fewer lanes with more threads otherwise.
type runner struct {
	params    *graph.Params
	large     gate
	lanes     *lanes
	halves    []string // layers with weights of 16 bits
	preparers sync.Pool
	rooms     sync.Pool // for the images of a step that are not enough for it
}

// Outputs are those of one image: what [Model.Build] returns, and what the last layer with parameters sees.
type Outputs struct{ Logits, Features []float32 }

func newRunner(m *zoo.Model, params *graph.Params, o options) (*runner, error) {
	r := &runner{params: params}
	probe, err := NewProgram(m, params, 1, graph.Config{Pool: kernel.NewPool(1), Half: o.half}) // to know its memory; not run
	if err != nil {
		return nil, err
	}
	r.halves = probe.session.Halves()
	memory := probe.session.Memory()
	need := memory.Scratch + StepImages*(memory.Values+memory.Inputs)
	cores := runtime.GOMAXPROCS(0)
	n := int(min(max(laneMemory/max(need, 1), 1), int64(cores)))
	for cores%n != 0 {
		n--
	}
	r.lanes = &lanes{free: make(chan struct{}, n)}
	packed := new(packed)
	for range n {
		r.lanes.idle = append(r.lanes.idle, &lane{model: m, params: params, threads: cores / n, half: o.half, packed: packed})
	}
	// Threads that nobody can reach any more must not stay.
	runtime.AddCleanup(r, func(l *lanes) { l.close() }, r.lanes)
	return r, nil
}

func (r *runner) close() { r.lanes.close() }

// run calls each for every image, from several goroutines if there are many. Of the errors it returns
// that of the first image that has one.
func (r *runner) run(ctx context.Context, c *Classifier, images []image.Image, each func(i int, o Outputs) error) error {
	steps := (len(images) + StepImages - 1) / StepImages
	if steps <= 1 {
		return r.step(ctx, c, images, 0, len(images), each)
	}
	errs := make([]error, steps)
	var next atomic.Int64
	var failed atomic.Bool
	var all sync.WaitGroup
	for range min(steps, runtime.GOMAXPROCS(0)) {
		all.Go(func() {
			// Steps begin in order: all before one that failed have been begun.
			for !failed.Load() {
				s := int(next.Add(1)) - 1
				if s >= steps {
					return
				}
				from := s * StepImages
				if errs[s] = r.step(ctx, c, images, from, min(from+StepImages, len(images)), each); errs[s] != nil {
					failed.Store(true)
				}
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// step prepares images, outside of any lane, and runs them in one.
func (r *runner) step(ctx context.Context, c *Classifier, images []image.Image, from, to int, each func(i int, o Outputs) error) error {
	if from == to {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	p, err := r.preparer(c.input)
	if err != nil {
		return err
	}
	defer r.preparers.Put(p)
	one, size := c.input.Len(), to-from
	if size >= fewImages {
		size = StepImages
	}
	if len(p.x) < size*one {
		p.x = make([]float32, size*one)
	}
	for i := from; i < to; i++ {
		at := (i - from) * one
		if err := c.prepare(p, p.x[at:at+one], images[i]); err != nil {
			return c.imageError(i, len(images), err)
		}
	}
	return r.compute(ctx, p.x[:size*one], to-from, func(i int, o Outputs) error { return each(from+i, o) })
}

// compute runs n prepared images in a lane. If they are many, x has room for a whole step.
func (r *runner) compute(ctx context.Context, x []float32, n int, each func(i int, o Outputs) error) error {
	l, err := r.lanes.take(ctx)
	if err != nil {
		return err
	}
	defer r.lanes.give(l)
	if n >= fewImages {
		// What a smaller step leaves of the last one is computed too, and read by nobody.
		return l.run(&l.many, StepImages, x, n, each)
	}
	one := len(x) / n
	for i := range n {
		if err := l.run(&l.single, 1, x[i*one:(i+1)*one], 1, func(_ int, o Outputs) error { return each(i, o) }); err != nil {
			return err
		}
	}
	return nil
}

// lanes are handed out one caller at a time, the one that was used last first: what one caller after the
// other needs is one.
type lanes struct {
	free chan struct{} // as many tokens are inside as lanes are taken
	once sync.Once

	mu     sync.Mutex
	idle   []*lane
	closed bool
}

func (l *lanes) take(ctx context.Context) (*lane, error) {
	select {
	case l.free <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		<-l.free
		return nil, errClosed
	}
	last := len(l.idle) - 1
	one := l.idle[last]
	l.idle = l.idle[:last]
	return one, nil
}

func (l *lanes) give(one *lane) {
	l.mu.Lock()
	l.idle = append(l.idle, one)
	l.mu.Unlock()
	<-l.free
}

// close waits for the lanes that are taken.
func (l *lanes) close() {
	l.once.Do(func() {
		for range cap(l.free) {
			l.free <- struct{}{}
		}
		l.mu.Lock()
		l.closed = true
		for _, one := range l.idle {
			if one.pool != nil {
				one.pool.Close()
			}
		}
		l.idle = nil
		l.mu.Unlock()
		for range cap(l.free) {
			<-l.free
		}
	})
}

// A lane runs one step at a time. What it needs is made when it is first used.
type lane struct {
	model        *zoo.Model
	params       *graph.Params
	threads      int
	half         bool
	pool         *kernel.Pool
	space        *graph.Workspace
	packed       *packed
	single, many *Program
}

// packed is, by the number of images in a step, the session that packs the parameters for all lanes.
type packed struct {
	mu    sync.Mutex
	first map[int]*graph.Session
}

// program compiles the network for steps of size images.
func (l *lane) program(size int) (*Program, error) {
	l.packed.mu.Lock()
	defer l.packed.mu.Unlock()
	p, err := NewProgram(l.model, l.params, size, graph.Config{Pool: l.pool, Workspace: l.space, Half: l.half, Like: l.packed.first[size]})
	if err == nil && l.packed.first[size] == nil {
		if l.packed.first == nil {
			l.packed.first = map[int]*graph.Session{}
		}
		l.packed.first[size] = p.session
	}
	return p, err
}

// run computes a step of size images x, and calls each for the first n.
func (l *lane) run(p **Program, size int, x []float32, n int, each func(i int, o Outputs) error) error {
	if l.pool == nil {
		l.pool, l.space = kernel.NewPool(l.threads), graph.NewWorkspace()
	}
	if *p == nil {
		made, err := l.program(size)
		if err != nil {
			return err
		}
		*p = made
	}
	return (*p).Run(x, n, each)
}

// A Program is a network compiled for a number of images. It is for one goroutine at a time.
type Program struct {
	session             *graph.Session
	x, logits, features *gorgonia.Node
	batch               int
}

// NewProgram compiles the network for steps of batch images.
func NewProgram(m *zoo.Model, params *graph.Params, batch int, cfg graph.Config) (*Program, error) {
	if m == nil {
		return nil, errors.New("no network: the model is nil")
	}
	b := graph.NewBuilder(params, graph.Eval)
	p := &Program{x: b.Input("image", batch, m.Input[0], m.Input[1], m.Input[2]), batch: batch}
	var err error
	if p.logits, err = m.Build(b, p.x); err != nil {
		return nil, err
	}
	if p.features, err = lastInput(b, p.logits); err != nil {
		return nil, err
	}
	p.session, err = graph.Compile(b, []*gorgonia.Node{p.logits, p.features}, cfg)
	return p, err
}

// lastInput is what the last layer with parameters reads, N×K; maps become their means.
func lastInput(b *graph.Builder, y *gorgonia.Node) (*gorgonia.Node, error) {
	computations, err := b.Computations(y)
	if err != nil {
		return nil, err
	}
	var features *gorgonia.Node
	for _, c := range computations {
		for _, in := range c.Inputs[1:] {
			if b.ParamNode(in.Name()) == in {
				features = c.Inputs[0]
			}
		}
	}
	if features == nil {
		return nil, errors.New("the network has no layer with parameters")
	}
	if len(features.Shape()) == 4 {
		features = b.GlobalAvgPool(features)
	}
	return features, b.Err()
}

// Run computes a step of batch images x, N×C×H×W, and calls each for the first n, with outputs that hold until
// it returns.
func (p *Program) Run(x []float32, n int, each func(i int, o Outputs) error) error {
	if p.session == nil {
		return errors.New("no network: a program is made by NewProgram")
	}
	if err := p.session.Bind(p.x, x); err != nil {
		return err
	}
	if err := p.session.Run(); err != nil {
		return err
	}
	logits, features := p.session.Value(p.logits), p.session.Value(p.features)
	k, f := len(logits)/p.batch, len(features)/p.batch
	for i := range n {
		if err := each(i, Outputs{logits[i*k : (i+1)*k], features[i*f : (i+1)*f]}); err != nil {
			return err
		}
	}
	return nil
}
