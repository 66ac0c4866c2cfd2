package train

import (
	"regexp"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// An updater changes parameters by their gradients.
type updater interface {
	// update makes update number step, from 0.
	update(p *kernel.Pool, step int, set Hyper, g gradients)
	// state is what the next update depends on besides the parameters, in the updater's own memory.
	state() []weights.Tensor
}

// gradients are what an update reads, where they are.
type gradients interface {
	gradient(i int) []float32 // of the i-th trained parameter
}

// newUpdater returns the optimizer at work on some parameters.
func newUpdater(o recipe.Optimizer, s recipe.Schedule, trained []*graph.Param) (updater, error) {
	lr, decay, err := factors(o, trained)
	if err != nil {
		return nil, err
	}
	if o.Adaptive() {
		u := &adam{o: o, params: trained, lr: lr, decay: decay}
		for _, p := range trained {
			u.mean, u.square = append(u.mean, kernel.Floats(p.Len())), append(u.square, kernel.Floats(p.Len()))
		}
		return u, nil
	}
	u := &sgd{o: o, params: trained, lr: lr, decay: decay, velocity: make([][]float32, len(trained))}
	if o.Momentum > 0 || s.MomentumHigh > 0 {
		for i, p := range trained {
			u.velocity[i] = kernel.Floats(p.Len())
		}
	}
	return u, nil
}

// base is what a schedule starts from. Of Adam it is the first moment's factor that momentum stands for.
func base(cfg recipe.Config) Hyper {
	o := cfg.Optimizer
	if cfg.LRBatch > 0 {
		o.LR *= float64(cfg.Batch) / float64(cfg.LRBatch)
	}
	if o.Adaptive() {
		return Hyper{o.LR, o.Beta1}
	}
	return Hyper{o.LR, o.Momentum}
}

// factors multiplies the rules up for each parameter.
func factors(o recipe.Optimizer, params []*graph.Param) (lr, decay []float64, err error) {
	for range params {
		lr, decay = append(lr, 1), append(decay, 1)
	}
	for _, r := range o.Rules {
		name, err := regexp.Compile(r.Match)
		if err != nil {
			return nil, nil, err
		}
		for i, p := range params {
			if (r.Dims == 0 || r.Dims == len(p.Shape)) && name.MatchString(p.Name) {
				lr[i] *= r.LR
				decay[i] *= r.Decay
			}
		}
	}
	return lr, decay, nil
}

// sgd is PyTorch's torch.optim.SGD.
type sgd struct {
	updates   kernel.Updates
	o         recipe.Optimizer
	params    []*graph.Param
	lr, decay []float64
	velocity  [][]float32 // nil without momentum
}

func (u *sgd) update(pool *kernel.Pool, step int, set Hyper, g gradients) {
	for i, p := range u.params {
		u.updates.SGD(p.Data, g.gradient(i), u.velocity[i], kernel.SGDStep{
			LR:          float32(set.LR * u.lr[i]),
			Momentum:    float32(set.Momentum),
			Dampening:   float32(u.o.Dampening),
			WeightDecay: float32(u.o.WeightDecay * u.decay[i]),
			Nesterov:    u.o.Nesterov,
			First:       step == 0,
		})
	}
	u.updates.Run(pool)
}

func (u *sgd) state() []weights.Tensor {
	var list []weights.Tensor
	for i, p := range u.params {
		if u.velocity[i] != nil {
			list = append(list, weights.Tensor{Name: "momentum." + p.Name, Shape: p.Shape, Data: u.velocity[i]})
		}
	}
	return list
}

// adam is PyTorch's torch.optim.Adam, or AdamW.
type adam struct {
	updates      kernel.Updates
	o            recipe.Optimizer
	params       []*graph.Param
	lr, decay    []float64
	mean, square [][]float32 // running moments of the gradient
}

func (u *adam) update(pool *kernel.Pool, step int, set Hyper, g gradients) {
	for i, p := range u.params {
		u.updates.Adam(p.Data, g.gradient(i), u.mean[i], u.square[i], kernel.AdamStep{
			LR: set.LR * u.lr[i], Beta1: set.Momentum, Beta2: u.o.Beta2, Eps: u.o.Eps,
			WeightDecay: u.o.WeightDecay * u.decay[i], Decoupled: u.o.Name == "adamw", Step: step + 1,
		})
	}
	u.updates.Run(pool)
}

func (u *adam) state() []weights.Tensor {
	var list []weights.Tensor
	for i, p := range u.params {
		list = append(list,
			weights.Tensor{Name: "adam_mean." + p.Name, Shape: p.Shape, Data: u.mean[i]},
			weights.Tensor{Name: "adam_square." + p.Name, Shape: p.Shape, Data: u.square[i]})
	}
	return list
}
