package train

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/lettering"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
)

// smoothing is that of the loss: weighted classes have smoothed targets already.
func (t *Trainer) smoothing() float64 {
	if t.classWeights != nil {
		return 0
	}
	return t.cfg.Smoothing
}

// weigh writes the targets of a batch, N×classes, where they are more than one class an image. With class weights w the
// loss is what PyTorch's cross_entropy makes of them: Σ w·t·-log p over the sum of the weights of the images' classes.
func (t *Trainer) weigh(b *datasets.Batch, targets []float32) {
	classes := t.net.Classes
	b.Targets(targets, classes, 0)
	if t.classWeights == nil {
		return // the loss smooths them
	}
	total := 0.0
	for i := range targets {
		total += float64(t.weight(i%classes) * targets[i])
	}
	if total == 0 {
		return
	}
	scale := float64(b.N) / total // the loss is the mean over the images
	s := t.cfg.Smoothing
	for i, v := range targets {
		smooth := float64((1-s)*float64(v)) + s/float64(classes) // rounded twice on every processor
		targets[i] = float32(scale * float64(t.weight(i%classes)) * smooth)
	}
}

// weight is that of a class; those that the data does not have weigh nothing.
func (t *Trainer) weight(class int) float32 {
	if class < len(t.classWeights) {
		return t.classWeights[class]
	}
	return 0
}

// notes says what is to know of the data before a run.
func (t *Trainer) notes() []string {
	notes := slices.Clone(datasets.Notes(t.learn))
	if t.choose != nil {
		for _, note := range datasets.Notes(t.choose) {
			if !slices.Contains(notes, note) {
				notes = append(notes, note)
			}
		}
	}
	notes = append(notes, t.ranksNote()...)
	if names := t.learn.Info().Classes; len(names) > 0 && len(t.counts) > 0 {
		low, high := slices.Min(t.counts), slices.Max(t.counts)
		text := fmt.Sprintf("%d classes: %s; %s training images in each", len(names), listed(names), report.Group(int64(low)))
		if low != high {
			text = fmt.Sprintf("%d classes: %s; %s to %s training images in each (%s, %s)", len(names), listed(names), report.Group(int64(low)), report.Group(int64(high)),
				report.Plain(names[slices.Index(t.counts, low)]), report.Plain(names[slices.Index(t.counts, high)]))
		}
		if n := t.cfg.Limit; n > 0 && n < t.learn.Len() {
			text += fmt.Sprintf(", of which %s in all are taken (limit)", report.Group(int64(n)))
		}
		notes = append(notes, text)
		if replaced := lettering.Replaced(names); replaced != "" {
			notes = append(notes, replaced)
		}
		if high > 4*max(low, 1) && t.cfg.ClassWeights == "" && t.cfg.Sampling == "" {
			notes = append(notes, "the classes differ much in size: --set class_weights=balanced or --set sampling=balanced gives each the same part")
		}
	}
	if t.cfg.ClassWeights != "" {
		var list []string
		for c, w := range t.classWeights[:min(len(t.classWeights), 10)] {
			list = append(list, fmt.Sprintf("%s %.3g", report.Plain(t.learn.Info().Classes[c]), w))
		}
		notes = append(notes, "weights of the classes in the loss: "+strings.Join(list, ", "))
	}
	if t.cfg.Sampling != "" {
		notes = append(notes, "balanced sampling: each class has the same part of an epoch")
	}
	return append(notes, chosenBy(t.cfg, t.learn, t.choose))
}
