package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// bright is a data set of the blobs whose targets say which of the three bands of an image are bright: one of them,
// and a second one in every other image.
type bright struct{ datasets.Source }

func (s bright) Target(i int, dst []float32) {
	clear(dst)
	dst[s.Label(i)] = 1
}

// multiLabel trains the tiny network for all of its classes by themselves.
func multiLabel() Network {
	n := tiny()
	n.Objective = MultiLabel(3)
	return n
}

// embedding trains the tiny network so that images of a class have outputs that lie close together: the mean over all
// triplets of an image, one of its class and one of another, of max(0, d(same) - d(other) + 1).
func embedding() Network {
	n := tiny()
	n.Objective = &Objective{Name: "triplet loss", Loss: tripletLoss}
	return n
}

func tripletLoss(b *graph.Builder, output, labels *gorgonia.Node) *gorgonia.Node {
	n, wide := output.Shape()[0], output.Shape()[1]
	d := b.Combine(b.Reshape(output, n, 1, wide), b.Reshape(output, 1, n, wide), graph.Minus)
	d = b.Reduce(b.Apply(d, graph.Function{Kind: graph.Square}), graph.SumOf, 2) // N×N×1
	apart := b.Apply(b.Combine(b.Reshape(labels, n, 1), b.Reshape(labels, 1, n), graph.Minus), graph.Function{Kind: graph.Abs})
	other := b.Apply(apart, graph.Function{Kind: graph.Clip, A: 0, B: 1}) // 1 where classes differ
	same := b.Apply(other, graph.Function{Kind: graph.Linear, A: -1, B: 1})
	margin := b.Apply(b.Combine(b.Reshape(d, n, n, 1), b.Reshape(d, n, 1, n), graph.Minus), graph.Function{Kind: graph.Linear, A: 1, B: 1})
	counts := b.Combine(b.Reshape(same, n, n, 1), b.Reshape(other, n, 1, n), graph.Times)
	total := b.Reshape(b.Reduce(b.Combine(counts, b.ReLU(margin), graph.Times), graph.SumOf, 0, 1, 2))
	number := b.Reshape(b.Reduce(counts, graph.SumOf, 0, 1, 2))
	// The division is Gorgonia's own node: any will do.
	loss, err := gorgonia.Div(total, b.Apply(number, graph.Function{Kind: graph.Linear, A: 1, B: 1e-6}))
	if err != nil {
		b.Errorf("triplet loss: %w", err)
		return nil
	}
	return loss
}

func TestAnyObjectiveTrainsIsEvaluatedAndGoesOn(t *testing.T) {
	whole := split(t)
	for _, c := range []struct {
		net   Network
		data  datasets.Split
		below float64 // the loss in the end
		error float64
	}{
		{multiLabel(), datasets.Split{Train: bright{whole.Train}, Val: bright{whole.Val}}, 0.3, 0.1},
		{multiLabel(), datasets.Split{Train: bright{whole.Train}}, 0.4, 0.2}, // a fifth is held out
		{embedding(), whole, 0.5, 0},
	} {
		t.Run(fmt.Sprintf("%s, held out: %v", c.net.Objective.Name, c.data.Val == nil), func(t *testing.T) {
			cfg := tinyConfig()
			cfg.Epochs, cfg.Schedule, cfg.EvalBatch = 12, recipe.Schedule{Name: "cosine"}, 16 // 50 = 3·16 + 2
			start := func(folder string, events report.Events) *Trainer {
				tr, err := New(cfg, c.net, c.data, Options{Folder: folder, Events: events})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(tr.Close)
				return tr
			}
			r := finish(t, start(t.TempDir(), nil))
			first := r.Last
			if r.Best.Val.Loss > c.below || r.Best.Val.Objective != c.net.Objective.Name || r.Best.Val.Judged != (c.net.Objective.Error != nil) || r.Best.Val.Top1 > c.error {
				t.Errorf("the best weights have %+v", r.Best.Val)
			}
			if first.Train.Loss <= 0 || first.Train.Objective == "" {
				t.Errorf("in training %+v", first.Train)
			}

			folder := t.TempDir()
			ctx, cancel := context.WithCancel(context.Background())
			if _, err := start(folder, hook{step: func(step int) {
				if step == 31 {
					cancel()
				}
			}}).Run(ctx); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			saved, err := ReadConfig(folder)
			if err != nil {
				t.Fatal(err)
			}
			tr, err := Resume(folder, saved, c.net, c.data, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer tr.Close()
			finish(t, tr)
			compare(t, r.Folder, folder)

			if c.data.Val == nil {
				return
			}
			e, err := Evaluate(context.Background(), EvalConfig{
				Weights: []string{r.LastWeights}, Images: c.data.Val, Batch: 16,
				Network: func(m weights.Meta) (Network, error) {
					if m.Extra[ObjectiveKey] != c.net.Objective.Name {
						t.Errorf("the file says %q", m.Extra[ObjectiveKey])
					}
					return c.net, nil
				},
			})
			if err != nil || e.Metrics != r.Last.Val {
				t.Errorf("evaluated to %+v (%v), training said %+v", e.Metrics, err, r.Last.Val)
			}
			card := string(read(t, r.Folder, report.CardFile))
			if !strings.Contains(strings.ToLower(card), c.net.Objective.Name) {
				t.Errorf("the card does not say what it was trained for:\n%s", card)
			}
			if _, err := ReadCurve(r.Folder); err != nil {
				t.Error(err)
			}
		})
	}
}

// The loss of a batch, by hand.
func TestTheLossOfAnObjectiveIsThatOfItsOutputs(t *testing.T) {
	data := split(t)
	cfg := tinyConfig()
	tr, err := New(cfg, multiLabel(), datasets.Split{Train: bright{data.Train}, Val: bright{data.Val}}, Options{Folder: filepath.Join(t.TempDir(), "run")})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	m, err := tr.eval.measure(context.Background(), tr.ranks, &tr.net, tr.val, nil, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	var loss, wrong float64
	n := tiny()
	g, err := n.evaluation(tr.params, 50, graph.Config{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := datasets.NewLoader(data.Val, datasets.Config{Batch: 50, Input: tr.val.Input()})
	if err != nil {
		t.Fatal(err)
	}
	for b, err := range l.Epoch(context.Background(), 0, 0) {
		if err != nil {
			t.Fatal(err)
		}
		out, err := g.run(b.Images)
		if err != nil {
			t.Fatal(err)
		}
		for i, label := range b.Labels {
			for c := range 3 {
				x := float64(out[3*i+c])
				p := 1 / (1 + math.Exp(-x))
				if c == int(label) {
					loss -= math.Log(p)
					if x <= 0 {
						wrong++
					}
				} else {
					loss -= math.Log(1 - p)
					if x > 0 {
						wrong++
					}
				}
			}
		}
	}
	if math.Abs(m.Loss-loss/150) > 1e-5 || math.Abs(m.Top1-wrong/150) > 1e-9 || m.Images != 50 {
		t.Errorf("measured %+v, by hand %v and %v", m, loss/150, wrong/150)
	}
}

func TestABadObjectiveIsAnError(t *testing.T) {
	data := split(t)
	targets := datasets.Split{Train: bright{data.Train}, Val: bright{data.Val}}
	ok := MultiLabel(3).Loss
	for name, c := range map[string]struct {
		objective *Objective
		data      datasets.Split
		change    func(*recipe.Config)
		want      string
	}{
		"without a loss":            {&Objective{Name: "nothing"}, data, nil, "a name and a Loss are needed"},
		"without a name":            {&Objective{Loss: ok}, data, nil, "a name and a Loss are needed"},
		"data without targets":      {MultiLabel(3), data, nil, "the data set blobs has none: it needs a method Target"},
		"as many targets as none":   {&Objective{Name: "x", Targets: -1, Loss: ok}, targets, nil, "-1 targets"},
		"another number of targets": {MultiLabel(2), targets, nil, "tiny: binary cross-entropy"},
		"a loss for each image":     {&Objective{Name: "each", Loss: func(_ *graph.Builder, out, _ *gorgonia.Node) *gorgonia.Node { return out }}, data, nil, "each: its Loss has the shape"},
		"no node":                   {&Objective{Name: "none", Loss: func(*graph.Builder, *gorgonia.Node, *gorgonia.Node) *gorgonia.Node { return nil }}, data, nil, "none: its Loss returns no node"},
		"a panic":                   {&Objective{Name: "panics", Loss: func(*graph.Builder, *gorgonia.Node, *gorgonia.Node) *gorgonia.Node { panic("no way") }}, data, nil, "panics: its Loss panics: no way"},
		"mixed images":              {MultiLabel(3), targets, func(c *recipe.Config) { c.Augment = recipe.Augmentation{"mixup(1)"} }, "has no classes that could be mixed"},
		"weighted classes":          {MultiLabel(3), targets, func(c *recipe.Config) { c.ClassWeights = recipe.Balanced }, "has no classes that could be weighed"},
	} {
		t.Run(name, func(t *testing.T) {
			net, cfg := tiny(), tinyConfig()
			net.Objective = c.objective
			if c.change != nil {
				c.change(&cfg)
			}
			if _, err := New(cfg, net, c.data, Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
