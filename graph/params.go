package graph

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// A Param is a named tensor that outlives a run: a weight or bias that training changes, or a buffer
// that the network keeps by itself (the running statistics of batch normalisation).
type Param struct {
	Name   string // torchvision's name, such as "features.0.weight"
	Shape  []int
	Buffer bool // kept, but not trained
	Frozen bool // changes in principle, left alone in this run; to be set before a graph is built
	Data   []float32
	init   Initializer
}

// Len returns the number of elements.
func (p *Param) Len() int { return product(p.Shape) }

// Params are the named tensors of a network, in the order in which the network declares them. Every
// graph built over the same Params shares their memory.
type Params struct {
	list    []*Param
	byName  map[string]*Param
	version uint64
}

// NewParams returns an empty set, which a [Builder] fills.
func NewParams() *Params { return &Params{byName: map[string]*Param{}, version: 1} }

// All returns every parameter and buffer in the order of declaration.
func (ps *Params) All() []*Param { return slices.Clone(ps.list) }

// Trained returns the parameters that training changes: neither buffers nor frozen.
func (ps *Params) Trained() []*Param {
	var t []*Param
	for _, p := range ps.list {
		if !p.Buffer && !p.Frozen {
			t = append(t, p)
		}
	}
	return t
}

// Get returns the parameter of that name, or nil.
func (ps *Params) Get(name string) *Param { return ps.byName[name] }

// Count returns the number of trainable elements: weights and biases, frozen or not, without buffers.
func (ps *Params) Count() int64 {
	var n int64
	for _, p := range ps.list {
		if !p.Buffer {
			n += int64(p.Len())
		}
	}
	return n
}

// Init allocates every parameter that has no memory yet and fills all of them by their initialisers.
// Each draws from a random stream of its own, made from seed and the parameter's name, so that a
// layer more or less does not change the others.
func (ps *Params) Init(seed uint64) {
	ps.Allocate()
	for _, p := range ps.list {
		h := fnv.New64a()
		h.Write([]byte(p.Name))
		p.init(rand.New(rand.NewPCG(seed, h.Sum64())), p.Shape, p.Data)
	}
	ps.Changed()
}

// Allocate gives memory, holding zeros, to every parameter that has none; for callers that fill all
// of it themselves.
func (ps *Params) Allocate() {
	for _, p := range ps.list {
		if p.Data == nil {
			p.Data = kernel.Floats(p.Len())
		}
	}
}

// Changed tells sessions that parameters have new values, so that what they derived from the old ones
// (packed filters, folded batch normalisation) is made again at the next run. Whoever writes into a
// Data slice calls it; a training session does so for the statistics that it updates.
func (ps *Params) Changed() { ps.version++ }

func (ps *Params) declare(name string, shape []int, buffer bool, init Initializer) (*Param, error) {
	if p := ps.byName[name]; p != nil {
		if !slices.Equal(p.Shape, shape) || p.Buffer != buffer {
			return nil, fmt.Errorf("parameter %s has shape %v here and %v in an earlier graph", name, shape, p.Shape)
		}
		return p, nil
	}
	p := &Param{Name: name, Shape: slices.Clone(shape), Buffer: buffer, init: init}
	ps.list, ps.byName[name] = append(ps.list, p), p
	return p, nil
}

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}
