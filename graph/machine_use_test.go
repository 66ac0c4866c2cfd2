package graph

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	g "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

func runMachine(t *testing.T, m *Machine) {
	t.Helper()
	if err := m.RunAll(); err != nil {
		t.Fatal(err)
	}
}

// wildStock draws a graph of stock ops at random. Values are read by several nodes.
func wildStock(l *stockLeaves, seed uint64) *g.Node {
	r, must := rand.New(rand.NewPCG(seed, 9)), g.Must
	l.between(-0.9, 0.9)
	maps := g.Nodes{l.of(2, 3, 4, 4)}
	rows := g.Nodes{l.of(2, 6)}
	pick := func(from g.Nodes) *g.Node { return from[max(0, len(from)-1-r.IntN(3))] }
	for range 4 + r.IntN(6) {
		x := pick(maps)
		switch r.IntN(9) {
		case 0:
			x = must(g.Conv2d(x, l.of(3, 3, 3, 3), tensor.Shape{3, 3}, []int{1, 1}, []int{1, 1}, []int{1, 1}))
		case 1:
			x = must(g.Rectify(x))
		case 2:
			x = must(g.Add(x, pick(maps)))
		case 3:
			x = must(g.HadamardProd(must(g.Tanh(x)), pick(maps)))
		case 4:
			x = must(g.MaxPool2D(x, tensor.Shape{3, 3}, []int{1, 1}, []int{1, 1}))
		case 5:
			x = must(g.BroadcastAdd(x, l.of(1, 3, 1, 1), nil, []byte{0, 2, 3}))
		case 6:
			x = must(g.Transpose(must(g.Transpose(x, 0, 2, 3, 1)), 0, 3, 1, 2))
		case 7:
			x = must(g.LeakyRelu(x, 0.2))
		case 8:
			c := must(g.Concat(1, x, pick(maps)))
			x = must(g.Conv2d(c, l.of(3, 6, 1, 1), tensor.Shape{1, 1}, []int{0, 0}, []int{1, 1}, []int{1, 1}))
		}
		maps = append(maps, x)
	}
	for range 3 + r.IntN(6) {
		x := pick(rows)
		switch r.IntN(8) {
		case 0:
			x = must(g.Mul(x, l.of(6, 6)))
		case 1:
			x = must(g.Sigmoid(x))
		case 2:
			x = must(g.Sub(x, pick(rows)))
		case 3:
			x = must(g.HadamardDiv(x, must(g.Add(must(g.Square(pick(rows))), l.number(1)))))
		case 4:
			x = must(g.BroadcastAdd(x, l.of(1, 6), nil, []byte{0}))
		case 5:
			x = must(g.SoftMax(x))
		case 6:
			x = must(g.BroadcastHadamardProd(x, must(g.Reshape(must(g.Mean(x, 1)), tensor.Shape{2, 1})), nil, []byte{1}))
		case 7:
			x = must(g.Concat(1, must(g.Slice(x, nil, g.S(2, 6))), must(g.Slice(pick(rows), nil, g.S(0, 2)))))
		}
		rows = append(rows, x)
	}
	sum := must(g.Mean(must(g.Tanh(rows[len(rows)-1]))))
	for _, x := range append(slices.Clone(maps), rows[:len(rows)-1]...) {
		sum = must(g.Add(sum, must(g.Mean(must(g.Sigmoid(x))))))
	}
	return sum
}

func TestRandomGraphsOfStockOpsMatchTheTapeMachine(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			c := stockCase{name: "random", build: func(l *stockLeaves) *g.Node { return wildStock(l, seed) }}
			ours, tape := c.make(t, false), c.make(t, false)
			value, grads := ours.runOn(NewMachine(ours.g))
			want, wantGrads := tape.runOn(g.NewTapeMachine(tape.g, g.BindDualValues(tape.list...)))
			if e := farApart(value, want); !(e < 1e-5) {
				t.Errorf("value differs by %.1e", e)
			}
			var slopes [][]float32
			for i := range grads {
				if farApart(grads[i], wantGrads[i]) < 1e-4 {
					continue
				}
				// One of the two is wrong.
				if slopes == nil {
					slopes = c.slopes(t)
				}
				if e := farApart(grads[i], slopes[i]); !(e < 1e-3) {
					t.Errorf("gradient %d differs by %.1e from the tape machine's and by %.1e from finite differences", i, farApart(grads[i], wantGrads[i]), e)
				}
			}
		})
	}
}

func TestAMachineLeavesValuesAtNodes(t *testing.T) {
	l := newStockLeaves(t, 1)
	must := g.Must
	x, w := l.input(2, 2, 4, 4), l.of(3, 2, 3, 3)
	maps := must(g.Conv2d(x, w, tensor.Shape{3, 3}, []int{1, 1}, []int{1, 1}, []int{1, 1}))
	relu := must(g.Rectify(maps))
	flat := must(g.Reshape(relu, tensor.Shape{2, 48}))
	hidden := must(g.Mul(flat, l.of(48, 5)))
	out := must(g.SoftMax(hidden))
	cost := must(g.Mean(out))
	if _, err := g.Grad(cost, l.list...); err != nil {
		t.Fatal(err)
	}
	m := NewMachine(l.g)
	runMachine(t, m)
	for name, n := range map[string]*g.Node{"rows": flat, "hidden": hidden, "out": out, "cost": cost} {
		if n.Value() == nil || !n.Value().Shape().Eq(n.Shape()) {
			t.Errorf("%s has the value %v", name, n.Value())
		}
	}
	if maps.Value() != nil || relu.Value() != nil {
		t.Error("feature maps that only layers read are left at their nodes")
	}
	if err := m.Keep(maps); err != nil {
		t.Fatal(err)
	}
	runMachine(t, m)
	if v := maps.Value(); v == nil || slices.Min(numbers(t, v)) >= 0 {
		t.Errorf("a map that is kept has the value %v: those before the ReLU were wanted", v)
	}
	if relu.Value() != nil {
		t.Error("a map that nobody asked for is left at its node")
	}
}

// At exactly 0 a rectifier has no slope. Gorgonia takes the one above, ours the one below, as PyTorch does; the
// values are the same.
func TestARectifiersSlopeAtZeroIsThatBelow(t *testing.T) {
	for _, c := range []struct {
		name       string
		f          func(*g.Node) (*g.Node, error)
		tape, ours []float32
	}{
		{"rectify", g.Rectify, []float32{3, 0, 3}, []float32{0, 0, 3}},
		{"leaky rectify", func(x *g.Node) (*g.Node, error) { return g.LeakyRelu(x, 0.5) }, []float32{3, 1.5, 3}, []float32{1.5, 1.5, 3}},
	} {
		for _, tape := range []bool{true, false} {
			graph := g.NewGraph()
			x := g.NewVector(graph, g.Float32, g.WithShape(3), g.WithName("x"), g.WithValue(tensor.New(tensor.WithBacking([]float32{0, -1, 1}))))
			cost := g.Must(g.Sum(g.Must(g.Mul(g.Must(c.f(x)), g.NewConstant(float32(3))))))
			if _, err := g.Grad(cost, x); err != nil {
				t.Fatal(err)
			}
			var m g.VM = NewMachine(graph)
			want := c.ours
			if tape {
				m, want = g.NewTapeMachine(graph), c.tape
			}
			if err := m.RunAll(); err != nil {
				t.Fatal(err)
			}
			grad, err := x.Grad()
			if err != nil {
				t.Fatal(err)
			}
			if got := numbers(t, grad); !slices.Equal(got, want) {
				t.Errorf("%s, tape %v: gradient %v, want %v", c.name, tape, got, want)
			}
			m.Close()
		}
	}
}

// Gradients that are one value have memory of their own each, as solvers write into them, and so have a value and what
// passes it on. With dual values a gradient grows until it is set to zero.
func TestGradientsAreTheLeavesOwn(t *testing.T) {
	leaves := func() (graph *g.ExprGraph, x, y, cost *g.Node) {
		graph = g.NewGraph()
		leaf := func(name string) *g.Node {
			return g.NewVector(graph, g.Float32, g.WithShape(2), g.WithName(name), g.WithValue(tensor.New(tensor.WithBacking([]float32{1, 2}))))
		}
		x, y = leaf("x"), leaf("y")
		cost = g.Must(g.Sum(g.Must(g.HadamardProd(g.Must(g.Add(x, y)), g.NewConstant(tensor.New(tensor.WithBacking([]float32{5, 7})))))))
		if _, err := g.Grad(cost, x, y); err != nil {
			t.Fatal(err)
		}
		return graph, x, y, cost
	}
	gradient := func(n *g.Node) []float32 {
		v, err := n.Grad()
		if err != nil {
			t.Fatal(err)
		}
		return numbers(t, v)
	}
	graph, x, y, _ := leaves()
	m := NewMachine(graph)
	for range 2 {
		runMachine(t, m)
		clear(gradient(x))
		if got := gradient(y); !slices.Equal(got, []float32{5, 7}) {
			t.Errorf("y's gradient is %v after x's was cleared", got)
		}
	}
	graph, x, y, _ = leaves()
	m = NewMachine(graph, g.BindDualValues(x))
	for run := range 3 {
		if run == 2 {
			clear(gradient(x))
		}
		runMachine(t, m)
		want := [][]float32{{5, 7}, {10, 14}, {5, 7}}[run]
		if got := gradient(x); !slices.Equal(got, want) {
			t.Errorf("run %d: x's gradient is %v, want %v", run, got, want)
		}
		if got := gradient(y); !slices.Equal(got, []float32{5, 7}) {
			t.Errorf("run %d: y's gradient is %v, which does not grow", run, got)
		}
	}
}

// What a caller writes into a result changes neither what it is a view of nor the leaf that it passes on.
func TestResultsHaveMemoryOfTheirOwn(t *testing.T) {
	l := newStockLeaves(t, 1)
	x := l.of(2, 3)
	y := g.Must(g.Tanh(x))
	turned := g.Must(g.Reshape(y, tensor.Shape{3, 2}))
	passed := g.Must(g.Dropout(x, 0.5))
	m := NewMachine(l.g, g.EvalMode())
	if err := m.Keep(y, turned, passed); err != nil {
		t.Fatal(err)
	}
	before := slices.Clone(numbers(t, x.Value()))
	runMachine(t, m)
	want := slices.Clone(numbers(t, y.Value()))
	if !slices.Equal(numbers(t, turned.Value()), want) || !slices.Equal(numbers(t, passed.Value()), before) {
		t.Errorf("%v and %v, want %v and %v", turned.Value(), passed.Value(), want, before)
	}
	clear(numbers(t, turned.Value()))
	clear(numbers(t, passed.Value()))
	if !slices.Equal(numbers(t, y.Value()), want) || !slices.Equal(numbers(t, x.Value()), before) {
		t.Errorf("now %v and %v, want %v and %v", y.Value(), x.Value(), want, before)
	}
}

func TestTrainingIsSwitchedByTheOps(t *testing.T) {
	l := newStockLeaves(t, 1)
	x := l.input(8, 64)
	dropped := g.Must(g.Dropout(x, 0.25))
	normed, _, _, norm, err := g.BatchNorm(dropped, l.of(1, 64), l.of(1, 64), 0.1, 1e-3)
	if err != nil {
		t.Fatal(err)
	}
	cost := g.Must(g.Mean(g.Must(g.Square(normed))))
	if _, err := g.Grad(cost, l.list...); err != nil {
		t.Fatal(err)
	}
	m := NewMachine(l.g)
	zeros := func() int {
		runMachine(t, m)
		n := 0
		for _, v := range numbers(t, dropped.Value()) {
			if v == 0 {
				n++
			}
		}
		return n
	}
	first := zeros()
	masked := slices.Clone(numbers(t, dropped.Value()))
	if second := zeros(); math.Abs(float64(first)-128) > 50 || math.Abs(float64(second)-128) > 50 || slices.Equal(masked, numbers(t, dropped.Value())) {
		t.Errorf("%d and %d of 512 elements are dropped in training, about 128 were expected, others each time", first, second)
	}
	mean, _ := norm.Stats()
	if slices.Equal(numbers(t, mean), make([]float32, 64)) {
		t.Error("the running statistics of the op have not moved")
	}
	for _, n := range l.g.AllNodes() {
		if o, ok := n.Op().(g.TrainModeOp); ok {
			if err := o.SetTraining(false); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := zeros(); n != 0 {
		t.Errorf("%d elements are dropped in evaluation", n)
	}
	before := slices.Clone(numbers(t, mean))
	runMachine(t, m)
	if !slices.Equal(before, numbers(t, mean)) {
		t.Error("the running statistics move in evaluation")
	}
	x0, m0, b0 := numbers(t, x.Value())[0], before[0], l.list[1].Value().(*tensor.Dense).Float32s()[0]
	_, variance := norm.Stats()
	want := float64(l.list[0].Value().(*tensor.Dense).Float32s()[0])*float64(x0-m0)/math.Sqrt(float64(numbers(t, variance)[0])+1e-3) + float64(b0)
	if got := float64(numbers(t, normed.Value())[0]); math.Abs(got-want) > 1e-4 {
		t.Errorf("batch norm gives %v in evaluation, want %v", got, want)
	}
	evaluation := NewMachine(l.g, g.EvalMode())
	runMachine(t, evaluation)
	if !slices.Equal(numbers(t, dropped.Value()), numbers(t, x.Value())) {
		t.Error("EvalMode leaves dropout on")
	}
}

func TestSecondDerivativesKeepGorgoniasOwnNodes(t *testing.T) {
	build := func() (*stockLeaves, *g.Node, *g.Node) {
		l := newStockLeaves(t, 1)
		x, w := l.of(3, 4), l.of(4, 2)
		y := g.Must(g.Sum(g.Must(g.Tanh(g.Must(g.Mul(x, w))))))
		grads, err := g.Grad(y, x, w)
		if err != nil {
			t.Fatal(err)
		}
		penalty := g.Must(g.Sum(g.Must(g.Square(grads[0]))))
		return l, y, g.Must(g.Add(y, penalty))
	}
	l, y, total := build()
	runMachine(t, NewMachine(l.g))
	tape, tapeY, tapeTotal := build()
	m := g.NewTapeMachine(tape.g)
	defer m.Close()
	if err := m.RunAll(); err != nil {
		t.Fatal(err)
	}
	for _, p := range [][2]*g.Node{{y, tapeY}, {total, tapeTotal}} {
		if e := farApart(numbers(t, p[0].Value()), numbers(t, p[1].Value())); e > 1e-5 {
			t.Errorf("differs by %.1e", e)
		}
	}
}

func TestForeignOpsIntegersAndRandomNumbersRunThroughTheirOwnDo(t *testing.T) {
	l := newStockLeaves(t, 1)
	table := l.of(5, 3)
	which := g.NodeFromAny(l.g, tensor.New(tensor.WithBacking([]int{3, 0, 3})), g.WithName("which"))
	rows := g.Must(g.ByIndices(table, which, 0))
	noise := g.UniformRandomNode(l.g, tensor.Float32, 0, 1, 3, 3)
	sum := g.Must(g.Add(rows, noise))
	m := NewMachine(l.g)
	runMachine(t, m)
	first := slices.Clone(numbers(t, sum.Value()))
	all := numbers(t, table.Value())
	if got, want := numbers(t, rows.Value()), slices.Concat(all[9:12], all[0:3], all[9:12]); !slices.Equal(got, want) {
		t.Errorf("rows %v, want %v", got, want)
	}
	runMachine(t, m)
	if slices.Equal(first, numbers(t, sum.Value())) {
		t.Error("random numbers are the same in a second run")
	}
	list, err := m.Nodes()
	if err != nil {
		t.Fatal(err)
	}
	native := map[*g.Node]bool{}
	for _, n := range list {
		native[n.Node] = n.Native
	}
	if native[rows] || native[noise] || !native[sum] {
		t.Errorf("native: rows %v, noise %v, sum %v; want false, false, true", native[rows], native[noise], native[sum])
	}
}

func TestAResultCanBeFedBack(t *testing.T) {
	l := newStockLeaves(t, 1)
	h, w := l.between(-0.5, 0.5).of(2, 6), l.of(6, 6)
	next := g.Must(g.Tanh(g.Must(g.Mul(g.Must(g.Sigmoid(g.Must(g.Mul(h, w)))), w))))
	m := NewMachine(l.g)
	want := slices.Clone(numbers(t, h.Value()))
	step := func() {
		mul := func(x []float32) []float32 {
			out, weights := make([]float32, 12), numbers(t, w.Value())
			for i := range out {
				for k := range 6 {
					out[i] += x[i/6*6+k] * weights[k*6+i%6]
				}
			}
			return out
		}
		want = mul(want)
		for i, v := range want {
			want[i] = float32(1 / (1 + math.Exp(-float64(v))))
		}
		want = mul(want)
		for i, v := range want {
			want[i] = float32(math.Tanh(float64(v)))
		}
	}
	for range 4 {
		runMachine(t, m)
		step()
		if e := farApart(numbers(t, next.Value()), want); e > 1e-5 {
			t.Fatalf("differs by %.1e", e)
		}
		if err := g.Let(h, next.Value()); err != nil { // the machine's own memory
			t.Fatal(err)
		}
	}
}

func TestMachinesRunSideBySide(t *testing.T) {
	var wait sync.WaitGroup
	for i := range 4 {
		n := newConvnet(t, 2) // not side by side: Gorgonia counts its layers in a variable of its own
		wait.Go(func() {
			m := NewMachine(n.graph)
			defer m.Close()
			for range 3 {
				if err := m.RunAll(); err != nil {
					t.Error(i, err)
				}
				m.Reset()
			}
		})
	}
	wait.Wait()
}

func TestAMachineTrainsConvnetWithDropout(t *testing.T) {
	l := newStockLeaves(t, 1)
	must := g.Must
	x, y := l.input(6, 1, 8, 8), l.input(6, 3)
	targets := y.Value().(*tensor.Dense).Float32s()
	for i := range targets {
		targets[i] = 0
		if i%3 == i/3%3 {
			targets[i] = 1
		}
	}
	l.between(-0.4, 0.4)
	c := must(g.Rectify(must(g.Conv2d(x, l.of(8, 1, 3, 3), tensor.Shape{3, 3}, []int{1, 1}, []int{1, 1}, []int{1, 1}))))
	p := must(g.Dropout(must(g.MaxPool2D(c, tensor.Shape{2, 2}, []int{0, 0}, []int{2, 2})), 0.2))
	out := must(g.Mul(must(g.Reshape(p, tensor.Shape{6, 128})), l.of(128, 3)))
	cost := must(g.Neg(must(g.Mean(must(g.HadamardProd(must(g.LogSoftMax(out)), y))))))
	var value g.Value
	g.Read(cost, &value)
	if _, err := g.Grad(cost, l.list...); err != nil {
		t.Fatal(err)
	}
	m := NewMachine(l.g, g.BindDualValues(l.list...))
	defer m.Close()
	var costs []float32
	for _, solver := range []g.Solver{g.NewVanillaSolver(g.WithLearnRate(0.05)), g.NewAdamSolver(g.WithLearnRate(0.01)), g.NewMomentum(g.WithLearnRate(0.01))} {
		for range 25 {
			runMachine(t, m)
			costs = append(costs, float32(*value.(*g.F32)))
			if err := solver.Step(g.NodesToValueGrads(l.list)); err != nil {
				t.Fatal(err)
			}
			m.Reset()
		}
		if last := costs[len(costs)-1]; !(last < costs[0]/2) {
			t.Errorf("%T: the cost goes from %v to %v", solver, costs[0], last)
		}
	}
}

func TestMachinesReportWhatIsWrong(t *testing.T) {
	l := newStockLeaves(t, 1)
	x := g.NewMatrix(l.g, tensor.Float32, g.WithShape(2, 3), g.WithName("pixels"))
	y := g.Must(g.Log(x))
	for name, c := range map[string]struct {
		m    *Machine
		want string
	}{
		"no graph":        {NewMachine(nil), "no graph"},
		"no value":        {NewMachine(l.g), "pixels"},
		"a nil option":    {NewMachine(l.g, nil), "options"},
		"a wrong machine": {NewMachine(l.g, g.ExecuteFwdOnly()), "options"},
	} {
		if err := c.m.RunAll(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want one that says %q", name, err, c.want)
		}
		if err := c.m.Keep(nil); err == nil {
			t.Errorf("%s: nil is kept", name)
		}
	}
	if err := g.Let(x, tensor.New(tensor.WithShape(2, 3), tensor.WithBacking([]float32{1, 2, -1, 1, 1, 1}))); err != nil {
		t.Fatal(err)
	}
	for _, option := range []g.VMOpt{g.WithNaNWatch(), g.WithInfWatch()} {
		err := NewMachine(l.g, option).RunAll()
		x.Value().(*tensor.Dense).Float32s()[2] = 0 // log 0 is infinite
		if err == nil || !strings.Contains(err.Error(), "found in value") {
			t.Errorf("error is %v", err)
		}
	}
	if m := NewMachine(l.g); m.RunAll() != nil || y.Value() == nil {
		t.Error("without a watch the run fails")
	}
}
