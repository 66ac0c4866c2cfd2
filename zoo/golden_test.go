package zoo

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

// A golden file is what PyTorch computes in float64; testdata/golden/golden.py says how.
type golden struct {
	Network   string
	Batch     int
	Options   Options
	Logits    []float64
	Loss      float64
	Gradients []goldenTensor
	Buffers   []goldenTensor
	Salts     map[string]map[int]int // of a weight's rows
	Shifts    map[string]struct {
		Step float64
		By   []int
	}
}

type goldenTensor struct {
	Name        string
	Shape       []int
	Norm        float64
	Values      []float64 // the first 64
	Projections []float64 // of all on random signs
}

// tolerance is the difference that is allowed, relative in norm. Rounding grows with depth, most of all
// through batch normalisation over few values.
func (g golden) tolerance(quantity string) float64 {
	deep := []string{"googlenet", "resnet34", "resnet50", "densenet121", "resnext50", "wide-resnet50", "se-resnet50"}
	if quantity == "gradient" && slices.Contains(deep, g.Network) {
		return 1e-3
	}
	return 1e-4
}

func TestNetworksAgreeWithPyTorch(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.json.gz")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json.gz"), func(t *testing.T) {
			g := readGolden(t, file)
			m, err := New(g.Network, WithOptions(g.Options))
			if err != nil {
				t.Fatal(err)
			}
			params := graph.NewParams()
			train := newRun(t, m, params, graph.Train, g.Batch, graph.Config{})
			for _, p := range params.All() {
				p.Data = g.formula(p)
			}
			if m.Variant == "1998" {
				code := params.Get("output")
				for digit := range 10 {
					copy(code.Data[84*digit:], lenetCode(digit))
				}
			}
			params.Changed()

			eval := newRun(t, m, params, graph.Eval, g.Batch, graph.Config{})
			eval.run(t)
			if d := distance(eval.session.Value(eval.logits), g.Logits); !(d <= g.tolerance("logits")) {
				t.Errorf("logits differ by %.2g", d)
			}

			train.run(t)
			if loss := float64(train.session.Value(train.loss)[0]); !(math.Abs(loss-g.Loss) <= g.tolerance("loss")*math.Abs(g.Loss)) {
				t.Errorf("loss is %v, want %v", loss, g.Loss)
			}
			worst, where := 0.0, ""
			names := map[string]bool{}
			for _, want := range g.Gradients {
				names[want.Name] = true
				scale := want.Norm
				if weight, ok := strings.CutSuffix(want.Name, ".bias"); ok {
					// A batch normalisation takes out the bias before it, whose gradient is rounding.
					i := slices.IndexFunc(g.Gradients, func(t goldenTensor) bool { return t.Name == weight+".weight" })
					if i >= 0 && want.Norm < 1e-9*g.Gradients[i].Norm {
						scale = g.Gradients[i].Norm
					}
				}
				d, err := train.compare(want, scale)
				if err != nil {
					t.Error(err)
				} else if !(d <= g.tolerance("gradient")) {
					t.Errorf("the gradient of %s differs by %.2g", want.Name, d)
				}
				if d > worst {
					worst, where = d, want.Name
				}
			}
			for _, want := range g.Buffers {
				names[want.Name] = true
				p := params.Get(want.Name)
				if p == nil || !p.Buffer || !slices.Equal(p.Shape, want.Shape) {
					t.Errorf("no buffer %s of shape %s", want.Name, dims(want.Shape))
				} else if d := distance(p.Data[:len(want.Values)], want.Values); !(d <= g.tolerance("buffer")) {
					t.Errorf("%s differs by %.2g after a step", want.Name, d)
				}
			}
			for _, p := range params.All() {
				if !names[p.Name] {
					t.Errorf("PyTorch has no %s", p.Name)
				}
			}
			t.Logf("gradients differ by at most %.2g (%s)", worst, where)
		})
	}
}

// A run is a network's session, with the input and targets of the golden files.
type run struct {
	params       *graph.Params
	session      *graph.Session
	logits, loss *gorgonia.Node
	grads        []*gorgonia.Node // of params.Trained(), in training
	targets      []float32
}

func newRun(t *testing.T, m *Model, params *graph.Params, mode graph.Mode, batch int, cfg graph.Config) *run {
	t.Helper()
	b := graph.NewBuilder(params, mode)
	x := b.Input("x", batch, m.Input[0], m.Input[1], m.Input[2])
	logits, err := m.Build(b, x)
	if err != nil {
		t.Fatal(err)
	}
	r := &run{params: params, logits: logits}
	var target *gorgonia.Node

	if mode == graph.Train {
		if m.Loss == MSE {
			target = b.Input("target", batch, m.Classes)
			r.targets = even("target", batch*m.Classes)
			r.loss = b.MSE(logits, target)
		} else {
			target = b.Input("target", batch)
			for i := range batch {
				r.targets = append(r.targets, float32((7*i+3)%m.Classes))
			}
			losses, weights := []*gorgonia.Node{b.CrossEntropy(logits, target, 0)}, []float32{1}
			for _, a := range b.Auxiliaries() {
				losses, weights = append(losses, b.CrossEntropy(a.Logits, target, 0)), append(weights, a.Weight)
			}
			r.loss = b.WeightedSum(losses, weights)
		}
		if r.grads, err = b.Grads(r.loss); err != nil {
			t.Fatal(err)
		}
	}
	if r.session, err = graph.Compile(b, r.outputs(), cfg); err != nil {
		t.Fatal(err)
	}
	if err := r.session.Bind(x, even("input", batch*m.Input[0]*m.Input[1]*m.Input[2])); err != nil {
		t.Fatal(err)
	}
	if target != nil {
		if err := r.session.Bind(target, r.targets); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func (r *run) outputs() []*gorgonia.Node {
	outputs := []*gorgonia.Node{r.logits}
	if r.loss != nil {
		outputs = append(outputs, r.loss)
	}
	return append(outputs, r.grads...)
}

func (r *run) run(t *testing.T) {
	t.Helper()
	if err := r.session.Run(); err != nil {
		t.Fatal(err)
	}
}

// compare returns how far a gradient is from a golden one: the largest of the differences, over scale, of
// its norm, of its first values and of the whole as the projections estimate it. A projection of a
// difference on random signs is on average as long as the difference.
func (r *run) compare(want goldenTensor, scale float64) (float64, error) {
	i := slices.IndexFunc(r.params.Trained(), func(p *graph.Param) bool { return p.Name == want.Name })
	if i < 0 {
		return 0, fmt.Errorf("no parameter is called %s", want.Name)
	}
	if p := r.params.Trained()[i]; !slices.Equal(p.Shape, want.Shape) {
		return 0, fmt.Errorf("%s is %s, PyTorch's is %s", want.Name, dims(p.Shape), dims(want.Shape))
	}
	got := r.session.Value(r.grads[i])
	var squares float64
	sums := make([]float64, len(want.Projections))
	h := hashed(want.Name + "/projection")
	for i, v := range got {
		z, bits := h(i), math.Float64bits(float64(v))
		squares += float64(v) * float64(v)
		for k := range sums {
			sums[k] += math.Float64frombits(bits ^ z>>k<<63) // with the sign that bit k says: no branch foretells it
		}
	}
	var differences, first float64
	for k, s := range sums {
		differences += (s - want.Projections[k]) * (s - want.Projections[k])
	}
	for i, v := range want.Values {
		first += (v - float64(got[i])) * (v - float64(got[i]))
	}
	return max(math.Abs(math.Sqrt(squares)-want.Norm), math.Sqrt(differences/float64(len(sums))), math.Sqrt(first)) / scale, nil
}

// distance is |got - want|/|want|.
func distance(got []float32, want []float64) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	var difference, norm float64
	for i, w := range want {
		difference += (float64(got[i]) - w) * (float64(got[i]) - w)
		norm += w * w
	}
	if norm == 0 {
		return math.Sqrt(difference)
	}
	return math.Sqrt(difference / norm)
}

func readGolden(t *testing.T, file string) golden {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	d := json.NewDecoder(z)
	if err := d.Decode(&g); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return g
}

// hashed numbers the elements of a tensor at random, by splitmix64.
func hashed(name string) func(i int) uint64 {
	f := fnv.New64a()
	f.Write([]byte(name))
	h := f.Sum64()
	return func(i int) uint64 {
		z := h + uint64(i)*0x9e3779b97f4a7c15
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		return z ^ z>>31
	}
}

// fill makes n values from the elements that are numbered from first on.
func fill(name string, first, n int, value func(u float64) float64) []float32 {
	data, h := make([]float32, n), hashed(name)
	for i := range data {
		data[i] = float32(value(float64(h(first+i)>>40)/(1<<23) - 1))
	}
	return data
}

func even(name string, n int) []float32 {
	return fill(name, 0, n, func(u float64) float64 { return u })
}

// formula is what golden.py puts into a parameter.
func (g golden) formula(p *graph.Param) []float32 {
	row := 1
	for _, d := range p.Shape[1:] {
		row *= d
	}
	bound := math.Sqrt(6 / float64(row))
	value := func(u float64) float64 { return u * bound }
	switch {
	case strings.HasSuffix(p.Name, "running_var"):
		value = func(u float64) float64 { return 1 + u/2 }
	case strings.HasSuffix(p.Name, "running_mean"), strings.HasSuffix(p.Name, "bias"):
		value = func(u float64) float64 { return u / 10 }
	case strings.HasSuffix(p.Name, "weight") && len(p.Shape) == 1:
		value = func(u float64) float64 { return 1 + u/10 }
	case strings.HasSuffix(p.Name, "layer_scale"):
		value = func(u float64) float64 { return u }
	}
	data := fill(p.Name, 0, p.Len(), value)
	for r, salt := range g.Salts[p.Name] {
		copy(data[r*row:], fill(p.Name, r*row+salt<<40, row, value))
	}
	if s, ok := g.Shifts[p.Name]; ok {
		for i, k := range s.By {
			data[i] = float32(float64(data[i]) + s.Step*float64(k))
		}
	}
	return data
}
