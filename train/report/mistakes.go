package report

import (
	"context"
	"errors"
	"image/png"
	"io"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// A Mistake is an image that was put into a wrong class.
type Mistake struct {
	Index       int     `json:"index"` // in the source
	File        string  `json:"file,omitempty"`
	Class       string  `json:"class"` // the right one
	Predicted   string  `json:"predicted"`
	Probability float64 `json:"probability"` // of the right class
}

// WriteMistakes writes a contact sheet of mistakes as PNG: what they are, and what they were taken for.
func WriteMistakes(w io.Writer, src datasets.Source, input datasets.Input, list []Mistake) error {
	switch {
	case w == nil:
		return errNowhere
	case src == nil:
		return errors.New("mistakes: no images")
	}
	sheet, err := datasets.Sheet(context.Background(), newMistakes(src, list), datasets.Config{Input: input}, datasets.SheetOptions{Images: len(list), Tile: 112})
	if err != nil {
		return err
	}
	return png.Encode(w, sheet)
}

// mistakes are the images of mistakes as a source whose classes tell what they are and what they were
// taken for.
type mistakes struct {
	datasets.Source
	list []Mistake
	info datasets.Info
}

func newMistakes(src datasets.Source, list []Mistake) *mistakes {
	m := &mistakes{Source: src, list: list, info: src.Info()}
	m.info.Classes = nil
	for _, x := range list {
		m.info.Classes = append(m.info.Classes, x.Class+" > "+x.Predicted)
	}
	return m
}

func (m *mistakes) Info() datasets.Info { return m.info }
func (m *mistakes) Len() int            { return len(m.list) }
func (m *mistakes) Label(i int) int     { return i }

func (m *mistakes) Image(i int, dst *image.Image) error {
	return m.Source.Image(m.list[i].Index, dst)
}
