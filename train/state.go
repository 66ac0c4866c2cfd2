package train

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// state is a run's place: with parameters and the optimiser's state all that the rest of the run
// depends on. The order of the images and the dropout masks are functions of seed, epoch and step.
type state struct {
	Format    int             `json:"format"` // 2
	Epoch     int             `json:"epoch"`  // done and evaluated
	Batch     int             `json:"batch"`  // done of the next epoch
	Step      int             `json:"step"`   // done in all
	Tally     tally           `json:"tally"`  // of the next epoch
	Scheduler json.RawMessage `json:"course"` // its state
	History   []report.Epoch  `json:"history"`
	Best      *report.Epoch   `json:"best,omitempty"`
	Seconds   float64         `json:"seconds"` // that the run has taken
	Seed      uint64          `json:"seed"`
	Data      string          `json:"data"`     // checksum of the training images
	ValData   string          `json:"val_data"` // checksum of those that choose the best weights
	Config    json.RawMessage `json:"config"`   // what the run was saved with
}

const (
	stateFormat = 2
	stateKey    = "zoo.train_state"
	paramPrefix = "param."
	// WholeData is the key of weights' metadata for the checksum of the images that those that were learned from, and those
	// that were held out, come from.
	WholeData = "zoo.data_whole"
	// ValChecksum is the key for the checksum of the images that chose the best weights.
	ValChecksum = "zoo.val_checksum"
	// ObjectiveKey is the key for the name of the [Objective], where there is one.
	ObjectiveKey = "zoo.objective"
)

// tensors lists parameters for a file. They are not copied.
func tensors(params *graph.Params, prefix string) []weights.Tensor {
	var list []weights.Tensor
	for _, p := range params.All() {
		list = append(list, weights.Tensor{Name: prefix + p.Name, Shape: p.Shape, Data: p.Data})
	}
	return list
}

// saveState writes the run's place, with parameters of its own: a crash between the writing of two
// files cannot leave a state that belongs to other weights.
func (t *Trainer) saveState() error {
	var err error
	if t.at.Scheduler, err = json.Marshal(t.scheduler); err != nil {
		return err
	}
	if t.at.Config, err = json.Marshal(t.cfg); err != nil {
		return err
	}
	text, err := json.Marshal(t.at)
	if err != nil {
		return err
	}
	return weights.Save(filepath.Join(t.folder, report.StateFile), &weights.File{
		Tensors: t.progress(),
		Meta: weights.Meta{
			Network: t.net.Name, Variant: t.net.Variant, Options: t.net.Options, Seed: t.cfg.Seed,
			Extra: map[string]string{stateKey: string(text)},
		},
	})
}

// loadState goes to the place of the state file.
func (t *Trainer) loadState() error {
	path := filepath.Join(t.folder, report.StateFile)
	r, err := weights.Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	var at state
	text, ok := r.Meta().Extra[stateKey]
	if !ok {
		return fmt.Errorf("%s: not the state of a run", path)
	}
	if err := json.Unmarshal([]byte(text), &at); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if t.changes, err = changes(at.Config, t.cfg); err != nil {
		return fmt.Errorf("%s: %w", filepath.Dir(path), err)
	}
	switch batches := t.loader.Batches(); {
	case at.Format != stateFormat:
		return fmt.Errorf("%s: state of format %d: this program reads %d", path, at.Format, stateFormat)
	case at.Data != t.at.Data:
		return fmt.Errorf("%s: the run's training images are %s, these are %s: it would not go on as it began", path, at.Data, t.at.Data)
	case at.ValData != t.at.ValData:
		return fmt.Errorf("%s: the images that choose the run's best weights are %s, these are %s", path, at.ValData, t.at.ValData)
	case at.Seed != t.cfg.Seed:
		return fmt.Errorf("%s: the run's seed is %d, the configuration says %d", path, at.Seed, t.cfg.Seed)
	case at.Epoch > t.cfg.Epochs:
		return fmt.Errorf("%s: %d epochs are done, and the run is to have %d", filepath.Dir(path), at.Epoch, t.cfg.Epochs)
	case at.Epoch < 0 || at.Batch < 0 || at.Batch > batches || at.Step != at.Epoch*batches+at.Batch || len(at.History) != at.Epoch:
		return fmt.Errorf("%s: epoch %d, batch %d, step %d do not fit together with %d batches an epoch", path, at.Epoch, at.Batch, at.Step, batches)
	}
	if err := json.Unmarshal(at.Scheduler, t.scheduler); err != nil {
		return fmt.Errorf("%s: schedule: %w", path, err)
	}
	want := t.progress()
	var have []weights.Spec
	for _, w := range want {
		have = append(have, weights.Spec{Name: w.Name, Shape: w.Shape})
	}
	if err := r.Match(have); err != nil {
		return err
	}
	err = r.ReadInto(func(name string, _ []int) []float32 {
		return want[slices.IndexFunc(want, func(w weights.Tensor) bool { return w.Name == name })].Data
	})
	if err != nil {
		return err
	}
	t.params.Changed()
	if t.averaged != nil {
		t.averaged.Changed()
	}
	t.at = at
	return nil
}

// meta is what weights files say of the weights as they are now. Nothing in it depends on threads or
// times: equal runs give equal bytes.
func (t *Trainer) meta(row *report.Epoch) weights.Meta {
	info := t.learn.Info()
	m := weights.Meta{
		Network: t.net.Name, Variant: t.net.Variant, Options: t.net.Options,
		Classes: t.net.Classes, Input: t.net.Input[:], Preprocessing: preprocessing(t.loader.Input()),
		Seed: t.cfg.Seed, Data: t.cfg.Data, DataChecksum: t.at.Data, Epoch: t.at.Epoch, Recipe: t.cfg.Recipe,
		Extra: map[string]string{"zoo.step": fmt.Sprint(t.at.Step), ValChecksum: t.at.ValData},
	}
	if s, ok := t.learn.(*datasets.Subset); ok {
		if sum, err := s.Of().Checksum(); err == nil {
			m.Extra[WholeData] = sum
		}
	}
	if len(info.Classes) == t.net.Classes {
		m.ClassNames = info.Classes
	}
	if t.net.Objective != nil {
		m.Extra[ObjectiveKey] = t.net.Objective.Name
	}
	if row != nil {
		// Of the images that chose the weights; what others say, zoo eval tells.
		m.Metrics = map[string]float64{"val_loss": row.Val.Loss, "val_top1_error": row.Val.Top1}
		if row.Val.Top5.Known {
			m.Metrics["val_top5_error"] = row.Val.Top5.Value
		}
		if row.Val.Objective != "" {
			m.Metrics = map[string]float64{"val_loss": row.Val.Loss}
			if row.Val.Judged {
				m.Metrics["val_error"] = row.Val.Top1
			}
		}
		if row.Val.Squared {
			m.Metrics = map[string]float64{"val_mse": row.Val.Loss, "val_sign_right": 1 - row.Val.Top1}
		}
	}
	return m
}

// save makes a checkpoint. Row is the evaluation of the weights as they are, or nil if there is none.
// The state comes last of what the run goes on with: until it is written, a run that goes on repeats what the other files tell.
func (t *Trainer) save(row *report.Epoch) error {
	last, best := filepath.Join(t.folder, report.LastFile), filepath.Join(t.folder, report.BestFile)
	file := &weights.File{Tensors: tensors(t.shown(), ""), Meta: t.meta(row)}
	if err := weights.Save(last, file); err != nil {
		return err
	}
	if t.better != nil && !(row != nil && row.Best) {
		if err := weights.Save(best, t.better); err != nil {
			return err
		}
	}
	var also []string // names for the same weights
	if row != nil && row.Best {
		also = append(also, best)
	}
	if k := t.cfg.Keep; row != nil && k > 0 && t.at.Batch == 0 && (t.at.Epoch%k == 0 || t.at.Epoch == t.cfg.Epochs) {
		also = append(also, filepath.Join(t.folder, report.EpochFile(t.at.Epoch)))
	}
	for _, name := range also {
		// A second name for the same file, which nobody writes to: the next last.safetensors will be another
		// file under this name.
		aside := name + ".tmp"
		os.Remove(aside)
		if err := os.Link(last, aside); err == nil {
			if err := os.Rename(aside, name); err != nil {
				return err
			}
		} else if err := weights.Save(name, file); err != nil {
			return err
		}
	}
	if err := t.saveState(); err != nil {
		return err
	}
	t.better = nil
	return t.saveMetrics(row)
}

// saveMetrics writes the history, and the row of an epoch that its time ended. It comes after the state: where there is
// a history, there was a state.
func (t *Trainer) saveMetrics(row *report.Epoch) error {
	rows := t.at.History
	if row != nil && (len(rows) == 0 || rows[len(rows)-1].Step != row.Step) {
		rows = append(slices.Clip(rows), *row)
	}
	return writeText(filepath.Join(t.folder, report.MetricsFile), report.Table(rows))
}
