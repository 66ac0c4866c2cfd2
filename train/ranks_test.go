package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/cluster"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// together runs f as every rank of a group.
func together(t *testing.T, n int, f func(c cluster.Comm) error) []error {
	t.Helper()
	errs := make([]error, n)
	var all sync.WaitGroup
	for i, c := range cluster.Goroutines(n) {
		all.Go(func() { errs[i] = f(c) })
	}
	all.Wait()
	return errs
}

// trainTogether trains by n ranks into a folder, whose weights it returns.
func trainTogether(t *testing.T, n int, cfg recipe.Config, folder string, events func(rank int) report.Events) (map[string][]float32, []error) {
	t.Helper()
	data := datasets.Split{Train: blobs(t, datasets.Train, 200, 1), Val: blobs(t, datasets.Val, 100, 2)}
	errs := together(t, n, func(c cluster.Comm) error {
		o := Options{Folder: folder, Cluster: c}
		if events != nil {
			o.Events = events(c.Rank())
		}
		var trainer *Trainer
		var err error
		if _, statErr := os.Stat(filepath.Join(folder, report.StateFile)); statErr == nil {
			err = c.Barrier() // nobody looks before all have looked
			if err == nil {
				trainer, err = Resume(folder, cfg, tiny(), data, o)
			}
		} else {
			if err = c.Barrier(); err == nil {
				trainer, err = New(cfg, tiny(), data, o)
			}
		}
		if err != nil {
			return err
		}
		defer trainer.Close()
		_, err = trainer.Run(context.Background())
		return err
	})
	r, err := weights.Open(filepath.Join(folder, report.LastFile))
	if err != nil {
		return nil, append(errs, err)
	}
	defer r.Close()
	got := map[string][]float32{}
	for _, s := range r.Specs() {
		size := 1
		for _, d := range s.Shape {
			size *= d
		}
		got[s.Name] = make([]float32, size)
	}
	if err := r.ReadInto(func(name string, _ []int) []float32 { return got[name] }); err != nil {
		t.Fatal(err)
	}
	return got, errs
}

func TestRanksTogetherTrainAsOneProcess(t *testing.T) {
	for name, change := range map[string]func(*recipe.Config){
		"plain":       func(*recipe.Config) {},
		"accumulated": func(c *recipe.Config) { c.Accumulate = 3 },
		"averaged":    func(c *recipe.Config) { c.EMA = 0.9 },
		"clipped":     func(c *recipe.Config) { c.Optimizer.Clip = 0.1 },
		"mixed":       func(c *recipe.Config) { c.Augment = recipe.ParseAugmentation("mixup(0.4)") },
		"balanced":    func(c *recipe.Config) { c.Sampling = recipe.Balanced },
		"adam":        func(c *recipe.Config) { c.Optimizer = recipe.Optimizer{Name: "adamw", LR: 0.003, WeightDecay: 0.01} },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := tinyConfig()
			cfg.Epochs, cfg.Batch, cfg.SyncBatchNorm = 2, 20, true
			change(&cfg)
			want, errs := trainTogether(t, 1, cfg, filepath.Join(t.TempDir(), "one"), nil)
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
			for _, n := range []int{2, 3} {
				folder := filepath.Join(t.TempDir(), fmt.Sprint(n))
				got, errs := trainTogether(t, n, cfg, folder, nil)
				if err := errors.Join(errs...); err != nil {
					t.Fatal(err)
				}
				closeTo(t, fmt.Sprintf("%d ranks", n), want, got, 1e-4)
				again, _ := trainTogether(t, n, cfg, filepath.Join(t.TempDir(), "again"), nil)
				if !reflect.DeepEqual(got, again) {
					t.Errorf("%d ranks give other bits the second time", n)
				}
			}
		})
	}
}

// Batches in shares give the same bits by any number of ranks, and what is counted of them the same numbers.
func TestSharesGiveTheSameBitsByAnyNumberOfRanks(t *testing.T) {
	for name, change := range map[string]func(*recipe.Config){
		"plain":        func(*recipe.Config) {},
		"synchronised": func(c *recipe.Config) { c.SyncBatchNorm = true },
		"accumulated":  func(c *recipe.Config) { c.Accumulate = 3 },
		"clipped":      func(c *recipe.Config) { c.Optimizer.Clip, c.SyncBatchNorm = 0.1, true },
		"mixed":        func(c *recipe.Config) { c.Augment = recipe.ParseAugmentation("mixup(0.4)") },
		"weighted":     func(c *recipe.Config) { c.ClassWeights = "1,2,3" },
		"averaged":     func(c *recipe.Config) { c.EMA = 0.9 },
		"uneven":       func(c *recipe.Config) { c.Batch, c.Shares = 17, 7 }, // of which 200 leave a batch of 13
	} {
		t.Run(name, func(t *testing.T) {
			cfg := tinyConfig()
			cfg.Epochs, cfg.Batch, cfg.Shares = 2, 20, 5
			change(&cfg)
			home := t.TempDir()
			want, errs := trainTogether(t, 1, cfg, filepath.Join(home, "1"), nil)
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
			for _, n := range []int{2, 3, 5} {
				got, errs := trainTogether(t, n, cfg, filepath.Join(home, fmt.Sprint(n)), nil)
				if err := errors.Join(errs...); err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(got, want) {
					t.Errorf("%d ranks give other bits than one process", n)
				}
				if a, b := metricsOf(t, filepath.Join(home, "1")), metricsOf(t, filepath.Join(home, fmt.Sprint(n))); a != b {
					t.Errorf("%d ranks count\n%s\none process\n%s", n, b, a)
				}
			}
			// The shares are those of the same batch: only the rounding differs, where the batch is normalised as a whole.
			if !cfg.SyncBatchNorm {
				return
			}
			cfg.Shares = 0
			whole, errs := trainTogether(t, 1, cfg, filepath.Join(home, "whole"), nil)
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
			closeTo(t, "in shares", whole, want, 1e-4)
		})
	}
}

// closeTo compares weights, relative to the largest of each tensor.
func closeTo(t *testing.T, what string, want, got map[string][]float32, tolerance float64) {
	t.Helper()
	for tensor, w := range want {
		most := 0.0
		for _, v := range w {
			most = max(most, math.Abs(float64(v)))
		}
		for i, v := range got[tensor] {
			if math.Abs(float64(v-w[i])) > tolerance*most+1e-6 {
				t.Fatalf("%s: %s[%d] is %g, should be %g", what, tensor, i, v, w[i])
			}
		}
	}
}

// Gradients that go while the backward pass goes on are those that go after it, also where ranks meet in
// between to normalise; and half the bytes give nearly the same weights.
func TestHowGradientsGo(t *testing.T) {
	for _, sync := range []bool{false, true} {
		cfg := tinyConfig()
		cfg.Epochs, cfg.Batch, cfg.SyncBatchNorm = 2, 20, sync
		train := func(name string, n int, change func(*recipe.Config)) map[string][]float32 {
			c := cfg
			change(&c)
			got, errs := trainTogether(t, n, c, filepath.Join(t.TempDir(), name), nil)
			if err := errors.Join(errs...); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return got
		}
		plain := train("plain", 3, func(*recipe.Config) {})
		if got := train("overlap", 3, func(c *recipe.Config) { c.Overlap = true }); !reflect.DeepEqual(got, plain) {
			t.Errorf("synchronised %v: overlapping gives other weights", sync)
		}
		rounded := train("bfloat16", 3, func(c *recipe.Config) { c.Wire = "bfloat16" })
		if reflect.DeepEqual(rounded, plain) {
			t.Errorf("synchronised %v: nothing was rounded", sync)
		}
		closeTo(t, "bfloat16", plain, rounded, 0.02)
		if got := train("both", 3, func(c *recipe.Config) { c.Wire, c.Overlap = "bfloat16", true }); !reflect.DeepEqual(got, rounded) {
			t.Errorf("synchronised %v: overlapping gives other rounded weights", sync)
		}
		if one := train("one", 1, func(*recipe.Config) {}); !reflect.DeepEqual(train("one rounded", 1, func(c *recipe.Config) { c.Wire, c.Overlap = "bfloat16", true }), one) {
			t.Error("one process has nobody to send rounded numbers to")
		}
	}
}

func TestEachRankNormalisesByItsOwnImages(t *testing.T) {
	cfg := tinyConfig()
	cfg.Epochs, cfg.Batch = 1, 20
	one, _ := trainTogether(t, 1, cfg, filepath.Join(t.TempDir(), "one"), nil)
	two, errs := trainTogether(t, 2, cfg, filepath.Join(t.TempDir(), "two"), nil)
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	apart := 0.0
	for i, v := range one["fc.weight"] {
		apart = max(apart, math.Abs(float64(v-two["fc.weight"][i])))
	}
	if apart < 1e-4 {
		t.Error("statistics of half a batch are those of the whole")
	}
}

func TestRanksGoOnWithARunOfAnotherNumber(t *testing.T) {
	cfg := tinyConfig()
	cfg.Epochs, cfg.Batch, cfg.SyncBatchNorm = 3, 20, true
	whole, errs := trainTogether(t, 2, cfg, filepath.Join(t.TempDir(), "whole"), nil)
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{2, 3, 1} {
		folder := filepath.Join(t.TempDir(), "half")
		// Rank 1 is told to end in the middle of the second epoch: all end after the same step.
		ctx, cancel := context.WithCancel(context.Background())
		data := datasets.Split{Train: blobs(t, datasets.Train, 200, 1), Val: blobs(t, datasets.Val, 100, 2)}
		errs := together(t, 2, func(c cluster.Comm) error {
			own := context.Background()
			o := Options{Folder: folder, Cluster: c}
			if c.Rank() == 1 {
				own = ctx
			} else {
				o.Events = hook{step: func(step int) {
					if step == 13 {
						cancel()
					}
				}}
			}
			trainer, err := New(cfg, tiny(), data, o)
			if err != nil {
				return err
			}
			defer trainer.Close()
			_, err = trainer.Run(own)
			var saved *Interrupted
			if !errors.As(err, &saved) {
				return fmt.Errorf("rank %d: %v", c.Rank(), err)
			}
			return nil
		})
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		got, errs := trainTogether(t, n, cfg, folder, nil)
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		for name, w := range whole {
			for i, v := range got[name] {
				if n == 2 && v != w[i] || math.Abs(float64(v-w[i])) > 1e-3 {
					t.Fatalf("resumed by %d ranks: %s[%d] is %g, uninterrupted %g", n, name, i, v, w[i])
				}
			}
		}
	}
}

func TestALostRankCostsNothingButItsStep(t *testing.T) {
	cfg := tinyConfig()
	cfg.Epochs, cfg.Batch = 2, 20
	want, errs := trainTogether(t, 2, cfg, filepath.Join(t.TempDir(), "whole"), nil)
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), "lost")
	data := datasets.Split{Train: blobs(t, datasets.Train, 200, 1), Val: blobs(t, datasets.Val, 100, 2)}
	errs = together(t, 2, func(c cluster.Comm) error {
		if c.Rank() == 1 {
			c = &dying{Comm: c, after: 25}
		}
		trainer, err := New(cfg, tiny(), data, Options{Folder: folder, Cluster: c})
		if err != nil {
			return err
		}
		defer trainer.Close()
		_, err = trainer.Run(context.Background())
		return err
	})
	if errs[0] == nil || !errors.Is(errs[0], cluster.ErrLost) || !strings.Contains(errs[0].Error(), "the run is saved after step") {
		t.Fatalf("rank 0 says %v", errs[0])
	}
	got, errs := trainTogether(t, 2, cfg, folder, nil)
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Error("the run that lost a rank goes on to other weights")
	}
}

// dying is a rank that is gone after so many sums.
type dying struct {
	cluster.Comm
	after int
}

func (d *dying) Sum(v []float32) error {
	if d.after--; d.after < 0 {
		d.Abort(cluster.ErrLost)
		return cluster.ErrLost
	}
	return d.Comm.Sum(v)
}

// A disk that is full for a while, where rank 0 writes, costs nothing, and the others wait.
func TestRanksOutliveAFullDisk(t *testing.T) {
	cfg := tinyConfig()
	cfg.Epochs, cfg.Batch = 3, 20
	want, errs := trainTogether(t, 2, cfg, filepath.Join(t.TempDir(), "whole"), nil)
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for name, until := range map[string]int{"in the middle": 25, "at the end": 0} {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "run")
			var list []string
			data := datasets.Split{Train: blobs(t, datasets.Train, 200, 1), Val: blobs(t, datasets.Val, 100, 2)}
			errs := together(t, 2, func(c cluster.Comm) error {
				o := Options{Folder: folder, Cluster: c, RetryWait: 50 * time.Millisecond}
				if c.Rank() == 0 {
					o.Events = warned{list: &list, step: func(step int) {
						here, away := filepath.Join(folder, "weights"), folder+"-away"
						var err error
						switch step {
						case 8:
							if err = os.Rename(here, away); until == 0 {
								time.AfterFunc(400*time.Millisecond, func() { os.Rename(away, here) })
							}
						case until:
							err = os.Rename(away, here)
						}
						if err != nil {
							t.Error(err)
						}
					}}
				}
				trainer, err := New(cfg, tiny(), data, o)
				if err != nil {
					return err
				}
				defer trainer.Close()
				_, err = trainer.Run(context.Background())
				return err
			})
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(strings.Join(list, "\n"), "checkpoint not written: ") {
				t.Errorf("warnings %q", list)
			}
			f, err := weights.Load(filepath.Join(folder, report.LastFile))
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range f.Tensors {
				if !reflect.DeepEqual(x.Data, want[x.Name]) {
					t.Errorf("%s is another", x.Name)
				}
			}
		})
	}
}

func TestThePlanTellsWhatRanksDo(t *testing.T) {
	data := datasets.Split{Train: blobs(t, datasets.Train, 200, 1), Val: blobs(t, datasets.Val, 100, 2)}
	for _, c := range []struct {
		ranks  int
		change func(*recipe.Config)
		want   []string
	}{
		{3, func(*recipe.Config) {}, []string{"3 ranks, each with its share of a batch: 6+7+7 images; batch normalisation by each rank's images; 0.0 MB", "at most 70 of 200"}},
		{2, func(c *recipe.Config) { c.Shares, c.SyncBatchNorm = 5, true }, []string{"8+12 images; batch normalisation by the whole batch", "in 5 shares", "at most 120 of 200"}},
		{2, func(c *recipe.Config) { c.Wire, c.Overlap = "bfloat16", true }, []string{"as bfloat16, while the backward pass goes on"}},
		{2, func(c *recipe.Config) { c.Augment = recipe.ParseAugmentation("mixup(0.4)") }, []string{"every rank reads all of the images"}},
		{1, func(c *recipe.Config) { c.Shares = 5 }, []string{"each batch in 5 shares: the weights are those of any number of ranks up to 5"}},
	} {
		errs := together(t, c.ranks, func(comm cluster.Comm) error {
			cfg := tinyConfig()
			cfg.Batch = 20
			c.change(&cfg)
			trainer, err := New(cfg, tiny(), data, Options{Folder: filepath.Join(t.TempDir(), "run"), Cluster: comm})
			if err != nil {
				return err
			}
			defer trainer.Close()
			notes := strings.Join(trainer.Plan().Notes, "\n")
			for _, want := range c.want {
				if !strings.Contains(notes, want) {
					return fmt.Errorf("%d ranks: the plan does not say %q: %s", c.ranks, want, notes)
				}
			}
			return nil
		})
		if err := errors.Join(errs...); err != nil {
			t.Error(err)
		}
	}
}

func TestRanksThatDifferAreToldApart(t *testing.T) {
	data := datasets.Split{Train: blobs(t, datasets.Train, 200, 1), Val: blobs(t, datasets.Val, 100, 2)}
	other := datasets.Split{Train: blobs(t, datasets.Train, 200, 3), Val: data.Val}
	for name, c := range map[string]struct {
		change func(rank int, cfg *recipe.Config, data *datasets.Split, o *Options)
		want   string
	}{
		"another configuration": {func(rank int, cfg *recipe.Config, _ *datasets.Split, _ *Options) {
			cfg.Optimizer.LR, cfg.Batch = 0.25*float64(rank+1), 20*(rank+1)
		}, "ranks differ in the settings: batch (20 on rank 0, 40 on rank 1), optimizer.lr (0.25 on rank 0, 0.5 on rank 1)"},
		"other images": {func(rank int, _ *recipe.Config, data *datasets.Split, _ *Options) {
			if rank == 1 {
				*data = other
			}
		}, "ranks differ in the training data"},
		"another program":   {func(rank int, _ *recipe.Config, _ *datasets.Split, o *Options) { o.Program = fmt.Sprint("zoo ", rank) }, "ranks differ in the program"},
		"too small a batch": {func(_ int, cfg *recipe.Config, _ *datasets.Split, _ *Options) { cfg.Batch = 1 }, "too few images for 2 ranks"},
	} {
		errs := together(t, 2, func(comm cluster.Comm) error {
			cfg, split, o := tinyConfig(), data, Options{Folder: filepath.Join(t.TempDir(), "run"), Cluster: comm}
			c.change(comm.Rank(), &cfg, &split, &o)
			trainer, err := New(cfg, tiny(), split, o)
			if err == nil {
				trainer.Close()
			}
			return err
		})
		for rank, err := range errs {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: rank %d says %v", name, rank, err)
			}
		}
	}
}

// Threads and where the images are may differ: they change no result.
func TestThreadsMayDifferBetweenRanks(t *testing.T) {
	for rank, err := range together(t, 3, func(c cluster.Comm) error {
		cfg := tinyConfig()
		cfg.Threads, cfg.DataDir = c.Rank()+1, fmt.Sprint("/data", c.Rank())
		return sameSettings(c, cfg)
	}) {
		if err != nil {
			t.Errorf("rank %d: %v", rank, err)
		}
	}
}

func TestRanksThatAreAskedOtherThingsDoNotEvaluate(t *testing.T) {
	file := says(t, 1, abc, first...)
	for rank, err := range together(t, 2, func(c cluster.Comm) error {
		_, err := Evaluate(t.Context(), EvalConfig{
			Weights: []string{file}, Images: four(t, abc, truth...), Limit: 4 - c.Rank(), Cluster: c,
			Network: func(m weights.Meta) (Network, error) { return table(m.Classes), nil },
		})
		return err
	}) {
		if err == nil || !strings.Contains(err.Error(), "ranks differ in what they are asked for: crops 1, flip false, limit 4,") || !strings.Contains(err.Error(), "limit 3,") {
			t.Errorf("rank %d: %v", rank, err)
		}
	}
}

func TestRanksEvaluateAsOneProcess(t *testing.T) {
	cfg := tinyConfig()
	cfg.Epochs = 1
	folder := filepath.Join(t.TempDir(), "run")
	if _, errs := trainTogether(t, 1, cfg, folder, nil); errors.Join(errs...) != nil {
		t.Fatal(errs)
	}
	evaluate := func(c cluster.Comm, views datasets.Views) (report.Evaluation, error) {
		return Evaluate(context.Background(), EvalConfig{
			Weights: []string{filepath.Join(folder, report.LastFile), filepath.Join(folder, report.BestFile)},
			Network: func(weights.Meta) (Network, error) { return tiny(), nil },
			Images:  blobs(t, datasets.Test, 333, 5), Batch: 7, Views: views, Worst: 5, Cluster: c,
		})
	}
	for _, views := range []datasets.Views{{}, {Flip: true}} {
		want, err := evaluate(nil, views)
		if err != nil {
			t.Fatal(err)
		}
		errs := together(t, 3, func(c cluster.Comm) error {
			got, err := evaluate(c, views)
			if err != nil {
				return err
			}
			if !reflect.DeepEqual(got, want) {
				return fmt.Errorf("rank %d measures %+v\nshould be %+v", c.Rank(), got, want)
			}
			return nil
		})
		if err := errors.Join(errs...); err != nil {
			t.Error(err)
		}
	}
}

func TestTheRateIsScaledWithTheBatch(t *testing.T) {
	cfg := tinyConfig()
	cfg.LRBatch, cfg.Batch = 8, 32
	if got := base(cfg).LR; got != 4*cfg.Optimizer.LR {
		t.Errorf("a batch of 32 at a rate for 8: %g of %g", got, cfg.Optimizer.LR)
	}
}
