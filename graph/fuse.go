package graph

import (
	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// fuse finds nodes that are computed together with another: an activation on the way out of the layer
// before it; in evaluation, a batch normalisation, a scale of channels and a residual sum as part of the convolution that they
// follow; in training, a residual sum as part of its batch normalisation, the gradient of an activation with that
// of its batch normalisation or max pooling, and the sum of two gradients with the convolution that makes
// the second; a convolution with the max pooling that follows, and its gradients from that of the pooled
// map; in evaluation, a 1×1 convolution with the depthwise one that follows; and the parts of a concatenation, which are written where they belong.
func (c *compiler) fuse(needed []*gorgonia.Node) {
	for _, n := range needed {
		children := c.children[n]
		switch o := n.Op().(type) {
		case *activationOp:
			if p, ok := children[0].Op().(op); ok && c.uses[children[0]] == 1 && fuses(p, activationOf(n)) {
				c.fused[children[0]] = n
			}
		case *batchNormOp, *layerScaleOp:
			if _, ok := children[0].Op().(*convOp); ok && !c.training && c.uses[children[0]] == 1 {
				c.absorbed[children[0]] = true
			}
		case *activationGradOp:
			// The pixel that a maximum came from is positive exactly if the maximum is: the mask can be put
			// on the smaller map.
			if pool, ok := children[1].Op().(*maxPoolGradOp); ok && o.activation == ReLU && c.uses[children[1]] == 1 && pool.input == children[0] {
				c.absorbed[children[1]] = true
			}
		case *addOp:
			last := younger(children)
			if c.uses[last] != 1 {
				break
			}
			if norm, ok := last.Op().(*batchNormOp); ok && norm.training || !c.training && c.convolution(last) != nil {
				c.absorbed[last] = true
			}
		default:
			if !isAdd(n.Op()) {
				break
			}
			last := younger(children)
			if _, ok := last.Op().(*convDataGradOp); ok && c.uses[last] == 1 {
				c.absorbed[last] = true
			}
		}
	}
	c.fusePooled(needed)
	c.fuseExpanded(needed)
	for _, n := range needed {
		switch o := n.Op().(type) {
		case *batchNormGradOp:
			forward, grad := c.children[n][2], c.children[n][3]
			if g, ok := grad.Op().(*activationGradOp); ok && c.uses[grad] == 1 && c.activates(forward, grad, g.activation, needed) {
				c.absorbed[grad] = true
				delete(c.absorbed, c.children[grad][1]) // not its part any more
			}
		case *maxPoolOp:
			c.fusePool(n, needed)
		case *concatOp:
			if !o.aligned() {
				break
			}
			for i, child := range c.children[n] {
				if _, taken := c.place[child]; !taken && placeable(child) {
					c.place[child] = placement{n, o.from[i]}
				}
			}
		}
	}
}

// activates reports whether a batch normalisation in training computes the activation that grad is the gradient of.
// Where that gradient is found from the argument, which nothing else needs then, the two are fused now.
func (c *compiler) activates(norm, grad *gorgonia.Node, a Activation, needed []*gorgonia.Node) bool {
	if a.GradFromResult() {
		return c.fused[norm] != nil && c.fused[norm] == c.children[grad][0]
	}
	if c.children[grad][0] != norm || c.uses[norm] != 2 || c.fused[norm] != nil || c.absorbed[norm] {
		return false
	}
	for _, n := range needed {
		if activationOf(n) == a && c.children[n][0] == norm {
			c.fused[norm] = n
			return true
		}
	}
	return false
}

// fuseExpanded lets a depthwise convolution in evaluation absorb the 1×1 convolution whose result it alone reads, with
// the batch normalisation and the activation between them, so that this result is never written to memory.
func (c *compiler) fuseExpanded(needed []*gorgonia.Node) {
	for _, n := range needed {
		conv := c.convolution(n)
		if c.training || conv == nil || c.absorbed[n] {
			continue
		}
		last := c.children[conv][0]
		inner, act := last, activationOf(last)
		if act != Identity {
			inner = c.children[last][0]
			if c.fused[inner] != last {
				continue
			}
		}
		first := c.convolution(inner)
		if first == nil || c.uses[last] != 1 || c.absorbed[inner] || c.absorbed[last] {
			continue
		}
		o := conv.Op().(*convOp)
		if plan := kernel.NewExpanded(c.conv(first.Op().(*convOp)), c.conv(o)); plan != nil {
			c.expanded[&o.core] = &expansion{last: inner, act: act, plan: plan}
			c.absorbed[last], c.absorbed[inner], c.absorbed[first] = true, true, true
		}
	}
}

// fusePooled finds gradients of max pooling, with a ReLU's mask on them or not, that only those of one
// convolution read, where the convolution's can do with the gradient of the pooled map.
func (c *compiler) fusePooled(needed []*gorgonia.Node) {
	of, readers := map[*gorgonia.Node]*convOp{}, map[*gorgonia.Node]int{}
	each := func(f func(grad *gorgonia.Node, o *convOp)) {
		for _, n := range needed {
			switch o := n.Op().(type) {
			case *convDataGradOp:
				f(c.children[n][1], o.of)
			case *convFilterGradOp:
				f(c.children[n][1], o.of)
			}
		}
	}
	each(func(grad *gorgonia.Node, o *convOp) {
		if of[grad] == nil {
			of[grad] = o
		}
		if of[grad] == o {
			readers[grad]++
		}
	})
	each(func(grad *gorgonia.Node, o *convOp) {
		pool := grad
		if isReLUGrad(grad) && c.absorbed[c.children[grad][1]] {
			pool = c.children[grad][1]
		}
		if p, ok := pool.Op().(*maxPoolGradOp); ok && readers[grad] == c.uses[grad] && c.pooled[grad] == nil {
			if plan := kernel.NewPooledGrad(o.shape, o.plain, p.of.window); plan != nil {
				c.pooled[grad] = plan
			}
		}
	})
}

// fusePool lets max pooling absorb the convolution before it, and the ReLU between them, if nothing else
// needs their result and the kernels can pool it where they make it.
func (c *compiler) fusePool(pool *gorgonia.Node, needed []*gorgonia.Node) {
	last := c.children[pool][0]
	conv, uses := last, c.uses[last]
	if activationOf(last) != Identity {
		conv = c.children[last][0]
		if c.fused[conv] != last {
			return
		}
	}
	for _, n := range needed {
		if isReLUGrad(n) && c.children[n][0] == last && c.absorbed[c.children[n][1]] {
			uses-- // it masks the pooled map
		}
	}
	if o, ok := conv.Op().(*convOp); ok && uses == 1 && c.conv(o).Pools() {
		c.absorbed[last], c.absorbed[conv] = true, true
	}
}

// younger is the one of two branches that is computed when the other one is there.
func younger(branches []*gorgonia.Node) *gorgonia.Node {
	if branches[0].ID() > branches[1].ID() {
		return branches[0]
	}
	return branches[1]
}

// convolution returns the convolution that a node is the result of, alone or with the batch
// normalisation or the scale of channels that has absorbed it, or nil.
func (c *compiler) convolution(n *gorgonia.Node) *gorgonia.Node {
	switch n.Op().(type) {
	case *convOp:
		return n
	case *batchNormOp, *layerScaleOp:
		if c.absorbed[c.children[n][0]] {
			return c.children[n][0]
		}
	}
	return nil
}

// placeable reports whether a node's result may lie inside a concatenation: those of ops that make it
// with [compiler.result].
func placeable(n *gorgonia.Node) bool {
	switch n.Op().(type) {
	case *convOp, *activationOp, *maxPoolOp, *avgPoolOp, *adaptivePoolOp, *batchNormOp, *lrnOp, *addOp, *concatOp:
		return true
	}
	return false
}

// isReLUGrad reports whether a node is the gradient of a ReLU.
func isReLUGrad(n *gorgonia.Node) bool {
	o, ok := n.Op().(*activationGradOp)
	return ok && o.activation == ReLU
}

// takesActivation returns the activation that the node that is being lowered computes together with its
// own work; then its result is the activation's.
func (c *compiler) takesActivation() Activation {
	n := c.fused[c.node]
	if n == nil {
		return Identity
	}
	c.node = n
	return activationOf(n)
}
