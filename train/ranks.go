package train

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/cluster"
)

// ranks are the processes that train a run together. Each has the same parameters, computes its share of
// every batch, and makes the same update from the sum of all gradients. Batch normalisation goes by the
// images of a rank, and the running statistics are rank 0's, as PyTorch's DistributedDataParallel has them,
// unless they are synchronised. Where there is one process, nothing here does anything.
type ranks struct {
	cluster.Comm
	ended, late bool // what this rank asks for, and after a step what is done
	bucket      []float32
	buffers     [][]float32   // of the parameters, as they were before the step
	talking     time.Duration // what gradients took to be added up
}

func newRanks(c cluster.Comm) *ranks {
	if c == nil {
		c = cluster.Alone()
	}
	return &ranks{Comm: c}
}

// share is the part of a batch that is this rank's.
func (r *ranks) share(images int) (from, to int) { return cluster.Share(images, r.Rank(), r.Size()) }

// part tells a session what of the batch it computes.
func (r *ranks) part(images int, together bool) graph.Part {
	if r.Size() == 1 {
		return graph.Part{}
	}
	from, _ := r.share(images)
	p := graph.Part{First: from, Of: images}
	if together {
		p.Sum = r.Sum
	}
	return p
}

// agree makes one rank's error all ranks'.
func (t *Trainer) agree(err error) error { return cluster.Agree(t.ranks, err) }

// alike checks that all ranks are about to do the same.
func (t *Trainer) alike() error {
	if t.ranks.Size() == 1 {
		return nil
	}
	// One may have had to read its images from a slower disk.
	if err := t.ranks.Wait(); err != nil {
		return err
	}
	cfg := t.cfg
	cfg.Threads, cfg.DataDir = 0, "" // which change nothing
	for _, s := range []struct{ what, value string }{
		{"the program", t.opts.Program + " " + runtime.GOARCH},
		{"the processor's kernels", kernel.CurrentFamily().String()},
		{"the configuration", fmt.Sprintf("%+v", cfg)},
		{"the training data", t.at.Data},
		{"the validation data", t.at.ValData},
	} {
		if err := cluster.Same(t.ranks, s.what, s.value); err != nil {
			return err
		}
	}
	return nil
}

var errDivergedElsewhere = errors.New("the loss of another rank's images is no number any more")

// tallyTogether adds what all ranks count of the step since before, and what they ask for. Other says that
// another rank's loss is no number.
func (t *Trainer) tallyTogether(before tally, bad bool) (other bool, err error) {
	r := t.ranks
	if r.Size() == 1 {
		return false, nil
	}
	at := &t.at.Tally
	v := []float32{
		float32(at.Images - before.Images), float32(at.Loss - before.Loss), float32(at.Wrong1 - before.Wrong1), float32(at.Wrong5 - before.Wrong5),
		number(bad), number(r.ended), number(r.late && r.Rank() == 0), float32(at.Errors - before.Errors),
	}
	if bad {
		v[1], v[7] = 0, 0
	}
	if err := r.Sum(v); err != nil {
		return false, err
	}
	at.Images, at.Loss = before.Images+int(v[0]), before.Loss+float64(v[1])
	at.Errors = before.Errors + float64(v[7])
	at.Wrong1, at.Wrong5 = before.Wrong1+int(v[2]), before.Wrong5+int(v[3])
	r.ended, r.late = v[5] > 0, v[6] > 0
	return v[4] > 0 && !bad, nil
}

// together adds up what all ranks have counted.
func (t *tally) together(c cluster.Comm) error {
	text, err := json.Marshal(t)
	if err != nil {
		return err
	}
	all, err := c.Gather(text)
	if err != nil {
		return err
	}
	*t = tally{}
	for _, text := range all {
		var one tally
		if err := json.Unmarshal(text, &one); err != nil {
			return err
		}
		one.Images, one.Loss, one.Errors = one.Images+t.Images, one.Loss+t.Loss, one.Errors+t.Errors
		one.Objective, one.Judged = cmp.Or(one.Objective, t.Objective), one.Judged || t.Judged
		*t = one
	}
	return nil
}

func number(b bool) float32 {
	if b {
		return 1
	}
	return 0
}

// ended says whether the run is to stop here: this process was told to, or another one.
func (t *Trainer) ended(ctx context.Context) bool {
	if t.ranks.Size() > 1 {
		return t.ranks.ended
	}
	return ctx.Err() != nil
}

// outOfTime is [Trainer.late] by rank 0's clock.
func (t *Trainer) outOfTime() bool {
	if t.ranks.Size() > 1 {
		return t.ranks.late
	}
	return t.late()
}

// ask tells all ranks what one of them asks for, outside of steps.
func (r *ranks) ask(ended, late bool) (anyEnded, firstLate bool, err error) {
	if r.Size() == 1 {
		return ended, late, nil
	}
	v := []float32{number(ended), number(late && r.Rank() == 0)}
	err = r.Sum(v)
	return v[0] > 0, v[1] > 0, err
}

// bucketed are gradients that are added up together: single sums of so few numbers cost their latency alone.
const bucketed = 1 << 16

// reduce makes the gradients of this rank's n images those of all the batch's images: the ranks' means,
// weighted by their shares, added up in place.
func (t *Trainer) reduce(g gradients, n, of int) error {
	r := t.ranks
	if r.Size() == 1 {
		return nil
	}
	began := time.Now()
	defer func() { r.talking += time.Since(began) }()
	share := float32(float64(n) / float64(of))
	var waiting []int
	flush := func() error {
		if len(waiting) == 0 {
			return nil
		}
		r.bucket = r.bucket[:0]
		for _, i := range waiting {
			r.bucket = append(r.bucket, g.gradient(i)...)
		}
		if err := r.Sum(r.bucket); err != nil {
			return err
		}
		at := r.bucket
		for _, i := range waiting {
			v := g.gradient(i)
			at = at[copy(v, at):]
		}
		waiting = waiting[:0]
		return nil
	}
	size := 0
	for i := range t.trained {
		v := g.gradient(i)
		kernel.Scale(t.pool, share, v, v)
		if len(v) >= bucketed {
			if err := r.Sum(v); err != nil {
				return err
			}
			continue
		}
		waiting = append(waiting, i)
		if size += len(v); size >= 4*bucketed {
			if err := flush(); err != nil {
				return err
			}
			size = 0
		}
	}
	return flush()
}

// keepBuffers remembers the running statistics, which a step moves before the ranks have met.
func (t *Trainer) keepBuffers() {
	r := t.ranks
	if r.Size() == 1 {
		return
	}
	i := 0
	for _, p := range t.params.All() {
		if !p.Buffer {
			continue
		}
		if i == len(r.buffers) {
			r.buffers = append(r.buffers, nil)
		}
		r.buffers[i] = append(r.buffers[i][:0], p.Data...)
		i++
	}
}

// rescue saves what can be saved when another rank is lost in a step: rank 0 goes back to before the step.
func (t *Trainer) rescue(err error) error {
	if t.ranks.Size() == 1 || !errors.Is(err, cluster.ErrLost) {
		return err
	}
	if t.ranks.Rank() > 0 {
		return &cluster.Elsewhere{Rank: 0, Text: err.Error()}
	}
	if t.sums != nil {
		return fmt.Errorf("%w; zoo resume %s goes on from the last checkpoint", err, t.folder)
	}
	i := 0
	for _, p := range t.params.All() {
		if p.Buffer {
			copy(p.Data, t.ranks.buffers[i])
			i++
		}
	}
	t.params.Changed()
	t.at.Tally = t.counted
	if failed := t.checkpoint(); failed != nil {
		return errors.Join(err, failed)
	}
	return fmt.Errorf("%w; the run is saved after step %d: zoo resume %s goes on, with as many ranks or another number", err, t.at.Step, t.folder)
}

// shareBuffers gives every rank the running statistics of rank 0, before they are evaluated.
func (t *Trainer) shareBuffers() error {
	if t.ranks.Size() == 1 {
		return nil
	}
	for _, params := range slices.Compact([]*graph.Params{t.params, t.shown()}) {
		for _, p := range params.All() {
			if !p.Buffer {
				continue
			}
			if err := cluster.BroadcastFloats(t.ranks, p.Data); err != nil {
				return err
			}
		}
		params.Changed()
	}
	return nil
}

// ranksNote tells the plan who computes what.
func (t *Trainer) ranksNote() []string {
	n := t.ranks.Size()
	if n == 1 {
		return nil
	}
	var shares []string
	for rank := range n {
		from, to := cluster.Share(t.cfg.Batch, rank, n)
		shares = append(shares, fmt.Sprint(to-from))
	}
	norm := "batch normalisation by each rank's images"
	if t.cfg.SyncBatchNorm {
		norm = "batch normalisation by the whole batch"
	}
	bytes := 0
	for _, p := range t.trained {
		bytes += 4 * p.Len()
	}
	return []string{fmt.Sprintf("%d ranks, each with its share of a batch: %s images; %s; %.1f MB of gradients are added up for an update", n, strings.Join(shares, "+"), norm, float64(bytes)/1e6)}
}

// lockFor locks a run's folder for the rank that writes.
func lockFor(o Options, folder string) (unlock func(), err error) {
	if o.Cluster != nil && o.Cluster.Rank() > 0 {
		return func() {}, nil
	}
	return Lock(folder)
}
