package graph

// A convolution can take the sums that a batch normalisation in training wants of its result, or of its gradient, while
// that is in the cache. The value is then read once less.

// normalised reports whether a batch normalisation by the batch reads the term's value.
func (t *term) normalised() bool {
	if t == nil {
		return false
	}
	for _, r := range t.readers {
		if o := normOp(r); o != nil && o.training && r.in[0] == t {
			return true
		}
	}
	return false
}

// normOp is the batch normalisation that a term is, nil for none.
func normOp(t *term) *batchNormOp {
	switch o := t.op.(type) {
	case *batchNormOp:
		return o
	case *fusedNorm:
		return o.batchNormOp
	}
	return nil
}

// A normInput is what a batch normalisation had as input, and kept.
type normInput struct {
	x, gamma, beta, mean, invstd *value
	act                          Activation
}

func (n *normInput) all() []*value { return []*value{n.x, n.gamma, n.beta, n.mean, n.invstd} }

// normalisedFrom tells of the batch normalisation whose result the gradient that is being lowered belongs to; nil if there
// is none. Behind an activation that is no clipping the gradient is changed in place, so nobody else may read it.
func (c *compiler) normalisedFrom() *normInput {
	t := c.term
	if t == nil || t.output {
		return nil
	}
	for _, r := range t.readers {
		var grad *batchNormGradOp
		act := Identity
		switch o := r.op.(type) {
		case *batchNormGradOp:
			grad = o
		case *fusedNormGrad:
			grad, act = o.batchNormGradOp, o.act
		default:
			continue
		}
		x, kept := r.in[0].value, c.state[&grad.of.core]
		if _, clipped := act.Clip(); r.in[3] != t || x == nil || !x.blocked || kept == nil || !clipped && len(t.readers) > 1 {
			continue
		}
		return &normInput{x: x, gamma: r.in[1].value, beta: r.in[4].value, mean: kept[0], invstd: kept[1], act: act}
	}
	return nil
}
