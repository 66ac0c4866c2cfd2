package train

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

func TestAllThatAnUpdateDependsOnIsSaved(t *testing.T) {
	for name, change := range map[string]func(*recipe.Config){
		"AdamW, groups of three, clipped": func(c *recipe.Config) {
			c.Optimizer = recipe.Optimizer{Name: "adamw", LR: 0.01, WeightDecay: 0.1, Clip: 0.5}
			c.Accumulate = 3
		},
		"momentum, groups of two, averaged": func(c *recipe.Config) { c.Accumulate, c.EMA = 2, 0.95 },
		"one-cycle Adam, averaged": func(c *recipe.Config) {
			c.Optimizer = recipe.Optimizer{Name: "adam", LR: 0.01}
			c.Schedule, c.EMA = recipe.Schedule{Name: "onecycle", MomentumLow: 0.85, MomentumHigh: 0.95}, 0.9
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := tinyConfig()
			change(&cfg)
			whole := finish(t, begin(t, cfg, t.TempDir(), nil))
			for _, at := range []int{1, 9, 14, 27} {
				t.Run(fmt.Sprintf("at step %d", at), func(t *testing.T) {
					folder := t.TempDir()
					ctx, cancel := context.WithCancel(context.Background())
					if _, err := begin(t, cfg, folder, hook{step: func(step int) {
						if step == at {
							cancel()
						}
					}}).Run(ctx); !errors.Is(err, context.Canceled) {
						t.Fatal(err)
					}
					finish(t, goOn(t, folder, nil))
					compare(t, whole.Folder, folder)
				})
			}
		})
	}
}

func TestARunWithoutACheckpointBeginsAgain(t *testing.T) {
	whole := finish(t, begin(t, tinyConfig(), t.TempDir(), nil))
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "weights"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := writeJSON(filepath.Join(folder, report.ConfigFile), tinyConfig()); err != nil {
		t.Fatal(err)
	}
	finish(t, goOn(t, folder, nil))
	compare(t, whole.Folder, folder)
}

func TestGroupsUpdateByTheMeanOfTheirGradients(t *testing.T) {
	cfg := tinyConfig()
	cfg.Optimizer, cfg.Schedule = recipe.Optimizer{LR: 1}, recipe.Schedule{} // w -= g
	cfg.Accumulate, cfg.Freeze = 3, "conv|bn|aux"
	tr := begin(t, cfg, t.TempDir(), nil)
	bias := tr.params.Get("fc.bias")
	at := len(tr.trained) - 1
	if tr.trained[at] != bias {
		t.Fatalf("the last trained parameter is %s", tr.trained[at].Name)
	}
	var grads [][]float32
	var seen []float32 // the first bias after each batch
	for b, err := range tr.loader.Epoch(context.Background(), 0, 0) {
		if err != nil {
			t.Fatal(err)
		}
		g := tr.graphs[b.N][0]
		if err := tr.step(b, tr.scheduler.At(tr.at.Step)); err != nil {
			t.Fatal(err)
		}
		grads = append(grads, append([]float32(nil), g.gradient(at)...))
		seen = append(seen, bias.Data[0])
		tr.at.Batch++
		tr.at.Step++
	}
	if len(seen) != 7 {
		t.Fatalf("%d batches", len(seen))
	}
	// Groups of three, three and one.
	mean := func(from, n int) float32 {
		sum := float32(0)
		for _, g := range grads[from : from+n] {
			sum += g[0]
		}
		return sum / float32(n)
	}
	w := seen[0]
	for i, want := range []float32{w, w, w - mean(0, 3), w - mean(0, 3), w - mean(0, 3), w - mean(0, 3) - mean(3, 3), w - mean(0, 3) - mean(3, 3) - mean(6, 1)} {
		if math.Abs(float64(seen[i]-want)) > 1e-6 {
			t.Errorf("after batch %d the bias is %v, want %v", i+1, seen[i], want)
		}
	}
}

func TestTheAverageIsEvaluatedAndSaved(t *testing.T) {
	cfg := tinyConfig()
	cfg.EMA, cfg.Epochs = 0.95, 2
	tr := begin(t, cfg, t.TempDir(), nil)
	first := append([]float32(nil), tr.params.Get("fc.weight").Data...)
	want := append([]float32(nil), first...)
	updates := 0
	tr.events = hook{step: func(int) {
		decay := min(0.95, float64(1+updates)/float64(10+updates))
		for i, v := range tr.params.Get("fc.weight").Data {
			want[i] += float32(1-decay) * (v - want[i])
		}
		updates++
	}}
	r := finish(t, tr)
	w, err := weights.Load(r.LastWeights)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range w.Tensors {
		if x.Name != "fc.weight" {
			continue
		}
		for i, v := range x.Data {
			if math.Abs(float64(v-want[i])) > 1e-5 {
				t.Fatalf("weight %d is %v in the file, its average %v", i, v, want[i])
			}
		}
		if bytes.Equal(bits(x.Data), bits(tr.params.Get("fc.weight").Data)) {
			t.Error("the average is the last weights: the test shows nothing")
		}
	}
	e, err := Evaluate(context.Background(), EvalConfig{Weights: []string{r.LastWeights}, Network: func(weights.Meta) (Network, error) { return tiny(), nil }, Images: split(t).Val})
	if err != nil || e.Metrics != r.Last.Val {
		t.Errorf("evaluated to %+v (%v), training said %+v", e.Metrics, err, r.Last.Val)
	}
}

func bits(x []float32) []byte {
	var b bytes.Buffer
	for _, v := range x {
		fmt.Fprintf(&b, "%08x", math.Float32bits(v))
	}
	return b.Bytes()
}

func TestARunEndsWhenItGetsNoBetter(t *testing.T) {
	cfg := tinyConfig()
	cfg.Epochs, cfg.EarlyStop = 50, 2
	cfg.Optimizer.LR = 1e-12 // nothing is learnt
	r := finish(t, begin(t, cfg, t.TempDir(), nil))
	if r.Stopped != "early stop" || r.Epochs-r.Best.Epoch != 2 {
		t.Errorf("stopped by %q after epoch %v, the best being %v", r.Stopped, r.Epochs, r.Best.Epoch)
	}
	if again := finish(t, goOn(t, r.Folder, nil)); again.Steps != r.Steps || again.Stopped != "early stop" {
		t.Errorf("it went on: %+v", again)
	}
}

func TestFrozenParametersHaveNoGradientAndNoState(t *testing.T) {
	cfg := tinyConfig()
	cfg.Freeze = "conv|bn"
	tr := begin(t, cfg, t.TempDir(), nil)
	for _, s := range tr.updater.state() {
		if s.Name == "momentum.conv.weight" {
			t.Error("frozen weights have a momentum")
		}
	}
	if tr.params.Get("conv.weight").Frozen != true || len(tr.graphs[16][0].grads) != len(tr.trained) {
		t.Errorf("%d gradients for %d parameters", len(tr.graphs[16][0].grads), len(tr.trained))
	}
}
