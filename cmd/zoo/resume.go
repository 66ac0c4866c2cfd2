package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/train"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/cluster"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
)

func newResume(a *app) *cobra.Command {
	var asJSON bool
	var threads, epochs int
	var lr float64
	var limit time.Duration
	var settings []string
	cmd := &cobra.Command{
		Use:   "resume RUN",
		Short: "Go on with a run that was interrupted, or beyond its end",
		Long: `Go on with a run from its last checkpoint. The weights come out as if it had never stopped,
to the last bit on the same kind of processor.

With more --epochs than it had it goes on beyond its end; --lr and --set change other settings from here on, unless
what was learned would be another run's (zoo train --init RUN begins one). Changes are kept in the run's config.json,
env.json and log.txt. The schedule is that of the new settings: a one-cycle's rate of an epoch in the middle, say.`,
		Example: "  zoo resume runs/lenet5-fashion-mnist-small/001\n  zoo resume runs/lenet5-fashion-mnist-small/001 --epochs 60 --set schedule.name=constant --lr 0.001",
		Args:    arguments(1, 1, "the folder of a run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.join(cmd.Context(), cmd.Name()); err != nil {
				return err
			}
			cfg, err := readRun(args[0])
			if err := cluster.Agree(a.ranks(), cluster.Preparing, err); err != nil {
				return err
			}
			// Wrong settings are noticed before anything begins.
			if _, err := changed(cmd, cfg, epochs, lr, settings); err != nil {
				return err
			}
			change := func(cfg *recipe.Config) {
				if c, err := changed(cmd, *cfg, epochs, lr, settings); err == nil {
					*cfg = c
				}
				if cmd.Flags().Changed("threads") {
					cfg.Threads = threads
				}
				if cmd.Flags().Changed("time") {
					cfg.Time = recipe.Duration(limit) / recipe.Duration(max(cfg.Ensemble, 1))
				}
			}
			if cfg.Ensemble > 0 {
				if with, err := changed(cmd, cfg, epochs, lr, settings); err == nil && (epochs > 0 || lr > 0 || len(settings) > 0) {
					cfg = with
					_, err := onFirst(a.ranks(), func() (string, error) { return "", train.WriteConfig(args[0], cfg) })
					if err != nil {
						return err
					}
				}
				return a.ensemble(cmd.Context(), args[0], cfg, change, asJSON)
			}
			change(&cfg)
			t, err := a.prepare(cfg, a.ranks(), func(cfg recipe.Config, n train.Network, d datasets.Split) (*train.Trainer, error) {
				return train.Resume(args[0], cfg, n, d, train.Options{Events: a.events(), Program: version(), Open: openWeights, Cluster: a.ranks()})
			})
			if err != nil {
				return err
			}
			defer t.Close()
			if t.Complete() {
				fmt.Fprintf(a.stderr, "%s is complete; with more epochs it goes on: zoo resume %[1]s --epochs %d; zoo train --init %[1]s begins another run with its weights\n", quote(args[0]), 2*cfg.Epochs)
			}
			return a.finish(cmd.Context(), t, asJSON)
		},
	}
	cmd.Flags().IntVar(&threads, "threads", 0, "threads, which change no result; 0 means one for each core")
	cmd.Flags().IntVar(&epochs, "epochs", 0, "passes over the images, those that are done included")
	cmd.Flags().Float64Var(&lr, "lr", 0, "learning rate that the schedule starts from")
	cmd.Flags().StringArrayVar(&settings, "set", nil, "change a setting, as in momentum=0.95; can be given several times")
	cmd.Flags().DurationVar(&limit, "time", 0, "end after that time, as in 30m; 0 means no bound")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the result as one object")
	return cmd
}

// readRun reads the configuration of a run from its folder.
func readRun(folder string) (recipe.Config, error) {
	if info, err := os.Stat(folder); err == nil && !info.IsDir() {
		if run := runOf(folder); run != "" {
			return recipe.Config{}, fmt.Errorf("%s: a file of the run %s: name that folder", folder, run)
		}
		return recipe.Config{}, fmt.Errorf("%s: a file: the folder of a run is needed", folder)
	}
	return train.ReadConfig(folder)
}

// changed are the settings of a run that goes on.
func changed(cmd *cobra.Command, cfg recipe.Config, epochs int, lr float64, settings []string) (recipe.Config, error) {
	if cmd.Flags().Changed("epochs") {
		cfg.Epochs = epochs
	}
	if cmd.Flags().Changed("lr") {
		cfg.Optimizer.LR = lr
	}
	if err := set(&cfg, settings); err != nil {
		return cfg, err
	}
	return cfg, usage(cfg.Complete().Validate())
}

// set applies key=value.
func set(cfg *recipe.Config, settings []string) error {
	for _, s := range settings {
		key, value, ok := strings.Cut(s, "=")
		if !ok {
			return usage(fmt.Errorf("--set %s: should be key=value; the keys are %s", s, strings.Join(recipe.Keys(), ", ")))
		}
		if err := cfg.Set(key, value); err != nil {
			return usage(err)
		}
	}
	return nil
}
