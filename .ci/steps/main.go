// Command steps runs a network, or one layer, for inference a given number of times on one thread: what is counted or timed
// from outside. Weights and image are the same each time.
//
//	go run ./.ci/steps -runs 2 resnet18
//	go run ./.ci/steps -runs 2 conv:64,56,64,3,1,1     channels, size of the map, filters, kernel, stride, groups
//	go run ./.ci/steps -runs 2 dense:9216,4096
//	go run ./.ci/steps -onnx FILE resnet18             writes the network, with weights that are drawn, and does not run it
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/onnx"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
)

func main() {
	runs, batch := flag.Int("runs", 1, "how often"), flag.Int("batch", 1, "images at a time")
	to := flag.String("onnx", "", "file to write the network to")
	flag.Parse()
	run := func() error { return steps(flag.Arg(0), *batch, *runs) }
	if *to != "" {
		run = func() error { return export(flag.Arg(0), *to) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "steps:", err)
		os.Exit(1)
	}
}

func steps(what string, batch, runs int) error {
	if err := kernel.FamilyError(); err != nil {
		return err
	}
	params := graph.NewParams()
	b := graph.NewBuilder(params, graph.Eval)
	input, build, err := parse(what)
	if err != nil {
		return err
	}
	x := b.Input("x", append([]int{batch}, input...)...)
	y, err := build(b, x)
	if err = errors.Join(err, b.Err()); err != nil {
		return err
	}
	pool := kernel.NewPool(1)
	defer pool.Close()
	s, err := graph.Compile(b, []*gorgonia.Node{y}, graph.Config{Pool: pool})
	if err != nil {
		return err
	}
	// Small numbers of either sign: cheap to make, as what is counted is the difference between numbers of runs.
	fill := func(data []float32, scale float32) {
		for i := range data {
			data[i] = scale * float32(i*7919%64-31) / 32
		}
	}
	for _, p := range params.All() {
		p.Data = make([]float32, p.Len())
		fill(p.Data, 0.05)
		if strings.Contains(p.Name, "var") {
			for i := range p.Data {
				p.Data[i] = 1
			}
		}
	}
	params.Changed()
	image := make([]float32, x.Shape().TotalSize())
	fill(image, 1)
	if err := s.Bind(x, image); err != nil {
		return err
	}
	for range runs {
		if err := s.Run(); err != nil {
			return err
		}
	}
	fmt.Printf("%s, %s kernels, %d runs: first result %g\n", what, kernel.CurrentFamily(), runs, s.Value(y)[0])
	return nil
}

// export writes a network as an ONNX model.
func export(name, to string) error {
	m, err := zoo.New(name)
	if err != nil {
		return err
	}
	params, err := m.Params(graph.Eval)
	if err != nil {
		return err
	}
	params.Init(1)
	options, err := json.Marshal(m.Options)
	if err != nil {
		return err
	}
	f := &weights.File{Meta: weights.Meta{Network: m.Name, Variant: m.Variant, Options: options, Input: m.Input[:], Classes: m.Classes}}
	for _, p := range params.All() {
		f.Tensors = append(f.Tensors, weights.Tensor{Name: p.Name, Shape: p.Shape, Data: p.Data})
	}
	return infer.SaveONNX(to, f, onnx.Config{})
}

// parse returns the shape of an image, and what builds the network.
func parse(what string) ([]int, func(b *graph.Builder, x *gorgonia.Node) (*gorgonia.Node, error), error) {
	kind, sizes, layer := strings.Cut(what, ":")
	if !layer {
		m, err := zoo.New(what)
		if err != nil {
			return nil, nil, err
		}
		return m.Input[:], m.Build, nil
	}
	var n [6]int
	if kind == "dense" {
		if _, err := fmt.Sscanf(sizes, "%d,%d", &n[0], &n[1]); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", what, err)
		}
		return n[:1], func(b *graph.Builder, x *gorgonia.Node) (*gorgonia.Node, error) {
			return b.Dense(x, "layer", n[1]), nil
		}, nil
	}
	if _, err := fmt.Sscanf(sizes, "%d,%d,%d,%d,%d,%d", &n[0], &n[1], &n[2], &n[3], &n[4], &n[5]); err != nil || kind != "conv" {
		return nil, nil, fmt.Errorf("%s: neither a network nor a layer: %w", what, err)
	}
	return []int{n[0], n[1], n[1]}, func(b *graph.Builder, x *gorgonia.Node) (*gorgonia.Node, error) {
		// Networks go from layer to layer in the blocked layout: conversions are theirs once, not a layer's.
		return b.GlobalAvgPool(b.ReLU(b.Conv(b.ReLU(x), "layer", n[2], n[3], graph.Pad(n[3]/2), graph.Stride(n[4]), graph.Groups(n[5])))), nil
	}, nil
}
