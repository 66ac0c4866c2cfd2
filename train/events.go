package train

import (
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

// Events hears how a run goes, on the run's goroutine: what it does is time that training waits.
type Events interface {
	Begin(Plan)
	Step(Step)
	// Evaluate is called after each batch of an evaluation.
	Evaluate(Progress)
	// Epoch is called after each epoch's evaluation.
	Epoch(Epoch, time.Duration)
	// Broken is called before Epoch with images that were skipped for the first time in this session (see
	// Config.SkipBroken), if there are any.
	Broken([]datasets.BrokenImage)
	// Saved is called after a checkpoint in the middle of an epoch.
	Saved(folder string)
	// End is called once, at the end of a run that did not fail; interrupted runs included.
	End(Result)
}

// A Plan says what a run will do. It is known before the first step.
type Plan struct {
	Folder     string // empty before the run
	Network    string
	Variant    string
	Data       string
	Images     int // trained on in an epoch
	TestImages int
	Input      [3]int
	Classes    int
	Batch      int
	Epochs     int
	Steps      int // of the whole run
	Done       int // steps that were done before, in a run that goes on
	Threads    int
	Parameters int64  // weights and biases
	Frozen     int64  // of them, that stay as they are
	Begins     string // what weights it begins with, a clause; empty for new ones
	MACs       int64  // multiply-adds of one image, forward
	Memory     Memory
	Seconds    float64 `json:"seconds,omitempty"` // that the run takes, all members of an ensemble; what [Trainer.Estimate] has measured, 0 before
}

// Memory is what a run needs, in bytes.
type Memory struct {
	Parameters int64 `json:"parameters"` // weights, biases and buffers
	Optimizer  int64 `json:"optimizer"`  // the optimiser's state
	Values     int64 `json:"values"`     // feature maps, gradients and scratch space, shared by liveness
	Packed     int64 `json:"packed"`     // parameters in the form that kernels read
	Loader     int64 `json:"loader"`     // batches being prepared and used
}

// Total returns the sum.
func (m Memory) Total() int64 { return m.Parameters + m.Optimizer + m.Values + m.Packed + m.Loader }

// add counts sessions that share parameters and a workspace.
func (m *Memory) add(sessions ...*graph.Session) {
	for _, s := range sessions {
		size := s.Memory()
		m.Parameters = max(m.Parameters, size.Parameters)
		m.Values = max(m.Values, size.Values+size.Scratch)
		m.Packed += size.Packed
	}
}

// A Step is the place of a run after a step, with the epoch's results so far.
type Step struct {
	Epoch, Epochs  int // the epoch that runs, from 1
	Batch, Batches int // done of this epoch
	Step, Steps    int // done of the run
	LR             float64
	Train          Metrics
	Rate           float64       // images per second, lately
	Left           time.Duration // to the run's end, evaluations included, at the pace measured
}

// Progress is the place of an evaluation.
type Progress struct {
	Done, Total int // images
	Step        Step
}

// quiet is the Events of callers that want none.
type quiet struct{}

func (quiet) Begin(Plan)                    {}
func (quiet) Step(Step)                     {}
func (quiet) Evaluate(Progress)             {}
func (quiet) Epoch(Epoch, time.Duration)    {}
func (quiet) Broken([]datasets.BrokenImage) {}
func (quiet) Saved(string)                  {}
func (quiet) End(Result)                    {}

// both tells two.
type both struct{ a, b Events }

func (e both) Begin(p Plan)                       { e.a.Begin(p); e.b.Begin(p) }
func (e both) Step(s Step)                        { e.a.Step(s); e.b.Step(s) }
func (e both) Evaluate(p Progress)                { e.a.Evaluate(p); e.b.Evaluate(p) }
func (e both) Epoch(r Epoch, d time.Duration)     { e.a.Epoch(r, d); e.b.Epoch(r, d) }
func (e both) Broken(list []datasets.BrokenImage) { e.a.Broken(list); e.b.Broken(list) }
func (e both) Saved(folder string)                { e.a.Saved(folder); e.b.Saved(folder) }
func (e both) End(r Result)                       { e.a.End(r); e.b.End(r) }
