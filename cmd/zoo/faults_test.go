//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
)

// faulty is a run that is to survive: with everything that has a state, and a checkpoint every few steps.
var faulty = strings.Fields("lenet5 --limit 640 --epochs 5 --seed 3 --threads 1 --augment crop(2),rotate(10) --set val_limit=100 --set checkpoint=15ms --set ema=0.9 " +
	"--set schedule.name=plateau --set patience=1")

// A fault happens to a run that begins in a folder, some time after the start.
type fault struct {
	name string
	do   func(t *testing.T, f *faults, folder string, after time.Duration)
}

// faults inject faults and compare what is left with a run to which nothing happened.
type faults struct {
	zoo   string
	whole string        // the folder of the run to which nothing happened
	takes time.Duration // that run
	rand  *rand.Rand
	eval  map[string]any
}

// A zoo is the command at work.
type zooProcess struct {
	cmd         *exec.Cmd
	out, stderr bytes.Buffer
}

func (f *faults) command(args ...string) *zooProcess {
	p := &zooProcess{cmd: exec.Command(f.zoo, args...)}
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.stderr
	return p
}

// begin starts the training.
func (f *faults) begin(t *testing.T, folder string, change func(*exec.Cmd)) *zooProcess {
	t.Helper()
	p := f.command(append(append([]string{"train"}, faulty...), "--out", folder)...)
	if change != nil {
		change(p.cmd)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

// run runs the command to its end and returns the exit code.
func (f *faults) run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	p := f.command(args...)
	err := p.cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return p.cmd.ProcessState.ExitCode(), p.out.String(), p.stderr.String()
}

// finish brings the run to its end, whatever is left of it, and compares it.
func (f *faults) finish(t *testing.T, folder string) {
	t.Helper()
	code, _, stderr := f.run(t, "resume", folder)
	if code != 0 && (strings.Contains(stderr, "is not there") || strings.Contains(stderr, "has not begun") || strings.Contains(stderr, "no such file or folder")) {
		code, _, stderr = f.run(t, append(append([]string{"train"}, faulty...), "--out", folder)...)
	}
	if code != 0 {
		t.Fatalf("lost: the run cannot go on: %s", stderr)
	}
	f.compare(t, folder)
}

// compare compares the weights with those of the run to which nothing happened, byte for byte.
func (f *faults) compare(t *testing.T, folder string) {
	t.Helper()
	for _, file := range []string{report.LastFile, report.BestFile} {
		want, err := os.ReadFile(filepath.Join(f.whole, file))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(folder, file))
		if err != nil {
			t.Errorf("lost: %v", err)
		} else if !bytes.Equal(got, want) {
			t.Errorf("silently wrong: %s differs from that of the run to which nothing happened", file)
		}
	}
	for _, file := range []string{report.CurvesFile, report.ConfusionFile + ".png", report.CardFile, report.MetricsFile} {
		if _, err := os.Stat(filepath.Join(folder, file)); err != nil {
			t.Errorf("lost: %v", err)
		}
	}
}

// signalled sends a signal to a run.
func signalled(s syscall.Signal) func(*testing.T, *faults, string, time.Duration) {
	return func(t *testing.T, f *faults, folder string, after time.Duration) {
		p := f.begin(t, folder, nil)
		time.Sleep(after)
		p.cmd.Process.Signal(s)
		p.cmd.Wait()
		code := p.cmd.ProcessState.ExitCode()
		// Before the signal is listened to it ends the process, which has done nothing yet.
		early := code == -1 && !strings.Contains(p.stderr.String(), "epoch 1:") && after < f.takes/2
		if s != syscall.SIGKILL && code != 0 && code != 130 && !early {
			t.Errorf("exit code %d: %s", code, p.stderr.String())
		}
		if code == 130 && !strings.Contains(p.stderr.String(), "it goes on with: zoo resume") {
			t.Errorf("it does not say how it goes on: %s", p.stderr.String())
		}
		f.finish(t, folder)
	}
}

// The reader of both outputs goes away.
func goneReader(t *testing.T, f *faults, folder string, after time.Duration) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := f.begin(t, folder, func(c *exec.Cmd) { c.Stdout, c.Stderr = w, w })
	w.Close()
	time.Sleep(after)
	r.Close()
	p.cmd.Wait()
	if code := p.cmd.ProcessState.ExitCode(); code != 0 && code != 1 {
		t.Errorf("exit code %d", code)
	}
	f.compare(t, folder)
}

// The reader of standard error reads nothing.
func stoppedReader(t *testing.T, f *faults, folder string, _ time.Duration) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	unix.FcntlInt(w.Fd(), unix.F_SETPIPE_SZ, 4096)
	w.Write(make([]byte, 4096)) // it is full
	p := f.begin(t, folder, func(c *exec.Cmd) { c.Stderr = w })
	w.Close()
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("%v", err)
	}
	f.compare(t, folder)
}

// No file can grow for a while.
func fullDisk(t *testing.T, f *faults, folder string, after time.Duration) {
	p := f.begin(t, folder, nil)
	time.Sleep(after)
	old := unix.Rlimit{}
	limit := unix.Rlimit{Cur: 500, Max: unix.RLIM_INFINITY}
	if err := unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_FSIZE, &limit, &old); err != nil && !errors.Is(err, unix.ESRCH) {
		t.Fatal(err)
	}
	time.Sleep(time.Duration(f.rand.Int64N(int64(f.takes))))
	unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_FSIZE, &old, nil)
	p.cmd.Wait()
	if p.cmd.ProcessState.ExitCode() != 0 { // the folder could not be made, or the pictures not drawn
		if !strings.Contains(p.stderr.String(), "larger than the system allows") {
			t.Errorf("%s", p.stderr.String())
		}
		f.finish(t, folder)
		return
	}
	f.compare(t, folder)
}

// A second process wants to go on with the run.
func twoProcesses(t *testing.T, f *faults, folder string, after time.Duration) {
	p := f.begin(t, folder, nil)
	time.Sleep(after)
	code, _, stderr := f.run(t, "resume", folder)
	if code == 0 {
		if p.cmd.ProcessState == nil && !strings.Contains(stderr, "is complete") {
			t.Errorf("the run was taken from the process that works in it: %s", stderr)
		}
	} else if !strings.Contains(stderr, fmt.Sprintf("in use by process %d", p.cmd.Process.Pid)) && !strings.Contains(stderr, "no such file or folder") && !strings.Contains(stderr, "config.json") && !strings.Contains(stderr, "has not begun") {
		t.Errorf("%s", stderr)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Fatalf("the first process: %v: %s", err, p.stderr.String())
	}
	f.compare(t, folder)
}

// flipped flips a bit of a file of a run, complete or not.
func flipped(t *testing.T, f *faults, folder string, after time.Duration) {
	p := f.begin(t, folder, nil)
	if f.rand.IntN(2) == 0 {
		after = time.Hour
	}
	done := make(chan error, 1)
	go func() { done <- p.cmd.Wait() }()
	select {
	case <-done:
	case <-time.After(after):
		p.cmd.Process.Signal(syscall.SIGTERM)
		<-done
	}
	var files []string
	filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && d.Name() != "lock" {
			files = append(files, path)
		}
		return nil
	})
	if len(files) == 0 {
		f.finish(t, folder)
		return
	}
	file := files[f.rand.IntN(len(files))]
	data, err := os.ReadFile(file)
	if err != nil || len(data) == 0 {
		t.Fatal(err)
	}
	at, bit := f.rand.IntN(len(data)), f.rand.IntN(8)
	if f.rand.IntN(2) == 0 { // the beginning, where the words are
		at = f.rand.IntN(min(len(data), 2000))
	}
	data[at] ^= 1 << bit
	// Another file: the best weights may be the last ones under a second name.
	os.Remove(file)
	if err := os.WriteFile(file, data, 0o666); err != nil {
		t.Fatal(err)
	}
	what := fmt.Sprintf("bit %d of byte %d of %s (%q)", bit, at, file, data[max(at-20, 0):min(at+20, len(data))])

	complete := after == time.Hour
	code, stdout, stderr := f.run(t, "eval", folder, "--json")
	if code == 0 && complete && !strings.Contains(stderr, "warning") {
		var e map[string]any
		if err := json.Unmarshal([]byte(stdout), &e); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"images", "loss", "top1_error", "top5_error"} {
			if e[key] != f.eval[key] {
				t.Errorf("silently wrong: after %s the evaluation says %s %v, not %v", what, key, e[key], f.eval[key])
			}
		}
	}
	code, _, stderr = f.run(t, "resume", folder)
	switch {
	case code != 0: // refused
		if strings.Contains(stderr, "panic") || strings.Contains(stderr, "goroutine") || len(strings.Split(strings.TrimSpace(stderr), "\n")) > 20 {
			t.Errorf("after %s: %s", what, stderr)
		}
	case strings.Contains(stderr, "changed since the run was last saved"):
	default:
		for _, file := range []string{report.LastFile, report.BestFile} {
			want, err := os.ReadFile(filepath.Join(f.whole, file))
			if err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(filepath.Join(folder, file))
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Equal(got, want) {
				continue
			}
			// A complete run is not written again: then the file itself is what was damaged, and nobody takes it.
			if code, _, stderr := f.run(t, "eval", filepath.Join(folder, file)); code == 0 {
				t.Errorf("silently wrong: after %s the run goes on to other bytes of %s, which are evaluated: %s", what, file, stderr)
			}
		}
	}
}

// Runs survive what happens to them. The long form injects as many faults as the environment variable says, with
//
//	ZOO_FAULTS=400 go test ./cmd/zoo -run TestRunsSurviveFaults -timeout 60m -v
func TestRunsSurviveFaults(t *testing.T) {
	list := []fault{
		{"killed", signalled(syscall.SIGKILL)}, {"terminated", signalled(syscall.SIGTERM)}, {"interrupted", signalled(syscall.SIGINT)}, {"hung up", signalled(syscall.SIGHUP)},
		{"reader gone", goneReader}, {"reader stopped", stoppedReader}, {"disk full", fullDisk}, {"two processes", twoProcesses}, {"flipped bit", flipped}, {"flipped bit", flipped},
	}
	n := len(list)
	if text := os.Getenv("ZOO_FAULTS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	zoo, err := exec.LookPath("zoo")
	if err != nil {
		t.Fatal(err)
	}
	f := &faults{zoo: zoo, whole: filepath.Join(t.TempDir(), "whole"), rand: rand.New(rand.NewPCG(uint64(n), 5))}
	begun := time.Now()
	p := f.begin(t, f.whole, nil)
	if err := p.cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, p.stderr.String())
	}
	f.takes = time.Since(begun)
	_, stdout, stderr := f.run(t, "eval", f.whole, "--json")
	if err := json.Unmarshal([]byte(stdout), &f.eval); err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	for i := range n {
		k := list[i%len(list)]
		after := time.Duration(f.rand.Int64N(int64(f.takes) * 9 / 8))
		own := *f // they happen side by side, and each draws what it draws
		own.rand = rand.New(rand.NewPCG(f.rand.Uint64(), 5))
		t.Run(fmt.Sprintf("%d %s after %v", i, k.name, after.Round(time.Millisecond)), func(t *testing.T) {
			t.Parallel()
			k.do(t, &own, filepath.Join(t.TempDir(), "run"), after)
		})
	}
	t.Logf("%d faults in runs of %v", n, f.takes.Round(time.Millisecond))
}

func TestResultsThatCannotBeWrittenAreAnError(t *testing.T) {
	zoo, err := exec.LookPath("zoo")
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"list"}, {"version"}, {"data", "list", "--json"}, {"inspect", "lenet5"}} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Skip(err)
		}
		cmd := exec.Command(zoo, args...)
		var stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = full, &stderr
		err = cmd.Run()
		full.Close()
		if code := cmd.ProcessState.ExitCode(); code != 1 || stderr.String() != "zoo: standard output: no space is left: the disk is full\n" {
			t.Errorf("%v: exit code %d, %v: %q", args, code, err, stderr.String())
		}
	}
	// Who reads no more need not be told.
	r, w := io.Pipe()
	r.Close()
	cmd := exec.Command(zoo, "list")
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = w, &stderr
	cmd.Run()
	if stderr.Len() > 0 {
		t.Errorf("%q", stderr.String())
	}
}
