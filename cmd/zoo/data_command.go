package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
)

func newData(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "data",
		Short: "List, download, verify and look at data sets",
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			var verbs []string
			for _, c := range cmd.Commands() {
				verbs = append(verbs, c.Name())
			}
			return usage(unknown("command", "data "+args[0], prefixed("data ", verbs), "zoo data --help lists them"))
		},
	}
	cmd.AddCommand(newDataList(a), newDataGet(a), newDataVerify(a), newDataShow(a))
	return cmd
}

func prefixed(prefix string, words []string) []string {
	var all []string
	for _, w := range words {
		all = append(all, prefix+w)
	}
	return all
}

// completeData completes the name of a data set on the command line.
func completeData(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, d := range datasets.List() {
		about, _, _ := strings.Cut(d.About, " (")
		names = append(names, d.Name+"\t"+about)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
