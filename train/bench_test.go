package train

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/cluster"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
)

// Images have as many numbers as the network's input, whatever its channels and sides.
func TestABenchmarkHasImagesOfAnyShape(t *testing.T) {
	n := tiny()
	n.Input = [3]int{3, 8, 6}
	for _, mode := range BenchModes {
		if r, err := Bench(t.Context(), n, BenchConfig{Mode: mode, Batch: 5, Time: 1}); err != nil || r.Batch != 5 || r.Steps < 3 {
			t.Errorf("%s: %+v, %v", mode, r, err)
		}
	}
}

func TestABenchmarkThatCannotBeSaysWhy(t *testing.T) {
	two := cluster.Goroutines(2)
	for name, c := range map[string]struct {
		cfg  BenchConfig
		want string
	}{
		"unknown mode":    {BenchConfig{Mode: "inferr", Batch: 1, Time: 1}, `"inferr"`},
		"no batch":        {BenchConfig{Mode: "infer", Time: 1}, "batch 0: should be at least 1"},
		"threads":         {BenchConfig{Mode: "infer", Batch: 1, Threads: -1, Time: 1}, "threads -1: should be at least 1, or 0 for one a core"},
		"no time":         {BenchConfig{Mode: "infer", Batch: 1}, "seconds 0: should be above 0"},
		"half training":   {BenchConfig{Mode: "train", Batch: 1, Time: 1, Half: true}, "half true: should be false in mode train"},
		"ranks inferring": {BenchConfig{Mode: "infer", Batch: 2, Time: 1, Cluster: two[0]}, "inference is timed by one process"},
		"too few images":  {BenchConfig{Mode: "train", Batch: 1, Time: 1, Cluster: two[0]}, "batch 1: should be at least the 2 ranks"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Bench(t.Context(), tiny(), c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, should say %q", err, c.want)
			}
		})
	}
	broken := tiny()
	broken.Build = func(b *graph.Builder, x *gorgonia.Node) (*gorgonia.Node, error) {
		return nil, errors.New("no such layer")
	}
	for _, mode := range BenchModes {
		if _, err := Bench(t.Context(), broken, BenchConfig{Mode: mode, Batch: 1, Time: 1}); err == nil || !strings.Contains(err.Error(), "no such layer") {
			t.Errorf("mode %s of a network that cannot be built: %v", mode, err)
		}
		ended, end := context.WithCancel(t.Context())
		end()
		if _, err := Bench(ended, tiny(), BenchConfig{Mode: mode, Batch: 1, Time: time.Hour}); !errors.Is(err, context.Canceled) {
			t.Errorf("mode %s, interrupted: %v", mode, err)
		}
	}
}

// A step of tiny: 8 filters of 3×3 on 8×8 pixels, 3 classes of 8·4·4 values, and the same again for the inner
// classifier, which only training has.
const tinyConv, tinyDense = 8 * 9 * 64, 3 * 128

func TestABenchmarkCountsWhatAStepDoes(t *testing.T) {
	for _, c := range []struct {
		mode  string
		macs  float64  // of an image
		kinds []string // of the layers, which take time to be measured
	}{
		{"infer", tinyConv + tinyDense, nil},
		{"train", 3 * (tinyConv + 2*tinyDense), []string{"conv", "conv filter gradient", "dense", "max pool gradient", "update"}},
	} {
		t.Run(c.mode, func(t *testing.T) {
			var told report.Memory
			r, err := Bench(t.Context(), tiny(), BenchConfig{Mode: c.mode, Batch: 5, Threads: 1, Time: 1, Layers: c.kinds != nil, Begin: func(m report.Memory) { told = m }})
			if err != nil {
				t.Fatal(err)
			}
			if r.Network != "tiny" || r.Mode != c.mode || r.Batch != 5 || r.Threads != 1 || r.Steps != 3 || r.Ranks != 0 || r.Half != nil {
				t.Errorf("%+v", r)
			}
			if told.Loader != 4*5*64 || told.Parameters <= 0 || (told.Optimizer > 0) != (c.mode == "train") || int64(r.PlanMB*(1<<20)) != told.Total() || r.PeakMB <= 0 {
				t.Errorf("memory %+v, planned %v MB, %d MB at most", told, r.PlanMB, r.PeakMB)
			}
			if c.mode == "train" && told.Optimizer != told.Parameters-4*2*8 { // running mean and variance have no momentum
				t.Errorf("%d bytes of momentum for %d of parameters", told.Optimizer, told.Parameters)
			}
			// Rates are those of the median step, but for rounding.
			if want := 5 / r.MS * 1e3; math.Abs(r.Rate/want-1) > 0.05 {
				t.Errorf("%v images/s with 5 in %v ms", r.Rate, r.MS)
			}
			if want := 5 * c.macs / r.MS / 1e6; math.Abs(r.GMACs-want) > 0.05*want+0.006 {
				t.Errorf("%v GMAC/s with 5 times %v in %v ms", r.GMACs, c.macs, r.MS)
			}
			if c.kinds == nil {
				if r.Layers != nil || r.Roofline != nil {
					t.Errorf("layers that nobody asked for: %+v", r)
				}
				return
			}
			var kinds []string
			gmac, mb := 0.0, 0.0
			for _, l := range r.Layers {
				kinds = append(kinds, l.Kind)
				gmac, mb = gmac+l.GMAC, mb+l.MB
				if l.Layer == "conv" && l.Kind == "conv" && l.GMAC != round(5*tinyConv/1e9, 6) {
					t.Errorf("%+v", l)
				}
			}
			for _, k := range c.kinds {
				if !slices.Contains(kinds, k) {
					t.Errorf("no layer %q in %q", k, kinds)
				}
			}
			if slices.Index(kinds, "update") != len(kinds)-1 {
				t.Errorf("the update is not last: %q", kinds)
			}
			// Rates have one digit after the point, which is little on a slow machine.
			for _, c := range []struct {
				what           string
				ms, work, rate float64
			}{{"GFLOP", r.Roofline.MACsMS, 2e3 * gmac, r.Roofline.GFLOPS}, {"MB", r.Roofline.MoveMS, mb, r.Roofline.GBS}} {
				if least, most := c.work/(c.rate+0.06)/1.05, 1.05*c.work/max(c.rate-0.06, 1e-9); c.ms < least-1e-4 || c.ms > most+1e-4 {
					t.Errorf("%v %s at %v of 1,000 a second take %v ms", c.work, c.what, c.rate, c.ms)
				}
			}
		})
	}
}

func TestABenchmarkOfRanksAddsUpTheirGradients(t *testing.T) {
	wide := Network{Name: "wide", Input: [3]int{1, 8, 8}, Classes: 3000,
		Build: func(b *graph.Builder, x *gorgonia.Node) (*gorgonia.Node, error) {
			return b.Dense(b.Flatten(x), "fc", 3000), b.Err()
		}}
	const parameters = 3000 * 65
	for _, c := range []struct {
		wire    string
		overlap bool
	}{{"", false}, {"bfloat16", false}, {"", true}} {
		results := make([]BenchResult, 2)
		errs := together(t, 2, func(group cluster.Comm) error {
			r, err := Bench(t.Context(), wide, BenchConfig{Mode: "train", Batch: 5, Threads: 1, Time: 1, Cluster: group, Wire: c.wire, Overlap: c.overlap})
			results[group.Rank()] = r
			return err
		})
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		wire := "float32"
		if c.wire != "" {
			wire = c.wire
		}
		for rank, r := range results {
			if r.Ranks != 2 || r.Batch != 5 || r.Wire != wire || r.Overlap != c.overlap || r.ReduceMS <= 0 {
				t.Errorf("rank %d: %+v", rank, r)
			}
			if want := 4 * parameters / 1e6; math.Abs(r.ReduceMB-want) > 0.01 {
				t.Errorf("rank %d adds up %v MB of gradients, should be %v", rank, r.ReduceMB, want)
			}
		}
	}
}

// Networks with other targets than classes are timed with as many random ones.
func TestBenchmarksOfAnyObjective(t *testing.T) {
	squared := Network{Name: "value", Input: [3]int{1, 8, 8}, Classes: 1, Squared: true,
		Build: func(b *graph.Builder, x *gorgonia.Node) (*gorgonia.Node, error) {
			return b.Dense(b.Flatten(x), "fc", 1), b.Err()
		}}
	for _, n := range []Network{squared, multiLabel()} {
		if r, err := Bench(t.Context(), n, BenchConfig{Mode: "train", Batch: 3, Threads: 1, Time: 1}); err != nil || r.Steps < 3 {
			t.Errorf("%s: %d steps, %v", n.Name, r.Steps, err)
		}
	}
}

func TestALayersTimeIsTheMeanOfASteps(t *testing.T) {
	steps := []graph.StepTime{
		{Layer: "a", Kind: "conv", Time: 2 * time.Millisecond, MACs: 3e6, Bytes: 5e5},
		{Layer: "b", Kind: "conv", Time: 4 * time.Millisecond, MACs: 1e6, Bytes: 25e4},
		{Layer: "a", Kind: "conv", Time: 6 * time.Millisecond, MACs: 2e6, Bytes: 1e6},
		{Layer: "a", Kind: "pack", MACs: 7e6, Bytes: 1e6}, // once, before
	}
	want := []BenchLayer{
		{Layer: "a", Kind: "conv", MS: 2, GMAC: 0.005, MB: 1.5}, {Layer: "b", Kind: "conv", MS: 1, GMAC: 0.001, MB: 0.25}, {Layer: "a", Kind: "pack"},
	}
	if got := benchLayers(slices.Clone(steps), 0, 4); !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
	if got := benchLayers(slices.Clone(steps), 8*time.Millisecond, 4); !slices.Equal(got, append(want, BenchLayer{Kind: "update", MS: 2})) {
		t.Errorf("with an update: %+v", got)
	}
}
