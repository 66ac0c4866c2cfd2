package report

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
)

// Bar is an [Events] for a terminal: a progress bar over the whole run with loss, accuracy, speed and
// time left, and above it a line for each epoch.
type Bar struct {
	W io.Writer
	// Width is the number of columns of the terminal now; nil means 80.
	Width func() int

	lines Lines
	bar   *progressbar.ProgressBar
	shown time.Time
}

// refresh is how often the bar is drawn: text at every step would take longer than a small network's
// step.
const refresh = 100 * time.Millisecond

// Begin tells the plan and shows the bar.
func (b *Bar) Begin(p Plan) {
	b.lines = Lines{W: b.W, told: true}
	b.lines.Begin(p)
	b.bar = progressbar.NewOptions(p.Steps,
		progressbar.OptionSetWriter(b.W),
		progressbar.OptionSetWidth(7),
		progressbar.OptionSetPredictTime(false), // its own does not know of evaluations
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionShowDescriptionAtLineEnd(),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionUseANSICodes(true),
	)
	b.draw(p.Done, fmt.Sprintf("epoch 1/%d", p.Epochs))
}

func (b *Bar) draw(steps int, text string) {
	b.shown = time.Now()
	b.bar.Describe(text)
	if steps < b.bar.GetMax() { // at its maximum the bar would finish and draw no more
		b.bar.Set(steps)
	}
}

// Step moves the bar. Its text fits a line of 80 columns: a longer one would leave a line behind at
// each drawing.
func (b *Bar) Step(s Step) {
	if time.Since(b.shown) < refresh {
		return
	}
	loss, right := "loss", "acc"
	if s.Train.Squared {
		loss, right = "MSE", "sign"
	}
	text := fmt.Sprintf("epoch %d/%d, %s %.3f", s.Epoch, s.Epochs, loss, s.Train.Loss)
	if s.Train.Objective == "" || s.Train.Judged {
		text += fmt.Sprintf(", %s %.1f %%", right, 100*(1-s.Train.Top1))
	}
	text += fmt.Sprintf(", %s img/s", Group(int64(s.Rate)))
	b.draw(s.Step, text+b.left(s))
}

// Evaluate says how far the evaluation is.
func (b *Bar) Evaluate(p Progress) {
	if time.Since(b.shown) < refresh {
		return
	}
	b.draw(p.Step.Step, fmt.Sprintf("epoch %d/%d, evaluating %s of %s images%s", p.Step.Epoch, p.Step.Epochs, Group(int64(p.Done)), Group(int64(p.Total)), b.left(p.Step)))
}

func (b *Bar) left(s Step) string {
	if s.Left == 0 {
		return ""
	}
	return ", " + Clock(s.Left) + " left"
}

// Epoch writes the epoch's line above the bar.
func (b *Bar) Epoch(e Epoch, left time.Duration) {
	b.bar.Clear()
	b.lines.Epoch(e, left)
	b.shown = time.Time{}
}

// Broken writes lines above the bar.
func (b *Bar) Broken(list []datasets.BrokenImage) {
	b.bar.Clear()
	b.lines.Broken(list)
	b.shown = time.Time{}
}

// Warn writes a line above the bar.
func (b *Bar) Warn(text string) {
	b.bar.Clear()
	b.lines.Warn(text)
	b.shown = time.Time{}
}

// Saved writes a line above the bar.
func (b *Bar) Saved(folder string) {
	b.bar.Clear()
	b.lines.Saved(folder)
	b.shown = time.Time{}
}

// End takes the bar away.
func (b *Bar) End(Result) { b.Close() }

// Close takes the bar away, after an error too.
func (b *Bar) Close() {
	if b.bar != nil {
		b.bar.Clear()
	}
}
