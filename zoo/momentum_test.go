package zoo_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// How far running statistics move in a step, in PyTorch's sense: a tenth, but a hundredth in networks that come from
// TensorFlow. The same batch twice moves a mean m by the momentum p to p·m and then to (2 - p)·p·m.
func TestRunningStatisticsMoveByTheirMomentum(t *testing.T) {
	for name, want := range map[string]float64{
		"resnet20": 0.1, "mobilenetv2": 0.1,
		"mobilenetv3-large": 0.01, "mobilenetv3-small": 0.01, "efficientnet-b0": 0.1, "efficientnet-b0/paper": 0.01,
	} {
		t.Run(name, func(t *testing.T) {
			of, variant, _ := strings.Cut(name, "/")
			var opts []zoo.Option
			if variant != "" {
				opts = append(opts, zoo.Variant(variant))
			}
			const side = 32
			if strings.HasPrefix(of, "efficientnet") { // whose blocks are left out by chance
				opts = append(opts, zoo.DropPath(0))
			}
			m, err := zoo.New(of, append(opts, zoo.Input(3, side, side))...)
			if err != nil {
				t.Fatal(err)
			}
			b := graph.NewBuilder(graph.NewParams(), graph.Train)
			x := b.Input("x", 2, 3, side, side)
			y, err := m.Build(b, x)
			if err != nil {
				t.Fatal(err)
			}
			b.Params().Init(1)
			s, err := graph.Compile(b, []*gorgonia.Node{y}, graph.Config{})
			if err != nil {
				t.Fatal(err)
			}
			r := rand.New(rand.NewPCG(1, 2))
			image := make([]float32, 2*3*side*side)
			for i := range image {
				image[i] = float32(r.NormFloat64())
			}
			if err := s.Bind(x, image); err != nil {
				t.Fatal(err)
			}
			once := map[string][]float32{}
			for range 2 {
				if err := s.Run(); err != nil {
					t.Fatal(err)
				}
				for _, p := range b.Params().All() {
					if strings.HasSuffix(p.Name, "running_mean") && once[p.Name] == nil {
						once[p.Name] = slices.Clone(p.Data)
					}
				}
			}
			if len(once) == 0 {
				t.Fatal("no running statistics")
			}
			for name, first := range once {
				second := b.Params().Get(name).Data
				at := 0
				for i, v := range first {
					if math.Abs(float64(v)) > math.Abs(float64(first[at])) {
						at = i
					}
				}
				if got := 2 - float64(second[at])/float64(first[at]); first[at] != 0 && math.Abs(got-want) > 1e-3 {
					t.Errorf("%s moves by %.4f, want %v", name, got, want)
				}
			}
		})
	}
}
