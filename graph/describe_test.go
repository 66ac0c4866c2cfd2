package graph

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

func TestComputationsListWhatTheOutputsNeed(t *testing.T) {
	b := NewBuilder(NewParams(), Eval)
	x := b.Input("x", 2, 3, 8, 8)
	y := b.BatchNorm(b.Conv(x, "conv", 4, 3, Pad(1), Stride(2), NoBias()), "bn", 1e-3, 0.1)
	left, right := b.MaxPool(y, 2), b.AvgPool(y, 2, ExcludePad())
	joined := b.Concat(left, right)
	b.Dense(b.Flatten(joined), "unused", 5)
	out := b.ScaledTanh(b.Subsample(joined, 2, 10), 2, 0.5)
	list, err := b.Computations(out)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	names := map[*gorgonia.Node]string{x: "x"}
	for _, c := range list {
		names[c.Node] = c.Layer
		var in []string
		for _, n := range c.Inputs {
			if names[n] == "" {
				names[n] = n.Name() // a parameter
			}
			in = append(in, names[n])
		}
		got = append(got, fmt.Sprintf("%s %s(%s)", c.Layer, c.Kind, strings.Join(in, ", ")))
	}
	want := []string{
		"conv conv(x, conv.weight)",
		"bn batch norm(conv, bn.weight, bn.bias, bn.running_mean, bn.running_var)",
		"max pool 1 max pool(bn)", "average pool 1 average pool(bn)",
		"concat 1 concat(max pool 1, average pool 1)", "subsample 1 subsample(concat 1)", "tanh 1 tanh(subsample 1)",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("computations\n%q, want\n%q", got, want)
	}
	for i, want := range map[int]any{
		0: kernel.ConvShape{N: 2, C: 3, H: 8, W: 8, F: 4, KH: 3, KW: 3, SH: 2, SW: 2, PadT: 1, PadB: 1, PadL: 1, PadR: 1, DH: 1, DW: 1, Groups: 1},
		1: Epsilon(1e-3), 2: kernel.Window{KH: 2, KW: 2, SH: 2, SW: 2, CountPad: true}, 3: kernel.Window{KH: 2, KW: 2, SH: 2, SW: 2},
		4: nil, 5: Subsampling{2, 1}, 6: ScaledTanh(2, 0.5),
	} {
		if !reflect.DeepEqual(list[i].Detail, want) {
			t.Errorf("detail of %s is %+v, want %+v", list[i].Layer, list[i].Detail, want)
		}
	}
}

func TestComputationsAreOfEvaluationAndOfOurOps(t *testing.T) {
	b := NewBuilder(NewParams(), Train)
	if _, err := b.Computations(b.ReLU(b.Input("x", 1, 2))); err == nil || !strings.Contains(err.Error(), "evaluation") {
		t.Errorf("error %v", err)
	}
	b = NewBuilder(NewParams(), Eval)
	if _, err := b.Computations(gorgonia.Must(gorgonia.Exp(b.Input("x", 1, 2)))); err == nil || !strings.Contains(err.Error(), "Gorgonia's own") {
		t.Errorf("error %v", err)
	}
	if b.Conv(b.Input("y", 1, 2, 3, 3), "big", 1, 5); b.Err() == nil {
		t.Fatal("no error")
	}
	if _, err := b.Computations(); err != b.Err() {
		t.Errorf("error %v", err)
	}
}
