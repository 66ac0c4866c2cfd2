package train

import (
	"cmp"
	"context"
	"errors"
	"math"
	"runtime/debug"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
)

// Run trains to the end of the run, of its time, or of ctx, and saves. If ctx ends, the step that runs
// is finished and the error is an [*Interrupted]; if the loss is no number, a [*Diverged].
func (t *Trainer) Run(ctx context.Context) (report.Result, error) {
	t.begun, t.saved = time.Now(), time.Now()
	closeLog, err := t.open()
	if err := t.agree(err); err != nil {
		return report.Result{}, err
	}
	defer closeLog()
	debug.FreeOSMemory() // what compiling left behind
	t.events.Begin(t.Plan())

	var stopped string
	var last *report.Epoch
	if n := len(t.at.History); n > 0 {
		last = &t.at.History[n-1]
	}
	for t.at.Epoch < t.cfg.Epochs && stopped == "" {
		if t.exhausted() {
			stopped = "early stop"
			break
		}
		if stopped, err = t.train(ctx); err != nil {
			return report.Result{}, t.failed(err)
		}
		if stopped == "interrupted" {
			break
		}
		began := time.Now()
		row, err := t.evaluate(ctx)
		ended, late, lost := t.ranks.ask(ctx.Err() != nil, t.late())
		if ended {
			stopped = "interrupted"
			break
		}
		if err := cmp.Or(err, lost); err != nil {
			return report.Result{}, t.failed(err)
		}
		if stopped == "" && late && t.at.Epoch < t.cfg.Epochs {
			stopped = "time"
		}
		t.at.Seconds = t.seconds()
		t.trySave(row)
		last = row
		t.evalPace.add(row.Val.Images, t.saved.Sub(began)) // saving belongs to it
		t.tellBroken()
		t.events.Epoch(*row, t.left())
	}
	if stopped == "interrupted" {
		if err := t.checkpoint(); err != nil {
			return report.Result{}, t.failed(err)
		}
		last = nil // the weights are not those of the last evaluation
	}
	if err := t.insist(ctx, last); err != nil {
		return report.Result{}, t.failed(err)
	}
	if n := len(t.at.History); last == nil && n > 0 {
		last = &t.at.History[n-1]
	}
	if stopped == "" {
		if err := t.reviewBest(ctx); err != nil {
			t.events.Warn("no pictures of the best weights: " + report.Words(err))
		}
	}
	r := t.result(stopped, last)
	if t.ranks.Rank() == 0 {
		if err := errors.Join(t.writePictures(), t.writeCard(r)); err != nil {
			return r, err
		}
	}
	t.events.End(r)
	if stopped == "interrupted" {
		return r, &Interrupted{t.folder}
	}
	return r, nil
}

// train goes on to the end of the epoch, unless time or ctx end before.
func (t *Trainer) train(ctx context.Context) (stopped string, err error) {
	batches := t.loader.Batches()
	began, first := time.Now(), t.trainPace.rate() == 0
	// The loader does not see ctx: the step that runs is finished with the batch it has.
	for b, err := range t.loader.Epoch(context.WithoutCancel(ctx), t.at.Epoch, t.at.Batch) {
		if err != nil {
			return "", err
		}
		set, images := t.scheduler.At(t.at.Step), b.Of // the step gives the batch back
		if t.ranks.Size() > 1 {
			t.ranks.ended, t.ranks.late = ctx.Err() != nil, t.late()
		}
		if err := t.step(b, set); err != nil {
			return "", t.rescue(err)
		}
		t.lr = set.LR
		t.at.Step++
		t.at.Batch++
		now := time.Now()
		if !first || batches < 3 { // the first one also touches all the memory for the first time
			t.trainPace.add(images, now.Sub(began))
		}
		began, first = now, false
		t.events.Step(t.place())
		switch {
		case t.ended(ctx):
			return "interrupted", nil
		case t.outOfTime() && t.at.Batch < batches:
			return "time", nil
		case t.cfg.Checkpoint > 0 && now.Sub(t.saved) >= time.Duration(t.cfg.Checkpoint) && t.at.Batch < batches:
			if err := t.checkpoint(); err != nil {
				return "", err
			}
		}
	}
	if t.ended(ctx) {
		return "interrupted", nil
	}
	return "", nil
}

// step makes one update.
func (t *Trainer) step(b *datasets.Batch, set Hyper) error {
	t.counted = t.at.Tally
	t.keepBuffers()
	var sum gradients // of all ranks, for an update; nil while there are not yet enough batches
	if parts := t.graphs[b.Of]; t.shares != nil {
		whole, err := t.stepInShares(b, parts, set)
		if err != nil {
			return err
		}
		sum = t.gather(whole)
	} else {
		own, err := t.stepWhole(b, parts[0], set)
		if err != nil {
			return err
		}
		if sum = t.gather(own); sum != nil {
			if !t.reducer.overlap {
				t.reducer.begin(sum, b.N, b.Of)
			}
			if err := t.reducer.finish(); err != nil {
				return err
			}
		}
	}
	if sum != nil && t.cfg.Optimizer.Clip > 0 && !clip(t.pool, sum, len(t.trained), t.cfg.Optimizer.Clip) {
		return t.diverged(t.graphs[b.Of][0].trainingGraph, b, float64(t.graphs[b.Of][0].loss()), set.LR)
	}
	b.Release() // the next batch is prepared there while the parameters are updated
	if sum != nil {
		t.update(sum, set)
	}
	return nil
}

// stepWhole computes this rank's images of a batch at once, and returns their gradients.
func (t *Trainer) stepWhole(b *datasets.Batch, p *portion, set Hyper) (gradients, error) {
	if t.reducer.overlap {
		t.reducer.begin(p, b.N, b.Of)
	}
	failed := p.run(b.Images, t.targetsOf(b, 0), t.at.Step)
	if err := errors.Join(failed, t.reducer.settle()); err != nil {
		return nil, err
	}
	before := t.at.Tally
	loss := t.count(p, b)
	bad := math.IsNaN(loss) || math.IsInf(loss, 0)
	if bad && t.ranks.Size() == 1 {
		t.at.Tally = before
		return nil, t.diverged(p.trainingGraph, b, loss, set.LR)
	}
	if other, err := t.tallyTogether(before, bad); err != nil {
		return nil, err
	} else if bad {
		return nil, t.diverged(p.trainingGraph, b, loss, set.LR)
	} else if other {
		return nil, errDivergedElsewhere
	}
	return p, nil
}

// targetsOf is what a batch is to give; its images begin at number first of this rank's.
func (t *Trainer) targetsOf(b *datasets.Batch, first int) []float32 {
	switch wide := t.net.targets(); {
	case wide > 0:
		targets := t.targets[first*wide:][:b.N*wide]
		fill(t.learn, b.Index[:b.N], targets)
		return targets
	case t.targets != nil:
		targets := t.targets[first*t.net.Classes:][:b.N*t.net.Classes]
		t.weigh(b, targets)
		for i, w := range b.Weight {
			if w < 0.5 { // the training error is that of the class with the larger part
				b.Labels[i] = b.Second[i]
			}
		}
		return targets
	}
	return b.Labels
}

// count adds what a step says of a batch, and returns its loss.
func (t *Trainer) count(p *portion, b *datasets.Batch) float64 {
	loss, out := float64(p.loss()), p.session.Value(p.out)
	switch {
	case t.net.Objective != nil:
		targets := b.Labels
		if wide := t.net.targets(); wide > 0 {
			targets = t.targets[p.first*wide:][:b.N*wide]
		}
		t.at.Tally.judge(t.net.Objective, out, targets, b.N, loss)
	case t.net.Squared:
		t.at.Tally.squared(out, b.Labels)
	default:
		t.at.Tally.count(out, b.Labels, t.net.Classes)
		t.at.Tally.Loss += loss * float64(b.N)
	}
	return loss
}

// evaluate measures the parameters on the images that choose the best ones, and counts the epoch as done, if it is.
func (t *Trainer) evaluate(ctx context.Context) (*report.Epoch, error) {
	if err := t.shareBuffers(); err != nil {
		return nil, err
	}
	if t.notFinite() != "" {
		return nil, t.diverged(nil, nil, 0, t.lr)
	}
	place := t.place()
	seen := review{}
	keep := func(_ int, b *datasets.Batch, p []float64) { seen.add(b, p, t.net.Classes, nil) }
	if !t.net.classifies() {
		keep = nil
	}
	val, err := t.eval.measure(ctx, t.ranks, &t.net, t.val, keep, func(done int) {
		t.events.Evaluate(report.Progress{Done: done, Total: t.val.Len(), Step: place})
	})
	if err != nil {
		return nil, err
	}
	if math.IsNaN(val.Loss) || math.IsInf(val.Loss, 0) {
		return nil, t.diverged(nil, nil, val.Loss, t.lr)
	}
	batches := t.loader.Batches()
	row := report.Epoch{
		Epoch: float64(t.at.Epoch) + float64(t.at.Batch)/float64(batches), Step: t.at.Step, LR: t.lr,
		Train: t.at.Tally.metrics(), Val: val, Seconds: t.seconds(), Rate: t.trainPace.rate(),
	}
	row.Best = t.at.Best == nil || val.Better(t.at.Best.Val)
	if row.Best {
		t.at.Best = &row
		t.best = seen
	}
	if t.at.Batch == batches {
		if !t.net.classifies() && !val.Judged {
			t.scheduler.Observe(val.Loss)
		} else {
			t.scheduler.Observe(val.Top1)
		}
		t.at.History = append(t.at.History, row)
		t.at.Epoch, t.at.Batch, t.at.Tally = t.at.Epoch+1, 0, tally{}
	}
	return &row, nil
}

// exhausted reports whether there were enough epochs without a better result.
func (t *Trainer) exhausted() bool {
	return t.cfg.EarlyStop > 0 && t.at.Batch == 0 && t.at.Best != nil && float64(t.at.Epoch)-t.at.Best.Epoch >= float64(t.cfg.EarlyStop)
}
