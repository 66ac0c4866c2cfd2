package report

import (
	"io"
	"sync"
	"time"
)

// detachedMost is how many bytes a [Detached] keeps for a reader that does not read.
const detachedMost = 1 << 18

// A Detached writes to another writer in the background. It never waits for it: what a reader that stands still has no
// room for is dropped, and after an error everything is. A terminal that is slow, stopped or gone holds up nobody.
type Detached struct {
	w       io.Writer
	mu      sync.Mutex
	waiting [][]byte
	size    int
	closed  bool
	more    chan struct{} // something waits
	done    chan struct{} // everything is written
}

// Detach begins to write to w. [Detached.Close] ends it.
func Detach(w io.Writer) *Detached {
	d := &Detached{w: w, more: make(chan struct{}, 1), done: make(chan struct{})}
	go d.run()
	return d
}

// Write keeps a copy of p for the background. It returns no error.
func (d *Detached) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed && d.size+len(p) <= detachedMost {
		d.waiting = append(d.waiting, append([]byte(nil), p...))
		d.size += len(p)
		select {
		case d.more <- struct{}{}:
		default:
		}
	}
	return len(p), nil
}

func (d *Detached) run() {
	defer close(d.done)
	for range d.more {
		for {
			d.mu.Lock()
			if len(d.waiting) == 0 {
				closed := d.closed
				d.mu.Unlock()
				if closed {
					return
				}
				break
			}
			p := d.waiting[0]
			d.waiting = d.waiting[1:]
			d.mu.Unlock()
			_, err := d.w.Write(p)
			d.mu.Lock()
			d.size -= len(p)
			if err != nil {
				d.waiting, d.size, d.closed = nil, 0, true
			}
			d.mu.Unlock()
		}
	}
}

// Flush waits until everything is written, for as long as that may take at most.
func (d *Detached) Flush(most time.Duration) {
	for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(time.Millisecond) {
		d.mu.Lock()
		size := d.size
		d.mu.Unlock()
		if size == 0 {
			return
		}
	}
}

// Close writes what is still waiting, for as long as that may take at most.
func (d *Detached) Close(most time.Duration) {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	select {
	case d.more <- struct{}{}:
	default:
	}
	select {
	case <-d.done:
	case <-time.After(most):
	}
}
