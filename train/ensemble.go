package train

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Member is the configuration of a run's i-th member, from 1: the ensemble's with a seed of its own and
// its part of the time.
func (c Config) Member(i int) Config {
	c.Seed += uint64(i - 1)
	c.Time /= Duration(max(c.Ensemble, 1))
	c.Ensemble = 0
	return c
}

// MemberFolder is the folder of a run's i-th member, from 1.
func MemberFolder(run string, i int) string { return filepath.Join(run, fmt.Sprintf("m%d", i)) }

// NewEnsemble makes the folder of a run of cfg.Ensemble members, which are runs themselves in the
// folders m1, m2, and so on ([Config.Member], [MemberFolder]).
func NewEnsemble(cfg Config, opts Options) (folder string, err error) {
	cfg = cfg.Complete()
	if err := cfg.Validate(); err != nil {
		return "", err
	}
	root := opts.Root
	if root == "" {
		root = "runs"
	}
	if folder, err = create(opts.Folder, root, cfg.Network+"-"+cfg.Data); err != nil {
		return "", err
	}
	if err := os.Remove(filepath.Join(folder, "weights")); err != nil { // members have their own
		return "", err
	}
	if err := writeJSON(filepath.Join(folder, EnvFile), environment{Seed: cfg.Seed, Data: cfg.Data, Command: strings.Join(opts.Command, " ")}); err != nil {
		return "", err
	}
	return folder, writeJSON(filepath.Join(folder, ConfigFile), cfg)
}

// OpenMember prepares the i-th member of a run: it goes on if it has begun. What a member that was killed
// before it wrote its configuration has left behind is removed.
func OpenMember(folder string, i int, has func(folder string, cfg Config) (*Trainer, error), begin func(folder string) (*Trainer, error)) (*Trainer, error) {
	member := MemberFolder(folder, i)
	_, err := os.Stat(filepath.Join(member, ConfigFile))
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.RemoveAll(member); err != nil {
			return nil, err
		}
		return begin(member)
	}
	if err != nil {
		return nil, err
	}
	cfg, err := ReadConfig(member)
	if err != nil {
		return nil, err
	}
	return has(member, cfg)
}

// Members returns the folders of a run's members that have weights, in their order; none of a run that
// is no ensemble.
func Members(run string) []string {
	var list []string
	for i := 1; ; i++ {
		member := MemberFolder(run, i)
		if _, err := os.Stat(member); err != nil {
			return list
		}
		if _, err := os.Stat(filepath.Join(member, LastFile)); err == nil {
			list = append(list, member)
		}
	}
}

// WriteEnsembleCard replaces the README.md of a run of several members by their results so far.
func WriteEnsembleCard(folder string, cfg Config, results []Result) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %d × %s on %s\n\n", cfg.Ensemble, cfg.Network, cfg.Data)
	if len(results) < cfg.Ensemble {
		fmt.Fprintf(&b, "%d of %d members are done. It goes on with `zoo resume %s`.\n\n", len(results), cfg.Ensemble, filepath.ToSlash(folder))
	}
	b.WriteString("| Member | Seed | Epochs | Best top-1 error | Best top-5 error | Time |\n|---|---|---|---|---|---|\n")
	for i, r := range results {
		top1, top5 := "", ""
		if r.Best != nil {
			top1, top5 = Percent(r.Best.Test.Top1), Percent(r.Best.Test.Top5)
		}
		fmt.Fprintf(&b, "| `m%d` | %d | %.4g | %s | %s | %s |\n", i+1, cfg.Seed+uint64(i), r.Epochs, top1, top5, Clock(Seconds(r.Seconds)))
	}
	fmt.Fprintf(&b, "\n`zoo eval %s` averages what they say.\n", filepath.ToSlash(folder))
	if c := Command(folder); c != "" {
		fmt.Fprintf(&b, "\n    %s\n\nrepeats it.\n", c)
	}
	return writeText(filepath.Join(folder, CardFile), b.String())
}
