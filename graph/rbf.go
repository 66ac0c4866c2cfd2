package graph

import (
	"fmt"
	"math/rand/v2"

	"gorgonia.org/gorgonia"
)

// RBF adds Euclidean radial basis units over fixed codes: for x, N×K, and codes, C of K values each,
// -Σ_k (x_k - code_k)², N×C. The sign makes the nearest code the largest output, so that
// [Builder.CrossEntropy] on it is the discriminative criterion of LeCun et al. 1998 (equation 9 without
// its constant). The codes are the buffer name, C×K: kept with the weights, not trained.
func (b *Builder) RBF(x *gorgonia.Node, name string, codes [][]float32) *gorgonia.Node {
	if !b.rank(name, x, 2) {
		return nil
	}
	s := x.Shape()
	for i, code := range codes {
		if len(code) != s[1] {
			b.Errorf("%s: code %d has %d values, the input has %d", name, i, len(code), s[1])
			return nil
		}
	}
	if len(codes) == 0 {
		b.Errorf("%s: no codes", name)
		return nil
	}
	centres := b.declare(name, []int{len(codes), s[1]}, true, func(_ *rand.Rand, _ []int, data []float32) {
		for i, code := range codes {
			copy(data[i*s[1]:], code)
		}
	})
	if b.err != nil {
		return nil
	}
	o := &rbfOp{}
	o.core = newCore(o, "rbf", []int{s[0], len(codes)}, 1, x, centres)
	return b.layer(Layer{
		Name: name, Kind: o.kind, MACs: int64(len(codes) * s[1]), Formula: fmt.Sprintf("-Σ(x - code)², %d·%d", s[1], len(codes)),
	}, o, x, centres)
}

type rbfOp struct{ core }

func (o *rbfOp) lower(c *compiler, in []*value) *value {
	x, centres, y := c.asPlain(in[0]), in[1], c.plain(o.shape...)
	classes, k := centres.shape[0], centres.shape[1]
	c.add([]*value{x, centres}, []*value{y}, 0, func(*exec) error {
		for i := range y.data {
			sum, code := float32(0), centres.data[i%classes*k:]
			for j, v := range x.data[i/classes*k : (i/classes+1)*k] {
				sum += float32((v - code[j]) * (v - code[j]))
			}
			y.data[i] = -sum
		}
		return nil
	})
	return y
}

func (*rbfOp) detail() any { return nil }

func (o *rbfOp) SymDiff(inputs gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	g := &rbfGradOp{}
	g.core = newCore(g, "rbf gradient", inputs[0].Shape(), 0, inputs[0], inputs[1], grad)
	dx, err := derive(g, &o.core, inputs[0], inputs[1], grad)
	return gorgonia.Nodes{dx, nil}, err
}

type rbfGradOp struct{ core }

func (o *rbfGradOp) lower(c *compiler, in []*value) *value {
	x, centres, dy, dx := c.asPlain(in[0]), in[1], c.asPlain(in[2]), c.plain(o.shape...)
	classes, k := centres.shape[0], centres.shape[1]
	c.add([]*value{x, centres, dy}, []*value{dx}, 0, func(*exec) error {
		clear(dx.data)
		for i, d := range dy.data {
			n, code := i/classes, centres.data[i%classes*k:]
			for j, v := range x.data[n*k : (n+1)*k] {
				dx.data[n*k+j] -= float32(2 * d * (v - code[j]))
			}
		}
		return nil
	})
	return dx
}
