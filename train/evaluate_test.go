package train

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

func members(t *testing.T, n int) EvalConfig {
	c := EvalConfig{Network: func(weights.Meta) (Network, error) { return tiny(), nil }, Images: split(t).Val}
	for seed := range n {
		cfg := tinyConfig()
		cfg.Seed, cfg.Epochs = uint64(seed), 1
		c.Weights = append(c.Weights, finish(t, begin(t, cfg, t.TempDir(), nil)).LastWeights)
	}
	return c
}

func TestAnEnsemblesTableAddsUp(t *testing.T) {
	c := members(t, 3)
	c.Worst = 5
	e, err := Evaluate(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, m := range e.Members {
		sum += m.Top1
	}
	if math.Abs(e.Mean.Top1-sum/3) > 1e-12 || e.Gain.Top1 != e.Mean.Top1-e.Ensemble.Top1 {
		t.Errorf("mean %v, gain %v of %+v", e.Mean, e.Gain, e.Members)
	}
	right, all := 0, 0
	for i, row := range e.Confusion.Counts {
		for j, n := range row {
			all += n
			if i == j {
				right += n
			}
		}
	}
	if all != 50 || math.Abs(e.Top1-float64(all-right)/50) > 1e-12 {
		t.Errorf("the confusion matrix has %d images, %d right: the error is %v", all, right, e.Top1)
	}
	for i, m := range e.Worst {
		if m.Class == m.Predicted || i > 0 && m.Probability < e.Worst[i-1].Probability {
			t.Errorf("worst mistakes: %+v", e.Worst)
		}
	}
	if len(e.Warnings) > 0 {
		t.Errorf("warnings: %q", e.Warnings)
	}
}

func TestEvaluateWarnsOfMembersThatAreNotIndependent(t *testing.T) {
	c := members(t, 1)
	c.Weights = append(c.Weights, c.Weights[0])
	e, err := Evaluate(context.Background(), c)
	if err != nil || len(e.Warnings) != 1 || !strings.Contains(e.Warnings[0], "share the seed 0") {
		t.Errorf("%q, %v", e.Warnings, err)
	}
	if e.Disagreement != 0 {
		t.Errorf("a network disagrees with itself on %v", e.Disagreement)
	}
	d := split(t)
	d.Train = blobs(t, datasets.Train, 100, 9)
	cfg := tinyConfig()
	cfg.Epochs = 1
	tr, err := New(cfg, tiny(), d, Options{Folder: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	c.Weights[1] = finish(t, tr).LastWeights
	if e, err = Evaluate(context.Background(), c); err != nil || len(e.Warnings) != 1 || !strings.Contains(e.Warnings[0], "different images") {
		t.Errorf("%q, %v", e.Warnings, err)
	}
}

func TestViewsAverageProbabilities(t *testing.T) {
	c := members(t, 1)
	c.Views = datasets.Views{Flip: true}
	e, err := Evaluate(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	// The same by hand.
	n, meta, params, err := c.open(c.Weights[0])
	if err != nil {
		t.Fatal(err)
	}
	tr := begin(t, tinyConfig(), t.TempDir(), nil)
	for _, p := range tr.params.All() {
		if q := params.Get(p.Name); q != nil {
			copy(p.Data, q.Data)
		}
	}
	tr.params.Changed()
	l, err := datasets.NewLoader(c.Images, datasets.Config{Batch: 32, Input: stored(meta, &n), Views: c.Views})
	if err != nil {
		t.Fatal(err)
	}
	loss := 0.0
	for b, err := range l.Epoch(context.Background(), 0, 0) {
		if err != nil {
			t.Fatal(err)
		}
		out, err := tr.eval.run(b.Images[:cap(b.Images)])
		if err != nil {
			t.Fatal(err)
		}
		for i, label := range b.Labels {
			p := make([]float64, 3)
			softmax(out[6*i:6*i+3], p)
			softmax(out[6*i+3:6*i+6], p)
			loss -= math.Log(p[int(label)] / 2)
		}
	}
	if math.Abs(loss/50-e.Loss) > 1e-6 {
		t.Errorf("loss %v, by hand %v", e.Loss, loss/50)
	}
	if e.OneCrop == nil || e.OneCrop.Loss == e.Loss || e.OneCrop.Crops != 1 || !e.Flip {
		t.Errorf("the single view: %+v", e.OneCrop)
	}
}

func TestAnEnsemblesGainIsItsMembersErrorsLessItsOwn(t *testing.T) {
	for _, c := range []struct {
		name           string
		mean, ensemble report.Metrics
		want           report.Gain
	}{
		{"both errors", report.Metrics{Top1: .5, Top5: report.Some(.25)}, report.Metrics{Top1: .375, Top5: report.Some(.0625)}, report.Gain{Top1: .125, Top5: report.Some(.1875)}},
		{"a loss", report.Metrics{Top1: .25, Top5: report.Some(.125)}, report.Metrics{Top1: .5, Top5: report.Some(.25)}, report.Gain{Top1: -.25, Top5: report.Some(-.125)}},
		{"of few classes", report.Metrics{Top1: .5}, report.Metrics{Top1: .25}, report.Gain{Top1: .25}},
	} {
		if got := gain(c.mean, c.ensemble); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}
