package report

import (
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// says checks that a text has all of the lines, in their order.
func says(t *testing.T, text string, lines ...string) {
	t.Helper()
	rest := "\n" + text
	for _, l := range lines {
		_, after, ok := strings.Cut(rest, "\n"+l+"\n")
		if !ok {
			t.Errorf("no line %q (or not here) in\n%s", l, text)
			return
		}
		rest = "\n" + after
	}
}

func TestARunsCardTellsHowItEnded(t *testing.T) {
	best := &Epoch{Epoch: 3, Step: 30, Val: Metrics{Images: 1200, Loss: .25, Top1: .0875, Top5: Some(.0125)}}
	last := &Epoch{Epoch: 4, Step: 40, Val: Metrics{Images: 1200, Loss: .5, Top1: .1, Top5: Some(.02)}}
	c := RunCard{
		Plan:   Plan{Network: "lenet5", Variant: "modern", Data: "my*data", Images: 54000, ValImages: 1200, Batch: 64, Parameters: 61706, MACs: 423456, Input: [3]int{1, 28, 28}, Notes: []string{"2 classes: a|b, c"}},
		Result: Result{Folder: "runs/x/001", Epochs: 4, Steps: 40, Seconds: 75, Best: best, Last: last},
		Config: recipe.Config{Epochs: 4, Seed: 7, Batch: 64}, TrainData: "sha256:aa", ValData: "sha256:bb", Command: "zoo train lenet5 --seed 7",
	}
	c.Config.Optimizer.Name, c.Config.Optimizer.LR, c.Config.Schedule.Name = "sgd", .1, "onecycle"
	says(t, c.String(),
		`# lenet5 (modern) on my\*data`,
		"Complete: 4 epochs, 40 steps of 64 images, 1m15s.",
		"| Weights | Epoch | Validation images | Loss | Top-1 error | Top-5 error |",
		"| `weights/best.safetensors` | 3 | 1,200 | 0.2500 | 8.75 % | 1.25 % |",
		"| `weights/last.safetensors` | 4 | 1,200 | 0.5000 | 10.00 % | 2.00 % |",
		"    zoo train lenet5 --seed 7",
		"repeats it; so does `zoo train --config runs/x/001/config.json`.",
		"- 61,706 parameters, 423,456 multiply-adds an image, input 1×28×28",
		"- 54,000 training images, sha256:aa",
		"- 1,200 validation images, sha256:bb",
		`- 2 classes: a\|b, c`,
		"- recipe of its own, seed 7, batch 64, sgd, learning rate 0.1, schedule onecycle, augmentation none",
	)
	for stopped, want := range map[string]string{
		"early stop":  "Ended after 2.5 of 4 epochs, 40 steps of 64 images, 1m15s: 3 epochs brought no better result.",
		"time":        "Ended by its time after 2.5 of 4 epochs, 40 steps of 64 images, 1m15s.\nIt goes on with `zoo resume runs/x/001`.",
		"interrupted": "Interrupted after 2.5 of 4 epochs, 40 steps of 64 images, 1m15s.\nIt goes on with `zoo resume runs/x/001`.",
	} {
		d := c
		d.Result.Stopped, d.Result.Epochs, d.Config.EarlyStop, d.Config.EMA, d.Command = stopped, 2.5, 3, .99, ""
		text := d.String()
		says(t, text, want, "The weights are their average over the updates, of which each keeps 0.99.")
		if goes := strings.Contains(text, "zoo resume"); goes != (stopped != "early stop") {
			t.Errorf("%s: goes on: %v", stopped, goes)
		}
		if strings.Contains(text, "repeats it") {
			t.Errorf("%s: a command that is not known repeats it", stopped)
		}
	}

	squared := c
	squared.Result.Best, squared.Result.Last = &Epoch{Epoch: 1, Val: Metrics{Squared: true, Loss: .5, Top1: .25}}, &Epoch{Epoch: 2, Val: Metrics{Squared: true}}
	says(t, squared.String(), "| Weights | Epoch | Validation images | Mean squared error | Sign right |", "| `weights/best.safetensors` | 1 | 0 | 0.5000 | 75.00 % |")
	own := c
	own.Result.Best, own.Result.Last = &Epoch{Epoch: 1, Val: Metrics{Objective: "triplet loss", Loss: .5}}, &Epoch{Epoch: 2, Step: 40, Val: Metrics{Objective: "triplet loss", Judged: true, Top1: .5}}
	says(t, own.String(), "| Weights | Epoch | Validation images | Triplet loss | Error |", "| `weights/best.safetensors` | 1 | 0 | 0.5000 |  |", "| `weights/last.safetensors` | 2 | 0 | 0.0000 | 50.00 % |")
	own.Result.Best, own.Result.Last = nil, nil
	if text := own.String(); strings.Contains(text, "| Weights") {
		t.Errorf("a run without an evaluation has a table:\n%s", text)
	}
}

func TestAnEnsemblesCardListsItsMembers(t *testing.T) {
	cfg := recipe.Config{Network: "lenet5", Data: "mnist", Ensemble: 3, Seed: 5}
	done := []Result{{Epochs: 2, Seconds: 3, Best: &Epoch{Val: Metrics{Top1: .01, Top5: Some(.001)}}}, {Epochs: 1.5, Seconds: 61}}
	says(t, EnsembleCard("runs/e", cfg, done, "zoo train lenet5 --ensemble 3"),
		"# 3 × lenet5 on mnist", "2 of 3 members are done. It goes on with `zoo resume runs/e`.",
		"| `m1` | 5 | 2 | 1.00 % | 0.10 % | 3.0s |", "| `m2` | 6 | 1.5 |  |  | 1m01s |", "`zoo eval runs/e` averages what they say.", "    zoo train lenet5 --ensemble 3", "repeats it.")
	whole := EnsembleCard("runs/e", cfg, append(done, done[0]), "")
	says(t, whole, "| `m3` | 7 | 2 | 1.00 % | 0.10 % | 3.0s |")
	if strings.Contains(whole, "goes on") || strings.Contains(whole, "repeats") {
		t.Errorf("of a whole ensemble:\n%s", whole)
	}
}

func TestTheCardOfWeightsSaysWhereTheyComeFrom(t *testing.T) {
	meta := weights.Meta{
		Network: "lenet5", Variant: "modern", Seed: 1, Epoch: 20, Recipe: "quick", DataChecksum: "sha256:dd", Command: "zoo train lenet5", Extra: map[string]string{"zoo.step": "900"},
		ClassNames: []string{"a_b", "c"}, Input: []int{1, 28, 28}, Preprocessing: &weights.Preprocessing{Channels: "grey", Mean: []float32{.5}, Std: []float32{.25}},
	}
	c := WeightsCard{
		Name: "lenet5-mnist", Network: "LeNet-5", MACs: 416520, Trained: 61706, Data: datasets.Dataset{Info: datasets.Info{Name: "mnist"}, About: "digits"}, Choice: "The best of 20.",
		Files:       []WeightsFile{{Path: "a/b/lenet5.safetensors", Type: "F16", Bytes: 124000, SHA256: "ee", Meta: meta}},
		Evaluations: []Evaluation{{Data: "mnist", Metrics: Metrics{Images: 10000, Loss: .03, Top1: .0077, Top5: Some(0)}}},
	}
	says(t, c.String(),
		"# lenet5-mnist", "LeNet-5 (`lenet5`, variant modern: 61,706 parameters, 416,520 multiply-adds an image) on mnist.",
		"| mnist | 10,000 | 0.77 % | 0.00 % | 0.0300 |", "The best of 20.",
		"- **Data**: digits. Licence: unclear. `sha256:dd` over what was trained on.", "- **Command**: `zoo train lenet5`",
		"- **Training**: recipe quick, seed 1, 20 epochs, 900 steps. With other kernels than AVX-512's the last bits differ.",
		`- **Classes**: a\_b, c`, "- **Input**: grey, 28×28 pixels from 0 to 1, less 0.5, over 0.25",
		"- **File**: `lenet5.safetensors`, F16, 124,000 bytes, `sha256:ee`", "- **Again**: `zoo eval lenet5-mnist --data mnist`")

	value := c
	value.Evaluations = []Evaluation{{Data: "go-results", Metrics: Metrics{Images: 4000, Loss: .718, Top1: .2925, Squared: true}}}
	says(t, value.String(), "| Test images of | Number | Mean squared error | Sign right |", "| go-results | 4,000 | 0.7180 | 70.75 % |")

	second := c.Files[0]
	second.Meta.Seed = 2
	c.Files = append(c.Files, second)
	c.Evaluations[0].Members = []Member{{Seed: 1, Metrics: Metrics{Top1: .01, Loss: .1}}, {Seed: 2, Metrics: Metrics{Top1: .02, Loss: .2}}}
	c.Evaluations[0].Mean = Metrics{Top1: .015, Loss: .15}
	says(t, c.String(), "2 times LeNet-5 (`lenet5`, variant modern: 61,706 parameters, 416,520 multiply-adds an image), an ensemble whose probabilities are averaged, on mnist.",
		"| m1 | 1 | 1.00 % |  | 0.1000 |", "| m2 | 2 | 2.00 % |  | 0.2000 |", "| mean | | 1.50 % |  | 0.1500 |")
	if !strings.Contains(c.String(), "seeds 1 to 2") {
		t.Errorf("the seeds are not told:\n%s", c)
	}
	c.Files[0].Meta.Command = "zoo go train"
	says(t, c.String(), "- **Again**: `zoo go eval lenet5-mnist --data GAMES`")
}

func TestPreprocessingIsTold(t *testing.T) {
	for _, c := range []struct {
		p     weights.Preprocessing
		input []int
		want  string
	}{
		{weights.Preprocessing{Channels: "rgb", Resize: 256, Crop: 224}, nil, "rgb, the shorter side scaled to 256 pixels, the middle 224×224 pixels from 0 to 1"},
		{weights.Preprocessing{Channels: "bgr", Resize: 32, Squash: true, Interpolation: "bicubic", Scale: 255, Mean: []float32{104, 117, 123}}, []int{3, 32, 30},
			"bgr, both sides scaled to 32 pixels (bicubic), 32×30 pixels from 0 to 255, less 104 117 123"},
	} {
		if got := Preprocessing(&c.p, c.input); got != c.want {
			t.Errorf("%q: want %q", got, c.want)
		}
	}
}

func evaluation() Evaluation {
	c := Confusion{Classes: []string{"=cat|x", "dog", "none"}, Counts: [][]int{{3, 1, 0}, {2, 4, 0}, {0, 0, 0}}}
	e := Evaluation{Data: "pets", Part: "test", Metrics: Metrics{Images: 10, Loss: .5, Top1: .3}, Confusion: c, Classes: c.Results()}
	e.Members = []Member{{Weights: "a*.st", Network: "lenet5", Metrics: e.Metrics}}
	e.Worst = []Mistake{{Index: 7, Class: "dog", Predicted: "=cat|x", Probability: .125}, {Index: 8, File: "dog/<b>.jpg", Class: "dog", Predicted: "none", Probability: .25}}
	e.Warnings = []string{"3 images are <missing>"}
	return e
}

func TestAnEvaluationIsWrittenForSpreadsheets(t *testing.T) {
	var b strings.Builder
	if err := evaluation().WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	// 3 of 4 cats are found, 3 of 5 taken for cats are; a formula is text.
	if want := "class,images,predicted,precision,recall\n'=cat|x,4,5,0.6,0.75\ndog,6,5,0.8,0.666667\nnone,0,0,,\n"; b.String() != want {
		t.Errorf("got  %q\nwant %q", b.String(), want)
	}
}

func TestAnEvaluationIsWrittenAsMarkdown(t *testing.T) {
	write := func(e Evaluation) string {
		t.Helper()
		var b strings.Builder
		if err := e.WriteMarkdown(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	e := evaluation()
	says(t, write(e), "# test images of pets", "error 30.00 % on 10 images.", `- 3 images are &lt;missing&gt;`,
		`| a\*.st | lenet5 | 0.5000 | 30.00 % |  |`,
		"| Class | Images | Taken for it | Precision | Recall |", "|---|---|---|---|---|", `| =cat\|x | 4 | 5 | 60.00 % | 75.00 % |`, "| dog | 6 | 5 | 80.00 % | 66.67 % |", "| none | 0 | 0 |  |  |",
		`| 7 | dog | =cat\|x | 0.12 |`, `| dog/&lt;b&gt;.jpg | dog | none | 0.25 |`)
	e.Part, e.Members = "", append(e.Members, Member{Weights: "b", Network: "lenet5", Metrics: Metrics{Loss: .7, Top1: .5}})
	e.Mean, e.Ensemble = Metrics{Loss: .6, Top1: .4}, Metrics{Loss: .4, Top1: .2}
	says(t, write(e), "# images of pets", "| b | lenet5 | 0.7000 | 50.00 % |  |", "| mean |  | 0.6000 | 40.00 % |  |", "| ensemble of 2 |  | 0.4000 | 20.00 % |  |")
}
