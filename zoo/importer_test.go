package zoo_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A module outside of this one, as an importer has it: testdata/importer registers a network, trains it on data, with
// an augmentation and with losses of its own, loads it, asks it from 64 goroutines under the race detector, and exports
// it.
func TestAModuleOfOnesOwnCanDoWhatTheZooDoes(t *testing.T) {
	if testing.Short() {
		t.Skip("builds another module")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/importer")); err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"go.mod": strings.Replace(string(mod), "../../..", root, 1), "go.sum": string(sum)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"run"}
	if enabled, err := exec.Command("go", "env", "CGO_ENABLED").Output(); err == nil && strings.TrimSpace(string(enabled)) == "1" {
		args = append(args, "-race")
	} else {
		t.Log("without the race detector, which needs a C compiler")
	}
	cmd := exec.Command("go", append(args, ".")...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	const want = `corners learned: true
triplet loss below a quarter of the margin: true
64 goroutines agree on 120 images, fewer than one label in twenty is wrong: true
evaluated as in training: true
exported SpotNet with 2276 parameters: true
`
	if string(out) != want {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
}
