package infer_test

import (
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/onnx"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
)

// exported writes a network with random weights as an ONNX model, with or without what this program notes
// down about itself, and returns its parameters.
func exported(t *testing.T, m *zoo.Model, path string, meta weights.Meta, fold bool) *graph.Params {
	t.Helper()
	b := graph.NewBuilder(graph.NewParams(), graph.Eval)
	x := b.Input("x", 1, m.Input[0], m.Input[1], m.Input[2])
	y, err := m.Build(b, x)
	if err != nil {
		t.Fatal(err)
	}
	b.Params().Init(1)
	rng := rand.New(rand.NewPCG(1, 2))
	for _, p := range b.Params().All() {
		if strings.Contains(p.Name, "bn") {
			for i := range p.Data {
				p.Data[i] = 0.5 + rng.Float32()
			}
		}
	}
	if err := onnx.Save(path, b, x, y, onnx.Config{Fold: fold, Meta: meta}); err != nil {
		t.Fatal(err)
	}
	return b.Params()
}

func picture() image.Image {
	img := image.NewRGBA(image.Rect(0, 0, 40, 36))
	rng := rand.New(rand.NewPCG(5, 6))
	for y := range 36 {
		for x := range 40 {
			img.Set(x, y, color.RGBA{uint8(6 * x), uint8(7 * y), uint8(rng.IntN(256)), 255})
		}
	}
	return img
}

// A model of another program, with batch normalisation computed into its convolutions or not, answers as
// the network that it was made of. What is saved of it loads again without the model.
func TestLoadTakesONNXModels(t *testing.T) {
	m := zoo.ResNet8(zoo.Classes(5))
	for _, tt := range []struct {
		name    string
		fold    bool
		meta    weights.Meta
		network string
	}{
		{"another program's", false, weights.Meta{}, "onnx"},
		{"another program's, folded", true, weights.Meta{}, "onnx"},
		{"our own", false, weights.Meta{Network: "resnet8", Classes: 5, Options: []byte(`{"classes":5}`), Preprocessing: infer.Preprocessing(m)}, "resnet8"},
		{"our own, folded", true, weights.Meta{Network: "resnet8", Classes: 5, Options: []byte(`{"classes":5}`), Preprocessing: infer.Preprocessing(m)}, "onnx"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "model.onnx")
			params := exported(t, m, path, tt.meta, tt.fold)
			c, err := infer.Load(path)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if c.Model().Name != tt.network {
				t.Errorf("it is loaded as %s, want %s", c.Model().Name, tt.network)
			}
			if assumed := infer.Assumed(c.Meta()); (assumed != "") != (tt.meta.Preprocessing == nil) {
				t.Errorf("what is assumed: %q", assumed)
			}
			got, err := c.Logits(t.Context(), picture())
			if err != nil {
				t.Fatal(err)
			}
			x := make([]float32, 3*32*32)
			if err := c.Prepare(x, picture()); err != nil {
				t.Fatal(err)
			}
			b := graph.NewBuilder(params, graph.Eval)
			in := b.Input("image", 1, 3, 32, 32)
			y, err := m.Build(b, in)
			if err != nil {
				t.Fatal(err)
			}
			want := run(t, b, in, y, x)
			for i, v := range want {
				if d := math.Abs(float64(v - got[i])); d > 1e-4 {
					t.Fatalf("logit %d is %g, want %g", i, got[i], v)
				}
			}
			if features, err := c.Features(t.Context(), picture()); err != nil || len(features) != 64 {
				t.Errorf("%d features, error %v", len(features), err)
			}

			r, err := infer.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			f, err := r.ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			saved := filepath.Join(dir, "saved.safetensors")
			if err := weights.Save(saved, f); err != nil {
				t.Fatal(err)
			}
			again, err := infer.Load(saved)
			if err != nil {
				t.Fatal(err)
			}
			defer again.Close()
			if logits, err := again.Logits(t.Context(), picture()); err != nil || !slices.Equal(logits, got) {
				t.Errorf("saved and loaded, logits are %v, want %v (%v)", logits, got, err)
			}
		})
	}
}

func run(t *testing.T, b *graph.Builder, x, y *gorgonia.Node, data []float32) []float32 {
	t.Helper()
	s, err := graph.Compile(b, []*gorgonia.Node{y}, graph.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Bind(x, data); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	return s.Value(y)
}

// The classes of a model can become others: the last layer is new, the rest stays.
func TestAnONNXModelTakesOtherClasses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.onnx")
	exported(t, zoo.ResNet8(zoo.Classes(5)), path, weights.Meta{}, false)
	r, err := infer.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := infer.Stored(r.Meta())
	if err != nil {
		t.Fatal(err)
	}
	o := m.Options
	o.Classes = 2
	two, err := zoo.New(m.Name, zoo.WithOptions(o))
	if err != nil {
		t.Fatal(err)
	}
	before, err := m.Params(graph.Train)
	if err != nil {
		t.Fatal(err)
	}
	after, err := two.Params(graph.Train)
	if err != nil {
		t.Fatal(err)
	}
	var changed []string
	for _, p := range before.All() {
		q := after.Get(p.Name)
		if q == nil {
			t.Fatalf("%s is gone", p.Name)
		}
		if !slices.Equal(p.Shape, q.Shape) {
			changed = append(changed, p.Name)
		}
	}
	slices.Sort(changed)
	if !slices.Equal(changed, []string{"linear.bias", "linear.weight"}) {
		t.Errorf("other shapes have %v", changed)
	}
	after.Init(1)
	if w := after.Get("linear.weight"); !slices.Equal(w.Shape, []int{2, 64}) || slices.Max(w.Data) == slices.Min(w.Data) {
		t.Errorf("the new head is %v, between %g and %g", w.Shape, slices.Min(w.Data), slices.Max(w.Data))
	}
}

// A model whose graph is one of the zoo's networks becomes that network, whatever its names, with batch
// normalisation as it was or computed into the convolutions; another one is refused by the first layer that
// differs.
func TestAnONNXModelBecomesTheNetworkThatItIs(t *testing.T) {
	m := zoo.ResNet8(zoo.Classes(5))
	for _, fold := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "model.onnx")
		params := exported(t, m, path, weights.Meta{}, fold)
		r, model, err := infer.ONNXAs(path, "resnet8", "")
		if err != nil {
			t.Fatal(err)
		}
		if model.Name != "resnet8" || model.Classes != 5 {
			t.Errorf("it becomes %s with %d classes", model.Name, model.Classes)
		}
		got, err := infer.Params(r, model)
		if err != nil {
			t.Fatal(err)
		}
		x := make([]float32, 2*3*32*32)
		rng := rand.New(rand.NewPCG(7, 8))
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		var logits [2][]float32
		for i, p := range []*graph.Params{params, got} {
			b := graph.NewBuilder(p, graph.Eval)
			in := b.Input("image", 2, 3, 32, 32)
			y, err := model.Build(b, in)
			if err != nil {
				t.Fatal(err)
			}
			logits[i] = slices.Clone(run(t, b, in, y, x))
		}
		for i, v := range logits[0] {
			if d := math.Abs(float64(v - logits[1][i])); d > 1e-4 {
				t.Fatalf("folded %v: logit %d is %g, want %g", fold, i, logits[1][i], v)
			}
		}
		for network, want := range map[string]string{"resnet14": "stands where", "resnet18": "stands where", "resnet8x": "no network"} {
			if _, _, err := infer.ONNXAs(path, network, ""); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("as %s: error %v does not say %q", network, err, want)
			}
		}
	}
}

// A model with weights of its own learns two new classes sooner than the same network from scratch.
func TestFineTuningAnONNXModelBeatsScratch(t *testing.T) {
	const size, batch, steps = 16, 16, 60
	// Six kinds of gratings teach what edges are; two others, turned by what lies between, are the new classes.
	sample := func(rng *rand.Rand, angle float64, x []float32) {
		phase, noise := rng.Float64()*2*math.Pi, 1.2
		for i := range size {
			for j := range size {
				v := math.Sin(1.1*(float64(i)*math.Cos(angle)+float64(j)*math.Sin(angle))+phase) + noise*rng.NormFloat64()
				for c := range 3 {
					x[(c*size+i)*size+j] = float32(v)
				}
			}
		}
	}
	learn := func(m *zoo.Model, params *graph.Params, angles []float64, steps int) (accuracy float64) {
		b := graph.NewBuilder(params, graph.Train)
		x, target := b.Input("image", batch, 3, size, size), b.Input("target", batch)
		y, err := m.Build(b, x)
		if err != nil {
			t.Fatal(err)
		}
		loss := b.CrossEntropy(y, target, 0)
		grads, err := b.Grads(loss)
		if err != nil {
			t.Fatal(err)
		}
		s, err := graph.Compile(b, append([]*gorgonia.Node{loss}, grads...), graph.Config{})
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(11, 12))
		data, labels := make([]float32, batch*3*size*size), make([]float32, batch)
		fill := func() {
			for n := range batch {
				k := rng.IntN(len(angles))
				labels[n] = float32(k)
				sample(rng, angles[k], data[n*3*size*size:(n+1)*3*size*size])
			}
		}
		velocity := map[string][]float32{}
		for range steps {
			fill()
			for n, d := range map[*gorgonia.Node][]float32{x: data, target: labels} {
				if err := s.Bind(n, d); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Run(); err != nil {
				t.Fatal(err)
			}
			for i, p := range params.Trained() {
				v := velocity[p.Name]
				if v == nil {
					v = make([]float32, p.Len())
					velocity[p.Name] = v
				}
				for k, g := range s.Value(grads[i]) {
					v[k] = 0.9*v[k] + g
					p.Data[k] -= 0.02 * v[k]
				}
			}
			params.Changed()
		}
		e := graph.NewBuilder(params, graph.Eval)
		in := e.Input("image", batch, 3, size, size)
		out, err := m.Build(e, in)
		if err != nil {
			t.Fatal(err)
		}
		right, all := 0, 0
		for range 20 {
			fill()
			logits := run(t, e, in, out, data)
			for n, label := range labels {
				row := logits[n*len(angles) : (n+1)*len(angles)]
				if row[int(label)] == slices.Max(row) {
					right++
				}
				all++
			}
		}
		return float64(right) / float64(all)
	}
	teacher := zoo.ResNet8(zoo.Classes(6), zoo.Input(3, size, size))
	params, err := teacher.Params(graph.Train)
	if err != nil {
		t.Fatal(err)
	}
	params.Init(1)
	old := learn(teacher, params, []float64{0, 0.5, 1, 1.5, 2, 2.5}, 150)

	path := filepath.Join(t.TempDir(), "teacher.onnx")
	b := graph.NewBuilder(params, graph.Eval)
	x := b.Input("image", 1, 3, size, size)
	y, err := teacher.Build(b, x)
	if err != nil {
		t.Fatal(err)
	}
	if err := onnx.Save(path, b, x, y, onnx.Config{}); err != nil {
		t.Fatal(err)
	}
	r, err := infer.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := infer.Stored(r.Meta())
	if err != nil {
		t.Fatal(err)
	}
	o := m.Options
	o.Classes = 2
	if m, err = zoo.New(m.Name, zoo.WithOptions(o)); err != nil {
		t.Fatal(err)
	}
	start := func() *graph.Params {
		p, err := m.Params(graph.Train)
		if err != nil {
			t.Fatal(err)
		}
		p.Init(2)
		return p
	}
	fine := start()
	for _, name := range r.Names() {
		if p := fine.Get(name); p != nil {
			if shape, _ := r.Shape(name); slices.Equal(shape, p.Shape) {
				if err := r.ReadTensor(name, p.Data); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	scratch, err := zoo.ResNet8(zoo.Classes(2), zoo.Input(3, size, size)).Params(graph.Train)
	if err != nil {
		t.Fatal(err)
	}
	scratch.Init(2)
	angles := []float64{0.25, 0.6}
	tuned := learn(m, fine, angles, steps/4)
	fromScratch := learn(zoo.ResNet8(zoo.Classes(2), zoo.Input(3, size, size)), scratch, angles, steps/4)
	t.Logf("six classes: %.3f right; two new ones after %d steps: %.3f tuned, %.3f from scratch", old, steps/4, tuned, fromScratch)
	if !(tuned > fromScratch+0.05) {
		t.Errorf("tuned, %.3f are right, from scratch %.3f", tuned, fromScratch)
	}
}
