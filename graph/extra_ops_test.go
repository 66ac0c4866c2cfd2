package graph

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// The ops that single networks need: LeNet-5 of 1998, AlphaGo, torchvision's adaptive pooling.
func extraOpCases() []opCase {
	codes := [][]float32{{1, -1, 1, 1, -1}, {-1, -1, 1, -1, 1}, {1, 1, 1, -1, -1}}
	table := [][]int{{0, 2}, {1}, {0, 1, 2, 3}, {3, 0}}
	adaptive := func(name string, h, w, oh, ow int) opCase {
		return opCase{name, []int{2, 18, h, w}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			return b.ScaledTanh(b.AdaptiveAvgPool(x, oh, ow), 2, 0.5)
		}, func(x ref, _ []ref) ref {
			out := newRef(2, 18, oh, ow).each(func(n, c, i, j int) float64 {
				var window []float64
				for y := i * h / oh; y*oh < (i+1)*h; y++ {
					for xx := j * w / ow; xx*ow < (j+1)*w; xx++ {
						window = append(window, x.at(n, c, y, xx))
					}
				}
				return mean(window)
			})
			return refTanh(out, 2, 0.5)
		}}
	}
	return []opCase{
		adaptive("adaptive average pool with overlaps", 7, 5, 4, 3),
		adaptive("adaptive average pool of even parts", 6, 8, 3, 2),
		adaptive("adaptive average pool to a larger map", 2, 3, 5, 4),
		adaptive("adaptive average pool of the same size", 4, 3, 4, 3),
		{"channel scale", []int{3, 5, 2, 3}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			return b.Tanh(b.ChannelScale(x, "s", 4))
		}, func(x ref, p []ref) ref {
			return refTanh(newRef(x.shape...).each(func(n, c, h, w int) float64 {
				return 4*p[0].data[c]*x.at(n, c, h, w) + p[1].data[c]
			}), 1, 1)
		}},
		{"point bias", []int{3, 7}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			return b.Tanh(b.PointBias(x, "b"))
		}, func(x ref, p []ref) ref {
			out := newRef(3, 7)
			for i, v := range x.data {
				out.data[i] = v + p[0].data[i%7]
			}
			return refTanh(out, 1, 1)
		}},
		{"partial conv", []int{2, 4, 5, 6}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			return b.PartialConv(x, "c", table, 3)
		}, func(x ref, p []ref) ref {
			return newRef(2, 4, 3, 4).each(func(n, f, h, w int) float64 {
				k := 0
				for _, seen := range table[:f] {
					k += len(seen)
				}
				sum := p[1].data[f]
				for i, c := range table[f] {
					for dy := range 3 {
						for dx := range 3 {
							sum += p[0].data[((k+i)*3+dy)*3+dx] * x.at(n, c, h+dy, w+dx)
						}
					}
				}
				return sum
			})
		}},
		{"rbf", []int{4, 5}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			return b.RBF(x, "codes", codes)
		}, func(x ref, _ []ref) ref {
			out := newRef(4, 3)
			for n := range 4 {
				for c, code := range codes {
					for k, v := range code {
						d := x.data[n*5+k] - float64(v)
						out.data[n*3+c] -= d * d
					}
				}
			}
			return out
		}},
	}
}

func refTanh(x ref, amp, slope float64) ref {
	return x.apply(func(v float64) float64 { return amp * math.Tanh(slope*v) })
}

func TestOpsOfSingleNetworksMatchStraightLoops(t *testing.T) {
	for _, c := range extraOpCases() {
		t.Run(c.name, func(t *testing.T) {
			g := c.make(t)
			if codes := g.params.Get("codes"); codes != nil {
				codes.init(nil, codes.Shape, codes.Data)
			}
			want, grads := c.expect(g)
			for _, f := range kernel.Families() {
				useFamily(t, f)
				g.compare(t, fmt.Sprint(f, ", session"), g.session(t, Config{}), want, grads)
				g.compare(t, fmt.Sprint(f, ", tape machine"), g.tape(t), want, grads)
			}
		})
	}
}

func TestOpsOfSingleNetworksRefuseWhatDoesNotFit(t *testing.T) {
	for name, c := range map[string]struct {
		shape []int
		build func(b *Builder, x *gorgonia.Node)
		want  string
	}{
		"a table that names a map too many": {[]int{1, 2, 5, 5}, func(b *Builder, x *gorgonia.Node) { b.PartialConv(x, "c3", [][]int{{0, 2}}, 3) }, "c3: filter 0 sees map 2, the input has 2"},
		"a table of nothing":                {[]int{1, 2, 5, 5}, func(b *Builder, x *gorgonia.Node) { b.PartialConv(x, "c3", [][]int{{}}, 3) }, "c3: no filter"},
		"a map smaller than the filter":     {[]int{1, 2, 2, 5}, func(b *Builder, x *gorgonia.Node) { b.PartialConv(x, "c3", [][]int{{0}}, 3) }, "(2 - 3 + 2·0)/1 + 1"},
		"codes of another length":           {[]int{1, 4}, func(b *Builder, x *gorgonia.Node) { b.RBF(x, "output", [][]float32{{1, 1}}) }, "output: code 0 has 2 values, the input has 4"},
		"no codes":                          {[]int{1, 4}, func(b *Builder, x *gorgonia.Node) { b.RBF(x, "output", nil) }, "output: no codes"},
		"a pooled size of zero":             {[]int{1, 2, 5, 5}, func(b *Builder, x *gorgonia.Node) { b.AdaptiveAvgPool(x, 0, 4) }, "output 0×4"},
		"a row for a map":                   {[]int{1, 4}, func(b *Builder, x *gorgonia.Node) { b.ChannelScale(x, "s2", 4) }, "s2: input has the shape 1×4"},
	} {
		t.Run(name, func(t *testing.T) {
			b := NewBuilder(NewParams(), Eval)
			c.build(b, b.Input("x", c.shape...))
			if err := b.Err(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one that says %q", err, c.want)
			}
		})
	}
}
