package graph

import (
	"errors"
	"fmt"
	"slices"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// A Mode says what a graph is for. Layers that differ between the two (dropout, batch normalisation,
// auxiliary heads) look at it when they are built.
type Mode int

const (
	Eval Mode = iota
	Train
)

// A Builder adds the layers of a network to an expression graph. It keeps the first error and ignores
// all that follows it, so that an architecture reads without checks; [Builder.Err] tells at the end.
// Its methods take and return nodes: x is N×C×H×W unless said otherwise.
type Builder struct {
	g               *gorgonia.ExprGraph
	params          *Params
	mode            Mode
	nodes           map[string]*gorgonia.Node // of the parameters declared in this graph
	counts          map[string]int            // of layers without a name of their own
	layers          []Layer
	aux             []Auxiliary
	err             error
	weights, biases Initializer
	dropouts        uint64
	relu            ReLURule                // of the ReLUs that follow
	watched         map[*gorgonia.Node]bool // inputs whose gradient is wanted
	differentiated  bool
}

// A Layer is one entry of the list that a Builder keeps of what it built.
type Layer struct {
	Name    string  // the parameters' prefix, or the kind and a number
	Kind    string  // "conv", "max pool", …
	In, Out []int   // shapes without the batch dimension, of the first input and of the output
	Params  int64   // trainable elements that this layer declares
	MACs    int64   // multiply-adds of one image, convolutions and fully connected layers only
	Formula string  // the arithmetic of the output size, with its numbers
	Rate    float64 // of dropout and stochastic depth: the probability that a value, or a branch, is dropped
	Node    *gorgonia.Node
}

// An Auxiliary is a classifier on an inner layer that adds to the loss in training.
type Auxiliary struct {
	Logits *gorgonia.Node
	Weight float32
}

// NewBuilder starts a graph over params, which it extends by what the network declares. The params must not
// be nil.
func NewBuilder(params *Params, mode Mode) *Builder {
	var err error
	if params == nil {
		params, err = NewParams(), errors.New("a builder needs parameters to extend: NewParams makes an empty set")
	}
	return &Builder{
		err: err,
		g:   gorgonia.NewGraph(), params: params, mode: mode,
		nodes: map[string]*gorgonia.Node{}, counts: map[string]int{}, watched: map[*gorgonia.Node]bool{},
		weights: FanInUniform(), biases: Constant(0),
	}
}

// Graph returns the expression graph.
func (b *Builder) Graph() *gorgonia.ExprGraph { return b.g }

// Params returns the parameters that this graph's layers are built over.
func (b *Builder) Params() *Params { return b.params }

// Training reports whether the graph is for training.
func (b *Builder) Training() bool { return b.mode == Train }

// Layers returns what was built so far, in order.
func (b *Builder) Layers() []Layer { return b.layers }

// Err returns the first error, or nil.
func (b *Builder) Err() error { return b.err }

// Errorf records an error of an architecture, unless there is one already.
func (b *Builder) Errorf(format string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf(format, args...)
	}
}

// DefaultInit sets the initialisers of the layers that follow and do not name their own with [Init].
// At the start they are PyTorch's for weights and zero for biases.
func (b *Builder) DefaultInit(weights, biases Initializer) {
	if weights == nil || biases == nil {
		b.Errorf("default initialisers: one is nil")
		return
	}
	b.weights, b.biases = weights, biases
}

// Input adds an input of the given shape, N×C×H×W for images. Its memory is bound with [Session.Bind].
func (b *Builder) Input(name string, shape ...int) *gorgonia.Node {
	if b.err != nil {
		return nil
	}
	if err := checkShape(shape); err != nil {
		b.Errorf("input %s: %w", name, err)
		return nil
	}
	return gorgonia.NewTensor(b.g, tensor.Float32, len(shape), gorgonia.WithShape(shape...), gorgonia.WithName(name))
}

// Watch says that the gradient of an input, such as the image, will be asked for, by [Builder.Grads] or
// [Builder.Backward], and returns the input. It comes before the layers that read it, which otherwise
// leave that gradient out: it costs as much as that of an inner layer.
func (b *Builder) Watch(input *gorgonia.Node) *gorgonia.Node {
	switch {
	case !b.takes("watch", input):
		return nil
	case input.Op() != nil:
		b.Errorf("watch: %v is not an input; the gradient of an inner node need not be announced", input)
		return nil
	case b.g.To(input.ID()).Len() > 0:
		b.Errorf("watch: layers read %s already; its gradient is asked for before they are built", input.Name())
		return nil
	}
	b.watched[input] = true
	return input
}

// Auxiliary adds logits of a classifier on an inner layer to the training loss, with a weight.
func (b *Builder) Auxiliary(logits *gorgonia.Node, weight float32) {
	if b.rank("auxiliary classifier", logits, 2) {
		b.aux = append(b.aux, Auxiliary{logits, weight})
	}
}

// Auxiliaries returns what [Builder.Auxiliary] was told.
func (b *Builder) Auxiliaries() []Auxiliary { return b.aux }

// Param returns the node of a trainable parameter that no ready-made layer declares, for ops that an
// architecture adds by itself.
func (b *Builder) Param(name string, init Initializer, shape ...int) *gorgonia.Node {
	return b.declare(name, shape, false, init)
}

// ParamNode returns the node of a parameter that was declared in this graph, or nil.
func (b *Builder) ParamNode(name string) *gorgonia.Node { return b.nodes[name] }

func (b *Builder) declare(name string, shape []int, buffer bool, init Initializer) *gorgonia.Node {
	if b.err != nil {
		return nil
	}
	if err := checkShape(shape); err != nil {
		b.Errorf("parameter %s: %w", name, err)
		return nil
	}
	if init == nil {
		b.Errorf("parameter %s has no initialiser", name)
		return nil
	}
	if b.nodes[name] != nil {
		b.Errorf("two layers declare the parameter %s", name)
		return nil
	}
	if _, err := b.params.declare(name, shape, buffer, init); err != nil {
		b.Errorf("%w", err)
		return nil
	}
	n := gorgonia.NewTensor(b.g, tensor.Float32, len(shape), gorgonia.WithShape(shape...), gorgonia.WithName(name))
	b.nodes[name] = n
	return n
}

// Let binds every parameter's memory to its node, as a [gorgonia.TapeMachine] needs it. Inputs are
// bound by the caller with [gorgonia.Let].
func (b *Builder) Let() error {
	if err := b.check("let"); err != nil {
		return err
	}
	b.params.Allocate()
	for name, n := range b.nodes {
		p := b.params.Get(name)
		if err := gorgonia.Let(n, tensor.New(tensor.WithShape(p.Shape...), tensor.WithBacking(p.Data))); err != nil {
			return fmt.Errorf("parameter %s: %w", name, err)
		}
	}
	return nil
}

// Grads differentiates the scalar loss and returns one node for each of the trained parameters, in the
// order of [Params.Trained]; or, if nodes are named, one for each of these: parameters, inputs that are
// watched (see [Builder.Watch]), or inner nodes. A graph can be differentiated once, as Gorgonia's nodes
// remember their derivatives. It need not be for training: in a graph for evaluation dropout is nothing
// and batch normalisation goes by its running statistics, which the derivative takes as constants.
func (b *Builder) Grads(loss *gorgonia.Node, wrt ...*gorgonia.Node) ([]*gorgonia.Node, error) {
	if err := b.check("gradients", loss); err != nil {
		return nil, err
	}
	if !loss.IsScalar() {
		return nil, fmt.Errorf("gradients: the loss has the shape %s, a scalar is needed", dims(loss.Shape()))
	}
	if len(wrt) == 0 {
		for _, p := range b.params.Trained() {
			n := b.nodes[p.Name]
			if n == nil {
				return nil, fmt.Errorf("parameter %s is not part of this graph", p.Name)
			}
			wrt = append(wrt, n)
		}
	}
	one := b.g.AddNode(gorgonia.NewConstant(float32(1)))
	return b.differentiate(loss, one, wrt)
}

// Backward returns the gradients of Σ dy·y in the nodes named, for y of any shape and dy of the same: what
// y's own gradient would be if dy were that of the loss. Where dy is an input that holds 1 at one class
// and 0 elsewhere, that is how each pixel moves that class's logit. For all else see [Builder.Grads].
func (b *Builder) Backward(y, dy *gorgonia.Node, wrt ...*gorgonia.Node) ([]*gorgonia.Node, error) {
	if err := b.check("gradients", y, dy); err != nil {
		return nil, err
	}
	if !slices.Equal(y.Shape(), dy.Shape()) {
		return nil, fmt.Errorf("gradients: shapes %s and %s differ", orScalar(y.Shape()), orScalar(dy.Shape()))
	}
	return b.differentiate(y, dy, wrt)
}

func (b *Builder) differentiate(y, dy *gorgonia.Node, wrt []*gorgonia.Node) (grads []*gorgonia.Node, err error) {
	if b.differentiated {
		return nil, fmt.Errorf("gradients: this graph was differentiated before; build another")
	}
	if len(wrt) == 0 {
		return nil, fmt.Errorf("gradients: no node is named and no parameter is trained")
	}
	if err := b.check("gradients", wrt...); err != nil {
		return nil, err
	}
	for _, n := range wrt {
		if b.image(n) {
			return nil, fmt.Errorf("gradients: the input %s is not watched: tell Builder.Watch before its layers are built", n.Name())
		}
	}
	b.differentiated = true
	defer recoverAs(&err, "differentiate")
	return gorgonia.Backpropagate(gorgonia.Nodes{y}, gorgonia.Nodes{dy}, wrt)
}

// image reports whether x is an input of the graph that nobody has asked the gradient of.
func (b *Builder) image(x *gorgonia.Node) bool {
	return x.Op() == nil && b.nodes[x.Name()] != x && !b.watched[x]
}

// layer applies an op and puts it on the list.
func (b *Builder) layer(l Layer, o op, inputs ...*gorgonia.Node) *gorgonia.Node {
	if b.err != nil {
		return nil
	}
	if l.Name == "" {
		l = b.unnamed(l.Kind)
	}
	if shape := o.base().shape; !shape.IsScalar() {
		if err := checkShape(shape); err != nil {
			b.Errorf("%s: the result: %w", l.Name, err)
			return nil
		}
	}
	o.base().name = l.Name
	n, err := gorgonia.ApplyOp(o, inputs...)
	if err != nil {
		b.Errorf("%s: %w", l.Name, err)
		return nil
	}
	l.Node, l.In, l.Out = n, perImage(inputs[0]), perImage(n)
	b.layers = append(b.layers, l)
	return n
}

// unnamed starts the entry of a layer without parameters, named after its kind and a running number.
func (b *Builder) unnamed(kind string) Layer {
	if b.counts == nil { // no builder of NewBuilder's: see check
		b.counts = map[string]int{}
	}
	b.counts[kind]++
	return Layer{Name: fmt.Sprintf("%s %d", kind, b.counts[kind]), Kind: kind}
}

// takes reports whether the layer can be built over the nodes. Otherwise the error names the layer.
func (b *Builder) takes(layer string, xs ...*gorgonia.Node) bool {
	if b.err == nil {
		b.err = b.check(layer, xs...)
	}
	return b.err == nil
}

// check says whether all that was built is right so far and the nodes are values of this graph.
func (b *Builder) check(layer string, xs ...*gorgonia.Node) error {
	switch {
	case b.err != nil:
		return b.err
	case b.g == nil:
		return errors.New("a builder is made by NewBuilder")
	}
	for _, x := range xs {
		switch {
		case x == nil:
			return fmt.Errorf("%s: no input", layer)
		case x.Graph() != b.g:
			return fmt.Errorf("%s: the input is a node of another graph", layer)
		case !isFloat32(x):
			return fmt.Errorf("%s: the input is of type %v, float32 is needed", layer, x.Type())
		case len(x.Shape()) > 0 && x.Shape().TotalSize() < 1:
			return fmt.Errorf("%s: the input has the shape %s", layer, dims(x.Shape()))
		}
	}
	return nil
}

// rank reports whether x is a node with that many dimensions; otherwise the error names the layer.
func (b *Builder) rank(layer string, x *gorgonia.Node, rank int) bool {
	if !b.takes(layer, x) {
		return false
	}
	if got := len(x.Shape()); got != rank {
		b.Errorf("%s: input has the shape %s, %d dimensions are needed", layer, dims(x.Shape()), rank)
		return false
	}
	return true
}

func isFloat32(n *gorgonia.Node) bool {
	switch t := n.Type().(type) {
	case tensor.Dtype:
		return t == tensor.Float32
	case gorgonia.TensorType:
		return t.Of == tensor.Float32
	}
	return false
}

// checkShape says whether a tensor can have the shape.
func checkShape(shape []int) error {
	if len(shape) == 0 {
		return errors.New("a shape has at least one dimension")
	}
	const most = 1 << 40 // elements, far beyond any memory and far from where products overflow
	n := 1
	for _, d := range shape {
		if d < 1 {
			return fmt.Errorf("the shape is %s, every dimension must be at least 1", dims(shape))
		}
		if d > most/n {
			return fmt.Errorf("the shape is %s, which is too large for any memory", dims(shape))
		}
		n *= d
	}
	return nil
}

func perImage(n *gorgonia.Node) []int {
	if s := n.Shape(); len(s) > 1 {
		return s[1:]
	}
	return nil
}

// dims prints a shape as papers do, 64×3×11×11.
func dims(shape []int) string {
	s := ""
	for i, d := range shape {
		if i > 0 {
			s += "×"
		}
		s += fmt.Sprint(d)
	}
	return s
}

// orScalar prints a shape, or says that there is none.
func orScalar(shape []int) string {
	if len(shape) == 0 {
		return "of a scalar"
	}
	return dims(shape)
}

func recoverAs(err *error, what string) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%s: %v", what, r)
	}
}
