package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
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
			if c.Layers {
				a.printBenchLayers(r.Layers)
			}
			return nil
		},
	}
	flags.add(cmd)
	f := cmd.Flags()
	f.StringVar(&c.Mode, "mode", "train", "train (forward, backward and update) or infer")
	f.IntVar(&c.Batch, "batch", 16, "images in a step")
	f.IntVar(&c.Threads, "threads", 0, "threads; 0 means one for each core")
	f.Float64Var(&seconds, "seconds", 5, "how long to measure")
	f.BoolVar(&c.Layers, "layers", false, "show the time of each layer")
	f.BoolVar(&asJSON, "json", false, "print one object")
	return cmd
}

// printBenchLayers prints the time of each layer, and of all layers of a kind.
func (a *app) printBenchLayers(layers []train.BenchLayer) {
	var total float64
	var kinds []string
	sums := map[string]float64{}
	for _, l := range layers {
		if _, ok := sums[l.Kind]; !ok {
			kinds = append(kinds, l.Kind)
		}
		total += l.MS
		sums[l.Kind] += l.MS
	}
	share := func(ms float64) string { return train.Percent(ms / total) }
	t := newTable(a.stdout, "Layer", "Kind", "ms", "Share")
	t.SetColumnConfigs(right(3, 4))
	for _, l := range layers {
		t.AppendRow(table.Row{l.Layer, l.Kind, fmt.Sprintf("%.4f", l.MS), share(l.MS)})
	}
	slices.SortStableFunc(kinds, func(a, b string) int { return cmp.Compare(sums[b], sums[a]) })
	for _, k := range kinds {
		t.AppendRow(table.Row{"all layers", k, fmt.Sprintf("%.4f", sums[k]), share(sums[k])})
	}
	fmt.Fprintln(a.stdout)
	t.Render()
}
