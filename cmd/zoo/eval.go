package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/train"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/cluster"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
)

func newEval(a *app) *cobra.Command {
	var asJSON bool
	var data, confusion, reportFile, part string
	var ensemble int
	var strict bool
	c := train.EvalConfig{Network: stored, Open: openWeights}
	cmd := &cobra.Command{
		Use:   "eval [RUN|WEIGHTS]...",
		Short: "Evaluate trained weights on test images",
		Long: `Evaluate trained weights on the test images of the data that they were trained on, or of --data.
A run stands for its best weights, one of several members for all of them; without arguments it is the newest
one under runs, or, where there is none, lenet5-fashion-mnist, whose weights are part of the program (zoo list
--weights shows all that are). Such weights are evaluated on the test images in the program, where it has some.
Several are an ensemble, whose probabilities are averaged; --ensemble N takes the first N members of a run or of
an ensemble, or the newest N runs of one network and data set.`,
		Example: `  zoo eval --ensemble 7 --crops 10
  zoo eval runs/lenet5-fashion-mnist-small/001 --confusion confusion.png --worst 10`,
		Args: arguments(0, -1, ""),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case ensemble < 0:
				return usage(fmt.Errorf("--ensemble %d: should be at least 1", ensemble))
			case c.Views.Crops != 1 && c.Views.Crops != 10:
				return usage(fmt.Errorf("--crops %d: should be 1 or 10", c.Views.Crops))
			case c.Worst < 0:
				return usage(fmt.Errorf("--worst %d: should be at least 1", c.Worst))
			case confusion != "" && filepath.Ext(confusion) != ".csv" && filepath.Ext(confusion) != ".png":
				return usage(fmt.Errorf("--confusion %s: should end in .csv or .png", confusion))
			case reportFile != "" && filepath.Ext(reportFile) != ".csv" && filepath.Ext(reportFile) != ".md":
				return usage(fmt.Errorf("--report %s: should end in .csv or .md", reportFile))
			}
			if len(args) == 0 {
				newest, err := a.newest(ensemble)
				if err != nil {
					return err
				}
				args = []string{newest}
			}
			if err := a.join(cmd.Context(), cmd.Name()); err != nil {
				return err
			}
			c.Cluster = a.ranks()
			var note string
			err := func() error {
				if err := a.have(cmd.Context(), args...); err != nil {
					return err
				}
				args, err := expand(args, ensemble)
				if err != nil {
					return err
				}
				var of source
				if cmd.Flags().Changed("data") {
					if of.name, of.dir, err = dataFlag(data); err != nil {
						return err
					}
					of.given = true
				}
				for i, arg := range args {
					path, s, err := find(arg)
					if err != nil {
						return err
					}
					if i == 0 && of.name == "" {
						of = s
					}
					of.trained = append(of.trained, s.trained...)
					for _, note := range s.notes {
						fmt.Fprintln(a.stderr, "warning:", note)
					}
					c.Weights = append(c.Weights, path)
				}
				if of.name == "" {
					return usage(fmt.Errorf("%s: the file does not say what data it was trained on: name it with --data", c.Weights[0]))
				}
				var limit int
				if c.Images, limit, note, err = of.images(datasets.Part(part)); err != nil {
					return err
				}
				if !cmd.Flags().Changed("limit") {
					c.Limit = limit
				}
				if c.Batch == 0 {
					c.Batch = of.batch
				}
				return nil
			}()
			if err := cluster.Agree(a.ranks(), cluster.Preparing, err); err != nil {
				return err
			}
			c.SkipBroken = !strict
			e, err := train.Evaluate(cmd.Context(), c)
			if err != nil {
				return err
			}
			if a.ranks().Rank() > 0 {
				return nil
			}
			if note != "" {
				e.Warnings = append(e.Warnings, note)
			}
			for _, w := range e.Warnings {
				fmt.Fprintln(a.stderr, "warning:", w)
			}
			if c.Half {
				fmt.Fprintln(a.stderr, halves(e.Half))
			}
			if reportFile != "" {
				write := e.WriteCSV
				if filepath.Ext(reportFile) == ".md" {
					write = e.WriteMarkdown
				}
				if err := weights.WriteAtomically(reportFile, write); err != nil {
					return err
				}
			}
			if confusion != "" {
				write := e.Confusion.WriteCSV
				if filepath.Ext(confusion) == ".png" {
					write = e.Confusion.WritePNG
					a.tellReplaced(e.Confusion.Classes)
				}
				if len(e.Confusion.Counts) == 0 {
					return fmt.Errorf("%s: the network has no classes to confuse", confusion)
				}
				if err := weights.WriteAtomically(confusion, write); err != nil {
					return err
				}
			}
			if asJSON {
				return a.printJSON(e)
			}
			a.printEvaluation(e)
			return nil
		},
	}
	cmd.Flags().StringVar(&data, "data", "", "data set, NAME or NAME=FOLDER, in place of the one that was trained on")
	cmd.Flags().IntVar(&ensemble, "ensemble", 0, "evaluate that many members together")
	cmd.Flags().IntVar(&c.Views.Crops, "crops", 1, "parts of each image whose probabilities are averaged: 1, or 10 for corners, middle and mirror images")
	cmd.Flags().BoolVar(&c.Views.Flip, "flip", false, "average with the mirror image too")
	cmd.Flags().StringVar(&confusion, "confusion", "", "write the confusion matrix to this .csv or .png file")
	cmd.Flags().StringVar(&part, "part", "", "`PART` of the data set, val or test or train; without it test, or what comes next to that")
	cmd.Flags().StringVar(&reportFile, "report", "", "write images, precision and recall of each class to this .csv or .md file")
	cmd.Flags().IntVar(&c.Worst, "worst", 0, "show that many of the worst mistakes")
	cmd.Flags().IntVar(&c.Limit, "limit", 0, "evaluate that many images only")
	cmd.Flags().IntVar(&c.Batch, "batch", 0, "images in a step; 0 means as in training")
	cmd.Flags().IntVar(&c.Threads, "threads", 0, "threads, which change no result; 0 means one for each core")
	cmd.Flags().BoolVar(&c.Half, "half", false, halfHelp)
	cmd.Flags().BoolVar(&strict, "strict", false, "end at an image that cannot be read, which is left out otherwise")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one object")
	return cmd
}

// source is the data that weights are evaluated on.
type source struct {
	name, dir string
	batch     int
	given     bool           // by --data, not by what was trained
	run       *recipe.Config // of the weights, nil if they are in none
	notes     []string       // what was taken in place of what was asked for
	chose     string         // checksum of the images that chose the weights; empty if it is not known
	trained   []string       // checksums of the images that the weights were trained on
}

// images opens a part of the data. Without one it is the test part; where there is none, it is what chose the weights,
// or all of a folder without parts, and a note says so.
func (s source) images(part datasets.Part) (src datasets.Source, limit int, note string, err error) {
	split, err := openData(s.name, s.dir)
	if err != nil {
		return nil, 0, "", err
	}
	learn, choose := split.Train, split.Val
	var held string // says which images are held out
	if s.run != nil && !s.given {
		if learn, choose, _, err = train.Divide(*s.run, split); err != nil {
			return nil, 0, "", err
		}
		if _, ok := choose.(*datasets.Subset); ok {
			held = ", held out of those that were learned"
		}
	}
	switch {
	case part == datasets.Val:
		src = choose
	case part == datasets.Train:
		src = learn
	case part != "":
		src = split.Part(part)
	case split.Test != nil:
		src = split.Test
	case choose != nil:
		src = choose
		note = fmt.Sprintf("%s has no test part: its part %s is taken", src.Info().Name, src.Info().Part)
		if s.run != nil && !s.given {
			note = fmt.Sprintf("%s has no test part: these are the images that chose the best weights%s", src.Info().Name, held)
		}
	case split.Train.Info().Part == "":
		src = split.Train
	default:
		return nil, 0, "", fmt.Errorf("%s has a training part alone: --part train evaluates it", split.Train.Info().Name)
	}
	if src == nil {
		return nil, 0, "", fmt.Errorf("%s: %w as %s: there is %s", cmp.Or(s.dir, s.name), datasets.ErrNoPart, part, strings.Join(partsOf(split), ", "))
	}
	sum, err := src.Checksum()
	if err == nil && slices.Contains(s.trained, sum) {
		note = fmt.Sprintf("the weights have learned from these images of %s: on others they are worse", src.Info().Name)
	}
	if s.run != nil && src == choose {
		limit = s.run.ValLimit
		if s.chose != "" && sum != s.chose && !s.given && err == nil {
			note = fmt.Sprintf("these images of %s are not those that chose the weights: the images, or %s, have changed", src.Info().Name, report.ConfigFile)
		}
	}
	return src, limit, note, err
}

// partsOf names the parts that a data set has.
func partsOf(s datasets.Split) []string {
	var list []string
	for _, p := range []datasets.Part{datasets.Train, datasets.Val, datasets.Test} {
		if src := s.Part(p); src != nil {
			list = append(list, cmp.Or(string(src.Info().Part), "all of its images, without parts"))
		}
	}
	return list
}

// find takes a weights file, a run's folder, a folder of runs or a name of weights that are part of the
// program for weights, which openWeights opens, and their data.
func find(arg string) (path string, s source, err error) {
	if e, ok := shippedEntry(arg); ok {
		if len(e.Members) > 1 {
			return "", s, fmt.Errorf("%s: an ensemble of %d: name one of its members, as in %s", arg, len(e.Members), e.Members[0])
		}
		return arg, source{name: embeddedPart(e.Meta.Data)}, nil
	}
	if _, ok := publishedEntry(arg); ok {
		return arg, source{}, nil
	}
	info, err := os.Stat(arg)
	if err == nil && !info.IsDir() {
		if run := runOf(arg); run != "" {
			s, err := runSource(run)
			if err == nil {
				err = s.learn(arg)
			}
			return arg, s, err
		}
		r, err := openWeights(arg)
		if err != nil {
			return "", s, err
		}
		defer r.Close()
		s := source{name: r.Meta().Data, trained: trainedOn(r.Meta())}
		if assumed := infer.Assumed(r.Meta()); assumed != "" {
			s.notes = append(s.notes, arg+": "+assumed)
		}
		return arg, s, nil
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
	if s, err = runSource(runs[0]); err != nil {
		return "", s, err
	}
	path = filepath.Join(runs[0], report.BestFile)
	if _, err := os.Stat(path); err != nil {
		path = filepath.Join(runs[0], report.LastFile)
		if _, err := train.ReadCurve(runs[0]); err == nil { // not interrupted before the first evaluation
			s.notes = append(s.notes, fmt.Sprintf("%s: the best weights, %s, are gone: taking the last ones", runs[0], report.BestFile))
		}
	}
	return path, s, s.learn(path)
}

// learn notes what a weights file of a run says of its images.
func (s *source) learn(path string) error {
	r, err := weights.Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	m := r.Meta()
	if m.Data != "" && m.Data != s.name {
		return fmt.Errorf("%s: it was trained on %s, and the run's %s says %s", path, m.Data, report.ConfigFile, s.name)
	}
	s.trained, s.chose = trainedOn(m), m.Extra[train.ValChecksum]
	return nil
}

func trainedOn(m weights.Meta) []string {
	var list []string
	for _, sum := range []string{m.DataChecksum, m.Extra[train.WholeData]} {
		if sum != "" {
			list = append(list, sum)
		}
	}
	return list
}

// runSource is the data that a run of one member evaluates on.
func runSource(run string) (source, error) {
	cfg, err := train.ReadConfig(run)
	if err != nil {
		return source{}, err
	}
	if cfg.Ensemble > 0 {
		return source{}, fmt.Errorf("%s: a run of several members: name one of them, as in %s", run, train.MemberFolder(run, 1))
	}
	return source{name: cfg.Data, dir: cfg.DataDir, batch: cfg.EvalBatch, run: &cfg}, nil
}

// runOf is the folder of the run that a weights file is in; empty if it is in none.
func runOf(path string) string {
	folder := filepath.Dir(path)
	if abs, err := filepath.Abs(folder); err != nil || filepath.Base(abs) != filepath.Dir(report.BestFile) {
		return ""
	}
	folder = filepath.Join(folder, "..")
	if _, err := os.Stat(filepath.Join(folder, report.ConfigFile)); err != nil {
		return ""
	}
	return folder
}

// expand puts the members in the place of a run that has some, or of an ensemble that is part of the
// program, and the newest runs in the place of a folder of them if an ensemble is asked for.
func expand(args []string, ensemble int) ([]string, error) {
	var list []string
	for _, arg := range args {
		if e, ok := shippedEntry(arg); ok {
			members := e.Members
			if len(args) == 1 && len(members) > 1 {
				var err error
				if members, err = first(members, ensemble, arg); err != nil {
					return nil, err
				}
			}
			list = append(list, members...)
			continue
		}
		info, err := os.Stat(arg)
		if err != nil || !info.IsDir() {
			list = append(list, arg)
			continue
		}
		runs, err := train.Runs(arg)
		if err != nil {
			return nil, err
		}
		if len(runs) == 0 {
			list = append(list, arg)
			continue
		}
		members := train.Members(runs[0])
		if len(members) == 0 && len(args) == 1 && ensemble > 0 {
			if members, err = same(runs, ensemble); err != nil {
				return nil, err
			}
		}
		if len(members) == 0 {
			list = append(list, arg)
			continue
		}
		if len(args) == 1 {
			if members, err = first(members, ensemble, runs[0]); err != nil {
				return nil, err
			}
		}
		list = append(list, members...)
	}
	if ensemble > 0 && len(list) != ensemble {
		return nil, usage(fmt.Errorf("--ensemble %d: %d weights are named", ensemble, len(list)))
	}
	return list, nil
}

func (a *app) printEvaluation(e report.Evaluation) {
	if e.Squared { // one member, as nothing of several can be averaged
		m := e.Members[0]
		t := newTable(a.stdout, "Weights", "Network", "Seed", "Epoch", "MSE", "Sign right")
		t.SetColumnConfigs(right(3, 4, 5, 6))
		t.spares("Seed", "Epoch", "Network")
		t.AppendRow(table.Row{m.Weights, m.Network, m.Seed, m.Epoch, fmt.Sprintf("%.4f", m.Loss), report.Percent(1 - m.Top1)})
		t.Render()
		fmt.Fprintln(a.stdout)
		sentence(a.stdout, "%s on %s images of %s", resultOf(e), report.Group(int64(e.Images)), e.Data)
		return
	}
	top5 := e.Top5.Known
	header := []any{"Weights", "Network", "Seed", "Epoch", "Loss", "Top-1 error"}
	if top5 {
		header = append(header, "Top-5 error")
	}
	if e.OneCrop != nil {
		if header = append(header, "One crop: top-1"); top5 {
			header = append(header, "Top-5")
		}
	}
	t := newTable(a.stdout, header...)
	t.SetColumnConfigs(right(3, 4, 5, 6, 7, 8, 9))
	t.spares("Seed", "Epoch", "Network", "Loss")
	row := func(name, network string, seed, epoch any, m report.Metrics, one func(report.Evaluation) report.Metrics) {
		r := table.Row{name, network, seed, epoch, fmt.Sprintf("%.4f", m.Loss), report.Percent(m.Top1)}
		if top5 {
			r = append(r, m.Top5)
		}
		if e.OneCrop != nil {
			m := one(*e.OneCrop)
			if r = append(r, report.Percent(m.Top1)); top5 {
				r = append(r, m.Top5)
			}
		}
		t.AppendRow(r)
	}
	for i, m := range e.Members {
		row(m.Weights, m.Network, m.Seed, m.Epoch, m.Metrics, func(e report.Evaluation) report.Metrics { return e.Members[i].Metrics })
	}
	if len(e.Members) > 1 {
		row("mean", "", "", "", e.Mean, func(e report.Evaluation) report.Metrics { return e.Mean })
		row(fmt.Sprintf("ensemble of %d", len(e.Members)), "", "", "", e.Ensemble, func(e report.Evaluation) report.Metrics { return e.Ensemble })
		gain := func(e report.Evaluation) report.Metrics {
			return report.Metrics{Loss: e.Mean.Loss - e.Ensemble.Loss, Top1: e.Gain.Top1, Top5: e.Gain.Top5}
		}
		row("gain", "", "", "", gain(e), gain)
	}
	t.Render()
	if len(e.Members) > 1 {
		fmt.Fprintf(a.stdout, "\nmembers disagree on %s of the images\n", report.Percent(e.Disagreement))
	}
	if len(e.Worst) > 0 {
		fmt.Fprintln(a.stdout)
		t := newTable(a.stdout, "Image", "Class", "Taken for", "Probability of the class")
		if t.SetColumnConfigs(right(1, 4)); e.Worst[0].File != "" {
			t.SetColumnConfigs(right(4))
		}
		for _, m := range e.Worst {
			t.AppendRow(table.Row{cmp.Or(m.File, fmt.Sprint(m.Index)), m.Class, m.Predicted, fmt.Sprintf("%.2g", m.Probability)})
		}
		t.Render()
	}
	a.printClasses(e)
	fmt.Fprintln(a.stdout)
	sentence(a.stdout, "%s on %s images of %s", resultOf(e), report.Group(int64(e.Images)), e.Data)
}

// resultOf says which part an evaluation is of, and its result.
func resultOf(e report.Evaluation) string {
	if e.Part == "" {
		return e.Result()
	}
	return e.Part + " " + e.Result()
}

// classesShown is how many classes are shown one by one.
const classesShown = 20

// printClasses tells precision and recall of each class, or of the worst of many.
func (a *app) printClasses(e report.Evaluation) {
	var list []report.ClassResult
	for _, c := range e.Classes {
		if c.Images > 0 || c.Predicted > 0 {
			list = append(list, c)
		}
	}
	if len(list) == 0 {
		return
	}
	all := len(list)
	if all > classesShown {
		slices.SortStableFunc(list, func(a, b report.ClassResult) int { return cmp.Compare(a.Recall.Value, b.Recall.Value) })
		list = slices.DeleteFunc(list, func(c report.ClassResult) bool { return !c.Recall.Known })
		list = list[:min(len(list), classesShown/2)]
	}
	fmt.Fprintln(a.stdout)
	t := newTable(a.stdout, "Class", "Images", "Precision", "Recall")
	t.SetColumnConfigs(right(2, 3, 4))
	for _, c := range list {
		t.AppendRow(table.Row{c.Name, report.Group(int64(c.Images)), c.Precision, c.Recall})
	}
	t.Render()
	if all > classesShown {
		fmt.Fprintf(a.stdout, "the worst of %d classes; --report FILE writes all\n", all)
	}
}
