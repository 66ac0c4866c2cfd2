package explain

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Maximise finds an image that a class answers to most, by going up its logit's gradient from a grey one
// (Simonyan, Vedaldi and Zisserman 2013, arXiv:1312.6034, section 2). With a layer instead of a class it shows
// what excites the layer, or one of its features.
type Maximise struct {
	Class   int
	Layer   string  // whose sum of squares is maximised in place of a class, if it is not empty
	Feature int     // of that layer alone; negative for all
	Steps   int     // 0 is 200
	Rate    float64 // of a step, in deviations of a pixel; 0 is 0.05
	Decay   float64 // of the image towards grey, in each step; 0 is 1e-4
	Blur    int     // smooths the image every so many steps; 0 is 4, negative is never
	Shift   int     // moves the image by up to so many pixels before each step; 0 is a sixteenth of its side, negative is not
	Seed    uint64
	Start   []float32 // nil is grey with a little noise

	// Frame is called with the image after each step, for an animation; nil for none.
	Frame func(step int, x []float32)
}

// Explain returns the image, C×H×W as the network takes it, and what is maximised in it.
func (m Maximise) Explain(ctx context.Context, s *Subject) (x []float32, value float64, err error) {
	if err := s.there(); err != nil {
		return nil, 0, err
	}
	if m.Steps == 0 {
		m.Steps = 200
	}
	if m.Rate == 0 {
		m.Rate = 0.05
	}
	if m.Decay == 0 {
		m.Decay = 1e-4
	}
	if m.Blur == 0 {
		m.Blur = 4
	}
	h, w := s.Input[1], s.Input[2]
	if m.Shift == 0 {
		m.Shift = max(min(h, w)/16, 1)
	}
	if m.Steps < 1 || !(m.Rate > 0) || math.IsInf(m.Rate, 0) {
		return nil, 0, fmt.Errorf("maximise: %d steps of %g", m.Steps, m.Rate)
	}
	p, err := s.compile(route{batch: 1, from: m.Layer, back: true})
	if err != nil {
		return nil, 0, err
	}
	if m.Layer == "" {
		if n := p.y.Shape().TotalSize(); m.Class < 0 || m.Class >= n {
			return nil, 0, fmt.Errorf("class %d: the network has %d", m.Class, n)
		}
	} else if shape := p.y.Shape(); len(shape) < 2 || m.Feature >= shape[1] {
		return nil, 0, fmt.Errorf("feature %d: layer %s has %v", m.Feature, m.Layer, shape)
	}
	r := rand.New(rand.NewPCG(m.Seed, 1))
	if m.Start != nil {
		if err := s.one(m.Start); err != nil {
			return nil, 0, err
		}
		x = slices.Clone(m.Start)
	} else {
		x = make([]float32, s.size())
		for i := range x {
			x[i] = float32(r.NormFloat64()) * 0.01
		}
	}
	for step := range m.Steps {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		dy, dx := 0, 0
		if m.Shift > 0 {
			dy, dx = r.IntN(2*m.Shift+1)-m.Shift, r.IntN(2*m.Shift+1)-m.Shift
		}
		x = s.roll(x, dy, dx)
		if value, err = m.up(p, x); err != nil {
			return nil, 0, err
		}
		x = s.roll(x, -dy, -dx)
		if m.Blur > 0 && (step+1)%m.Blur == 0 && step+1 < m.Steps {
			x = s.blur(x)
		}
		s.clamp(x)
		if m.Frame != nil {
			m.Frame(step, x)
		}
	}
	return x, value, nil
}

// up makes one step, as long as the rate says whatever the gradient's length.
func (m Maximise) up(p *program, x []float32) (value float64, err error) {
	err = p.run(x, func(y, dy []float32) {
		if m.Layer == "" {
			value, dy[m.Class] = float64(y[m.Class]), 1
			return
		}
		value = squares(p.y.Shape(), m.Feature, y, dy)
	})
	if err != nil {
		return 0, err
	}
	g := p.image()
	scale := m.Rate / (rms(g) + 1e-12)
	for i, d := range g {
		x[i] += float32(scale*float64(d)) - float32(m.Decay)*x[i]
	}
	return value, nil
}

func rms(v []float32) float64 {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum / float64(max(len(v), 1)))
}

// roll moves an image; what leaves it at one edge comes in at the other.
func (s *Subject) roll(x []float32, dy, dx int) []float32 {
	if dy == 0 && dx == 0 {
		return x
	}
	h, w := s.Input[1], s.Input[2]
	out := make([]float32, len(x))
	for c := range s.Input[0] {
		for y := range h {
			to := ((y+dy)%h + h) % h
			for i := range w {
				out[(c*h+to)*w+((i+dx)%w+w)%w] = x[(c*h+y)*w+i]
			}
		}
	}
	return out
}

// blur smooths an image with 1, 2, 1 in each direction.
func (s *Subject) blur(x []float32) []float32 {
	h, w := s.Input[1], s.Input[2]
	tmp, out := make([]float32, len(x)), make([]float32, len(x))
	for r := range s.Input[0] * h {
		row := x[r*w : (r+1)*w]
		for i, v := range row {
			tmp[r*w+i] = (row[max(i-1, 0)] + 2*v + row[min(i+1, w-1)]) / 4
		}
	}
	for c := range s.Input[0] {
		plane := tmp[c*h*w : (c+1)*h*w]
		for y := range h {
			for i := range w {
				out[(c*h+y)*w+i] = (plane[max(y-1, 0)*w+i] + 2*plane[y*w+i] + plane[min(y+1, h-1)*w+i]) / 4
			}
		}
	}
	return out
}

// clamp keeps pixels between black and white.
func (s *Subject) clamp(x []float32) {
	n := len(x) / s.Input[0]
	for c := range s.Input[0] {
		mean, std := s.norm(c)
		low, high := -mean/std, (1-mean)/std
		for i, v := range x[c*n : (c+1)*n] {
			x[c*n+i] = min(max(v, low), high)
		}
	}
}
