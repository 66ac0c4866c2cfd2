package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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
	t.Parallel()
	m := newMPIRun(t)
	const train = "train lenet5 --limit 1000 --threads 1 --batch 50 "
	m.run(t, 2, train+"--epochs 2 --out two")

	t.Run("evaluate as one does", func(t *testing.T) {
		if one, three := m.run(t, 0, "eval two --json --worst 5"), m.run(t, 3, "eval two --json --worst 5"); one != three {
			t.Errorf("one process: %s\nthree ranks: %s", one, three)
		}
	})
	t.Run("evaluate a folder as one does", func(t *testing.T) {
		for i := range 200 {
			picture(t, filepath.Join(m.dir, "pictures", []string{"Bag", "Coat", "Dress", "Sandal", "Shirt"}[i%5], fmt.Sprintf("%03d.png", i)), uint64(i))
		}
		const eval = "eval lenet5-fashion-mnist --data pictures --json --worst 9 --flip --threads 1"
		if one, three := m.run(t, 0, eval), m.run(t, 3, eval); one != three || !strings.Contains(one, `"images":200`) {
			t.Errorf("one process: %s\nthree ranks: %s", one, three)
		}
	})
	t.Run("predict as one does", func(t *testing.T) {
		if err := os.WriteFile(filepath.Join(m.dir, "pictures", "Coat", "042.png"), []byte("no picture"), 0o666); err != nil {
			t.Fatal(err)
		}
		for _, args := range []string{
			"predict lenet5-fashion-mnist pictures --json", "predict lenet5-fashion-mnist pictures/Dress/002.png pictures nowhere pictures/Bag --top 1",
			"predict lenet5-fashion-mnist nowhere", "predict nothing pictures",
		} {
			var want [2]string
			for _, n := range []int{0, 3} {
				cmd := m.command(n, args)
				var out, errs bytes.Buffer
				cmd.Stdout, cmd.Stderr = &out, &errs
				var exit *exec.ExitError
				if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
					t.Errorf("%s by %d: %v", args, n, err)
				}
				told := ""
				for line := range strings.Lines(errs.String()) {
					if strings.HasPrefix(line, "zoo:") { // the launcher has words of its own
						told += line
					}
				}
				if n == 0 {
					want = [2]string{out.String(), told}
				} else if got := [2]string{out.String(), told}; got != want {
					t.Errorf("%s: three ranks say\n%s%s\none process\n%s%s", args, got[0], got[1], want[0], want[1])
				}
			}
		}
	})
	t.Run("time their steps", func(t *testing.T) {
		for args, want := range map[string]string{
			"":                          `"ranks":2,"reduce_mb":0.247,"reduce_ms":[0-9.]+,"reduce_wait_ms":[0-9.]+,"wire":"float32"`,
			"--wire bfloat16 --overlap": `"ranks":2,"reduce_mb":0.247,"reduce_ms":[0-9.]+,"reduce_wait_ms":[0-9.]+,"wire":"bfloat16","overlap":true`,
		} {
			out := m.run(t, 2, "bench lenet5 --batch 6 --threads 1 --seconds 0.01 --json "+args)
			if !regexp.MustCompile(want).MatchString(out) || strings.Count(out, "\n") != 1 || !strings.Contains(out, `"batch":6`) {
				t.Errorf("%s: %s", args, out)
			}
		}
	})
	t.Run("tell each other apart", func(t *testing.T) {
		// Rank 1 is another program; then it has other images.
		m.run(t, 0, "train lenet5 --limit 100 --epochs 1 --out start")
		other := filepath.Join(m.dir, "other")
		if err := os.WriteFile(other, append(m.file(t, "zoo"), 0), 0o755); err != nil {
			t.Fatal(err)
		}
		for i := range 40 {
			picture(t, filepath.Join(m.dir, "other-pictures", []string{"Bag", "Coat"}[i%2], fmt.Sprintf("%03d.png", i)), uint64(1000+i))
		}
		for _, c := range []struct{ zoo, args, want string }{
			{other, "eval lenet5-fashion-mnist --data pictures", "ranks differ in the program's file"},
			{m.zoo, "eval lenet5-fashion-mnist --data other-pictures", "ranks differ in the images"},
			{m.zoo, "eval start --data pictures", "ranks differ in the weights"},
		} {
			line := append(m.launcher[:len(m.launcher):len(m.launcher)], "-np", "1", m.zoo, "eval", "lenet5-fashion-mnist", "--data", "pictures", ":", "-np", "1", c.zoo)
			line = append(line, strings.Fields(c.args)...)
			cmd := exec.Command(line[0], line[1:]...)
			cmd.Dir = m.dir
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), c.want) || strings.Count("\n"+string(out), "\nzoo: ") != 1 {
				t.Errorf("%s: %v: %s", c.want, err, out)
			}
		}
	})
	t.Run("tell once what all of them see", func(t *testing.T) {
		for args, want := range map[string]string{
			"train lenet6":                              "lenet6",
			"train lenet5 --data nowhere/at-all":        "nowhere",
			"train lenet5 --set optimizer.lr=-1":        "optimizer.lr",
			"train lenet5 --batch 1":                    "1",
			"eval nowhere":                              "nowhere",
			"resume nowhere":                            "nowhere",
			"train lenet5 --set shares=1":               "1 shares",
			"train lenet5 --out two --epochs 1":         "two",
			"eval two --data no-such-data":              "no-such-data",
			"train lenet5 --init no-weights --epochs 1": "no-weights",
		} {
			t.Run(args, func(t *testing.T) {
				t.Parallel() // the launcher waits more than it computes
				out, err := m.command(2, args).CombinedOutput()
				if n := strings.Count("\n"+string(out), "\nzoo: "); err == nil || n != 1 || !strings.Contains(string(out), want) {
					t.Errorf("%v, %d messages: %s", err, n, out)
				}
			})
		}
	})
	t.Run("train members side by side", func(t *testing.T) {
		const train = "train lenet5 --limit 200 --threads 1 --batch 50 --epochs 1 --ensemble 7 --out "
		m.run(t, 0, train+"members-by-one")
		m.run(t, 2, train+"members-by-two")
		for i := 1; i <= 7; i++ {
			path := fmt.Sprintf("/m%d/weights/last.safetensors", i)
			if !bytes.Equal(m.file(t, "members-by-one"+path), m.file(t, "members-by-two"+path)) {
				t.Errorf("member %d has other weights", i)
			}
		}
	})
}

// picture writes a picture of chance.
func picture(t *testing.T, path string, seed uint64) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 0))
	img := image.NewGray(image.Rect(0, 0, 28, 28))
	for i := range img.Pix {
		img.Pix[i] = uint8(r.IntN(256))
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, b.Bytes(), 0o666)); err != nil {
		t.Fatal(err)
	}
}
