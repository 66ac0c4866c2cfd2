package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/cluster"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// What is refused, and in which words; and what a run says of images that it has to pass over.

// signs are the blobs as images with a number to predict: 1 where the first class was, else -1.
type signs struct{ datasets.Source }

func (s signs) Info() datasets.Info {
	info := s.Source.Info()
	info.Classes = nil
	return info
}

func (s signs) Label(i int) int {
	if s.Source.Label(i) == 0 {
		return 1
	}
	return -1
}

// squared is the tiny network for a number.
func squared() Network {
	return Network{
		Name: "value", Options: json.RawMessage(`{}`), Input: [3]int{1, 8, 8}, Classes: 1, Squared: true,
		Build: func(b *graph.Builder, x *gorgonia.Node) (*gorgonia.Node, error) {
			x = b.MaxPool(b.ReLU(b.Conv(x, "conv", 8, 3, graph.Same())), 2)
			return b.Dense(b.Flatten(x), "fc", 1), b.Err()
		},
	}
}

func TestANumberIsLearned(t *testing.T) {
	whole := split(t)
	data := datasets.Split{Train: signs{whole.Train}, Val: signs{whole.Val}}
	cfg := tinyConfig()
	cfg.Epochs, cfg.Schedule, cfg.Optimizer.LR = 8, recipe.Schedule{Name: "cosine"}, 0.005
	tr, err := New(cfg, squared(), data, Options{Folder: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	r := finish(t, tr)
	if v := r.Last.Val; !v.Squared || v.Loss > 0.5 || v.Top1 > 0.2 { // a constant's is 8/9, with an error of a third
		t.Errorf("%+v", v)
	}
	if v := r.Last.Train; !v.Squared || v.Loss <= 0 {
		t.Errorf("in training %+v", v)
	}
	e, err := Evaluate(t.Context(), EvalConfig{Weights: []string{r.LastWeights}, Images: data.Val, Network: func(m weights.Meta) (Network, error) {
		// The file says the distance, and how often the sign is right.
		if got := fmt.Sprint(m.Metrics); got != fmt.Sprint(map[string]float64{"val_mse": r.Last.Val.Loss, "val_sign_right": 1 - r.Last.Val.Top1}) {
			t.Errorf("the weights' file says %v of %+v", got, r.Last.Val)
		}
		return squared(), nil
	}})
	if err != nil || e.Metrics != r.Last.Val {
		t.Errorf("evaluated to %+v (%v), training said %+v", e.Metrics, err, r.Last.Val)
	}
	// The distances by hand.
	wrong, sum := 0, 0.0
	for i := range data.Val.Len() {
		var im image.Image
		if err := data.Val.Image(i, &im); err != nil {
			t.Fatal(err)
		}
		one := make([]float32, tr.eval.x.Shape().TotalSize())
		for j, p := range im.Pix {
			one[j] = (float32(p)/255 - 0.3) / 0.2
		}
		out, err := tr.eval.run(one)
		if err != nil {
			t.Fatal(err)
		}
		d := float64(out[0]) - float64(data.Val.Label(i))
		if sum += d * d / float64(data.Val.Len()); out[0]*float32(data.Val.Label(i)) <= 0 {
			wrong++
		}
	}
	if math.Abs(sum-e.Loss) > 1e-5 || math.Abs(float64(wrong)/50-e.Top1) > 1e-9 {
		t.Errorf("a mean distance of %v and %d wrong by hand, evaluated to %+v", sum, wrong, e.Metrics)
	}
}

// coordinates are two numbers for each image: where the first pixels are bright.
type coordinates struct{ datasets.Source }

func (s coordinates) Target(i int, dst []float32) {
	dst[0], dst[1] = float32(s.Label(i)), -float32(s.Label(i))/2
}

func TestNumbersOfOnesOwnAreLearned(t *testing.T) {
	whole := split(t)
	n := tiny()
	n.Objective = Regression(2)
	n.Build = func(b *graph.Builder, x *gorgonia.Node) (*gorgonia.Node, error) {
		return b.Dense(b.Flatten(b.ReLU(b.Conv(x, "conv", 8, 3, graph.Same()))), "fc", 2), b.Err()
	}
	cfg := tinyConfig()
	cfg.Epochs, cfg.Optimizer.LR = 8, 0.01
	tr, err := New(cfg, n, datasets.Split{Train: coordinates{whole.Train}, Val: coordinates{whole.Val}}, Options{Folder: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	r := finish(t, tr)
	if v := r.Best.Val; v.Objective != "mean squared error" || v.Judged || v.Loss > 0.2 { // constants' is (2/3 + 1/6)/2
		t.Errorf("%+v", v)
	}
}

func TestATrainerRefusesWhatDoesNotFit(t *testing.T) {
	whole := split(t)
	one := func(classes ...string) datasets.Source {
		m, err := datasets.NewMemory(datasets.Info{Name: "ones", Classes: classes, Shape: image.Shape{C: 1, H: 8, W: 8}, Mean: []float32{0}, Std: []float32{1}}, make([]uint8, 10*64), make([]int32, 10))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	numbers := datasets.Split{Train: signs{whole.Train}, Val: signs{whole.Val}}
	for name, c := range map[string]struct {
		net    Network
		data   datasets.Split
		change func(*recipe.Config)
		want   string
	}{
		"classes for a number":    {squared(), whole, nil, "value predicts a number, the data set blobs has 3 classes"},
		"numbers for classes":     {tiny(), numbers, nil, "tiny has 3 classes, the data set blobs has numbers to predict"},
		"too many classes":        {tinyFor(2, 4), whole, nil, "has 2 classes, the data set blobs has 3"},
		"one class":               {tiny(), datasets.Split{Train: one("a"), Val: one("a")}, nil, "ones: one class alone, a: there is nothing to tell apart"},
		"images of one class":     {tiny(), datasets.Split{Train: one("a", "b"), Val: one("a", "b")}, nil, "ones: all training images are of one class, a: there is nothing to tell apart"},
		"nothing to train on":     {tiny(), datasets.Split{Val: whole.Val}, nil, "the data set has no part to train on"},
		"no test part":            {tiny(), whole, func(c *recipe.Config) { c.Val = "test" }, `val "test": should be a fraction of the training images, such as 0.1: blobs has no part test`},
		"training images again":   {tiny(), whole, func(c *recipe.Config) { c.Val = "train" }, "other images than those that are learned"},
		"a fraction of all":       {tiny(), whole, func(c *recipe.Config) { c.Val = "1" }, "a fraction of the training images between 0 and 1"},
		"class weights":           {tiny(), whole, func(c *recipe.Config) { c.ClassWeights = "1,2" }, "one number for each of the 3 classes of blobs"},
		"weights without classes": {squared(), numbers, func(c *recipe.Config) { c.ClassWeights = "balanced" }, "class_weights: value has no classes that could be weighed"},
		"mixing without classes":  {squared(), numbers, func(c *recipe.Config) { c.Augment = recipe.ParseAugmentation("mixup(1)") }, "value has no classes that could be mixed"},
		"nothing left to train":   {tiny(), whole, func(c *recipe.Config) { c.Freeze = ".*" }, "nothing would be left to train"},
		"initial weights":         {tiny(), whole, func(c *recipe.Config) { c.Init = "nowhere.safetensors" }, "nowhere.safetensors"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := tinyConfig()
			if c.change != nil {
				c.change(&cfg)
			}
			tr, err := New(cfg, c.net, c.data, Options{})
			if err == nil {
				tr.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, should say %q", err, c.want)
			}
		})
	}
}

// altered rewrites what a run's state says of itself.
func altered(t *testing.T, folder string, change func(*state, *weights.File)) {
	t.Helper()
	path := filepath.Join(folder, report.StateFile)
	r, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := r.ReadAll()
	r.Close()
	if err != nil {
		t.Fatal(err)
	}
	var at state
	if err := json.Unmarshal([]byte(f.Meta.Extra[stateKey]), &at); err != nil {
		t.Fatal(err)
	}
	f.Meta.Extra[stateKey] = ""
	change(&at, f)
	if f.Meta.Extra[stateKey] == "" {
		text, err := json.Marshal(at)
		if err != nil {
			t.Fatal(err)
		}
		f.Meta.Extra[stateKey] = string(text)
	}
	if err := weights.Save(path, f); err != nil {
		t.Fatal(err)
	}
}

func TestAStateThatIsNotTheRunsIsRefused(t *testing.T) {
	cfg := tinyConfig()
	cfg.Epochs = 2
	r := finish(t, begin(t, cfg, t.TempDir(), nil))
	whole := read(t, r.Folder, report.StateFile)
	for name, c := range map[string]struct {
		change func(*state, *weights.File)
		want   string
	}{
		"no state": {func(_ *state, f *weights.File) {
			delete(f.Meta.Extra, stateKey)
			f.Meta.Extra["x"], f.Meta.Extra[stateKey] = "y", " "
		}, report.StateFile},
		"not to be read":     {func(_ *state, f *weights.File) { f.Meta.Extra[stateKey] = "{" }, "unexpected end of JSON input"},
		"another format":     {func(s *state, _ *weights.File) { s.Format = 9 }, "state of format 9: this program reads 2"},
		"other images":       {func(s *state, _ *weights.File) { s.Data = "sha256:0" }, "the run's training images are sha256:0, these are sha256:"},
		"other validation":   {func(s *state, _ *weights.File) { s.ValData = "sha256:1" }, "the images that choose the run's best weights are sha256:1, these are sha256:"},
		"another seed":       {func(s *state, _ *weights.File) { s.Seed = 77 }, "the run's seed is 77, the configuration says 3"},
		"too many epochs":    {func(s *state, _ *weights.File) { s.Epoch = 3 }, "3 epochs are done, and the run is to have 2"},
		"a step too many":    {func(s *state, _ *weights.File) { s.Step++ }, "epoch 2, batch 0, step 15 do not fit together with 7 batches an epoch"},
		"a batch too many":   {func(s *state, _ *weights.File) { s.Epoch, s.Batch, s.Step, s.History = 1, 8, 15, s.History[:1] }, "epoch 1, batch 8, step 15 do not fit"},
		"an epoch untold":    {func(s *state, _ *weights.File) { s.History = s.History[:1] }, "do not fit together"},
		"before the start":   {func(s *state, _ *weights.File) { s.Epoch, s.Step, s.History = -1, -7, nil }, "epoch -1"},
		"settings broken":    {func(s *state, _ *weights.File) { s.Config = json.RawMessage(`[]`) }, "the settings that the run was saved with"},
		"schedule broken":    {func(s *state, _ *weights.File) { s.Scheduler = json.RawMessage(`[]`) }, "schedule: "},
		"a parameter gone":   {func(_ *state, f *weights.File) { f.Tensors = f.Tensors[1:] }, "conv.weight"},
		"a parameter's size": {func(_ *state, f *weights.File) { f.Tensors[0].Shape = []int{9, 8, 1, 1} }, "conv.weight"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(filepath.Join(r.Folder, report.StateFile), whole, 0o666); err != nil {
				t.Fatal(err)
			}
			altered(t, r.Folder, c.change)
			tr, err := Resume(r.Folder, cfg, tiny(), split(t), Options{})
			if err == nil {
				tr.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), r.Folder) {
				t.Errorf("error %v, should name the run and say %q", err, c.want)
			}
		})
	}
	if err := os.WriteFile(filepath.Join(r.Folder, report.StateFile), whole, 0o666); err != nil {
		t.Fatal(err)
	}
	tr, err := Resume(r.Folder, cfg, tiny(), split(t), Options{}) // none of it has kept the folder
	if err != nil || !tr.Complete() {
		t.Fatalf("the run's own state: %v", err)
	}
	tr.Close()
}

func TestAnEvaluationRefusesWhatDoesNotFit(t *testing.T) {
	ab, abcd := []string{"a", "b"}, []string{"a", "b", "c", "d"}
	three := says(t, 1, abc, first...)
	two := says(t, 2, ab, []float64{.5, .5}, []float64{.4, .6}, []float64{.5, .5}, []float64{.1, .9})
	more := says(t, 3, abcd, []float64{.4, .2, .2, .2}, []float64{.4, .2, .2, .2}, []float64{.4, .2, .2, .2}, []float64{.4, .2, .2, .2})
	images := four(t, ab, 0, 1, 0, 1)
	number := func(weights.Meta) (Network, error) {
		n := table(1)
		n.Squared = true
		return n, nil
	}
	known := func(m weights.Meta) (Network, error) { return table(m.Classes), nil }
	value := says(t, 4, nil, []float64{.5}, []float64{.5}, []float64{.5}, []float64{.5})
	ended, end := context.WithCancel(t.Context())
	end()
	for name, c := range map[string]struct {
		ctx  context.Context
		cfg  EvalConfig
		want string
	}{
		"nothing":            {nil, EvalConfig{Network: known}, "no weights to evaluate"},
		"views":              {nil, EvalConfig{Weights: []string{two}, Network: known, Views: datasets.Views{Crops: 7}}, "7"},
		"no such file":       {nil, EvalConfig{Weights: []string{"nowhere.safetensors"}, Network: known}, "nowhere.safetensors"},
		"no such network":    {nil, EvalConfig{Weights: []string{two}, Network: func(weights.Meta) (Network, error) { return Network{}, errors.New("unknown") }}, "2.safetensors: unknown"},
		"another network's":  {nil, EvalConfig{Weights: []string{two}, Network: func(weights.Meta) (Network, error) { return table(5), nil }}, "fc.weight"},
		"classes differ":     {nil, EvalConfig{Weights: []string{three, more}, Network: known}, "3.safetensors: "},
		"average of numbers": {nil, EvalConfig{Weights: []string{value, value}, Images: signs{images}, Network: number}, "table has no classes whose probabilities could be averaged"},
		"interrupted":        {ended, EvalConfig{Weights: []string{two}, Network: known}, "context canceled"},
		"interrupted views":  {ended, EvalConfig{Weights: []string{two}, Network: known, Views: datasets.Views{Flip: true}}, "context canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := c.ctx
			if ctx == nil {
				ctx = t.Context()
			}
			if c.cfg.Images == nil {
				c.cfg.Images = images
			}
			if _, err := Evaluate(ctx, c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, should say %q", err, c.want)
			}
		})
	}
}

func TestRanksEvaluateTheSame(t *testing.T) {
	a, b := says(t, 1, abc, first...), says(t, 2, abc, second...)
	images, others := four(t, abc, truth...), four(t, abc, 0, 1, 1, 2)
	for name, c := range map[string]struct {
		weights [2]string
		images  [2]datasets.Source
		want    string
	}{
		"other weights": {[2]string{a, b}, [2]datasets.Source{images, images}, "the weights"},
		"other images":  {[2]string{a, a}, [2]datasets.Source{images, others}, "the images"},
		"no weights":    {[2]string{a, "nowhere.safetensors"}, [2]datasets.Source{images, images}, "nowhere.safetensors"},
	} {
		t.Run(name, func(t *testing.T) {
			for rank, err := range together(t, 2, func(group cluster.Comm) error {
				_, err := Evaluate(t.Context(), EvalConfig{Weights: c.weights[group.Rank() : group.Rank()+1], Images: c.images[group.Rank()], Cluster: group,
					Network: func(m weights.Meta) (Network, error) { return table(m.Classes), nil }})
				return err
			}) {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("rank %d: error %v, should say %q", rank, err, c.want)
				}
			}
		})
	}
}

// What ranks count of an objective of one's own is what one process counts.
func TestRanksEvaluateAnyObjective(t *testing.T) {
	n := multiLabel()
	data := datasets.Split{Train: bright{blobs(t, datasets.Train, 100, 1)}, Val: bright{blobs(t, datasets.Val, 50, 2)}}
	cfg := tinyConfig()
	cfg.Epochs = 1
	tr, err := New(cfg, n, data, Options{Folder: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	r := finish(t, tr)
	var seen [3]int
	evaluate := func(group cluster.Comm, progress func(int, int, int)) report.Metrics {
		e, err := Evaluate(t.Context(), EvalConfig{Weights: []string{r.LastWeights}, Images: data.Val, Batch: 8, Cluster: group, Progress: progress,
			Network: func(weights.Meta) (Network, error) { return n, nil }})
		if err != nil {
			t.Error(err)
		}
		return e.Metrics
	}
	want := evaluate(nil, func(member, images, total int) { seen = [3]int{member, images, total} })
	if want.Images != 50 || want.Loss <= 0 || seen != [3]int{0, 50, 50} {
		t.Errorf("%+v, the last progress was %v", want, seen)
	}
	together(t, 3, func(group cluster.Comm) error {
		if got := evaluate(group, nil); got.Images != 50 || math.Abs(got.Loss-want.Loss) > 1e-6 || math.Abs(got.Top1-want.Top1) > 1e-9 || got.Objective != want.Objective {
			t.Errorf("rank %d has %+v, one process %+v", group.Rank(), got, want)
		}
		return nil
	})
}

// patchy has images that cannot be decoded.
type patchy struct {
	datasets.Source
	bad map[int]bool
}

func (p patchy) Image(i int, dst *image.Image) error {
	if p.bad[i] {
		return fmt.Errorf("%s/%d.png: %w: no picture", p.Info().Part, i, image.ErrBroken)
	}
	return p.Source.Image(i, dst)
}

// told keeps which images a run was said to pass over.
type told struct {
	report.Quiet
	list *[]string
}

func (b told) Broken(list []datasets.BrokenImage) {
	for _, one := range list {
		*b.list = append(*b.list, one.Err.Error())
	}
}

func TestBrokenImagesAreToldOnce(t *testing.T) {
	whole := split(t)
	data := datasets.Split{Train: patchy{whole.Train, map[int]bool{7: true}}, Val: patchy{whole.Val, map[int]bool{3: true, 20: true}}}
	cfg := tinyConfig()
	if tr, err := New(cfg, tiny(), data, Options{Folder: t.TempDir()}); err != nil {
		t.Fatal(err)
	} else {
		_, err := tr.Run(t.Context())
		tr.Close()
		if err == nil || !strings.Contains(err.Error(), "train/7.png") {
			t.Errorf("without skip_broken: %v", err)
		}
	}
	cfg.SkipBroken = true
	var list []string
	tr, err := New(cfg, tiny(), data, Options{Folder: t.TempDir(), Events: told{list: &list}})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	r := finish(t, tr)
	if text := strings.Join(list, "\n"); len(list) != 3 || !strings.Contains(text, "train/7.png") || !strings.Contains(text, "val/3.png") || !strings.Contains(text, "val/20.png") {
		t.Errorf("told of %q", list)
	}
	if r.Broken != 3 || r.Last.Val.Images != 48 {
		t.Errorf("%d broken, %d images evaluated", r.Broken, r.Last.Val.Images)
	}
	known := func(weights.Meta) (Network, error) { return tiny(), nil }
	c := EvalConfig{Weights: []string{r.LastWeights}, Images: data.Val, Network: known, Worst: 50}
	if _, err := Evaluate(t.Context(), c); err == nil || !strings.Contains(err.Error(), "val/3.png") {
		t.Errorf("evaluated without SkipBroken: %v", err)
	}
	c.SkipBroken = true
	e, err := Evaluate(t.Context(), c)
	if err != nil || e.Broken != 2 || e.Images != 48 || e.Loss != r.Last.Val.Loss || len(e.Warnings) != 1 ||
		!strings.Contains(e.Warnings[0], "2 images of blobs") || !strings.Contains(e.Warnings[0], "are not counted, the first is val/3.png") {
		t.Errorf("%d broken of %d, loss %v for %v, warnings %q, %v", e.Broken, e.Images, e.Loss, r.Last.Val.Loss, e.Warnings, err)
	}
}

func TestAnInterruptionSaysWhereTheRunIs(t *testing.T) {
	folder := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	_, err := begin(t, tinyConfig(), folder, hook{step: func(step int) {
		if step == 9 {
			cancel()
		}
	}}).Run(ctx)
	var stopped *Interrupted
	if !errors.As(err, &stopped) || stopped.Folder != folder || !errors.Is(err, context.Canceled) || err.Error() != "interrupted; the run is saved in "+folder {
		t.Errorf("error %v", err)
	}
}

// Initial weights of the same classes in another order: the last layer's rows follow the names.
func TestInitialWeightsAreBroughtIntoTheOrderOfTheClasses(t *testing.T) {
	n := table(3)
	n.Head = func() (map[string]int, error) { return map[string]int{"fc.weight": 0, "fc.bias": 0}, nil }
	path := says(t, 5, []string{"c", "a", "b"}, first...)
	data := datasets.Split{Train: four(t, abc, truth...), Val: four(t, abc, truth...)}
	cfg := recipe.Config{Network: "table", Data: "four", Init: path, Epochs: 1, Batch: 2, Optimizer: recipe.Optimizer{LR: 0.1}}
	tr, err := New(cfg, n, data, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	for row, was := range []int{1, 2, 0} { // a, b, c in the file
		for i := range 4 {
			if got, want := tr.params.Get("fc.weight").Data[row*4+i], float32(math.Log(first[i][was])); got != want {
				t.Errorf("%s of image %d is %v, should be %v", abc[row], i, got, want)
			}
		}
	}
	if got, want := tr.Plan().Begins, "begins with "+path+", whose classes are the same in another order: the last layer is brought into this one"; got != want {
		t.Errorf("%q, should be %q", got, want)
	}
	n.Head = func() (map[string]int, error) { return nil, errors.New("no last layer") }
	if tr, err := New(cfg, n, data, Options{}); err == nil || !strings.Contains(err.Error(), "no last layer") {
		t.Errorf("a network without a last layer: %v, %v", tr, err)
	}
}

// Images are prepared as for the initial weights, unless the configuration says how.
func TestPreparationIsTakenOverFromInitialWeights(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.safetensors")
	for name, c := range map[string]struct {
		have weights.Preprocessing
		set  recipe.Config
		want string // resize, crop, mean, deviation, channels, interpolation, scale, squash
	}{
		"Caffe's":              {weights.Preprocessing{Resize: 256, Crop: 227, Mean: []float32{104, 117, 123}, Channels: "bgr", Scale: 255, Squash: true}, recipe.Config{}, "256 227 [104 117 123] [1] bgr  255 true"},
		"torchvision's":        {weights.Preprocessing{Resize: 232, Crop: 224, Mean: []float32{0.5, 0.4, 0.3}, Std: []float32{0.25, 0.2, 0.1}, Channels: "rgb", Interpolation: "bicubic"}, recipe.Config{}, "232 224 [0.5 0.4 0.3] [0.25 0.2 0.1]  bicubic 0 false"},
		"nothing is taken off": {weights.Preprocessing{Std: []float32{0.5}, Channels: "grey"}, recipe.Config{}, "0 0 [0] [0.5]   0 false"},
		"said otherwise":       {weights.Preprocessing{Resize: 256, Crop: 227, Channels: "grey"}, recipe.Config{Resize: 40}, "40 0 [] []   0 false"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := weights.Save(path, &weights.File{Tensors: []weights.Tensor{{Name: "x", Shape: []int{1}, Data: []float32{1}}}, Meta: weights.Meta{Preprocessing: &c.have}}); err != nil {
				t.Fatal(err)
			}
			c.set.Init = "the weights"
			asked := ""
			got, err := adopt(c.set, Options{Open: func(name string) (*weights.Reader, error) { asked = name; return weights.Open(path) }})
			if s := fmt.Sprint(got.Resize, got.Crop, got.Mean, got.Std, " ", got.Channels, " ", got.Interpolation, " ", got.PixelScale, got.Squash); err != nil || strings.Join(strings.Fields(s), " ") != strings.Join(strings.Fields(c.want), " ") {
				t.Errorf("%s, %v: should be %s", s, err, c.want)
			}
			if asked != "the weights" && c.set.Resize == 0 {
				t.Errorf("%q was opened", asked)
			}
		})
	}
}

func TestAnEstimateThatCannotBeMade(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := begin(t, tinyConfig(), t.TempDir(), nil).Estimate(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	for rank, err := range together(t, 2, func(group cluster.Comm) error {
		tr, err := New(tinyConfig(), tiny(), split(t), Options{Cluster: group})
		if err != nil {
			return err
		}
		defer tr.Close()
		_, err = tr.Estimate(t.Context())
		return err
	}) {
		if err == nil || err.Error() != "an estimate is made by one process, not by 2" {
			t.Errorf("rank %d: %v", rank, err)
		}
	}
	// Of batches that are timed image by image, a single one is the whole.
	n := multiLabel()
	data := datasets.Split{Train: bright{blobs(t, datasets.Train, 100, 1)}, Val: bright{blobs(t, datasets.Val, 50, 2)}}
	cfg := tinyConfig()
	cfg.Batch = 2
	tr, err := New(cfg, n, data, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	if d, err := tr.timeSmallSteps(t.Context()); err != nil || d <= 0 {
		t.Errorf("a step of %v, %v", d, err)
	}
	if _, err := tr.timeSmallSteps(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	if _, err := tr.timeEvaluation(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

func TestAFolderThatCannotBeMadeIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, o := range []Options{{Folder: filepath.Join(file, "run")}, {Folder: file}, {Root: file}} {
		tr, err := New(tinyConfig(), tiny(), split(t), o)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tr.Run(t.Context()); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%+v: error %v", o, err)
		}
		tr.Close()
	}
	folder := t.TempDir()
	unlock, err := Lock(folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, lockFile), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(folder); err == nil || err.Error() != folder+": in use by another process" {
		t.Errorf("a lock that does not say whose it is: %v", err)
	}
	unlock()
	if _, err := ReadConfig(folder); err == nil || err.Error() != folder+": the run has not begun: unless a process is about to, zoo train NAME --out "+folder+" begins it" {
		t.Errorf("a run of a lock alone: %v", err)
	}
}
