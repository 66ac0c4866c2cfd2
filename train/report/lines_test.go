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
		0: "0.0s", 1400 * time.Millisecond: "1.4s", 59400 * time.Millisecond: "59s", 61 * time.Second: "1m01s", 3661 * time.Second: "1h01m", 26 * time.Hour: "26h00m",
	} {
		if got := Clock(d); got != want {
			t.Errorf("%v is %s, want %s", d, got, want)
		}
	}
}

func TestALineDoesNotEndBetweenANumberAndItsUnit(t *testing.T) {
	got := wrapped("train error 54.21 %, values 2.4 MB and 7 words", 18)
	if want := "train error\n54.21 %, values\n2.4 MB and 7 words"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
