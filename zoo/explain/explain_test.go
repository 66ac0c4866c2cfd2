package explain

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

// tiny is conv 3×3, ReLU, max pool 2×2, conv 3×3, ReLU, fully connected.
type tiny struct{}

const (
	tinyH, tinyW        = 10, 12
	tinyC, tinyF, tinyG = 2, 3, 4
	tinyClasses         = 3
)

func (tiny) Build(b *graph.Builder, x *gorgonia.Node) (*gorgonia.Node, error) {
	x = b.ReLU(b.Conv(x, "conv1", tinyF, 3, graph.Pad(1)))
	x = b.MaxPool(x, 2)
	x = b.ReLU(b.Conv(x, "conv2", tinyG, 3, graph.Pad(1)))
	return b.Dense(b.Flatten(x), "fc", tinyClasses), b.Err()
}

func subject(t *testing.T, seed uint64) *Subject {
	t.Helper()
	s := &Subject{Network: tiny{}, Params: graph.NewParams(), Input: [3]int{tinyC, tinyH, tinyW}, Classes: []string{"a", "b", "c"}}
	if _, err := s.Layers(); err != nil {
		t.Fatal(err)
	}
	s.Params.Init(seed)
	return s
}

func noise(seed uint64, n int) []float32 {
	r := rand.New(rand.NewPCG(seed, 9))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// maps are channels of h×w.
type maps struct {
	c, h, w int
	v       []float64
}

func newMaps(c, h, w int) maps                 { return maps{c, h, w, make([]float64, c*h*w)} }
func (m maps) at(c, y, x int) *float64         { return &m.v[(c*m.h+y)*m.w+x] }
func (m maps) has(y, x int) bool               { return y >= 0 && y < m.h && x >= 0 && x < m.w }
func weight(p *graph.Param, i ...int) float64  { return float64(p.Data[offset(p.Shape, i)]) }
func bias(s *Subject, n string, i int) float64 { return float64(s.Params.Get(n + ".bias").Data[i]) }

func offset(shape, i []int) int {
	at := 0
	for d := range i {
		at = at*shape[d] + i[d]
	}
	return at
}

// reference is the network in straight loops, and its way back by a rule.
type reference struct {
	s                                     *Subject
	x, conv1, relu1, pooled, conv2, relu2 maps
	from                                  []int // of each pooled pixel
	logits                                []float64
}

func (r *reference) conv(name string, in maps, filters int) maps {
	out := newMaps(filters, in.h, in.w)
	w := r.s.Params.Get(name + ".weight")
	for f := range filters {
		for y := range in.h {
			for x := range in.w {
				sum := bias(r.s, name, f)
				for c := range in.c {
					for i := range 3 {
						for j := range 3 {
							if in.has(y+i-1, x+j-1) {
								sum += weight(w, f, c, i, j) * *in.at(c, y+i-1, x+j-1)
							}
						}
					}
				}
				*out.at(f, y, x) = sum
			}
		}
	}
	return out
}

func (r *reference) convBack(name string, dy maps, channels int) maps {
	dx := newMaps(channels, dy.h, dy.w)
	w := r.s.Params.Get(name + ".weight")
	for f := range dy.c {
		for y := range dy.h {
			for x := range dy.w {
				for c := range channels {
					for i := range 3 {
						for j := range 3 {
							if dx.has(y+i-1, x+j-1) {
								*dx.at(c, y+i-1, x+j-1) += weight(w, f, c, i, j) * *dy.at(f, y, x)
							}
						}
					}
				}
			}
		}
	}
	return dx
}

func relu(in maps) maps {
	out := newMaps(in.c, in.h, in.w)
	for i, v := range in.v {
		out.v[i] = max(v, 0)
	}
	return out
}

func reluBack(rule graph.ReLURule, in, dy maps) maps {
	dx := newMaps(dy.c, dy.h, dy.w)
	for i, d := range dy.v {
		switch {
		case rule != graph.DeconvReLU && in.v[i] <= 0, rule != graph.ExactReLU && d <= 0:
		default:
			dx.v[i] = d
		}
	}
	return dx
}

func forward(s *Subject, x []float32) *reference {
	r := &reference{s: s, x: newMaps(tinyC, tinyH, tinyW)}
	for i, v := range x {
		r.x.v[i] = float64(v)
	}
	r.conv1 = r.conv("conv1", r.x, tinyF)
	r.relu1 = relu(r.conv1)
	r.pooled = newMaps(tinyF, tinyH/2, tinyW/2)
	for c := range tinyF {
		for y := range r.pooled.h {
			for x := range r.pooled.w {
				best := -1
				for i := range 2 {
					for j := range 2 {
						at := (c*tinyH+2*y+i)*tinyW + 2*x + j
						if best < 0 || r.relu1.v[at] > r.relu1.v[best] {
							best = at
						}
					}
				}
				*r.pooled.at(c, y, x) = r.relu1.v[best]
				r.from = append(r.from, best)
			}
		}
	}
	r.conv2 = r.conv("conv2", r.pooled, tinyG)
	r.relu2 = relu(r.conv2)
	fc := s.Params.Get("fc.weight")
	for k := range tinyClasses {
		sum := bias(s, "fc", k)
		for i, v := range r.relu2.v {
			sum += v * weight(fc, k, i)
		}
		r.logits = append(r.logits, sum)
	}
	return r
}

// back brings a gradient of relu2 to the image.
func (r *reference) back(rule graph.ReLURule, d maps) maps {
	d = r.convBack("conv2", reluBack(rule, r.conv2, d), tinyF)
	unpooled := newMaps(tinyF, tinyH, tinyW)
	for i, at := range r.from {
		unpooled.v[at] += d.v[i]
	}
	return r.convBack("conv1", reluBack(rule, r.conv1, unpooled), tinyC)
}

func (r *reference) class(rule graph.ReLURule, k int) maps {
	d := newMaps(tinyG, r.relu2.h, r.relu2.w)
	for i := range d.v {
		d.v[i] = weight(r.s.Params.Get("fc.weight"), k, i)
	}
	return r.back(rule, d)
}

func same(t *testing.T, what string, got []float32, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, should be %d", what, len(got), len(want))
	}
	most := 0.0
	for _, v := range want {
		most = max(most, math.Abs(v))
	}
	if most == 0 {
		t.Fatalf("%s: the reference is all zero", what)
	}
	for i, v := range got {
		if math.Abs(float64(v)-want[i]) > 1e-5*most {
			t.Fatalf("%s: [%d] is %g, should be %g", what, i, v, want[i])
		}
	}
}

func TestMethodsAgreeWithStraightLoops(t *testing.T) {
	s := subject(t, 3)
	x := noise(1, s.size())
	r := forward(s, x)
	logits, err := s.Logits(x)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "logits", logits[0], r.logits)
	for k := range tinyClasses {
		g, _, err := Guided{Class: k}.Explain(s, x)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "guided", g, r.class(graph.GuidedReLU, k).v)

		m, _, err := Saliency{Class: k}.Explain(s, x)
		if err != nil {
			t.Fatal(err)
		}
		exact := r.class(graph.ExactReLU, k)
		want := make([]float64, tinyH*tinyW)
		for i, v := range exact.v {
			want[i%len(want)] = max(want[i%len(want)], math.Abs(v))
		}
		same(t, "saliency", m.V, want)

		cam, _, err := GradCAM{Class: k, Layer: "relu 2"}.Explain(s, x)
		if err != nil {
			t.Fatal(err)
		}
		n := r.relu2.h * r.relu2.w
		want = make([]float64, n)
		for c := range tinyG {
			mean := 0.0
			for i := range n {
				mean += weight(s.Params.Get("fc.weight"), k, c*n+i) / float64(n)
			}
			for i := range n {
				want[i] += mean * r.relu2.v[c*n+i]
			}
		}
		positive := false
		for i, v := range want {
			want[i] = max(v, 0)
			positive = positive || v > 0
		}
		if positive {
			same(t, "Grad-CAM", cam.V, want)
		}
	}
	answered := 0
	for f := range tinyG {
		p, err := Deconvnet{Layer: "relu 2", Feature: f}.Explain(s, x)
		if err != nil {
			t.Fatal(err)
		}
		d := newMaps(tinyG, r.relu2.h, r.relu2.w)
		best := f * d.h * d.w
		for i := range d.h * d.w {
			if at := f*d.h*d.w + i; r.relu2.v[at] > r.relu2.v[best] {
				best = at
			}
		}
		d.v[best] = r.relu2.v[best]
		if d.v[best] == 0 {
			continue // a feature that does not answer
		}
		answered++
		same(t, "deconvnet", p.Pixels, r.back(graph.DeconvReLU, d).v)
	}
	if answered < 2 {
		t.Errorf("only %d features answer", answered)
	}
	m, err := Maps{Layer: "relu 1"}.Explain(s, x)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "maps", m[1].V, r.relu1.v[tinyH*tinyW:2*tinyH*tinyW])
	bank, err := Filters{}.Explain(s)
	if err != nil || bank.Layer != "conv1" || bank.N != tinyF || bank.C != tinyC || bank.V[7] != s.Params.Get("conv1.weight").Data[7] {
		t.Errorf("filters: %v %v", bank.Layer, err)
	}
}

func TestOcclusionIsALoopOfAnswers(t *testing.T) {
	s := subject(t, 3)
	x := noise(1, s.size())
	m, of, err := Occlusion{Class: 1, Size: 4, Stride: 3, Fill: 0.5}.Explain(context.Background(), s, x)
	if err != nil {
		t.Fatal(err)
	}
	logits, _ := s.Logits(x)
	whole := probability(logits[0], of)
	at := 0
	for top := -2; top+2 < tinyH; top += 3 {
		for left := -2; left+2 < tinyW; left += 3 {
			covered := append([]float32(nil), x...)
			for i := range covered {
				y, x := i%(tinyH*tinyW)/tinyW, i%tinyW
				if y >= top && y < top+4 && x >= left && x < left+4 {
					covered[i] = 0.5
				}
			}
			one, err := s.Logits(covered)
			if err != nil {
				t.Fatal(err)
			}
			// Steps for one image and for many add in different orders.
			if want := whole - probability(one[0], of); math.Abs(float64(m.V[at])-want) > 1e-6 {
				t.Fatalf("place %d: %g, should be %g", at, m.V[at], want)
			}
			at++
		}
	}
	if at != len(m.V) {
		t.Errorf("%d places, should be %d", len(m.V), at)
	}
	// In steps of as many they are the same bits.
	var all []float32
	for top := -2; top+2 < tinyH; top += 3 {
		for left := -2; left+2 < tinyW; left += 3 {
			for i, v := range x {
				if y, x := i%(tinyH*tinyW)/tinyW, i%tinyW; y >= top && y < top+4 && x >= left && x < left+4 {
					v = 0.5
				}
				all = append(all, v)
			}
		}
	}
	for from := 0; from < len(m.V); from += occlusionBatch {
		n := min(occlusionBatch, len(m.V)-from)
		step := make([]float32, occlusionBatch*len(x))
		copy(step, all[from*len(x):(from+n)*len(x)])
		answers, err := s.Logits(step)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			if want := float32(whole - probability(answers[i], of)); m.V[from+i] != want {
				t.Errorf("place %d: %g, should be exactly %g", from+i, m.V[from+i], want)
			}
		}
	}
}

// Adebayo et al. 2018: what does not change with the weights explains nothing.
func TestMapsDependOnTheWeights(t *testing.T) {
	one, other := subject(t, 3), subject(t, 4)
	x := noise(1, one.size())
	methods := map[string]func(s *Subject) ([]float32, error){
		"saliency": func(s *Subject) ([]float32, error) { m, _, err := Saliency{Class: 1}.Explain(s, x); return m.V, err },
		"guided":   func(s *Subject) ([]float32, error) { g, _, err := Guided{Class: 1}.Explain(s, x); return g, err },
		"Grad-CAM": func(s *Subject) ([]float32, error) { m, _, err := GradCAM{Class: 1}.Explain(s, x); return m.V, err },
		"occlusion": func(s *Subject) ([]float32, error) {
			m, _, err := Occlusion{Class: 1}.Explain(context.Background(), s, x)
			return m.V, err
		},
		"deconvnet": func(s *Subject) ([]float32, error) {
			p, err := Deconvnet{Feature: 1}.Explain(s, x)
			return p.Pixels, err
		},
	}
	for name, f := range methods {
		a, err := f(one)
		if err != nil {
			t.Fatal(name, err)
		}
		b, err := f(other)
		if err != nil {
			t.Fatal(name, err)
		}
		if r := correlation(a, b); r > 0.9 {
			t.Errorf("%s: two networks' maps correlate by %.2f", name, r)
		}
	}
}

func correlation(a, b []float32) float64 {
	n := float64(len(a))
	var sa, sb, aa, bb, ab float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		sa, sb, aa, bb, ab = sa+x, sb+y, aa+x*x, bb+y*y, ab+x*y
	}
	return (ab - sa*sb/n) / (math.Sqrt((aa-sa*sa/n)*(bb-sb*sb/n)) + 1e-12)
}

// patchy is a network whose class 1 is decided by one patch: a filter that sees a bright square, and the
// largest answer anywhere.
func patchy(t *testing.T) (*Subject, []float32) {
	s := &Subject{Network: patchNet{}, Params: graph.NewParams(), Input: [3]int{1, 16, 16}}
	if _, err := s.Layers(); err != nil {
		t.Fatal(err)
	}
	s.Params.Init(1)
	w := s.Params.Get("conv.weight").Data
	for i := range w {
		w[i] = 1
	}
	s.Params.Get("conv.bias").Data[0] = -5
	copy(s.Params.Get("fc.weight").Data, []float32{0, 1})
	clear(s.Params.Get("fc.bias").Data)
	s.Params.Changed()
	x := make([]float32, 256)
	for y := 9; y < 12; y++ {
		for i := 3; i < 6; i++ {
			x[16*y+i] = 1
		}
	}
	x[16*2+12] = 1 // a distraction
	return s, x
}

type patchNet struct{}

func (patchNet) Build(b *graph.Builder, x *gorgonia.Node) (*gorgonia.Node, error) {
	x = b.ReLU(b.Conv(x, "conv", 1, 3, graph.Pad(1)))
	return b.Dense(b.Flatten(b.GlobalAvgPool(x)), "fc", 2), b.Err()
}

func TestAPlantedPatchIsFound(t *testing.T) {
	s, x := patchy(t)
	found := map[string]func() (Map, error){
		"saliency": func() (Map, error) { m, _, err := Saliency{Class: 1}.Explain(s, x); return m, err },
		"Grad-CAM": func() (Map, error) { m, _, err := GradCAM{Class: 1}.Explain(s, x); return m.Resize(16, 16), err },
		"occlusion": func() (Map, error) {
			m, _, err := Occlusion{Class: 1, Size: 4, Stride: 1}.Explain(context.Background(), s, x)
			return m, err
		},
		"guided": func() (Map, error) { g, _, err := Guided{Class: 1}.Explain(s, x); return Map{16, 16, g}, err },
		"deconvnet": func() (Map, error) {
			p, err := Deconvnet{Layer: "relu 1"}.Explain(s, x)
			return Map{16, 16, p.Pixels}, err
		},
	}
	for name, f := range found {
		m, err := f()
		if err != nil {
			t.Fatal(name, err)
		}
		best := 0
		for i, v := range m.V {
			if v > m.V[best] {
				best = i
			}
		}
		if y, x := best/m.W, best%m.W; y < 8 || y > 12 || x < 2 || x > 6 {
			t.Errorf("%s looks at %d, %d", name, y, x)
		}
	}
	if p, err := (Deconvnet{Layer: "relu 1"}).Explain(s, x); err != nil || p.Patch != (Patch{9, 3, 12, 6}) || p.Y != 10 || p.X != 4 || p.Answer != 4 {
		t.Errorf("deconvnet: %+v %v", p.Patch, err)
	}
}

func TestStrongestFindsImagesInOrder(t *testing.T) {
	s, x := patchy(t)
	images := func(yield func([]float32, error) bool) {
		for _, factor := range []float32{0.7, 1, 0.1, 2, 1.5} {
			y := make([]float32, len(x))
			for i, v := range x {
				y[i] = factor * v
			}
			if !yield(y, nil) {
				return
			}
		}
	}
	got, err := Deconvnet{Layer: "relu 1"}.Strongest(context.Background(), s, images, []int{0}, 3)
	if err != nil {
		t.Fatal(err)
	}
	var order []int
	for _, e := range got[0] {
		order = append(order, e.Image)
	}
	if len(order) != 3 || order[0] != 3 || order[1] != 4 || order[2] != 1 || got[0][0].Answer != 13 {
		t.Errorf("the strongest are %v, the first by %g", order, got[0][0].Answer)
	}
}

func TestAnImageIsMadeThatExcitesAClass(t *testing.T) {
	s := subject(t, 3)
	s.Mean, s.Std = []float32{0.5}, []float32{0.1} // pixels from -5 to 5
	frames := 0
	x, value, err := Maximise{Class: 2, Steps: 60, Shift: -1, Seed: 1, Frame: func(int, []float32) { frames++ }}.Explain(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	logits, _ := s.Logits(x)
	// No noise of the same size excites the class as much.
	best := float32(0)
	for seed := range uint64(100) {
		random := noise(seed, s.size())
		scale := float32(rms(x) / rms(random))
		for i := range random {
			random[i] *= scale
		}
		other, _ := s.Logits(random)
		best = max(best, other[0][2])
	}
	if frames != 60 || logits[0][2] < 1.3*best || value < 1.3*float64(best) {
		t.Errorf("%d frames, the logit becomes %g, by noise %g", frames, logits[0][2], best)
	}
	again, _, _ := Maximise{Class: 2, Steps: 60, Shift: -1, Seed: 1}.Explain(context.Background(), s)
	for i := range x {
		if x[i] != again[i] {
			t.Fatal("the same seed gives another image")
		}
	}
}

// A step goes up the gradient by the rate, whatever the gradient's length, takes the decay off, and moves the image back to
// where it was; between two steps it is smoothed, and pixels stay between black and white.
func TestAStepTowardsAClassIsWhatItSays(t *testing.T) {
	s := subject(t, 3)
	s.Mean, s.Std = []float32{0.5}, []float32{0.25} // pixels from -2 to 2
	const class, rate, decay = 1, 0.1, 0.25
	h, w := tinyH, tinyW
	rolled := func(x []float32, dy, dx int) []float32 {
		out := make([]float32, len(x))
		for c := range tinyC {
			for y := range h {
				for i := range w {
					out[(c*h+(y+dy+7*h)%h)*w+(i+dx+7*w)%w] = x[(c*h+y)*w+i]
				}
			}
		}
		return out
	}
	stepped := func(x []float32, dy, dx int, then func([]float32) []float32) []float64 {
		x = rolled(x, dy, dx)
		g := forward(s, x).class(graph.ExactReLU, class).v
		length := 0.0
		for _, v := range g {
			length += v * v / float64(len(g))
		}
		out := make([]float32, len(x))
		for i, v := range x {
			out[i] = float32(float64(v)*(1-decay) + rate*g[i]/math.Sqrt(length))
		}
		var back []float64
		for _, v := range then(rolled(out, -dy, -dx)) {
			back = append(back, min(max(float64(v), -2), 2))
		}
		return back
	}
	start := noise(4, s.size())
	run := func(m Maximise) []float32 {
		t.Helper()
		m.Class, m.Rate, m.Decay, m.Start = class, rate, decay, start
		x, _, err := m.Explain(context.Background(), s)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	sharp := func(x []float32) []float32 { return x }
	twice := func(then func([]float32) []float32) []float64 {
		var between []float32
		for _, v := range stepped(start, 0, 0, then) {
			between = append(between, float32(v))
		}
		return stepped(between, 0, 0, sharp)
	}
	same(t, "one step", run(Maximise{Steps: 1, Blur: 1, Shift: -1}), stepped(start, 0, 0, sharp))
	same(t, "two steps", run(Maximise{Steps: 2, Blur: -1, Shift: -1}), twice(sharp))
	same(t, "two steps, smoothed between them", run(Maximise{Steps: 2, Blur: 1, Shift: -1}), twice(s.blur))
	same(t, "two steps, smoothed after two", run(Maximise{Steps: 2, Blur: 2, Shift: -1}), twice(sharp))

	// Which way it was moved is drawn: one of all ways, and not always the same.
	ways := map[[2]int]bool{}
	for seed := range uint64(12) {
		got := run(Maximise{Steps: 1, Blur: -1, Shift: 2, Seed: seed})
		found := false
		for dy := -2; dy <= 2 && !found; dy++ {
			for dx := -2; dx <= 2 && !found; dx++ {
				found = true
				for i, v := range stepped(start, dy, dx, sharp) {
					found = found && math.Abs(v-float64(got[i])) < 1e-4
				}
				if found {
					ways[[2]int{dy, dx}] = true
				}
			}
		}
		if !found {
			t.Errorf("seed %d: no step of an image that was moved by up to 2 pixels, and back", seed)
		}
	}
	if len(ways) < 6 {
		t.Errorf("it was moved in %d ways alone: %v", len(ways), ways)
	}
}

// The gradient of weight·mean of (x - right)² and (x - below)², by central differences.
func TestNeighboursArePulledTogether(t *testing.T) {
	const c, h, w, weight = 2, 3, 4, 0.5
	s := &Subject{Input: [3]int{c, h, w}}
	x, got := noise(5, c*h*w), make([]float32, c*h*w)
	cost := func(x []float64) (sum float64) {
		for plane := range c {
			for y := range h {
				for i := range w {
					at := func(y, i int) float64 { return x[plane*h*w+y*w+i] }
					if i < w-1 {
						sum += math.Pow(at(y, i)-at(y, i+1), 2)
					}
					if y < h-1 {
						sum += math.Pow(at(y, i)-at(y+1, i), 2)
					}
				}
			}
		}
		return weight * sum / (c * h * w)
	}
	for i := range got {
		got[i] = float32(i) // what is there is added to
	}
	s.neighbours(x, got, weight)
	wide := make([]float64, len(x))
	for i, v := range x {
		wide[i] = float64(v)
	}
	for i := range wide {
		v := wide[i]
		wide[i] = v + 1e-4
		high := cost(wide)
		wide[i] = v - 1e-4
		want := float64(i) + (high-cost(wide))/2e-4
		wide[i] = v
		if math.Abs(float64(got[i])-want) > 1e-5 {
			t.Errorf("gradient %d is %v, want %v", i, got[i], want)
		}
	}
}

func TestALayersContentIsFoundAgain(t *testing.T) {
	s := subject(t, 3)
	s.Mean, s.Std = []float32{0.5}, []float32{0.2}
	x := noise(1, s.size())
	s.clamp(x)
	var before []float32 // the last step
	image, shallow, err := Invert{Layer: "relu 1", Steps: 200, TV: 1e-6, Frame: func(step int, x []float32) {
		if step == 198 {
			before = slices.Clone(x)
		}
	}}.Explain(context.Background(), s, x)
	if err != nil {
		t.Fatal(err)
	}
	if shallow > 0.2 || len(image) != len(x) {
		t.Errorf("the first layer's content is missed by %.2f of its length, by %d numbers", shallow, len(image))
	}
	// What is told is |Φ(image) - Φ(x)|/|Φ(x)| of the image that the last step began with.
	p, err := s.compile(route{batch: 1, from: "relu 1"})
	if err != nil {
		t.Fatal(err)
	}
	layer := func(x []float32) []float32 {
		if err := p.run(x, nil); err != nil {
			t.Fatal(err)
		}
		return slices.Clone(p.session.Value(p.y))
	}
	want, got := layer(x), layer(before)
	difference, length := 0.0, 0.0
	for i, v := range want {
		difference += math.Pow(float64(got[i]-v), 2)
		length += math.Pow(float64(v), 2)
	}
	if d := math.Sqrt(difference) / math.Sqrt(length); math.Abs(d-shallow) > 1e-4*d {
		t.Errorf("the distance is told as %v, and is %v", shallow, d)
	}
}

// The first class and the last, the first feature and the last can be explained as those between.
func TestEveryClassAndFeatureCanBeExplained(t *testing.T) {
	s := subject(t, 3)
	x := noise(1, s.size())
	ctx := context.Background()
	for class := range tinyClasses {
		for name, f := range map[string]func() (int, error){
			"saliency":        func() (int, error) { _, of, err := Saliency{Class: class}.Explain(s, x); return of, err },
			"guided":          func() (int, error) { _, of, err := Guided{Class: class}.Explain(s, x); return of, err },
			"Grad-CAM":        func() (int, error) { _, of, err := GradCAM{Class: class}.Explain(s, x); return of, err },
			"guided Grad-CAM": func() (int, error) { _, of, err := GuidedGradCAM{Class: class}.Explain(s, x); return of, err },
			"occlusion":       func() (int, error) { _, of, err := Occlusion{Class: class}.Explain(ctx, s, x); return of, err },
			"maximise":        func() (int, error) { _, _, err := Maximise{Class: class, Steps: 1}.Explain(ctx, s); return class, err },
		} {
			if of, err := f(); err != nil || of != class {
				t.Errorf("%s of class %d: %d, %v", name, class, of, err)
			}
		}
	}
	for feature := range tinyF {
		if _, err := (Deconvnet{Layer: "conv1", Feature: feature}).Explain(s, x); err != nil {
			t.Errorf("deconvnet of feature %d: %v", feature, err)
		}
		if _, _, err := (Maximise{Layer: "conv1", Feature: feature, Steps: 1}).Explain(ctx, s); err != nil {
			t.Errorf("maximise feature %d: %v", feature, err)
		}
		if _, err := (Dream{Layer: "conv1", Feature: feature, Octaves: 1, Steps: 1}).Explain(ctx, s, Plane{tinyH, tinyW, x}); err != nil {
			t.Errorf("dream of feature %d: %v", feature, err)
		}
	}
}

func TestWhatCannotBeExplainedIsSaid(t *testing.T) {
	s := subject(t, 3)
	x := noise(1, s.size())
	bad := append([]float32(nil), x...)
	bad[5] = float32(math.NaN())
	ctx := context.Background()
	for name, c := range map[string]struct {
		f    func() error
		want string
	}{
		"no image":        {func() error { _, _, err := Saliency{}.Explain(s, nil); return err }, "no images of 2×10×12"},
		"NaN":             {func() error { _, _, err := Guided{}.Explain(s, bad); return err }, "number 5 of the image is NaN"},
		"two images":      {func() error { _, _, err := GradCAM{}.Explain(s, append(x, x...)); return err }, "one image at a time"},
		"no such class":   {func() error { _, _, err := Saliency{Class: 9}.Explain(s, x); return err }, "class 9: the network has 3"},
		"no such layer":   {func() error { _, _, err := GradCAM{Layer: "conv9"}.Explain(s, x); return err }, `no layer is called "conv9": there are conv1,`},
		"no maps":         {func() error { _, _, err := GradCAM{Layer: "fc"}.Explain(s, x); return err }, "layer fc has no maps"},
		"no such feature": {func() error { _, err := Deconvnet{Layer: "conv1", Feature: 3}.Explain(s, x); return err }, "feature 3: layer conv1 has 3"},
		"a large square":  {func() error { _, _, err := Occlusion{Size: 99}.Explain(ctx, s, x); return err }, "a square of 99"},
		"no such filters": {func() error { _, err := Filters{Layer: "conv9"}.Explain(s); return err }, `no layer is called "conv9": there are conv1`},
		"no filters":      {func() error { _, err := Filters{Layer: "fc"}.Explain(s); return err }, "layer fc is no convolution"},
		"no class to see": {func() error { _, _, err := Maximise{Class: 3, Feature: -1}.Explain(ctx, s); return err }, "class 3: the network has 3"},
		"no such channel": {func() error { _, _, err := Maximise{Layer: "conv1", Class: 9, Feature: 3}.Explain(ctx, s); return err }, "feature 3: layer conv1 has"},
		"no steps":        {func() error { _, _, err := Maximise{Steps: -1}.Explain(ctx, s); return err }, "-1 steps"},
	} {
		if err := c.f(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, should be %s", name, err, c.want)
		}
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, _, err := (Occlusion{}).Explain(ended, s, x); err != context.Canceled {
		t.Errorf("after the context's end: %v", err)
	}
}

func TestSheetsAreDrawn(t *testing.T) {
	s, x := patchy(t)
	m, _, err := Occlusion{Class: 1}.Explain(context.Background(), s, x)
	if err != nil {
		t.Fatal(err)
	}
	img, err := Sheet{Title: "A bright square", Note: "what class 1 looks at", Panels: []Panel{
		{s.Picture(x), "the image"}, {m.Overlay(s.Picture(x)), "occlusion, a caption that is far too long for its picture"}, {m.Heat(), ""}}}.Draw()
	if err != nil {
		t.Fatal(err)
	}
	if b := img.Bounds(); b.Dx() < 300 || b.Dy() < 150 {
		t.Errorf("the sheet has %v", b)
	}
	if _, err := (Sheet{}).Draw(); err == nil {
		t.Error("an empty sheet is drawn")
	}
}
