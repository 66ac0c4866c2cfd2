//go:build linux

package main

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
)

// smallDisk is a file system of so many bytes, which is skipped where this process may not mount one.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+strconv.Itoa(size)); err != nil {
		t.Skipf("no disk can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// A disk that is really full: what cannot be written is an error of one line, and leaves nothing behind.
func TestAFullDiskIsSaid(t *testing.T) {
	zoo, err := exec.LookPath("zoo")
	if err != nil {
		t.Fatal(err)
	}
	disk := smallDisk(t, 16<<10)
	if err := os.WriteFile(filepath.Join(disk, "ballast"), make([]byte, 12<<10), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"export", "lenet5-mnist", "-o", "lenet5.safetensors"},
		{"export", "lenet5-mnist", "-o", "lenet5.pth"},
		{"export", "lenet5-mnist", "-o", "lenet5.onnx"},
		{"data", "show", "fashion-mnist-small", "-o", "sheet.png"},
		{"explain", "resnet20-cifar10", "--how", "filters", "-o", "filters.png"},
		{"list", "--plot", "trend.png"},
		{"eval", "lenet5-fashion-mnist", "--limit", "10", "--confusion", "confusion.png"},
		{"train", "lenet5", "--limit", "100", "--epochs", "1", "--out", "run"},
	} {
		t.Run(strings.Join(args[:2], " ")+" to "+args[len(args)-1], func(t *testing.T) {
			cmd := exec.Command(zoo, args...)
			var stderr bytes.Buffer
			cmd.Dir, cmd.Stderr = disk, &stderr
			cmd.Run()
			last := args[len(args)-1]
			text := strings.TrimSpace(stderr.String())
			lines := strings.Split(text, "\n")
			if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.HasPrefix(lines[len(lines)-1], "zoo: "+last+": ") ||
				!strings.Contains(text, "no space is left: the disk is full") && !strings.Contains(text, "B are free") {
				t.Errorf("exit code %d: %s", code, text)
			}
			filepath.WalkDir(disk, func(path string, d fs.DirEntry, err error) error {
				if err == nil && d.Type().IsRegular() && d.Name() != "lock" && d.Name() != "ballast" {
					t.Errorf("%s is left behind", path)
				}
				return nil
			})
		})
	}
}

// A disk that others fill while a network is trained: the run goes on, and saves what it has as soon as there is room.
func TestARunOutlivesADiskThatIsFullForAWhile(t *testing.T) {
	f := &faults{whole: filepath.Join(t.TempDir(), "whole")}
	var err error
	if f.zoo, err = exec.LookPath("zoo"); err != nil {
		t.Fatal(err)
	}
	disk := smallDisk(t, 16<<20)
	if err := f.begin(t, f.whole, nil).cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(disk, "run")
	p := f.begin(t, folder, nil)
	for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(folder, report.LastFile)); err == nil {
			break
		}
	}
	// All that is left, in pieces, for the run frees some now and then.
	ballast := filepath.Join(disk, "ballast")
	file, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Second); time.Now().Before(end); {
		if _, err := file.Write(make([]byte, 4096)); err != nil {
			time.Sleep(time.Millisecond)
		}
	}
	file.Close()
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, p.stderr.String())
	}
	t.Logf("the disk was full: %v", strings.Contains(p.stderr.String(), "checkpoint not written"))
	f.compare(t, folder)
}
