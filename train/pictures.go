package train

import (
	"context"
	"fmt"
	"image/color"
	"image/png"
	"io"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
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

func (m *mistakes) Image(i int, dst *datasets.Image) error {
	return m.Source.Image(m.list[i].Index, dst)
}

// curves draws loss and error of training and test images by the epoch, and the learning rate, as PNG.
func curves(w io.Writer, title string, rows []Epoch, squared bool) error {
	blue, red, grey := color.RGBA{31, 119, 180, 255}, color.RGBA{214, 39, 40, 255}, color.RGBA{90, 90, 90, 255}
	type line struct {
		name  string
		color color.Color
		of    func(Epoch) float64
	}
	panel := func(name string, lines ...line) (*plot.Plot, error) {
		p := plot.New()
		p.Y.Label.Text, p.X.Label.Text = name, "epoch"
		p.Legend.Top = true
		p.Add(plotter.NewGrid())
		for _, l := range lines {
			points := make(plotter.XYs, len(rows))
			for i, r := range rows {
				points[i] = plotter.XY{X: r.Epoch, Y: l.of(r)}
			}
			drawn, dots, err := plotter.NewLinePoints(points)
			if err != nil {
				return nil, err
			}
			drawn.Color, dots.Color = l.color, l.color
			drawn.Width, dots.Radius = vg.Points(1.5), vg.Points(1.5)
			dots.Shape = draw.CircleGlyph{}
			p.Add(drawn, dots)
			if l.name != "" {
				p.Legend.Add(l.name, drawn)
			}
		}
		return p, nil
	}
	panels := []func() (*plot.Plot, error){
		func() (*plot.Plot, error) {
			return panel("loss", line{"training", blue, func(e Epoch) float64 { return e.Train.Loss }}, line{"test", red, func(e Epoch) float64 { return e.Test.Loss }})
		},
		func() (*plot.Plot, error) {
			return panel("top-1 error, %", line{"training", blue, func(e Epoch) float64 { return 100 * e.Train.Top1 }}, line{"test", red, func(e Epoch) float64 { return 100 * e.Test.Top1 }})
		},
		func() (*plot.Plot, error) {
			return panel("learning rate", line{"", grey, func(e Epoch) float64 { return e.LR }})
		},
	}
	if squared {
		panels = append([]func() (*plot.Plot, error){
			func() (*plot.Plot, error) {
				return panel("mean squared error", line{"training", blue, func(e Epoch) float64 { return e.Train.Loss }}, line{"test", red, func(e Epoch) float64 { return e.Test.Loss }})
			},
			func() (*plot.Plot, error) {
				return panel("sign right, %", line{"training", blue, func(e Epoch) float64 { return 100 * (1 - e.Train.Top1) }}, line{"test", red, func(e Epoch) float64 { return 100 * (1 - e.Test.Top1) }})
			},
		}, panels[2])
	}
	var row []*plot.Plot
	for _, make := range panels {
		p, err := make()
		if err != nil {
			return fmt.Errorf("curves: %w", err)
		}
		row = append(row, p)
	}
	row[0].Title.Text = title
	img := vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(4.4*vg.Inch*vg.Length(len(row)), 3.5*vg.Inch), vgimg.UseDPI(96))}
	tiles := draw.Tiles{Rows: 1, Cols: len(row), PadX: vg.Points(10), PadTop: vg.Points(4), PadBottom: vg.Points(4), PadLeft: vg.Points(4), PadRight: vg.Points(8)}
	for i, c := range plot.Align([][]*plot.Plot{row}, tiles, draw.New(img))[0] {
		row[i].Draw(c)
	}
	_, err := img.WriteTo(w)
	return err
}
