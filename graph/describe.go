package graph

import (
	"cmp"
	"fmt"
	"slices"

	"gorgonia.org/gorgonia"
)

// A Computation says in data what a node computes, for those who write a graph down for another
// program.
type Computation struct {
	Layer  string           // the layer's name
	Kind   string           // "conv", "max pool", …
	Node   *gorgonia.Node   // the result
	Inputs []*gorgonia.Node // in the order of the Builder's method: x or all the xs, then the parameters

	// Detail is what else the result depends on, by Kind:
	//
	//	conv                         kernel.ConvShape
	//	partial conv                 Table
	//	max pool, average pool       kernel.Window
	//	batch norm, layer norm       Epsilon
	//	lrn                          kernel.LRNParams
	//	the kind of an activation    Activation
	//	channel scale                Gain
	//	subsample                    Subsampling
	//	the kind of an arithmetic    Arithmetic
	//	the kind of a function       Function
	//	the kind of a reduction      Reduction
	//	pick                         Picks
	//	resample                     Resampling
	//	transpose                    Order
	//	channel shuffle              ShuffleOf
	//	conv 3d, max pool 3d, average pool 3d     Volume
	//	dense, add, concat, flatten, softmax, global average pool,
	//	adaptive average pool, point bias, rbf, excite, layer scale,
	//	reshape, matrix product, where     nil
	Detail any
}

// Details of a [Computation].
type (
	Epsilon     float32                    // what batch normalisation adds to the variance
	Table       [][]int                    // the channels that each filter of a partial convolution sees
	Gain        float32                    // what multiplies the coefficients of a channel scale
	Subsampling struct{ Stride, From int } // of pixels; number of the first channel that is not zero
	Order       []int                      // of axes
	ShuffleOf   int                        // groups of a channel shuffle
	Picks       struct {                   // see [Builder.Pick]
		Fill   float32
		Places [][]int
	}
	Resampling struct { // see [Builder.Resample]
		Axis int
		Taps [][]Tap
	}
)

// A describer is an op that can be written down for another program: it gives the Detail of its [Computation].
type describer interface{ detail() any }

// Computations lists what has to be computed for the outputs, inputs before what needs them. Only graphs
// for evaluation have a list, and only those whose nodes were all made by a Builder.
func (b *Builder) Computations(outputs ...*gorgonia.Node) ([]Computation, error) {
	if err := b.check("computations", outputs...); err != nil {
		return nil, err
	}
	if b.Training() {
		return nil, fmt.Errorf("a graph for training is not described: build it for evaluation")
	}
	var list []Computation
	seen := map[*gorgonia.Node]bool{}
	for visit := slices.Clone(outputs); len(visit) > 0; {
		n := visit[len(visit)-1]
		visit = visit[:len(visit)-1]
		if seen[n] {
			continue
		}
		seen[n] = true
		if n.Op() == nil || isConstant(n) || n.Op().Arity() == 0 {
			continue // an input, a parameter or a constant
		}
		o, ok := n.Op().(op)
		if !ok {
			return nil, fmt.Errorf("node %v computes %v, which is Gorgonia's own", n, n.Op())
		}
		c := Computation{Layer: o.base().name, Kind: o.base().kind, Node: n}
		d, ok := o.(describer)
		if !ok {
			return nil, fmt.Errorf("%s: a %s has no description", c.Layer, c.Kind)
		}
		c.Detail = d.detail()
		for children := b.g.From(n.ID()); children.Next(); {
			c.Inputs = append(c.Inputs, children.Node().(*gorgonia.Node))
		}
		visit = append(visit, c.Inputs...)
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b Computation) int { return cmp.Compare(a.Node.ID(), b.Node.ID()) })
	return list, nil
}
