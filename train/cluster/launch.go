package cluster

import (
	"os"
	"strconv"
)

// A launch is what the environment says about how this process was started.
type launch struct {
	by      string // "Open MPI", "MPICH", or "" for another
	size    int    // of the group; 1 for a process by itself
	unknown bool   // started by something that does not tell the size
}

// launched reads the variables that mpirun (Open MPI's PRRTE), mpiexec (MPICH's and Intel's Hydra) and
// srun set.
func launched() launch {
	number := func(key string) int {
		n, _ := strconv.Atoi(os.Getenv(key))
		return n
	}
	if n := number("OMPI_COMM_WORLD_SIZE"); n > 0 {
		return launch{by: "Open MPI", size: n}
	}
	if n := number("PMI_SIZE"); n > 0 {
		return launch{by: "MPICH", size: n}
	}
	if n := number("SLURM_STEP_NUM_TASKS"); n > 1 && os.Getenv("PMIX_RANK") != "" {
		return launch{size: n}
	}
	if os.Getenv("PMIX_RANK") != "" || os.Getenv("PMI_RANK") != "" {
		return launch{unknown: true, size: 1}
	}
	return launch{size: 1}
}
