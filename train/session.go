package train

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// open makes the run's folder, or goes on in it, and returns what closes its log.
func (t *Trainer) open() (closeLog func(), err error) {
	if t.ranks.Rank() > 0 { // rank 0 alone writes
		return t.release, nil
	}
	if !t.goesOn {
		root := t.opts.Root
		if root == "" {
			root = "runs"
		}
		if t.folder, err = create(t.opts.Folder, root, runName(t.net.Name, t.cfg)); err != nil {
			return nil, err
		}
		if t.unlock, err = Lock(t.folder); err != nil {
			return nil, err
		}
		if err := fitsDisk(t.folder, t.disk()); err != nil {
			return nil, err
		}
		if err := writeJSON(filepath.Join(t.folder, report.ConfigFile), t.cfg); err != nil {
			return nil, err
		}
	}
	if t.goesOn {
		// What a killed session was writing.
		for _, dir := range []string{t.folder, filepath.Join(t.folder, "weights")} {
			left, _ := filepath.Glob(filepath.Join(dir, ".zoo-*.tmp"))
			for _, f := range left {
				os.Remove(f)
			}
		}
	}
	if t.goesOn && len(t.at.History) > 0 { // which a killed session may not have come to
		if err := t.saveMetrics(nil); err != nil {
			return nil, err
		}
	}
	if len(t.changes) > 0 {
		if err := writeJSON(filepath.Join(t.folder, report.ConfigFile), t.cfg); err != nil {
			return nil, err
		}
	}
	envErr := t.writeEnv()
	log, err := os.OpenFile(filepath.Join(t.folder, report.LogFile), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o666)
	if err != nil {
		return nil, err
	}
	t.log = &report.Lines{W: log, Stamp: true}
	t.events = report.Tell(t.log, t.events)
	if envErr != nil { // a record, which nothing depends on
		t.events.Warn(report.Words(envErr))
	}
	for _, c := range t.changes {
		t.events.Warn("changed since the run was last saved: " + c)
	}
	return func() {
		log.Close()
		t.release()
	}, nil
}

// failed writes what ended the run to its log as well.
func (t *Trainer) failed(err error) error {
	if t.log != nil {
		t.log.Print("failed: %s", report.Words(err))
	}
	return err
}

// checkpoint saves in the middle of an epoch, unless the parameters are not worth it.
func (t *Trainer) checkpoint() error {
	if name := t.notFinite(); name != "" {
		return t.diverged(nil, nil, 0, t.lr)
	}
	t.at.Seconds = t.seconds()
	if t.trySave(nil); t.failing == nil {
		t.events.Saved(t.folder)
	}
	return nil
}

// trySave makes a checkpoint. That it fails, on a full disk for one, is no reason to lose what was learned: training
// goes on, and the next one may be written. What failed is in t.failing.
func (t *Trainer) trySave(row *report.Epoch) {
	t.saved = time.Now()
	if t.ranks.Rank() > 0 {
		return
	}
	before := t.failing
	t.failing = t.save(row)
	switch {
	case t.failing == nil && before != nil:
		t.events.Warn("checkpoints are written again")
	case t.failing != nil:
		if row != nil && row.Best {
			t.better = t.copyWeights(row)
		}
		t.events.Warn(fmt.Sprintf("checkpoint not written: %s; training goes on, and the next one is tried", report.Words(t.failing)))
	}
}

// How often the end of a run is tried to be saved, and how long is waited between: as long again each time.
const (
	lastTries = 9
	lastWait  = time.Second
)

// insist makes the last checkpoint, and tries again for some minutes if it fails: as long as the process lives, there
// are weights to save. The end of ctx ends it.
func (t *Trainer) insist(ctx context.Context, row *report.Epoch) error {
	wait := cmp.Or(t.opts.RetryWait, lastWait)
	for range lastTries {
		if t.failing == nil {
			return nil
		}
		t.events.Warn(fmt.Sprintf("trying again in %s", report.Clock(wait)))
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return fmt.Errorf("not saved: %w", t.failing)
		}
		wait *= 2
		t.trySave(row)
	}
	if t.failing != nil {
		return fmt.Errorf("not saved: %w", t.failing)
	}
	return nil
}

// copyWeights keeps the weights as they are.
func (t *Trainer) copyWeights(row *report.Epoch) *weights.File {
	f := &weights.File{Tensors: tensors(t.shown(), ""), Meta: t.meta(row)}
	for i := range f.Tensors {
		f.Tensors[i].Data = slices.Clone(f.Tensors[i].Data)
	}
	return f
}
