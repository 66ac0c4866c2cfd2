package report

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

var demoPlan = Plan{
	Folder: "runs/lenet5-x/001", Network: "lenet5", Variant: "modern", Data: "x", Images: 10000, ValImages: 2000, Input: [3]int{1, 28, 28},
	Batch: 64, Epochs: 20, Steps: 3140, Threads: 2, Parameters: 61706, MACs: 416520,
	Memory: Memory{Parameters: 1 << 20, Optimizer: 1 << 20, Values: 20 << 20, Loader: 1 << 20},
}

var demoEpoch = Epoch{Epoch: 3, Step: 471, LR: 0.1, Train: Metrics{Images: 10000, Loss: 0.5, Top1: 0.2, Top5: Some(0.01)}, Val: Metrics{Images: 2000, Loss: 0.625, Top1: 0.1875, Top5: Some(0.005)}, Seconds: 75, Rate: 25000, Best: true}

func TestLinesTellOneLineAnEpoch(t *testing.T) {
	var b bytes.Buffer
	l := &Lines{W: &b}
	l.Begin(demoPlan)
	for step := range 1000 {
		l.Step(Step{Epoch: 1, Epochs: 20, Batch: step, Step: step, Steps: 3140, Train: Metrics{Images: 64 * step, Loss: 2.25}, Rate: 2000, Left: 100 * time.Second})
	}
	l.Evaluate(Progress{Done: 100, Total: 2000})
	l.Epoch(demoEpoch, 65*time.Second)
	l.End(Result{})
	want := `lenet5 (modern) on x: 61,706 parameters, 416,520 multiply-adds an image; 10,000 training and 2,000 validation images of 1×28×28
20 epochs, 3,140 steps of 64 images, 2 threads; memory 23 MB (parameters 1.0 MB, optimiser 1.0 MB, values 20 MB, packed 0 B, batches 1.0 MB)
about 0.267 tera multiply-adds in all, evaluations included
run folder runs/lenet5-x/001
step 157 of 3,140: loss 2.2500, 2,000 images/s, about 1m40s left
epoch  3: loss 0.5000, train error 20.00 %, val loss 0.6250, val error 18.75 %, 25,000 images/s, 1m15s, 1m05s left, best
`
	if got := b.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestNotesOfAPlanStayOnALineEach(t *testing.T) {
	p := demoPlan
	p.Notes = []string{"left out beside the parts: new\nline"}
	if want := "\nleft out beside the parts: new\\nline\nrun folder"; !strings.Contains(p.String(), want) {
		t.Errorf("got %q: want %q in it", p, want)
	}
}

func TestTheBarWritesEpochsAboveItself(t *testing.T) {
	var b bytes.Buffer
	bar := &Bar{W: &b}
	bar.Begin(demoPlan)
	bar.shown = time.Time{}
	bar.Step(Step{Epoch: 1, Epochs: 20, Batch: 10, Batches: 157, Step: 10, Steps: 3140, Train: Metrics{Images: 640, Loss: 2.25, Top1: 0.75, Top5: Some(0.2)}, Rate: 2000, Left: 100 * time.Second})
	bar.shown = time.Time{}
	bar.Evaluate(Progress{1000, 2000, Step{Epoch: 1, Epochs: 20, Step: 157}})
	bar.Epoch(demoEpoch, time.Minute)
	bar.End(Result{})
	for _, want := range []string{"epoch 1/20, loss 2.250, error 75.0 %, 2,000 img/s, 1m40s left", "evaluating, 1,000 of 2,000 images", "val error 18.75 %"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in what the bar wrote:\n%q", want, b.String())
		}
	}
}

func TestNumbersAndTimesForPeople(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 61100840: "61,100,840", -1234: "-1,234", -123: "-123"} {
		if got := Group(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "0.0s", 1400 * time.Millisecond: "1.4s", 9900 * time.Millisecond: "9.9s", 10 * time.Second: "10s", 59400 * time.Millisecond: "59s", 59600 * time.Millisecond: "1m00s", time.Minute: "1m00s",
		61 * time.Second: "1m01s", 59*time.Minute + 59*time.Second: "59m59s", time.Hour - 300*time.Millisecond: "1h00m", time.Hour: "1h00m", 3661 * time.Second: "1h01m", 2*time.Hour - time.Second: "2h00m", 26 * time.Hour: "26h00m",
	} {
		if got := Clock(d); got != want {
			t.Errorf("%v is %s, want %s", d, got, want)
		}
	}
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KB", 1536: "1.5 KB", 10<<10 - 1: "10.0 KB", 10 << 10: "10 KB", 10<<10 + 512: "11 KB", 1<<20 - 1: "1,024 KB", 1 << 20: "1.0 MB", 10 << 20: "10 MB", 10<<20 + 1<<19: "11 MB", 5 << 30: "5,120 MB",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("%d bytes are %s, want %s", n, got, want)
		}
	}
	for want, got := range map[string]string{
		"0 epochs": Plural(0, "epoch"), "1 epoch": Plural(1, "epoch"), "2 epochs": Plural(2, "epoch"), "1,000 epochs": Plural(1000, "epoch"), "1 class": Plural(1, "class"), "3 classes": Plural(3, "class"),
		"1h30m": Clock(Seconds(5400)), "0.5s": Clock(Seconds(.5)), "1.00 %": Percent(.01), "1×2×3": Shape([3]int{1, 2, 3}),
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// A part of an epoch has two digits; speed and time left are told when five seconds were measured and more than a minute is left.
func TestLinesTellWhatIsKnown(t *testing.T) {
	l := &Lines{digits: 2}
	for epoch, want := range map[float64]string{3: "epoch  3: ", 12: "epoch 12: ", 1.5: "epoch 1.50: ", 2.625: "epoch 2.62: "} {
		if got := l.row(Epoch{Epoch: epoch}, 0); !strings.HasPrefix(got, want) || strings.Contains(got, "left") || strings.Contains(got, "best") {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := l.row(Epoch{Epoch: 1, Best: true}, 90*time.Second); !strings.HasSuffix(got, ", 0.0s, 1m30s left, best") {
		t.Errorf("%q", got)
	}
	step := func(batch, images int, left time.Duration) Step {
		return Step{Step: 7, Steps: 1000, Batch: batch, Train: Metrics{Images: images, Loss: 0.5}, Rate: 100, Left: left}
	}
	for _, c := range []struct {
		name string
		s    Step
		says bool
		told bool // nothing is told any more
	}{
		{"nothing is known of what is left", step(9, 900, 0), false, false},
		{"less than three batches", step(2, 900, time.Hour), false, false},
		{"the third", step(3, 900, time.Hour), true, true},
		{"less than five seconds", step(9, 499, time.Hour), false, false},
		{"five seconds", step(9, 500, time.Hour), true, true},
		{"a minute is left", step(9, 500, time.Minute), false, true},
		{"more than a minute", step(9, 500, time.Minute+time.Second), true, true},
	} {
		var b bytes.Buffer
		l := &Lines{W: &b}
		l.Step(c.s)
		if says := b.Len() > 0; says != c.says || l.told != c.told {
			t.Errorf("%s: %q, told %v", c.name, b.String(), l.told)
		}
		if c.says && b.String() != "step 7 of 1,000: loss 0.5000, 100 images/s, about "+Clock(c.s.Left)+" left\n" {
			t.Errorf("%s: %q", c.name, b.String())
		}
		n := b.Len()
		l.Step(step(9, 900, time.Hour))
		if again := b.Len() > n; again == c.told {
			t.Errorf("%s: told again: %v", c.name, again)
		}
	}
}

// Pieces of a line are left out from the least important one on, each that still fits stays.
func TestALineOfTheBarHasWhatFits(t *testing.T) {
	pieces := []string{"first", "second", "", "fourth"}
	for _, c := range []struct {
		room int
		rank []int
		want string
	}{
		{21, []int{0, 1, 2, 3}, "first, second, fourth"}, {20, []int{0, 1, 2, 3}, "first, second"}, {13, []int{3, 0, 1, 2}, "first, fourth"}, {12, []int{3, 0, 1, 2}, "fourth"}, {4, []int{0, 1, 2, 3}, ""}, {0, []int{0, 1, 2, 3}, ""},
		{14, []int{1, 0, 3, 2}, "first, second"},
	} {
		b := &Bar{Width: func() int { return c.room + around }}
		if got := b.fit(pieces, c.rank); got != c.want {
			t.Errorf("%d columns in the order %v: %q, want %q", c.room, c.rank, got, c.want)
		}
	}
	if got := new(Bar).fit([]string{strings.Repeat("x", 80-around)}, []int{0}); got == "" {
		t.Error("80 columns are not taken where none are known")
	}
}

func TestALineDoesNotEndBetweenANumberAndItsUnit(t *testing.T) {
	got := wrapped("train error 54.21 %, values 2.4 MB and 7 words", 18)
	if want := "train error\n54.21 %, values\n2.4 MB and 7 words"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestALineThatJustFitsStaysWhole(t *testing.T) {
	for width, want := range map[int]string{7: "one two\nthree", 6: "one\ntwo\nthree", 13: "one two three", 12: "one two\nthree", 1: "one\ntwo\nthree"} {
		if got := wrapped("one two three", width); got != want {
			t.Errorf("%d columns: %q, want %q", width, got, want)
		}
	}
}

func TestOneStepIsNoSteps(t *testing.T) {
	for want, got := range map[string]string{
		"1 step of 1 image":        stepsOf(1, 1),
		"1 step of 64 images":      stepsOf(1, 64),
		"2,000 steps of 1 image":   stepsOf(2000, 1),
		"1,000 steps of 16 images": stepsOf(1000, 16),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if plan := (Plan{Epochs: 1, Steps: 1, Batch: 8, Threads: 1}).String(); !strings.Contains(plan, "1 epoch, 1 step of 8 images, 1 thread;") {
		t.Error(plan)
	}
}
