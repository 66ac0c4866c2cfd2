package main

import (
	"fmt"
	"path"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

func newList(a *app) *cobra.Command {
	var asJSON, trained bool
	var plot string
	cmd := &cobra.Command{
		Use:   "list [PATTERN]",
		Short: "List the networks with their sizes and errors",
		Long: `List the networks with their sizes and errors, or with --weights the trained ones that are part of the program,
whose names zoo eval, zoo predict, zoo export and zoo train --init take. PATTERN is a part of the name, or has wildcards
as in 'vgg*'.`,
		Args: arguments(0, 1, "at most a pattern"),
		RunE: func(_ *cobra.Command, args []string) error {
			pattern := ""
			if len(args) > 0 {
				pattern = args[0]
			}
			if plot != "" {
				return a.plotTrend(pattern, plot)
			}
			if trained {
				return a.listWeights(pattern, asJSON)
			}
			return a.list(pattern, asJSON)
		},
	}
	cmd.Flags().BoolVar(&trained, "weights", false, "list trained networks that are part of the program")
	cmd.Flags().StringVar(&plot, "plot", "", "draw published errors on ImageNet against multiply-adds and parameters into a PNG `file`")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a list of objects, with the networks' layers")
	return cmd
}

// listed is one network of zoo list --json: the registry's facts and the layers.
type listed struct {
	zoo.Entry
	Layers []zoo.LayerReport `json:"layers"`
}

func (a *app) list(pattern string, asJSON bool) error {
	all := zoo.List()
	var found []zoo.Entry
	var names []string
	for _, e := range all {
		names = append(names, e.Name)
		match, err := matches(pattern, e.Name)
		if err != nil {
			return err
		}
		if match {
			found = append(found, e)
		}
	}
	if len(found) == 0 {
		return usage(unknown("network", pattern, names, "zoo list without a pattern lists all"))
	}
	if asJSON {
		list := []listed{}
		for _, e := range found {
			r, err := zoo.Inspect(e.New())
			if err != nil {
				return err
			}
			list = append(list, listed{e, r.Layers})
		}
		return a.printJSON(list)
	}
	t := newTable(a.stdout, "Name", "Year", "Parameters", "GMAC", "Input", "Error in the paper", "Variants")
	t.SetColumnConfigs(right(3, 4))
	t.spares("Year", "Input", "Variants", "GMAC")
	for _, e := range found {
		var variants []string
		for _, v := range e.Variants {
			variants = append(variants, v.Name)
		}
		t.AppendRow(table.Row{e.Name, e.Year, report.Group(e.Params), gmac(e.MACs), report.Shape(e.Input), e.PaperError, strings.Join(variants, ", ")})
	}
	t.Render()
	return nil
}

// matches says whether a pattern of zoo list is for a name.
func matches(pattern, name string) (bool, error) {
	lower := strings.ToLower(pattern)
	match, err := path.Match(lower, name)
	if err != nil {
		return false, usage(fmt.Errorf("pattern %s: %w", pattern, err))
	}
	return match || strings.Contains(name, lower), nil
}

// gmac writes multiply-adds in thousands of millions with three digits that count.
func gmac(macs int64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.*f", digits(float64(macs)/1e9), float64(macs)/1e9), "0"), ".")
}

func digits(x float64) int {
	n := 3
	for ; x < 0.1 && n < 7; x *= 10 {
		n++
	}
	return n
}
