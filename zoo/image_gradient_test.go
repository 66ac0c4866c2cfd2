package zoo

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// The gradient of the image in evaluation, which saliency maps are made of, is the slope of the outputs
// along any direction of the image.
func TestGradientsOfTheImageAgreeWithFiniteDifferences(t *testing.T) {
	pool := kernel.NewPool(0)
	defer pool.Close()
	for name, m := range small(t) {
		deep := name == "resnet56_plain" || name == "resnet110_plain"
		t.Run(name, func(t *testing.T) {
			const batch = 2
			params := graph.NewParams()
			b := graph.NewBuilder(params, graph.Eval)
			x := b.Watch(b.Input("x", batch, m.Input[0], m.Input[1], m.Input[2]))
			y, err := m.Build(b, x)
			if err != nil {
				t.Fatal(err)
			}
			dy := b.Input("dy", y.Shape()...)
			grads, err := b.Backward(y, dy, x)
			if err != nil {
				t.Fatal(err)
			}
			s, err := graph.Compile(b, append(grads, y), graph.Config{Pool: pool})
			if err != nil {
				t.Fatal(err)
			}
			train := newRun(t, m, params, graph.Train, 8, graph.Config{Pool: pool})
			params.Init(3)
			for _, p := range params.All() {
				if p.Name != "output" { // whose codes are fixed
					p.Data = golden{}.formula(p) // of one size, unlike AlexNet's first weights
				}
				if deep && strings.Contains(p.Name, "bn") && strings.HasSuffix(p.Name, ".bias") {
					// Without shortcuts, so many layers make chaos of what they see: no step is small enough. Where
					// most of ReLU's inputs are positive, there is a slope to be found.
					for i := range p.Data {
						p.Data[i] += 2
					}
				}
			}
			params.Changed()
			for range 15 {
				train.run(t) // moves the running statistics to where they keep the layers alive
			}
			r := rand.New(rand.NewPCG(4, 5))
			image, weights := even("input", grads[0].Shape().TotalSize()), make([]float32, y.Shape().TotalSize())
			for i := range weights {
				weights[i] = float32(r.NormFloat64())
			}
			if err := s.Bind(x, image); err != nil {
				t.Fatal(err)
			}
			if err := s.Bind(dy, weights); err != nil {
				t.Fatal(err)
			}
			output := func() (sum float64) {
				if err := s.Run(); err != nil {
					t.Fatal(err)
				}
				for i, v := range s.Value(y) {
					sum += float64(v) * float64(weights[i])
				}
				return sum
			}
			output()
			gradient, at := slices.Clone(s.Value(grads[0])), slices.Clone(image)
			norm := 0.0
			for _, g := range gradient {
				norm += float64(g) * float64(g)
			}
			norm = math.Sqrt(norm)
			if !(norm > 0) {
				t.Fatalf("the gradient is %g long", norm)
			}
			var errors []float64
			for k := range 5 {
				// Along the gradient, and along sparse directions not at right angles to it.
				direction, length := make([]float64, len(image)), 0.0
				for i, g := range gradient {
					switch {
					case k == 0:
						direction[i] = float64(g)
					case r.IntN(k) == 0:
						direction[i] = float64(g) * math.Abs(r.NormFloat64())
					}
					length += direction[i] * direction[i]
				}
				// A smaller step jumps over fewer kinks of ReLU and pooling, and bends less where a deep network at
				// its first weights makes much of little; a larger one has fewer of the digits rounded.
				nearest := math.Inf(1)
				for _, h := range []float64{0.03, 0.003, 0.0006, 0.00015, 0.00003} {
					var y [2]float64
					want := 0.0 // by the steps as float32 has them
					for side, h := range []float64{-h, h} {
						for i, v := range at {
							image[i] = float32(float64(v) + h*direction[i]/math.Sqrt(length))
							want += h / math.Abs(h) * float64(gradient[i]) * (float64(image[i]) - float64(v))
						}
						y[side] = output()
					}
					nearest = min(nearest, math.Abs(y[1]-y[0]-want)/math.Abs(want))
				}
				errors = append(errors, nearest)
			}
			slices.Sort(errors)
			if middle := errors[len(errors)/2]; !(middle < 0.1) {
				t.Errorf("slopes differ by %.2g from the gradient, at most by %.2g", middle, errors[len(errors)-1])
			} else {
				t.Logf("slopes differ by %.2g, at most by %.2g", middle, errors[len(errors)-1])
			}
		})
	}
}
