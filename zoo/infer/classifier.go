package infer

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	pixels "github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// A Classifier is a trained network that says what images show. Its methods are safe for concurrent use.
//
// Images may be of any size, grey or in colour; they are prepared as the weights file says, by the code
// that evaluations use (see [datasets.Preparer]). A [*pixels.Image] is taken as it is, which spares a
// conversion; datasets/image/codec makes one of a file, and turns photographs as their EXIF data says.
//
// The weights are in memory once. Beyond them a Classifier keeps, from first use on, working memory and
// packed weights for as many steps at a time as stay below 256 MB: a small network runs on each core by
// itself, a large one is run by one caller at a time on all cores, while others prepare their images.
// None of that changes a result.
type Classifier struct {
	name   string // of the file
	model  *zoo.Model
	meta   weights.Meta
	input  datasets.Input
	runner *runner
}

// A Prediction is one class that an image may show.
type Prediction struct {
	Class       string  `json:"class"` // its name, or its index where the weights have no names
	Index       int     `json:"index"`
	Probability float32 `json:"probability"`
}

// Load reads a classifier: from a weights file of ours, from the best weights of a run's folder, or by the
// name of weights that others publish, such as "resnet50", which are fetched if they are not in the user's
// cache (see [Published], and [OpenPublished] to say how). The network, its classes and the preprocessing are
// the file's own; a file without them, of another program, has to pass [Import] first, but for ONNX models: see [Open]. Errors name the file.
func Load(name string, opts ...Option) (*Classifier, error) {
	r, err := open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return LoadFrom(r, opts...)
}

func open(name string) (*weights.Reader, error) {
	info, err := os.Stat(name)
	switch {
	case err == nil && info.IsDir():
		return weights.Open(filepath.Join(name, "weights", "best.safetensors"))
	case errors.Is(err, fs.ErrNotExist):
		if _, ok := lookup(name); ok {
			return OpenPublished(context.Background(), name, FetchOptions{})
		}
		return nil, fmt.Errorf("%q is no file, no run's folder and no published weights: %w", name, fs.ErrNotExist)
	}
	return Open(name)
}

var (
	errNoReader = errors.New("no weights: the reader is nil")
	errNotMade  = errors.New("no weights: a classifier is made by Load or LoadFrom")
)

// LoadFrom is [Load] from an open file or embedded weights. The reader is not needed afterwards.
func LoadFrom(r *weights.Reader, opts ...Option) (*Classifier, error) {
	if r == nil {
		return nil, errNoReader
	}
	c, err := load(r, opts)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Name(), err)
	}
	if err := read(r, c.runner.params); err != nil {
		return nil, err
	}
	return c, nil
}

// An Option changes how [Load] and [LoadFrom] make a classifier.
type Option func(*options)

type options struct{ half bool }

// Half keeps the weights of layers that take the time of reading them as 16-bit floats: the fully connected ones of
// AlexNet and VGG above all, which then answer in up to half the time. Each weight is off by at most 2⁻¹¹ of itself;
// everything else stays as it is. [Classifier.Halves] names the layers.
func Half() Option { return func(o *options) { o.half = true } }

// Halves returns the layers whose weights are kept as 16-bit floats: see [Half].
func (c *Classifier) Halves() []string {
	if c.runner == nil {
		return nil
	}
	return slices.Clone(c.runner.halves)
}

// Params reads the parameters of evaluation of a network from a weights file. Those of classifiers on inner
// layers may be in the file or not. Errors name the file.
func Params(r *weights.Reader, m *zoo.Model) (*graph.Params, error) {
	if r == nil {
		return nil, errNoReader
	}
	params, err := evaluated(m, r.Specs())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Name(), err)
	}
	return params, read(r, params)
}

// read gives parameters their values.
func read(r *weights.Reader, params *graph.Params) error {
	params.Allocate()
	return r.ReadNetwork(func(name string, _ []int) []float32 {
		if p := params.Get(name); p != nil {
			return p.Data
		}
		return nil
	})
}

// load makes the classifier, whose parameters have no values yet.
func load(r *weights.Reader, opts []Option) (*Classifier, error) {
	var o options
	for _, set := range opts {
		if set != nil {
			set(&o)
		}
	}
	c := &Classifier{name: r.Name(), meta: r.Meta()}
	if c.meta.Network == "" {
		return nil, fmt.Errorf("a %s file that does not say which network it belongs to: make one that does with infer.Import, or zoo import FILE --as NAME -o WEIGHTS", r.Format())
	}
	var err error
	if c.model, err = Stored(c.meta); err != nil {
		return nil, err
	}
	if c.model.Loss != zoo.CrossEntropy {
		return nil, fmt.Errorf("%s is no classifier: its output is no list of classes", c.model.Name)
	}
	if names := len(c.meta.ClassNames); names > 0 && names != c.model.Classes {
		return nil, fmt.Errorf("%d names for %d classes", names, c.model.Classes)
	}
	if err := c.preprocessing(); err != nil {
		return nil, err
	}
	params, err := evaluated(c.model, r.Specs())
	if err != nil {
		return nil, err
	}
	c.runner, err = newRunner(c.model, params, o)
	return c, err
}

// evaluated declares the parameters of evaluation, if they are what a file has. Those of classifiers on
// inner layers may be there or not.
func evaluated(m *zoo.Model, have []weights.Spec) (*graph.Params, error) {
	params, err := m.Params(graph.Eval)
	if err != nil {
		return nil, err
	}
	if err := weights.Match(have, specs(params)); err != nil {
		if all, failed := m.Params(graph.Train); failed != nil || weights.Match(have, specs(all)) != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
	}
	return params, nil
}

// specs lists what a weights file of these parameters holds.
func specs(params *graph.Params) []weights.Spec {
	var list []weights.Spec
	for _, p := range params.All() {
		list = append(list, weights.Spec{Name: p.Name, Shape: p.Shape})
	}
	return list
}

// preprocessing reads how an image becomes the input.
func (c *Classifier) preprocessing() error {
	p, channels := c.meta.Preprocessing, c.model.Input[0]
	if p == nil {
		return fmt.Errorf("the file does not say how an image becomes the input of %s, %s", c.model.Name, fmt.Sprintf("%d×%d×%d", c.model.Input[0], c.model.Input[1], c.model.Input[2]))
	}
	switch {
	case p.Channels == "grey" && channels == 1, (p.Channels == "rgb" || p.Channels == "bgr") && channels == 3:
	default:
		return fmt.Errorf("preprocessing: channels %q for an input of %d: should be grey for 1, rgb or bgr for 3", p.Channels, channels)
	}
	filter, err := pixels.ParseFilter(p.Interpolation)
	if err != nil {
		return fmt.Errorf("preprocessing: %w", err)
	}
	shape := pixels.Shape{C: channels, H: c.model.Input[1], W: c.model.Input[2]}
	c.input, err = datasets.Input{
		Shape: shape, Resize: p.Resize, Crop: p.Crop, Mean: p.Mean, Std: p.Std, Filter: filter, Scale: p.Scale, Squash: p.Squash, BGR: p.Channels == "bgr",
	}.For(datasets.Info{Name: "preprocessing", Shape: shape})
	return err
}

// Model describes the network.
func (c *Classifier) Model() *zoo.Model { return c.model }

// Meta is what the weights file says about them. Its maps and slices are shared: do not change them.
func (c *Classifier) Meta() weights.Meta { return c.meta }

// Predict returns the most probable classes of an image, at most top of them, the first ones best. Of
// equally probable ones the lower index is first. Where ctx ends before the image's turn comes, its error is
// returned.
func (c *Classifier) Predict(ctx context.Context, img image.Image, top int) ([]Prediction, error) {
	list, err := c.PredictBatch(ctx, []image.Image{img}, top)
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// PredictBatch is [Classifier.Predict] for many images, at a higher rate: four of them share a step, on
// all cores. What one image gives does not depend on the others but for float32's rounding, since
// steps for one image and for many add in different orders. If an image is bad, the error says which,
// and there are no predictions.
func (c *Classifier) PredictBatch(ctx context.Context, images []image.Image, top int) ([][]Prediction, error) {
	if top < 1 {
		return nil, fmt.Errorf("%s: top %d: should be at least 1", c.name, top)
	}
	switch c.Objective() {
	case "", multiLabel:
	default:
		return nil, fmt.Errorf("%s: trained for the %s: its outputs are no probabilities of classes; take Logits or Features", c.name, c.Objective())
	}
	list := make([][]Prediction, len(images))
	err := c.run(ctx, images, func(i int, o Outputs) { list[i] = c.best(o.Logits, top) })
	if err != nil {
		return nil, err
	}
	return list, nil
}

// multiLabel is the objective of networks whose outputs are a class each, by itself.
const multiLabel = "binary cross-entropy"

// Objective is what the network was trained for, where that is not to tell classes apart; otherwise empty. For
// the "binary cross-entropy" of classes of which an image may show several, probabilities of [Classifier.Predict]
// are each class's own and do not add up to 1; for another objective there are none.
func (c *Classifier) Objective() string { return c.meta.Extra["zoo.objective"] }

// Logits returns the network's output for an image, one number a class: what [Model.Build] returns.
func (c *Classifier) Logits(ctx context.Context, img image.Image) (logits []float32, err error) {
	err = c.run(ctx, []image.Image{img}, func(_ int, o Outputs) { logits = slices.Clone(o.Logits) })
	return logits, err
}

// Features returns what the network's last layer with weights sees of an image: 84 numbers for LeNet-5,
// 512 for ResNet-18, 4096 for VGG-16. Of a fully convolutional network it is the mean of each map. Images
// that look alike to the network have features that lie close together.
func (c *Classifier) Features(ctx context.Context, img image.Image) (features []float32, err error) {
	err = c.run(ctx, []image.Image{img}, func(_ int, o Outputs) { features = slices.Clone(o.Features) })
	return features, err
}

// Close ends the threads that the classifier keeps, after the calls that are under way; later ones are
// errors. A classifier that becomes garbage is closed by the way.
func (c *Classifier) Close() error {
	if c.runner == nil {
		return nil
	}
	c.runner.close()
	return nil
}

// run calls each for every image, with outputs that hold until it returns, in any order and from several
// goroutines.
func (c *Classifier) run(ctx context.Context, images []image.Image, each func(i int, o Outputs)) error {
	if c.runner == nil {
		return errNotMade
	}
	if ctx == nil {
		ctx = context.Background()
	}
	for i, img := range images {
		if img == nil {
			return c.imageError(i, len(images), errors.New("is nil"))
		}
	}
	err := c.runner.run(ctx, c, images, func(i int, o Outputs) error {
		for _, v := range o.Logits {
			if v-v != 0 {
				return c.imageError(i, len(images), fmt.Errorf("%s answers %v: the weights are damaged, or were trained too fast", c.model.Name, v))
			}
		}
		each(i, o)
		return nil
	})
	if errors.Is(err, errClosed) || err != nil && err == ctx.Err() {
		err = fmt.Errorf("%s: %w", c.name, err)
	}
	return err
}

func (c *Classifier) imageError(i, of int, err error) error {
	if of == 1 {
		return fmt.Errorf("%s: image %w", c.name, err)
	}
	return fmt.Errorf("%s: images[%d] %w", c.name, i, err)
}

// best picks from the softmax of the logits, or of many labels from the logistic function of each.
func (c *Classifier) best(logits []float32, top int) []Prediction {
	if len(logits) == 0 || top < 1 {
		return nil
	}
	sum, most := 0.0, float64(slices.Max(logits))
	for _, v := range logits {
		sum += math.Exp(float64(v) - most)
	}
	probability := func(v float32) float32 { return float32(math.Exp(float64(v)-most) / sum) }
	if c.Objective() == multiLabel {
		probability = func(v float32) float32 { return float32(1 / (1 + math.Exp(-float64(v)))) }
	}
	list := make([]Prediction, 0, min(top, len(logits)))
	for i, v := range logits {
		at := len(list)
		for at > 0 && logits[list[at-1].Index] < v {
			at--
		}
		if at == cap(list) {
			continue
		}
		if len(list) < cap(list) {
			list = append(list, Prediction{})
		}
		copy(list[at+1:], list[at:])
		list[at] = Prediction{c.class(i), i, probability(v)}
	}
	return list
}

func (c *Classifier) class(i int) string {
	if len(c.meta.ClassNames) == 0 {
		return strconv.Itoa(i)
	}
	return c.meta.ClassNames[i]
}

// A preparer makes a network's input of one image after the other. It is for one goroutine at a time.
type preparer struct {
	*datasets.Preparer
	img pixels.Image // of an image that comes in another form
	x   []float32    // room for a step's images
}

// prepare writes an image as the network wants it.
func (c *Classifier) prepare(p *preparer, dst []float32, img image.Image) (err error) {
	defer func() {
		if r := recover(); r != nil { // of an image that is not what its type says
			err = fmt.Errorf("cannot be read: %v", r)
		}
	}()
	m, ok := img.(*pixels.Image)
	switch {
	case !ok:
		if err := p.img.From(img); err != nil {
			return fmt.Errorf("cannot be used: %w", err)
		}
		m = &p.img
	case m.H < 1 || m.W < 1 || len(m.Pix) != m.Len():
		return fmt.Errorf("has %d pixels' bytes for %v", len(m.Pix), m.Shape)
	}
	if err := p.Prepare(dst, m); err != nil {
		return fmt.Errorf("cannot be prepared: %w", err)
	}
	return nil
}
