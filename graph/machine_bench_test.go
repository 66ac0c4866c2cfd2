package graph

import (
	"errors"
	"math/rand/v2"
	"testing"

	g "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// convnet is the network of Gorgonia's example: three convolutions and two products, here without dropout. A step
// is one of training, without the solver's.
type convnet struct {
	graph      *g.ExprGraph
	cost       *g.Node
	learnables g.Nodes
	value      g.Value
}

func newConvnet(tb testing.TB, batch int) *convnet {
	tb.Helper()
	must, r := g.Must, rand.New(rand.NewPCG(1, 1))
	n := &convnet{graph: g.NewGraph()}
	weights := func(scale float32, shape ...int) *g.Node {
		data := make([]float32, product(shape))
		for i := range data {
			data[i] = scale * float32(r.NormFloat64())
		}
		w := g.NewTensor(n.graph, tensor.Float32, len(shape), g.WithShape(shape...), g.WithName(dims(shape)),
			g.WithValue(tensor.New(tensor.WithShape(shape...), tensor.WithBacking(data))))
		n.learnables = append(n.learnables, w)
		return w
	}
	input := func(shape ...int) *g.Node {
		x := weights(1, shape...)
		n.learnables = n.learnables[:len(n.learnables)-1]
		return x
	}
	x, y := input(batch, 1, 28, 28), input(batch, 10)
	targets := y.Value().Data().([]float32)
	clear(targets)
	for i := range batch {
		targets[i*10+i%10] = 1
	}
	layer := func(x *g.Node, filters int) *g.Node {
		c := x.Shape()[1]
		x = must(g.Conv2d(x, weights(0.1, filters, c, 3, 3), tensor.Shape{3, 3}, []int{1, 1}, []int{1, 1}, []int{1, 1}))
		return must(g.MaxPool2D(must(g.Rectify(x)), tensor.Shape{2, 2}, []int{0, 0}, []int{2, 2}))
	}
	x = layer(layer(layer(x, 32), 64), 128)
	x = must(g.Reshape(x, tensor.Shape{batch, 128 * 3 * 3}))
	x = must(g.Rectify(must(g.Mul(x, weights(0.03, 128*3*3, 625)))))
	out := must(g.SoftMax(must(g.Mul(x, weights(0.05, 625, 10)))))
	n.cost = must(g.Neg(must(g.Mean(must(g.HadamardProd(must(g.Log(out)), y))))))
	g.Read(n.cost, &n.value)
	if _, err := g.Grad(n.cost, n.learnables...); err != nil {
		tb.Fatal(err)
	}
	return n
}

func BenchmarkConvnet(b *testing.B) {
	const batch = 64
	b.Run("tape machine", func(b *testing.B) {
		n := newConvnet(b, batch)
		benchmarkVM(b, g.NewTapeMachine(n.graph, g.BindDualValues(n.learnables...)))
	})
	b.Run("machine", func(b *testing.B) { benchmarkVM(b, NewMachine(newConvnet(b, batch).graph)) })
	b.Run("builder", func(b *testing.B) {
		params := NewParams()
		net := NewBuilder(params, Train)
		image, labels := net.Input("x", batch, 1, 28, 28), net.Input("labels", batch)
		x := image
		for i, filters := range []int{32, 64, 128} {
			x = net.MaxPool(net.ReLU(net.Conv(x, []string{"0", "1", "2"}[i], filters, 3, Same(), NoBias())), 2)
		}
		x = net.ReLU(net.Dense(net.Flatten(x), "3", 625, NoBias()))
		loss := net.CrossEntropy(net.Dense(x, "4", 10, NoBias()), labels, 0)
		grads, err := net.Grads(loss)
		if err != nil {
			b.Fatal(err)
		}
		s, err := Compile(net, append([]*g.Node{loss}, grads...), Config{})
		if err != nil {
			b.Fatal(err)
		}
		params.Init(1)
		if err := errors.Join(s.Bind(image, make([]float32, batch*28*28)), s.Bind(labels, make([]float32, batch))); err != nil {
			b.Fatal(err)
		}
		r := rand.New(rand.NewPCG(1, 1))
		for i := range s.nodes[image].bound {
			s.nodes[image].bound[i] = float32(r.NormFloat64())
		}
		if err := s.Run(); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if err := s.Run(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func benchmarkVM(b *testing.B, m g.VM) {
	b.Helper()
	defer m.Close()
	b.ReportAllocs()
	if err := m.RunAll(); err != nil { // compiles, and touches all memory for the first time
		b.Fatal(err)
	}
	m.Reset()
	for b.Loop() {
		if err := m.RunAll(); err != nil {
			b.Fatal(err)
		}
		m.Reset()
	}
}

// A run allocates a little for what it leaves, and nothing for the layers.
func TestRunsOfAMachineAllocateNothingForTheLayers(t *testing.T) {
	skipUnderRace(t)
	allocations := func(layers int) float64 {
		graph, r := g.NewGraph(), rand.New(rand.NewPCG(1, 1))
		leaf := func(shape ...int) *g.Node {
			data := make([]float32, product(shape))
			for i := range data {
				data[i] = float32(r.NormFloat64()) / 8
			}
			return g.NewTensor(graph, tensor.Float32, len(shape), g.WithShape(shape...), g.WithName(dims([]int{r.IntN(1 << 40)})),
				g.WithValue(tensor.New(tensor.WithShape(shape...), tensor.WithBacking(data))))
		}
		x, learnables := leaf(4, 8, 6, 6), g.Nodes{}
		for range layers {
			w := leaf(8, 8, 3, 3)
			x = g.Must(g.Rectify(g.Must(g.Conv2d(x, w, tensor.Shape{3, 3}, []int{1, 1}, []int{1, 1}, []int{1, 1}))))
			learnables = append(learnables, w)
		}
		x = g.Must(g.Reshape(x, tensor.Shape{4, 8 * 36}))
		for range layers {
			w := leaf(8*36, 8*36)
			x = g.Must(g.Sigmoid(g.Must(g.Mul(x, w))))
			learnables = append(learnables, w)
		}
		cost := g.Must(g.Mean(g.Must(g.Square(x))))
		if _, err := g.Grad(cost, learnables...); err != nil {
			t.Fatal(err)
		}
		m := NewMachine(graph)
		defer m.Close()
		run := func() {
			if err := m.RunAll(); err != nil {
				t.Fatal(err)
			}
		}
		run()
		return testing.AllocsPerRun(5, run)
	}
	few, many := allocations(1), allocations(6)
	if many > few || few > 40 {
		t.Errorf("%v allocations a run with 2 layers, %v with 12", few, many)
	}
}
