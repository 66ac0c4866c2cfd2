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
	Excitation int      `json:"excitation,omitempty"` // reduction of a squeeze-and-excitation in every block; 0: none
	DropPath   *float64 `json:"drop_path,omitempty"`  // largest rate of stochastic depth; 0 leaves it out
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

// SqueezeExcitation ends every block of a residual network in the weighting of channels of Hu et al.
// (arXiv:1709.01507), whose inner layer has a reduction-th of the block's channels; the paper's is 16.
func SqueezeExcitation(reduction int) Option { return func(o *Options) { o.Excitation = reduction } }

// DropPath sets the rate of stochastic depth in the last block, to which it rises evenly from the first; 0
// leaves it out.
func DropPath(rate float64) Option { return func(o *Options) { o.DropPath = &rate } }

// Depth sets the number of convolutions of AlphaGo's networks, the paper's 13, and of wide residual
// networks.
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
	case o.DropPath != nil && !(*o.DropPath >= 0 && *o.DropPath < 1):
		return fmt.Errorf("drop_path %v: the rate must be at least 0 and below 1", *o.DropPath)
	case o.Excitation < 0:
		return fmt.Errorf("excitation %d: the channels are divided by it, at least 1 is needed", o.Excitation)
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

// path is the rate of stochastic depth in a block, of so many, where the last one's is given.
func (o Options) path(last float64, block, blocks int) float64 {
	if o.DropPath != nil {
		last = *o.DropPath
	}
	return last * float64(block) / float64(blocks)
}

// divisible is a number of filters after a multiplier, rounded to a multiple of 8 but not by more than a
// tenth down, as the mobile networks of Google have it. The width comes on top of the multiplier.
func (o Options) divisible(filters, multiplier float64) int {
	if o.Width != 0 {
		multiplier *= o.Width
	}
	v := filters * multiplier
	n := max(8, int(v+4)/8*8)
	if float64(n) < 0.9*v {
		n += 8
	}
	return n
}

// yes reads an option that is on or off.
func yes(b *bool) bool { return b != nil && *b }

func didYouMean(name string, of []string) string {
	if near := recipe.Nearest(name, of); near != "" {
		return fmt.Sprintf("; did you mean %s?", near)
	}
	return ""
}
