package train

import (
	"errors"
	"fmt"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// MemberFolder is the folder of a run's i-th member, from 1.
func MemberFolder(run string, i int) string { return filepath.Join(run, fmt.Sprintf("m%d", i)) }

// NewEnsemble makes the folder of a run of cfg.Ensemble members, which are runs themselves in the
// folders m1, m2, and so on ([Config.Member], [MemberFolder]).
func NewEnsemble(cfg recipe.Config, opts Options) (folder string, err error) {
	if cfg, _, err = complete(cfg); err != nil {
		return "", err
	}
	root := opts.Root
	if root == "" {
		root = "runs"
	}
	if folder, err = create(opts.Folder, root, runName(cfg.Network, cfg)); err != nil {
		return "", err
	}
	if err := os.Remove(filepath.Join(folder, "weights")); err != nil { // members have their own
		return "", err
	}
	if err := writeJSON(filepath.Join(folder, report.EnvFile), environment{Seed: cfg.Seed, Data: cfg.Data, Command: strings.Join(opts.Command, " ")}); err != nil {
		return "", err
	}
	return folder, writeJSON(filepath.Join(folder, report.ConfigFile), cfg)
}

// OpenMember prepares the i-th member of a run: it goes on if it has begun. What a member that was killed
// before it wrote its configuration has left behind is removed.
func OpenMember(folder string, i int, has func(folder string, cfg recipe.Config) (*Trainer, error), begin func(folder string) (*Trainer, error)) (*Trainer, error) {
	member := MemberFolder(folder, i)
	if has == nil || begin == nil {
		return nil, fmt.Errorf("%s: nothing says how a member goes on or begins", member)
	}
	_, err := os.Stat(filepath.Join(member, report.ConfigFile))
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
		if _, err := os.Stat(filepath.Join(member, report.LastFile)); err == nil {
			list = append(list, member)
		}
	}
}

// WriteEnsembleCard replaces the README.md of a run of several members by their results so far.
func WriteEnsembleCard(folder string, cfg recipe.Config, results []report.Result) error {
	return writeText(filepath.Join(folder, report.CardFile), report.EnsembleCard(folder, cfg, results, Command(folder)))
}
