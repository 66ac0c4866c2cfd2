// Package cluster lets many processes train one network together.
//
// A [Comm] is what the trainer needs of a group of processes: who am I, how many are we, add up these
// numbers, tell all of them. Three things are one: [Alone], a group of one process, which costs nothing;
// [Goroutines], a group inside one process, for tests; and what [Join] returns in a process that
// mpirun or srun has started, a group over MPI. MPI is called without cgo, by a program that was built
// with -tags mpi; the default build stays static and knows the first two alone.
//
// # Guarantees
//
// For the same number of ranks a sum has the same bits on every rank and at every repetition; [Tree] adds up
// with the same bits on any number of them. What fails is an error of every rank that is still there, never a wait without end: see [Comm.Abort] and
// [Patience].
//
// # Adding one
//
// Another way of talking implements [Comm], and [Join] learns from the environment when it is meant.
// The tests of this package run every implementation through the same table.
package cluster

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
	"unsafe"
)

// A Comm is a group of processes ("ranks") as one of them sees it. Every rank calls the same methods in
// the same order; a call returns when the rank's own part is done. One goroutine calls at a time.
type Comm interface {
	// Rank is this process's number, from 0.
	Rank() int

	// Size is the number of processes.
	Size() int

	// Sum replaces data by the sum of all ranks' data, which have the same length.
	Sum(data []float32) error

	// Gather returns the data of every rank, in the order of ranks. Lengths may differ.
	Gather(data []byte) ([][]byte, error)

	// Collect brings together parts of one length: all, Size times as long, gets them in the order of ranks.
	Collect(part, all []byte) error

	// Exchange sends the i-th of Size equal pieces of send to rank i, and gets the pieces that the ranks have
	// sent here, in their order. All ranks' data have the same length.
	Exchange(send, receive []byte) error

	// Broadcast replaces data by that of rank 0. All ranks' data have the same length.
	Broadcast(data []byte) error

	// Barrier returns when every rank has called it.
	Barrier() error

	// Wait is Barrier with a patience of its own: for work that may take one rank much longer than another.
	Wait(patience time.Duration) error

	// Abort ends the whole group at once: other ranks' calls fail or their processes end. It is for an
	// error that only this rank has seen. It may be called while another goroutine is in a call.
	Abort(reason error)

	// Close leaves the group in good order, after the last call of every rank.
	Close() error
}

// ErrLost says that another rank is gone, or does not answer.
var ErrLost = errors.New("another rank is gone or does not answer")

// ErrForgotten is the [ErrLost] of a rank that has just stood still, paused, for longer than the others wait. They
// have given up then, and told it.
var ErrForgotten = fmt.Errorf("%w, as this one stood still for longer than others wait", ErrLost)

// Patience is how long a call of a process that runs waits for the other ranks before it fails with [ErrLost].
const Patience = 20 * time.Second

// Forever is the patience for work that has no bound.
const Forever = time.Duration(math.MaxInt64)

// Allowance is the patience for others' part of work that took this rank so long: a rank may be ten times slower.
func Allowance(took time.Duration) time.Duration { return max(Patience, 10*took) }

// Preparing is the patience for what is done once: one rank may have to read all images from a disk that another
// has in memory.
const Preparing = 10 * time.Minute

// Grace is how long a call goes on waiting once this process was told to end: launchers kill soon after
// they have asked.
const Grace = 400 * time.Millisecond

// Alone is a group of one. The functions of this package take a nil [Comm] for it.
func Alone() Comm { return alone{} }

type alone struct{}

func (alone) Rank() int                            { return 0 }
func (alone) Size() int                            { return 1 }
func (alone) Sum([]float32) error                  { return nil }
func (alone) Gather(data []byte) ([][]byte, error) { return [][]byte{data}, nil }
func (alone) Collect(part, all []byte) error       { copy(all, part); return nil }
func (alone) Exchange(send, receive []byte) error  { copy(receive, send); return nil }
func (alone) Broadcast([]byte) error               { return nil }
func (alone) Barrier() error                       { return nil }
func (alone) Wait(time.Duration) error             { return nil }
func (alone) Abort(error)                          {}
func (alone) Close() error                         { return nil }

// Share returns the part [from, to) of n things that belongs to a rank: contiguous, as even as can be, in
// the order of ranks. Size is at least 1.
func Share(n, rank, size int) (from, to int) { return n * rank / size, n * (rank + 1) / size }

// Same checks that every rank has the same value of something that has to agree, such as a checksum of
// the data. The error, on every rank, names the first one that differs from rank 0.
func Same(c Comm, what, value string) error {
	if c == nil {
		return nil
	}
	all, err := c.Gather([]byte(value))
	if err != nil {
		return err
	}
	for rank, v := range all {
		if string(v) != string(all[0]) {
			return &Everywhere{fmt.Errorf("ranks differ in %s: %s on rank 0, %s on rank %d", what, all[0], v, rank)}
		}
	}
	return nil
}

// An Elsewhere error tells of a failure on another rank, which reports it itself.
type Elsewhere struct {
	Rank int
	Text string
}

func (e *Elsewhere) Error() string { return fmt.Sprintf("rank %d: %s", e.Rank, e.Text) }

// An Everywhere error is one that every rank has and knows that the others have: rank 0 tells it, and all leave
// the group in good order.
type Everywhere struct{ Err error }

func (e *Everywhere) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *Everywhere) Unwrap() error { return e.Err }

// Agree brings every rank's error together: if one rank has one, all do. Where all have one, each gets its own as an
// [*Everywhere]; otherwise the first that has one keeps it, and the others get an [*Elsewhere], so that it is told
// once. Without it the others would wait for a rank that has given up. Patience is how long others may take to come.
func Agree(c Comm, patience time.Duration, err error) error {
	if c == nil || c.Size() == 1 {
		return err
	}
	if failed := c.Wait(patience); failed != nil {
		return cmp.Or(err, failed)
	}
	text := ""
	if err != nil {
		text = err.Error()
	}
	all, failed := c.Gather([]byte(text))
	if failed != nil {
		return cmp.Or(err, failed)
	}
	if !slices.ContainsFunc(all, func(text []byte) bool { return len(text) == 0 }) {
		return &Everywhere{err}
	}
	for rank, text := range all {
		switch {
		case len(text) == 0:
		case rank == c.Rank():
			return err
		default:
			return &Elsewhere{rank, string(text)}
		}
	}
	return nil
}

// BroadcastFloats replaces numbers by those of rank 0.
func BroadcastFloats(c Comm, v []float32) error {
	if c == nil || c.Size() == 1 || len(v) == 0 {
		return nil
	}
	return c.Broadcast(bytesOf(v))
}

// bytesOf is the memory of numbers. Ranks have processors of one kind, see [Same].
func bytesOf[T float32 | uint16](v []T) []byte {
	var one T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v)*int(unsafe.Sizeof(one)))
}
