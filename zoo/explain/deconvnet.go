package explain

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

// Deconvnet tells what in an image made a feature answer: its strongest answer alone is sent back through
// the switches of the pooling, ReLUs and transposed filters, down to the pixels (Zeiler and Fergus 2013,
// arXiv:1311.2901, section 2.1).
type Deconvnet struct {
	Layer   string // whose maps are the features; empty for the last one with maps
	Feature int    // number of a map; negative for the one that answers most
}

// A Projection is what a deconvnet makes of a feature's answer.
type Projection struct {
	Feature int
	Answer  float32   // the feature's strongest
	Y, X    int       // where in the map it is
	Pixels  []float32 // C×H×W, around zero
	Patch   Patch     // what of the image can have taken part: where Pixels are not zero
}

// A Patch is a rectangle of an image; the second corner is outside of it.
type Patch struct{ Y0, X0, Y1, X1 int }

// Explain projects the feature's strongest answer to an image.
func (m Deconvnet) Explain(s *Subject, x []float32) (Projection, error) {
	if err := s.one(x); err != nil {
		return Projection{}, err
	}
	p, err := m.compile(s)
	if err != nil {
		return Projection{}, err
	}
	return m.project(s, p, x)
}

func (m *Deconvnet) compile(s *Subject) (*program, error) {
	if m.Layer == "" {
		var err error
		if m.Layer, err = s.LastMaps(); err != nil {
			return nil, err
		}
	}
	p, err := s.compile(route{batch: 1, from: m.Layer, back: true, relu: graph.DeconvReLU})
	if err != nil {
		return nil, err
	}
	if shape := p.y.Shape(); len(shape) != 4 {
		return nil, fmt.Errorf("layer %s has no maps: its output has the shape %v", m.Layer, shape)
	} else if m.Feature >= shape[1] {
		return nil, fmt.Errorf("feature %d: layer %s has %d", m.Feature, m.Layer, shape[1])
	}
	return p, nil
}

func (m Deconvnet) project(s *Subject, p *program, x []float32) (Projection, error) {
	shape := p.y.Shape()
	n := shape[2] * shape[3]
	out := Projection{}
	err := p.run(x, func(y, dy []float32) {
		from, to := 0, len(y)
		if m.Feature >= 0 {
			from, to = m.Feature*n, (m.Feature+1)*n
		}
		best := from
		for i := from; i < to; i++ {
			if y[i] > y[best] {
				best = i
			}
		}
		out.Feature, out.Answer, out.Y, out.X = best/n, y[best], best%n/shape[3], best%n%shape[3]
		dy[best] = y[best]
	})
	if err != nil {
		return out, err
	}
	out.Pixels = slices.Clone(p.image())
	out.Patch = s.extent(out.Pixels)
	return out, nil
}

// extent is the smallest rectangle outside of which all channels are zero.
func (s *Subject) extent(v []float32) Patch {
	h, w := s.Input[1], s.Input[2]
	p := Patch{h, w, 0, 0}
	for i, x := range v {
		if x == 0 {
			continue
		}
		y, x := i%(h*w)/w, i%w
		p = Patch{min(p.Y0, y), min(p.X0, x), max(p.Y1, y+1), max(p.X1, x+1)}
	}
	if p.Y1 == 0 {
		return Patch{}
	}
	return p
}

// An Excitement is an image that excites a feature.
type Excitement struct {
	Image int // its number among those that were looked at
	Projection
	Picture []float32 // the image, C×H×W
}

// strongestBatch is the number of images in a step that looks for the strongest.
const strongestBatch = 16

// Strongest finds the n images that excite each of some features of the layer most, and projects them. Only
// these images are kept: memory does not grow with their number. Images are prepared as for the network.
func (m Deconvnet) Strongest(ctx context.Context, s *Subject, images iter.Seq2[[]float32, error], features []int, n int) ([][]Excitement, error) {
	m.Feature = -1
	if n < 1 || len(features) == 0 {
		return nil, fmt.Errorf("the %d strongest images of %d features", n, len(features))
	}
	look := m
	p, err := look.compile(s)
	if err != nil {
		return nil, err
	}
	shape := p.y.Shape()
	for _, f := range features {
		if f < 0 || f >= shape[1] {
			return nil, fmt.Errorf("feature %d: layer %s has %d", f, look.Layer, shape[1])
		}
	}
	// Forward alone, and many images in a step.
	search, err := s.compile(route{batch: strongestBatch, from: look.Layer})
	if err != nil {
		return nil, err
	}
	best := make([][]Excitement, len(features))
	step := make([]float32, 0, strongestBatch*s.size())
	number := 0 // of the step's first image
	run := func() error {
		count := len(step) / s.size()
		if count == 0 {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := search.run(step[:cap(step)], nil); err != nil {
			return err
		}
		y, size := search.session.Value(search.y), shape[2]*shape[3]
		for i := range count {
			for k, f := range features {
				from := (i*shape[1] + f) * size
				answer := slices.Max(y[from : from+size])
				if len(best[k]) == n && answer <= best[k][n-1].Answer {
					continue
				}
				e := Excitement{Image: number + i, Projection: Projection{Feature: f, Answer: answer}, Picture: slices.Clone(step[i*s.size() : (i+1)*s.size()])}
				at, _ := slices.BinarySearchFunc(best[k], e, func(a, b Excitement) int {
					return cmp.Or(cmp.Compare(b.Answer, a.Answer), cmp.Compare(a.Image, b.Image))
				})
				best[k] = slices.Insert(best[k], at, e)
				best[k] = best[k][:min(len(best[k]), n)]
			}
		}
		number, step = number+count, step[:0]
		return nil
	}
	for x, err := range images {
		if err != nil {
			return nil, err
		}
		if err := s.one(x); err != nil {
			return nil, fmt.Errorf("image %d: %w", number+len(step)/s.size(), err)
		}
		if step = append(step, x...); len(step) == cap(step) {
			if err := run(); err != nil {
				return nil, err
			}
		}
	}
	if err := run(); err != nil {
		return nil, err
	}
	for k, f := range features {
		look.Feature = f
		for i := range best[k] {
			if best[k][i].Projection, err = look.project(s, p, best[k][i].Picture); err != nil {
				return nil, err
			}
		}
	}
	return best, nil
}
