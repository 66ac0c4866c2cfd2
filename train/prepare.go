package train

import (
	"cmp"
	"fmt"
	"regexp"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/augment"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/cluster"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
)

// prepare makes a trainer, of which all ranks have one or none.
func prepare(cfg recipe.Config, net Network, data datasets.Split, opts Options) (*Trainer, error) {
	t, err := prepareAlone(cfg, net, data, opts)
	if err := cluster.Agree(newRanks(opts.Cluster), cluster.Preparing, err); err != nil {
		return nil, err
	}
	return t, t.alike()
}

// prepareAlone is prepare without a word to the other ranks.
func prepareAlone(cfg recipe.Config, net Network, data datasets.Split, opts Options) (*Trainer, error) {
	cfg, augment, err := complete(cfg)
	if err != nil {
		return nil, err
	}
	learn, choose, cfg, err := Divide(cfg, data)
	if err != nil {
		return nil, err
	}
	info := learn.Info()
	if err := cmp.Or(net.fits(learn), net.fits(choose)); err != nil {
		return nil, err
	}
	var counts []int
	if net.targets() == 0 {
		counts = classCounts(learn)
		if err := learnable(learn, counts); err != nil {
			return nil, err
		}
	}
	input, err := net.input(cfg, info)
	if err != nil {
		return nil, err
	}
	t := &Trainer{cfg: cfg, net: net, learn: learn, choose: choose, counts: counts, opts: opts, augment: augment, events: report.Tell(opts.Events), graphs: map[int][]*portion{}, broken: map[string]bool{}}
	if t.ranks = newRanks(opts.Cluster); t.ranks.Rank() > 0 {
		t.events = report.Tell()
	}
	t.at = state{Format: stateFormat, Seed: cfg.Seed}
	if t.at.Data, err = learn.Checksum(); err != nil {
		return nil, err
	}
	if t.at.ValData, err = choose.Checksum(); err != nil {
		return nil, err
	}
	t.pool = kernel.NewPool(cfg.Threads)

	t.params = graph.NewParams()
	if err := net.declareFor(t.params, graph.Train); err != nil {
		return nil, err
	}
	if err := t.freeze(); err != nil {
		return nil, err
	}
	t.trained = t.params.Trained()
	if err := t.affordable(); err != nil {
		return nil, err
	}

	skip, leaveOut := datasets.Stop, datasets.Stop
	if cfg.SkipBroken {
		skip, leaveOut = datasets.Replace, datasets.LeaveOut
	}
	t.loader, err = datasets.NewLoader(learn, datasets.Config{
		Batch: cfg.Batch, Input: input, Seed: cfg.Seed, Shuffle: true, DropLast: cfg.DropLast, Limit: cfg.Limit, Workers: t.pool.Threads(),
		Augment: augment, Skip: skip, Balance: cfg.Sampling == recipe.Balanced, Rank: t.ranks.Rank(), Ranks: t.ranks.Size(), Shares: cfg.Shares,
	})
	if err != nil {
		return nil, err
	}
	evalBatch := cfg.EvalBatch
	if evalBatch == 0 {
		evalBatch = net.evalBatch()
	}
	t.val, err = datasets.NewLoader(choose, datasets.Config{Batch: evalBatch, Input: input, Limit: cfg.ValLimit, Skip: leaveOut, Workers: t.pool.Threads(), Rank: t.ranks.Rank(), Ranks: t.ranks.Size(), WholeBatches: true})
	if err != nil {
		return nil, err
	}

	mixed := mixes(augment)
	if mixed && !net.classifies() {
		return nil, fmt.Errorf("augment %v: %s has no classes that could be mixed", cfg.Augment, net.Name)
	}
	if cfg.ClassWeights != "" {
		if !net.classifies() {
			return nil, fmt.Errorf("class_weights: %s has no classes that could be weighed", net.Name)
		}
		t.classWeights = balancedWeights(counts)
		if own, err := cfg.WeightsOfClasses(); err != nil {
			return nil, err
		} else if own != nil {
			if len(own) != len(counts) {
				return nil, &recipe.ConfigError{Key: "class_weights", Value: cfg.ClassWeights, Want: fmt.Sprintf("one number for each of the %d classes of %s", len(counts), info.Name)}
			}
			t.classWeights = own
		}
	}
	dense := mixed || t.classWeights != nil
	if dense {
		t.targets = make([]float32, cfg.Batch*net.Classes)
	}
	if wide := net.targets(); wide > 0 {
		t.targets = make([]float32, cfg.Batch*wide)
	}

	// One workspace: the three never run at the same time.
	space := graph.NewWorkspace()
	c := graph.Config{Pool: t.pool, Workspace: space, Seed: cfg.Seed}
	t.reducer = newReducer(t.ranks, t.pool, t.trained, cfg)
	if cfg.Shares > 0 {
		if t.shares, err = t.newShares(); err != nil {
			return nil, err
		}
	}
	images := t.loader.Len()
	var spaces []*graph.Workspace // of shares that are computed side by side, the first apart
	for _, size := range []int{min(cfg.Batch, images), images % cfg.Batch} {
		if size == 0 || t.graphs[size] != nil {
			continue
		}
		for k, part := range t.parts(size) {
			own := c
			own.Part = part.Part
			var ready func(i int)
			if t.reducer.overlap {
				ready = t.reducer.ready
			}
			if part.Sum != nil && k > 0 {
				if k > len(spaces) {
					spaces = append(spaces, graph.NewWorkspace())
				}
				own.Workspace = spaces[k-1]
			}
			g, err := net.training(t.params, part.images, t.smoothing(), dense, own, ready)
			if err != nil {
				return nil, err
			}
			t.graphs[size] = append(t.graphs[size], &portion{g, part.at, part.images})
		}
	}
	if cfg.EMA > 0 {
		t.averaged = graph.NewParams()
		if err := net.declareFor(t.averaged, graph.Train); err != nil {
			return nil, err
		}
		t.average, t.averageOf = t.averaged.All(), t.params.All()
	}
	if cfg.Accumulate > 1 {
		t.sums = newAccumulated(t.trained)
	}
	if t.eval, err = net.evaluation(t.shown(), evalBatch, c); err != nil {
		return nil, err
	}
	if t.updater, err = newUpdater(cfg.Optimizer, cfg.Schedule, t.trained); err != nil {
		return nil, err
	}
	if err := fitsMemory(net.Name, t.Plan().Memory.Total(), fmt.Sprintf("batches of %d", cfg.Batch)); err != nil {
		return nil, err
	}
	t.scheduler = NewScheduler(cfg.Schedule, base(cfg), t.loader.Batches(), cfg.Epochs)
	return t, nil
}

// mixes reports whether an augmentation mixes the images of a batch.
func mixes(a augment.Spec) bool {
	for _, s := range a {
		if _, ok := s.Value().(augment.Mixer); ok {
			return true
		}
	}
	return false
}

// freeze marks the parameters and buffers that the configuration excludes from training.
func (t *Trainer) freeze() error {
	if t.cfg.Freeze == "" {
		return nil
	}
	match, err := regexp.Compile("^(?:" + t.cfg.Freeze + ")")
	if err != nil {
		return err
	}
	left, frozen := 0, 0
	for _, p := range t.params.All() {
		switch {
		case match.MatchString(p.Name):
			p.Frozen = true
			frozen++
		case !p.Buffer:
			left++
		}
	}
	if frozen == 0 {
		return fmt.Errorf("freeze %q: no parameter of %s begins like that; the first is %s", t.cfg.Freeze, t.net.Name, t.params.All()[0].Name)
	}
	if left == 0 {
		return fmt.Errorf("freeze %q: nothing would be left to train", t.cfg.Freeze)
	}
	return nil
}
