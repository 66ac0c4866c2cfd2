package graph

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// evalCases are layers that evaluation computes in other ways than training, all by the statistics that
// freezeNorm sets.
func evalCases() []opCase {
	point := geometry{1, 1, 1, 1, 0, 0, 1, 1, 1, 5, 4}
	norm := func(b *Builder, x *gorgonia.Node, name string) *gorgonia.Node {
		freezeNorm(b, name, x.Shape()[1], "running_mean", "running_var")
		return b.BatchNorm(x, name, 1e-3, 0.1)
	}
	return []opCase{
		{"a convolution that a batch norm is folded into, and relu", []int{2, 3, 5, 4}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			return b.ReLU(norm(b, b.Conv(x, "1", 18, 1), "bn"))
		}, func(x ref, p []ref) ref {
			return refFixedNorm(refConv(x, p[0], p[1].data, point), p[2].data, p[3].data, 1e-3).apply(relu)
		}},
		{"a residual block", []int{2, 17, 5, 4}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			y := b.ReLU(norm(b, b.Conv(x, "1", 17, 1, NoBias()), "bn1"))
			return b.ReLU(b.Add(norm(b, b.Conv(y, "2", 17, 1, NoBias()), "bn2"), x))
		}, func(x ref, p []ref) ref {
			y := refFixedNorm(refConv(x, p[0], nil, point), p[1].data, p[2].data, 1e-3).apply(relu)
			y = refFixedNorm(refConv(y, p[3], nil, point), p[4].data, p[5].data, 1e-3)
			for i, v := range x.data {
				y.data[i] += v
			}
			return y.apply(relu)
		}},
		{"a batch norm that two layers read", []int{2, 5, 5, 4}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			y := norm(b, x, "bn")
			return b.Concat(b.ReLU(y), b.Tanh(y))
		}, func(x ref, p []ref) ref {
			y := refFixedNorm(x, p[0].data, p[1].data, 1e-3)
			return refConcat(y.apply(relu), y.apply(math.Tanh))
		}},
	}
}

// In evaluation the gradient of the image is as right as in training, alone or with those of the
// parameters.
func TestGradientsInEvaluationMatchStraightLoops(t *testing.T) {
	for _, c := range slices.Concat(opCases(), extraOpCases(), modernOpCases(), evalCases()) {
		t.Run(c.name, func(t *testing.T) {
			first := c.evaluated(t, false)
			if first.b == nil {
				t.Skip("its reference normalises by the batch")
			}
			want, grads := c.expect(first)
			for _, f := range kernel.Families() {
				useFamily(t, f)
				for _, all := range []bool{false, true} {
					g := c.evaluated(t, all)
					how := map[bool]string{false: ", the image alone", true: ", with the parameters"}[all]
					g.compare(t, f.String()+how, g.session(t, Config{}), want, grads)
					g.compare(t, f.String()+how+", without a plan", g.session(t, Config{NoPlan: true}), want, grads)
					g.compare(t, f.String()+how+", tape machine", g.tape(t), want, grads)
				}
			}
		})
	}
}

// evaluated builds the case in evaluation over an image that is an input. Its memory is a parameter of the
// same name, so that the helpers of the cases in training can be used.
func (c opCase) evaluated(t *testing.T, all bool) built {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	params := NewParams()
	if _, err := params.declare("x", c.x, false, Constant(0)); err != nil {
		t.Fatal(err)
	}
	b := NewBuilder(params, Eval)
	x := b.Watch(b.Input("x", c.x...))
	y := c.build(b, x)
	if b.Err() != nil {
		t.Fatal(b.Err())
	}
	for _, p := range params.All() {
		if strings.HasSuffix(p.Name, "running_mean") && !p.Frozen {
			return built{}
		}
	}
	target := b.Input("target", y.Shape()...)
	l := b.MSE(y, target)
	wrt := []*gorgonia.Node{x}
	if all {
		for _, p := range params.Trained()[1:] {
			wrt = append(wrt, b.ParamNode(p.Name))
		}
	}
	grads, err := b.Grads(l, wrt...)
	if err != nil {
		t.Fatal(err)
	}
	params.Allocate()
	for _, p := range params.All() {
		if !p.Buffer && !p.Frozen {
			spread(r, p.Data)
		} else if p.Name == "codes" {
			p.init(nil, p.Shape, p.Data)
		}
	}
	params.Changed()
	b.nodes["x"] = x // for the tape machine
	goal := make([]float32, y.Shape().TotalSize())
	for i := range goal {
		goal[i] = float32(r.NormFloat64())
	}
	return built{b, params, y, l, target, goal, append([]*gorgonia.Node{y, l}, grads...)}
}
