package recipe

import (
	"errors"
	"strings"
	"testing"
)

// Every setting is taken up to its bounds and no further, as it is after its defaults are in.
func TestSettingsEndAtTheirBounds(t *testing.T) {
	const sgd, adam = "", "optimizer.name=adam"
	for _, c := range []struct {
		with    string // other settings
		key     string
		taken   string
		refused string
	}{
		{sgd, "threads", "0 1 1024", "-1 1025"},
		{sgd, "epochs", "1", "0 -1"},
		{sgd, "ensemble", "0 1 1000", "-1 1001"},
		{sgd, "batch", "1", "0"},
		{sgd, "eval_batch", "0 1", "-1"},
		{sgd, "limit", "0 1", "-1"},
		{sgd, "val_limit", "0 1", "-1"},
		{sgd, "resize", "0 1", "-1"},
		{sgd, "crop", "0 1", "-1"},
		{sgd, "class_weights", "balanced 0,1 1,2.5", "0,0 -1,1 1,x"},
		{sgd, "sampling", "balanced", "balance"},
		{"sampling=balanced", "class_weights", "", "balanced 1,2"},
		{sgd, "std", "0.1 0.1,0.2,0.3", "0 -1 0.1,0"},
		{sgd, "interpolation", "bicubic Lanczos nearest", "cubic"},
		{sgd, "pixel_scale", "0 0.5 255", "-1 Inf NaN"},
		{sgd, "channels", "rgb bgr", "grb RGB"},
		{sgd, "time", "0s 1ns", "-1ns"},
		{sgd, "checkpoint", "0s 1ns", "-1ns"},
		{sgd, "smoothing", "0 0.99", "1 -0.1 NaN"},
		{sgd, "accumulate", "0 1", "-1"},
		{sgd, "ema", "0 0.9999", "1 -0.1"},
		{sgd, "shares", "0 1 8", "-1 9"}, // of a batch of eight
		{sgd, "wire", "float32 bfloat16", "float16"},
		{"shares=2", "wire", "float32", "bfloat16"},
		{"shares=2", "overlap", "false", "true"},
		{"shares=0", "overlap", "false true", ""},
		{sgd, "keep", "0 1", "-1"},
		{sgd, "early_stop", "0 1", "-1"},
		{sgd, "initialiser", "network he glorot", "xavier"},
		{sgd, "optimizer.lr", "1e-9 10", "0 -1 Inf"},
		{sgd, "optimizer.momentum", "0 0.99", "1 -0.1"},
		{sgd, "optimizer.dampening", "0 1", "-0.1 1.1"},
		{sgd, "optimizer.nesterov", "false", "true"},
		{"momentum=0.1", "optimizer.nesterov", "false true", ""},
		{"momentum=0.1 dampening=0.1", "optimizer.nesterov", "false", "true"},
		{sgd, "optimizer.weight_decay", "0 1", "-1e-9 Inf"},
		{sgd, "optimizer.clip", "0 1e-9", "-1 Inf"},
		{sgd, "optimizer.beta1", "0", "0.9"},
		{sgd, "optimizer.beta2", "0", "0.9"},
		{sgd, "optimizer.eps", "0", "1e-8"},
		{adam, "optimizer.beta1", "0 0.99", "1 -0.1"}, // 0 is the default
		{adam, "optimizer.beta2", "0 0.9999", "1 -0.1"},
		{adam, "optimizer.eps", "0 1e-12", "-1 Inf"},
		{adam, "optimizer.momentum", "0", "0.9"},
		{sgd, "schedule.warmup", "0 0.5 6", "-1 6.5"}, // of six epochs
		{sgd, "schedule.warmup_from", "0 1", "-0.1 1.1"},
		{sgd, "schedule.final", "0 0.99", "1 -0.1"},
		{"schedule.name=onecycle", "schedule.warmup", "0", "1"},
		{"schedule.name=onecycle", "schedule.start", "0 0.01 0.99", "1 -0.1"},
		{"schedule.name=onecycle", "schedule.div", "0 1 25", "0.5 Inf"},
		{"schedule.name=onecycle", "schedule.final_div", "0 1 1e9", "0.5 Inf"},
		{"schedule.name=onecycle momentum_high=0.9", "schedule.momentum_low", "0 0.9", "0.95 -0.1"},
		{"schedule.name=onecycle", "schedule.momentum_high", "0 0.99", "1 -0.1"},
		{"schedule.name=step", "schedule.milestones", "1 1,2,4.5 0.5", "0 1,1 2,1 -1"},
		{"schedule.name=step every=2", "schedule.milestones", "", "1 1,2"},
		{"schedule.name=step every=2", "schedule.gamma", "0 0.01 0.99", "1 2 -1"},
		{"schedule.name=exponential", "schedule.every", "0 0.1", "-1 Inf"},
		{"schedule.name=exponential", "schedule.gamma", "0 0.5", "1 -1"},
		{"schedule.name=plateau", "schedule.patience", "0 1", "-1"},
		{"schedule.name=plateau", "schedule.cooldown", "0 1", "-1"},
		{"schedule.name=plateau", "schedule.threshold", "0 0.99", "1 -0.1"},
		{"schedule.name=plateau", "schedule.gamma", "0 0.5", "1 -1"},
		{"schedule.name=polynomial", "schedule.power", "0 0.1 4", "-1 Inf"},
		{"schedule.name=cosine", "schedule.gamma", "0 1 2", ""}, // which it does not have
	} {
		t.Run(strings.TrimSpace(c.with+" "+c.key), func(t *testing.T) {
			base := Config{Network: "lenet5", Data: "mnist", Epochs: 6, Batch: 8, Optimizer: Optimizer{LR: 0.1}}.Complete()
			for setting := range strings.FieldsSeq(c.with) {
				key, value, _ := strings.Cut(setting, "=")
				if err := base.Set(key, value); err != nil {
					t.Fatal(err)
				}
			}
			for value := range strings.FieldsSeq(c.taken + " | " + c.refused) {
				if value == "|" {
					continue
				}
				cfg := base
				if err := cfg.Set(c.key, value); err != nil {
					t.Fatal(err)
				}
				err := cfg.Complete().Validate()
				var e *ConfigError
				taken := strings.Contains(" "+c.taken+" ", " "+value+" ")
				if taken && err != nil {
					t.Errorf("%s is refused: %v", value, err)
				}
				if !taken && (!errors.As(err, &e) || e.Key != c.key) {
					t.Errorf("%s: %v, should be an error of %s", value, err, c.key)
				}
			}
		})
	}
}
