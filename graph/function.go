package graph

import (
	"fmt"
	"math"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
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
	Linear      FunctionKind = iota // A·x + B
	Clip                            // x between A and B
	Abs                             // |x|
	Exp                             // e^x
	Log                             // the natural logarithm
	Sqrt                            // the square root
	Reciprocal                      // 1/x
	Erf                             // the error function
	Elu                             // x where it is positive, A·(e^x - 1) elsewhere: arXiv:1511.07289
	Softplus                        // log(1 + e^x)
	Sign                            // -1, 0 or 1
	Ceiling                         // the next integer upwards
	Floor                           // the next integer downwards
	Sin                             // the sine
	Cos                             // the cosine
	Log2                            // the logarithm of base 2
	Square                          // x²
	Cube                            // x³
	InverseSqrt                     // 1/√x
	Log1p                           // log(1 + x)
	Expm1                           // e^x - 1
	Round                           // the nearest integer, of two the even one
	functionKinds
)

// String returns the kind's name in lower case.
func (k FunctionKind) String() string {
	if k < 0 || k >= functionKinds {
		return fmt.Sprintf("function %d", int(k))
	}
	return [...]string{"linear", "clip", "abs", "exp", "log", "sqrt", "reciprocal", "erf", "elu", "softplus",
		"sign", "ceil", "floor", "sin", "cos", "log2", "square", "cube", "inverse sqrt", "log1p", "expm1", "round"}[k]
}

// Of computes the function.
func (f Function) Of(x float64) float64 {
	a, b := float64(f.A), float64(f.B)
	switch f.Kind {
	case Linear:
		return float64(a*x) + b
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
	case Sign:
		switch {
		case x > 0:
			return 1
		case x < 0:
			return -1
		}
		return x // zero or NaN
	case Ceiling:
		return math.Ceil(x)
	case Floor:
		return math.Floor(x)
	case Sin:
		return math.Sin(x)
	case Cos:
		return math.Cos(x)
	case Log2:
		return math.Log2(x)
	case Square:
		return x * x
	case Cube:
		return x * x * x
	case InverseSqrt:
		return 1 / math.Sqrt(x)
	case Log1p:
		return math.Log1p(x)
	case Expm1:
		return math.Expm1(x)
	case Round:
		return math.RoundToEven(x)
	}
	return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) // softplus
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
	case Sign, Ceiling, Floor, Round:
		return 0
	case Sin:
		return math.Cos(x)
	case Cos:
		return -math.Sin(x)
	case Log2:
		return 1 / (x * math.Ln2)
	case Square:
		return 2 * x
	case Cube:
		return 3 * x * x
	case InverseSqrt:
		return -0.5 * y / x
	case Log1p:
		return 1 / (1 + x)
	case Expm1:
		return y + 1
	}
	return 1 / (1 + math.Exp(-x)) // of softplus
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
	return b.layer(l, newFunction(x, f), x)
}

type functionOp struct {
	core
	function Function
}

func newFunction(x *gorgonia.Node, f Function) *functionOp {
	o := &functionOp{function: f}
	o.core = newCore(o, f.Kind.String(), x.Shape(), 1, x)
	return o
}

func (o *functionOp) lower(c *compiler, in []*value) *value {
	x, f := in[0], o.function
	if x.blocked && x.shape[1]%kernel.Block != 0 && f.Of(0) != 0 { // lanes beyond the last channel must stay zeros
		x = c.asPlain(x)
	}
	y := c.like(x)
	var from, to []float32 // of the stretch that is being computed
	chunks := inChunks((x.size()+functionChunk-1)/functionChunk, functionChunk, func(chunk int) {
		end := min(len(to), (chunk+1)*functionChunk)
		if start := chunk * functionChunk; start < end {
			f.span(from[start:end], to[start:end])
		}
	})
	c.add([]*value{x}, []*value{y}, 0, func(e *exec) error {
		elementwise(x, y, y, func(x, y, _ []float32) {
			from, to = x, y
			chunks.run(e.pool)
		})
		return nil
	})
	return y
}

const functionChunk = 1 << 10 // elements

// span computes the function of neighbouring elements.
func (f Function) span(x, y []float32) {
	switch f.Kind {
	case Linear:
		for i, v := range x {
			y[i] = float32(f.A*v) + f.B
		}
	case Clip:
		for i, v := range x {
			y[i] = min(max(v, f.A), f.B)
		}
	case Square:
		for i, v := range x {
			y[i] = v * v
		}
	default:
		for i, v := range x {
			y[i] = float32(f.Of(float64(v)))
		}
	}
}

func (o *functionOp) detail() any { return o.function }

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
	elements := inChunks(dy.size(), 1, func(i int) {
		dx.data[i] = dy.data[i] * float32(o.function.slope(float64(x.data[i]), float64(y.data[i])))
	})
	c.add([]*value{x, y, dy}, []*value{dx}, 0, func(e *exec) error { elements.run(e.pool); return nil })
	return dx
}
