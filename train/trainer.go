package train

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/augment"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// Options are what a run needs besides its [Config] and changes nothing about the result.
type Options struct {
	Root    string        // the folder that runs are numbered in; "runs" if empty
	Folder  string        // the run's own folder, instead of a number under Root
	Events  report.Events // nil for none
	Command []string      // what to tell the user to repeat the run, for its card
	Program string        // name and version of the program, for the environment's record
	// Open opens the weights to begin with (Config.Init); nil means weights.Open, for files.
	Open func(name string) (*weights.Reader, error)
}

// A Trainer is one run: everything is compiled and checked, nothing is written yet.
type Trainer struct {
	cfg    recipe.Config
	net    Network
	data   datasets.Split
	opts   Options
	folder string // empty until the run begins
	goesOn bool   // an earlier run
	begins string // what weights it begins with, for the plan

	pool               *kernel.Pool
	params             *graph.Params
	trained            []*graph.Param
	graphs             map[int]*trainingGraph // by batch size
	eval               *evaluationGraph
	loader             *datasets.Loader
	test               *datasets.Loader
	updater            updater
	sums               *accumulated  // nil unless an update has several batches
	averaged           *graph.Params // nil unless the weights' average is what counts
	average, averageOf []*graph.Param
	scheduler          Scheduler
	at                 state
	targets            []float32 // of mixed images, for one batch; nil where none are mixed

	best      review          // what the best weights of this session say of the test images
	broken    map[string]bool // images that were skipped, by their errors, which name them
	events    report.Events
	log       *report.Lines // of the run's folder
	trainPace pace
	evalPace  pace
	estimated time.Duration // of the whole run, by Estimate
	begun     time.Time     // this session
	before    float64       // seconds of earlier sessions
	lr        float64       // of the last step
	saved     time.Time
}

// An Interrupted error says that the context of [Trainer.Run] ended: the run is saved and can go on.
type Interrupted struct{ Folder string }

func (e *Interrupted) Error() string { return "interrupted; the run is saved in " + e.Folder }

// Unwrap returns [context.Canceled].
func (e *Interrupted) Unwrap() error { return context.Canceled }

// New prepares a new run. Its folder is made when it begins.
//
// With weights to begin with (Config.Init), images are prepared as for those, unless the configuration
// says how. Where they are for another number of classes, the layers that depend on it are new.
func New(cfg recipe.Config, net Network, data datasets.Split, opts Options) (*Trainer, error) {
	cfg, err := adopt(cfg, opts)
	if err != nil {
		return nil, err
	}
	t, err := prepare(cfg, net, data, opts)
	if err != nil {
		return nil, err
	}
	if err := t.initialise(); err != nil {
		return nil, err
	}
	t.beginAverage()
	return t, nil
}

// Resume prepares the run of a folder to go on from its last checkpoint. Cfg is the run's own
// ([ReadConfig]); Threads and Time may differ.
func Resume(folder string, cfg recipe.Config, net Network, data datasets.Split, opts Options) (*Trainer, error) {
	t, err := prepare(cfg, net, data, opts)
	if err != nil {
		return nil, err
	}
	t.folder, t.goesOn = folder, true
	if _, err := os.Stat(filepath.Join(folder, report.StateFile)); errors.Is(err, fs.ErrNotExist) {
		// It ended before its first checkpoint: it begins once more.
		if err := t.initialise(); err != nil {
			return nil, err
		}
		t.beginAverage()
		return t, nil
	}
	t.params.Allocate()
	t.beginAverage()
	if err := t.loadState(); err != nil {
		return nil, err
	}
	t.before = t.at.Seconds
	t.lr = t.scheduler.At(max(t.at.Step-1, 0)).LR
	return t, nil
}

func prepare(cfg recipe.Config, net Network, data datasets.Split, opts Options) (*Trainer, error) {
	cfg, augment, err := complete(cfg)
	if err != nil {
		return nil, err
	}
	info := data.Train.Info()
	if err := errors.Join(net.fits(info), net.fits(data.Test.Info())); err != nil {
		return nil, err
	}
	input, err := net.input(cfg, info)
	if err != nil {
		return nil, err
	}
	t := &Trainer{cfg: cfg, net: net, data: data, opts: opts, events: report.Tell(opts.Events), graphs: map[int]*trainingGraph{}, broken: map[string]bool{}}
	t.at = state{Format: stateFormat, Seed: cfg.Seed}
	if t.at.Data, err = data.Train.Checksum(); err != nil {
		return nil, err
	}
	if t.at.TestData, err = data.Test.Checksum(); err != nil {
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

	skip, leaveOut := datasets.Stop, datasets.Stop
	if cfg.SkipBroken {
		skip, leaveOut = datasets.Replace, datasets.LeaveOut
	}
	t.loader, err = datasets.NewLoader(data.Train, datasets.Config{
		Batch: cfg.Batch, Input: input, Seed: cfg.Seed, Shuffle: true, DropLast: cfg.DropLast, Limit: cfg.Limit, Workers: t.pool.Threads(),
		Augment: augment, Skip: skip,
	})
	if err != nil {
		return nil, err
	}
	evalBatch := cfg.EvalBatch
	if evalBatch == 0 {
		evalBatch = net.evalBatch()
	}
	t.test, err = datasets.NewLoader(data.Test, datasets.Config{Batch: evalBatch, Input: input, Limit: cfg.TestLimit, Skip: leaveOut, Workers: t.pool.Threads()})
	if err != nil {
		return nil, err
	}

	mixed := mixes(augment)
	if mixed && net.Squared {
		return nil, fmt.Errorf("augment %v: %s has no classes that could be mixed", cfg.Augment, net.Name)
	}
	if mixed {
		t.targets = make([]float32, cfg.Batch*net.Classes)
	}

	// One workspace: the three never run at the same time.
	space := graph.NewWorkspace()
	c := graph.Config{Pool: t.pool, Workspace: space, Seed: cfg.Seed}
	images := t.loader.Len()
	for _, size := range []int{min(cfg.Batch, images), images % cfg.Batch} {
		if size > 0 && t.graphs[size] == nil {
			if t.graphs[size], err = net.training(t.params, size, cfg.Smoothing, mixed, c); err != nil {
				return nil, err
			}
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
	t.scheduler = NewScheduler(cfg.Schedule, base(cfg.Optimizer), t.loader.Batches(), cfg.Epochs)
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

// Close ends the trainer's threads.
func (t *Trainer) Close() { t.pool.Close() }

// Plan says what Run will do, and what memory it needs.
func (t *Trainer) Plan() report.Plan {
	info := t.data.Train.Info()
	p := report.Plan{
		Folder: t.folder, Network: t.net.Name, Variant: t.net.Variant, Data: info.Name,
		Images: t.loader.Len(), TestImages: t.test.Len(), Input: t.net.Input, Classes: t.net.Classes,
		Batch: t.cfg.Batch, Epochs: t.cfg.Epochs, Steps: t.cfg.Epochs * t.loader.Batches(), Done: t.at.Step,
		Threads: t.pool.Threads(), Parameters: t.params.Count(), Begins: t.begins,
		Seconds: round(t.estimated.Seconds(), 1),
	}
	for _, q := range t.params.All() {
		if q.Frozen {
			p.Frozen += int64(q.Len())
		}
	}
	for _, g := range t.graphs {
		p.MACs = g.macs
		addMemory(&p.Memory, g.session)
	}
	addMemory(&p.Memory, t.eval.session)
	for _, s := range t.progress()[len(t.params.All()):] {
		p.Memory.Optimizer += 4 * int64(len(s.Data))
	}
	p.Memory.Loader = t.loader.Memory() + t.test.Memory()
	return p
}

// Run trains to the end of the run, of its time, or of ctx, and saves. If ctx ends, the step that runs
// is finished and the error is an [*Interrupted]; if the loss is no number, a [*Diverged].
func (t *Trainer) Run(ctx context.Context) (report.Result, error) {
	t.begun, t.saved = time.Now(), time.Now()
	closeLog, err := t.open()
	if err != nil {
		return report.Result{}, err
	}
	defer closeLog()
	debug.FreeOSMemory() // what compiling left behind
	t.events.Begin(t.Plan())

	var stopped string
	var last *report.Epoch
	if n := len(t.at.History); n > 0 {
		last = &t.at.History[n-1]
	}
	for t.at.Epoch < t.cfg.Epochs && stopped == "" {
		if t.exhausted() {
			stopped = "early stop"
			break
		}
		if stopped, err = t.train(ctx); err != nil {
			return report.Result{}, t.failed(err)
		}
		if stopped == "interrupted" {
			break
		}
		began := time.Now()
		row, err := t.evaluate(ctx)
		if ctx.Err() != nil {
			stopped = "interrupted"
			break
		}
		if err != nil {
			return report.Result{}, t.failed(err)
		}
		if stopped == "" && t.late() && t.at.Epoch < t.cfg.Epochs {
			stopped = "time"
		}
		t.at.Seconds = t.seconds()
		if err := t.save(row); err != nil {
			return report.Result{}, err
		}
		t.saved, last = time.Now(), row
		t.evalPace.add(row.Test.Images, t.saved.Sub(began)) // saving belongs to it
		t.tellBroken()
		t.events.Epoch(*row, t.left())
	}
	if stopped == "interrupted" {
		if err := t.checkpoint(); err != nil {
			return report.Result{}, t.failed(err)
		}
	}
	r := t.result(stopped, last)
	if err := t.writePictures(); err != nil {
		return r, err
	}
	if err := t.writeCard(r); err != nil {
		return r, err
	}
	t.events.End(r)
	if stopped == "interrupted" {
		return r, &Interrupted{t.folder}
	}
	return r, nil
}

// open makes the run's folder, or goes on in it, and returns what closes its log.
func (t *Trainer) open() (closeLog func(), err error) {
	if !t.goesOn {
		root := t.opts.Root
		if root == "" {
			root = "runs"
		}
		if t.folder, err = create(t.opts.Folder, root, t.net.Name+"-"+t.cfg.Data); err != nil {
			return nil, err
		}
		if err := writeJSON(filepath.Join(t.folder, report.ConfigFile), t.cfg); err != nil {
			return nil, err
		}
	}
	if t.goesOn {
		// What a killed session was writing.
		for _, dir := range []string{t.folder, filepath.Join(t.folder, "weights")} {
			left, _ := filepath.Glob(filepath.Join(dir, ".zoo-*.tmp"))
			for _, f := range left {
				os.Remove(f)
			}
		}
	}
	if err := t.writeEnv(); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(filepath.Join(t.folder, report.LogFile), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o666)
	if err != nil {
		return nil, err
	}
	t.log = &report.Lines{W: log, Stamp: true}
	t.events = report.Tell(t.log, t.events)
	return func() { log.Close() }, nil
}

// failed writes what ended the run to its log as well.
func (t *Trainer) failed(err error) error {
	t.log.Print("failed: %v", err)
	return err
}

// train goes on to the end of the epoch, unless time or ctx end before.
func (t *Trainer) train(ctx context.Context) (stopped string, err error) {
	batches := t.loader.Batches()
	began, first := time.Now(), t.trainPace.rate() == 0
	// The loader does not see ctx: the step that runs is finished with the batch it has.
	for b, err := range t.loader.Epoch(context.WithoutCancel(ctx), t.at.Epoch, t.at.Batch) {
		if err != nil {
			return "", err
		}
		set, images := t.scheduler.At(t.at.Step), b.N // the step gives the batch back
		if err := t.step(b, set); err != nil {
			return "", err
		}
		t.lr = set.LR
		t.at.Step++
		t.at.Batch++
		now := time.Now()
		if !first || batches < 3 { // the first one also touches all the memory for the first time
			t.trainPace.add(images, now.Sub(began))
		}
		began, first = now, false
		t.events.Step(t.place())
		switch {
		case ctx.Err() != nil:
			return "interrupted", nil
		case t.late() && t.at.Batch < batches:
			return "time", nil
		case t.cfg.Checkpoint > 0 && now.Sub(t.saved) >= time.Duration(t.cfg.Checkpoint) && t.at.Batch < batches:
			if err := t.checkpoint(); err != nil {
				return "", err
			}
		}
	}
	if ctx.Err() != nil {
		return "interrupted", nil
	}
	return "", nil
}

// step makes one update.
func (t *Trainer) step(b *datasets.Batch, set Hyper) error {
	g := t.graphs[b.N]
	targets := b.Labels
	if t.targets != nil {
		targets = t.targets[:b.N*t.net.Classes]
		b.Targets(targets, t.net.Classes, 0) // the loss smooths them
		for i, w := range b.Weight {
			if w < 0.5 { // the training error is that of the class with the larger part
				b.Labels[i] = b.Second[i]
			}
		}
	}
	if err := g.run(b.Images, targets, t.at.Step); err != nil {
		return err
	}
	loss := float64(g.session.Value(g.loss)[0])
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return t.diverged(g, b, loss, set.LR)
	}
	if t.net.Squared {
		t.at.Tally.squared(g.session.Value(g.out), b.Labels)
	} else {
		t.at.Tally.count(g.session.Value(g.out), b.Labels, t.net.Classes)
		t.at.Tally.Loss += loss * float64(b.N)
	}
	sum := t.gather(g)
	if sum != nil && t.cfg.Optimizer.Clip > 0 && !clip(t.pool, sum, len(t.trained), t.cfg.Optimizer.Clip) {
		return t.diverged(g, b, loss, set.LR)
	}
	b.Release() // the next batch is prepared there while the parameters are updated
	if sum != nil {
		t.update(sum, set)
	}
	return nil
}

// checkpoint saves in the middle of an epoch, unless the parameters are not worth it.
func (t *Trainer) checkpoint() error {
	if name := t.notFinite(); name != "" {
		return t.diverged(nil, nil, 0, t.lr)
	}
	t.at.Seconds = t.seconds()
	if err := t.save(nil); err != nil {
		return err
	}
	t.saved = time.Now()
	t.events.Saved(t.folder)
	return nil
}

// evaluate measures the parameters on the test images and counts the epoch as done, if it is.
func (t *Trainer) evaluate(ctx context.Context) (*report.Epoch, error) {
	if t.notFinite() != "" {
		return nil, t.diverged(nil, nil, 0, t.lr)
	}
	place := t.place()
	seen := review{}
	keep := func(_ int, b *datasets.Batch, p []float64) { seen.add(b, p, t.net.Classes) }
	if t.net.Squared {
		keep = nil
	}
	test, err := t.eval.measure(ctx, &t.net, t.test, keep, func(done int) {
		t.events.Evaluate(report.Progress{Done: done, Total: t.test.Len(), Step: place})
	})
	if err != nil {
		return nil, err
	}
	if math.IsNaN(test.Loss) || math.IsInf(test.Loss, 0) {
		return nil, t.diverged(nil, nil, test.Loss, t.lr)
	}
	batches := t.loader.Batches()
	row := report.Epoch{
		Epoch: float64(t.at.Epoch) + float64(t.at.Batch)/float64(batches), Step: t.at.Step, LR: t.lr,
		Train: t.at.Tally.metrics(), Test: test, Seconds: t.seconds(), Rate: t.trainPace.rate(),
	}
	row.Best = t.at.Best == nil || test.Better(t.at.Best.Test)
	if row.Best {
		t.at.Best = &row
		t.best = seen
	}
	if t.at.Batch == batches {
		if t.net.Squared {
			t.scheduler.Observe(test.Loss)
		} else {
			t.scheduler.Observe(test.Top1)
		}
		t.at.History = append(t.at.History, row)
		t.at.Epoch, t.at.Batch, t.at.Tally = t.at.Epoch+1, 0, tally{}
	}
	return &row, nil
}

// exhausted reports whether there were enough epochs without a better result.
func (t *Trainer) exhausted() bool {
	return t.cfg.EarlyStop > 0 && t.at.Batch == 0 && t.at.Best != nil && float64(t.at.Epoch)-t.at.Best.Epoch >= float64(t.cfg.EarlyStop)
}

// late reports whether the time that is left is needed for the last evaluation.
func (t *Trainer) late() bool {
	if t.cfg.Time == 0 {
		return false
	}
	return time.Since(t.begun)+estimate(t.trainPace, t.evalPace, 0, t.test.Len()) >= time.Duration(t.cfg.Time)
}

// left is the time to the run's end, at the pace measured; 0 before the first measurement.
func (t *Trainer) left() time.Duration {
	done := t.at.Epoch*t.loader.Len() + min(t.at.Batch*t.cfg.Batch, t.loader.Len())
	d := estimate(t.trainPace, t.evalPace, t.cfg.Epochs*t.loader.Len()-done, (t.cfg.Epochs-t.at.Epoch)*t.test.Len())
	if t.cfg.Time > 0 {
		d = min(d, max(time.Duration(t.cfg.Time)-time.Since(t.begun), 0))
	}
	return d
}

func (t *Trainer) seconds() float64 {
	return math.Round(1000*(t.before+time.Since(t.begun).Seconds())) / 1000
}

func (t *Trainer) place() report.Step {
	batches := t.loader.Batches()
	return report.Step{
		Epoch: min(t.at.Epoch+1, t.cfg.Epochs), Epochs: t.cfg.Epochs, Batch: t.at.Batch, Batches: batches,
		Step: t.at.Step, Steps: t.cfg.Epochs * batches, LR: t.lr,
		Train: t.at.Tally.metrics(), Rate: t.trainPace.rate(), Left: t.left(),
	}
}

// tellBroken tells of the images that were skipped since it was last called.
func (t *Trainer) tellBroken() {
	var list []datasets.BrokenImage
	for _, b := range append(t.loader.Broken(), t.test.Broken()...) {
		if text := b.Err.Error(); !t.broken[text] {
			t.broken[text] = true
			list = append(list, b)
		}
	}
	if len(list) > 0 {
		t.events.Broken(list)
	}
}

func (t *Trainer) result(stopped string, last *report.Epoch) report.Result {
	r := report.Result{
		Folder: t.folder, Network: t.net.Name, Data: t.data.Train.Info().Name, Stopped: stopped,
		Epochs: float64(t.at.Epoch) + float64(t.at.Batch)/float64(t.loader.Batches()), Steps: t.at.Step,
		Last: last, Best: t.at.Best, LastWeights: filepath.Join(t.folder, report.LastFile), Seconds: t.seconds(), PeakMB: PeakRSS() >> 20,
		Broken: len(t.broken),
	}
	if r.Best != nil {
		r.BestWeights = filepath.Join(t.folder, report.BestFile)
	}
	return r
}

// addMemory counts sessions that share parameters and a workspace.
func addMemory(m *report.Memory, sessions ...*graph.Session) {
	for _, s := range sessions {
		size := s.Memory()
		m.Parameters = max(m.Parameters, size.Parameters)
		m.Values = max(m.Values, size.Values+size.Scratch)
		m.Packed += size.Packed
	}
}
