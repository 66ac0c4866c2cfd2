package cluster

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMain lets the test's own binary be a rank that mpirun starts.
func TestMain(m *testing.M) {
	if os.Getenv("ZOO_CLUSTER_RANK") == "" {
		os.Exit(m.Run())
	}
	c, err := Join(context.Background())
	if err == nil {
		if err = exercise(c); err == nil {
			err = c.Close()
		}
	}
	if err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(3)
	}
	os.Stdout.WriteString("fine\n")
}

// TestMPI runs ranks under each mpirun that is installed.
func TestMPI(t *testing.T) {
	ran := false
	for _, launcher := range [][]string{
		{"mpirun.openmpi", "--allow-run-as-root", "--oversubscribe", "--mca", "btl", "self,vader,tcp", "-np", "3"},
		{"mpiexec.mpich", "-np", "3"},
	} {
		path, err := exec.LookPath(launcher[0])
		if err != nil {
			continue
		}
		t.Run(launcher[0], func(t *testing.T) {
			binary := filepath.Join(t.TempDir(), "ranks")
			build := exec.Command("go", "test", "-c", "-tags", "mpi", "-o", binary, ".")
			build.Env = append(os.Environ(), "CGO_ENABLED=0")
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			cmd := exec.Command(path, append(launcher[1:], binary)...)
			cmd.Env = append(os.Environ(), "ZOO_CLUSTER_RANK=1")
			out, err := cmd.CombinedOutput()
			if err != nil || strings.Count(string(out), "fine\n") != 3 {
				t.Errorf("%v: %s", err, out)
			}
		})
		ran = true
	}
	if !ran {
		t.Skip("neither Open MPI nor MPICH is installed")
	}
}

// TestWithoutMPI is what the default build does in a process of several.
func TestWithoutMPI(t *testing.T) {
	for _, key := range []string{"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS", "PMIX_RANK", "PMI_RANK"} {
		t.Setenv(key, "")
	}
	c, err := Join(t.Context())
	if err != nil || c.Size() != 1 {
		t.Errorf("by itself: %v, %v", c, err)
	}
	t.Setenv("OMPI_COMM_WORLD_SIZE", "4")
	if l := launched(); l.by != "Open MPI" || l.size != 4 {
		t.Errorf("under Open MPI: %+v", l)
	}
	t.Setenv("OMPI_COMM_WORLD_SIZE", "")
	t.Setenv("PMI_SIZE", "2")
	if l := launched(); l.by != "MPICH" || l.size != 2 {
		t.Errorf("under MPICH: %+v", l)
	}
	t.Setenv("ZOO_MPI", filepath.Join(t.TempDir(), "none.so"))
	if _, err := Join(t.Context()); err == nil || !strings.Contains(err.Error(), "MPI") {
		t.Errorf("one of several: %v", errors.Join(err))
	}
}
