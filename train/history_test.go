package train

import (
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestReadCurveSaysWhatIsMissing(t *testing.T) {
	cfg := tinyConfig()
	cfg.Variant = "plain"
	with := func(cfg recipe.Config, metrics string) string {
		folder := t.TempDir()
		if err := writeJSON(filepath.Join(folder, report.ConfigFile), cfg); err != nil {
			t.Fatal(err)
		}
		if metrics != "" {
			if err := os.WriteFile(filepath.Join(folder, report.MetricsFile), []byte(metrics), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		return folder
	}
	rows := []report.Epoch{{Epoch: 1, Step: 7, Train: report.Metrics{Loss: 2}, Val: report.Metrics{Loss: 1, Top1: 0.25}}, {Epoch: 2, Step: 14}}
	c, err := ReadCurve(with(cfg, report.Table(rows)))
	back, _ := report.ReadTable(strings.NewReader(report.Table(rows)))
	if want := (report.Curve{Label: "tiny plain", Data: "blobs", Rows: back}); err != nil || !reflect.DeepEqual(c, want) {
		t.Errorf("got %+v, %v; want %+v", c, err, want)
	}
	ensemble := cfg
	ensemble.Ensemble = 2
	for _, e := range []struct{ folder, want string }{
		{t.TempDir(), "not the folder of a run"},
		{with(cfg, ""), "no epoch is complete yet"},
		{with(cfg, report.Table(nil)), "no epoch is complete yet"},
		{with(cfg, "epoch\n"), report.MetricsFile + ": line 1: no column is called step"},
		{with(ensemble, ""), "name one of them, as in "},
	} {
		if _, err := ReadCurve(e.folder); err == nil || !strings.Contains(err.Error(), e.want) {
			t.Errorf("got %v, want %q", err, e.want)
		}
	}
}
