package train

import (
	"cmp"
	"encoding/json"
	"fmt"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// A Network is what training and evaluation need to know of an architecture.
type Network struct {
	Name, Variant string
	Options       json.RawMessage // complete; stored beside the weights, to make the network again
	Input         [3]int          // channels, height, width
	Classes       int             // length of the output for one image
	Squared       bool            // trained on the squared distance of its output, not on the cross-entropy of classes
	// Objective is what it is trained for in place of both; nil for the usual.
	Objective *Objective
	// Head returns the parameters whose shape follows from the number of classes, with the dimension that does. It may be
	// nil: then a last layer is never reordered.
	Head func() (map[string]int, error)
	// Build adds the network to a graph over x, N×C×H×W, and returns its output, N×Classes.
	Build func(b *graph.Builder, x *gorgonia.Node) (*gorgonia.Node, error)
}

// An Architecture describes a network, as a *zoo.Model does.
type Architecture interface {
	Describe() recipe.Network
	Build(b *graph.Builder, x *gorgonia.Node) (*gorgonia.Node, error)
}

// Of is an architecture as a trainer takes it. Nil is a network without a name or a graph, which no trainer takes.
func Of(a Architecture) Network {
	if a == nil {
		return Network{}
	}
	d := a.Describe()
	n := Network{Name: d.Name, Variant: d.Variant, Options: d.Options, Input: d.Input, Classes: d.Classes, Squared: d.Squared, Build: a.Build}
	if h, ok := a.(interface {
		Head() (map[string]int, error)
	}); ok {
		n.Head = h.Head
	}
	return n
}

// input is the network's input for images of a source.
func (n *Network) input(c recipe.Config, info datasets.Info) (datasets.Input, error) {
	filter, err := image.ParseFilter(c.Interpolation)
	if err != nil {
		return datasets.Input{}, err
	}
	return datasets.Input{
		Shape: image.Shape{C: n.Input[0], H: n.Input[1], W: n.Input[2]}, Resize: c.Resize, Crop: c.Crop, Mean: c.Mean, Std: c.Std,
		Filter: filter, Scale: float32(c.PixelScale), Squash: c.Squash, BGR: c.Channels == "bgr",
	}.For(info)
}

// fits says whether the classes of a source are the network's.
func (n *Network) fits(src datasets.Source) error {
	info := src.Info()
	switch {
	case n.Objective != nil && n.Objective.check() != nil:
		return fmt.Errorf("%s: %w", n.Name, n.Objective.check())
	case n.targets() > 0 && !tells(src):
		return fmt.Errorf("%s is trained for the %s of %d targets, the data set %s has none: it needs a method Target", n.Name, n.Objective.Name, n.targets(), info.Name)
	case n.Objective != nil:
	case n.Squared && len(info.Classes) > 0:
		return fmt.Errorf("%s predicts a number, the data set %s has %d classes", n.Name, info.Name, len(info.Classes))
	case !n.Squared && len(info.Classes) == 0:
		return fmt.Errorf("%s has %d classes, the data set %s has numbers to predict", n.Name, n.Classes, info.Name)
	case !n.Squared && len(info.Classes) > n.Classes:
		return fmt.Errorf("%s has %d classes, the data set %s has %d", n.Name, n.Classes, info.Name, len(info.Classes))
	}
	return nil
}

// preprocessing is how an input is stored beside weights.
func preprocessing(in datasets.Input) *weights.Preprocessing {
	channels, ok := map[int]string{1: "grey", 3: "rgb"}[in.C]
	if !ok {
		return nil
	}
	p := &weights.Preprocessing{Resize: in.Resize, Crop: in.Crop, Mean: in.Mean, Std: in.Std, Channels: channels, Squash: in.Squash && in.Resize > 0}
	if in.BGR {
		p.Channels = "bgr"
	}
	if in.Filter != image.Bilinear {
		p.Interpolation = in.Filter.String()
	}
	if in.Scale != 1 {
		p.Scale = in.Scale
	}
	return p
}

// stored is the input that weights were trained with.
func stored(m weights.Meta, n *Network) datasets.Input {
	in := datasets.Input{Shape: image.Shape{C: n.Input[0], H: n.Input[1], W: n.Input[2]}}
	if p := m.Preprocessing; p != nil {
		in.Resize, in.Crop, in.Mean, in.Std = p.Resize, p.Crop, p.Mean, p.Std
		in.Filter, _ = image.ParseFilter(p.Interpolation) // checked with the metadata
		in.Scale, in.Squash, in.BGR = p.Scale, p.Squash, p.Channels == "bgr"
	}
	return in
}

// A trainingGraph is a network's step but for the update, compiled for one batch size: from images and
// targets to loss, outputs and gradients.
type trainingGraph struct {
	session   *graph.Session
	x, target *gorgonia.Node
	cost, out *gorgonia.Node
	grads     []*gorgonia.Node // in the order of Params.Trained
	macs      int64            // of one image, forward
}

// complete says what a network lacks to be built, or nil.
func (n *Network) complete() error {
	if n.Build == nil || min(n.Classes, n.Input[0], n.Input[1], n.Input[2]) < 1 {
		return fmt.Errorf("network %q: it should have a graph, an input and classes: it takes %d×%d×%d to %d, Build is given: %t", n.Name, n.Input[0], n.Input[1], n.Input[2], n.Classes, n.Build != nil)
	}
	return nil
}

// build is Build, and an error where there is none or it returns nothing.
func (n *Network) build(b *graph.Builder, x *gorgonia.Node) (*gorgonia.Node, error) {
	if err := n.complete(); err != nil {
		return nil, err
	}
	out, err := n.Build(b, x)
	if err == nil && out == nil {
		err = cmp.Or(b.Err(), fmt.Errorf("network %q: what builds its graph returned no output", n.Name))
	}
	return out, err
}

// declareFor adds the network's parameters to params: those of auxiliary classifiers for graph.Train,
// not for graph.Eval.
func (n *Network) declareFor(params *graph.Params, mode graph.Mode) error {
	b := graph.NewBuilder(params, mode)
	_, err := n.build(b, b.Input("x", 2, n.Input[0], n.Input[1], n.Input[2]))
	return err
}

// training compiles the step for a batch size. Targets are one class an image, or where images are
// mixed the probabilities of all classes. Ready, if not nil, is told of each gradient as soon as it is there.
func (n *Network) training(params *graph.Params, batch int, smoothing float64, mixed bool, cfg graph.Config, ready func(i int)) (*trainingGraph, error) {
	b := graph.NewBuilder(params, graph.Train)
	g := &trainingGraph{x: b.Input("x", batch, n.Input[0], n.Input[1], n.Input[2])}
	var err error
	if g.out, err = n.build(b, g.x); err != nil {
		return nil, err
	}
	loss := func(out *gorgonia.Node) *gorgonia.Node { return b.CrossEntropy(out, g.target, float32(smoothing)) }
	if n.Objective != nil {
		loss = func(out *gorgonia.Node) *gorgonia.Node {
			node, failed := n.Objective.loss(b, out, g.target)
			if err == nil {
				err = failed
			}
			return node
		}
	}
	switch {
	case n.targets() > 0:
		g.target = b.Input("target", batch, n.targets())
	case n.Squared:
		g.target = b.Input("target", batch, n.Classes)
		loss = func(out *gorgonia.Node) *gorgonia.Node { return b.MSE(out, g.target) }
	case mixed:
		g.target = b.Input("target", batch, n.Classes)
	default:
		g.target = b.Input("target", batch)
	}
	g.cost = loss(g.out)
	if aux := b.Auxiliaries(); len(aux) > 0 {
		losses, weights := []*gorgonia.Node{g.cost}, []float32{1}
		for _, a := range aux {
			losses, weights = append(losses, loss(a.Logits)), append(weights, a.Weight)
		}
		if err == nil {
			g.cost = b.WeightedSum(losses, weights)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", n.Name, err)
	}
	for _, l := range b.Layers() {
		g.macs += l.MACs
	}
	if g.grads, err = b.Grads(g.cost); err != nil {
		return nil, fmt.Errorf("%s: %w", n.Name, err)
	}
	outputs := append([]*gorgonia.Node{g.cost, g.out}, g.grads...)
	if ready != nil {
		first := len(outputs) - len(g.grads)
		cfg.Ready = func(k int) {
			if k >= first {
				ready(k - first)
			}
		}
	}
	if g.session, err = graph.Compile(b, outputs, cfg); err != nil {
		return nil, fmt.Errorf("%s: %w", n.Name, err)
	}
	return g, nil
}

// run computes the step of a batch: images N×C×H×W and N targets, or N×Classes of mixed images.
func (g *trainingGraph) run(images, targets []float32, step int) error {
	if err := g.session.Bind(g.x, images); err != nil {
		return err
	}
	if err := g.session.Bind(g.target, targets); err != nil {
		return err
	}
	g.session.SetStep(uint64(step))
	return g.session.Run()
}

// loss is that of the last run.
func (g *trainingGraph) loss() float32 { return g.session.Value(g.cost)[0] }

// gradient returns the gradient of the i-th trained parameter, until the next run.
func (g *trainingGraph) gradient(i int) []float32 { return g.session.Value(g.grads[i]) }

// An evaluationGraph is a network in evaluation mode, compiled for one batch size.
type evaluationGraph struct {
	session *graph.Session
	x, out  *gorgonia.Node
	macs    int64 // of one image

	// Of an objective's network: its loss, and the same graph for a smaller batch, which a loss may depend on.
	loss, target *gorgonia.Node
	targets      []float32
	rest         *evaluationGraph
	again        func(batch int) (*evaluationGraph, error)
}

func (n *Network) evaluation(params *graph.Params, batch int, cfg graph.Config) (*evaluationGraph, error) {
	b := graph.NewBuilder(params, graph.Eval)
	g := &evaluationGraph{x: b.Input("x", batch, n.Input[0], n.Input[1], n.Input[2])}
	var err error
	if g.out, err = n.build(b, g.x); err != nil {
		return nil, err
	}
	for _, l := range b.Layers() {
		g.macs += l.MACs
	}
	outputs := []*gorgonia.Node{g.out}
	if n.Objective != nil {
		shape := []int{batch}
		if n.targets() > 0 {
			shape = append(shape, n.targets())
		}
		g.target, g.targets = b.Input("target", shape...), make([]float32, batch*max(n.targets(), 1))
		if g.loss, err = n.Objective.loss(b, g.out, g.target); err != nil {
			return nil, fmt.Errorf("%s: %w", n.Name, err)
		}
		outputs = append(outputs, g.loss)
		g.again = func(size int) (*evaluationGraph, error) { return n.evaluation(params, size, cfg) }
	}
	if g.session, err = graph.Compile(b, outputs, cfg); err != nil {
		return nil, fmt.Errorf("%s: %w", n.Name, err)
	}
	if g.target != nil {
		if err := g.session.Bind(g.target, g.targets); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// judge measures an objective's network on a batch.
func (g *evaluationGraph) judge(n *Network, src datasets.Source, b *datasets.Batch, t *tally) error {
	if b.N < cap(b.Labels) {
		if g.rest == nil || len(g.rest.targets) != b.N*max(n.targets(), 1) {
			rest, err := g.again(b.N)
			if err != nil {
				return err
			}
			g.rest = rest
		}
		g = g.rest
	}
	if n.targets() > 0 {
		fill(src, b.Index[:b.N], g.targets)
	} else {
		copy(g.targets, b.Labels)
	}
	out, err := g.run(b.Images)
	if err != nil {
		return err
	}
	t.judge(n.Objective, out, g.targets, b.N, float64(g.session.Value(g.loss)[0]))
	return nil
}

// run returns the outputs for a whole batch of images, until the next run.
func (g *evaluationGraph) run(images []float32) ([]float32, error) {
	if err := g.session.Bind(g.x, images); err != nil {
		return nil, err
	}
	if err := g.session.Run(); err != nil {
		return nil, err
	}
	return g.session.Value(g.out), nil
}

// evalBatch is the usual batch size of evaluations, a function of the input alone, so that every
// evaluation of a network runs the same graph: about 2 MB of images, from 16 to 64.
func (n *Network) evalBatch() int {
	size := 16
	for size < 64 && 2*size*n.Input[0]*n.Input[1]*n.Input[2] <= 1<<19 {
		size *= 2
	}
	return size
}
