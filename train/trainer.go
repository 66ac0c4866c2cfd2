package train

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/augment"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/cluster"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// Options are what a run needs besides its [Config] and changes nothing about the result.
type Options struct {
	Root    string        // the folder that runs are numbered in; "runs" if empty
	Folder  string        // the run's own folder, instead of a number under Root
	Events  report.Events // nil for none
	Command []string      // what to tell the user to repeat the run, for its card
	Program string        // name and version of the program, for the environment's record
	// RetryWait is how long a run whose end cannot be saved waits before it tries again, at first; 0 is a second.
	RetryWait time.Duration
	// Open opens the initial weights (Config.Init); nil means weights.Open, for files.
	Open func(name string) (*weights.Reader, error)
	// Cluster is the group of processes that train this run together, see package train/cluster: each
	// computes its share of every batch. Rank 0 alone writes and tells. Nil is this process alone.
	Cluster cluster.Comm
}

// A Trainer is one run: everything is compiled and checked, nothing is written yet.
type Trainer struct {
	cfg    recipe.Config
	net    Network
	learn  datasets.Source // what it learns from
	choose datasets.Source // what chooses the best weights
	opts   Options
	folder string // empty until the run begins
	goesOn bool   // an earlier run
	unlock func() // gives the folder back
	begins string // what weights it begins with, for the plan

	ranks              *ranks // the processes that train together
	counted            tally  // what was counted before the step
	pool               *kernel.Pool
	params             *graph.Params
	trained            []*graph.Param
	graphs             map[int][]*portion // by batch size
	reducer            *reducer
	shares             *shares // nil unless batches are computed in shares
	eval               *evaluationGraph
	loader             *datasets.Loader
	val                *datasets.Loader
	updater            updater
	sums               *accumulated  // nil unless an update has several batches
	averaged           *graph.Params // nil unless the weights' average is what counts
	average, averageOf []*graph.Param
	scheduler          Scheduler
	augment            augment.Spec
	at                 state
	targets            []float32 // of mixed images and those of weighted classes, for one batch; otherwise nil
	classWeights       []float32 // nil where all are the same
	counts             []int     // training images by class

	best      review          // what the best weights of this session say of the images that choose them
	broken    map[string]bool // images that were skipped, by their errors, which name them
	events    report.Events
	log       *report.Lines // of the run's folder
	trainPace pace
	evalPace  pace
	estimated time.Duration // of the whole run, by Estimate
	begun     time.Time     // this session
	before    float64       // seconds of earlier sessions
	lr        float64       // of the last step
	saved     time.Time

	changes []string      // of the settings since the run was last saved
	failing error         // of the last checkpoint
	better  *weights.File // the best weights, while they cannot be written
}

// An Interrupted error says that the context of [Trainer.Run] ended: the run is saved and can go on.
type Interrupted struct{ Folder string }

func (e *Interrupted) Error() string { return "interrupted; the run is saved in " + e.Folder }

// Unwrap returns [context.Canceled].
func (e *Interrupted) Unwrap() error { return context.Canceled }

// New prepares a new run. Its folder is made when it begins.
//
// With initial weights (Config.Init), images are prepared as for those, unless the configuration
// says how. Where they are for another number of classes, the layers that depend on it are new.
func New(cfg recipe.Config, net Network, data datasets.Split, opts Options) (*Trainer, error) {
	cfg, err := adopt(cfg, opts)
	if err != nil {
		return nil, err
	}
	t, err := prepare(cfg, net, data, opts)
	if err != nil {
		return nil, err
	}
	if err := t.agree(t.initialise()); err != nil {
		return nil, err
	}
	t.beginAverage()
	return t, nil
}

// Resume prepares the run of a folder to go on from its last checkpoint. Cfg is the run's own
// ([ReadConfig]); Threads and Time may differ.
//
// The folder belongs to the trainer from here on, until [Trainer.Run] ends or [Trainer.Close]: that another process
// works in it is an [*InUseError].
func Resume(folder string, cfg recipe.Config, net Network, data datasets.Split, opts Options) (_ *Trainer, err error) {
	unlock, err := lockFor(opts, folder)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			unlock()
		}
	}()
	t, err := prepare(cfg, net, data, opts)
	if err != nil {
		return nil, err
	}
	t.folder, t.goesOn, t.unlock = folder, true, unlock
	if _, err := os.Stat(filepath.Join(folder, report.StateFile)); errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(folder, report.MetricsFile)); err == nil { // which is written after it
			return nil, fmt.Errorf("%s: %s is gone, without which the run cannot go on; zoo train --init %[1]s begins a new one with its weights", folder, report.StateFile)
		}
		// It ended before its first checkpoint: it begins once more.
		if err := t.initialise(); err != nil {
			return nil, err
		}
		t.beginAverage()
		return t, nil
	}
	t.params.Allocate()
	t.beginAverage()
	if err := t.agree(t.loadState()); err != nil {
		return nil, err
	}
	t.before = t.at.Seconds
	t.lr = t.scheduler.At(max(t.at.Step-1, 0)).LR
	return t, nil
}

// Close ends the trainer's threads and gives its folder back.
func (t *Trainer) Close() {
	t.reducer.close()
	t.pool.Close()
	t.release()
}

// Complete reports whether there is nothing left to train.
func (t *Trainer) Complete() bool { return t.at.Epoch >= t.cfg.Epochs || t.exhausted() }

// release gives the run's folder back.
func (t *Trainer) release() {
	if t.unlock != nil {
		t.unlock()
		t.unlock = nil
	}
}
