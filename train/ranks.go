package train

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/cluster"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
)

// ranks are the processes that train a run together. Each has the same parameters, computes its share of
// every batch, and makes the same update from the sum of all gradients. Batch normalisation goes by the
// images of a rank, and the running statistics are rank 0's, as PyTorch's DistributedDataParallel has them,
// unless they are synchronised. Where there is one process, nothing here does anything.
type ranks struct {
	cluster.Comm
	ended, late bool        // what this rank asks for, and after a step what is done
	buffers     [][]float32 // of the parameters, as they were before the step
}

func newRanks(c cluster.Comm) *ranks {
	if c == nil {
		c = cluster.Alone()
	}
	return &ranks{Comm: c}
}

// A part is what this rank computes of a batch at a time: images, from number at of its own on.
type part struct {
	graph.Part
	at, images int
}

// cut is the number of the first image of a share, of a batch of that many images. Without shares each rank has one.
func (t *Trainer) cut(share, images int) int {
	return images * share / cmp.Or(t.cfg.Shares, t.ranks.Size())
}

// parts divides a batch.
func (t *Trainer) parts(images int) []part {
	r, n := t.ranks, cmp.Or(t.cfg.Shares, t.ranks.Size())
	if n == 1 {
		return []part{{images: images}}
	}
	var list []part
	from, to := cluster.Share(n, r.Rank(), r.Size())
	for k := from; k < to; k++ {
		first, next := t.cut(k, images), t.cut(k+1, images)
		p := part{graph.Part{First: first, Of: images, Still: k > from}, first - t.cut(from, images), next - first}
		switch {
		case !t.cfg.SyncBatchNorm:
		case t.shares != nil:
			p.Sum = t.shares.lock.sum(k - from)
		default:
			p.Sum = func(v []float32) error {
				if err := t.reducer.settle(); err != nil {
					return err
				}
				return r.Sum(v)
			}
		}
		list = append(list, p)
	}
	return list
}

// agree makes one rank's error all ranks', after what is done once.
func (t *Trainer) agree(err error) error { return cluster.Agree(t.ranks, cluster.Preparing, err) }

// alike checks that all ranks are about to do the same.
func (t *Trainer) alike() error {
	if t.ranks.Size() == 1 {
		return nil
	}
	if err := sameSettings(t.ranks, t.cfg); err != nil {
		return err
	}
	for _, s := range []struct{ what, value string }{
		{"the program", t.opts.Program + " " + runtime.GOARCH},
		{"the processor's kernels", kernel.CurrentFamily().String()},
		{"the training data", t.at.Data},
		{"the validation data", t.at.ValData},
	} {
		if err := cluster.Same(t.ranks, s.what, s.value); err != nil {
			return err
		}
	}
	return nil
}

// sameSettings checks that all ranks have the same settings, but for those that change nothing.
func sameSettings(c cluster.Comm, cfg recipe.Config) error {
	cfg.Threads, cfg.DataDir = 0, ""
	text, err := json.Marshal(cfg)
	if err != nil {
		return err
	}
	all, err := c.Gather(text)
	if err != nil {
		return err
	}
	settings := func(rank int) (map[string]string, error) {
		var of recipe.Config
		err := json.Unmarshal(all[rank], &of)
		return of.Settings(), err
	}
	first, err := settings(0)
	if err != nil {
		return err
	}
	for rank := range all {
		if bytes.Equal(all[rank], all[0]) {
			continue
		}
		other, err := settings(rank)
		if err != nil {
			return err
		}
		var list []string
		for _, key := range recipe.Keys() {
			if a, b := first[key], other[key]; a != b {
				list = append(list, fmt.Sprintf("%s (%s on rank 0, %s on rank %d)", key, quoted(a), quoted(b), rank))
			}
		}
		if len(list) == 0 {
			list = []string{"config.json"}
		}
		return &cluster.Everywhere{Err: fmt.Errorf("ranks differ in the settings: %s", strings.Join(list, ", "))}
	}
	return nil
}

// quoted makes a setting of nothing seen.
func quoted(setting string) string {
	if setting == "" {
		return `""`
	}
	return setting
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
		t.add(one)
	}
	return nil
}

// add counts what another tally has counted.
func (t *tally) add(one tally) {
	t.Images, t.Loss, t.Errors = t.Images+one.Images, t.Loss+one.Loss, t.Errors+one.Errors
	t.Wrong1, t.Wrong5 = t.Wrong1+one.Wrong1, t.Wrong5+one.Wrong5
	t.Few, t.Squared, t.Judged = t.Few || one.Few, t.Squared || one.Squared, t.Judged || one.Judged
	t.Objective = cmp.Or(t.Objective, one.Objective)
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

// ranksNote tells the plan who computes what, and what each has to read.
func (t *Trainer) ranksNote() []string {
	n := t.ranks.Size()
	if t.cfg.Shares > 0 && n == 1 {
		return []string{fmt.Sprintf("each batch in %d shares: the weights are those of any number of ranks up to %[1]d", t.cfg.Shares)}
	}
	if n == 1 {
		return nil
	}
	var shares []string
	most := 0
	for rank := range n {
		from, to := cluster.Share(cmp.Or(t.cfg.Shares, n), rank, n)
		images := t.cut(to, t.cfg.Batch) - t.cut(from, t.cfg.Batch)
		shares, most = append(shares, fmt.Sprint(images)), max(most, images)
	}
	unit := "each rank's"
	if t.cfg.Shares > 0 {
		unit = "each share's"
	}
	norm := "batch normalisation by " + unit + " images"
	if t.cfg.SyncBatchNorm {
		norm = "batch normalisation by the whole batch"
	}
	bytes := 0
	for _, p := range t.trained {
		bytes += 4 * p.Len()
	}
	how := ""
	if t.cfg.Wire == "bfloat16" {
		bytes, how = bytes/2, " as bfloat16"
	}
	if t.cfg.Shares > 0 {
		how += fmt.Sprintf(", in %d shares whose order is the same for any number of ranks", t.cfg.Shares)
	}
	if t.reducer.overlap {
		how += ", while the backward pass goes on"
	}
	list := []string{fmt.Sprintf("%d ranks, each with its share of a batch: %s images; %s; %.1f MB of gradients are added up for an update%s", n, strings.Join(shares, "+"), norm, float64(bytes)/1e6, how)}
	if mixes(t.augment) {
		return append(list, "every rank reads all of the images, which are mixed batch by batch; rank 0 alone writes")
	}
	return append(list, fmt.Sprintf("each rank reads its share of every epoch's images, at most %s of %s, another one each time; rank 0 alone writes",
		report.Group(int64(t.loader.Len()*most/t.cfg.Batch)), report.Group(int64(t.loader.Len()))))
}

// lockFor locks a run's folder for the rank that writes.
func lockFor(o Options, folder string) (unlock func(), err error) {
	if o.Cluster != nil && o.Cluster.Rank() > 0 {
		return func() {}, nil
	}
	return Lock(folder)
}
