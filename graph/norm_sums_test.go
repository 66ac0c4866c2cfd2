package graph

import (
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// closeForSums is how near results must be where sums are taken in another order: 1e-4, and 1e-5 where a gradient is zero
// but for rounding, as that of a shift whose effect the next normalisation takes away.
func closeForSums(got, want [][]float32) (float64, bool) {
	e := distanceAtLeast(0.1, got, want)
	return e, e < 1e-4
}

// Where maps are large, convolutions take the sums of the batch normalisations around them. The results are those of ops
// one by one.
func TestConvolutionsSumForTheNormsOfLargeMaps(t *testing.T) {
	defer kernel.StreamFrom(kernel.StreamFrom(0))
	net := func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
		norm := func(x *gorgonia.Node, name string) *gorgonia.Node { return b.BatchNorm(x, name, 1e-3, 0.1) }
		x = b.Activate(norm(b.Conv(x, "stem", 16, 3, Pad(10), NoBias()), "norm1"), ReLU6)
		y := b.Activate(norm(b.Conv(x, "expand", 16, 1), "norm2"), SiLU)
		y = norm(b.Conv(y, "depthwise", 16, 3, Same(), Groups(16)), "norm3")
		x = b.ReLU(b.Add(norm(b.Conv(y, "project", 16, 1), "norm4"), x))
		return b.Dense(b.Flatten(b.MaxPool(b.Conv(x, "last", 4, 3, Stride(3)), 2)), "fc", 4)
	}
	for _, f := range kernel.Families() {
		t.Run(f.String(), func(t *testing.T) {
			useFamily(t, f)
			var s *Session
			got := runNetwork(t, net, 1, Train, joined, func(made *Session) { s = made })
			measured, summed := 0, 0
			for _, st := range s.steps {
				switch {
				case st.kind == "conv" && st.measures:
					measured++
				case st.kind == "conv data gradient" && st.measures:
					summed++
				}
			}
			if measured != 4 || summed != 3 {
				t.Errorf("%d convolutions measure, want 4; %d data gradients, want 3", measured, summed)
			}
			if e, ok := closeForSums(got, runNetwork(t, net, 1, Train, alone, nil)); !ok {
				t.Errorf("results differ by %.1e", e)
			}
		})
	}
}

func TestRandomNetworksOfLargeMaps(t *testing.T) {
	defer kernel.StreamFrom(kernel.StreamFrom(0))
	for _, f := range kernel.Families() {
		t.Run(f.String(), func(t *testing.T) {
			useFamily(t, f)
			for seed := range uint64(12) {
				want, got := runWild(t, seed, Train, alone, nil), runWild(t, seed, Train, joined, nil)
				if e, ok := closeForSums(got, want); !ok {
					t.Errorf("seed %d: results differ by %.1e", seed, e)
				}
				if poisoned := runWild(t, seed, Train, joined, poison); !sameBits(poisoned, got) {
					t.Errorf("seed %d: results depend on what was in memory before", seed)
				}
			}
		})
	}
}
