package graph

import (
	"math"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// A Part says that a session computes some images of a batch, the others of which are computed elsewhere,
// in another process for example.
type Part struct {
	// First is the number of the session's first image in the batch: dropout's masks are those of the batch,
	// whoever computes it.
	First int
	// Of is the number of images in the batch.
	Of int
	// Sum adds up over all parts, in place; every part calls it in the same order. If it is not nil, batch
	// normalisation in training normalises by the whole batch; otherwise each part by itself.
	Sum func([]float32) error
	// Still leaves the running statistics of batch normalisation alone: for sessions that share parameters with
	// another one that computes a part of the same batch.
	Still bool
}

// first is the number of a value's first element in the batch's.
func (p Part) first(v *value) int {
	if p.First == 0 {
		return 0
	}
	return p.First * (v.size() / v.shape[0])
}

// normaliseTogether is a batch normalisation by the mean and variance of all parts.
func (e *exec) normaliseTogether(o *batchNormOp, x kernel.Act, gamma, beta, runningMean, runningVar, mean, variance, invstd []float32, residual *kernel.Act, y kernel.Act, act Activation) error {
	share := float64(x.N) / float64(e.part.Of)
	kernel.ChannelMeans(e.pool, x, nil, mean)
	if err := e.together(share, mean); err != nil {
		return err
	}
	kernel.ChannelMeans(e.pool, x, mean, variance)
	if err := e.together(share, variance); err != nil {
		return err
	}
	n := float64(e.part.Of * x.H * x.W)
	scale, shift := make([]float32, x.C), make([]float32, x.C)
	for c, v := range variance {
		invstd[c] = float32(1 / math.Sqrt(float64(v)+float64(o.eps)))
		scale[c] = gamma[c] * invstd[c]
		shift[c] = beta[c] - float32(mean[c]*scale[c])
		if e.part.Still {
			continue
		}
		runningMean[c] += float32(o.momentum * (mean[c] - runningMean[c]))
		runningVar[c] += float32(o.momentum * (float32(float64(v)*n/max(n-1, 1)) - runningVar[c]))
	}
	kernel.ChannelAffineAdd(e.pool, x, scale, shift, residual, y, act)
	return nil
}

// together makes the parts' means the batch's.
func (e *exec) together(share float64, v []float32) error {
	for i := range v {
		v[i] = float32(share * float64(v[i]))
	}
	return e.part.Sum(v)
}

// gradTogether makes the gradient of a part's own normalisation that of all parts': dx was made with the
// sums of dy and of dy·x̂ over the part, and gets what those over the batch add. The loss of a part is its
// images' mean, so that the batch's sums are the parts' weighted by their shares.
func (e *exec) gradTogether(x kernel.Act, gamma, mean, invstd, dgamma, dbeta []float32, dx kernel.Act) error {
	share := float64(x.N) / float64(e.part.Of)
	sums := append(append(make([]float32, 0, 2*x.C), dgamma...), dbeta...)
	if err := e.together(share, sums); err != nil {
		return err
	}
	n := float64(x.N * x.H * x.W)
	scale, shift := make([]float32, x.C), make([]float32, x.C)
	for c := range scale {
		k := float64(gamma[c]) * float64(invstd[c]) / n
		slope := k * (float64(dgamma[c]) - float64(sums[c])) * float64(invstd[c])
		scale[c] = float32(slope)
		shift[c] = float32(float64(k*(float64(dbeta[c])-float64(sums[x.C+c]))) - float64(slope*float64(mean[c])))
	}
	kernel.ChannelAffineAdd(e.pool, x, scale, shift, &dx, dx, Identity)
	return nil
}
