package main

import (
	"fmt"
	"image/png"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/augment"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/lettering"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

func newDataShow(a *app) *cobra.Command {
	var augmentation, out, part string
	var seed uint64
	var opts datasets.SheetOptions
	var kinds strings.Builder
	for _, k := range augment.Kinds() {
		fmt.Fprintf(&kinds, "  %-13s %s\n", k.Name, k.About)
	}
	cmd := &cobra.Command{
		Use:   "show NAME[=FOLDER]",
		Short: "Draw a contact sheet of what a network sees",
		Long: `Draw a contact sheet of what a network sees: images of a data set with their classes, as PNG. With --augment
each image has a row: as it is, and then as in so many epochs.

RECIPE is a network's recipe, as in resnet20 or resnet20:paper, or a list of transforms, as in
'crop(4), flip, cutout(size=8)', of these:

` + kinds.String(),
		Example:           "  zoo data show fashion-mnist-small\n  zoo data show cifar-10 --augment 'crop(4), flip' -o sheet.png\n  zoo data show cifar-10 --augment resnet20:paper",
		Args:              arguments(1, 1, "a data set, NAME or NAME=FOLDER"),
		ValidArgsFunction: completeData,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := pngFile("-o", out); err != nil {
				return err
			}
			name, dir, err := dataFlag(args[0])
			if err != nil {
				return err
			}
			aug, err := recipeAugmentation(augmentation, name)
			if err != nil {
				return usage(fmt.Errorf("--augment: %w", err))
			}
			if len(aug) > 0 && !cmd.Flags().Changed("variants") {
				opts.Variants = 6
			}
			if opts.Variants > 1 && !cmd.Flags().Changed("images") {
				opts.Images = 8
			}
			if err := opts.Validate(); err != nil {
				return usage(err)
			}
			src, err := datasets.OpenPart(name, dir, datasets.Part(part))
			if err != nil {
				return dataError(err)
			}
			cfg := datasets.Config{Augment: aug, Seed: seed, Skip: datasets.LeaveOut}
			sheet, err := datasets.Sheet(cmd.Context(), src, cfg, opts)
			if err != nil {
				return err
			}
			a.tellReplaced(src.Info().Classes)
			err = weights.WriteAtomically(out, func(w io.Writer) error { return png.Encode(w, sheet) })
			if err != nil {
				return err
			}
			through := ""
			if len(aug) > 0 {
				through = " through " + aug.String()
			}
			fmt.Fprintf(a.stdout, "%s: images of %v%s, %d×%d pixels\n", out, src.Info(), through, sheet.Rect.Dx(), sheet.Rect.Dy())
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&augmentation, "augment", "", "`RECIPE` that the images go through")
	f.StringVarP(&out, "out", "o", "sheet.png", "file to write")
	f.StringVar(&part, "part", string(datasets.Train), "train, val or test")
	f.IntVar(&opts.Images, "images", 0, "number of images; 0 means 24, or 8 with --augment")
	f.IntVar(&opts.Variants, "variants", 0, "how often each image is shown; 0 means once, or 6 times with --augment")
	f.IntVar(&opts.Tile, "tile", 0, "least size of a picture in pixels; 0 means 96")
	f.Uint64Var(&seed, "seed", 1, "of what is random in the transforms")
	return cmd
}

// tellReplaced says which class names a picture writes otherwise than they are.
func (a *app) tellReplaced(classes []string) {
	if text := lettering.Replaced(classes); text != "" {
		fmt.Fprintln(a.stderr, "note:", text)
	}
}

// recipeAugmentation reads NETWORK, NETWORK:RECIPE with or without the network's _VARIANT, or transforms by their names.
func recipeAugmentation(text, data string) (augment.Spec, error) {
	network, name, chosen := strings.Cut(text, ":")
	m, err := zoo.New(network)
	if err != nil && !chosen {
		return augment.Parse(text)
	}
	if err != nil {
		return nil, err
	}
	if !chosen {
		name = "quick"
	}
	r, err := m.Recipe(name, data)
	if err != nil {
		return nil, err
	}
	return augment.Parse(r.Augment.String())
}
