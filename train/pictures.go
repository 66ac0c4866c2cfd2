package train

import (
	"fmt"
	"io"
	"path/filepath"

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

// writeCard replaces the run's README.md.
func (t *Trainer) writeCard(r report.Result) error {
	card := report.RunCard{Plan: t.Plan(), Result: r, Config: t.cfg, TrainData: t.at.Data, ValData: t.at.ValData, Command: Command(t.folder)}
	return writeText(filepath.Join(t.folder, report.CardFile), card.String())
}
