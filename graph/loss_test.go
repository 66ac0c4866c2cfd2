package graph

import (
	"testing"

	"gorgonia.org/gorgonia"
)

// The mean of squares pulls at both of its sides, where both can move.
func TestTheGradientOfMSEReachesBothSides(t *testing.T) {
	b := NewBuilder(NewParams(), Train)
	x, y := b.Param("x", Constant(0), 2, 2), b.Param("y", Constant(0), 2, 2)
	loss := b.MSE(b.Apply(x, Function{Kind: Linear, A: 2}), y)
	grads, err := b.Grads(loss, x, y)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Compile(b, append(grads, loss), Config{})
	if err != nil {
		t.Fatal(err)
	}
	b.Params().Allocate()
	copy(b.Params().Get("x").Data, []float32{1, 2, -1, 0})
	copy(b.Params().Get("y").Data, []float32{0, 3, 2, -0.5})
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	for n, want := range map[*gorgonia.Node][]float32{loss: {5.3125}, grads[0]: {2, 1, -4, 0.5}, grads[1]: {-1, -0.5, 2, -0.25}} {
		if got := s.Value(n); farApart(got, want) > 1e-6 {
			t.Errorf("%v: %v, want %v", n, got, want)
		}
	}
}
