package simd

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// A Pool runs the tasks of a kernel on a fixed number of threads. It is one kernel's at a time: Run
// must not be called from inside a task, nor from two goroutines at once.
//
// Between two Runs the threads spin for some fifty microseconds before they sleep, so that a network's
// kernels follow each other without waking anyone.
type Pool struct {
	threads int
	spin    time.Duration // how long a thread without work stays awake
	closed  atomic.Bool
	panics  atomic.Pointer[TaskPanic]
	sleeper []sleeper // the other threads; the caller's is last
	shares  []share   // one a thread

	// A cache line takes a quarter of a microsecond from one core to another where they belong to
	// different chiplets, and processors fetch them in pairs. A job is one line on its way out and one on
	// its way back.
	_       [128]byte
	running atomic.Bool
	awaited uint64 // what helped is when the job is done
	_       [128]byte
	job     atomic.Uint64 // the current job's number (high half) and its tasks
	work    Tasker
	_       [128]byte
	helped  atomic.Uint64 // tasks that other threads than the caller's have done so far
	_       [128]byte
}

// A share is the run of neighbouring tasks that a thread does first; then it helps the others with
// theirs. Kernels number their tasks by images, or by parts of an image, so that a thread finds what its
// last kernel has left in its own cache.
type share struct {
	// state is the number of a job (high half) and how many tasks of the share are unclaimed in it: of an
	// earlier job, as long as none has been claimed. A task is claimed by one compare-and-swap of both, so
	// that a thread that comes late, to another job than it saw, claims nothing; whoever has claimed one
	// knows that work stays until it is done.
	state atomic.Uint64
	_     [120]byte
}

// A Tasker is work split into numbered tasks; worker is below the pool's number of threads and says
// which scratch space is the task's own.
type Tasker interface {
	Task(task, worker int)
}

// A TaskPanic is what Run panics with after a task has panicked.
type TaskPanic struct {
	Value any    // of the task's panic
	Stack []byte // of the goroutine that it happened in
}

// Error returns the value as text.
func (p *TaskPanic) Error() string { return fmt.Sprint(p.Value) }

// Unwrap returns the value if it is an error.
func (p *TaskPanic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// A sleeper is a thread that may be asleep.
type sleeper struct {
	asleep atomic.Bool
	wake   chan struct{}
	_      [48]byte
}

// spinTime is long beside the gaps between the kernels of a network, and short beside a human's patience
// with a busy idle processor.
const spinTime = 50 * time.Microsecond

// maxThreads is more than any machine has use for.
const maxThreads = 1024

// NewPool starts a pool of threads (one of them the caller's), at most 1024; 0 means one for each core.
func NewPool(threads int) *Pool {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	threads = min(threads, maxThreads)
	p := &Pool{threads: threads, sleeper: make([]sleeper, threads), shares: make([]share, threads)}
	if threads <= min(runtime.GOMAXPROCS(0), runtime.NumCPU()) {
		p.spin = spinTime // else it would keep the others from running
	}
	for i := range p.sleeper {
		p.sleeper[i].wake = make(chan struct{}, 1)
	}
	for w := 1; w < threads; w++ {
		go p.serve(w)
	}
	return p
}

// Threads returns the number of threads, which bounds the worker numbers that tasks see.
func (p *Pool) Threads() int { return p.threads }

// Run calls work.Task for every task below tasks, in any order and on any thread, and returns when
// all are done. If tasks panic, the others are still done; then Run panics with a [*TaskPanic] for one.
func (p *Pool) Run(tasks int, work Tasker) {
	if tasks <= 1 || p.threads == 1 {
		for i := range tasks {
			work.Task(i, 0)
		}
		return
	}
	if !p.running.CompareAndSwap(false, true) {
		panic("simd: Pool.Run inside a task, or in two goroutines at once")
	}
	p.work = work
	job := (p.job.Load()>>32+1)<<32 | uint64(tasks)
	p.job.Swap(job)
	for i := range min(tasks, p.threads) - 1 {
		p.sleeper[i].rouse()
	}
	p.awaited += uint64(tasks - p.help(job, 0))
	me := &p.sleeper[p.threads-1]
	p.await(me, func() bool { return p.helped.Load() == p.awaited })
	failure := p.panics.Swap(nil)
	p.running.Store(false)
	if failure != nil {
		panic(failure)
	}
}

// serve is the life of a thread of the pool's own.
func (p *Pool) serve(worker int) {
	me := &p.sleeper[worker-1]
	for !p.closed.Load() {
		job := p.job.Load()
		p.help(job, worker)
		p.await(me, func() bool { return p.job.Load() != job || p.closed.Load() })
	}
}

// help does tasks of a job until none is left to claim, and returns how many.
func (p *Pool) help(job uint64, worker int) (done int) {
	for i := range p.threads {
		n := 0
		for p.claim(job, (worker+i)%p.threads, worker, &n) {
		}
		done += n
		if n > 0 && worker > 0 {
			p.helped.Add(uint64(n))
			p.sleeper[p.threads-1].rouse()
		}
	}
	return done
}

// claim does tasks of a share, and counts them, until none is left or one panics: true.
func (p *Pool) claim(job uint64, owner, worker int, done *int) (panicked bool) {
	defer func() {
		if panicked {
			p.panics.CompareAndSwap(nil, &TaskPanic{Value: recover(), Stack: debug.Stack()})
		}
	}()
	tasks := int(uint32(job))
	first, end := owner*tasks/p.threads, (owner+1)*tasks/p.threads
	from := &p.shares[owner]
	for {
		s := from.state.Load()
		unclaimed := int(uint32(s))
		if s>>32 != job>>32 {
			if p.job.Load() != job {
				return false // too late
			}
			unclaimed = end - first // of this job none was claimed
		}
		if unclaimed == 0 {
			return false
		}
		if from.state.CompareAndSwap(s, job>>32<<32|uint64(unclaimed-1)) {
			*done++
			panicked = true
			p.work.Task(end-unclaimed, worker)
			panicked = false
		}
	}
}

// await returns when ready does: it spins for a while, then sleeps. Whoever makes ready true must rouse me.
//
// One side raises its flag and then reads what the other writes; the other writes and then reads the flag.
// If both read too early, nobody wakes the sleeper. So both write with a read-modify-write, which no
// machine lets a later read overtake; a plain atomic store is not enough under QEMU 7's emulation of arm64.
func (p *Pool) await(me *sleeper, ready func() bool) {
	if ready() {
		return
	}
	if p.spin > 0 {
		for start := time.Now(); time.Since(start) < p.spin; {
			for range 32 {
				pause(1)
				if ready() {
					return
				}
			}
		}
	}
	for {
		me.asleep.Swap(true)
		// What became ready before it saw the flag has woken nobody.
		if ready() {
			if !me.asleep.CompareAndSwap(true, false) {
				<-me.wake
			}
			return
		}
		<-me.wake
		if ready() {
			return
		}
	}
}

// rouse wakes the thread if it is asleep, or about to be.
func (s *sleeper) rouse() {
	if s.asleep.Load() && s.asleep.CompareAndSwap(true, false) {
		s.wake <- struct{}{}
	}
}

// Close ends the pool's threads. A later Run is the caller's alone.
func (p *Pool) Close() {
	p.closed.Swap(true) // as await asks for
	for i := range p.threads - 1 {
		p.sleeper[i].rouse()
	}
}
