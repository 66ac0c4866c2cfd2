package zoo_test

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/train"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// recipeOf is the recipe of a network, whose name may end in a variant.
func recipeOf(t *testing.T, network, name, data string) recipe.Recipe {
	t.Helper()
	m, err := zoo.New(network)
	if err != nil {
		t.Fatal(err)
	}
	r, err := m.Recipe(name, data)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEveryRecipeIsValidOnceItHasData(t *testing.T) {
	for _, e := range zoo.List() {
		for _, v := range e.Variants {
			m := e.New(zoo.Variant(v.Name))
			var names []string
			for _, r := range m.Recipes() {
				names = append(names, r.Name)
				got, err := m.Recipe(r.Name, "x")
				if err != nil {
					t.Fatal(err)
				}
				if _, err := train.Complete(got.Config); err != nil {
					t.Errorf("%s, variant %s, %s: %v", m.Name, m.Variant, r.Name, err)
				}
				if got.Network != m.Name || got.Variant != m.Variant || got.Recipe != r.Name {
					t.Errorf("%s, variant %s, %s: is for %s %s %s", m.Name, m.Variant, r.Name, got.Network, got.Variant, got.Recipe)
				}
			}
			if !slices.Equal(names, []string{"paper", "quick"}) {
				t.Errorf("%s, variant %s, has the recipes %v", m.Name, m.Variant, names)
			}
		}
	}
}

func TestPapersThatCountInStepsHaveThemInEpochsOfAnySize(t *testing.T) {
	for _, c := range []struct {
		network       string
		batch, images int
		epochs        int
		every         float64
	}{
		{"alphago-policy", 16, 29_400_000, 185, 80e6 / 1_837_500},
		{"alphago-policy", 16, 20_000, 272_000, 64_000},
		{"alphago-policy", 160, 20_001, 2_698_412, 80e6 / 126},
		{"alphago-value", 32, 30_000_000, 53, 80e6 / 937_500},
		{"alphago-value", 32, 1 << 40, 1, 80e6 / (1 << 35)},
	} {
		r := recipeOf(t, c.network, "paper", "x")
		r.Batch = c.batch
		if got := r.InSteps(c.images); got.Epochs != c.epochs || got.Schedule.Every != c.every || got.Validate() != nil {
			t.Errorf("%s with %d images: %d epochs, falling every %v: should be %d and %v", c.network, c.images, got.Epochs, got.Schedule.Every, c.epochs, c.every)
		}
	}
	for network, name := range map[string]string{"alphago-policy": "quick", "lenet5": "paper"} {
		r := recipeOf(t, network, name, "x")
		if !reflect.DeepEqual(r.InSteps(1000), r.Config) {
			t.Errorf("the %s recipe of %s is changed", name, network)
		}
	}
}

func TestRecipesAreCopies(t *testing.T) {
	a := recipeOf(t, "lenet5", "quick", "fashion-mnist-small")
	a.Optimizer.Rules[0].Decay = 99
	if b := recipeOf(t, "lenet5", "quick", "fashion-mnist-small"); b.Optimizer.Rules[0].Decay != 0 {
		t.Error("changing a recipe's rules changed the table")
	}
}

func TestAnUnknownRecipeTellsTheNearest(t *testing.T) {
	if _, err := zoo.LeNet5().Recipe("papre", "x"); err == nil || !strings.Contains(err.Error(), `did you mean "paper"?`) {
		t.Errorf("got %v", err)
	}
}

func TestQuickRecipesAugmentAsTheDataAllows(t *testing.T) {
	for _, c := range []struct{ network, data, want string }{
		{"resnet20", "cifar10", "crop(4), flip"},
		{"lenet5", "mnist", "crop(2)"},
		{"lenet5", "cifar-10", "crop(4), flip"},
		{"lenet5", "fashion-mnist-small", ""},
		{"vgg16", "fashion-mnist", "crop(2), flip"},
		{"vgg16", "photos", ""},
	} {
		if got := recipeOf(t, c.network, "quick", c.data); got.Augment.String() != c.want || got.Data != c.data {
			t.Errorf("%s on %s: %q; want %q", c.network, got.Data, got.Augment, c.want)
		}
	}
}

func TestQuickRecipesOfDeeperNetworksAreShorter(t *testing.T) {
	for network, want := range map[string]int{"resnet8": 50, "resnet20": 50, "resnet56": 17, "resnet110": 9} {
		if r := recipeOf(t, network, "quick", "cifar-10"); r.Epochs != want {
			t.Errorf("%s: %d epochs; want %d", network, r.Epochs, want)
		}
	}
}

func TestVariantsForSmallImagesHaveRecipesOfTheirOwn(t *testing.T) {
	for _, network := range []string{"alexnet_cifar", "vgg11_cifar-bn", "vgg16_cifar-bn", "googlenet_cifar"} {
		plain, variant, _ := strings.Cut(network, "_")
		for _, name := range []string{"paper", "quick"} {
			c := recipeOf(t, network, name, "cifar-10")
			if c.Network != plain || c.Variant != variant {
				t.Errorf("%s %s: is for %s %s", network, name, c.Network, c.Variant)
			}
			if c.Resize != 0 || c.Crop != 0 {
				t.Errorf("%s %s: images are resized to %d and cropped to %d", network, name, c.Resize, c.Crop)
			}
			if want := "crop(4), flip"; c.Augment.String() != want {
				t.Errorf("%s %s: augmentation %q, want %q", network, name, c.Augment, want)
			}
			large := recipeOf(t, plain, name, "cifar-10")
			if same := reflect.DeepEqual(c.Optimizer, large.Optimizer) && c.Epochs == large.Epochs; same != (name == "paper") {
				t.Errorf("%s %s: epochs and optimiser are those of %s: %v", network, name, plain, same)
			}
			if name == "paper" && (large.Crop == 0 && large.Augment.String() == c.Augment.String()) {
				t.Errorf("%s: the recipe for large images has changed", plain)
			}
		}
	}
}

func TestTheRecipeOfTheCIFARNetworksCountsInSteps(t *testing.T) {
	for network, warm := range map[string]float64{"resnet20": 0, "resnet110": 1} {
		c := recipeOf(t, network, "paper", "cifar10")
		scheduler := train.NewScheduler(c.Schedule, train.Hyper{LR: c.Optimizer.LR, Momentum: c.Optimizer.Momentum}, 352, c.Epochs) // of 45,000 images
		drop := func(step int, from, to float64) {
			if a, b := scheduler.At(step-1).LR, scheduler.At(step).LR; math.Abs(a-from) > 1e-9 || math.Abs(b-to) > 1e-9 {
				t.Errorf("%s: the rate at step %d goes from %v to %v, want %v to %v", network, step, a, b, from, to)
			}
		}
		drop(32000, 0.1, 0.01)
		drop(48000, 0.01, 0.001)
		if steps := c.Epochs * 352; steps < 64000 || steps > 64200 {
			t.Errorf("%d steps", steps)
		}
		if c.Schedule.Warmup != warm {
			t.Errorf("%s: warm-up of %v epochs", network, c.Schedule.Warmup)
		}
	}
}
