package train

import (
	"context"
	"slices"
	"testing"
	"time"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
)

func TestAnEstimateIsInThePlanAndChangesNothing(t *testing.T) {
	cfg := tinyConfig()
	cfg.Epochs, cfg.Checkpoint = 100, 0
	tr := begin(t, cfg, t.TempDir(), nil)
	weight := slices.Clone(tr.params.Get("conv.weight").Data)
	estimate, err := tr.Estimate(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(weight, tr.params.Get("conv.weight").Data) {
		t.Error("the steps that were timed changed the weights")
	}
	p := tr.Plan()
	if p.Seconds != round(estimate.Seconds(), 1) || p.Done != 0 {
		t.Errorf("the plan says %v seconds and %d steps done, the estimate was %v", p.Seconds, p.Done, estimate)
	}
	if estimate <= 0 {
		t.Errorf("estimated %v", estimate)
	}
}

func TestEstimatesFollowTheConfiguration(t *testing.T) {
	estimate := func(change func(*recipe.Config), net Network) time.Duration {
		cfg := tinyConfig()
		change(&cfg)
		tr, err := New(cfg, net, split(t), Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		d, err := tr.Estimate(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	if d := estimate(func(c *recipe.Config) { c.Epochs, c.Ensemble, c.Time = 1e6, 3, recipe.Duration(time.Minute) }, tiny()); d != time.Minute {
		t.Errorf("%v, the run is bounded by a minute", d)
	}
	if d := estimate(func(c *recipe.Config) { c.Batch = 100 }, tiny()); d <= 0 {
		t.Errorf("%v for epochs of a single batch", d)
	}
	mixed := estimate(func(c *recipe.Config) {
		c.Augment, c.EMA, c.Accumulate, c.Optimizer.Clip = recipe.ParseAugmentation("mixup(0.2)"), 0.9, 3, 1
	}, tiny())
	if mixed <= 0 {
		t.Errorf("%v with mixed images, an average, groups of batches and clipping", mixed)
	}
	// A layer that makes a step too large to be timed as it is.
	large := tiny()
	large.Build = func(b *graph.Builder, x *gorgonia.Node) (*gorgonia.Node, error) {
		x = b.Conv(x, "wide", 2048, 3, graph.Same())
		x = b.Conv(x, "conv", 512, 3, graph.Same(), graph.Groups(1))
		return b.Dense(b.GlobalAvgPool(x), "fc", 3), b.Err()
	}
	cfg := tinyConfig()
	tr, err := New(cfg, large, split(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	if work := float64(3*tr.Plan().MACs) * float64(cfg.Batch); work <= 25e9 {
		t.Fatalf("%.3g multiply-adds are few", work)
	}
	begun := time.Now()
	small, err := tr.timeSmallSteps(context.Background())
	if err != nil || small <= 0 || small > 20*time.Since(begun) {
		t.Errorf("a step of %v, measured in %v, %v", small, time.Since(begun), err)
	}
}
