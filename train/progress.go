package train

import (
	"math"
	"path/filepath"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
)

// Plan says what Run will do, and what memory it needs.
func (t *Trainer) Plan() report.Plan {
	info := t.learn.Info()
	p := report.Plan{
		Folder: t.folder, Network: t.net.Name, Variant: t.net.Variant, Data: info.Name,
		Images: t.loader.Len(), ValImages: t.val.Len(), Notes: t.notes(), Input: t.net.Input, Classes: t.net.Classes,
		Batch: t.cfg.Batch, Epochs: t.cfg.Epochs, Steps: t.cfg.Epochs * t.loader.Batches(), Done: t.at.Step,
		Threads: t.pool.Threads(), Parameters: t.params.Count(), Begins: t.begins,
		Seconds: round(t.estimated.Seconds(), 1),
	}
	for _, q := range t.params.All() {
		if q.Frozen {
			p.Frozen += int64(q.Len())
		}
	}
	var apart int64 // of shares that are computed side by side, besides the first
	for _, parts := range t.graphs {
		beside := int64(0)
		for k, g := range parts {
			p.MACs = g.macs
			if k == 0 || t.shares == nil || t.shares.lock == nil {
				addMemory(&p.Memory, g.session)
				continue
			}
			size := g.session.Memory()
			beside += size.Values + size.Scratch
			p.Memory.Packed += size.Packed
		}
		apart = max(apart, beside)
	}
	p.Memory.Values += apart
	addMemory(&p.Memory, t.eval.session)
	for _, s := range t.progress()[len(t.params.All()):] {
		p.Memory.Optimizer += 4 * int64(len(s.Data))
	}
	p.Memory.Loader = t.loader.Memory() + t.val.Memory()
	p.Disk = t.disk()
	return p
}

// late reports whether the time that is left is needed for the last evaluation.
func (t *Trainer) late() bool {
	if t.cfg.Time == 0 {
		return false
	}
	return time.Since(t.begun)+estimate(t.trainPace, t.evalPace, 0, t.val.Len()) >= time.Duration(t.cfg.Time)
}

// left is the time to the run's end, at the pace measured; 0 before the first measurement.
func (t *Trainer) left() time.Duration {
	done := t.at.Epoch*t.loader.Len() + min(t.at.Batch*t.cfg.Batch, t.loader.Len())
	d := estimate(t.trainPace, t.evalPace, t.cfg.Epochs*t.loader.Len()-done, (t.cfg.Epochs-t.at.Epoch)*t.val.Len())
	if t.cfg.Time > 0 {
		d = min(d, max(time.Duration(t.cfg.Time)-time.Since(t.begun), 0))
	}
	return d
}

func (t *Trainer) seconds() float64 {
	return math.Round(1000*(t.before+time.Since(t.begun).Seconds())) / 1000
}

func (t *Trainer) place() report.Step {
	batches := t.loader.Batches()
	return report.Step{
		Epoch: min(t.at.Epoch+1, t.cfg.Epochs), Epochs: t.cfg.Epochs, Batch: t.at.Batch, Batches: batches,
		Step: t.at.Step, Steps: t.cfg.Epochs * batches, LR: t.lr,
		Train: t.at.Tally.metrics(), Rate: t.trainPace.rate(), Left: t.left(),
	}
}

// tellBroken tells of the images that were skipped since it was last called.
func (t *Trainer) tellBroken() {
	var list []datasets.BrokenImage
	for _, b := range append(t.loader.Broken(), t.val.Broken()...) {
		if text := b.Err.Error(); !t.broken[text] {
			t.broken[text] = true
			list = append(list, b)
		}
	}
	if len(list) > 0 {
		t.events.Broken(list)
	}
}

func (t *Trainer) result(stopped string, last *report.Epoch) report.Result {
	r := report.Result{
		Folder: t.folder, Network: t.net.Name, Data: t.learn.Info().Name, Stopped: stopped,
		Epochs: float64(t.at.Epoch) + float64(t.at.Batch)/float64(t.loader.Batches()), Steps: t.at.Step,
		Last: last, Best: t.at.Best, LastWeights: filepath.Join(t.folder, report.LastFile), Seconds: t.seconds(), PeakMB: PeakRSS() >> 20,
		Broken: len(t.broken),
	}
	if r.Best != nil {
		r.BestWeights = filepath.Join(t.folder, report.BestFile)
	}
	return r
}

// addMemory counts sessions that share parameters and a workspace.
func addMemory(m *report.Memory, sessions ...*graph.Session) {
	for _, s := range sessions {
		size := s.Memory()
		m.Parameters = max(m.Parameters, size.Parameters)
		m.Values = max(m.Values, size.Values+size.Scratch)
		m.Packed += size.Packed
	}
}
