package onnx

import (
	"fmt"
	"slices"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

// ImageInput is the shape of one image that a classifier takes, channels, height and width. Sides that the
// file leaves free are 0. Models of TensorFlow may have the channels last.
func (m *Model) ImageInput() ([3]int, error) {
	if len(m.Inputs) != 1 {
		return [3]int{}, fmt.Errorf("the model has %d inputs, %s: a network for images has one", len(m.Inputs), inputNames(m.Inputs))
	}
	v := m.Inputs[0]
	if len(v.Shape) != 4 || !floatType(v.Type) {
		return [3]int{}, fmt.Errorf("the model's input %s is %s %s: a network for images has N×C×H×W numbers", v.Name, v.sides(), v.Type)
	}
	s := v.Shape
	if m.channelsLast() {
		s = []int{s[0], s[3], s[1], s[2]}
	}
	return [3]int{max(0, s[1]), max(0, s[2]), max(0, s[3])}, nil
}

// channelsLast reports whether the input is N×H×W×C.
func (m *Model) channelsLast() bool {
	s := m.Inputs[0].Shape
	colours := func(d int) bool { return d == 1 || d == 3 }
	return len(s) == 4 && colours(s[3]) && !colours(s[1]) && s[1] != 0
}

// Logits adds a classifier to b's graph over x, N×C×H×W whatever the order of the file, and returns
// N×classes: the model's output, without the softmax at its end if it has one.
func (m *Model) Logits(b *graph.Builder, x *gorgonia.Node) (logits *gorgonia.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			logits, err = nil, fmt.Errorf("model %q cannot be built: %v", m.Name, r)
		}
	}()
	if _, err := m.ImageInput(); err != nil {
		return nil, err
	}
	if x == nil || len(x.Shape()) != 4 {
		return nil, fmt.Errorf("the input is no node N×C×H×W")
	}
	c, err := m.construct(b, []*gorgonia.Node{x}, m.channelsLast())
	if err != nil {
		return nil, err
	}
	out, err := c.classes()
	if err != nil {
		return nil, err
	}
	n := c.made(out)
	return n, b.Err()
}

// classes is the value of the output that has one number for each class, N×classes.
func (c *construction) classes() (*value, error) {
	var found *value
	for _, o := range c.m.Outputs {
		v := c.values[o.Name]
		if v == nil || v.t != nil || v.rank() < 2 || v.shape[0] != c.batch {
			continue
		}
		long := 0 // sides beside the images' that are more than 1
		for _, d := range v.shape[1:] {
			if d > 1 {
				long++
			}
		}
		if long > 1 {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("the outputs %s could all be classes: cut the model to one", outputNames(c.m.Outputs))
		}
		found = v
	}
	if found == nil {
		return nil, fmt.Errorf("no output is N×classes: there is %s", outputNames(c.m.Outputs))
	}
	classes := product(found.shape[1:])
	for v := found; v != nil; {
		switch {
		case v.by("softmax") != nil:
			found = v.formula.of[0]
			v = nil
		case v.by("sigmoid") != nil:
			return nil, fmt.Errorf("the output goes through a sigmoid: its classes do not exclude each other, and this program's do")
		case v.base != nil:
			v = v.base
		default:
			v = v.from
		}
	}
	return c.reshape(found, []int{c.batch, classes})
}

func outputNames(values []Value) string { return inputNames(values) }

// SetClasses changes the number of classes from one to another: the last layer's weights get new shapes and
// begin anew, at random and with biases of zero.
func (m *Model) SetClasses(from, to int) error {
	if from == to {
		return nil
	}
	fail := func(why string) error {
		return fmt.Errorf("the %d classes cannot become %d: %s", from, to, why)
	}
	maker := map[string]*node{}
	for _, n := range m.nodes {
		for _, out := range n.out {
			maker[out] = n
		}
	}
	var fresh []func() // what is changed if all goes well
	resize := func(name string, axis int) bool {
		t := m.stored(name, maker)
		if t == nil || len(t.shape) == 0 {
			return false
		}
		if axis < 0 {
			axis += len(t.shape)
		}
		if t.shape[axis] != from || m.uses[name] != 1 || !isFloat(t.typ) {
			return false
		}
		fresh = append(fresh, func() {
			t.shape = slices.Clone(t.shape)
			t.shape[axis], t.floats, t.absent, t.fresh = to, nil, true, true
		})
		return true
	}
	for _, o := range m.Outputs {
		for name := o.Name; ; {
			n := maker[name]
			if n == nil {
				return fail("no layer with weights gives them")
			}
			next := n.in[0]
			switch n.op {
			case "Softmax", "LogSoftmax", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout", "GlobalAveragePool", "AveragePool", "ReduceMean", "Relu", "Cast":
			case "Reshape":
				if len(n.in) > 1 {
					if t := m.stored(n.in[1], maker); t != nil && slices.Contains(t.ints, int64(from)) {
						if m.uses[n.in[1]] != 1 {
							return fail(fmt.Sprintf("%s needs them", n))
						}
						fresh = append(fresh, func() {
							t.ints = slices.Clone(t.ints)
							t.ints[slices.Index(t.ints, int64(from))] = int64(to)
						})
					}
				}
			case "Add": // of a bias
				bias := n.in[1]
				if m.stored(bias, maker) == nil {
					bias, next = n.in[0], n.in[1]
				}
				t := m.stored(bias, maker)
				if t == nil {
					return fail(fmt.Sprintf("%s joins them", n))
				}
				axis := slices.Index(t.shape, from)
				if axis < 0 || !resize(bias, axis) {
					return fail(fmt.Sprintf("%s adds %s", n, sides(t.shape)))
				}
			case "Gemm", "MatMul", "Conv":
				axis := 0
				if n.op == "MatMul" || n.op == "Gemm" && (n.attrs["transB"] == nil || n.attrs["transB"].int == 0) {
					axis = -1
				}
				if !resize(n.in[1], axis) {
					return fail(fmt.Sprintf("the weights of %s are no stored ones of %d rows", n, from))
				}
				if len(n.in) > 2 && n.in[2] != "" && !resize(n.in[2], -1) {
					return fail(fmt.Sprintf("the bias of %s is no stored one of %d", n, from))
				}
				for _, change := range fresh {
					change()
				}
				for i, o := range m.Outputs {
					if at := slices.Index(o.Shape, from); at > 0 {
						m.Outputs[i].Shape = slices.Clone(o.Shape)
						m.Outputs[i].Shape[at] = to
					}
				}
				return nil
			default:
				return fail(fmt.Sprintf("%s (%s) stands between them and the last layer", n, n.op))
			}
			name = next
		}
	}
	return fail("there is no output")
}

// stored is the tensor of that name, of the file or of a node Constant, or nil.
func (m *Model) stored(name string, maker map[string]*node) *tensor {
	if t := m.tensors[name]; t != nil {
		return t
	}
	if n := maker[name]; n != nil && n.op == "Constant" && n.attrs["value"] != nil {
		return n.attrs["value"].tensor
	}
	return nil
}

// Weights are the numbers of the stored tensor of that name, or nil if there is none of that shape. They
// are the model's own: do not change them.
func (m *Model) Weights(name string, shape []int) []float32 {
	if t := m.tensors[name]; t != nil && isFloat(t.typ) && slices.Equal(t.shape, shape) && !t.absent {
		return t.floats
	}
	return nil
}
