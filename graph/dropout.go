package graph

import (
	"math"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// Dropout adds a layer that in training sets each element to zero with probability rate and divides the
// others by 1 - rate; in evaluation it is nothing. Masks are a function of the session's seed, the
// layer's place in the network, the number of the run, and the element's place in memory. [Layer.Rate]
// tells the rate of a graph for training.
func (b *Builder) Dropout(x *gorgonia.Node, rate float64) *gorgonia.Node {
	if !b.takes("dropout", x) {
		return nil
	}
	if !(rate >= 0 && rate < 1) {
		b.Errorf("dropout: rate %g is not in [0, 1)", rate)
		return nil
	}
	if !b.Training() || rate == 0 {
		return x
	}
	b.dropouts++
	o := &dropoutOp{keep: float32(1 - rate), number: b.dropouts}
	l := b.unnamed("dropout")
	l.Rate = rate
	o.core = newCore(o, l.Kind, x.Shape(), 1, x)
	return b.layer(l, o, x)
}

type dropoutOp struct {
	core
	keep   float32
	number uint64 // of the dropout layer in the network
}

// maskKey is the name of the mask of a numbered layer in this run: neighbouring seeds, steps and layers give
// unrelated keys.
func maskKey(e *exec, number uint64) uint64 {
	return splitmix64(splitmix64(splitmix64(e.seed)^e.step) ^ number)
}

// splitmix64 is a step of Steele, Lea and Flood's generator ("Fast splittable pseudorandom number
// generators", OOPSLA 2014).
func splitmix64(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (o *dropoutOp) lower(c *compiler, in []*value) *value {
	x := o.masked(c, in[0])
	y, key := c.like(x), c.plain(2)
	key.bits = true
	c.state[&o.core] = []*value{key}
	c.add([]*value{x}, []*value{y, key}, 0, func(e *exec) error {
		k := maskKey(e, o.number)
		key.data[0], key.data[1] = math.Float32frombits(uint32(k)), math.Float32frombits(uint32(k>>32))
		kernel.DropoutFrom(e.pool, o.keep, k, e.part.first(x), x.data, y.data)
		return nil
	})
	return y
}

// masked gives the input the layout that a mask counts in: feature maps blocked and without gaps.
func (o *dropoutOp) masked(c *compiler, x *value) *value {
	if len(x.shape) == 4 {
		x = c.asBlocked(x)
	}
	if !x.dense() {
		v, d := x, c.blocked(x.shape...)
		c.add([]*value{v}, []*value{d}, 0, func(e *exec) error {
			for n := range v.shape[0] {
				copy(d.image(n), v.image(n))
			}
			return nil
		})
		x = d
	}
	return x
}

func (o *dropoutOp) SymDiff(_ gorgonia.Nodes, y, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	g := &dropoutGradOp{of: o}
	g.core = newCore(g, "dropout gradient", y.Shape(), 0, y, grad)
	dx, err := derive(g, &o.core, y, grad)
	return gorgonia.Nodes{dx}, err
}

type dropoutGradOp struct {
	core
	of *dropoutOp
}

func (o *dropoutGradOp) follows() int { return 0 }

func (o *dropoutGradOp) lower(c *compiler, in []*value) *value {
	key, dy := c.kept(&o.of.core)[0], o.of.masked(c, in[1])
	dx := c.like(dy)
	c.add([]*value{dy, key}, []*value{dx}, 0, func(e *exec) error {
		k := uint64(math.Float32bits(key.data[0])) | uint64(math.Float32bits(key.data[1]))<<32
		kernel.DropoutFrom(e.pool, o.of.keep, k, e.part.first(dy), dy.data, dx.data)
		return nil
	})
	return dx
}
