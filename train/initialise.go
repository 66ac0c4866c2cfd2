package train

import (
	"hash/fnv"
	"math/rand/v2"
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// Initialisers are the names that [Config] knows.
var Initialisers = []string{"network", "he", "glorot"}

// initialise gives the parameters their first values.
func (t *Trainer) initialise() error {
	if t.cfg.Init != "" {
		r, err := weights.Open(t.cfg.Init)
		if err != nil {
			return err
		}
		defer r.Close()
		if err := r.Match(specs(t.params)); err != nil {
			return err
		}
		t.params.Allocate()
		defer t.params.Changed()
		return r.ReadInto(func(name string, _ []int) []float32 { return t.params.Get(name).Data })
	}
	t.params.Init(t.cfg.Seed)
	draw := map[string]graph.Initializer{"he": graph.He(), "glorot": graph.Glorot()}[t.cfg.Initialiser]
	if draw == nil {
		return nil
	}
	for _, p := range t.params.All() {
		switch {
		case p.Buffer:
		case len(p.Shape) > 1:
			// A stream for each parameter, as Params.Init has them.
			h := fnv.New64a()
			h.Write([]byte(p.Name))
			draw(rand.New(rand.NewPCG(t.cfg.Seed, h.Sum64())), p.Shape, p.Data)
		case strings.HasSuffix(p.Name, "bias"):
			clear(p.Data)
		}
	}
	t.params.Changed()
	return nil
}
