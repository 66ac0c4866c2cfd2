package zoo

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

// small describes every variant of every network, thin and on an input as small as it takes.
func small(t *testing.T) map[string]*Model {
	t.Helper()
	models := map[string]*Model{}
	for _, e := range List() {
		for _, v := range e.Variants {
			opts := []Option{Variant(v.Name)}
			switch {
			case e.Name == "squeezenet":
				opts = append(opts, Width(0.5)) // an eighth would squeeze into two maps
			case slices.Contains(v.Takes, "width"):
				opts = append(opts, Width(0.125))
			}
			side := e.Input[1]
			switch {
			case strings.HasPrefix(v.Name, "cifar"):
				side = 32
			case e.Name == "googlenet":
				side = 80
			case strings.HasPrefix(e.Name, "alphago"):
				opts = append(opts, Filters(8))
				side = 9
			case strings.HasPrefix(e.Name, "wrn"), e.Name == "densenet-bc-100", strings.Contains(e.Name, "net-b"), strings.HasPrefix(e.Name, "mobilenetv3"):
				side = 32
			case strings.HasPrefix(e.Name, "vgg"):
				side = 32
			case e.Input[1] > 67:
				side = 67
			}
			if v.Name != "1998" {
				opts = append(opts, Input(e.Input[0], side, side))
			}
			if e.Classes == 1000 {
				opts = append(opts, Classes(9))
			}
			m, err := New(e.Name, opts...)
			if err != nil {
				t.Fatal(err)
			}
			models[e.Name+"_"+v.Name] = m
		}
	}
	return models
}

func TestEveryParameterReceivesAGradient(t *testing.T) {
	for name, m := range small(t) {
		t.Run(name, func(t *testing.T) {
			params := graph.NewParams()
			r := newRun(t, m, params, graph.Train, 3, graph.Config{})
			params.Init(1)
			r.run(t)
			norms := map[string]float64{}
			for i, p := range params.Trained() {
				var squares float64
				for _, v := range r.session.Value(r.grads[i]) {
					squares += float64(v) * float64(v)
				}
				norms[p.Name] = math.Sqrt(squares)
			}
			for name, norm := range norms {
				if weight, isBias := strings.CutSuffix(name, ".bias"); isBias && yes(m.Options.BatchNorm) && params.Get(weight+".running_mean") == nil && strings.HasPrefix(name, "features") {
					// The batch normalisation that follows takes a bias out again.
					if !(norm <= 1e-4*norms[weight+".weight"]) {
						t.Errorf("%s has a gradient of %g before a batch normalisation", name, norm)
					}
				} else if !(norm > 0) || math.IsInf(norm, 0) {
					t.Errorf("%s has a gradient of %g", name, norm)
				}
			}
		})
	}
}

func TestTheMemoryPlanDoesNotChangeABit(t *testing.T) {
	for name, m := range small(t) {
		t.Run(name, func(t *testing.T) {
			params := graph.NewParams()
			planned := newRun(t, m, params, graph.Train, 3, graph.Config{Seed: 5})
			params.Init(1)
			planned.run(t)
			var want [][]float32
			for _, n := range planned.outputs() {
				want = append(want, slices.Clone(planned.session.Value(n)))
			}
			apart := newRun(t, m, params, graph.Train, 3, graph.Config{Seed: 5, NoPlan: true})
			apart.run(t)
			for i, n := range apart.outputs() {
				if !slices.Equal(apart.session.Value(n), want[i]) {
					t.Fatalf("output %d of %d differs", i, len(want))
				}
			}
			if with, without := planned.session.Memory().Values, apart.session.Memory().Values; with >= without {
				t.Errorf("values take %d bytes with the plan and %d without", with, without)
			}
		})
	}
}
