package positions

import (
	"sync"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// planes makes images of the positions of a corpus.
type planes struct {
	corpus *baduk.Corpus
	info   datasets.Info
	free   *sync.Pool // *worker
}

// A worker is what one goroutine needs to make planes.
type worker struct {
	board    *baduk.Board
	features baduk.Features
}

func newPlanes(c *baduk.Corpus, name string, part datasets.Part, n int) planes {
	if c == nil {
		c = new(baduk.Corpus) // without positions
	}
	size := c.Size()
	return planes{
		corpus: c,
		info: datasets.Info{
			Name: name, Part: part, Shape: image.Shape{C: n, H: size, W: size}, Mean: []float32{0}, Std: []float32{1. / 255},
		},
		free: &sync.Pool{New: func() any {
			b, _ := baduk.NewBoard(size, baduk.Rules{}) // a size that a corpus has
			return &worker{board: b}
		}},
	}
}

// Corpus returns the games.
func (p *planes) Corpus() *baduk.Corpus { return p.corpus }

// write writes the planes of a position.
func (p *planes) write(position int, dst *image.Image) error {
	w := p.free.Get().(*worker)
	defer p.free.Put(w)
	if _, _, _, err := p.corpus.Position(position, w.board); err != nil {
		return err
	}
	dst.Reset(p.info.Shape)
	return w.features.Bytes(dst.Pix, w.board, p.info.Shape.C)
}
