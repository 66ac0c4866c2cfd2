package report

import (
	"bytes"
	"image"
	"image/png"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/lettering"
)

// legend is where the label of the only run of a figure leaves ink.
func legend(t *testing.T, label string) image.Rectangle {
	t.Helper()
	draw := func(label string) image.Image {
		var b bytes.Buffer
		if err := WriteCurves(&b, []Curve{{Label: label, Data: "cifar-10", Rows: falling(10, 0.1)}}, "error", 0); err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(&b)
		if err != nil {
			t.Fatal(err)
		}
		return img
	}
	with, without := draw(label), draw("i") // one without a label has no line in the legend
	at := image.Rectangle{}
	for y := range with.Bounds().Dy() {
		for x := range with.Bounds().Dx() {
			if with.At(x, y) != without.At(x, y) {
				at = at.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return at
}

func TestALegendHasTheLettersOfEveryScript(t *testing.T) {
	for _, label := range []string{"學習率 學習率", "обучение", "معدل التعلم", "🦄", "☃☃☃", "हिन्दी", "学習率 ☃ 0.1"} {
		at := legend(t, label)
		if least := min(lettering.Width(label)/2, 16); at.Dx() < least || at.Dy() < 6 || at.Dy() > 40 || at.Min.Y > 80 {
			t.Errorf("%s: ink at %v", label, at)
		}
	}
}

func TestALegendOfLongNamesStaysInItsFigure(t *testing.T) {
	for _, label := range []string{strings.Repeat("and on ", 20), strings.Repeat("x", 150), strings.Repeat("学習", 60), "tab\tand\nline"} {
		at := legend(t, label)
		if at.Min.X < 300 || at.Max.X > 7*96 || at.Max.Y > 200 {
			t.Errorf("%.10s…: ink at %v", label, at)
		}
	}
}
