package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// WriteCSV writes a row for each class: its images, how many were taken for it, precision and recall as fractions. What
// has no meaning is empty.
func (e Evaluation) WriteCSV(w io.Writer) error {
	if w == nil {
		return errNowhere
	}
	out := csv.NewWriter(w)
	out.Write([]string{"class", "images", "predicted", "precision", "recall"})
	number := func(o Optional) string {
		if !o.Known {
			return ""
		}
		return strconv.FormatFloat(o.Value, 'g', 6, 64)
	}
	for _, c := range e.Classes {
		out.Write([]string{Cell(c.Name), strconv.Itoa(c.Images), strconv.Itoa(c.Predicted), number(c.Precision), number(c.Recall)})
	}
	out.Flush()
	return out.Error()
}

// WriteMarkdown writes the whole evaluation as a text of Markdown: the members, the classes, the worst mistakes.
func (e Evaluation) WriteMarkdown(w io.Writer) error {
	if w == nil {
		return errNowhere
	}
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	part := ""
	if e.Part != "" {
		part = e.Part + " "
	}
	line("# %simages of %s\n", part, Markdown(e.Data))
	line("%s on %s images.\n", Markdown(e.Result()), Group(int64(e.Images)))
	for _, text := range e.Warnings {
		line("- %s", Markdown(text))
	}
	line("\n| Weights | Network | Loss | Top-1 error | Top-5 error |\n|---|---|---|---|---|")
	row := func(name, network string, m Metrics) {
		line("| %s | %s | %.4f | %s | %v |", Markdown(name), Markdown(network), m.Loss, Percent(m.Top1), m.Top5)
	}
	for _, m := range e.Members {
		row(m.Weights, m.Network, m.Metrics)
	}
	if len(e.Members) > 1 {
		row("mean", "", e.Mean)
		row(fmt.Sprintf("ensemble of %d", len(e.Members)), "", e.Ensemble)
	}
	if len(e.Classes) > 0 {
		line("\n| Class | Images | Taken for it | Precision | Recall |\n|---|---|---|---|---|")
	}
	for _, c := range e.Classes {
		line("| %s | %s | %s | %v | %v |", Markdown(c.Name), Group(int64(c.Images)), Group(int64(c.Predicted)), c.Precision, c.Recall)
	}
	if len(e.Worst) > 0 {
		line("\n| Image | Class | Taken for | Probability of the class |\n|---|---|---|---|")
	}
	for _, m := range e.Worst {
		name := m.File
		if name == "" {
			name = strconv.Itoa(m.Index)
		}
		line("| %s | %s | %s | %.2g |", Markdown(name), Markdown(m.Class), Markdown(m.Predicted), m.Probability)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
