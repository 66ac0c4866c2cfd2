package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
)

// Bar is an [Events] for a terminal: a progress bar over the whole run with loss, error, speed and
// time left, and above it a line for each epoch.
type Bar struct {
	W io.Writer // nil for none
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
	if b.W == nil {
		b.W = io.Discard
	}
	b.lines = Lines{W: b.W, told: true, Width: b.Width}
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
	b.draw(p.Done, b.fit([]string{fmt.Sprintf("%s of %s steps done", Group(int64(p.Done)), Group(int64(p.Steps)))}, []int{0}))
}

func (b *Bar) draw(steps int, text string) {
	b.shown = time.Now()
	b.bar.Describe(text)
	if steps < b.bar.GetMax() { // at its maximum the bar would finish and draw no more
		b.bar.Set(steps)
	}
}

// around are the columns that the bar takes beside its text.
const around = 18

// fit joins pieces as they stand, as many as there is room for in a line: a longer one would leave a line behind at each
// drawing. Rank says in which order they are left out, the last first.
func (b *Bar) fit(pieces []string, rank []int) string {
	room := 80
	if b.Width != nil {
		room = b.Width()
	}
	room -= around
	keep := make([]bool, len(pieces))
	join := func() string {
		var list []string
		for i, p := range pieces {
			if keep[i] {
				list = append(list, p)
			}
		}
		return strings.Join(list, ", ")
	}
	for _, i := range rank {
		if pieces[i] == "" {
			continue
		}
		if keep[i] = true; len(join()) > room {
			keep[i] = false
		}
	}
	return join()
}

// Step moves the bar.
func (b *Bar) Step(s Step) {
	if time.Since(b.shown) < refresh {
		return
	}
	loss, wrong := "loss", fmt.Sprintf("error %.1f %%", 100*s.Train.Top1)
	if s.Train.Squared {
		loss, wrong = "MSE", fmt.Sprintf("sign right %.1f %%", 100*(1-s.Train.Top1))
	}
	if s.Train.Objective != "" && !s.Train.Judged {
		wrong = ""
	}
	b.draw(s.Step, b.fit([]string{
		fmt.Sprintf("epoch %d/%d", s.Epoch, s.Epochs), fmt.Sprintf("%s %.3f", loss, s.Train.Loss), wrong, Group(int64(s.Rate)) + " img/s", left(s),
	}, []int{0, 4, 1, 2, 3}))
}

// Evaluate says how far the evaluation is.
func (b *Bar) Evaluate(p Progress) {
	if time.Since(b.shown) < refresh {
		return
	}
	b.draw(p.Step.Step, b.fit([]string{
		fmt.Sprintf("epoch %d/%d", p.Step.Epoch, p.Step.Epochs), "evaluating", fmt.Sprintf("%s of %s images", Group(int64(p.Done)), Group(int64(p.Total))), left(p.Step),
	}, []int{0, 1, 3, 2}))
}

func left(s Step) string {
	if s.Left == 0 {
		return ""
	}
	return Clock(s.Left) + " left"
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
