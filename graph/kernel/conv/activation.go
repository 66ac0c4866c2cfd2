package conv

import "github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"

// Activations that are no clipping are taken of results that are still in the cache, or where that would be hard, in a
// pass of its own.

// An activationRun takes the activation of a batch.
type activationRun struct {
	act simd.Activation
	y   Act
}

func (r *activationRun) do(p *Pool, act simd.Activation, y Act) {
	r.act, r.y = act, y
	p.Run(y.N*simd.Blocks(y.C), r)
	*r = activationRun{}
}

// Task does a plane.
func (r *activationRun) Task(i, _ int) {
	blocks := simd.Blocks(r.y.C)
	simd.ActivatePixels(r.act, r.y.Plane(i), r.y.C-i%blocks*Block)
}
