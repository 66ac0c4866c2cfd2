package onnx

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"gorgonia.org/gorgonia"
	dense "gorgonia.org/tensor"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

// A construction is a model on its way into a graph.
type construction struct {
	m      *Model
	b      *graph.Builder
	values map[string]*value
	params map[string]declared // by their names in the graph
	consts map[*tensor]*gorgonia.Node
	names  map[string]bool // of constants and layers
	budget int             // elements of tensors that may still be computed
	batch  int             // images in this graph; 0 where the inputs have no such side
	stated int             // images that the file was made for; 0 where it leaves them free
	node   *node           // being built
}

// maxFolded is the most elements that tensors which follow from others may have, all in all: those of
// VGG-19 twice. Shapes need far fewer, light models fill all their weights so; a file of a hundred bytes
// could ask for more than any memory has.
var maxFolded = 1 << 28

// Build adds the model to b's graph over inputs, one node for each of [Model.Inputs] that [Model.Fix] was
// not told of, in their order, and returns a node for each of [Model.Outputs]. Shapes are the inputs'
// own: the batch is free also where the file was made for one image, unless its graph depends on that.
//
// Stored tensors become parameters of b under their names in the file, with the file's values as initial
// ones (see [graph.Params.Init]): weights, biases and slopes are trained, running statistics are buffers.
// Numbers that only arrange or scale values stay constants. In a graph for training, batch normalisation
// uses the batch's statistics, and dropout drops.
//
// An output that is known when the graph is built, such as a shape, is a constant node that has a value.
// Errors name the node; operators that are missing are named all at once.
func (m *Model) Build(b *graph.Builder, inputs ...*gorgonia.Node) (outputs []*gorgonia.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			outputs, err = nil, fmt.Errorf("model %q cannot be built: %v", m.Name, r)
		}
	}()
	c, err := m.construct(b, inputs, false)
	if err != nil {
		return nil, err
	}
	for _, v := range m.Outputs {
		n, err := c.output(c.values[v.Name])
		if err != nil {
			return nil, fmt.Errorf("output %s: %w", v.Name, err)
		}
		outputs = append(outputs, n)
	}
	return outputs, c.rebatched(outputs)
}

// construct builds all nodes. Turned inputs are N×C×H×W where the model has the channels last.
func (m *Model) construct(b *graph.Builder, inputs []*gorgonia.Node, turned bool) (*construction, error) {
	if err := b.Err(); err != nil {
		return nil, err
	}
	if err := supported(m.nodes); err != nil {
		return nil, err
	}
	c := &construction{
		m: m, b: b, values: map[string]*value{}, params: map[string]declared{}, consts: map[*tensor]*gorgonia.Node{},
		names: map[string]bool{}, budget: maxFolded,
	}
	for name, t := range m.tensors {
		c.values[name] = known(t)
	}
	if err := c.inputs(inputs, turned); err != nil {
		return nil, err
	}
	for _, n := range m.nodes {
		c.node = n
		if err := c.build(n); err != nil {
			return nil, fmt.Errorf("%s (%s): %w", n, n.op, err)
		}
	}
	return c, nil
}

// inputs takes the nodes for the model's inputs.
func (c *construction) inputs(nodes []*gorgonia.Node, turned bool) error {
	var free []Value
	for _, v := range c.m.Inputs {
		if t := c.m.fixed[v.Name]; t != nil {
			c.values[v.Name] = known(t)
		} else {
			free = append(free, v)
		}
	}
	if len(free) != len(nodes) {
		return fmt.Errorf("the model has %d inputs, %s: %d are given", len(free), inputNames(free), len(nodes))
	}
	for i, v := range free {
		n := nodes[i]
		switch {
		case n == nil:
			return fmt.Errorf("input %s: there is no node", v.Name)
		case c.m.tensors[n.Name()] != nil:
			return fmt.Errorf("the input node is called %s, as a tensor of the model", n.Name())
		case v.Type != "" && !floatType(v.Type):
			return fmt.Errorf("input %s is of type %s: it has to be known when the graph is built (Model.Fix)", v.Name, v.Type)
		}
		shape := n.Shape().Clone()
		if turned {
			shape = []int{shape[0], shape[2], shape[3], shape[1]}
		}
		if v.Shape != nil && len(v.Shape) != len(shape) {
			return fmt.Errorf("input %s is %s, the graph's has the shape %s", v.Name, v.sides(), sides(shape))
		}
		for d, side := range v.Shape {
			if d == 0 && len(shape) > 1 && i == 0 {
				c.batch, c.stated = shape[0], max(side, 0)
				continue
			}
			if side >= 0 && side != shape[d] && (d > 0 || side != c.stated || shape[0] != c.batch) {
				return fmt.Errorf("input %s is %s, the graph's has the shape %s", v.Name, v.sides(), sides(shape))
			}
		}
		x := &value{shape: n.Shape().Clone(), n: n, raw: true}
		if turned {
			var err error
			if x, err = c.transpose(x, channelsLast); err != nil {
				return err
			}
		}
		x.uses = c.m.uses[v.Name]
		c.values[v.Name] = x
	}
	return nil
}

func floatType(name string) bool {
	switch name {
	case "float32", "float16", "float64", "bfloat16", "uint8": // whose pixels come as numbers, too
		return true
	}
	return false
}

func inputNames(values []Value) string {
	var names []string
	for _, v := range values {
		names = append(names, fmt.Sprintf("%s %s", v.Name, v.sides()))
	}
	return strings.Join(names, ", ")
}

// sides prints a shape with the names of what is free: N×3×224×224.
func (v Value) sides() string {
	if v.Shape == nil {
		return "of any shape"
	}
	var list []string
	for i, d := range v.Shape {
		switch {
		case d >= 0:
			list = append(list, fmt.Sprint(d))
		case v.Sides[i] != "":
			list = append(list, v.Sides[i])
		default:
			list = append(list, "?")
		}
	}
	if len(list) == 0 {
		return "1"
	}
	return strings.Join(list, "×")
}

// supported names all operators and attributes of nodes that are not known.
func supported(nodes []*node) error {
	type missing struct {
		first *node
		count int
	}
	list := map[string]*missing{}
	var order []string
	for _, n := range nodes {
		name := n.op
		switch op, ok := operators[n.op]; {
		case !standard(n.domain):
			name = n.domain + "." + n.op
		case !ok:
		default:
			unknown := ""
			for _, a := range n.attrs {
				if !slices.Contains(op.attrs, a.name) && (unknown == "" || a.name < unknown) {
					unknown = a.name
				}
			}
			if unknown == "" {
				continue
			}
			name += " with " + unknown
		}
		if list[name] == nil {
			list[name] = &missing{first: n}
			order = append(order, name)
		}
		list[name].count++
	}
	if len(order) == 0 {
		return nil
	}
	var texts []string
	for _, name := range order {
		l := list[name]
		text := fmt.Sprintf("%s (node %s", name, l.first)
		if l.count > 1 {
			text += fmt.Sprintf(" and %d more", l.count-1)
		}
		texts = append(texts, text+")")
	}
	hint := ""
	if slices.ContainsFunc(order, func(name string) bool {
		return strings.Contains(name, "Quantize") || strings.Contains(name, "QLinear") || strings.HasSuffix(name, "Integer")
	}) {
		hint = "; the model is quantised: take the one with floats that it was made from"
	}
	return fmt.Errorf("operators that this program does not know: %s%s", strings.Join(texts, ", "), hint)
}

// build computes what a node gives.
func (c *construction) build(n *node) error {
	call := &call{construction: c, node: n}
	for _, name := range n.in {
		if name == "" {
			call.in = append(call.in, nil)
			continue
		}
		v := c.values[name]
		if v == nil {
			return fmt.Errorf("its input %s has no value: it is a result that this operator gives in training only", name)
		}
		if v.t != nil && width(v.t.typ) == 0 {
			return fmt.Errorf("its input %s is %s, which is not read", name, typeName(v.t.typ))
		}
		call.in = append(call.in, v)
	}
	for len(call.in) > 0 && call.in[len(call.in)-1] == nil {
		call.in = call.in[:len(call.in)-1]
	}
	op := operators[n.op]
	if len(call.in) < op.least {
		return fmt.Errorf("it has %d inputs, at least %d are needed", len(call.in), op.least)
	}
	for i := range op.least {
		if call.in[i] == nil {
			return fmt.Errorf("its input %d is missing", i)
		}
	}
	out, err := op.build(call)
	if err == nil {
		err = errors.Join(call.err, c.b.Err())
	}
	if err != nil {
		return err
	}
	for i, name := range n.out {
		if name == "" || i >= len(out) || out[i] == nil {
			continue
		}
		v := out[i]
		if _, err := elements(v.shape); err != nil {
			return err
		}
		if v.t == nil {
			uses := c.m.uses[name]
			if slices.ContainsFunc(c.m.Outputs, func(o Value) bool { return o.Name == name }) {
				uses += 1 // so that it stays itself
			}
			if v.uses > 0 { // it passes through
				uses += v.uses - 1
			}
			v.uses = uses
		} else if v.t.source == "" && v.t.weight {
			v.t.source = name
		}
		c.values[name] = v
	}
	return nil
}

// output is the node of a value.
func (c *construction) output(v *value) (*gorgonia.Node, error) {
	if v == nil {
		return nil, fmt.Errorf("it is a result that its operator gives in training only")
	}
	if v.t == nil {
		n := c.made(v)
		return n, c.b.Err()
	}
	if width(v.t.typ) == 0 {
		return nil, fmt.Errorf("it is %s, which is not read", typeName(v.t.typ))
	}
	c.needs(v.t)
	if v.t.size() == 0 {
		return nil, fmt.Errorf("it has the shape %s, no elements", sides(v.t.shape))
	}
	var any any = v.t.ints
	if isFloat(v.t.typ) {
		any = v.t.floats
	}
	d := dense.New(dense.WithShape(v.shape...), dense.WithBacking(any))
	return c.b.Graph().AddNode(gorgonia.NewConstant(d, gorgonia.WithName(c.unique("output")))), nil
}

// rebatched checks that a model made for a number of images is one for another number, too.
func (c *construction) rebatched(outputs []*gorgonia.Node) error {
	if c.stated == 0 || c.stated == c.batch {
		return nil
	}
	for i, v := range c.m.Outputs {
		s := outputs[i].Shape()
		if len(v.Shape) == 0 || v.Shape[0] != c.stated {
			continue
		}
		if len(s) != len(v.Shape) || s[0] != c.batch {
			return fmt.Errorf("the model was made for %d images, and with %d its output %s becomes %s: export it with a free batch", c.stated, c.batch, v.Name, sides(s))
		}
	}
	return nil
}

// made returns the value's node, and makes it if nothing has needed it yet. After an error of the Builder
// it may be nil.
func (c *construction) made(v *value) *gorgonia.Node {
	if v.t != nil {
		return c.operand(v)
	}
	if v.n == nil && v.make != nil {
		make := v.make
		v.make = nil
		if r := make(); r != nil {
			v.n = r.n
			if v.n == nil {
				v.n = c.made(r)
			}
		}
	}
	v.affine = nil
	return v.n
}

// operand is a known tensor as a node: a parameter if the model stores it and it is more than one
// number, otherwise a constant.
func (c *construction) operand(v *value) *gorgonia.Node {
	if v.t.weight && v.t.size() > 1 {
		return c.param(v.t, v.t.shape, v.t.floats, false)
	}
	return c.constant(v.t)
}

// A declared parameter has values that are a tensor's of the file, arranged somehow, or those of one that follows from others.
type declared struct {
	shape []int
	how   string
	from  *tensor
}

// param declares values as a parameter under the name of the tensor that they come from, once. One that follows from
// others has no name: what two of them are called may be the same.
func (c *construction) param(t *tensor, shape []int, data []float32, buffer bool) *gorgonia.Node {
	name := t.source
	if name == "" {
		name = c.node.out[0] + ".constant"
	}
	for of := c.params[name]; of.from != nil; of = c.params[name] {
		if slices.Equal(of.shape, shape) && of.how == t.how && (t.source != "" || of.from == t) {
			return c.b.ParamNode(name)
		}
		name += "'"
	}
	c.params[name] = declared{shape, t.how, t}
	init := func(_ *rand.Rand, _ []int, to []float32) { copy(to, data) }
	if t.fresh && len(shape) > 1 {
		init = graph.FanInUniform()
	}
	if buffer {
		return c.b.Buffer(name, init, shape...)
	}
	return c.b.Param(name, init, shape...)
}

// constant is a known tensor as a constant of the graph.
func (c *construction) constant(t *tensor) *gorgonia.Node {
	if n := c.consts[t]; n != nil {
		return n
	}
	c.needs(t)
	data := t.floats
	if data == nil {
		data = make([]float32, len(t.ints))
		for i, v := range t.ints {
			data[i] = float32(v)
		}
	}
	n := c.b.Values(c.unique("constant"), data, t.shape...)
	c.consts[t] = n
	return n
}

// needs says that the numbers of a tensor count, beside being those of a parameter to begin with.
func (c *construction) needs(t *tensor) {
	if t.source != "" {
		c.m.needed[t.source] = true
	}
}

// unique makes a name for something in the node that is being built.
func (c *construction) unique(what string) string {
	name := "(" + what + ")"
	if c.node != nil {
		name = c.node.String() + " " + name
	}
	for base, i := name, 2; c.names[name]; i++ {
		name = fmt.Sprint(base, " ", i)
	}
	c.names[name] = true
	return name
}

// spend counts the elements of a new tensor.
func (c *construction) spend(shape []int) (int, error) {
	n, err := elements(shape)
	if err != nil {
		return 0, err
	}
	if c.budget -= n; c.budget < 0 {
		return 0, fmt.Errorf("constants that follow from others have more than %d elements", maxFolded)
	}
	return n, nil
}

// A call is a node with the values of its inputs.
type call struct {
	*construction
	node *node
	in   []*value
	err  error // the first of an attribute
}

// has returns input i, or nil where it is left out.
func (c *call) input(i int) *value {
	if i < len(c.in) {
		return c.in[i]
	}
	return nil
}

func (c *call) attr(name string, types ...int64) *attribute {
	a := c.node.attrs[name]
	if a == nil {
		return nil
	}
	if a.typ != 0 && !slices.Contains(types, a.typ) {
		if c.err == nil {
			c.err = fmt.Errorf("attribute %s is of type %d, not %v", name, a.typ, types)
		}
		return nil
	}
	return a
}

func (c *call) int(name string, otherwise int) int {
	if a := c.attr(name, attrInt); a != nil {
		return clampInt(a.int)
	}
	return otherwise
}

func (c *call) float(name string, otherwise float32) float32 {
	if a := c.attr(name, attrFloat); a != nil {
		return a.float
	}
	return otherwise
}

func (c *call) text(name, otherwise string) string {
	if a := c.attr(name, attrString); a != nil {
		return a.text
	}
	return otherwise
}

// ints returns nil where the attribute is left out.
func (c *call) ints(name string) []int {
	a := c.attr(name, attrInts)
	if a == nil {
		return nil
	}
	return clampInts(a.ints)
}

// clampInt keeps what is added and multiplied below from overflowing. Whatever is so large is an error
// later on, or means "to the end".
func clampInt(v int64) int { return int(min(max(v, -most), most)) }

func clampInts(list []int64) []int {
	out := make([]int, len(list))
	for i, v := range list {
		out[i] = clampInt(v)
	}
	return out
}

// list returns the whole numbers of an input that has to be known, or nil where it is left out.
func (c *call) list(i int) ([]int, error) {
	v := c.input(i)
	switch {
	case v == nil:
		return nil, nil
	case v.t == nil:
		return nil, fmt.Errorf("its input %d, %s, is computed from the image: it has to be known when the graph is built", i, c.node.in[i])
	case v.t.ints != nil:
		return clampInts(v.t.ints), nil
	}
	return nil, fmt.Errorf("its input %d, %s, is %s where whole numbers are needed", i, c.node.in[i], typeName(v.t.typ))
}

// axis brings a number of an axis into [0, rank).
func axis(a, rank int) (int, error) {
	if a < -rank || a >= rank {
		return 0, fmt.Errorf("axis %d of %d", a, rank)
	}
	if a < 0 {
		a += rank
	}
	return a, nil
}

func axes(list []int, rank int) ([]int, error) {
	var out []int
	for _, a := range list {
		a, err := axis(a, rank)
		if err != nil {
			return nil, err
		}
		if slices.Contains(out, a) {
			return nil, fmt.Errorf("axis %d is named twice", a)
		}
		out = append(out, a)
	}
	return out, nil
}

// Fix gives an input of the model a value, so that it is no input of the graphs that are built afterwards:
// what shapes depend on has to be known then. Values are []int64 or []float32, in the type's order.
func (m *Model) Fix(input string, shape []int, values any) error {
	i := slices.IndexFunc(m.Inputs, func(v Value) bool { return v.Name == input })
	if i < 0 {
		return fmt.Errorf("there is no input %q: there are %s", input, inputNames(m.Inputs))
	}
	t := &tensor{shape: slices.Clone(shape)}
	switch list := values.(type) {
	case []int64:
		t.typ, t.ints = typeInt64, slices.Clone(list)
	case []float32:
		t.typ, t.floats = typeFloat, slices.Clone(list)
	default:
		return fmt.Errorf("input %s: values of type %T, []int64 or []float32 are needed", input, values)
	}
	if n, err := elements(shape); err != nil || n != t.size() {
		return fmt.Errorf("input %s: %d values for the shape %s", input, t.size(), sides(shape))
	}
	m.fixed[input] = t
	return nil
}
