package main

import (
	"fmt"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

func newVersion(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the versions of the program and of what it is made of",
		Args:  arguments(0, 0, "no argument"),
		RunE: func(*cobra.Command, []string) error {
			v := versions()
			if asJSON {
				return a.printJSON(v)
			}
			fmt.Fprintln(a.stdout, version())
			fmt.Fprintf(a.stdout, "%s %s, %d cores, kernels %s (of %s)\n", v.Go, v.System, v.Cores, v.Kernels, strings.Join(v.Families, ", "))
			for _, m := range slices.Sorted(maps.Keys(v.Modules)) {
				fmt.Fprintln(a.stdout, m, v.Modules[m])
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one object")
	return cmd
}

// programVersions is zoo version --json.
type programVersions struct {
	Version  string            `json:"version"`
	Go       string            `json:"go"`
	System   string            `json:"system"`
	Cores    int               `json:"cores"`
	Kernels  string            `json:"kernels"`
	Families []string          `json:"kernel_families"`
	Modules  map[string]string `json:"modules"` // Gorgonia's
}

func versions() programVersions {
	v := programVersions{
		Version: strings.TrimPrefix(version(), "zoo "), Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.NumCPU(),
		Kernels: kernel.CurrentFamily().String(), Modules: map[string]string{},
	}
	for _, f := range kernel.Families() {
		v.Families = append(v.Families, f.String())
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if strings.HasPrefix(m.Path, "gorgonia.org/") {
				v.Modules[m.Path] = m.Version
			}
		}
	}
	return v
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
