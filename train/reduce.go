package train

import (
	"sync"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/cluster"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
)

// A reducer makes the gradients of a rank's images those of all the batch's images: the ranks' means, weighted
// by their shares, added up in place. Gradients go in buckets, from the last parameter to the first, as the
// backward pass makes them. A bucket can be on its way while the pass goes on: every rank sends the same buckets
// in the same order, whenever each of its gradients is there.
type reducer struct {
	ranks   *ranks
	pool    *kernel.Pool
	buckets []*bucket
	of      []*bucket // by trained parameter
	rounded *cluster.Rounded
	overlap bool

	g     gradients // of the step that runs; nil between steps
	share float32
	next  int // the bucket to be sent next

	jobs   chan *bucket
	onWay  sync.WaitGroup
	err    error         // of a bucket, to be read when none is on its way
	Busy   time.Duration // that sums have taken
	Waited time.Duration // that the step has waited for them
	Bytes  int64         // of the gradients of one step
}

// A bucket is one parameter's gradient, or small ones that are sent together: single sums of so few numbers
// cost their latency alone.
type bucket struct {
	params  []int
	data    []float32 // where there are several
	missing int       // gradients that the step has not computed yet
}

const (
	byItself   = 1 << 16 // numbers of a gradient that goes by itself
	withOthers = 1 << 18 // numbers of small ones that go together
)

func newReducer(r *ranks, pool *kernel.Pool, trained []*graph.Param, cfg recipe.Config) *reducer {
	d := &reducer{ranks: r, pool: pool, of: make([]*bucket, len(trained)), overlap: cfg.Overlap && cfg.Accumulate < 2}
	if r.Size() == 1 {
		d.overlap = false
		return d
	}
	if cfg.Wire == "bfloat16" {
		d.rounded = cluster.NewRounded(r.Comm)
	}
	open, size := &bucket{}, 0
	for i := len(trained) - 1; i >= 0; i-- {
		n := trained[i].Len()
		d.Bytes += 4 * int64(n)
		if n >= byItself {
			d.of[i] = &bucket{params: []int{i}}
			d.buckets = append(d.buckets, d.of[i])
			continue
		}
		open.params, d.of[i] = append(open.params, i), open
		if size += n; size >= withOthers {
			open.data = make([]float32, 0, size)
			d.buckets = append(d.buckets, open)
			open, size = &bucket{}, 0
		}
	}
	if len(open.params) > 0 {
		open.data = make([]float32, 0, size)
		d.buckets = append(d.buckets, open)
	}
	return d
}

// begin is told of the gradients that a step is about to compute, of n of the batch's images.
func (d *reducer) begin(g gradients, n, of int) {
	d.g, d.share, d.next = g, float32(float64(n)/float64(of)), 0
	for _, b := range d.buckets {
		b.missing = len(b.params)
	}
	if d.overlap && d.jobs == nil {
		d.jobs = make(chan *bucket, len(d.buckets))
		go func() {
			for b := range d.jobs {
				d.sum(b)
				d.onWay.Done()
			}
		}()
	}
}

// ready is told that the gradient of the i-th trained parameter is there.
func (d *reducer) ready(i int) {
	if d.g == nil || !d.overlap {
		return
	}
	d.of[i].missing--
	d.send()
}

// send sends the buckets that are complete, up to the first that is not.
func (d *reducer) send() {
	for ; d.next < len(d.buckets) && d.buckets[d.next].missing == 0; d.next++ {
		b := d.buckets[d.next]
		for _, i := range b.params {
			kernel.Scale(d.pool, d.share, d.g.gradient(i), d.g.gradient(i))
		}
		d.onWay.Add(1)
		d.jobs <- b
	}
}

// sum adds up a bucket over the ranks.
func (d *reducer) sum(b *bucket) {
	if d.err != nil {
		return // the ranks do not meet any more
	}
	began := time.Now()
	defer func() { d.Busy += time.Since(began) }()
	add := d.ranks.Comm.Sum
	if d.rounded != nil {
		add = d.rounded.Sum
	}
	if b.data == nil {
		d.err = add(d.g.gradient(b.params[0]))
		return
	}
	all := b.data[:0]
	for _, i := range b.params {
		all = append(all, d.g.gradient(i)...)
	}
	if d.err = add(all); d.err != nil {
		return
	}
	for _, i := range b.params {
		v := d.g.gradient(i)
		all = all[copy(v, all):]
	}
}

// settle waits for what is on its way. Before another sum of the ranks it keeps their order the same on all.
func (d *reducer) settle() error {
	began := time.Now()
	d.onWay.Wait()
	d.Waited += time.Since(began)
	return d.err
}

// finish adds up what has not been sent while the step was computed.
func (d *reducer) finish() error {
	if err := d.settle(); err != nil || d.ranks.Size() == 1 {
		return err
	}
	began := time.Now()
	defer func() { d.Waited += time.Since(began) }()
	for ; d.next < len(d.buckets); d.next++ {
		b := d.buckets[d.next]
		for _, i := range b.params {
			kernel.Scale(d.pool, d.share, d.g.gradient(i), d.g.gradient(i))
		}
		d.sum(b)
	}
	return d.err
}

// close ends the goroutine that sends.
func (d *reducer) close() {
	if d.jobs != nil {
		close(d.jobs)
		d.jobs = nil
	}
}
