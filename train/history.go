package train

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// ReadCurve reads a run's history from its folder. Its label is the network and its variant.
func ReadCurve(folder string) (report.Curve, error) {
	cfg, err := ReadConfig(folder)
	if err != nil {
		return report.Curve{}, err
	}
	if cfg.Ensemble > 0 {
		return report.Curve{}, fmt.Errorf("%s: a run of several members: name one of them, as in %s", folder, MemberFolder(folder, 1))
	}
	path := filepath.Join(folder, report.MetricsFile)
	text, err := weights.ReadSmall(path, maxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return report.Curve{}, fmt.Errorf("%s: no epoch is complete yet: there is no %s in it", folder, report.MetricsFile)
	}
	if err != nil {
		return report.Curve{}, err
	}
	rows, err := report.ReadTable(bytes.NewReader(text))
	if err != nil {
		return report.Curve{}, fmt.Errorf("%s: %w", path, err)
	}
	if len(rows) == 0 {
		return report.Curve{}, fmt.Errorf("%s: no epoch is complete yet", path)
	}
	c := report.Curve{Label: cfg.Network, Data: cfg.Data, Rows: rows}
	if cfg.Variant != "" {
		c.Label += " " + cfg.Variant
	}
	return c, nil
}
