package graph

import (
	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// StochasticDepth adds a layer at the end of a residual block's branch that in training sets the whole
// branch of an image to zero with probability rate, so that the image passes by on the shortcut alone, and
// divides that of the others by 1 - rate (Huang et al., arXiv:1603.09382; torchvision's mode "row"); in
// evaluation it is nothing. Which images are dropped is a function of the session's seed, the layer's
// place in the network, the number of the run, and the image's place in the batch. [Layer.Rate] tells the
// rate of a graph for training.
func (b *Builder) StochasticDepth(x *gorgonia.Node, rate float64) *gorgonia.Node {
	if !b.takes("stochastic depth", x) {
		return nil
	}
	if !(rate >= 0 && rate < 1) || len(x.Shape()) == 0 {
		b.Errorf("stochastic depth: rate %g is not in [0, 1), or the input %s not a batch", rate, orScalar(x.Shape()))
		return nil
	}
	if !b.Training() || rate == 0 {
		return x
	}
	b.dropouts++
	o := &stochasticDepthOp{keep: float32(1 - rate), number: b.dropouts}
	l := b.unnamed("stochastic depth")
	l.Rate = rate
	o.core = newCore(o, l.Kind, x.Shape(), 1, x)
	return b.layer(l, o, x)
}

type stochasticDepthOp struct {
	core
	keep   float32
	number uint64 // of the layer, among those with masks
}

func (o *stochasticDepthOp) lower(c *compiler, in []*value) *value {
	x := in[0]
	y, factors := c.like(x), c.plain(o.shape[0])
	c.state[&o.core] = []*value{factors}
	c.add([]*value{x}, []*value{y, factors}, 0, func(e *exec) error {
		key := maskKey(e, o.number)
		for i := range factors.data {
			factors.data[i] = 0
			if float32(splitmix64(key+uint64(i))>>40)/(1<<24) < o.keep {
				factors.data[i] = 1 / o.keep
			}
		}
		scaleImages(e.pool, x, factors.data, y)
		return nil
	})
	return y
}

// scaleImages multiplies every image by its factor.
func scaleImages(p *kernel.Pool, x *value, factors []float32, y *value) {
	for n, f := range factors {
		from, to := x.image(n), y.image(n)
		if f == 0 {
			kernel.Fill(p, 0, to) // whatever is dropped, an infinity too
		} else {
			kernel.Scale(p, f, from, to)
		}
	}
}

func (o *stochasticDepthOp) SymDiff(_ gorgonia.Nodes, y, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	g := &stochasticDepthGradOp{of: o}
	g.core = newCore(g, "stochastic depth gradient", y.Shape(), 0, y, grad)
	dx, err := derive(g, &o.core, y, grad)
	return gorgonia.Nodes{dx}, err
}

type stochasticDepthGradOp struct {
	core
	of *stochasticDepthOp
}

func (o *stochasticDepthGradOp) follows() int { return 0 }

func (o *stochasticDepthGradOp) lower(c *compiler, in []*value) *value {
	factors, dy := c.kept(&o.of.core)[0], in[1]
	dx := c.like(dy)
	c.add([]*value{dy, factors}, []*value{dx}, 0, func(e *exec) error {
		scaleImages(e.pool, dy, factors.data, dx)
		return nil
	})
	return dx
}
