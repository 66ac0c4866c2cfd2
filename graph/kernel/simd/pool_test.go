package simd

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// counting counts how often each task ran, and how many tasks each worker had at once.
type counting struct {
	times []atomic.Int32
	busy  []atomic.Int32
	wrong atomic.Int32
	work  func(task int)
}

func newCounting(tasks, threads int) *counting {
	return &counting{times: make([]atomic.Int32, tasks), busy: make([]atomic.Int32, threads)}
}

func (c *counting) Task(task, worker int) {
	if c.busy[worker].Add(1) != 1 {
		c.wrong.Add(1)
	}
	defer c.busy[worker].Add(-1)
	c.times[task].Add(1)
	if c.work != nil {
		c.work(task)
	}
}

func (c *counting) check(t *testing.T, each int32) {
	t.Helper()
	for i := range c.times {
		if got := c.times[i].Swap(0); got != each {
			t.Fatalf("task %d of %d ran %d times, want %d", i, len(c.times), got, each)
		}
	}
	if c.wrong.Load() != 0 {
		t.Fatal("two tasks ran at once on one worker")
	}
}

func TestPoolRunsEveryTaskOnce(t *testing.T) {
	for _, threads := range []int{1, 2, 3, 9} {
		t.Run(fmt.Sprintf("with %d threads", threads), func(t *testing.T) {
			p := NewPool(threads)
			defer p.Close()
			if p.Threads() != threads {
				t.Fatalf("%d threads, want %d", p.Threads(), threads)
			}
			for _, tasks := range []int{0, 1, 2, 3, 64, 1000} {
				c := newCounting(tasks, threads)
				for range 20 {
					p.Run(tasks, c)
					c.check(t, 1)
				}
			}
		})
	}
	t.Run("when its threads have gone to sleep", func(t *testing.T) {
		p := NewPool(3)
		defer p.Close()
		c := newCounting(7, 3)
		for range 10 {
			time.Sleep(300 * time.Microsecond)
			p.Run(7, c)
			c.check(t, 1)
		}
	})
	t.Run("when its threads are about to sleep", func(t *testing.T) {
		p := NewPool(2)
		defer p.Close()
		c := newCounting(3, 2)
		for i := range 300 {
			for start := time.Now(); time.Since(start) < spinTime-10*time.Microsecond+time.Duration(i%30)*time.Microsecond; {
			}
			p.Run(3, c)
			c.check(t, 1)
		}
	})
	t.Run("when they sleep and wake at every turn", func(t *testing.T) {
		// More threads than cores do not spin: each run races with a thread that falls asleep.
		p := NewPool(max(5, runtime.NumCPU()+1))
		defer p.Close()
		c := newCounting(7, p.Threads())
		var runs atomic.Int64
		finished := make(chan struct{})
		go func() {
			defer close(finished)
			for i := range 1_000_000 {
				p.Run(2+i%6, c)
				runs.Add(1)
			}
		}()
		for seen := int64(-1); ; seen = runs.Load() {
			select {
			case <-finished:
				return
			case <-time.After(time.Minute):
				if runs.Load() == seen {
					t.Fatalf("nobody woke a thread in run %d", seen)
				}
			}
		}
	})
	t.Run("with more threads than Go runs at once", func(t *testing.T) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		p := NewPool(4)
		defer p.Close()
		c := newCounting(50, 4)
		c.work = func(task int) {
			if task%7 == 0 {
				runtime.Gosched()
			}
		}
		for range 50 {
			p.Run(50, c)
			c.check(t, 1)
		}
	})
	t.Run("when Go runs fewer at once than when it began", func(t *testing.T) {
		p := NewPool(runtime.GOMAXPROCS(0))
		defer p.Close()
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		c := newCounting(20, p.Threads())
		for range 20 {
			p.Run(20, c)
			c.check(t, 1)
		}
	})
	t.Run("after it was closed", func(t *testing.T) {
		p := NewPool(2)
		p.Close()
		c := newCounting(5, 2)
		p.Run(5, c)
		c.check(t, 1)
	})
}

func TestPoolCarriesPanicsToTheCaller(t *testing.T) {
	p := NewPool(3)
	defer p.Close()
	cause := errors.New("task seven is broken")
	for range 50 {
		c := newCounting(40, 3)
		c.work = func(task int) {
			if task == 7 {
				panic(cause)
			}
		}
		err := func() (err error) {
			defer func() { err, _ = recover().(error) }()
			p.Run(40, c)
			return nil
		}()
		if !errors.Is(err, cause) || !strings.Contains(err.Error(), "task seven") {
			t.Fatalf("Run panicked with %v, want %v inside", err, cause)
		}
		var task *TaskPanic
		if !errors.As(err, &task) || !strings.Contains(string(task.Stack), "counting") {
			t.Fatalf("no stack of the task in %#v", err)
		}
		c.check(t, 1) // the other tasks are done, and nobody still works when Run has ended
		c.work = nil
		p.Run(40, c)
		c.check(t, 1)
	}
}

func TestPoolRefusesARunInsideATask(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	c := newCounting(2, 2)
	c.work = func(int) { p.Run(2, c) }
	defer func() {
		if got := fmt.Sprint(recover()); !strings.Contains(got, "inside a task") {
			t.Errorf("panic %q", got)
		}
	}()
	p.Run(2, c)
	t.Error("no panic")
}

func TestPoolAllocatesNothing(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	c := newCounting(8, 2)
	if n := testing.AllocsPerRun(100, func() { p.Run(8, c) }); n != 0 {
		t.Errorf("%v allocations a run", n)
	}
}

// waiting is work that takes a while.
type waiting time.Duration

func (w waiting) Task(int, int) {
	if w > 0 {
		for start := time.Now(); time.Since(start) < time.Duration(w); {
		}
	}
}

// What a kernel's start and end cost when the threads are awake.
func BenchmarkPoolRun(b *testing.B) {
	for _, tasks := range []int{2, 16} {
		for _, each := range []time.Duration{0, 3 * time.Microsecond} {
			b.Run(fmt.Sprintf("%d tasks of %v", tasks, each), func(b *testing.B) {
				p := NewPool(2)
				defer p.Close()
				work := waiting(each)
				for b.Loop() {
					p.Run(tasks, &work)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)-float64(each.Nanoseconds())*float64(tasks)/2, "ns/run")
			})
		}
	}
}
