package report

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A TrendPoint is a network in a figure of errors against sizes.
type TrendPoint struct {
	Family string // with the year: "VGG 2014"; the figure's colours
	Label  string // beside the point: "16"
	Error  float64
	Params int64
	MACs   int64
}

// trendSizes are what errors are drawn against.
var trendSizes = [2]struct {
	axis string
	of   func(TrendPoint) float64
}{
	{"multiply-adds of an image, thousands of millions", func(p TrendPoint) float64 { return float64(p.MACs) / 1e9 }},
	{"parameters, millions", func(p TrendPoint) float64 { return float64(p.Params) / 1e6 }},
}

// WriteTrend draws errors in percent against multiply-adds and against parameters, both on logarithmic axes,
// as PNG. Networks of a family are joined by a line in the order of the axis, and families take colours in
// the order in which they come.
func WriteTrend(w io.Writer, points []TrendPoint) error {
	if len(points) == 0 {
		return errors.New("errors against sizes: no networks")
	}
	var families []string
	for _, p := range points {
		if p.MACs < 1 || p.Params < 1 || math.IsNaN(p.Error) || math.IsInf(p.Error, 0) {
			return fmt.Errorf("errors against sizes: %s %s of %d parameters and %d multiply-adds has the error %v: sizes should be at least 1, and the error a number", p.Family, p.Label, p.Params, p.MACs, p.Error)
		}
		if !slices.Contains(families, p.Family) {
			families = append(families, p.Family)
		}
	}
	var panels [2]*plot.Plot
	for i, size := range trendSizes {
		var err error
		if panels[i], err = trendPanel(points, families, size.axis, size.of); err != nil {
			return err
		}
	}
	left, right := panels[0], panels[1]
	left.Y.Label.Text = "top-1 error on ImageNet, %"
	left.Legend.Left = true // where small networks would have to be that make few errors
	right.Legend = plot.NewLegend()
	right.X.Max *= 1.2
	return figure(w, 7, 6, "", left, right)
}

// trendPanel draws the points over one kind of size.
func trendPanel(points []TrendPoint, families []string, axis string, size func(TrendPoint) float64) (*plot.Plot, error) {
	p := plot.New()
	p.X.Label.Text = axis
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	p.Add(plotter.NewGrid())
	p.Legend.TextStyle.Font.Size = vg.Points(8)
	for i, family := range families {
		var own []TrendPoint
		for _, t := range points {
			if t.Family == family {
				own = append(own, t)
			}
		}
		slices.SortStableFunc(own, func(a, b TrendPoint) int { return cmp.Compare(size(a), size(b)) })
		xys, labels := make(plotter.XYs, len(own)), plotter.XYLabels{}
		for k, t := range own {
			xys[k] = plotter.XY{X: size(t), Y: t.Error}
			labels.XYs, labels.Labels = append(labels.XYs, xys[k]), append(labels.Labels, t.Label)
		}
		line, dots, err := plotter.NewLinePoints(xys)
		if err != nil {
			return nil, err
		}
		line.Color, dots.Color = colours[i%len(colours)], colours[i%len(colours)]
		line.Width, dots.Radius = vg.Points(1.2), vg.Points(3)
		dots.Shape = draw.CircleGlyph{}
		if i >= len(colours) {
			dots.Shape = draw.PyramidGlyph{} // colours come round again
			line.Dashes = []vg.Length{vg.Points(4), vg.Points(2)}
		}
		text, err := plotter.NewLabels(labels)
		if err != nil {
			return nil, err
		}
		for k := range text.TextStyle {
			text.TextStyle[k].Font.Size, text.TextStyle[k].Color = vg.Points(8), line.Color
		}
		text.Offset = vg.Point{X: vg.Points(4), Y: vg.Points(3)}
		p.Add(line, dots, text)
		p.Legend.Add(family, dots)
	}
	p.X.Min, p.X.Max = p.X.Min*0.8, p.X.Max*1.25
	p.Y.Min, p.Y.Max = math.Floor(p.Y.Min/5)*5, math.Ceil(p.Y.Max/5)*5
	return p, nil
}
