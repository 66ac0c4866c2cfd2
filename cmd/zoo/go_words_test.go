package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk/gtp"
)

func TestAMatchIsToldGameByGame(t *testing.T) {
	for _, c := range []struct {
		game gtp.MatchGame
		want string
	}{
		{gtp.MatchGame{Number: 7, Won: true, Color: "black", Result: "B+3.5", Moves: 211, Ended: "passes", Opponent: "B+3.5", Playouts: "B+3.5"},
			"game   7: won as black, B+3.5, 211 moves"},
		{gtp.MatchGame{Number: 12, Color: "black", Result: "W+R", Moves: 90, Ended: gtp.EndedByResignation},
			"game  12: lost as black, W+R, 90 moves"},
		{gtp.MatchGame{Number: 123, Color: "white", Result: "0", Moves: 1083, Ended: gtp.EndedByBound, Opponent: "W+1", Playouts: "B+2"},
			"game 123: drawn as white, 0, 1083 moves, ended by their bound; the other program says W+1; random games say B+2"},
	} {
		if got := matchLine(c.game, 3); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	s := gtp.MatchSummary{
		Games: 40, Wins: 10, Draws: 2, Black: 25, WinsAsBlack: 9, WinsAsWhite: 1, Counted: 31, MeanMargin: -4.26, MeanLength: 207.6, Moves: 8304, Low: .1642, High: .4255,
	}
	const want = "\nwon 10 of 40 games (2 drawn) against GNU Go 3.8, 25.00 % (16.42 % to 42.55 %): 9 of 25 as black, 1 of 15 as white\n" +
		"mean margin -4.3 points in 31 counted games, mean length 208 moves; 8,304 moves checked, none illegal\n"
	if got := matchSummary(s, "GNU Go 3.8"); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	s.Draws = 0
	if got := matchSummary(s, "it"); !strings.HasPrefix(got, "\nwon 10 of 40 games against it, 25.00 %") {
		t.Error(got)
	}
}

func TestACommandLineIsSplitAtSpaces(t *testing.T) {
	for _, c := range []struct {
		line string
		want []string
	}{
		{"gnugo --mode gtp", []string{"gnugo", "--mode", "gtp"}},
		{"  a   b ", []string{"a", "b"}},
		{`'my program' "a 'b' c" d"e f"g`, []string{"my program", "a 'b' c", "de fg"}},
		{`zoo ''`, []string{"zoo", ""}},
		{`a "" b`, []string{"a", "", "b"}},
	} {
		if got, err := splitWords(c.line); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, %v, want %q", c.line, got, err, c.want)
		}
	}
	for line, want := range map[string]string{
		"": "should be a program and its arguments", "  ": "should be a program and its arguments", `'' a`: "should be a program and its arguments",
		`a 'b`: "a ' has no partner", `"a' b`: `a " has no partner`,
	} {
		if got, err := splitWords(line); err == nil || err.Error() != want {
			t.Errorf("%s: %q, %v, want %s", line, got, err, want)
		}
	}
}

func TestJudgingTellsHowFarItIs(t *testing.T) {
	var said bytes.Buffer
	a := &app{stderr: &said}
	for _, done := range []int{1, 99, 100, 101, 1200, 1250} {
		a.tellPlayedOn(done, 1250)
	}
	if want := "played on 100 of 1,250 games\nplayed on 1,200 of 1,250 games\n"; said.String() != want {
		t.Errorf("%q, want %q", &said, want)
	}
	if letter(baduk.Black) != "B" || letter(baduk.White) != "W" {
		t.Errorf("black is %s, white %s", letter(baduk.Black), letter(baduk.White))
	}
}

func TestSelfPlayTellsHowFarItIs(t *testing.T) {
	count := tally{file: "games.sgf", of: 9000, had: 1994, began: time.Now().Add(-100 * time.Hour)}
	for i := range 6 {
		g := &baduk.Game{Moves: make([]baduk.Move, 100+i)}
		if i != 3 {
			g.Result = baduk.Result{Winner: baduk.Black, Margin: 2.5}
		}
		count.add(g)
	}
	got := count.line()
	for _, want := range []string{
		"games.sgf: 2,000 of 9,000 games, black won 83.33 % of those played now, mean length 102 moves, 16.67 % ended early; 0.0 games/s, 116666h",
		" to go",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q has no %q", got, want)
		}
	}
	count.early, count.of = 0, 2000
	if got := count.line(); !strings.HasSuffix(got, "mean length 102 moves; 0.0 games/s") {
		t.Error(got)
	}
	if !count.due() || count.due() {
		t.Error("a line after 100 hours, and another one at once")
	}
}
