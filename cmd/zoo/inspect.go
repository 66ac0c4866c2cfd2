package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

func newInspect(a *app) *cobra.Command {
	var asJSON, asDot bool
	var conv string
	var flags networkFlags
	cmd := &cobra.Command{
		Use:   "inspect NAME|FILE.onnx",
		Short: "Show a network layer by layer: arithmetic, shapes, parameters, multiply-adds",
		Example: `  zoo inspect vgg16
  zoo inspect model.onnx
  zoo inspect --conv 36x36x3,5x5,10,stride=1,pad=0`,
		Args: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("conv") {
				return arguments(0, 0, "")(cmd, args)
			}
			return arguments(1, 1, "the name of a network, or an ONNX model")(cmd, args)
		},
		ValidArgsFunction: completeNetwork,
		RunE: func(cmd *cobra.Command, args []string) error {
			if asJSON && asDot {
				return usage(errors.New("--json and --dot: one of them only"))
			}
			if len(args) == 0 {
				for _, name := range []string{"dot", "variant", "input", "classes"} {
					if cmd.Flags().Changed(name) {
						return usage(fmt.Errorf("--%s is for networks, not for --conv", name))
					}
				}
				return a.inspectConv(conv, asJSON)
			}
			opts, err := flags.options()
			if err != nil {
				return err
			}
			m, err := architecture(args[0], opts...)
			if err != nil {
				return err
			}
			r, err := zoo.Inspect(m)
			if err != nil {
				return usage(err)
			}
			switch {
			case asJSON:
				return a.printJSON(r)
			case asDot:
				return dot(a.stdout, r)
			}
			inspect(a.stdout, r)
			return nil
		},
	}
	flags.add(cmd)
	cmd.Flags().StringVar(&conv, "conv", "", "one convolution in place of a network: input's height x width x channels,\nfilter, number of filters, then stride=1, pad=0, groups=1, dilation=1")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one object")
	cmd.Flags().BoolVar(&asDot, "dot", false, "print a drawing for Graphviz: zoo inspect NAME --dot | dot -Tsvg")
	return cmd
}

func inspect(w io.Writer, r zoo.Report) {
	fmt.Fprintf(w, "%s (%s), input %s, %d classes\n\n", r.Name, r.Variant, report.Shape(r.Input), r.Classes)
	t := newTable(w, "Layer", "Kind", "Output", "Size of the output", "Parameters", "Multiply-adds", "Memory")
	t.SetColumnConfigs(right(5, 6, 7))
	t.spares("Memory", "Kind", "Size of the output", "Multiply-adds")
	for _, l := range r.Layers {
		t.AppendRow(table.Row{l.Name, l.Kind, dims(l.Out), l.Formula, count(l.Parameters), count(l.MACs), report.Bytes(l.Bytes)})
	}
	t.AppendFooter(table.Row{"total", "", "", "", report.Group(r.Parameters), report.Group(r.MACs), report.Bytes(r.Bytes)})
	t.Render()
	if r.Auxiliary > 0 {
		fmt.Fprintln(w)
		sentence(w, "Classifiers on inner layers, in training only: %s more parameters.", report.Group(r.Auxiliary))
	}
	if r.Buffers > 0 {
		fmt.Fprintln(w)
		sentence(w, "Kept but not trained (running statistics and constants): %s numbers.", report.Group(r.Buffers))
	}
}

// count leaves out what is zero.
func count(n int64) string {
	if n == 0 {
		return ""
	}
	return report.Group(n)
}

func dims(shape []int) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(shape), " ", "×"), "[]")
}

// dot writes the layers as a graph in Graphviz's language, data flowing down.
func dot(w io.Writer, r zoo.Report) error {
	var b strings.Builder
	fmt.Fprintf(&b, "digraph %q {\n\tnode [shape=box, style=rounded, fontname=\"sans-serif\"];\n", r.Name)
	fmt.Fprintf(&b, "\tinput [label=\"image\\n%s\"];\n", report.Shape(r.Input))
	for i, l := range r.Layers {
		label := l.Kind
		if l.Name != "" && !strings.HasPrefix(l.Name, l.Kind+" ") { // which says its kind and a number
			label = l.Name + "\\n" + l.Kind
		}
		fmt.Fprintf(&b, "\tn%d [label=\"%s\\n%s\"];\n", i, label, dims(l.Out))
		for _, from := range l.From {
			if from < 0 {
				fmt.Fprintf(&b, "\tinput -> n%d;\n", i)
			} else {
				fmt.Fprintf(&b, "\tn%d -> n%d;\n", from, i)
			}
		}
	}
	b.WriteString("}\n")
	_, err := io.WriteString(w, b.String())
	return err
}
