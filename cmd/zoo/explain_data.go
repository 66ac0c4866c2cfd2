package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	pixels "github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/explain"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
)

// manyImages are those of a data set, prepared as a network takes them.
type manyImages struct {
	src   datasets.Source
	c     *infer.Classifier
	limit int // 0 is all
}

// openMany opens the data of --data.
func openMany(c *infer.Classifier, o explainOptions) (*manyImages, error) {
	name, dir, err := dataFlag(o.data)
	if err != nil {
		return nil, err
	}
	src, err := datasets.OpenPart(name, dir, datasets.Part(o.part))
	if err != nil {
		return nil, dataError(err)
	}
	return &manyImages{src, c, o.limit}, nil
}

// one prepares image i.
func (m *manyImages) one(i int) ([]float32, error) {
	var img pixels.Image
	if err := m.src.Image(i, &img); err != nil {
		return nil, err
	}
	in := m.c.Input()
	x := make([]float32, in[0]*in[1]*in[2])
	return x, m.c.Prepare(x, &img)
}

// all prepares the first images, as many as there are or the limit, one after the other. Those that cannot be read are
// left out.
func (m *manyImages) all(ctx context.Context, limit int) iter.Seq2[[]float32, error] {
	return func(yield func([]float32, error) bool) {
		for i := range m.src.Len() {
			if limit > 0 && i >= limit {
				return
			}
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			x, err := m.one(i)
			if errors.Is(err, pixels.ErrBroken) {
				continue
			}
			if !yield(x, err) || err != nil {
				return
			}
		}
	}
}

// named says what image i of the data is.
func (m *manyImages) named(i int) string {
	info := m.src.Info()
	return fmt.Sprintf("%v %d", info, i)
}

// keptEpochs are the weights of epochs of a run's folder, if it is one that has kept some.
func keptEpochs(arg string) []string {
	list, _ := report.EpochFiles(arg) // what is no folder has none
	return list
}

var epochNumber = regexp.MustCompile(`epoch-0*([0-9]+)`)

// epochOf is the number of the epoch in a file's name.
func epochOf(file string) string { return epochNumber.FindStringSubmatch(filepath.Base(file))[1] }

// moments opens the run's network with the weights of one epoch after the other.
func (e *explaining) moments(ctx context.Context) iter.Seq2[*explain.Subject, error] {
	return func(yield func(*explain.Subject, error) bool) {
		for _, file := range e.epochs {
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			c, err := infer.Load(file)
			if err != nil {
				yield(nil, err)
				return
			}
			on := yield(explain.Of(c), nil)
			c.Close()
			if !on {
				return
			}
		}
	}
}

// beside draws the filters of several networks in one sheet: what the first convolution of each sees, and how far apart.
func (a *app) beside(ctx context.Context, o explainOptions, args []string) (explain.Sheet, error) {
	sheet := explain.Sheet{Columns: len(args), Side: 320}
	var names []string
	for _, arg := range args {
		c, err := a.classifier(ctx, arg)
		if err != nil {
			return sheet, err
		}
		bank, err := explain.Filters{Layer: o.layer}.Explain(explain.Of(c))
		c.Close()
		if err != nil {
			return sheet, fmt.Errorf("%s: %w", arg, err)
		}
		names = append(names, c.Model().Name)
		sheet.Panels = append(sheet.Panels, explain.Panel{Picture: bank.Sheet(), Caption: c.Model().Name + ": " + bank.About()})
	}
	sheet.Title = strings.Join(names, " beside ")
	sheet.Note = "the filters of the first convolution"
	if o.layer != "" {
		sheet.Note = "the filters of " + o.layer
	}
	return sheet, nil
}
