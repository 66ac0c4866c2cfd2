package positions

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// ResultsName is the data set of results.
const ResultsName = "go-results"

// Results are positions whose labels are no classes but numbers: 1 if the player to move won the game, -1 if it
// lost. It is safe for concurrent use.
//
// Neighbouring positions of a game differ by a stone and share the result, which a network learns by
// heart before it learns to judge: Silver et al. (2016, methods, "Value network: regression") take
// one position of a game. So an image is not a position but one of a few draws of a game, which the transform
// "draw" makes anew in every epoch.
type Results struct {
	planes
	each  int
	games []int32 // those with positions
	sum   func() string
}

// NewResults returns the positions of a corpus, whose games must all be decided (see [baduk.Corpus.Decided])
// and to which nothing may be added any more: each draws of every game, from as many pieces of equal length of it; or
// with 0 all positions in their order.
func NewResults(c *baduk.Corpus, part datasets.Part, each int) (*Results, error) {
	r := &Results{planes: newPlanes(c, ResultsName, part, baduk.ValuePlanes), each: each}
	c = r.corpus
	for g := range c.Games() {
		from, to := c.Positions(g)
		if from == to {
			continue
		}
		if c.Outcome(from) == 0 {
			return nil, fmt.Errorf("nobody knows who won game %d of %d", g+1, c.Games())
		}
		r.games = append(r.games, int32(g))
	}
	if each < 0 || each > math.MaxInt32/max(len(r.games), 1) {
		return nil, fmt.Errorf("%d positions of each of %d games: should be at least 1 and not above %d in all, or 0 for all that there are", each, len(r.games), math.MaxInt32)
	}
	r.sum = sync.OnceValue(func() string {
		if each == 0 {
			return c.Checksum()
		}
		sum := sha256.Sum256(fmt.Appendf(nil, "%s%d %s", eachKey, each, c.Checksum()))
		return "sha256:" + hex.EncodeToString(sum[:])
	})
	return r, nil
}

// Info describes the positions: 49×19×19, without classes.
func (r *Results) Info() datasets.Info { return r.info }

// Len returns the number of draws, or of positions.
func (r *Results) Len() int {
	if r.each == 0 {
		return r.corpus.Len()
	}
	return len(r.games) * r.each
}

// position returns which position is i, drawn by a number from 0 to below 1.
func (r *Results) position(i int, draw float64) int {
	if r.each == 0 {
		return i
	}
	from, to := r.corpus.Positions(int(r.games[i/r.each]))
	n := to - from
	return from + min(int((float64(i%r.each)+draw)/float64(r.each)*float64(n)), n-1)
}

// Label returns 1 or -1: who won the game of draw i, seen from the player to move in the middle of what it is
// drawn from, which [Results.Image] shows. It is 0 if there is no such draw.
func (r *Results) Label(i int) int {
	if i < 0 || i >= r.Len() {
		return 0
	}
	return r.corpus.Outcome(r.position(i, 0.5))
}

// Image writes the planes that belong to Label, one byte a point, 0 or 1.
func (r *Results) Image(i int, dst *image.Image) error {
	if i < 0 || i >= r.Len() {
		return fmt.Errorf("position %d: should be from 0 to %d", i, r.Len()-1)
	}
	return r.write(r.position(i, 0.5), dst)
}

// Checksum identifies the games (see [baduk.Corpus.Checksum]) and the number of draws.
func (r *Results) Checksum() (string, error) { return r.sum(), nil }

// OpenResults reads the games of a place (see [PlaceResults]) once, leaves out those without a winner and splits
// the rest by game. The test part has all positions of its games. Games that are damaged or of another size, and the
// number of those without a winner, are told to skipped, unless that is nil.
func OpenResults(place string, skipped func(error)) (datasets.Split, error) {
	fail := func(err error) (datasets.Split, error) {
		return datasets.Split{}, fmt.Errorf("%s: %w", ResultsName, err)
	}
	p, err := parsePlace(place)
	if err != nil {
		return fail(err)
	}
	all, err := baduk.ReadCorpus(Size, skipped, p.paths...)
	if err != nil {
		return datasets.Split{}, err
	}
	c := all.Decided()
	if n := all.Games() - c.Games(); n > 0 && skipped != nil {
		skipped(fmt.Errorf("%d of %d games: without a winner", n, all.Games()))
	}
	if c.Games() == 0 {
		return fail(errors.New("no game has a winner"))
	}
	first, rest, err := split(c, p.holdout)
	if err != nil {
		return fail(err)
	}
	var s datasets.Split
	if s.Train, err = NewResults(first, datasets.Train, p.each); err == nil {
		s.Val, err = NewResults(rest, datasets.Val, 0)
	}
	if err != nil {
		return fail(err)
	}
	return s, nil
}
