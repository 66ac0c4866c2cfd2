package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// mpirun starts ranks of the program, in a folder of its own, and skips the test where there is no MPI.
type mpirun struct {
	dir, zoo string
	launcher []string
	hosts    []string // their namespaces, where there are several
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
	program, err := withMPI()
	if err != nil {
		t.Fatal(err)
	}
	m.zoo = filepath.Join(m.dir, "zoo") // of its own, to tell the processes of tests apart
	if err := os.Link(program, m.zoo); err != nil {
		t.Fatal(err)
	}
	return m
}

// sharedDir is where withMPI has put the program; empty while nobody has asked for it.
var sharedDir string

// withMPI builds the program, once.
var withMPI = sync.OnceValues(func() (_ string, err error) {
	if sharedDir, err = os.MkdirTemp("", "zoo-mpi-"); err != nil {
		return "", err
	}
	program := filepath.Join(sharedDir, "zoo")
	build := exec.Command("go", "build", "-tags", "mpi", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return program, nil
})

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
}
