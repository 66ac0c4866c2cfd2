package train

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// worstShown is the number of mistakes on a run's contact sheet.
const worstShown = 24

// writePictures writes what a run's results look like: its curves, and for the best weights of this
// session the confusion matrix and the worst mistakes.
func (t *Trainer) writePictures() error {
	write := func(name string, f func(io.Writer) error) error {
		return weights.WriteAtomically(filepath.Join(t.folder, name), f)
	}
	if len(t.at.History) > 0 {
		title := fmt.Sprintf("%s on %s", t.net.Name, t.learn.Info().Name)
		if err := write(report.CurvesFile, func(w io.Writer) error { return report.WriteHistory(w, title, t.at.History, t.net.Squared) }); err != nil {
			return err
		}
	}
	if len(t.best.label) == 0 {
		return nil
	}
	c := t.best.confusion(t.choose.Info().Classes, t.net.Classes)
	if err := write(report.ConfusionFile+".csv", c.WriteCSV); err != nil {
		return err
	}
	if err := write(report.ConfusionFile+".png", c.WritePNG); err != nil {
		return err
	}
	worst, err := t.best.worst(worstShown, t.choose.Info().Classes, t.choose)
	if err != nil {
		return err
	}
	if in := t.val.Input(); len(worst) == 0 || in.C != 1 && in.C != 3 {
		return nil
	}
	return write(report.WorstFile, func(w io.Writer) error { return report.WriteMistakes(w, t.choose, t.val.Input(), worst) })
}

// reviewBest evaluates the best weights once more if their pictures are missing or older than they are: the process that
// found them was ended before it could draw. The parameters are not the run's any more.
func (t *Trainer) reviewBest(ctx context.Context) error {
	if t.at.Best == nil || len(t.best.label) > 0 || !t.net.classifies() || t.ranks.Size() > 1 {
		return nil
	}
	path := filepath.Join(t.folder, report.BestFile)
	best, err := os.Stat(path)
	if err != nil {
		return err
	}
	if drawn, err := os.Stat(filepath.Join(t.folder, report.ConfusionFile+".png")); err == nil && !drawn.ModTime().Before(best.ModTime()) {
		return nil
	}
	r, err := weights.Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	params := t.shown()
	if err := r.Match(specs(params)); err != nil {
		return err
	}
	if err := r.ReadNetwork(func(name string, _ []int) []float32 { return params.Get(name).Data }); err != nil {
		return err
	}
	params.Changed()
	_, err = t.eval.measure(ctx, t.ranks, &t.net, t.val, func(_ int, b *datasets.Batch, p []float64) { t.best.add(b, p, t.net.Classes, nil) }, func(int) {})
	return err
}

// writeCard replaces the run's README.md.
func (t *Trainer) writeCard(r report.Result) error {
	card := report.RunCard{Plan: t.Plan(), Result: r, Config: t.cfg, TrainData: t.at.Data, ValData: t.at.ValData, Command: Command(t.folder)}
	return writeText(filepath.Join(t.folder, report.CardFile), card.String())
}
