package gtp

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
)

// Two players fill the board from the same corner: it ends by itself, and both sides count the same.
func TestAMatchAlternatesAndCounts(t *testing.T) {
	m := &Match{Opponent: connect(t, Config{Rules: Rules{Rules: baduk.TrompTaylor}}), Name: "ours", Size: 7, Komi: 7.5, Rules: baduk.TrompTaylor}
	var games []MatchGame
	for n := range 2 {
		g, err := m.Play(context.Background(), n+1, first, []baduk.Color{baduk.Black, baduk.White}[n], 1)
		if err != nil {
			t.Fatal(err)
		}
		b, err := g.Record.Final()
		if err != nil {
			t.Fatal(err)
		}
		black, white := b.Area(b.Dead(playouts, 0)...)
		if want := baduk.Score(float64(black-white) - 7.5); g.Result != want.Text || g.Record.Result != want || g.Opponent != want.Text || g.Disagrees() {
			t.Errorf("game %d: %s, the opponent says %s: should be %s", n+1, g.Result, g.Opponent, want.Text)
		}
		if g.Moves != len(g.Record.Moves) || g.Ended != EndedByPasses || b.Passes() != 2 {
			t.Errorf("game %d: %d moves, ended by %s", n+1, g.Moves, g.Ended)
		}
		if (g.Margin > 0) != g.Won {
			t.Errorf("game %d: margin %v, won %v", n+1, g.Margin, g.Won)
		}
		games = append(games, g)
	}
	if m.OpponentName() != "zoo 1.0" || games[0].Record.Black != "ours" || games[1].Record.Black != "zoo 1.0" || games[1].Record.White != "ours" {
		t.Errorf("the players are %q and %q", games[0].Record.Black, games[1].Record.Black)
	}
	// Both games are the same, so that one is won and one lost.
	if s := Summarise(games); s.Wins != 1 || s.Games != 2 || s.Black != 1 || s.WinsAsBlack+s.WinsAsWhite != 1 || s.MeanMargin != 0 || s.Counted != 2 || s.MeanLength != float64(games[0].Moves) {
		t.Errorf("the summary is %+v", s)
	}
}

// A score is the same in another spelling, and another one is told.
func TestOpponentsMaySpellAScoreOtherwise(t *testing.T) {
	for said, agrees := range map[string]bool{"W+7.50": true, "w+7.5": true, "W+7.5": true, "B+7.5": false, "W+70.50": false, "0": false, "": true} {
		e := newEngine(t, Config{Rules: Rules{Rules: baduk.TrompTaylor}})
		c, err := speak(t, time.Minute, func(line string) (string, bool) {
			text := e.Do(line)
			if id, command, _ := strings.Cut(strings.TrimSpace(line), " "); command == "final_score" {
				text = "=" + id + " " + said + "\n\n"
			}
			return text, !e.quit
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Do(context.Background(), "boardsize 3"); err != nil {
			t.Fatal(err)
		}
		b, err := baduk.NewBoard(3, baduk.Rules{})
		if err != nil {
			t.Fatal(err)
		}
		g := MatchGame{Record: &baduk.Game{}}
		m := &Match{Opponent: c, Size: 3, Komi: 7.5, Rules: baduk.TrompTaylor}
		if err := m.score(context.Background(), b, &g); err != nil {
			t.Fatal(err)
		}
		if g.Result = g.Record.Result.Text; g.Result != "W+7.5" || g.Disagrees() == agrees {
			t.Errorf("%q of an empty board: the result is %q, the opponent's %q", said, g.Result, g.Opponent)
		}
	}
}

func TestResignationsAndTheBoundEndGames(t *testing.T) {
	resigns := PlayerFunc(func(ctx context.Context, pos Position) (baduk.Point, bool, error) {
		return baduk.None, pos.Board.Moves() > 5, nil
	})
	first := first
	for _, s := range []struct {
		name          string
		ours, theirs  Player
		most          int
		ended, result string
		moves         int
		won           bool
	}{
		{"we resign", PlayerFunc(func(ctx context.Context, pos Position) (baduk.Point, bool, error) {
			if pos.Board.Moves() > 5 {
				return resigns(ctx, pos)
			}
			return first(ctx, pos)
		}), first, 0, EndedByResignation, "W+R", 6, false},
		{"they resign", first, PlayerFunc(func(context.Context, Position) (baduk.Point, bool, error) { return baduk.None, true, nil }), 0, EndedByResignation, "B+R", 1, true},
		{"the bound", first, first, 4, EndedByBound, "W+0.5", 4, false},
	} {
		t.Run(s.name, func(t *testing.T) {
			m := &Match{Opponent: connect(t, Config{Player: s.theirs}), Name: "ours", Size: 7, Komi: 0.5, MaxMoves: s.most}
			g, err := m.Play(context.Background(), 1, s.ours, baduk.Black, 1)
			if err != nil {
				t.Fatal(err)
			}
			if g.Ended != s.ended || g.Moves != s.moves || g.Won != s.won || !strings.HasPrefix(g.Result, s.result[:2]) {
				t.Errorf("%+v", g)
			}
			if s.ended == EndedByResignation && (g.Result != s.result || g.Margin != 0 || Summarise([]MatchGame{g}).Counted != 0) {
				t.Errorf("%+v", g)
			}
		})
	}
}

func TestWhatIsAgainstTheRulesEndsAMatch(t *testing.T) {
	add := func(name, answer string) Config {
		return Config{Commands: map[string]func(*Engine, []string) (string, error){name: func(e *Engine, _ []string) (string, error) {
			if answer == "" {
				return "", fmt.Errorf("too tired")
			}
			return answer, nil
		}}}
	}
	occupied := PlayerFunc(func(ctx context.Context, pos Position) (baduk.Point, bool, error) {
		if pos.Board.Moves() == 0 {
			return 0, false, nil
		}
		return 0, false, nil
	})
	for _, s := range []struct {
		name   string
		cfg    Config
		player Player
		fault  string
	}{
		{"a stone upon another", add("genmove", "A7"), first, "game 3, move 2: other plays white A7, which is illegal: the point is occupied"},
		{"a point off the board", add("genmove", "T19"), first, `game 3, move 2: other answered genmove: vertex "T19": should be a letter from A to G without I and a number from 1 to 7, or pass`},
		{"no move", add("genmove", ""), first, `game 3, move 2: other: refused "genmove white": too tired`},
		{"our move refused", add("play", ""), first, `game 3, move 1: other: refused "play black A7": too tired`},
		{"our illegal move", Config{}, occupied, "game 3, move 3: ours would play black A7: the point is occupied"},
		{"another size", Config{Sizes: []int{9}}, first, `game 3, move 1: other: refused "boardsize 7": unacceptable size`},
		{"dead stones where there are none", add("final_status_list", "G1"), PlayerFunc(func(context.Context, Position) (baduk.Point, bool, error) { return baduk.Pass, false, nil }),
			`other lists "G1" among the dead stones: there is no stone`},
	} {
		t.Run(s.name, func(t *testing.T) {
			if s.cfg.Player == nil && s.name == "dead stones where there are none" {
				s.cfg.Player = s.player
			}
			m := &Match{Opponent: connect(t, s.cfg), Name: "ours", Size: 7}
			_, err := m.Play(context.Background(), 3, s.player, baduk.Black, 1)
			if err == nil || !strings.HasSuffix(err.Error(), s.fault) {
				t.Errorf("%v: should be %s", err, s.fault)
			}
		})
	}
}

func TestAMatchEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stop := PlayerFunc(func(ctx context.Context, pos Position) (baduk.Point, bool, error) {
		if pos.Board.Moves() > 6 {
			cancel()
		}
		return first(ctx, pos)
	})
	m := &Match{Opponent: connect(t, Config{}), Name: "ours", Size: 9}
	if g, err := m.Play(ctx, 1, stop, baduk.Black, 1); err != context.Canceled || len(g.Record.Moves) > 9 {
		t.Errorf("ended with %v after %d moves", err, len(g.Record.Moves))
	}
}

// Random sensible moves against GNU Go, whose rules, komi and count must be ours.
func TestAGameAgainstGNUGo(t *testing.T) {
	c, err := Start(context.Background(), time.Minute, gnugo(t), "--mode", "gtp", "--level", "1", "--chinese-rules")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	m := &Match{Opponent: c, Name: "ours", Size: 7, Komi: 6.5}
	var last MatchGame
	for range 2 {
		r := rand.New(rand.NewPCG(1, 2))
		g, err := m.Play(context.Background(), 1, PlayerFunc(func(ctx context.Context, pos Position) (baduk.Point, bool, error) {
			if pos.Board.Passes() > 0 {
				return baduk.Pass, false, nil
			}
			for range 200 {
				if p := baduk.Point(r.IntN(pos.Board.Points())); pos.Board.Sensible(pos.Board.ToPlay(), p) {
					return p, false, nil
				}
			}
			return baduk.Pass, false, nil
		}), baduk.Black, 7)
		if err != nil {
			t.Fatal(err)
		}
		if g.Won || g.Disagrees() || g.Ended == EndedByBound || m.OpponentName() != "GNU Go 3.8" && !strings.HasPrefix(m.OpponentName(), "GNU Go") {
			t.Errorf("%s: %+v", m.OpponentName(), g)
		}
		if last.Record != nil && fmt.Sprint(last.Record.Moves) != fmt.Sprint(g.Record.Moves) {
			t.Error("the same seed gives another game")
		}
		last = g
	}
}

func TestGamesBeginWithTheOpening(t *testing.T) {
	opening := &baduk.Game{Size: 9, First: baduk.Black, Moves: []baduk.Move{{Color: baduk.Black, Point: baduk.At(4, 4, 9)}, {Color: baduk.White, Point: baduk.At(2, 6, 9)}, {Color: baduk.Black, Point: baduk.At(6, 2, 9)}}}
	m := &Match{Opponent: connect(t, Config{}), Name: "ours", Size: 9, Komi: 7.5, Opening: opening}
	for _, c := range []baduk.Color{baduk.Black, baduk.White} {
		g, err := m.Play(context.Background(), 1, first, c, 1)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(g.Record.Moves[:3], opening.Moves) || g.Record.Moves[3] != (baduk.Move{Color: baduk.White, Point: 0}) {
			t.Errorf("as %v it begins with %v", c, g.Record.Moves[:4])
		}
	}
	for name, bad := range map[string]*baduk.Game{
		"another size":      {Size: 13, First: baduk.Black},
		"white begins":      {Size: 9, First: baduk.White},
		"two moves in turn": {Size: 9, First: baduk.Black, Moves: []baduk.Move{{Color: baduk.Black, Point: 3}, {Color: baduk.Black, Point: 5}}},
		"an illegal move":   {Size: 9, First: baduk.Black, Moves: []baduk.Move{{Color: baduk.Black, Point: 3}, {Color: baduk.White, Point: 3}}},
	} {
		m.Opening = bad
		if _, err := m.Play(context.Background(), 1, first, baduk.Black, 1); err == nil || !strings.Contains(err.Error(), "the opening") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The limits are those of Wilson's interval in the literature's tables.
func TestTheIntervalIsWilsons(t *testing.T) {
	for _, c := range []struct{ wins, n, low, high float64 }{{10, 20, 0.2993, 0.7007}, {81, 100, 0.7222, 0.8749}, {0, 10, 0, 0.2775}, {40, 40, 0.9124, 1}, {0, 0, 0, 1}} {
		if low, high := wilson(c.wins, c.n); math.Abs(low-c.low) > 1e-4 || math.Abs(high-c.high) > 1e-4 {
			t.Errorf("%v of %v: %.4f to %.4f, should be %.4f to %.4f", c.wins, c.n, low, high, c.low, c.high)
		}
	}
}
