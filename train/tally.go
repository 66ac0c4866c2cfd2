package train

import (
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"math"
)

// A tally counts up to metrics, image by image.
type tally struct {
	Images  int     `json:"images"`
	Loss    float64 `json:"loss"` // sum over images
	Wrong1  int     `json:"wrong1"`
	Wrong5  int     `json:"wrong5"`
	Few     bool    `json:"few,omitempty"` // five classes or fewer: all are among the first five
	Squared bool    `json:"squared,omitempty"`

	Objective string  `json:"objective,omitempty"` // its name
	Judged    bool    `json:"judged,omitempty"`    // it has errors
	Errors    float64 `json:"errors,omitempty"`    // their sum
}

func (t *tally) metrics() report.Metrics {
	n := float64(max(t.Images, 1))
	if t.Objective != "" {
		return report.Metrics{Images: t.Images, Loss: t.Loss / n, Top1: t.Errors / n, Objective: t.Objective, Judged: t.Judged}
	}
	m := report.Metrics{Images: t.Images, Loss: t.Loss / n, Top1: float64(t.Wrong1) / n, Squared: t.Squared}
	if !t.Few && !t.Squared {
		m.Top5 = report.Some(float64(t.Wrong5) / n)
	}
	return m
}

// count adds images by their outputs, N×classes, to all but the loss.
func (t *tally) count(out, labels []float32, classes int) {
	t.Images += len(labels)
	t.Few = classes <= 5
	for i, label := range labels {
		switch r := rank(out[i*classes:(i+1)*classes], int(label)); {
		case r >= 5:
			t.Wrong5++
			fallthrough
		case r >= 1:
			t.Wrong1++
		}
	}
}

// squared adds images of a network that is trained on a squared distance.
func (t *tally) squared(out, targets []float32) {
	t.Squared = true
	t.Images += len(targets)
	for i, v := range targets {
		d := float64(out[i]) - float64(v)
		t.Loss += float64(d * d)
		if out[i]*v <= 0 { // neither sign is wrong as well
			t.Wrong1++
		}
	}
}

// judge adds images as an objective does, with the loss of their batch.
func (t *tally) judge(o *Objective, out, targets []float32, images int, loss float64) {
	t.Objective, t.Judged = o.Name, o.Error != nil
	t.Images += images
	t.Loss += float64(loss * float64(images))
	if o.Error == nil {
		return
	}
	wide, each := len(out)/images, len(targets)/images
	for i := range images {
		t.Errors += o.Error(out[i*wide:(i+1)*wide], targets[i*each:(i+1)*each])
	}
}

// rank is the number of classes that come before the label: those with a higher output, or an equal
// one and a lower number. A label whose output is not a number comes last.
func rank(out []float32, label int) int {
	of, r := out[label], 0
	for c, v := range out {
		if v > of || v == of && c < label || of != of && c != label {
			r++
		}
	}
	return r
}

// crossEntropy is -log of the softmax of the label's output.
func crossEntropy(out []float32, label int) float64 {
	top := float64(out[0])
	for _, v := range out {
		top = max(top, float64(v))
	}
	sum := 0.0
	for _, v := range out {
		sum += math.Exp(float64(v) - top)
	}
	return math.Log(sum) + (top - float64(out[label])) // in this order: top may be so large that log(sum) vanishes beside it
}

// softmax adds the probabilities of one image to p.
func softmax(out []float32, p []float64) {
	top := out[0]
	for _, v := range out {
		top = max(top, v)
	}
	sum := 0.0
	for _, v := range out {
		sum += math.Exp(float64(v) - float64(top))
	}
	for c, v := range out {
		p[c] += math.Exp(float64(v)-float64(top)) / sum
	}
}
