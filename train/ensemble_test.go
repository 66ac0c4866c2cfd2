package train

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
)

func TestAnEnsemblesFolderHoldsRuns(t *testing.T) {
	root := t.TempDir()
	cfg := tinyConfig()
	cfg.Ensemble = 3
	folder, err := NewEnsemble(cfg, Options{Root: root, Command: []string{"zoo", "train", "tiny", "--ensemble", "3"}})
	if err != nil || folder != filepath.Join(root, "tiny-blobs", "001") {
		t.Fatalf("folder %s, %v", folder, err)
	}
	if second, err := NewEnsemble(cfg, Options{Root: root}); err != nil || second != filepath.Join(root, "tiny-blobs", "002") {
		t.Errorf("the next folder is %s, %v", second, err)
	}
	if _, err := os.Stat(filepath.Join(folder, "weights")); !os.IsNotExist(err) {
		t.Errorf("it has a folder of weights, which its members have: %v", err)
	}
	if got, err := ReadConfig(folder); err != nil || got.Ensemble != 3 || got.Network != "tiny" {
		t.Errorf("it says %+v, %v", got, err)
	}
	if got := Command(folder); got != "zoo train tiny --ensemble 3" {
		t.Errorf("it was made by %q", got)
	}
	cfg.Epochs = -1
	if _, err := NewEnsemble(cfg, Options{Root: root}); err == nil || !strings.Contains(err.Error(), "epochs -1") {
		t.Errorf("a configuration that cannot be: %v", err)
	}
	if _, err := os.Stat(filepath.Join(root, "tiny-blobs", "003")); !os.IsNotExist(err) {
		t.Errorf("a configuration that cannot be leaves a folder: %v", err)
	}

	// Members begin, and go on once they have a configuration.
	var begun, goneOn []string
	open := func(i int) error {
		_, err := OpenMember(folder, i, func(folder string, cfg recipe.Config) (*Trainer, error) {
			goneOn = append(goneOn, folder+" "+cfg.Network)
			return nil, nil
		}, func(folder string) (*Trainer, error) {
			begun = append(begun, folder)
			return nil, nil
		})
		return err
	}
	member := func(i int) string { return filepath.Join(folder, []string{"", "m1", "m2", "m3", "m4"}[i]) }
	// The first is there, the second was killed before it had a configuration, the third has one that is broken.
	for i := 1; i <= 3; i++ {
		if err := os.MkdirAll(filepath.Join(member(i), "weights"), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(WriteConfig(member(1), tinyConfig()), os.WriteFile(filepath.Join(member(2), "left"), nil, 0o666),
		os.WriteFile(filepath.Join(member(3), report.ConfigFile), []byte("{"), 0o666)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(open(1), open(2), open(4)); err != nil {
		t.Fatal(err)
	}
	if err := open(3); err == nil || !strings.Contains(err.Error(), member(3)) {
		t.Errorf("a member's broken configuration: %v", err)
	}
	if want := []string{member(1) + " tiny"}; !slices.Equal(goneOn, want) {
		t.Errorf("%q go on: want %q", goneOn, want)
	}
	if want := []string{member(2), member(4)}; !slices.Equal(begun, want) {
		t.Errorf("%q begin: want %q", begun, want)
	}
	if _, err := os.Stat(filepath.Join(member(2), "left")); !os.IsNotExist(err) {
		t.Errorf("what a killed member has left is still there: %v", err)
	}

	// Members with weights count, up to the first that is not there.
	os.Mkdir(member(2), 0o777)
	for _, i := range []int{1, 3} {
		if err := os.WriteFile(filepath.Join(member(i), report.LastFile), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := Members(folder), []string{member(1), member(3)}; !slices.Equal(got, want) {
		t.Errorf("members %q: want %q", got, want)
	}
	if got := Members(member(1)); got != nil {
		t.Errorf("a single run has the members %q", got)
	}

	results := []report.Result{{Network: "tiny", Folder: member(1), Best: &report.Epoch{Val: report.Metrics{Images: 50, Top1: 0.125}}}}
	if err := WriteEnsembleCard(folder, cfg, results); err != nil {
		t.Fatal(err)
	}
	if card := string(read(t, folder, report.CardFile)); !strings.Contains(card, "12.50 %") || !strings.Contains(card, "zoo train tiny --ensemble 3") {
		t.Errorf("the card has neither the member's error nor the command:\n%s", card)
	}
}

func TestAWrittenConfigurationIsComplete(t *testing.T) {
	folder := t.TempDir()
	cfg := recipe.Config{Network: "tiny", Data: "blobs", Epochs: 2, Batch: 8, Optimizer: recipe.Optimizer{LR: 0.1}}
	if err := WriteConfig(folder, cfg); err != nil {
		t.Fatal(err)
	}
	var got recipe.Config
	if err := json.Unmarshal(read(t, folder, report.ConfigFile), &got); err != nil || got.Optimizer.Name != "sgd" || got.Epochs != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	cfg.Batch = -1
	if err := WriteConfig(folder, cfg); err == nil || !strings.Contains(err.Error(), "batch -1") {
		t.Errorf("a configuration that cannot be: %v", err)
	}
}
