// Package positions brings the positions of game records to the shared trainer: a [Source] is a
// [datasets.Source] whose images are the 48 planes of package baduk and whose labels are the points that
// were played. Importing it registers the data set "go-games" and the transforms "symmetry" and
// "advance".
//
// Planes are 0 or 1: the source's mean is 0 and its deviation 1/255, so that a byte of 1 becomes 1.0.
package positions

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
)

const (
	// Name is the data set's name.
	Name = "go-games"
	// Size is the size of the games' board; games on others are skipped.
	Size = 19
)

// A Source is the positions of a corpus, in the order of its games. It is safe for concurrent use.
type Source struct {
	corpus *baduk.Corpus
	info   datasets.Info
	sum    func() string
	free   sync.Pool // *worker
}

// A worker is what one goroutine needs to make planes.
type worker struct {
	board    *baduk.Board
	features baduk.Features
}

// New returns the positions of a corpus, to which nothing may be added any more.
func New(c *baduk.Corpus, part datasets.Part) *Source {
	size := c.Size()
	s := &Source{corpus: c, sum: sync.OnceValue(c.Checksum)}
	s.info = datasets.Info{
		Name: Name, Part: part, Shape: datasets.Shape{C: baduk.Planes, H: size, W: size},
		Mean: []float32{0}, Std: []float32{1. / 255},
	}
	for p := range baduk.Point(size * size) {
		s.info.Classes = append(s.info.Classes, p.Vertex(size))
	}
	s.free.New = func() any {
		b, _ := baduk.NewBoard(size, baduk.Rules{}) // a size that a corpus has
		return &worker{board: b}
	}
	return s
}

// Corpus returns the games.
func (s *Source) Corpus() *baduk.Corpus { return s.corpus }

// Info describes the positions: 48×19×19, one class for each point.
func (s *Source) Info() datasets.Info { return s.info }

// Len returns the number of positions.
func (s *Source) Len() int { return s.corpus.Len() }

// Label returns the point x·size+y that was played in position i, or -1 if there is no such position.
func (s *Source) Label(i int) int {
	m, _, err := s.corpus.Move(i)
	if err != nil {
		return -1
	}
	return int(m.Point)
}

// Image writes the planes of position i, one byte a point, 0 or 1.
func (s *Source) Image(i int, dst *datasets.Image) error {
	w := s.free.Get().(*worker)
	defer s.free.Put(w)
	if _, _, _, err := s.corpus.Position(i, w.board); err != nil {
		return err
	}
	dst.Reset(s.info.Shape)
	return w.features.Bytes(dst.Pix, w.board, baduk.Planes)
}

// Checksum identifies the games (see [baduk.Corpus.Checksum]).
func (s *Source) Checksum() (string, error) { return s.sum(), nil }

// Place writes where games come from as the folder of the data set: the files, zips and folders with the
// separator of PATH between them, and behind them how many of the last games are held out; below 0 means
// the usual: one in 20, but 500 at most.
func Place(paths []string, holdout int) (string, error) {
	if len(paths) == 0 {
		return "", errors.New("no game records are named")
	}
	var all []string
	for _, p := range paths {
		if strings.ContainsRune(p, filepath.ListSeparator) {
			return "", fmt.Errorf("%s: a path with %q in it cannot be named beside others", p, filepath.ListSeparator)
		}
		abs, err := filepath.Abs(p)
		if err != nil {
			return "", err
		}
		all = append(all, abs)
	}
	if holdout >= 0 {
		all = append(all, lastKey+strconv.Itoa(holdout))
	}
	return strings.Join(all, string(filepath.ListSeparator)), nil
}

const lastKey = "last="

// Open reads the games of a place (see [Place]) once and splits them by game. Games that are damaged or of
// another size are told to skipped, unless that is nil.
func Open(place string, skipped func(error)) (datasets.Split, error) {
	paths := filepath.SplitList(place)
	holdout := -1
	if n := len(paths); n > 1 {
		if text, ok := strings.CutPrefix(filepath.Base(paths[n-1]), lastKey); ok {
			v, err := strconv.Atoi(text)
			if err != nil || v < 0 || v > math.MaxInt32 {
				return datasets.Split{}, fmt.Errorf("%s: %s%s: should be the number of games that are held out", Name, lastKey, text)
			}
			holdout, paths = v, paths[:n-1]
		}
	}
	for _, p := range paths {
		if _, err := os.Stat(p); err != nil {
			return datasets.Split{}, err
		}
	}
	c, err := baduk.ReadCorpus(Size, skipped, paths...)
	if err != nil {
		return datasets.Split{}, err
	}
	return Split(c, holdout)
}

// Split holds out the last games of a corpus; below 0 means the usual number (see [Place]). Both parts
// must have positions.
func Split(c *baduk.Corpus, holdout int) (datasets.Split, error) {
	if holdout < 0 {
		holdout = min(max(c.Games()/20, 1), 500)
	}
	if holdout < 1 || holdout >= c.Games() {
		return datasets.Split{}, fmt.Errorf("holding out %d games of %d: should be at least 1 and leave 1 to train on", holdout, c.Games())
	}
	first, rest, err := c.Split(holdout)
	if err != nil {
		return datasets.Split{}, err
	}
	return datasets.Split{Train: New(first, datasets.Train), Test: New(rest, datasets.Test)}, nil
}

func init() {
	info := New(must(baduk.NewCorpus(Size)), "").info
	datasets.Register(datasets.Dataset{
		Info: info, About: "positions and moves of one's own game records (SGF, folders and zips of it)", Licence: "unclear",
		Open: func(place string, part datasets.Part) (datasets.Source, error) {
			s, err := Open(place, nil)
			if err != nil {
				return nil, err
			}
			if part == datasets.Test {
				return s.Test, nil
			}
			return s.Train, nil
		},
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
