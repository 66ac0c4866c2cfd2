package train

import (
	"encoding/json"
	"errors"
	"math"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/cluster"
)

// A portion is some of the images that this rank has of a batch, with the graph that computes them: all of them,
// or a share of a batch that is computed in shares.
type portion struct {
	*trainingGraph
	first, n int // images, of the rank's own
}

// batch is the portion of a batch.
func (p *portion) batch(b *datasets.Batch) *datasets.Batch {
	if p.n == b.N {
		return b
	}
	one := len(b.Images) / b.N
	part := &datasets.Batch{Index: b.Index[p.first:][:p.n], Of: b.Of, First: b.First + p.first, Epoch: b.Epoch, Number: b.Number}
	part.N, part.Shape = p.n, b.Shape
	part.Images, part.Labels = b.Images[p.first*one:][:p.n*one], b.Labels[p.first:][:p.n]
	if b.Weight != nil {
		part.Second, part.Weight = b.Second[p.first:][:p.n], b.Weight[p.first:][:p.n]
	}
	return part
}

// shares are what a trainer needs to compute batches in shares whose gradients are added up in a fixed order.
type shares struct {
	tree *cluster.Tree
	at   []int     // where each gradient begins in the sum
	sum  []float32 // of the last step
	lock *lockstep // nil unless shares are normalised together
}

func (t *Trainer) newShares() (*shares, error) {
	s := &shares{at: []int{0}}
	for i, p := range t.trained {
		s.at = append(s.at, s.at[i]+p.Len())
	}
	var err error
	if s.tree, err = cluster.NewTree(t.ranks, t.cfg.Shares); err != nil {
		return nil, err
	}
	if t.cfg.SyncBatchNorm {
		s.lock = &lockstep{}
		s.lock.tree, err = cluster.NewTree(t.ranks, t.cfg.Shares)
	}
	return s, err
}

func (s *shares) gradient(i int) []float32 { return s.sum[s.at[i]:s.at[i+1]] }

// add adds the gradients of a share, which has that part of the batch's images.
func (s *shares) add(pool *kernel.Pool, p *portion, of int) {
	share := float32(float64(p.n) / float64(of))
	s.tree.Add(s.at[len(s.at)-1], func(leaf []float32) {
		for i := range len(s.at) - 1 {
			kernel.Scale(pool, share, p.gradient(i), leaf[s.at[i]:s.at[i+1]])
		}
	})
}

// A lockstep runs the shares that a rank has of a batch side by side, one at a time: each goes on to the next
// place where all shares of all ranks add something up.
type lockstep struct {
	tree *cluster.Tree
	turn []chan error // tells a share to go on, or to give up
	back chan met
}

// A met share has something to be added up, or is done.
type met struct {
	v    []float32
	done bool
	err  error
}

// run calls f for each of n shares, and returns the first error.
func (l *lockstep) run(n int, f func(k int) error) (err error) {
	l.turn, l.back = make([]chan error, n), make(chan met)
	for k := range n {
		l.turn[k] = make(chan error)
		go func() {
			err := <-l.turn[k]
			if err == nil {
				err = f(k)
			}
			l.back <- met{done: true, err: err}
		}()
	}
	all := make([]met, n)
	for {
		waiting := 0
		for k := range all {
			if all[k].done {
				continue
			}
			l.turn[k] <- err
			if all[k] = <-l.back; !all[k].done {
				waiting++
			} else if err == nil {
				err = all[k].err
			}
		}
		switch {
		case waiting == 0:
			return err
		case err != nil:
		case waiting < n:
			err = errors.New("the shares of a batch do not compute the same")
		default:
			err = l.meet(all)
		}
	}
}

// meet adds up what the shares have brought.
func (l *lockstep) meet(all []met) error {
	for _, m := range all {
		l.tree.Add(len(m.v), func(leaf []float32) { copy(leaf, m.v) })
	}
	sum, err := l.tree.Sum()
	for _, m := range all {
		copy(m.v, sum)
	}
	return err
}

// sum is what share k of a rank adds up by.
func (l *lockstep) sum(k int) func([]float32) error {
	return func(v []float32) error {
		l.back <- met{v: v}
		return <-l.turn[k]
	}
}

// A shareReport is what a rank tells of its shares of a step: the sums of all are taken in the order of shares.
type shareReport struct {
	Tallies          []tally
	Bad, Ended, Late bool
}

// stepInShares computes a batch share by share, and returns the gradients of the whole.
func (t *Trainer) stepInShares(b *datasets.Batch, parts []*portion, set Hyper) (gradients, error) {
	s := t.shares
	before, own := t.at.Tally, shareReport{Ended: t.ranks.ended, Late: t.ranks.late && t.ranks.Rank() == 0}
	var bad *portion
	var lost float64
	run := func(k int) error {
		part := parts[k].batch(b)
		return parts[k].run(part.Images, t.targetsOf(part, parts[k].first), t.at.Step)
	}
	done := func(k int) {
		p := parts[k]
		t.at.Tally = tally{}
		loss := t.count(p, p.batch(b))
		if math.IsNaN(loss) || math.IsInf(loss, 0) {
			bad, lost, own.Bad = p, loss, true
			t.at.Tally = tally{}
		}
		own.Tallies = append(own.Tallies, t.at.Tally)
		s.add(t.pool, p, b.Of)
	}
	var err error
	if s.lock != nil {
		if err = s.lock.run(len(parts), run); err == nil {
			for k := range parts {
				done(k)
			}
		}
	} else {
		for k := range parts {
			if err = run(k); err != nil {
				break
			}
			done(k)
		}
	}
	t.at.Tally = before
	if err != nil {
		return nil, err
	}
	if bad != nil && t.ranks.Size() == 1 {
		return nil, t.diverged(bad.trainingGraph, bad.batch(b), lost, set.LR)
	}
	elsewhere, err := t.reports(own)
	switch {
	case err != nil:
		return nil, err
	case bad != nil:
		return nil, t.diverged(bad.trainingGraph, bad.batch(b), lost, set.LR)
	case elsewhere:
		return nil, errDivergedElsewhere
	}
	s.sum, err = s.tree.Sum()
	return s, err
}

// reports counts what all ranks tell of a step.
func (t *Trainer) reports(own shareReport) (bad bool, err error) {
	text, err := json.Marshal(own)
	if err != nil {
		return false, err
	}
	all, err := t.ranks.Gather(text)
	if err != nil {
		return false, err
	}
	r := t.ranks
	r.ended, r.late = false, false
	for _, text := range all {
		var one shareReport
		if err := json.Unmarshal(text, &one); err != nil {
			return false, err
		}
		for _, counted := range one.Tallies {
			t.at.Tally.add(counted)
		}
		bad, r.ended, r.late = bad || one.Bad, r.ended || one.Ended, r.late || one.Late
	}
	return bad, nil
}
