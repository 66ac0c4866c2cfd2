package train

import (
	"math"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// clip scales gradients in place so that all of them together have at most that norm, as PyTorch's
// clip_grad_norm_ does. It reports whether all of them are finite; otherwise it leaves them alone.
func clip(pool *kernel.Pool, g gradients, n int, most float64) (finite bool) {
	sum := 0.0
	for i := range n {
		sum += kernel.SumSquares(pool, g.gradient(i))
	}
	if math.IsNaN(sum) || math.IsInf(sum, 0) {
		return false
	}
	if factor := most / (math.Sqrt(sum) + 1e-6); factor < 1 {
		for i := range n {
			kernel.Scale(pool, float32(factor), g.gradient(i), g.gradient(i))
		}
	}
	return true
}

// accumulated are gradients summed over batches.
type accumulated struct {
	params []*graph.Param
	sum    [][]float32
}

func newAccumulated(trained []*graph.Param) *accumulated {
	a := &accumulated{params: trained}
	for _, p := range trained {
		a.sum = append(a.sum, kernel.Floats(p.Len()))
	}
	return a
}

func (a *accumulated) gradient(i int) []float32 { return a.sum[i] }

// add adds a part of a batch's gradients; the first of a group replaces what was there.
func (a *accumulated) add(pool *kernel.Pool, g gradients, part float64, first bool) {
	for i, s := range a.sum {
		if first {
			kernel.Scale(pool, float32(part), g.gradient(i), s)
		} else {
			kernel.Axpy(pool, float32(part), g.gradient(i), s)
		}
	}
}

func (a *accumulated) state() []weights.Tensor {
	var list []weights.Tensor
	for i, p := range a.params {
		list = append(list, weights.Tensor{Name: "accumulated." + p.Name, Shape: p.Shape, Data: a.sum[i]})
	}
	return list
}

// gather returns the gradients for an update: those of a batch, or the mean of a group's. While there are
// not yet enough it remembers them and returns nil. The last group of an epoch may be smaller: its mean is
// over the batches that it has.
func (t *Trainer) gather(g gradients) gradients {
	if t.sums == nil {
		return g
	}
	group := t.cfg.Accumulate
	place := t.at.Batch % group
	size := min(group, t.loader.Batches()-(t.at.Batch-place))
	t.sums.add(t.pool, g, 1/float64(size), place == 0)
	if place+1 < size {
		return nil
	}
	return t.sums
}

// update changes the parameters by their gradients, and moves the average.
func (t *Trainer) update(g gradients, set Hyper) {
	batches, group := t.loader.Batches(), max(t.cfg.Accumulate, 1)
	updates := t.at.Epoch*((batches+group-1)/group) + t.at.Batch/group
	t.updater.update(t.pool, updates, set, g)
	t.params.Changed()
	if t.averaged != nil {
		decay := float32(min(t.cfg.EMA, float64(1+updates)/float64(10+updates)))
		for i, p := range t.average {
			kernel.EMA(t.pool, decay, p.Data, t.averageOf[i].Data)
		}
		t.averaged.Changed()
	}
}

// shown are the parameters that are evaluated and saved.
func (t *Trainer) shown() *graph.Params {
	if t.averaged != nil {
		return t.averaged
	}
	return t.params
}

// beginAverage sets the average to the weights.
func (t *Trainer) beginAverage() {
	if t.averaged == nil {
		return
	}
	t.averaged.Allocate()
	for _, p := range t.averaged.All() {
		copy(p.Data, t.params.Get(p.Name).Data)
	}
	t.averaged.Changed()
}

// progress lists what a run's state holds: the parameters and all that the next update depends on.
func (t *Trainer) progress() []weights.Tensor {
	list := append(tensors(t.params, paramPrefix), t.updater.state()...)
	if t.averaged != nil {
		list = append(list, tensors(t.averaged, "ema.")...)
	}
	if t.sums != nil {
		list = append(list, t.sums.state()...)
	}
	return list
}
