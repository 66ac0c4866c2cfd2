package recipe

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What settings can be.
var (
	Initialisers = []string{"network", "he", "glorot"}
	Optimizers   = []string{"sgd", "adam", "adamw"}
	Schedules    = []string{"constant", "step", "plateau", "polynomial", "exponential", "cosine", "onecycle"}
	// Interpolations are the filters of package datasets/image.
	Interpolations = []string{"bilinear", "bicubic", "lanczos", "box", "hamming", "nearest"}
	// Wires are the forms in which gradients go from process to process.
	Wires = []string{"float32", "bfloat16"}
)

// Balanced is what [Config].ClassWeights and Sampling can be.
const Balanced = "balanced"

// Config says everything that decides the outcome of a run. Its JSON is a run's config.json, and its
// keys are what [Config.Set] takes. [Recipe] returns ready-made ones.
type Config struct {
	Network string          `json:"network"`           // the registry's name
	Variant string          `json:"variant,omitempty"` // of the network
	Options json.RawMessage `json:"options,omitempty"` // of the network, complete; in the form of package zoo
	Data    string          `json:"data"`              // a data set's name
	DataDir string          `json:"data_dir,omitempty"`
	Recipe  string          `json:"recipe,omitempty"` // where the settings came from; changes nothing by itself

	Seed    uint64 `json:"seed"`
	Threads int    `json:"threads"` // 0: one for each core; changes no result
	Epochs  int    `json:"epochs"`
	// Ensemble is the number of members that are trained, with seeds from Seed on, which share Time; 0
	// is one network by itself.
	Ensemble int `json:"ensemble,omitempty"`
	Batch    int `json:"batch"`
	// DropLast leaves out the smaller batch at an epoch's end.
	DropLast bool `json:"drop_last"`
	// Limit trains on that many images only, spread over the training set; 0 means all.
	Limit int `json:"limit"`
	// Val says which images choose the best weights and steer the schedule: a part, "val" or "test", or a fraction
	// of the training images that is held out, "0.1". Empty is the part val where there is one, and otherwise a
	// tenth, or a fifth of a few images.
	Val string `json:"val,omitempty"`
	// ValSeed decides which images are held out.
	ValSeed uint64 `json:"val_seed,omitempty"`
	// ValLimit evaluates on that many images only; 0 means all.
	ValLimit int `json:"val_limit"`
	// ClassWeights is "balanced" where each class has the same part of the loss, however many images it has, or
	// the weights themselves, "1,2.5,1"; empty is the same for each image.
	ClassWeights string `json:"class_weights,omitempty"`
	// Sampling is "balanced" where each class has the same part of an epoch: images of rare classes come several
	// times.
	Sampling string `json:"sampling,omitempty"`
	// Augment is what happens to training images, and to batches of them.
	Augment Augmentation `json:"augment"`
	// Resize and Crop prepare images of any size, in training, evaluation and prediction alike: the
	// shorter side is scaled to Resize pixels and the square of Crop pixels in the middle taken; 0 leaves
	// that out.
	Resize int `json:"resize,omitempty"`
	Crop   int `json:"crop,omitempty"`
	// Mean and Std normalise pixels from 0 to 1, one value for each channel or one for all; empty means the
	// data set's, or with Init those of the weights.
	Mean []float32 `json:"mean,omitempty"`
	Std  []float32 `json:"std,omitempty"`
	// Squash scales both sides to Resize, whatever the image's proportions.
	Squash bool `json:"squash,omitempty"`
	// Interpolation is the filter that scales images: "bicubic"; empty means bilinear. PixelScale is the
	// value of a white pixel, and the scale of Mean and Std; 0 means 1. Channels is "bgr" where the network
	// sees blue first. They are for initial weights that were trained so.
	Interpolation string  `json:"interpolation,omitempty"`
	PixelScale    float64 `json:"pixel_scale,omitempty"`
	Channels      string  `json:"channels,omitempty"`
	// SkipBroken goes on where an image cannot be decoded: training takes another in its place, an
	// evaluation leaves it out. Otherwise it ends the run.
	SkipBroken bool `json:"skip_broken,omitempty"`
	// EvalBatch is the batch size of evaluations; 0 means the usual for the size of the input.
	EvalBatch int `json:"eval_batch"`
	// Time ends the run when it has taken that long, the last evaluation included; 0 means no bound.
	// A resumed run gets the same time again.
	Time Duration `json:"time"`
	// Checkpoint is the time after which a run is saved in the middle of an epoch; it is saved at each
	// epoch's end anyway. 0 means never.
	Checkpoint Duration `json:"checkpoint"`
	// Keep keeps the weights after every so many epochs, and after the last, as weights/epoch-0001.safetensors
	// and so on; 0 keeps the best and the last alone.
	Keep int `json:"keep,omitempty"`

	// Init is the file of the initial weights; empty means new ones. Resize, Crop, Mean and Std are the
	// file's if all are left zero. Layers that differ by the number of classes alone are new.
	Init string `json:"init,omitempty"`
	// Initialiser is how new weights are drawn: "network", as the network's paper does, or "he" or
	// "glorot" for all weights, with biases of zero.
	Initialiser string `json:"initialiser"`
	// Freeze is a regular expression; parameters whose name it matches from the beginning stay as they are.
	// A batch normalisation whose running_mean or running_var it matches keeps both, and normalises by them
	// in training as well.
	Freeze string `json:"freeze,omitempty"`

	// Smoothing moves that part of the target's probability evenly to all classes (Szegedy et al.
	// 2015, arXiv:1512.00567, section 7).
	Smoothing float64 `json:"smoothing"`
	// SyncBatchNorm normalises by all images of a batch where several processes train together; otherwise each
	// normalises by its own.
	SyncBatchNorm bool `json:"sync_batch_norm,omitempty"`
	// Shares computes each batch in that many shares, whose gradients are added up in a fixed order: the weights have
	// the same bits for any number of processes, from one to Shares. Batch normalisation goes by each share, unless
	// it is synchronised. 0 leaves a batch whole, or to each process its part.
	Shares int `json:"shares,omitempty"`
	// Wire is how gradients go from process to process: float32, which empty means, or "bfloat16", half the bytes
	// with 8 significant bits.
	Wire string `json:"wire,omitempty"`
	// Overlap adds gradients up over the processes while the backward pass goes on. It changes no result.
	Overlap bool `json:"overlap,omitempty"`
	// LRBatch is the batch that the learning rate is meant for: other sizes scale it linearly (Goyal et al.
	// 2017, arXiv:1706.02677, section 2.1; schedule.warmup is the other half of it). 0 takes the rate as it is.
	LRBatch int `json:"lr_batch,omitempty"`
	// Accumulate makes one update of that many batches, by the mean of their gradients; 0 and 1 are each.
	Accumulate int `json:"accumulate,omitempty"`
	// EMA evaluates and saves a running average of the weights in place of the weights: each step keeps
	// that part of it, or (1+n)/(10+n) after n updates where that is less. 0 means none.
	EMA float64 `json:"ema,omitempty"`
	// EarlyStop ends the run after that many epochs without a better result; 0 means never.
	EarlyStop int       `json:"early_stop,omitempty"`
	Optimizer Optimizer `json:"optimizer"`
	Schedule  Schedule  `json:"schedule"`
}

// Optimizer are the settings of the weights' update; they mean what PyTorch's arguments mean.
type Optimizer struct {
	Name        string  `json:"name"` // one of Optimizers
	LR          float64 `json:"lr"`   // the base that the schedule starts from
	Momentum    float64 `json:"momentum"`
	Dampening   float64 `json:"dampening"`
	Nesterov    bool    `json:"nesterov"`
	WeightDecay float64 `json:"weight_decay"`
	// Of "adam" and "adamw", in place of momentum; schedules that change momentum change Beta1.
	Beta1 float64 `json:"beta1,omitempty"` // 0.9
	Beta2 float64 `json:"beta2,omitempty"` // 0.999
	Eps   float64 `json:"eps,omitempty"`   // 1e-8
	// Clip scales the gradient of all parameters together down to that norm (Pascanu et al. 2013,
	// arXiv:1211.5063); 0 means never.
	Clip float64 `json:"clip,omitempty"`
	// Rules are the exceptions. Those that match a parameter all act on it.
	Rules []Rule `json:"rules,omitempty"`
}

// A Rule treats some parameters otherwise than the rest: both factors multiply, 1 changes nothing.
type Rule struct {
	Match string  `json:"match,omitempty"` // regular expression, anywhere in the name; empty: every name
	Dims  int     `json:"dims,omitempty"`  // number of dimensions; 1: biases and batch normalisation; 0: any
	LR    float64 `json:"lr"`              // factor of the learning rate
	Decay float64 `json:"decay"`           // factor of the weight decay
}

// Schedule are the settings of the learning rate's schedule. A zero is the default that is named.
type Schedule struct {
	Name string `json:"name"` // one of Schedules
	// Warmup is the number of epochs in which the rate rises evenly from WarmupFrom times its value.
	Warmup     float64 `json:"warmup,omitempty"`
	WarmupFrom float64 `json:"warmup_from,omitempty"`
	// Milestones are the epochs at which "step" multiplies the rate by Gamma. Every is the number of
	// epochs between two multiplications, for "step" without milestones and "exponential" (1).
	Milestones []float64 `json:"milestones,omitempty"`
	Every      float64   `json:"every,omitempty"`
	Gamma      float64   `json:"gamma,omitempty"` // 0.1; "exponential": 0.96
	// Patience is the number of epochs without a gain that "plateau" waits through (3). A gain is at
	// least Threshold of the best error (0.0001). After a drop, Cooldown epochs count neither way.
	Patience  int     `json:"patience,omitempty"`
	Threshold float64 `json:"threshold,omitempty"`
	Cooldown  int     `json:"cooldown,omitempty"`
	// Final is the lowest rate as a fraction of the base, for "plateau", "cosine" and "polynomial".
	Final float64 `json:"final,omitempty"`
	Power float64 `json:"power,omitempty"` // of "polynomial" (1)
	// "onecycle" rises for the fraction Start of all steps (0.3) from 1/Div of the base (25) and falls
	// to 1/FinalDiv of that (10000); momentum goes the other way, between MomentumLow and MomentumHigh
	// unless both are 0.
	Start        float64 `json:"start,omitempty"`
	Div          float64 `json:"div,omitempty"`
	FinalDiv     float64 `json:"final_div,omitempty"`
	MomentumLow  float64 `json:"momentum_low,omitempty"`
	MomentumHigh float64 `json:"momentum_high,omitempty"`
}

// Adaptive reports whether each weight gets a step size of its own.
func (o Optimizer) Adaptive() bool { return o.Name == "adam" || o.Name == "adamw" }

// Duration is a [time.Duration] that JSON holds as "1h30m0s".
type Duration time.Duration

// MarshalText writes the duration as Go does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads a duration with its unit, such as 30m.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q: should be a time with its unit, such as 30m", text)
	}
	*d = Duration(v)
	return nil
}

// Complete returns the configuration with each zero that means a default replaced by it, so that what
// is written beside a run does not depend on the version's defaults.
func (c Config) Complete() Config {
	if c.Initialiser == "" {
		c.Initialiser = "network"
	}
	if c.Optimizer.Name == "" {
		c.Optimizer.Name = "sgd"
	}
	s := &c.Schedule
	if s.Name == "" {
		s.Name = "constant"
	}
	or := func(v *float64, standard float64) {
		if *v == 0 {
			*v = standard
		}
	}
	if o := &c.Optimizer; o.Adaptive() {
		or(&o.Beta1, 0.9)
		or(&o.Beta2, 0.999)
		or(&o.Eps, 1e-8)
	}
	switch s.Name {
	case "step":
		or(&s.Gamma, 0.1)
	case "plateau":
		or(&s.Gamma, 0.1)
		or(&s.Threshold, 1e-4)
		if s.Patience == 0 {
			s.Patience = 3
		}
	case "exponential":
		or(&s.Gamma, 0.96)
		or(&s.Every, 1)
	case "polynomial":
		or(&s.Power, 1)
	case "onecycle":
		or(&s.Start, 0.3)
		or(&s.Div, 25)
		or(&s.FinalDiv, 1e4)
	}
	return c
}

// Member is the configuration of a run's i-th member, from 1: the ensemble's with a seed of its own and
// its part of the time.
func (c Config) Member(i int) Config {
	c.Seed += uint64(i - 1)
	c.Time /= Duration(max(c.Ensemble, 1))
	c.Ensemble = 0
	return c
}

// WeightsOfClasses reads ClassWeights; nil if it is not a list of numbers.
func (c Config) WeightsOfClasses() ([]float32, error) {
	if c.ClassWeights == "" || c.ClassWeights == Balanced {
		return nil, nil
	}
	var list []float32
	sum := 0.0
	for text := range strings.SplitSeq(c.ClassWeights, ",") {
		v, err := strconv.ParseFloat(strings.TrimSpace(text), 32)
		if err != nil || !(v >= 0) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("class weight %q: should be a number of at least 0", text)
		}
		list, sum = append(list, float32(v)), sum+v
	}
	if sum == 0 {
		return nil, fmt.Errorf("class weights %s: one should be above 0", c.ClassWeights)
	}
	return list, nil
}

// A ConfigError is a setting with a value that cannot be.
type ConfigError struct {
	Key   string // as Config.Set takes it
	Value any
	Want  string
	Err   error // says it all in place of Value and Want, if it is not nil
}

// Unwrap returns Err.
func (e *ConfigError) Unwrap() error { return e.Err }

func (e *ConfigError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %v", e.Key, e.Err)
	}
	return fmt.Sprintf("%s %v: should be %s", e.Key, e.Value, e.Want)
}

// Validate returns an error that wraps a [ConfigError] for the first setting that is out of its range.
func (c Config) Validate() error {
	var first error
	check := func(ok bool, key string, value any, want string) {
		if !ok && first == nil {
			first = &ConfigError{Key: key, Value: value, Want: want}
		}
	}
	finite := func(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
	positive := func(v float64) bool { return v > 0 && finite(v) }
	below1 := func(v float64) bool { return v >= 0 && v < 1 }

	check(c.Network != "", "network", `""`, "the name of a network")
	check(len(c.Options) == 0 || json.Valid(c.Options), "options", string(c.Options), "JSON")
	check(c.Data != "", "data", `""`, "the name of a data set")
	check(c.Threads >= 0 && c.Threads <= 1024, "threads", c.Threads, "1 to 1024, or 0 for one a core")
	check(c.Epochs >= 1, "epochs", c.Epochs, "at least 1")
	check(c.Ensemble >= 0 && c.Ensemble <= 1000, "ensemble", c.Ensemble, "from 1 to 1000 members, or 0 for one network by itself")
	check(c.Batch >= 1, "batch", c.Batch, "at least 1")
	check(c.EvalBatch >= 0, "eval_batch", c.EvalBatch, "at least 1, or 0 for the usual")
	check(c.Limit >= 0, "limit", c.Limit, "at least 1, or 0 for all images")
	_, failed := c.WeightsOfClasses()
	check(failed == nil, "class_weights", quoted(c.ClassWeights), "balanced, numbers with commas between, or nothing")
	check(c.Sampling == "" || c.Sampling == Balanced, "sampling", quoted(c.Sampling), "balanced, or nothing")
	check(c.ClassWeights == "" || c.Sampling == "", "class_weights", quoted(c.ClassWeights), "nothing with balanced sampling, which has the same effect")
	check(c.ValLimit >= 0, "val_limit", c.ValLimit, "at least 1, or 0 for all images")
	check(c.Resize >= 0, "resize", c.Resize, "at least 1 pixel, or 0 for none")
	check(c.Crop >= 0, "crop", c.Crop, "at least 1 pixel, or 0 for none")
	for _, v := range c.Mean {
		check(finite(float64(v)), "mean", c.Mean, "numbers, one a channel or one for all")
	}
	for _, v := range c.Std {
		check(positive(float64(v)), "std", c.Std, "numbers above 0, one a channel or one for all")
	}
	check(c.Interpolation == "" || slices.Contains(Interpolations, strings.ToLower(c.Interpolation)), "interpolation", quoted(c.Interpolation), choice(c.Interpolation, Interpolations))
	check(c.PixelScale == 0 || positive(c.PixelScale), "pixel_scale", c.PixelScale, "above 0, such as 255, or 0 for 1")
	check(c.Channels == "" || c.Channels == "rgb" || c.Channels == "bgr", "channels", quoted(c.Channels), "rgb or bgr")
	check(c.Time >= 0, "time", time.Duration(c.Time), "above 0, or 0 for no bound")
	check(c.Checkpoint >= 0, "checkpoint", time.Duration(c.Checkpoint), "above 0, or 0 for each epoch's end only")
	check(below1(c.Smoothing), "smoothing", c.Smoothing, "from 0 to below 1")
	check(c.Accumulate >= 0, "accumulate", c.Accumulate, "at least 1")
	check(below1(c.EMA), "ema", c.EMA, "from 0 to below 1, such as 0.999")
	check(c.Shares >= 0 && c.Shares <= c.Batch, "shares", c.Shares, fmt.Sprintf("from 1 to the %d images of a batch, or 0 for none", c.Batch))
	check(c.Wire == "" || slices.Contains(Wires, c.Wire), "wire", quoted(c.Wire), choice(c.Wire, Wires))
	check(c.Shares == 0 || c.Wire != "bfloat16", "wire", quoted(c.Wire), "float32 with shares: what is rounded on its way depends on the number of processes")
	check(c.Shares == 0 || !c.Overlap, "overlap", c.Overlap, "false with shares, which are added up once all are there")
	check(c.Keep >= 0, "keep", c.Keep, "at least 1 epoch, or 0 for none")
	check(c.EarlyStop >= 0, "early_stop", c.EarlyStop, "at least 1 epoch, or 0 for never")
	check(slices.Contains(Initialisers, c.Initialiser), "initialiser", quoted(c.Initialiser), choice(c.Initialiser, Initialisers))
	_, err := regexp.Compile(c.Freeze)
	check(err == nil, "freeze", c.Freeze, fmt.Sprintf("a regular expression (%v)", err))

	o := c.Optimizer
	check(slices.Contains(Optimizers, o.Name), "optimizer.name", quoted(o.Name), choice(o.Name, Optimizers))
	check(positive(o.LR), "optimizer.lr", o.LR, "above 0")
	check(below1(o.Momentum), "optimizer.momentum", o.Momentum, "from 0 to below 1")
	check(o.Dampening >= 0 && o.Dampening <= 1, "optimizer.dampening", o.Dampening, "from 0 to 1")
	check(!o.Nesterov || o.Momentum > 0 && o.Dampening == 0, "optimizer.nesterov", o.Nesterov, "false without momentum or with dampening")
	check(o.WeightDecay >= 0 && finite(o.WeightDecay), "optimizer.weight_decay", o.WeightDecay, "at least 0")
	check(o.Clip >= 0 && finite(o.Clip), "optimizer.clip", o.Clip, "above 0, or 0 for never")
	if o.Adaptive() {
		check(below1(o.Beta1), "optimizer.beta1", o.Beta1, "from 0 to below 1")
		check(below1(o.Beta2), "optimizer.beta2", o.Beta2, "from 0 to below 1")
		check(positive(o.Eps), "optimizer.eps", o.Eps, "above 0")
		check(o.Momentum == 0, "optimizer.momentum", o.Momentum, "0 with "+o.Name+", which has optimizer.beta1")
	} else {
		for key, v := range map[string]float64{"optimizer.beta1": o.Beta1, "optimizer.beta2": o.Beta2, "optimizer.eps": o.Eps} {
			check(v == 0, key, v, "0 with "+o.Name+": it belongs to adam and adamw")
		}
	}
	for i, r := range o.Rules {
		key := fmt.Sprintf("optimizer.rules[%d]", i)
		_, err := regexp.Compile(r.Match)
		check(err == nil, key+".match", r.Match, fmt.Sprintf("a regular expression (%v)", err))
		check(r.Dims >= 0, key+".dims", r.Dims, "at least 1, or 0 for any")
		check(positive(r.LR), key+".lr", r.LR, "above 0 (1 changes nothing; freeze keeps parameters as they are)")
		check(r.Decay >= 0 && finite(r.Decay), key+".decay", r.Decay, "at least 0 (1 changes nothing)")
	}

	s := c.Schedule
	check(slices.Contains(Schedules, s.Name), "schedule.name", quoted(s.Name), choice(s.Name, Schedules))
	check(s.Warmup >= 0 && s.Warmup <= float64(c.Epochs), "schedule.warmup", s.Warmup, fmt.Sprintf("from 0 to the %d epochs of the run", c.Epochs))
	check(s.Warmup == 0 || s.Name != "onecycle", "schedule.warmup", s.Warmup, "0 with onecycle, which warms up by itself (schedule.start)")
	check(s.WarmupFrom >= 0 && s.WarmupFrom <= 1, "schedule.warmup_from", s.WarmupFrom, "from 0 to 1")
	switch s.Name {
	case "step":
		check(len(s.Milestones) > 0 != (s.Every > 0), "schedule.milestones", s.Milestones, "epochs in rising order, or schedule.every above 0 instead")
		for i, m := range s.Milestones {
			check(positive(m) && (i == 0 || m > s.Milestones[i-1]), "schedule.milestones", s.Milestones, "epochs in rising order")
		}
	case "exponential":
		check(positive(s.Every), "schedule.every", s.Every, "above 0")
	case "plateau":
		check(s.Patience >= 0, "schedule.patience", s.Patience, "at least 1")
		check(s.Cooldown >= 0, "schedule.cooldown", s.Cooldown, "at least 0")
		check(below1(s.Threshold), "schedule.threshold", s.Threshold, "from 0 to below 1")
	case "polynomial":
		check(positive(s.Power), "schedule.power", s.Power, "above 0")
	case "onecycle":
		check(s.Start > 0 && s.Start < 1, "schedule.start", s.Start, "between 0 and 1")
		check(s.Div >= 1 && finite(s.Div), "schedule.div", s.Div, "at least 1")
		check(s.FinalDiv >= 1 && finite(s.FinalDiv), "schedule.final_div", s.FinalDiv, "at least 1")
		check(below1(s.MomentumHigh), "schedule.momentum_high", s.MomentumHigh, "from 0 to below 1")
		check(s.MomentumLow >= 0 && s.MomentumLow <= s.MomentumHigh, "schedule.momentum_low", s.MomentumLow, "from 0 to schedule.momentum_high")
	}
	if s.Name == "step" || s.Name == "exponential" || s.Name == "plateau" {
		check(s.Gamma > 0 && s.Gamma < 1, "schedule.gamma", s.Gamma, "between 0 and 1")
	}
	check(below1(s.Final), "schedule.final", s.Final, "from 0 to below 1")
	return first
}

// OneOf returns a [ConfigError] if a name is none of those that a setting can have.
func OneOf(key, name string, of []string) error {
	if slices.Contains(of, name) {
		return nil
	}
	return &ConfigError{Key: key, Value: quoted(name), Want: choice(name, of)}
}

func choice(name string, of []string) string {
	if near := Nearest(name, of); near != "" {
		return fmt.Sprintf("one of %s; did you mean %q?", strings.Join(of, ", "), near)
	}
	return "one of " + strings.Join(of, ", ")
}

func quoted(s string) string { return fmt.Sprintf("%q", s) }
