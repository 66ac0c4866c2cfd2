package graph

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// halfNet is a layer that takes the time of reading its weights, with activations that are and are not ReLU, and one
// that does not.
func halfNet(b *Builder, x *gorgonia.Node, act func(*gorgonia.Node) *gorgonia.Node) *gorgonia.Node {
	return b.Dense(act(b.Dense(x, "large", 1100)), "small", 5)
}

func TestHalfChangesLargeLayersOfEvaluationByRounding(t *testing.T) {
	for _, name := range []string{"ReLU", "Tanh"} {
		t.Run(name, func(t *testing.T) {
			params := NewParams()
			run := func(half bool, x []float32) ([]float32, []string) {
				b := NewBuilder(params, Eval)
				in := b.Input("x", 3, 1000)
				act := b.ReLU
				if name == "Tanh" {
					act = b.Tanh
				}
				y := halfNet(b, in, act)
				s, err := Compile(b, []*gorgonia.Node{y}, Config{Pool: kernel.NewPool(2), Half: half})
				if err != nil {
					t.Fatal(err)
				}
				if x == nil {
					params.Init(7)
					return nil, nil
				}
				return slices.Clone(outputs(t, s, in, y, x)), s.Halves()
			}
			run(false, nil)
			r := rand.New(rand.NewPCG(1, 2))
			x := make([]float32, 3*1000)
			for i := range x {
				x[i] = float32(r.NormFloat64())
			}
			full, none := run(false, x)
			half, layers := run(true, x)
			if len(none) > 0 || !slices.Equal(layers, []string{"large"}) {
				t.Errorf("16-bit weights in %v, without asking in %v: want large, and none", layers, none)
			}
			var off, size float64
			for i := range full {
				off, size = off+math.Pow(float64(half[i]-full[i]), 2), size+math.Pow(float64(full[i]), 2)
			}
			if e := math.Sqrt(off / size); !(e > 0 && e < 1e-3) {
				t.Errorf("off by %.2g of the output: want some, and less than a thousandth", e)
			}
			// Parameters that change are narrowed anew.
			params.Get("small.bias").Data[0]++
			for i, w := range params.Get("large.weight").Data {
				params.Get("large.weight").Data[i] = -w
			}
			params.Changed()
			full, _ = run(false, x)
			again, _ := run(true, x)
			for i := range full {
				if !(math.Abs(float64(again[i]-full[i])) < 1e-2*(1+math.Abs(float64(full[i])))) {
					t.Fatalf("after a change output %d is %v, want %v", i, again[i], full[i])
				}
			}
		})
	}
}

func TestHalfLeavesTrainingAlone(t *testing.T) {
	b := NewBuilder(NewParams(), Train)
	y := halfNet(b, b.Input("x", 2, 1000), b.ReLU)
	s, err := Compile(b, []*gorgonia.Node{y}, Config{Pool: kernel.NewPool(1), Half: true})
	if err != nil {
		t.Fatal(err)
	}
	if layers := s.Halves(); len(layers) > 0 {
		t.Errorf("16-bit weights in %v", layers)
	}
}
