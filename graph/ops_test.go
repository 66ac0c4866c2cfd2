package graph

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// An opCase builds one layer over x, whose gradient is wanted too, and says in float64 what it computes
// from x and the parameters in the order of their declaration.
type opCase struct {
	name  string
	x     []int
	build func(b *Builder, x *gorgonia.Node) *gorgonia.Node
	want  func(x ref, params []ref) ref
}

func opCases() []opCase {
	cases := []opCase{
		{"dense", []int{5, 7}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node { return b.Dense(x, "fc", 9) }, func(x ref, p []ref) ref {
			out := newRef(x.shape[0], 9)
			for n := range x.shape[0] {
				for o := range 9 {
					s := p[1].data[o]
					for k := range 7 {
						s += x.data[n*7+k] * p[0].data[o*7+k]
					}
					out.data[n*9+o] = s
				}
			}
			return out
		}},
		{"dense without bias, followed by relu", []int{3, 33}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			return b.ReLU(b.Dense(x, "fc", 17, NoBias()))
		}, func(x ref, p []ref) ref {
			out := newRef(3, 17)
			for n := range 3 {
				for o := range 17 {
					for k := range 33 {
						out.data[n*17+o] += x.data[n*33+k] * p[0].data[o*33+k]
					}
				}
			}
			return out.apply(relu)
		}},
		{"relu of maps", []int{2, 17, 3, 5}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node { return b.ReLU(x) }, func(x ref, _ []ref) ref { return x.apply(relu) }},
		{"max pool of relu", []int{2, 6, 5, 7}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			return b.MaxPool(b.ReLU(x), 3, Stride(2))
		}, func(x ref, _ []ref) ref {
			return refPool(x.apply(relu), geometry{3, 3, 2, 2, 0, 0, 1, 1, 1, 2, 3}, 0, 0, func(v []float64, _ int) float64 { return slices.Max(v) })
		}},
		{"convolution followed by relu and max pool", []int{2, 3, 8, 7}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			return b.MaxPool(b.ReLU(b.Conv(x, "conv", 5, 5)), 2)
		}, func(x ref, p []ref) ref {
			return refPool(refConv(x, p[0], p[1].data, geometry{5, 5, 1, 1, 0, 0, 1, 1, 1, 4, 3}).apply(relu),
				geometry{2, 2, 2, 2, 0, 0, 1, 1, 1, 2, 1}, 0, 0, func(v []float64, _ int) float64 { return slices.Max(v) })
		}},
		{"max pool of two convolutions' sum", []int{2, 3, 8, 7}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			return b.MaxPool(b.Add(b.Conv(x, "conv", 5, 5), b.Conv(x, "other", 5, 5)), 2)
		}, func(x ref, p []ref) ref {
			conv := geometry{5, 5, 1, 1, 0, 0, 1, 1, 1, 4, 3}
			y, other := refConv(x, p[0], p[1].data, conv), refConv(x, p[2], p[3].data, conv)
			for i, v := range other.data {
				y.data[i] += v
			}
			return refPool(y, geometry{2, 2, 2, 2, 0, 0, 1, 1, 1, 2, 1}, 0, 0, func(v []float64, _ int) float64 { return slices.Max(v) })
		}},
		{"tanh", []int{2, 3, 4, 5}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node { return b.Tanh(x) }, func(x ref, _ []ref) ref { return x.apply(math.Tanh) }},
		{"scaled tanh", []int{4, 21}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node { return b.ScaledTanh(x, 1.7159, 2.0/3) }, func(x ref, _ []ref) ref {
			return x.apply(func(v float64) float64 { return 1.7159 * math.Tanh(v*2/3) })
		}},
		{"global average pool", []int{2, 19, 3, 5}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node { return b.GlobalAvgPool(x) }, func(x ref, _ []ref) ref {
			out := newRef(2, 19)
			for i := range out.data {
				out.data[i] = mean(x.data[i*15 : i*15+15])
			}
			return out
		}},
		{"batch norm", []int{3, 17, 4, 3}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node { return b.BatchNorm(x, "bn", 1e-5, 0.1) }, func(x ref, p []ref) ref {
			return refBatchNorm(x, p[0].data, p[1].data, 1e-5)
		}},
		{"batch norm followed by relu", []int{3, 6, 5, 3}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			return b.ReLU(b.BatchNorm(x, "bn", 1e-3, 0.1))
		}, func(x ref, p []ref) ref { return refBatchNorm(x, p[0].data, p[1].data, 1e-3).apply(relu) }},
		{"batch norm followed by relu and max pool", []int{2, 6, 5, 7}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			return b.MaxPool(b.ReLU(b.BatchNorm(x, "bn", 1e-3, 0.1)), 3, Stride(2))
		}, func(x ref, p []ref) ref {
			return refPool(refBatchNorm(x, p[0].data, p[1].data, 1e-3).apply(relu), geometry{3, 3, 2, 2, 0, 0, 1, 1, 1, 2, 3}, 0, 0, func(v []float64, _ int) float64 { return slices.Max(v) })
		}},
		{"batch norm by frozen statistics", []int{3, 17, 4, 3}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			freezeNorm(b, "bn", 17, "running_mean", "running_var")
			return b.BatchNorm(x, "bn", 1e-2, 0.1)
		}, func(x ref, p []ref) ref { return refFixedNorm(x, p[0].data, p[1].data, 1e-2) }},
		{"batch norm by a frozen mean, followed by relu and max pool", []int{2, 6, 5, 7}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			freezeNorm(b, "bn", 6, "running_mean")
			return b.MaxPool(b.ReLU(b.BatchNorm(x, "bn", 1e-3, 0.1)), 3, Stride(2))
		}, func(x ref, p []ref) ref {
			return refPool(refFixedNorm(x, p[0].data, p[1].data, 1e-3).apply(relu), geometry{3, 3, 2, 2, 0, 0, 1, 1, 1, 2, 3}, 0, 0, func(v []float64, _ int) float64 { return slices.Max(v) })
		}},
		{"batch norm by a frozen variance", []int{2, 6, 5, 7}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			freezeNorm(b, "bn", 6, "running_var")
			return b.BatchNorm(x, "bn", 1e-3, 0.1)
		}, func(x ref, p []ref) ref { return refFixedNorm(x, p[0].data, p[1].data, 1e-3) }},
		{"a frozen batch norm followed by relu, between convolutions", []int{2, 3, 5, 4}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			freezeNorm(b, "bn", 18, "weight", "bias", "running_mean", "running_var")
			x = b.ReLU(b.BatchNorm(b.Conv(x, "1", 18, 1, NoBias()), "bn", 1e-3, 0.1))
			return b.Conv(x, "2", 5, 1)
		}, func(x ref, p []ref) ref {
			point := geometry{1, 1, 1, 1, 0, 0, 1, 1, 1, 5, 4}
			x = refFixedNorm(refConv(x, p[0], nil, point), fixedValues("weight", 18), fixedValues("bias", 18), 1e-3).apply(relu)
			return refConv(x, p[1], p[2].data, point)
		}},
		{"lrn", []int{2, 20, 3, 3}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node { return b.LRN(x, 5, 2, 0.3, 0.75) }, func(x ref, _ []ref) ref { return refLRN(x, 5, 2, 0.3, 0.75) }},
		{"lrn of three channels", []int{2, 7, 3, 3}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node { return b.LRN(x, 3, 1, 0.2, 0.6) }, func(x ref, _ []ref) ref { return refLRN(x, 3, 1, 0.2, 0.6) }},
		{"softmax", []int{4, 11}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node { return b.Softmax(x) }, func(x ref, _ []ref) ref { return refSoftmax(x) }},
		{"flatten", []int{2, 18, 3, 2}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node { return b.Flatten(x) }, func(x ref, _ []ref) ref {
			return ref{[]int{2, 18 * 6}, x.data}
		}},
		{"add of a value to itself through two branches, then relu", []int{2, 17, 3, 3}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			return b.ReLU(b.Add(b.Tanh(x), b.LRN(x, 5, 2, 0.1, 0.75)))
		}, func(x ref, _ []ref) ref {
			out, l := x.apply(math.Tanh), refLRN(x, 5, 2, 0.1, 0.75)
			for i := range out.data {
				out.data[i] = relu(out.data[i] + l.data[i])
			}
			return out
		}},
		{"subsample with channels of zeros", []int{2, 5, 7, 6}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node { return b.Subsample(x, 2, 20) }, func(x ref, _ []ref) ref {
			return newRef(2, 20, 4, 3).each(func(n, c, h, w int) float64 {
				if c < 7 || c >= 12 {
					return 0
				}
				return x.at(n, c-7, 2*h, 2*w)
			})
		}},
		{"concat of aligned parts", []int{2, 16, 3, 3}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			return b.Concat(b.ReLU(x), b.LRN(x, 5, 2, 0.1, 0.75), x)
		}, func(x ref, _ []ref) ref { return refConcat(x.apply(relu), refLRN(x, 5, 2, 0.1, 0.75), x) }},
		{"concats of concats", []int{2, 16, 3, 3}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			y := b.Concat(b.Tanh(x), b.Conv(x, "1", 16, 1))
			z := b.Concat(y, b.Conv(b.ReLU(y), "2", 16, 1))
			return b.Concat(b.LRN(z, 3, 1, 0.2, 0.6), z, b.Conv(b.ReLU(z), "3", 7, 1))
		}, func(x ref, p []ref) ref {
			point := geometry{1, 1, 1, 1, 0, 0, 1, 1, 1, 3, 3}
			y := refConcat(x.apply(math.Tanh), refConv(x, p[0], p[1].data, point))
			z := refConcat(y, refConv(y.apply(relu), p[2], p[3].data, point))
			return refConcat(refLRN(z, 3, 1, 0.2, 0.6), z, refConv(z.apply(relu), p[4], p[5].data, point))
		}},
		{"concat of odd parts", []int{2, 5, 3, 3}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			return b.Concat(b.Tanh(x), x, b.ReLU(x))
		}, func(x ref, _ []ref) ref { return refConcat(x.apply(math.Tanh), x, x.apply(relu)) }},
	}
	for _, c := range []struct {
		a    Activation
		want func(float64) float64
	}{
		{Identity, func(v float64) float64 { return v }},
		{ReLU6, func(v float64) float64 { return min(max(v, 0), 6) }},
		{LeakyReLU(0.125), func(v float64) float64 { return max(v, v/8) }},
		{LeakyReLU(-0.5), func(v float64) float64 { return max(v, -v/2) }},
		{Sigmoid, func(v float64) float64 { return 1 / (1 + math.Exp(-v)) }},
		{HardSigmoid, func(v float64) float64 { return min(max(v/6+0.5, 0), 1) }},
		{HardSwish, func(v float64) float64 { return v * min(max(v/6+0.5, 0), 1) }},
		{SiLU, func(v float64) float64 { return v / (1 + math.Exp(-v)) }},
		{GELU, func(v float64) float64 { return v * math.Erfc(-v/math.Sqrt2) / 2 }},
	} {
		// Odd channels before a convolution, to which lanes beyond the last must not matter.
		cases = append(cases, opCase{c.a.String() + " between convolutions", []int{2, 3, 4, 3}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			return b.Conv(b.Activate(b.Conv(x, "1", 19, 1), c.a), "2", 5, 3)
		}, func(x ref, p []ref) ref {
			x = refConv(x, p[0], p[1].data, geometry{1, 1, 1, 1, 0, 0, 1, 1, 1, 4, 3}).apply(c.want)
			return refConv(x, p[2], p[3].data, geometry{3, 3, 1, 1, 0, 0, 1, 1, 1, 2, 1})
		}}, opCase{c.a.String() + " of rows", []int{4, 21}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			return b.Activate(x, c.a)
		}, func(x ref, _ []ref) ref { return x.apply(c.want) }})
	}
	for _, c := range []struct {
		name    string
		x       []int
		filters int
		kernel  int
		g       geometry
		opts    []Opt
		relu    bool
	}{
		{"conv 3×3 same", []int{2, 3, 5, 6}, 17, 3, geometry{3, 3, 1, 1, 1, 1, 1, 1, 1, 5, 6}, []Opt{Same()}, false},
		{"conv 1×1 followed by relu", []int{2, 6, 5, 3}, 18, 1, geometry{1, 1, 1, 1, 0, 0, 1, 1, 1, 5, 3}, nil, true},
		{"conv 5×5 stride 2", []int{1, 3, 11, 9}, 6, 5, geometry{5, 5, 2, 2, 2, 2, 1, 1, 1, 6, 5}, []Opt{Stride(2), Pad(2)}, false},
		{"conv with asymmetric padding and strides", []int{2, 4, 7, 8}, 5, 0, geometry{3, 2, 2, 1, 0, 1, 1, 1, 1, 3, 9}, []Opt{Kernel(3, 2), Strides(2, 1), Pads(0, 1, 1, 1)}, false},
		{"conv with dilation", []int{1, 17, 5, 4}, 3, 3, geometry{3, 3, 1, 1, 2, 2, 2, 2, 1, 5, 4}, []Opt{Dilation(2), Pad(2)}, false},
		{"conv in 2 groups", []int{1, 32, 2, 3}, 32, 0, geometry{1, 2, 1, 1, 0, 0, 1, 1, 2, 2, 2}, []Opt{Groups(2), Kernel(1, 2)}, true},
		{"conv in 3 odd groups", []int{2, 6, 5, 5}, 9, 3, geometry{3, 3, 1, 1, 1, 1, 1, 1, 3, 5, 5}, []Opt{Groups(3), Same()}, false},
	} {
		cases = append(cases, opCase{c.name, c.x, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			y := b.Conv(x, "conv", c.filters, c.kernel, c.opts...)
			if c.relu {
				y = b.ReLU(y)
			}
			return y
		}, func(x ref, p []ref) ref {
			y := refConv(x, p[0], p[1].data, c.g)
			if c.relu {
				y = y.apply(relu)
			}
			return y
		}})
	}
	for _, c := range []struct {
		name          string
		x             []int
		size          int
		g             geometry
		bottom, right int
		opts          []Opt
		exclude       bool
	}{
		{"2×2", []int{2, 6, 6, 4}, 2, geometry{2, 2, 2, 2, 0, 0, 1, 1, 1, 3, 2}, 0, 0, nil, false},
		{"overlapping 3×3 stride 2", []int{2, 17, 7, 9}, 3, geometry{3, 3, 2, 2, 0, 0, 1, 1, 1, 3, 4}, 0, 0, []Opt{Stride(2)}, false},
		{"3×3 stride 2 ceil", []int{1, 16, 6, 8}, 3, geometry{3, 3, 2, 2, 0, 0, 1, 1, 1, 3, 4}, 0, 0, []Opt{Stride(2), Ceil()}, false},
		{"3×3 stride 1 padded", []int{2, 5, 4, 5}, 3, geometry{3, 3, 1, 1, 1, 1, 1, 1, 1, 4, 5}, 1, 1, []Opt{Stride(1), Pad(1)}, false},
		{"3×3 stride 2 padded, excluded", []int{2, 5, 5, 5}, 3, geometry{3, 3, 2, 2, 1, 1, 1, 1, 1, 3, 3}, 1, 1, []Opt{Stride(2), Pad(1), ExcludePad()}, true},
	} {
		cases = append(cases, opCase{"max pool " + c.name, c.x, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			return b.MaxPool(x, c.size, c.opts...)
		}, func(x ref, _ []ref) ref {
			return refPool(x, c.g, c.bottom, c.right, func(v []float64, _ int) float64 { return slices.Max(v) })
		}}, opCase{"average pool " + c.name, c.x, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			return b.AvgPool(x, c.size, c.opts...)
		}, func(x ref, _ []ref) ref {
			return refPool(x, c.g, c.bottom, c.right, func(v []float64, padded int) float64 {
				if c.exclude {
					return mean(v)
				}
				return mean(v) * float64(len(v)) / float64(padded)
			})
		}})
	}
	return cases
}

func relu(v float64) float64 { return max(v, 0) }

// fixedValues are those of a batch normalisation's parameter or buffer that does not change, exact in
// float32.
func fixedValues(of string, channels int) []float64 {
	v := make([]float64, channels)
	for i := range v {
		v[i] = map[string]float64{"weight": 1.25, "bias": -0.25, "running_mean": 0.5, "running_var": 1}[of] + float64(i%5-2)/8
	}
	return v
}

// freezeNorm sets a batch normalisation's statistics, and freezes some of what it has.
func freezeNorm(b *Builder, name string, channels int, frozen ...string) {
	for _, of := range []string{"weight", "bias", "running_mean", "running_var"} {
		buffer := strings.HasPrefix(of, "running")
		if !buffer && !slices.Contains(frozen, of) {
			continue
		}
		p, err := b.params.declare(name+"."+of, []int{channels}, buffer, Constant(0))
		if err != nil {
			b.Errorf("%w", err)
			return
		}
		p.Frozen, p.Data = slices.Contains(frozen, of), make([]float32, channels)
		for i, v := range fixedValues(of, channels) {
			p.Data[i] = float32(v)
		}
	}
}

// refFixedNorm normalises by the statistics that freezeNorm sets.
func refFixedNorm(x ref, gamma, beta []float64, eps float64) ref {
	mean, variance := fixedValues("running_mean", x.shape[1]), fixedValues("running_var", x.shape[1])
	return newRef(x.shape...).each(func(n, c, h, w int) float64 {
		return (x.at(n, c, h, w)-mean[c])/math.Sqrt(variance[c]+eps)*gamma[c] + beta[c]
	})
}

func refConcat(parts ...ref) ref {
	channels := 0
	for _, p := range parts {
		channels += p.shape[1]
	}
	s := parts[0].shape
	return newRef(s[0], channels, s[2], s[3]).each(func(n, c, h, w int) float64 {
		for _, p := range parts {
			if c < p.shape[1] {
				return p.at(n, c, h, w)
			}
			c -= p.shape[1]
		}
		panic("no such channel")
	})
}

// loss is the mean squared distance to a target, which makes the gradient that flows back different at
// every element.
func loss(y ref, target []float32) float64 {
	s := 0.0
	for i, v := range y.data {
		s += (v - float64(target[i])) * (v - float64(target[i]))
	}
	return s / float64(len(y.data))
}

type built struct {
	b       *Builder
	params  *Params
	y, loss *gorgonia.Node
	target  *gorgonia.Node
	goal    []float32
	outputs []*gorgonia.Node // y, loss, gradients
}

func (c opCase) make(t *testing.T) built {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	params := NewParams()
	b := NewBuilder(params, Train)
	y := c.build(b, b.Param("x", Constant(0), c.x...))
	if b.Err() != nil {
		t.Fatal(b.Err())
	}
	target := b.Input("target", y.Shape()...)
	l := b.MSE(y, target)
	grads, err := b.Grads(l)
	if err != nil {
		t.Fatal(err)
	}
	params.Allocate()
	for _, p := range params.All() {
		if !p.Buffer && !p.Frozen {
			spread(r, p.Data)
		}
	}
	params.Changed()
	goal := make([]float32, y.Shape().TotalSize())
	for i := range goal {
		goal[i] = float32(r.NormFloat64())
	}
	return built{b, params, y, l, target, goal, append([]*gorgonia.Node{y, l}, grads...)}
}

func TestOpsAndTheirGradientsMatchStraightLoops(t *testing.T) {
	for _, c := range opCases() {
		t.Run(c.name, func(t *testing.T) {
			want, grads := c.expect(c.make(t))
			for _, f := range kernel.Families() {
				useFamily(t, f)
				g := c.make(t) // plans are made for a family
				g.compare(t, fmt.Sprint(f, ", session"), g.session(t, Config{}), want, grads)
				g.compare(t, fmt.Sprint(f, ", tape machine"), g.tape(t), want, grads)
			}
		})
	}
}

func (g built) compare(t *testing.T, how string, got [][]float32, want ref, grads [][]float64) {
	t.Helper()
	if e := relativeError(got[0], want.data); e > 1e-5 {
		t.Errorf("%s: result differs by %.1e", how, e)
	}
	for i, p := range g.params.Trained()[:len(got)-2] {
		if e := relativeError(got[2+i], grads[i]); e > 1e-5 {
			t.Errorf("%s: gradient of %s differs by %.1e", how, p.Name, e)
		}
	}
}

func useFamily(t *testing.T, f kernel.Family) {
	before := kernel.CurrentFamily()
	if err := kernel.SetFamily(f); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kernel.SetFamily(before) })
}

// Same pads an even window by a pixel more at the bottom and right, and a dilated one by what it reaches.
func TestSamePadsTheEndMore(t *testing.T) {
	x := []float32{1, 5, 2, 4}
	for _, c := range []struct {
		h, w int // of the map
		opts []Opt
		want []float32
	}{
		{1, 4, []Opt{Kernel(1, 2)}, []float32{5, 5, 4, 4}},
		{4, 1, []Opt{Kernel(2, 1)}, []float32{5, 5, 4, 4}},
		{1, 4, []Opt{Kernel(1, 4)}, []float32{5, 5, 5, 4}}, // one on the left, two on the right
		{4, 1, []Opt{Kernel(4, 1)}, []float32{5, 5, 5, 4}},
		{1, 4, []Opt{Kernel(1, 3)}, []float32{5, 5, 5, 4}},
	} {
		b := NewBuilder(NewParams(), Eval)
		in := b.Input("x", 1, 1, c.h, c.w)
		y := b.MaxPool(in, 1, append(c.opts, Same())...)
		s, err := Compile(b, []*gorgonia.Node{y}, Config{})
		if err != nil {
			t.Fatal(err)
		}
		if got := outputs(t, s, in, y, x); !slices.Equal(got, c.want) {
			t.Errorf("%d×%d: %v, want %v", c.h, c.w, got, c.want)
		}
	}
	o := NewBuilder(NewParams(), Eval).opts(0, 1, []Opt{Kernel(2, 3), Dilations(3, 2), Same()})
	if got, want := [4]int{o.top, o.bottom, o.left, o.right}, [4]int{1, 2, 2, 2}; got != want {
		t.Errorf("dilated windows are padded by %v, want %v", got, want)
	}
}

// An expectation is what the straight loops make of some inputs.
type expectation struct {
	in, goal [][]float32
	y        ref
	grads    [][]float64
}

// expectations are those of the cases that were tried already: in training and in evaluation most have the same
// inputs.
var expectations = map[struct {
	name string
	want uintptr // whose straight loops
}]expectation{}

// expect computes the result, and the gradients of the loss by central differences, in float64.
func (c opCase) expect(g built) (ref, [][]float64) {
	e := expectation{goal: [][]float32{g.goal}}
	var in []ref
	for _, p := range g.params.Trained() {
		r := newRef(p.Shape...)
		for i, v := range p.Data {
			r.data[i] = float64(v)
		}
		in, e.in = append(in, r), append(e.in, slices.Clone(p.Data))
	}
	key := struct {
		name string
		want uintptr
	}{c.name, reflect.ValueOf(c.want).Pointer()}
	if known := expectations[key]; len(known.in) == len(e.in) && sameBits(known.in, e.in) && sameBits(known.goal, e.goal) {
		return known.y, known.grads
	}
	e.y = c.want(in[0], in[1:])
	for _, r := range in {
		d := make([]float64, len(r.data))
		for i, v := range r.data {
			const h = 1e-5
			r.data[i] = v + h
			high := loss(c.want(in[0], in[1:]), g.goal)
			r.data[i] = v - h
			low := loss(c.want(in[0], in[1:]), g.goal)
			r.data[i] = v
			d[i] = (high - low) / (2 * h)
		}
		e.grads = append(e.grads, d)
	}
	expectations[key] = e
	return e.y, e.grads
}

func (g built) session(t *testing.T, cfg Config) [][]float32 {
	t.Helper()
	s, err := Compile(g.b, g.outputs, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Bind(g.target, g.goal); err != nil {
		t.Fatal(err)
	}
	// Twice: the second run finds what the first has left in memory.
	for range 2 {
		if err := s.Run(); err != nil {
			t.Fatal(err)
		}
	}
	var out [][]float32
	for _, n := range g.outputs {
		out = append(out, append([]float32(nil), s.Value(n)...))
	}
	return out
}

func (g built) tape(t *testing.T) [][]float32 {
	t.Helper()
	if err := g.b.Let(); err != nil {
		t.Fatal(err)
	}
	if err := gorgonia.Let(g.target, tensor.New(tensor.WithShape(g.y.Shape()...), tensor.WithBacking(g.goal))); err != nil {
		t.Fatal(err)
	}
	values := make([]gorgonia.Value, len(g.outputs))
	for i, n := range g.outputs {
		gorgonia.Read(n, &values[i])
	}
	m := gorgonia.NewTapeMachine(g.b.Graph())
	defer m.Close()
	for range 2 {
		m.Reset()
		if err := m.RunAll(); err != nil {
			t.Fatal(err)
		}
	}
	var out [][]float32
	for _, v := range values {
		d, err := floats(v)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, append([]float32(nil), d...))
	}
	return out
}
