package train

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/augment"
)

func quick(t *testing.T) Config {
	t.Helper()
	c, err := Recipe("lenet5", "quick", "fashion-mnist-small")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEveryRecipeIsValidOnceItHasData(t *testing.T) {
	for _, network := range []string{
		"lenet5", "alexnet", "zfnet", "vgg11", "vgg16", "googlenet", "resnet18", "resnet152", "resnet20", "resnet110", "allcnn-c", "alphago-policy", "alphago-value",
		"alexnet_cifar", "vgg11_cifar-bn", "vgg16_cifar-bn", "googlenet_cifar", "vgg16_bn",
	} {
		if !slices.Equal(Recipes(network), []string{"paper", "quick"}) {
			t.Errorf("%s has the recipes %v", network, Recipes(network))
		}
		for _, name := range Recipes(network) {
			c, err := Recipe(network, name, "x")
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Validate(); err != nil {
				t.Errorf("%s %s: %v", network, name, err)
			}
		}
	}
	if _, err := Recipe("no such network", "quick", "x"); err != nil {
		t.Errorf("a network without recipes has no quick one: %v", err)
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
		recipe, err := Recipe(c.network, "paper", "x")
		if err != nil {
			t.Fatal(err)
		}
		recipe.Batch = c.batch
		if got := InSteps(recipe, c.images); got.Epochs != c.epochs || got.Schedule.Every != c.every || got.Validate() != nil {
			t.Errorf("%s with %d images: %d epochs, falling every %v: should be %d and %v", c.network, c.images, got.Epochs, got.Schedule.Every, c.epochs, c.every)
		}
	}
	for network, name := range map[string]string{"alphago-policy": "quick", "lenet5": "paper"} {
		recipe, err := Recipe(network, name, "x")
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(InSteps(recipe, 1000), recipe) {
			t.Errorf("the %s recipe of %s is changed", name, network)
		}
	}
}

func TestRecipesAreCopies(t *testing.T) {
	a, _ := Recipe("lenet5", "quick", "fashion-mnist-small")
	a.Optimizer.Rules[0].Decay = 99
	b, _ := Recipe("lenet5", "quick", "fashion-mnist-small")
	if b.Optimizer.Rules[0].Decay != 0 {
		t.Error("changing a recipe's rules changed the table")
	}
}

func TestAnUnknownRecipeTellsTheNearest(t *testing.T) {
	if _, err := Recipe("lenet5", "papre", "x"); err == nil || !strings.Contains(err.Error(), `did you mean "paper"?`) {
		t.Errorf("got %v", err)
	}
}

func TestConfigComesBackFromJSON(t *testing.T) {
	c := quick(t)
	c.Augment, c.Resize, c.Crop = augment.MustParse("crop(4), cutmix"), 36, 32
	c.Mean, c.Std = []float32{.485, .456, .406}, []float32{.229}
	c.Time, c.Options = Duration(90*time.Minute), json.RawMessage(`{"variant":"modern"}`)
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), `"time":"1h30m0s"`) {
		t.Errorf("the time is not readable in %s", text)
	}
	var back Config
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(c, back) {
		t.Errorf("wrote %+v, read %+v", c, back)
	}
}

func TestSet(t *testing.T) {
	get := map[string]func(c *Config) any{
		"optimizer.name":         func(c *Config) any { return c.Optimizer },
		"epochs":                 func(c *Config) any { return c.Epochs },
		"seed":                   func(c *Config) any { return c.Seed },
		"time":                   func(c *Config) any { return time.Duration(c.Time) },
		"drop_last":              func(c *Config) any { return c.DropLast },
		"optimizer.momentum":     func(c *Config) any { return c.Optimizer.Momentum },
		"nesterov":               func(c *Config) any { return c.Optimizer.Nesterov },
		"schedule.name":          func(c *Config) any { return c.Schedule.Name },
		"mean":                   func(c *Config) any { return c.Mean },
		"milestones":             func(c *Config) any { return c.Schedule.Milestones },
		"optimizer.rules":        func(c *Config) any { return c.Optimizer.Rules },
		"options.dropout":        func(c *Config) any { return string(c.Options) },
		"options.pooling":        func(c *Config) any { return string(c.Options) },
		"optimizer.weight_decay": func(c *Config) any { return c.Optimizer.WeightDecay },
		"augment":                func(c *Config) any { return c.Augment.String() },
	}
	for _, c := range []struct {
		key, value string
		want       any
		err        string // a part of it
	}{
		{"epochs", "7", 7, ""},
		{"optimizer.name", "adamw", Optimizer{Name: "adamw", LR: 0.08, WeightDecay: 5e-3, Rules: []Rule{{Dims: 1, LR: 1}}}, ""},
		{"seed", "18446744073709551615", uint64(math.MaxUint64), ""},
		{"time", "90s", 90 * time.Second, ""},
		{"drop_last", "true", true, ""},
		{"optimizer.momentum", "0.5", 0.5, ""},
		{"nesterov", "false", false, ""},
		{"schedule.name", "step", "step", ""},
		{"milestones", "10,20.5", []float64{10, 20.5}, ""},
		{"milestones", "[3]", []float64{3}, ""},
		{"mean", "0.485,0.456,0.406", []float32{.485, .456, .406}, ""},
		{"optimizer.rules", `[{"match":"bias","lr":2,"decay":0}]`, []Rule{{Match: "bias", LR: 2}}, ""},
		{"options.dropout", "0.25", `{"dropout":0.25}`, ""},
		{"options.pooling", "average", `{"pooling":"average"}`, ""},

		{"augment", "crop(4), flip", "crop(pad=4, size=0, fill=black), flip(p=0.5)", ""},
		{"augment", `["mixup(0.4)"]`, "mixup(alpha=0.4, p=1)", ""},
		{"augment", "", "", ""},

		{"augment", "crp(4)", nil, `augment: unknown transform "crp": did you mean "crop"?`},
		{"augment", "flip(2)", nil, "augment: flip: p 2: should be"},
		{"epochs", "7.5", nil, `epochs "7.5": should be a whole number`},
		{"seed", "-1", nil, "whole number, at least 0"},
		{"time", "30", nil, `time: "30": should be a time with its unit, such as 30m`},
		{"drop_last", "perhaps", nil, "true or false"},
		{"optimizer.rules", `[{"mach":"bias"}]`, nil, "JSON list"},
		{"milestones", "a", nil, "numbers with commas"},
		{"std", "a", nil, "numbers with commas"},
		{"name", "step", nil, "optimizer.name or schedule.name"},
		{"epoch", "3", nil, `did you mean "epochs"?`},
		{"optimiser.momentum", "3", nil, `did you mean "optimizer.momentum"?`},
		{"weight-decay", "3", nil, `did you mean "weight_decay"?`},
		{"zzzzzzzzzz", "3", nil, "there are network"},
		{"options.", "3", nil, "unknown setting"},
	} {
		t.Run(c.key+"="+c.value, func(t *testing.T) {
			cfg := quick(t)
			err := cfg.Set(c.key, c.value)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("error %v, want one with %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := get[c.key](&cfg); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestEveryKeyIsSettable(t *testing.T) {
	for _, key := range Keys() {
		c := quick(t)
		if err := c.Set(key, "no value of any kind but text"); err != nil && strings.Contains(err.Error(), "unknown setting") {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestValidateNamesTheSetting(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string // a part of the error
	}{
		"no network":             {func(c *Config) { c.Network = "" }, "network"},
		"no data":                {func(c *Config) { c.Data = "" }, "data"},
		"options that are text":  {func(c *Config) { c.Options = json.RawMessage("{") }, "options"},
		"no epochs":              {func(c *Config) { c.Epochs = 0 }, "epochs 0: should be at least 1"},
		"negative threads":       {func(c *Config) { c.Threads = -1 }, "threads -1"},
		"empty batch":            {func(c *Config) { c.Batch = 0 }, "batch 0"},
		"a deviation of 0":       {func(c *Config) { c.Mean, c.Std = []float32{0}, []float32{0} }, "std [0]: should be numbers above 0"},
		"negative limit":         {func(c *Config) { c.Limit = -5 }, "limit -5"},
		"negative time":          {func(c *Config) { c.Time = -1 }, "time -1ns"},
		"smoothing of all":       {func(c *Config) { c.Smoothing = 1 }, "smoothing 1"},
		"broken freeze":          {func(c *Config) { c.Freeze = "(" }, "freeze ("},
		"unknown optimizer":      {func(c *Config) { c.Optimizer.Name = "sgdd" }, `did you mean "sgd"?`},
		"no rate":                {func(c *Config) { c.Optimizer.LR = 0 }, "optimizer.lr 0: should be above 0"},
		"infinite rate":          {func(c *Config) { c.Optimizer.LR = math.Inf(1) }, "optimizer.lr +Inf"},
		"NaN rate":               {func(c *Config) { c.Optimizer.LR = math.NaN() }, "optimizer.lr NaN"},
		"momentum of one":        {func(c *Config) { c.Optimizer.Momentum = 1 }, "optimizer.momentum 1"},
		"nesterov alone":         {func(c *Config) { c.Optimizer.Momentum = 0 }, "optimizer.nesterov true"},
		"negative decay":         {func(c *Config) { c.Optimizer.WeightDecay = -1 }, "optimizer.weight_decay -1"},
		"rule without rate":      {func(c *Config) { c.Optimizer.Rules = []Rule{{Match: "x"}} }, "optimizer.rules[0].lr 0"},
		"rule that is no regexp": {func(c *Config) { c.Optimizer.Rules = []Rule{{Match: "*", LR: 1}} }, "optimizer.rules[0].match"},
		"momentum with Adam":     {func(c *Config) { c.Optimizer.Name = "adam"; *c = c.Complete() }, "optimizer.momentum 0.9: should be 0 with adam"},
		"betas with SGD":         {func(c *Config) { c.Optimizer.Beta2 = 0.9 }, "optimizer.beta2 0.9"},
		"an average of nothing":  {func(c *Config) { c.EMA = 1 }, "ema 1"},
		"negative clipping":      {func(c *Config) { c.Optimizer.Clip = -1 }, "optimizer.clip -1"},
		"half an update":         {func(c *Config) { c.Accumulate = -1 }, "accumulate -1"},
		"unknown schedule":       {func(c *Config) { c.Schedule.Name = "cosin" }, `did you mean "cosine"?`},
		"endless warm-up":        {func(c *Config) { c.Schedule = Schedule{Name: "cosine", Warmup: 1e6} }, "schedule.warmup"},
		"doubled warm-up":        {func(c *Config) { c.Schedule.Warmup = 1 }, "onecycle, which warms up by itself"},
		"steps nowhere":          {func(c *Config) { c.Schedule = Schedule{Name: "step", Gamma: 0.1} }, "schedule.milestones"},
		"steps backwards":        {func(c *Config) { c.Schedule = Schedule{Name: "step", Gamma: 0.1, Milestones: []float64{2, 1}} }, "rising order"},
		"growing steps":          {func(c *Config) { c.Schedule = Schedule{Name: "step", Gamma: 2, Every: 1} }, "schedule.gamma 2"},
		"momenta exchanged": {func(c *Config) {
			c.Schedule.MomentumLow, c.Schedule.MomentumHigh = 0.95, 0.85
		}, "schedule.momentum_low 0.95"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := quick(t)
			c.change(&cfg)
			err := cfg.Validate()
			var ce *ConfigError
			if !errors.As(err, &ce) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want a ConfigError with %q", err, c.want)
			}
		})
	}
	if c := quick(t); c.Validate() != nil {
		t.Error("the unchanged configuration is not valid")
	}
}

func TestQuickRecipesAugmentAsTheDataAllows(t *testing.T) {
	for _, c := range []struct{ network, data, want string }{
		{"resnet20", "cifar10", "crop(pad=4, size=0, fill=black), flip(p=0.5)"},
		{"lenet5", "mnist", "crop(pad=2, size=0, fill=black)"},
		{"lenet5", "fashion-mnist-small", ""},
		{"vgg16", "fashion-mnist", "crop(pad=2, size=0, fill=black), flip(p=0.5)"},
		{"vgg16", "photos", ""},
	} {
		got, err := Recipe(c.network, "quick", c.data)
		if err != nil || got.Augment.String() != c.want || got.Data != c.data {
			t.Errorf("%s on %s: %q, %v; want %q", c.network, got.Data, got.Augment, err, c.want)
		}
	}
}

func TestQuickRecipesOfDeeperNetworksAreShorter(t *testing.T) {
	for network, want := range map[string]int{"resnet8": 50, "resnet20": 50, "resnet56": 17, "resnet110": 9} {
		if c, err := Recipe(network, "quick", "cifar-10"); err != nil || c.Epochs != want {
			t.Errorf("%s: %d epochs, %v; want %d", network, c.Epochs, err, want)
		}
	}
}

func TestVariantsForSmallImagesHaveRecipesOfTheirOwn(t *testing.T) {
	for _, network := range []string{"alexnet_cifar", "vgg11_cifar-bn", "vgg16_cifar-bn", "googlenet_cifar"} {
		plain, variant, _ := strings.Cut(network, "_")
		for _, name := range Recipes(network) {
			c, err := Recipe(network, name, "cifar-10")
			if err != nil {
				t.Fatal(err)
			}
			if c.Network != plain || c.Variant != variant {
				t.Errorf("%s %s: is for %s %s", network, name, c.Network, c.Variant)
			}
			if c.Resize != 0 || c.Crop != 0 {
				t.Errorf("%s %s: images are resized to %d and cropped to %d", network, name, c.Resize, c.Crop)
			}
			if want := "crop(pad=4, size=0, fill=black), flip(p=0.5)"; c.Augment.String() != want {
				t.Errorf("%s %s: augmentation %q, want %q", network, name, c.Augment, want)
			}
			large, err := Recipe(plain, name, "cifar-10")
			if err != nil {
				t.Fatal(err)
			}
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
		c, err := Recipe(network, "paper", "cifar10")
		if err != nil {
			t.Fatal(err)
		}
		course := c.Schedule.Course(c.Optimizer.base(), 391, c.Epochs)
		drop := func(step int, from, to float64) {
			if a, b := course.At(step-1).LR, course.At(step).LR; math.Abs(a-from) > 1e-9 || math.Abs(b-to) > 1e-9 {
				t.Errorf("%s: the rate at step %d goes from %v to %v, want %v to %v", network, step, a, b, from, to)
			}
		}
		drop(32000, 0.1, 0.01)
		drop(48000, 0.01, 0.001)
		if steps := c.Epochs * 391; steps < 64000 || steps > 64200 {
			t.Errorf("%d steps", steps)
		}
		if c.Schedule.Warmup != warm {
			t.Errorf("%s: warm-up of %v epochs", network, c.Schedule.Warmup)
		}
	}
}
