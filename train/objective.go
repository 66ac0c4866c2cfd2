package train

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

// An Objective is what a network is trained for, where that is not to tell classes apart, nor the squared
// distance of one number. [MultiLabel] and [Regression] are ready-made; any other is a function of the output
// and the targets that any nodes of Gorgonia may make up.
type Objective struct {
	// Name is how reports call the loss, and what is kept beside the weights: "triplet loss".
	Name string
	// Loss adds the loss of a batch to the graph, a scalar: the mean over the images, so that it does not depend
	// on how many there are. Output is N×Classes; targets are N×Targets, or N labels if Targets is 0.
	Loss func(b *graph.Builder, output, targets *gorgonia.Node) *gorgonia.Node
	// Targets is how many numbers the target of an image has. The data set tells them by a method
	// Target(i int, dst []float32), see [TargetSource]. With 0 the target is the image's label.
	Targets int
	// Error says how wrong an output is for its targets, from 0 for right to 1. It is the error that chooses the
	// best weights and steers the schedule; without it the loss does both.
	Error func(output, targets []float32) float64
}

// A TargetSource is a data set whose images have targets of several numbers.
type TargetSource interface {
	datasets.Source
	// Target writes the targets of image i. It is called from one goroutine at a time.
	Target(i int, dst []float32)
}

// MultiLabel is the objective of images that show any number of the classes: each output is the logit of one,
// each target 1 or 0, the loss their mean binary cross-entropy, log(1 + eˣ) - x·t, and the error the fraction
// of classes for which the output's sign is wrong.
func MultiLabel(classes int) *Objective {
	return &Objective{
		Name: "binary cross-entropy", Targets: classes,
		Loss: func(b *graph.Builder, output, targets *gorgonia.Node) *gorgonia.Node {
			each := b.Combine(b.Apply(output, graph.Function{Kind: graph.Softplus}), b.Combine(output, targets, graph.Times), graph.Minus)
			return b.Reshape(b.Reduce(each, graph.MeanOf, 0, 1))
		},
		Error: func(output, targets []float32) float64 {
			wrong := 0
			for i, t := range targets {
				if (output[i] > 0) != (t > 0.5) {
					wrong++
				}
			}
			return float64(wrong) / float64(len(targets))
		},
	}
}

// Regression is the objective of so many numbers for each image: the mean of their squared distances.
func Regression(numbers int) *Objective {
	return &Objective{
		Name: "mean squared error", Targets: numbers,
		Loss: func(b *graph.Builder, output, targets *gorgonia.Node) *gorgonia.Node { return b.MSE(output, targets) },
	}
}

// classifies reports whether the network is trained to tell classes apart.
func (n *Network) classifies() bool { return !n.Squared && n.Objective == nil }

// targets is the number of targets of an image, 0 for its label alone.
func (n *Network) targets() int {
	if n.Objective == nil {
		return 0
	}
	return n.Objective.Targets
}

// loss adds the loss of a batch as the objective has it.
func (o *Objective) loss(b *graph.Builder, output, targets *gorgonia.Node) (loss *gorgonia.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s: its Loss panics: %v", o.Name, r)
		}
	}()
	loss = o.Loss(b, output, targets)
	switch {
	case b.Err() != nil:
		return nil, fmt.Errorf("%s: %w", o.Name, b.Err())
	case loss == nil:
		return nil, fmt.Errorf("%s: its Loss returns no node", o.Name)
	case !loss.IsScalar():
		return nil, fmt.Errorf("%s: its Loss has the shape %v, should be a scalar", o.Name, loss.Shape())
	}
	return loss, nil
}

// check says what is missing.
func (o *Objective) check() error {
	switch {
	case o.Name == "" || o.Loss == nil:
		return fmt.Errorf("objective %q: a name and a Loss are needed", o.Name)
	case o.Targets < 0:
		return fmt.Errorf("%s: %d targets: should be at least 1, or 0 for the label", o.Name, o.Targets)
	}
	return nil
}

// fill writes the targets of a batch's images.
func fill(src datasets.Source, index []int, dst []float32) {
	each := len(dst) / max(len(index), 1)
	for k, i := range index {
		from := src
		for s, ok := from.(*datasets.Subset); ok; s, ok = from.(*datasets.Subset) {
			from, i = s.Of(), s.At(i)
		}
		from.(TargetSource).Target(i, dst[k*each:(k+1)*each])
	}
}

// tells reports whether the images of a source have targets.
func tells(src datasets.Source) bool {
	for s, ok := src.(*datasets.Subset); ok; s, ok = src.(*datasets.Subset) {
		src = s.Of()
	}
	_, ok := src.(TargetSource)
	return ok
}
