package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/train"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

func newEval(a *app) *cobra.Command {
	var asJSON bool
	var data string
	c := train.EvalConfig{Network: stored, Open: openWeights}
	cmd := &cobra.Command{
		Use:   "eval [RUN|WEIGHTS]...",
		Short: "Evaluate trained weights on test images",
		Long: `Evaluate trained weights on the test images of the data that they were trained on, or of --data.
A run stands for its best weights; without arguments it is the newest one under runs, or, where there
is none, lenet5-fashion-mnist, whose weights are part of the program. Such weights are evaluated on the
test images in the program. Several are an ensemble, whose probabilities are averaged.`,
		Args: arguments(0, -1, ""),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = []string{a.newest()}
			}
			var of source
			if cmd.Flags().Changed("data") {
				of.name, of.dir = dataFlag(data)
				if _, err := datasets.Lookup(of.name); err != nil {
					return usage(err)
				}
			}
			for i, arg := range args {
				path, s, err := find(arg)
				if err != nil {
					return err
				}
				if i == 0 && of.name == "" {
					of = s
				}
				c.Weights = append(c.Weights, path)
			}
			if of.name == "" {
				return usage(fmt.Errorf("%s: the file does not say what data it was trained on: name it with --data", c.Weights[0]))
			}
			var err error
			if c.Images, err = datasets.OpenPart(of.name, of.dir, datasets.Test); err != nil {
				return err
			}
			if !cmd.Flags().Changed("limit") {
				c.Limit = of.limit
			}
			if c.Batch == 0 {
				c.Batch = of.batch
			}
			e, err := train.Evaluate(cmd.Context(), c)
			if err != nil {
				return err
			}
			if asJSON {
				return a.printJSON(e)
			}
			a.printEvaluation(e)
			return nil
		},
	}
	cmd.Flags().StringVar(&data, "data", "", "data set, NAME or NAME=FOLDER, in place of the one that was trained on")
	cmd.Flags().IntVar(&c.Limit, "limit", 0, "evaluate that many images only")
	cmd.Flags().IntVar(&c.Batch, "batch", 0, "images in a step; 0 means as in training")
	cmd.Flags().IntVar(&c.Threads, "threads", 0, "threads, which change no result; 0 means one for each core")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one object")
	return cmd
}

// source is the data that weights are evaluated on.
type source struct {
	name, dir    string
	limit, batch int
}

// find takes a weights file, a run's folder, a folder of runs or a name of weights that are part of the
// program for weights, which openWeights opens, and their data.
func find(arg string) (path string, s source, err error) {
	if isShipped(arg) {
		r, err := openWeights(arg)
		if err != nil {
			return "", s, err
		}
		return arg, source{name: embeddedPart(r.Meta().Data)}, nil
	}
	info, err := os.Stat(arg)
	if err == nil && !info.IsDir() {
		r, err := weights.Open(arg)
		if err != nil {
			return "", s, err
		}
		defer r.Close()
		return arg, source{name: r.Meta().Data}, nil
	}
	if err != nil && (arg != "runs" || !os.IsNotExist(err)) {
		return "", s, missing(arg, err)
	}
	runs, err := train.Runs(arg)
	if err != nil {
		return "", s, err
	}
	if len(runs) == 0 {
		return "", s, fmt.Errorf("%s: no run that was saved: train one first, as in zoo train lenet5", arg)
	}
	cfg, err := train.ReadConfig(runs[0])
	if err != nil {
		return "", s, err
	}
	path = filepath.Join(runs[0], train.BestFile)
	if _, err := os.Stat(path); err != nil { // interrupted before the first evaluation
		path = filepath.Join(runs[0], train.LastFile)
	}
	return path, source{cfg.Data, cfg.DataDir, cfg.TestLimit, cfg.EvalBatch}, nil
}

func (a *app) printEvaluation(e train.Evaluation) {
	t := newTable(a.stdout, "Weights", "Network", "Seed", "Epoch", "Loss", "Top-1 error", "Top-5 error")
	t.SetColumnConfigs(right(3, 4, 5, 6, 7))
	row := func(name, network string, seed, epoch any, m train.Metrics) table.Row {
		return table.Row{name, network, seed, epoch, fmt.Sprintf("%.4f", m.Loss), train.Percent(m.Top1), train.Percent(m.Top5)}
	}
	for _, m := range e.Members {
		t.AppendRow(row(m.Weights, m.Network, m.Seed, m.Epoch, m.Metrics))
	}
	if len(e.Members) > 1 {
		t.AppendRow(row(fmt.Sprintf("ensemble of %d", len(e.Members)), "", "", "", e.Ensemble))
	}
	t.Render()
	fmt.Fprintf(a.stdout, "\ntest error %s (top-5 %s) on %s images of %s\n", train.Percent(e.Top1), train.Percent(e.Top5), train.Group(int64(e.Images)), e.Data)
}
