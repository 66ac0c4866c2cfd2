package recipe

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestARecipeIsForANetworkAndData(t *testing.T) {
	r := Quick(30, 64, .1)
	for data, want := range map[string]string{
		"cifar-10": "crop(4), flip", "cifar-100": "crop(4), flip", "fashion-mnist-small": "crop(2), flip", "mnist": "crop(2)", "folder": "", "tiny-imagenet": "",
	} {
		if got := r.For("net", "v", data); got.Augment.String() != want || got.Network != "net" || got.Variant != "v" || got.Data != data || got.Seed != 1 || got.Recipe != "quick" {
			t.Errorf("%s: %q, want %q: %+v", data, got.Augment, want, got)
		}
	}
	small := r.Excluding("fashion").Excluding("mnist")
	for data, want := range map[string]string{"fashion-mnist": "", "mnist": "", "cifar-10": "crop(4), flip"} {
		if got := small.For("net", "v", data).Augment.String(); got != want {
			t.Errorf("%s of those excluded: %q, want %q", data, got, want)
		}
	}
	if len(r.Unless) > 0 {
		t.Errorf("excluding changes the recipe that it is of: %v", r.Unless)
	}
	faster := r.With(func(c *Config) { c.Optimizer.LR = 1; c.Optimizer.Rules[0].LR = 9 })
	if r.Optimizer.LR != .1 || r.Optimizer.Rules[0].LR != 1 || faster.Optimizer.LR != 1 || faster.Optimizer.Rules[0].LR != 9 {
		t.Errorf("changed: %+v, and the first %+v", faster.Optimizer, r.Optimizer)
	}
	if c := r.For("n", "", "mnist").Config; c.Schedule.Div != 25 || c.Schedule.FinalDiv != 1e4 || c.Schedule.Start != .25 || c.Initialiser != "network" || c.Optimizer.Name != "sgd" {
		t.Errorf("the configuration is not complete: %+v", c)
	}
}

func TestAPaperCountsInSteps(t *testing.T) {
	r := Recipe{Steps: 64000, Fall: 32000, Config: Config{Batch: 128, Epochs: 3}}
	// 50,000 images are 391 steps an epoch; 45,000 are 352.
	for images, want := range map[int]struct {
		epochs int
		every  float64
	}{50000: {163, 32000. / 391}, 45000: {181, 32000. / 352}, 1: {64000, 32000}, 1 << 30: {1, 32000. / 8388608}} {
		if c := r.InSteps(images); c.Epochs != want.epochs || c.Schedule.Every != want.every {
			t.Errorf("%d images: %d epochs, falling every %v; want %d, %v", images, c.Epochs, c.Schedule.Every, want.epochs, want.every)
		}
	}
	r.Steps = 0
	if c := r.InSteps(50000); c.Epochs != 3 || c.Schedule.Every != 0 {
		t.Errorf("a recipe that counts in epochs becomes %+v", c)
	}
}

func TestDefaultsAreWrittenOut(t *testing.T) {
	for name, want := range map[string]Schedule{
		"":            {Name: "constant"},
		"step":        {Name: "step", Gamma: .1},
		"plateau":     {Name: "plateau", Gamma: .1, Threshold: 1e-4, Patience: 3},
		"exponential": {Name: "exponential", Gamma: .96, Every: 1},
		"polynomial":  {Name: "polynomial", Power: 1},
		"onecycle":    {Name: "onecycle", Start: .3, Div: 25, FinalDiv: 1e4},
	} {
		if got := (Config{Schedule: Schedule{Name: name}}).Complete().Schedule; !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, want %+v", name, got, want)
		}
	}
	if o := (Config{Optimizer: Optimizer{Name: "adamw", Beta1: .5}}).Complete().Optimizer; o.Beta1 != .5 || o.Beta2 != .999 || o.Eps != 1e-8 {
		t.Errorf("%+v", o)
	}
}

func TestWeightsOfClassesAreNumbers(t *testing.T) {
	for _, c := range []struct {
		text string
		want []float32
		err  string
	}{
		{"", nil, ""}, {Balanced, nil, ""}, {"1, 0.5,0", []float32{1, .5, 0}, ""}, {"2", []float32{2}, ""},
		{"1,x", nil, `class weight "x": should be a number of at least 0`}, {"1,-1", nil, `"-1"`}, {"1,NaN", nil, `"NaN"`}, {"1,Inf", nil, `"Inf"`}, {"1,,2", nil, `""`},
		{"0,0", nil, "one should be above 0"},
	} {
		got, err := Config{ClassWeights: c.text}.WeightsOfClasses()
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q: %v", c.text, err)
			}
			continue
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%q: %v (%v)", c.text, got, err)
		}
	}
}

func TestAConfigErrorNamesTheSetting(t *testing.T) {
	inner := errors.New("it is in use")
	e := &ConfigError{Key: "seed", Err: inner}
	if e.Error() != "seed: it is in use" || !errors.Is(e, inner) {
		t.Errorf("%v", e)
	}
	if err := OneOf("schedule.name", "onecycle", []string{"step", "onecycle"}); err != nil {
		t.Error(err)
	}
	if err := OneOf("schedule.name", "onecyle", []string{"step", "onecycle"}); err == nil || !strings.Contains(err.Error(), "schedule.name \"onecyle\": should be ") || !strings.Contains(err.Error(), "onecycle") {
		t.Errorf("%v", err)
	}
}

func TestSettingsAreToldAsJSON(t *testing.T) {
	c := Quick(30, 64, .1).For("net", "", "mnist").Config
	all := c.Settings()
	for key, want := range map[string]string{"epochs": "30", "optimizer.lr": "0.1", "schedule.name": `"onecycle"`, "augment": `["crop(2)"]`, "optimizer.nesterov": "true"} {
		if all[key] != want {
			t.Errorf("%s is %s: want %s", key, all[key], want)
		}
	}
	if len(all) != len(Keys()) {
		t.Errorf("%d settings of %d", len(all), len(Keys()))
	}
	// Each comes back by Set.
	var d Config
	for key, text := range all {
		if text == "null" || strings.HasPrefix(text, "[{") {
			continue
		}
		var s string
		if json.Unmarshal([]byte(text), &s) == nil {
			text = s
		}
		if err := d.Set(key, text); err != nil && text != "" {
			t.Errorf("%s=%s: %v", key, text, err)
		}
	}
	if d.Epochs != 30 || d.Optimizer.LR != .1 || d.Schedule.Name != "onecycle" {
		t.Errorf("set: %+v", d)
	}
}

func TestAnAugmentationIsReadFromEveryForm(t *testing.T) {
	for _, c := range []struct{ json, want string }{
		{`"crop(4), flip"`, "crop(4), flip"},
		{`["crop(4)", "flip"]`, "crop(4), flip"},
		{`[{"name": "crop", "pad": 4}, "flip"]`, "crop(pad=4), flip"},
		{`[{"name": "cutout", "size": 16, "fill": "mean"}]`, "cutout(fill=mean, size=16)"},
		{`[]`, ""}, {`""`, ""}, {`"mixup(alpha=0.2, p=0.5)"`, "mixup(alpha=0.2, p=0.5)"},
	} {
		var a Augmentation
		if err := json.Unmarshal([]byte(c.json), &a); err != nil || a.String() != c.want {
			t.Errorf("%s is %q (%v): want %q", c.json, a, err, c.want)
		}
	}
	for _, text := range []string{`{}`, `[3]`, `[{"pad": 4}]`, `[{"name": 4}]`, `7`} {
		var a Augmentation
		if err := json.Unmarshal([]byte(text), &a); err == nil {
			t.Errorf("%s is %q", text, a)
		}
	}
	var a Augmentation
	if err := a.UnmarshalText([]byte(` ["flip"]`)); err != nil || a.String() != "flip" {
		t.Errorf("%q (%v)", a, err)
	}
}
