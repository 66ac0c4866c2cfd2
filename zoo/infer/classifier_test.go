package infer_test

import (
	"context"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/fashion"
	pixels "github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
)

// save writes a network with random weights, as training would; change may be nil.
func save(t testing.TB, m *zoo.Model, mode graph.Mode, change func(*weights.File)) string {
	t.Helper()
	params, err := m.Params(mode)
	if err != nil {
		t.Fatal(err)
	}
	params.Init(1)
	options, err := json.Marshal(m.Options)
	if err != nil {
		t.Fatal(err)
	}
	f := &weights.File{Meta: weights.Meta{
		Network: m.Name, Variant: m.Variant, Options: options, Input: m.Input[:], Classes: m.Classes,
	}}
	switch m.Input[0] {
	case 1:
		f.Meta.Preprocessing = &weights.Preprocessing{Mean: []float32{0.4}, Std: []float32{0.25}, Channels: "grey"}
	case 3:
		f.Meta.Preprocessing = &weights.Preprocessing{Mean: []float32{0.4, 0.5, 0.6}, Std: []float32{0.2, 0.25, 0.3}, Channels: "rgb"}
	}
	for _, p := range params.All() {
		f.Tensors = append(f.Tensors, weights.Tensor{Name: p.Name, Shape: p.Shape, Data: p.Data})
	}
	if change != nil {
		change(f)
	}
	path := filepath.Join(t.TempDir(), m.Name+".safetensors")
	if err := weights.Save(path, f); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t testing.TB, path string) *infer.Classifier {
	t.Helper()
	c, err := infer.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// noise is an image of random pixels.
func noise(seed uint64, w, h int) *image.NRGBA {
	r := rand.New(rand.NewPCG(seed, 1))
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		m.Pix[i] = uint8(r.Uint32())
		if i%4 == 3 {
			m.Pix[i] = 255
		}
	}
	return m
}

// apart is the distance of two vectors over the length of the second.
func apart(a, b []float32) float64 {
	var d, n float64
	for i := range b {
		d += math.Pow(float64(a[i])-float64(b[i]), 2)
		n += math.Pow(float64(b[i]), 2)
	}
	return math.Sqrt(d / n)
}

// What evaluations compute for the embedded images, from the loader to the logits, is what a classifier
// answers for the same images.
func TestClassifierAgreesWithEvaluation(t *testing.T) {
	split, err := fashion.Open()
	if err != nil {
		t.Fatal(err)
	}
	const n = 39 // steps of four, and one that is filled up
	for _, test := range []struct {
		name  string
		model *zoo.Model
		p     weights.Preprocessing
	}{
		{"grey as it is", zoo.LeNet5(), weights.Preprocessing{Mean: []float32{0.286}, Std: []float32{0.353}, Channels: "grey"}},
		{"grey for colours, scaled", zoo.ResNet8(), weights.Preprocessing{Mean: []float32{0.4, 0.5, 0.6}, Std: []float32{0.2, 0.3, 0.25}, Channels: "rgb"}},
		{"scaled and cropped", zoo.ResNet8(), weights.Preprocessing{Resize: 40, Crop: 33, Channels: "rgb"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := save(t, test.model, graph.Eval, func(f *weights.File) { f.Meta.Preprocessing = &test.p })
			c := load(t, path)

			in := datasets.Input{Shape: pixels.Shape{C: test.model.Input[0], H: test.model.Input[1], W: test.model.Input[2]},
				Resize: test.p.Resize, Crop: test.p.Crop, Mean: test.p.Mean, Std: test.p.Std}
			if in.Mean == nil {
				in.Mean, in.Std = []float32{0}, []float32{1}
			}
			loader, err := datasets.NewLoader(split.Test, datasets.Config{Batch: n, Input: in, Limit: n})
			if err != nil {
				t.Fatal(err)
			}
			b := graph.NewBuilder(graph.NewParams(), graph.Eval)
			x := b.Input("x", n, in.C, in.H, in.W)
			y, err := test.model.Build(b, x)
			if err != nil {
				t.Fatal(err)
			}
			b.Params().Init(1)
			s, err := graph.Compile(b, []*gorgonia.Node{y}, graph.Config{})
			if err != nil {
				t.Fatal(err)
			}
			for batch, err := range loader.Epoch(context.Background(), 0, 0) {
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Bind(x, batch.Images); err != nil {
					t.Fatal(err)
				}
				if err := s.Run(); err != nil {
					t.Fatal(err)
				}
			}
			want := s.Value(y)

			var images []image.Image
			for i := range n {
				var m pixels.Image
				// The loader spreads its limit over the source in the same way.
				if err := split.Test.Image(i*split.Test.Len()/n, &m); err != nil {
					t.Fatal(err)
				}
				grey := &image.Gray{Pix: m.Pix, Stride: m.W, Rect: image.Rect(0, 0, m.W, m.H)}
				if i%2 == 0 {
					images = append(images, &m)
				} else {
					images = append(images, grey)
				}
			}
			predicted, err := c.PredictBatch(t.Context(), images, test.model.Classes)
			if err != nil {
				t.Fatal(err)
			}
			for i, img := range images {
				of := want[i*test.model.Classes : (i+1)*test.model.Classes]
				got, err := c.Logits(t.Context(), img)
				if err != nil {
					t.Fatal(err)
				}
				if e := apart(got, of); e > 1e-5 {
					t.Errorf("image %d: logits %v, evaluation has %v (%.2g apart)", i, got, of, e)
				}
				sum := 0.0
				for _, v := range of {
					sum += math.Exp(float64(v))
				}
				for _, p := range predicted[i] {
					if q := math.Exp(float64(of[p.Index])) / sum; math.Abs(q-float64(p.Probability)) > 1e-5 {
						t.Errorf("image %d: probability %v of class %d, evaluation has %v", i, p.Probability, p.Index, q)
					}
				}
			}
		})
	}
}

func TestPredictions(t *testing.T) {
	named := save(t, zoo.LeNet5(), graph.Eval, func(f *weights.File) {
		f.Meta.ClassNames = strings.Split("zero one two three four five six seven eight nine", " ")
	})
	c := load(t, named)

	t.Run("come with the most probable first and add up to one", func(t *testing.T) {
		list, err := c.Predict(t.Context(), noise(1, 28, 28), 10)
		if err != nil {
			t.Fatal(err)
		}
		seen, sum := map[int]bool{}, float32(0)
		for i, p := range list {
			seen[p.Index] = true
			sum += p.Probability
			if i > 0 && p.Probability > list[i-1].Probability {
				t.Errorf("%v is more probable than %v before it", p, list[i-1])
			}
			if name := c.Meta().ClassNames[p.Index]; p.Class != name {
				t.Errorf("class %d is called %q, want %q", p.Index, p.Class, name)
			}
		}
		if len(seen) != 10 || math.Abs(float64(sum)-1) > 1e-6 {
			t.Errorf("%d classes with the sum %v", len(seen), sum)
		}
	})
	t.Run("are as many as there are", func(t *testing.T) {
		for _, top := range []int{1, 5, 11} {
			list, err := c.Predict(t.Context(), noise(1, 28, 28), top)
			if err != nil || len(list) != min(top, 10) {
				t.Errorf("top %d: %v, %v", top, list, err)
			}
		}
	})
	t.Run("name the lower index first where two are the same", func(t *testing.T) {
		even := load(t, save(t, zoo.LeNet5(), graph.Eval, func(f *weights.File) {
			for _, x := range f.Tensors {
				clear(x.Data)
			}
		}))
		list, err := even.Predict(t.Context(), noise(1, 28, 28), 3)
		want := []infer.Prediction{{Class: "0", Index: 0, Probability: 0.1}, {Class: "1", Index: 1, Probability: 0.1}, {Class: "2", Index: 2, Probability: 0.1}}
		if err != nil || !slices.Equal(list, want) {
			t.Errorf("%v, %v, want %v", list, err, want)
		}
	})
	t.Run("of no images are none", func(t *testing.T) {
		list, err := c.PredictBatch(t.Context(), nil, 1)
		if err != nil || len(list) != 0 {
			t.Errorf("%v, %v", list, err)
		}
	})
	t.Run("do not depend on the form of the image", func(t *testing.T) {
		plain := noise(2, 41, 35)
		moved := image.NewNRGBA(image.Rect(-7, 3, 60, 70))
		wide := image.NewRGBA64(plain.Rect)
		for y := range 35 {
			for x := range 41 {
				moved.Set(x+2, y+11, plain.At(x, y))
				wide.Set(x, y, plain.At(x, y))
			}
		}
		var planes pixels.Image
		if err := planes.From(plain); err != nil {
			t.Fatal(err)
		}
		want, err := c.Logits(t.Context(), plain)
		if err != nil {
			t.Fatal(err)
		}
		for _, img := range []image.Image{moved.SubImage(image.Rect(2, 11, 43, 46)), wide, &planes} {
			got, err := c.Logits(t.Context(), img)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%T: %v, %v, want %v", img, got, err, want)
			}
		}
	})
	t.Run("take channels in the network's order", func(t *testing.T) {
		of := func(channels string, img image.Image) []float32 {
			l, err := load(t, save(t, zoo.ResNet8(), graph.Eval, func(f *weights.File) { f.Meta.Preprocessing.Channels = channels })).Logits(t.Context(), img)
			if err != nil {
				t.Fatal(err)
			}
			return l
		}
		img, swapped := noise(3, 32, 32), noise(3, 32, 32)
		for i := 0; i < len(img.Pix); i += 4 {
			swapped.Pix[i], swapped.Pix[i+2] = img.Pix[i+2], img.Pix[i]
		}
		var planes pixels.Image
		if err := planes.From(swapped); err != nil {
			t.Fatal(err)
		}
		before := slices.Clone(planes.Pix)
		want := of("rgb", img)
		if got := of("bgr", swapped); !slices.Equal(got, want) {
			t.Errorf("bgr %v, rgb %v", got, want)
		}
		if got := of("bgr", &planes); !slices.Equal(got, want) || !slices.Equal(planes.Pix, before) {
			t.Errorf("bgr of planes %v, rgb %v; the image changed: %v", got, want, !slices.Equal(planes.Pix, before))
		}
		if got := of("bgr", img); slices.Equal(got, want) {
			t.Error("the order of the channels makes no difference")
		}
	})
}

func TestFeatures(t *testing.T) {
	for _, test := range []struct {
		model *zoo.Model
		n     int
		last  string // name of a fully connected layer that ends the network
	}{
		{zoo.LeNet5(), 84, "output"},
		{zoo.LeNet5(zoo.Variant("1998")), 84, ""},
		{zoo.AlexNet(zoo.Width(0.125), zoo.Classes(7)), 512, ""},
		{zoo.VGG11(zoo.Width(0.125), zoo.Input(3, 64, 64), zoo.Classes(7)), 512, "classifier.6"},
		{zoo.GoogLeNet(zoo.Input(3, 64, 64), zoo.Classes(7)), 1024, "fc"},
		{zoo.AllCNN(zoo.Width(0.25)), 48, ""},
		{zoo.ResNet18(zoo.Input(3, 64, 64), zoo.Classes(7)), 512, "fc"},
		{zoo.ResNet8(), 64, "linear"},
	} {
		t.Run(test.model.Name+" "+test.model.Variant, func(t *testing.T) {
			var file *weights.File
			c := load(t, save(t, test.model, graph.Eval, func(f *weights.File) { file = f }))
			img := noise(4, 70, 66)
			features, err := c.Features(t.Context(), img)
			if err != nil {
				t.Fatal(err)
			}
			if len(features) != test.n {
				t.Fatalf("%d features, want %d", len(features), test.n)
			}
			if test.last == "" {
				return
			}
			logits, err := c.Logits(t.Context(), img)
			if err != nil {
				t.Fatal(err)
			}
			var w, bias []float32
			for _, x := range file.Tensors {
				switch x.Name {
				case test.last + ".weight":
					w = x.Data
				case test.last + ".bias":
					bias = x.Data
				}
			}
			if w == nil {
				t.Fatalf("no layer %s among %v", test.last, file.Specs()[len(file.Tensors)-2:])
			}
			want := make([]float32, len(bias))
			for k := range want {
				sum := float64(bias[k])
				for j, f := range features {
					sum += float64(f) * float64(w[k*len(features)+j])
				}
				want[k] = float32(sum)
			}
			if e := apart(logits, want); !(e < 1e-5) {
				t.Errorf("the last layer makes %v of the features, the logits are %v", want, logits)
			}
		})
	}
}

// A classifier gives the same to many goroutines as to one.
func TestClassifierIsSafeForConcurrentUse(t *testing.T) {
	// More cores than there may be: lanes with a thread each, and, for the larger network, with more.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	for _, model := range []*zoo.Model{zoo.LeNet5(), zoo.AlexNet(zoo.Width(0.25), zoo.Classes(5))} {
		t.Run(model.Name, func(t *testing.T) {
			c := load(t, save(t, model, graph.Eval, nil))
			var images []image.Image
			for i := range 21 {
				images = append(images, noise(uint64(i), 30+i, 40))
			}
			single := make([][]float32, len(images))
			for i, img := range images {
				var err error
				if single[i], err = c.Logits(t.Context(), img); err != nil {
					t.Fatal(err)
				}
			}
			batch, err := c.PredictBatch(t.Context(), images, 3)
			if err != nil {
				t.Fatal(err)
			}
			var all sync.WaitGroup
			for g := range 6 {
				all.Go(func() {
					for i := g; i < len(images); i += 3 {
						got, err := c.Logits(t.Context(), images[i])
						if err != nil || !slices.Equal(got, single[i]) {
							t.Errorf("image %d: %v, %v, alone %v", i, got, err, single[i])
						}
					}
					got, err := c.PredictBatch(t.Context(), images, 3)
					if err != nil || !slices.EqualFunc(got, batch, slices.Equal) {
						t.Errorf("the batch: %v, %v, alone %v", got, err, batch)
					}
				})
			}
			all.Wait()
		})
	}
}

func TestClosedClassifier(t *testing.T) {
	c := load(t, save(t, zoo.LeNet5(), graph.Eval, nil))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 20 {
				if _, err := c.Predict(t.Context(), noise(1, 28, 28), 1); err != nil {
					if !strings.Contains(err.Error(), "lenet5.safetensors: the classifier was closed") {
						t.Error(err)
					}
					return
				}
			}
		})
	}
	all.Go(func() { c.Close() })
	all.Wait()
	c.Close()
	if _, err := c.Predict(t.Context(), noise(1, 28, 28), 1); err == nil {
		t.Error("a closed classifier predicts")
	}
}

func TestLoadingIgnoresAuxiliaryClassifiers(t *testing.T) {
	m := zoo.GoogLeNet(zoo.Input(3, 96, 96), zoo.Classes(3))
	c := load(t, save(t, m, graph.Train, nil))
	if got := c.Model(); got.Name != "googlenet" || got.Classes != 3 || c.Meta().Network != "googlenet" {
		t.Errorf("loaded %s with %d classes", got.Name, got.Classes)
	}
}

type broken struct{ image.Image }

func (broken) Bounds() image.Rectangle { return image.Rect(0, 0, 9, 9) }
func (broken) ColorModel() color.Model { return color.GrayModel }
func (broken) At(x, y int) color.Color { panic("no pixels") }

func TestLoadErrors(t *testing.T) {
	change := func(m *zoo.Model, f func(*weights.File)) func(t *testing.T) string {
		return func(t *testing.T) string { return save(t, m, graph.Eval, f) }
	}
	for _, test := range []struct {
		name string
		path func(t *testing.T) string
		want []string // each part of the message
	}{
		{"a file of another program", change(zoo.LeNet5(), func(f *weights.File) { f.Meta = weights.Meta{} }),
			[]string{"lenet5.safetensors: a safetensors file that does not say which network", "zoo import FILE --as NAME"}},
		{"an unknown network", change(zoo.LeNet5(), func(f *weights.File) { f.Meta.Network = "lenet6" }),
			[]string{"lenet5.safetensors: ", "did you mean lenet5?"}},
		{"a tensor that is missing", change(zoo.LeNet5(), func(f *weights.File) { f.Tensors = f.Tensors[1:] }),
			[]string{"lenet5.safetensors: lenet5: ", `missing: "c1.weight"`}},
		{"no preprocessing", change(zoo.LeNet5(), func(f *weights.File) { f.Meta.Preprocessing = nil }),
			[]string{"lenet5.safetensors: the file does not say how an image becomes the input of lenet5, 1×28×28"}},
		{"channels that the input has not", change(zoo.LeNet5(), func(f *weights.File) {
			f.Meta.Input, f.Meta.Preprocessing = nil, &weights.Preprocessing{Channels: "bgr"}
		}), []string{`lenet5.safetensors: preprocessing: channels "bgr" for an input of 1`}},
		{"names of other classes", change(zoo.LeNet5(), func(f *weights.File) { f.Meta.Classes, f.Meta.ClassNames = 2, []string{"a", "b"} }),
			[]string{"lenet5.safetensors: 2 names for 10 classes"}},
		{"a network whose output is no class", change(zoo.AlphaGoValue(zoo.Filters(2)), nil), []string{"alphago-value.safetensors: alphago-value is no classifier"}},
		{"no weights file", func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "x.txt")
			if err := os.WriteFile(path, []byte("hello"), 0o666); err != nil {
				t.Fatal(err)
			}
			return path
		}, []string{"x.txt: "}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := infer.Load(test.path(t))
			if err == nil {
				t.Fatal("no error")
			}
			for _, part := range test.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not say %q", err, part)
				}
			}
		})
	}
	if _, err := infer.Load("nowhere.safetensors"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestPredictionErrors(t *testing.T) {
	c := load(t, save(t, zoo.LeNet5(), graph.Eval, nil))
	good := noise(1, 28, 28)
	for _, test := range []struct {
		name, want string
		images     []image.Image
		top        int
	}{
		{"no classes asked for", "lenet5.safetensors: top 0: should be at least 1", []image.Image{good}, 0},
		{"no image", "lenet5.safetensors: image is nil", []image.Image{nil}, 1},
		{"no image behind the pointer", "lenet5.safetensors: image cannot be read: ", []image.Image{(*image.Gray)(nil)}, 1},
		{"an image of one of many", "lenet5.safetensors: images[1] is nil", []image.Image{good, nil}, 1},
		{"an empty image", "lenet5.safetensors: images[20] cannot be used: an image of 0×0 pixels",
			append(slices.Repeat([]image.Image{good}, 20), &image.Gray{}), 1},
		{"pixels that are missing", "lenet5.safetensors: image has 3 pixels' bytes for 1×2×2",
			[]image.Image{&pixels.Image{Shape: pixels.Shape{C: 1, H: 2, W: 2}, Pix: make([]uint8, 3)}}, 1},
		{"two channels", "lenet5.safetensors: image cannot be prepared: 2 channels cannot become 1",
			[]image.Image{&pixels.Image{Shape: pixels.Shape{C: 2, H: 2, W: 2}, Pix: make([]uint8, 8)}}, 1},
		{"an image that panics", "lenet5.safetensors: image cannot be read: no pixels", []image.Image{broken{}}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			list, err := c.PredictBatch(t.Context(), test.images, test.top)
			if err == nil || !strings.Contains(err.Error(), test.want) || list != nil {
				t.Errorf("%v, error %v, want %s", list, err, test.want)
			}
		})
	}
	t.Run("weights that are no numbers", func(t *testing.T) {
		_, err := infer.Load(save(t, zoo.LeNet5(), graph.Eval, func(f *weights.File) { f.Tensors[9].Data[3] = float32(math.NaN()) }))
		if err == nil || !strings.Contains(err.Error(), `lenet5.safetensors: tensor "output.bias": 1 of its 10 values are NaN`) {
			t.Error(err)
		}
	})
	t.Run("weights beyond what can be added up", func(t *testing.T) {
		damaged := load(t, save(t, zoo.LeNet5(), graph.Eval, func(f *weights.File) {
			for i := range f.Tensors[8].Data {
				f.Tensors[8].Data[i] = math.MaxFloat32
			}
		}))
		_, err := damaged.Predict(t.Context(), good, 1)
		if err == nil || !strings.Contains(err.Error(), "lenet5.safetensors: image lenet5 answers ") || !strings.Contains(err.Error(), ": the weights are damaged") {
			t.Error(err)
		}
	})
}

func TestACallEndsWithItsContext(t *testing.T) {
	c := load(t, save(t, zoo.LeNet5(), graph.Eval, nil))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	img := noise(1, 28, 28)
	for name, call := range map[string]func() error{
		"Predict":      func() error { _, err := c.Predict(ctx, img, 1); return err },
		"PredictBatch": func() error { _, err := c.PredictBatch(ctx, slices.Repeat([]image.Image{img}, 30), 1); return err },
		"Logits":       func() error { _, err := c.Logits(ctx, img); return err },
		"Features":     func() error { _, err := c.Features(ctx, img); return err },
	} {
		if err := call(); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "lenet5.safetensors: ") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := c.Predict(t.Context(), img, 1); err != nil {
		t.Error(err)
	}
}

func BenchmarkPredict(b *testing.B) {
	for _, m := range []*zoo.Model{zoo.LeNet5(), zoo.ResNet20()} {
		c := load(b, save(b, m, graph.Eval, nil))
		img := noise(1, m.Input[2], m.Input[1])
		images := slices.Repeat([]image.Image{img}, 64)
		b.Run(m.Name+"/one", func(b *testing.B) {
			for b.Loop() {
				if _, err := c.Predict(b.Context(), img, 5); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(m.Name+"/at once", func(b *testing.B) {
			b.RunParallel(func(next *testing.PB) {
				for next.Next() {
					if _, err := c.Predict(b.Context(), img, 5); err != nil {
						b.Error(err)
					}
				}
			})
		})
		b.Run(m.Name+"/64", func(b *testing.B) {
			for b.Loop() {
				if _, err := c.PredictBatch(b.Context(), images, 5); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
