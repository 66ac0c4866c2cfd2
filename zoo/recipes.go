package zoo

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
)

// Recipes lists how to train the network: "paper" is how the authors trained, as far as the trainer can;
// "quick", which every network has, makes the best of minutes on two cores. A variant can have its own.
func (m *Model) Recipes() []recipe.Recipe {
	var list []recipe.Recipe
	if m != nil {
		list = m.recipes
	}
	if !slices.ContainsFunc(list, func(r recipe.Recipe) bool { return r.Name == "quick" }) {
		list = append(slices.Clip(list), recipe.Quick(10, 64, 0.02))
	}
	return list
}

// Recipe returns the recipe of that name for a data set, with a complete configuration but for the network's
// options.
func (m *Model) Recipe(name, data string) (recipe.Recipe, error) {
	if err := m.wrong(); err != nil {
		return recipe.Recipe{}, err
	}
	var names []string
	for _, r := range m.Recipes() {
		if r.Name == name {
			return r.For(m.Name, m.Variant, data), nil
		}
		names = append(names, r.Name)
	}
	if near := recipe.Nearest(name, names); near != "" {
		return recipe.Recipe{}, fmt.Errorf("%s has no recipe %q: did you mean %q?", m.Name, name, near)
	}
	return recipe.Recipe{}, fmt.Errorf("%s has no recipe %q: there is %s", m.Name, name, strings.Join(names, ", "))
}

// onSmallImages is a paper's recipe with its optimiser, and what ResNet's paper did to images of 32×32.
func onSmallImages(paper recipe.Recipe) recipe.Recipe {
	return paper.With(func(c *recipe.Config) { c.Augment, c.Resize, c.Crop = recipe.Augmentation{"crop(4)", "flip"}, 0, 0 })
}
