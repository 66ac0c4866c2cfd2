package explain

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

// Dream makes a picture show more of what a layer sees in it: DeepDream (Mordvintsev, Olah and Tyka 2015). It goes
// up the gradient of the layer's squares, first in the picture as it is and then in larger ones, to which it brings
// what it has added. A picture that is larger than the network's input is seen tile by tile, with borders at other
// places in each step.
type Dream struct {
	Layer   string
	Feature int     // of that layer alone; negative for all
	Octaves int     // sizes, each larger than the one before; 0 is 3
	Scale   float64 // by how much; 0 is 1.4
	Steps   int     // in each size; 0 is 10
	Rate    float64 // of a step, in deviations of a pixel; 0 is 0.03
	Seed    uint64  // of the tiles' places

	// Frame is called with the picture after each step, for an animation; nil for none.
	Frame func(step int, p Plane)
}

// A Plane is a picture of any size as a network takes it: C×H×W.
type Plane struct {
	H, W int
	X    []float32
}

// Explain returns the picture, larger than p by Scale for each octave but the first. P is as large as the network's
// input at least.
func (m Dream) Explain(ctx context.Context, s *Subject, p Plane) (Plane, error) {
	if err := s.there(); err != nil {
		return Plane{}, err
	}
	if m.Octaves == 0 {
		m.Octaves = 3
	}
	if m.Scale == 0 {
		m.Scale = 1.4
	}
	if m.Steps == 0 {
		m.Steps = 10
	}
	if m.Rate == 0 {
		m.Rate = 0.03
	}
	switch c, h, w := s.Input[0], s.Input[1], s.Input[2]; {
	case m.Octaves < 1 || m.Octaves > 16 || !(m.Scale >= 1) || m.Scale > 4 || m.Steps < 1 || !(m.Rate > 0) || math.IsInf(m.Rate, 0):
		return Plane{}, fmt.Errorf("dream: %d sizes, each %g times the last, %d steps of %g", m.Octaves, m.Scale, m.Steps, m.Rate)
	case p.H < h || p.W < w || len(p.X) != c*p.H*p.W:
		return Plane{}, fmt.Errorf("dream: a picture of %d×%d with %d numbers: should be %d×%d at least, of %d channels", p.H, p.W, len(p.X), h, w, c)
	}
	for i, v := range p.X {
		if v-v != 0 {
			return Plane{}, fmt.Errorf("number %d of the picture is %v", i, v)
		}
	}
	prog, err := s.compile(route{batch: 1, from: m.Layer, back: true, relu: graph.ExactReLU})
	if err != nil {
		return Plane{}, err
	}
	if shape := prog.y.Shape(); m.Layer == "" || len(shape) < 2 || m.Feature >= shape[1] {
		return Plane{}, fmt.Errorf("dream: feature %d of layer %q, which has %v", m.Feature, m.Layer, shape)
	}
	r := rand.New(rand.NewPCG(m.Seed, 3))
	added := Plane{p.H, p.W, make([]float32, len(p.X))}
	now := p
	for octave := range m.Octaves {
		size := math.Pow(m.Scale, float64(octave))
		h, w := int(math.Round(float64(p.H)*size)), int(math.Round(float64(p.W)*size))
		base := p.Resize(h, w)
		added = added.Resize(h, w)
		now = Plane{h, w, slices.Clone(base.X)}
		for i, v := range added.X {
			now.X[i] += v
		}
		for step := range m.Steps {
			if err := ctx.Err(); err != nil {
				return Plane{}, err
			}
			if err := m.up(s, prog, now, r.IntN(s.Input[1]), r.IntN(s.Input[2])); err != nil {
				return Plane{}, err
			}
			if m.Frame != nil {
				m.Frame(octave*m.Steps+step, now)
			}
		}
		for i, v := range now.X {
			added.X[i] = v - base.X[i]
		}
	}
	return now, nil
}

// up makes one step, with the first tile's corner at top, left.
func (m Dream) up(s *Subject, prog *program, p Plane, top, left int) error {
	c, th, tw := s.Input[0], s.Input[1], s.Input[2]
	g := make([]float32, len(p.X))
	tile := make([]float32, c*th*tw)
	// Tiles go over the border to the other side; pixels that two of them see keep the later one's gradient.
	each := func(y0, x0 int, f func(in, at int)) {
		for k := range c {
			for y := range th {
				for x := range tw {
					f((k*th+y)*tw+x, (k*p.H+(y0+y)%p.H)*p.W+(x0+x)%p.W)
				}
			}
		}
	}
	for y := 0; y < p.H; y += th {
		for x := 0; x < p.W; x += tw {
			each(top+y, left+x, func(in, at int) { tile[in] = p.X[at] })
			if err := prog.run(tile, func(y, dy []float32) { squares(prog.y.Shape(), m.Feature, y, dy) }); err != nil {
				return err
			}
			dx := prog.image()
			each(top+y, left+x, func(in, at int) { g[at] = dx[in] })
		}
	}
	sum := 0.0
	for _, d := range g {
		sum += math.Abs(float64(d))
	}
	scale := m.Rate / (sum/float64(len(g)) + 1e-12)
	for i, d := range g {
		p.X[i] += float32(scale * float64(d))
	}
	s.clamp(p.X)
	return nil
}

// squares gives a layer the gradient of half the sum of its squares, or of one feature's, and returns the sum.
func squares(shape []int, feature int, y, dy []float32) (sum float64) {
	n := 1
	for _, d := range shape[2:] {
		n *= d
	}
	from, to := 0, len(y)
	if feature >= 0 {
		from, to = feature*n, (feature+1)*n
	}
	for i := from; i < to; i++ {
		sum += float64(y[i]) * float64(y[i])
		dy[i] = y[i]
	}
	return sum
}

// Resize brings a picture to another size, bilinearly.
func (p Plane) Resize(h, w int) Plane {
	out := Plane{H: h, W: w}
	n := p.H * p.W
	for from := 0; from < len(p.X); from += n {
		out.X = append(out.X, Map{p.H, p.W, p.X[from : from+n]}.Resize(h, w).V...)
	}
	return out
}
