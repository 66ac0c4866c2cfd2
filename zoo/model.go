package zoo

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
)

// What a network is trained to make small.
const (
	CrossEntropy = "cross-entropy" // of the softmax of its output
	MSE          = "mse"           // squared distance of its output
)

// A Model describes a network. Making one allocates nothing and never fails: a bad option is an error
// of [New] and of [Model.Build].
//
// As JSON a Model is its name and options, and comes back complete.
type Model struct {
	Name    string  // in the registry: "alexnet"
	Variant string  // "paper"
	Input   [3]int  // channels, height, width
	Classes int     // length of the output for one image
	Loss    string  // [CrossEntropy] or [MSE]
	Options Options // complete: what was asked for and, for the rest, the variant's own

	build   func(*graph.Builder, *gorgonia.Node, Options) *gorgonia.Node
	recipes []recipe.Recipe
	err     error
}

// wrong says why there is no network, if there is none.
func (m *Model) wrong() error {
	switch {
	case m == nil:
		return errors.New("no network: the model is nil")
	case m.err == nil && m.build == nil:
		return errors.New("no network: a model is made by New, or by a function such as VGG16")
	}
	return m.err
}

// Build adds the network to b's graph over x, N×C×H×W as [Model.Input] says, and returns its output,
// N×Classes: logits before the softmax, or the value network's tanh. In training, networks with
// classifiers on inner layers leave them in [graph.Builder.Auxiliaries].
func (m *Model) Build(b *graph.Builder, x *gorgonia.Node) (*gorgonia.Node, error) {
	if err := m.wrong(); err != nil {
		return nil, err
	}
	if b == nil {
		return nil, fmt.Errorf("%s: no builder", m.Name)
	}
	if err := b.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", m.Name, err)
	}
	if x == nil {
		return nil, fmt.Errorf("%s: no input", m.Name)
	}
	if s := x.Shape(); len(s) != 4 || !slices.Equal(s[1:], m.Input[:]) {
		return nil, fmt.Errorf("%s: the input has the shape %s, the network is for N×%s", m.Name, dims(s), dims(m.Input[:]))
	}
	y, err := m.output(b, x)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Name, err)
	}
	return y, nil
}

// output calls what describes the network, which may be somebody else's.
func (m *Model) output(b *graph.Builder, x *gorgonia.Node) (y *gorgonia.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("its Build panics: %v", r)
		}
	}()
	y = m.build(b, x, m.Options)
	switch {
	case b.Err() != nil:
		return nil, b.Err()
	case y == nil:
		return nil, errors.New("no output")
	}
	if s := y.Shape(); len(s) != 2 || s[0] != x.Shape()[0] || s[1] != m.Classes {
		return nil, fmt.Errorf("the output has the shape %s, should be N×%d", dims(s), m.Classes)
	}
	return y, nil
}

// Describe tells in data what a trainer has to know; package train takes a Model by it. Of a model with a bad option
// the name alone: its Build says what is wrong.
func (m *Model) Describe() recipe.Network {
	if m == nil {
		return recipe.Network{}
	}
	n := recipe.Network{Name: m.Name, Variant: m.Variant, Input: m.Input, Classes: m.Classes, Squared: m.Loss == MSE}
	n.Options, _ = json.Marshal(m.Options) // plain data
	return n
}

// Params returns the network's parameters and buffers without memory: with those of auxiliary
// classifiers for graph.Train, without them for graph.Eval.
func (m *Model) Params(mode graph.Mode) (*graph.Params, error) {
	b, _, err := m.graph(mode, 2)
	if err != nil {
		return nil, err
	}
	return b.Params(), nil
}

// Head returns the parameters of training whose shape follows from the number of classes, with the dimension that does:
// the last layer's, and those of classifiers on inner layers. It compares the network with one of a class more, and is
// empty where classes cannot be chosen.
func (m *Model) Head() (map[string]int, error) {
	params, err := m.Params(graph.Train)
	if err != nil {
		return nil, err
	}
	more, err := New(m.Name, WithOptions(m.Options), Classes(m.Classes+1))
	if err != nil {
		return nil, nil
	}
	larger, err := more.Params(graph.Train)
	if err != nil {
		return nil, nil
	}
	head := map[string]int{}
	for _, p := range params.All() {
		q := larger.Get(p.Name)
		for d := range p.Shape {
			if q != nil && q.Shape[d] == p.Shape[d]+1 && p.Shape[d] == m.Classes {
				head[p.Name] = d
			}
		}
	}
	return head, nil
}

// graph builds the network over parameters of its own.
func (m *Model) graph(mode graph.Mode, batch int) (*graph.Builder, *gorgonia.Node, error) {
	if err := m.wrong(); err != nil {
		return nil, nil, err
	}
	b := graph.NewBuilder(graph.NewParams(), mode)
	y, err := m.Build(b, b.Input("x", batch, m.Input[0], m.Input[1], m.Input[2]))
	return b, y, err
}

type modelJSON struct {
	Name    string  `json:"name"`
	Options Options `json:"options"`
}

// MarshalJSON writes name and options.
func (m *Model) MarshalJSON() ([]byte, error) {
	if err := m.wrong(); err != nil {
		return nil, err
	}
	return json.Marshal(modelJSON{m.Name, m.Options})
}

// UnmarshalJSON makes the model from what MarshalJSON wrote.
func (m *Model) UnmarshalJSON(data []byte) error {
	var j modelJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	made, err := New(j.Name, WithOptions(j.Options))
	if err != nil {
		return err
	}
	*m = *made
	return nil
}

// dims prints a shape as papers do, 3×227×227.
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

// channels is the number of x's channels; x is nil after an error.
func channels(x *gorgonia.Node) int {
	if x == nil {
		return 1
	}
	return x.Shape()[1]
}
