package recipe

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

func quick() Config {
	return Quick(30, 64, 0.08).With(func(c *Config) { c.Optimizer.WeightDecay = 5e-3 }).For("lenet5", "modern", "fashion-mnist-small").Config
}

func TestConfigComesBackFromJSON(t *testing.T) {
	c := quick()
	c.Augment, c.Resize, c.Crop = ParseAugmentation("crop(4), cutmix"), 36, 32
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

		{"augment", "crop(4, fill=mean),flip", "crop(4, fill=mean), flip", ""},
		{"augment", `["mixup(0.4)", {"name": "crop", "size": 1000000, "pad": 4, "fill": "edge"}]`, "mixup(0.4), crop(fill=edge, pad=4, size=1000000)", ""},
		{"augment", "", "", ""},

		{"augment", "[4]", nil, "augment: a transform should be text, or an object"},
		{"augment", `[{"pad": 4}]`, nil, "augment: a transform without a name"},
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
			cfg := quick()
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
		c := quick()
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
			cfg := quick()
			c.change(&cfg)
			err := cfg.Validate()
			var ce *ConfigError
			if !errors.As(err, &ce) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want a ConfigError with %q", err, c.want)
			}
		})
	}
	if c := quick(); c.Validate() != nil {
		t.Error("the unchanged configuration is not valid")
	}
}

func TestMembersShareTheTimeAndHaveSeedsOfTheirOwn(t *testing.T) {
	c := quick()
	c.Seed, c.Ensemble, c.Time = 10, 4, Duration(time.Hour)
	seeds := map[uint64]bool{}
	for i := 1; i <= 4; i++ {
		m := c.Member(i)
		if time.Duration(m.Time) != 15*time.Minute || m.Ensemble != 0 || m.Validate() != nil {
			t.Errorf("member %d has %v of an hour, and %d members", i, time.Duration(m.Time), m.Ensemble)
		}
		seeds[m.Seed] = true
	}
	if len(seeds) != 4 || !seeds[10] || !seeds[13] {
		t.Errorf("the seeds are %v", seeds)
	}
}
