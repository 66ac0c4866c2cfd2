package report

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

// Where the files of a run are, inside its folder.
const (
	ConfigFile  = "config.json"
	EnvFile     = "env.json"
	LogFile     = "log.txt"
	MetricsFile = "metrics.csv"
	StateFile   = "state.safetensors"
	CardFile    = "README.md"
	CurvesFile  = "curves.png"
	WorstFile   = "worst.png" // the worst mistakes of the best weights
	// ConfusionFile ends in .csv and .png.
	ConfusionFile = "confusion"
)

var (
	// BestFile holds the weights with the lowest test error so far.
	BestFile = filepath.Join("weights", "best.safetensors")
	// LastFile holds the weights of the last checkpoint.
	LastFile = filepath.Join("weights", "last.safetensors")
)

// EpochFile holds the weights after an epoch, counted from 1, of a run that keeps them.
func EpochFile(epoch int) string {
	return filepath.Join("weights", fmt.Sprintf("epoch-%04d.safetensors", epoch))
}

var epochFile = regexp.MustCompile(`^epoch-[0-9]{4,}\.safetensors$`)

// EpochFiles lists those that a run's folder has, the first epoch first.
func EpochFiles(folder string) ([]string, error) {
	dir := filepath.Dir(filepath.Join(folder, BestFile))
	entries, err := os.ReadDir(dir)
	var list []string
	for _, e := range entries {
		if epochFile.MatchString(e.Name()) {
			list = append(list, filepath.Join(dir, e.Name()))
		}
	}
	slices.SortFunc(list, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	return list, err
}
