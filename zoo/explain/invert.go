package explain

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Invert finds an image of which a layer says the same as of a given one: what differs between the two is
// what the layer has let go (Mahendran and Vedaldi 2014, arXiv:1412.0035). It starts from noise and goes
// down the squared distance, with Adam, keeping neighbouring pixels alike.
type Invert struct {
	Layer string
	Steps int     // 0 is 300
	Rate  float64 // 0 is 0.05
	TV    float64 // weight of the differences between neighbours; 0 is 1e-3
	Seed  uint64
	Frame func(step int, x []float32) // called after each step; nil for none
}

// Explain returns the image, and the distance that is left, as a part of the given one's own length in the
// layer.
func (m Invert) Explain(ctx context.Context, s *Subject, x []float32) (image []float32, distance float64, err error) {
	if err := s.one(x); err != nil {
		return nil, 0, err
	}
	if m.Steps == 0 {
		m.Steps = 300
	}
	if m.Rate == 0 {
		m.Rate = 0.05
	}
	if m.TV == 0 {
		m.TV = 1e-3
	}
	if m.Steps < 1 || !(m.Rate > 0) || !(m.TV >= 0) {
		return nil, 0, fmt.Errorf("invert: %d steps of %g, neighbours weighted %g", m.Steps, m.Rate, m.TV)
	}
	p, err := s.compile(route{batch: 1, from: m.Layer, back: true})
	if err != nil {
		return nil, 0, err
	}
	clear(p.dyData)
	if err := p.run(x, nil); err != nil {
		return nil, 0, err
	}
	want := slices.Clone(p.session.Value(p.y))
	length := 0.0
	for _, v := range want {
		length += float64(v) * float64(v)
	}
	if length == 0 {
		return nil, 0, fmt.Errorf("layer %s says nothing of the image: all of its output is 0", m.Layer)
	}
	r := rand.New(rand.NewPCG(m.Seed, 2))
	image = make([]float32, len(x))
	for i := range image {
		image[i] = float32(r.NormFloat64()) * 0.1
	}
	first, second := make([]float64, len(x)), make([]float64, len(x))
	for step := range m.Steps {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		sum := 0.0
		err := p.run(image, func(y, dy []float32) {
			for i, v := range y {
				d := float64(v - want[i])
				sum += d * d
				dy[i] = float32(2 * d / length)
			}
		})
		if err != nil {
			return nil, 0, err
		}
		distance = math.Sqrt(sum / length)
		g := slices.Clone(p.image())
		s.neighbours(image, g, float32(m.TV))
		rate := m.Rate * (1 - 0.9*float64(step)/float64(m.Steps))
		b1, b2 := 1-math.Pow(0.9, float64(step+1)), 1-math.Pow(0.999, float64(step+1))
		for i, d := range g {
			first[i] = 0.9*first[i] + 0.1*float64(d)
			second[i] = 0.999*second[i] + 0.001*float64(d)*float64(d)
			image[i] -= float32(rate * first[i] / b1 / (math.Sqrt(second[i]/b2) + 1e-12))
		}
		s.clamp(image)
		if m.Frame != nil {
			m.Frame(step, image)
		}
	}
	return image, distance, nil
}

// neighbours adds the gradient of the mean squared difference between neighbouring pixels.
func (s *Subject) neighbours(x, g []float32, weight float32) {
	h, w := s.Input[1], s.Input[2]
	weight *= 2 / float32(len(x))
	for c := range s.Input[0] {
		for y := range h {
			for i := range w {
				at := (c*h+y)*w + i
				if i+1 < w {
					d := weight * (x[at] - x[at+1])
					g[at] += d
					g[at+1] -= d
				}
				if y+1 < h {
					d := weight * (x[at] - x[at+w])
					g[at] += d
					g[at+w] -= d
				}
			}
		}
	}
}
