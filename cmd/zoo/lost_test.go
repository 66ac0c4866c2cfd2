package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What is lost in the middle of a run ends all of it, with one message, and the run goes on to the weights that it
// would have had. ZOO_LONG=10 tries more of it, and each ten times, at moments that chance draws.
func TestWhatIsLostEndsTheJob(t *testing.T) {
	t.Parallel() // it waits more than it computes
	times, _ := strconv.Atoi(os.Getenv("ZOO_LONG"))
	onOne := []loss{
		{"rank 1 is killed", true, func(t *testing.T, j *job) { j.kill(t, 1, syscall.SIGKILL) }},
		{"rank 0 is killed", false, func(t *testing.T, j *job) { j.kill(t, 0, syscall.SIGKILL) }},
		{"the launcher is killed", true, func(_ *testing.T, j *job) { j.cmd.Process.Kill() }},
		{"the launcher is interrupted", true, func(_ *testing.T, j *job) { j.cmd.Process.Signal(syscall.SIGINT) }},
		{"rank 1 is paused", false, func(t *testing.T, j *job) { j.kill(t, 1, syscall.SIGSTOP) }},
		{"rank 0 is paused", true, func(t *testing.T, j *job) { j.kill(t, 0, syscall.SIGSTOP) }},
	}
	t.Run("on one machine", func(t *testing.T) {
		t.Parallel()
		lose(t, newMPIRun(t), times, onOne)
	})
	t.Run("under MPICH", func(t *testing.T) {
		path, err := exec.LookPath("mpiexec.mpich")
		if err != nil || times == 0 {
			t.Skip("only with ZOO_LONG, where MPICH is installed")
		}
		t.Parallel()
		m := newMPIRun(t)
		m.launcher = []string{path}
		lose(t, m, times, onOne)
	})
	t.Run("on two hosts", func(t *testing.T) {
		t.Parallel()
		m := newHosts(t, "mpirun.openmpi")
		lose(t, m, times, []loss{
			{"the cable is pulled", true, func(t *testing.T, j *job) { j.m.cable(t, "down") }},
			{"the other host's rank is killed", false, func(t *testing.T, j *job) { j.kill(t, 1, syscall.SIGKILL) }},
		})
	})
}

// A job that is stopped as a whole for longer than ranks wait for each other, as by a laptop that sleeps, goes on.
func TestAPauseOfAllLosesNothing(t *testing.T) {
	if os.Getenv("ZOO_LONG") == "" {
		t.Skip("only with ZOO_LONG")
	}
	m := newMPIRun(t)
	const train = "train lenet5 --limit 1000 --threads 1 --batch 50 --epochs 12 --out "
	m.run(t, 2, train+"whole")
	cmd := m.command(2, train+"paused")
	var errs locked
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for !strings.Contains(errs.String(), "\nepoch  2:") {
		time.Sleep(10 * time.Millisecond)
	}
	ranks := m.ranks(t)
	for _, signal := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGCONT} {
		for _, pid := range ranks {
			syscall.Kill(pid, signal)
		}
		if signal == syscall.SIGSTOP {
			time.Sleep(25 * time.Second)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, &errs)
	}
	if !bytes.Equal(m.file(t, "whole/weights/last.safetensors"), m.file(t, "paused/weights/last.safetensors")) {
		t.Error("the job that was paused has other weights")
	}
}

type loss struct {
	name  string
	short bool // tried without ZOO_LONG, too
	lose  func(*testing.T, *job)
}

// A job is a run of two ranks.
type job struct {
	m    *mpirun
	cmd  *exec.Cmd
	errs locked
}

// kill sends a signal to a rank.
func (j *job) kill(t *testing.T, rank int, signal syscall.Signal) {
	t.Helper()
	for _, pid := range j.m.ranks(t) {
		env, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		for _, v := range strings.Split(string(env), "\x00") {
			if v == fmt.Sprintf("OMPI_COMM_WORLD_RANK=%d", rank) || v == fmt.Sprintf("PMI_RANK=%d", rank) {
				syscall.Kill(pid, signal)
				return
			}
		}
	}
	t.Fatalf("rank %d is not there: %s", rank, &j.errs)
}

// ranks are the processes of the program.
func (m *mpirun) ranks(t *testing.T) []int {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, exe := range all {
		if path, err := os.Readlink(exe); err == nil && path == m.zoo {
			pid, _ := strconv.Atoi(strings.Split(exe, "/")[2])
			pids = append(pids, pid)
		}
	}
	return pids
}

func lose(t *testing.T, m *mpirun, times int, losses []loss) {
	const epochs = 40 // so many that half of them take longer than any delay below, on a fast machine too
	train := fmt.Sprintf("train lenet5 --limit 1000 --threads 1 --batch 50 --set checkpoint=500ms --epochs %d --out ", epochs)
	whole := strings.ReplaceAll(filepath.Base(t.Name()), "_", "-")
	m.run(t, 2, train+whole)
	want := m.file(t, whole+"/weights/last.safetensors")
	moments := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	for _, l := range losses {
		if times == 0 && !l.short {
			continue
		}
		t.Run(l.name, func(t *testing.T) {
			for try := range max(times, 1) {
				epoch, delay := 1+moments.IntN(epochs/2), time.Duration(moments.IntN(300))*time.Millisecond
				folder := fmt.Sprintf("%s-%d", strings.ReplaceAll(filepath.Base(t.Name()), "_", "-"), try)
				j := &job{m: m, cmd: m.command(2, train+folder)}
				j.cmd.Stderr = &j.errs
				if err := j.cmd.Start(); err != nil {
					t.Fatal(err)
				}
				ended := make(chan error, 1)
				go func() { ended <- j.cmd.Wait() }()
				for deadline := time.Now().Add(5 * time.Minute); !strings.Contains(j.errs.String(), fmt.Sprintf("\nepoch %2d:", epoch)); time.Sleep(5 * time.Millisecond) {
					if time.Now().After(deadline) {
						j.cmd.Process.Kill()
						t.Fatalf("it never came to epoch %d: %s", epoch, &j.errs)
					}
				}
				time.Sleep(delay)
				began := time.Now()
				l.lose(t, j)
				select {
				case err := <-ended:
					if err == nil {
						t.Errorf("it ends well: %s", &j.errs)
					}
				case <-time.After(time.Minute): // what it is meant to take is half of that
					j.cmd.Process.Kill()
					t.Errorf("it does not end: %s", &j.errs)
				}
				// Ranks whose launcher is gone end by themselves.
				for deadline := began.Add(time.Minute); len(m.ranks(t)) > 0; time.Sleep(50 * time.Millisecond) {
					if time.Now().After(deadline) {
						t.Errorf("ranks are left: %v: %s", m.ranks(t), &j.errs)
						for _, pid := range m.ranks(t) {
							syscall.Kill(pid, syscall.SIGKILL)
						}
					}
				}
				took := time.Since(began)
				if n := strings.Count("\n"+j.errs.String(), "\nzoo: "); n > 1 {
					t.Errorf("%d messages: %s", n, &j.errs)
				}
				if m.hosts != nil {
					m.cable(t, "up")
				}
				m.run(t, 2, "resume "+folder)
				same := bytes.Equal(want, m.file(t, folder+"/weights/last.safetensors"))
				t.Logf("%s after epoch %d and %v: ended after %.1f s; same weights: %v", l.name, epoch, delay, took.Seconds(), same)
				if !same {
					t.Errorf("the run goes on to other weights: %s", &j.errs)
				}
			}
		})
	}
}
