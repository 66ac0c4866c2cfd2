package onnx

import (
	"slices"

	"gorgonia.org/gorgonia"
)

// A value is what a model's name stands for while a graph is built: a tensor that is known, or a node.
// Nodes are made when something needs them, so that what follows can still change what they will be: two
// transpositions in a row may be none, a scale becomes part of the convolution before it.
type value struct {
	shape []int
	t     *tensor        // if it is known
	n     *gorgonia.Node // once it was made
	make  func() *value  // makes it
	uses  int            // by nodes of the model, and as an output
	raw   bool           // no layer with weights lies between the model's input and this

	base    *value   // reshaped: the same elements in the same order
	from    *value   // transposed
	axes    []int    // how
	padded  *padded  // by zeros
	sparse  *sparse  // every so many pixels
	norm    *norm    // of the last axes
	formula *formula // how it was computed

	// affine gives the layer with a scale and a shift for each channel, nil for none, taken into its
	// weights. Layers that can do so have it until they are made.
	affine func(scale, shift []float32) *value
	last   bool // the channels are the last axis, not the second
}

// A padded value is another one with zeros around its maps.
type padded struct {
	from *value
	pads []int // before each spatial axis, then after each
}

// A sparse value has every stride-th pixel of another one.
type sparse struct {
	from   *value
	stride int
}

// A norm is a normalisation over the axes from one on, or over the channels of maps alone.
type norm struct {
	of           *value
	axis         int
	channels     bool
	eps          float32
	scale, shift *value
}

func known(t *tensor) *value { return &value{shape: t.shape, t: t} }

// is reports whether the value has that shape.
func (v *value) is(shape ...int) bool { return slices.Equal(v.shape, shape) }

func (v *value) rank() int { return len(v.shape) }

// single returns the only number of a tensor that has no more.
func (v *value) single() (float64, bool) {
	switch {
	case v == nil || v.t == nil || v.t.size() != 1:
		return 0, false
	case isFloat(v.t.typ):
		return float64(v.t.floats[0]), true
	}
	return float64(v.t.ints[0]), true
}

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}
