// Package caffe reads the trained networks of Caffe (.caffemodel) as tensors: a convolution or a fully
// connected layer NAME has NAME.weight and NAME.bias, a batch normalisation NAME.running_mean and
// NAME.running_var, a scale NAME.weight and NAME.bias. Which network they belong to is for package infer to
// say.
//
// Both forms of the format are read: the old one of 2013 (layers, field 2) and today's (layer, field 100). A
// file is a protocol buffer, NetParameter of Caffe's caffe.proto; google.golang.org/protobuf/encoding/protowire
// reads its numbers, so that no generated code is needed. Nothing is allocated on the word of the file: blobs
// are as large as their bytes in it.
//
// # Adding one
//
// A type of layer with weights is a case in the function tensors, which names its blobs. Which network the layers are is
// for package infer to say; its test writes files from published lists of layers and compares with PyTorch.
package caffe

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"

	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// Keys under which [Read] leaves in the metadata's Extra what decides how the network computes.
const (
	Name    = "caffe.name"     // that the file gives the network
	Chain   = "caffe.chain"    // "true" if each layer with weights sees the one before it
	LRN     = "caffe.lrn_k"    // k of the first response normalisation, "1" unless the file says otherwise
	PoolPad = "caffe.pool_pad" // padding of the first pooling
)

// Open reads a file.
func Open(path string) (*weights.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", path)
	}
	file, err := Read(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return file, nil
}

// Read reads the network that src holds, size bytes long.
func Read(src io.ReaderAt, size int64) (*weights.File, error) {
	if src == nil {
		return nil, errors.New("there is nothing to read")
	}
	net, err := readNet(&message{src: src, end: size})
	if err != nil {
		return nil, fmt.Errorf("no Caffe network, or damaged: %w", err)
	}
	return net.file()
}

// file makes tensors of the layers' blobs.
func (n *net) file() (*weights.File, error) {
	f := &weights.File{Meta: weights.Meta{Extra: map[string]string{Name: n.name, Chain: strconv.FormatBool(n.chain())}}}
	seen := map[string]bool{}
	add := func(layer, what string, shape []int, data []float32) error {
		name := layer + "." + what
		if seen[name] {
			return fmt.Errorf("two layers are called %s", strconv.Quote(layer))
		}
		seen[name] = true
		f.Tensors = append(f.Tensors, weights.Tensor{Name: name, Shape: shape, Data: data})
		return nil
	}
	for i := range n.layers {
		l := &n.layers[i]
		switch _, there := f.Meta.Extra[LRN]; {
		case l.kind == "LRN" && !there:
			f.Meta.Extra[LRN] = strconv.FormatFloat(l.k, 'g', -1, 32)
		case l.kind == "Pooling" && l.weightsBefore == 1:
			if _, there := f.Meta.Extra[PoolPad]; !there {
				f.Meta.Extra[PoolPad] = strconv.Itoa(l.pad)
			}
		}
		if len(l.blobs) == 0 {
			continue
		}
		tensors, err := l.tensors()
		if err == nil && l.kind == "BatchNorm" {
			err = n.fold(l, tensors, f)
		}
		for _, t := range tensors {
			if err == nil {
				err = add(l.name, t.Name, t.Shape, t.Data)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("layer %s: %w", strconv.Quote(l.name), err)
		}
	}
	if len(f.Tensors) == 0 {
		return nil, errors.New("the network has no weights: is it a description that was made binary?")
	}
	return f, nil
}

// tensors are a layer's blobs under the names of what they are.
func (l *layer) tensors() ([]weights.Tensor, error) {
	list := make([]weights.Tensor, len(l.blobs))
	for i, b := range l.blobs {
		list[i] = weights.Tensor{Shape: b.shape, Data: b.data}
	}
	flat := func(i int) { list[i].Shape = []int{len(list[i].Data)} }
	switch l.kind {
	case "Convolution", "InnerProduct", "Scale", "Deconvolution":
		if len(list) > 2 {
			return nil, fmt.Errorf("%d blobs: a %s has weights and biases", len(list), l.kind)
		}
		list[0].Name = "weight"
		switch l.kind {
		case "InnerProduct": // 1×1×out×in in older files
			if l.transposed {
				return nil, errors.New("its weights are stored transposed, which is not read")
			}
			for len(list[0].Shape) > 2 && list[0].Shape[0] == 1 {
				list[0].Shape = list[0].Shape[1:]
			}
			if len(list[0].Shape) != 2 {
				return nil, fmt.Errorf("weights of %d dimensions: should be 2", len(list[0].Shape))
			}
		case "Scale":
			flat(0)
		default:
			if len(list[0].Shape) != 4 {
				return nil, fmt.Errorf("weights of %d dimensions: should be 4", len(list[0].Shape))
			}
		}
		if len(list) == 2 {
			list[1].Name = "bias"
			flat(1)
		}
	case "BatchNorm": // sums over steps, and how much they count
		if len(list) != 3 || len(list[2].Data) != 1 || len(list[0].Data) != len(list[1].Data) {
			return nil, fmt.Errorf("%d blobs: a BatchNorm has mean, variance and their factor", len(list))
		}
		factor := float64(list[2].Data[0])
		for _, t := range list[:2] {
			for i, v := range t.Data {
				if factor != 0 { // Caffe makes zeros of what was never added to
					t.Data[i] = float32(float64(v) / factor)
				} else {
					t.Data[i] = 0
				}
			}
		}
		list[0].Name, list[1].Name = "running_mean", "running_var"
		flat(0)
		flat(1)
		list = list[:2]
	default:
		for i := range list {
			list[i].Name = "blob" + strconv.Itoa(i)
		}
	}
	return list, nil
}

// fold takes the bias of the convolution before a batch normalisation into its mean, which is the same to
// the result: networks have one or the other.
func (n *net) fold(l *layer, norm []weights.Tensor, f *weights.File) error {
	if len(l.bottoms) != 1 {
		return nil
	}
	i := n.source(l)
	if i < 0 || n.layers[i].kind != "Convolution" {
		return nil
	}
	bias := n.layers[i].name + ".bias"
	at := slices.IndexFunc(f.Tensors, func(t weights.Tensor) bool { return t.Name == bias })
	if at < 0 {
		return nil
	}
	if len(f.Tensors[at].Data) != len(norm[0].Data) {
		return fmt.Errorf("%d channels behind a convolution with %d", len(norm[0].Data), len(f.Tensors[at].Data))
	}
	for c, b := range f.Tensors[at].Data {
		norm[0].Data[c] -= b
	}
	f.Tensors = slices.Delete(f.Tensors, at, at+1)
	return nil
}

// source is the layer that makes what l reads, or -1.
func (n *net) source(l *layer) int {
	if len(l.bottoms) == 0 {
		return -1
	}
	for i := l.index - 1; i >= 0; i-- {
		if slices.Contains(n.layers[i].tops, l.bottoms[0]) {
			return i
		}
	}
	return -1
}

// chain says whether every layer with weights sees the one before it, and no other.
func (n *net) chain() bool {
	last := ""
	for i := range n.layers {
		l := &n.layers[i]
		if len(l.bottoms) > 1 && (l.kind == "Concat" || l.kind == "Eltwise") {
			return false
		}
		if len(l.blobs) == 0 || l.kind != "Convolution" && l.kind != "InnerProduct" {
			continue
		}
		// Back through layers without weights, to one that has some. A source stands before what reads it.
		from := n.source(l)
		for from >= 0 && n.layers[from].kind != "Convolution" && n.layers[from].kind != "InnerProduct" {
			from = n.source(&n.layers[from])
		}
		if from >= 0 && n.layers[from].name != last {
			return false
		}
		last = l.name
	}
	return true
}

// finite says whether all are numbers that a weight can be.
func finite(data []float32) bool {
	for _, v := range data {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return false
		}
	}
	return true
}
