package train

import (
	"context"
	"math"
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

// A run's time by hand: of 100 images in batches of 16 and of 50 that are evaluated.
func TestEpochsAndEvaluationsAddUpToARun(t *testing.T) {
	for _, c := range []struct {
		name            string
		epochs, members int
		batch           int
		bound, want     time.Duration
	}{
		{"an epoch", 1, 0, 16, 0, 10*time.Second + 500*time.Millisecond},
		{"three epochs of two members", 3, 2, 16, 0, 63 * time.Second},
		{"one of one member", 1, 1, 16, 0, 10*time.Second + 500*time.Millisecond},
		{"that its time ends", 3, 2, 16, time.Minute, time.Minute},
		{"that ends before its time", 3, 2, 16, 2 * time.Minute, 63 * time.Second},
		{"a batch that is larger than all images", 1, 0, 160, 0, 1600*time.Millisecond + 500*time.Millisecond},
	} {
		cfg := tinyConfig()
		cfg.Epochs, cfg.Ensemble, cfg.Batch = c.epochs, c.members, c.batch
		cfg.Time, cfg.Schedule.Warmup = recipe.Duration(c.bound), 0
		tr, err := New(cfg, tiny(), split(t), Options{Folder: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		if got := tr.lasting(1600*time.Millisecond, 10*time.Millisecond); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	// Steps of 10 and of 20 images that took 3 and 5 seconds: 0.2 seconds for each further one.
	for _, c := range []struct {
		first, second time.Duration
		images        int
		want          time.Duration
	}{
		{3 * time.Second, 5 * time.Second, 20, 5 * time.Second},
		{3 * time.Second, 5 * time.Second, 70, 15 * time.Second},
		{4 * time.Second, 4 * time.Second, 60, 8 * time.Second}, // a line rises by a quarter of the second step at least
		{9 * time.Second, 4 * time.Second, 60, 8 * time.Second},
	} {
		if got := extrapolated(c.first, c.second, 10, c.images); got != c.want {
			t.Errorf("%v and %v, %d images: %v, want %v", c.first, c.second, c.images, got, c.want)
		}
	}
}

// Where a run stands and what is left of it, by hand: four epochs of 100 images in 7 batches, 100 a second, and of 50 that
// are evaluated, 50 a second.
func TestAPlaceSaysWhatIsDoneAndWhatIsLeft(t *testing.T) {
	tr := begin(t, tinyConfig(), t.TempDir(), nil)
	tr.trainPace, tr.evalPace = pace{200, 2}, pace{100, 2}
	tr.begun = time.Now()
	for _, c := range []struct {
		epoch, batch int
		shown        int // the epoch that is told, from 1
		left         time.Duration
	}{
		{0, 0, 1, 8 * time.Second},
		{1, 3, 2, 2520*time.Millisecond + 3*time.Second},
		{1, 7, 2, 5 * time.Second}, // the last batch is of 4 images
		{3, 7, 4, time.Second},
		{4, 0, 4, 0},
	} {
		tr.at.Epoch, tr.at.Batch, tr.at.Step = c.epoch, c.batch, 7*c.epoch+c.batch
		got := tr.place()
		if got.Epoch != c.shown || got.Epochs != 4 || got.Batch != c.batch || got.Batches != 7 || got.Step != tr.at.Step || got.Steps != 28 || got.Rate != 100 || got.Left != c.left {
			t.Errorf("epoch %d, batch %d: %+v, want %v left", c.epoch, c.batch, got, c.left)
		}
	}
	// Its time bounds what is left, and is over when only the last evaluation fits into it.
	tr.at.Epoch, tr.at.Batch = 0, 0
	for _, c := range []struct {
		since, bound time.Duration
		left         time.Duration // -1 for little
		late         bool
	}{
		{5 * time.Hour, 10 * time.Hour, 8 * time.Second, false},
		{10*time.Hour - 500*time.Millisecond, 10 * time.Hour, -1, true},
		{11 * time.Hour, 10 * time.Hour, 0, true},
		{11 * time.Hour, 0, 8 * time.Second, false},
	} {
		tr.begun, tr.cfg.Time = time.Now().Add(-c.since), recipe.Duration(c.bound)
		if got := tr.late(); got != c.late {
			t.Errorf("%v of %v: late %v", c.since, c.bound, got)
		}
		if got := tr.left(); c.left >= 0 && got != c.left || c.left < 0 && (got < 0 || got > 500*time.Millisecond) {
			t.Errorf("%v of %v: %v left, want %v", c.since, c.bound, got, c.left)
		}
	}
	tr.before, tr.begun = 100.25, time.Now().Add(-time.Hour)
	if got := tr.seconds(); got < 3700.25 || got > 3700.25+600 || math.Abs(1000*got-math.Round(1000*got)) > 1e-6 {
		t.Errorf("%v seconds, want 3700.25 and a little, in thousandths", got)
	}
}

// What a run's folder may hold, by hand: the weights three times, once more for each epoch that is kept, the state twice, and
// two megabytes of texts and pictures.
func TestPlanKnowsTheDisk(t *testing.T) {
	const trained, buffers = 8*9 + 8 + 8 + 128*3 + 3 + 128*3 + 3, 16
	for _, c := range []struct {
		name  string
		set   func(*recipe.Config)
		kept  int64
		state int64 // numbers beside the parameters
	}{
		{"momentum", func(*recipe.Config) {}, 0, trained},
		{"neither momentum nor state", func(c *recipe.Config) { c.Optimizer.Momentum, c.Optimizer.Nesterov = 0, false }, 0, 0},
		{"every epoch is kept", func(c *recipe.Config) { c.Keep = 1 }, 4, trained},
		{"every third epoch, and the last", func(c *recipe.Config) { c.Keep = 3 }, 2, trained},
		{"every second epoch", func(c *recipe.Config) { c.Keep = 2 }, 2, trained},
		{"the last alone", func(c *recipe.Config) { c.Keep = 9 }, 1, trained},
		{"an average", func(c *recipe.Config) { c.EMA = 0.9 }, 0, trained + trained + buffers},
		{"groups of batches", func(c *recipe.Config) { c.Accumulate = 2 }, 0, trained + trained},
	} {
		cfg := tinyConfig()
		c.set(&cfg)
		tr := begin(t, cfg, t.TempDir(), nil)
		want := 4*((3+c.kept)*(trained+buffers)+2*(trained+buffers+c.state)) + 2<<20
		if got := tr.Plan().Disk; got != want {
			t.Errorf("%s: %d bytes, want %d", c.name, got, want)
		}
	}
}

func TestNumbersAreRoundedToTheirDigits(t *testing.T) {
	for _, c := range []struct {
		x      float64
		digits int
		want   float64
	}{{1.23456, 2, 1.23}, {1.23556, 2, 1.24}, {-1.2355, 3, -1.236}, {1234.5, 0, 1235}, {1234, -2, 1200}, {0.25, 1, 0.3}} {
		if got := round(c.x, c.digits); math.Abs(got-c.want) > 1e-12*math.Abs(c.want) {
			t.Errorf("%v with %d digits: %v, want %v", c.x, c.digits, got, c.want)
		}
	}
}
