package graph

import (
	"errors"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// tower is a small network with everything that makes memory plans hard: fused layers, a residual sum, a
// concatenation whose parts are used elsewhere too, batch normalisation, dropout, an auxiliary head.
func tower(b *Builder, x *gorgonia.Node) *gorgonia.Node {
	x = b.ReLU(b.BatchNorm(b.Conv(x, "stem", 16, 3, Same(), NoBias()), "stem.bn", 1e-5, 0.1))
	y := b.ReLU(b.BatchNorm(b.Conv(x, "block.1", 16, 3, Same(), NoBias()), "block.bn1", 1e-5, 0.1))
	y = b.BatchNorm(b.Conv(y, "block.2", 16, 3, Same(), NoBias()), "block.bn2", 1e-5, 0.1)
	x = b.ReLU(b.Add(x, y))
	left := b.ReLU(b.Conv(x, "left", 16, 1))
	right := b.ReLU(b.Conv(left, "right", 32, 3, Same()))
	x = b.Concat(left, right, b.MaxPool(x, 3, Stride(1), Pad(1)), x)
	if b.Training() {
		b.Auxiliary(b.Dense(b.GlobalAvgPool(left), "aux", 5), 0.3)
	}
	x = b.LRN(b.MaxPool(x, 3, Stride(2), Ceil()), 5, 2, 1e-2, 0.75)
	x = b.Dropout(b.ReLU(b.Dense(b.Flatten(x), "fc1", 20)), 0.4)
	return b.Dense(x, "fc2", 5)
}

type training struct {
	b         *Builder
	s         *Session
	x, labels *gorgonia.Node
	outputs   []*gorgonia.Node
}

func trainingOf(t testing.TB, params *Params, n int, cfg Config) training {
	t.Helper()
	b := NewBuilder(params, Train)
	x, labels := b.Input("x", n, 3, 9, 7), b.Input("labels", n)
	loss := b.CrossEntropy(tower(b, x), labels, 0.1)
	losses, weights := []*gorgonia.Node{loss}, []float32{1}
	for _, a := range b.Auxiliaries() {
		losses, weights = append(losses, b.CrossEntropy(a.Logits, labels, 0.1)), append(weights, a.Weight)
	}
	loss = b.WeightedSum(losses, weights)
	grads, err := b.Grads(loss)
	if err != nil {
		t.Fatal(err)
	}
	outputs := append([]*gorgonia.Node{loss}, grads...)
	s, err := Compile(b, outputs, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return training{b, s, x, labels, outputs}
}

func (tr training) bind(t testing.TB, n int) {
	t.Helper()
	r := rand.New(rand.NewPCG(7, 7))
	x, labels := make([]float32, n*3*9*7), make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	for i := range labels {
		labels[i] = float32(i % 5)
	}
	if err := tr.s.Bind(tr.x, x); err != nil {
		t.Fatal(err)
	}
	if err := tr.s.Bind(tr.labels, labels); err != nil {
		t.Fatal(err)
	}
}

func (tr training) run(t testing.TB) [][]float32 {
	t.Helper()
	if err := tr.s.Run(); err != nil {
		t.Fatal(err)
	}
	var out [][]float32
	for _, n := range tr.outputs {
		out = append(out, slices.Clone(tr.s.Value(n)))
	}
	for _, p := range tr.b.Params().All() {
		if p.Buffer {
			out = append(out, slices.Clone(p.Data))
		}
	}
	return out
}

func sameBits(a, b [][]float32) bool {
	return slices.EqualFunc(a, b, func(a, b []float32) bool {
		return slices.EqualFunc(a, b, func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) })
	})
}

func TestPlanAndThreadsDoNotChangeABit(t *testing.T) {
	results := func(cfg Config) [][]float32 {
		params := NewParams()
		tr := trainingOf(t, params, 4, cfg)
		params.Init(3)
		tr.bind(t, 4)
		var out [][]float32
		for range 3 {
			out = append(out, tr.run(t)...)
		}
		return out
	}
	one := kernel.NewPool(1)
	defer one.Close()
	want := results(Config{Pool: one, Seed: 5})
	for name, cfg := range map[string]Config{
		"no plan":            {Pool: one, Seed: 5, NoPlan: true},
		"2 threads":          {Pool: kernel.NewPool(2), Seed: 5},
		"3 threads, no plan": {Pool: kernel.NewPool(3), Seed: 5, NoPlan: true},
	} {
		t.Run(name, func(t *testing.T) {
			if !sameBits(results(cfg), want) {
				t.Error("results differ from those of one thread with a plan")
			}
		})
	}
	if sameBits(results(Config{Pool: one, Seed: 6}), want) {
		t.Error("another seed gives the same dropout masks")
	}
}

func TestPlanSharesMemory(t *testing.T) {
	planned := trainingOf(t, NewParams(), 4, Config{}).s.Memory()
	apart := trainingOf(t, NewParams(), 4, Config{NoPlan: true}).s.Memory()
	if planned.Values*3 > apart.Values*2 {
		t.Errorf("the plan needs %d bytes, %d without sharing", planned.Values, apart.Values)
	}
}

func TestMemoryIsToldInBytes(t *testing.T) {
	b := NewBuilder(NewParams(), Eval)
	x := b.Input("x", 2, 3, 8, 7)
	y := b.Dense(b.Flatten(b.BatchNorm(b.Conv(x, "conv", 20, 3, Same()), "norm", 1e-5, 0.1)), "fc", 5)
	s, err := Compile(b, []*gorgonia.Node{y}, Config{})
	if err != nil {
		t.Fatal(err)
	}
	b.Params().Init(1)
	if err := s.Bind(x, make([]float32, 2*3*8*7)); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	packed := 0
	for _, v := range s.derived.values {
		packed += len(v)
	}
	got, want := s.Memory(), Memory{
		Parameters: 4 * (20*3*3*3 + 20 + 4*20 + 5*20*8*7 + 5),
		Inputs:     4 * 2 * 3 * 8 * 7,
		Packed:     4 * int64(packed),
		Values:     4 * int64(s.program),
		Scratch:    4 * int64(len(s.exec.scratch)),
	}
	if got != want || packed == 0 {
		t.Errorf("%+v, want %+v", got, want)
	}
	if total := want.Parameters + want.Inputs + want.Packed + want.Values + want.Scratch; got.Total() != total {
		t.Errorf("%d bytes in all, want %d", got.Total(), total)
	}
}

// Results of an earlier run, which are bound as an input, lie in the memory of this one.
func TestWithinIsInMemoryAndNotBesideIt(t *testing.T) {
	all := make([]float32, 30)
	memory := all[10:20]
	for _, c := range []struct {
		from, to int
		want     bool
	}{{9, 10, false}, {10, 10, false}, {10, 11, true}, {14, 17, true}, {19, 20, true}, {20, 21, false}, {0, 2, false}, {28, 30, false}} {
		if got := within(all[c.from:c.to], memory); got != c.want {
			t.Errorf("%d to %d within 10 to 20: %v", c.from, c.to, got)
		}
	}
	if within(memory, nil) {
		t.Error("a slice lies within nothing")
	}
}

func TestTrainingFusesWhatItCan(t *testing.T) {
	kinds := map[string]int{}
	for _, s := range trainingOf(t, NewParams(), 2, Config{}).s.steps {
		kinds[s.kind]++
	}
	// Every ReLU goes with the layer before it, and so does the sum. Of the six gradients, two belong to batch normalisations;
	// the others stand for themselves.
	if kinds["relu"] != 0 || kinds["add"] != 0 || kinds["relu gradient"] != 4 {
		t.Errorf("%d steps of ReLU, %d of sums and %d of ReLU's gradient, want 0, 0 and 4", kinds["relu"], kinds["add"], kinds["relu gradient"])
	}
}

func TestMaxPoolingAbsorbsAConvolutionWithoutChangingABit(t *testing.T) {
	for _, mode := range []Mode{Eval, Train} {
		results := func(absorbed bool) [][]float32 {
			params := NewParams()
			b := NewBuilder(params, mode)
			x, labels := b.Input("x", 5, 1, 17, 18), b.Input("labels", 5)
			y := b.ReLU(b.Conv(x, "conv", 6, 5))
			z := b.Dense(b.Flatten(b.MaxPool(y, 2)), "fc", 4)
			loss := b.CrossEntropy(z, labels, 0)
			outputs := []*gorgonia.Node{loss}
			if mode == Train {
				grads, err := b.Grads(loss)
				if err != nil {
					t.Fatal(err)
				}
				outputs = append(outputs, grads...)
			}
			n := len(outputs)
			if !absorbed {
				outputs = append(outputs, y)
			}
			s, err := Compile(b, outputs, Config{})
			if err != nil {
				t.Fatal(err)
			}
			if pools := slices.ContainsFunc(s.steps, func(s *step) bool { return s.kind == "max pool" }); pools == absorbed {
				t.Fatalf("max pooling is a step of its own: %v", pools)
			}
			tr := training{b, s, x, labels, outputs[:n]}
			params.Init(1)
			image := make([]float32, 5*17*18)
			spread(rand.New(rand.NewPCG(1, 1)), image)
			if err := errors.Join(s.Bind(x, image), s.Bind(labels, []float32{0, 1, 2, 3, 0})); err != nil {
				t.Fatal(err)
			}
			return tr.run(t)
		}
		if !sameBits(results(true), results(false)) {
			t.Error("results differ from those of two steps")
		}
	}
}

func TestSessionsShareAWorkspaceInTurn(t *testing.T) {
	space, params := NewWorkspace(), NewParams()
	alone := trainingOf(t, params, 4, Config{Seed: 1})
	params.Init(3)
	alone.bind(t, 4)
	want := alone.run(t)

	params = NewParams()
	small := trainingOf(t, params, 2, Config{Seed: 1, Workspace: space})
	large := trainingOf(t, params, 4, Config{Seed: 1, Workspace: space})
	small.bind(t, 2)
	large.bind(t, 4)
	for range 2 {
		params.Init(3)
		small.run(t)
		params.Init(3)
		large.s.SetStep(0)
		if !sameBits(large.run(t), want) {
			t.Fatal("a session in a shared workspace computes something else than one alone")
		}
	}
}

func TestEvaluationFollowsTheParameters(t *testing.T) {
	params := NewParams()
	b := NewBuilder(params, Eval)
	x := b.Input("x", 2, 3, 9, 7)
	y := tower(b, x)
	s, err := Compile(b, []*gorgonia.Node{y}, Config{})
	if err != nil {
		t.Fatal(err)
	}
	params.Init(1)
	image := make([]float32, 2*3*9*7)
	spread(rand.New(rand.NewPCG(1, 1)), image)
	if err := s.Bind(x, image); err != nil {
		t.Fatal(err)
	}
	run := func() []float32 {
		if err := s.Run(); err != nil {
			t.Fatal(err)
		}
		return slices.Clone(s.Value(y))
	}
	first := run()
	if !slices.Equal(first, run()) {
		t.Error("a second run gives another result")
	}
	for _, name := range []string{"block.1.weight", "stem.bn.running_var", "fc2.bias"} {
		p := params.Get(name)
		for i := range p.Data {
			p.Data[i] += 0.5
		}
		params.Changed()
		next := run()
		if slices.Equal(first, next) {
			t.Errorf("the result does not change with %s", name)
		}
		first = next
	}
}

// skipUnderRace skips a test that counts allocations, of which the race detector makes some.
func skipUnderRace(t *testing.T) {
	t.Helper()
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		t.Skip("the race detector allocates")
	}
}

func TestRunDoesNotAllocate(t *testing.T) {
	skipUnderRace(t)
	params := NewParams()
	tr := trainingOf(t, params, 4, Config{})
	params.Init(1)
	tr.bind(t, 4)
	tr.run(t)
	if n := testing.AllocsPerRun(10, func() { tr.s.Run() }); n > 0 {
		t.Errorf("%v allocations a run", n)
	}
}

func TestPlainGorgoniaNodesFollowOurs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	params := NewParams()
	b := NewBuilder(params, Train)
	x := b.Input("x", 2, 3, 5, 5)
	h := b.GlobalAvgPool(b.Tanh(b.Conv(x, "conv", 4, 3)))
	v := b.Param("v", Normal(1), 4, 3)
	if b.Err() != nil {
		t.Fatal(b.Err())
	}
	// Gorgonia's own: mean((sigmoid(h·v))²).
	s := gorgonia.Must(gorgonia.Sigmoid(gorgonia.Must(gorgonia.Mul(h, v))))
	loss := gorgonia.Must(gorgonia.Mean(gorgonia.Must(gorgonia.Square(s))))
	grads, err := b.Grads(loss)
	if err != nil {
		t.Fatal(err)
	}
	params.Init(1)
	data := make([]float32, 2*3*25)
	for i := range data {
		data[i] = float32(r.NormFloat64())
	}
	outputs := append([]*gorgonia.Node{loss}, grads...)
	ses, err := Compile(b, outputs, Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := ses.Bind(x, data); err != nil {
		t.Fatal(err)
	}
	if err := ses.Run(); err != nil {
		t.Fatal(err)
	}
	// The same in float64, with gradients by central differences.
	image := newRef(2, 3, 5, 5)
	for i, d := range data {
		image.data[i] = float64(d)
	}
	var in []ref
	for _, p := range params.Trained() {
		r := newRef(p.Shape...)
		for i, d := range p.Data {
			r.data[i] = float64(d)
		}
		in = append(in, r)
	}
	value := func() float64 {
		maps := refConv(image, in[0], in[1].data, geometry{kh: 3, kw: 3, sh: 1, sw: 1, dh: 1, dw: 1, groups: 1, oh: 3, ow: 3}).apply(math.Tanh)
		sum := 0.0
		for n := range 2 {
			for o := range 3 {
				z := 0.0
				for k := range 4 {
					z += mean(maps.data[(n*4+k)*9:(n*4+k)*9+9]) * in[2].data[k*3+o]
				}
				sum += math.Pow(1/(1+math.Exp(-z)), 2) / 6
			}
		}
		return sum
	}
	if e := relativeError(ses.Value(loss), []float64{value()}); e > 1e-5 {
		t.Errorf("loss differs by %.1e", e)
	}
	for i, p := range params.Trained() {
		want := make([]float64, p.Len())
		for j := range want {
			const step = 1e-5
			at := in[i].data[j]
			in[i].data[j] = at + step
			high := value()
			in[i].data[j] = at - step
			want[j] = (high - value()) / (2 * step)
			in[i].data[j] = at
		}
		if e := relativeError(ses.Value(grads[i]), want); e > 1e-5 {
			t.Errorf("gradient of %s differs by %.1e", p.Name, e)
		}
	}
}

func TestErrorsNameTheLayerAndItsNumbers(t *testing.T) {
	input := func(b *Builder) *gorgonia.Node { return b.Input("x", 1, 3, 8, 8) }
	for name, c := range map[string]struct {
		build func(b *Builder)
		want  []string
	}{
		"a window that does not fit": {func(b *Builder) { b.Conv(input(b), "conv1", 4, 11) }, []string{"conv1", "(8 - 11 + 2·0)/1 + 1"}},
		"a pool that does not fit":   {func(b *Builder) { b.MaxPool(input(b), 9, Stride(2)) }, []string{"max pool 1", "(8 - 9 + 2·0)/2 + 1"}},
		"groups that do not divide":  {func(b *Builder) { b.Conv(input(b), "conv1", 4, 3, Groups(2)) }, []string{"conv1", "2 groups"}},
		"maps into a dense layer":    {func(b *Builder) { b.Dense(input(b), "fc", 4) }, []string{"fc", "1×3×8×8", "2 dimensions"}},
		"a name used twice":          {func(b *Builder) { x := input(b); b.Conv(x, "c", 4, 3); b.Conv(x, "c", 4, 3) }, []string{"c.weight"}},
		"shapes that do not add":     {func(b *Builder) { x := input(b); b.Add(x, b.Conv(x, "c", 3, 3)) }, []string{"1×3×8×8", "1×3×6×6"}},
		"a bad dropout rate":         {func(b *Builder) { b.Dropout(input(b), 1) }, []string{"dropout", "1"}},
		"labels of another batch":    {func(b *Builder) { b.CrossEntropy(b.Flatten(input(b)), b.Input("t", 2), 0) }, []string{"1×192", "2"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := NewBuilder(NewParams(), Train)
			c.build(b)
			if b.Err() == nil {
				t.Fatal("no error")
			}
			for _, w := range c.want {
				if !strings.Contains(b.Err().Error(), w) {
					t.Errorf("%q does not say %q", b.Err(), w)
				}
			}
			if _, err := Compile(b, nil, Config{}); err == nil {
				t.Error("a graph with an error compiles")
			}
		})
	}
}

func TestMissingValuesAreErrors(t *testing.T) {
	params := NewParams()
	tr := trainingOf(t, params, 2, Config{})
	if err := tr.s.Run(); err == nil || !strings.Contains(err.Error(), "no values") {
		t.Errorf("run without inputs: %v", err)
	}
	if err := tr.s.Bind(tr.x, make([]float32, 5)); err == nil || !strings.Contains(err.Error(), "2×3×9×7") {
		t.Errorf("bind of a short slice: %v", err)
	}
}

func BenchmarkStepOverhead(b *testing.B) {
	params := NewParams()
	tr := trainingOf(b, params, 1, Config{})
	params.Init(1)
	tr.bind(b, 1)
	b.ReportAllocs()
	for b.Loop() {
		tr.s.Run()
	}
}

func TestFusedEvaluationMatchesTheTapeMachine(t *testing.T) {
	for _, f := range kernel.Families() {
		t.Run(f.String(), func(t *testing.T) {
			useFamily(t, f)
			params := NewParams()
			b := NewBuilder(params, Eval)
			x := b.Input("x", 2, 3, 9, 7)
			y := tower(b, x)
			s, err := Compile(b, []*gorgonia.Node{y}, Config{})
			if err != nil {
				t.Fatal(err)
			}
			params.Init(1)
			r := rand.New(rand.NewPCG(4, 4))
			for _, p := range params.All() {
				if strings.Contains(p.Name, "bn") {
					for i := range p.Data {
						p.Data[i] = 0.5 + r.Float32()
					}
				}
			}
			image := make([]float32, 2*3*9*7)
			spread(r, image)
			if err := s.Bind(x, image); err != nil {
				t.Fatal(err)
			}
			if err := s.Run(); err != nil {
				t.Fatal(err)
			}
			if err := b.Let(); err != nil {
				t.Fatal(err)
			}
			if err := gorgonia.Let(x, tensor.New(tensor.WithShape(2, 3, 9, 7), tensor.WithBacking(image))); err != nil {
				t.Fatal(err)
			}
			var v gorgonia.Value
			gorgonia.Read(y, &v)
			m := gorgonia.NewTapeMachine(b.Graph())
			defer m.Close()
			if err := m.RunAll(); err != nil {
				t.Fatal(err)
			}
			d, err := floats(v)
			if err != nil {
				t.Fatal(err)
			}
			want := make([]float64, len(d))
			for i := range d {
				want[i] = float64(d[i])
			}
			if e := relativeError(s.Value(y), want); e > 1e-5 {
				t.Errorf("results differ by %.1e", e)
			}
		})
	}
}
