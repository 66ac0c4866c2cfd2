package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/gorgonia-zoo/gorgonia-zoo/train"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

func newBench(a *app) *cobra.Command {
	var asJSON bool
	var flags networkFlags
	var seconds float64
	c := train.BenchConfig{}
	cmd := &cobra.Command{
		Use:               "bench NAME",
		Short:             "Time a network's step, in training or in inference",
		Args:              arguments(1, 1, "the name of a network"),
		ValidArgsFunction: completeNetwork,
		RunE: func(cmd *cobra.Command, args []string) error {
			opts, err := flags.options()
			if err != nil {
				return err
			}
			m, err := zoo.New(args[0], opts...)
			if err != nil {
				return usage(err)
			}
			n, err := network(m)
			if err != nil {
				return err
			}
			c.Time = time.Duration(seconds * float64(time.Second))
			c.Begin = func(m train.Memory) { fmt.Fprintln(a.stderr, m) }
			r, err := train.Bench(cmd.Context(), n, c)
			if err != nil {
				return configError(err)
			}
			if asJSON {
				return a.printJSON(r)
			}
			fmt.Fprintf(a.stdout, "%s (%s) %s, batch %d, %d threads, %s kernels: %.4g ms a step (median of %s), %s images/s, %.4g GMAC/s, %d MB at most (%d MB planned)\n",
				r.Network, r.Variant, r.Mode, r.Batch, r.Threads, r.Kernels, r.MS, train.Group(int64(r.Steps)), train.Group(int64(r.Rate)), r.GMACs, r.PeakMB, r.PlanMB)
			return nil
		},
	}
	flags.add(cmd)
	f := cmd.Flags()
	f.StringVar(&c.Mode, "mode", "train", "train (forward, backward and update) or infer")
	f.IntVar(&c.Batch, "batch", 16, "images in a step")
	f.IntVar(&c.Threads, "threads", 0, "threads; 0 means one for each core")
	f.Float64Var(&seconds, "seconds", 5, "how long to measure")
	f.BoolVar(&asJSON, "json", false, "print one object")
	return cmd
}
