package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gorgonia-zoo/gorgonia-zoo/train"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/pretrained"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// oneOf completes one of a few words.
func oneOf(list ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(list, cobra.ShellCompDirectiveNoFileComp)
}

// completeFlag says what completes a flag, where the verb has it.
func completeFlag(cmd *cobra.Command, flag string, complete cobra.CompletionFunc) {
	if cmd.Flags().Lookup(flag) == nil {
		return
	}
	if _, has := cmd.GetFlagCompletionFunc(flag); has {
		return // of its own
	}
	if err := cmd.RegisterFlagCompletionFunc(flag, complete); err != nil {
		panic(err)
	}
}

// completeAll gives the verbs below a command what completes their flags, and arguments that are weights.
func completeAll(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		completeFlags(c)
		completeAll(c)
		if c.ValidArgsFunction != nil {
			continue
		}
		switch c.CommandPath() {
		case "zoo eval", "zoo export", "zoo predict", "zoo explain", "zoo serve":
			c.ValidArgsFunction = completeWeights
		case "zoo resume", "zoo curves":
			c.ValidArgsFunction = completeRuns
		}
	}
}

// completeFlags completes the values of the flags that several verbs have.
func completeFlags(cmd *cobra.Command) {
	completeFlag(cmd, "data", func(cmd *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		names, _ := completeData(cmd, nil, toComplete)
		return names, cobra.ShellCompDirectiveDefault // or a folder
	})
	completeFlag(cmd, "set", completeSetting)
	completeFlag(cmd, "variant", completeVariant)
	completeFlag(cmd, "recipe", completeRecipe)
	completeFlag(cmd, "part", oneOf("val", "test", "train"))
	completeFlag(cmd, "init", completeWeights)
}

// completeSetting completes the key of --set.
func completeSetting(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var keys []string
	for _, k := range recipe.Keys() {
		keys = append(keys, k+"=")
	}
	return keys, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// completeVariant completes the variants of the network that is named, or of all.
func completeVariant(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, e := range zoo.List() {
		if len(args) > 0 && e.Name != args[0] {
			continue
		}
		for _, v := range e.Variants {
			if !slices.Contains(names, v.Name) {
				names = append(names, v.Name)
			}
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeRecipe completes the recipes of the network that is named.
func completeRecipe(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	names := []string{"paper", "quick"}
	if len(args) > 0 {
		if m, err := zoo.New(args[0]); err == nil {
			names = nil
			for _, r := range m.Recipes() {
				names = append(names, r.Name)
			}
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeWeights completes the names of weights and of the runs under runs; files complete by themselves.
func completeWeights(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	names := pretrained.Names()
	if runs, err := train.Runs("runs"); err == nil {
		for _, r := range runs {
			names = append(names, filepath.ToSlash(r))
		}
	}
	return names, cobra.ShellCompDirectiveDefault
}

// completeRuns completes the runs under runs.
func completeRuns(_ *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	var names []string
	if runs, err := train.Runs("runs"); err == nil && len(args) == 0 {
		for _, r := range runs {
			names = append(names, filepath.ToSlash(r))
		}
	}
	if strings.Contains(toComplete, string(os.PathSeparator)) && len(names) == 0 {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	return names, cobra.ShellCompDirectiveDefault
}
