package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/gorgonia-zoo/gorgonia-zoo/train"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
)

func newBench(a *app) *cobra.Command {
	var asJSON bool
	var flags networkFlags
	var seconds float64
	c := train.BenchConfig{}
	cmd := &cobra.Command{
		Use:   "bench NAME|FILE.onnx",
		Short: "Time a network's step, in training or in inference",
		Long: `Time a network's step, in training or in inference.

Under mpirun -np N or srun, N processes share each batch of training, and what the sum of their gradients takes is
told as well; the program has to be built with -tags mpi.`,
		Args:              arguments(1, 1, "the name of a network, or an ONNX model"),
		ValidArgsFunction: completeNetwork,
		RunE: func(cmd *cobra.Command, args []string) error {
			opts, err := flags.options()
			if err != nil {
				return err
			}
			m, err := architecture(args[0], opts...)
			if err != nil {
				return err
			}
			if err := recipe.OneOf("wire", c.Wire, recipe.Wires); err != nil {
				return configError(err)
			}
			if err := a.join(cmd.Context(), cmd.Name()); err != nil {
				return err
			}
			c.Cluster = a.ranks()
			c.Time = time.Duration(seconds * float64(time.Second))
			c.Begin = func(m report.Memory) { fmt.Fprintln(a.stderr, m) }
			r, err := train.Bench(cmd.Context(), train.Of(m), c)
			if err != nil {
				return configError(err)
			}
			if c.Cluster.Rank() > 0 {
				return nil
			}
			if asJSON {
				return a.printJSON(r)
			}
			fmt.Fprintf(a.stdout, "%s (%s) %s, batch %d, %d threads, %s kernels: %.4g ms a step (median of %s), %s images/s, %.4g GMAC/s, %d MB at most (%s planned)\n",
				r.Network, r.Variant, r.Mode, r.Batch, r.Threads, r.Kernels, r.MS, report.Group(int64(r.Steps)), report.Group(int64(r.Rate)), r.GMACs, r.PeakMB, report.Bytes(int64(r.PlanMB*(1<<20))))
			if c.Half {
				fmt.Fprintln(a.stdout, halves(r.Half))
			}
			if r.Ranks > 1 {
				fmt.Fprintf(a.stdout, "%d ranks: %.4g MB of gradients a step are added up in %.4g ms, of which a step waits %.4g ms (%s, %s the backward pass)\n",
					r.Ranks, r.ReduceMB, r.ReduceMS, r.ReduceWaitMS, r.Wire, map[bool]string{true: "beside", false: "after"}[r.Overlap])
			}
			if c.Layers {
				a.printBenchLayers(r)
			}
			return nil
		},
	}
	flags.add(cmd)
	f := cmd.Flags()
	f.StringVar(&c.Mode, "mode", "train", "train (forward, backward and update) or infer")
	f.IntVar(&c.Batch, "batch", 16, "images in a step")
	f.IntVar(&c.Threads, "threads", 0, "threads; 0 means one for each core")
	f.BoolVar(&c.Half, "half", false, halfHelp)
	f.Float64Var(&seconds, "seconds", 5, "how long to measure")
	f.BoolVar(&c.Layers, "layers", false, "show the time and speed of each layer, and what bounds them")
	f.StringVar(&c.Wire, "wire", "float32", "how gradients go from process to process under mpirun: float32 or bfloat16")
	f.BoolVar(&c.Overlap, "overlap", false, "add gradients up over the processes while the backward pass goes on")
	f.BoolVar(&asJSON, "json", false, "print one object")
	return cmd
}

// printBenchLayers prints the time of each layer and of all layers of a kind, with the speed of its multiply-adds and
// of what it reads and writes, and what the machine could do at most.
func (a *app) printBenchLayers(r train.BenchResult) {
	var all train.BenchLayer
	var kinds []train.BenchLayer
	for _, l := range r.Layers {
		i := slices.IndexFunc(kinds, func(k train.BenchLayer) bool { return k.Kind == l.Kind })
		if i < 0 {
			i, kinds = len(kinds), append(kinds, train.BenchLayer{Layer: "all layers", Kind: l.Kind})
		}
		for _, sum := range []*train.BenchLayer{&all, &kinds[i]} {
			sum.MS, sum.GMAC, sum.MB = sum.MS+l.MS, sum.GMAC+l.GMAC, sum.MB+l.MB
		}
	}
	slices.SortStableFunc(kinds, func(a, b train.BenchLayer) int { return cmp.Compare(b.MS, a.MS) })
	t := newTable(a.stdout, "Layer", "Kind", "ms", "Share", "GFLOP/s", "GB/s")
	t.SetColumnConfigs(right(3, 4, 5, 6))
	t.spares("GB/s", "GFLOP/s", "Kind")
	rate := func(amount, ms float64) string {
		if amount == 0 || ms == 0 {
			return ""
		}
		return fmt.Sprintf("%.3g", amount/ms)
	}
	for _, l := range append(slices.Clone(r.Layers), kinds...) {
		t.AppendRow(table.Row{l.Layer, l.Kind, fmt.Sprintf("%.4f", l.MS), report.Percent(l.MS / all.MS), rate(2e3*l.GMAC, l.MS), rate(l.MB, l.MS)})
	}
	fmt.Fprintln(a.stdout)
	t.Render()
	f := r.Roofline
	fmt.Fprintf(a.stdout, "\nroofline  %.4g GFLOP/s: %.4g GMAC take %.4g ms; minimal filtering multiplies less\n", f.GFLOPS, all.GMAC, f.MACsMS)
	fmt.Fprintf(a.stdout, "          %.4g GB/s: %.4g MB read and written take %.4g ms; what caches hold takes less\n", f.GBS, all.MB, f.MoveMS)
}
