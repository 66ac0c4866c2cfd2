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

// TestMPI runs ranks under each mpirun that is installed, and with the standard's binary interface over Open MPI.
func TestMPI(t *testing.T) {
	openMPI := []string{"mpirun.openmpi", "--allow-run-as-root", "--oversubscribe", "--mca", "btl", "self,vader,tcp", "-np", "3"}
	binary, ran := "", false
	for _, c := range []struct {
		name     string
		launcher []string
		library  func(t *testing.T) string
	}{
		{"Open MPI", openMPI, nil},
		{"MPICH", []string{"mpiexec.mpich", "-np", "3"}, nil},
		{"the standard interface", openMPI, standardInterface},
	} {
		path, err := exec.LookPath(c.launcher[0])
		if err != nil {
			continue
		}
		if ran = true; binary == "" {
			binary = filepath.Join(t.TempDir(), "ranks")
			build := exec.Command("go", "test", "-c", "-tags", "mpi", "-o", binary, ".")
			build.Env = append(os.Environ(), "CGO_ENABLED=0")
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}
		t.Run(c.name, func(t *testing.T) {
			cmd := exec.Command(path, append(c.launcher[1:], binary)...)
			cmd.Env = append(os.Environ(), "ZOO_CLUSTER_RANK=1")
			if c.library != nil {
				cmd.Env = append(cmd.Env, "ZOO_MPI="+c.library(t))
			}
			out, err := cmd.CombinedOutput()
			if err != nil || strings.Count(string(out), "fine\n") != 3 {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	if !ran {
		t.Skip("neither Open MPI nor MPICH is installed")
	}
}

// standardInterface compiles a library of MPI 5's interface, which no distribution has yet.
func standardInterface(t *testing.T) string {
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("no C compiler")
	}
	path := filepath.Join(t.TempDir(), "libmpi_abi.so.0")
	if out, err := exec.Command(cc, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", path, "testdata/abi.c", "-ldl").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
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
