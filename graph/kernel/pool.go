package kernel

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// A Pool runs the tasks of a kernel on a fixed number of threads. It is one kernel's at a time: Run
// must not be called from inside a task, nor from two goroutines at once.
type Pool struct {
	threads int
	wake    []chan struct{}
	current job
	done    sync.WaitGroup
}

// A Tasker is work split into numbered tasks; worker is below the pool's number of threads and says
// which scratch space is the task's own.
type Tasker interface {
	Task(task, worker int)
}

type job struct {
	work  Tasker
	tasks int64
	next  atomic.Int64
}

// NewPool starts a pool of threads goroutines (one of them the caller's); 0 means one for each core.
func NewPool(threads int) *Pool {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	p := &Pool{threads: threads}
	for w := 1; w < threads; w++ {
		c := make(chan struct{}, 1)
		p.wake = append(p.wake, c)
		go func() {
			for range c {
				p.current.run(w)
				p.done.Done()
			}
		}()
	}
	return p
}

// Threads returns the number of threads, which bounds the worker numbers that tasks see.
func (p *Pool) Threads() int { return p.threads }

// Run calls work.Task for every task below tasks, in any order and on any thread, and returns when
// all are done.
func (p *Pool) Run(tasks int, work Tasker) {
	if tasks <= 1 || p.threads == 1 {
		for i := range tasks {
			work.Task(i, 0)
		}
		return
	}
	p.current.work, p.current.tasks = work, int64(tasks)
	p.current.next.Store(0)
	p.done.Add(len(p.wake))
	for _, c := range p.wake {
		c <- struct{}{}
	}
	p.current.run(0)
	p.done.Wait()
	p.current.work = nil
}

func (j *job) run(worker int) {
	for {
		i := j.next.Add(1) - 1
		if i >= j.tasks {
			return
		}
		j.work.Task(int(i), worker)
	}
}

// Close ends the pool's goroutines.
func (p *Pool) Close() {
	for _, c := range p.wake {
		close(c)
	}
}
