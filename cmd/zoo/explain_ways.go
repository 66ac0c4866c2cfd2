package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/gif"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/explain"
)

// A way of explaining: what it needs, and how its pictures are made.
type way struct {
	name, note string
	images     bool // it is about an image
	steps      bool // and is made step by step: a .gif shows how
	panels     func(context.Context, *explaining) ([]explain.Panel, error)
}

// explaining is a network and an image of it.
type explaining struct {
	o       explainOptions
	s       *explain.Subject
	x       []float32 // nil where the way needs no image
	class   int       // that is asked for; -1 is the most probable
	caption string    // of the image
	title   string    // of the sheet
	note    string    // below it
	columns int       // of the sheet; 0 is as it fits
	frames  []explain.Panel

	many   *manyImages // of --data; nil without
	epochs []string    // weights that the run has kept
}

var ways = []way{
	{"filters", "the filters of the first convolution, or of --layer", false, true, filtersOf},
	{"maps", "what --layer makes of the image", true, false, mapsOf},
	{"occlusion", "how the answer changes when a part of the image is covered", true, false, occlusionOf},
	{"saliency", "how each pixel moves the answer", true, false, saliencyOf},
	{"guided", "guided backpropagation", true, false, guidedOf},
	{"gradcam", "where --layer sees evidence", true, false, gradCAMOf},
	{"guided-gradcam", "guided backpropagation where --layer sees evidence", true, false, guidedGradCAMOf},
	{"deconvnet", "what made features of --layer answer: the strongest in the image, or --feature", true, false, deconvnetOf},
	{"epochs", "how features of --layer come about: a run with weights of epochs, and images", true, true, epochsOf},
	{"maximise", "an image that --class, or --layer, answers to most", false, true, maximiseOf},
	{"dream", "the image, with more of what --layer sees in it (DeepDream)", true, true, dreamOf},
	{"invert", "an image that --layer cannot tell from this one", true, true, invertOf},
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

func filtersOf(ctx context.Context, e *explaining) ([]explain.Panel, error) {
	if e.animated() {
		return nil, e.filtersByEpoch(ctx)
	}
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

// filtersByEpoch makes a frame of each epoch's filters.
func (e *explaining) filtersByEpoch(ctx context.Context) error {
	if len(e.epochs) == 0 {
		return errNoEpochs
	}
	for s, err := range e.moments(ctx) {
		if err != nil {
			return err
		}
		bank, err := explain.Filters{Layer: e.o.layer}.Explain(s)
		if err != nil {
			return err
		}
		e.frames = append(e.frames, explain.Panel{Picture: bank.Sheet(), Caption: "after epoch " + epochOf(e.epochs[len(e.frames)])})
	}
	return nil
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

// strongest is how many features a deconvnet shows of an image, and patchesOf how many patches of a data set for one.
const (
	strongest = 5
	patchesOf = 9
)

func deconvnetOf(ctx context.Context, e *explaining) ([]explain.Panel, error) {
	layer, features, err := e.features(strongest)
	if err != nil {
		return nil, err
	}
	if e.many != nil {
		return e.patches(ctx, layer, features)
	}
	w, err := e.whole()
	if err != nil {
		return nil, err
	}
	list := []explain.Panel{w}
	for _, f := range features {
		p, err := explain.Deconvnet{Layer: layer, Feature: f}.Explain(e.s, e.x)
		if err != nil {
			return nil, err
		}
		list = append(list, explain.Panel{Picture: e.s.Gradient(p.Pixels), Caption: fmt.Sprintf("%s, feature %d: %.3g", layer, f, p.Answer)})
	}
	return list, nil
}

// patches shows, for each feature, the patches of the data set that excite it most, beside what it saw in them.
func (e *explaining) patches(ctx context.Context, layer string, features []int) ([]explain.Panel, error) {
	found, err := explain.Deconvnet{Layer: layer}.Strongest(ctx, e.s, e.many.all(ctx, e.many.limit), features, patchesOf)
	if err != nil {
		return nil, err
	}
	var list []explain.Panel
	for i, f := range features {
		seen, patches := e.s.Patches(found[i], 3)
		list = append(list, explain.Panel{Picture: seen, Caption: fmt.Sprintf("%s, feature %d", layer, f)},
			explain.Panel{Picture: patches, Caption: fmt.Sprintf("%.3g to %.3g", found[i][0].Answer, found[i][len(found[i])-1].Answer)})
	}
	e.columns = 4
	e.note = fmt.Sprintf("the %d patches of %v that excite a feature of %s most, and what it sees in them", patchesOf, e.many.src.Info(), layer)
	return list, nil
}

// features are those of --feature, or the most of the layer that answer most to the image, or to the first of many.
func (e *explaining) features(most int) (layer string, list []int, err error) {
	if layer = e.o.layer; layer == "" {
		if layer, err = e.s.LastMaps(); err != nil {
			return "", nil, err
		}
	}
	if len(e.o.features) > 0 {
		return layer, e.o.features, nil
	}
	var answers []float32
	add := func(x []float32) error {
		maps, err := explain.Maps{Layer: layer}.Explain(e.s, x)
		if err != nil {
			return err
		}
		if answers == nil {
			answers = make([]float32, len(maps))
		}
		for i, m := range maps {
			answers[i] += slices.Max(m.V)
		}
		return nil
	}
	if e.many == nil {
		err = add(e.x)
	} else {
		for x, failed := range e.many.all(context.Background(), 16) {
			if err = cmp.Or(failed, err); err == nil {
				err = add(x)
			}
			if err != nil {
				break
			}
		}
	}
	if err != nil {
		return "", nil, err
	}
	for i := range answers {
		list = append(list, i)
	}
	slices.SortStableFunc(list, func(a, b int) int { return cmp.Compare(answers[b], answers[a]) })
	return layer, list[:min(len(list), most, max(e.o.maps, 1))], nil
}

var errNoEpochs = errors.New("there are no weights of epochs: a run keeps them with zoo train … --set keep=1")

func epochsOf(ctx context.Context, e *explaining) ([]explain.Panel, error) {
	if len(e.epochs) == 0 {
		return nil, errNoEpochs
	}
	layer, features, err := e.features(strongest)
	if err != nil {
		return nil, err
	}
	images := func(yield func([]float32, error) bool) { yield(e.x, nil) }
	if e.many != nil {
		images = e.many.all(ctx, e.many.limit)
	}
	rows, err := explain.Epochs{Layer: layer, Features: features}.Explain(ctx, e.moments(ctx), images)
	if err != nil {
		return nil, err
	}
	var list []explain.Panel
	for i, f := range features {
		for k, row := range rows {
			caption := "epoch " + epochOf(e.epochs[k])
			if k == 0 {
				caption = fmt.Sprintf("feature %d, %s", f, caption)
			}
			list = append(list, explain.Panel{Picture: e.s.Gradient(row[i].Pixels), Caption: caption})
		}
	}
	e.columns = len(rows)
	if e.animated() {
		for k, row := range rows {
			sheet := explain.Sheet{Columns: len(features), Side: 160}
			for i, f := range features {
				sheet.Panels = append(sheet.Panels, explain.Panel{Picture: e.s.Gradient(row[i].Pixels), Caption: fmt.Sprintf("feature %d", f)})
			}
			img, err := sheet.Draw()
			if err != nil {
				return nil, err
			}
			e.frames = append(e.frames, explain.Panel{Picture: img, Caption: "after epoch " + epochOf(e.epochs[k])})
		}
	}
	return list, nil
}

// animated says whether a picture that moves is wanted.
func (e *explaining) animated() bool { return strings.ToLower(filepath.Ext(e.o.out)) == ".gif" }

// frame keeps every few steps of an animation.
func (e *explaining) frame(every int) func(step int, x []float32) {
	if !e.animated() {
		return nil
	}
	return func(step int, x []float32) {
		if step%every == 0 {
			e.frames = append(e.frames, explain.Panel{Picture: e.s.Picture(x), Caption: fmt.Sprintf("step %d", step+1)})
		}
	}
}

// feature is that of --feature, or -1 for all of a layer.
func (e *explaining) feature() (int, error) {
	switch len(e.o.features) {
	case 0:
		return -1, nil
	case 1:
		return e.o.features[0], nil
	}
	return 0, usage(fmt.Errorf("--feature: one is enough for --how %s", e.o.how))
}

// whichLayer asks for a layer, and says what layers there are.
func whichLayer(e *explaining, question string) error {
	layers, err := e.s.Layers()
	if err != nil {
		return err
	}
	var names []string
	for _, l := range layers {
		names = append(names, l.Name)
	}
	return usage(fmt.Errorf("%s, one of %s", question, strings.Join(names, ", ")))
}

func maximiseOf(ctx context.Context, e *explaining) ([]explain.Panel, error) {
	if e.class < 0 && e.o.layer == "" {
		return nil, whichLayer(e, "what? --class or --layer")
	}
	feature, err := e.feature()
	if err != nil {
		return nil, err
	}
	m := explain.Maximise{Class: e.class, Layer: e.o.layer, Feature: feature, Steps: e.o.steps, Seed: e.o.seed, Start: e.x, Frame: e.frame(5)}
	x, value, err := m.Explain(ctx, e.s)
	if err != nil {
		return nil, err
	}
	what := e.o.layer
	switch {
	case what == "":
		what = e.s.Name(e.class)
	case feature >= 0:
		what = fmt.Sprintf("%s, feature %d", what, feature)
	}
	p := explain.Panel{Picture: e.s.Picture(x), Caption: fmt.Sprintf("%s: %.4g", what, value)}
	if e.x != nil {
		return e.with(p, nil)
	}
	return []explain.Panel{p}, nil
}

func dreamOf(ctx context.Context, e *explaining) ([]explain.Panel, error) {
	if e.o.layer == "" {
		return nil, whichLayer(e, "more of what a layer sees: which? --layer")
	}
	feature, err := e.feature()
	if err != nil {
		return nil, err
	}
	m := explain.Dream{Layer: e.o.layer, Feature: feature, Steps: e.o.steps, Seed: e.o.seed}
	if e.animated() {
		m.Frame = func(step int, p explain.Plane) {
			e.frames = append(e.frames, explain.Panel{Picture: e.s.Show(p), Caption: fmt.Sprintf("step %d, %d×%d", step+1, p.H, p.W)})
		}
	}
	p, err := m.Explain(ctx, e.s, explain.Plane{H: e.s.Input[1], W: e.s.Input[2], X: e.x})
	if err != nil {
		return nil, err
	}
	return e.with(explain.Panel{Picture: e.s.Show(p), Caption: fmt.Sprintf("more of what %s sees, %d×%d", e.o.layer, p.H, p.W)}, nil)
}

func invertOf(ctx context.Context, e *explaining) ([]explain.Panel, error) {
	if e.o.layer == "" {
		return nil, whichLayer(e, "what a layer cannot tell apart: which? --layer")
	}
	x, left, err := explain.Invert{Layer: e.o.layer, Steps: e.o.steps, Seed: e.o.seed, Frame: e.frame(10)}.Explain(ctx, e.s, e.x)
	if err != nil {
		return nil, err
	}
	return e.with(explain.Panel{Picture: e.s.Picture(x), Caption: fmt.Sprintf("for %s the same but for %.1f %%", e.o.layer, 100*left)}, nil)
}

// animate writes the steps one after the other, each with its title and its legend, and all of one size.
func (e *explaining) animate(to io.Writer) error {
	var frames []*image.RGBA
	var size image.Point
	for _, f := range e.frames {
		img, err := explain.Sheet{Title: e.title, Note: e.note, Side: 224, Panels: []explain.Panel{f}}.Draw()
		if err != nil {
			return err
		}
		frames = append(frames, img)
		size = image.Pt(max(size.X, img.Rect.Dx()), max(size.Y, img.Rect.Dy()))
	}
	anim := &gif.GIF{}
	delay := max(8, min(80, 400/max(len(frames), 1))) // hundredths of a second
	for i, f := range frames {
		whole := image.NewRGBA(image.Rectangle{Max: size})
		draw.Draw(whole, whole.Rect, image.White, image.Point{}, draw.Src)
		draw.Draw(whole, f.Rect, f, image.Point{}, draw.Src)
		anim.Image = append(anim.Image, explain.Paletted(whole))
		anim.Delay = append(anim.Delay, delay)
		if i == len(frames)-1 {
			anim.Delay[i] = 200
		}
	}
	return gif.EncodeAll(to, anim)
}
