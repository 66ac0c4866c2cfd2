package report

import (
	"bytes"
	"image/color"
	"image/png"
	"math"
	"strings"
	"testing"
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
		p, err := panel("error", line{"", blue, dashed, rows, valError})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := figure(&b, 7, 5, p); err != nil {
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
