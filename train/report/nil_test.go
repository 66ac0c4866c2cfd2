package report

import (
	"io"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
)

// Nowhere to write, and nothing to read or to draw, are errors.
func TestNothingIsAnError(t *testing.T) {
	epochs := []Epoch{{Epoch: 1}, {Epoch: 2}}
	for what, f := range map[string]func() error{
		"WriteHistory":          func() error { return WriteHistory(nil, "", epochs, false) },
		"WriteCurves":           func() error { return WriteCurves(nil, []Curve{{Rows: epochs}}, "error", 0) },
		"WriteTrend":            func() error { return WriteTrend(nil, []TrendPoint{{Params: 1, MACs: 1}}) },
		"WriteTrend of nothing": func() error { return WriteTrend(io.Discard, nil) },
		"WriteTrend of no size": func() error { return WriteTrend(io.Discard, []TrendPoint{{Params: 1}}) },
		"ReadTable":             func() error { _, err := ReadTable(nil); return err },
		"WriteMistakes":         func() error { return WriteMistakes(io.Discard, nil, datasets.Input{}, nil) },
		"Confusion.WriteCSV":    func() error { return Confusion{}.WriteCSV(nil) },
		"Confusion.WritePNG":    func() error { return Confusion{}.WritePNG(nil) },
		"Evaluation.WriteCSV":   func() error { return Evaluation{}.WriteCSV(nil) },
		"WriteMarkdown":         func() error { return Evaluation{}.WriteMarkdown(nil) },
	} {
		if err := f(); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	if got := Preprocessing(nil, nil) + Words(nil); got != "not known" {
		t.Error(got)
	}
	if got := (WeightsCard{Name: "none"}).String(); !strings.HasPrefix(got, "# none\n") {
		t.Errorf("%.40q", got)
	}
	for _, e := range []Events{&Lines{}, &Bar{}} { // their lines go nowhere
		e.Begin(Plan{Steps: 1})
		e.Broken([]datasets.BrokenImage{{}})
		e.Step(Step{Steps: 1})
		e.Epoch(Epoch{}, 0)
		e.Warn("x")
		e.Saved("x")
		e.End(Result{})
	}
}
