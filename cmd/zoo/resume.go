package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/train"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
)

func newResume(a *app) *cobra.Command {
	var asJSON bool
	var threads int
	var limit time.Duration
	cmd := &cobra.Command{
		Use:   "resume RUN",
		Short: "Go on with a run that was interrupted",
		Long: `Go on with a run from its last checkpoint. The weights come out as if it had never stopped,
to the last bit on the same kind of processor.`,
		Args: arguments(1, 1, "the folder of a run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := train.ReadConfig(args[0])
			if err != nil {
				return err
			}
			change := func(cfg *recipe.Config) {
				if cmd.Flags().Changed("threads") {
					cfg.Threads = threads
				}
				if cmd.Flags().Changed("time") {
					cfg.Time = recipe.Duration(limit) / recipe.Duration(max(cfg.Ensemble, 1))
				}
			}
			if cfg.Ensemble > 0 {
				return a.ensemble(cmd.Context(), args[0], cfg, change, asJSON)
			}
			change(&cfg)
			t, err := a.prepare(cfg, func(cfg recipe.Config, n train.Network, d datasets.Split) (*train.Trainer, error) {
				return train.Resume(args[0], cfg, n, d, train.Options{Events: a.events(), Program: version(), Open: openWeights})
			})
			if err != nil {
				return err
			}
			defer t.Close()
			return a.finish(cmd.Context(), t, asJSON)
		},
	}
	cmd.Flags().IntVar(&threads, "threads", 0, "threads, which change no result; 0 means one for each core")
	cmd.Flags().DurationVar(&limit, "time", 0, "end after that time, as in 30m; 0 means no bound")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the result as one object")
	return cmd
}
