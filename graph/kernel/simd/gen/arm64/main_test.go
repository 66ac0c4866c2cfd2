package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestFilesAreThoseOfTheGenerator(t *testing.T) {
	dir := t.TempDir()
	if err := write(dir, "simd"); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(names) == 0 {
		t.Fatal("nothing written: ", err)
	}
	for _, name := range names {
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join("../..", filepath.Base(name)))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the generator writes: run go generate ./graph/kernel/simd", filepath.Base(name))
		}
	}
}
