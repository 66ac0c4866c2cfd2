package baduk

import (
	"bytes"
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

// A record says where the part begins that its result belongs to.
func TestPositionsBeginWhereARecordSaysSo(t *testing.T) {
	const text = "(;SZ[9]RE[B+R]ZF[3];B[aa];W[bb];B[cc];W[];B[dd];W[ee])(;SZ[9]RE[W+R];B[aa];W[bb])(;SZ[9]ZF[9];B[aa])"
	c, err := NewCorpus(9)
	if err != nil {
		t.Fatal(err)
	}
	for g, err := range Parse("test", []byte(text)) {
		if err == nil {
			err = c.Add(g)
		}
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := WriteSGF(&out, g); err != nil {
			t.Fatal(err)
		}
		for again, err := range Parse("again", out.Bytes()) {
			if err != nil || again.From != g.From {
				t.Errorf("game %d: from %d, written and read %v (%v)", g.Number, g.From, again, err)
			}
		}
		if o := c.Game(g.Number - 1); o.From != g.From || !slices.Equal(o.Moves, g.Moves) || o.Result.Winner != g.Result.Winner {
			t.Errorf("game %d comes back as %+v", g.Number, o)
		}
	}
	if from, to := c.Positions(0); c.Len() != 5 || from != 0 || to != 2 {
		t.Fatalf("%d positions, those of the first game from %d to %d: should be 5, 0 and 2", c.Len(), from, to)
	}
	b, _ := NewBoard(9, Rules{})
	m, game, winner, err := c.Position(0, b)
	if err != nil || m != (Move{Black, At(3, 3, 9)}) || game != 0 || winner != Black || b.Moves() != 4 {
		t.Errorf("the first position: %v after %d moves of game %d, won by %v (%v)", m, b.Moves(), game, winner, err)
	}
	if m, played, err := c.Move(1); err != nil || m.Point != At(4, 4, 9) || played != 5 {
		t.Errorf("the second move: %v after %d moves (%v)", m, played, err)
	}
	if m, _, err := c.Move(2); err != nil || m.Point != 0 {
		t.Errorf("the second game's first move: %v (%v)", m, err)
	}
	if d := c.Decided(); d.Games() != 2 || d.Len() != 4 || d.Checksum() == c.Checksum() {
		t.Errorf("%d games with a winner, %d positions", d.Games(), d.Len())
	}
}
