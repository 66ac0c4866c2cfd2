package train

import (
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/augment"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
)

// Complete returns a configuration as it stands beside a run: without a zero that means a default, and with
// all parameters of its augmentation. The error wraps a [ConfigError] for a setting that cannot be.
func Complete(c recipe.Config) (recipe.Config, error) {
	c, _, err := complete(c)
	return c, err
}

func complete(c recipe.Config) (recipe.Config, augment.Spec, error) {
	c = c.Complete()
	if err := c.Validate(); err != nil {
		return c, nil, err
	}
	a, err := augment.Parse(c.Augment.String())
	if err != nil {
		return c, nil, &recipe.ConfigError{Key: "augment", Err: err}
	}
	c.Augment = nil
	for _, s := range a {
		c.Augment = append(c.Augment, s.String())
	}
	return c, a, nil
}
