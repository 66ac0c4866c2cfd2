package graph

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// A wild network is drawn at random. Its layers take any earlier value of a fitting shape, so that one value
// is often read by several layers, which is where fusing and sharing memory go wrong.
func wild(b *Builder, image *gorgonia.Node, seed uint64) (logits *gorgonia.Node) {
	r := rand.New(rand.NewPCG(seed, 1))
	var maps, halves []*gorgonia.Node
	channels := []int{5, 16, 17, 32}[r.IntN(4)]
	maps = append(maps, b.Conv(image, "stem", channels, 3, Same()))
	read := map[*gorgonia.Node]bool{}
	// Recent values more often than old ones: they are the ones that fuse.
	pick := func() *gorgonia.Node {
		i := len(maps) - 1
		for i > 0 && r.IntN(3) == 0 {
			i--
		}
		read[maps[i]] = true
		return maps[i]
	}
	for i := range 6 + r.IntN(8) {
		x, name := pick(), fmt.Sprint("l", i)
		var y *gorgonia.Node
		switch r.IntN(22) {
		case 0, 1:
			y = b.Conv(x, name, channels, 3, Same())
		case 2:
			y = b.Conv(x, name, channels, 1, NoBias())
		case 3, 4:
			y = b.ReLU(x)
		case 5, 6:
			y = b.BatchNorm(x, name, 1e-3, 0.1)
		case 7, 8:
			y = b.Add(x, pick())
		case 9:
			y = b.MaxPool(x, 3, Stride(1), Pad(1))
		case 10:
			y = b.AvgPool(b.Tanh(x), 3, Stride(1), Pad(1))
		case 11: // a part more often than not already read by another layer
			y = b.Conv(b.Concat(x, pick(), x), name, channels, 1)
		case 12:
			y = b.LRN(x, 3, 1, 0.1, 0.75)
		case 13:
			y = b.Conv(b.ReLU(b.BatchNorm(b.Conv(x, name+".a", channels, 3, Same(), NoBias()), name+".bn", 1e-3, 0.1)), name+".b", channels, 1)
		case 14, 15: // an inverted residual, with or without batch normalisation
			act := []Activation{ReLU6, HardSwish, SiLU, Identity}[r.IntN(4)]
			norm := func(x *gorgonia.Node, suffix string) *gorgonia.Node { return x }
			if r.IntN(2) == 0 {
				norm = func(x *gorgonia.Node, suffix string) *gorgonia.Node { return b.BatchNorm(x, name+suffix, 1e-3, 0.1) }
			}
			y = b.Activate(norm(b.Conv(x, name+".expand", 24, 1), ".n1"), act)
			y = b.Activate(norm(b.Conv(y, name+".depthwise", 24, 3, Same(), Groups(24)), ".n2"), act)
			y = norm(b.Conv(y, name+".project", channels, 1), ".n3")
			if r.IntN(2) == 0 {
				y = b.LayerScale(b.Conv(y, name+".last", channels, 1), name+".scale", 0.5)
			}
			y = b.Add(y, x)
		case 16, 17:
			y = b.Activate(b.BatchNorm(x, name, 1e-3, 0.1), []Activation{ReLU6, HardSwish, SiLU, GELU, Sigmoid}[r.IntN(5)])
		case 18, 19: // pooled where it is made; later layers may read the convolution or its activation too
			y = b.Conv(x, name, channels, 3, Same(), NoBias())
			switch r.IntN(4) {
			case 0:
				y = b.Add(y, pick())
			case 1:
				y = b.Add(y, b.Conv(x, name+".beside", channels, 1))
			case 2:
				maps, read[y] = append(maps, y), true
				y = b.ReLU(y)
			}
			halves, read[y] = append(halves, b.MaxPool(y, 2)), true
		case 20, 21: // the same with so few channels of the image that it is a convolution of another kind
			few := b.Conv(image, name+".few", 3, 3, Same(), NoBias())
			switch r.IntN(5) {
			case 0:
				few = b.BatchNorm(few, name+".norm", 1e-3, 0.1)
			case 1:
				few = b.Add(few, b.Conv(image, name+".beside", 3, 1, NoBias()))
			}
			if r.IntN(2) == 0 {
				few = b.ReLU(few)
			}
			halves = append(halves, b.Conv(b.MaxPool(few, 2), name+".half", channels, 1))
			y = b.Tanh(x)
			if r.IntN(3) == 0 {
				y = b.Add(y, b.Conv(few, name, channels, 1))
			}
		}
		maps = append(maps, y)
	}
	end := b.MaxPool(b.ReLU(pick()), 2)
	for _, m := range maps {
		if !read[m] { // a loose end
			end = b.Add(end, b.MaxPool(m, 2))
		}
	}
	for _, m := range halves {
		end = b.Add(end, m)
	}
	return b.Dense(b.Flatten(end), "fc", 4)
}

// How a wild network is run.
const (
	joined = iota // by a session that fuses and plans
	apart         // by a session where every value is an output with memory of its own
	alone         // op by op, by Gorgonia's tape machine
)

// runWild returns the result, the loss and gradients of two steps, and the buffers after them.
func runWild(t *testing.T, seed uint64, mode Mode, how int, prepare func(*Session)) [][]float32 {
	t.Helper()
	return runNetwork(t, func(b *Builder, x *gorgonia.Node) *gorgonia.Node { return wild(b, x, seed) }, seed, mode, how, prepare)
}

// runNetwork is runWild for a network that is not drawn.
func runNetwork(t *testing.T, net func(b *Builder, x *gorgonia.Node) *gorgonia.Node, seed uint64, mode Mode, how int, prepare func(*Session)) [][]float32 {
	t.Helper()
	params := NewParams()
	b := NewBuilder(params, mode)
	x, labels := b.Input("x", 3, 2, 7, 6), b.Input("labels", 3)
	y := net(b, x)
	loss := b.CrossEntropy(y, labels, 0)
	outputs := []*gorgonia.Node{y, loss}
	if mode == Train {
		grads, err := b.Grads(loss)
		if err != nil {
			t.Fatal(err)
		}
		outputs = append(outputs, grads...)
	}
	if b.Err() != nil {
		t.Fatal(b.Err())
	}
	wanted := len(outputs)
	cfg := Config{NoPlan: how == apart}
	if how == apart {
		for _, n := range b.Graph().AllNodes() {
			if n.Op() != nil && !slices.Contains(outputs, n) {
				outputs = append(outputs, n)
			}
		}
	}
	s, err := Compile(b, outputs, cfg)
	if err != nil {
		t.Fatal(err)
	}
	params.Init(seed)
	r := rand.New(rand.NewPCG(seed, 2))
	for _, p := range params.All() { // statistics and scales that are not 0 and 1
		if p.Buffer || len(p.Shape) == 1 {
			for i := range p.Data {
				p.Data[i] = 0.5 + r.Float32()
			}
		}
	}
	params.Changed()
	image := make([]float32, 3*2*7*6)
	spread(r, image)
	classes := []float32{2, 0, 3}
	if err := errors.Join(s.Bind(x, image), s.Bind(labels, classes)); err != nil {
		t.Fatal(err)
	}
	if prepare != nil {
		prepare(s)
	}
	var got [][]float32
	if how == alone {
		values := make([]gorgonia.Value, len(outputs))
		for i, n := range outputs {
			gorgonia.Read(n, &values[i])
		}
		if err := errors.Join(b.Let(), gorgonia.Let(x, tensor.New(tensor.WithShape(x.Shape()...), tensor.WithBacking(image))),
			gorgonia.Let(labels, tensor.New(tensor.WithShape(3), tensor.WithBacking(classes)))); err != nil {
			t.Fatal(err)
		}
		m := gorgonia.NewTapeMachine(b.Graph())
		defer m.Close()
		for range 2 {
			if err := m.RunAll(); err != nil {
				t.Fatal(err)
			}
			for _, v := range values {
				d, err := floats(v)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, slices.Clone(d))
			}
			m.Reset()
		}
	} else {
		for range 2 {
			if err := s.Run(); err != nil {
				t.Fatal(err)
			}
			for _, n := range outputs[:wanted] {
				got = append(got, slices.Clone(s.Value(n)))
			}
		}
	}
	for _, p := range params.All() {
		if p.Buffer {
			got = append(got, slices.Clone(p.Data))
		}
	}
	return got
}

// poison fills a session's memory with NaN before the run.
func poison(s *Session) {
	memory := s.space.get()
	for i := range memory {
		memory[i] = float32(math.NaN())
	}
}

// distance is the largest relative difference. Gradients that are zero but for rounding, such as that of a bias
// before a batch normalisation, count as of the size 1e-3.
func distance(a, b [][]float32) float64 { return distanceAtLeast(1e-3, a, b) }

// distanceAtLeast is distance with another size for gradients that are zero but for rounding.
func distanceAtLeast(size float64, a, b [][]float32) float64 {
	worst := 0.0
	for i := range a {
		var d, n float64
		for j, v := range b[i] {
			d += math.Pow(float64(a[i][j])-float64(v), 2)
			n += float64(v) * float64(v)
		}
		if e := math.Sqrt(d) / max(math.Sqrt(n), size); !(e <= worst) {
			worst = e
		}
	}
	return worst
}

func TestFusedAndPlannedRandomNetworksMatchOpsAlone(t *testing.T) {
	for _, mode := range []Mode{Train, Eval} {
		name := map[Mode]string{Train: "training", Eval: "evaluation"}[mode]
		for seed := range uint64(60) {
			t.Run(fmt.Sprint(name, " ", seed), func(t *testing.T) {
				want := runWild(t, seed, mode, alone, nil)
				got := runWild(t, seed, mode, joined, nil)
				if e := distance(got, want); !(e < 1e-3) {
					t.Errorf("results differ by %.1e", e)
				}
				if poisoned := runWild(t, seed, mode, joined, poison); !sameBits(poisoned, got) {
					t.Error("results depend on what was in memory before")
				}
			})
		}
	}
}

// Where a convolution's own input is added to its result, its data gradient is added to the very gradient that it
// reads: the sum must not be made in that one's memory.
func TestAConvolutionAddedToItsInput(t *testing.T) {
	old := kernel.CurrentFamily()
	defer func() { _ = kernel.SetFamily(old) }()
	for _, f := range kernel.Families() {
		if err := kernel.SetFamily(f); err != nil {
			t.Fatal(err)
		}
		for _, size := range []int{1, 3} {
			net := func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
				x = b.BatchNorm(b.Conv(x, "stem", 80, 3, Same()), "norm", 1e-3, 0.1)
				x = b.Add(b.Conv(x, "inner", 80, size, Same(), NoBias()), x)
				return b.Dense(b.Flatten(b.MaxPool(x, 2)), "fc", 4)
			}
			want, got := runNetwork(t, net, 1, Train, alone, nil), runNetwork(t, net, 1, Train, joined, nil)
			if e := distance(got, want); !(e < 1e-4) {
				t.Errorf("%v, %d×%d: results differ by %.1e", f, size, size, e)
			}
		}
	}
}

// Kernels read whole blocks of 16 channels: what lies beyond the last channel must be zeros, whatever was there.
func TestLanesBeyondTheLastChannelAreZeros(t *testing.T) {
	for _, mode := range []Mode{Train, Eval} {
		for seed := range uint64(40) {
			var s *Session
			runWild(t, seed, mode, apart, func(ses *Session) { s = ses; poison(s) })
			lanesAreZeros(t, seed, s)
		}
	}
}

func lanesAreZeros(t *testing.T, seed uint64, s *Session) {
	t.Helper()
	for _, v := range append(slices.Clone(s.planned), s.views...) {
		if !v.blocked || v.shape[1]%kernel.Block == 0 {
			continue
		}
		pixels, last := v.shape[2]*v.shape[3], kernel.Blocks(v.shape[1])-1
		for n := range v.shape[0] {
			for i, f := range v.image(n)[last*pixels*kernel.Block:][:pixels*kernel.Block] {
				if i%kernel.Block >= v.shape[1]%kernel.Block && f != 0 {
					t.Fatalf("seed %d: a value of shape %v holds %v beyond its last channel", seed, v.shape, f)
				}
			}
		}
	}
}

// So must those of maps that are combined with a number for each channel, and of what else is computed in blocks.
func TestLanesBeyondTheLastChannelAreZerosOfCombinedMaps(t *testing.T) {
	for how, numbers := range map[Arithmetic]int{Plus: 1, Minus: 3, Times: 3} {
		var s *Session
		net := func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			x = b.Conv(x, "stem", 18, 3, Same())
			y := b.Combine(x, b.Param("numbers", Normal(1), numbers, 18, 1, 1), how)
			y = b.ChannelShuffle(b.Apply(b.Apply(y, Function{Kind: Cos}), Function{Kind: Square}), 3)
			return b.Dense(b.Flatten(b.MaxPool(b.Add(x, y), 2)), "fc", 4)
		}
		runNetwork(t, net, 1, Eval, apart, func(ses *Session) { s = ses; poison(s) })
		lanesAreZeros(t, uint64(how), s)
	}
}

func TestEvaluationSeesTheStatisticsThatTrainingHasMoved(t *testing.T) {
	params := NewParams()
	tr := trainingOf(t, params, 4, Config{})
	evaluation := func() (*Session, *gorgonia.Node) {
		b := NewBuilder(params, Eval)
		x := b.Input("x", 4, 3, 9, 7)
		y := tower(b, x)
		s, err := Compile(b, []*gorgonia.Node{y}, Config{})
		if err != nil {
			t.Fatal(err)
		}
		image := make([]float32, 4*3*9*7)
		spread(rand.New(rand.NewPCG(1, 1)), image)
		if err := s.Bind(x, image); err != nil {
			t.Fatal(err)
		}
		return s, y
	}
	run := func(s *Session, y *gorgonia.Node) []float32 {
		if err := s.Run(); err != nil {
			t.Fatal(err)
		}
		return slices.Clone(s.Value(y))
	}
	params.Init(1)
	tr.bind(t, 4)
	s, y := evaluation()
	// Both move nothing but the running statistics.
	for what, move := range map[string]func(){
		"the training step": func() { tr.run(t) },
		"the search for a fault": func() {
			if f, err := tr.s.FirstFault(); f != nil || err != nil {
				t.Fatal(f, err)
			}
		},
	} {
		before := run(s, y)
		move()
		after := run(s, y)
		if slices.Equal(before, after) {
			t.Errorf("the result is that of the statistics before %s", what)
		}
		if fresh, y := evaluation(); !slices.Equal(run(fresh, y), after) {
			t.Errorf("a session that was compiled before %s gives another result than one compiled after it", what)
		}
	}
}

// Masks of different layers, steps and seeds are independent: two of rate 1/2 and 1/4 agree to drop an element
// as often as chance says.
func TestDropoutMasksDiffer(t *testing.T) {
	const size = 1 << 14
	b := NewBuilder(NewParams(), Train)
	x := b.Input("x", 1, size)
	first, second := b.Dropout(x, 0.25), b.Dropout(x, 0.25)
	ones := slices.Repeat([]float32{1}, size)
	masks := map[string][]float32{}
	for _, seed := range []uint64{1, 2} {
		s, err := Compile(b, []*gorgonia.Node{first, second}, Config{Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Bind(x, ones); err != nil {
			t.Fatal(err)
		}
		for step := range 3 {
			if err := s.Run(); err != nil {
				t.Fatal(err)
			}
			masks[fmt.Sprint("seed ", seed, ", step ", step, ", first layer")] = slices.Clone(s.Value(first))
			masks[fmt.Sprint("seed ", seed, ", step ", step, ", second layer")] = slices.Clone(s.Value(second))
		}
	}
	dropped := func(masks ...[]float32) float64 {
		n := 0
		for i := range size {
			if !slices.ContainsFunc(masks, func(m []float32) bool { return m[i] != 0 }) {
				n++
			}
		}
		return float64(n) / size
	}
	// Five standard deviations of a proportion p in size draws.
	near := func(got, p float64) bool { return math.Abs(got-p) < 5*math.Sqrt(p*(1-p)/size) }
	for a, ma := range masks {
		if p := dropped(ma); !near(p, 0.25) {
			t.Errorf("%s drops %.4f, want 0.25", a, p)
		}
		for b, mb := range masks {
			if p := dropped(ma, mb); a != b && !near(p, 0.0625) {
				t.Errorf("%s and %s drop %.4f together, want 0.0625", a, b, p)
			}
		}
	}
}

func TestEveryWeightHasARandomStreamOfItsOwn(t *testing.T) {
	network := func(extra bool) *Params {
		params := NewParams()
		b := NewBuilder(params, Train)
		x := b.Input("x", 1, 8)
		if extra {
			b.Dense(x, "extra", 8)
		}
		b.Dense(b.Dense(x, "a", 8), "b", 8)
		params.Init(7)
		return params
	}
	with, without := network(true), network(false)
	for _, name := range []string{"a.weight", "b.weight"} {
		if !slices.Equal(with.Get(name).Data, without.Get(name).Data) {
			t.Errorf("%s changes with a layer that it has nothing to do with", name)
		}
	}
	if slices.Equal(with.Get("a.weight").Data, with.Get("b.weight").Data) {
		t.Error("two weights of one shape start equal")
	}
}
