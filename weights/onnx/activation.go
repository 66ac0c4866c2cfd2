package onnx

import (
	"math"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// activation writes an activation of in. Those that the operator set has no name for, such as hard-swish,
// SiLU and GELU, are written as the products that define them.
func (x *exporter) activation(layer string, a graph.Activation, in, out string) {
	constant := func(name string, v float32) string {
		return x.constant(layer+"."+name+".value", nil, []float32{v})
	}
	inner := func(name, op string, inputs []string, attrs ...*message) string {
		x.node(layer+"."+name, op, inputs, layer+"."+name+".out", attrs...)
		return layer + "." + name + ".out"
	}
	hard := []*message{floatAttr("alpha", 1./6), floatAttr("beta", 0.5)}
	switch a.Kind {
	case kernel.IdentityKind:
		x.node(layer, "Identity", []string{in}, out)
	case kernel.ReLUKind:
		x.node(layer, "Relu", []string{in}, out)
	case kernel.ReLU6Kind:
		x.node(layer, "Clip", []string{in, constant("min", 0), constant("max", 6)}, out)
	case kernel.LeakyReLUKind:
		x.node(layer, "LeakyRelu", []string{in}, out, floatAttr("alpha", a.Slope))
	case kernel.SigmoidKind:
		x.node(layer, "Sigmoid", []string{in}, out)
	case kernel.TanhKind:
		if a.Slope != 1 {
			in = inner("slope", "Mul", []string{in, constant("slope", a.Slope)})
		}
		if a.Amp == 1 {
			x.node(layer, "Tanh", []string{in}, out)
			return
		}
		x.node(layer, "Mul", []string{inner("tanh", "Tanh", []string{in}), constant("amp", a.Amp)}, out)
	case kernel.HardSigmoidKind:
		x.node(layer, "HardSigmoid", []string{in}, out, hard...)
	case kernel.HardSwishKind:
		x.node(layer, "Mul", []string{in, inner("gate", "HardSigmoid", []string{in}, hard...)}, out)
	case kernel.SiLUKind:
		x.node(layer, "Mul", []string{in, inner("gate", "Sigmoid", []string{in})}, out)
	case kernel.GELUKind:
		erf := inner("erf", "Erf", []string{inner("scaled", "Mul", []string{in, constant("scaled", math.Sqrt2/2)})})
		half := inner("half", "Mul", []string{in, constant("half", 0.5)})
		x.node(layer, "Mul", []string{half, inner("gate", "Add", []string{erf, constant("gate", 1)})}, out)
	default:
		panic("onnx: no form for the activation " + a.String())
	}
}
