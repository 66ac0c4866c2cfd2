package zoo

import (
	"slices"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// Eight images of noise, all of different classes, are learned by heart. Adam needs no care for the
// scale of each paper's initial weights.
func TestEveryNetworkOverfitsEightImages(t *testing.T) {
	pool := kernel.NewPool(0)
	defer pool.Close()
	for name, m := range small(t) {
		if name == "resnet56_plain" || name == "resnet110_plain" {
			continue // too deep to train without shortcuts, as the paper shows (section 4.2)
		}
		t.Run(name, func(t *testing.T) {
			if e, err := Lookup(name); err != nil {
				t.Fatal(err)
			} else if slices.ContainsFunc(e.Variants, func(v VariantInfo) bool { return v.Name == m.Variant && slices.Contains(v.Takes, "dropout") }) {
				m = e.New(WithOptions(m.Options), Dropout(0))
			}
			params := graph.NewParams()
			r := newRun(t, m, params, graph.Train, 8, graph.Config{Pool: pool})
			params.Init(1)
			if m.Name == "squeezenet" {
				// A ReLU comes after the classes' maps: of noise, half of the classes would never be seen.
				bias := params.Get("classifier.1.bias").Data
				for i := range bias {
					bias[i] = 1
				}
				params.Changed()
			}
			trained := params.Trained()
			var moments [][2][]float32
			for _, p := range trained {
				moments = append(moments, [2][]float32{make([]float32, p.Len()), make([]float32, p.Len())})
			}
			var updates kernel.Updates
			const most = 500
			for step := 1; step <= most; step++ {
				r.run(t)
				if wrong := r.wrong(m); wrong == 0 {
					t.Logf("%d steps", step)
					return
				}
				for i, p := range trained {
					updates.Adam(p.Data, r.session.Value(r.grads[i]), moments[i][0], moments[i][1],
						kernel.AdamStep{LR: 1e-3, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, Step: step})
				}
				updates.Run(pool)
				params.Changed()
			}
			t.Errorf("%d of 8 images are wrong after %d steps, the loss is %g", r.wrong(m), most, r.session.Value(r.loss)[0])
		})
	}
}

// wrong counts the images whose class is not the largest output, or whose result has the wrong sign.
func (r *run) wrong(m *Model) int {
	wrong, y := 0, r.session.Value(r.logits)
	for i := range len(y) / m.Classes {
		row := y[i*m.Classes : (i+1)*m.Classes]
		if m.Loss == MSE {
			if (row[0] > 0) != (r.targets[i] > 0) {
				wrong++
			}
			continue
		}
		class := int(r.targets[i])
		for j, v := range row {
			if j != class && !(row[class] > v) {
				wrong++
				break
			}
		}
	}
	return wrong
}
