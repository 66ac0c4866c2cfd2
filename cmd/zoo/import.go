package main

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
)

// importFlags are what the file to import does not say.
type importFlags struct {
	as, out   string
	network   networkFlags // without the number of classes, which is the file's
	mean, std string
	classes   string
	seed      uint64
}

func newImport(a *app) *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import FILE --as NAME -o WEIGHTS",
		Short: "Take over weights of PyTorch: .pth, .pt, .th and .safetensors",
		Long: `Take over weights that were trained with PyTorch: .pth, .pt and .th of all versions, and .safetensors.
Nothing in the file is executed. Tensors have torchvision's names; where some are missing, in excess or
of the wrong shape, they are listed with the nearest candidates.

Images are prepared as torchvision does for ImageNet, unless --mean and --std say otherwise.
(Torchvision's own trained GoogLeNet wants --mean .5,.5,.5 --std .5,.5,.5.)`,
		Example: `  zoo import resnet18-f37072fd.pth --as resnet18 -o resnet18.safetensors
  zoo import resnet18-f37072fd.pth --as resnet18 --classes cats-and-dogs.txt -o start.safetensors`,
		Args: arguments(1, 1, "the file to import"),
		RunE: func(_ *cobra.Command, args []string) error { return a.importWeights(args[0], f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.as, "as", "", "name of the network")
	flags.StringVarP(&f.out, "output", "o", "", "weights file to write")
	flags.StringVar(&f.network.variant, "variant", "", "form of the network, such as paper or torchvision")
	flags.StringVar(&f.network.input, "input", "", "size of an image, as in 3x224x224")
	flags.StringVar(&f.mean, "mean", "", "of the pixels, one number a channel, between 0 and 1")
	flags.StringVar(&f.std, "std", "", "deviation of the pixels, likewise")
	flags.StringVar(&f.classes, "classes", "", "file with the names of the classes, one a line; with another number\nof them than the weights have, the last layer is replaced by a new one")
	flags.Uint64Var(&f.seed, "seed", 1, "of a new last layer's weights")
	_ = cmd.RegisterFlagCompletionFunc("as", completeNetwork)
	return cmd
}

func (a *app) importWeights(path string, f importFlags) error {
	switch "" {
	case f.as:
		return usage(fmt.Errorf("zoo import needs the network's name: --as NAME (zoo list shows them)"))
	case f.out:
		return usage(fmt.Errorf("zoo import needs a file to write: -o WEIGHTS"))
	}
	opts, err := f.network.options()
	if err != nil {
		return err
	}
	m, err := zoo.New(f.as, opts...)
	if err != nil {
		return usage(err)
	}
	c := infer.ImportConfig{Seed: f.seed}
	if c.Preprocessing, err = f.preprocessing(m); err != nil {
		return usage(err)
	}
	if f.classes != "" {
		if c.ClassNames, err = readClasses(f.classes); err != nil {
			return err
		}
	}
	r, err := weights.Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	got, err := infer.Import(r, m, c)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := weights.Save(f.out, got.File); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "%s: %s (%s), %s parameters, %d classes, from %s (%s)\n", f.out,
		m.Name, m.Variant, report.Group(got.Parameters), got.Model.Classes, path, r.Format())
	if got.NewHead {
		fmt.Fprintf(a.stdout, "The last layer is new and has to be trained: zoo train %s --init %s\n", m.Name, f.out)
	}
	return nil
}

// preprocessing is torchvision's with the flags' numbers in place of its own.
func (f *importFlags) preprocessing(m *zoo.Model) (*weights.Preprocessing, error) {
	p := infer.TorchvisionPreprocessing(m.Input)
	for _, flag := range []struct {
		name, value string
		to          func(list []float32)
	}{
		{"mean", f.mean, func(list []float32) { p.Mean = list }},
		{"std", f.std, func(list []float32) { p.Std = list }},
	} {
		if flag.value == "" {
			continue
		}
		if p == nil {
			return nil, fmt.Errorf("--%s: the input of %s, %s, is no image", flag.name, m.Name, report.Shape(m.Input))
		}
		var list []float32
		for part := range strings.SplitSeq(flag.value, ",") {
			v, err := strconv.ParseFloat(strings.TrimSpace(part), 32)
			if err != nil || v-v != 0 || flag.name == "std" && v <= 0 {
				return nil, fmt.Errorf("--%s %s: should be one number a channel, as in 0.485,0.456,0.406", flag.name, flag.value)
			}
			list = append(list, float32(v))
		}
		if len(list) != m.Input[0] {
			return nil, fmt.Errorf("--%s %s: %d numbers for %d channels", flag.name, flag.value, len(list), m.Input[0])
		}
		flag.to(list)
	}
	return p, nil
}

// synset is the WordNet number that lists of ImageNet's classes put before the names.
var synset = regexp.MustCompile(`^n\d{8}\s+`)

// readClasses reads names, one a line.
func readClasses(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var names []string
	for line := range bytes.Lines(bytes.TrimSpace(text)) {
		name := strings.TrimSpace(synset.ReplaceAllString(string(line), ""))
		if name == "" {
			return nil, fmt.Errorf("%s: line %d is empty: should be the name of a class", path, len(names)+1)
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s: no names of classes", path)
	}
	return names, nil
}
