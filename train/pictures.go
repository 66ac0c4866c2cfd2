package train

import (
	"context"
	"fmt"
	"image/png"
	"io"
	"path/filepath"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
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
		title := fmt.Sprintf("%s on %s", t.net.Name, t.data.Train.Info().Name)
		if err := write(CurvesFile, func(w io.Writer) error { return curves(w, title, t.at.History, t.net.Squared) }); err != nil {
			return err
		}
	}
	if len(t.best.label) == 0 {
		return nil
	}
	c := t.best.confusion(t.data.Test.Info().Classes, t.net.Classes)
	if err := write(ConfusionFile+".csv", c.WriteCSV); err != nil {
		return err
	}
	if err := write(ConfusionFile+".png", c.WritePNG); err != nil {
		return err
	}
	worst := t.best.worst(worstShown, t.data.Test.Info().Classes)
	if in := t.test.Input(); len(worst) == 0 || in.C != 1 && in.C != 3 {
		return nil
	}
	sheet, err := datasets.Sheet(context.Background(), newMistakes(t.data.Test, worst), datasets.Config{Input: t.test.Input()}, datasets.SheetOptions{Images: len(worst), Tile: 112})
	if err != nil {
		return err
	}
	return write(WorstFile, func(w io.Writer) error { return png.Encode(w, sheet) })
}

// mistakes are the images of mistakes as a source whose classes tell what they are and what they were
// taken for.
type mistakes struct {
	datasets.Source
	list []Mistake
	info datasets.Info
}

func newMistakes(src datasets.Source, list []Mistake) *mistakes {
	m := &mistakes{Source: src, list: list, info: src.Info()}
	m.info.Classes = nil
	for _, x := range list {
		m.info.Classes = append(m.info.Classes, x.Class+" > "+x.Predicted)
	}
	return m
}

func (m *mistakes) Info() datasets.Info { return m.info }
func (m *mistakes) Len() int            { return len(m.list) }
func (m *mistakes) Label(i int) int     { return i }

func (m *mistakes) Image(i int, dst *image.Image) error {
	return m.Source.Image(m.list[i].Index, dst)
}
