package train

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
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
	Images  datasets.Source
	Limit   int // evaluate that many only, spread over the source; 0 means all
	Batch   int // 0: the usual for the size of the input, as in training
	Threads int // 0: one for each core
	// Progress, if not nil, is told the number of images that a member has seen.
	Progress func(member, images, total int)
}

// An Evaluation is the result of [Evaluate]: the ensemble's metrics, which for one member are its own.
type Evaluation struct {
	Data string `json:"data"`
	Metrics
	Members  []Member `json:"members"`
	Ensemble Metrics  `json:"ensemble"`
}

// A Member is one network of an [Evaluation].
type Member struct {
	Weights string `json:"weights"`
	Network string `json:"network"`
	Variant string `json:"variant,omitempty"`
	Seed    uint64 `json:"seed"`
	Epoch   int    `json:"epoch"`
	Metrics
}

// Evaluate measures trained weights, on the path on which training evaluates: the same weights, images
// and batch size give the same numbers. Members are evaluated one after another; of each only the
// probabilities are kept.
func Evaluate(ctx context.Context, c EvalConfig) (Evaluation, error) {
	if len(c.Weights) == 0 {
		return Evaluation{}, errors.New("no weights to evaluate")
	}
	pool := kernel.NewPool(c.Threads)
	defer pool.Close()
	e := Evaluation{Data: c.Images.Info().Name}
	var sum []float64 // of the members' probabilities, for each image
	var labels []int
	classes := 0
	for i, path := range c.Weights {
		n, meta, params, err := c.open(path)
		if err != nil {
			return e, err
		}
		if err := n.fits(c.Images.Info()); err != nil {
			return e, fmt.Errorf("%s: %w", path, err)
		}
		if i > 0 && n.Classes != classes {
			return e, fmt.Errorf("%s: %d classes, those of %s are %d: members of an ensemble must agree", path, n.Classes, c.Weights[0], classes)
		}
		if n.Squared && len(c.Weights) > 1 {
			return e, fmt.Errorf("%s: %s has no classes whose probabilities could be averaged", path, n.Name)
		}
		classes = n.Classes
		batch := c.Batch
		if batch == 0 {
			batch = n.evalBatch()
		}
		g, err := n.evaluation(params, batch, graph.Config{Pool: pool})
		if err != nil {
			return e, fmt.Errorf("%s: %w", path, err)
		}
		l, err := datasets.NewLoader(c.Images, datasets.Config{Batch: batch, Input: stored(meta, &n), Limit: c.Limit, Workers: pool.Threads()})
		if err != nil {
			return e, fmt.Errorf("%s: %w", path, err)
		}
		var keep func(at int, out, targets []float32)
		if len(c.Weights) > 1 {
			if sum == nil {
				sum, labels = make([]float64, l.Len()*classes), make([]int, l.Len())
			}
			keep = func(at int, out, targets []float32) {
				for j, label := range targets {
					labels[at+j] = int(label)
					softmax(out[j*classes:(j+1)*classes], sum[(at+j)*classes:(at+j+1)*classes])
				}
			}
		}
		m, err := g.measure(ctx, &n, l, keep, func(done int) {
			if c.Progress != nil {
				c.Progress(i, done, l.Len())
			}
		})
		if err != nil {
			return e, fmt.Errorf("%s: %w", path, err)
		}
		e.Members = append(e.Members, Member{path, n.Name, n.Variant, meta.Seed, meta.Epoch, m})
	}
	e.Ensemble = e.Members[0].Metrics
	if sum != nil {
		var t tally
		mean := make([]float32, classes)
		for i, label := range labels {
			p := sum[i*classes : (i+1)*classes]
			for c, v := range p {
				mean[c] = float32(v)
			}
			t.count(mean, []float32{float32(label)}, classes)
			t.Loss -= math.Log(p[label] / float64(len(c.Weights)))
		}
		e.Ensemble = t.metrics()
	}
	e.Metrics = e.Ensemble
	return e, nil
}

// measure evaluates the graph on every image of the loader, whose batch size is the graph's. Keep, if
// not nil, gets each batch's outputs, its first image being number at.
func (g *evaluationGraph) measure(ctx context.Context, n *Network, l *datasets.Loader, keep func(at int, out, targets []float32), progress func(done int)) (Metrics, error) {
	var t tally
	for b, err := range l.Epoch(ctx, 0, 0) {
		if err != nil {
			return Metrics{}, err
		}
		// Images do not see each other in evaluation: a smaller last batch is filled up with zeros, whose
		// outputs nobody reads.
		out, err := g.run(b.Images[:cap(b.Images)])
		if err != nil {
			return Metrics{}, err
		}
		if n.Squared {
			t.squared(out, b.Labels)
		} else {
			t.count(out, b.Labels, n.Classes)
			for i, label := range b.Labels {
				t.Loss += crossEntropy(out[i*n.Classes:(i+1)*n.Classes], int(label))
			}
		}
		if keep != nil {
			keep(t.Images-b.N, out, b.Labels)
		}
		progress(t.Images)
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
	err = r.ReadInto(func(name string, _ []int) []float32 {
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
