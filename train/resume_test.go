package train

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// settings are what every setting of a run does: set, against base, it changes the weights, or what is measured of
// them; and a run with it goes on as if it had not been stopped.
var settings = []struct{ base, set string }{
	{"", "seed=4"},
	{"", "epochs=4"},
	{"", "batch=10"},
	{"", "lr_batch=8"},
	{"", "drop_last=true"},
	{"", "limit=80"},
	{"", "val=0.3"},
	{"val=0.3", "val=0.3 val_seed=9"},
	{"", "val_limit=20"},
	{"", "class_weights=balanced"},
	{"class_weights=balanced", "class_weights=balanced smoothing=0.2"},
	{"class_weights=balanced", "class_weights=1,3,0.5"},
	{"", "sampling=balanced"},
	{"", "augment=flip"},
	{"", "augment=flip, mixup(1)"},
	{"", "augment=cutmix(1)"},
	{"", "resize=12 crop=8"},
	{"resize=12 crop=8", "resize=12 crop=6"},
	{"resize=12 crop=8", "resize=12 crop=8 interpolation=bicubic"},
	{"mean=0.5 std=0.5", "mean=0.1 std=0.5"},
	{"mean=0.5 std=0.5", "mean=0.5 std=0.7"},
	{"mean=0.5 std=0.5", "mean=0.5 std=0.5 pixel_scale=2"},
	{"", "initialiser=he"},
	{"", "initialiser=glorot"},
	{"", "init=INIT"},
	{"", "freeze=conv|bn"},
	{"", "smoothing=0.2"},
	{"", "accumulate=3"},
	{"", "shares=4"},
	{"shares=4", "shares=4 sync_batch_norm=true"},
	{"", "ema=0.9"},
	{"optimizer.lr=0.5 epochs=8", "optimizer.lr=0.5 epochs=8 early_stop=1"},
	{"", "optimizer.lr=0.01"},
	{"", "optimizer.momentum=0.5"},
	{"", "nesterov=false"},
	{"nesterov=false", "nesterov=false dampening=0.5"},
	{"", "weight_decay=0.1"},
	{"", "clip=0.1"},
	{"", `optimizer.rules=[{"match":"fc","lr":0.1,"decay":1}]`},
	{"", "optimizer.name=adam optimizer.lr=0.01"},
	{"optimizer.name=adam optimizer.lr=0.01", "optimizer.name=adamw optimizer.lr=0.01 weight_decay=0.1"},
	{"optimizer.name=adam optimizer.lr=0.01", "optimizer.name=adam optimizer.lr=0.01 beta1=0.5"},
	{"optimizer.name=adam optimizer.lr=0.01", "optimizer.name=adam optimizer.lr=0.01 beta2=0.9"},
	{"optimizer.name=adam optimizer.lr=0.01", "optimizer.name=adam optimizer.lr=0.01 eps=0.1"},
	{"schedule.name=constant", "schedule.name=constant warmup=2"},
	{"schedule.name=constant warmup=2", "schedule.name=constant warmup=2 warmup_from=0.5"},
	{"schedule.name=constant", "schedule.name=step every=1"},
	{"schedule.name=constant", "schedule.name=step milestones=1.5,2"},
	{"schedule.name=step every=1", "schedule.name=step every=1 gamma=0.5"},
	{"schedule.name=constant", "schedule.name=exponential"},
	{"schedule.name=exponential", "schedule.name=exponential every=2"},
	{"schedule.name=constant", "schedule.name=cosine"},
	{"schedule.name=cosine", "schedule.name=cosine final=0.5"},
	{"schedule.name=constant", "schedule.name=polynomial"},
	{"schedule.name=polynomial", "schedule.name=polynomial power=2"},
	{"schedule.name=constant", "schedule.name=onecycle"},
	{"schedule.name=onecycle", "schedule.name=onecycle start=0.5"},
	{"schedule.name=onecycle", "schedule.name=onecycle div=5"},
	{"schedule.name=onecycle", "schedule.name=onecycle final_div=2"},
	{"schedule.name=onecycle", "schedule.name=onecycle momentum_low=0.5 momentum_high=0.95"},
	{"schedule.name=onecycle momentum_low=0.5 momentum_high=0.95", "schedule.name=onecycle momentum_low=0.8 momentum_high=0.95"},
	// A gain of nine tenths is never made: the rate falls, and what is counted towards it must survive.
	{"schedule.name=constant epochs=6 optimizer.lr=0.001", "schedule.name=plateau threshold=0.9 patience=1 epochs=6 optimizer.lr=0.001"},
	{"schedule.name=plateau threshold=0.9 patience=1 epochs=6 optimizer.lr=0.001", "schedule.name=plateau threshold=0.9 patience=2 epochs=6 optimizer.lr=0.001"},
	{"schedule.name=plateau threshold=0.9 patience=1 epochs=9 optimizer.lr=0.001", "schedule.name=plateau threshold=0.9 patience=1 epochs=9 optimizer.lr=0.001 cooldown=2"},
	{"schedule.name=plateau threshold=0.9 patience=1 epochs=6 optimizer.lr=0.001", "schedule.name=plateau threshold=0.9 patience=1 epochs=6 optimizer.lr=0.001 gamma=0.9"},
	{"schedule.name=plateau threshold=0.9 patience=1 epochs=6 optimizer.lr=0.001", "schedule.name=plateau threshold=0.9 patience=1 epochs=6 optimizer.lr=0.001 final=0.7"},
	{"schedule.name=plateau patience=1 optimizer.lr=0.001 epochs=6", "schedule.name=plateau patience=1 optimizer.lr=0.001 epochs=6 threshold=0.9"},
}

// unfelt are the settings that change nothing of a run's result.
var unfelt = []string{"network", "variant", "options", "data", "data_dir", "recipe", "threads", "ensemble", "skip_broken", "eval_batch", "time", "checkpoint", "keep",
	"channels", "squash", // of grey and square images
	"wire", "overlap"} // of one process

// configured is a small run with some settings.
func configured(t *testing.T, set, init string) recipe.Config {
	t.Helper()
	cfg := tinyConfig()
	cfg.Epochs, cfg.Schedule = 3, recipe.Schedule{Name: "constant"}
	rest := set
	for rest != "" {
		// A value may have blanks; a key is what stands before an equals sign.
		end := len(rest)
		for i := strings.IndexByte(rest, '=') + 1; i < len(rest); i++ {
			if word, _, ok := strings.Cut(rest[i:], "="); ok && rest[i-1] == ' ' && slices.ContainsFunc(recipe.Keys(), func(k string) bool { return k == word || strings.HasSuffix(k, "."+word) }) {
				end = i - 1
				break
			}
		}
		key, value, _ := strings.Cut(rest[:end], "=")
		if value == "INIT" {
			value = init
		}
		if err := cfg.Set(key, value); err != nil {
			t.Fatal(err)
		}
		rest = strings.TrimSpace(rest[end:])
	}
	return cfg.Complete()
}

func TestEverySettingIsFeltAndSurvivesAStop(t *testing.T) {
	other := tinyConfig()
	other.Seed, other.Epochs = 77, 1
	init := filepath.Join(finish(t, begin(t, other, t.TempDir(), nil)).Folder, report.LastFile)
	bases := map[string]string{}
	run := func(t *testing.T, set, folder string) string {
		return finish(t, begin(t, configured(t, set, init), folder, nil)).Folder
	}
	home := t.TempDir()
	touched := map[string]bool{}
	for _, s := range settings {
		for _, k := range recipe.Keys() {
			short := k[strings.LastIndexByte(k, '.')+1:]
			touched[k] = touched[k] || strings.Contains(" "+s.set, " "+k+"=") || strings.Contains(" "+s.set, " "+short+"=")
		}
		t.Run(s.set, func(t *testing.T) {
			if bases[s.base] == "" {
				bases[s.base] = run(t, s.base, filepath.Join(home, fmt.Sprint(len(bases))))
			}
			whole := run(t, s.set, t.TempDir())
			if bytes.Equal(read(t, whole, report.LastFile), read(t, bases[s.base], report.LastFile)) && metricsOf(t, whole) == metricsOf(t, bases[s.base]) {
				t.Errorf("the run is the same as with %q", s.base)
			}
			stops := []int{9, 14} // in the middle of an epoch and of a group of batches; at an epoch's end
			if strings.Contains(s.set, "plateau") {
				stops = append(stops, 21, 24, 31, 35)
			}
			for _, at := range stops {
				folder := t.TempDir()
				ctx, cancel := context.WithCancel(context.Background())
				_, err := begin(t, configured(t, s.set, init), folder, hook{step: func(step int) {
					if step == at {
						cancel()
					}
				}}).Run(ctx)
				if !errors.Is(err, context.Canceled) {
					t.Fatal(err)
				}
				finish(t, goOn(t, folder, nil))
				compare(t, whole, folder)
				sameState(t, whole, folder)
			}
		})
	}
	for _, k := range recipe.Keys() {
		if !touched[k] && !slices.Contains(unfelt, k) {
			t.Errorf("nothing tests what the setting %s does", k)
		}
	}
}

// metricsOf are the numbers of a run's history, times aside.
func metricsOf(t *testing.T, folder string) string {
	var b strings.Builder
	for line := range strings.Lines(string(read(t, folder, report.MetricsFile))) {
		b.WriteString(strings.Join(strings.Split(line, ",")[:8], ",") + "\n")
	}
	return b.String()
}

// sameState compares the tensors that two runs would go on from.
func sameState(t *testing.T, want, got string) {
	t.Helper()
	load := func(folder string) map[string][]float32 {
		f, err := weights.Load(filepath.Join(folder, report.StateFile))
		if err != nil {
			t.Fatal(err)
		}
		all := map[string][]float32{}
		for _, x := range f.Tensors {
			all[x.Name] = x.Data
		}
		return all
	}
	a, b := load(want), load(got)
	for name := range a {
		if !reflect.DeepEqual(a[name], b[name]) {
			t.Errorf("%s is another in the state of the run that was stopped", name)
		}
	}
	if len(a) != len(b) {
		t.Errorf("%d tensors in one state, %d in the other", len(a), len(b))
	}
}

// Of a run whose best epoch is not its last, the best weights stay what they were.
func TestTheBestWeightsAreThoseOfTheBestEpoch(t *testing.T) {
	for _, stop := range []int{0, 30, 37} {
		t.Run(fmt.Sprintf("stopped after step %d", stop), func(t *testing.T) {
			cfg := tinyConfig()
			cfg.Epochs, cfg.Optimizer.LR = 6, 0.5 // it overshoots
			cfg.Schedule = recipe.Schedule{Name: "constant"}
			folder := t.TempDir()
			after := map[int][]byte{} // last.safetensors by epoch
			errs := map[int]float64{}
			losses := map[int]float64{}
			events := func(step func(int)) report.Events {
				return &epochs{hook: hook{step: step}, each: func(e report.Epoch) {
					if e.Epoch != float64(int(e.Epoch)) {
						return
					}
					after[int(e.Epoch)] = read(t, folder, report.LastFile)
					errs[int(e.Epoch)], losses[int(e.Epoch)] = e.Val.Top1, e.Val.Loss
				}}
			}
			var r report.Result
			if stop == 0 {
				r = finish(t, begin(t, cfg, folder, events(nil)))
			} else {
				ctx, cancel := context.WithCancel(context.Background())
				if _, err := begin(t, cfg, folder, events(func(step int) {
					if step == stop {
						cancel()
					}
				})).Run(ctx); !errors.Is(err, context.Canceled) {
					t.Fatal(err)
				}
				r = finish(t, goOn(t, folder, events(nil)))
			}
			best := 1
			for e := 2; e <= 6; e++ {
				if errs[e] < errs[best] || errs[e] == errs[best] && losses[e] < losses[best] {
					best = e
				}
			}
			if best == 6 || best == 1 {
				t.Fatalf("epoch %d is the best: the test shows nothing (errors %v)", best, errs)
			}
			if r.Best.Epoch != float64(best) || r.Last.Epoch != 6 {
				t.Errorf("best epoch %v, last %v: should be %d and 6", r.Best.Epoch, r.Last.Epoch, best)
			}
			if !bytes.Equal(read(t, folder, report.BestFile), after[best]) {
				t.Errorf("the best weights are not those after epoch %d", best)
			}
			if !bytes.Equal(read(t, folder, report.LastFile), after[6]) || bytes.Equal(after[6], after[best]) {
				t.Error("the last weights are not those after epoch 6")
			}
		})
	}
}

// epochs is an Events that is told each epoch.
type epochs struct {
	hook
	each func(report.Epoch)
}

func (e *epochs) Epoch(row report.Epoch, _ time.Duration) { e.each(row) }

// A run's seconds are those of all its sessions, once each.
func TestSecondsGoOnWhereTheyWere(t *testing.T) {
	folder := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	if _, err := begin(t, tinyConfig(), folder, hook{step: func(step int) {
		if step == 10 {
			cancel()
		}
	}}).Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	tr := goOn(t, folder, nil)
	tr.before += 1000 // the sessions before took that long
	began := time.Now()
	r := finish(t, tr)
	took := time.Since(began).Seconds()
	if r.Seconds < tr.before || r.Seconds > tr.before+took+0.01 {
		t.Errorf("%v seconds after %v and a session of %v", r.Seconds, tr.before, took)
	}
	again := goOn(t, folder, nil)
	if again.before < 1000 || again.before > r.Seconds+0.01 {
		t.Errorf("the third session begins with %v seconds, the second ended with %v", again.before, r.Seconds)
	}
	seconds := 0.0
	for i, e := range again.at.History {
		if e.Seconds < seconds || i >= 1 && e.Seconds < 1000 {
			t.Errorf("epoch %v ended after %v seconds, the one before after %v", e.Epoch, e.Seconds, seconds)
		}
		seconds = e.Seconds
	}
}

// With groups of batches, an average and Adam's corrections count updates, and early stopping counts epochs.
func TestUpdatesAreCountedNotBatches(t *testing.T) {
	cfg := tinyConfig()
	cfg.Accumulate, cfg.EMA, cfg.Epochs, cfg.EarlyStop = 3, 0.95, 2, 1
	cfg.Optimizer = recipe.Optimizer{Name: "adam", LR: 1e-3}
	cfg.Schedule = recipe.Schedule{Name: "constant"}
	tr := begin(t, cfg, t.TempDir(), nil)
	// Seven batches are groups of three, three and one: three updates an epoch.
	weight := tr.params.Get("fc.weight").Data
	average := slices.Clone(weight)
	before := slices.Clone(weight)
	first, second := make([]float64, len(weight)), make([]float64, len(weight))
	updates := 0
	at := slices.Index(tr.trained, tr.params.Get("fc.weight"))
	tr.events = hook{step: func(step int) {
		inEpoch := (step-1)%7 + 1
		if inEpoch%3 != 0 && inEpoch != 7 {
			if !slices.Equal(before, weight) {
				t.Fatalf("step %d, in the middle of a group, updated the weights", step)
			}
			return
		}
		updates++
		decay := min(0.95, float64(updates)/float64(9+updates))
		g := tr.sums.gradient(at)
		for i, v := range weight {
			// Kingma and Ba 2014, algorithm 1.
			first[i] = 0.9*first[i] + 0.1*float64(g[i])
			second[i] = 0.999*second[i] + 0.001*float64(g[i])*float64(g[i])
			m, s := first[i]/(1-math.Pow(0.9, float64(updates))), second[i]/(1-math.Pow(0.999, float64(updates)))
			if want := float64(before[i]) - 1e-3*m/(math.Sqrt(s)+1e-8); math.Abs(float64(v)-want) > 2e-6 {
				t.Fatalf("update %d: weight %d is %v, Adam says %v", updates, i, v, want)
			}
			average[i] += float32(1-decay) * (v - average[i])
			if got := tr.averaged.Get("fc.weight").Data[i]; math.Abs(float64(got-average[i])) > 1e-6 {
				t.Fatalf("update %d: the average of weight %d is %v, should be %v", updates, i, got, average[i])
			}
		}
		copy(before, weight)
	}}
	finish(t, tr)
	if updates != 6 && updates != 3 {
		t.Errorf("%d updates", updates)
	}
}

func TestAFrozenPatternBeginsWhereANameDoes(t *testing.T) {
	names := func(pattern string) []string {
		cfg := tinyConfig()
		cfg.Freeze = pattern
		tr := begin(t, cfg, t.TempDir(), nil)
		var list []string
		for _, p := range tr.params.All() {
			if p.Frozen && !p.Buffer {
				list = append(list, p.Name)
			}
		}
		return list
	}
	for pattern, want := range map[string][]string{
		"conv":           {"conv.weight"},
		"conv|weight|fc": {"conv.weight", "fc.weight", "fc.bias"}, // "weight" begins no name, and the others stand by themselves
		"x|bn|n":         {"bn.weight", "bn.bias"},
		`.*\.bias`:       {"bn.bias", "aux.bias", "fc.bias"},
	} {
		got := names(pattern)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s freezes %v, should freeze %v", pattern, got, want)
		}
	}
	cfg := tinyConfig()
	cfg.Freeze = "weight|onv"
	if _, err := New(cfg, tiny(), split(t), Options{}); err == nil || !strings.Contains(err.Error(), "no parameter of tiny begins like that") {
		t.Errorf("a pattern that only ends names: %v", err)
	}
}
