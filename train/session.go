package train

import (
	"os"
	"path/filepath"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
)

// open makes the run's folder, or goes on in it, and returns what closes its log.
func (t *Trainer) open() (closeLog func(), err error) {
	if !t.goesOn {
		root := t.opts.Root
		if root == "" {
			root = "runs"
		}
		if t.folder, err = create(t.opts.Folder, root, t.net.Name+"-"+t.cfg.Data); err != nil {
			return nil, err
		}
		if err := writeJSON(filepath.Join(t.folder, report.ConfigFile), t.cfg); err != nil {
			return nil, err
		}
	}
	if t.goesOn {
		// What a killed session was writing.
		for _, dir := range []string{t.folder, filepath.Join(t.folder, "weights")} {
			left, _ := filepath.Glob(filepath.Join(dir, ".zoo-*.tmp"))
			for _, f := range left {
				os.Remove(f)
			}
		}
	}
	if err := t.writeEnv(); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(filepath.Join(t.folder, report.LogFile), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o666)
	if err != nil {
		return nil, err
	}
	t.log = &report.Lines{W: log, Stamp: true}
	t.events = report.Tell(t.log, t.events)
	return func() { log.Close() }, nil
}

// failed writes what ended the run to its log as well.
func (t *Trainer) failed(err error) error {
	t.log.Print("failed: %v", err)
	return err
}

// checkpoint saves in the middle of an epoch, unless the parameters are not worth it.
func (t *Trainer) checkpoint() error {
	if name := t.notFinite(); name != "" {
		return t.diverged(nil, nil, 0, t.lr)
	}
	t.at.Seconds = t.seconds()
	if err := t.save(nil); err != nil {
		return err
	}
	t.saved = time.Now()
	t.events.Saved(t.folder)
	return nil
}
