package zoo

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
)

// Options are what can be chosen about a network. Zero values leave the choice to its variant; what a
// variant has no use for is an error. As JSON they are enough to make the network again.
type Options struct {
	Variant string `json:"variant,omitempty"` // one of [Entry].Variants
	Classes int    `json:"classes,omitempty"` // length of the output
	Input   [3]int `json:"input,omitzero"`    // channels, height, width

	Width      float64  `json:"width,omitempty"`      // multiplies the number of filters and of hidden units
	Activation string   `json:"activation,omitempty"` // "relu" or "tanh"
	Pooling    string   `json:"pooling,omitempty"`    // "max" or "average"
	BatchNorm  *bool    `json:"batch_norm,omitempty"` // a batch normalisation after every convolution
	Dropout    *float64 `json:"dropout,omitempty"`    // rate of every dropout layer; 0 leaves them out
	Head       string   `json:"head,omitempty"`       // "fc" or "gap", global average pooling and one layer
	Auxiliary  *bool    `json:"auxiliary,omitempty"`  // classifiers on inner layers in training
	Shortcut   string   `json:"shortcut,omitempty"`   // "A", "B", "C" or "none"
	Filters    int      `json:"filters,omitempty"`    // of every hidden convolution (AlphaGo's k)
	Depth      int      `json:"depth,omitempty"`      // number of convolutions
	Graph      []byte   `json:"graph,omitempty"`      // of a network that was read from a file; see [Describe]
}

// An Option sets one of [Options].
type Option func(*Options)

// Variant chooses one of the forms in which a network is known, such as "paper" or "torchvision".
func Variant(name string) Option { return func(o *Options) { o.Variant = name } }

// Classes sets the number of classes.
func Classes(n int) Option { return func(o *Options) { o.Classes = n } }

// Input sets the shape of an image.
func Input(channels, height, width int) Option {
	return func(o *Options) { o.Input = [3]int{channels, height, width} }
}

// Width multiplies the number of filters and of hidden units, for small data.
func Width(factor float64) Option { return func(o *Options) { o.Width = factor } }

// Activation chooses "relu" or "tanh".
func Activation(name string) Option { return func(o *Options) { o.Activation = name } }

// Pooling chooses "max" or "average".
func Pooling(name string) Option { return func(o *Options) { o.Pooling = name } }

// BatchNorm adds or leaves out a batch normalisation after every convolution.
func BatchNorm(on bool) Option { return func(o *Options) { o.BatchNorm = &on } }

// Dropout sets the rate of every dropout layer; 0 leaves them out.
func Dropout(rate float64) Option { return func(o *Options) { o.Dropout = &rate } }

// Head chooses what follows the convolutions: "fc", the paper's fully connected layers, or "gap",
// global average pooling and one fully connected layer.
func Head(name string) Option { return func(o *Options) { o.Head = name } }

// AuxiliaryHeads adds or leaves out the classifiers on inner layers in training.
func AuxiliaryHeads(on bool) Option { return func(o *Options) { o.Auxiliary = &on } }

// Shortcut chooses a residual network's shortcuts where the size changes: "A" pads with zeros, "B"
// projects, "C" projects everywhere, "none" makes it a plain network.
func Shortcut(name string) Option { return func(o *Options) { o.Shortcut = name } }

// Filters sets the number of filters of AlphaGo's hidden layers, the paper's k.
func Filters(k int) Option { return func(o *Options) { o.Filters = k } }

// Depth sets the number of convolutions of AlphaGo's networks, the paper's 13.
func Depth(layers int) Option { return func(o *Options) { o.Depth = layers } }

// WithOptions sets everything that is set in other.
func WithOptions(other Options) Option {
	return func(o *Options) {
		to, from := reflect.ValueOf(o).Elem(), reflect.ValueOf(other)
		for i := range from.NumField() {
			if !from.Field(i).IsZero() {
				to.Field(i).Set(from.Field(i))
			}
		}
	}
}

// set lists the JSON names of what is chosen besides variant, classes and input.
func (o Options) set() []string {
	var names []string
	v := reflect.ValueOf(o)
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if !v.Field(i).IsZero() && !slices.Contains([]string{"variant", "classes", "input"}, name) {
			names = append(names, name)
		}
	}
	return names
}

// check validates complete options.
func (o Options) check() error {
	for _, c := range []struct {
		option, value string
		choices       []string
	}{
		{"activation", o.Activation, []string{"relu", "tanh"}},
		{"pooling", o.Pooling, []string{"max", "average"}},
		{"head", o.Head, []string{"fc", "gap"}},
		{"shortcut", o.Shortcut, []string{"A", "B", "C", "none"}},
	} {
		if c.value != "" && !slices.Contains(c.choices, c.value) {
			return fmt.Errorf("%s %q: it is one of %s%s", c.option, c.value, strings.Join(c.choices, ", "), didYouMean(c.value, c.choices))
		}
	}
	switch {
	case o.Classes < 1:
		return fmt.Errorf("%d classes: at least 1 is needed", o.Classes)
	case min(o.Input[0], o.Input[1], o.Input[2]) < 1:
		return fmt.Errorf("input %s: channels, height and width must be at least 1", dims(o.Input[:]))
	case o.Width < 0 || math.IsNaN(o.Width) || math.IsInf(o.Width, 0):
		return fmt.Errorf("width %v: it multiplies the number of filters and must be above 0", o.Width)
	case o.Dropout != nil && !(*o.Dropout >= 0 && *o.Dropout < 1):
		return fmt.Errorf("dropout %v: the rate must be at least 0 and below 1", *o.Dropout)
	case o.Filters < 0:
		return fmt.Errorf("%d filters: at least 1 is needed", o.Filters)
	case o.Depth < 0:
		return fmt.Errorf("depth %d: at least 1 is needed", o.Depth)
	}
	return nil
}

// units is the number of filters or hidden units after the width multiplier, at least 1 and a multiple
// of groups.
func (o Options) units(n, groups int) int {
	if o.Width == 0 || o.Width == 1 {
		return n
	}
	return max(1, int(math.Round(float64(n)*o.Width/float64(groups)))) * groups
}

// rate is the dropout rate of a layer for which the paper has the given one.
func (o Options) rate(paper float64) float64 {
	if o.Dropout != nil {
		return *o.Dropout
	}
	return paper
}

// yes reads an option that is on or off.
func yes(b *bool) bool { return b != nil && *b }

func didYouMean(name string, of []string) string {
	if near := recipe.Nearest(name, of); near != "" {
		return fmt.Sprintf("; did you mean %s?", near)
	}
	return ""
}
