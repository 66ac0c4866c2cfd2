package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// linger is how long a step that is not full waits for clients that were just answered: one that asks again at
// once is back by then.
const linger = 3 * time.Millisecond

// retryAfter is what a client is told that finds the queue full, in seconds.
const retryAfter = 1

// A worker brings the images of many requests into steps of one model.
type worker struct {
	name    string
	version string // of the source
	model   Model
	limits  Limits
	metrics *metrics
	size    int // floats of an image
	classes []string

	queue     chan *item
	turn      sync.Mutex    // of the worker that makes up a step
	prepared  chan struct{} // has one when fewer images are being decoded than before
	inside    atomic.Int64  // images that were admitted and are not answered
	preparing atomic.Int64  // of these, those that are being decoded
	expected  atomic.Int64  // images of clients that were answered a moment ago, and may ask again
	decode    chan struct{}
	rooms     chan []float32 // for prepared images: as many as keep the workers busy, however many wait

	mu     sync.Mutex
	users  int // requests inside
	ended  bool
	idle   chan struct{} // closed when the last user has left a worker that ended
	runner sync.WaitGroup
}

// An item is a prepared image in the queue.
type item struct {
	ctx    context.Context
	x      []float32
	logits []float32
	done   chan error
}

func newWorker(name, version string, m Model, l Limits, counts *metrics) *worker {
	in := m.Input()
	cores := runtime.GOMAXPROCS(0)
	w := &worker{
		name: name, version: version, model: m, limits: l, metrics: counts, size: in[0] * in[1] * in[2], classes: m.Classes(),
		queue: make(chan *item, l.Queue), prepared: make(chan struct{}, 1), decode: make(chan struct{}, cores), idle: make(chan struct{}),
		rooms: make(chan []float32, 2*cores*l.Batch), // of each worker's step, and of its next one
	}
	for range cap(w.rooms) {
		w.rooms <- nil // made when it is needed
	}
	// While one computes, another collects; a small network runs on each core.
	for range cores {
		w.runner.Go(w.work)
	}
	return w
}

// enter admits a request's images, or says that there are too many already.
func (w *worker) enter(images int) error {
	if images > w.limits.Images {
		return &status{http.StatusRequestEntityTooLarge, fmt.Sprintf("%d images in a request: at most %d", images, w.limits.Images)}
	}
	if n := w.inside.Add(int64(images)); n > int64(w.limits.Queue) {
		w.inside.Add(int64(-images))
		return &status{http.StatusTooManyRequests, fmt.Sprintf("model %s has %d images to do already: try again in %d s", w.name, w.limits.Queue, retryAfter)}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		w.inside.Add(int64(-images))
		return errClosing
	}
	w.users++
	w.expected.Add(-int64(images))
	return nil
}

func (w *worker) leave(images int) {
	w.inside.Add(int64(-images))
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.users--; w.users == 0 && w.ended {
		close(w.idle)
	}
}

// close waits for the requests inside, and closes the model if it is nobody else's.
func (w *worker) close(model bool) error {
	w.mu.Lock()
	if w.ended {
		w.mu.Unlock()
		return nil
	}
	w.ended = true
	if w.users == 0 {
		close(w.idle)
	}
	w.mu.Unlock()
	<-w.idle
	close(w.queue)
	w.runner.Wait()
	if model {
		return w.model.Close()
	}
	return nil
}

// files returns the logits of encoded images, in their order. They are decoded side by side.
func (w *worker) files(ctx context.Context, files [][]byte) ([][]float32, error) {
	if err := w.enter(len(files)); err != nil {
		return nil, err
	}
	defer w.leave(len(files))
	logits, errs := make([][]float32, len(files)), make([]error, len(files))
	one := func(i int) {
		var room []float32
		select {
		case room = <-w.rooms:
		case <-ctx.Done():
			errs[i] = ctx.Err()
			return
		}
		defer func() { w.rooms <- room }()
		if room == nil {
			room = make([]float32, w.size)
		}
		var it *item
		w.preparing.Add(1)
		if errs[i] = w.prepare(ctx, room, files[i]); errs[i] == nil {
			it = w.put(ctx, room)
		}
		w.preparing.Add(-1) // not before: who sees none on its way takes what is there
		select {
		case w.prepared <- struct{}{}:
		default:
		}
		if it != nil {
			logits[i], errs[i] = it.logits, <-it.done
		}
	}
	if len(files) == 1 {
		one(0)
	} else {
		var all sync.WaitGroup
		for i := range files {
			all.Go(func() { one(i) })
		}
		all.Wait()
	}
	for i, err := range errs {
		if err != nil && len(files) > 1 && errors.Is(err, ErrImage) {
			return nil, fmt.Errorf("image %d: %w", i, err)
		}
		if err != nil {
			return nil, err
		}
	}
	return logits, nil
}

// prepare decodes a file, on as many goroutines as there are cores.
func (w *worker) prepare(ctx context.Context, dst []float32, file []byte) (err error) {
	select {
	case w.decode <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() {
		<-w.decode
		if p := recover(); p != nil { // of this image alone, not of a goroutine
			err = fmt.Errorf("model %s: %v", w.name, p)
		}
	}()
	began := time.Now()
	err = w.model.Prepare(dst, file, w.limits.Pixels)
	w.metrics.prepared(w.name, time.Since(began))
	return err
}

// tensors returns the logits of images that are prepared already.
func (w *worker) tensors(ctx context.Context, x []float32) (logits [][]float32, err error) {
	n := len(x) / w.size
	if err := w.enter(n); err != nil {
		return nil, err
	}
	defer w.leave(n)
	logits = make([][]float32, n)
	items := make([]*item, n)
	for i := range n {
		it := w.put(ctx, x[i*w.size:(i+1)*w.size])
		logits[i], items[i] = it.logits, it
	}
	for _, it := range items {
		if failed := <-it.done; err == nil {
			err = failed
		}
	}
	return logits, err
}

// put queues a prepared image. Its memory is free when it is done.
func (w *worker) put(ctx context.Context, x []float32) *item {
	it := &item{ctx: ctx, x: x, logits: make([]float32, len(w.classes)), done: make(chan error, 1)}
	w.queue <- it // there is room for all that are admitted
	return it
}

// work computes one step after the other.
func (w *worker) work() {
	var x, logits []float32
	items := make([]*item, 0, w.limits.Batch)
	for {
		// One after the other: two would take what each other waits for.
		w.turn.Lock()
		first, ok := <-w.queue
		if ok {
			items = w.collect(append(items[:0], first))
		}
		w.turn.Unlock()
		if !ok {
			return
		}
		live := items[:0]
		for _, it := range items {
			if err := it.ctx.Err(); err != nil {
				it.done <- err // nobody waits for it
				continue
			}
			live = append(live, it)
		}
		if len(live) == 0 {
			continue
		}
		if x == nil {
			x, logits = make([]float32, w.limits.Batch*w.size), make([]float32, w.limits.Batch*len(w.classes))
		}
		n := len(live)
		for i, it := range live {
			copy(x[i*w.size:], it.x)
		}
		began := time.Now()
		err := w.run(x[:n*w.size], n, logits[:n*len(w.classes)])
		w.metrics.step(w.name, n, time.Since(began))
		w.expected.Store(int64(n))
		for i, it := range live {
			own, failed := logits[i*len(w.classes):(i+1)*len(w.classes)], err
			if err != nil && n > 1 { // what is wrong with one image costs the others nothing
				failed = w.run(it.x, 1, own)
			}
			copy(it.logits, own)
			it.done <- failed
		}
	}
}

// run keeps a panic of the model inside of it.
func (w *worker) run(x []float32, n int, logits []float32) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("model %s: %v", w.name, p)
		}
	}()
	return w.model.Run(x, n, logits)
}

// collect adds to the first image of a step what has come, and waits a moment for what is about to: images that
// are being decoded, which takes the core that the step would take, and those of clients that have just been
// answered. A full step costs less for each image, and halves would stay halves.
func (w *worker) collect(items []*item) []*item {
	began := time.Now()
	came := began
	for len(items) < w.limits.Batch {
		select {
		case it, ok := <-w.queue:
			if !ok {
				return items
			}
			items, came = append(items, it), time.Now()
			continue
		default:
		}
		wait := time.Duration(0)
		if w.preparing.Load() > 0 {
			wait = w.limits.Delay - time.Since(began)
		} else if w.expected.Load() > 0 {
			wait = min(linger-time.Since(came), w.limits.Delay-time.Since(began))
		}
		if wait <= 0 {
			w.expected.Store(0) // who is not back by now need not be waited for
			return items
		}
		late := time.NewTimer(wait)
		select {
		case it, ok := <-w.queue:
			late.Stop()
			if !ok {
				return items
			}
			items, came = append(items, it), time.Now()
		case <-w.prepared:
			late.Stop()
		case <-late.C:
		}
	}
	return items
}
