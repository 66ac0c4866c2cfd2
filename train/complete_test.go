package train

import (
	"errors"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"strings"
	"testing"
)

func TestACompleteConfigurationHasAllParametersOfItsAugmentation(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"crop(4), flip", "crop(pad=4, size=0, fill=black), flip(p=0.5)"},
		{`["mixup(0.4)"]`, "mixup(alpha=0.4, p=1)"},
		{`[{"name": "crop", "pad": 4, "fill": "edge"}]`, "crop(pad=4, size=0, fill=edge)"},
		{"", ""},
	} {
		cfg := tinyConfig()
		if err := cfg.Set("augment", c.text); err != nil {
			t.Fatal(err)
		}
		cfg, err := Complete(cfg)
		if err != nil || cfg.Augment.String() != c.want {
			t.Errorf("%s: %q, %v, want %q", c.text, cfg.Augment, err, c.want)
		}
	}
}

func TestAnAugmentationThatCannotBeIsAnErrorOfTheConfiguration(t *testing.T) {
	for text, want := range map[string]string{
		"crp(4)":       `augment: unknown transform "crp": did you mean "crop"?`,
		"flip(2)":      "augment: flip: p 2: should be",
		"crop(4), ":    "augment: augmentation: nothing after the last comma",
		"flip, , flip": "augment: unknown transform",
	} {
		cfg := tinyConfig()
		if err := cfg.Set("augment", text); err != nil {
			t.Fatal(err)
		}
		var bad *recipe.ConfigError
		if _, err := Complete(cfg); !errors.As(err, &bad) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}
