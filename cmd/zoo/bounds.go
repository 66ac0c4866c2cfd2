package main

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
)

// A bound is what a flag's number may be.
type bound struct {
	least, most float64
	want        string
}

var (
	threadBound = bound{0, 1024, "1 to 1024, or 0 for one a core"}
	komiBound   = bound{-1000, 1000, "a number of points such as 7.5"}
	stallBound  = bound{1e-9, 1e9, "above 0s"}
)

// bounds are of flags by their names, for all verbs or for one. What depends on other flags, and what is a recipe's
// setting, is checked by the verb.
var bounds = map[string]bound{
	"threads":              threadBound,
	"komi":                 komiBound,
	"stall":                stallBound,
	"eval --batch":         {0, 1 << 20, "at least 1, or 0 for the usual"},
	"eval --limit":         {0, 1e18, "at least 1, or 0 for all images"},
	"curves --max":         {0, 1e9, "above 0, or 0 for no limit"},
	"explain --maps":       {1, 1 << 20, "at least 1"},
	"explain --size":       {0, 1 << 20, "at least 1 pixel, or 0 for the usual"},
	"explain --steps":      {0, 1e6, "1 to 1000000, or 0 for the usual"},
	"go match --size":      {0, 25, "2 to 25, or 0 for the policy's own"},
	"go judge --margin":    {0, 1e9, "0 or above, such as 5"},
	"go selfplay --beside": {1, 1 << 14, "1 to 16384"},
	"serve --batch":        {1, 1 << 16, "1 to 65536"},
	"serve --queue":        {1, 1 << 24, "1 to 16777216"},
	"serve --delay":        {0, 1e9, "0s or above"},
	"serve --timeout":      {1e-9, 1e9, "above 0s"},
	"serve --max-images":   {1, 1 << 24, "1 to 16777216"},
	"serve --max-body":     {1, 1e18, "at least 1"},
	"serve --max-bodies":   {1, 1e18, "at least 1"},
	"serve --max-pixels":   {1, 1e18, "at least 1"},
}

// flagsAreRight checks what can be said of a command line before anything is opened.
func flagsAreRight(cmd *cobra.Command, _ []string) error {
	verb := strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
	var wrong error
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if wrong == nil {
			wrong = flagIsRight(verb, f)
		}
	})
	return usage(wrong)
}

func flagIsRight(verb string, f *pflag.Flag) error {
	value := f.Value.String()
	if b, ok := bounds[verb+" --"+f.Name]; ok {
		return b.check(f.Name, value)
	}
	if b, ok := bounds[f.Name]; ok {
		return b.check(f.Name, value)
	}
	parts := []string{string(datasets.Train), string(datasets.Val), string(datasets.Test)}
	switch f.Name {
	case "part":
		if value != "" && !slices.Contains(parts, value) {
			return unknown("part", value, parts, "there are train, val and test")
		}
	case "mirror":
		for _, m := range f.Value.(pflag.SliceValue).GetSlice() {
			if u, err := url.Parse(m); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
				return fmt.Errorf("--mirror %s: should be the address of a folder, such as https://example.org/files/", m)
			}
		}
	case "addr":
		_, port, err := net.SplitHostPort(value)
		if err == nil {
			_, err = net.LookupPort("tcp", port)
		}
		if err != nil {
			return fmt.Errorf("--addr %s: should be HOST:PORT, such as localhost:8080, or :8080 for all of the machine's addresses", value)
		}
	}
	return nil
}

func (b bound) check(flag, value string) error {
	n, err := strconv.ParseFloat(value, 64)
	if d, is := time.ParseDuration(value); err != nil && is == nil {
		n = d.Seconds()
	}
	if !(n >= b.least && n <= b.most) {
		return fmt.Errorf("--%s %s: should be %s", flag, value, b.want)
	}
	return nil
}
