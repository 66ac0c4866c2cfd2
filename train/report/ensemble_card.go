package report

import (
	"fmt"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"path/filepath"
	"strings"
)

// EnsembleCard is the README.md of a run of several members by their results so far. The command repeats it,
// and may be empty.
func EnsembleCard(folder string, cfg recipe.Config, results []Result, command string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %d × %s on %s\n\n", cfg.Ensemble, cfg.Network, cfg.Data)
	if len(results) < cfg.Ensemble {
		fmt.Fprintf(&b, "%d of %d members are done. It goes on with `zoo resume %s`.\n\n", len(results), cfg.Ensemble, filepath.ToSlash(folder))
	}
	b.WriteString("| Member | Seed | Epochs | Best top-1 error | Best top-5 error | Time |\n|---|---|---|---|---|---|\n")
	for i, r := range results {
		top1, top5 := "", ""
		if r.Best != nil {
			top1, top5 = Percent(r.Best.Val.Top1), r.Best.Val.Top5.String()
		}
		fmt.Fprintf(&b, "| `m%d` | %d | %.4g | %s | %s | %s |\n", i+1, cfg.Seed+uint64(i), r.Epochs, top1, top5, Clock(Seconds(r.Seconds)))
	}
	fmt.Fprintf(&b, "\n`zoo eval %s` averages what they say.\n", filepath.ToSlash(folder))
	if command != "" {
		fmt.Fprintf(&b, "\n    %s\n\nrepeats it.\n", command)
	}
	return b.String()
}
