package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gorgonia-zoo/gorgonia-zoo/train"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/onnx"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
)

type exportFlags struct {
	out, data                       string
	fold, half, softmax, card, last bool
}

// An exporter writes one kind of file.
type exporter struct {
	ending string
	write  func(to string, f *weights.File, flags exportFlags) error
}

var exporters = []exporter{
	{".safetensors", func(to string, f *weights.File, flags exportFlags) error {
		if flags.half {
			return weights.SaveHalf(to, f)
		}
		return weights.Save(to, f)
	}},
	{".pth", func(to string, f *weights.File, _ exportFlags) error { return weights.SavePyTorch(to, f) }},
	{".pt", func(to string, f *weights.File, _ exportFlags) error { return weights.SavePyTorch(to, f) }},
	{".onnx", func(to string, f *weights.File, flags exportFlags) error {
		return infer.SaveONNX(to, f, onnx.Config{Fold: flags.fold, Softmax: flags.softmax, Half: flags.half, Version: version()})
	}},
	{".dot", func(to string, f *weights.File, _ exportFlags) error { return exportDot(to, f) }},
}

func newExport(a *app) *cobra.Command {
	var flags exportFlags
	var endings []string
	for _, e := range exporters {
		endings = append(endings, e.ending)
	}
	cmd := &cobra.Command{
		Use:   "export RUN|WEIGHTS -o FILE",
		Short: "Write weights for other programs: " + strings.Join(endings, ", "),
		Long: `Write weights for other programs. The ending of FILE chooses the kind:

  .safetensors   tensors under torchvision's names, with our metadata
  .pth, .pt      what PyTorch loads with torch.load, and load_state_dict takes with strict=True
  .onnx          the network with its weights for ONNX Runtime and other engines: input "input",
                 N×C×H×W, output "logits", preprocessing and class names in the metadata
  .dot           a drawing of the network for Graphviz, without weights

A run stands for its best weights, or with --last for those after its last epoch. One of several members,
and an ensemble that is part of the program, become a file each: NAME-m1.safetensors, NAME-m2.safetensors and so on.

--card writes NAME.md beside a .safetensors file: network, data, command, and the error of the weights as
they are in the file, measured on the test images. What was measured becomes part of the metadata.`,
		Example: `  zoo export runs/resnet18-photos/001 -o resnet18.pth
  zoo export runs/lenet5-fashion-mnist/001 --last --half --card -o lenet5-fashion-mnist.safetensors`,
		Args: arguments(1, 1, "a run or a weights file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if flags.out == "" {
				return usage(errors.New("zoo export needs a file to write: -o FILE"))
			}
			ending := filepath.Ext(flags.out)
			i := slices.Index(endings, strings.ToLower(ending))
			if i < 0 {
				return usage(fmt.Errorf("-o %s: the ending should be one of %s", flags.out, strings.Join(endings, ", ")))
			}
			for _, f := range []struct {
				name   string
				set    bool
				ending string
			}{{"fold", flags.fold, ".onnx"}, {"softmax", flags.softmax, ".onnx"}, {"card", flags.card, ".safetensors"}} {
				if f.set && f.ending != endings[i] {
					return usage(fmt.Errorf("--%s is for %s, not for %s", f.name, f.ending, endings[i]))
				}
			}
			if flags.half && !slices.Contains([]string{".safetensors", ".onnx"}, endings[i]) {
				return usage(fmt.Errorf("--half is for .safetensors and .onnx, not for %s", endings[i]))
			}
			if flags.data != "" && !flags.card {
				return usage(errors.New("--data is for --card"))
			}
			if err := a.have(cmd.Context(), args[0]); err != nil {
				return err
			}
			list, err := exported(args[0], flags)
			if err != nil {
				return err
			}
			if flags.card {
				if err := a.writeCard(cmd.Context(), list, flags, exporters[i].write); err != nil {
					return err
				}
			}
			for _, e := range list {
				if !flags.card { // which has written them
					if err := exporters[i].write(e.to, e.file, flags); err != nil {
						return err
					}
				}
				if _, err := fmt.Fprintf(a.stdout, "%s: %d tensors of %s\n", e.to, len(e.file.Tensors), e.from); err != nil {
					return err
				}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVarP(&flags.out, "output", "o", "", "file to write")
	f.BoolVar(&flags.fold, "fold", false, "in .onnx, compute batch normalisation into the convolutions")
	f.BoolVar(&flags.softmax, "softmax", false, "in .onnx, probabilities in place of logits, as the output \"probabilities\"")
	f.BoolVar(&flags.half, "half", false, "in .safetensors and .onnx, weights as 16-bit floats")
	f.BoolVar(&flags.card, "card", false, "evaluate the weights, and write a card beside them")
	f.BoolVar(&flags.last, "last", false, "of a run, the weights after the last epoch in place of the best")
	f.StringVar(&flags.data, "data", "", "where --card finds the test images, NAME or NAME=FOLDER, in place of the run's place")
	return cmd
}

// An exportedFile is one file on its way from one place to another.
type exportedFile struct {
	from, to string
	file     *weights.File
	data     source
}

// exported reads what an argument stands for.
func exported(arg string, flags exportFlags) ([]exportedFile, error) {
	args, err := expand([]string{arg}, 0)
	if err != nil {
		return nil, err
	}
	var list []exportedFile
	for i, arg := range args {
		e := exportedFile{to: flags.out}
		if len(args) > 1 {
			ending := filepath.Ext(flags.out)
			e.to = fmt.Sprintf("%s-m%d%s", strings.TrimSuffix(flags.out, ending), i+1, ending)
		}
		if e.from, e.data, err = find(arg); err != nil {
			return nil, err
		}
		run := runOf(e.from)
		if flags.last && run != "" && e.from != arg {
			e.from = filepath.Join(run, report.LastFile)
		}
		r, err := openWeights(e.from)
		if err != nil {
			return nil, err
		}
		if e.file, err = r.ReadAll(); err == nil {
			err = r.Finite(e.file)
		}
		r.Close()
		if err != nil {
			return nil, err
		}
		if command := runCommand(run); command != "" {
			e.file.Meta.Command = command
		}
		list = append(list, e)
	}
	return list, nil
}

// somewhere is an absolute path in a command, by itself or as in NAME=PATH.
var somewhere = regexp.MustCompile(` (?:'([^ '=]+=)?/[^']*'|([^ '=]+=)?/[^ ']*)`)

// runCommand is what a run was started with, or the ensemble that it is a member of, with FOLDER or FILE
// in the place of what is somewhere on this machine.
func runCommand(run string) string {
	if run == "" {
		return ""
	}
	command := train.Command(run)
	if command == "" {
		command = train.Command(filepath.Dir(run))
	}
	return somewhere.ReplaceAllStringFunc(command, func(match string) string {
		m := somewhere.FindStringSubmatch(match)
		if ending := filepath.Ext(strings.Trim(match, " '")); ending != "" {
			return " " + m[1] + m[2] + "FILE" + ending
		}
		return " " + m[1] + m[2] + "FOLDER"
	})
}

func exportDot(to string, f *weights.File) error {
	m, err := infer.Stored(f.Meta)
	if err != nil {
		return err
	}
	r, err := zoo.Inspect(m)
	if err != nil {
		return err
	}
	return weights.WriteAtomically(to, func(w io.Writer) error { return dot(w, r) })
}
