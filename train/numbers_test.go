package train

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// The numbers in reports, by hand on four images: image i has its pixel i lit, and a network says of it the
// probabilities that the table has. They are asymmetric on purpose.

// table is a network of one layer, which reads the image's number from its pixels.
func table(classes int) Network {
	return Network{Name: "table", Input: [3]int{1, 1, 4}, Classes: classes, Build: func(b *graph.Builder, x *gorgonia.Node) (*gorgonia.Node, error) {
		return b.Dense(b.Flatten(x), "fc", classes), b.Err()
	}}
}

// says writes the weights of a table: the probabilities of the classes, in their order, of each image.
func says(t *testing.T, seed uint64, names []string, p ...[]float64) string {
	t.Helper()
	classes := len(p[0])
	w, zero := make([]float32, classes*4), make([]float32, classes)
	for i, of := range p {
		for c, v := range of {
			w[c*4+i] = float32(math.Log(v))
		}
	}
	path := filepath.Join(t.TempDir(), fmt.Sprintf("%d.safetensors", seed))
	err := weights.Save(path, &weights.File{
		Tensors: []weights.Tensor{{Name: "fc.weight", Shape: []int{classes, 4}, Data: w}, {Name: "fc.bias", Shape: []int{classes}, Data: zero}},
		Meta:    weights.Meta{Network: "table", Classes: classes, ClassNames: names, Seed: seed, Preprocessing: &weights.Preprocessing{Mean: []float32{0}, Std: []float32{1}, Channels: "grey"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// four are the images.
func four(t *testing.T, names []string, labels ...int32) datasets.Source {
	t.Helper()
	pix := make([]uint8, 16)
	for i := range 4 {
		pix[5*i] = 255
	}
	m, err := datasets.NewMemory(datasets.Info{Name: "four", Part: datasets.Test, Classes: names, Shape: image.Shape{C: 1, H: 1, W: 4}}, pix, labels)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func evaluated(t *testing.T, src datasets.Source, c EvalConfig) report.Evaluation {
	t.Helper()
	c.Images, c.Network = src, func(m weights.Meta) (Network, error) { return table(m.Classes), nil }
	e, err := Evaluate(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

var (
	abc    = []string{"a", "b", "c"}
	first  = [][]float64{{.20, .65, .15}, {.98, .01, .01}, {.20, .30, .50}, {.10, .10, .80}} // b a c c
	second = [][]float64{{.50, .30, .20}, {.02, .50, .48}, {.10, .20, .70}, {.20, .10, .70}} // a b c c
	third  = [][]float64{{.60, .30, .10}, {.02, .48, .50}, {.10, .60, .30}, {.10, .20, .70}} // a c b c
	truth  = []int32{0, 0, 1, 2}                                                             // a a b c
)

func near(a, b float64) bool { return math.Abs(a-b) < 1e-6 }

func TestANetworksNumbersByHand(t *testing.T) {
	e := evaluated(t, four(t, abc, truth...), EvalConfig{Weights: []string{says(t, 1, abc, first...)}, Worst: 4})
	if e.Images != 4 || e.Top1 != 0.5 || !near(e.Loss, -(math.Log(.20)+math.Log(.98)+math.Log(.30)+math.Log(.80))/4) {
		t.Errorf("%+v", e.Metrics)
	}
	if e.Top5.Known || e.Gain.Top5.Known {
		t.Error("three classes have a top-5 error")
	}
	// Rows are the truth: of the two images of a one was taken for b.
	if got, want := fmt.Sprint(e.Confusion.Counts), "[[1 1 0] [0 0 1] [0 0 1]]"; got != want {
		t.Errorf("confusion %s: want %s", got, want)
	}
	var classes []string
	for _, c := range e.Classes {
		classes = append(classes, fmt.Sprint(c.Name, c.Images, c.Predicted, " ", c.Precision, " ", c.Recall))
	}
	if want := []string{"a2 1 100.00 % 50.00 %", "b1 1 0.00 % 0.00 %", "c1 2 50.00 % 100.00 %"}; !slices.Equal(classes, want) {
		t.Errorf("classes %q: want %q", classes, want)
	}
	var worst []string
	for _, m := range e.Worst {
		worst = append(worst, fmt.Sprintf("%d %s for %s %.2f", m.Index, m.Predicted, m.Class, m.Probability))
	}
	if want := []string{"0 b for a 0.20", "2 c for b 0.30"}; !slices.Equal(worst, want) {
		t.Errorf("worst %q: want %q", worst, want)
	}
	var csv, markdown strings.Builder
	if err := e.WriteCSV(&csv); err != nil {
		t.Fatal(err)
	}
	if want := "class,images,predicted,precision,recall\na,2,1,1,0.5\nb,1,1,0,0\nc,1,2,0.5,1\n"; csv.String() != want {
		t.Errorf("%s: want %s", csv.String(), want)
	}
	if err := e.WriteMarkdown(&markdown); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# test images of four\n", "error 50.00 % on 4 images.\n", "| a | 2 | 1 | 100.00 % | 50.00 % |\n", "| 0 | a | b | 0.2 |\n| 2 | b | c | 0.3 |\n"} {
		if !strings.Contains(markdown.String(), want) {
			t.Errorf("no %q in %s", want, markdown.String())
		}
	}
	var matrix strings.Builder
	if err := e.Confusion.WriteCSV(&matrix); err != nil || matrix.String() != "class,a,b,c\na,1,1,0\nb,0,0,1\nc,0,0,1\n" {
		t.Errorf("%v: %s", err, matrix.String())
	}
}

// Of some of the images, spread over all, a mistake has the number that it has among all.
func TestMistakesAmongSomeImagesHaveTheirNumbersInTheSource(t *testing.T) {
	e := evaluated(t, four(t, abc, truth...), EvalConfig{Weights: []string{says(t, 1, abc, first...)}, Worst: 4, Limit: 2})
	if e.Images != 2 || !near(e.Loss, -(math.Log(.20)+math.Log(.30))/2) {
		t.Errorf("%+v", e.Metrics)
	}
	var worst []string
	for _, m := range e.Worst {
		worst = append(worst, fmt.Sprintf("%d %s for %s %.2f", m.Index, m.Predicted, m.Class, m.Probability))
	}
	if want := []string{"0 b for a 0.20", "2 c for b 0.30"}; !slices.Equal(worst, want) {
		t.Errorf("worst %q: want %q", worst, want)
	}
}

func TestAnEnsemblesNumbersByHand(t *testing.T) {
	paths := []string{says(t, 1, abc, first...), says(t, 2, abc, second...), says(t, 3, abc, third...)}
	check := func(t *testing.T, e report.Evaluation) {
		t.Helper()
		// The mean of the probabilities, not their product: of image 1 the first is certain that it is a, and the
		// product of the three would be b or c.
		p := []float64{(.20 + .50 + .60) / 3, (.98 + .02 + .02) / 3, (.30 + .20 + .60) / 3, (.80 + .70 + .70) / 3}
		loss := 0.0
		for _, v := range p {
			loss -= math.Log(v) / 4
		}
		if e.Ensemble.Top1 != 0.25 || !near(e.Ensemble.Loss, loss) || e.Metrics != e.Ensemble {
			t.Errorf("ensemble %+v: want an error of 0.25 and the loss %v", e.Ensemble, loss)
		}
		if got, want := fmt.Sprint(e.Confusion.Counts), "[[2 0 0] [0 0 1] [0 0 1]]"; got != want {
			t.Errorf("confusion %s: want %s", got, want)
		}
		if len(e.Members) != 3 || e.Members[0].Top1 != 0.5 || e.Members[1].Top1 != 0.5 || e.Members[2].Top1 != 0.25 {
			t.Errorf("members %+v", e.Members)
		}
		if !near(e.Mean.Top1, 1.25/3) || !near(e.Gain.Top1, 0.5/3) {
			t.Errorf("mean %v, gain %v: want 0.41667 and 0.16667, better is positive", e.Mean.Top1, e.Gain.Top1)
		}
		if e.Disagreement != 0.75 { // of the last image alone all three say the same
			t.Errorf("disagreement %v: want 0.75", e.Disagreement)
		}
	}
	e := evaluated(t, four(t, abc, truth...), EvalConfig{Weights: paths})
	check(t, e)
	if len(e.Warnings) > 0 {
		t.Errorf("warnings %q", e.Warnings)
	}
	t.Run("of which one has its classes in another order", func(t *testing.T) {
		var turned [][]float64
		for _, p := range second {
			turned = append(turned, []float64{p[2], p[0], p[1]})
		}
		paths := []string{paths[0], says(t, 4, []string{"c", "a", "b"}, turned...), paths[2]}
		check(t, evaluated(t, four(t, abc, truth...), EvalConfig{Weights: paths}))
	})
	t.Run("on images whose classes are in another order", func(t *testing.T) {
		e := evaluated(t, four(t, []string{"b", "c", "a"}, 2, 2, 0, 1), EvalConfig{Weights: paths})
		check(t, e)
	})
}

func TestClassesThatDoNotFitAreSaid(t *testing.T) {
	one := says(t, 1, abc, first...)
	evaluate := func(src datasets.Source, paths ...string) (report.Evaluation, error) {
		return Evaluate(context.Background(), EvalConfig{Weights: paths, Images: src, Network: func(m weights.Meta) (Network, error) { return table(m.Classes), nil }})
	}
	// Two classes of three: the images of c are right, and what is taken for a counts against c.
	e, err := evaluate(four(t, []string{"b", "c"}, 0, 0, 0, 1), one)
	if err != nil {
		t.Fatal(err)
	}
	if e.Top1 != 0.5 || len(e.Warnings) != 1 || !strings.Contains(e.Warnings[0], "four/test has no images of a, which the network knows") {
		t.Errorf("error %v, warnings %q", e.Top1, e.Warnings)
	}
	// A part that has no images of a class that it names.
	if e, err := evaluate(four(t, abc, 0, 0, 1, 1), one); err != nil || len(e.Warnings) != 1 || !strings.Contains(e.Warnings[0], "four/test has no images of c, which the network knows") {
		t.Errorf("error %v, warnings %q", err, e.Warnings)
	}
	if got, want := fmt.Sprint(e.Confusion.Counts), "[[0 0 0] [1 1 1] [0 0 1]]"; got != want {
		t.Errorf("confusion %s: want %s", got, want)
	}
	for _, c := range []struct {
		name  string
		src   datasets.Source
		paths []string
		err   string
	}{
		{"other classes", four(t, []string{"a", "x", "y"}, truth...), []string{one}, "four/test has classes that the network does not have: x, y; it has a, b, c"},
		{"an ensemble of others", four(t, abc, truth...), []string{one, says(t, 2, []string{"a", "b", "x"}, second...)}, "does not have: c; it has a, b, x"},
		{"an ensemble with more", four(t, abc, truth...), []string{one, says(t, 2, []string{"a", "b", "c", "d"}, []float64{.1, .2, .3, .4})}, "members of an ensemble must have the same"},
	} {
		if _, err := evaluate(c.src, c.paths...); err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: error %v: want one with %s", c.name, err, c.err)
		}
	}
	e, err = evaluate(four(t, abc, truth...), says(t, 9, nil, first...))
	if err != nil || e.Top1 != 0.5 || len(e.Warnings) != 1 || !strings.Contains(e.Warnings[0], "the weights do not name their classes") {
		t.Errorf("%v, error %v, warnings %q", err, e.Top1, e.Warnings)
	}
}

func TestTop5IsOfMoreThanFiveClasses(t *testing.T) {
	six := []string{"a", "b", "c", "d", "e", "f"}
	p := func(of int) []float64 { // the class is the of-th of all
		list := []float64{.3, .25, .2, .15, .06, .04}
		list[0], list[of-1] = list[of-1], list[0]
		return list
	}
	e := evaluated(t, four(t, six, 0, 0, 0, 0), EvalConfig{Weights: []string{says(t, 1, six, p(1), p(2), p(5), p(6))}})
	if e.Top1 != 0.75 || e.Top5 != report.Some(0.25) {
		t.Errorf("top-1 %v, top-5 %v: want 0.75 and 0.25", e.Top1, e.Top5)
	}
	five := []float64{.3, .25, .2, .15, .1}
	if e := evaluated(t, four(t, six[:5], 0, 0, 0, 4), EvalConfig{Weights: []string{says(t, 1, six[:5], five, five, five, five)}}); e.Top5.Known {
		t.Errorf("five classes have a top-5 error, %v", e.Top5)
	}
}

func TestBalancedWeightsGiveEachClassTheSamePartOfTheLoss(t *testing.T) {
	w := balancedWeights([]int{90, 30, 0, 60})
	// 180 images of three classes: 60 of each would weigh 1.
	for c, want := range []float64{60. / 90, 2, 0, 1} {
		if !near(float64(w[c]), want) {
			t.Errorf("class %d weighs %v: want %v", c, w[c], want)
		}
	}
	// What PyTorch says: torch.nn.functional.cross_entropy(log of the rows, [0, 0, 1, 2], weight=[.5, 3, 1], label_smoothing=s).
	tr := &Trainer{net: Network{Classes: 3}, classWeights: []float32{.5, 3, 1}}
	for _, c := range []struct{ smoothing, want float64 }{{0, 0.9299765}, {0.3, 1.3673224}} {
		tr.cfg.Smoothing = c.smoothing
		targets := make([]float32, 12)
		l, err := datasets.NewLoader(four(t, abc, truth...), datasets.Config{Batch: 4, Input: datasets.Input{Mean: []float32{0}, Std: []float32{1}}})
		if err != nil {
			t.Fatal(err)
		}
		for b, err := range l.Epoch(t.Context(), 0, 0) {
			if err != nil {
				t.Fatal(err)
			}
			tr.weigh(b, targets)
		}
		loss := 0.0
		for i, p := range first {
			for k, v := range p {
				loss -= float64(targets[3*i+k]) * math.Log(v) / 4
			}
		}
		if !near(loss, c.want) {
			t.Errorf("smoothing %v: loss %.7f: PyTorch says %.7f", c.smoothing, loss, c.want)
		}
	}
}
