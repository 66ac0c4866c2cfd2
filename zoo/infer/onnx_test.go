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
			got, err := c.Logits(picture())
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
			if features, err := c.Features(picture()); err != nil || len(features) != 64 {
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
			if logits, err := again.Logits(picture()); err != nil || !slices.Equal(logits, got) {
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
