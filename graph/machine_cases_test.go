package graph

import (
	"fmt"

	g "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// stockCases are Gorgonia's own ops, in odd shapes.
func stockCases() []stockCase {
	must := g.Must
	var cases []stockCase
	add := func(name string, build func(l *stockLeaves) *g.Node) *stockCase {
		cases = append(cases, stockCase{name: name, build: build})
		return &cases[len(cases)-1]
	}
	// Functions of one element.
	for _, f := range []struct {
		name      string
		f         func(*g.Node) (*g.Node, error)
		low, high float32
		plain     bool
	}{
		{"abs", g.Abs, -1, 1, false}, {"sign", g.Sign, -1, 1, true}, {"ceil", g.Ceil, -2, 2, true}, {"floor", g.Floor, -2, 2, true},
		{"sin", g.Sin, -3, 3, false}, {"cos", g.Cos, -3, 3, false}, {"exp", g.Exp, -2, 2, false}, {"log", g.Log, 0.2, 3, false},
		{"log2", g.Log2, 0.2, 3, false}, {"neg", g.Neg, -1, 1, false}, {"square", g.Square, -2, 2, false}, {"sqrt", g.Sqrt, 0.2, 3, false},
		{"inverse", g.Inverse, 0.3, 2, false}, {"inverse sqrt", g.InverseSqrt, 0.3, 2, false}, {"cube", g.Cube, -1, 2, false},
		{"tanh", g.Tanh, -2, 2, false}, {"sigmoid", g.Sigmoid, -3, 3, false}, {"log1p", g.Log1p, -0.5, 2, false}, {"expm1", g.Expm1, -1, 1, false},
		{"softplus", g.Softplus, -3, 3, false}, {"rectify", g.Rectify, -1, 1, false}, {"mish", g.Mish, -2, 2, false},
		{"leaky rectify", func(x *g.Node) (*g.Node, error) { return g.LeakyRelu(x, 0.1) }, -1, 1, false},
	} {
		wrong := f.name == "log2" || f.name == "inverse sqrt"
		c := add(f.name+" of a matrix", func(l *stockLeaves) *g.Node { return must(f.f(l.between(f.low, f.high).of(3, 5))) })
		c.plain, c.wrong = f.plain, wrong
		if !f.plain && f.name != "mish" && f.name != "rectify" && f.name != "leaky rectify" {
			add(f.name+" of a scalar", func(l *stockLeaves) *g.Node { return must(f.f(l.between(f.low, f.high).of())) }).wrong = wrong
		}
	}
	add("tanh of maps", func(l *stockLeaves) *g.Node { return must(g.Tanh(l.of(2, 5, 3, 2))) })
	add("rectify of maps", func(l *stockLeaves) *g.Node { return must(g.Rectify(l.of(2, 5, 3, 2))) })

	// Arithmetic.
	for _, f := range []struct {
		name string
		f    func(a, b *g.Node) (*g.Node, error)
		wide func(a, b *g.Node, left, right []byte) (*g.Node, error)
	}{
		{"add", g.Add, g.BroadcastAdd}, {"sub", g.Sub, g.BroadcastSub}, {"product", g.HadamardProd, g.BroadcastHadamardProd}, {"quotient", g.HadamardDiv, g.BroadcastHadamardDiv},
	} {
		positive := func(l *stockLeaves, shape ...int) *g.Node { return l.between(0.5, 2).of(shape...) }
		add(f.name+" of vectors", func(l *stockLeaves) *g.Node { return must(f.f(l.of(7), positive(l, 7))) })
		add(f.name+" of maps", func(l *stockLeaves) *g.Node { return must(f.f(l.of(2, 3, 2, 2), positive(l, 2, 3, 2, 2))) })
		add(f.name+" of scalars", func(l *stockLeaves) *g.Node { return must(f.f(l.of(), positive(l))) })
		add(f.name+" of a tensor and a scalar", func(l *stockLeaves) *g.Node { return must(f.f(l.of(3, 5), positive(l))) })
		add(f.name+" of a scalar and a tensor", func(l *stockLeaves) *g.Node { return must(f.f(l.of(), positive(l, 3, 5))) })
		add(f.name+" of a value and itself", func(l *stockLeaves) *g.Node { x := positive(l, 4, 3); return must(f.f(x, x)) })
		add(f.name+" with the right side repeated over rows", func(l *stockLeaves) *g.Node {
			return must(f.wide(l.of(4, 3), positive(l, 1, 3), nil, []byte{0}))
		})
		add(f.name+" with the left side repeated over columns", func(l *stockLeaves) *g.Node {
			return must(f.wide(l.of(4, 1), positive(l, 4, 3), []byte{1}, nil))
		})
		add(f.name+" with both sides repeated", func(l *stockLeaves) *g.Node {
			return must(f.wide(l.of(4, 1), positive(l, 1, 3), []byte{1}, []byte{0}))
		})
		add(f.name+" with a vector repeated over the columns of a matrix", func(l *stockLeaves) *g.Node {
			return must(f.wide(l.of(4, 3), positive(l, 4), nil, []byte{1}))
		})
	}
	add("power of tensors", func(l *stockLeaves) *g.Node { return must(g.Pow(l.between(0.5, 2).of(3, 4), l.of(3, 4))) })
	add("a constant power", func(l *stockLeaves) *g.Node { return must(g.Pow(l.between(0.5, 2).of(3, 4), l.number(3))) })
	add("channel bias of maps", func(l *stockLeaves) *g.Node {
		return must(g.BroadcastAdd(l.of(2, 3, 2, 2), l.of(1, 3, 1, 1), nil, []byte{0, 2, 3}))
	})
	add("one minus", func(l *stockLeaves) *g.Node { return must(g.Sub(l.number(1), l.of(3, 2))) })
	for name, f := range map[string]func(a, b *g.Node, same bool) (*g.Node, error){"less": g.Lt, "greater": g.Gt, "less or equal": g.Lte, "greater or equal": g.Gte} {
		add(name, func(l *stockLeaves) *g.Node { return must(f(l.of(3, 5), l.of(3, 5), true)) }).plain = true
		add(name+" than a number", func(l *stockLeaves) *g.Node { return must(f(l.of(3, 5), l.number(0.2), true)) }).plain = true
	}

	// Products.
	add("matrix product", func(l *stockLeaves) *g.Node { return must(g.Mul(l.of(3, 5), l.of(5, 4))) })
	add("large matrix product", func(l *stockLeaves) *g.Node { return must(g.Mul(l.of(21, 33), l.of(33, 18))) })
	add("matrix and vector", func(l *stockLeaves) *g.Node { return must(g.Mul(l.of(3, 5), l.of(5))) })
	add("vector and matrix", func(l *stockLeaves) *g.Node { return must(g.Mul(l.of(3), l.of(3, 5))) })
	add("row and matrix", func(l *stockLeaves) *g.Node { return must(g.Mul(l.of(1, 3), l.of(3, 5))) })
	add("vector and vector", func(l *stockLeaves) *g.Node { return must(g.Mul(l.of(6), l.of(6))) })
	add("outer product", func(l *stockLeaves) *g.Node { return must(g.OuterProd(l.of(3), l.of(4))) }).plain = true
	for _, transes := range [][]bool{{}, {true}, {false, true}, {true, true}} {
		a, b := []int{2, 3, 5}, []int{2, 5, 4}
		if len(transes) > 0 && transes[0] {
			a = []int{2, 5, 3}
		}
		if len(transes) > 1 && transes[1] {
			b = []int{2, 4, 5}
		}
		add(fmt.Sprint("batched product ", transes), func(l *stockLeaves) *g.Node { return must(g.BatchedMatMul(l.of(a...), l.of(b...), transes...)) })
	}
	add("batch of batches", func(l *stockLeaves) *g.Node { return must(g.BatchedMatMul(l.of(2, 2, 3, 2), l.of(2, 2, 2, 3))) })

	// Reductions.
	for _, axes := range [][]int{nil, {0}, {1}, {0, 1}} {
		add(fmt.Sprint("sum of a matrix over ", axes), func(l *stockLeaves) *g.Node { return must(g.Sum(l.of(3, 5), axes...)) })
		add(fmt.Sprint("mean of a matrix over ", axes), func(l *stockLeaves) *g.Node { return must(g.Mean(l.of(3, 5), axes...)) })
		add(fmt.Sprint("max of a matrix over ", axes), func(l *stockLeaves) *g.Node { return must(g.Max(l.of(3, 5), axes...)) })
	}
	for _, axes := range [][]int{{0}, {1}, {2}, {0, 1}, {1, 2}} {
		add(fmt.Sprint("sum of three dimensions over ", axes), func(l *stockLeaves) *g.Node { return must(g.Sum(l.of(2, 3, 4), axes...)) })
	}
	add("norm", func(l *stockLeaves) *g.Node { return must(g.Norm(l.of(3, 5), 1, 2)) })
	add("sum that keeps its sides", func(l *stockLeaves) *g.Node {
		return must(g.KeepDims(l.of(3, 5), false, func(a *g.Node) (*g.Node, error) { return g.Sum(a, 1) }))
	})

	// Shapes.
	add("reshape", func(l *stockLeaves) *g.Node { return must(g.Reshape(l.of(3, 4), tensor.Shape{2, 6})) })
	add("reshape of what is used again", func(l *stockLeaves) *g.Node {
		x := l.of(3, 4)
		return must(g.Add(must(g.Mul(must(g.Reshape(x, tensor.Shape{4, 3})), l.of(3, 4))), must(g.Mul(must(g.Transpose(x)), l.of(3, 4)))))
	})
	add("transpose", func(l *stockLeaves) *g.Node { return must(g.Transpose(l.of(3, 5))) })
	add("transpose of four dimensions", func(l *stockLeaves) *g.Node { return must(g.Transpose(l.of(2, 3, 4, 5), 0, 2, 3, 1)) })
	add("slice of rows", func(l *stockLeaves) *g.Node { return must(g.Slice(l.of(5, 3), g.S(1, 4))) })
	add("slice of one row", func(l *stockLeaves) *g.Node { return must(g.Slice(l.of(5, 3), g.S(2))) })
	add("slice of columns", func(l *stockLeaves) *g.Node { return must(g.Slice(l.of(4, 6), nil, g.S(1, 3))) })
	add("slice of every third row", func(l *stockLeaves) *g.Node { return must(g.Slice(l.of(8, 3), g.S(1, 7, 3))) })
	add("slice of every other element", func(l *stockLeaves) *g.Node { return must(g.Slice(l.of(7), g.S(0, 6, 2))) })
	add("slice of an element", func(l *stockLeaves) *g.Node { return must(g.Slice(l.of(5), g.S(3))) })
	add("concat of rows", func(l *stockLeaves) *g.Node { return must(g.Concat(0, l.of(2, 3), l.of(4, 3))) })
	add("concat of columns", func(l *stockLeaves) *g.Node { return must(g.Concat(1, l.of(2, 3), l.of(2, 2), l.of(2, 4))) })
	add("concat of maps", func(l *stockLeaves) *g.Node { return must(g.Concat(1, l.of(2, 3, 2, 2), l.of(2, 4, 2, 2))) })
	add("ravel", func(l *stockLeaves) *g.Node { return must(g.Ravel(l.of(2, 3))) })

	// Layers.
	conv := func(name string, x, w, pad, stride, dilation []int) {
		add(name, func(l *stockLeaves) *g.Node {
			return must(g.Conv2d(l.of(x...), l.of(w...), w[2:], pad, stride, dilation))
		})
	}
	conv("conv 3×3", []int{2, 3, 5, 6}, []int{4, 3, 3, 3}, []int{1, 1}, []int{1, 1}, []int{1, 1})
	conv("conv 2×3, stride 2×1, no padding", []int{1, 2, 6, 5}, []int{3, 2, 2, 3}, []int{0, 0}, []int{2, 1}, []int{1, 1})
	conv("conv 3×3, dilated", []int{1, 2, 7, 7}, []int{3, 2, 3, 3}, []int{2, 2}, []int{1, 1}, []int{2, 2})
	conv("conv 1×1", []int{2, 5, 3, 3}, []int{4, 5, 1, 1}, []int{0, 0}, []int{1, 1}, []int{1, 1})
	add("conv of one dimension", func(l *stockLeaves) *g.Node { return must(g.Conv1d(l.of(2, 3, 1, 8), l.of(4, 3, 1, 3), 3, 1, 1, 1)) })
	add("conv of an input", func(l *stockLeaves) *g.Node {
		return must(g.Conv2d(l.input(2, 1, 6, 6), l.of(4, 1, 3, 3), tensor.Shape{3, 3}, []int{1, 1}, []int{1, 1}, []int{1, 1}))
	})
	add("conv with a channel bias and rectify", func(l *stockLeaves) *g.Node {
		c := must(g.Conv2d(l.of(2, 2, 5, 5), l.of(3, 2, 3, 3), tensor.Shape{3, 3}, []int{1, 1}, []int{1, 1}, []int{1, 1}))
		return must(g.Rectify(must(g.BroadcastAdd(c, l.of(1, 3, 1, 1), nil, []byte{0, 2, 3}))))
	})
	add("max pool", func(l *stockLeaves) *g.Node {
		return must(g.MaxPool2D(l.of(2, 3, 6, 4), tensor.Shape{2, 2}, []int{0, 0}, []int{2, 2}))
	})
	add("max pool that overlaps and is padded", func(l *stockLeaves) *g.Node {
		return must(g.MaxPool2D(l.of(2, 3, 5, 7), tensor.Shape{3, 3}, []int{1, 1}, []int{2, 2}))
	})
	add("average pool", func(l *stockLeaves) *g.Node {
		return must(g.AveragePool2D(l.of(2, 3, 6, 4), tensor.Shape{2, 2}, []int{0, 0}, []int{2, 2}))
	}).wrong = true
	add("average pool of another width", func(l *stockLeaves) *g.Node {
		return must(g.AveragePool2D(l.of(2, 3, 5, 7), tensor.Shape{3, 3}, []int{1, 1}, []int{2, 2}))
	}).wrong = true
	add("global average pool", func(l *stockLeaves) *g.Node { return must(g.GlobalAveragePool2D(l.of(2, 3, 4, 3))) }).plain = true
	add("upsample", func(l *stockLeaves) *g.Node { return must(g.Upsample2D(l.of(1, 2, 3, 3), 2)) })
	add("batch norm of maps", func(l *stockLeaves) *g.Node {
		y, _, _, _, err := g.BatchNorm(l.of(3, 2, 3, 4), l.of(1, 2, 1, 1), l.of(1, 2, 1, 1), 0.1, 1e-3)
		return must(y, err)
	})
	add("batch norm of rows", func(l *stockLeaves) *g.Node {
		y, _, _, _, err := g.BatchNorm(l.of(6, 3), l.of(1, 3), l.of(1, 3), 0.1, 1e-3)
		return must(y, err)
	})
	add("batch norm with a scale for every element", func(l *stockLeaves) *g.Node {
		y, _, _, _, err := g.BatchNorm(l.of(3, 2, 3, 4), l.of(3, 2, 3, 4), l.of(3, 2, 3, 4), 0.1, 1e-3)
		return must(y, err)
	})
	add("softmax", func(l *stockLeaves) *g.Node { return must(g.SoftMax(l.of(3, 5))) })
	add("softmax of a vector", func(l *stockLeaves) *g.Node { return must(g.SoftMax(l.of(5))) })
	add("softmax of columns", func(l *stockLeaves) *g.Node { return must(g.SoftMax(l.of(3, 5), 0)) })
	add("log softmax", func(l *stockLeaves) *g.Node { return must(g.LogSoftMax(l.of(3, 5))) })
	add("softmax of a matrix's columns in one more dimension", func(l *stockLeaves) *g.Node { return must(g.SoftMax(l.of(3, 4, 1), 0)) })
	add("log of a softmax", func(l *stockLeaves) *g.Node { return must(g.Log(must(g.SoftMax(l.of(3, 5))))) })

	// Losses, as they are spelled.
	add("cross-entropy by the mean of a product", func(l *stockLeaves) *g.Node {
		p := must(g.SoftMax(l.of(4, 3)))
		return must(g.Neg(must(g.Mean(must(g.HadamardProd(must(g.Log(p)), l.between(0, 1).input(4, 3)))))))
	})
	add("cross-entropy by the sum of a negative", func(l *stockLeaves) *g.Node {
		p := must(g.SoftMax(l.of(4, 3)))
		return must(g.Sum(must(g.HadamardProd(must(g.Neg(must(g.Log(p)))), l.between(0, 1).input(4, 3)))))
	})
	add("mean squared error", func(l *stockLeaves) *g.Node {
		return must(g.Mean(must(g.Square(must(g.Sub(l.of(4, 3), l.input(4, 3)))))))
	})
	add("sigmoid and binary cross-entropy", func(l *stockLeaves) *g.Node {
		return must(g.Mean(must(g.BinaryXent(must(g.Sigmoid(l.of(4, 3))), l.between(0.1, 0.9).input(4, 3)))))
	})
	add("sigmoid of a product and binary cross-entropy, summed", func(l *stockLeaves) *g.Node {
		return must(g.Sum(must(g.BinaryXent(must(g.Sigmoid(must(g.Mul(l.of(4, 3), l.of(3, 2))))), l.between(0.1, 0.9).input(4, 2)))))
	})
	// What is used less.
	add("max pool of one dimension", func(l *stockLeaves) *g.Node { return must(g.MaxPool1D(l.of(2, 3, 1, 8), 2, 0, 2)) })
	add("average pool of one dimension", func(l *stockLeaves) *g.Node { return must(g.AveragePool1D(l.of(2, 3, 1, 8), 2, 0, 2)) })
	add("group norm", func(l *stockLeaves) *g.Node {
		return must(g.GroupNorm(l.of(2, 4, 3, 5), l.of(1, 4, 1, 1), l.of(1, 4, 1, 1), 2, 4, 1e-5))
	})
	add("image to columns", func(l *stockLeaves) *g.Node {
		return must(g.Im2Col(l.of(1, 2, 5, 6), tensor.Shape{3, 3}, tensor.Shape{1, 1}, tensor.Shape{1, 1}, tensor.Shape{1, 1}))
	})
	for name, f := range map[string]func(a, b *g.Node) (*g.Node, error){"larger of two": g.MaxBetween, "smaller of two": g.MinBetween} {
		add(name, func(l *stockLeaves) *g.Node { // nowhere alike, where it has no slope
			low, high := func() *g.Node { return l.between(-2, -1).of(2, 5) }, func() *g.Node { return l.between(1, 2).of(2, 5) }
			return must(f(must(g.Concat(0, low(), high())), must(g.Concat(0, high(), low()))))
		})
	}
	add("sum of a list", func(l *stockLeaves) *g.Node { return must(g.ReduceAdd(g.Nodes{l.of(3, 5), l.of(3, 5), l.of(3, 5)})) })
	add("sparsemax", func(l *stockLeaves) *g.Node { return must(g.Sparsemax(l.of(3, 5))) }).plain = true // its gradient is wrong by Gorgonia itself
	add("tensordot", func(l *stockLeaves) *g.Node { return must(g.Tensordot([]int{1}, []int{0}, l.of(3, 4), l.of(4, 2))) })
	add("tensordot of three dimensions", func(l *stockLeaves) *g.Node {
		return must(g.Tensordot([]int{1, 2}, []int{1, 0}, l.of(2, 3, 4), l.of(4, 3, 5)))
	})
	add("one part of several", func(l *stockLeaves) *g.Node {
		parts, err := g.Unconcat(l.of(3, 6), 1, 3)
		return must(parts[1], err)
	})
	add("unequal", func(l *stockLeaves) *g.Node { return must(g.Ne(l.of(3, 5), l.of(3, 5), true)) }).plain = true
	add("power with the right side repeated", func(l *stockLeaves) *g.Node {
		return must(g.BroadcastPow(l.between(0.5, 2).of(4, 3), l.of(1, 3), nil, []byte{0}))
	})
	add("greater with the left side repeated", func(l *stockLeaves) *g.Node {
		return must(g.BroadcastGt(l.of(1, 3), l.of(4, 3), true, []byte{0}, nil))
	}).plain = true
	add("sum with sides found", func(l *stockLeaves) *g.Node { return must(g.Auto(g.BroadcastAdd, l.of(4, 3), l.of(1, 3))) })
	return cases
}
