package explain

import (
	"math"
	"slices"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

// A Map is one number for each pixel of what a network sees, row by row.
type Map struct {
	H, W int
	V    []float32
}

// Saliency tells how each pixel moves the logit of a class: the largest gradient among its channels,
// without its sign (Simonyan, Vedaldi and Zisserman 2013, arXiv:1312.6034, section 3.1).
type Saliency struct {
	Class int // negative for the most probable one
}

// Explain returns a map of the image x, prepared as for the network, and the class it is for.
func (m Saliency) Explain(s *Subject, x []float32) (Map, int, error) {
	g, class, err := s.gradient(x, m.Class, graph.ExactReLU)
	if err != nil {
		return Map{}, 0, err
	}
	out := Map{s.Input[1], s.Input[2], make([]float32, s.Input[1]*s.Input[2])}
	for c := range s.Input[0] {
		for i := range out.V {
			out.V[i] = max(out.V[i], float32(math.Abs(float64(g[c*len(out.V)+i]))))
		}
	}
	return out, class, nil
}

// Guided is the gradient of a class's logit in the image, of which every ReLU lets pass what is positive and
// belongs to a positive input: guided backpropagation (Springenberg et al. 2014, arXiv:1412.6806, section
// 3.4). It shows the shapes that speak for the class.
type Guided struct {
	Class int // negative for the most probable one
}

// Explain returns the gradient, C×H×W, and the class it is for.
func (m Guided) Explain(s *Subject, x []float32) (gradient []float32, class int, err error) {
	return s.gradient(x, m.Class, graph.GuidedReLU)
}

// gradient is that of a class's logit in one image.
func (s *Subject) gradient(x []float32, asked int, rule graph.ReLURule) (g []float32, of int, err error) {
	if err := s.one(x); err != nil {
		return nil, 0, err
	}
	p, err := s.compile(route{batch: 1, back: true, relu: rule})
	if err != nil {
		return nil, 0, err
	}
	var bad error
	err = p.run(x, func(y, dy []float32) {
		if of, bad = class(asked, y); bad == nil {
			dy[of] = 1
		}
	})
	if err == nil {
		err = bad
	}
	if err != nil {
		return nil, 0, err
	}
	return slices.Clone(p.image()), of, nil
}

// one says whether x is one image.
func (s *Subject) one(x []float32) error {
	if err := s.check(x); err != nil {
		return err
	}
	if len(x) != s.size() {
		return errOne
	}
	return nil
}
