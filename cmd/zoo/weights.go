package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/pretrained"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/pretrained/published"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
)

func newWeights(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "weights",
		Short: "Trained weights: those in the program, and those that others publish",
		Long: `Trained weights: those that are part of the program, and those that others publish, which are fetched once,
checked, and kept in the user's cache folder. Their names stand wherever weights are wanted: zoo predict,
eval, export, serve, train --init.

  ZOO_CACHE=FOLDER   keeps them in another place
  ZOO_MIRROR=URL     is asked first: a folder with the files under their published names
  ZOO_OFFLINE=1      fetches nothing
  ZOO_WEIGHTS=FILE   lists more of them, in the form of weights/pretrained/published/table.json`,
		Example: "  zoo weights list 'resnet*'\n  zoo weights get resnet50\n  zoo predict resnet50 cat.jpg",
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return usage(unknown("command", "weights "+args[0], []string{"weights list", "weights get", "weights where"}, "there are list, get and where"))
		},
	}
	cmd.AddCommand(newWeightsList(a), newWeightsGet(a), newWeightsWhere(a))
	return cmd
}

// someWeights is one entry of zoo weights list --json.
type someWeights struct {
	Name      string   `json:"name"`
	Network   string   `json:"network"`
	Variant   string   `json:"variant,omitempty"`
	Data      string   `json:"data"`
	Top1Error *float64 `json:"top1_error,omitempty"` // a fraction
	Top5Error *float64 `json:"top5_error,omitempty"`
	MSE       *float64 `json:"mse,omitempty"`   // of a value network, in place of errors
	Bytes     int64    `json:"bytes,omitempty"` // about, where they are not here
	Shipped   bool     `json:"shipped"`         // part of the program
	Here      bool     `json:"here"`
	Source    string   `json:"source,omitempty"`
	Licence   string   `json:"licence,omitempty"`
	Address   string   `json:"address,omitempty"`
}

func newWeightsList(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list [PATTERN]",
		Short: "List trained weights: what they are of, how good, how large, and whether they are here",
		Args:  arguments(0, 1, "a pattern"),
		RunE: func(_ *cobra.Command, args []string) error {
			pattern := ""
			if len(args) > 0 {
				pattern = args[0]
			}
			return a.weightsList(pattern, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one list of objects")
	return cmd
}

func (a *app) weightsList(pattern string, asJSON bool) error {
	var list []someWeights
	var names []string
	for _, name := range pretrained.Names() {
		e, err := pretrained.Lookup(name)
		if err != nil {
			return err
		}
		w := someWeights{Name: name, Network: e.Meta.Network, Variant: e.Meta.Variant, Data: e.Meta.Data, Bytes: e.Bytes, Shipped: true, Here: true}
		if top1, ok := e.Error(); ok {
			w.Top1Error = &top1
		}
		if mse, ok := e.Meta.Metrics["mse"]; ok {
			w.MSE = &mse
		}
		list = append(list, w)
	}
	others, err := infer.Published()
	if err != nil {
		return err
	}
	for _, e := range others {
		_, here, err := infer.Where(e.Name, infer.FetchOptions{})
		if err != nil {
			return err
		}
		w := someWeights{Name: e.Name, Network: e.Network, Variant: e.Variant, Data: e.Data, Bytes: int64(e.Megabytes * 1e6), Here: here, Source: e.Source, Licence: e.Licence, Address: e.Address}
		for _, m := range []struct {
			accuracy float64
			to       **float64
		}{{e.Top1, &w.Top1Error}, {e.Top5, &w.Top5Error}} {
			if m.accuracy > 0 {
				v := (100 - m.accuracy) / 100
				*m.to = &v
			}
		}
		list = append(list, w)
	}
	shown := []someWeights{}
	for _, w := range list {
		names = append(names, w.Name)
		match, err := matches(pattern, w.Name)
		if err != nil {
			return err
		}
		if match {
			shown = append(shown, w)
		}
	}
	if len(shown) == 0 {
		return usage(unknown("weights", pattern, names, "zoo weights list without a pattern lists all"))
	}
	if asJSON {
		return a.printJSON(shown)
	}
	t := newTable(a.stdout, "Name", "Network", "Trained on", "Top-1/top-5 error", "Size", "Here", "Source")
	t.SetColumnConfigs(right(4, 5))
	t.spares("Source", "Trained on", "Size", "Network")
	for _, w := range shown {
		network := w.Network
		if w.Variant != "" {
			network += " (" + w.Variant + ")"
		}
		percent := func(v *float64) string {
			if v == nil {
				return ""
			}
			return fmt.Sprintf("%.2f", *v*100)
		}
		errors := percent(w.Top1Error)
		if w.Top5Error != nil {
			errors += "/" + percent(w.Top5Error)
		}
		if w.MSE != nil {
			errors = fmt.Sprintf("MSE %.3f", *w.MSE)
		}
		here, size, source := "", "", w.Source
		switch {
		case w.Shipped:
			here, source = "in the program", ""
		case w.Here:
			here = "yes"
		}
		if w.Bytes > 0 {
			size = fmt.Sprintf("%.3g MB", float64(w.Bytes)/1e6)
		}
		t.AppendRow(table.Row{w.Name, network, w.Data, errors, size, here, source})
	}
	t.Render()
	return nil
}

func newWeightsGet(a *app) *cobra.Command {
	var o infer.FetchOptions
	cmd := &cobra.Command{
		Use:   "get NAME...",
		Short: "Fetch weights that others publish",
		Long: `Fetch weights that others publish, into the cache folder, where their names find them. A download that was
interrupted goes on where it ended; the file is held to its published checksum.`,
		Example:           "  zoo weights get resnet50\n  zoo weights get resnet50 --mirror http://mirror.example/weights",
		Args:              arguments(1, -1, "the name of weights: zoo weights list shows them"),
		ValidArgsFunction: completePublished,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, name := range args {
				if e, err := pretrained.Lookup(name); err == nil {
					fmt.Fprintf(a.stdout, "%s: part of the program\n", e.Name)
					continue
				}
				if _, ok := publishedEntry(name); !ok {
					return usage(a.unknownWeights(name))
				}
				path, err := a.fetch(cmd.Context(), name, o)
				if err != nil {
					return err
				}
				fmt.Fprintf(a.stdout, "%s: %s\n", name, path)
			}
			return nil
		},
	}
	addFetch(cmd, &o)
	cmd.Flags().DurationVar(&o.Download.Stall, "stall", 30*time.Second, "how long a server may be silent")
	return cmd
}

// addFetch adds the flags that say from where published weights come, and where they are kept.
func addFetch(cmd *cobra.Command, o *infer.FetchOptions) {
	cmd.Flags().StringArrayVar(&o.Mirrors, "mirror", nil, "address of a folder with the files, to ask first; can be given several times")
	cmd.Flags().StringVar(&o.Cache, "cache", "", "folder that keeps the files")
}

func newWeightsWhere(a *app) *cobra.Command {
	var o infer.FetchOptions
	cmd := &cobra.Command{
		Use:               "where NAME",
		Short:             "Say where weights are, and where they come from",
		Args:              arguments(1, 1, "the name of weights: zoo weights list shows them"),
		ValidArgsFunction: completePublished,
		RunE: func(_ *cobra.Command, args []string) error {
			if e, err := pretrained.Lookup(args[0]); err == nil {
				fmt.Fprintf(a.stdout, "%s: part of the program, %.3g MB\n", e.Name, float64(e.Bytes)/1e6)
				return nil
			}
			e, ok := publishedEntry(args[0])
			if !ok {
				return usage(a.unknownWeights(args[0]))
			}
			path, here, err := infer.Where(e.Name, o)
			if err != nil {
				return err
			}
			state := "not here"
			if here {
				state = "here"
			}
			sum := "sha256:" + e.SHA256
			if e.SHA256 == "" {
				sum = "sha1:" + e.SHA1
			} else if len(e.SHA256) < 64 {
				sum += "…"
			}
			fmt.Fprintf(a.stdout, "file     %s (%s)\naddress  %s\nchecksum %s\nsource   %s\nterms    %s\nimages   %s\n", path, state, e.Address, sum, e.Source, e.Licence,
				report.Preprocessing(&e.Preprocessing, nil))
			return nil
		},
	}
	cmd.Flags().StringVar(&o.Cache, "cache", "", "folder that keeps the files")
	return cmd
}

// publishedEntry looks up an argument that names weights that others publish: a file of that name, and
// weights that are part of the program, come first.
func publishedEntry(arg string) (published.Entry, bool) {
	if _, err := os.Stat(arg); !errors.Is(err, fs.ErrNotExist) {
		return published.Entry{}, false
	}
	if _, err := pretrained.Lookup(arg); err == nil {
		return published.Entry{}, false
	}
	list, err := infer.Published()
	if err != nil {
		return published.Entry{}, false
	}
	i := slices.IndexFunc(list, func(e published.Entry) bool { return e.Is(arg) })
	if i < 0 {
		return published.Entry{}, false
	}
	return list[i], true
}

// have fetches what arguments name of published weights, before anything opens them.
func (a *app) have(ctx context.Context, args ...string) error {
	for _, arg := range args {
		if e, ok := publishedEntry(arg); ok {
			if _, err := a.fetch(ctx, e.Name, infer.FetchOptions{}); err != nil {
				return err
			}
		}
	}
	return nil
}

// fetch brings published weights here, with a bar.
func (a *app) fetch(ctx context.Context, name string, o infer.FetchOptions) (path string, err error) {
	show := &downloads{w: a.progress(), bars: a.onTerminal()}
	o.Say = func(text string) { fmt.Fprintln(a.stderr, text) }
	o.Download.Progress = show.progress
	last := ""
	o.Download.Trouble = func(err error) {
		show.end()
		if text := report.Words(err); text != last {
			fmt.Fprintln(a.stderr, text)
			last = text
		}
	}
	path, err = infer.Fetch(ctx, name, o)
	show.end()
	if errors.Is(err, context.Canceled) {
		fmt.Fprintf(a.stderr, "it goes on with: zoo weights get %s\n", name)
	}
	return path, err
}

// unknownWeights is the error for a name of no weights.
func (a *app) unknownWeights(name string) error {
	if err := listError(); err != nil {
		return err
	}
	return unknown("weights", name, weightsNames(), "zoo weights list shows them")
}

func listError() error {
	_, err := published.List()
	return err
}

// weightsNames are those of weights in the program and of published ones.
func weightsNames() []string {
	names := pretrained.Names()
	list, _ := infer.Published()
	for _, e := range list {
		names = append(names, e.Name)
	}
	return names
}

// completePublished completes the name of weights.
func completePublished(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, n := range weightsNames() {
		if strings.HasPrefix(n, begun) {
			names = append(names, n)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// openPublished opens published weights that are here.
func openPublished(name string) (*weights.Reader, error) {
	return infer.OpenPublished(context.Background(), name, infer.FetchOptions{})
}
