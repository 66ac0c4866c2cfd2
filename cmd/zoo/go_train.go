package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk/positions"
	"github.com/gorgonia-zoo/gorgonia-zoo/train"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/alphago"
)

type goTrainFlags struct {
	data                       []string
	network, recipe            string
	k, depth                   int
	batch, epochs, limit, test int
	holdout, each, threads     int
	lr                         float64
	seed                       uint64
	time                       time.Duration
	init, out                  string
	set                        []string
	plain, dry, json_          bool
}

func newGoTrain(a *app) *cobra.Command {
	var f goTrainFlags
	cmd := &cobra.Command{
		Use:   "train --data GAMES",
		Short: "Train the policy or the value network on game records",
		Long: `Train the policy network to predict the moves of game records: SGF files, folders and zips of them.
The last games are held out, and predicting their moves is the test. An epoch is --limit positions
from all over the games, others in each epoch, turned by one of the board's eight symmetries.

With --network alphago-value it is the value network, which learns who wins: the targets are the games' results,
1 or -1 seen from the player to move, and games without a winner are left out. An epoch draws one
position of each game (--each), another one in each epoch, as neighbouring positions share the
result; the test is on all positions of the games held out. It tells the mean squared error (MSE), and how
often the sign of the answer is right. With --init of a policy network, the convolutions begin as the policy's. Games
come from zoo go selfplay, or from zoo go judge where records have no results.

The recipe "paper" is that of Silver et al. (2016): batches of 16 (32 for the value), SGD without momentum, a
rate of 0.003 halved every 80 million steps. "quick" makes the best of an hour or two: momentum and one cycle.
Like any other run, zoo resume goes on with it and zoo eval evaluates it.`,
		Example: `  zoo go train --data games.zip --k 64 --depth 6 --epochs 20 --holdout 500
  zoo go train --network alphago-value --data games.zip --holdout 500`,
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(f.data) == 0 {
				return usage(errors.New("zoo go train needs game records: --data games.zip"))
			}
			name, place, split, err := f.open(a)
			if err != nil {
				return err
			}
			cfg, err := f.configure(cmd.Flags(), name, place, split.Train.Len())
			if err != nil {
				return err
			}
			t, err := f.trainer(a, cmd, cfg, split)
			if err != nil {
				return err
			}
			defer t.Close()
			if f.dry {
				return a.dryRun(cmd.Context(), cfg, t, f.json_)
			}
			return a.finishGo(cmd.Context(), t, f.json_)
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&f.data, "data", nil, "SGF file, folder or zip; can be given several times")
	flags.StringVar(&f.network, "network", "alphago-policy", "alphago-policy or alphago-value")
	flags.StringVar(&f.recipe, "recipe", "quick", "paper or quick")
	flags.IntVar(&f.k, "k", 64, "filters of each convolution")
	flags.IntVar(&f.depth, "depth", 6, "convolutions")
	flags.IntVar(&f.epochs, "epochs", 0, "epochs of --limit positions")
	flags.IntVar(&f.batch, "batch", 0, "positions in a step")
	flags.Float64Var(&f.lr, "lr", 0, "learning rate that the schedule starts from")
	flags.Uint64Var(&f.seed, "seed", 1, "of everything that is random")
	flags.IntVar(&f.threads, "threads", 0, "threads, which change no result; 0 means one for each core")
	flags.IntVar(&f.limit, "limit", 20000, "positions in an epoch; 0 means all")
	flags.IntVar(&f.each, "each", 1, "positions of each game in an epoch, for the value network; 0 means all")
	flags.IntVar(&f.test, "test-limit", 4000, "held-out positions that an epoch ends with; 0 means all")
	flags.IntVar(&f.holdout, "holdout", -1, "games at the end that are held out; below 0 means one in 20, at most 500")
	flags.BoolVar(&f.plain, "no-symmetries", false, "leave the positions as they are")
	flags.DurationVar(&f.time, "time", 0, "end after that time, as in 30m")
	flags.StringVar(&f.init, "init", "", "initial weights: shipped ones, a file or a run; a policy's for a value network of its form")
	flags.StringVar(&f.out, "out", "", "the run's folder, in place of a new one under runs")
	flags.StringArrayVar(&f.set, "set", nil, "change a setting, as in momentum=0.95; can be given several times")
	flags.BoolVar(&f.dry, "dry-run", false, "show the plan and an estimate of the time, and end")
	flags.BoolVar(&f.json_, "json", false, "print the result as one object")
	return cmd
}

// open reads the games as the network needs them.
func (f *goTrainFlags) open(a *app) (name, place string, split datasets.Split, err error) {
	switch f.network {
	case "alphago-policy":
		if place, err = positions.Place(f.data, f.holdout); err != nil {
			return "", "", split, usage(err)
		}
		split, err = positions.Open(place, a.skipped)
		return positions.Name, place, split, err
	case "alphago-value":
		if place, err = positions.PlaceResults(f.data, f.holdout, f.each); err != nil {
			return "", "", split, usage(err)
		}
		split, err = positions.OpenResults(place, a.skipped)
		return positions.ResultsName, place, split, err
	}
	return "", "", split, usage(unknown("network", f.network, []string{"alphago-policy", "alphago-value"}, "there are alphago-policy and alphago-value"))
}

// configure puts the settings together for a number of positions to train on.
func (f *goTrainFlags) configure(given *pflag.FlagSet, name, place string, all int) (recipe.Config, error) {
	if f.limit < 0 {
		return recipe.Config{}, usage(fmt.Errorf("--limit %d: should be at least 1, or 0 for all positions", f.limit))
	}
	m, err := zoo.New(f.network)
	if err != nil {
		return recipe.Config{}, usage(err)
	}
	r, err := m.Recipe(f.recipe, name)
	if err != nil {
		return recipe.Config{}, usage(err)
	}
	epoch := all
	if f.limit > 0 {
		epoch = min(all, f.limit)
	}
	if given.Changed("batch") {
		r.Batch = f.batch
	}
	cfg := r.InSteps(epoch)
	if cfg.Options, err = json.Marshal(zoo.Options{Filters: f.k, Depth: f.depth}); err != nil {
		return cfg, err
	}
	if given.Changed("epochs") {
		cfg.Epochs = f.epochs
	}
	if given.Changed("lr") {
		cfg.Optimizer.LR = f.lr
	}
	cfg.Seed, cfg.DataDir, cfg.Threads = f.seed, place, f.threads
	if cfg.Init, err = initPath(f.init); err != nil {
		return cfg, err
	}
	cfg.Limit, cfg.ValLimit, cfg.Time = epoch, f.test, recipe.Duration(f.time)
	var steps []string
	switch of := all / max(epoch, 1); {
	case name == positions.ResultsName:
		// Rounded up, so that no game is left out always.
		steps = append(steps, fmt.Sprintf("draw(%d)", (all+epoch-1)/max(epoch, 1)))
	case of > 1:
		steps = append(steps, fmt.Sprintf("advance(%d)", of))
	}
	if !f.plain {
		steps = append(steps, "symmetry")
	}
	cfg.Augment = steps
	if err := f.change(&cfg); err != nil {
		return cfg, err
	}
	cfg, err = train.Complete(cfg)
	return cfg, usage(err)
}

// trainer prepares the run.
func (f *goTrainFlags) trainer(a *app, cmd *cobra.Command, cfg recipe.Config, split datasets.Split) (*train.Trainer, error) {
	o, err := options(cfg.Options)
	if err != nil {
		return nil, usage(err)
	}
	m, err := zoo.New(cfg.Network, zoo.WithOptions(o))
	if err != nil {
		return nil, usage(err)
	}
	n := train.Of(m)
	cfg.Variant, cfg.Options = n.Variant, n.Options
	line := goCommandLine(cmd)
	t, err := train.New(cfg, n, split, train.Options{Folder: f.out, Events: a.goEvents(), Command: line, Program: version(), Open: f.openInit})
	return t, configError(err)
}

// openInit opens the initial weights; of a policy network, what a value network can begin with.
func (f *goTrainFlags) openInit(name string) (*weights.Reader, error) {
	r, err := openWeights(name)
	if err != nil || f.network != "alphago-value" || r.Meta().Network != "alphago-policy" {
		return r, err
	}
	defer r.Close()
	return alphago.ValueFromPolicy(r, f.seed)
}

// finishGo runs the trainer and prints the result as players are used to: accuracy rather than error.
func (a *app) finishGo(ctx context.Context, t *train.Trainer, asJSON bool) error {
	told := context.AfterFunc(ctx, func() {
		fmt.Fprintln(a.stderr, "\nfinishing the step and saving; Ctrl-C again ends at once and loses what came after the last checkpoint")
	})
	defer told()
	r, err := t.Run(ctx)
	if r.Folder == "" {
		return err
	}
	if err != nil {
		fmt.Fprintf(a.stderr, "it goes on with: zoo resume %s\n", r.Folder)
		return err
	}
	if asJSON {
		return a.printJSON(r)
	}
	if r.Best != nil {
		fmt.Fprintf(a.stdout, "%-16s %s\n", predicts(r.Best.Val), accuracy(r.Best.Val))
		fmt.Fprintf(a.stdout, "best             %s\n", r.BestWeights)
	}
	fmt.Fprintf(a.stdout, "last             %s\nrun              %s\n", r.LastWeights, r.Folder)
	if r.Stopped != "" {
		fmt.Fprintf(a.stdout, "ended by its %s; it goes on with: zoo resume %s\n", r.Stopped, r.Folder)
	}
	return nil
}

// predicts names what a network's metrics are of.
func predicts(m report.Metrics) string {
	if m.Squared {
		return "value"
	}
	return "move prediction"
}

// goEvents adds the accuracy of predicting moves to what other runs tell.
func (a *app) goEvents() report.Events { return &moveEvents{a.events(), a} }

type moveEvents struct {
	report.Events
	a *app
}

// Epoch tells an evaluation.
func (e *moveEvents) Epoch(row report.Epoch, left time.Duration) {
	e.Events.Epoch(row, left)
	if row.Val.Squared {
		return // that line has it all
	}
	fmt.Fprintf(e.a.stderr, "move prediction %s\n", accuracy(row.Val))
}

func accuracy(m report.Metrics) string {
	if m.Squared {
		return fmt.Sprintf("%s on %s held-out positions", m.Result(), report.Group(int64(m.Images)))
	}
	return fmt.Sprintf("top-1 %s, top-5 %s on %s held-out positions", report.Percent(1-m.Top1), report.Percent(1-m.Top5.Value), report.Group(int64(m.Images)))
}

// goCommandLine is what repeats the run: the flags that were given, but for those that only say where to
// write.
func goCommandLine(cmd *cobra.Command) []string {
	line := []string{"zoo", "go", "train"}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if f.Name == "out" || f.Name == "json" {
			return
		}
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		for _, v := range values {
			line = append(line, "--"+f.Name, quote(v))
		}
	})
	return line
}

// change applies --set.
func (f *goTrainFlags) change(cfg *recipe.Config) error {
	return set(cfg, f.set)
}
