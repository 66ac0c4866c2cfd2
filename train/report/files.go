package report

import "path/filepath"

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
