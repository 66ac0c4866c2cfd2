package graph

import (
	"math"
	"testing"

	"gorgonia.org/gorgonia"
)

// A small net with what has memory of its own: pooling, dropout, a concatenation and batch statistics.
func TestFirstFaultNamesWhereItBegins(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		name  string
		spoil func(params *Params, x []float32)
		want  *Fault
	}{
		{"all is finite", func(*Params, []float32) {}, nil},
		{"NaN in the images", func(_ *Params, x []float32) { x[70] = nan }, &Fault{"a", "input", "x"}},
		{"an infinity in the images", func(_ *Params, x []float32) { x[0] = -inf }, &Fault{"a", "input", "x"}},
		{"NaN in a weight", func(p *Params, _ []float32) { p.Get("b.weight").Data[3] = nan }, &Fault{"b", "parameter", "b.weight"}},
		{"NaN in the last bias", func(p *Params, _ []float32) { p.Get("fc.bias").Data[1] = nan }, &Fault{"fc", "parameter", "fc.bias"}},
		{"NaN in statistics that training does not read", func(p *Params, _ []float32) { p.Get("bn.running_mean").Data[0] = nan }, nil},
		{"an output that overflows", func(p *Params, _ []float32) {
			for i := range p.Get("fc.weight").Data {
				p.Get("fc.weight").Data[i] = math.MaxFloat32
			}
		}, &Fault{Layer: "fc", What: "output"}},
		{"a loss that overflows", func(p *Params, _ []float32) { p.Get("fc.bias").Data[0] = 1e25 }, &Fault{Layer: "mean squared error 1", What: "output"}},
		{"a gradient that overflows", func(p *Params, _ []float32) {
			p.Get("bn.bias").Data[0] = 1e30 // large activations
			for i := range p.Get("fc.weight").Data {
				p.Get("fc.weight").Data[i] = 1e-15 // to outputs that are not
			}
		}, &Fault{Layer: "fc", What: "gradient"}},
	} {
		for _, noPlan := range []bool{false, true} {
			t.Run(c.name, func(t *testing.T) {
				params := NewParams()
				b := NewBuilder(params, Train)
				x := b.Input("x", 3, 2, 8, 8)
				target := b.Input("target", 3, 4)
				y := b.ReLU(b.BatchNorm(b.Conv(x, "a", 16, 3, Same()), "bn", 1e-5, 0.1))
				y = b.MaxPool(b.Concat(b.ReLU(b.Conv(y, "b", 16, 1)), y), 2)
				y = b.Dense(b.Dropout(b.Flatten(y), 0.3), "fc", 4)
				loss := b.MSE(y, target)
				grads, err := b.Grads(loss)
				if err != nil {
					t.Fatal(err)
				}
				s, err := Compile(b, append([]*gorgonia.Node{loss}, grads...), Config{NoPlan: noPlan})
				if err != nil {
					t.Fatal(err)
				}
				params.Init(1)
				images := make([]float32, 3*2*8*8)
				for i := range images {
					images[i] = float32(i%7) - 3
				}
				if err := s.Bind(x, images); err != nil {
					t.Fatal(err)
				}
				if err := s.Bind(target, make([]float32, 12)); err != nil {
					t.Fatal(err)
				}
				c.spoil(params, images)
				params.Changed()
				if err := s.Run(); err != nil { // leaves in memory what is not finite
					t.Fatal(err)
				}
				got, err := s.FirstFault()
				if err != nil {
					t.Fatal(err)
				}
				if (got == nil) != (c.want == nil) || got != nil && *got != *c.want {
					t.Errorf("got %+v, want %+v", got, c.want)
				}
			})
		}
	}
}

// What the run before has left in memory is no fault, although it lies where a concatenation is made part by part.
func TestAFaultIsNotWhatAnEarlierRunLeft(t *testing.T) {
	b := NewBuilder(NewParams(), Eval)
	x := b.Input("x", 1, 16, 4, 4)
	y := b.Conv(b.Conv(b.Concat(x, x), "a", 32, 3, Same()), "b", 32, 3, Same())
	s, err := Compile(b, []*gorgonia.Node{b.GlobalAvgPool(y)}, Config{})
	if err != nil {
		t.Fatal(err)
	}
	b.Params().Init(1)
	for i := range b.Params().Get("a.bias").Data {
		b.Params().Get("a.bias").Data[i] = float32(math.NaN())
	}
	if err := s.Bind(x, make([]float32, 16*16)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Run(); err != nil {
			t.Fatal(err)
		}
		if f, err := s.FirstFault(); err != nil || f == nil || *f != (Fault{"a", "parameter", "a.bias"}) {
			t.Errorf("got %+v, %v", f, err)
		}
	}
}
