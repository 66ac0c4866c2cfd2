package graph

import (
	"slices"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// The generator's first outputs from 0, as its authors' program gives them.
func TestSplitMixGivesItsAuthorsNumbers(t *testing.T) {
	const golden = uint64(0x9e3779b97f4a7c15)
	for i, want := range []uint64{0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4, 0x06c45d188009454f} {
		if got := splitmix64(uint64(i) * golden); got != want {
			t.Errorf("output %d is %#x, want %#x", i, got, want)
		}
	}
}

// Masks are a function of seed, step and the layer's place, counted from 1 among all layers that have one. A run
// that is resumed by a later version goes on with the same ones.
func TestMasksBelongToSeedStepAndLayer(t *testing.T) {
	const size = 200
	b := NewBuilder(NewParams(), Train)
	x := b.Input("x", size, 1)
	b.Dropout(x, 0) // drops nothing, and is not counted
	first, branch, last := b.Dropout(x, 0.25), b.StochasticDepth(x, 0.5), b.Dropout(x, 0.5)
	s, err := Compile(b, []*gorgonia.Node{first, branch, last}, Config{Seed: 11})
	if err != nil {
		t.Fatal(err)
	}
	ones, want := slices.Repeat([]float32{1}, size), make([]float32, size)
	if err := s.Bind(x, ones); err != nil {
		t.Fatal(err)
	}
	pool := kernel.NewPool(1)
	defer pool.Close()
	for _, step := range []uint64{5, 6} { // the second is the run after the first
		if step == 5 {
			s.SetStep(step)
		}
		if err := s.Run(); err != nil {
			t.Fatal(err)
		}
		key := func(layer uint64) uint64 { return splitmix64(splitmix64(splitmix64(11)^step) ^ layer) }
		kernel.Dropout(pool, 0.75, key(1), ones, want)
		if !slices.Equal(s.Value(first), want) {
			t.Errorf("step %d: the first layer's mask is not its own", step)
		}
		for i := range want {
			want[i] = 0
			if splitmix64(key(2)+uint64(i))>>40 < 1<<23 {
				want[i] = 2
			}
		}
		if !slices.Equal(s.Value(branch), want) {
			t.Errorf("step %d: the branch's mask is not its own", step)
		}
		kernel.Dropout(pool, 0.5, key(3), ones, want)
		if !slices.Equal(s.Value(last), want) {
			t.Errorf("step %d: the last layer's mask is not its own", step)
		}
	}
}
