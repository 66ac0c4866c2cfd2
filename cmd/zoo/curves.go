package main

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/gorgonia-zoo/gorgonia-zoo/train"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

func newCurves(a *app) *cobra.Command {
	var out, quantity string
	var labels []string
	var top float64
	cmd := &cobra.Command{
		Use:   "curves RUN...",
		Short: "Draw the curves of several runs into one figure",
		Long: `Draw the error of several runs, epoch by epoch, into one figure: one colour a run, training images
dashed, test images solid. Runs are labelled by network and variant, or in their order by --label.

That depth hurts plain networks and helps residual ones (He et al. 2015, figure 6) is four runs:

  for n in 20 56; do
    for v in plain paper; do
      zoo train resnet$n --variant $v --data cifar-10 --lr 0.1 --out runs/depth/resnet$n-$v
    done
  done
  zoo curves runs/depth/* --max 40 -o depth.png

--recipe paper trains as long as the paper did.`,
		Example: "  zoo curves runs/resnet20-cifar-10/001 runs/resnet20-cifar-10/002 --label 'lr 0.1' --label 'lr 0.4' -o rates.png",
		Args:    arguments(1, -1, "at least one run"),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(labels) > 0 && len(labels) != len(args) {
				return usage(fmt.Errorf("%s for %s: one --label for each is needed, or none", report.Plural(len(labels), "label"), report.Plural(len(args), "run")))
			}
			if err := pngFile("-o", out); err != nil {
				return err
			}
			var runs []report.Curve
			named := map[string]int{}
			for i, folder := range args {
				if _, err := readRun(folder); err != nil {
					return err
				}
				r, err := train.ReadCurve(folder)
				if err != nil {
					return err
				}
				if len(labels) > 0 {
					r.Label = labels[i]
				}
				named[r.Label]++
				runs = append(runs, r)
			}
			for i := range runs {
				if len(labels) == 0 && named[runs[i].Label] > 1 {
					runs[i].Label += " " + filepath.Base(filepath.Clean(args[i]))
				}
			}
			var drawn []string
			for _, r := range runs {
				drawn = append(drawn, report.Plain(r.Label))
			}
			a.tellReplaced(drawn)
			err := weights.WriteAtomically(out, func(w io.Writer) error { return report.WriteCurves(w, runs, quantity, top) })
			if err != nil {
				return configError(err)
			}
			_, err = fmt.Fprintln(a.stdout, out)
			return err
		},
	}
	f := cmd.Flags()
	f.StringVarP(&out, "output", "o", "curves.png", "the picture's file")
	f.StringVar(&quantity, "y", "error", "error or loss")
	f.StringArrayVar(&labels, "label", nil, "a run's name in the legend; given once for each run")
	f.Float64Var(&top, "max", 0, "cut off what is above, errors in percent; 0 means nothing")
	return cmd
}
