package graph

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// The ops of networks after ResNet.
func modernOpCases() []opCase {
	cases := []opCase{
		{"squeeze and excitation", []int{3, 19, 4, 5}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			gate := b.Activate(b.Dense(b.GlobalAvgPool(x), "fc", 19), Sigmoid)
			return b.Excite(x, gate)
		}, func(x ref, p []ref) ref {
			return refExcite(x, p[0].data, p[1].data)
		}},
		{"squeeze and excitation by convolutions", []int{3, 19, 4, 5}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			return b.Excite(x, b.Activate(b.Conv(b.AdaptiveAvgPool(x, 1, 1), "fc", 19, 1), Sigmoid))
		}, func(x ref, p []ref) ref {
			return refExcite(x, p[0].data, p[1].data)
		}},
		{"layer scale", []int{2, 17, 3, 5}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			return b.Tanh(b.LayerScale(x, "layer_scale", 1e-6))
		}, func(x ref, p []ref) ref {
			return newRef(x.shape...).each(func(n, c, h, w int) float64 { return math.Tanh(p[0].data[c] * x.at(n, c, h, w)) })
		}},
		{"layer norm of maps", []int{2, 19, 3, 5}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			return b.LayerNorm(x, "norm", 1e-2)
		}, func(x ref, p []ref) ref { return refLayerNorm(x, p[0].data, p[1].data, 1e-2) }},
		{"layer norm of rows", []int{4, 21}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			return b.Tanh(b.LayerNorm(x, "norm", 1e-3))
		}, func(x ref, p []ref) ref {
			y := refLayerNorm(ref{[]int{4, 21, 1, 1}, x.data}, p[0].data, p[1].data, 1e-3).apply(math.Tanh)
			return ref{x.shape, y.data}
		}},
		{"a dense layer of pixels followed by gelu", []int{2, 7, 3, 4}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			return b.Activate(b.Pointwise(x, "pwconv", 18), GELU)
		}, func(x ref, p []ref) ref {
			p[0].shape = []int{18, 7, 1, 1}
			return refConv(x, p[0], p[1].data, geometry{1, 1, 1, 1, 0, 0, 1, 1, 1, 3, 4}).apply(func(v float64) float64 { return v * math.Erfc(-v/math.Sqrt2) / 2 })
		}},
	}
	for _, c := range []struct {
		name    string
		kernel  int
		g       geometry
		opts    []Opt
		filters int
	}{
		{"depthwise 3×3", 3, geometry{3, 3, 1, 1, 1, 1, 1, 1, 18, 7, 6}, []Opt{Groups(18), Same()}, 18},
		{"depthwise 3×3 stride 2", 3, geometry{3, 3, 2, 2, 1, 1, 1, 1, 18, 4, 3}, []Opt{Groups(18), Stride(2), Pad(1)}, 18},
		{"depthwise 5×5 stride 2 without bias", 5, geometry{5, 5, 2, 2, 2, 2, 1, 1, 18, 4, 3}, []Opt{Groups(18), Stride(2), Pad(2), NoBias()}, 18},
		{"depthwise 7×7", 7, geometry{7, 7, 1, 1, 3, 3, 1, 1, 18, 7, 6}, []Opt{Groups(18), Pad(3)}, 18},
		{"depthwise 3×3 with asymmetric padding", 3, geometry{3, 3, 2, 2, 0, 0, 1, 1, 18, 3, 3}, []Opt{Groups(18), Stride(2), Pads(0, 1, 0, 1)}, 18},
		{"depthwise with two filters a channel", 3, geometry{3, 3, 1, 1, 1, 1, 1, 1, 18, 7, 6}, []Opt{Groups(18), Same()}, 36},
		{"3×3 in 6 groups, stride 2", 3, geometry{3, 3, 2, 2, 1, 1, 1, 1, 6, 4, 3}, []Opt{Groups(6), Stride(2), Pad(1)}, 24},
	} {
		cases = append(cases, opCase{c.name, []int{2, 18, 7, 6}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			return b.Activate(b.Conv(x, "conv", c.filters, c.kernel, c.opts...), SiLU)
		}, func(x ref, p []ref) ref {
			var bias []float64
			if len(p) > 1 {
				bias = p[1].data
			}
			return refConv(x, p[0], bias, c.g).apply(func(v float64) float64 { return v / (1 + math.Exp(-v)) })
		}})
	}
	return cases
}

// refExcite multiplies 19 maps by the sigmoid of a dense layer over their means.
func refExcite(x ref, weights, bias []float64) ref {
	area := x.shape[2] * x.shape[3]
	gates := newRef(x.shape[0], 19, 1, 1).each(func(n, c, _, _ int) float64 {
		gate := bias[c]
		for k := range 19 {
			gate += mean(x.data[(n*19+k)*area:][:area]) * weights[c*19+k]
		}
		return 1 / (1 + math.Exp(-gate))
	})
	return newRef(x.shape...).each(func(n, c, h, w int) float64 { return x.at(n, c, h, w) * gates.at(n, c, 0, 0) })
}

func refLayerNorm(x ref, gamma, beta []float64, eps float64) ref {
	channels, area := x.shape[1], x.shape[2]*x.shape[3]
	return newRef(x.shape...).each(func(n, c, h, w int) float64 {
		var v []float64
		for k := range channels {
			v = append(v, x.data[(n*channels+k)*area+h*x.shape[3]+w])
		}
		m, variance := mean(v), 0.0
		for _, a := range v {
			variance += (a - m) * (a - m) / float64(channels)
		}
		return (v[c]-m)/math.Sqrt(variance+eps)*gamma[c] + beta[c]
	})
}

func TestOpsAfterResNetMatchStraightLoops(t *testing.T) {
	for _, c := range modernOpCases() {
		t.Run(c.name, func(t *testing.T) {
			g := c.make(t)
			want, grads := c.expect(g)
			for _, f := range kernel.Families() {
				useFamily(t, f)
				g := c.make(t)
				g.compare(t, fmt.Sprint(f, ", session"), g.session(t, Config{}), want, grads)
				g.compare(t, fmt.Sprint(f, ", tape machine"), g.tape(t), want, grads)
			}
		})
	}
}

// Images are dropped or scaled as a whole, the same ones in the gradient, by seed, run and layer, whatever
// the number of threads.
func TestStochasticDepthDropsWholeImages(t *testing.T) {
	const batch, rate = 4000, 0.3
	run := func(threads int, seed, step uint64) (y, dx []float32) {
		pool := kernel.NewPool(threads)
		defer pool.Close()
		b := NewBuilder(NewParams(), Train)
		x := b.Watch(b.Input("x", batch, 3, 2, 1))
		out := b.StochasticDepth(b.StochasticDepth(x, rate), 0)
		dy := b.Input("dy", batch, 3, 2, 1)
		grads, err := b.Backward(out, dy, x)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Compile(b, []*gorgonia.Node{out, grads[0]}, Config{Pool: pool, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		ones, twos := make([]float32, batch*6), make([]float32, batch*6)
		for i := range ones {
			ones[i], twos[i] = 1, 2
		}
		s.Bind(x, ones)
		s.Bind(dy, twos)
		s.SetStep(step)
		if err := s.Run(); err != nil {
			t.Fatal(err)
		}
		return slices.Clone(s.Value(out)), slices.Clone(s.Value(grads[0]))
	}
	y, dx := run(1, 1, 0)
	dropped := 0
	for n := range batch {
		if y[n*6] == 0 {
			dropped++
		}
		for i := n * 6; i < n*6+6; i++ {
			if y[i] != y[n*6] || y[i] != 0 && math.Abs(float64(y[i])-1/(1-rate)) > 1e-6 || dx[i] != 2*y[i] {
				t.Fatalf("image %d: result %g and gradient %g beside %g", n, y[i], dx[i], y[n*6])
			}
		}
	}
	if share := float64(dropped) / batch; math.Abs(share-rate) > 0.03 {
		t.Errorf("%.3f of the images are dropped, want %g", share, rate)
	}
	for _, other := range []struct {
		threads    int
		seed, step uint64
		same       bool
	}{{2, 1, 0, true}, {5, 1, 0, true}, {1, 2, 0, false}, {1, 1, 1, false}} {
		if again, _ := run(other.threads, other.seed, other.step); slices.Equal(again, y) != other.same {
			t.Errorf("with %+v the same images are dropped: %v", other, !other.same)
		}
	}
	b := NewBuilder(NewParams(), Eval)
	if x := b.Input("x", 2, 3, 4, 4); b.StochasticDepth(x, 0.5) != x {
		t.Error("it is something in evaluation")
	}
}

func TestOpsAfterResNetRefuseWhatDoesNotFit(t *testing.T) {
	b := NewBuilder(NewParams(), Train)
	maps, rows := b.Input("maps", 2, 5, 4, 4), b.Input("rows", 2, 4)
	for want, build := range map[string]func(){
		"excite 1: maps 2×5×4×4 need a gate of 2×5, not 2×4":                            func() { b.Excite(maps, rows) },
		"norm: input has the shape 5, 4 dimensions are needed":                          func() { b.LayerNorm(b.Input("five", 5), "norm", 1e-6) },
		"norm: eps -1 must not be negative":                                             func() { b.LayerNorm(maps, "norm", -1) },
		"gamma: input has the shape 2×4, 4 dimensions are needed":                       func() { b.LayerScale(rows, "gamma", 1) },
		"stochastic depth: rate 1 is not in [0, 1), or the input 2×5×4×4 not a batch":   func() { b.StochasticDepth(maps, 1) },
		"stochastic depth: rate NaN is not in [0, 1), or the input 2×5×4×4 not a batch": func() { b.StochasticDepth(maps, math.NaN()) },
	} {
		b.err, b.counts = nil, map[string]int{}
		build()
		if err := b.Err(); err == nil || err.Error() != want {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
}
