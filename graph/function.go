package graph

import (
	"fmt"
	"math"

	"gorgonia.org/gorgonia"
)

// A Function is a function of one element for [Builder.Apply]: those that networks need beside the
// activations, which are faster.
type Function struct {
	Kind FunctionKind
	A, B float32 // of the kinds that have them
}

// A FunctionKind names a family of functions.
type FunctionKind int

const (
	Linear     FunctionKind = iota // A·x + B
	Clip                           // x between A and B
	Abs                            // |x|
	Exp                            // e^x
	Log                            // the natural logarithm
	Sqrt                           // the square root
	Reciprocal                     // 1/x
	Erf                            // the error function
	Elu                            // x where it is positive, A·(e^x - 1) elsewhere: arXiv:1511.07289
	Softplus                       // log(1 + e^x)
	functionKinds
)

// String returns the kind's name in lower case.
func (k FunctionKind) String() string {
	if k < 0 || k >= functionKinds {
		return fmt.Sprintf("function %d", int(k))
	}
	return [...]string{"linear", "clip", "abs", "exp", "log", "sqrt", "reciprocal", "erf", "elu", "softplus"}[k]
}

// Of computes the function.
func (f Function) Of(x float64) float64 {
	a, b := float64(f.A), float64(f.B)
	switch f.Kind {
	case Linear:
		return a*x + b
	case Clip:
		return min(max(x, a), b)
	case Abs:
		return math.Abs(x)
	case Exp:
		return math.Exp(x)
	case Log:
		return math.Log(x)
	case Sqrt:
		return math.Sqrt(x)
	case Reciprocal:
		return 1 / x
	case Erf:
		return math.Erf(x)
	case Elu:
		if x > 0 {
			return x
		}
		return a * math.Expm1(x)
	}
	return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x)))
}

// slope is the derivative at x, where the function is y.
func (f Function) slope(x, y float64) float64 {
	a, b := float64(f.A), float64(f.B)
	switch f.Kind {
	case Linear:
		return a
	case Clip:
		if x < a || x > b {
			return 0
		}
		return 1
	case Abs:
		switch {
		case x > 0:
			return 1
		case x < 0:
			return -1
		}
		return 0
	case Exp:
		return y
	case Log:
		return 1 / x
	case Sqrt:
		return 0.5 / y
	case Reciprocal:
		return -y * y
	case Erf:
		return 2 / math.Sqrt(math.Pi) * math.Exp(-x*x)
	case Elu:
		if x > 0 {
			return 1
		}
		return y + a
	}
	return 1 / (1 + math.Exp(-x))
}

// Apply adds a function of each element, for any shape.
func (b *Builder) Apply(x *gorgonia.Node, f Function) *gorgonia.Node {
	l := b.unnamed(f.Kind.String())
	if !b.takes(l.Name, x) {
		return nil
	}
	if f.Kind < 0 || f.Kind >= functionKinds {
		b.Errorf("there is no %v", f.Kind)
		return nil
	}
	o := &functionOp{function: f}
	o.core = newCore(o, l.Kind, x.Shape(), 1, x)
	return b.layer(l, o, x)
}

type functionOp struct {
	core
	function Function
}

func (o *functionOp) lower(c *compiler, in []*value) *value {
	x, f := in[0], o.function
	if x.blocked && f.Of(0) != 0 { // lanes beyond the last channel must stay zeros
		x = c.asPlain(x)
	}
	y := c.like(x)
	c.add([]*value{x}, []*value{y}, 0, func(e *exec) error {
		elementwise(x, y, y, func(x, y, _ []float32) {
			switch f.Kind {
			case Linear:
				for i, v := range x {
					y[i] = f.A*v + f.B
				}
			case Clip:
				for i, v := range x {
					y[i] = min(max(v, f.A), f.B)
				}
			default:
				for i, v := range x {
					y[i] = float32(f.Of(float64(v)))
				}
			}
		})
		return nil
	})
	return y
}

func (o *functionOp) SymDiff(inputs gorgonia.Nodes, y, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	g := &functionGradOp{function: o.function}
	g.core = newCore(g, o.kind+" gradient", y.Shape(), 0, inputs[0], y, grad)
	dx, err := derive(g, &o.core, inputs[0], y, grad)
	return gorgonia.Nodes{dx}, err
}

type functionGradOp struct {
	core
	function Function
}

func (o *functionGradOp) lower(c *compiler, in []*value) *value {
	x, y, dy := c.asPlain(in[0]), c.asPlain(in[1]), c.asPlain(in[2])
	dx := c.like(dy)
	c.add([]*value{x, y, dy}, []*value{dx}, 0, func(*exec) error {
		for i, d := range dy.data {
			dx.data[i] = d * float32(o.function.slope(float64(x.data[i]), float64(y.data[i])))
		}
		return nil
	})
	return dx
}
