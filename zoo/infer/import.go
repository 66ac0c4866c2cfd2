package infer

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/labels"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/pretrained/published"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// ImportConfig says what the file that [Import] reads does not.
type ImportConfig struct {
	Preprocessing *weights.Preprocessing // of images; nil means that of [Preprocessing], or of the library whose names the file has
	// Adjust, if not nil, changes the preprocessing: what is known better in part.
	Adjust func(*weights.Preprocessing) error
	// ClassNames are the classes' names, by index. Nil means those of ImageNet or CIFAR where the network and the
	// number of classes are theirs, and none otherwise.
	ClassNames []string
	NewHead    bool   // leaves the file's last layer out: a new one, for as many classes as there are names
	Seed       uint64 // of the initial weights of a new head
}

// An Imported is what [Import] made of a file.
type Imported struct {
	File    *weights.File // the network's tensors in its own order, with metadata
	Model   *zoo.Model    // with the number of classes that the file or the config has
	NewHead bool          // the last layer was replaced: it needs training
	Notes   []string      // what was chosen, changed, guessed or left out on the way, a sentence each

	Parameters int64 // weights and biases, with those of classifiers on inner layers if the file has them
}

// Import takes the tensors of a file that was not made by this program for those of m. Names are
// torchvision's in both, so they mostly need no map; those of timm's VGG, of the VGG that was converted from
// Caffe, and of Hugging Face's ResNets are known too. Which of a file's dicts of tensors is taken, and what
// may stand before the names, is [weights.Reader.Fit]'s. Tensors that are missing, unexpected or of another
// shape are a [*weights.MismatchError].
//
// The number of classes is the file's; class names of another number are an error unless a new head is asked
// for. A list that begins with a background class, and is one longer, loses it. Classifiers on inner layers
// come along if the file has them.
func Import(r *weights.Reader, m *zoo.Model, c ImportConfig) (*Imported, error) {
	if r == nil {
		return nil, errNoReader
	}
	f, err := fitTo(r, m, c)
	if err != nil {
		return nil, err
	}
	result := &Imported{Model: f.model, NewHead: c.NewHead, Notes: f.notes, File: &weights.File{}, Parameters: f.params.Count()}
	if c.NewHead {
		f.params.Init(c.Seed)
	} else {
		f.params.Allocate()
	}
	err = f.reader.ReadNetwork(func(name string, _ []int) []float32 {
		if p := f.params.Get(name); p != nil && !f.fresh(name) {
			return p.Data
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, p := range f.params.All() {
		result.File.Tensors = append(result.File.Tensors, weights.Tensor{Name: p.Name, Shape: p.Shape, Data: p.Data})
	}
	result.File.Meta = f.reader.Meta()
	return result, nil
}

// A fitted file has the tensors of a network, under its names.
type fitted struct {
	reader *weights.Reader // with the metadata
	model  *zoo.Model
	params *graph.Params
	head   head
	anew   bool                   // the head is not the file's
	usual  *weights.Preprocessing // of the library whose names the file has
	notes  []string
}

// fresh says whether a parameter is one of a new head.
func (f *fitted) fresh(name string) bool {
	_, ok := f.head[name]
	return ok && f.anew
}

// fitTo makes r a file of the network.
func fitTo(r *weights.Reader, m *zoo.Model, c ImportConfig) (*fitted, error) {
	f := &fitted{anew: c.NewHead}
	var err error
	if f.head, err = m.Head(); err != nil {
		return nil, err
	}
	if f.anew && len(f.head) == 0 {
		return nil, fmt.Errorf("%s: its %d outputs cannot be changed: there is no new last layer", m.Name, m.Classes)
	}
	if f.anew && len(c.ClassNames) == 0 {
		return nil, fmt.Errorf("%s: a new last layer needs the names of its classes", m.Name)
	}
	if f.reader, err = f.find(r, m); err != nil {
		var choice *weights.ChoiceError
		if others := find(r, "", ""); len(others) > 0 && !errors.As(err, &choice) {
			return nil, fmt.Errorf("%s: %w; they are those of %s", m.Name, err, named(others[0]))
		}
		return nil, fmt.Errorf("%s: %w", m.Name, err)
	}
	f.notes = append(f.notes, f.reader.Notes()...)
	classes, names := f.head.classes(f.reader.Specs()), c.ClassNames
	if classes == 0 {
		classes = m.Classes
	}
	switch {
	case f.anew:
		classes = len(names)
	case len(names) == classes+1 && labels.Background(names):
		f.notes = append(f.notes, fmt.Sprintf("the list's first class, %q, stands for none, and is left out", names[0]))
		names = names[1:]
	case len(names) > 0 && len(names) != classes:
		return nil, fmt.Errorf("%s: %d names for the file's %d classes: names of the file's own are wanted, or a new last layer (--new-head), which has to be trained", m.Name, len(names), classes)
	case len(names) == 0:
		var of string
		if names, of = usual(m, classes); of != "" {
			f.notes = append(f.notes, fmt.Sprintf("classes get the names of %s, as the network and their number, %d, are its own", of, classes))
		}
	}
	if m, err = with(m, classes); err != nil {
		return nil, err
	}
	f.model = m
	if f.params, err = paramsFor(m, f.reader.Specs()); err != nil {
		return nil, err
	}
	c.ClassNames = names
	if c.Preprocessing == nil {
		c.Preprocessing = f.usual
	}
	meta, err := metaOf(m, c)
	if err != nil {
		return nil, err
	}
	if c.Adjust != nil {
		if meta.Preprocessing == nil {
			return nil, fmt.Errorf("%s: its input, %d×%d×%d, is no image", m.Name, m.Input[0], m.Input[1], m.Input[2])
		}
		p := *meta.Preprocessing
		if err := c.Adjust(&p); err != nil {
			return nil, err
		}
		if err := p.Validate(); err != nil {
			return nil, err
		}
		meta.Preprocessing = &p
	}
	f.reader = f.reader.WithMeta(meta)
	return f, nil
}

// find looks for the network's tensors, under all spellings of their names that are known: with those of
// classifiers on inner layers, or without.
func (f *fitted) find(r *weights.Reader, m *zoo.Model) (*weights.Reader, error) {
	wants, err := f.wants(m)
	if err != nil {
		return nil, err
	}
	var first error
	known := spellings
	if r.Huge() {
		known = known[:1]
	}
	if r.Format() == weights.FormatCaffe {
		known = append(known[:1:1], caffeSpellings...)
		if chain, ok := inOrder(r, m); ok {
			for _, want := range wants {
				if fit, err := chain.Fit(want); err == nil {
					return fit, nil
				}
			}
		}
	}
	for _, spelling := range known {
		spelled := r
		if spelling.rename != nil {
			if spelled, err = r.Rename(spelling.rename); err != nil {
				continue
			}
		}
		for _, want := range wants {
			fit, err := spelled.Fit(want)
			if err == nil {
				if spelling.rename != nil {
					f.notes = append(f.notes, "translates the names of "+spelling.of)
					f.usual = spelling.preprocessing
				}
				return fit, nil
			}
			var choice *weights.ChoiceError
			if errors.As(err, &choice) {
				return nil, err
			}
			if spelling.rename == nil { // the last one is about the network without other classifiers
				first = err
			}
		}
	}
	return nil, first
}

// wants lists what a file may have: sizes that follow from the number of classes are open.
func (f *fitted) wants(m *zoo.Model) ([][]weights.Spec, error) {
	var list [][]weights.Spec
	for _, mode := range []graph.Mode{graph.Train, graph.Eval} {
		params, err := m.Params(mode)
		if err != nil {
			return nil, err
		}
		want := specs(params)
		for i := range want {
			if d, ok := f.head[want[i].Name]; ok {
				want[i].Shape = slices.Clone(want[i].Shape)
				want[i].Shape[d] = -1
			}
		}
		if len(list) == 0 || len(list[0]) != len(want) {
			list = append(list, want)
		}
		if without := slices.DeleteFunc(slices.Clone(want), func(s weights.Spec) bool { return f.fresh(s.Name) }); f.anew {
			list = append(list, without)
		}
	}
	return list, nil
}

// usual gives the classes that a network of a paper and a number of them go with.
func usual(m *zoo.Model, classes int) (names []string, of string) {
	switch large := min(m.Input[1], m.Input[2]) >= 160; {
	case m.Input[0] != 3 || m.Loss != zoo.CrossEntropy:
	case large && classes == 1000:
		return labels.ImageNet(), "ImageNet"
	case !large && m.Input[1] == 32 && classes == 10:
		return labels.CIFAR10(), "CIFAR-10"
	case !large && m.Input[1] == 32 && classes == 100:
		return labels.CIFAR100(), "CIFAR-100"
	}
	return nil, ""
}

func metaOf(m *zoo.Model, c ImportConfig) (weights.Meta, error) {
	options, err := json.Marshal(m.Options)
	if err != nil {
		return weights.Meta{}, err
	}
	p := c.Preprocessing
	if p == nil {
		p = Preprocessing(m)
	}
	return weights.Meta{
		Network: m.Name, Variant: m.Variant, Options: options, Input: m.Input[:],
		Classes: m.Classes, ClassNames: c.ClassNames, Preprocessing: p,
	}, nil
}

// Preprocessing is what is assumed of weights that do not say how images are prepared: what the published
// torchvision weights of the network want, if there are some (see package published), and otherwise what
// torchvision's networks mostly were trained with: the shorter side resized to 8/7 of the input's (256 for
// 224), the centre cropped, and the mean and deviation of ImageNet. Inputs of up to 64 pixels are not cropped,
// grey ones not normalised; what is no image has none: nil.
func Preprocessing(m *zoo.Model) *weights.Preprocessing {
	if m == nil {
		return nil
	}
	list, err := published.List()
	if err != nil {
		return torchvision(m.Input)
	}
	for _, e := range list {
		p := e.Preprocessing
		if strings.HasPrefix(e.Source, "torchvision ") && p.Crop == m.Input[1] && p.Crop == m.Input[2] && m.Input[0] == 3 {
			if of, err := modelOf(e); err == nil && of.Name == m.Name && of.Variant == m.Variant {
				return &p
			}
		}
	}
	return torchvision(m.Input)
}

func torchvision(input [3]int) *weights.Preprocessing {
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

// Fits says whether the tensors of a file are those of a network, or may be: of several dicts any of which is.
func Fits(r *weights.Reader, m *zoo.Model) bool {
	if r == nil {
		return false
	}
	f := &fitted{}
	var err error
	if f.head, err = m.Head(); err != nil {
		return false
	}
	_, err = f.find(r, m)
	return err == nil || errors.As(err, new(*weights.ChoiceError))
}

// find lists the networks and variants whose tensors are those of a file: of all, or of a name, or with a
// variant's name.
func find(r *weights.Reader, name, variant string) []*zoo.Model {
	if r == nil || r.Huge() {
		return nil
	}
	var list []*zoo.Model
	elements := r.Elements()
	for _, e := range zoo.List() {
		if name != "" && e.Name != name {
			continue
		}
		for _, v := range e.Variants {
			// A layer for other classes is smaller by 1,000 times 4,096 at most.
			if variant != "" && !strings.EqualFold(v.Name, variant) || v.Params-4_200_000 > elements {
				continue
			}
			if m, err := zoo.New(e.Name, zoo.Variant(v.Name)); err == nil && Fits(r, m) {
				list = append(list, m)
			}
		}
	}
	return list
}

// named is how a network is asked for.
func named(m *zoo.Model) string {
	if first, err := zoo.New(m.Name); err == nil && first.Variant == m.Variant {
		return m.Name
	}
	return m.Name + ", variant " + m.Variant
}

// Find gives the only network of the registry whose tensors are those of a file, or the only one with a
// variant of that name. If there is none, or are several, as of variants that differ in what they compute
// alone, the error lists them.
func Find(r *weights.Reader, variant string) (*zoo.Model, error) { return only(find(r, "", variant)) }

// FindVariant gives the only variant of a network whose tensors are those of a file.
func FindVariant(r *weights.Reader, network string) (*zoo.Model, error) {
	return only(find(r, network, ""))
}

// Variants lists the variants of a network whose tensors are those of a file.
func Variants(r *weights.Reader, network string) []string {
	var list []string
	for _, m := range find(r, network, "") {
		list = append(list, m.Variant)
	}
	return list
}

func only(list []*zoo.Model) (*zoo.Model, error) {
	switch len(list) {
	case 0:
		return nil, errors.New("the tensors are those of no network here: name one, to see what is missing (zoo list shows them)")
	case 1:
		return list[0], nil
	}
	var names []string
	same := true
	for _, m := range list {
		names = append(names, fmt.Sprintf("%s (variant %s%s)", m.Name, m.Variant, note(m)))
		same = same && m.Name == list[0].Name
	}
	what := "networks"
	if same {
		what = "variants"
	}
	return nil, fmt.Errorf("the tensors are those of several %s, which compute different things: choose one of %s", what, strings.Join(names, ", "))
}

// note tells what is different about a variant.
func note(m *zoo.Model) string {
	e, err := zoo.Lookup(m.Name)
	if err != nil {
		return ""
	}
	for _, v := range e.Variants {
		if v.Name == m.Variant && v.Note != "" {
			return ": " + v.Note
		}
	}
	return ""
}
