package report

import (
	"bytes"
	"fmt"
	"image/color"
	"image/png"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// falling is a history in which training is a tenth better than the test.
func falling(epochs int, last float64) []Epoch {
	var rows []Epoch
	for e := 1; e <= epochs; e++ {
		v := last + (0.9-last)*math.Exp(-float64(e)/3)
		rows = append(rows, Epoch{Epoch: float64(e), Step: 10 * e, LR: 0.1, Train: Metrics{Loss: 2 * v, Top1: v - 0.1}, Val: Metrics{Loss: 3 * v, Top1: v}})
	}
	return rows
}

func TestAHistoryComesBackFromItsTable(t *testing.T) {
	rows := falling(20, 0.25)
	rows[19].Epoch = 19.5 // its time ended it
	text := Table(rows)
	back, err := ReadTable(strings.NewReader(text))
	if err != nil || Table(back) != text || len(back) != 20 {
		t.Errorf("%v: came back as\n%swas\n%s", err, Table(back), text)
	}
}

func TestABrokenTableSaysWhere(t *testing.T) {
	good := Table(falling(3, 0.25))
	for name, c := range map[string]struct{ text, want string }{
		"nothing at all":          {"", "it is empty"},
		"something else":          {"<html>\n", "line 1: no column is called epoch"},
		"a column less":           {strings.ReplaceAll(good, ",lr,", ",rate,"), "no column is called lr"},
		"cut in a line":           {good[:len(good)-30], "wrong number of fields"},
		"a word for a number":     {strings.Replace(good, "\n2,20,", "\ntwo,20,", 1), `line 3: epoch is "two"`},
		"NaN":                     {strings.Replace(good, "\n2,20,0.1", "\n2,20,NaN", 1), `line 3: lr is "NaN": should be a finite number`},
		"epochs that go backward": {strings.Replace(good, "\n3,30,", "\n1,30,", 1), "line 4: epoch 1 comes after epoch 2"},
	} {
		t.Run(name, func(t *testing.T) {
			if rows, err := ReadTable(strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %d rows and %v, want %q", len(rows), err, c.want)
			}
		})
	}
}

func FuzzReadTable(f *testing.F) {
	f.Add(Table(nil))
	f.Add(Table(falling(3, 0.25)))
	f.Add("extra," + columns + "\nx,1,1,1,1,1,1,1,1,1,1\n")
	f.Add(columns + "\n1,2,\"3\n")
	f.Fuzz(func(t *testing.T, text string) {
		rows, err := ReadTable(strings.NewReader(text))
		if err != nil {
			return
		}
		for i, r := range rows {
			if i > 0 && !(r.Epoch > rows[i-1].Epoch) || math.IsNaN(r.Val.Loss) {
				t.Errorf("row %d is %+v", i, r)
			}
		}
	})
}

func TestAFigureShowsEveryRunInItsColour(t *testing.T) {
	count := func(runs []Curve, quantity string, top float64) map[color.Color]int {
		t.Helper()
		var b bytes.Buffer
		if err := WriteCurves(&b, runs, quantity, top); err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(&b)
		if err != nil {
			t.Fatal(err)
		}
		pixels := map[color.Color]int{}
		for y := range img.Bounds().Dy() {
			for x := range img.Bounds().Dx() {
				pixels[color.RGBAModel.Convert(img.At(x, y))]++
			}
		}
		return pixels
	}
	runs := []Curve{{"plain", "cifar-10", falling(20, 0.4)}, {"residual", "cifar-10", falling(20, 0.25)}}
	for _, quantity := range CurveQuantities {
		both := count(runs, quantity, 0)
		for i := range runs {
			if n := both[colours[i]]; n < 300 {
				t.Errorf("%s of %s: %d pixels", quantity, runs[i].Label, n)
			}
		}
		if n := both[colours[2]]; n != 0 {
			t.Errorf("%s: %d pixels of a third run", quantity, n)
		}
	}
	// A line that is cut off is not drawn outside the axes, and one epoch is a dot.
	if all, cut := count(runs, "error", 0), count(runs, "error", 20); cut[colours[0]] >= all[colours[0]] {
		t.Errorf("%d pixels of the line that is cut, %d of all of it", cut[colours[0]], all[colours[0]])
	}
	if one := count([]Curve{{"one", "x", falling(1, 0.25)}}, "error", 0); one[colours[0]] == 0 {
		t.Error("a single epoch is not to be seen")
	}
	if err := WriteCurves(&bytes.Buffer{}, runs, "eror", 0); err == nil || !strings.Contains(err.Error(), `did you mean "error"?`) {
		t.Errorf("got %v", err)
	}
	if err := WriteCurves(&bytes.Buffer{}, nil, "error", 0); err == nil {
		t.Error("a figure of nothing")
	}
}

func TestTrainingIsDashed(t *testing.T) {
	rows := falling(20, 0.25)
	pixels := func(dashed bool) int {
		p, err := panel("error", line{"", blue, dashed, rows, valError, false})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := figure(&b, 7, 5, "", p); err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(&b)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for y := range img.Bounds().Dy() {
			for x := range img.Bounds().Dx() {
				if r, g, b, _ := img.At(x, y).RGBA(); b > r+0x2000 && b > g+0x1000 {
					n++
				}
			}
		}
		return n
	}
	if solid, dashed := pixels(false), pixels(true); dashed == 0 || 4*dashed > 3*solid {
		t.Errorf("%d pixels of a solid line, %d of a dashed one", solid, dashed)
	}
}

func TestTicksAreRound(t *testing.T) {
	for _, c := range []struct {
		low, high, least float64
		want             string
	}{
		{0, 1, 0, "0 0.2 0.4 0.6 0.8 1"}, {0.03, 0.4, 0, "0.1 0.2 0.3 0.4"}, {0, 340, 0, "0 50 100 150 200 250 300"}, {12, 97, 0, "20 40 60 80"},
		{1, 4, 1, "1 2 3 4"}, {1, 30, 1, "5 10 15 20 25 30"}, {1, 164, 1, "50 100 150"}, {2.3, 2.9, 0, "2.3 2.4 2.5 2.6 2.7 2.8 2.9"}, {1, 1, 0, "1"}, {0, 0.0004, 0, "0 0.0001 0.0002 0.0003 0.0004"},
	} {
		var got []string
		for _, tick := range (rounded{c.least}).Ticks(c.low, c.high) {
			got = append(got, tick.Label)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("from %v to %v: %v, want %s", c.low, c.high, got, c.want)
		}
	}
}

func TestTheBarFitsItsLine(t *testing.T) {
	for _, width := range []int{40, 60, 80, 120, 200} {
		var out bytes.Buffer
		b := &Bar{W: &out, Width: func() int { return width }}
		b.Begin(Plan{Epochs: 1000, Steps: 1000000, Network: "resnet20", Data: "photos", Notes: []string{"the best weights are chosen by 1,000 of the 10,000 training images, held out (--val 0.1)"}})
		for line := range strings.Lines(out.String()) {
			if n := utf8.RuneCountInString(strings.TrimRight(line[strings.LastIndexByte(line, '\r')+1:], "\n")); n > width+len("\x1b[0K") {
				t.Errorf("%d columns on a terminal of %d: %q", n, width, line)
			}
		}
		out.Reset()
		s := Step{Epoch: 999, Epochs: 1000, Step: 999000, Steps: 1000000, Train: Metrics{Loss: 12.345, Top1: 0.987}, Rate: 123456, Left: 59 * time.Minute}
		b.shown = time.Time{}
		b.Step(s)
		b.shown = time.Time{}
		b.Evaluate(Progress{Done: 12345, Total: 67890, Step: s})
		for _, line := range strings.Split(strings.ReplaceAll(out.String(), "\x1b[0K", ""), "\r") {
			if n := utf8.RuneCountInString(line); n > width {
				t.Errorf("%d columns on a terminal of %d: %q", n, width, line)
			}
		}
		if !strings.Contains(out.String(), "epoch 999/1000") {
			t.Errorf("width %d: %q", width, out.String())
		}
		if width >= 120 && !strings.Contains(out.String(), "epoch 999/1000, loss 12.345, error 98.7 %, 123,456 img/s, 59m00s left") {
			t.Errorf("width %d: %q", width, out.String())
		}
	}
}

// What the panels of a history show at each epoch, and which epoch is ringed: the last of those that were the best so far.
func TestAHistorysPanelsShowItsNumbers(t *testing.T) {
	rows := []Epoch{
		{Epoch: 1, LR: .1, Train: Metrics{Loss: 2, Top1: .75}, Val: Metrics{Loss: 1.5, Top1: .625}, Best: true},
		{Epoch: 2, LR: .05, Train: Metrics{Loss: 1, Top1: .5}, Val: Metrics{Loss: 1.25, Top1: .25}, Best: true},
		{Epoch: 2.5, LR: .01, Train: Metrics{Loss: .5, Top1: .375}, Val: Metrics{Loss: 1.375, Top1: .5}},
	}
	for squared, want := range map[bool][]string{
		false: {
			"loss training [2 1 0.5]", "loss validation [1.5 1.25 1.375]",
			"top-1 error, % training [75 50 37.5]", "top-1 error, % validation [62.5 25 50]", "learning rate  [0.1 0.05 0.01]",
		},
		true: {
			"mean squared error training [2 1 0.5]", "mean squared error validation [1.5 1.25 1.375]",
			"sign right, % training [25 50 62.5]", "sign right, % validation [37.5 75 50]", "learning rate  [0.1 0.05 0.01]",
		},
	} {
		var got []string
		for _, p := range historyPanels(rows, squared) {
			for _, l := range p.lines {
				var values []float64
				for _, r := range l.rows {
					values = append(values, l.of(r))
				}
				got = append(got, fmt.Sprint(p.name, " ", l.name, " ", values))
				if marked := l.name == "validation"; l.marked != marked || l.dashed {
					t.Errorf("%s, %s: marked %v, dashed %v", p.name, l.name, l.marked, l.dashed)
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("squared %v: %q, want %q", squared, got, want)
		}
	}
	if best := bestOf(rows); best == nil || best.Epoch != 2 {
		t.Errorf("the best epoch is %+v, should be the second", best)
	}
	if best := bestOf(rows[2:]); best != nil {
		t.Errorf("the best epoch of none is %+v", best)
	}
}
