// Package onnx reads and writes networks as ONNX models, the exchange format of most engines
// (https://onnx.ai).
//
// # Reading
//
// [Load] reads a model, with operator set 7 or a later one, and [Model.Build] adds it to a graph: the operators become
// layers of package graph, stored tensors its parameters, so that a network of another program predicts, is fine-tuned
// and is written again. Arithmetic of shapes is computed on the way; what the exporter has taken apart, such as
// hard-swish or layer normalisation, is put together again. Errors name the node; operators that are missing are
// named all at once.
//
// # Writing
//
// [Save] writes the evaluation graph of a network with its weights, in operator set 13: one input, named "input",
// N×C×H×W with a free N, and one output, "logits", or with a softmax "probabilities". The metadata of the weights
// file, preprocessing and class names among it, go along as metadata properties under the keys of [weights.Meta].
//
// # Guarantees
//
//   - A file is believed only as far as its own bytes reach: no allocation follows from a number in it alone.
//     Constants that follow from others have a budget.
//   - What is read can be written, and gives the same results.
//   - What was written here and changed by a fault is refused: files carry checksums. Those of others need none.
//   - Nothing outside of the model's folder is opened for external data.
//
// Encoder and decoder are our own few hundred lines over google.golang.org/protobuf/encoding/protowire: the format needs nine
// small messages, the generated code for them has some thousand lines and keeps every tensor in memory a second
// time.
//
// # Adding one
//
// An operator that is read is an entry of the table in operators.go: a function that makes values of values, how many
// inputs it must have, and the attributes that it knows. The suite of the ONNX project tests it where Debian's
// libonnx-testdata is installed; a network with it goes to testdata/modules.py, whose results are compared with PyTorch's. A layer
// that is written is a case in nodes.go or, of arrays, in write_arrays.go.
package onnx

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

const (
	irVersion = 7  // of the format itself, the one of operator set 13
	opset     = 13 // of the operators; engines since 2021 have it

	inputName, logitsName, softmaxName = "input", "logits", "probabilities"
)

// Config says how a model is written. Its zero value is a good one.
type Config struct {
	// Fold computes each batch normalisation into the convolution before it.
	// Without it they are nodes of their own, and parameters keep their names and
	// values.
	Fold bool
	// Softmax turns the logits into probabilities, which the output is called after then.
	Softmax bool
	// Half stores the weights as 16-bit floats, in half the bytes; the model takes, computes and gives 32-bit
	// ones. Values are rounded to the nearest half; a finite one that would become infinite is an error.
	Half bool
	// Version is that of the program that writes, for the file's producer.
	Version string
	Meta    weights.Meta
}

// Write writes the model that computes output from input, an input of b's
// graph. The graph must be built for evaluation, and the parameters must have
// values.
func Write(w io.Writer, b *graph.Builder, input, output *gorgonia.Node, c Config) error {
	if w == nil {
		return errors.New("there is nowhere to write to")
	}
	model, err := encode(b, input, output, c)
	if err != nil {
		return err
	}
	return model.writeTo(w)
}

// Save writes the model to path, whole or not at all; see [weights.WriteAtomically].
func Save(path string, b *graph.Builder, input, output *gorgonia.Node, c Config) error {
	model, err := encode(b, input, output, c) // before the disk is touched
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return weights.WriteAtomically(path, model.writeTo)
}

// Field numbers are those of onnx.proto.
func encode(b *graph.Builder, input, output *gorgonia.Node, c Config) (*message, error) {
	switch {
	case b == nil || b.Graph() == nil:
		return nil, errors.New("no network: its builder is made by graph.NewBuilder")
	case input == nil || output == nil:
		return nil, errors.New("the network's input or its output is nil")
	}
	for _, p := range b.Params().All() {
		if len(p.Data) != p.Len() {
			return nil, fmt.Errorf("parameter %s has no values", p.Name)
		}
	}
	properties, err := c.Meta.Strings()
	if err != nil {
		return nil, err
	}
	x := &exporter{b: b, half: c.Half, final: logitsName, names: map[*gorgonia.Node]string{input: inputName}, input: input, output: output, stored: map[string]bool{}}
	if c.Softmax {
		if s := output.Shape(); len(s) != 2 || s[1] < 2 {
			return nil, fmt.Errorf("a softmax of %s: N×classes is needed", sides(s))
		}
		x.final = "softmax." + logitsName
	}
	if err := x.walk(c.Fold); err != nil {
		return nil, err
	}
	if output == input { // a network of nothing
		x.node("identity", "Identity", []string{inputName}, x.final)
	}
	name := logitsName
	if c.Softmax {
		name = softmaxName
		x.node("softmax", "Softmax", []string{x.final}, name, intAttr("axis", 1))
	}
	if x.err != nil {
		return nil, x.err
	}
	g := &message{}
	for _, n := range x.nodes {
		g.message(1, n)
	}
	g.text(2, cmp.Or(c.Meta.Network, "network"))
	for _, t := range x.tensors {
		g.message(5, t)
	}
	g.message(11, valueInfo(inputName, input, !x.fixed))
	g.message(12, valueInfo(name, output, !x.fixed))

	if err := addSums(g, opset, properties); err != nil {
		return nil, err
	}
	m := &message{}
	m.int(1, irVersion)
	m.text(2, producer)
	if c.Version != "" {
		m.text(3, c.Version)
	}
	m.message(7, g)
	set := &message{}
	set.text(1, "") // the standard operators
	set.int(2, opset)
	m.message(8, set)
	for _, key := range slices.Sorted(maps.Keys(properties)) {
		p := &message{}
		p.text(1, key)
		p.text(2, properties[key])
		m.message(14, p)
	}
	if m.size > math.MaxInt32 {
		return nil, fmt.Errorf("the model takes %d bytes, ONNX allows %d", m.size, math.MaxInt32)
	}
	return m, nil
}

// valueInfo describes a value; its first dimension is free, if that can be.
func valueInfo(name string, n *gorgonia.Node, free bool) *message {
	shape := &message{}
	for i, d := range n.Shape() {
		dim := &message{}
		if i == 0 && free {
			dim.text(2, "N")
		} else {
			dim.int(1, int64(d))
		}
		shape.message(1, dim)
	}
	elements, typ, info := &message{}, &message{}, &message{}
	elements.int(1, typeFloat)
	elements.message(2, shape)
	typ.message(1, elements)
	info.text(1, name)
	info.message(2, typ)
	return info
}
