//go:build !(mpi && (linux || darwin))

package cluster

import (
	"context"
	"errors"
)

// Join returns [Alone]: this program was built without MPI. In a process that mpirun, mpiexec or srun has
// started as one of several it is an error, since each of them would do the whole work.
func Join(context.Context) (Comm, error) {
	if l := launched(); l.size > 1 {
		return nil, errors.New("this program was started as one of several ranks but built without MPI: build it with go build -tags mpi ./cmd/zoo (Linux, macOS)")
	}
	return Alone(), nil
}
