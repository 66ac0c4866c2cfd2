package graph

import (
	"fmt"
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// A Fault is where NaN or an infinity first comes up in a session's run.
type Fault struct {
	Layer string // that computes with it: "layer1.0.conv1"
	What  string // "input", "parameter", "output" or "gradient"
	Name  string // of the input or parameter
}

// FirstFault runs the session once more, over the inputs that are bound, up to the first step in the
// order of computation (layers from the first to the last, then their gradients from the last to the
// first) that reads an input or parameter, or makes a value, that is not finite. It returns nil if all
// is finite. Statistics that a run changes are changed, so it is for the end of a run that has failed;
// the outputs hold nothing of use afterwards. [Session.SetStep] chooses the dropout masks.
func (s *Session) FirstFault() (f *Fault, err error) {
	if err := s.bind(); err != nil {
		return nil, err
	}
	if s.borrows {
		s.exec.pool = borrow()
		defer giveBack(s.exec.pool)
	}
	clear(s.space.memory) // what an earlier run has left is no fault of this one
	layer := ""
	defer func() {
		if r := recover(); r != nil {
			f, err = nil, fmt.Errorf("%s: %v", layer, r)
		}
	}()
	defer s.params.Changed()
	what := "output"
	for _, st := range s.steps {
		layer = st.layer
		for _, v := range st.reads {
			p := s.params.Get(v.name)
			switch {
			case v.root != nil || v.source == nil || v.name == "" || p != nil && p.Buffer || s.finite(v):
			case p != nil:
				return &Fault{layer, "parameter", v.name}, nil
			default:
				return &Fault{layer, "input", v.name}, nil
			}
		}
		if err := st.run(&s.exec); err != nil {
			return nil, fmt.Errorf("%s: %w", layer, err)
		}
		if strings.Contains(st.kind, "gradient") {
			what = "gradient" // also of what adds gradients up from here on
		}
		for _, v := range st.writes {
			if !s.finite(v) {
				return &Fault{Layer: layer, What: what}, nil
			}
		}
	}
	return nil, nil
}

// finite reports whether a value holds numbers only. Gaps between the images of a view belong to others.
func (s *Session) finite(v *value) bool {
	switch {
	case v.bits, v.boxed:
		return true
	case v.dense():
		return kernel.Finite(s.exec.pool, v.data)
	}
	for n := range v.shape[0] {
		if !kernel.Finite(s.exec.pool, v.image(n)) {
			return false
		}
	}
	return true
}
