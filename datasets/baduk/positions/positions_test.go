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
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
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
		if s.Train.Len() != c.train || s.Test.Len() != c.test {
			t.Errorf("%d games, %d held out: %d and %d positions, should be %d and %d", c.games, c.holdout, s.Train.Len(), s.Test.Len(), c.train, c.test)
		}
		a, _ := s.Train.Checksum()
		if b, _ := s.Test.Checksum(); a == b {
			t.Error("the parts have the same checksum")
		}
	}
}

func TestTheSourceIsTheCorpus(t *testing.T) {
	s := open(t, 5, 1).Train.(*Source)
	b, _ := baduk.NewBoard(Size, baduk.Rules{})
	var f baduk.Features
	want := make([]uint8, baduk.Planes*Size*Size)
	var img datasets.Image
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
	a, err := datasets.ParseAugmentation("symmetry")
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
	a, err := datasets.ParseAugmentation("advance(4)")
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
	if err := (Symmetry{}).Apply(&datasets.Sample{Image: &datasets.Image{Shape: datasets.Shape{C: 1, H: 19, W: 18}}}); err == nil {
		t.Error("an image that is no board is turned")
	}
	if _, err := (Advance{Of: 2}).Fit(must(datasets.NewMemory(datasets.Info{Shape: datasets.Shape{C: 1, H: 1, W: 1}, Classes: []string{"a"}}, []uint8{1}, []int32{0}))); err == nil {
		t.Error("images are advanced")
	}
}
