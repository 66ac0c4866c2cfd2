package graph

import "gorgonia.org/gorgonia"

// A ReLURule says what of a gradient passes a ReLU on the way back. All but the first are no derivatives:
// they are for looking into a network.
type ReLURule int

const (
	ExactReLU  ReLURule = iota // what belongs to positive inputs: the derivative
	DeconvReLU                 // what is positive itself: Zeiler and Fergus 2013, section 2.1 (arXiv:1311.2901)
	GuidedReLU                 // what is both: Springenberg et al. 2014, section 3.4 (arXiv:1412.6806)
)

// BackwardReLU sets the rule of the ReLUs that follow.
func (b *Builder) BackwardReLU(rule ReLURule) {
	if rule < ExactReLU || rule > GuidedReLU {
		b.Errorf("backward ReLU: %d is no rule", rule)
		return
	}
	b.relu = rule
}

// positive is the positive part of a gradient.
func (o *activationOp) positive(grad *gorgonia.Node) (*gorgonia.Node, error) {
	p := &activationOp{activation: ReLU}
	p.core = newCore(p, o.kind+" of the gradient", grad.Shape(), 1, grad)
	return derive(p, &o.core, grad)
}
