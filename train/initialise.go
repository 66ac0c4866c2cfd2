package train

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// openInit opens the initial weights.
func openInit(cfg recipe.Config, opts Options) (*weights.Reader, error) {
	if opts.Open != nil {
		return opts.Open(cfg.Init)
	}
	return weights.Open(cfg.Init)
}

// adopt takes how images are prepared from the initial weights, unless the configuration says it:
// layers that learned from images of one kind are of little use for another.
func adopt(c recipe.Config, opts Options) (recipe.Config, error) {
	if c.Init == "" || c.Resize != 0 || c.Crop != 0 || len(c.Mean) != 0 || len(c.Std) != 0 {
		return c, nil
	}
	r, err := openInit(c, opts)
	if err != nil {
		return c, err
	}
	defer r.Close()
	if p := r.Meta().Preprocessing; p != nil {
		c.Resize, c.Crop, c.Mean, c.Std = p.Resize, p.Crop, p.Mean, p.Std
		c.Interpolation, c.PixelScale, c.Squash = p.Interpolation, float64(p.Scale), p.Squash
		if p.Channels == "bgr" {
			c.Channels = p.Channels
		}
		if len(c.Mean) == 0 { // nothing is subtracted: not the data's mean either
			c.Mean = []float32{0}
		}
		if len(c.Std) == 0 {
			c.Std = []float32{1}
		}
	}
	return c, nil
}

// initialise gives the parameters their first values.
func (t *Trainer) initialise() error {
	if t.cfg.Init != "" {
		r, err := openInit(t.cfg, t.opts)
		if err != nil {
			return err
		}
		defer r.Close()
		fresh, were, err := newHead(r, specs(t.params), t.net.Classes)
		if err != nil {
			return err
		}
		t.begins = "begins with " + t.cfg.Init
		var from []int // of the last layer's rows
		var head map[string]int
		classes, names := t.learn.Info().Classes, r.Meta().ClassNames
		if len(fresh) == 0 && len(names) > 0 && !slices.Equal(names, classes) {
			if t.net.Head != nil && len(names) == t.net.Classes && len(classes) == t.net.Classes {
				if head, err = t.net.Head(); err != nil {
					return err
				}
				from = rowsFor(classes, names)
			}
			t.begins += ", " + takenOver(classes, names, from, len(head) > 0)
		}
		if len(fresh) > 0 {
			t.begins += fmt.Sprintf(", which is for %s: new for %d are %s", report.Plural(were, "class"), t.net.Classes, strings.Join(fresh, ", "))
			t.params.Init(t.cfg.Seed)
		}
		t.params.Allocate()
		defer t.params.Changed()
		err = r.ReadNetwork(func(name string, _ []int) []float32 {
			if slices.Contains(fresh, name) {
				return nil
			}
			return t.params.Get(name).Data
		})
		if err == nil && from != nil {
			for name, dim := range head {
				if p := t.params.Get(name); p != nil {
					reorder(p.Data, p.Shape, dim, from)
				}
			}
		}
		return err
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

// takenOver says what becomes of a last layer for as many classes with other names, or in another order.
func takenOver(classes, were []string, from []int, known bool) string {
	if !known {
		return fmt.Sprintf("whose classes are %s: the last layer is taken as it stands, class by class in their order", listed(were))
	}
	f := newFinder(were)
	var others []string
	for i, name := range classes {
		k := i
		if from != nil {
			k = from[i]
		}
		if at, _ := f.find(name); len(at) != 1 || at[0] != k {
			others = append(others, fmt.Sprintf("%s with that of %s", name, were[k]))
		}
	}
	switch {
	case len(others) == 0 && from == nil:
		return "whose classes are spelt " + listed(were)
	case len(others) == 0:
		return "whose classes are the same in another order: the last layer is brought into this one"
	case len(others) == len(classes):
		return fmt.Sprintf("whose classes are others, %s: the last layer goes on for the new ones, in their order", listed(were))
	}
	return fmt.Sprintf("whose last layer is taken class by class, by their names; without one of their name begin %s", listed(others))
}

// newHead compares a file with what a network of that many classes wants. Parameters that differ by the
// number of classes alone are the head, which has to be new; the file's number of classes is were.
func newHead(r *weights.Reader, want []weights.Spec, classes int) (fresh []string, were int, err error) {
	err = r.Match(want)
	var m *weights.MismatchError
	if !errors.As(err, &m) || len(m.Missing)+len(m.Unexpected) > 0 {
		return nil, 0, err
	}
	for _, s := range m.Shapes {
		if len(s.Have) != len(s.Want) {
			return nil, 0, err
		}
		for d := range s.Want {
			switch {
			case s.Have[d] == s.Want[d]:
			case s.Want[d] != classes || were != 0 && were != s.Have[d] || slices.Contains(fresh, s.Name):
				return nil, 0, err
			default:
				fresh, were = append(fresh, s.Name), s.Have[d]
			}
		}
	}
	return fresh, were, nil
}
