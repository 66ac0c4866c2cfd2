package main

import (
	"fmt"
	"io"
	"regexp"
	"strconv"

	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// plotTrend draws the networks' published errors on ImageNet against their sizes.
func (a *app) plotTrend(pattern, out string) error {
	if err := pngFile("--plot", out); err != nil {
		return err
	}
	var points []report.TrendPoint
	var names []string
	for _, e := range zoo.List() {
		match, err := matches(pattern, e.Name)
		if err != nil {
			return err
		}
		if p, ok := trendPoint(e); ok {
			names = append(names, e.Name)
			if match {
				points = append(points, p)
			}
		}
	}
	if len(points) == 0 {
		return usage(unknown("network with a published error on ImageNet", pattern, names, "zoo list without a pattern lists all"))
	}
	if err := weights.WriteAtomically(out, func(w io.Writer) error { return report.WriteTrend(w, points) }); err != nil {
		return configError(err)
	}
	_, err := fmt.Fprintln(a.stdout, out)
	return err
}

var (
	topOne     = regexp.MustCompile(`^\d+(\.\d+)?`)
	familyName = regexp.MustCompile(`^(.*?)(?:-(\d.*|B\d|large|small|tiny))?$`)
)

// trendPoint is the first of a network's variants for ImageNet whose top-1 error is told.
func trendPoint(e zoo.Entry) (report.TrendPoint, bool) {
	for _, v := range e.Variants {
		top, err := strconv.ParseFloat(topOne.FindString(v.PaperError), 64)
		if err != nil || v.Options.Classes != 1000 {
			continue
		}
		name := familyName.FindStringSubmatch(e.Title)
		return report.TrendPoint{Family: fmt.Sprintf("%s %d", name[1], e.Year), Label: name[2], Error: top, Params: v.Params, MACs: v.MACs}, true
	}
	return report.TrendPoint{}, false
}
