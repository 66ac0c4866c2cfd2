package positions

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/augment"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// records writes n games of 12 moves and a pass, each another, and returns the file.
func records(t *testing.T, n int) string {
	t.Helper()
	var text strings.Builder
	for g := range n {
		text.WriteString("(;SZ[19];B[];")
		for m := range 12 {
			fmt.Fprintf(&text, ";%c[%c%c]", "WB"[m%2], 'a'+(g+3*m)%19, 'a'+(2*g+m)%19)
		}
		text.WriteString(")\n")
	}
	file := filepath.Join(t.TempDir(), "games.sgf")
	if err := os.WriteFile(file, []byte(text.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	return file
}

func open(t *testing.T, games, holdout int) datasets.Split {
	t.Helper()
	place, err := Place([]string{records(t, games)}, holdout)
	if err != nil {
		t.Fatal(err)
	}
	split, err := Open(place, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	return split
}

func TestGamesAreSplitByGame(t *testing.T) {
	for _, c := range []struct{ games, holdout, train, test int }{{10, 3, 84, 36}, {10, -1, 108, 12}, {60, -1, 684, 36}} {
		s := open(t, c.games, c.holdout)
		if s.Train.Len() != c.train || s.Val.Len() != c.test {
			t.Errorf("%d games, %d held out: %d and %d positions, should be %d and %d", c.games, c.holdout, s.Train.Len(), s.Val.Len(), c.train, c.test)
		}
		a, _ := s.Train.Checksum()
		if b, _ := s.Val.Checksum(); a == b {
			t.Error("the parts have the same checksum")
		}
	}
}

func TestTheSourceIsTheCorpus(t *testing.T) {
	s := open(t, 5, 1).Train.(*Source)
	b, _ := baduk.NewBoard(Size, baduk.Rules{})
	var f baduk.Features
	want := make([]uint8, baduk.Planes*Size*Size)
	var img image.Image
	for i := range s.Len() {
		m, _, _, err := s.Corpus().Position(i, b)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Bytes(want, b, baduk.Planes); err != nil {
			t.Fatal(err)
		}
		if err := s.Image(i, &img); err != nil {
			t.Fatal(err)
		}
		if s.Label(i) != int(m.Point) || !slices.Equal(img.Pix, want) {
			t.Fatalf("position %d: label %d for %v, or other planes", i, s.Label(i), m)
		}
	}
	if s.Label(-1) != -1 || s.Image(s.Len(), &img) == nil {
		t.Error("positions that do not exist are no error")
	}
}

// The move must stay where the network sees it: at the same place among the same stones.
func TestBatchesAreBinaryAndLabelsTurnWithTheBoard(t *testing.T) {
	s := open(t, 8, 1).Train.(*Source)
	a, err := augment.Parse("symmetry")
	if err != nil {
		t.Fatal(err)
	}
	l, err := datasets.NewLoader(s, datasets.Config{Batch: 7, Seed: 3, Shuffle: true, Augment: a})
	if err != nil {
		t.Fatal(err)
	}
	b, _ := baduk.NewBoard(Size, baduk.Rules{})
	var f baduk.Features
	n := baduk.Planes * Size * Size
	want := make([]float32, n)
	seen := map[baduk.Symmetry]bool{}
	for batch, err := range l.Epoch(context.Background(), 0, 0) {
		if err != nil {
			t.Fatal(err)
		}
		for k, i := range batch.Index {
			m, _, _, err := s.Corpus().Position(i, b)
			if err != nil {
				t.Fatal(err)
			}
			ok := false
			for turn := range baduk.Symmetry(baduk.Symmetries) {
				if err := f.Floats(want, b, baduk.Planes, turn); err != nil {
					t.Fatal(err)
				}
				if slices.Equal(want, batch.Images[k*n:(k+1)*n]) && batch.Labels[k] == float32(turn.Point(m.Point, Size)) {
					ok, seen[turn] = true, true
				}
			}
			if !ok {
				t.Fatalf("position %d is none of its eight symmetries", i)
			}
		}
	}
	if len(seen) != 8 {
		t.Errorf("%d of 8 symmetries in %d positions", len(seen), s.Len())
	}
}

func TestAdvanceShowsEveryPositionOnceInSoManyEpochs(t *testing.T) {
	s := open(t, 8, 1).Train.(*Source)
	a, err := augment.Parse("advance(4)")
	if err != nil {
		t.Fatal(err)
	}
	l, err := datasets.NewLoader(s, datasets.Config{Batch: 8, Seed: 1, Shuffle: true, Limit: s.Len() / 4, Augment: a})
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	var got []string
	for epoch := range 4 {
		for batch, err := range l.Epoch(context.Background(), epoch, 0) {
			if err != nil {
				t.Fatal(err)
			}
			n := len(batch.Images) / batch.N
			for k := range batch.N {
				key := fmt.Sprint(batch.Images[k*n:(k+1)*n], batch.Labels[k])
				count[key]++
				got = append(got, key)
			}
		}
	}
	if len(got) != s.Len() {
		t.Fatalf("%d positions in four epochs, should be %d", len(got), s.Len())
	}
	want := map[string]int{}
	for batch, err := range must(datasets.NewLoader(s, datasets.Config{Batch: 1})).Epoch(context.Background(), 0, 0) {
		if err != nil {
			t.Fatal(err)
		}
		want[fmt.Sprint(batch.Images, batch.Labels[0])]++
	}
	for key, n := range want {
		if count[key] != n {
			t.Fatalf("a position came %d times, should %d times", count[key], n)
		}
	}
}

// decided writes n games of 10·(g+1) moves each: of three, black wins one, white one, and one is drawn.
func decided(t *testing.T, n int) string {
	t.Helper()
	var text strings.Builder
	for g := range n {
		fmt.Fprintf(&text, "(;SZ[19]RE[%s]", []string{"B+R", "W+0.5", "0"}[g%3])
		for m := range 10 * (g + 1) {
			fmt.Fprintf(&text, ";%c[%c%c]", "BW"[m%2], 'a'+m%19, 'a'+m/19*2)
		}
		text.WriteString(")\n")
	}
	file := filepath.Join(t.TempDir(), "decided.sgf")
	if err := os.WriteFile(file, []byte(text.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	return file
}

func openResults(t *testing.T, games, holdout, each int) (s datasets.Split, told []string) {
	t.Helper()
	place, err := PlaceResults([]string{decided(t, games)}, holdout, each)
	if err != nil {
		t.Fatal(err)
	}
	if s, err = OpenResults(place, func(err error) { told = append(told, err.Error()) }); err != nil {
		t.Fatal(err)
	}
	return s, told
}

func TestResultsAreSeenFromThePlayerToMove(t *testing.T) {
	s, told := openResults(t, 6, 1, 0)
	if len(told) != 1 || told[0] != "2 of 6 games: without a winner" {
		t.Errorf("told %q", told)
	}
	// Games 1, 2 and 4 are left to train on, and 5 to test on.
	if s.Train.Len() != 10+20+40 || s.Val.Len() != 50 {
		t.Fatalf("%d and %d positions", s.Train.Len(), s.Val.Len())
	}
	var img image.Image
	for i := range s.Train.Len() {
		black := i%2 == 0
		won := black == (i < 10 || i >= 30)
		if got := s.Train.Label(i); got != map[bool]int{true: 1, false: -1}[won] {
			t.Fatalf("position %d: %d", i, got)
		}
		if err := s.Train.Image(i, &img); err != nil {
			t.Fatal(err)
		}
		if img.C != 49 || (img.Plane(48)[0] == 1) != black {
			t.Fatalf("position %d: the last plane says %d", i, img.Plane(48)[0])
		}
	}
	if s.Train.Label(-1) != 0 || s.Train.Image(s.Train.Len(), &img) == nil {
		t.Error("positions that do not exist are no error")
	}
	if len(s.Train.Info().Classes) != 0 {
		t.Error("results have classes")
	}
}

// epochs returns what a loader shows in each epoch: 1000 times the number of the draw plus the stones on the board,
// of which none are captured in these games, and the target.
func epochs(t *testing.T, src datasets.Source, steps string, n, from, workers int) (moves [][]int, labels [][]float32) {
	t.Helper()
	a, err := augment.Parse(steps)
	if err != nil {
		t.Fatal(err)
	}
	l, err := datasets.NewLoader(src, datasets.Config{Batch: 4, Seed: 7, Shuffle: true, Augment: a, Workers: workers})
	if err != nil {
		t.Fatal(err)
	}
	for epoch := range n {
		var stones []int
		var targets []float32
		for b, err := range l.Epoch(context.Background(), epoch, from) {
			if err != nil {
				t.Fatal(err)
			}
			stride := len(b.Images) / b.N
			for k := range b.N {
				count := 0
				for _, v := range b.Images[k*stride : k*stride+2*Size*Size] { // own stones and the opponent's
					count += int(v)
				}
				stones = append(stones, 1000*b.Index[k]+count)
				targets = append(targets, b.Labels[k])
			}
		}
		moves, labels = append(moves, stones), append(labels, targets)
	}
	return moves, labels
}

func TestEachEpochDrawsOnePositionOfEachGame(t *testing.T) {
	s, _ := openResults(t, 18, 1, 1) // 12 with a winner
	n := s.Train.Len()
	if n != 11 || s.Val.Len() != 170 {
		t.Fatalf("%d draws, %d test positions", n, s.Val.Len())
	}
	moves, labels := epochs(t, s.Train, "draw, symmetry", 30, 0, 2)
	lengths := []int{}
	for g := range 16 {
		if g%3 != 2 {
			lengths = append(lengths, 10*(g+1))
		}
	}
	seen := map[int]bool{}
	for epoch, list := range moves {
		games := map[int]bool{}
		for k, m := range list {
			game, played := m/1000, m%1000
			games[game] = true
			seen[m] = true
			if played >= lengths[game] {
				t.Fatalf("game %d has no position after %d moves", game, played)
			}
			blackWins := lengths[game]/10%3 == 1
			if want := map[bool]float32{true: 1, false: -1}[blackWins == (played%2 == 0)]; labels[epoch][k] != want {
				t.Fatalf("game %d after %d moves: %v", game, played, labels[epoch][k])
			}
		}
		if len(games) != n {
			t.Fatalf("epoch %d shows %d of %d games", epoch, len(games), n)
		}
	}
	if len(seen) < 20*n/2 {
		t.Errorf("only %d positions in 30 epochs of %d games", len(seen), n)
	}
	again, same := epochs(t, s.Train, "draw, symmetry", 30, 0, 1)
	if fmt.Sprint(again, same) != fmt.Sprint(moves, labels) {
		t.Error("one worker draws other positions than two")
	}
	tail, _ := epochs(t, s.Train, "draw, symmetry", 30, 2, 2)
	if fmt.Sprint(tail[29]) != fmt.Sprint(moves[29][8:]) {
		t.Error("an epoch that goes on draws other positions")
	}
}

func TestSeveralDrawsComeFromPiecesOfTheGame(t *testing.T) {
	s, _ := openResults(t, 12, 1, 5)
	r := s.Train.(*Results)
	if r.Len() != 5*7 {
		t.Fatalf("%d draws", r.Len())
	}
	for i := range r.Len() {
		from, to := r.Corpus().Positions(i / 5)
		piece := float64(to-from) / 5
		for _, draw := range []float64{0, 0.5, 0.999999} {
			if at := float64(r.position(i, draw) - from); at < float64(i%5)*piece-1 || at >= float64(i%5+1)*piece {
				t.Fatalf("draw %d at %v: position %v of a game of %d", i, draw, at, to-from)
			}
		}
	}
	one, _ := openResults(t, 12, 1, 1)
	a, _ := one.Train.Checksum()
	if b, _ := r.Checksum(); a == b {
		t.Error("one draw and five have the same checksum")
	}
}

func TestPlacesThatCannotBeAreRefused(t *testing.T) {
	file := records(t, 3)
	sep := string(filepath.ListSeparator)
	for name, place := range map[string]string{
		"no file":            filepath.Join(t.TempDir(), "none.sgf"),
		"nothing":            "",
		"all held out":       file + sep + "last=3",
		"none held out":      file + sep + "last=0",
		"more than there is": file + sep + "last=9",
		"no number":          file + sep + "last=x",
	} {
		if _, err := Open(place, nil); err == nil {
			t.Errorf("%s is no error", name)
		}
	}
	if _, err := Place([]string{"a" + sep + "b"}, 1); err == nil {
		t.Error("a path with a separator is no error")
	}
	if _, err := Place(nil, 1); err == nil {
		t.Error("no path is no error")
	}
	if err := (Symmetry{}).Apply(&augment.Sample{Image: &image.Image{Shape: image.Shape{C: 1, H: 19, W: 18}}}); err == nil {
		t.Error("an image that is no board is turned")
	}
	turn := func(size, label int) error {
		sample := augment.NewSample(image.Shape{}, nil)
		sample.Image.Reset(image.Shape{C: 2, H: size, W: size})
		sample.Label = label
		sample.Reseed(1, 0)
		return Symmetry{}.Apply(sample)
	}
	for _, size := range []int{baduk.MinSize, 3, 19, baduk.MaxSize} {
		for label, ok := range map[int]bool{-1: false, 0: true, size*size - 1: true, size * size: false} {
			if err := turn(size, label); ok != (err == nil) {
				t.Errorf("the point %d of a board of %d: %v", label, size, err)
			}
		}
	}
	for _, size := range []int{1, 26} {
		if turn(size, 0) == nil {
			t.Errorf("a board of %d is turned", size)
		}
	}
	undecided := filepath.Join(t.TempDir(), "undecided.sgf")
	if err := os.WriteFile(undecided, []byte("(;SZ[19]RE[0];B[aa])"), 0o666); err != nil {
		t.Fatal(err)
	}
	for name, place := range map[string]string{"no winners": undecided, "all held out": decided(t, 2) + sep + "last=2", "no number": file + sep + "each=x"} {
		if _, err := OpenResults(place, nil); err == nil {
			t.Errorf("%s is no error", name)
		}
	}
	if _, err := PlaceResults([]string{file}, 1, -1); err == nil {
		t.Error("-1 positions of each game are no error")
	}
	if _, err := (Draw{Of: 2}).Fit(New(must(baduk.NewCorpus(Size)), "")); err == nil {
		t.Error("draws of moves are no error")
	}
	if _, err := (Advance{Of: 2}).Fit(must(datasets.NewMemory(datasets.Info{Shape: image.Shape{C: 1, H: 1, W: 1}, Classes: []string{"a"}}, []uint8{1}, []int32{0}))); err == nil {
		t.Error("images are advanced")
	}
}

// By their names, parts of games are what Open splits.
func TestTheRegistryOpensGamesByPart(t *testing.T) {
	for name, open := range map[string]func(string) (datasets.Split, error){
		"go-games":   func(place string) (datasets.Split, error) { return Open(place, nil) },
		"go-results": func(place string) (datasets.Split, error) { return OpenResults(place, nil) },
	} {
		place, err := Place([]string{decided(t, 12)}, 3)
		if err != nil {
			t.Fatal(err)
		}
		want, err := open(place)
		if err != nil {
			t.Fatal(err)
		}
		for part, of := range map[datasets.Part]datasets.Source{datasets.Train: want.Train, datasets.Val: want.Val} {
			got, err := datasets.OpenPart(name, place, part)
			if err != nil {
				t.Fatal(err)
			}
			a, err := got.Checksum()
			if err != nil {
				t.Fatal(err)
			}
			if b, _ := of.Checksum(); a != b || got.Len() != of.Len() || got.Len() == 0 {
				t.Errorf("%s, %v: %d positions, want %d", name, part, got.Len(), of.Len())
			}
		}
		if _, err := datasets.OpenPart(name, filepath.Join(t.TempDir(), "none.sgf"), datasets.Val); err == nil {
			t.Errorf("%s: no file is no error", name)
		}
	}
}
