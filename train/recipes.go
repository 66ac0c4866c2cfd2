package train

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/augment"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// usual is what quick recipes do to the images of a data set: what does not change what they show, and
// what a network of that size has to learn from in few epochs. LeNet-5 has too few weights to learn
// more than the images of Fashion-MNIST by heart in that time.
func usual(network, data string) augment.Spec {
	switch {
	case strings.HasPrefix(data, "cifar"):
		return augment.MustParse("crop(4), flip")
	case strings.HasPrefix(data, "fashion") && network != "lenet5":
		return augment.MustParse("crop(2), flip")
	case strings.HasPrefix(data, "mnist"):
		return augment.MustParse("crop(2)") // digits have no mirror images
	}
	return nil
}

// Recipes returns the names of a network's recipes.
func Recipes(network string) []string {
	names := slices.Sorted(maps.Keys(family(network)))
	if !slices.Contains(names, "quick") {
		names = append(names, "quick")
	}
	return names
}

// Recipe returns a complete configuration for a network on a data set, by their names. A variant can
// have recipes of its own: NETWORK_VARIANT asks for them. Quick recipes augment the images as is usual for
// the data; papers' do what the paper did.
func Recipe(network, name, data string) (Config, error) {
	c, ok := family(network)[name]
	if !ok && name == "quick" {
		c, ok = quickly(10, 64, 0.02), true
	}
	if !ok {
		names := Recipes(network)
		network, _, _ := strings.Cut(network, "_")
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
	own.Recipe, own.Data, own.Seed = name, data, 1
	own.Network, own.Variant, _ = strings.Cut(network, "_")
	if name == "quick" && own.Augment == nil {
		own.Augment = usual(own.Network, data)
	}
	own.Checkpoint = Duration(10 * time.Minute)
	return own.Complete(), nil
}
