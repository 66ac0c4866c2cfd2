package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// mpirun starts ranks of the program, in a folder of its own, and skips the test where there is no MPI.
type mpirun struct {
	dir, zoo string
	launcher []string
}

func newMPIRun(t *testing.T) *mpirun {
	t.Helper()
	m := &mpirun{dir: t.TempDir()}
	for _, l := range [][]string{{"mpirun.openmpi", "--allow-run-as-root", "--oversubscribe"}, {"mpiexec.mpich"}} {
		if path, err := exec.LookPath(l[0]); err == nil {
			m.launcher = append([]string{path}, l[1:]...)
			break
		}
	}
	if m.launcher == nil {
		t.Skip("neither Open MPI nor MPICH is installed")
	}
	m.zoo = filepath.Join(m.dir, "zoo")
	build := exec.Command("go", "build", "-tags", "mpi", "-o", m.zoo, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return m
}

// command is a command line of the program by n ranks; 0 is without a launcher.
func (m *mpirun) command(n int, args string) *exec.Cmd {
	words := append([]string{m.zoo}, strings.Fields(args)...)
	if n > 0 {
		words = append(append(m.launcher[:len(m.launcher):len(m.launcher)], "-np", strconv.Itoa(n)), words...)
	}
	c := exec.Command(words[0], words[1:]...)
	c.Dir = m.dir
	return c
}

func (m *mpirun) run(t *testing.T, n int, args string) string {
	t.Helper()
	c := m.command(n, args)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		t.Fatalf("zoo %s by %d ranks: %v\n%s", args, n, err, &errs)
	}
	return out.String()
}

func (m *mpirun) file(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(m.dir, path))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestManyProcesses(t *testing.T) {
	m := newMPIRun(t)
	const train = "train lenet5 --limit 1000 --threads 1 --batch 50 "
	m.run(t, 2, train+"--epochs 2 --out two")

	t.Run("evaluate as one does", func(t *testing.T) {
		if one, three := m.run(t, 0, "eval two --json --worst 5"), m.run(t, 3, "eval two --json --worst 5"); one != three {
			t.Errorf("one process: %s\nthree ranks: %s", one, three)
		}
	})
	t.Run("train members side by side", func(t *testing.T) {
		m.run(t, 0, train+"--epochs 1 --ensemble 3 --out members-by-one")
		m.run(t, 2, train+"--epochs 1 --ensemble 3 --out members-by-two")
		for i := 1; i <= 3; i++ {
			path := fmt.Sprintf("/m%d/weights/last.safetensors", i)
			if !bytes.Equal(m.file(t, "members-by-one"+path), m.file(t, "members-by-two"+path)) {
				t.Errorf("member %d has other weights", i)
			}
		}
	})
	t.Run("end together, and go on to the same weights", func(t *testing.T) {
		const long = train + "--epochs 40 --set checkpoint=1s "
		m.run(t, 2, long+"--out whole")
		for _, c := range []struct {
			name string
			end  func(mpirun *os.Process, rank int)
		}{
			{"the launcher is interrupted", func(p *os.Process, _ int) { p.Signal(syscall.SIGINT) }},
			{"a rank is killed", func(_ *os.Process, rank int) { syscall.Kill(rank, syscall.SIGKILL) }},
		} {
			folder := strings.ReplaceAll(c.name, " ", "-")
			cmd := m.command(2, long+"--out "+folder)
			var errs locked
			cmd.Stderr = &errs
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			for deadline := time.Now().Add(2 * time.Minute); !strings.Contains(errs.String(), "epoch  2:"); time.Sleep(5 * time.Millisecond) {
				if time.Now().After(deadline) {
					cmd.Process.Kill()
					t.Fatalf("%s: it never came to the second epoch: %s", c.name, &errs)
				}
			}
			c.end(cmd.Process, lastRank(t, m.zoo))
			select {
			case err := <-ended:
				if err == nil {
					t.Errorf("%s: it ends well: %s", c.name, &errs)
				}
			case <-time.After(60 * time.Second): // what it is meant to take is less than half of that
				cmd.Process.Kill()
				t.Fatalf("%s: it does not end: %s", c.name, &errs)
			}
			if n := strings.Count("\n"+errs.String(), "\nzoo: "); n > 1 {
				t.Errorf("%s: %d messages: %s", c.name, n, &errs)
			}
			m.run(t, 2, "resume "+folder)
			if !bytes.Equal(m.file(t, "whole/weights/last.safetensors"), m.file(t, folder+"/weights/last.safetensors")) {
				t.Errorf("%s: the run goes on to other weights", c.name)
			}
		}
	})
}

// lastRank is the newest process of the program.
func lastRank(t *testing.T, zoo string) int {
	t.Helper()
	out, err := exec.Command("pgrep", "-n", "-f", "^"+regexp.QuoteMeta(zoo)).Output()
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}
