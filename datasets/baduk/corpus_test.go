package baduk

import (
	"slices"
	"testing"
)

func TestMovesAreFoundWithoutPlaying(t *testing.T) {
	c := corpusOf(t, someGames(t))
	b, _ := NewBoard(9, Rules{})
	for i := range c.Len() {
		want, _, _, err := c.Position(i, b)
		if err != nil {
			t.Fatal(err)
		}
		if m, played, err := c.Move(i); err != nil || m != want || played != b.Moves() {
			t.Errorf("position %d: %v after %d moves, %v: should be %v after %d", i, m, played, err, want, b.Moves())
		}
	}
	for _, i := range []int{-1, c.Len()} {
		if _, _, err := c.Move(i); err == nil {
			t.Errorf("position %d is no error", i)
		}
	}
}

func TestTheChecksumIsThatOfTheGames(t *testing.T) {
	games := someGames(t)
	sum := corpusOf(t, games).Checksum()
	if again := corpusOf(t, games).Checksum(); again != sum {
		t.Error("the same games have two checksums")
	}
	seen := map[string]bool{sum: true}
	other := func(what string, games []*Game) {
		t.Helper()
		s := corpusOf(t, games).Checksum()
		if seen[s] {
			t.Errorf("%s: the checksum is the same", what)
		}
		seen[s] = true
	}
	other("one less", games[1:])
	other("another order", append(slices.Clone(games[1:]), games[0]))
	shorter := *games[0]
	shorter.Moves = shorter.Moves[:len(shorter.Moves)-1]
	other("a move less", append([]*Game{&shorter}, games[1:]...))
	won := *games[0]
	won.Result.Winner = Black
	other("another winner", append([]*Game{&won}, games[1:]...))
	last := *games[len(games)-1]
	last.Setup = nil
	c, err := NewCorpus(9)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Add(games[len(games)-1]); err != nil {
		t.Fatal(err)
	}
	if bare, _ := NewCorpus(9); last.Check() == nil {
		if err := bare.Add(&last); err != nil {
			t.Fatal(err)
		}
		if bare.Checksum() == c.Checksum() {
			t.Error("set-up stones do not count")
		}
	}
	first, rest, err := corpusOf(t, games).Split(3)
	if err != nil {
		t.Fatal(err)
	}
	if first.Checksum() != corpusOf(t, games[:len(games)-3]).Checksum() || rest.Checksum() != corpusOf(t, games[len(games)-3:]).Checksum() {
		t.Error("a part's checksum depends on where it comes from")
	}
}
