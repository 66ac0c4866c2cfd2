package graph

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// evaluationOf compiles the tower for evaluation.
func evaluationOf(t *testing.T, params *Params, n, threads int, like *Session) (s *Session, x, y *gorgonia.Node, err error) {
	t.Helper()
	b := NewBuilder(params, Eval)
	x = b.Input("x", n, 3, 33, 31)
	y = tower(b, x)
	s, err = Compile(b, []*gorgonia.Node{y}, Config{Pool: kernel.NewPool(threads), Like: like})
	return s, x, y, err
}

func TestSessionsThatAreAlikeShareWhatTheyDeriveOfParameters(t *testing.T) {
	params := NewParams()
	one, x1, y1, err := evaluationOf(t, params, 2, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	two, x2, y2, err := evaluationOf(t, params, 2, 1, one)
	if err != nil {
		t.Fatal(err)
	}
	alone, x3, y3, err := evaluationOf(t, params, 2, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if one.Memory().Packed == 0 {
		t.Fatal("nothing is packed: the test shows nothing")
	}
	r := rand.New(rand.NewPCG(3, 4))
	images := [2][]float32{make([]float32, 2*3*33*31), make([]float32, 2*3*33*31)}
	for seed := range uint64(3) { // parameters change, and what is derived of them with them
		params.Init(seed)
		for _, x := range images {
			for i := range x {
				x[i] = r.Float32()
			}
		}
		var want, got [2][]float32
		for k, x := range images {
			want[k] = slices.Clone(outputs(t, alone, x3, y3, x))
		}
		var both sync.WaitGroup
		both.Go(func() { got[0] = slices.Clone(outputs(t, one, x1, y1, images[0])) })
		both.Go(func() { got[1] = slices.Clone(outputs(t, two, x2, y2, images[1])) })
		both.Wait()
		for k := range got {
			if !slices.Equal(got[k], want[k]) {
				t.Errorf("seed %d: %v: want %v", seed, got[k], want[k])
			}
		}
	}
	if &one.derived.values[0][0] != &two.derived.values[0][0] || &one.derived.values[0][0] == &alone.derived.values[0][0] {
		t.Error("the memory is not shared, or with a session that is not alike")
	}
}

func outputs(t *testing.T, s *Session, x, y *gorgonia.Node, data []float32) []float32 {
	if err := s.Bind(x, data); err != nil {
		t.Error(err)
	}
	if err := s.Run(); err != nil {
		t.Error(err)
	}
	return s.Value(y)
}

func TestSessionsThatAreNotAlikeShareNothing(t *testing.T) {
	params := NewParams()
	one, _, _, err := evaluationOf(t, params, 2, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := evaluationOf(t, NewParams(), 2, 1, one); err == nil || !strings.Contains(err.Error(), "the same parameters") {
		t.Errorf("other parameters: error %v", err)
	}
	if _, _, _, err := evaluationOf(t, params, 2, 2, one); err == nil || !strings.Contains(err.Error(), "number of threads") {
		t.Errorf("other threads: error %v", err)
	}
	b := NewBuilder(params, Eval)
	y := b.Conv(b.Input("x", 2, 3, 33, 31), "stem", 16, 3, Same(), NoBias())
	if _, err := Compile(b, []*gorgonia.Node{y}, Config{Pool: kernel.NewPool(1), Like: one}); err == nil || !strings.Contains(err.Error(), "the same network") {
		t.Errorf("another network: error %v", err)
	}
}
