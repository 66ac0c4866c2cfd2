package positions

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// The keys that may follow the files of a place.
const (
	lastKey = "last="
	eachKey = "each="
)

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

// PlaceResults is [Place] for the data set of results: each is the number of positions that an epoch draws of
// every game (see [NewResults]).
func PlaceResults(paths []string, holdout, each int) (string, error) {
	place, err := Place(paths, holdout)
	if err != nil {
		return "", err
	}
	if each < 0 {
		return "", fmt.Errorf("%d positions of each game: should be at least 1, or 0 for all", each)
	}
	return place + string(filepath.ListSeparator) + eachKey + strconv.Itoa(each), nil
}

// A place is what Place and PlaceResults write.
type place struct {
	paths   []string
	holdout int // below 0: the usual
	each    int
}

// parsePlace reads a place and sees to it that the files are there.
func parsePlace(text string) (place, error) {
	p := place{paths: filepath.SplitList(text), holdout: -1, each: 1}
	for len(p.paths) > 1 {
		// A relative place may have been made absolute as if it were one path.
		last := filepath.Base(p.paths[len(p.paths)-1])
		key, number, ok := strings.Cut(last, "=")
		if !ok || key+"=" != lastKey && key+"=" != eachKey {
			break
		}
		v, err := strconv.Atoi(number)
		if err != nil || v < 0 || v > math.MaxInt32 {
			return p, fmt.Errorf("%s: should be a number of games that are held out, or of positions of each game", last)
		}
		if key+"=" == lastKey {
			p.holdout = v
		} else {
			p.each = v
		}
		p.paths = p.paths[:len(p.paths)-1]
	}
	for _, path := range p.paths {
		if _, err := os.Stat(path); err != nil {
			return p, err
		}
	}
	return p, nil
}
