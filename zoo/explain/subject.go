package explain

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

// A Network builds itself: a *zoo.Model does.
type Network interface {
	Build(b *graph.Builder, x *gorgonia.Node) (*gorgonia.Node, error)
}

// A Subject is a trained network. Its methods are for one goroutine at a time.
type Subject struct {
	Network Network
	Params  *graph.Params
	Input   [3]int    // channels, height, width of an image
	Classes []string  // names, in the order of the output; may be nil
	Mean    []float32 // that was subtracted from pixels between 0 and White, for each channel, or one for all; nil is 0
	Std     []float32 // that they were divided by; nil is 1
	White   float32   // value of a white pixel, 255 for Caffe's networks; 0 is 1
	BGR     bool      // the first of three channels is blue
}

// size is the number of floats of an image.
func (s *Subject) size() int { return s.Input[0] * s.Input[1] * s.Input[2] }

// there says whether there is a network to look at.
func (s *Subject) there() error {
	switch {
	case s == nil || s.Network == nil:
		return errors.New("there is no network to look at")
	case s.Params == nil:
		return errors.New("the network has no parameters")
	case s.size() < 1:
		return fmt.Errorf("images of %d×%d×%d", s.Input[0], s.Input[1], s.Input[2])
	}
	return nil
}

// check says whether x is images of the subject.
func (s *Subject) check(x []float32) error {
	if err := s.there(); err != nil {
		return err
	}
	if n := s.size(); len(x) == 0 || len(x)%n != 0 {
		return fmt.Errorf("%d numbers are no images of %d×%d×%d", len(x), s.Input[0], s.Input[1], s.Input[2])
	}
	for i, v := range x {
		if v-v != 0 {
			return fmt.Errorf("number %d of the image is %v", i, v)
		}
	}
	return nil
}

// Layers lists the network's layers in their order, as methods name them.
func (s *Subject) Layers() ([]graph.Layer, error) {
	if err := s.there(); err != nil {
		return nil, err
	}
	b := graph.NewBuilder(s.Params, graph.Eval)
	if _, err := s.Network.Build(b, b.Input("image", 1, s.Input[0], s.Input[1], s.Input[2])); err != nil {
		return nil, err
	}
	return b.Layers(), nil
}

// LastMaps names the last layer that has maps of more than one pixel: where Grad-CAM looks.
func (s *Subject) LastMaps() (string, error) {
	layers, err := s.Layers()
	if err != nil {
		return "", err
	}
	for _, l := range slices.Backward(layers) {
		if len(l.Out) == 3 && l.Out[1]*l.Out[2] > 1 && !strings.Contains(l.Kind, "pool") {
			return l.Name, nil
		}
	}
	return "", errors.New("the network has no layer with maps")
}

// A program runs images to a layer and a gradient back.
type program struct {
	session *graph.Session
	batch   int
	x, dy   *gorgonia.Node
	y       *gorgonia.Node   // of the layer that the gradient comes from
	inner   []*gorgonia.Node // layers whose values are wanted
	grads   []*gorgonia.Node // of the image, or of the inner layers
	dyData  []float32
}

// A route says what a program computes.
type route struct {
	batch int
	from  string         // the layer whose gradient is given; empty for the output
	to    []string       // layers whose values are wanted
	inner bool           // the gradient ends in those layers, not in the image
	back  bool           // a gradient is wanted at all
	relu  graph.ReLURule // on the way back
}

// compile makes a program.
func (s *Subject) compile(r route) (*program, error) {
	if err := s.there(); err != nil {
		return nil, err
	}
	b := graph.NewBuilder(s.Params, graph.Eval)
	b.BackwardReLU(r.relu)
	p := &program{batch: r.batch}
	p.x = b.Input("image", r.batch, s.Input[0], s.Input[1], s.Input[2])
	if r.back && !r.inner {
		b.Watch(p.x)
	}
	y, err := s.Network.Build(b, p.x)
	if err != nil {
		return nil, err
	}
	if p.y, err = find(b, r.from, y); err != nil {
		return nil, err
	}
	for _, name := range r.to {
		n, err := find(b, name, y)
		if err != nil {
			return nil, err
		}
		p.inner = append(p.inner, n)
	}
	outputs := append([]*gorgonia.Node{p.y}, p.inner...)
	if r.back {
		p.dy = b.Input("gradient of "+r.from, p.y.Shape()...)
		wrt := []*gorgonia.Node{p.x}
		if r.inner {
			wrt = p.inner
		}
		if p.grads, err = b.Backward(p.y, p.dy, wrt...); err != nil {
			return nil, err
		}
		outputs = append(outputs, p.grads...)
	}
	if p.session, err = graph.Compile(b, unique(outputs), graph.Config{}); err != nil {
		return nil, err
	}
	if r.back {
		p.dyData = make([]float32, p.y.Shape().TotalSize())
		err = p.session.Bind(p.dy, p.dyData)
	}
	return p, err
}

func unique(nodes []*gorgonia.Node) []*gorgonia.Node {
	var list []*gorgonia.Node
	for _, n := range nodes {
		if !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	return list
}

// find returns the node of a layer; an empty name is the output.
func find(b *graph.Builder, name string, output *gorgonia.Node) (*gorgonia.Node, error) {
	if name == "" {
		return output, nil
	}
	var names []string
	for _, l := range b.Layers() {
		if l.Name == name {
			return l.Node, nil
		}
		names = append(names, l.Name)
	}
	return nil, noLayer(name, names)
}

// A LayerError is about a layer that the network does not have.
type LayerError struct {
	Name string
	Have []string // the names of those that would do
}

func (e *LayerError) Error() string {
	return fmt.Sprintf("no layer is called %q: there are %s", e.Name, strings.Join(e.Have, ", "))
}

func noLayer(name string, names []string) error { return &LayerError{name, names} }

// run computes the program for images; gradient fills what is given to the layer, from its values.
func (p *program) run(x []float32, gradient func(y, dy []float32)) error {
	if err := p.session.Bind(p.x, x); err != nil {
		return err
	}
	if gradient == nil {
		return p.session.Run()
	}
	clear(p.dyData)
	// What is given may depend on the values, which one run finds and the next one uses.
	if err := p.session.Run(); err != nil {
		return err
	}
	gradient(p.session.Value(p.y), p.dyData)
	return p.session.Run()
}

// image is the gradient in the images.
func (p *program) image() []float32 { return p.session.Value(p.grads[0]) }

// Logits returns the network's output for each image of x.
func (s *Subject) Logits(x []float32) ([][]float32, error) {
	if err := s.check(x); err != nil {
		return nil, err
	}
	n := len(x) / s.size()
	p, err := s.compile(route{batch: n})
	if err != nil {
		return nil, err
	}
	if err := p.run(x, nil); err != nil {
		return nil, err
	}
	return rows(p.session.Value(p.y), n), nil
}

func rows(v []float32, n int) [][]float32 {
	list := make([][]float32, n)
	for i := range list {
		list[i] = slices.Clone(v[i*len(v)/n : (i+1)*len(v)/n])
	}
	return list
}

// class is the class that is meant: a negative one is the most probable.
func class(asked int, logits []float32) (int, error) {
	if asked >= len(logits) {
		return 0, fmt.Errorf("class %d: the network has %d", asked, len(logits))
	}
	if asked >= 0 {
		return asked, nil
	}
	best := 0
	for i, v := range logits {
		if v > logits[best] {
			best = i
		}
	}
	return best, nil
}

// Best is the most probable class of an image's logits, and its probability; -1 and 0 if there are none.
func Best(logits []float32) (of int, p float64) {
	if len(logits) == 0 {
		return -1, 0
	}
	of, _ = class(-1, logits)
	return of, probability(logits, of)
}

// Name is a class's name, or its number.
func (s *Subject) Name(class int) string {
	if class >= 0 && class < len(s.Classes) {
		return s.Classes[class]
	}
	return fmt.Sprint(class)
}

// norm is the mean and deviation of a channel, of pixels between 0 and 1.
func (s *Subject) norm(c int) (mean, std float32) {
	pick := func(v []float32, otherwise float32) float32 {
		switch {
		case len(v) == 0:
			return otherwise
		case c < len(v):
			return v[c]
		}
		return v[0]
	}
	white := cmp.Or(s.White, 1)
	return pick(s.Mean, 0) / white, pick(s.Std, 1) / white
}

// probability is that of one class.
func probability(logits []float32, class int) float64 {
	most := math.Inf(-1)
	for _, v := range logits {
		most = max(most, float64(v))
	}
	sum := 0.0
	for _, v := range logits {
		sum += math.Exp(float64(v) - most)
	}
	return math.Exp(float64(logits[class])-most) / sum
}
