package train

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
)

// warned is an Events that keeps warnings and calls a function after each step.
type warned struct {
	report.Quiet
	step func(step int)
	list *[]string
}

func (w warned) Step(s report.Step) { w.step(s.Step) }
func (w warned) Warn(text string)   { *w.list = append(*w.list, text) }

func TestARunBelongsToOneProcess(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "run")
	tried := false
	tr := begin(t, tinyConfig(), folder, hook{step: func(step int) {
		if step != 2 {
			return
		}
		tried = true
		cfg, err := ReadConfig(folder)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Resume(folder, cfg, tiny(), split(t), Options{})
		var use *InUseError
		if !errors.As(err, &use) || use.Process != os.Getpid() || !strings.Contains(err.Error(), "in use by process ") {
			t.Errorf("error %v", err)
		}
	}})
	finish(t, tr)
	if !tried {
		t.Fatal("no step was made")
	}
	again, err := Resume(folder, tinyConfig(), tiny(), split(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
	unlock, err := Lock(folder)
	if err != nil {
		t.Fatalf("a closed trainer has kept the folder: %v", err)
	}
	unlock()
}

func TestCheckpointsThatFailAreTriedAgain(t *testing.T) {
	whole := finish(t, begin(t, tinyConfig(), filepath.Join(t.TempDir(), "whole"), nil))
	for _, c := range []struct {
		name     string
		from, to int // steps between which nothing can be written
	}{{"in the first epoch", 2, 10}, {"in several", 8, 22}, {"at the end", 24, 1 << 30}} {
		t.Run(c.name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "run")
			var list []string
			events := warned{list: &list, step: func(step int) {
				away := folder + "-away"
				var err error
				switch step {
				case c.from:
					if err = os.Rename(filepath.Join(folder, "weights"), away); c.to == 1<<30 {
						time.AfterFunc(300*time.Millisecond, func() { os.Rename(away, filepath.Join(folder, "weights")) })
					}
				case c.to:
					err = os.Rename(away, filepath.Join(folder, "weights"))
				}
				if err != nil {
					t.Error(err)
				}
			}}
			tr, err := New(tinyConfig(), tiny(), split(t), Options{Folder: folder, Events: events, RetryWait: 50 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			defer tr.Close()
			r, err := tr.Run(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if text := strings.Join(list, "\n"); !strings.Contains(text, "checkpoint not written: ") || !strings.Contains(text, "checkpoints are written again") {
				t.Errorf("warnings %q", list)
			}
			for _, files := range [][2]string{{whole.LastWeights, r.LastWeights}, {whole.BestWeights, r.BestWeights}} {
				a, err := os.ReadFile(files[0])
				if err != nil {
					t.Fatal(err)
				}
				if b, err := os.ReadFile(files[1]); err != nil || !bytes.Equal(a, b) {
					t.Errorf("%s is not that of a run whose checkpoints were written (%v)", files[1], err)
				}
			}
		})
	}
	t.Run("for ever", func(t *testing.T) {
		folder := filepath.Join(t.TempDir(), "run")
		var list []string
		ctx, cancel := context.WithCancel(t.Context())
		events := warned{list: &list, step: func(step int) {
			if step == 3 {
				os.RemoveAll(filepath.Join(folder, "weights"))
			}
			if step == 24 {
				time.AfterFunc(200*time.Millisecond, cancel)
			}
		}}
		tr, err := New(tinyConfig(), tiny(), split(t), Options{Folder: folder, Events: events})
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		if _, err := tr.Run(ctx); err == nil || !strings.Contains(err.Error(), "not saved: ") {
			t.Errorf("error %v", err)
		}
	})
}

func TestAStateThatIsGoneIsNoNewBeginning(t *testing.T) {
	r := finish(t, begin(t, tinyConfig(), filepath.Join(t.TempDir(), "run"), nil))
	if err := os.Remove(filepath.Join(r.Folder, report.StateFile)); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(r.BestWeights)
	if _, err := Resume(r.Folder, tinyConfig(), tiny(), split(t), Options{}); err == nil || !strings.Contains(err.Error(), "state.safetensors is gone") {
		t.Errorf("error %v", err)
	}
	if after, _ := os.ReadFile(r.BestWeights); !bytes.Equal(before, after) {
		t.Error("the best weights have changed")
	}
}

func TestPicturesThatWereNotDrawnAreDrawnLater(t *testing.T) {
	r := finish(t, begin(t, tinyConfig(), filepath.Join(t.TempDir(), "run"), nil))
	want, err := os.ReadFile(filepath.Join(r.Folder, report.ConfusionFile+".csv"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{report.ConfusionFile + ".csv", report.ConfusionFile + ".png", report.CurvesFile, report.CardFile, report.MetricsFile} {
		if err := os.Remove(filepath.Join(r.Folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	os.WriteFile(filepath.Join(r.Folder, report.EnvFile), []byte("{"), 0o666) // a record, which nothing depends on
	tr, err := Resume(r.Folder, tinyConfig(), tiny(), split(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	if !tr.Complete() {
		t.Error("it is not complete")
	}
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(r.Folder, report.ConfusionFile+".csv"))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v: %s: want %s", err, got, want)
	}
	for _, name := range []string{report.CurvesFile, report.CardFile, report.MetricsFile} {
		if _, err := os.Stat(filepath.Join(r.Folder, name)); err != nil {
			t.Error(err)
		}
	}
	if log, _ := os.ReadFile(filepath.Join(r.Folder, report.LogFile)); !strings.Contains(string(log), "env.json is damaged, and begun anew") {
		t.Errorf("log %s", log)
	}
}

func TestWhatChangesInARunIsSaidOrRefused(t *testing.T) {
	was := tinyConfig()
	saved, err := json.Marshal(was)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		set  string
		want string // the change, or an error
	}{
		{"epochs=9", "epochs 4, now 9"}, {"lr=0.5", "optimizer.lr 0.05, now 0.5"}, {"smoothing=0.1", "smoothing 0, now 0.1"}, {"patience=7", "schedule.patience 1, now 7"},
		{"threads=3", ""}, {"time=3m", ""}, {"checkpoint=1s", ""}, {"data_dir=/elsewhere", ""},
		{"batch=8", "error batch is 8, the run has 16: that cannot change"}, {"seed=4", "error seed is 4"}, {"data=other", "error data is"}, {"optimizer.name=adam", "error optimizer.name is"},
		{"val=0.3", "error val is"}, {"sampling=balanced", "error sampling is"}, {"limit=7", "error limit is"},
	} {
		now := tinyConfig()
		key, value, _ := strings.Cut(c.set, "=")
		if err := now.Set(key, value); err != nil {
			t.Fatal(err)
		}
		list, err := changes(saved, now)
		got := strings.Join(list, "; ")
		if err != nil {
			got = "error " + err.Error()
		}
		if got != c.want && !(strings.HasPrefix(c.want, "error") && strings.HasPrefix(got, c.want)) {
			t.Errorf("%s: %q, want %q", c.set, got, c.want)
		}
	}
	// Every setting is one of those that are said, that are not, or that cannot change.
	for _, key := range append(slices.Clone(unsaid), fixed...) {
		if !slices.Contains(recipe.Keys(), key) {
			t.Errorf("%s is no setting", key)
		}
	}
}

func TestARunGoesOnBeyondItsEnd(t *testing.T) {
	cfg := tinyConfig()
	cfg.Epochs = 6
	whole := finish(t, begin(t, cfg, filepath.Join(t.TempDir(), "whole"), nil))
	r := finish(t, begin(t, tinyConfig(), filepath.Join(t.TempDir(), "run"), nil)) // 4 epochs
	tr, err := Resume(r.Folder, cfg, tiny(), split(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	more, err := tr.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// A plateau's schedule does not know how many epochs there are: the weights are those of six at once.
	a, _ := os.ReadFile(whole.LastWeights)
	b, _ := os.ReadFile(more.LastWeights)
	if len(a) == 0 || !bytes.Equal(a, b) {
		t.Error("four epochs and two more are not six")
	}
	if kept, err := ReadConfig(r.Folder); err != nil || kept.Epochs != 6 {
		t.Errorf("config.json says %d epochs, %v", kept.Epochs, err)
	}
	for _, name := range []string{report.LogFile, report.EnvFile} {
		if text, _ := os.ReadFile(filepath.Join(r.Folder, name)); !strings.Contains(string(text), "epochs 4, now 6") {
			t.Errorf("%s does not say it: %s", name, text)
		}
	}
	cfg.Epochs = 2
	if _, err := Resume(r.Folder, cfg, tiny(), split(t), Options{}); err == nil || !strings.Contains(err.Error(), "6 epochs are done, and the run is to have 2") {
		t.Errorf("error %v", err)
	}
}

func TestValidationImagesAreNeverTestImagesUnlessAsked(t *testing.T) {
	train, val, test := blobs(t, datasets.Train, 100, 1), blobs(t, datasets.Val, 50, 2), blobs(t, datasets.Test, 40, 3)
	for _, c := range []struct {
		name          string
		data          datasets.Split
		val           string
		learn, choose int
		resolved, err string
	}{
		{"a part val", datasets.Split{Train: train, Val: val, Test: test}, "", 100, 50, "val", ""},
		{"no part val", datasets.Split{Train: train, Test: test}, "", 80, 20, "0.2", ""},
		{"the most that are few", datasets.Split{Train: blobs(t, datasets.Train, 4999, 4)}, "", 3999, 1000, "0.2", ""},
		{"the least that are many", datasets.Split{Train: blobs(t, datasets.Train, 5000, 4)}, "", 4500, 500, "0.1", ""},
		{"a fraction in place of the part", datasets.Split{Train: train, Val: val}, "0.3", 70, 30, "0.3", ""},
		{"the test part", datasets.Split{Train: train, Val: val, Test: test}, "test", 100, 40, "test", ""},
		{"a part that is not there", datasets.Split{Train: train}, "val", 0, 0, "", "blobs has no part val"},
		{"the training part", datasets.Split{Train: train}, "train", 0, 0, "", "other images than those that are learned"},
		{"all", datasets.Split{Train: train}, "1", 0, 0, "", "a fraction of the training images between 0 and 1"},
		{"a word", datasets.Split{Train: train}, "tset", 0, 0, "", "a fraction of the training images between 0 and 1"},
		{"nothing to learn from", datasets.Split{Test: test}, "", 0, 0, "", "no part to train on"},
	} {
		cfg := tinyConfig()
		cfg.Val = c.val
		learn, choose, cfg, err := Divide(cfg, c.data)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: error %v: want one with %s", c.name, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if near := func(a, b int) bool { return a-b < 3 && b-a < 3 }; !near(learn.Len(), c.learn) || !near(choose.Len(), c.choose) || cfg.Val != c.resolved {
			t.Errorf("%s: %d to learn from, %d that choose, val %s: want about %d and %d, val %s", c.name, learn.Len(), choose.Len(), cfg.Val, c.learn, c.choose, c.resolved)
		}
	}
}

func TestNeedsBeyondTheMachineAreRefused(t *testing.T) {
	if machineMemory() > 0 {
		if err := fitsMemory("net", 1<<60, "a thing"); err == nil || !strings.Contains(err.Error(), "net: needs ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v", err)
		}
	}
	if err := fitsMemory("net", 1, "a thing"); err != nil {
		t.Error(err)
	}
	if freeDisk(t.TempDir()) >= 0 {
		if err := fitsDisk(t.TempDir(), 1<<60); err == nil || !strings.Contains(err.Error(), "on the disk, and ") {
			t.Errorf("error %v", err)
		}
	}
	if err := fitsDisk(t.TempDir(), 1); err != nil {
		t.Error(err)
	}
}
