package report

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestEpochFilesStandInTheOrderOfTheEpochs(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "a[b]*run")
	if err := os.MkdirAll(filepath.Join(folder, "weights"), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{EpochFile(2), EpochFile(10000), EpochFile(9999), EpochFile(10), BestFile, LastFile, "weights/epoch-1.safetensors", "weights/epoch-0003.safetensors.tmp"} {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	got, err := EpochFiles(folder)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, epoch := range []int{2, 10, 9999, 10000} {
		want = append(want, filepath.Join(folder, EpochFile(epoch)))
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, should be %q", got, want)
	}
	if _, err := EpochFiles(filepath.Join(folder, "nowhere")); !os.IsNotExist(err) {
		t.Errorf("of no folder: %v", err)
	}
}
