package infer

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// ImportConfig says what the file that [Import] reads does not.
type ImportConfig struct {
	Preprocessing *weights.Preprocessing // of images; nil means TorchvisionPreprocessing
	ClassNames    []string               // nil means that classes have no names
	Seed          uint64                 // of the initial weights of a new head
}

// An Imported is what [Import] made of a file.
type Imported struct {
	File    *weights.File // the network's tensors in its own order, with metadata
	Model   *zoo.Model    // with the number of classes that the file or the config has
	NewHead bool          // the last layer was replaced: it needs training
	Ignored []string      // tensors that the network has no use for: PyTorch's counters of batches

	Parameters int64 // weights and biases, with those of classifiers on inner layers if the file has them
}

// Import takes the tensors of a file that was not made by this program for those of m. Names are
// torchvision's in both, so they need no map; the counters that PyTorch's batch normalisation keeps are
// ignored. Tensors that are missing, unexpected or of another shape are a [*weights.MismatchError].
//
// The number of classes is the file's. If there are class names of another number, the last layer is
// left out and initialised anew, for training on other data. Classifiers on inner layers come along if
// the file has them.
func Import(r *weights.Reader, m *zoo.Model, c ImportConfig) (*Imported, error) {
	head, err := headOf(m)
	if err != nil {
		return nil, err
	}
	result := &Imported{}
	var have []weights.Spec
	for _, s := range r.Specs() {
		if weights.BatchCounter(s.Name) {
			result.Ignored = append(result.Ignored, s.Name)
		} else {
			have = append(have, s)
		}
	}
	classes := head.classes(have)
	if classes == 0 {
		classes = m.Classes
	}
	if n := len(c.ClassNames); n > 0 && n != classes {
		if len(head) == 0 {
			return nil, fmt.Errorf("%s: %d class names, but its %d outputs cannot be changed", m.Name, n, m.Classes)
		}
		result.NewHead, classes = true, n
	}
	if m, err = with(m, classes); err != nil {
		return nil, err
	}
	result.Model = m
	params, err := paramsFor(m, have)
	if err != nil {
		return nil, err
	}
	fresh := func(name string) bool { _, ok := head[name]; return ok && result.NewHead }

	var want []weights.Spec
	for _, p := range params.All() {
		if !fresh(p.Name) {
			want = append(want, weights.Spec{Name: p.Name, Shape: p.Shape})
		}
	}
	have = slices.DeleteFunc(have, func(s weights.Spec) bool { return fresh(s.Name) })
	if err := weights.Match(have, want); err != nil {
		if other := fitting(r); other != "" {
			return nil, fmt.Errorf("%s: %w; they are those of %s", m.Name, err, other)
		}
		return nil, fmt.Errorf("%s: %w", m.Name, err)
	}
	if result.NewHead {
		params.Init(c.Seed)
	} else {
		params.Allocate()
	}
	err = r.ReadInto(func(name string, _ []int) []float32 {
		if p := params.Get(name); p != nil && !fresh(name) {
			return p.Data
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	result.File, result.Parameters = &weights.File{}, params.Count()
	for _, p := range params.All() {
		result.File.Tensors = append(result.File.Tensors, weights.Tensor{Name: p.Name, Shape: p.Shape, Data: p.Data})
	}
	result.File.Meta, err = metaOf(m, c)
	return result, err
}

func metaOf(m *zoo.Model, c ImportConfig) (weights.Meta, error) {
	options, err := json.Marshal(m.Options)
	if err != nil {
		return weights.Meta{}, err
	}
	p := c.Preprocessing
	if p == nil {
		p = TorchvisionPreprocessing(m.Input)
	}
	return weights.Meta{
		Network: m.Name, Variant: m.Variant, Options: options, Input: m.Input[:],
		Classes: m.Classes, ClassNames: c.ClassNames, Preprocessing: p,
	}, nil
}

// TorchvisionPreprocessing is what torchvision's networks were trained with: the shorter side resized
// to 8/7 of the input's (256 for 224), the centre cropped, and the mean and deviation of ImageNet. Inputs
// of up to 64 pixels are not cropped, grey ones not normalised; what is no image has none: nil.
//
// (Torchvision's own trained GoogLeNet is the exception: it wants mean and deviation 0.5.)
func TorchvisionPreprocessing(input [3]int) *weights.Preprocessing {
	p := &weights.Preprocessing{}
	if side := input[1]; side > 64 && side == input[2] {
		p.Resize, p.Crop = int(math.Round(float64(side)*8/7)), side
	}
	switch input[0] {
	case 1:
		p.Channels = "grey"
	case 3:
		p.Channels = "rgb"
		p.Mean, p.Std = []float32{0.485, 0.456, 0.406}, []float32{0.229, 0.224, 0.225}
	default:
		return nil
	}
	return p
}

// with is the same model for another number of classes.
func with(m *zoo.Model, classes int) (*zoo.Model, error) {
	if classes == m.Classes {
		return m, nil
	}
	return zoo.New(m.Name, zoo.WithOptions(m.Options), zoo.Classes(classes))
}

// A head is the parameters whose shape follows from the number of classes, and the dimension that does.
type head map[string]int

// headOf compares the network with one of a class more. It is empty where classes cannot be chosen.
func headOf(m *zoo.Model) (head, error) {
	params, err := m.Params(graph.Train)
	if err != nil {
		return nil, err
	}
	more, err := with(m, m.Classes+1)
	if err != nil {
		return nil, nil
	}
	larger, err := more.Params(graph.Train)
	if err != nil {
		return nil, nil
	}
	h := head{}
	for _, p := range params.All() {
		q := larger.Get(p.Name)
		for d := range p.Shape {
			if q != nil && q.Shape[d] == p.Shape[d]+1 && p.Shape[d] == m.Classes {
				h[p.Name] = d
			}
		}
	}
	return h, nil
}

// classes reads the number of classes off the tensors of a file; 0 if it has none of them, or if they
// disagree.
func (h head) classes(have []weights.Spec) int {
	n := 0
	for _, s := range have {
		d, ok := h[s.Name]
		if !ok {
			continue
		}
		if d >= len(s.Shape) || s.Shape[d] < 1 || n != 0 && s.Shape[d] != n {
			return 0
		}
		n = s.Shape[d]
	}
	return n
}

// paramsFor declares the parameters of evaluation, or those of training where have includes one that
// only training has.
func paramsFor(m *zoo.Model, have []weights.Spec) (*graph.Params, error) {
	eval, err := m.Params(graph.Eval)
	if err != nil {
		return nil, err
	}
	train, err := m.Params(graph.Train)
	if err != nil {
		return nil, err
	}
	for _, s := range have {
		if eval.Get(s.Name) == nil && train.Get(s.Name) != nil {
			return train, nil
		}
	}
	return eval, nil
}

// fitting names a network and variant whose tensors are those of a file, or gives "".
func fitting(r *weights.Reader) string {
	have := slices.DeleteFunc(r.Specs(), func(s weights.Spec) bool { return weights.BatchCounter(s.Name) })
	for _, e := range zoo.List() {
		for i, v := range e.Variants {
			m := e.New(zoo.Variant(v.Name))
			h, err := headOf(m)
			if err != nil {
				continue
			}
			if n := h.classes(have); n > 0 {
				if m, err = with(m, n); err != nil {
					continue
				}
			}
			params, err := paramsFor(m, have)
			if err != nil {
				continue
			}
			var want []weights.Spec
			for _, p := range params.All() {
				want = append(want, weights.Spec{Name: p.Name, Shape: p.Shape})
			}
			if weights.Match(have, want) != nil {
				continue
			}
			if i == 0 {
				return e.Name
			}
			return e.Name + ", variant " + v.Name
		}
	}
	return ""
}
