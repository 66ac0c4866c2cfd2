package graph

import (
	"fmt"
	"math"
	"testing"

	g "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// A program is a model with its way of training, in the manner of the examples that come with Gorgonia.
type program struct {
	name  string
	build func(l *stockLeaves) (cost *g.Node, weights g.Nodes)
	// solver updates the weights; nil for a program that does so in its graph.
	solver func() g.Solver
}

func programs() []program {
	must := g.Must
	vanilla := func(rate float64) func() g.Solver {
		return func() g.Solver { return g.NewVanillaSolver(g.WithLearnRate(rate), g.WithClip(5)) }
	}
	rms := func() g.Solver { return g.NewRMSPropSolver(g.WithLearnRate(0.002)) }
	conv := func(x, w *g.Node) *g.Node {
		return must(g.Conv2d(x, w, tensor.Shape{3, 3}, []int{1, 1}, []int{1, 1}, []int{1, 1}))
	}
	pool := func(x *g.Node) *g.Node { return must(g.MaxPool2D(x, tensor.Shape{2, 2}, []int{0, 0}, []int{2, 2})) }
	logLoss := func(out, y *g.Node) *g.Node {
		return must(g.Neg(must(g.Mean(must(g.HadamardProd(must(g.Log(must(g.SoftMax(out)))), y))))))
	}
	return []program{
		{"a line through points", func(l *stockLeaves) (*g.Node, g.Nodes) {
			m, c := l.of(), l.of()
			line := must(g.Add(must(g.Mul(l.between(0, 4).input(9), m)), c))
			return must(g.Mean(must(g.Square(must(g.Sub(line, l.between(1, 9).input(9))))))), l.list
		}, vanilla(0.01)},
		{"irises", func(l *stockLeaves) (*g.Node, g.Nodes) {
			theta := l.of(5)
			guess := must(g.Mul(l.between(0, 5).input(12, 5), theta))
			var predicted g.Value
			g.Read(guess, &predicted)
			return must(g.Mean(must(g.Square(must(g.Sub(guess, l.between(1, 3).input(12))))))), l.list
		}, vanilla(0.001)},
		{"logistic regression, updated in the graph", func(l *stockLeaves) (*g.Node, g.Nodes) {
			x, y, w, b := l.input(14, 5), l.between(0, 1).input(14), l.between(-1, 1).of(5), l.of()
			one := l.number(1)
			p := must(g.Sigmoid(must(g.Add(must(g.Mul(x, w)), b))))
			var predicted g.Value
			g.Read(must(g.Gt(p, l.number(0.5), false)), &predicted)
			hit := must(g.HadamardProd(must(g.Neg(y)), must(g.Log(p))))
			miss := must(g.HadamardProd(must(g.Sub(one, y)), must(g.Log(must(g.Sub(one, p))))))
			loss := must(g.Mean(must(g.Sub(hit, miss))))
			cost := must(g.Add(loss, must(g.Mul(l.number(0.01), must(g.Sum(must(g.Square(w))))))))
			return cost, l.list
		}, nil},
		{"two layers of a classifier", func(l *stockLeaves) (*g.Node, g.Nodes) { // example 286
			x, y := l.input(6, 20), l.between(0, 1).input(6, 4)
			w0, w1 := l.between(-0.4, 0.4).of(20, 9), l.of(9, 4)
			out := must(g.SoftMax(must(g.Mul(must(g.Rectify(must(g.Mul(x, w0)))), w1))))
			return must(g.Neg(must(g.Mean(must(g.HadamardProd(out, y)))))), l.list
		}, vanilla(0.1)},
		{"convnet", func(l *stockLeaves) (*g.Node, g.Nodes) {
			x, y := l.input(4, 1, 12, 12), l.between(0, 1).input(4, 3)
			l.between(-0.3, 0.3)
			x = pool(must(g.Rectify(conv(x, l.of(5, 1, 3, 3)))))
			x = pool(must(g.Rectify(conv(x, l.of(7, 5, 3, 3)))))
			x = must(g.Rectify(must(g.Mul(must(g.Reshape(x, tensor.Shape{4, 7 * 9})), l.of(63, 11)))))
			return logLoss(must(g.Mul(x, l.of(11, 3))), y), l.list
		}, rms},
		{"resnet", func(l *stockLeaves) (*g.Node, g.Nodes) {
			x, y := l.input(3, 1, 8, 8), l.between(0, 1).input(3, 3)
			l.between(-0.3, 0.3)
			x = pool(must(g.Rectify(conv(x, l.of(4, 1, 3, 3)))))
			c := conv(x, l.of(6, 4, 3, 3))
			p := pool(must(g.Rectify(c)))
			flat := must(g.Reshape(p, tensor.Shape{3, 6 * 4}))
			back := must(g.Reshape(must(g.Mul(flat, l.of(6*4, 6*16))), c.Shape()))
			x = must(g.Reshape(must(g.Add(c, back)), tensor.Shape{3, 6 * 16}))
			x = must(g.Rectify(must(g.Mul(x, l.of(6*16, 8)))))
			return logLoss(must(g.Mul(x, l.of(8, 3))), y), l.list
		}, rms},
		{"characters by an LSTM", func(l *stockLeaves) (*g.Node, g.Nodes) {
			const vocabulary, embedded, hidden = 7, 4, 6
			l.between(-0.4, 0.4)
			embedding := l.of(vocabulary, embedded)
			type gate struct{ x, h, b *g.Node }
			gates := map[string]gate{}
			for _, name := range []string{"in", "forget", "out", "write"} {
				gates[name] = gate{l.of(hidden, embedded), l.of(hidden, hidden), l.of(hidden)}
			}
			decode, bias := l.of(vocabulary, hidden), l.of(vocabulary)
			h, cell := l.input(hidden), l.input(hidden)
			var cost *g.Node
			text := []int{2, 5, 0, 1, 6, 2}
			for i, c := range text[:len(text)-1] {
				x := must(g.Slice(embedding, g.S(c)))
				run := func(name string, f func(*g.Node) (*g.Node, error)) *g.Node {
					k := gates[name]
					return must(f(must(g.Add(must(g.Add(must(g.Mul(k.x, x)), must(g.Mul(k.h, h)))), k.b))))
				}
				in, forget, out, write := run("in", g.Sigmoid), run("forget", g.Sigmoid), run("out", g.Sigmoid), run("write", g.Tanh)
				cell = must(g.Add(must(g.HadamardProd(forget, cell)), must(g.HadamardProd(in, write))))
				h = must(g.HadamardProd(out, must(g.Tanh(cell))))
				p := must(g.SoftMax(must(g.Add(must(g.Mul(decode, h)), bias))))
				loss := must(g.Slice(must(g.Neg(must(g.Log(p)))), g.S(text[i+1])))
				if cost == nil {
					cost = loss
				} else {
					cost = must(g.Add(cost, loss))
				}
			}
			return cost, l.list
		}, rms},
		{"a stacked autoencoder with tied weights", func(l *stockLeaves) (*g.Node, g.Nodes) {
			x := l.between(0.1, 0.9).input(5, 8)
			l.between(-0.5, 0.5)
			w1, b1, back1 := l.of(8, 6), l.of(5, 6), l.of(5, 8)
			w2, b2, back2 := l.of(6, 4), l.of(5, 4), l.of(5, 6)
			code := func(x, w, b *g.Node) *g.Node { return must(g.Sigmoid(must(g.Add(must(g.Mul(x, w)), b)))) }
			reconstruct := func(w, x, b, of *g.Node) *g.Node {
				return must(g.Mean(must(g.BinaryXent(code(x, must(g.Transpose(w)), b), of))))
			}
			h1 := code(x, w1, b1)
			h2 := code(h1, w2, b2)
			return must(g.Add(reconstruct(w1, h1, back1, x), reconstruct(w2, h2, back2, h1))), l.list
		}, vanilla(0.1)},
	}
}

// trace trains for ten steps and notes the cost and all gradients of each.
func (p program) trace(t *testing.T, of64 bool, machine func(graph *g.ExprGraph, weights g.Nodes) g.VM) (trace [][]float64) {
	t.Helper()
	l := newStockLeaves(t, 1)
	l.of64 = of64
	cost, weights := p.build(l)
	var value g.Value
	g.Read(cost, &value)
	grads, err := g.Grad(cost, weights...)
	if err != nil {
		t.Fatal(err)
	}
	var next g.Nodes
	if p.solver == nil {
		for i, w := range weights {
			next = append(next, g.Must(g.Sub(w, g.Must(g.Mul(l.number(0.1), grads[i])))))
		}
	}
	m := machine(l.g, weights)
	defer m.Close()
	var solver g.Solver
	if p.solver != nil {
		solver = p.solver()
	}
	for range 10 {
		if err := m.RunAll(); err != nil {
			t.Fatal(err)
		}
		trace = append(trace, wide(value))
		for i, w := range weights {
			if next != nil { // a tape machine writes the update over the gradient that it is made of
				trace = append(trace, wide(next[i].Value()))
				continue
			}
			grad, err := w.Grad()
			if err != nil {
				t.Fatal(err)
			}
			trace = append(trace, wide(grad))
		}
		if solver != nil {
			if err := solver.Step(g.NodesToValueGrads(weights)); err != nil {
				t.Fatal(err)
			}
		}
		for i, w := range weights[:len(next)] {
			if err := m.(interface{ Set(a, b *g.Node) error }).Set(w, next[i]); err != nil {
				t.Fatal(err)
			}
		}
		m.Reset()
	}
	return trace
}

func wide(v g.Value) (out []float64) {
	switch d := v.Data().(type) {
	case float32:
		return []float64{float64(d)}
	case float64:
		return []float64{d}
	case []float32:
		for _, f := range d {
			out = append(out, float64(f))
		}
	case []float64:
		out = append(out, d...)
	default:
		panic(fmt.Sprintf("%T", d))
	}
	return out
}

func TestProgramsInTheMannerOfGorgoniasExamplesRunOnBothMachines(t *testing.T) {
	for _, p := range programs() {
		for _, of64 := range []bool{false, true} {
			t.Run(fmt.Sprint(p.name, map[bool]string{true: ", float64"}[of64]), func(t *testing.T) {
				want := p.trace(t, of64, func(graph *g.ExprGraph, weights g.Nodes) g.VM {
					if p.solver == nil {
						return g.NewTapeMachine(graph)
					}
					return g.NewTapeMachine(graph, g.BindDualValues(weights...))
				})
				for _, dual := range []bool{false, true} {
					got := p.trace(t, of64, func(graph *g.ExprGraph, weights g.Nodes) g.VM {
						if dual {
							return NewMachine(graph, g.BindDualValues(weights...))
						}
						return NewMachine(graph)
					})
					for i := range want {
						var d, n float64
						for j, v := range want[i] {
							d += (got[i][j] - v) * (got[i][j] - v)
							n += v * v
						}
						if e := math.Sqrt(d) / max(math.Sqrt(n), 1e-6); !(e < 1e-4) {
							per := len(want) / 10
							t.Fatalf("step %d, number %d of cost and gradients: differs by %.1e", i/per, i%per, e)
						}
					}
				}
			})
		}
	}
}
