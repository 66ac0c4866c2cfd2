package train

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// recipes are the ready-made configurations, by network and name: "paper" is how the authors trained,
// as far as this package can; "quick" makes the best of minutes on two cores.
var recipes = map[string]map[string]Config{
	"lenet5": {
		// LeCun, Bottou, Bengio & Haffner 1998, section III.B: 20 passes, one image at a time, the global
		// rate lowered after passes 2, 5, 8 and 12 (0.0005, 0.0002, 0.0001, 0.00005, 0.00001). The authors'
		// rates belong to a diagonal Levenberg-Marquardt method that scales each weight's step by its
		// curvature (steps between 7e-5 and 0.016); this is the plain method with a rate in their middle,
		// and one factor of 0.4 at each of the same passes.
		"paper": {
			Epochs: 20, Batch: 1,
			Optimizer: Optimizer{LR: 0.002},
			Schedule:  Schedule{Name: "step", Milestones: []float64{2, 5, 8, 12}, Gamma: 0.4},
		},
		"quick": {
			Epochs: 30, Batch: 64,
			Optimizer: Optimizer{LR: 0.08, Momentum: 0.9, Nesterov: true, WeightDecay: 5e-3, Rules: []Rule{{Dims: 1, LR: 1, Decay: 0}}},
			Schedule:  Schedule{Name: "onecycle", Start: 0.25},
		},
	},
	"alexnet": {
		// Krizhevsky, Sutskever & Hinton 2012, section 5: batches of 128, momentum 0.9, weight decay
		// 0.0005 on every weight, rate 0.01 divided by 10 when the validation error stopped improving,
		// three times, in about 90 passes.
		"paper": {
			Epochs: 90, Batch: 128,
			Optimizer: Optimizer{LR: 0.01, Momentum: 0.9, WeightDecay: 5e-4},
			Schedule:  Schedule{Name: "plateau", Gamma: 0.1, Patience: 5, Final: 1e-3},
		},
		// The paper's initial weights are so small, and its biases so large, that the first thousands of
		// steps learn little; He's begin at once.
		"quick": {
			Epochs: 5, Batch: 32, Initialiser: "he",
			Optimizer: Optimizer{LR: 0.01, Momentum: 0.9, Nesterov: true, WeightDecay: 5e-4, Rules: []Rule{{Dims: 1, LR: 1, Decay: 0}}},
			Schedule:  Schedule{Name: "onecycle", Start: 0.3},
		},
	},
}

// general is the recipe "quick" of networks that have none of their own.
var general = Config{
	Epochs: 10, Batch: 64,
	Optimizer: Optimizer{LR: 0.02, Momentum: 0.9, Nesterov: true, WeightDecay: 5e-4, Rules: []Rule{{Dims: 1, LR: 1, Decay: 0}}},
	Schedule:  Schedule{Name: "onecycle", Start: 0.25},
}

// augment is an augmentation that is known to be right.
func augment(text string) datasets.Augmentation {
	a, err := datasets.ParseAugmentation(text)
	if err != nil {
		panic(err)
	}
	return a
}

// usual is what quick recipes do to the images of a data set: what does not change what they show, and
// what a network of that size has to learn from in few epochs. LeNet-5 has too few weights to learn
// more than the images of Fashion-MNIST by heart in that time.
func usual(network, data string) datasets.Augmentation {
	switch {
	case strings.HasPrefix(data, "cifar"):
		return augment("crop(4), flip")
	case strings.HasPrefix(data, "fashion") && network != "lenet5":
		return augment("crop(2), flip")
	case strings.HasPrefix(data, "mnist"):
		return augment("crop(2)") // digits have no mirror images
	}
	return nil
}

// Recipes returns the names of a network's recipes.
func Recipes(network string) []string {
	names := slices.Sorted(maps.Keys(recipes[network]))
	if !slices.Contains(names, "quick") {
		names = append(names, "quick")
	}
	return names
}

// Recipe returns a complete configuration for a network on a data set, by their names. Quick recipes
// augment the images as is usual for the data; papers' do what the paper did.
func Recipe(network, name, data string) (Config, error) {
	c, ok := recipes[network][name]
	if !ok && name == "quick" {
		c, ok = general, true
	}
	if !ok {
		names := Recipes(network)
		if near := weights.Nearest(name, names); near != "" {
			return Config{}, fmt.Errorf("%s has no recipe %q: did you mean %q?", network, name, near)
		}
		return Config{}, fmt.Errorf("%s has no recipe %q: there is %s", network, name, strings.Join(names, ", "))
	}
	// A copy, so that nobody changes the table.
	text, err := json.Marshal(c)
	if err != nil {
		return Config{}, err
	}
	var own Config
	if err := json.Unmarshal(text, &own); err != nil {
		return Config{}, err
	}
	own.Network, own.Recipe, own.Data, own.Seed = network, name, data, 1
	if name == "quick" && own.Augment == nil {
		own.Augment = usual(network, data)
	}
	own.Checkpoint = Duration(10 * time.Minute)
	return own.Complete(), nil
}
