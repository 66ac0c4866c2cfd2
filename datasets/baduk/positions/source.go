// Package positions brings the positions of game records to the shared trainer, as two data sets that
// importing it registers: "go-games", whose labels are the points that were played ([Source]), and
// "go-results", whose labels are who won ([Results]). It registers the transforms "symmetry", "advance" and
// "draw" as well.
//
// Images are the feature planes of package baduk, which are 0 or 1: the mean is 0 and the deviation 1/255,
// so that a byte of 1 becomes 1.0.
//
// # Adding one
//
// Another label for positions is a Source of its own over the same corpus, and a call of datasets.Register in its init
// function. Another transform of planes is a type with the method Apply, registered with package datasets/augment.
package positions

import (
	"fmt"
	"sync"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

const (
	// Name is the data set of moves.
	Name = "go-games"
	// Size is the size of the games' board; games on others are skipped.
	Size = 19
)

// A Source is the positions of a corpus, in the order of its games. It is safe for concurrent use.
type Source struct {
	planes
	sum func() string
}

// New returns the positions of a corpus, to which nothing may be added any more. Nil has none.
func New(c *baduk.Corpus, part datasets.Part) *Source {
	s := &Source{planes: newPlanes(c, Name, part, baduk.Planes)}
	s.sum = sync.OnceValue(s.corpus.Checksum)
	for p := range baduk.Point(c.Size() * c.Size()) {
		s.info.Classes = append(s.info.Classes, p.Vertex(c.Size()))
	}
	return s
}

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
func (s *Source) Image(i int, dst *image.Image) error { return s.write(i, dst) }

// Checksum identifies the games (see [baduk.Corpus.Checksum]).
func (s *Source) Checksum() (string, error) { return s.sum(), nil }

// Open reads the games of a place (see [Place]) once and splits them by game. Games that are damaged or of
// another size are told to skipped, unless that is nil.
func Open(place string, skipped func(error)) (datasets.Split, error) {
	p, err := parsePlace(place)
	if err != nil {
		return datasets.Split{}, fmt.Errorf("%s: %w", Name, err)
	}
	c, err := baduk.ReadCorpus(Size, skipped, p.paths...)
	if err != nil {
		return datasets.Split{}, err
	}
	return Split(c, p.holdout)
}

// Split holds out the last games of a corpus; below 0 means the usual number (see [Place]). Both parts
// must have positions.
func Split(c *baduk.Corpus, holdout int) (datasets.Split, error) {
	first, rest, err := split(c, holdout)
	if err != nil {
		return datasets.Split{}, err
	}
	return datasets.Split{Train: New(first, datasets.Train), Val: New(rest, datasets.Val)}, nil
}

func split(c *baduk.Corpus, holdout int) (first, rest *baduk.Corpus, err error) {
	if holdout < 0 {
		holdout = min(max(c.Games()/20, 1), 500)
	}
	if holdout < 1 || holdout >= c.Games() {
		return nil, nil, fmt.Errorf("holding out %d games of %d: should be at least 1 and leave 1 to train on", holdout, c.Games())
	}
	return c.Split(holdout)
}

func init() {
	empty := must(baduk.NewCorpus(Size))
	datasets.Register(datasets.Dataset{
		Info: New(empty, "").info, About: "positions and moves of one's own game records (SGF, folders and zips of it)", Licence: "unclear",
		Parts: []datasets.Part{datasets.Train, datasets.Val},
		Open:  func(place string, part datasets.Part) (datasets.Source, error) { return pick(part)(Open(place, nil)) },
	})
	datasets.Register(datasets.Dataset{
		Info: must(NewResults(empty, "", 0)).info, About: "positions and results of one's own game records, for the value network", Licence: "unclear",
		Parts: []datasets.Part{datasets.Train, datasets.Val},
		Open: func(place string, part datasets.Part) (datasets.Source, error) {
			return pick(part)(OpenResults(place, nil))
		},
	})
}

// pick takes one part of what was opened.
func pick(part datasets.Part) func(datasets.Split, error) (datasets.Source, error) {
	return func(s datasets.Split, err error) (datasets.Source, error) {
		switch {
		case err != nil:
			return nil, err
		case part == datasets.Val:
			return s.Val, nil
		}
		return s.Train, nil
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
