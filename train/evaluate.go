package train

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/cluster"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// EvalConfig says what [Evaluate] measures. What is left zero is the usual.
type EvalConfig struct {
	// Weights are the files of one network, or of the members of an ensemble, whose probabilities are
	// averaged. Members may be different networks with different inputs, as long as the classes agree.
	Weights []string
	// Open opens one of them; nil means weights.Open, for files.
	Open func(name string) (*weights.Reader, error)
	// Network makes the network again from what its weights' file says.
	Network func(weights.Meta) (Network, error)
	// Images are evaluated in their order.
	Images datasets.Source
	Limit  int // evaluate that many only, spread over the source; 0 means all
	Batch  int // 0: the usual for the size of the input, as in training
	// Views are the parts of each image whose probabilities are averaged. With more than one, the
	// evaluation of the single view is measured too.
	Views datasets.Views
	// SkipBroken leaves images out that cannot be decoded.
	SkipBroken bool
	// Half keeps weights as 16-bit floats in layers that take the time of reading them: see graph.Config.
	Half    bool
	Worst   int // the number of mistakes to report, worst first
	Threads int // 0: one for each core
	// Cluster is the group of processes that share the images; nil is this process alone. All ranks return
	// the same.
	Cluster cluster.Comm
	// Progress, if not nil, is told the number of images that a member has seen.
	Progress func(member, images, total int)
}

// Evaluate measures trained weights, on the path on which training evaluates: the same weights, images
// and batch size give the same numbers. Members are evaluated one after another; of each only the
// probabilities are kept.
func Evaluate(ctx context.Context, c EvalConfig) (report.Evaluation, error) {
	if len(c.Weights) == 0 {
		return report.Evaluation{}, errors.New("no weights to evaluate")
	}
	if err := c.Views.Validate(); err != nil {
		return report.Evaluation{}, err
	}
	if err := c.alike(); err != nil {
		return report.Evaluation{}, err
	}
	switch {
	case c.Images == nil:
		return report.Evaluation{}, errors.New("no images to evaluate on")
	case c.Network == nil:
		return report.Evaluation{}, errors.New("nothing makes networks of what weights say of them")
	}
	pool := kernel.NewPool(c.Threads)
	defer pool.Close()
	if c.Views.Len() == 1 {
		return c.evaluate(ctx, pool)
	}
	single := c
	single.Views, single.Worst = datasets.Views{}, 0
	one, err := single.evaluate(ctx, pool)
	if err != nil {
		return one, err
	}
	e, err := c.evaluate(ctx, pool)
	e.OneCrop = &one
	return e, err
}

// alike checks that all ranks are about to evaluate the same weights on the same images, and that they can.
func (c *EvalConfig) alike() error {
	group := newRanks(c.Cluster)
	if group.Size() == 1 {
		return nil
	}
	asked := fmt.Sprintf("crops %d, flip %t, limit %d, batch %d, half %t, worst %d, strict %t", max(c.Views.Crops, 1), c.Views.Flip, c.Limit, c.Batch, c.Half, c.Worst, !c.SkipBroken)
	if err := cluster.Same(group, "what they are asked for", asked); err != nil {
		return err
	}
	h := sha256.New()
	err := func() error {
		for _, path := range c.Weights {
			n, meta, params, err := c.open(path)
			if err != nil {
				return err
			}
			if _, _, err := c.imagesFor(&n, meta); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			for _, p := range params.All() {
				fmt.Fprintln(h, p.Name, p.Shape)
				if err := binary.Write(h, binary.LittleEndian, p.Data); err != nil {
					return err
				}
			}
		}
		return nil
	}()
	images, failed := c.Images.Checksum()
	if err := cluster.Agree(group, cluster.Preparing, errors.Join(err, failed)); err != nil {
		return err
	}
	if err := cluster.Same(group, "the weights", fmt.Sprintf("%x", h.Sum(nil)[:8])); err != nil {
		return err
	}
	return cluster.Same(group, "the images", images)
}

// withoutImages are the classes that a source names and has no images of.
func withoutImages(src datasets.Source) (absent []string) {
	names := src.Info().Classes
	seen := make([]bool, len(names))
	for i := range src.Len() {
		if label := src.Label(i); label >= 0 && label < len(seen) {
			seen[label] = true
		}
	}
	for i, name := range names {
		if !seen[i] {
			absent = append(absent, name)
		}
	}
	return absent
}

func (c *EvalConfig) evaluate(ctx context.Context, pool *kernel.Pool) (report.Evaluation, error) {
	var err error
	e := report.Evaluation{Data: c.Images.Info().Name, Part: string(c.Images.Info().Part), Crops: max(c.Views.Crops, 1), Flip: c.Views.Flip}
	var all review
	var top [][]int32 // each member's classes
	var sum []float64 // of the members' probabilities, for each image
	var metas []weights.Meta
	classes := 0
	var names []string // of the classes, in the order of the first member
	for i, path := range c.Weights {
		fail := func(err error) (report.Evaluation, error) { return e, fmt.Errorf("%s: %w", path, err) }
		n, meta, params, err := c.open(path)
		if err != nil {
			return e, err
		}
		images, match, err := c.imagesFor(&n, meta)
		if err != nil {
			return fail(err)
		}
		order, err := permutation(names, meta.ClassNames)
		if err != nil {
			return fail(err)
		}
		for _, note := range match.notes {
			e.Warnings = append(e.Warnings, path+": "+note)
		}
		if i > 0 && n.Classes != classes {
			return fail(fmt.Errorf("%d classes, those of %s are %d: members of an ensemble must agree", n.Classes, c.Weights[0], classes))
		}
		if !n.classifies() && (len(c.Weights) > 1 || c.Views.Len() > 1) {
			return fail(fmt.Errorf("%s has no classes whose probabilities could be averaged", n.Name))
		}
		if i == 0 {
			classes, names = n.Classes, meta.ClassNames
			if absent := append(match.missing, withoutImages(c.Images)...); len(absent) > 0 {
				e.Warnings = append(e.Warnings, fmt.Sprintf("%s has no images of %s, which the network knows", c.Images.Info(), listed(absent)))
			}
		}
		batch := c.Batch
		if batch == 0 {
			batch = n.evalBatch()
		}
		if views := c.Views.Len(); i == 0 {
			e.Batch, e.Threads = max(batch/views, 1)*views, pool.Threads()
		}
		views := c.Views.Len()
		batch = max(batch/views, 1)
		g, err := n.evaluation(params, batch*views, graph.Config{Pool: pool, Half: c.Half})
		if err != nil {
			return fail(err)
		}
		for _, layer := range g.session.Halves() {
			if !slices.Contains(e.Half, layer) {
				e.Half = append(e.Half, layer)
			}
		}
		skip := datasets.Stop
		if c.SkipBroken {
			skip = datasets.LeaveOut
		}
		group := newRanks(c.Cluster)
		l, err := datasets.NewLoader(images, datasets.Config{Batch: batch, Input: stored(meta, &n), Limit: c.Limit, Views: c.Views, Skip: skip, Workers: pool.Threads(), Rank: group.Rank(), Ranks: group.Size(), WholeBatches: true})
		if err != nil {
			return fail(err)
		}
		if sum == nil && n.classifies() {
			sum = make([]float64, l.Len()*classes)
		}
		seen := review{}
		keep := func(at int, b *datasets.Batch, p []float64) {
			seen.add(b, p, classes, order)
			for k := range p {
				sum[at*classes+k] += p[inOrder(k, classes, order)]
			}
		}
		if !n.classifies() {
			keep = nil
		}
		m, err := g.measure(ctx, group, &n, l, keep, func(done int) {
			if c.Progress != nil {
				c.Progress(i, done, l.Len())
			}
		})
		if err != nil {
			return fail(err)
		}
		if e.Broken = len(l.Broken()); i == 0 && e.Broken > 0 {
			broken := l.Broken()
			e.Warnings = append(e.Warnings, fmt.Sprintf("%s of %s cannot be read and %s not counted, the first is %v", report.Plural(e.Broken, "image"), c.Images.Info(), map[bool]string{true: "is", false: "are"}[e.Broken == 1], broken[0].Err))
		}
		if i > 0 && !slices.Equal(seen.index, all.index) {
			return fail(errors.New("not the same images could be read as for the members before"))
		}
		all.index, all.label, all.loss = seen.index, seen.label, seen.loss
		all.top = seen.top
		top, metas = append(top, seen.top), append(metas, meta)
		e.Members = append(e.Members, report.Member{Weights: path, Network: n.Name, Variant: n.Variant, Seed: meta.Seed, Epoch: meta.Epoch, Metrics: m})
	}
	e.Ensemble = e.Members[0].Metrics
	if len(c.Weights) > 1 {
		e.Ensemble = all.average(sum, classes, len(c.Weights))
	}
	e.Metrics = e.Ensemble
	for _, m := range e.Members {
		share := 1 / float64(len(e.Members))
		e.Mean.Images = m.Images
		e.Mean.Loss += share * m.Loss
		e.Mean.Top1 += share * m.Top1
		e.Mean.Top5.Value += share * m.Top5.Value
		e.Mean.Top5.Known = m.Top5.Known
	}
	e.Gain = gain(e.Mean, e.Ensemble)
	e.Disagreement = disagreement(top)
	e.Warnings = append(e.Warnings, warnings(e.Members, metas)...)
	if len(all.label) > 0 {
		if len(names) == 0 {
			names = c.Images.Info().Classes
		}
		e.Confusion = all.confusion(names, classes)
		e.Classes = e.Confusion.Results()
		if e.Worst, err = all.worst(c.Worst, names, c.Images); err != nil {
			return e, err
		}
	}
	return e, nil
}

// gain is what an ensemble is better by than the mean of its members.
func gain(mean, ensemble report.Metrics) report.Gain {
	g := report.Gain{Top1: mean.Top1 - ensemble.Top1}
	if mean.Top5.Known {
		g.Top5 = report.Some(mean.Top5.Value - ensemble.Top5.Value)
	}
	return g
}

// imagesFor are the images with the labels of a network's own classes.
func (c *EvalConfig) imagesFor(n *Network, meta weights.Meta) (datasets.Source, classMatch, error) {
	info := c.Images.Info()
	if !n.classifies() || len(info.Classes) == 0 {
		return c.Images, classMatch{}, n.fits(c.Images)
	}
	match, err := matchClasses(info.Classes, meta.ClassNames, n.Classes)
	if err != nil {
		return nil, match, fmt.Errorf("%s has %w", info, err)
	}
	if len(meta.ClassNames) == 0 {
		return c.Images, match, nil
	}
	return &relabelled{c.Images, match.to, meta.ClassNames}, match, nil
}

// inOrder is the place of value k of rows of classes, where the classes stand in another order.
func inOrder(k, classes int, order []int) int {
	if order == nil {
		return k
	}
	return k - k%classes + order[k%classes]
}

// disagreement is the fraction of images that not all members put into the same class.
func disagreement(top [][]int32) float64 {
	n := 0
	for i := range top[0] {
		for _, t := range top[1:] {
			if t[i] != top[0][i] {
				n++
				break
			}
		}
	}
	return float64(n) / float64(max(len(top[0]), 1))
}

// warnings says what makes members less than independent, or not comparable.
func warnings(members []report.Member, metas []weights.Meta) []string {
	var list []string
	for i, m := range members {
		for j, other := range members[:i] {
			if m.Network == other.Network && m.Variant == other.Variant && m.Seed == other.Seed {
				list = append(list, fmt.Sprintf("%s and %s share the seed %d: they are not independent", other.Weights, m.Weights, m.Seed))
				break
			}
			if a, b := metas[j].DataChecksum, metas[i].DataChecksum; a != "" && b != "" && a != b {
				list = append(list, fmt.Sprintf("%s and %s were trained on different images (%s and %s): part of the gain may come from there", other.Weights, m.Weights, metas[j].Data, metas[i].Data))
				break
			}
		}
	}
	return list
}

// measure evaluates the graph on every image of the loader, whose batch size times its views is the
// graph's. Keep, if not nil, gets each batch's probabilities, N×classes, its first image being number at.
//
// Where several ranks share the loader's batches, each gets all outputs, in the order of the batches: their
// numbers are those of one process.
func (g *evaluationGraph) measure(ctx context.Context, group *ranks, n *Network, l *datasets.Loader, keep func(at int, b *datasets.Batch, p []float64), progress func(done int)) (report.Metrics, error) {
	var t tally
	var p []float64
	var mean []float32
	judge := func(b *datasets.Batch, out []float32) {
		at := t.Images
		if n.Squared {
			t.squared(out, b.Labels)
			return
		}
		views := len(out) / n.Classes / cap(b.Labels)
		if keep != nil || views > 1 {
			if p == nil {
				p, mean = make([]float64, cap(b.Labels)*n.Classes), make([]float32, cap(b.Labels)*n.Classes)
			}
			p = p[:b.N*n.Classes]
			clear(p)
			for i := range b.N * views {
				softmax(out[i*n.Classes:(i+1)*n.Classes], p[i/views*n.Classes:(i/views+1)*n.Classes])
			}
			for i := range p {
				p[i] /= float64(views)
				mean[i] = float32(p[i])
			}
		}
		if views > 1 {
			t.count(mean, b.Labels, n.Classes)
			for i, label := range b.Labels {
				t.Loss -= math.Log(max(p[i*n.Classes+int(label)], math.SmallestNonzeroFloat64))
			}
		} else {
			t.count(out, b.Labels, n.Classes)
			for i, label := range b.Labels {
				t.Loss += crossEntropy(out[i*n.Classes:(i+1)*n.Classes], int(label))
			}
		}
		if keep != nil {
			keep(at, b, p)
		}
	}
	var others answers
	began := time.Now()
	err := func() error {
		for b, err := range l.Epoch(ctx, 0, 0) {
			if err != nil {
				return err
			}
			if n.Objective != nil {
				if err := g.judge(n, l.Source(), b, &t); err != nil {
					return err
				}
				progress(min(t.Images*group.Size(), l.Len()))
				continue
			}
			// Images do not see each other in evaluation: a smaller last batch is filled up with zeros, whose
			// outputs nobody reads.
			out, err := g.run(b.Images[:cap(b.Images)])
			if err != nil {
				return err
			}
			if group.Size() > 1 {
				others.add(b, out)
				progress(min(others.images*group.Size(), l.Len()))
				continue
			}
			judge(b, out)
			progress(t.Images)
		}
		return nil
	}()
	if err := cluster.Agree(group, cluster.Allowance(time.Since(began)), err); err != nil {
		return report.Metrics{}, err
	}
	switch {
	case group.Size() == 1:
	case n.Objective != nil:
		if err := t.together(group); err != nil {
			return report.Metrics{}, err
		}
	default:
		if err := others.share(group, l.Batches(), judge); err != nil {
			return report.Metrics{}, err
		}
	}
	return t.metrics(), nil
}

// open reads a network with its parameters from a weights file. Those of auxiliary classifiers, which
// evaluation has no use for, may be in the file or not, and are not read.
func (c *EvalConfig) open(path string) (n Network, meta weights.Meta, params *graph.Params, err error) {
	opener := c.Open
	if opener == nil {
		opener = weights.Open
	}
	r, err := opener(path)
	if err != nil {
		return n, meta, nil, err
	}
	if r == nil {
		return n, meta, nil, fmt.Errorf("%s: what opens it returned no weights", path)
	}
	defer r.Close()
	meta = r.Meta()
	if n, err = c.Network(meta); err != nil {
		return n, meta, nil, fmt.Errorf("%s: %w", path, err)
	}
	params = graph.NewParams()
	if err := n.declareFor(params, graph.Eval); err != nil {
		return n, meta, nil, fmt.Errorf("%s: %w", path, err)
	}
	all := graph.NewParams()
	if err := n.declareFor(all, graph.Train); err != nil {
		return n, meta, nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := r.Match(specs(all)); err != nil && r.Match(specs(params)) != nil {
		return n, meta, nil, err
	}
	params.Allocate()
	err = r.ReadNetwork(func(name string, _ []int) []float32 {
		if p := params.Get(name); p != nil {
			return p.Data
		}
		return nil
	})
	return n, meta, params, err
}

// specs lists what a weights file of these parameters holds.
func specs(params *graph.Params) []weights.Spec {
	var list []weights.Spec
	for _, p := range params.All() {
		list = append(list, weights.Spec{Name: p.Name, Shape: p.Shape})
	}
	return list
}
