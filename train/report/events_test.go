package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// A recorder notes what it hears.
type recorder struct {
	Quiet
	heard []string
}

func (r *recorder) Begin(p Plan)        { r.heard = append(r.heard, "begin "+p.Network) }
func (r *recorder) Step(s Step)         { r.heard = append(r.heard, fmt.Sprint("step ", s.Step)) }
func (r *recorder) Evaluate(p Progress) { r.heard = append(r.heard, fmt.Sprint("evaluate ", p.Done)) }
func (r *recorder) Epoch(e Epoch, _ time.Duration) {
	r.heard = append(r.heard, fmt.Sprint("epoch ", e.Epoch))
}
func (r *recorder) Broken(l []datasets.BrokenImage) {
	r.heard = append(r.heard, fmt.Sprint("broken ", len(l)))
}
func (r *recorder) Warn(text string)    { r.heard = append(r.heard, "warn "+text) }
func (r *recorder) Saved(folder string) { r.heard = append(r.heard, "saved "+folder) }
func (r *recorder) End(x Result)        { r.heard = append(r.heard, "end "+x.Stopped) }

// play tells all that can happen.
func play(e Events) {
	e.Begin(Plan{Network: "n", Epochs: 2, Steps: 20})
	e.Step(Step{Step: 1})
	e.Evaluate(Progress{Done: 2})
	e.Broken([]datasets.BrokenImage{{Err: errors.New("1.jpg: broken image")}})
	e.Warn("w")
	e.Saved("f")
	e.Epoch(Epoch{Epoch: 1}, 0)
	e.End(Result{Stopped: "time"})
}

func TestSeveralHearTheSame(t *testing.T) {
	a, b := &recorder{}, &recorder{}
	play(Tell(a, nil, Quiet{}, b))
	want := []string{"begin n", "step 1", "evaluate 2", "broken 1", "warn w", "saved f", "epoch 1", "end time"}
	if !slices.Equal(a.heard, want) || !slices.Equal(b.heard, want) {
		t.Errorf("%q and %q: want %q", a.heard, b.heard, want)
	}
}

func TestALogTellsAllButTheSteps(t *testing.T) {
	var b bytes.Buffer
	l := &Lines{W: &b, Stamp: true}
	play(l)
	l.End(Result{Best: &Epoch{Epoch: 3, Val: Metrics{Top1: .25}}})
	l.End(Result{Stopped: "interrupted", Best: &Epoch{Epoch: .5, Val: Metrics{Squared: true, Loss: .25, Top1: .5}}})
	var texts []string
	for line := range strings.Lines(b.String()) {
		if _, err := time.Parse("2006-01-02 15:04:05 ", line[:20]); err != nil {
			t.Errorf("%q has no time: %v", line, err)
		}
		texts = append(texts, strings.TrimSpace(line[20:]))
	}
	if i := slices.Index(texts, "left out: 1.jpg: broken image"); i < 0 || !slices.Equal(texts[i+1:], []string{
		"warning: w", "saved f", "epoch 1: loss 0.0000, train error 0.00 %, val loss 0.0000, val error 0.00 %, 0 images/s, 0.0s", "time",
		"complete, best val error 25.00 % after epoch 3", "interrupted, best val MSE 0.2500, sign right 50.00 % after epoch 0.5",
	}) {
		t.Errorf("the log is %q", texts)
	}
}

func TestOfManyBrokenImagesTheFirstAreNamed(t *testing.T) {
	var b bytes.Buffer
	var list []datasets.BrokenImage
	for i := range 1023 {
		list = append(list, datasets.BrokenImage{Err: fmt.Errorf("%d.jpg: broken image", i)})
	}
	(&Lines{W: &b}).Broken(list)
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 21 || lines[19] != "left out: 19.jpg: broken image" || lines[20] != "left out: 1,003 more images that cannot be read; zoo data verify names all" {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
}

func TestTheBarLeavesItsLineForOthers(t *testing.T) {
	var b bytes.Buffer
	bar := &Bar{W: &b, Width: func() int { return 100 }}
	bar.Begin(Plan{Network: "n", Epochs: 2, Steps: 20})
	bar.shown = time.Time{}
	bar.Step(Step{Epoch: 1, Epochs: 2, Step: 3, Train: Metrics{Squared: true, Loss: .5, Top1: .25}, Left: time.Minute})
	bar.shown = time.Time{}
	bar.Step(Step{Epoch: 1, Epochs: 2, Step: 4, Train: Metrics{Objective: "triplet loss", Loss: 2}})
	bar.shown = time.Time{}
	bar.Evaluate(Progress{Done: 1500, Total: 3000, Step: Step{Epoch: 1, Epochs: 2, Step: 10, Left: 90 * time.Second}})
	bar.Broken([]datasets.BrokenImage{{Err: errors.New("1.jpg: broken image")}})
	bar.Warn("the disk is full")
	bar.Saved("runs/x")
	bar.Close()
	text := b.String()
	// Of an objective without an error there is the loss alone.
	for _, want := range []string{"epoch 1/2, MSE 0.500, sign right 75.0 %, 0 img/s, 1m00s left", "epoch 1/2, loss 2.000, 0 img/s ", "epoch 1/2, evaluating, 1,500 of 3,000 images, 1m30s left"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %q", want, text)
		}
	}
	for _, line := range []string{"left out: 1.jpg: broken image", "warning: the disk is full", "saved runs/x"} {
		if !strings.Contains(text, "\x1b[2K\r"+line+"\n") {
			t.Errorf("%q does not stand on a line of its own: %q", line, text)
		}
	}
}

func TestAnOptionalNumberIsNullInJSON(t *testing.T) {
	for _, c := range []struct {
		o          Optional
		json, text string
	}{{Optional{}, "null", ""}, {Some(.125), "0.125", "12.50 %"}, {Some(0), "0", "0.00 %"}, {Ratio(1, 0), "null", ""}, {Ratio(3, 4), "0.75", "75.00 %"}} {
		got, err := json.Marshal(c.o)
		if err != nil || string(got) != c.json || c.o.String() != c.text {
			t.Errorf("%+v is %s (%v), %q: want %s, %q", c.o, got, err, c.o, c.json, c.text)
		}
		back := Some(7)
		if err := json.Unmarshal(got, &back); err != nil || back != c.o {
			t.Errorf("%s comes back as %+v (%v)", got, back, err)
		}
	}
	if err := new(Optional).UnmarshalJSON([]byte(`"x"`)); err == nil {
		t.Error("a text is taken for a number")
	}
	// Of five classes there is no top-5 error.
	if text, err := json.Marshal(Metrics{Images: 3}); err != nil || strings.Contains(string(text), "top5") {
		t.Errorf("%s (%v)", text, err)
	}
}

func TestMetricsTellTheirResult(t *testing.T) {
	for _, c := range []struct {
		m    Metrics
		want string
	}{
		{Metrics{Top1: .0827}, "error 8.27 %"},
		{Metrics{Top1: .0827, Top5: Some(.0035)}, "error 8.27 % (top-5 0.35 %)"},
		{Metrics{Squared: true, Loss: .234, Top1: .188}, "MSE 0.2340, sign right 81.20 %"},
		{Metrics{Objective: "triplet loss", Loss: .5}, "triplet loss 0.5000"},
		{Metrics{Objective: "binary cross-entropy", Loss: .5, Judged: true, Top1: .25}, "binary cross-entropy 0.5000, error 25.00 %"},
	} {
		if got := c.m.Result(); got != c.want {
			t.Errorf("%q: want %q", got, c.want)
		}
	}
	for _, c := range []struct {
		a, b   Metrics
		better bool
	}{
		{Metrics{Top1: .1, Loss: 9}, Metrics{Top1: .2, Loss: 1}, true}, {Metrics{Top1: .2}, Metrics{Top1: .1}, false},
		{Metrics{Top1: .1, Loss: 1}, Metrics{Top1: .1, Loss: 2}, true}, {Metrics{Top1: .1, Loss: 1}, Metrics{Top1: .1, Loss: 1}, false},
		{Metrics{Squared: true, Top1: .9, Loss: 1}, Metrics{Squared: true, Top1: .1, Loss: 2}, true},
	} {
		if got := c.a.Better(c.b); got != c.better {
			t.Errorf("%+v better than %+v: %v", c.a, c.b, got)
		}
	}
}

func TestMistakesAreACaptionedSheet(t *testing.T) {
	info := datasets.Info{Name: "two", Classes: []string{"cat", "dog"}, Shape: image.Shape{C: 1, H: 2, W: 2}}
	src, err := datasets.NewMemory(info, []byte{0, 0, 0, 0, 255, 255, 255, 255, 9, 9, 9, 9}, []int32{0, 1, 0})
	if err != nil {
		t.Fatal(err)
	}
	list := []Mistake{{Index: 2, Class: "cat", Predicted: "dog"}, {Index: 1, Class: "dog", Predicted: "cat"}}
	m := newMistakes(src, list)
	if want := []string{"cat > dog", "dog > cat"}; !reflect.DeepEqual(m.Info().Classes, want) || m.Len() != 2 || m.Label(1) != 1 {
		t.Errorf("classes %q, %d images", m.Info().Classes, m.Len())
	}
	var img image.Image
	for i, want := range []byte{9, 255} {
		if err := m.Image(i, &img); err != nil || img.Pix[0] != want {
			t.Errorf("image %d begins with %d (%v): want %d", i, img.Pix[0], err, want)
		}
	}
	input, err := datasets.Input{Shape: info.Shape}.For(info)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := WriteMistakes(&b, src, input, list); err != nil {
		t.Fatal(err)
	}
	sheet, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	// The second image is white, the first nearly black; under them stands text.
	bounds := sheet.Bounds()
	if bounds.Dx() < 2*112 || bounds.Dy() < 112+16 {
		t.Errorf("the sheet is %v", bounds)
	}
	grey := func(x, y int) uint32 { r, _, _, _ := sheet.At(x, y).RGBA(); return r >> 8 }
	if a, b := grey(bounds.Dx()/4, 60), grey(3*bounds.Dx()/4, 60); a > 40 || b < 240 {
		t.Errorf("the images are of grey %d and %d", a, b)
	}
}

func TestAHistoryIsDrawn(t *testing.T) {
	rows := []Epoch{
		{Epoch: 1, LR: .1, Train: Metrics{Loss: 2, Top1: .8}, Val: Metrics{Loss: 1.5, Top1: .6}},
		{Epoch: 2, LR: .05, Train: Metrics{Loss: 1, Top1: .5}, Val: Metrics{Loss: 1.2, Top1: .4}, Best: true},
		{Epoch: 3, LR: .01, Train: Metrics{Loss: .5, Top1: .3}, Val: Metrics{Loss: 1.4, Top1: .5}},
	}
	draw := func(title string, rows []Epoch, squared bool) []byte {
		t.Helper()
		var b bytes.Buffer
		if err := WriteHistory(&b, title, rows, squared); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	classes := draw("cats", rows, false)
	img, err := png.Decode(bytes.NewReader(classes))
	if err != nil {
		t.Fatal(err)
	}
	// Three panels side by side, in each of which something is drawn.
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	for panel := range 3 {
		ink := 0
		for y := range h {
			for x := panel * w / 3; x < (panel+1)*w/3; x++ {
				if r, _, _, _ := img.At(x, y).RGBA(); r < 0x8000 {
					ink++
				}
			}
		}
		if ink < 200 {
			t.Errorf("panel %d has %d dark pixels", panel, ink)
		}
	}
	if bytes.Equal(classes, draw("dogs", rows, false)) {
		t.Error("the title is not drawn")
	}
	if bytes.Equal(classes, draw("cats", rows, true)) {
		t.Error("errors and signs that are right are drawn alike")
	}
	if bytes.Equal(classes, draw("cats", rows[:2], false)) {
		t.Error("the last epoch is not drawn")
	}
	if len(draw("none", nil, false)) == 0 {
		t.Error("no picture of no epochs")
	}
}
