package kernel

import "math"

// A Function maps every element on its own. Its results are those of float64 arithmetic, rounded.
type Function uint8

// The functions. Tanh, sigmoid and what else follows a layer are an [Activation].
const (
	Abs Function = iota
	Sign
	Ceiling
	Floor
	Sine
	Cosine
	Exp
	Log
	Log2
	Negate
	Square
	SquareRoot
	Inverse
	InverseRoot
	Cube
	Log1p
	Expm1
	Softplus
	functions
)

// A function's value at x, and its derivative from x and its value y; nil if it has none of use.
var functionTable = [functions]struct {
	name  string
	value func(x float64) float64
	slope func(x, y float64) float64
}{
	Abs:         {"abs", math.Abs, func(x, _ float64) float64 { return sign(x) }},
	Sign:        {"sign", sign, nil},
	Ceiling:     {"ceil", math.Ceil, nil},
	Floor:       {"floor", math.Floor, nil},
	Sine:        {"sin", math.Sin, func(x, _ float64) float64 { return math.Cos(x) }},
	Cosine:      {"cos", math.Cos, func(x, _ float64) float64 { return -math.Sin(x) }},
	Exp:         {"exp", math.Exp, func(_, y float64) float64 { return y }},
	Log:         {"log", math.Log, func(x, _ float64) float64 { return 1 / x }},
	Log2:        {"log2", math.Log2, func(x, _ float64) float64 { return 1 / (x * math.Ln2) }},
	Negate:      {"neg", func(x float64) float64 { return -x }, func(_, _ float64) float64 { return -1 }},
	Square:      {"square", func(x float64) float64 { return x * x }, func(x, _ float64) float64 { return 2 * x }},
	SquareRoot:  {"sqrt", math.Sqrt, func(_, y float64) float64 { return 0.5 / y }},
	Inverse:     {"inverse", func(x float64) float64 { return 1 / x }, func(x, _ float64) float64 { return -1 / (x * x) }},
	InverseRoot: {"inverse sqrt", func(x float64) float64 { return 1 / math.Sqrt(x) }, func(x, _ float64) float64 { return -0.5 / (x * math.Sqrt(x)) }},
	Cube:        {"cube", func(x float64) float64 { return x * x * x }, func(x, _ float64) float64 { return 3 * x * x }},
	Log1p:       {"log1p", math.Log1p, func(x, _ float64) float64 { return 1 / (1 + x) }},
	Expm1:       {"expm1", math.Expm1, func(_, y float64) float64 { return y + 1 }},
	Softplus:    {"softplus", softplus, func(x, _ float64) float64 { return 1 / (1 + math.Exp(-x)) }},
}

func sign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x // zero or NaN
}

// softplus is log(1 + e^x), without an overflow on the way.
func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

// String returns the function's name.
func (f Function) String() string { return functionTable[f].name }

// Differentiable reports whether the function has a derivative that is not zero everywhere.
func (f Function) Differentiable() bool { return functionTable[f].slope != nil }

// KeepsZero reports whether the function is zero at zero.
func (f Function) KeepsZero() bool { return functionTable[f].value(0) == 0 }

// Map sets y to f(x). x and y may be the same slice.
func Map(p *Pool, f Function, x, y []float32) {
	sameLen("Map", len(x), len(y))
	t := vecTasks.Get().(*vecTask)
	t.a, t.b, t.k[0] = x, y, uint32(f)
	t.run(p, mapFunction, len(x))
}

func mapFunction(t *vecTask, from, n int) {
	x, y, value := t.a[from:from+n], t.b[from:from+n], functionTable[t.k[0]].value
	switch Function(t.k[0]) {
	case Negate:
		for i, v := range x {
			y[i] = -v
		}
	case Square:
		for i, v := range x {
			y[i] = v * v
		}
	default:
		for i, v := range x {
			y[i] = float32(value(float64(v)))
		}
	}
}

// MapGrad sets dx to dy times the derivative of f at x, where f is y. dx may be dy.
func MapGrad(p *Pool, f Function, x, y, dy, dx []float32) {
	sameLen("MapGrad", len(x), len(y), len(dy), len(dx))
	t := vecTasks.Get().(*vecTask)
	t.a, t.b, t.c, t.d, t.k[0] = x, y, dy, dx, uint32(f)
	t.run(p, mapFunctionGrad, len(x))
}

func mapFunctionGrad(t *vecTask, from, n int) {
	x, y, dy, dx := t.a[from:from+n], t.b[from:from+n], t.c[from:from+n], t.d[from:from+n]
	slope := functionTable[t.k[0]].slope
	for i, d := range dy {
		dx[i] = float32(float64(d) * slope(float64(x[i]), float64(y[i])))
	}
}
