package main

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/train"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/alphago"
)

// cells are the lines of tables and texts with single spaces, without the lines that are drawn.
func cells(text string) []string {
	var list []string
	for line := range strings.Lines(text) {
		if line = strings.Join(strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\n' || r == '─' }), " "); line != "" {
			list = append(list, line)
		}
	}
	return list
}

func expect(t *testing.T, what, text string, want ...string) {
	t.Helper()
	if got := cells(text); !slices.Equal(got, want) {
		t.Errorf("%s:\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// An evaluation is printed with every number in its place; all are different.
func TestAnEvaluationIsPrintedWithEachNumberInItsPlace(t *testing.T) {
	of := func(loss, top1, top5 float64) report.Metrics {
		return report.Metrics{Images: 1200, Loss: loss, Top1: top1, Top5: report.Some(top5)}
	}
	single := report.Evaluation{
		Metrics: of(.31, .07, .021), Mean: of(.41, .09, .023), Ensemble: of(.31, .07, .021), Gain: report.Gain{Top1: .02, Top5: report.Some(.002)},
		Members: []report.Member{{Metrics: of(.4, .11, .024)}, {Metrics: of(.42, .07, .022)}},
	}
	e := report.Evaluation{
		Data: "photos", Part: "test", Metrics: of(.25, .05, .011), Mean: of(.3, .08, .0125), Ensemble: of(.25, .05, .011), Gain: report.Gain{Top1: .03, Top5: report.Some(.0015)},
		Members: []report.Member{
			{Weights: "a/m1", Network: "resnet20", Seed: 3, Epoch: 40, Metrics: of(.28, .06, .013)},
			{Weights: "b.pth", Network: "vgg16", Seed: 4, Epoch: 9, Metrics: of(.32, .1, .012)},
		},
		Disagreement: .125, OneCrop: &single,
		Worst: []report.Mistake{{Index: 17, Class: "cat", Predicted: "dog", Probability: .0123}, {Index: 4, Class: "fox", Predicted: "cat", Probability: .25}},
		Classes: []report.ClassResult{
			{Name: "cat", Images: 1100, Predicted: 1000, Precision: report.Some(.95), Recall: report.Some(.75)},
			{Name: "none", Precision: report.Optional{}, Recall: report.Optional{}},
			{Name: "fox", Images: 100, Predicted: 200, Precision: report.Some(.4), Recall: report.Some(.8)},
		},
	}
	var out bytes.Buffer
	(&app{stdout: &out}).printEvaluation(e)
	expect(t, "an ensemble", out.String(),
		"Weights Network Seed Epoch Loss Top-1 error Top-5 error One crop: top-1 Top-5",
		"a/m1 resnet20 3 40 0.2800 6.00 % 1.30 % 11.00 % 2.40 %",
		"b.pth vgg16 4 9 0.3200 10.00 % 1.20 % 7.00 % 2.20 %",
		"mean 0.3000 8.00 % 1.25 % 9.00 % 2.30 %",
		"ensemble of 2 0.2500 5.00 % 1.10 % 7.00 % 2.10 %",
		"gain 0.0500 3.00 % 0.15 % 2.00 % 0.20 %",
		"members disagree on 12.50 % of the images",
		"Image Class Taken for Probability of the class",
		"17 cat dog 0.012", "4 fox cat 0.25",
		"Class Images Precision Recall",
		"cat 1,100 95.00 % 75.00 %", "fox 100 40.00 % 80.00 %",
		"test error 5.00 % (top-5 1.10 %) on 1,200 images of photos",
	)

	out.Reset()
	number := report.Metrics{Images: 64, Loss: .3456, Top1: .21, Squared: true}
	(&app{stdout: &out}).printEvaluation(report.Evaluation{Data: "games", Metrics: number, Members: []report.Member{{Weights: "v", Network: "alphago-value", Seed: 5, Epoch: 6, Metrics: number}}})
	expect(t, "a number", out.String(), "Weights Network Seed Epoch MSE Sign right", "v alphago-value 5 6 0.3456 79.00 %", "MSE 0.3456, sign right 79.00 % on 64 images of games")

	// Of many classes the ten with the least recall are shown, those without images not among them.
	var many []report.ClassResult
	for i := range 24 {
		many = append(many, report.ClassResult{Name: fmt.Sprint("c", i), Images: 10, Precision: report.Some(.5), Recall: report.Some(float64((7*i)%24) / 24)})
	}
	many[0].Images, many[0].Predicted, many[0].Recall = 0, 3, report.Optional{}
	out.Reset()
	(&app{stdout: &out}).printClasses(report.Evaluation{Classes: many})
	want := []string{"Class Images Precision Recall"}
	for k := 1; k <= 10; k++ { // 7·i is k modulo 24 where i is 7·k
		want = append(want, fmt.Sprintf("c%d 10 50.00 %% %s", 7*k%24, report.Percent(float64(k)/24)))
	}
	expect(t, "many classes", out.String(), append(want, "the worst of 24 classes; --report FILE writes all")...)
}

// Of a benchmark's layers the times add up by kind, the share is of all of them, and a multiply-add is two operations.
func TestABenchmarksLayersAddUp(t *testing.T) {
	r := train.BenchResult{
		MS: 99, // of the step, which is more than its layers
		Layers: []train.BenchLayer{
			{Layer: "c1", Kind: "conv", MS: 2, GMAC: .05, MB: 8}, {Layer: "p1", Kind: "max pool", MS: 1, MB: 4},
			{Layer: "c3", Kind: "conv", MS: 4, GMAC: .25, MB: 1}, {Layer: "", Kind: "update", MS: 1, MB: .5},
		},
		Roofline: &train.BenchRoofline{GFLOPS: 120, GBS: 15, MACsMS: 5, MoveMS: .9},
	}
	var out bytes.Buffer
	(&app{stdout: &out}).printBenchLayers(r)
	expect(t, "layers", out.String(),
		"Layer Kind ms Share GFLOP/s GB/s",
		"c1 conv 2.0000 25.00 % 50 4", "p1 max pool 1.0000 12.50 % 4", "c3 conv 4.0000 50.00 % 125 0.25", "update 1.0000 12.50 % 0.5",
		"all layers conv 6.0000 75.00 % 100 1.5", "all layers max pool 1.0000 12.50 % 4", "all layers update 1.0000 12.50 % 0.5",
		"roofline 120 GFLOP/s: 0.3 GMAC take 5 ms; minimal filtering multiplies less",
		"15 GB/s: 13.5 MB read and written take 0.9 ms; what caches hold takes less",
	)
}

// A drawing's arrows follow the data: from the image to the first layer, and from each layer to those that read it.
func TestADrawingsArrowsFollowTheData(t *testing.T) {
	r := zoo.Report{
		Name: "fork", Input: [3]int{3, 8, 6},
		Layers: []zoo.LayerReport{
			{Name: "conv1", Kind: "conv", Out: []int{4, 8, 6}, From: []int{-1}}, {Name: "relu 1", Kind: "relu", Out: []int{4, 8, 6}, From: []int{0}},
			{Name: "sum", Kind: "add", Out: []int{4, 8, 6}, From: []int{1, 0}},
		},
	}
	var out bytes.Buffer
	if err := dot(&out, r); err != nil {
		t.Fatal(err)
	}
	if got, want := regexp.MustCompile(`\w+ -> \w+`).FindAllString(out.String(), -1), []string{"input -> n0", "n0 -> n1", "n1 -> n2", "n0 -> n2"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for _, want := range []string{`digraph "fork" {`, `input [label="image\n3×8×6"];`, `n0 [label="conv1\nconv\n4×8×6"];`, `n1 [label="relu\n4×8×6"];`, `n2 [label="sum\nadd\n4×8×6"];`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in %s", want, out.String())
		}
	}
}

func TestMultiplyAddsHaveThreeDigitsThatCount(t *testing.T) {
	for macs, want := range map[int64]string{
		15_470_264_320: "15.47", 7_570_000_000: "7.57", 1_000_000_000: "1", 714_188_480: "0.714", 100_000_000: "0.1", 41_520_640: "0.0415", 4_200_000: "0.0042", 326_520: "0.000327", 1234: "0.0000012",
	} {
		if got := gmac(macs); got != want {
			t.Errorf("%d: %s, want %s", macs, got, want)
		}
	}
}

// How well moves and results are predicted is printed phase by phase; those without positions are left out.
func TestGoEvaluationsArePrintedPhaseByPhase(t *testing.T) {
	moves := func(phase string, n int, top1, top5, loss float64) alphago.MoveAccuracy {
		return alphago.MoveAccuracy{Phase: phase, Positions: n, Top1: top1, Top5: top5, Loss: loss}
	}
	gain := .0123
	e := goEvaluation{
		Games: 1234,
		PolicyEvaluation: alphago.PolicyEvaluation{MoveAccuracy: moves("", 4300, .41, .72, 2.1), Phases: []alphago.MoveAccuracy{
			moves("opening", 1300, .5, .8, 1.9), moves("middle game", 0, 0, 0, 0), moves("endgame", 3000, .35, .65, 2.25),
		}},
	}
	var out bytes.Buffer
	a := &app{stdout: &out}
	a.printGoEvaluation(e)
	expect(t, "a policy", out.String(),
		"Phase Positions Loss Top-1 Top-5",
		"opening 1,300 1.9000 50.00 % 80.00 %", "endgame 3,000 2.2500 35.00 % 65.00 %", "all 4,300 2.1000 41.00 % 72.00 %",
		"move prediction top-1 41.00 %, top-5 72.00 % on 4,300 positions of 1,234 games",
	)
	e.Gain, e.Plain = &gain, &alphago.PolicyEvaluation{MoveAccuracy: moves("", 4300, .4, .7, 2.2), Phases: []alphago.MoveAccuracy{
		moves("opening", 1300, .52, .79, 2), moves("middle game", 0, 0, 0, 0), moves("endgame", 3000, .31, .6, 2.4),
	}}
	out.Reset()
	a.printGoEvaluation(e)
	expect(t, "a policy, with symmetries", out.String(),
		"Phase Positions Loss Top-1 Top-5 Top-1 of 8 Top-5 of 8 Gain",
		"opening 1,300 1.9000 52.00 % 79.00 % 50.00 % 80.00 % -2.00 %", "endgame 3,000 2.2500 31.00 % 60.00 % 35.00 % 65.00 % +4.00 %",
		"all 4,300 2.1000 40.00 % 70.00 % 41.00 % 72.00 % +1.00 %",
		"move prediction top-1 41.00 %, top-5 72.00 % on 4,300 positions of 1,234 games",
		"the eight symmetries add +1.23 % to top-1",
	)

	results := func(phase string, n int, mse, right float64) alphago.ValueAccuracy {
		return alphago.ValueAccuracy{Phase: phase, Positions: n, MSE: mse, SignRight: right}
	}
	v := goValueEvaluation{
		Games: 56,
		ValueEvaluation: alphago.ValueEvaluation{ValueAccuracy: results("", 7000, .71, .7), Phases: []alphago.ValueAccuracy{
			results("opening", 0, 0, 0), results("endgame", 7000, .61, .8),
		}},
	}
	out.Reset()
	a.printGoValueEvaluation(v)
	expect(t, "a value", out.String(),
		"Phase Positions MSE Sign right", "endgame 7,000 0.6100 80.00 %", "all 7,000 0.7100 70.00 %",
		"MSE 0.7100, sign right 70.00 % on 7,000 positions of 56 games",
	)
	v.Gain, v.Plain = &gain, &alphago.ValueEvaluation{ValueAccuracy: results("", 7000, .7223, .69), Phases: []alphago.ValueAccuracy{
		results("opening", 0, 0, 0), results("endgame", 7000, .63, .77),
	}}
	out.Reset()
	a.printGoValueEvaluation(v)
	expect(t, "a value, with symmetries", out.String(),
		"Phase Positions MSE Sign right MSE of 8 Sign of 8", "endgame 7,000 0.6300 77.00 % 0.6100 80.00 %", "all 7,000 0.7223 69.00 % 0.7100 70.00 %",
		"MSE 0.7100, sign right 70.00 % on 7,000 positions of 56 games",
		"the eight symmetries lower the MSE by 0.0123",
	)

	// Accuracy where others tell errors.
	m := report.Metrics{Images: 4000, Top1: .5565, Top5: report.Some(.21)}
	if got, want := accuracy(m), "top-1 44.35 %, top-5 79.00 % on 4,000 held-out positions"; got != want || predicts(m) != "move prediction" {
		t.Errorf("%s %s, want %s", predicts(m), got, want)
	}
	m = report.Metrics{Images: 1500, Loss: .718, Top1: .293, Squared: true}
	if got, want := accuracy(m), "MSE 0.7180, sign right 70.70 % on 1,500 held-out positions"; got != want || predicts(m) != "value" {
		t.Errorf("%s %s, want %s", predicts(m), got, want)
	}
}
