package zoo

import (
	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

// A Report tells a network layer by layer, for one image.
type Report struct {
	Name       string        `json:"name"`
	Variant    string        `json:"variant"`
	Input      [3]int        `json:"input"`
	Classes    int           `json:"classes"`
	Parameters int64         `json:"parameters"`          // trained: weights and biases
	Auxiliary  int64         `json:"auxiliary,omitempty"` // parameters of classifiers that only training has, not in Parameters
	Buffers    int64         `json:"buffers,omitempty"`   // elements that are kept but not trained
	MACs       int64         `json:"macs"`                // multiply-adds of convolutions and fully connected layers
	Bytes      int64         `json:"bytes"`               // of all layers' outputs, without any sharing
	Layers     []LayerReport `json:"layers"`
}

// A LayerReport is one layer of a [Report].
type LayerReport struct {
	Name       string `json:"name"`
	Kind       string `json:"kind"`
	From       []int  `json:"from"` // indices of the layers that it reads; -1 is the image
	In         []int  `json:"in"`
	Out        []int  `json:"out"`
	Formula    string `json:"formula,omitempty"` // the arithmetic of the output size with its numbers
	Parameters int64  `json:"parameters"`
	MACs       int64  `json:"macs"`
	Bytes      int64  `json:"bytes"` // of the output, float32
}

// Inspect lists the layers of the network as it is evaluated. No memory is allocated for weights.
func Inspect(m *Model) (Report, error) {
	b, _, err := m.graph(graph.Eval, 1)
	if err != nil {
		return Report{}, err
	}
	r := Report{Name: m.Name, Variant: m.Variant, Input: m.Input, Classes: m.Classes, Parameters: b.Params().Count()}
	for _, p := range b.Params().All() {
		if p.Buffer {
			r.Buffers += int64(p.Len())
		}
	}
	r.add(b)
	train, err := m.Params(graph.Train)
	if err != nil {
		return Report{}, err
	}
	r.Auxiliary = train.Count() - r.Parameters
	return r, nil
}

// add lists what the builder built.
func (r *Report) add(b *graph.Builder) {
	index := map[*gorgonia.Node]int{}
	for i, l := range b.Layers() {
		bytes := int64(4)
		for _, d := range l.Out {
			bytes *= int64(d)
		}
		lr := LayerReport{Name: l.Name, Kind: l.Kind, In: l.In, Out: l.Out, Formula: l.Formula, Parameters: l.Params, MACs: l.MACs, Bytes: bytes}
		// The image is the only child that is no layer, no parameter and no constant.
		for children := b.Graph().From(l.Node.ID()); children.Next(); {
			n := children.Node().(*gorgonia.Node)
			if j, ok := index[n]; ok {
				lr.From = append(lr.From, j)
			} else if b.ParamNode(n.Name()) != n && n.Op() == nil {
				lr.From = append(lr.From, -1)
			}
		}
		index[l.Node] = i
		r.MACs += l.MACs
		r.Bytes += bytes
		r.Layers = append(r.Layers, lr)
	}
}
