package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// environment is env.json: where a run's numbers come from.
type environment struct {
	Seed     uint64    `json:"seed"`
	Data     string    `json:"data"`
	Train    string    `json:"train_checksum"`
	Val      string    `json:"val_checksum"`
	Command  string    `json:"command,omitempty"`
	Sessions []session `json:"sessions"` // the first start, and each time that the run went on
}

type session struct {
	Started   time.Time         `json:"started"`
	Step      int               `json:"step"`
	Changes   []string          `json:"changes,omitempty"` // of settings, from here on
	Program   string            `json:"program,omitempty"`
	Go        string            `json:"go"`
	System    string            `json:"system"`
	Processor string            `json:"processor"`
	Cores     int               `json:"cores"`
	Threads   int               `json:"threads"`
	Ranks     int               `json:"ranks,omitempty"`
	Kernels   string            `json:"kernels"` // family; runs of another may differ in the last bits
	Modules   map[string]string `json:"modules,omitempty"`
	Revision  string            `json:"revision,omitempty"`
}

// writeEnv adds this session to the record.
func (t *Trainer) writeEnv() error {
	path := filepath.Join(t.folder, report.EnvFile)
	var e environment
	text, err := weights.ReadSmall(path, maxConfig)
	if err == nil {
		err = json.Unmarshal(text, &e)
	}
	var damaged error
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		damaged = fmt.Errorf("%s is damaged, and begun anew: %w", path, err)
		e = environment{}
	}
	if len(e.Sessions) == 0 {
		e = environment{Seed: t.cfg.Seed, Data: t.cfg.Data, Train: t.at.Data, Val: t.at.ValData, Command: strings.Join(t.opts.Command, " ")}
	}
	s := session{
		Started: t.begun.UTC().Truncate(time.Second), Step: t.at.Step, Changes: t.changes, Program: t.opts.Program,
		Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH, Processor: processor(), Cores: runtime.NumCPU(),
		Threads: t.pool.Threads(), Ranks: t.ranks.Size(), Kernels: kernel.CurrentFamily().String(),
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		s.Modules = map[string]string{}
		for _, m := range info.Deps {
			if strings.HasPrefix(m.Path, "gorgonia.org/") {
				s.Modules[m.Path] = m.Version
			}
		}
		for _, set := range info.Settings {
			if set.Key == "vcs.revision" {
				s.Revision = set.Value
			}
		}
	}
	e.Sessions = append(e.Sessions, s)
	return errors.Join(damaged, writeJSON(path, e))
}

// Command is what the record of a run says that it was started with; empty if it does not say.
func Command(folder string) string {
	var e environment
	if text, err := weights.ReadSmall(filepath.Join(folder, report.EnvFile), maxConfig); err == nil && json.Unmarshal(text, &e) == nil {
		return e.Command
	}
	return ""
}

// processor is the name of the processor where the system tells it.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
