package report

import (
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
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
	// Warn is called with what went wrong, where the run goes on all the same.
	Warn(text string)
	// Saved is called after a checkpoint in the middle of an epoch.
	Saved(folder string)
	// End is called once, at the end of a run that did not fail; interrupted runs included.
	End(Result)
}

// A Plan says what a run will do. It is known before the first step.
type Plan struct {
	Folder    string // empty before the run
	Network   string
	Variant   string
	Data      string
	Images    int // trained on in an epoch
	ValImages int // that choose the best weights
	// Notes are what else there is to know of the data: its layout, its classes, what was left out. A clause each.
	Notes      []string
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
	Disk       int64   // bytes that the run's folder may hold at a time
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

// Quiet hears nothing. An Events that embeds it has to have the methods only that it needs.
type Quiet struct{}

func (Quiet) Begin(Plan)                    {}
func (Quiet) Step(Step)                     {}
func (Quiet) Evaluate(Progress)             {}
func (Quiet) Epoch(Epoch, time.Duration)    {}
func (Quiet) Broken([]datasets.BrokenImage) {}
func (Quiet) Warn(string)                   {}
func (Quiet) Saved(string)                  {}
func (Quiet) End(Result)                    {}

// Tell returns an Events that tells all of those that are not nil, in their order.
func Tell(list ...Events) Events {
	var all several
	for _, e := range list {
		if e != nil {
			all = append(all, e)
		}
	}
	return all
}

type several []Events

func (s several) each(f func(Events)) {
	for _, e := range s {
		f(e)
	}
}

func (s several) Begin(p Plan)                       { s.each(func(e Events) { e.Begin(p) }) }
func (s several) Step(p Step)                        { s.each(func(e Events) { e.Step(p) }) }
func (s several) Evaluate(p Progress)                { s.each(func(e Events) { e.Evaluate(p) }) }
func (s several) Epoch(r Epoch, left time.Duration)  { s.each(func(e Events) { e.Epoch(r, left) }) }
func (s several) Broken(list []datasets.BrokenImage) { s.each(func(e Events) { e.Broken(list) }) }
func (s several) Warn(text string)                   { s.each(func(e Events) { e.Warn(text) }) }
func (s several) Saved(folder string)                { s.each(func(e Events) { e.Saved(folder) }) }
func (s several) End(r Result)                       { s.each(func(e Events) { e.End(r) }) }

// A Result tells how a run ended.
type Result struct {
	Folder      string   `json:"folder"`
	Network     string   `json:"network"`
	Data        string   `json:"data"`
	Stopped     string   `json:"stopped,omitempty"` // "time", "early stop" or "interrupted"; empty if the run is complete
	Epochs      float64  `json:"epochs"`            // done
	Steps       int      `json:"steps"`             // done
	Last        *Epoch   `json:"last,omitempty"`    // newest evaluation
	Best        *Epoch   `json:"best,omitempty"`
	LastWeights string   `json:"last_weights"`
	BestWeights string   `json:"best_weights,omitempty"`
	Seconds     float64  `json:"seconds"`
	PeakMB      int64    `json:"peak_rss_mb,omitempty"`
	Broken      int      `json:"broken_images,omitempty"` // that were skipped in this session
	Resume      []string `json:"-"`
}
