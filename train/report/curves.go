package report

import (
	"errors"
	"fmt"
	"image/color"
	"io"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
)

// The first colours of a figure's lines.
var (
	blue = color.RGBA{31, 119, 180, 255}
	red  = color.RGBA{214, 39, 40, 255}
	grey = color.RGBA{90, 90, 90, 255}

	// colours tell the runs of a figure apart.
	colours = []color.Color{
		blue, color.RGBA{255, 127, 14, 255}, color.RGBA{44, 160, 44, 255}, red, color.RGBA{148, 103, 189, 255},
		color.RGBA{140, 86, 75, 255}, color.RGBA{227, 119, 194, 255}, color.RGBA{23, 190, 207, 255}, color.RGBA{188, 189, 34, 255}, grey,
	}
)

// A line is one curve of a figure.
type line struct {
	name   string // in the legend; empty for none
	color  color.Color
	dashed bool
	rows   []Epoch
	of     func(Epoch) float64
	marked bool // the best epoch is
}

// bestOf is the best epoch, or nil.
func bestOf(rows []Epoch) *Epoch {
	for i := len(rows) - 1; i >= 0; i-- {
		if rows[i].Best {
			return &rows[i]
		}
	}
	return nil
}

// rounded are ticks that are 1, 2 or 5 times a power of ten apart, the least distance being least.
type rounded struct{ least float64 }

func (r rounded) Ticks(low, high float64) []plot.Tick {
	const most = 7
	step := max(r.least, 1e-12)
	if r.least == 0 && high > low {
		step = math.Pow(10, math.Floor(math.Log10((high-low)/most)))
	}
	for i := 0; (high-low)/step > most && i < 60; i++ {
		step *= []float64{2, 2.5, 2}[i%3]
	}
	var ticks []plot.Tick
	for k := math.Ceil(low/step-1e-9) + 0; k*step <= high+step*1e-9; k++ {
		ticks = append(ticks, plot.Tick{Value: k * step, Label: strconv.FormatFloat(k*step, 'g', 4, 64)})
	}
	return ticks
}

// legendWidth is where a legend's names are broken: most of a panel is for the curves.
const legendWidth = 2.5 * vg.Inch

// panel draws lines over the epochs, with a dot for each.
func panel(name string, lines ...line) (*plot.Plot, error) {
	p := plot.New()
	p.Y.Label.Text, p.X.Label.Text = name, "epoch"
	p.X.Tick.Marker, p.Y.Tick.Marker = rounded{1}, rounded{}
	p.Legend.Top = true
	named := names{p.Legend.TextStyle.Handler}
	p.Legend.TextStyle.Handler = named
	p.Add(plotter.NewGrid())
	for _, l := range lines {
		points := make(plotter.XYs, len(l.rows))
		for i, r := range l.rows {
			points[i] = plotter.XY{X: r.Epoch, Y: l.of(r)}
		}
		drawn, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return nil, err
		}
		drawn.Color, dots.Color = l.color, l.color
		drawn.Width, dots.Radius = vg.Points(1.5), vg.Points(1.5)
		dots.Shape = draw.CircleGlyph{}
		if l.dashed {
			drawn.Width, dots.Radius = vg.Points(1), vg.Points(1)
			drawn.Dashes = []vg.Length{vg.Points(4), vg.Points(3)}
		}
		p.Add(drawn, dots)
		if best := bestOf(l.rows); l.marked && best != nil {
			ring, err := plotter.NewScatter(plotter.XYs{{X: best.Epoch, Y: l.of(*best)}})
			if err != nil {
				return nil, err
			}
			ring.Shape, ring.Color, ring.Radius = draw.RingGlyph{}, color.Black, vg.Points(4)
			p.Add(ring)
			p.Legend.Add(fmt.Sprintf("best, epoch %.4g", best.Epoch), ring)
		}
		if l.name != "" {
			p.Legend.Add(named.wrapped(l.name, p.Legend.TextStyle.Font, legendWidth), drawn)
		}
	}
	if len(lines) > 1 { // room for the legend
		p.Y.Max += 0.3 * (p.Y.Max - p.Y.Min)
	}
	return p, nil
}

// figureDPI is how many pixels a figure has on an inch.
const figureDPI = 96

var errNowhere = errors.New("there is nowhere to write to")

// figure writes panels side by side as PNG, each of the given size in inches, under a title.
func figure(w io.Writer, width, height vg.Length, title string, row ...*plot.Plot) error {
	if w == nil {
		return errNowhere
	}
	named := names{row[0].Title.TextStyle.Handler}
	row[0].Title.TextStyle.Handler = named
	row[0].Title.Text = named.wrapped(title, row[0].Title.TextStyle.Font, width*vg.Inch*8/10)
	img := vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(width*vg.Inch*vg.Length(len(row)), height*vg.Inch), vgimg.UseDPI(figureDPI))}
	tiles := draw.Tiles{Rows: 1, Cols: len(row), PadX: vg.Points(10), PadTop: vg.Points(4), PadBottom: vg.Points(4), PadLeft: vg.Points(4), PadRight: vg.Points(8)}
	for i, c := range plot.Align([][]*plot.Plot{row}, tiles, draw.New(img))[0] {
		row[i].Draw(c)
	}
	_, err := img.WriteTo(w)
	return err
}

// What a figure can show of a run's epochs.
var (
	trainLoss  = func(e Epoch) float64 { return e.Train.Loss }
	valLoss    = func(e Epoch) float64 { return e.Val.Loss }
	trainError = func(e Epoch) float64 { return 100 * e.Train.Top1 }
	valError   = func(e Epoch) float64 { return 100 * e.Val.Top1 }
)

// A figurePanel is some lines of a figure, under what they show.
type figurePanel struct {
	name  string
	lines []line
}

// historyPanels are what a run's history is drawn as.
func historyPanels(rows []Epoch, squared bool) []figurePanel {
	both := func(name string, train, val func(Epoch) float64) figurePanel {
		return figurePanel{name, []line{{"training", blue, false, rows, train, false}, {"validation", red, false, rows, val, true}}}
	}
	panels := []figurePanel{both("loss", trainLoss, valLoss), both("top-1 error, %", trainError, valError)}
	if squared {
		right := func(e func(Epoch) float64) func(Epoch) float64 {
			return func(row Epoch) float64 { return 100 - e(row) }
		}
		panels = []figurePanel{both("mean squared error", trainLoss, valLoss), both("sign right, %", right(trainError), right(valError))}
	}
	return append(panels, figurePanel{"learning rate", []line{{"", grey, false, rows, func(e Epoch) float64 { return e.LR }, false}}})
}

// WriteHistory draws loss and error (or for numbers the squared error and how often the sign is right) of training
// and validation images by the epoch, and the learning rate, as PNG.
func WriteHistory(w io.Writer, title string, rows []Epoch, squared bool) error {
	var row []*plot.Plot
	for _, of := range historyPanels(rows, squared) {
		p, err := panel(of.name, of.lines...)
		if err != nil {
			return fmt.Errorf("curves: %w", err)
		}
		row = append(row, p)
	}
	return figure(w, 4.4, 3.5, title, row...)
}

// A Curve is the history of a run.
type Curve struct {
	Label string // of the run in a figure
	Data  string // the data set's name
	Rows  []Epoch
}

// CurveQuantities are what [WriteCurves] draws.
var CurveQuantities = []string{"error", "loss"}

// WriteCurves draws the top-1 error or the loss of several runs over their epochs as PNG, as figure 6 of
// He et al. 2015 does: one colour a run, dashed of the training images (while they were trained on), solid
// of the validation images. Values above top, if that is above 0, are cut off: errors in percent.
func WriteCurves(w io.Writer, runs []Curve, quantity string, top float64) error {
	if len(runs) == 0 {
		return errors.New("curves: no runs")
	}
	if err := recipe.OneOf("y", quantity, CurveQuantities); err != nil {
		return err
	}
	train, val, name := trainError, valError, "top-1 error, %"
	switch {
	case !(top >= 0):
		return &recipe.ConfigError{Key: "max", Value: top, Want: "above 0, or 0 for all of the curves"}
	case quantity == "loss":
		train, val, name = trainLoss, valLoss, "loss"
	}
	var lines []line
	title := runs[0].Data
	for i, r := range runs {
		c := colours[i%len(colours)]
		lines = append(lines, line{"", c, true, r.Rows, train, false}, line{r.Label, c, false, r.Rows, val, false})
		if r.Data != title {
			title = ""
		}
	}
	p, err := panel(name+" (dashed: training, solid: validation)", lines...)
	if err != nil {
		return fmt.Errorf("curves: %w", err)
	}
	p.Y.Min = 0
	if top > 0 {
		p.Y.Max = top
	}
	return figure(w, 7, 5, title, p)
}
