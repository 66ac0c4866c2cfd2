package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

func newVersion(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the versions of the program and of what it is made of",
		Args:  arguments(0, 0, "no argument"),
		RunE: func(*cobra.Command, []string) error {
			fmt.Fprintln(a.stdout, version())
			fmt.Fprintf(a.stdout, "%s %s/%s, %d cores, kernels %v (of %s)\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), kernel.CurrentFamily(), families())
			if info, ok := debug.ReadBuildInfo(); ok {
				for _, m := range info.Deps {
					if strings.HasPrefix(m.Path, "gorgonia.org/") {
						fmt.Fprintln(a.stdout, m.Path, m.Version)
					}
				}
			}
			return nil
		},
	}
}

// version is the program's name and version: the module's, or the commit's that it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "zoo (unknown version)"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && (v == "" || v == "(devel)") {
			v = s.Value
		}
	}
	if v == "" {
		v = "(devel)"
	}
	return "zoo " + v
}

func families() string {
	var names []string
	for _, f := range kernel.Families() {
		names = append(names, f.String())
	}
	return strings.Join(names, ", ")
}
