package main

import (
	"context"
	"fmt"
	"image"
	"image/gif"
	"image/png"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

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
}

// A way of explaining: what it needs, and how its pictures are made.
type way struct {
	name, note string
	images     bool // it is about an image
	panels     func(context.Context, *explaining) ([]explain.Panel, error)
}

// explaining is a network and an image of it.
type explaining struct {
	o       explainOptions
	s       *explain.Subject
	x       []float32 // nil where the way needs no image
	class   int       // that is asked for; -1 is the most probable
	caption string    // of the image
	frames  []*image.RGBA
}

var ways = []way{
	{"filters", "the filters of the first convolution, or of --layer", false, filtersOf},
	{"maps", "what --layer makes of the image", true, mapsOf},
	{"occlusion", "how the answer changes when a part of the image is covered", true, occlusionOf},
	{"saliency", "how each pixel moves the answer", true, saliencyOf},
	{"guided", "guided backpropagation", true, guidedOf},
	{"gradcam", "where --layer sees evidence", true, gradCAMOf},
	{"guided-gradcam", "both together", true, guidedGradCAMOf},
	{"deconvnet", "what made the strongest features of --layer answer", true, deconvnetOf},
	{"maximise", "an image that --class, or --layer, answers to most", false, maximiseOf},
	{"invert", "an image that --layer cannot tell from this one", true, invertOf},
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
those that zoo inspect lists. A file that ends in .gif shows maximise and invert step by step.`,
		Example: `  zoo explain resnet18.safetensors cat.jpg --how gradcam -o cat.png
  zoo explain alexnet.safetensors --how filters -o filters.png`,
		Args: arguments(1, -1, "weights"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault
		},
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
	flags.IntVar(&o.steps, "steps", 0, "of maximise and invert; 0 is the usual")
	flags.IntVar(&o.size, "size", 0, "of the square that occlusion covers with, in pixels; 0 is a quarter of the side")
	flags.IntVar(&o.maps, "maps", 32, "maps or features to show at most")
	flags.Uint64Var(&o.seed, "seed", 1, "of the noise that maximise and invert begin with")
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
		return usage(unknown("way", "--how "+o.how, names, "there are "+strings.Join(names, ", ")))
	}
	w := ways[at]
	ending := strings.ToLower(filepath.Ext(o.out))
	switch {
	case o.out == "":
		return usage(fmt.Errorf("which picture? -o FILE.png"))
	case ending != ".png" && ending != ".gif":
		return usage(fmt.Errorf("-o %s: should end in .png or .gif", o.out))
	case ending == ".gif" && w.name != "maximise" && w.name != "invert":
		return usage(fmt.Errorf("-o %s: %s has no steps: .png", o.out, w.name))
	case w.images && len(o.images) == 0:
		return usage(fmt.Errorf("--how %s needs an image", w.name))
	case !w.images && w.name != "maximise" && len(o.images) > 0, ending == ".gif" && len(o.images) > 1:
		return usage(fmt.Errorf("%s: one image too many for --how %s", o.images[len(o.images)-1], w.name))
	}
	c, err := a.classifier(ctx, arg)
	if err != nil {
		return err
	}
	defer c.Close()
	e := &explaining{o: o, s: explain.Of(c), class: -1}
	if o.class != "" {
		if e.class, err = classOf(e.s, o.class); err != nil {
			return usage(err)
		}
	}
	note := w.note
	if o.layer != "" {
		note = strings.NewReplacer("--class, or ", "", "--layer", o.layer).Replace(note)
	}
	note = strings.NewReplacer(", or of --layer", "", ", or --layer,", "", "--layer", "the last layer with maps", "--class", "the class").Replace(note)
	sheet := explain.Sheet{Title: c.Model().Name + ": " + w.name, Note: note, Side: 224}
	files := o.images
	if len(files) == 0 {
		files = []string{""}
	}
	for _, file := range files {
		e.x = nil
		if file != "" {
			if e.x, err = prepared(c, file); err != nil {
				return err
			}
			e.caption = filepath.Base(file)
		}
		panels, err := w.panels(ctx, e)
		if err != nil {
			return fmt.Errorf("--how %s: %w", w.name, err)
		}
		sheet.Panels = append(sheet.Panels, panels...)
		if len(files) > 1 {
			sheet.Columns = len(panels)
		}
	}
	if w.name == "filters" || w.name == "maps" {
		sheet.Side = 64
	}
	err = weights.WriteAtomically(o.out, func(to io.Writer) error {
		if ending == ".gif" {
			return animate(to, e.frames)
		}
		img, err := sheet.Draw()
		if err != nil {
			return err
		}
		return png.Encode(to, img)
	})
	if err != nil {
		return err
	}
	for _, p := range sheet.Panels {
		if p.Caption != "" && w.name != "filters" && w.name != "maps" {
			fmt.Fprintln(a.stdout, p.Caption)
		}
	}
	fmt.Fprintln(a.stdout, o.out)
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

// whole is the image with what the network says of it.
func (e *explaining) whole() (explain.Panel, error) {
	logits, err := e.s.Logits(e.x)
	if err != nil {
		return explain.Panel{}, err
	}
	best, p := explain.Best(logits[0])
	return explain.Panel{Picture: e.s.Picture(e.x), Caption: fmt.Sprintf("%s: %s %.1f %%", e.caption, e.s.Name(best), 100*p)}, nil
}

// with puts the image before what explains it.
func (e *explaining) with(p explain.Panel, err error) ([]explain.Panel, error) {
	if err != nil {
		return nil, err
	}
	w, err := e.whole()
	return []explain.Panel{w, p}, err
}

func filtersOf(_ context.Context, e *explaining) ([]explain.Panel, error) {
	bank, err := explain.Filters{Layer: e.o.layer}.Explain(e.s)
	if err != nil {
		return nil, err
	}
	var list []explain.Panel
	for _, p := range bank.Pictures() {
		list = append(list, explain.Panel{Picture: p})
	}
	return list, nil
}

func mapsOf(_ context.Context, e *explaining) ([]explain.Panel, error) {
	maps, err := explain.Maps{Layer: e.o.layer}.Explain(e.s, e.x)
	if err != nil {
		return nil, err
	}
	var list []explain.Panel
	for i, m := range maps[:min(len(maps), max(e.o.maps, 1))] {
		list = append(list, explain.Panel{Picture: m.Grey(), Caption: strconv.Itoa(i)})
	}
	return list, nil
}

func occlusionOf(ctx context.Context, e *explaining) ([]explain.Panel, error) {
	m, class, err := explain.Occlusion{Class: e.class, Size: e.o.size}.Explain(ctx, e.s, e.x)
	if err != nil {
		return nil, err
	}
	return e.with(explain.Panel{Picture: m.Overlay(e.s.Picture(e.x)), Caption: fmt.Sprintf("%s falls by up to %.1f points", e.s.Name(class), 100*slices.Max(m.V))}, nil)
}

func saliencyOf(_ context.Context, e *explaining) ([]explain.Panel, error) {
	m, class, err := explain.Saliency{Class: e.class}.Explain(e.s, e.x)
	if err != nil {
		return nil, err
	}
	return e.with(explain.Panel{Picture: m.Heat(), Caption: "pixels that move " + e.s.Name(class)}, nil)
}

func guidedOf(_ context.Context, e *explaining) ([]explain.Panel, error) {
	g, class, err := explain.Guided{Class: e.class}.Explain(e.s, e.x)
	if err != nil {
		return nil, err
	}
	return e.with(explain.Panel{Picture: e.s.Gradient(g), Caption: "shapes that speak for " + e.s.Name(class)}, nil)
}

func gradCAMOf(_ context.Context, e *explaining) ([]explain.Panel, error) {
	m, class, err := explain.GradCAM{Class: e.class, Layer: e.o.layer}.Explain(e.s, e.x)
	if err != nil {
		return nil, err
	}
	return e.with(explain.Panel{Picture: m.Overlay(e.s.Picture(e.x)), Caption: fmt.Sprintf("evidence for %s, %d×%d", e.s.Name(class), m.H, m.W)}, nil)
}

func guidedGradCAMOf(_ context.Context, e *explaining) ([]explain.Panel, error) {
	g, class, err := explain.GuidedGradCAM{Class: e.class, Layer: e.o.layer}.Explain(e.s, e.x)
	if err != nil {
		return nil, err
	}
	return e.with(explain.Panel{Picture: e.s.Gradient(g), Caption: "evidence for " + e.s.Name(class)}, nil)
}

// strongest is how many features a deconvnet shows of an image.
const strongest = 5

func deconvnetOf(_ context.Context, e *explaining) ([]explain.Panel, error) {
	layer := e.o.layer
	if layer == "" {
		var err error
		if layer, err = e.s.LastMaps(); err != nil {
			return nil, err
		}
	}
	maps, err := explain.Maps{Layer: layer}.Explain(e.s, e.x)
	if err != nil {
		return nil, err
	}
	features := make([]int, len(maps))
	for i := range features {
		features[i] = i
	}
	slices.SortStableFunc(features, func(a, b int) int {
		x, y := slices.Max(maps[a].V), slices.Max(maps[b].V)
		switch {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	w, err := e.whole()
	if err != nil {
		return nil, err
	}
	list := []explain.Panel{w}
	for _, f := range features[:min(len(features), strongest, max(e.o.maps, 1))] {
		p, err := explain.Deconvnet{Layer: layer, Feature: f}.Explain(e.s, e.x)
		if err != nil {
			return nil, err
		}
		list = append(list, explain.Panel{Picture: e.s.Gradient(p.Pixels), Caption: fmt.Sprintf("%s, feature %d: %.3g", layer, f, p.Answer)})
	}
	return list, nil
}

// frame keeps every few steps of an animation.
func (e *explaining) frame(every int) func(step int, x []float32) {
	if strings.ToLower(filepath.Ext(e.o.out)) != ".gif" {
		return nil
	}
	return func(step int, x []float32) {
		if step%every == 0 {
			e.frames = append(e.frames, e.s.Picture(x))
		}
	}
}

func maximiseOf(ctx context.Context, e *explaining) ([]explain.Panel, error) {
	if e.class < 0 && e.o.layer == "" {
		return nil, usage(fmt.Errorf("what? --class or --layer"))
	}
	m := explain.Maximise{Class: e.class, Layer: e.o.layer, Feature: -1, Steps: e.o.steps, Seed: e.o.seed, Start: e.x, Frame: e.frame(5)}
	x, value, err := m.Explain(ctx, e.s)
	if err != nil {
		return nil, err
	}
	what := e.o.layer
	if what == "" {
		what = e.s.Name(e.class)
	}
	p := explain.Panel{Picture: e.s.Picture(x), Caption: fmt.Sprintf("%s: %.4g", what, value)}
	if e.x != nil {
		return e.with(p, nil)
	}
	return []explain.Panel{p}, nil
}

func invertOf(ctx context.Context, e *explaining) ([]explain.Panel, error) {
	if e.o.layer == "" {
		return nil, usage(fmt.Errorf("what a layer cannot tell apart: which? --layer"))
	}
	x, left, err := explain.Invert{Layer: e.o.layer, Steps: e.o.steps, Seed: e.o.seed, Frame: e.frame(10)}.Explain(ctx, e.s, e.x)
	if err != nil {
		return nil, err
	}
	return e.with(explain.Panel{Picture: e.s.Picture(x), Caption: fmt.Sprintf("for %s the same but for %.1f %%", e.o.layer, 100*left)}, nil)
}

// animate writes the steps one after the other.
func animate(to io.Writer, frames []*image.RGBA) error {
	anim := &gif.GIF{}
	for i, f := range frames {
		anim.Image = append(anim.Image, explain.Paletted(f))
		delay := 8 // hundredths of a second
		if i == len(frames)-1 {
			delay = 200
		}
		anim.Delay = append(anim.Delay, delay)
	}
	return gif.EncodeAll(to, anim)
}
