package graph

import (
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// A densely connected network may join all earlier maps anew for each layer. A session copies none of them: each layer's
// maps lie behind those before, as in a chain of concatenations of two.
func TestConcatenationsGrow(t *testing.T) {
	layer := func(b *Builder, x *gorgonia.Node, name string, maps int) *gorgonia.Node {
		return b.ReLU(b.Conv(x, name, maps, 3, Same()))
	}
	tests := map[string]struct {
		net    func(b *Builder, x *gorgonia.Node) *gorgonia.Node
		copies int // in evaluation
	}{
		"all maps anew for each layer": {func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			all := []*gorgonia.Node{layer(b, x, "first", 16)}
			for _, name := range []string{"a", "b", "c", "d"} {
				all = append(all, layer(b, b.Concat(all...), name, 32))
			}
			return b.Concat(all...)
		}, 0},
		"a chain": {func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			x = layer(b, x, "first", 16)
			for _, name := range []string{"a", "b", "c", "d"} {
				x = b.Concat(x, layer(b, x, name, 32))
			}
			return x
		}, 0},
		"two ways on from the same maps": {func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			x, y, z := layer(b, x, "x", 16), layer(b, x, "y", 16), layer(b, x, "z", 16)
			xy := b.Concat(x, y)
			return b.Concat(layer(b, xy, "a", 16), b.Concat(x, y, z), b.Concat(x, z, y), b.Concat(x, y, y))
		}, -1},
		"a part of a part": {func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			x, y, z := layer(b, x, "x", 16), layer(b, x, "y", 16), layer(b, x, "z", 32)
			yz := b.Concat(y, z)
			return b.Concat(layer(b, b.Concat(x, y), "a", 16), b.Concat(x, yz), layer(b, yz, "b", 16))
		}, -1},
		"the same maps thrice": {func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			x = layer(b, x, "x", 16)
			return b.Concat(x, x, layer(b, b.Concat(x, x), "a", 16), b.Concat(x, x, x))
		}, -1},
		"the same concatenation twice": {func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			x, y := layer(b, x, "x", 16), layer(b, x, "y", 16)
			return b.Concat(layer(b, b.Concat(x, y), "a", 16), layer(b, b.Concat(x, y), "b", 16))
		}, -1},
		"maps that fill no block": {func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			all := []*gorgonia.Node{layer(b, x, "first", 16)}
			for _, name := range []string{"a", "b"} {
				all = append(all, layer(b, b.Concat(all...), name, 12))
			}
			return b.Concat(all...)
		}, -1},
	}
	for name, c := range tests {
		for _, f := range kernel.Families() {
			t.Run(name+"/"+f.String(), func(t *testing.T) {
				useFamily(t, f)
				net := func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
					return b.Dense(b.GlobalAvgPool(c.net(b, x)), "fc", 4)
				}
				for _, mode := range []Mode{Train, Eval} {
					var s *Session
					got := runNetwork(t, net, 3, mode, joined, func(made *Session) { s = made; poison(made) })
					if e := distance(got, runNetwork(t, net, 3, mode, alone, nil)); !(e < 1e-4) {
						t.Errorf("mode %v: results differ by %.1e", mode, e)
					}
					copies := 0
					for _, st := range s.steps {
						if st.kind == "concat" {
							copies++
						}
					}
					if mode == Eval && c.copies >= 0 && copies != c.copies {
						t.Errorf("%d steps copy maps, want %d", copies, c.copies)
					}
				}
			})
		}
	}
}
