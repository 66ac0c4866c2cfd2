package train

import (
	"context"
	"fmt"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

// What an estimate may cost: multiply-adds of a step that is timed as it is, multiply-adds of the smaller
// of two steps that stand for a larger one, and how long steps are timed.
const (
	estimateWhole = 60e9
	estimatePart  = 25e9
	estimateTime  = 1500 * time.Millisecond
)

// Estimate measures how long the run would take: all its epochs' steps and evaluations, at the pace of a
// few steps on the first batches, with a learning rate of zero. Of a network whose step takes seconds it
// times steps of fewer images, and takes the time of a step to be a linear function of their number. It
// takes a few seconds itself, and tells nothing of a machine that becomes busier. An ensemble takes the sum
// of its members, and [Config].Time bounds the result, which [Trainer.Plan] tells from then on. The trainer,
// whose batch statistics and optimiser have moved, is not for [Trainer.Run] any more.
func (t *Trainer) Estimate(ctx context.Context) (time.Duration, error) {
	if n := t.ranks.Size(); n > 1 {
		return 0, fmt.Errorf("an estimate is made by one process, not by %d", n)
	}
	var step time.Duration
	var err error
	work := float64(3*t.Plan().MACs) * float64(t.cfg.Batch)
	if work <= estimateWhole || t.cfg.Batch == 1 {
		step, err = t.timeSteps(ctx)
	} else {
		step, err = t.timeSmallSteps(ctx)
	}
	if err != nil {
		return 0, err
	}
	image, err := t.timeEvaluation(ctx)
	if err != nil {
		return 0, err
	}
	run := t.lasting(step, image)
	t.estimated = run
	return run, nil
}

// lasting is how long the run takes where a step of a whole batch and the evaluation of an image take so long.
func (t *Trainer) lasting(step, image time.Duration) time.Duration {
	// Images and not steps, for the last batch of an epoch is smaller.
	epoch := time.Duration(float64(step)/float64(min(t.cfg.Batch, t.loader.Len()))*float64(t.loader.Len())) + image*time.Duration(t.val.Len())
	run := time.Duration(t.cfg.Epochs*max(t.cfg.Ensemble, 1)) * epoch
	if t.cfg.Time > 0 {
		run = min(run, time.Duration(t.cfg.Time))
	}
	return run
}

// timeSteps is the mean time of a step, with its batch from the loader.
func (t *Trainer) timeSteps(ctx context.Context) (time.Duration, error) {
	at := t.at
	defer func() { t.at = at }()
	still := Hyper{Momentum: base(t.cfg).Momentum}
	steps, begun := 0, time.Time{}
	for b, err := range t.loader.Epoch(ctx, 0, 0) {
		if err != nil {
			return 0, err
		}
		if b.N < min(t.cfg.Batch, t.loader.Len()) && steps > 0 {
			break
		}
		if err := t.step(b, still); err != nil {
			return 0, err
		}
		if steps == 0 { // the first one also touches all the memory for the first time
			begun = time.Now()
		}
		if steps++; time.Since(begun) > estimateTime {
			break
		}
	}
	if steps == 1 { // an epoch of one batch, which was the first
		return t.timeSmallSteps(ctx)
	}
	return time.Since(begun) / time.Duration(steps-1), nil
}

// timeSmallSteps draws a line through the times of two steps of few images.
func (t *Trainer) timeSmallSteps(ctx context.Context) (time.Duration, error) {
	images := min(t.cfg.Batch, t.loader.Len())
	small := min(max(1, int(estimatePart/float64(3*t.Plan().MACs+1))), max(1, images/2))
	for b, err := range t.loader.Epoch(ctx, 0, 0) {
		if err != nil {
			return 0, err
		}
		first, err := t.timeSmallStep(b.Images, b.Labels, small, b.N)
		if err != nil || 2*small > b.N {
			return first * time.Duration(images) / time.Duration(small), err
		}
		second, err := t.timeSmallStep(b.Images, b.Labels, 2*small, b.N)
		if err != nil {
			return 0, err
		}
		return extrapolated(first, second, small, images), nil
	}
	return 0, nil
}

// extrapolated is the time of a step of so many images by those of two steps of fewer, the second one of twice as many
// as the first.
func extrapolated(first, second time.Duration, small, images int) time.Duration {
	slope := max(second-first, second/4) / time.Duration(small) // timing is rough: never a line that hardly rises
	return second + slope*time.Duration(images-2*small)
}

// timeSmallStep times a step of the first n of a batch's images, after one that is not counted.
func (t *Trainer) timeSmallStep(images, labels []float32, n, of int) (time.Duration, error) {
	g, err := t.net.training(t.params, n, t.cfg.Smoothing, false, graph.Config{Pool: t.pool, Seed: t.cfg.Seed}, nil)
	if err != nil {
		return 0, err
	}
	images, labels = images[:len(images)/of*n], labels[:len(labels)/of*n]
	if wide := t.net.targets(); wide > 0 {
		labels = make([]float32, n*wide)
	}
	still := Hyper{Momentum: base(t.cfg).Momentum}
	begun := time.Now()
	for i := range 2 {
		if i == 1 {
			begun = time.Now()
		}
		if err := g.run(images, labels, 0); err != nil {
			return 0, err
		}
		t.updater.update(t.pool, i, still, g)
		t.params.Changed()
	}
	return time.Since(begun), nil
}

// timeEvaluation is the mean time of an image's evaluation.
func (t *Trainer) timeEvaluation(ctx context.Context) (time.Duration, error) {
	for b, err := range t.val.Epoch(ctx, 0, 0) {
		if err != nil {
			return 0, err
		}
		n := min(cap(b.Labels), max(1, int(estimatePart/float64(t.eval.macs+1))))
		g, err := t.net.evaluation(t.params, n, graph.Config{Pool: t.pool})
		if err != nil {
			return 0, err
		}
		images := b.Images[:cap(b.Images)][:cap(b.Images)/cap(b.Labels)*n]
		runs, begun := 0, time.Time{}
		for runs < 2 || time.Since(begun) < estimateTime/5 {
			if _, err := g.run(images); err != nil {
				return 0, err
			}
			if runs == 0 { // it packs the filters, too
				begun = time.Now()
			}
			runs++
		}
		return time.Since(begun) / time.Duration(n*(runs-1)), nil
	}
	return 0, nil
}
