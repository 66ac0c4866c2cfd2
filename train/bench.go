package train

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/cluster"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
)

// BenchModes are the names that [BenchConfig] knows.
var BenchModes = []string{"train", "infer"}

// BenchConfig says what [Bench] times.
type BenchConfig struct {
	Mode    string // "train": forward, backward and the update, as a Trainer does it; "infer": outputs
	Batch   int
	Threads int // 0: one for each core
	// Cluster is the group of processes that share each batch of training; nil is this process alone. Wire and
	// Overlap say how gradients go, as [recipe.Config] does.
	Cluster cluster.Comm
	Wire    string
	Overlap bool
	Time    time.Duration
	Layers  bool // measure each layer too
	// Half keeps weights as 16-bit floats in layers that take the time of reading them: see graph.Config. In inference.
	Half  bool
	Begin func(report.Memory) // if not nil, is told the memory need before the first step
}

// A BenchResult is what [Bench] measured.
type BenchResult struct {
	Network string  `json:"network"`
	Variant string  `json:"variant,omitempty"`
	Mode    string  `json:"mode"`
	Batch   int     `json:"batch"`
	Threads int     `json:"threads"`
	MS      float64 `json:"ms"` // median of a step
	Steps   int     `json:"steps"`
	Rate    float64 `json:"images_per_second"`
	GMACs   float64 `json:"gmac_per_second"` // multiply-adds of the forward pass, three times that for training
	PeakMB  int64   `json:"peak_rss_mb"`
	PlanMB  float64 `json:"planned_mb"` // less than 1 of small networks
	Kernels string  `json:"kernels"`
	// Ranks is the number of processes, if there are several: ReduceMB of each one's gradients are added up in
	// ReduceMS of a step, of which it waits ReduceWaitMS.
	Ranks        int      `json:"ranks,omitempty"`
	ReduceMB     float64  `json:"reduce_mb,omitempty"`
	ReduceMS     float64  `json:"reduce_ms,omitempty"`
	ReduceWaitMS float64  `json:"reduce_wait_ms,omitempty"`
	Wire         string   `json:"wire,omitempty"`
	Overlap      bool     `json:"overlap,omitempty"`
	Half         []string `json:"half,omitempty"` // the layers with weights of 16 bits
	// Layers are the parts of a step in their order, the weights' update last; Roofline is what bounds them.
	Layers   []BenchLayer   `json:"layers,omitempty"`
	Roofline *BenchRoofline `json:"roofline,omitempty"`
}

// A BenchLayer is what one layer does of one kind, such as "conv filter gradient".
type BenchLayer struct {
	Layer string  `json:"layer"`
	Kind  string  `json:"kind"`
	MS    float64 `json:"ms"`             // mean of a step
	GMAC  float64 `json:"gmac,omitempty"` // multiply-adds, as papers count them
	MB    float64 `json:"mb,omitempty"`   // of what is read and written, each once
}

// A BenchRoofline is what the machine could do at most, measured beside the network.
type BenchRoofline struct {
	GFLOPS float64 `json:"gflops"`          // of the micro-kernel with its operands in the first-level cache
	GBS    float64 `json:"gb_per_second"`   // to and from memory
	MACsMS float64 `json:"multiply_add_ms"` // a step's multiply-adds at that; minimal filtering does fewer, and can be faster
	MoveMS float64 `json:"move_ms"`         // what a step reads and writes at that, if caches held none of it
}

// maxBenchBatch is more images than a step of any network has memory for.
const maxBenchBatch = 1 << 20

// Bench times a network on random images, after some steps that are not counted.
func Bench(ctx context.Context, n Network, c BenchConfig) (BenchResult, error) {
	if err := recipe.OneOf("mode", c.Mode, BenchModes); err != nil {
		return BenchResult{}, err
	}
	switch {
	case c.Batch < 1:
		return BenchResult{}, &recipe.ConfigError{Key: "batch", Value: c.Batch, Want: "at least 1"}
	case c.Batch > maxBenchBatch:
		return BenchResult{}, &recipe.ConfigError{Key: "batch", Value: c.Batch, Want: fmt.Sprintf("at most %d", maxBenchBatch)}
	case c.Threads < 0:
		return BenchResult{}, &recipe.ConfigError{Key: "threads", Value: c.Threads, Want: "at least 1, or 0 for one a core"}
	case c.Time <= 0:
		return BenchResult{}, &recipe.ConfigError{Key: "seconds", Value: c.Time.Seconds(), Want: "above 0"}
	}
	if err := n.complete(); err != nil {
		return BenchResult{}, err
	}
	if c.Half && c.Mode != "infer" {
		return BenchResult{}, &recipe.ConfigError{Key: "half", Value: c.Half, Want: "false in mode train: weights of 16 bits are for mode infer"}
	}
	group := newRanks(c.Cluster)
	if group.Size() > 1 && c.Mode != "train" {
		return BenchResult{}, errors.New("inference is timed by one process, not by several: they have nothing to tell each other")
	}
	if c.Batch < group.Size() {
		return BenchResult{}, &recipe.ConfigError{Key: "batch", Value: c.Batch, Want: fmt.Sprintf("at least the %d ranks", group.Size())}
	}
	whole := c.Batch
	from, to := cluster.Share(whole, group.Rank(), group.Size())
	c.Batch = to - from
	pool := kernel.NewPool(c.Threads)
	defer pool.Close()
	const seed = 1
	r := rand.New(rand.NewPCG(seed, 0))
	images := make([]float32, c.Batch*n.Input[0]*n.Input[1]*n.Input[2])
	for i := range images {
		images[i] = float32(r.NormFloat64())
	}
	params := graph.NewParams()
	cfg := graph.Config{Pool: pool, Seed: seed, Half: c.Half}
	memory := report.Memory{Loader: 4 * int64(len(images))}

	var step func() error
	var macs int64
	var session *graph.Session
	var updates time.Duration
	var reducer *reducer
	if c.Mode == "infer" {
		g, err := n.evaluation(params, c.Batch, cfg)
		if err != nil {
			return BenchResult{}, err
		}
		session, macs = g.session, g.macs
		step = func() error { _, err := g.run(images); return err }
	} else {
		targets := make([]float32, c.Batch)
		if n.targets() > 0 {
			targets = make([]float32, c.Batch*n.targets())
		} else if n.Squared {
			targets = make([]float32, c.Batch*n.Classes)
		}
		for i := range targets {
			targets[i] = float32(r.IntN(n.Classes))
		}
		var ready func(int)
		if c.Overlap && group.Size() > 1 {
			ready = func(i int) { reducer.ready(i) }
		}
		g, err := n.training(params, c.Batch, 0, false, cfg, ready)
		if err != nil {
			return BenchResult{}, err
		}
		reducer = newReducer(group, pool, params.Trained(), recipe.Config{Wire: c.Wire, Overlap: c.Overlap})
		defer reducer.close()
		// So low a rate that random targets make nothing diverge.
		set := Hyper{LR: 1e-4, Momentum: 0.9}
		u, err := newUpdater(recipe.Optimizer{Name: "sgd", LR: set.LR, Momentum: set.Momentum}, recipe.Schedule{}, params.Trained())
		if err != nil {
			return BenchResult{}, err
		}
		session = g.session
		for _, s := range u.state() {
			memory.Optimizer += 4 * int64(len(s.Data))
		}
		macs = 3 * g.macs
		done := 0
		step = func() error {
			reducer.begin(g, c.Batch, whole)
			if err := errors.Join(g.run(images, targets, done), reducer.finish()); err != nil {
				return err
			}
			if loss := g.loss(); math.IsNaN(float64(loss)) {
				return errors.New("the loss is NaN")
			}
			began := time.Now()
			u.update(pool, done, set, g)
			updates += time.Since(began)
			params.Changed()
			done++
			return nil
		}
	}
	addMemory(&memory, session)
	params.Init(seed)
	debug.FreeOSMemory()
	if c.Begin != nil {
		c.Begin(memory)
	}

	times, err := sample(ctx, c.Time, group, step, func() {
		updates = 0
		if reducer != nil {
			reducer.Busy, reducer.Waited = 0, 0
		}
		if c.Layers {
			session.Profile()
		}
	})
	if err != nil {
		return BenchResult{}, fmt.Errorf("%s: %w", n.Name, err)
	}
	median := times[len(times)/2].Seconds()
	result := BenchResult{
		Network: n.Name, Variant: n.Variant, Mode: c.Mode, Batch: whole, Threads: pool.Threads(),
		MS: round(1e3*median, 4), Steps: len(times), Rate: round(float64(whole)/median, 1),
		GMACs:  round(float64(macs)*float64(whole)/median/1e9, 2),
		PeakMB: PeakRSS() >> 20, PlanMB: float64(memory.Total()) / (1 << 20), Kernels: kernel.CurrentFamily().String(), Half: session.Halves(),
	}
	if group.Size() > 1 {
		steps := float64(len(times)) / 1e3
		result.Ranks, result.Wire, result.Overlap, result.ReduceMB = group.Size(), cmp.Or(c.Wire, "float32"), c.Overlap, round(float64(reducer.Bytes)/1e6, 3)
		result.ReduceMS, result.ReduceWaitMS = round(reducer.Busy.Seconds()/steps, 4), round(reducer.Waited.Seconds()/steps, 4)
	}
	if c.Layers {
		result.Layers = benchLayers(session.Profile(), updates, len(times))
		result.Roofline = roofline(pool, result.Layers)
	}
	return result, nil
}

// benchLayers are the means of what steps took, those of one layer and kind together.
func benchLayers(steps []graph.StepTime, updates time.Duration, runs int) []BenchLayer {
	var list []BenchLayer
	for _, s := range append(steps, graph.StepTime{Kind: "update", Time: updates}) {
		i := slices.IndexFunc(list, func(l BenchLayer) bool { return l.Layer == s.Layer && l.Kind == s.Kind })
		if i < 0 {
			i, list = len(list), append(list, BenchLayer{Layer: s.Layer, Kind: s.Kind})
		}
		list[i].MS += 1e3 * s.Time.Seconds() / float64(runs)
		if s.Time > 0 { // what inference packs once is no part of a step
			list[i].GMAC += float64(s.MACs) / 1e9
			list[i].MB += float64(s.Bytes) / 1e6
		}
	}
	if updates == 0 {
		list = list[:len(list)-1]
	}
	for i := range list {
		list[i].MS, list[i].GMAC, list[i].MB = round(list[i].MS, 4), round(list[i].GMAC, 6), round(list[i].MB, 4)
	}
	return list
}

// roofline measures the machine, and says how long the layers would take at its best.
func roofline(p *kernel.Pool, layers []BenchLayer) *BenchRoofline {
	machine := kernel.MeasureRoofline(p)
	var gmac, mb float64
	for _, l := range layers {
		gmac, mb = gmac+l.GMAC, mb+l.MB
	}
	return &BenchRoofline{
		GFLOPS: round(machine.FLOPS/1e9, 1), GBS: round(machine.Bytes/1e9, 1),
		MACsMS: round(2e12*gmac/machine.FLOPS, 4), MoveMS: round(1e9*mb/machine.Bytes, 4),
	}
}

// sample runs a step again and again for some time, at least three times after the warm-up and a call of
// warm, and returns the sorted times. All ranks run as many steps.
func sample(ctx context.Context, d time.Duration, group *ranks, step func() error, warm func()) ([]time.Duration, error) {
	const warmUp, least, most = 3, 3, 100_000
	for range warmUp {
		if err := step(); err != nil {
			return nil, err
		}
	}
	warm()
	times := make([]time.Duration, 0, 1024)
	begun := time.Now()
	for {
		t := time.Now()
		ended, late, err := group.ask(ctx.Err() != nil, len(times) >= least && (time.Since(begun) >= d || len(times) >= most))
		switch {
		case err != nil:
			return nil, err
		case ended:
			return nil, context.Canceled
		case late:
			slices.Sort(times)
			return times, nil
		}
		if err := step(); err != nil {
			return nil, err
		}
		times = append(times, time.Since(t))
	}
}

func round(x float64, digits int) float64 {
	p := math.Pow(10, float64(digits))
	return math.Round(x*p) / p
}
