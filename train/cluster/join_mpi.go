//go:build mpi && (linux || darwin)

package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/ebitengine/purego"
)

// Join joins the group that this process was started in by mpirun, mpiexec or srun, and returns [Alone]
// where it was started by itself. Open MPI, MPICH and every library with MPI 5's standard binary
// interface are recognised at run time; the environment variable ZOO_MPI names a library's file where
// the usual names do not find it.
//
// When ctx ends, as by a signal from the launcher, a call waits no longer than [Grace] for the other ranks.
func Join(ctx context.Context) (Comm, error) {
	l := launched()
	if l.size <= 1 && !l.unknown {
		return Alone(), nil
	}
	m := &mpi{ctx: ctx, calls: make(chan func())}
	m.lived.Store(time.Now().UnixNano())
	go m.watch()
	started := make(chan error)
	go m.serve(l, started)
	if err := <-started; err != nil {
		return nil, err
	}
	return m, nil
}

// mpi is a group over a library of MPI, all of whose calls are made on one thread of the operating system.
type mpi struct {
	ctx        context.Context
	calls      chan func() // run by serve
	rank, size int
	library    string // "Open MPI v4.1.4"
	h          handles
	f          functions
	lost       bool         // a call did not come back: no other will
	lived      atomic.Int64 // when watch last saw that this process lives, and when it last
	woke       atomic.Int64 // went on after it had stood still; nanoseconds
}

// handles are the constants of a library. What is a pointer in one is a number in another.
type handles struct {
	world, float, byte, sum, inPlace, returnErrors uintptr
	funneled                                       int32
}

// functions are MPI's own, as C has them.
type functions struct {
	init      func(argc, argv uintptr, required int32, provided *int32) int32
	version   func(text *byte, length *int32) int32
	rank      func(comm uintptr, rank *int32) int32
	size      func(comm uintptr, size *int32) int32
	onError   func(comm, handler uintptr) int32
	allreduce func(send, receive uintptr, count int32, kind, op, comm uintptr) int32
	allgather func(send uintptr, sent int32, kind uintptr, receive uintptr, received int32, kind2, comm uintptr) int32
	alltoall  func(send uintptr, sent int32, kind uintptr, receive uintptr, received int32, kind2, comm uintptr) int32
	broadcast func(data uintptr, count int32, kind uintptr, root int32, comm uintptr) int32
	barrier   func(comm uintptr) int32
	text      func(code int32, text *byte, length *int32) int32
	abort     func(comm uintptr, code int32) int32
	finalize  func() int32
}

// serve is the thread that calls MPI.
func (m *mpi) serve(l launch, started chan<- error) {
	runtime.LockOSThread()
	err := m.open(l)
	started <- err
	if err != nil {
		return
	}
	for f := range m.calls {
		f()
	}
}

// watch notices that this process stood still for longer than the others wait for it.
func (m *mpi) watch() {
	last := time.Now()
	for now := range time.Tick(beat) {
		if now.Sub(last) > Patience {
			m.woke.Store(now.UnixNano())
		}
		last = now
		m.lived.Store(now.UnixNano())
	}
}

// gone is why no rank answers. Watch may not have noticed yet that the process goes on.
func (m *mpi) gone() error {
	since := func(at *atomic.Int64) time.Duration { return time.Since(time.Unix(0, at.Load())) }
	if since(&m.woke) < Patience/4 || since(&m.lived) > Patience {
		return ErrForgotten
	}
	return ErrLost
}

// open loads the library, begins MPI and learns the rank.
func (m *mpi) open(l launch) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("MPI: %v", r)
		}
	}()
	// Open MPI's handlers of signals would take Go's place. The variable must be in C's environment, which
	// os.Setenv does not change in a program without cgo.
	setenv("OMPI_MCA_opal_signal", "")
	library, name, err := load(l)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		to   any
		name string
	}{
		{&m.f.init, "MPI_Init_thread"}, {&m.f.version, "MPI_Get_library_version"}, {&m.f.rank, "MPI_Comm_rank"},
		{&m.f.size, "MPI_Comm_size"}, {&m.f.onError, "MPI_Comm_set_errhandler"}, {&m.f.allreduce, "MPI_Allreduce"},
		{&m.f.allgather, "MPI_Allgather"}, {&m.f.alltoall, "MPI_Alltoall"},
		{&m.f.broadcast, "MPI_Bcast"}, {&m.f.barrier, "MPI_Barrier"},
		{&m.f.text, "MPI_Error_string"}, {&m.f.abort, "MPI_Abort"}, {&m.f.finalize, "MPI_Finalize"},
	} {
		purego.RegisterLibFunc(f.to, library, f.name)
	}
	var buffer [8192]byte
	var length int32
	if m.f.version(&buffer[0], &length) != 0 {
		return fmt.Errorf("%s does not tell its version", name)
	}
	m.library, _, _ = strings.Cut(string(buffer[:max(length, 0)]), "\n")
	if m.h, err = handlesOf(library, m.library, name); err != nil {
		return err
	}
	var provided int32
	if code := m.f.init(0, 0, m.h.funneled, &provided); code != 0 {
		return fmt.Errorf("%s: MPI_Init_thread: error %d", m.library, code)
	}
	m.f.onError(m.h.world, m.h.returnErrors)
	var rank, size int32
	if err := errors.Join(m.check(m.f.rank(m.h.world, &rank)), m.check(m.f.size(m.h.world, &size))); err != nil {
		return err
	}
	m.rank, m.size = int(rank), int(size)
	if l.size > 1 && m.size != l.size {
		return fmt.Errorf("%s (%s) sees %d ranks where the launcher started %d: it is another library than the launcher's; ZOO_MPI=FILE names the right one",
			name, m.library, m.size, l.size)
	}
	return nil
}

// names of the libraries to try, by what started the process.
var libraries = map[string][]string{
	"Open MPI": {"libmpi.so.40", "libmpi.so.80", "libmpi_abi.so.0", "libmpi_abi.so", "libmpi.dylib", "libmpi.so"},
	"MPICH":    {"libmpich.so.12", "libmpi_abi.so.0", "libmpi_abi.so", "libmpi.so.12", "libmpich.so", "libpmpi.dylib", "libmpi.dylib", "libmpi.so"},
	"":         {"libmpi_abi.so.0", "libmpi_abi.so", "libmpi.so.40", "libmpi.so.80", "libmpich.so.12", "libmpi.so.12", "libmpi.dylib", "libmpi.so"},
}

func load(l launch) (library uintptr, name string, err error) {
	list := libraries[l.by]
	if own := os.Getenv("ZOO_MPI"); own != "" {
		list = []string{own}
	}
	var first error
	for _, name := range list {
		// Open MPI's own plug-ins need its symbols.
		library, err := purego.Dlopen(name, purego.RTLD_NOW|purego.RTLD_GLOBAL)
		if err == nil {
			return library, name, nil
		}
		if first == nil {
			first = err
		}
	}
	return 0, "", fmt.Errorf("no library of MPI was found (%s): %w; install Open MPI or MPICH on this machine, or name the library's file in ZOO_MPI", strings.Join(list, ", "), first)
}

// handlesOf are the constants of the library that calls itself by that version.
func handlesOf(library uintptr, version, name string) (handles, error) {
	switch {
	case strings.Contains(name, "mpi_abi"): // MPI 5.0, chapter 20
		return handles{world: 0x101, float: 0x210, byte: 0x247, sum: 0x21, inPlace: 1, returnErrors: 0x142, funneled: 1024}, nil
	case strings.HasPrefix(version, "Open MPI"):
		h := handles{inPlace: 1, funneled: 1}
		for _, s := range []struct {
			to   *uintptr
			name string
		}{{&h.world, "ompi_mpi_comm_world"}, {&h.float, "ompi_mpi_float"}, {&h.byte, "ompi_mpi_byte"}, {&h.sum, "ompi_mpi_op_sum"}, {&h.returnErrors, "ompi_mpi_errors_return"}} {
			at, err := purego.Dlsym(library, s.name)
			if err != nil {
				return h, fmt.Errorf("%s: %w", version, err)
			}
			*s.to = at
		}
		return h, nil
	case strings.Contains(version, "MPICH") || strings.Contains(version, "Intel") || strings.Contains(version, "MVAPICH"): // one binary interface
		return handles{world: 0x44000000, float: 0x4c00040a, byte: 0x4c00010d, sum: 0x58000003, inPlace: ^uintptr(0), returnErrors: 0x54000001, funneled: 1}, nil
	}
	return handles{}, fmt.Errorf("%s calls itself %q: Open MPI, MPICH and MPI 5's standard interface (libmpi_abi) are known", name, version)
}

func setenv(key, value string) {
	for _, name := range []string{"libc.so.6", "/usr/lib/libSystem.B.dylib"} {
		if library, err := purego.Dlopen(name, purego.RTLD_NOW); err == nil {
			var set func(key, value string, overwrite int32) int32
			purego.RegisterLibFunc(&set, library, "setenv")
			set(key, value, 0)
			return
		}
	}
}

// check makes an error of a code.
func (m *mpi) check(code int32) error {
	if code == 0 {
		return nil
	}
	var buffer [8192]byte
	var length int32
	m.f.text(code, &buffer[0], &length)
	return fmt.Errorf("%s: %s: %w", m.library, strings.TrimSpace(string(buffer[:max(length, 0)])), m.gone())
}

// beat is how often a process notices that it lives.
const beat = 500 * time.Millisecond

// call runs f on MPI's thread and waits, but not for ever: a rank that is gone would hold it there.
func (m *mpi) call(f func() int32) error { return m.callFor(Patience, f) }

// callFor is call with a patience of its own. It counts the time that this process has lived through: a machine
// that sleeps, or a job that is stopped as a whole, has lost nobody.
func (m *mpi) callFor(patience time.Duration, f func() int32) error {
	if m.lost {
		return m.gone()
	}
	done := make(chan error, 1)
	beats := time.NewTicker(beat)
	defer beats.Stop()
	var lived time.Duration
	var late <-chan time.Time // once the process is told to end
	calls, ended := m.calls, m.ctx.Done()
	for {
		select {
		case calls <- func() { done <- m.check(f()) }:
			calls = nil
			continue
		case err := <-done:
			m.lost = err != nil
			return err
		case <-ended:
			ended, late = nil, time.After(Grace)
			continue
		case <-beats.C:
			if lived += beat; lived < patience {
				continue
			}
		case <-late:
		}
		m.lost = true
		return m.gone()
	}
}

func (m *mpi) Rank() int { return m.rank }
func (m *mpi) Size() int { return m.size }

// address is where C finds the elements. The slices are captured by functions that go to another goroutine
// and live on the heap therefore, where nothing moves.
func address[T any](data []T) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(data))) }

// most is the number of elements in one call: counts are 32 bits wide.
const most = 1 << 28

func (m *mpi) Sum(data []float32) error {
	for len(data) > 0 {
		n := min(len(data), most)
		part := data[:n]
		if err := m.call(func() int32 {
			return m.f.allreduce(m.h.inPlace, address(part), int32(n), m.h.float, m.h.sum, m.h.world)
		}); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

func (m *mpi) Gather(data []byte) ([][]byte, error) {
	lengths := make([]byte, 8*m.size)
	own := make([]byte, 8)
	for i := range own {
		own[i] = byte(uint64(len(data)) >> (8 * i))
	}
	if err := m.Collect(own, lengths); err != nil {
		return nil, err
	}
	size := func(rank int) (n int) {
		for i := range 8 {
			n |= int(lengths[8*rank+i]) << (8 * i)
		}
		return n
	}
	longest := 0
	for rank := range m.size {
		longest = max(longest, size(rank))
	}
	list := make([][]byte, m.size)
	for from := 0; from < longest; from += most / m.size {
		n := min(longest-from, most/m.size)
		part, all := make([]byte, n), make([]byte, n*m.size)
		if from < len(data) {
			copy(part, data[from:])
		}
		if err := m.Collect(part, all); err != nil {
			return nil, err
		}
		for rank := range list {
			list[rank] = append(list[rank], all[rank*n:][:max(0, min(n, size(rank)-from))]...)
		}
	}
	return list, nil
}

func (m *mpi) Collect(part, all []byte) error {
	if len(all) != len(part)*m.size {
		return fmt.Errorf("collect: %d bytes of %d ranks, and room for %d", len(part), m.size, len(all))
	}
	if len(part) > most {
		return fmt.Errorf("collect: %d bytes: at most %d are sent at once", len(part), most)
	}
	return m.call(func() int32 {
		n := int32(len(part))
		return m.f.allgather(address(part), n, m.h.byte, address(all), n, m.h.byte, m.h.world)
	})
}

func (m *mpi) Exchange(send, receive []byte) error {
	one := len(send) / m.size
	if one*m.size != len(send) || len(receive) != len(send) || one > most {
		return fmt.Errorf("exchange: %d bytes for %d ranks, and room for %d: should be equal pieces of at most %d", len(send), m.size, len(receive), most)
	}
	return m.call(func() int32 {
		n := int32(one)
		return m.f.alltoall(address(send), n, m.h.byte, address(receive), n, m.h.byte, m.h.world)
	})
}

func (m *mpi) Broadcast(data []byte) error {
	for len(data) > 0 {
		n := min(len(data), most)
		part := data[:n]
		if err := m.call(func() int32 { return m.f.broadcast(address(part), int32(n), m.h.byte, 0, m.h.world) }); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

func (m *mpi) Barrier() error { return m.call(func() int32 { return m.f.barrier(m.h.world) }) }

func (m *mpi) Wait(patience time.Duration) error {
	return m.callFor(patience, func() int32 { return m.f.barrier(m.h.world) })
}

// Abort ends all ranks by MPI_Abort. MPI's thread may be held in a call that never returns: then the call
// comes from another thread, which MPI does not allow, but nothing is left to lose.
func (m *mpi) Abort(error) { m.f.abort(m.h.world, 1) }

// Close waits as long as rank 0 may take to save what it could not save before.
func (m *mpi) Close() error {
	err := m.callFor(Preparing, func() int32 { return m.f.finalize() })
	close(m.calls)
	return err
}
