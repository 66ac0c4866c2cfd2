package serve

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image/codec"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
)

// Classifier is a classifier as a model.
func Classifier(c *infer.Classifier) Model { return classifier{c} }

// File is a source of the classifier in a weights file, which is loaded anew when the file changes.
func File(name, path string, opts ...infer.Option) Source {
	return Source{Name: name, Version: func() string { return stamp(path) }, Open: func() (Model, error) {
		c, err := infer.Load(path, opts...)
		if err != nil {
			return nil, err
		}
		return Classifier(c), nil
	}}
}

// stamp changes with a file.
func stamp(path string) string {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return ""
	}
	info, err := os.Stat(path)
	if err != nil {
		return "" // being replaced: the next look will tell
	}
	return fmt.Sprintf("%s %d %d", path, info.Size(), info.ModTime().UnixNano())
}

// Classifiers are those that a model consists of: one, the members of an ensemble, or none of a model of
// another kind.
func Classifiers(m Model) []*infer.Classifier {
	switch m := m.(type) {
	case classifier:
		return []*infer.Classifier{m.Classifier}
	case *ensemble:
		return slices.Clone(m.members)
	}
	return nil
}

type classifier struct{ *infer.Classifier }

func (c classifier) Prepare(dst []float32, file []byte, maxPixels int) error {
	if err := allowed(file, maxPixels); err != nil {
		return err
	}
	return prepareFile(c.Classifier, dst, file)
}

// allowed says whether an image file's header claims no more pixels than may be decoded.
func allowed(file []byte, maxPixels int) error {
	info, err := codec.Examine(file, 0)
	if err != nil {
		return fmt.Errorf("%w: %v", ErrImage, err)
	}
	if info.W*info.H > maxPixels {
		return fmt.Errorf("%w: %d×%d pixels: at most %d are allowed", ErrImage, info.W, info.H, maxPixels)
	}
	return nil
}

// prepareFile tells a file's fault from the network's.
func prepareFile(c *infer.Classifier, dst []float32, file []byte) error {
	err := c.PrepareFile(dst, file)
	if errors.Is(err, image.ErrBroken) {
		return fmt.Errorf("%w: %v", ErrImage, err)
	}
	return err
}

func (c classifier) Run(x []float32, n int, logits []float32) error {
	if o := c.Objective(); o != "" {
		return fmt.Errorf("a network trained for the %s: its outputs are no probabilities of classes", o)
	}
	return c.Compute(x, n, logits)
}

// Ensemble averages the probabilities of several classifiers of the same classes, which are matched by
// their names. Its logits are the averages' logarithms.
func Ensemble(members ...*infer.Classifier) (Model, error) {
	if len(members) == 0 {
		return nil, fmt.Errorf("an ensemble without members")
	}
	for i, m := range members {
		if m == nil || m.Model() == nil {
			return nil, fmt.Errorf("member %d of the ensemble is nil", i+1)
		}
	}
	e := &ensemble{members: members}
	classes := members[0].Classes()
	for i, m := range members {
		e.size += m.Input()[0] * m.Input()[1] * m.Input()[2]
		place := make([]int, len(classes))
		own := m.Classes()
		same := slices.Equal(own, classes) // also where two classes have one name
		for k, name := range classes {
			switch place[k] = slices.Index(own, name); {
			case place[k] < 0:
				return nil, fmt.Errorf("member %d of the ensemble does not know class %q", i+1, name)
			case same:
				place[k] = k
			case slices.Contains(own[place[k]+1:], name):
				return nil, fmt.Errorf("member %d of the ensemble has two classes %q, and its classes are in another order than the first's", i+1, name)
			}
		}
		if len(own) != len(classes) {
			return nil, fmt.Errorf("member %d of the ensemble has %d classes, the first has %d", i+1, len(own), len(classes))
		}
		e.places = append(e.places, place)
	}
	return e, nil
}

type ensemble struct {
	members []*infer.Classifier
	places  [][]int // of the first member's classes, in each
	size    int     // of all members' inputs
}

// Input is all members' inputs one after the other, as each prepares images its own way.
func (e *ensemble) Input() [3]int {
	if len(e.members) == 1 {
		return e.members[0].Input()
	}
	return [3]int{1, 1, e.size}
}

func (e *ensemble) Classes() []string { return e.members[0].Classes() }

func (e *ensemble) Prepare(dst []float32, file []byte, maxPixels int) error {
	if err := allowed(file, maxPixels); err != nil {
		return err
	}
	for _, m := range e.members {
		in := m.Input()
		n := in[0] * in[1] * in[2]
		if err := prepareFile(m, dst[:n], file); err != nil {
			return err
		}
		dst = dst[n:]
	}
	return nil
}

func (e *ensemble) Run(x []float32, n int, logits []float32) error {
	k := len(e.places[0])
	mean := make([]float64, n*k)
	from := 0
	for i, m := range e.members {
		in := m.Input()
		one := in[0] * in[1] * in[2]
		part, out := make([]float32, n*one), make([]float32, n*k)
		for j := range n {
			copy(part[j*one:(j+1)*one], x[j*e.size+from:])
		}
		from += one
		if err := m.Compute(part, n, out); err != nil {
			return err
		}
		for j := range n {
			p := probabilities(out[j*k : (j+1)*k])
			for c, at := range e.places[i] {
				mean[j*k+c] += float64(p[at]) / float64(len(e.members))
			}
		}
	}
	for i, v := range mean {
		logits[i] = float32(math.Log(max(v, math.SmallestNonzeroFloat32)))
	}
	return nil
}

func (e *ensemble) Close() error {
	var err error
	for _, m := range e.members {
		if failed := m.Close(); failed != nil {
			err = failed
		}
	}
	return err
}
