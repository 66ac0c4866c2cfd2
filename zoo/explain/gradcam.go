package explain

import (
	"errors"
	"fmt"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

var errOne = errors.New("one image at a time")

// GradCAM tells where in the maps of a layer the evidence for a class lies: their sum, each weighted by the
// mean of the class's gradient in it, without what speaks against the class (Selvaraju et al. 2016,
// arXiv:1610.02391, equations 1 and 2).
type GradCAM struct {
	Class int    // negative for the most probable one
	Layer string // empty for the last one with maps
}

// Explain returns a map as large as the layer's maps, and the class it is for. [Map.Resize] brings it to the
// image's size.
func (m GradCAM) Explain(s *Subject, x []float32) (Map, int, error) {
	if err := s.one(x); err != nil {
		return Map{}, 0, err
	}
	layer := m.Layer
	if layer == "" {
		var err error
		if layer, err = s.LastMaps(); err != nil {
			return Map{}, 0, err
		}
	}
	p, err := s.compile(route{batch: 1, to: []string{layer}, inner: true, back: true})
	if err != nil {
		return Map{}, 0, err
	}
	shape := p.inner[0].Shape()
	if len(shape) != 4 {
		return Map{}, 0, fmt.Errorf("layer %s has no maps: its output has the shape %v", layer, shape)
	}
	of := 0
	var bad error
	if err := p.run(x, func(y, dy []float32) {
		if of, bad = class(m.Class, y); bad == nil {
			dy[of] = 1
		}
	}); err != nil {
		return Map{}, 0, err
	}
	if bad != nil {
		return Map{}, 0, bad
	}
	maps, grads := p.session.Value(p.inner[0]), p.session.Value(p.grads[0])
	out := Map{shape[2], shape[3], make([]float32, shape[2]*shape[3])}
	n := len(out.V)
	for c := range shape[1] {
		weight := 0.0
		for _, g := range grads[c*n : (c+1)*n] {
			weight += float64(g)
		}
		weight /= float64(n)
		for i, v := range maps[c*n : (c+1)*n] {
			out.V[i] += float32(weight) * v
		}
	}
	for i, v := range out.V {
		out.V[i] = max(v, 0)
	}
	return out, of, nil
}

// GuidedGradCAM is guided backpropagation where Grad-CAM sees evidence: fine, and for one class (section 3.2
// of the same paper).
type GuidedGradCAM struct {
	Class int
	Layer string
}

// Explain returns the product, C×H×W, and the class it is for.
func (m GuidedGradCAM) Explain(s *Subject, x []float32) (gradient []float32, class int, err error) {
	cam, class, err := GradCAM(m).Explain(s, x)
	if err != nil {
		return nil, 0, err
	}
	g, _, err := s.gradient(x, class, graph.GuidedReLU)
	if err != nil {
		return nil, 0, err
	}
	cam = cam.Resize(s.Input[1], s.Input[2])
	for i := range g {
		g[i] *= cam.V[i%len(cam.V)]
	}
	return g, class, nil
}

// Resize brings a map to another size, bilinearly, with the middles of the outer pixels where they were.
func (m Map) Resize(h, w int) Map {
	out := Map{h, w, make([]float32, h*w)}
	at := func(i, from, to int) (low, high int, part float32) {
		v := (float32(i)+0.5)*float32(from)/float32(to) - 0.5
		v = min(max(v, 0), float32(from-1))
		low = int(v)
		return low, min(low+1, from-1), v - float32(low)
	}
	for y := range h {
		y0, y1, py := at(y, m.H, h)
		for x := range w {
			x0, x1, px := at(x, m.W, w)
			top := m.V[y0*m.W+x0]*(1-px) + m.V[y0*m.W+x1]*px
			low := m.V[y1*m.W+x0]*(1-px) + m.V[y1*m.W+x1]*px
			out.V[y*w+x] = top*(1-py) + low*py
		}
	}
	return out
}
