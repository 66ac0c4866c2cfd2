package main

import (
	"context"
	"errors"
	"fmt"
	"image/png"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/explain"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
)

// explainOptions are the flags of zoo explain.
type explainOptions struct {
	how    string
	layer  string
	class  string
	out    string
	steps  int
	size   int
	seed   uint64
	maps   int
	images []string

	features []int
	beside   []string
	data     string
	part     string
	numbers  []int
	limit    int
}

func newExplain(a *app) *cobra.Command {
	var o explainOptions
	var list strings.Builder
	for _, w := range ways {
		fmt.Fprintf(&list, "  %-15s %s\n", w.name, w.note)
	}
	cmd := &cobra.Command{
		Use:   "explain NAME|RUN|FILE [IMAGE...] --how WAY -o FILE.png",
		Short: "Show what a network looks at",
		Long: `Show what a network looks at, as a picture. The ways are

` + list.String() + `
--class is a class's name or number; without it the most probable one is explained. --layer is one of
those that zoo inspect lists. A file that ends in .gif shows maximise, dream and invert step by step, and
epochs and filters epoch by epoch.

With --data, --image takes images of a data set by their numbers. Without numbers deconvnet shows the nine
patches of all its images that excite a feature most, and epochs the strongest answer of each epoch.`,
		Example: `  zoo explain resnet18.safetensors cat.jpg --how gradcam -o cat.png
  zoo explain alexnet --how filters --beside squeezenet -o filters.png
  zoo explain lenet5-fashion-mnist --how deconvnet --layer 'relu 2' --data fashion-mnist-small -o patches.png`,
		Args: arguments(1, -1, "weights"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.images = args[1:]
			return a.explain(cmd.Context(), args[0], o)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.how, "how", "gradcam", "the way")
	flags.StringVar(&o.layer, "layer", "", "a layer's name")
	flags.StringVar(&o.class, "class", "", "a class's name or number")
	flags.StringVarP(&o.out, "output", "o", "", "picture to write: .png, or .gif for step by step")
	flags.IntVar(&o.steps, "steps", 0, "of maximise, dream (in each size) and invert; 0 is the usual")
	flags.IntVar(&o.size, "size", 0, "of the square that occlusion covers with, in pixels; 0 is a quarter of the side")
	flags.IntVar(&o.maps, "maps", 32, "maps or features to show at most")
	flags.IntSliceVar(&o.features, "feature", nil, "features of --layer, by their numbers")
	flags.StringArrayVar(&o.beside, "beside", nil, "`WEIGHTS` whose filters are shown beside; can be given several times")
	flags.StringVar(&o.data, "data", "", "data set, NAME or NAME=FOLDER, or a FOLDER, whose images are looked at")
	flags.StringVar(&o.part, "part", string(datasets.Test), "`PART` of the data set, val or test or train")
	flags.IntSliceVar(&o.numbers, "image", nil, "images of the data set to explain, by their numbers from 0")
	flags.IntVar(&o.limit, "limit", 0, "look at that many images of the data set only; 0 is all")
	flags.Uint64Var(&o.seed, "seed", 1, "of what is random in maximise, dream and invert")
	cmd.RegisterFlagCompletionFunc("how", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var names []string
		for _, w := range ways {
			names = append(names, w.name+"\t"+w.note)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	})
	return cmd
}

func (a *app) explain(ctx context.Context, arg string, o explainOptions) error {
	at := slices.IndexFunc(ways, func(w way) bool { return w.name == o.how })
	if at < 0 {
		var names []string
		for _, w := range ways {
			names = append(names, w.name)
		}
		return usage(unknown("--how", o.how, names, "there are "+strings.Join(names, ", ")))
	}
	w := ways[at]
	if err := o.check(w); err != nil {
		return usage(err)
	}
	if len(o.beside) > 0 {
		sheet, err := a.beside(ctx, o, append([]string{arg}, o.beside...))
		if err != nil {
			return layerIsUsage(fmt.Errorf("--how %s: %w", w.name, err))
		}
		return a.writeExplained(o.out, sheet, true, func(to io.Writer) error { return drawSheet(to, sheet) })
	}
	c, err := a.classifier(ctx, arg)
	if err != nil {
		return err
	}
	defer c.Close()
	e := &explaining{o: o, s: explain.Of(c), class: -1, epochs: keptEpochs(arg)}
	if o.class != "" {
		if e.class, err = classOf(e.s, o.class); err != nil {
			return usage(err)
		}
	}
	if o.data != "" {
		if e.many, err = openMany(c, o); err != nil {
			return err
		}
	}
	e.note = w.note
	if o.layer != "" {
		e.note = strings.NewReplacer("--class, or ", "", "--layer", o.layer).Replace(e.note)
	}
	e.note = strings.NewReplacer(", or of --layer", "", ", or --layer,", "", "--layer", "the last layer with maps", "--class", "the class", ", or --feature", "",
		": a run with weights of epochs, and images", "").Replace(e.note)
	e.title = c.Model().Name + ": " + w.name
	sheet := explain.Sheet{Title: e.title, Side: 224}
	err = e.each(c, func() error {
		panels, err := w.panels(ctx, e)
		if err != nil {
			return layerIsUsage(fmt.Errorf("--how %s: %w", w.name, err))
		}
		sheet.Panels = append(sheet.Panels, panels...)
		sheet.Columns = e.columns
		if len(o.images)+len(o.numbers) > 1 {
			sheet.Columns = len(panels)
		}
		return nil
	})
	if err != nil {
		return err
	}
	sheet.Note = e.note
	switch w.name {
	case "filters", "maps":
		sheet.Side = 64
	case "epochs":
		sheet.Side = 112
	}
	return a.writeExplained(o.out, sheet, w.name != "filters" && w.name != "maps", func(to io.Writer) error {
		if e.animated() {
			return e.animate(to)
		}
		return drawSheet(to, sheet)
	})
}

// check says what does not fit together.
func (o explainOptions) check(w way) error {
	ending := strings.ToLower(filepath.Ext(o.out))
	images := len(o.images) + len(o.numbers)
	overData := w.name == "deconvnet" || w.name == "epochs" // can do without an image
	switch {
	case o.out == "":
		return errors.New("zoo explain needs a file to write: -o FILE.png")
	case ending != ".png" && ending != ".gif":
		return fmt.Errorf("-o %s: should end in .png or .gif", o.out)
	case ending == ".gif" && !w.steps:
		return fmt.Errorf("-o %s: %s has no steps: .png", o.out, w.name)
	case len(o.beside) > 0 && w.name != "filters":
		return fmt.Errorf("--beside is for --how filters, not %s", w.name)
	case len(o.beside) > 0 && ending == ".gif":
		return fmt.Errorf("-o %s: --beside is one picture: .png", o.out)
	case len(o.numbers) > 0 && o.data == "":
		return fmt.Errorf("--image %d: of which data set? --data", o.numbers[0])
	case len(o.features) > 0 && w.name != "deconvnet" && w.name != "epochs" && w.name != "maximise" && w.name != "dream":
		return fmt.Errorf("--feature is not for --how %s", w.name)
	case o.limit < 0:
		return fmt.Errorf("--limit %d: should be at least 1, or 0 for all", o.limit)
	case o.data != "" && images == 0 && !overData:
		return fmt.Errorf("--how %s: which image of %s? --image 0", w.name, o.data)
	case w.images && images == 0 && o.data == "":
		return fmt.Errorf("--how %s needs an image: a file, or --data and --image", w.name)
	case !w.images && w.name != "maximise" && images > 0, ending == ".gif" && images > 1, w.name == "epochs" && images > 1:
		return fmt.Errorf("%s: too many for --how %s", report.Plural(images, "image"), w.name)
	}
	for _, f := range o.features {
		if f < 0 {
			return fmt.Errorf("--feature %d: features are numbered from 0", f)
		}
	}
	return nil
}

// each calls f with every image that is asked for, of files and of the data, and once where there is none.
func (e *explaining) each(c *infer.Classifier, f func() error) (err error) {
	for _, file := range e.o.images {
		if e.x, err = prepared(c, file); err != nil {
			return err
		}
		e.caption = filepath.Base(file)
		if err := f(); err != nil {
			return err
		}
	}
	many := e.many
	if len(e.o.images)+len(e.o.numbers) > 0 {
		e.many = nil // these are what it is about
	}
	for _, n := range e.o.numbers {
		if n < 0 || n >= many.src.Len() {
			return usage(fmt.Errorf("--image %d: %v has %d, numbered from 0", n, many.src.Info(), many.src.Len()))
		}
		if e.x, err = many.one(n); err != nil {
			return err
		}
		e.caption = many.named(n)
		if err := f(); err != nil {
			return err
		}
	}
	if len(e.o.images)+len(e.o.numbers) == 0 {
		return f()
	}
	return nil
}

func drawSheet(to io.Writer, sheet explain.Sheet) error {
	img, err := sheet.Draw()
	if err != nil {
		return err
	}
	return png.Encode(to, img)
}

// writeExplained writes the picture, and what stands below its parts.
func (a *app) writeExplained(out string, sheet explain.Sheet, captions bool, write func(io.Writer) error) error {
	if err := weights.WriteAtomically(out, write); err != nil {
		return err
	}
	var written []string
	for _, p := range sheet.Panels {
		written = append(written, p.Caption)
	}
	a.tellReplaced(written)
	for _, p := range sheet.Panels {
		if p.Caption != "" && captions {
			fmt.Fprintln(a.stdout, p.Caption)
		}
	}
	fmt.Fprintln(a.stdout, out)
	return nil
}

// classOf finds a class by name or number.
func classOf(s *explain.Subject, asked string) (int, error) {
	if at := slices.Index(s.Classes, asked); at >= 0 {
		return at, nil
	}
	if n, err := strconv.Atoi(asked); err == nil && n >= 0 && n < len(s.Classes) {
		return n, nil
	}
	if near := weights.Nearest(asked, s.Classes); near != "" {
		return 0, fmt.Errorf("--class %s: did you mean %s?", asked, near)
	}
	return 0, fmt.Errorf("--class %s: the network has %d classes, %s and so on", asked, len(s.Classes), strings.Join(s.Classes[:min(len(s.Classes), 3)], ", "))
}

// prepared reads an image file as the network takes it.
func prepared(c *infer.Classifier, file string) ([]float32, error) {
	data, err := readImage(nil, file)
	if err != nil {
		return nil, err
	}
	in := c.Input()
	x := make([]float32, in[0]*in[1]*in[2])
	if err := c.PrepareFile(x, data); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return x, nil
}

// layerIsUsage marks the name of a layer that there is not as the command line's fault.
func layerIsUsage(err error) error {
	if errors.As(err, new(*explain.LayerError)) {
		return usage(err)
	}
	return err
}
