package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

func newExport(a *app) *cobra.Command {
	var out string
	var fold bool
	// The kinds of file that are written, by their endings.
	exporters := []struct {
		ending string
		write  func(to string, f *weights.File) error
	}{
		{".safetensors", weights.Save},
		{".pth", weights.SavePyTorch},
		{".pt", weights.SavePyTorch},
		{".onnx", func(to string, f *weights.File) error { return zoo.SaveONNX(to, f, fold) }},
		{".dot", exportDot},
	}
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
                 N×C×H×W, output "output", preprocessing and class names in the metadata
  .dot           a drawing of the network for Graphviz, without weights

A run stands for its best weights.`,
		Example: `  zoo export runs/resnet18-photos/001 -o resnet18.pth`,
		Args:    arguments(1, 1, "a run or a weights file"),
		RunE: func(_ *cobra.Command, args []string) error {
			if out == "" {
				return usage(errors.New("zoo export needs a file to write: -o FILE"))
			}
			ending := strings.ToLower(filepath.Ext(out))
			i := slices.Index(endings, ending)
			if i < 0 {
				return usage(fmt.Errorf("-o %s: the ending should be one of %s", out, strings.Join(endings, ", ")))
			}
			if fold && ending != ".onnx" {
				return usage(fmt.Errorf("--fold is for .onnx, not for %s", ending))
			}
			path, _, err := find(args[0])
			if err != nil {
				return err
			}
			r, err := openWeights(path)
			if err != nil {
				return err
			}
			defer r.Close()
			f, err := r.ReadAll()
			if err != nil {
				return err
			}
			if err := exporters[i].write(out, f); err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.stdout, "%s: %d tensors of %s\n", out, len(f.Tensors), path)
			return err
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "file to write")
	cmd.Flags().BoolVar(&fold, "fold", false, "in .onnx, compute batch normalisation into the convolutions")
	return cmd
}

func exportDot(to string, f *weights.File) error {
	m, err := zoo.Stored(f.Meta)
	if err != nil {
		return err
	}
	r, err := zoo.Inspect(m)
	if err != nil {
		return err
	}
	return weights.WriteAtomically(to, func(w io.Writer) error { return dot(w, r) })
}
