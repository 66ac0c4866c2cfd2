package graph

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// A stockCase builds a value out of stock ops and leaves.
type stockCase struct {
	name  string
	build func(l *stockLeaves) *gorgonia.Node
	wrong bool // Gorgonia's gradient is, by finite differences
	plain bool // has no gradient
}

// stockLeaves are a graph with its leaves, filled with numbers that differ from graph to graph in nothing.
type stockLeaves struct {
	t    *testing.T
	of64 bool // float64 rather than float32, for finite differences
	g    *gorgonia.ExprGraph
	r    *rand.Rand
	list gorgonia.Nodes // whose gradients are wanted
	low  float32
	high float32
}

func newStockLeaves(t *testing.T, seed uint64) *stockLeaves {
	return &stockLeaves{t: t, g: gorgonia.NewGraph(), r: rand.New(rand.NewPCG(seed, 3)), low: -1.5, high: 1.5}
}

// between sets the range of the leaves that follow.
func (l *stockLeaves) between(low, high float32) *stockLeaves {
	l.low, l.high = low, high
	return l
}

func (l *stockLeaves) fill(n int) []float32 {
	data := make([]float32, n)
	for i, k := range l.r.Perm(n) { // no two alike, none zero
		data[i] = l.low + (l.high-l.low)*(float32(k)+0.37)/float32(n)
	}
	return data
}

// of makes a leaf of that shape whose gradient is wanted.
func (l *stockLeaves) of(shape ...int) *gorgonia.Node {
	n := l.input(shape...)
	l.list = append(l.list, n)
	return n
}

// input makes a leaf that is not differentiated.
func (l *stockLeaves) input(shape ...int) *gorgonia.Node {
	name := fmt.Sprint("leaf", l.r.Uint64())
	data, dt := l.fill(product(shape)), tensor.Float32
	var backing any = data
	if l.of64 {
		wide := make([]float64, len(data))
		for i, v := range data {
			wide[i] = float64(v)
		}
		backing, dt = wide, tensor.Float64
	}
	if len(shape) == 0 {
		return gorgonia.NewScalar(l.g, dt, gorgonia.WithName(name), gorgonia.WithValue(reflect.ValueOf(backing).Index(0).Interface()))
	}
	v := tensor.New(tensor.WithShape(shape...), tensor.WithBacking(backing))
	return gorgonia.NewTensor(l.g, dt, len(shape), gorgonia.WithShape(shape...), gorgonia.WithName(name), gorgonia.WithValue(v))
}

// number makes a constant.
func (l *stockLeaves) number(v float64) *gorgonia.Node {
	if l.of64 {
		return gorgonia.NewConstant(v)
	}
	return gorgonia.NewConstant(float32(v))
}

// stockRun is a case with a cost that weighs every element of the value differently.
type stockRun struct {
	*stockLeaves
	y, cost *gorgonia.Node
	value   gorgonia.Value
}

func (c stockCase) make(t *testing.T, of64 bool) *stockRun {
	t.Helper()
	r := &stockRun{stockLeaves: newStockLeaves(t, 1)}
	r.of64 = of64
	r.y = c.build(r.stockLeaves)
	gorgonia.Read(r.y, &r.value)
	if c.plain {
		return r
	}
	if r.y.IsScalar() {
		r.cost = gorgonia.Must(gorgonia.Square(r.y))
	} else {
		r.cost = gorgonia.Must(gorgonia.Sum(gorgonia.Must(gorgonia.HadamardProd(r.y, r.between(-1, 1).input(r.y.Shape()...)))))
	}
	if of64 {
		return r
	}
	if _, err := gorgonia.Grad(r.cost, r.list...); err != nil {
		t.Fatal(err)
	}
	return r
}

// slopes are the gradients by central differences of a cost in float64.
func (c stockCase) slopes(t *testing.T) (grads [][]float32) {
	t.Helper()
	r := c.make(t, true)
	m := gorgonia.NewTapeMachine(r.g)
	defer m.Close()
	// Every run starts from the same values: a tape machine can write over a leaf that is reshaped.
	saved := map[*gorgonia.Node][]float64{}
	for _, n := range r.list {
		if d, ok := n.Value().Data().([]float64); ok {
			saved[n] = slices.Clone(d)
		}
	}
	cost := func() float64 {
		m.Reset()
		for n, d := range saved {
			copy(n.Value().Data().([]float64), d)
		}
		if err := m.RunAll(); err != nil {
			t.Fatal(err)
		}
		return float64(*r.cost.Value().(*gorgonia.F64))
	}
	for _, n := range r.list {
		var grad []float32
		set := func(i int, v float64) { saved[n][i] = v }
		get := func(i int) float64 { return saved[n][i] }
		size := n.Shape().TotalSize()
		if f, ok := n.Value().(*gorgonia.F64); ok {
			set = func(_ int, v float64) { *f = gorgonia.F64(v) }
			get = func(int) float64 { return float64(*f) }
			size = 1
		}
		for i := range size {
			const h = 1e-5
			v := get(i)
			set(i, v+h)
			high := cost()
			set(i, v-h)
			low := cost()
			set(i, v)
			grad = append(grad, float32((high-low)/(2*h)))
		}
		grads = append(grads, grad)
	}
	return grads
}

// runOn returns the value and the gradients.
func (r *stockRun) runOn(m gorgonia.VM) (value []float32, grads [][]float32) {
	r.t.Helper()
	defer m.Close()
	if err := m.RunAll(); err != nil {
		r.t.Fatal(err)
	}
	value = append(value, numbers(r.t, r.value)...)
	if r.cost != nil {
		for _, n := range r.list {
			g, err := n.Grad()
			if err != nil {
				r.t.Fatal(err)
			}
			grads = append(grads, append([]float32(nil), numbers(r.t, g)...))
		}
	}
	m.Reset()
	return value, grads
}

func numbers(t *testing.T, v gorgonia.Value) []float32 {
	t.Helper()
	if v == nil {
		t.Fatal("no value")
	}
	d, err := floats(v)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// farApart is the largest difference, as a part of the largest number.
func farApart(a, b []float32) float64 {
	var d, size float64
	for i, v := range b {
		if v == a[i] { // also where both are infinite
			continue
		}
		if e := math.Abs(float64(a[i]) - float64(v)); !(e <= d) {
			d = e
		}
	}
	for _, v := range b {
		if !math.IsInf(float64(v), 0) {
			size = max(size, math.Abs(float64(v)))
		}
	}
	return d / max(size, 1e-3)
}

func TestMachineMatchesTheTapeMachineAndFiniteDifferences(t *testing.T) {
	for _, c := range stockCases() {
		t.Run(c.name, func(t *testing.T) { c.compare(t) })
	}
}

func (c stockCase) compare(t *testing.T) {
	t.Helper()
	ours := c.make(t, false)
	value, grads := ours.runOn(NewMachine(ours.g))
	tape := c.make(t, false)
	want, wantGrads := tape.runOn(gorgonia.NewTapeMachine(tape.g, gorgonia.BindDualValues(tape.list...)))
	if e := farApart(value, want); !(e < 1e-5) {
		t.Errorf("value differs from the tape machine's by %.1e", e)
	}
	if c.plain {
		return
	}
	wrong := false
	for i, slopes := range c.slopes(t) {
		if e := farApart(grads[i], wantGrads[i]); !(e < 1e-4) && !c.wrong {
			t.Errorf("gradient %d differs from the tape machine's by %.1e", i, e)
		}
		if e := farApart(grads[i], slopes); !(e < 1e-3) {
			t.Errorf("gradient %d differs from finite differences by %.1e", i, e)
		}
		wrong = wrong || farApart(wantGrads[i], slopes) > 1e-3
	}
	if wrong != c.wrong {
		t.Errorf("the tape machine's gradient is wrong: %v, expected %v", wrong, c.wrong)
	}
}
