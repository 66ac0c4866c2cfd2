package zoo

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

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

	// New describes the network; [Register] sets it.
	New func(...Option) *Model `json:"-"`

	// Build adds the network to b's graph over x, N×C×H×W as the options say, and returns its output,
	// N×Classes: [Model.Build] without its checks. The builder keeps the first error, so that none has to be
	// looked for between layers.
	Build func(b *graph.Builder, x *gorgonia.Node, o Options) *gorgonia.Node `json:"-"`
	// Loss is what it is trained to make small, [CrossEntropy] if empty.
	Loss string `json:"-"`
	// Outputs is the length of the output where that follows from the input, as the points of a board do; nil
	// where the options say it.
	Outputs func(input [3]int) int `json:"-"`
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

// networks are all that are registered, by year and by the number of their paper.
var networks struct {
	sync.RWMutex
	list []*registered
}

type registered struct {
	Entry
	counted sync.Once
}

// Register makes a network known by its name, to [New] and all that follows from it: it is listed, trained,
// resumed, loaded, evaluated and exported as those of this package are, which register themselves in the same
// way. It returns what describes the network.
//
// Name, Build, Input and Classes are enough; a network of several forms has Variants in place of the last two.
// Figures that are left out are counted when they are asked for. Registering never fails by itself: what is wrong
// with an entry, or a name that is taken, is the error of every model that it makes.
func Register(e Entry) func(...Option) *Model {
	r := &registered{Entry: e}
	if len(e.Variants) == 0 {
		r.Variants = []VariantInfo{{Name: "default", Options: Options{Classes: e.Classes, Input: e.Input}, Params: e.Params, MACs: e.MACs, PaperError: e.PaperError}}
	}
	err := r.check()
	networks.Lock()
	defer networks.Unlock()
	if slices.ContainsFunc(networks.list, func(other *registered) bool { return strings.EqualFold(other.Name, e.Name) }) {
		err = fmt.Errorf("%s: a network of this name is registered already", e.Name)
	}
	if err != nil {
		return func(...Option) *Model { return &Model{Name: e.Name, err: err} }
	}
	r.New = r.model
	networks.list = append(networks.list, r)
	slices.SortStableFunc(networks.list, func(a, b *registered) int {
		return cmp.Or(cmp.Compare(a.Year, b.Year), cmp.Compare(a.ArXiv, b.ArXiv))
	})
	return r.New
}

// check says what is wrong with an entry.
func (e *registered) check() error {
	switch {
	case e.Name == "" || strings.Trim(e.Name, "abcdefghijklmnopqrstuvwxyz0123456789.-") != "":
		return fmt.Errorf("network %q: a name should be of small letters, digits, points and hyphens", e.Name)
	case e.Build == nil:
		return fmt.Errorf("%s: an entry without Build", e.Name)
	case e.Loss != "" && e.Loss != CrossEntropy && e.Loss != MSE:
		return fmt.Errorf("%s: loss %q: should be %s or %s; a loss of one's own is given to the trainer", e.Name, e.Loss, CrossEntropy, MSE)
	}
	seen := map[string]bool{}
	for _, v := range e.Variants {
		low := strings.ToLower(v.Name)
		if v.Name == "" || seen[low] {
			return fmt.Errorf("%s: two variants are called %q, or one has no name", e.Name, v.Name)
		}
		seen[low] = true
	}
	return nil
}

// List returns every network, oldest first.
func List() []Entry {
	var list []Entry
	for _, r := range all() {
		list = append(list, r.complete())
	}
	return list
}

func all() []*registered {
	networks.RLock()
	defer networks.RUnlock()
	return slices.Clone(networks.list)
}

// Lookup finds a network by its name. NAME_VARIANT is the same network with that variant's figures
// and options, as in vgg16_bn; letter case does not count.
func Lookup(name string) (Entry, error) {
	if e, ok := describedEntry(name); ok {
		return e, nil
	}
	var names []string
	for _, r := range all() {
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

// complete is the entry with its figures.
func (r *registered) complete() Entry {
	r.counted.Do(func() {
		for i, v := range r.Variants {
			if v.Params > 0 {
				continue
			}
			if size, err := Inspect(r.model(Variant(v.Name))); err == nil {
				r.Variants[i].Params, r.Variants[i].Auxiliary, r.Variants[i].MACs = size.Parameters, size.Auxiliary, size.MACs
			}
		}
	})
	e := r.Entry
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
func (e *registered) model(opts ...Option) *Model {
	var asked Options
	for _, f := range opts {
		if f != nil {
			f(&asked)
		}
	}
	m := &Model{Name: e.Name, Loss: e.Loss, build: e.Build}
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
	if e.Outputs != nil && asked.Classes == 0 {
		o.Classes = e.Outputs(o.Input)
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
