package graph

import (
	"math"
	"slices"
	"testing"

	g "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// spelledLosses are ways to write a loss; others are not, or keep their parts.
func spelledLosses() (crossEntropies, squares, others []stockCase) {
	must := g.Must
	probs := func(l *stockLeaves) *g.Node { return must(g.SoftMax(must(g.Mul(l.of(4, 5), l.of(5, 3))))) }
	target := func(l *stockLeaves) *g.Node { return l.between(0.1, 0.9).input(4, 3) }
	to := func(list *[]stockCase) func(name string, build func(l *stockLeaves) *g.Node) {
		return func(name string, build func(l *stockLeaves) *g.Node) {
			*list = append(*list, stockCase{name: name, build: build})
		}
	}
	add := to(&crossEntropies)
	add("the negative mean of log·target", func(l *stockLeaves) *g.Node {
		return must(g.Neg(must(g.Mean(must(g.HadamardProd(must(g.Log(probs(l))), target(l)))))))
	})
	add("the mean over rows of the negative sum of target·log", func(l *stockLeaves) *g.Node {
		p := probs(l)
		return must(g.Mean(must(g.Neg(must(g.Sum(must(g.HadamardProd(target(l), must(g.Log(p)))), 1))))))
	})
	add("the sum of target·(-log), divided by the rows", func(l *stockLeaves) *g.Node {
		p := probs(l)
		return must(g.Div(must(g.Sum(must(g.HadamardProd(target(l), must(g.Neg(must(g.Log(p)))))))), l.number(4)))
	})
	add("a half of the sum of (-target)·log softmax", func(l *stockLeaves) *g.Node {
		p := must(g.LogSoftMax(must(g.Mul(l.of(4, 5), l.of(5, 3)))))
		return must(g.Mul(l.number(0.5), must(g.Sum(must(g.HadamardProd(must(g.Neg(target(l))), p))))))
	})
	add("weights of the classes' numbers, then sums of columns and of rows", func(l *stockLeaves) *g.Node {
		p := probs(l)
		columns := must(g.Sum(must(g.HadamardProd(must(g.HadamardProd(l.number(-3), must(g.Log(p)))), target(l))), 0))
		return must(g.Sum(columns))
	})
	add("one row", func(l *stockLeaves) *g.Node {
		return must(g.Neg(must(g.Sum(must(g.HadamardProd(must(g.Log(must(g.SoftMax(l.of(5))))), l.between(0, 1).input(5)))))))
	})
	add("rows in three dimensions", func(l *stockLeaves) *g.Node {
		p := must(g.SoftMax(l.of(2, 3, 4), 2))
		return must(g.Neg(must(g.Mean(must(g.HadamardProd(must(g.Log(p)), l.between(0, 1).input(2, 3, 4)))))))
	})
	add("beside a penalty of the weights", func(l *stockLeaves) *g.Node {
		x, w := l.of(4, 5), l.of(5, 3)
		p := must(g.SoftMax(must(g.Mul(x, w))))
		loss := must(g.Neg(must(g.Mean(must(g.HadamardProd(must(g.Log(p)), target(l)))))))
		return must(g.Add(loss, must(g.Mul(l.number(0.01), must(g.Sum(must(g.Square(w))))))))
	})
	add("probabilities that another term of the cost reads", func(l *stockLeaves) *g.Node {
		p := probs(l)
		loss := must(g.Neg(must(g.Mean(must(g.HadamardProd(must(g.Log(p)), target(l)))))))
		return must(g.Add(loss, must(g.Sum(must(g.Cube(p))))))
	})
	add("a target for all rows", func(l *stockLeaves) *g.Node {
		p := must(g.Log(probs(l)))
		return must(g.Neg(must(g.Mean(must(g.BroadcastHadamardProd(p, l.between(0, 1).input(1, 3), nil, []byte{0}))))))
	})

	add = to(&squares)
	add("the mean of squares", func(l *stockLeaves) *g.Node {
		return must(g.Mean(must(g.Square(must(g.Sub(l.of(4, 3), l.input(4, 3)))))))
	})
	add("the sum of squares of a difference to a prediction", func(l *stockLeaves) *g.Node {
		return must(g.Sum(must(g.Square(must(g.Sub(l.input(4, 3), l.of(4, 3)))))))
	})
	add("a half of the mean of products, both sides trained", func(l *stockLeaves) *g.Node {
		d := must(g.Sub(l.of(2, 3, 4), l.of(2, 3, 4)))
		return must(g.Div(must(g.Mean(must(g.HadamardProd(d, d)))), l.number(2)))
	})
	add("the mean over rows of sums of powers", func(l *stockLeaves) *g.Node {
		d := must(g.Sub(l.between(2, 3).of(4, 3), l.between(0, 1).input(4, 3)))
		return must(g.Mean(must(g.Sum(must(g.Pow(d, l.number(2))), 1))))
	})
	add("of vectors, and of a scaled difference", func(l *stockLeaves) *g.Node {
		return must(g.Mean(must(g.Square(must(g.Mul(l.number(-3), must(g.Sub(l.of(7), l.input(7)))))))))
	})

	add("of a matrix and a row", func(l *stockLeaves) *g.Node {
		d := must(g.BroadcastSub(l.of(4, 3), l.of(1, 3), nil, []byte{0}))
		return must(g.Mean(must(g.Square(d))))
	})

	add = to(&others)
	add("of scalars", func(l *stockLeaves) *g.Node { return must(g.Square(must(g.Sub(l.of(), l.of())))) })
	add("targets that are trained", func(l *stockLeaves) *g.Node {
		return must(g.Neg(must(g.Mean(must(g.HadamardProd(must(g.Log(probs(l))), l.between(0.1, 0.9).of(4, 3)))))))
	})
	add("probabilities of columns", func(l *stockLeaves) *g.Node {
		p := must(g.SoftMax(l.of(4, 3), 0))
		return must(g.Neg(must(g.Mean(must(g.HadamardProd(must(g.Log(p)), target(l)))))))
	})
	add("a difference to one number", func(l *stockLeaves) *g.Node {
		return must(g.Mean(must(g.Square(must(g.Sub(l.of(4, 3), l.of()))))))
	})
	return crossEntropies, squares, others
}

func TestASpelledLossIsOneOp(t *testing.T) {
	crossEntropies, squares, others := spelledLosses()
	for kind, cases := range map[string][]stockCase{"cross-entropy": crossEntropies, "mean squared error": squares, "": others} {
		for _, c := range cases {
			t.Run(kind+", "+c.name, func(t *testing.T) {
				c.compare(t)
				r := c.make(t, false)
				list, err := NewMachine(r.g).Nodes()
				if err != nil {
					t.Fatal(err)
				}
				var found []string
				for _, n := range list {
					if n.As == "cross-entropy" || n.As == "mean squared error" {
						found = append(found, n.As)
					}
				}
				want := []string{kind}
				if kind == "" {
					want = nil
				}
				if !slices.Equal(found, want) {
					t.Errorf("the machine runs %q as one op, want %q", found, want)
				}
			})
		}
	}
}

// A user who reads what a network says beside its loss gets it, with Read or without: the logarithm, which is what
// Gorgonia makes of a softmax whose logarithm is taken.
func TestWhatASpelledLossIsMadeOfIsLeftAtItsNode(t *testing.T) {
	must := g.Must
	for _, trained := range []bool{true, false} {
		for _, read := range []bool{true, false} {
			l := newStockLeaves(t, 1)
			x := l.of(2, 3)
			copy(x.Value().Data().([]float32), []float32{0, float32(math.Log(2)), float32(math.Log(5)), 100, 0, -100})
			soft := must(g.SoftMax(x))
			y := l.input(2, 3)
			copy(y.Value().Data().([]float32), []float32{0, 1, 0, 0, 1, 0})
			cost := must(g.Neg(must(g.Mean(must(g.HadamardProd(must(g.Log(soft)), y))))))
			var value g.Value
			if read {
				g.Read(soft, &value)
			}
			if trained {
				if _, err := g.Grad(cost, x); err != nil {
					t.Fatal(err)
				}
			}
			m := NewMachine(l.g)
			if err := m.RunAll(); err != nil {
				t.Fatal(err)
			}
			if !read {
				value = soft.Value()
			}
			if got := numbers(t, value); farApart(got, []float32{-2.0794415, -1.3862944, -0.4700036, 0, -100, -200}) > 1e-6 {
				t.Errorf("trained %v, read %v: %v", trained, read, got)
			}
			// In float32 the probability of the second row's target is 0, and its logarithm infinite.
			if got := numbers(t, cost.Value())[0]; math.Abs(float64(got)-(math.Log(4)+100)/6) > 1e-5 {
				t.Errorf("trained %v, read %v: cost %v", trained, read, got)
			}
			if trained {
				grad, err := x.Grad()
				if err != nil {
					t.Fatal(err)
				}
				want := []float32{0.125 / 6, -0.75 / 6, 0.625 / 6, 1. / 6, -1. / 6, 0}
				if got := numbers(t, grad); farApart(got, want) > 1e-6 {
					t.Errorf("gradient %v, want %v", got, want)
				}
			}
			if shape := soft.Value().Shape(); !shape.Eq(tensor.Shape{2, 3}) {
				t.Errorf("a value of the shape %v", shape)
			}
		}
	}
}
