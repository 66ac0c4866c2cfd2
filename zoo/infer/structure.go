package infer

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/onnx"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// ONNXAs opens an ONNX model as one of the zoo's networks: its weights under that network's names. Names in
// the file do not matter; the graphs are laid over each other, from the output to the image, and must
// compute the same. A batch normalisation that the exporter has computed into its convolution becomes one
// that does nothing else than add that convolution's bias. The image's size is the file's. Of variants it
// takes the one that fits; variant chooses one.
func ONNXAs(path, network, variant string) (*weights.Reader, *zoo.Model, error) {
	m, err := onnx.Load(path)
	if err != nil {
		return nil, nil, err
	}
	input, err := m.ImageInput()
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	e, err := zoo.Lookup(network)
	if err != nil {
		return nil, nil, err
	}
	var nearest error // of the variant that it is like for the longest
	most := -1
	for _, loose := range []bool{false, true} {
		for _, v := range e.Variants {
			if variant != "" && v.Name != variant {
				continue
			}
			theirs := v.Options.Input
			for i, d := range input {
				if d > 0 {
					theirs[i] = d
				}
			}
			ours := theirs
			if loose {
				ours = v.Options.Input
			}
			f, model, alike, err := layOver(m, e, v.Name, theirs, ours, !loose)
			if err == nil {
				if loose {
					f.Meta.Extra = map[string]string{assumption: fmt.Sprintf("the file's maps have other sizes on the way, with images of %d×%d and windows that hang over the edge or not: its weights are taken for %d×%d, and answers differ a little", theirs[1], theirs[2], ours[1], ours[2])}
				}
				r, err := weights.FromFile(path, weights.FormatONNX, f)
				return r, model, err
			}
			if alike > most {
				most, nearest = alike, fmt.Errorf("%s: it is not %s (%s): %w", path, e.Name, v.Name, err)
			}
		}
	}
	if nearest == nil {
		return nil, nil, fmt.Errorf("%s has no variant %q", e.Name, variant)
	}
	return nil, nil, nearest
}

// layOver gives the weights of a model the names of a network. The two may be for images of different sizes.
func layOver(m *onnx.Model, e zoo.Entry, variant string, input, own [3]int, sized bool) (f *weights.File, model *zoo.Model, alike int, err error) {
	o := &overlay{sized: sized, values: map[string][]float32{}, pairs: map[*gorgonia.Node]*gorgonia.Node{}}
	theirs, theirOut, err := buildEval(input, func(b *graph.Builder, x *gorgonia.Node) (*gorgonia.Node, error) { return m.Logits(b, x) })
	if err != nil {
		return nil, nil, len(o.pairs), err
	}
	model, err = zoo.New(e.Name, zoo.Variant(variant), zoo.Input(own[0], own[1], own[2]), zoo.Classes(theirOut.Shape()[1]))
	if err != nil {
		return nil, nil, len(o.pairs), err
	}
	ours, ourOut, err := buildEval(own, model.Build)
	if err != nil {
		return nil, nil, len(o.pairs), err
	}
	for _, side := range []struct {
		b    *graph.Builder
		out  *gorgonia.Node
		made *map[*gorgonia.Node]graph.Computation
	}{{theirs, theirOut, &o.theirs}, {ours, ourOut, &o.ours}} {
		list, err := side.b.Computations(side.out)
		if err != nil {
			return nil, nil, len(o.pairs), err
		}
		*side.made = map[*gorgonia.Node]graph.Computation{}
		for _, c := range list {
			(*side.made)[c.Node] = c
		}
	}
	theirs.Params().Init(1)
	o.params = theirs.Params()
	if err := o.match(theirOut, ourOut); err != nil {
		return nil, nil, len(o.pairs), err
	}
	f = &weights.File{Meta: weights.Meta{Preprocessing: m.Meta.Preprocessing, Classes: model.Classes}}
	if len(m.Meta.ClassNames) == model.Classes {
		f.Meta.ClassNames = m.Meta.ClassNames
	}
	for _, p := range ours.Params().All() {
		data := o.values[p.Name]
		if len(data) != p.Len() {
			return nil, nil, len(o.pairs), fmt.Errorf("nothing gives %s", p.Name)
		}
		f.Tensors = append(f.Tensors, weights.Tensor{Name: p.Name, Shape: p.Shape, Data: data})
	}
	return f, model, len(o.pairs), nil
}

func buildEval(input [3]int, build func(b *graph.Builder, x *gorgonia.Node) (*gorgonia.Node, error)) (*graph.Builder, *gorgonia.Node, error) {
	b := graph.NewBuilder(graph.NewParams(), graph.Eval)
	y, err := build(b, b.Input("image", 1, input[0], input[1], input[2]))
	return b, y, err
}

// An overlay lays one graph over another.
type overlay struct {
	sized        bool // for images of one size
	theirs, ours map[*gorgonia.Node]graph.Computation
	params       *graph.Params
	pairs        map[*gorgonia.Node]*gorgonia.Node // of ours: theirs
	values       map[string][]float32              // of our parameters
}

// step goes past what only gives another shape.
func step(made map[*gorgonia.Node]graph.Computation, n *gorgonia.Node) *gorgonia.Node {
	for {
		c, ok := made[n]
		if !ok || c.Kind != "flatten" && c.Kind != "reshape" {
			return n
		}
		n = c.Inputs[0]
	}
}

// match says where their value and ours are not the same, and takes down the weights on the way.
func (o *overlay) match(theirs, ours *gorgonia.Node) error {
	theirs, ours = step(o.theirs, theirs), step(o.ours, ours)
	if before, ok := o.pairs[ours]; ok {
		if before != theirs {
			return fmt.Errorf("%s is used in another place", o.ours[ours].Layer)
		}
		return nil
	}
	t, ok := o.theirs[theirs]
	u, ours2 := o.ours[ours]
	if !ok || !ours2 {
		if ok || ours2 {
			return fmt.Errorf("one of %q and %q is the image, the other is not", t.Layer, u.Layer)
		}
		o.pairs[ours] = theirs
		return nil
	}
	differ := func() error {
		of := func(c graph.Computation) string {
			text := fmt.Sprintf("%s (%s, %s)", c.Layer, c.Kind, sizesOf(c.Node.Shape()[1:]))
			if c.Detail != nil && c.Kind != "pick" && c.Kind != "resample" {
				text = fmt.Sprintf("%s (%s, %s, %+v)", c.Layer, c.Kind, sizesOf(c.Node.Shape()[1:]), c.Detail)
			}
			return text
		}
		return fmt.Errorf("%s stands where %s should", of(t), of(u))
	}
	o.pairs[ours] = theirs
	if u.Kind == "batch norm" && t.Kind == "conv" { // computed into the convolution
		conv, ok := o.ours[u.Inputs[0]]
		if !ok || conv.Kind != "conv" || len(conv.Inputs) != 2 || len(t.Inputs) != 3 {
			return differ()
		}
		bias := o.data(t.Inputs[2])
		one, zero := slices.Repeat([]float32{1}, len(bias)), make([]float32, len(bias))
		variance := slices.Repeat([]float32{1 - float32(u.Detail.(graph.Epsilon))}, len(bias))
		for i, v := range [][]float32{one, bias, zero, variance} {
			o.values[u.Inputs[1+i].Name()] = v
		}
		t.Inputs = t.Inputs[:2]
		u = conv
	}
	if !o.same(t, u) {
		return differ()
	}
	inputs := 1 // that are values
	switch u.Kind {
	case "add":
		pairs, values := clone(o.pairs), clone(o.values)
		err := o.both(t.Inputs[0], u.Inputs[0], t.Inputs[1], u.Inputs[1])
		if err != nil {
			o.pairs, o.values = pairs, values
			if o.both(t.Inputs[1], u.Inputs[0], t.Inputs[0], u.Inputs[1]) == nil {
				return nil
			}
		}
		return err
	case "concat":
		inputs = len(u.Inputs)
	case "excite":
		inputs = 2
	}
	if len(t.Inputs) != len(u.Inputs) {
		return differ()
	}
	for i := range u.Inputs {
		if i < inputs {
			if err := o.match(t.Inputs[i], u.Inputs[i]); err != nil {
				return err
			}
			continue
		}
		data := o.data(t.Inputs[i])
		if len(data) != u.Inputs[i].Shape().TotalSize() {
			return differ()
		}
		if u.Kind == "batch norm" && i == 4 { // of another epsilon
			if d := float32(t.Detail.(graph.Epsilon)) - float32(u.Detail.(graph.Epsilon)); d != 0 {
				data = slices.Clone(data)
				for k := range data {
					data[k] += d
				}
			}
		}
		o.values[u.Inputs[i].Name()] = data
	}
	return nil
}

func clone[K comparable, V any](m map[K]V) map[K]V {
	c := make(map[K]V, len(m))
	for k, v := range m {
		c[k] = v
	}
	return c
}

func (o *overlay) both(t0, u0, t1, u1 *gorgonia.Node) error {
	if err := o.match(t0, u0); err != nil {
		return err
	}
	return o.match(t1, u1)
}

// data is the numbers of a parameter or of a constant.
func (o *overlay) data(n *gorgonia.Node) []float32 {
	if p := o.params.Get(n.Name()); p != nil {
		return p.Data
	}
	if v := n.Value(); v != nil {
		if list, ok := v.Data().([]float32); ok {
			return list
		}
	}
	return nil
}

// same reports whether two layers do the same with their inputs.
func (o *overlay) same(t, u graph.Computation) bool {
	ts, us := t.Node.Shape(), u.Node.Shape()
	if ts[1] != us[1] || o.sized && product(ts[1:]) != product(us[1:]) {
		return false
	}
	kind := func(c graph.Computation) string { // of a mean of whole maps, whatever it is written as
		if w, ok := c.Detail.(kernel.Window); ok && c.Kind == "average pool" && w.KH*w.KW == product(c.Inputs[0].Shape()[2:]) && product(c.Node.Shape()[2:]) == 1 {
			return "global average pool"
		}
		return c.Kind
	}
	if kind(t) != kind(u) {
		return false
	}
	switch d := u.Detail.(type) {
	case kernel.Window:
		if kind(u) == "global average pool" {
			return true
		}
		w, ok := t.Detail.(kernel.Window)
		if !ok {
			return false
		}
		// What hangs over the edge may be written as padding there: then results have the same shape.
		return w.KH == d.KH && w.KW == d.KW && w.SH == d.SH && w.SW == d.SW && w.PadT == d.PadT && w.PadL == d.PadL && (!o.sized || slices.Equal(ts, us))
	case kernel.ConvShape:
		w := t.Detail.(kernel.ConvShape)
		if !o.sized {
			w.H, w.W = d.H, d.W
		}
		return w == d
	case kernel.LRNParams:
		w := t.Detail.(kernel.LRNParams)
		near := func(a, b float32) bool { return math.Abs(float64(a-b)) <= 1e-6*math.Abs(float64(b)) }
		return w.Size == d.Size && near(w.K, d.K) && near(w.Alpha, d.Alpha) && near(w.Beta, d.Beta)
	case graph.Activation, graph.ShuffleOf, graph.Arithmetic, graph.Function, graph.Reduction:
		return t.Detail == u.Detail
	}
	return true
}

// sizesOf prints a shape, 3×227×227.
func sizesOf(shape []int) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(shape), " ", "×"), "[]")
}

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// ONNXSource is [OpenSource] for an ONNX model whose image has a size that the file may leave free.
func ONNXSource(path string, input [3]int) (*Source, error) {
	r, err := OpenONNX(path, input)
	if err != nil {
		return nil, err
	}
	meta := r.Meta()
	s := &Source{Reader: r, Preprocessing: meta.Preprocessing, ClassNames: meta.ClassNames}
	if assumed := Assumed(meta); assumed != "" {
		s.Notes = append(s.Notes, assumed)
	}
	if s.Network, err = Stored(meta); err != nil {
		return nil, err
	}
	return s, nil
}
