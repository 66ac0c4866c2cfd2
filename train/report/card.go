package report

import (
	"fmt"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"path/filepath"
	"strings"
)

// A RunCard is what to know about a run. It is a Markdown text, the run's README.md.
type RunCard struct {
	Plan      Plan
	Result    Result
	Config    recipe.Config
	TrainData string // checksum of the training images
	ValData   string // of those that choose the best weights
	Command   string // that repeats the run; may be empty
}

// String writes the card.
func (c RunCard) String() string {
	var b strings.Builder
	p, r := c.Plan, c.Result
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	name := p.Network
	if p.Variant != "" {
		name += " (" + p.Variant + ")"
	}
	line("# %s on %s", Markdown(name), Markdown(p.Data))
	line("")
	switch r.Stopped {
	case "":
		line("Complete: %s, %s, %s.", Plural(c.Config.Epochs, "epoch"), stepsOf(r.Steps, p.Batch), Clock(Seconds(r.Seconds)))
	case "early stop":
		line("Ended after %.4g of %s, %s, %s: %s brought no better result.", r.Epochs, Plural(c.Config.Epochs, "epoch"), stepsOf(r.Steps, p.Batch), Clock(Seconds(r.Seconds)), Plural(c.Config.EarlyStop, "epoch"))
	case "time":
		line("Ended by its time after %.4g of %s, %s, %s.", r.Epochs, Plural(c.Config.Epochs, "epoch"), stepsOf(r.Steps, p.Batch), Clock(Seconds(r.Seconds)))
	default:
		line("Interrupted after %.4g of %s, %s, %s.", r.Epochs, Plural(c.Config.Epochs, "epoch"), stepsOf(r.Steps, p.Batch), Clock(Seconds(r.Seconds)))
	}
	if r.Stopped != "" && r.Stopped != "early stop" {
		line("It goes on with `zoo resume %s`.", r.Folder)
	}
	line("")
	if r.Last != nil {
		squared := r.Last.Val.Squared
		if squared {
			line("| Weights | Epoch | Validation images | Mean squared error | Sign right |")
			line("|---|---|---|---|---|")
		} else if objective := r.Last.Val.Objective; objective != "" {
			line("| Weights | Epoch | Validation images | %s%s | Error |", strings.ToUpper(objective[:1]), objective[1:])
			line("|---|---|---|---|---|")
		} else {
			line("| Weights | Epoch | Validation images | Loss | Top-1 error | Top-5 error |")
			line("|---|---|---|---|---|---|")
		}
		row := func(file string, e *Epoch) {
			if squared {
				line("| `%s` | %.4g | %s | %.4f | %s |", filepath.ToSlash(file), e.Epoch, Group(int64(e.Val.Images)), e.Val.Loss, Percent(1-e.Val.Top1))
				return
			}
			if e.Val.Objective != "" {
				wrong := ""
				if e.Val.Judged {
					wrong = Percent(e.Val.Top1)
				}
				line("| `%s` | %.4g | %s | %.4f | %s |", filepath.ToSlash(file), e.Epoch, Group(int64(e.Val.Images)), e.Val.Loss, wrong)
				return
			}
			line("| `%s` | %.4g | %s | %.4f | %s | %s |", filepath.ToSlash(file), e.Epoch, Group(int64(e.Val.Images)), e.Val.Loss, Percent(e.Val.Top1), e.Val.Top5)
		}
		row(BestFile, r.Best)
		if r.Last.Step == r.Steps {
			row(LastFile, r.Last)
		}
		line("")
		line("The best weights are those of the epoch with the lowest error on these same images, so that their error on others is a little higher. `zoo eval %s` measures it on the test images, where there are any.", filepath.ToSlash(r.Folder))
		line("")
	}
	if c.Config.EMA > 0 {
		line("The weights are their average over the updates, of which each keeps %g.", c.Config.EMA)
		line("")
	}
	if c.Command != "" {
		line("    %s", c.Command)
		line("")
		line("repeats it; so does `zoo train --config %s`.", filepath.ToSlash(filepath.Join(r.Folder, ConfigFile)))
		line("")
	}
	line("- %s parameters, %s multiply-adds an image, input %s", Group(p.Parameters), Group(p.MACs), Shape(p.Input))
	line("- %s training images, %s", Group(int64(p.Images)), c.TrainData)
	line("- %s validation images, %s", Group(int64(p.ValImages)), c.ValData)
	for _, note := range p.Notes {
		line("- %s", Markdown(note))
	}
	line("- recipe %s, seed %d, batch %d, %s, learning rate %g, schedule %s, augmentation %s", or(c.Config.Recipe, "of its own"), c.Config.Seed, c.Config.Batch, c.Config.Optimizer.Name, c.Config.Optimizer.LR, c.Config.Schedule.Name, or(c.Config.Augment.String(), "none"))
	line("- all settings: `%s`; machine and versions: `%s`; every epoch: `%s`", ConfigFile, EnvFile, MetricsFile)
	return b.String()
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
