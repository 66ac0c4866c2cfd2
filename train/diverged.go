package train

import (
	"fmt"
	"math"
	"path/filepath"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// A Diverged error says that the loss, a gradient or a parameter is no number any more. Nothing of it was
// saved.
type Diverged struct {
	Epoch, Step int // of the step, from 1
	Loss, LR    float64
	Layer       string // the first in the order of computation with something that is not finite, if it was found
	Where       string // what that is: "the output of conv2", "the gradient of fc", "fc.weight", "image 17 of cifar-10"
	Kept        string // the last good checkpoint, if there is one
	KeptEpoch   float64

	advice string
}

func (e *Diverged) Error() string {
	what := fmt.Sprintf("the loss is %v", e.Loss)
	if !math.IsNaN(e.Loss) && !math.IsInf(e.Loss, 0) {
		what = "the weights are not finite"
	}
	if e.Where != "" {
		what += ", first in " + e.Where
	}
	text := fmt.Sprintf("%s in epoch %d, step %d, at the learning rate %.3g: %s", what, e.Epoch, e.Step, e.LR, e.advice)
	if e.Kept != "" {
		text += fmt.Sprintf("; the weights after epoch %g are kept in %s", e.KeptEpoch, e.Kept)
	}
	return text
}

// diverged finds out where it began. After a step that went wrong, its batch is computed once more; after
// an epoch, g and b are nil and only the parameters can be looked at.
func (t *Trainer) diverged(g *trainingGraph, b *datasets.Batch, loss, lr float64) error {
	e := &Diverged{Epoch: t.at.Epoch + 1, Step: t.at.Step + 1, Loss: loss, LR: lr}
	e.advice = fmt.Sprintf("try a lower one (--lr %.3g) or a warm-up (--set schedule.name=cosine --set schedule.warmup=1)", lr/10)
	last := filepath.Join(t.folder, report.LastFile)
	if r, err := weights.Open(last); err == nil {
		e.Kept, e.KeptEpoch = last, float64(r.Meta().Epoch)
		r.Close()
	}
	t.reducer.g = nil // the step that is computed once more sends nothing
	if together := t.cfg.SyncBatchNorm && (t.shares != nil || t.ranks.Size() > 1); together && g != nil {
		return e // others would have to compute it as well
	}
	if g == nil {
		e.Where = t.notFinite()
		return e
	}
	g.session.SetStep(uint64(t.at.Step)) // the same dropout masks
	fault, err := g.session.FirstFault()
	switch {
	case err != nil:
		return fmt.Errorf("%w; computing the step again: %w", e, err)
	case fault == nil: // it is in what was summed up over batches
		for i, p := range t.trained {
			if t.sums != nil && !kernel.Finite(t.pool, t.sums.gradient(i)) {
				e.Where = "the gradient of " + p.Name
				break
			}
		}
	case fault.What == "parameter":
		e.Layer, e.Where = fault.Layer, fault.Name
		if t.at.Step == 0 && t.cfg.Init != "" {
			e.advice = "it came with the initial weights, " + t.cfg.Init
		}
	case fault.What == "input":
		e.Layer, e.Where = fault.Layer, "the images"
		name := t.learn.Info().Name
		size := len(b.Images) / b.N
		for i := range b.N {
			if !kernel.Finite(t.pool, b.Images[i*size:(i+1)*size]) {
				e.Where = fmt.Sprintf("image %d of %s", b.Index[i], name)
				break
			}
		}
		e.advice = fmt.Sprintf("no rate can help; look at the image, and at the mean and deviation that images are normalised by (zoo data verify %s)", name)
	default:
		e.Layer, e.Where = fault.Layer, "the "+fault.What+" of "+fault.Layer
	}
	return e
}

// notFinite is the name of the first parameter that holds NaN or an infinity.
func (t *Trainer) notFinite() string {
	for _, p := range t.params.All() {
		if !kernel.Finite(t.pool, p.Data) {
			return p.Name
		}
	}
	return ""
}
