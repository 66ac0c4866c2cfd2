package report

import (
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
)

// Lines is an [Events] that writes one plain line for each epoch, and one with the time that the run
// will take as soon as that is known, if it is long.
type Lines struct {
	W     io.Writer // nil for none
	Stamp bool      // each line begins with the time
	// Width is the number of columns that lines are broken at, between words; nil means that they are not.
	Width func() int

	told   bool
	digits int // of the number of epochs
}

// Print writes a line.
func (l *Lines) Print(format string, args ...any) {
	if l.W == nil {
		return
	}
	text := fmt.Sprintf(format, args...)
	if l.Stamp {
		text = time.Now().UTC().Format("2006-01-02 15:04:05 ") + text
	}
	if text = Plain(text); l.Width != nil {
		text = wrapped(text, l.Width())
	}
	fmt.Fprintln(l.W, text)
}

// unit is a space between a number and what it counts in, where no line may end.
var unit = regexp.MustCompile(`(\d) (%|B|KB|MB|GB)`)

// wrapped puts a text that is wider than a terminal into several lines, between words.
func wrapped(text string, width int) string {
	const held = "\u00a0"
	var b strings.Builder
	at := 0
	for word := range strings.SplitSeq(unit.ReplaceAllString(text, "$1"+held+"$2"), " ") {
		n := utf8.RuneCountInString(word)
		switch {
		case at > 0 && at+1+n > width:
			b.WriteByte('\n')
			at = 0
		case at > 0:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += n
	}
	return strings.ReplaceAll(b.String(), held, " ")
}

// Begin tells the plan.
func (l *Lines) Begin(p Plan) {
	l.digits = len(strconv.Itoa(p.Epochs))
	for line := range strings.Lines(p.String()) {
		l.Print("%s", strings.TrimSuffix(line, "\n"))
	}
}

// Step tells the time left, once.
func (l *Lines) Step(s Step) {
	if l.told || s.Batch < 3 || s.Left == 0 {
		return
	}
	if float64(s.Train.Images) < 5*s.Rate { // less than five seconds measured
		return
	}
	l.told = true
	if s.Left > time.Minute {
		l.Print("step %s of %s: loss %.4f, %s images/s, about %s left", Group(int64(s.Step)), Group(int64(s.Steps)), s.Train.Loss, Group(int64(s.Rate)), Clock(s.Left))
	}
}

// Evaluate tells nothing.
func (l *Lines) Evaluate(Progress) {}

// Epoch tells the epoch's results.
func (l *Lines) Epoch(e Epoch, left time.Duration) {
	l.Print("%s", l.row(e, left))
}

func (l *Lines) row(e Epoch, left time.Duration) string {
	what := fmt.Sprintf("loss %.4f, train error %s, val loss %.4f, val error %s", e.Train.Loss, Percent(e.Train.Top1), e.Val.Loss, Percent(e.Val.Top1))
	if e.Val.Squared || e.Val.Objective != "" {
		what = fmt.Sprintf("train %s, val %s", e.Train.Result(), e.Val.Result())
	}
	text := fmt.Sprintf("epoch %*s: %s, %s images/s, %s", l.digits, strconv.FormatFloat(e.Epoch, 'f', min(2, decimals(e.Epoch)), 64),
		what, Group(int64(e.Rate)), Clock(Seconds(e.Seconds)))
	if left > 0 {
		text += ", " + Clock(left) + " left"
	}
	if e.Best {
		text += ", best"
	}
	return text
}

func decimals(x float64) int {
	if x == float64(int64(x)) {
		return 0
	}
	return 2
}

// brokenShown is how many images Broken names.
const brokenShown = 20

// Broken names images that were skipped.
func (l *Lines) Broken(list []datasets.BrokenImage) {
	for _, b := range list[:min(len(list), brokenShown)] {
		l.Print("left out: %s", Words(b.Err))
	}
	if more := len(list) - brokenShown; more > 0 {
		l.Print("left out: %s more images that cannot be read; zoo data verify names all", Group(int64(more)))
	}
}

// Warn tells what went wrong.
func (l *Lines) Warn(text string) { l.Print("warning: %s", text) }

// Saved tells that the run is safe.
func (l *Lines) Saved(folder string) { l.Print("saved %s", folder) }

// End tells how the run ended, in the log only: a caller prints the result itself.
func (l *Lines) End(r Result) {
	if !l.Stamp {
		return
	}
	text := "complete"
	if r.Stopped != "" {
		text = r.Stopped
	}
	if r.Best != nil {
		what := "error " + Percent(r.Best.Val.Top1)
		if r.Best.Val.Squared || r.Best.Val.Objective != "" {
			what = r.Best.Val.Result()
		}
		text += fmt.Sprintf(", best val %s after epoch %.4g", what, r.Best.Epoch)
	}
	l.Print("%s", text)
}

// String tells the plan in a few lines.
func (p Plan) String() string {
	name := p.Network
	if p.Variant != "" {
		name += " (" + p.Variant + ")"
	}
	m, frozen := p.Memory, ""
	if p.Frozen > 0 {
		frozen = fmt.Sprintf(" (%s frozen)", Group(p.Frozen))
	}
	text := fmt.Sprintf("%s on %s: %s parameters%s, %s multiply-adds an image; %s training and %s validation images of %s\n", name, p.Data,
		Group(p.Parameters), frozen, Group(p.MACs), Group(int64(p.Images)), Group(int64(p.ValImages)), Shape(p.Input))
	text += fmt.Sprintf("%s, %s, %s; %v", Plural(p.Epochs, "epoch"), stepsOf(p.Steps, p.Batch), Plural(p.Threads, "thread"), m)
	if p.Disk > 0 {
		text += ", disk up to " + Bytes(p.Disk)
	}
	// A step's way back multiplies about twice as much as its way forward.
	work := float64(p.MACs) * float64(p.Epochs) * (3*float64(p.Images) + float64(p.ValImages))
	text += fmt.Sprintf("\nabout %.3g tera multiply-adds in all, evaluations included", work/1e12)
	for _, note := range p.Notes {
		text += "\n" + Plain(note)
	}
	if p.Begins != "" {
		text += "\n" + p.Begins
	}
	if p.Done > 0 {
		text += fmt.Sprintf("\ngoing on after step %s", Group(int64(p.Done)))
	}
	if p.Folder != "" {
		text += "\nrun folder " + p.Folder
	}
	return text + "\n"
}

// String tells the sum and its parts.
func (m Memory) String() string {
	return fmt.Sprintf("memory %s (parameters %s, optimiser %s, values %s, packed %s, batches %s)",
		Bytes(m.Total()), Bytes(m.Parameters), Bytes(m.Optimizer), Bytes(m.Values), Bytes(m.Packed), Bytes(m.Loader))
}

// Bytes writes a size in bytes, KB of 2¹⁰ or MB of 2²⁰ of them.
func Bytes(n int64) string {
	kb := float64(n) / (1 << 10)
	switch mb := kb / (1 << 10); {
	case mb >= 10:
		return Group(int64(mb+0.5)) + " MB"
	case mb >= 1:
		return fmt.Sprintf("%.1f MB", mb)
	case kb >= 10:
		return Group(int64(kb+0.5)) + " KB"
	case kb >= 1:
		return fmt.Sprintf("%.1f KB", kb)
	}
	return strconv.FormatInt(n, 10) + " B"
}

// Group writes a number with commas, 61,100,840.
func Group(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Shape writes 3×227×227.
func Shape(s [3]int) string { return fmt.Sprintf("%d×%d×%d", s[0], s[1], s[2]) }

// Clock writes a duration to the second, or to the tenth below ten of them, and from an hour on to the minute.
func Clock(d time.Duration) string {
	if d >= 10*time.Second {
		d = d.Round(time.Second)
	}
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0fs", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	}
	d = d.Round(time.Minute)
	return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
}

// Seconds is that many seconds as a duration.
func Seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// stepsOf tells so many steps of a batch: 1 step of 64 images.
func stepsOf(steps, batch int) string {
	return Plural(steps, "step") + " of " + Plural(batch, "image")
}

// Plural counts: 1 epoch, 2 epochs, 1,000 epochs.
func Plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	if strings.HasSuffix(what, "s") {
		what += "e"
	}
	return Group(int64(n)) + " " + what + "s"
}
