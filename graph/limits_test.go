package graph

import (
	"math"
	"testing"

	"gorgonia.org/gorgonia"
)

// Arguments on both sides of each limit: what is still allowed, and what is not any more.
func TestArgumentsAtTheirLimits(t *testing.T) {
	type node = *gorgonia.Node
	type build = func(b *Builder, maps, rows node) node
	inf, tiny := float32(math.Inf(1)), float32(1e-30)
	norm := func(b *Builder, x node, eps, momentum float32, with bool) node {
		if !with {
			return b.BatchNorm(x, "bn", eps, momentum)
		}
		one, zero := Constant(1), Constant(0)
		return b.BatchNormWith(x, b.Param("w", one, 3), b.Param("b", zero, 3), b.Buffer("m", zero, 3), b.Buffer("v", one, 3), "bn", eps, momentum)
	}
	layerNorm := func(b *Builder, x node, eps float32, with bool) node {
		if !with {
			return b.LayerNorm(x, "ln", eps)
		}
		return b.LayerNormWith(x, b.Param("w", Constant(1), 3), b.Param("b", Constant(0), 3), "ln", eps)
	}
	volume := func(change func(v *Volume)) build {
		return func(b *Builder, _, _ node) node {
			v := Volume{Size: [3]int{2, 3, 4}, Stride: [3]int{1, 1, 1}, Dilation: [3]int{1, 1, 1}}
			change(&v)
			return b.MaxPool3D(b.Input("volume", 1, 2, 2, 3, 4), v)
		}
	}
	pooled := func(h, w int, options ...Opt) build {
		return func(b *Builder, x, _ node) node {
			return b.AvgPool(x, 1, append([]Opt{Kernel(h, w)}, options...)...)
		}
	}
	// maps are 2×3×4×5, rows 2×3.
	for name, c := range map[string]struct{ allowed, refused []build }{
		"eps of a batch normalisation": {
			[]build{func(b *Builder, x, _ node) node { return norm(b, x, 0, 0.1, false) }, func(b *Builder, x, _ node) node { return norm(b, x, 0, 0.1, true) }},
			[]build{
				func(b *Builder, x, _ node) node { return norm(b, x, -tiny, 0.1, false) }, func(b *Builder, x, _ node) node { return norm(b, x, -tiny, 0.1, true) },
				func(b *Builder, x, _ node) node { return norm(b, x, inf, 0.1, false) }, func(b *Builder, x, _ node) node { return norm(b, x, inf, 0.1, true) },
				func(b *Builder, x, _ node) node { return norm(b, x, 0, inf, false) }, func(b *Builder, x, _ node) node { return norm(b, x, 0, inf, true) },
			},
		},
		"eps of a layer normalisation": {
			[]build{func(b *Builder, x, _ node) node { return layerNorm(b, x, 0, false) }, func(b *Builder, _, x node) node { return layerNorm(b, x, 0, true) }},
			[]build{
				func(b *Builder, x, _ node) node { return layerNorm(b, x, -tiny, false) }, func(b *Builder, _, x node) node { return layerNorm(b, x, -tiny, true) },
				func(b *Builder, x, _ node) node { return layerNorm(b, x, inf, false) }, func(b *Builder, _, x node) node { return layerNorm(b, x, inf, true) },
			},
		},
		"numbers of a response normalisation": {
			[]build{func(b *Builder, x, _ node) node { return b.LRN(x, 1, tiny, 0, -1) }},
			[]build{
				func(b *Builder, x, _ node) node { return b.LRN(x, 0, 1, 1, 1) }, func(b *Builder, x, _ node) node { return b.LRN(x, -1, 1, 1, 1) },
				func(b *Builder, x, _ node) node { return b.LRN(x, 2, 1, 1, 1) }, func(b *Builder, x, _ node) node { return b.LRN(x, 1, 0, 1, 1) },
				func(b *Builder, x, _ node) node { return b.LRN(x, 1, 1, -tiny, 1) }, func(b *Builder, x, _ node) node { return b.LRN(x, 1, 1, 1, inf) },
			},
		},
		"rates": {
			[]build{
				func(b *Builder, x, _ node) node { return b.Dropout(x, 0) }, func(b *Builder, x, _ node) node { return b.Dropout(x, 0.999) },
				func(b *Builder, x, _ node) node { return b.StochasticDepth(x, 0) }, func(b *Builder, x, _ node) node { return b.StochasticDepth(x, 0.999) },
				func(b *Builder, _, x node) node { return b.CrossEntropy(x, b.Input("t", 2), 0) }, func(b *Builder, _, x node) node {
					return b.CrossEntropy(x, b.Input("t", 2, 3), 0.999)
				},
			},
			[]build{
				func(b *Builder, x, _ node) node { return b.Dropout(x, 1) }, func(b *Builder, x, _ node) node { return b.Dropout(x, -1e-30) },
				func(b *Builder, x, _ node) node { return b.StochasticDepth(x, 1) }, func(b *Builder, x, _ node) node { return b.StochasticDepth(x, -1e-30) },
				func(b *Builder, _, x node) node { return b.CrossEntropy(x, b.Input("t", 2), 1) }, func(b *Builder, _, x node) node { return b.CrossEntropy(x, b.Input("t", 2), -tiny) },
				func(b *Builder, _, x node) node { return b.CrossEntropy(x, b.Input("t", 2, 2), 0) }, func(b *Builder, _, x node) node { return b.CrossEntropy(x, b.Input("t", 3), 0) },
				func(b *Builder, _, x node) node {
					return b.CrossEntropy(x, b.Input("t", 2, 3, 1), 0)
				},
			},
		},
		"windows": {
			[]build{
				pooled(4, 5), pooled(1, 1), pooled(4, 5, Dilations(1, 1)), pooled(5, 6, Pads(1, 0, 0, 1)), pooled(5, 1, Strides(2, 1), Ceil()), pooled(1, 6, Strides(1, 2), Ceil()),
				func(b *Builder, x, _ node) node { return b.Conv(x, "c", 1, 2, Dilations(3, 4)) },
				func(b *Builder, x, _ node) node {
					return b.PartialConv(x, "c", [][]int{{0, 2}, {}}, 4)
				},
				volume(func(*Volume) {}), volume(func(v *Volume) { v.Size[1], v.After[1] = 4, 1 }), volume(func(v *Volume) { v.Size[2], v.Stride[2], v.Ceil = 5, 2, true }),
			},
			[]build{
				pooled(5, 5), pooled(4, 6), pooled(0, 5), pooled(4, 0), pooled(2, 2, Strides(0, 1)), pooled(2, 2, Strides(1, 0)), pooled(6, 1, Strides(2, 1), Ceil()), pooled(1, 7, Strides(1, 2), Ceil()),
				pooled(2, 2, Pads(-1, 0, 0, 0)), pooled(2, 2, Pads(0, -1, 0, 0)), pooled(2, 2, Pads(0, 0, -1, 0)), pooled(2, 2, Pads(0, 0, 0, -1)),
				func(b *Builder, x, _ node) node { return b.Conv(x, "c", 1, 2, Dilations(4, 4)) },
				func(b *Builder, x, _ node) node { return b.Conv(x, "c", 1, 2, Dilations(3, 5)) },
				func(b *Builder, x, _ node) node { return b.Conv(x, "c", 1, 2, Dilations(0, 1)) },
				func(b *Builder, x, _ node) node { return b.PartialConv(x, "c", [][]int{{0, 2}}, 5) },
				func(b *Builder, x, _ node) node { return b.PartialConv(x, "c", [][]int{{0, 3}}, 4) },
				func(b *Builder, x, _ node) node { return b.PartialConv(x, "c", [][]int{{-1}}, 4) },
				volume(func(v *Volume) { v.Size[1] = 4 }), volume(func(v *Volume) { v.Size[0] = 0 }), volume(func(v *Volume) { v.Stride[1] = 0 }), volume(func(v *Volume) { v.Dilation[2] = 0 }),
				volume(func(v *Volume) { v.Before[0] = -1 }), volume(func(v *Volume) { v.After[0] = -1 }), volume(func(v *Volume) { v.Dilation[1] = 2 }), volume(func(v *Volume) { v.Size[2], v.Stride[2], v.Ceil = 6, 2, true }),
			},
		},
		"numbers of outputs": {
			[]build{
				func(b *Builder, _, x node) node { return b.Dense(x, "fc", 1) }, func(b *Builder, x, _ node) node { return b.Pointwise(x, "fc", 1) },
				func(b *Builder, x, _ node) node { return b.Conv(x, "c", 1, 1) }, func(b *Builder, x, _ node) node { return b.AdaptiveAvgPool(x, 1, 7) },
				func(b *Builder, x, _ node) node { return b.Subsample(x, 1, 3) }, func(b *Builder, x, _ node) node { return b.ChannelShuffle(x, 3) },
			},
			[]build{
				func(b *Builder, _, x node) node { return b.Dense(x, "fc", 0) }, func(b *Builder, x, _ node) node { return b.Pointwise(x, "fc", 0) },
				func(b *Builder, x, _ node) node { return b.Conv(x, "c", 0, 1) }, func(b *Builder, x, _ node) node { return b.AdaptiveAvgPool(x, 0, 7) },
				func(b *Builder, x, _ node) node { return b.AdaptiveAvgPool(x, 7, 0) },
				func(b *Builder, x, _ node) node { return b.Subsample(x, 0, 3) }, func(b *Builder, x, _ node) node { return b.Subsample(x, 1, 2) },
				func(b *Builder, x, _ node) node { return b.ChannelShuffle(x, 2) }, func(b *Builder, x, _ node) node { return b.ChannelShuffle(x, 0) },
			},
		},
		"filters that are given": {
			[]build{
				func(b *Builder, x, _ node) node {
					return b.ConvWith(x, b.Param("w", Constant(0), 6, 1, 2, 2), nil, "c", Groups(3))
				},
				func(b *Builder, x, _ node) node {
					return b.ConvWith(x, b.Param("w", Constant(0), 6, 3, 2, 2), b.Param("b", Constant(0), 6), "c")
				},
				func(b *Builder, _, x node) node {
					return b.DenseWith(x, b.Param("w", Constant(0), 6, 3), b.Param("b", Constant(0), 6), "fc")
				},
			},
			[]build{
				func(b *Builder, x, _ node) node {
					return b.ConvWith(x, b.Param("w", Constant(0), 6, 3, 2, 2), nil, "c", Groups(3))
				},
				func(b *Builder, x, _ node) node {
					return b.ConvWith(x, b.Param("w", Constant(0), 6, 1, 2, 2), nil, "c")
				},
				func(b *Builder, x, _ node) node {
					return b.ConvWith(x, b.Param("w", Constant(0), 6, 3, 2, 2), b.Param("b", Constant(0), 3), "c")
				},
				func(b *Builder, _, x node) node { return b.DenseWith(x, b.Param("w", Constant(0), 6, 2), nil, "fc") },
				func(b *Builder, _, x node) node {
					return b.DenseWith(x, b.Param("w", Constant(0), 6, 3), b.Param("b", Constant(0), 3), "fc")
				},
			},
		},
		"places on an axis": {
			[]build{
				func(b *Builder, x, _ node) node {
					return b.Pick(x, 0, nil, []int{-1, 2}, nil, []int{4})
				},
				func(b *Builder, x, _ node) node { return b.Reduce(x, SumOf, 0, 3) },
				func(b *Builder, x, _ node) node {
					return b.Resample(x, 3, [][]Tap{{{0, 1}, {4, 1}}})
				},
				func(b *Builder, _, x node) node { return b.Resample(x, 0, [][]Tap{{{1, 1}}, {}}) },
				func(b *Builder, x, _ node) node { return b.Transpose(x, 3, 2, 1, 0) },
			},
			[]build{
				func(b *Builder, x, _ node) node { return b.Pick(x, 0, nil, []int{-2}, nil, nil) },
				func(b *Builder, x, _ node) node { return b.Pick(x, 0, nil, []int{3}, nil, nil) },
				func(b *Builder, x, _ node) node { return b.Pick(x, 0, nil, []int{}, nil, nil) },
				func(b *Builder, x, _ node) node { return b.Pick(x, 0, nil, nil, nil) },
				func(b *Builder, x, _ node) node { return b.Reduce(x, SumOf, -1) },
				func(b *Builder, x, _ node) node { return b.Reduce(x, SumOf, 4) },
				func(b *Builder, x, _ node) node { return b.Resample(x, 4, [][]Tap{{{0, 1}}}) },
				func(b *Builder, x, _ node) node { return b.Resample(x, -1, [][]Tap{{{0, 1}}}) },
				func(b *Builder, x, _ node) node { return b.Resample(x, 3, [][]Tap{{{5, 1}}}) },
				func(b *Builder, x, _ node) node { return b.Resample(x, 3, [][]Tap{{{-1, 1}}}) },
				func(b *Builder, x, _ node) node { return b.Transpose(x, 3, 2, 1, 1) },
				func(b *Builder, x, _ node) node { return b.Transpose(x, 2, 1, 0) },
			},
		},
		"shapes": {
			[]build{
				func(b *Builder, _, _ node) node { return b.Input("x", 1) }, func(b *Builder, _, _ node) node { return b.Input("x", 1<<20, 1<<20) },
				func(b *Builder, x, _ node) node { return b.Reshape(x, 120) }, func(b *Builder, _, x node) node { return b.Flatten(x) },
			},
			[]build{
				func(b *Builder, _, _ node) node { return b.Input("x") }, func(b *Builder, _, _ node) node { return b.Input("x", 1, 0) },
				func(b *Builder, _, _ node) node { return b.Input("x", 1<<20, 1<<20+1) },
				func(b *Builder, x, _ node) node { return b.Reshape(x, -10, -12) }, func(b *Builder, x, _ node) node { return b.Reshape(x, 119) },
				func(b *Builder, _, _ node) node { return b.Flatten(b.Input("x", 6)) },
			},
		},
		"shapes that are matched": {
			[]build{
				func(b *Builder, x, _ node) node { return b.Combine(x, b.Input("y", 3, 1, 5), Plus) },
				func(b *Builder, x, _ node) node { return b.Combine(b.Input("y", 5), x, Plus) },
				func(b *Builder, x, _ node) node { return b.MatMul(x, b.Input("y", 5, 6)) },
				func(b *Builder, _, x node) node { return b.MatMul(x, b.Input("y", 3, 4)) },
				func(b *Builder, x, _ node) node { return b.MatMul(b.Input("y", 7, 1, 1, 6, 4), x) },
			},
			[]build{
				func(b *Builder, x, _ node) node { return b.Combine(x, b.Input("y", 3, 2, 5), Plus) },
				func(b *Builder, x, _ node) node { return b.Combine(b.Input("y", 4), x, Plus) },
				func(b *Builder, x, _ node) node { return b.MatMul(x, b.Input("y", 4, 6)) },
				func(b *Builder, x, _ node) node { return b.MatMul(x, b.Input("y", 5)) },
				func(b *Builder, x, _ node) node { return b.MatMul(x, b.Input("y", 2, 5, 6)) },
			},
		},
		"kinds": {
			[]build{func(b *Builder, x, _ node) node { return b.Apply(x, Function{Kind: Linear}) }, func(b *Builder, x, _ node) node { return b.Apply(x, Function{Kind: Round}) }},
			[]build{func(b *Builder, x, _ node) node { return b.Apply(x, Function{Kind: -1}) }, func(b *Builder, x, _ node) node { return b.Apply(x, Function{Kind: Round + 1}) }},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for side, list := range [][]build{c.allowed, c.refused} {
				for i, f := range list {
					b := NewBuilder(NewParams(), Train)
					y := f(b, b.Input("maps", 2, 3, 4, 5), b.Input("rows", 2, 3))
					if refused := side == 1; (b.Err() != nil) != refused || (y == nil) != refused {
						t.Errorf("number %d of those that are %s: %v", i, []string{"allowed", "refused"}[side], b.Err())
					}
				}
			}
		})
	}
}

func TestWhatHasNoNameSaysItsNumber(t *testing.T) {
	for got, want := range map[string]string{
		Arithmetic(-1).String():   "arithmetic -1",
		Plus.String():             "sum",
		NotEqual.String():         "not equal",
		(NotEqual + 1).String():   "arithmetic 13",
		FunctionKind(-1).String(): "function -1",
		Linear.String():           "linear",
		Round.String():            "round",
		(Round + 1).String():      "function 22",
		Reduction(-1).String():    "reduction -1",
		MeanOf.String():           "mean",
		MinOf.String():            "min",
		(MinOf + 1).String():      "reduction 4",
		dims(nil):                 "",
		dims([]int{7}):            "7",
		dims([]int{64, 3, 11, 9}): "64×3×11×9",
		orScalar(nil):             "of a scalar",
		orScalar([]int{4, 3}):     "4×3",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
