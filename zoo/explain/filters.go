package explain

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Filters are the weights of a convolution.
type Filters struct {
	Layer string // empty for the first convolution
}

// A Bank is filters: N×C×H×W.
type Bank struct {
	Layer      string
	N, C, H, W int
	V          []float32
	Formula    string // of the layer's output size, which tells how far apart its filters look
	BGR        bool   // they look at an image whose first channel is blue
}

// About says what the filters are, in a line.
func (b Bank) About() string {
	text := fmt.Sprintf("%d filters of %d×%d×%d", b.N, b.C, b.H, b.W)
	if b.Formula != "" {
		text += ", output " + strings.NewReplacer("⌊", "floor(", "⌋", ")", "⌈", "ceil(", "⌉", ")").Replace(b.Formula) // the fonts of pictures lack the signs
	}
	return text
}

// Explain returns the layer's filters.
func (m Filters) Explain(s *Subject) (Bank, error) {
	layers, err := s.Layers()
	if err != nil {
		return Bank{}, err
	}
	s.Params.Allocate()
	var convolutions []string
	for _, l := range layers {
		p := s.Params.Get(l.Name + ".weight")
		if p != nil && len(p.Shape) == 4 {
			convolutions = append(convolutions, l.Name)
		}
		if m.Layer != "" && l.Name != m.Layer {
			continue
		}
		if p == nil || len(p.Shape) != 4 {
			if m.Layer != "" {
				return Bank{}, fmt.Errorf("layer %s is no convolution", m.Layer)
			}
			continue
		}
		return Bank{l.Name, p.Shape[0], p.Shape[1], p.Shape[2], p.Shape[3], slices.Clone(p.Data), l.Formula, s.BGR}, nil
	}
	if m.Layer != "" {
		return Bank{}, noLayer(m.Layer, convolutions)
	}
	return Bank{}, errors.New("the network has no convolution")
}

// Maps are what a layer makes of an image.
type Maps struct {
	Layer string // empty for the first layer
}

// Explain returns the layer's maps.
func (m Maps) Explain(s *Subject, x []float32) ([]Map, error) {
	if err := s.one(x); err != nil {
		return nil, err
	}
	if m.Layer == "" {
		layers, err := s.Layers()
		if err != nil {
			return nil, err
		}
		if len(layers) == 0 {
			return nil, errors.New("the network has no layers")
		}
		m.Layer = layers[0].Name
	}
	p, err := s.compile(route{batch: 1, from: m.Layer})
	if err != nil {
		return nil, err
	}
	shape := p.y.Shape()
	if len(shape) != 4 {
		return nil, fmt.Errorf("layer %s has no maps: its output has the shape %v", m.Layer, shape)
	}
	if err := p.run(x, nil); err != nil {
		return nil, err
	}
	y, n := p.session.Value(p.y), shape[2]*shape[3]
	list := make([]Map, shape[1])
	for c := range list {
		list[c] = Map{shape[2], shape[3], slices.Clone(y[c*n : (c+1)*n])}
	}
	return list, nil
}
