package zoo

import (
	"fmt"
	"slices"
	"strings"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
)

// An Entry is what the registry knows about a network. Figures are those of its first variant with the
// paper's input and classes; errors are in percent.
type Entry struct {
	Name       string        `json:"name"` // "vgg16"
	Title      string        `json:"title"`
	Paper      string        `json:"paper"`
	ArXiv      string        `json:"arxiv,omitempty"` // number there
	Year       int           `json:"year"`
	Idea       string        `json:"idea"`             // in one or two lines
	Recipe     string        `json:"recipe,omitempty"` // the paper's training in a line
	Input      [3]int        `json:"input"`
	Classes    int           `json:"classes"`
	Params     int64         `json:"parameters"`
	MACs       int64         `json:"macs"`
	PaperError string        `json:"paper_error,omitempty"`
	Variants   []VariantInfo `json:"variants"` // the first is what New makes

	Recipes []recipe.Recipe `json:"-"` // how to train it; variants may have their own

	New func(...Option) *Model `json:"-"`

	loss    string // cross-entropy unless said otherwise
	build   func(*graph.Builder, *gorgonia.Node, Options) *gorgonia.Node
	classes func(input [3]int) int // where they follow from the input
}

// A VariantInfo is one of the forms in which a network is known.
type VariantInfo struct {
	Name       string   `json:"name"`
	Note       string   `json:"note,omitempty"`        // what is different
	Options    Options  `json:"options"`               // its own, where none are asked for
	Takes      []string `json:"takes,omitempty"`       // options it has a use for, besides classes and input
	Params     int64    `json:"parameters"`            // weights and biases, without auxiliary classifiers
	Auxiliary  int64    `json:"auxiliary,omitempty"`   // weights and biases of auxiliary classifiers
	MACs       int64    `json:"macs"`                  // multiply-adds of convolutions and fully connected layers, one image
	PaperError string   `json:"paper_error,omitempty"` // as the paper or the reference implementation measured it

	Recipes []recipe.Recipe `json:"-"` // in place of the network's
}

// List returns every network, oldest first.
func List() []Entry {
	list := make([]Entry, len(registry))
	for i, r := range registry {
		list[i] = r.complete()
	}
	return list
}

// Lookup finds a network by its name. NAME_VARIANT is the same network with that variant's figures
// and options, as in vgg16_bn; letter case does not count.
func Lookup(name string) (Entry, error) {
	if e, ok := describedEntry(name); ok {
		return e, nil
	}
	var names []string
	for _, r := range registry {
		if strings.EqualFold(name, r.Name) {
			return r.complete(), nil
		}
		names = append(names, r.Name)
		for _, v := range r.Variants {
			alias := r.Name + "_" + v.Name
			if strings.EqualFold(name, alias) {
				return r.complete().as(v), nil
			}
			names = append(names, alias)
		}
	}
	if hint := didYouMean(name, names); hint != "" {
		return Entry{}, fmt.Errorf("no network is called %q%s", name, hint)
	}
	return Entry{}, fmt.Errorf("no network is called %q; there are %s and more", name, strings.Join(names[:3], ", "))
}

// New describes the network of that name, which may end in a variant as for [Lookup].
func New(name string, opts ...Option) (*Model, error) {
	e, err := Lookup(name)
	if err != nil {
		return nil, err
	}
	m := e.New(opts...)
	if m.err != nil {
		return nil, m.err
	}
	return m, nil
}

type registered struct {
	*Entry
	make func(...Option) *Model
}

func (r registered) complete() Entry {
	e := *r.Entry
	e.New = r.make
	e.Variants = slices.Clone(e.Variants)
	if e.PaperError == "" {
		e.PaperError = e.Variants[0].PaperError
	}
	return e.figures(e.Variants[0])
}

func (e Entry) figures(v VariantInfo) Entry {
	e.Params, e.MACs, e.Input, e.Classes = v.Params, v.MACs, v.Options.Input, v.Options.Classes
	return e
}

// as is the entry with v in place of the first variant.
func (e Entry) as(v VariantInfo) Entry {
	base := e.New
	e.New = func(opts ...Option) *Model { return base(append([]Option{Variant(v.Name)}, opts...)...) }
	e.PaperError = v.PaperError
	return e.figures(v)
}

// model describes the network with the options that are asked for.
func (e *Entry) model(opts []Option) *Model {
	var asked Options
	for _, f := range opts {
		f(&asked)
	}
	m := &Model{Name: e.Name, Loss: e.loss, build: e.build}
	if m.Loss == "" {
		m.Loss = CrossEntropy
	}
	fail := func(format string, args ...any) *Model {
		m.err = fmt.Errorf("%s: "+format, append([]any{e.Name}, args...)...)
		return m
	}
	v := e.Variants[0]
	if asked.Variant != "" {
		var names []string
		found := false
		for _, w := range e.Variants {
			names = append(names, w.Name)
			if strings.EqualFold(asked.Variant, w.Name) {
				v, found = w, true
			}
		}
		if !found {
			return fail("no variant is called %q: it is one of %s%s", asked.Variant, strings.Join(names, ", "), didYouMean(asked.Variant, names))
		}
	}
	asked.Variant = v.Name
	for _, name := range asked.set() {
		if !slices.Contains(v.Takes, name) {
			has := append([]string{"classes", "input"}, v.Takes...)
			return fail("variant %s has no option %s: it takes %s%s", v.Name, name, strings.Join(has, ", "), didYouMean(name, has))
		}
	}
	o := v.Options
	WithOptions(asked)(&o)
	if e.classes != nil && asked.Classes == 0 {
		o.Classes = e.classes(o.Input)
	}
	if err := o.check(); err != nil {
		return fail("%w", err)
	}
	if m.recipes = v.Recipes; m.recipes == nil {
		m.recipes = e.Recipes
	}
	m.Variant, m.Input, m.Classes, m.Options = v.Name, o.Input, o.Classes, o
	return m
}

var registry = []registered{
	{&lenet5, LeNet5},
	{&alexnet, AlexNet},
	{&zfnet, ZFNet},
	{&vgg11, VGG11}, {&vgg13, VGG13}, {&vgg16, VGG16}, {&vgg19, VGG19},
	{&googlenet, GoogLeNet},
	{&allCNN, AllCNN}, {&convPoolCNN, ConvPoolCNN}, {&stridedCNN, StridedCNN},
	{&resnet18, ResNet18}, {&resnet34, ResNet34}, {&resnet50, ResNet50}, {&resnet101, ResNet101}, {&resnet152, ResNet152},
	{&resnet8, ResNet8}, {&resnet14, ResNet14}, {&resnet20, ResNet20}, {&resnet32, ResNet32}, {&resnet44, ResNet44}, {&resnet56, ResNet56}, {&resnet110, ResNet110},
	{&alphaGoPolicy, AlphaGoPolicy}, {&alphaGoValue, AlphaGoValue},
}
