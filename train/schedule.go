package train

import (
	"math"
)

// Schedules are the names that [Schedule] knows.
var Schedules = []string{"constant", "step", "plateau", "polynomial", "exponential", "cosine", "onecycle"}

// A Setting is what a step's update is made with.
type Setting struct {
	LR, Momentum float64
}

// A Course is a schedule at work. What it must remember are its exported fields: its JSON is its
// state. All but "plateau" are functions of the step alone.
type Course interface {
	// At returns the setting of a step, from 0.
	At(step int) Setting
	// Observe is told the error, or the loss where there are no classes, after each epoch's evaluation.
	Observe(err float64)
}

// Course returns the schedule's course from base over epochs of some steps each. The schedule must be
// complete and valid (see [Config.Complete]).
func (s Schedule) Course(base Setting, stepsPerEpoch, epochs int) Course {
	c := course{s: s, base: base, perEpoch: stepsPerEpoch, steps: stepsPerEpoch * epochs}
	c.warm = int(math.Round(s.Warmup * float64(stepsPerEpoch)))
	switch s.Name {
	case "step":
		return &stepwise{c}
	case "exponential":
		return &exponential{c}
	case "plateau":
		return &Plateau{course: c, Factor: 1}
	case "polynomial":
		return &polynomial{c}
	case "cosine":
		return &cosine{c}
	case "onecycle":
		return &oneCycle{c}
	}
	return &constant{c}
}

// course is what all schedules share: the warm-up.
type course struct {
	s                     Schedule
	base                  Setting
	perEpoch, steps, warm int
}

func (c *course) Observe(float64) {}

// scaled is the base with its rate times the factor, and the warm-up's factor (PyTorch's LinearLR).
func (c *course) scaled(step int, factor float64) Setting {
	if step < c.warm {
		factor *= c.s.WarmupFrom + (1-c.s.WarmupFrom)*float64(step)/float64(c.warm)
	}
	return Setting{c.base.LR * factor, c.base.Momentum}
}

// done is the part of the run after the warm-up that lies before a step, from 0 to 1.
func (c *course) done(step int) float64 {
	return min(max(float64(step-c.warm), 0)/float64(max(c.steps-c.warm, 1)), 1)
}

// drops is how often a rate that drops every so many epochs has dropped before a step.
func (c *course) drops(step int) int { return int(float64(step) / (c.s.Every * float64(c.perEpoch))) }

type constant struct{ course }

func (c *constant) At(step int) Setting { return c.scaled(step, 1) }

// stepwise is PyTorch's MultiStepLR and StepLR. Milestones count from the run's beginning.
type stepwise struct{ course }

func (c *stepwise) At(step int) Setting {
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
type exponential struct{ course }

func (c *exponential) At(step int) Setting {
	return c.scaled(step, math.Pow(c.s.Gamma, float64(c.drops(step))))
}

// polynomial is PyTorch's PolynomialLR, step by step, and Caffe's "poly".
type polynomial struct{ course }

func (c *polynomial) At(step int) Setting {
	f := c.s.Final
	return c.scaled(step, f+(1-f)*math.Pow(1-c.done(step), c.s.Power))
}

// cosine is PyTorch's CosineAnnealingLR, step by step (Loshchilov & Hutter, arXiv:1608.03983).
type cosine struct{ course }

func (c *cosine) At(step int) Setting {
	f := c.s.Final
	return c.scaled(step, f+(1-f)*(1+math.Cos(math.Pi*c.done(step)))/2)
}

// oneCycle is PyTorch's OneCycleLR with its two phases along cosines (Smith & Topin, arXiv:1708.07120).
type oneCycle struct{ course }

func (c *oneCycle) At(step int) Setting {
	first := c.base.LR / c.s.Div
	last := first / c.s.FinalDiv
	up := c.s.Start*float64(c.steps) - 1
	x, end := float64(step), float64(c.steps-1)
	along := func(from, to, part float64) float64 { return to + (from-to)/2*(1+math.Cos(math.Pi*part)) }
	set := Setting{Momentum: c.base.Momentum}
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
	course
	Factor float64  `json:"factor"`         // of the base rate, now
	Best   *float64 `json:"best,omitempty"` // lowest error so far
	Bad    int      `json:"bad"`            // epochs since then
	Cool   int      `json:"cool"`           // epochs that will not count
}

// At returns the setting of a step.
func (p *Plateau) At(step int) Setting { return p.scaled(step, p.Factor) }

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
