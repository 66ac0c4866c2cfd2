package train

import (
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"math"
)

// Hyper is what an update is made with and a schedule changes.
type Hyper struct {
	LR, Momentum float64
}

// A Scheduler is a schedule at work. What it must remember are its exported fields: its JSON is its
// state. All but "plateau" are functions of the step alone.
type Scheduler interface {
	// At returns the rate and the momentum of a step, from 0.
	At(step int) Hyper
	// Observe is told the error, or the loss where there are no classes, after each epoch's evaluation.
	Observe(err float64)
}

// NewScheduler returns the schedule at work, from base over epochs of some steps each. The schedule must be
// complete and valid (see [Config.Complete]).
func NewScheduler(s recipe.Schedule, base Hyper, stepsPerEpoch, epochs int) Scheduler {
	c := schedule{s: s, base: base, perEpoch: stepsPerEpoch, steps: stepsPerEpoch * epochs}
	c.warm = int(math.Round(s.Warmup * float64(stepsPerEpoch)))
	switch s.Name {
	case "step":
		return &stepwise{c}
	case "exponential":
		return &exponential{c}
	case "plateau":
		return &Plateau{schedule: c, Factor: 1}
	case "polynomial":
		return &polynomial{c}
	case "cosine":
		return &cosine{c}
	case "onecycle":
		return &oneCycle{c}
	}
	return &constant{c}
}

// A schedule is what all of them share: the warm-up.
type schedule struct {
	s                     recipe.Schedule
	base                  Hyper
	perEpoch, steps, warm int
}

func (c *schedule) Observe(float64) {}

// scaled is the base with its rate times the factor, and the warm-up's factor (PyTorch's LinearLR).
func (c *schedule) scaled(step int, factor float64) Hyper {
	if step < c.warm {
		factor *= c.s.WarmupFrom + (1-c.s.WarmupFrom)*float64(step)/float64(c.warm)
	}
	return Hyper{c.base.LR * factor, c.base.Momentum}
}

// done is the part of the run after the warm-up that lies before a step, from 0 to 1.
func (c *schedule) done(step int) float64 {
	return min(max(float64(step-c.warm), 0)/float64(max(c.steps-c.warm, 1)), 1)
}

// drops is how often a rate that drops every so many epochs has dropped before a step.
func (c *schedule) drops(step int) int { return int(float64(step) / (c.s.Every * float64(c.perEpoch))) }

type constant struct{ schedule }

func (c *constant) At(step int) Hyper { return c.scaled(step, 1) }

// stepwise is PyTorch's MultiStepLR and StepLR. Milestones count from the run's beginning.
type stepwise struct{ schedule }

func (c *stepwise) At(step int) Hyper {
	n := 0
	if len(c.s.Milestones) == 0 {
		n = c.drops(step)
	}
	for _, m := range c.s.Milestones {
		if step >= int(math.Round(m*float64(c.perEpoch))) {
			n++
		}
	}
	return c.scaled(step, math.Pow(c.s.Gamma, float64(n)))
}

// exponential is PyTorch's ExponentialLR, with a drop every so many epochs.
type exponential struct{ schedule }

func (c *exponential) At(step int) Hyper {
	return c.scaled(step, math.Pow(c.s.Gamma, float64(c.drops(step))))
}

// polynomial is PyTorch's PolynomialLR, step by step, and Caffe's "poly".
type polynomial struct{ schedule }

func (c *polynomial) At(step int) Hyper {
	f := c.s.Final
	return c.scaled(step, f+(1-f)*math.Pow(1-c.done(step), c.s.Power))
}

// cosine is PyTorch's CosineAnnealingLR, step by step (Loshchilov & Hutter, arXiv:1608.03983).
type cosine struct{ schedule }

func (c *cosine) At(step int) Hyper {
	f := c.s.Final
	return c.scaled(step, f+(1-f)*(1+math.Cos(math.Pi*c.done(step)))/2)
}

// oneCycle is PyTorch's OneCycleLR with its two phases along cosines (Smith & Topin, arXiv:1708.07120).
type oneCycle struct{ schedule }

func (c *oneCycle) At(step int) Hyper {
	first := c.base.LR / c.s.Div
	last := first / c.s.FinalDiv
	up := c.s.Start*float64(c.steps) - 1
	x, end := float64(step), float64(c.steps-1)
	along := func(from, to, part float64) float64 { return to + (from-to)/2*(1+math.Cos(math.Pi*part)) }
	set := Hyper{Momentum: c.base.Momentum}
	cycled := c.s.MomentumHigh > 0
	// A rise of less than a step is none: the fall begins at once.
	if x <= up && up > 0 {
		set.LR = along(first, c.base.LR, x/up)
		if cycled {
			set.Momentum = along(c.s.MomentumHigh, c.s.MomentumLow, x/up)
		}
		return set
	}
	part := 1.0
	if end > up {
		part = min((x-up)/(end-up), 1)
	}
	set.LR = along(c.base.LR, last, part)
	if cycled {
		set.Momentum = along(c.s.MomentumLow, c.s.MomentumHigh, part)
	}
	return set
}

// Plateau is PyTorch's ReduceLROnPlateau with a relative threshold: the rate drops when the error has
// not improved for more than Patience epochs.
type Plateau struct {
	schedule
	Factor float64  `json:"factor"`         // of the base rate, now
	Best   *float64 `json:"best,omitempty"` // lowest error so far
	Bad    int      `json:"bad"`            // epochs since then
	Cool   int      `json:"cool"`           // epochs that will not count
}

// At returns the rate and the momentum of a step.
func (p *Plateau) At(step int) Hyper { return p.scaled(step, p.Factor) }

// Observe counts an epoch, and drops the rate when there were too many without a gain.
func (p *Plateau) Observe(err float64) {
	if p.Best == nil || err < *p.Best*(1-p.s.Threshold) {
		p.Best, p.Bad = &err, 0
	} else {
		p.Bad++
	}
	if p.Cool > 0 {
		p.Cool--
		p.Bad = 0
	}
	if p.Bad > p.s.Patience {
		p.Factor = max(p.Factor*p.s.Gamma, p.s.Final)
		p.Cool, p.Bad = p.s.Cooldown, 0
	}
}
