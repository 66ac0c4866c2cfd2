package train

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// create makes a new folder for a run: folder itself, which must not exist or be empty, or if that is
// empty the next number under root/NETWORK-DATA. No folder is ever used twice, whoever else is making
// one at the same time.
func create(folder, root, name string) (string, error) {
	if folder != "" {
		if err := os.MkdirAll(folder, 0o777); err != nil {
			return "", err
		}
		if err := unused(folder); err != nil {
			return "", err
		}
		return folder, os.MkdirAll(filepath.Join(folder, "weights"), 0o777)
	}
	parent := filepath.Join(root, name)
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return "", err
	}
	entries, err := os.ReadDir(parent)
	if err != nil {
		return "", err
	}
	number := 0
	for _, e := range entries {
		n := 0
		if _, err := fmt.Sscanf(e.Name(), "%d", &n); err == nil {
			number = max(number, n)
		}
	}
	for {
		number++
		folder := filepath.Join(parent, fmt.Sprintf("%03d", number))
		err := os.Mkdir(folder, 0o777)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		return folder, os.Mkdir(filepath.Join(folder, "weights"), 0o777)
	}
}

// runName is what a run's folder is called: by its network and its data set, or the folder of images.
func runName(network string, cfg recipe.Config) string {
	data := cfg.Data
	if abs, err := filepath.Abs(cfg.DataDir); err == nil && cfg.DataDir != "" && data == "folder" {
		safe := strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r) || strings.ContainsRune("._", r) {
				return r
			}
			return '-'
		}, datasets.ClassName(filepath.Base(abs)))
		data = cmp.Or(strings.Trim(safe, "-."), data)
	}
	return network + "-" + data
}

// unused says why a folder cannot be a new run's: there is something in it. What a run leaves that was ended before it had
// written its configuration is nothing.
func unused(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		left := name == lockFile || name == report.EnvFile || name == report.LogFile || strings.HasPrefix(name, ".zoo-") && strings.HasSuffix(name, ".tmp")
		if name == "weights" && e.IsDir() {
			files, err := os.ReadDir(filepath.Join(folder, name))
			left = err == nil && len(files) == 0
		}
		if !left {
			return fmt.Errorf("%s: there is something in this folder, %s: a new run needs an empty one, or one that does not exist", folder, report.Plain(name))
		}
	}
	return nil
}

// maxConfig bounds the files that say what a run is, in bytes.
const maxConfig = 64 << 20

// ReadConfig reads the configuration of a run from its folder, or a configuration from a file.
func ReadConfig(path string) (recipe.Config, error) {
	var c recipe.Config
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, report.ConfigFile)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			folder := filepath.Dir(path)
			if _, err := os.Stat(filepath.Join(folder, lockFile)); err == nil && unused(folder) == nil {
				return c, fmt.Errorf("%s: the run has not begun: unless a process is about to, zoo train NAME --out %[1]s begins it", folder)
			}
			return c, fmt.Errorf("%s: not the folder of a run: there is no %s in it", folder, report.ConfigFile)
		}
	}
	text, err := weights.ReadSmall(path, maxConfig)
	if err != nil {
		return c, err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return c, fmt.Errorf("%s: more follows the configuration, after byte %d", path, dec.InputOffset())
	}
	if _, err := Complete(c); err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// WriteConfig replaces the configuration in a run's folder.
func WriteConfig(folder string, cfg recipe.Config) error {
	cfg, err := Complete(cfg)
	if err != nil {
		return err
	}
	return writeJSON(filepath.Join(folder, report.ConfigFile), cfg)
}

// Runs returns the folders of runs under root that have weights, newest first by their last
// checkpoint; an ensemble is one run. A root that is a run itself is the only one.
func Runs(root string) ([]string, error) {
	type run struct {
		folder string
		time   int64
	}
	var runs []run
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
				return nil
			}
			return err
		}
		link := d.Type()&fs.ModeSymlink != 0
		if !d.IsDir() && !link {
			return nil
		}
		if _, err := os.Stat(filepath.Join(path, report.ConfigFile)); err != nil {
			return nil
		}
		newest := int64(0)
		for _, saved := range append(Members(path), path) {
			if info, err := os.Stat(filepath.Join(saved, report.LastFile)); err == nil {
				newest = max(newest, info.ModTime().UnixNano())
			}
		}
		if newest > 0 {
			runs = append(runs, run{path, newest})
		}
		if link { // it is no folder that could be passed over
			return nil
		}
		return fs.SkipDir
	})
	slices.SortStableFunc(runs, func(a, b run) int {
		if a.time != b.time {
			return int(min(max(b.time-a.time, -1), 1))
		}
		return strings.Compare(b.folder, a.folder)
	})
	var folders []string
	for _, r := range runs {
		folders = append(folders, r.folder)
	}
	return folders, err
}

// writeJSON replaces a file of the folder.
func writeJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return writeText(path, string(text)+"\n")
}

func writeText(path, text string) error {
	return weights.WriteAtomically(path, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}
