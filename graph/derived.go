package graph

import (
	"errors"
	"slices"
	"sync"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// derived is what a session makes of parameters alone and keeps from run to run: packed filters, folded batch
// normalisation.
type derived struct {
	layers []string // that each value belongs to
	sizes  []int
	*store // may be shared by sessions that run at the same time
}

type store struct {
	mu      sync.Mutex
	version uint64 // of the parameters that the values belong to
	values  [][]float32
}

func newDerived() *derived { return &derived{store: new(store)} }

// add notes one more value and returns where its memory comes from.
func (d *derived) add(layer string, size int) func() []float32 {
	at := len(d.sizes)
	d.layers, d.sizes = append(d.layers, layer), append(d.sizes, size)
	return func() []float32 { return d.values[at] }
}

// share takes another session's values, if they are the same ones.
func (s *Session) share(like *Session) error {
	d, e := s.derived, like.derived
	if s.params != like.params || s.exec.pool.Threads() != like.exec.pool.Threads() {
		return errors.New("a session can be like another of the same parameters and number of threads alone")
	}
	if !slices.Equal(d.sizes, e.sizes) || !slices.Equal(d.layers, e.layers) {
		return errors.New("a session can be like another of the same network and batch alone: they pack parameters in different ways")
	}
	d.store = e.store
	return nil
}

// allocate gives the values their memory.
func (d *derived) allocate() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.values != nil {
		return
	}
	d.values = make([][]float32, len(d.sizes))
	for i, n := range d.sizes {
		d.values[i] = kernel.Floats(n)
	}
}

// derive computes the values if parameters have changed since, once for all sessions that share them.
func (s *Session) derive(run func(i int, st *step) error) error {
	d := s.derived
	if len(d.sizes) == 0 {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.version == s.params.version {
		return nil
	}
	for i, st := range s.steps {
		if st.derived {
			if err := run(i, st); err != nil {
				return err
			}
		}
	}
	d.version = s.params.version
	return nil
}
