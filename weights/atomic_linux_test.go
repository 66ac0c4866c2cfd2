package weights

import (
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A child process with a limit on the size of files stands for a full disk:
// the failure comes from the kernel, in the middle of the data.
func TestSaveOnAFullDiskKeepsTheOldFile(t *testing.T) {
	if path := os.Getenv("WEIGHTS_TEST_FULL_DISK"); path != "" {
		signal.Ignore(syscall.SIGXFSZ)
		limit := syscall.Rlimit{Cur: 100_000, Max: 100_000}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
		err := Save(path, sample())
		os.Stdout.WriteString("result: " + err.Error() + "\n")
		return
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "last.safetensors")
	if err := os.WriteFile(path, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0], "-test.run=^TestSaveOnAFullDiskKeepsTheOldFile$", "-test.count=1")
	child.Env = append(os.Environ(), "WEIGHTS_TEST_FULL_DISK="+path)
	out, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "result: "+path+": not written: ") || !strings.Contains(string(out), "file too large") {
		t.Errorf("the child said\n%s", out)
	}
	if got := content(t, path); got != "old" {
		t.Errorf("the old file holds %.20q", got)
	}
	onlyFile(t, dir, "last.safetensors")
}
