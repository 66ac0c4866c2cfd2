package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/cluster"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// stripes are images of ten classes, which differ in the width of their stripes, among noise.
func stripes(t *testing.T, part datasets.Part, n, channels, side int, seed uint64) datasets.Source {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 0))
	info := datasets.Info{Name: "stripes", Part: part, Shape: image.Shape{C: channels, H: side, W: side}, Mean: []float32{0.4}, Std: []float32{0.25}}
	for c := range 10 {
		info.Classes = append(info.Classes, fmt.Sprint(c))
	}
	pix, labels := make([]uint8, 0, n*channels*side*side), make([]int32, n)
	for i := range labels {
		labels[i] = int32(r.IntN(10))
		for range channels {
			for y := range side {
				for range side {
					pix = append(pix, uint8(r.IntN(120)+100*(y/(int(labels[i])+1)%2)))
				}
			}
		}
	}
	m, err := datasets.NewMemory(info, pix, labels)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Two ranks with half of each batch give, after twenty steps, the weights of one process with the whole, to 1e-5 of
// the weights' length.
//
// The rates are low, for training itself magnifies what is rounded: a ReLU that is just not zero passes its gradient
// or not. At higher ones two ranks come as far from one process as one process does whose first layer begins with
// weights that differ in their last bit, and no farther.
func TestHalfABatchEachGivesTheWeightsOfTheWhole(t *testing.T) {
	const steps, batch = 20, 16
	for _, c := range []struct {
		network, variant string
		input            [2]int // channels, side
		sync             bool
		low, high        float64 // rates
		shares           bool    // computed in shares, too
	}{
		{"lenet5", "", [2]int{1, 28}, false, 0.01, 0, true},
		{"alexnet", "cifar", [2]int{3, 32}, false, 0.001, 0, false},
		{"resnet20", "", [2]int{3, 32}, true, 1e-5, 0.01, true},
	} {
		t.Run(c.network, func(t *testing.T) {
			m, err := zoo.New(c.network, zoo.Variant(c.variant))
			if err != nil {
				t.Fatal(err)
			}
			learn := stripes(t, datasets.Train, steps*batch, c.input[0], c.input[1], 1)
			data := datasets.Split{Train: learn, Val: stripes(t, datasets.Val, 20, c.input[0], c.input[1], 2)}
			cfg := recipe.Config{
				Network: c.network, Data: "stripes", Seed: 3, Epochs: 1, Batch: batch, SyncBatchNorm: c.sync, Threads: 1,
				Augment:   recipe.ParseAugmentation("crop(2), flip"),
				Optimizer: recipe.Optimizer{LR: c.low, Momentum: 0.9, WeightDecay: 5e-4}, Schedule: recipe.Schedule{Name: "constant"},
			}
			train := func(ranks int, name string, cfg recipe.Config, begin func(*Trainer)) *weights.File {
				folder := filepath.Join(t.TempDir(), name)
				errs := together(t, ranks, func(c cluster.Comm) error {
					tr, err := New(cfg.Complete(), Of(m), data, Options{Folder: folder, Cluster: c})
					if err != nil {
						return err
					}
					defer tr.Close()
					if begin != nil {
						begin(tr)
					}
					r, err := tr.Run(context.Background())
					if err == nil && r.Steps != steps {
						err = fmt.Errorf("%d steps", r.Steps)
					}
					return err
				})
				if err := errors.Join(errs...); err != nil {
					t.Fatal(err)
				}
				f, err := weights.Load(filepath.Join(folder, report.LastFile))
				if err != nil {
					t.Fatal(err)
				}
				return f
			}
			one, two := train(1, "one", cfg, nil), train(2, "two", cfg, nil)
			if apart := distance(t, one, two); apart > 1e-5 {
				t.Errorf("two ranks come %.2g from one process", apart)
			} else {
				t.Logf("two ranks come %.2g from one process", apart)
			}
			if c.network == "lenet5" { // the cheapest
				if again := train(2, "again", cfg, nil); !reflect.DeepEqual(two.Tensors, again.Tensors) {
					t.Error("two ranks give other bits the second time")
				}
			}
			if c.high > 0 {
				cfg := cfg
				cfg.Optimizer.LR = c.high
				one, two := train(1, "one-high", cfg, nil), train(2, "two-high", cfg, nil)
				beside := train(1, "beside", cfg, func(tr *Trainer) {
					first := tr.params.Trained()[0].Data
					for i := range first {
						first[i] = math.Nextafter32(first[i], 1)
					}
					tr.params.Changed()
				})
				by, control := distance(t, one, two), distance(t, one, beside)
				t.Logf("at the rate %g two ranks come %.2g from one process, a bit in the first layer %.2g", c.high, by, control)
				if by > 10*control {
					t.Errorf("at the rate %g two ranks come %.2g from one process, a bit in the first layer only %.2g", c.high, by, control)
				}
			}
			if !c.shares {
				return
			}
			cfg.Shares = 4
			want := train(1, "shares", cfg, nil)
			for _, n := range []int{2, 3} {
				if got := train(n, fmt.Sprint("shares", n), cfg, nil); !reflect.DeepEqual(want.Tensors, got.Tensors) {
					t.Errorf("four shares: %d ranks give other bits than one process", n)
				}
			}
		})
	}
}

// distance is that of all weights, relative to their length.
func distance(t *testing.T, want, got *weights.File) float64 {
	t.Helper()
	var apart, length float64
	for i, w := range want.Tensors {
		g := got.Tensors[i]
		if g.Name != w.Name || len(g.Data) != len(w.Data) {
			t.Fatalf("%s in place of %s", g.Name, w.Name)
		}
		for k, v := range w.Data {
			d := float64(v) - float64(g.Data[k])
			apart, length = apart+d*d, length+float64(v)*float64(v)
		}
	}
	return math.Sqrt(apart / length)
}
