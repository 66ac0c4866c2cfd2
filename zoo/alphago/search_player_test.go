package alphago

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk/gtp"
)

func outcome(t testing.TB, v *Value, b *baduk.Board) float32 {
	t.Helper()
	list, err := v.Outcomes([]*baduk.Board{b}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return list[0]
}

func newPlayer(t testing.TB, cfg SearchConfig) *SearchPlayer {
	t.Helper()
	s, err := NewSearch(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &SearchPlayer{Search: s, Visits: 50}
}

// dead is a board that is all black's but for a dead white stone at C3 and two points of white's liberties.
const dead = `
	. X . X . X . X .
	X X X X X X X X X
	. X . X . X . X .
	X X X X X X X X X
	. X . X . X . X .
	X X X X X X X X X
	. . O X . X . X .
	X X . X X X X X X
	. X X X . X . X .`

func TestAPlayerPassesWhenAllIsDecidedButNotBeforeACleanup(t *testing.T) {
	b, _, err := baduk.Draw(dead, baduk.Rules{})
	if err != nil {
		t.Fatal(err)
	}
	b.SetToPlay(baduk.White)
	if err := b.Play(baduk.White, baduk.Pass); err != nil {
		t.Fatal(err)
	}
	p := newPlayer(t, SearchConfig{Policy: evenPolicy(t, 9, 1)})
	ask := func(cleanup bool) baduk.Point {
		t.Helper()
		move, resign, err := p.Genmove(context.Background(), gtp.Position{Board: b.Clone(), Komi: 7.5, Cleanup: cleanup})
		if err != nil || resign {
			t.Fatal(err, resign)
		}
		return move
	}
	if move := ask(false); move != baduk.Pass {
		t.Errorf("it plays %s, and should pass", move.Vertex(9))
	}
	if move := ask(true); move == baduk.Pass {
		t.Error("it passes before the dead stone is off the board")
	}
	// Once it is, it passes.
	for i := 0; i < 20; i++ {
		move := ask(true)
		if move == baduk.Pass {
			if b.Color(baduk.At(2, 6, 9)) == baduk.White {
				t.Error("it passes before the dead stone is off the board")
			}
			return
		}
		if err := b.Play(baduk.Black, move); err != nil {
			t.Fatal(err)
		}
		if err := b.Play(baduk.White, baduk.Pass); err != nil {
			t.Fatal(err)
		}
	}
	t.Errorf("it never passes:\n%v", b)
}

func TestAPlayerResignsWhatItHasLost(t *testing.T) {
	b, _, err := baduk.Draw(dead, baduk.Rules{})
	if err != nil {
		t.Fatal(err)
	}
	b.SetToPlay(baduk.White)
	p := newPlayer(t, SearchConfig{Policy: evenPolicy(t, 9, 1)})
	for _, c := range []struct {
		below  float64
		moves  int
		resign bool
	}{{0, 0, false}, {0.1, 0, false}, {0.1, 40, true}} {
		// Passes make it late enough in the game to resign.
		late := b.Clone()
		for late.Moves() < c.moves {
			if err := late.Play(late.ToPlay(), baduk.Pass); err != nil {
				t.Fatal(err)
			}
		}
		// Not just after a pass, at which it would pass too.
		if late.ToPlay() == baduk.White {
			if err := late.Play(baduk.White, baduk.Pass); err != nil {
				t.Fatal(err)
			}
		}
		if err := late.Play(baduk.Black, baduk.At(2, 7, 9)); err != nil {
			t.Fatal(err)
		}
		p.Resign = c.below
		pos := gtp.Position{Board: late, Komi: 7.5}
		_, resign, err := p.Genmove(context.Background(), pos)
		if err != nil || resign != c.resign {
			t.Errorf("below %v after %d moves: resigns %t, should be %t (%v)", c.below, c.moves, resign, c.resign, err)
		}
	}
}

func TestAClockEndsTheThinking(t *testing.T) {
	p := newPlayer(t, SearchConfig{Policy: smallPolicy(t)})
	p.Visits = 3
	b := position(t, 10)
	if _, _, err := p.Genmove(context.Background(), gtp.Position{Board: b, Komi: 7.5, Clock: gtp.Clock{Main: 20 * time.Second}}); err != nil {
		t.Fatal(err)
	}
	if n := p.Search.Visits(); n <= 3 {
		t.Errorf("with half a second for the move it has %d visits", n)
	}
	p.Search.Clear()
	p.Strict = true
	if _, _, err := p.Genmove(context.Background(), gtp.Position{Board: b, Komi: 7.5, Clock: gtp.Clock{Main: time.Hour}}); err != nil || p.Search.Visits() != 3 {
		t.Errorf("strictly 3 visits are %d (%v)", p.Search.Visits(), err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := p.Genmove(ctx, gtp.Position{Board: b, Komi: 0.5}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled, it ends with %v", err)
	}
}

func TestAPlayerPondersUntilItIsAsked(t *testing.T) {
	p := newPlayer(t, SearchConfig{Policy: smallPolicy(t)})
	p.Ponder = true
	b := position(t, 10)
	move, _, err := p.Genmove(context.Background(), gtp.Position{Board: b.Clone(), Komi: 7.5})
	if err != nil {
		t.Fatal(err)
	}
	if p.stop == nil {
		t.Fatal("it does not ponder")
	}
	if err := b.Play(b.ToPlay(), move); err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Millisecond)
	p.Close()
	if !same(p.Search.at, b) || p.Search.Visits() == 0 {
		t.Errorf("it pondered about another position, or had no visit: %d", p.Search.Visits())
	}
	p.Close() // twice does no harm
}

func TestATemperatureDrawsTheFirstMoves(t *testing.T) {
	play := func(seed uint64, moves int) baduk.Point {
		p := newPlayer(t, SearchConfig{Policy: smallPolicy(t)})
		p.Temperature, p.Draw, p.Rand = 1, 20, rand.New(rand.NewPCG(seed, 1))
		move, _, err := p.Genmove(context.Background(), gtp.Position{Board: position(t, moves), Komi: 7.5})
		if err != nil {
			t.Fatal(err)
		}
		return move
	}
	early, late := map[baduk.Point]bool{}, map[baduk.Point]bool{}
	for seed := range uint64(8) {
		early[play(seed, 10)], late[play(seed, 30)] = true, true
	}
	if len(early) < 2 || len(late) != 1 {
		t.Errorf("%d first moves and %d later ones: should be several, and one", len(early), len(late))
	}
	p := newPlayer(t, SearchConfig{Policy: smallPolicy(t)})
	p.Temperature, p.Draw = 1, 20
	if _, _, err := p.Genmove(context.Background(), gtp.Position{Board: position(t, 10)}); err == nil {
		t.Error("a temperature without random numbers is no error")
	}
}

func TestAnAnalysisTellsWhatTheSearchHasFound(t *testing.T) {
	p := newPlayer(t, SearchConfig{Policy: smallPolicy(t)})
	b := position(t, 20)
	ctx, cancel := context.WithCancel(context.Background())
	var told []gtp.Analysis
	err := p.Analyze(ctx, gtp.Position{Board: b, Komi: 7.5}, gtp.Thinking{Every: time.Nanosecond, Ownership: true, Report: func(a gtp.Analysis) {
		if told = append(told, a); a.Visits > 40 {
			cancel()
		}
	}})
	if err != nil || len(told) < 3 {
		t.Fatalf("%d reports (%v)", len(told), err)
	}
	last := told[len(told)-1]
	if last.Visits < told[0].Visits || len(last.Moves) < 10 || last.Moves[0].Visits < last.Moves[1].Visits || last.Moves[0].Line[0] != last.Moves[0].Point || len(last.Ownership) != 81 {
		t.Errorf("%+v", last)
	}
	for _, m := range last.Moves {
		if m.LCB > m.Winrate || m.Winrate < 0 || m.Winrate > 1 || m.Prior < 0 || m.Prior > 1 {
			t.Errorf("%+v", m)
		}
	}
	// The ownership is the player's: turned over, it is the opponent's.
	black := b.Ownership(passPlayouts, 1)
	for i := range black {
		if want := black[i] * float32(sign(b.ToPlay())); last.Ownership[i] != want {
			t.Fatalf("point %d: %v, should be %v", i, last.Ownership[i], want)
		}
	}
}
