package alphago

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
)

// records plays games and writes them.
func records(t *testing.T, s *SelfPlay, from, to int) string {
	t.Helper()
	var out bytes.Buffer
	err := s.Play(context.Background(), from, to, func(_ int, g *baduk.Game) error { return baduk.WriteSGF(&out, g) })
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestAGameOfSelfPlayDependsOnNothingBesideIt(t *testing.T) {
	p := smallPolicy(t)
	all := records(t, &SelfPlay{Policy: p, Temperature: 0.5, Komi: 7.5, Seed: 3}, 0, 12)
	if got := records(t, &SelfPlay{Policy: p, Temperature: 0.5, Komi: 7.5, Seed: 3, Beside: 1}, 0, 12); got != all {
		t.Error("games that are played one after the other are others")
	}
	two := &SelfPlay{Policy: p, Temperature: 0.5, Komi: 7.5, Seed: 3, Beside: 5}
	if got := records(t, two, 0, 4) + records(t, two, 4, 12); got != all {
		t.Error("games that are played in two parts are others")
	}
	for name, other := range map[string]*SelfPlay{
		"seed": {Policy: p, Temperature: 0.5, Komi: 7.5, Seed: 4}, "temperature": {Policy: p, Temperature: 1, Komi: 7.5, Seed: 3},
		"komi": {Policy: p, Temperature: 0.5, Komi: 0.5, Seed: 3},
	} {
		if records(t, other, 0, 12) == all {
			t.Errorf("the %s changes nothing", name)
		}
	}
}

func TestGamesOfSelfPlayEndWithAWinner(t *testing.T) {
	s := &SelfPlay{Policy: smallPolicy(t), Temperature: 1, Komi: 6.5, Seed: 1}
	text := records(t, s, 0, 20)
	drawn, n := 0, 0
	for g, err := range baduk.Parse("selfplay", []byte(text)) {
		if err != nil || g.Rest != nil {
			t.Fatal(err, g.Rest)
		}
		n++
		if g.From > 0 {
			drawn++
			if g.From > 9*9*3/4+1 {
				t.Errorf("game %d: the drawn move is number %d", n, g.From)
			}
		}
		if g.Result.Winner == baduk.Empty || g.Komi != 6.5 {
			t.Errorf("game %d: result %q, komi %v", n, g.Result.Text, g.Komi)
		}
		b, err := g.Final()
		if err != nil {
			t.Fatal(err)
		}
		if b.Passes() < 2 && b.Moves() < 2*b.Points() && !settledBy(b, s.Seed) {
			t.Errorf("game %d ended in doubt:\n%v", n, b)
		}
	}
	if n != 20 || drawn == 0 {
		t.Errorf("%d games, of which %d have a drawn move", n, drawn)
	}
}

func settledBy(b *baduk.Board, seed uint64) bool {
	var r baduk.Playouts
	r.Play(b, selfPlayouts, seed)
	return r.Settled()
}

func TestSelfPlayBeginsWithOthersGames(t *testing.T) {
	c, err := baduk.NewCorpus(9)
	if err != nil {
		t.Fatal(err)
	}
	const game = "(;SZ[9]AB[aa];W[ee];B[cc];W[gg];B[cg];W[gc];B[ec];W[eg])"
	for g, err := range baduk.Parse("opening", []byte(game)) {
		if err == nil {
			err = c.Add(g)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s := &SelfPlay{Policy: smallPolicy(t), Temperature: 0.5, Komi: 7.5, Seed: 1, Openings: c}
	whole := 0
	err = s.Play(context.Background(), 0, 10, func(n int, g *baduk.Game) error {
		o := c.Game(0)
		if g.From < 1 || g.From > len(o.Moves)+1 || len(g.Setup) != 1 || g.First != baduk.White {
			t.Errorf("game %d: from %d, set-up %v, first %v", n, g.From, g.Setup, g.First)
		}
		for i, m := range o.Moves[:g.From-1] {
			if g.Moves[i] != m {
				t.Errorf("game %d, move %d: %v, should be %v", n, i+1, g.Moves[i], m)
			}
		}
		if g.From == len(o.Moves)+1 {
			whole++
		}
		return nil
	})
	if err != nil || whole == 0 {
		t.Error(err, whole)
	}
	if o := c.Game(0); len(o.Moves) != 7 {
		t.Error("the openings were changed")
	}
}

func TestSelfPlayEndsEarlyOnceTheWinnerIsClear(t *testing.T) {
	full := &SelfPlay{Policy: smallPolicy(t), Temperature: 1, Komi: 7.5, Seed: 1}
	early := &SelfPlay{Policy: full.Policy, Temperature: 1, Komi: 7.5, Seed: 1, Early: true}
	var whole []*baduk.Game
	if err := full.Play(context.Background(), 0, 20, func(_ int, g *baduk.Game) error { whole = append(whole, g); return nil }); err != nil {
		t.Fatal(err)
	}
	resigned, right := 0, 0
	err := early.Play(context.Background(), 0, 20, func(n int, g *baduk.Game) error {
		if !strings.HasSuffix(g.Result.Text, "+R") {
			return nil
		}
		resigned++
		if len(g.Moves) >= len(whole[n].Moves) {
			t.Errorf("game %d: %d moves, to the end %d", n, len(g.Moves), len(whole[n].Moves))
		}
		if g.Result.Winner == whole[n].Result.Winner {
			right++
		}
		return nil
	})
	if err != nil || resigned == 0 || right < resigned-1 {
		t.Errorf("%d of 20 games ended early, %d of them as they would have ended: %v", resigned, right, err)
	}
}

func TestSelfPlaySaysWhatIsWrong(t *testing.T) {
	p := smallPolicy(t)
	other, _ := baduk.NewCorpus(13)
	none, _ := baduk.NewCorpus(9)
	for name, s := range map[string]*SelfPlay{
		"temperature -1": {Policy: p, Temperature: -1, Komi: 7.5}, "komi 7:": {Policy: p, Komi: 7},
		"openings of 13×13": {Policy: p, Komi: 7.5, Openings: other}, "no games to begin with": {Policy: p, Komi: 7.5, Openings: none},
		"-1 games side by side": {Policy: p, Komi: 7.5, Beside: -1},
	} {
		if err := s.Play(context.Background(), 0, 1, nil); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := (&SelfPlay{Policy: p, Komi: 7.5}).Play(ctx, 0, 1, func(int, *baduk.Game) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("an interrupted self-play ends with %v", err)
	}
}
