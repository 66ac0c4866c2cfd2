package infer

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"strings"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/onnx"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// onnxNetwork is what a network is called whose graph comes from an ONNX file. Its options hold the graph
// without the weights, so that weights which were trained on build it again.
const onnxNetwork = "onnx"

// maxStructure bounds the graph in the options, unpacked. Those of the largest networks take a few megabytes.
const maxStructure = 256 << 20

func init() {
	zoo.Describe(onnxNetwork, "ONNX", func(b *graph.Builder, x *gorgonia.Node, o zoo.Options) (*gorgonia.Node, error) {
		m, classes, err := unpack(o.Graph)
		if err != nil {
			return nil, err
		}
		if err := m.SetClasses(classes, o.Classes); err != nil {
			return nil, err
		}
		return m.Logits(b, x)
	})
}

// unpack reads a model from options: its classes, as they are in the file, and its structure.
func unpack(packed []byte) (*onnx.Model, int, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, 0, fmt.Errorf("the graph is damaged: %w", err)
	}
	raw, err := io.ReadAll(io.LimitReader(z, maxStructure))
	if err != nil {
		return nil, 0, fmt.Errorf("the graph is damaged: %w", err)
	}
	m, err := onnx.Read(bytes.NewReader(raw))
	if err != nil {
		return nil, 0, err
	}
	classes := 0
	if _, err := fmt.Sscan(z.Comment, &classes); err != nil || classes < 1 {
		return nil, 0, errors.New("the graph is damaged: it does not say how many classes it has")
	}
	return m, classes, nil
}

func pack(m *onnx.Model, classes int) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	z.Comment = fmt.Sprint(classes)
	if _, err := z.Write(m.Structure()); err != nil {
		return nil, err
	}
	err = z.Close()
	return b.Bytes(), err
}

// Open opens a file that a network can be loaded from: what [weights.Open] opens, and ONNX models. An ONNX
// model that this program has exported is the network that it was; any other becomes a network of its own,
// whose graph goes along in the metadata. What such a file does not say, how images are prepared and what
// its classes are called, is taken to be the usual, and [Assumed] tells so.
func Open(path string) (*weights.Reader, error) {
	if strings.EqualFold(filepath.Ext(path), ".onnx") {
		return openONNX(path, [3]int{})
	}
	r, err := weights.Open(path)
	var format *weights.FormatError
	if errors.As(err, &format) && format.Format == weights.FormatONNX {
		return openONNX(path, [3]int{})
	}
	return r, err
}

// OpenONNX is [Open] for an ONNX model, with the sides of an image where the file leaves them free.
func OpenONNX(path string, input [3]int) (*weights.Reader, error) { return openONNX(path, input) }

// assumption is the metadata's key for what a file did not say.
const assumption = "zoo.assumed"

// Assumed is what was taken for granted about weights because their file does not say it, or "".
func Assumed(m weights.Meta) string { return m.Extra[assumption] }

func openONNX(path string, input [3]int) (*weights.Reader, error) {
	m, err := onnx.Load(path)
	if err != nil {
		return nil, err
	}
	f, err := ownExport(m)
	if f == nil && err == nil {
		f, err = ofGraph(m, input)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return weights.FromFile(path, weights.FormatONNX, f)
}

// ownExport is the weights file that a model was exported from, or nil if the model is another one or is not
// whole: folded, say.
func ownExport(m *onnx.Model) (*weights.File, error) {
	if m.Meta.Network == "" {
		return nil, nil
	}
	network, err := Stored(m.Meta)
	if err != nil {
		return nil, nil // of a later version of this program, perhaps: the graph is there
	}
	params, err := network.Params(graph.Eval)
	if err != nil {
		return nil, nil
	}
	f := &weights.File{Meta: m.Meta}
	for _, p := range params.All() {
		data := m.Weights(p.Name, p.Shape)
		if data == nil {
			return nil, nil
		}
		f.Tensors = append(f.Tensors, weights.Tensor{Name: p.Name, Shape: p.Shape, Data: data})
	}
	return f, nil
}

// ofGraph makes a network of a model.
func ofGraph(m *onnx.Model, input [3]int) (*weights.File, error) {
	shape, err := m.ImageInput()
	if err != nil {
		return nil, err
	}
	for i, d := range input {
		if shape[i] == 0 {
			shape[i] = d
		}
		if shape[i] == 0 {
			return nil, fmt.Errorf("the file leaves %s of an image free: zoo import %s makes weights for one size", []string{"the channels", "the height", "the width"}[i], "FILE --input 3x224x224 -o WEIGHTS")
		}
	}
	b := graph.NewBuilder(graph.NewParams(), graph.Eval)
	y, err := m.Logits(b, b.Input("image", 1, shape[0], shape[1], shape[2]))
	if err != nil {
		return nil, err
	}
	classes := y.Shape()[1]
	packed, err := pack(m, classes)
	if err != nil {
		return nil, err
	}
	options := zoo.Options{Graph: packed, Classes: classes, Input: shape}
	model, err := zoo.New(onnxNetwork, zoo.WithOptions(options))
	if err != nil {
		return nil, err
	}
	f := &weights.File{Meta: m.Meta}
	f.Meta.Network, f.Meta.Variant, f.Meta.Input, f.Meta.Classes = model.Name, model.Variant, shape[:], classes
	if f.Meta.Options, err = json.Marshal(model.Options); err != nil {
		return nil, err
	}
	if len(f.Meta.ClassNames) != classes {
		f.Meta.ClassNames = nil
	}
	var assumed []string
	if f.Meta.Preprocessing == nil {
		if f.Meta.Preprocessing = torchvision(shape); f.Meta.Preprocessing != nil {
			assumed = append(assumed, "images are prepared as torchvision does it for ImageNet")
		}
	}
	if f.Meta.ClassNames == nil {
		if names, of := usual(model, classes); names != nil {
			f.Meta.ClassNames, assumed = names, append(assumed, fmt.Sprintf("its %d classes are those of %s, in order", classes, of))
		}
	}
	if assumed != nil {
		f.Meta.Extra = maps.Clone(f.Meta.Extra)
		if f.Meta.Extra == nil {
			f.Meta.Extra = map[string]string{}
		}
		f.Meta.Extra[assumption] = "taken for granted, as the file does not say it: " + strings.Join(assumed, "; ") + " (zoo import says otherwise)"
	}
	b.Params().Init(1)
	for _, p := range b.Params().All() {
		f.Tensors = append(f.Tensors, weights.Tensor{Name: p.Name, Shape: p.Shape, Data: p.Data})
	}
	return f, nil
}
