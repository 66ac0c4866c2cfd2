package train

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// tiny is a network with everything that a run must remember: batch statistics, dropout, and a
// classifier on an inner layer.
func tiny() Network {
	return Network{
		Name: "tiny", Options: json.RawMessage(`{}`), Input: [3]int{1, 8, 8}, Classes: 3,
		Build: func(b *graph.Builder, x *gorgonia.Node) (*gorgonia.Node, error) {
			x = b.ReLU(b.BatchNorm(b.Conv(x, "conv", 8, 3, graph.Same(), graph.NoBias()), "bn", 1e-5, 0.1))
			x = b.MaxPool(x, 2)
			if b.Training() {
				b.Auxiliary(b.Dense(b.Flatten(x), "aux", 3), 0.3)
			}
			x = b.Dropout(b.Flatten(x), 0.3)
			return b.Dense(x, "fc", 3), b.Err()
		},
	}
}

// blobs are images of three classes that differ in where they are bright.
func blobs(t testing.TB, part datasets.Part, n int, seed uint64) datasets.Source {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 0))
	pix := make([]uint8, n*64)
	labels := make([]int32, n)
	for i := range labels {
		labels[i] = int32(r.IntN(3))
		for j := range 64 {
			v := r.IntN(160)
			if j/8/3 == int(labels[i]) {
				v += 60
			}
			pix[64*i+j] = uint8(v)
		}
	}
	m, err := datasets.NewMemory(datasets.Info{Name: "blobs", Part: part, Classes: []string{"a", "b", "c"}, Shape: image.Shape{C: 1, H: 8, W: 8}, Mean: []float32{0.3}, Std: []float32{0.2}}, pix, labels)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func split(t testing.TB) datasets.Split {
	return datasets.Split{Train: blobs(t, datasets.Train, 100, 1), Val: blobs(t, datasets.Val, 50, 2)}
}

func tinyConfig() recipe.Config {
	return recipe.Config{
		Network: "tiny", Data: "blobs", Seed: 3, Epochs: 4, Batch: 16, Augment: recipe.ParseAugmentation("crop(pad=1, size=0, fill=black), flip(p=0.5)"),
		Optimizer: recipe.Optimizer{LR: 0.05, Momentum: 0.9, Nesterov: true, WeightDecay: 1e-3, Rules: []recipe.Rule{{Dims: 1, LR: 1}}},
		Schedule:  recipe.Schedule{Name: "plateau", Patience: 1, Gamma: 0.5, Warmup: 1},
	}.Complete()
}

// hook is an Events that calls a function after each step and during evaluations.
type hook struct {
	report.Quiet
	step, evaluate func(step int)
}

func (h hook) Step(s report.Step) {
	if h.step != nil {
		h.step(s.Step)
	}
}

func (h hook) Evaluate(p report.Progress) {
	if h.evaluate != nil {
		h.evaluate(p.Step.Step)
	}
}

func begin(t testing.TB, cfg recipe.Config, folder string, events report.Events) *Trainer {
	t.Helper()
	tr, err := New(cfg, tiny(), split(t), Options{Folder: folder, Events: events})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	return tr
}

func goOn(t testing.TB, folder string, events report.Events) *Trainer {
	t.Helper()
	cfg, err := ReadConfig(folder)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := Resume(folder, cfg, tiny(), split(t), Options{Events: events})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	return tr
}

func finish(t testing.TB, tr *Trainer) report.Result {
	t.Helper()
	r, err := tr.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func read(t testing.TB, parts ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestThreadsDoNotChangeTheWeights(t *testing.T) {
	var last, best []byte
	for _, threads := range []int{1, 2, 3} {
		cfg := tinyConfig()
		cfg.Threads = threads
		r := finish(t, begin(t, cfg, t.TempDir(), nil))
		l, b := read(t, r.LastWeights), read(t, r.BestWeights)
		if threads == 1 {
			last, best = l, b
		}
		if !bytes.Equal(last, l) || !bytes.Equal(best, b) {
			t.Errorf("the weights files with %d threads differ from those with 1", threads)
		}
	}
	cfg := tinyConfig()
	cfg.Seed++
	if r := finish(t, begin(t, cfg, t.TempDir(), nil)); bytes.Equal(last, read(t, r.LastWeights)) {
		t.Error("another seed gives the same weights: the comparison means nothing")
	}
}

func TestTrainingLearns(t *testing.T) {
	cfg := tinyConfig()
	cfg.Epochs = 12
	r := finish(t, begin(t, cfg, t.TempDir(), nil))
	if r.Best.Val.Top1 > 0.1 {
		t.Errorf("test error %s on three classes that are easy to tell apart", report.Percent(r.Best.Val.Top1))
	}
	first, _ := ReadConfig(r.Folder)
	if cfg.Val = "val"; !reflect.DeepEqual(first, cfg) {
		t.Errorf("config.json holds %+v, the run had %+v", first, cfg)
	}
}

// compare checks that two runs ended in the same files, times aside.
func compare(t *testing.T, want, got string) {
	t.Helper()
	for _, file := range []string{report.LastFile, report.BestFile} {
		if !bytes.Equal(read(t, want, file), read(t, got, file)) {
			t.Errorf("%s differs from that of the run that was never stopped", file)
		}
	}
	columns := func(folder string) string {
		var b strings.Builder
		for line := range strings.Lines(string(read(t, folder, report.MetricsFile))) {
			b.WriteString(strings.Join(strings.Split(line, ",")[:8], ",") + "\n")
		}
		return b.String()
	}
	if a, b := columns(want), columns(got); a != b {
		t.Errorf("metrics.csv is\n%swant\n%s", b, a)
	}
}

func TestAnInterruptedRunGoesOnAsIfItHadNotBeen(t *testing.T) {
	whole := finish(t, begin(t, tinyConfig(), t.TempDir(), nil))
	steps := whole.Steps // 7 an epoch, the last of 4 images
	if steps != 28 {
		t.Fatalf("%d steps", steps)
	}
	r := rand.New(rand.NewPCG(5, 0))
	points := [][]int{{1}, {7}, {14, 15}, {27}, {28}}
	for range 5 {
		points = append(points, []int{1 + r.IntN(9), 10 + r.IntN(9), 19 + r.IntN(9)})
	}
	for _, at := range points {
		t.Run(fmt.Sprint("after steps ", at), func(t *testing.T) {
			folder := t.TempDir()
			for i, stop := range at {
				ctx, cancel := context.WithCancel(context.Background())
				events := hook{step: func(step int) {
					if step == stop {
						cancel()
					}
				}}
				var tr *Trainer
				if i == 0 {
					tr = begin(t, tinyConfig(), folder, events)
				} else {
					tr = goOn(t, folder, events)
				}
				_, err := tr.Run(ctx)
				var interrupted *Interrupted
				if !errors.As(err, &interrupted) || !errors.Is(err, context.Canceled) {
					t.Fatalf("the run stopped at step %d with %v", stop, err)
				}
			}
			if got := finish(t, goOn(t, folder, nil)); got.Steps != steps || !reflect.DeepEqual(got.Best.Val, whole.Best.Val) {
				t.Errorf("ended with %d steps and %+v, want %d and %+v", got.Steps, got.Best, steps, whole.Best)
			}
			compare(t, whole.Folder, folder)
		})
	}
	t.Run("in an evaluation", func(t *testing.T) {
		folder := t.TempDir()
		ctx, cancel := context.WithCancel(context.Background())
		_, err := begin(t, tinyConfig(), folder, hook{evaluate: func(step int) {
			if step == 14 {
				cancel()
			}
		}}).Run(ctx)
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		finish(t, goOn(t, folder, nil))
		compare(t, whole.Folder, folder)
	})
	t.Run("a complete run has nothing left to do", func(t *testing.T) {
		before := read(t, whole.Folder, report.LastFile)
		r := finish(t, goOn(t, whole.Folder, hook{step: func(int) { t.Error("a step was made") }}))
		if r.Last == nil || r.Best == nil || !bytes.Equal(before, read(t, whole.Folder, report.LastFile)) {
			t.Errorf("got %+v", r)
		}
	})
}

func TestMixedImagesTrainTowardsBothClasses(t *testing.T) {
	cfg := tinyConfig()
	cfg.Augment, cfg.Smoothing, cfg.Epochs = recipe.ParseAugmentation("flip, mixup(1)"), 0.1, 2
	tr := begin(t, cfg, t.TempDir(), hook{})
	seen := false
	for b, err := range tr.loader.Epoch(context.Background(), 0, 0) {
		if err != nil {
			t.Fatal(err)
		}
		copied := func(x []float32) []float32 { return append([]float32(nil), x...) } // the batch is released in the step
		first, second, weight, n := copied(b.Labels), copied(b.Second), copied(b.Weight), b.N
		if err := tr.step(b, tr.scheduler.At(0)); err != nil {
			t.Fatal(err)
		}
		for i, p := range tr.targets[:n*3] {
			want := float32(0)
			if i%3 == int(first[i/3]) {
				want += weight[i/3]
			}
			if i%3 == int(second[i/3]) {
				want += 1 - weight[i/3]
			}
			if p != want {
				t.Fatalf("image %d of class %v by %v and %v: target %d is %v, want %v", i/3, first[i/3], weight[i/3], second[i/3], i%3, p, want)
			}
			seen = seen || p > 0 && p < 1
		}
		break
	}
	if !seen {
		t.Error("nothing was mixed: the test shows nothing")
	}
	whole := finish(t, begin(t, cfg, t.TempDir(), nil))
	ctx, cancel := context.WithCancel(context.Background())
	folder := t.TempDir()
	if _, err := begin(t, cfg, folder, hook{step: func(step int) {
		if step == 10 {
			cancel()
		}
	}}).Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	finish(t, goOn(t, folder, nil))
	compare(t, whole.Folder, folder)
}

func TestAugmentationChangesTheRun(t *testing.T) {
	cfg := tinyConfig()
	a := finish(t, begin(t, cfg, t.TempDir(), nil))
	cfg.Augment = nil
	b := finish(t, begin(t, cfg, t.TempDir(), nil))
	if bytes.Equal(read(t, a.LastWeights), read(t, b.LastWeights)) {
		t.Error("the augmentation does not reach the images")
	}
}

func TestPreprocessingIsStoredAndUsedAgain(t *testing.T) {
	cfg := tinyConfig()
	cfg.Resize, cfg.Crop, cfg.Epochs = 12, 10, 1
	r := finish(t, begin(t, cfg, t.TempDir(), nil))
	w, err := weights.Load(r.LastWeights)
	if err != nil {
		t.Fatal(err)
	}
	if p := w.Meta.Preprocessing; p == nil || p.Resize != 12 || p.Crop != 10 || p.Channels != "grey" {
		t.Errorf("the file says %+v", p)
	}
	e, err := Evaluate(context.Background(), EvalConfig{Weights: []string{r.LastWeights}, Network: func(weights.Meta) (Network, error) { return tiny(), nil }, Images: split(t).Val})
	if err != nil {
		t.Fatal(err)
	}
	if e.Metrics != r.Last.Val {
		t.Errorf("evaluated to %+v, training said %+v", e.Metrics, r.Last.Val)
	}
	cfg.Resize, cfg.Crop = 0, 0
	if plain := finish(t, begin(t, cfg, t.TempDir(), nil)); plain.Last.Val == r.Last.Val {
		t.Error("resizing and cropping change nothing: the test shows nothing")
	}
}

func TestAKilledRunGoesOnFromItsLastCheckpoint(t *testing.T) {
	whole := finish(t, begin(t, tinyConfig(), t.TempDir(), nil))
	type killed struct{}
	for _, at := range []int{2, 7, 11, 20, 28} {
		t.Run(fmt.Sprintf("in step %d", at), func(t *testing.T) {
			folder := t.TempDir()
			cfg := tinyConfig()
			cfg.Checkpoint = 1 // after every step
			func() {
				defer func() {
					if e := recover(); e != (killed{}) {
						panic(e)
					}
				}()
				begin(t, cfg, folder, hook{step: func(step int) {
					if step == at {
						panic(killed{})
					}
				}}).Run(context.Background())
			}()
			finish(t, goOn(t, folder, nil))
			compare(t, whole.Folder, folder)
		})
	}
}

func TestALossThatIsNoNumberStopsTheRun(t *testing.T) {
	cfg := tinyConfig()
	cfg.Epochs = 50
	cfg.Schedule = recipe.Schedule{Name: "constant"}
	folder := t.TempDir()
	var tr *Trainer
	var good []byte
	tr = begin(t, cfg, folder, hook{step: func(step int) {
		if step == 8 { // in the second epoch something goes wrong
			good = read(t, folder, report.LastFile)
			p := tr.params.Get("fc.weight").Data
			p[0] = p[0] / 0
			tr.params.Changed()
		}
	}})
	_, err := tr.Run(context.Background())
	var d *Diverged
	if !errors.As(err, &d) {
		t.Fatalf("got %v", err)
	}
	if d.Step != 9 || d.Epoch != 2 || d.Kept != filepath.Join(folder, report.LastFile) || d.KeptEpoch != 1 || d.Where != "fc.weight" || d.Layer != "fc" {
		t.Errorf("got %+v", d)
	}
	for _, want := range []string{"epoch 2, step 9", "fc.weight", "--lr 0.005", "after epoch 1"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
	if !bytes.Equal(good, read(t, folder, report.LastFile)) {
		t.Error("the last good checkpoint was replaced")
	}
	if log := string(read(t, folder, report.LogFile)); !strings.Contains(log, "failed: ") {
		t.Errorf("the log does not tell:\n%s", log)
	}
}

func TestALearningRateTooHighIsToldWithAdvice(t *testing.T) {
	cfg := tinyConfig()
	cfg.Optimizer.LR, cfg.Optimizer.Rules, cfg.Schedule = 1e18, nil, recipe.Schedule{Name: "constant"}
	_, err := begin(t, cfg, t.TempDir(), nil).Run(context.Background())
	if err == nil || !strings.Contains(err.Error(), "try a lower one (--lr 1e+17)") {
		t.Errorf("got %v", err)
	}
}

func TestADivergedStepNamesTheFirstLayerThatIsNotFinite(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		name         string
		cfg          func(*recipe.Config)
		spoil        func(tr *Trainer, b *datasets.Batch)
		layer, where string // %d stands for the spoiled image's number
		advice       string
	}{
		{"NaN in an image", nil, func(_ *Trainer, b *datasets.Batch) { b.Images[64*3+5] = nan }, "conv", "image %d of blobs", "zoo data verify blobs"},
		{"an infinity in the last image", nil, func(_ *Trainer, b *datasets.Batch) { b.Images[len(b.Images)-1] = float32(math.Inf(-1)) }, "conv", "image %d of blobs", "no rate can help"},
		{"NaN in a weight", nil, func(tr *Trainer, _ *datasets.Batch) { tr.params.Get("conv.weight").Data[7] = nan }, "conv", "conv.weight", "try a lower one (--lr 0.005)"},
		{"NaN in an initial weight", func(c *recipe.Config) { c.Init = "init" }, func(tr *Trainer, _ *datasets.Batch) { tr.params.Get("aux.bias").Data[0] = nan }, "aux", "aux.bias", "the initial weights"},
		{"weights so large that a layer overflows", nil, func(tr *Trainer, _ *datasets.Batch) {
			for i := range tr.params.Get("fc.weight").Data {
				tr.params.Get("fc.weight").Data[i] = 2e38
			}
		}, "fc", "the output of fc", "--lr 0.005"},
		{"a loss that is finite with a gradient that is not", func(c *recipe.Config) { c.Optimizer.Clip = 1 }, func(tr *Trainer, _ *datasets.Batch) {
			// Activations so small that weights near the largest float32 make outputs of them.
			for i := range tr.params.Get("bn.weight").Data {
				tr.params.Get("bn.weight").Data[i] = 1e-37
			}
			clear(tr.params.Get("fc.weight").Data)
			for i := range 128 { // one class, so that the gradients of the classes do not add up to nothing
				tr.params.Get("fc.weight").Data[i] = 1e38
			}
		}, "bn", "the gradient of bn", "--lr 0.005"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := tinyConfig()
			cfg.Augment, cfg.Schedule = nil, recipe.Schedule{Name: "constant"}
			tr := begin(t, cfg, t.TempDir(), nil)
			if c.cfg != nil {
				c.cfg(&tr.cfg)
			}
			for b, err := range tr.loader.Epoch(context.Background(), 0, 0) {
				if err != nil {
					t.Fatal(err)
				}
				c.spoil(tr, b)
				tr.params.Changed()
				before := slices.Clone(tr.params.Get("fc.bias").Data)
				image := slices.IndexFunc(b.Images, func(v float32) bool { return v-v != 0 }) / 64
				where := strings.Replace(c.where, "%d", strconv.Itoa(b.Index[max(image, 0)]), 1)
				err := tr.step(b, tr.scheduler.At(0))
				var d *Diverged
				if !errors.As(err, &d) {
					t.Fatalf("got %v", err)
				}
				if d.Step != 1 || d.Layer != c.layer || d.Where != where || !strings.Contains(err.Error(), c.advice) {
					t.Errorf("got %+v: %v", d, err)
				}
				if !slices.Equal(before, tr.params.Get("fc.bias").Data) {
					t.Error("the step changed parameters nevertheless")
				}
				break
			}
		})
	}
}

func TestTimeEndsARunAfterAnEvaluation(t *testing.T) {
	cfg := tinyConfig()
	cfg.Epochs, cfg.Time = 1000, 1 // a nanosecond: one step, and the evaluation
	r := finish(t, begin(t, cfg, t.TempDir(), nil))
	if r.Stopped != "time" || r.Steps != 1 || r.Last == nil || r.Best == nil || r.Last.Val.Images != 50 {
		t.Errorf("got %+v", r)
	}
	if n := strings.Count(string(read(t, r.Folder, report.MetricsFile)), "\n"); n != 2 {
		t.Errorf("metrics.csv has %d lines, want a header and a row for the part of an epoch", n)
	}
	cfg.Epochs, cfg.Time = 4, 0
	if err := writeJSON(filepath.Join(r.Folder, report.ConfigFile), cfg); err != nil {
		t.Fatal(err)
	}
	again := finish(t, goOn(t, r.Folder, nil))
	whole := finish(t, begin(t, tinyConfig(), t.TempDir(), nil))
	if !bytes.Equal(read(t, whole.LastWeights), read(t, again.LastWeights)) {
		t.Error("the run that went on ended with other weights")
	}
}

func ValLimitTrainsOnFewerImages(t *testing.T) {
	cfg := tinyConfig()
	cfg.Limit, cfg.ValLimit, cfg.Epochs = 20, 7, 1
	tr := begin(t, cfg, t.TempDir(), nil)
	if p := tr.Plan(); p.Images != 20 || p.ValImages != 7 || p.Steps != 2 {
		t.Errorf("plan %+v", p)
	}
	if r := finish(t, tr); r.Last.Train.Images != 20 || r.Last.Val.Images != 7 {
		t.Errorf("result %+v", r.Last)
	}
}

func TestEvaluateGivesTheNumbersOfTraining(t *testing.T) {
	r := finish(t, begin(t, tinyConfig(), t.TempDir(), nil))
	d := split(t)
	network := func(m weights.Meta) (Network, error) {
		if m.Network != "tiny" {
			return Network{}, fmt.Errorf("network %q", m.Network)
		}
		return tiny(), nil
	}
	for path, want := range map[string]*report.Epoch{r.LastWeights: r.Last, r.BestWeights: r.Best} {
		e, err := Evaluate(context.Background(), EvalConfig{Weights: []string{path}, Network: network, Images: d.Val})
		if err != nil {
			t.Fatal(err)
		}
		if e.Metrics != want.Val || e.Ensemble != want.Val || len(e.Members) != 1 || e.Members[0].Metrics != want.Val {
			t.Errorf("%s: %+v, training said %+v", path, e, want.Val)
		}
	}
	w, err := weights.Load(r.BestWeights)
	if err != nil {
		t.Fatal(err)
	}
	if w.Meta.Metrics["val_top1_error"] != r.Best.Val.Top1 || w.Meta.Epoch != int(r.Best.Epoch) || len(w.Meta.ClassNames) != 3 {
		t.Errorf("the best weights say %+v of themselves, the run %+v", w.Meta, r.Best)
	}
}

func TestAnEnsembleAveragesProbabilities(t *testing.T) {
	var paths []string
	var errors []float64
	for seed := range 3 {
		cfg := tinyConfig()
		cfg.Seed, cfg.Epochs = uint64(seed), 1
		r := finish(t, begin(t, cfg, t.TempDir(), nil))
		paths, errors = append(paths, r.LastWeights), append(errors, r.Last.Val.Top1)
	}
	c := EvalConfig{Weights: paths, Network: func(weights.Meta) (Network, error) { return tiny(), nil }, Images: split(t).Val}
	e, err := Evaluate(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	worst := 0.0
	for i, m := range e.Members {
		worst = max(worst, m.Top1)
		if m.Top1 != errors[i] || m.Seed != uint64(i) {
			t.Errorf("member %d: %+v, in training %v", i, m, errors[i])
		}
	}
	if e.Ensemble.Images != 50 || e.Ensemble.Top1 > worst || e.Ensemble.Loss <= 0 {
		t.Errorf("ensemble %+v of members with at most %v", e.Ensemble, worst)
	}
	// Three times the same member is that member.
	c.Weights = []string{paths[0], paths[0], paths[0]}
	if e, err = Evaluate(context.Background(), c); err != nil || e.Ensemble.Top1 != errors[0] {
		t.Errorf("of one network three times: %+v, %v", e.Ensemble, err)
	}
}

func TestResumeRefusesOtherData(t *testing.T) {
	cfg := tinyConfig()
	cfg.Epochs = 1
	r := finish(t, begin(t, cfg, t.TempDir(), nil))
	d := split(t)
	d.Train = blobs(t, datasets.Train, 100, 77)
	if _, err := Resume(r.Folder, cfg, tiny(), d, Options{}); err == nil || !strings.Contains(err.Error(), "training images") {
		t.Errorf("got %v", err)
	}
	state := filepath.Join(r.Folder, report.StateFile)
	if err := os.Truncate(state, 1000); err != nil {
		t.Fatal(err)
	}
	if _, err := Resume(r.Folder, cfg, tiny(), split(t), Options{}); err == nil || !strings.Contains(err.Error(), state) {
		t.Errorf("a truncated state: %v", err)
	}
}

func TestInitBeginsWithGivenWeights(t *testing.T) {
	cfg := tinyConfig()
	cfg.Epochs = 1
	first := finish(t, begin(t, cfg, t.TempDir(), nil))
	cfg.Init = first.LastWeights
	tr := begin(t, cfg, t.TempDir(), nil)
	w, err := weights.Load(first.LastWeights)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range w.Tensors {
		if !reflect.DeepEqual(tr.params.Get(x.Name).Data, x.Data) {
			t.Errorf("%s is not the file's", x.Name)
		}
	}
	cfg.Init = filepath.Join(t.TempDir(), "nothing")
	if _, err := New(cfg, tiny(), split(t), Options{}); err == nil {
		t.Error("a file that does not exist is no error")
	}
}

// tinyFor is tiny for another number of classes, or with another layer.
func tinyFor(classes, filters int) Network {
	n := tiny()
	n.Classes = classes
	n.Build = func(b *graph.Builder, x *gorgonia.Node) (*gorgonia.Node, error) {
		x = b.ReLU(b.BatchNorm(b.Conv(x, "conv", filters, 3, graph.Same(), graph.NoBias()), "bn", 1e-5, 0.1))
		x = b.MaxPool(x, 2)
		if b.Training() {
			b.Auxiliary(b.Dense(b.Flatten(x), "aux", classes), 0.3)
		}
		return b.Dense(b.Flatten(x), "fc", classes), b.Err()
	}
	return n
}

func TestLayersForAnotherNumberOfClassesAreNew(t *testing.T) {
	cfg := tinyConfig()
	cfg.Epochs = 1
	first := finish(t, begin(t, cfg, t.TempDir(), nil))
	w, err := weights.Load(first.LastWeights)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Init = first.LastWeights
	tr, err := New(cfg, tinyFor(5, 8), split(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	want := "begins with " + first.LastWeights + ", which is for 3 classes: new for 5 are "
	if got := tr.Plan().Begins; !strings.HasPrefix(got, want) || !strings.Contains(got, "fc.weight") || !strings.Contains(got, "aux.bias") || strings.Contains(got, "conv") {
		t.Errorf("tells %q, should begin with %q and name the heads", got, want)
	}
	for _, x := range w.Tensors {
		p := tr.params.Get(x.Name)
		if head := strings.HasPrefix(x.Name, "fc.") || strings.HasPrefix(x.Name, "aux."); !head && !reflect.DeepEqual(p.Data, x.Data) {
			t.Errorf("%s is not the file's", x.Name)
		} else if head && strings.HasSuffix(x.Name, "weight") && (p.Shape[0] != 5 || p.Data[0] == 0 || p.Data[0] == x.Data[0]) {
			t.Errorf("%s of %v begins with %g: should be drawn", x.Name, p.Shape, p.Data[0])
		}
	}
	if _, err := New(cfg, tinyFor(5, 9), split(t), Options{}); err == nil || !strings.Contains(err.Error(), "conv.weight") {
		t.Errorf("a network with another layer: %v", err)
	}
	if _, err := New(cfg, tinyFor(3, 9), split(t), Options{}); err == nil || !strings.Contains(err.Error(), "conv.weight") {
		t.Errorf("a network with another layer of the same classes: %v", err)
	}
}

func ValImagesArePreparedAsForTheWeightsToBeginWith(t *testing.T) {
	file := func(p *weights.Preprocessing) string {
		params := graph.NewParams()
		n := tiny()
		if err := n.declareFor(params, graph.Train); err != nil {
			t.Fatal(err)
		}
		params.Init(1)
		path := filepath.Join(t.TempDir(), "start.safetensors")
		if err := weights.Save(path, &weights.File{Tensors: tensors(params, ""), Meta: weights.Meta{Preprocessing: p}}); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct {
		name   string
		stored *weights.Preprocessing
		own    func(*recipe.Config)
		mean   float32
		resize int
	}{
		{"as the file says", &weights.Preprocessing{Channels: "grey", Resize: 9, Mean: []float32{.7}, Std: []float32{.1}}, nil, .7, 9},
		{"with nothing subtracted", &weights.Preprocessing{Channels: "grey"}, nil, 0, 0},
		{"as the data if the file does not say", nil, nil, .3, 0},
		{"as the configuration says", &weights.Preprocessing{Channels: "grey", Resize: 9, Mean: []float32{.7}, Std: []float32{.1}}, func(c *recipe.Config) { c.Mean, c.Std = []float32{.2}, []float32{.4} }, .2, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := tinyConfig()
			cfg.Init = file(c.stored)
			if c.own != nil {
				c.own(&cfg)
			}
			tr, err := New(cfg, tiny(), split(t), Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer tr.Close()
			if in := tr.loader.Input(); in.Mean[0] != c.mean || in.Resize != c.resize {
				t.Errorf("input %+v, want a mean of %g and %d pixels", in, c.mean, c.resize)
			}
		})
	}
}

func TestInitialisersDrawAllWeights(t *testing.T) {
	spread := map[string]float64{}
	for _, name := range recipe.Initialisers {
		cfg := tinyConfig()
		cfg.Initialiser = name
		p := begin(t, cfg, t.TempDir(), nil).params
		for _, v := range p.Get("fc.weight").Data {
			spread[name] += float64(v * v)
		}
		spread[name] /= float64(p.Get("fc.weight").Len())
		if g := p.Get("bn.weight").Data[0]; g != 1 {
			t.Errorf("%s: batch normalisation begins with a scale of %v", name, g)
		}
	}
	// He draws with variance 2/128, Glorot with 2/(128+3); the network's own with 1/(3·128).
	for name, want := range map[string]float64{"he": 2. / 128, "glorot": 2. / 131, "network": 1. / 384} {
		if got := spread[name]; got < 0.75*want || got > 1.25*want {
			t.Errorf("%s: variance %v, want about %v", name, got, want)
		}
	}
}

func TestFreezeLeavesParametersAlone(t *testing.T) {
	cfg := tinyConfig()
	cfg.Freeze, cfg.Epochs = "conv|bn", 1
	tr := begin(t, cfg, t.TempDir(), nil)
	before := append([]float32(nil), tr.params.Get("conv.weight").Data...)
	fc := append([]float32(nil), tr.params.Get("fc.weight").Data...)
	finish(t, tr)
	if !reflect.DeepEqual(before, tr.params.Get("conv.weight").Data) {
		t.Error("frozen weights changed")
	}
	if reflect.DeepEqual(fc, tr.params.Get("fc.weight").Data) {
		t.Error("the other weights did not")
	}
	for pattern, want := range map[string]string{"nothing": "no parameter of tiny begins like that", ".": "nothing would be left"} {
		cfg.Freeze = pattern
		if _, err := New(cfg, tiny(), split(t), Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("freeze %s: %v", pattern, err)
		}
	}
}

func TestFreezeCoversTheStatisticsOfBatchNormalisation(t *testing.T) {
	bits := func(tr *Trainer, name string) []byte {
		var b bytes.Buffer
		if err := binary.Write(&b, binary.LittleEndian, tr.params.Get(name).Data); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	all := []string{"conv.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var", "fc.weight"}
	for _, c := range []struct {
		name, pattern string
		stay          []string
	}{
		{"a whole layer", "conv|bn", []string{"conv.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"}},
		{"statistics alone", `.*running_`, []string{"bn.running_mean", "bn.running_var"}},
		{"one of the statistics, without which the other means nothing", `bn\.running_mean`, []string{"bn.running_mean", "bn.running_var"}},
		{"weights of the layer alone", `bn\.(weight|bias)`, []string{"bn.weight", "bn.bias"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := tinyConfig()
			cfg.Freeze, cfg.Epochs, cfg.EMA = c.pattern, 2, 0.9
			first := begin(t, tinyConfig(), t.TempDir(), nil)
			finish(t, first)
			// It goes on from weights whose statistics are not those of the beginning.
			cfg.Init = filepath.Join(first.folder, report.LastFile)
			tr := begin(t, cfg, t.TempDir(), nil)
			before := map[string][]byte{}
			for _, name := range all {
				before[name] = bits(tr, name)
			}
			finish(t, tr)
			for _, name := range all {
				if same, want := bytes.Equal(before[name], bits(tr, name)), slices.Contains(c.stay, name); same != want {
					t.Errorf("%s stayed as it was: %v, want %v", name, same, want)
				}
			}
			saved, err := weights.Open(filepath.Join(tr.folder, report.LastFile))
			if err != nil {
				t.Fatal(err)
			}
			defer saved.Close()
			for _, name := range c.stay {
				now := tr.params.Get(name).Data
				average := make([]float32, len(now))
				if err := saved.ReadTensor(name, average); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(average, now) {
					t.Errorf("the average of %s, which stays, is another", name)
				}
			}
		})
	}
}

func TestAStepAllocatesNothing(t *testing.T) {
	cfg := tinyConfig()
	cfg.EMA, cfg.Accumulate, cfg.Optimizer.Clip = 0.9, 2, 1
	tr := begin(t, cfg, t.TempDir(), nil)
	for b, err := range tr.loader.Epoch(context.Background(), 0, 0) {
		if err != nil {
			t.Fatal(err)
		}
		set := tr.scheduler.At(0)
		// A batch of its own: a step gives the loader's back.
		own := &datasets.Batch{Batch: b.Batch, Index: b.Index, Of: b.Of, First: b.First, Slot: b.Slot}
		own.Images, own.Labels = slices.Clip(slices.Clone(b.Images)), slices.Clip(slices.Clone(b.Labels))
		n := testing.AllocsPerRun(20, func() {
			if err := tr.step(own, set); err != nil {
				t.Fatal(err)
			}
			tr.events.Step(tr.place())
		})
		info, _ := debug.ReadBuildInfo()
		if raced := slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}); n != 0 && !raced { // the race detector allocates
			t.Errorf("%v allocations in a step", n)
		}
		break
	}
}

func TestTheRunFolderIsComplete(t *testing.T) {
	cfg := tinyConfig()
	cfg.Optimizer.LR = 1e-3 // some mistakes must be left
	root := t.TempDir()
	tr, err := New(cfg, tiny(), split(t), Options{Root: root, Command: []string{"zoo", "train", "tiny"}, Program: "zoo test"})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	if entries, _ := os.ReadDir(root); len(entries) != 0 {
		t.Error("there is a folder before the run begins")
	}
	r := finish(t, tr)
	if want := filepath.Join(root, "tiny-blobs", "001"); r.Folder != want {
		t.Errorf("folder %s, want %s", r.Folder, want)
	}
	var env environment
	if err := json.Unmarshal(read(t, r.Folder, report.EnvFile), &env); err != nil {
		t.Fatal(err)
	}
	if env.Seed != 3 || !strings.HasPrefix(env.Train, "sha256:") || len(env.Sessions) != 1 || env.Sessions[0].Kernels == "" || env.Command != "zoo train tiny" {
		t.Errorf("env.json: %+v", env)
	}
	for _, name := range []string{report.CurvesFile, report.ConfusionFile + ".png", report.WorstFile} {
		m, err := png.Decode(bytes.NewReader(read(t, r.Folder, name)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		seen := map[color.Color]bool{}
		for y := range m.Bounds().Dy() {
			for x := range m.Bounds().Dx() {
				seen[m.At(x, y)] = true
			}
		}
		if len(seen) < 5 {
			t.Errorf("%s shows %d colours: there is nothing on it", name, len(seen))
		}
	}
	if table := string(read(t, r.Folder, report.ConfusionFile+".csv")); !strings.HasPrefix(table, "class,a,b,c\na,") {
		t.Errorf("confusion.csv:\n%s", table)
	}
	card := string(read(t, r.Folder, report.CardFile))
	for _, want := range []string{"# tiny on blobs", "zoo train tiny", "Complete: 4 epochs", report.Percent(r.Best.Val.Top1), env.Train} {
		if !strings.Contains(card, want) {
			t.Errorf("the card does not say %q:\n%s", want, card)
		}
	}
	if log := string(read(t, r.Folder, report.LogFile)); strings.Count(log, "epoch ") != 5 || !strings.Contains(log, "complete") {
		t.Errorf("log:\n%s", log)
	}
}

func TestPlanKnowsTheMemory(t *testing.T) {
	tr := begin(t, tinyConfig(), t.TempDir(), nil)
	p := tr.Plan()
	trained := int64(8*9 + 8 + 8 + 128*3 + 3 + 128*3 + 3)
	if p.Parameters != trained || p.Memory.Parameters != 4*(trained+16) || p.Memory.Optimizer != 4*trained || p.Memory.Values == 0 || p.Memory.Loader == 0 {
		t.Errorf("got %+v", p)
	}
	if learn, choose := tr.loader.Memory(), tr.val.Memory(); learn <= 0 || choose <= 0 || p.Memory.Loader != learn+choose {
		t.Errorf("batches take %d bytes, want %d to learn from and %d to choose by", p.Memory.Loader, learn, choose)
	}
	if text := p.String(); !strings.Contains(text, "28 steps of 16 images") || !strings.Contains(text, "memory ") || !strings.Contains(text, fmt.Sprintf("about %.3g tera multiply-adds", float64(p.MACs)*4*(300+50)/1e12)) {
		t.Errorf("got %s", text)
	}
}

func TestTheTimeLeftCountsEvaluations(t *testing.T) {
	train, eval := pace{images: 100, seconds: 1}, pace{images: 50, seconds: 1}
	for _, c := range []struct {
		train, eval      pace
		images, evalLeft int
		want             time.Duration
	}{
		{train, eval, 1000, 100, 12 * time.Second},
		{train, pace{}, 1000, 600, 12 * time.Second}, // three times as fast as training, until it is known
		{train, eval, 0, 100, 2 * time.Second},
		{pace{}, pace{}, 1000, 100, 0},
	} {
		if got := estimate(c.train, c.eval, c.images, c.evalLeft); got != c.want {
			t.Errorf("%+v: %v, want %v", c, got, c.want)
		}
	}
	var p pace
	for range 1000 {
		p.add(100, time.Second)
	}
	for range 100 {
		p.add(10, time.Second)
	}
	if r := p.rate(); r < 10 || r > 20 {
		t.Errorf("after 100 s at 10 images/s the pace is %v: what was long ago still counts", r)
	}
}
