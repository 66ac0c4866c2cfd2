package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gorgonia-zoo/gorgonia-zoo/train"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
)

// isONNX reports whether an argument names an ONNX model.
func isONNX(arg string) bool { return strings.EqualFold(filepath.Ext(arg), ".onnx") }

// architecture describes a network by its name, or the one in an ONNX model.
func architecture(arg string, opts ...zoo.Option) (*zoo.Model, error) {
	if !isONNX(arg) {
		m, err := zoo.New(arg, opts...)
		if _, unknown := zoo.Lookup(arg); unknown != nil && (strings.ContainsAny(arg, `/\`) || exists(arg) == nil) { // a path is meant
			if err := exists(arg); err != nil {
				return nil, err
			}
			return nil, usage(fmt.Errorf("%s: neither the name of a network nor an ONNX model, FILE.onnx: zoo list shows the names", arg))
		}
		return m, usage(err)
	}
	var asked zoo.Options
	for _, f := range opts {
		f(&asked)
	}
	r, err := infer.OpenONNX(arg, asked.Input)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	m, err := infer.Stored(r.Meta())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", arg, err)
	}
	m, err = zoo.New(m.Name, append([]zoo.Option{zoo.WithOptions(m.Options)}, opts...)...)
	return m, usage(err)
}

// stored makes the network again that a weights file belongs to.
func stored(m weights.Meta) (train.Network, error) {
	if m.Network == "" {
		return train.Network{}, fmt.Errorf("the file does not say which network it belongs to")
	}
	o, err := options(m.Options)
	if err != nil {
		return train.Network{}, err
	}
	model, err := zoo.New(m.Network, zoo.WithOptions(o))
	if err != nil {
		return train.Network{}, err
	}
	return train.Of(model), nil
}

// options reads a network's options; an unknown one is an error.
func options(text json.RawMessage) (zoo.Options, error) {
	var o zoo.Options
	if len(text) == 0 {
		return o, nil
	}
	var given map[string]json.RawMessage
	if err := json.Unmarshal(text, &given); err != nil {
		return o, fmt.Errorf("options of the network: %w", err)
	}
	var known []string
	for _, f := range reflect.VisibleFields(reflect.TypeFor[zoo.Options]()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		known = append(known, name)
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(known, name) {
			return o, unknown("option of the network", name, known, "there are "+strings.Join(known, ", "))
		}
		one, err := json.Marshal(map[string]json.RawMessage{name: given[name]})
		if err == nil {
			err = json.Unmarshal(one, &o)
		}
		if err != nil {
			return o, fmt.Errorf("option %s of the network cannot be %s", name, given[name])
		}
	}
	return o, nil
}

// networkFlags choose a form of a network.
type networkFlags struct {
	variant string
	input   string
	classes int
}

func (f *networkFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.variant, "variant", "", "form of the network, such as paper or torchvision")
	cmd.Flags().StringVar(&f.input, "input", "", "size of an image, as in 3x224x224")
	cmd.Flags().IntVar(&f.classes, "classes", 0, "number of classes")
}

func (f *networkFlags) options() ([]zoo.Option, error) {
	var list []zoo.Option
	if f.variant != "" {
		list = append(list, zoo.Variant(f.variant))
	}
	if f.classes != 0 {
		list = append(list, zoo.Classes(f.classes))
	}
	if f.input != "" {
		parts := strings.Split(f.input, "x")
		var size [3]int
		for i := range size {
			if len(parts) != 3 {
				break
			}
			size[i], _ = strconv.Atoi(parts[i])
		}
		if min(size[0], size[1], size[2]) < 1 {
			return nil, usage(fmt.Errorf("--input %s: should be channels, height and width, as in 3x224x224", f.input))
		}
		list = append(list, zoo.Input(size[0], size[1], size[2]))
	}
	return list, nil
}

// completeNetwork completes the name of a network on the command line.
func completeNetwork(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, e := range zoo.List() {
		names = append(names, e.Name+"\t"+e.Title)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// printJSON writes one object for a program to read.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
