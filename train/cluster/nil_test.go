package cluster

import (
	"errors"
	"testing"
)

func TestNobodyElseIsAGroupOfOne(t *testing.T) {
	mine := errors.New("mine")
	if err := Agree(nil, Patience, mine); err != mine {
		t.Error(err)
	}
	v := []float32{1, 2}
	if err := errors.Join(Same(nil, "x", "y"), BroadcastFloats(nil, v), NewRounded(nil).Sum(v)); err != nil {
		t.Error(err)
	}
	tree, err := NewTree(nil, 2)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		tree.Add(2, func(to []float32) { copy(to, v) })
	}
	if sum, err := tree.Sum(); err != nil || sum[0] != 2 || sum[1] != 4 || v[0] != 1 || v[1] != 2 {
		t.Error(sum, v, err)
	}
	if n := len(Goroutines(-1)); n != 0 {
		t.Error(n, "ranks")
	}
}
