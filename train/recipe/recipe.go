package recipe

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// A Recipe is a way to train a network: settings, and how they follow from the data.
type Recipe struct {
	// Name is "paper" for how the authors trained, as far as that can be told, "quick" for the best of
	// minutes on two cores, or another.
	Name string
	Config
	// Usual augments images as is usual for the data ([Usual]), but for data sets whose names begin with one
	// of Unless: networks that have too few weights to learn more than those images by heart.
	Usual  bool
	Unless []string
	// Steps are all updates, and Fall those after which the rate falls, where the paper counts in them; see
	// [Recipe.InSteps].
	Steps, Fall float64
}

// Quick is a one-cycle recipe with Nesterov's momentum.
func Quick(epochs, batch int, lr float64) Recipe {
	return Recipe{Name: "quick", Usual: true, Config: Config{
		Epochs: epochs, Batch: batch,
		Optimizer: Optimizer{LR: lr, Momentum: 0.9, Nesterov: true, WeightDecay: 5e-4, Rules: []Rule{DecayWeightsAlone}},
		Schedule:  Schedule{Name: "onecycle", Start: 0.25},
	}}
}

// DecayWeightsAlone is the rule by which weight decay leaves biases and batch normalisation alone, as is
// usual now.
var DecayWeightsAlone = Rule{Dims: 1, LR: 1, Decay: 0}

// With returns the recipe with other settings.
func (r Recipe) With(change func(*Config)) Recipe {
	r.Config = r.Config.clone()
	if change != nil {
		change(&r.Config)
	}
	return r
}

// Excluding leaves the images of some data sets as they are: those whose names begin like that.
func (r Recipe) Excluding(data ...string) Recipe {
	r.Unless = append(slices.Clip(r.Unless), data...)
	return r
}

// For returns the recipe with a complete configuration for a network on a data set, by their names.
func (r Recipe) For(network, variant, data string) Recipe {
	r.Config = r.Config.clone() // nobody changes a recipe that others have
	c := &r.Config
	c.Recipe, c.Network, c.Variant, c.Data, c.Seed = r.Name, network, variant, data, 1
	if r.Usual && !slices.ContainsFunc(r.Unless, func(prefix string) bool { return strings.HasPrefix(data, prefix) }) {
		c.Augment = Usual(data)
	}
	c.Checkpoint = Duration(10 * time.Minute)
	r.Config = c.Complete()
	return r
}

// Usual is what is usually done to the images of a data set by its name: what does not change what they
// show, and what a network has to learn from in few epochs.
func Usual(data string) Augmentation {
	switch {
	case strings.HasPrefix(data, "cifar"):
		return Augmentation{"crop(4)", "flip"}
	case strings.HasPrefix(data, "fashion"):
		return Augmentation{"crop(2)", "flip"}
	case strings.HasPrefix(data, "mnist"):
		return Augmentation{"crop(2)"} // digits have no mirror images
	}
	return nil
}

// InSteps returns the settings for epochs of so many images with as many updates as the paper has, if the
// paper counts in them.
func (r Recipe) InSteps(images int) Config {
	c := r.Config
	if r.Steps == 0 {
		return c
	}
	epoch := float64(max((images+c.Batch-1)/max(c.Batch, 1), 1))
	c.Epochs, c.Schedule.Every = max(int(r.Steps/epoch), 1), r.Fall/epoch
	return c
}

// clone shares nothing with c.
func (c Config) clone() Config {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err) // plain data
	}
	var own Config
	if err := json.Unmarshal(text, &own); err != nil {
		panic(err)
	}
	return own
}
