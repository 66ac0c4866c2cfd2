package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk/gtp"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

type goMatchFlags struct {
	goPlayerFlags
	against, sgf string
	openings     []string
	games, plies int
	size         int
	komi         float64
	timeout      time.Duration
	json_        bool
}

// goMatch is what --json prints.
type goMatch struct {
	Weights  string  `json:"weights"`
	Value    string  `json:"value,omitempty"`
	Visits   int     `json:"visits"`
	Seconds  float64 `json:"seconds,omitempty"` // of a move
	Against  string  `json:"against"`
	Opponent string  `json:"opponent"` // as it calls itself
	Size     int     `json:"size"`
	Komi     float64 `json:"komi"`
	Seed     uint64  `json:"seed"`
	gtp.MatchSummary
	Each []gtp.MatchGame `json:"each"`
}

func newGoMatch(a *app) *cobra.Command {
	var f goMatchFlags
	cmd := &cobra.Command{
		Use:   "match",
		Short: "Play against another Go program",
		Long: `Play as zoo go engine does against another program that speaks the Go Text Protocol 2, GNU Go if no other is
named. Black, which the zoo has in the first game, alternates. With --openings each pair of games begins with the
first moves of somebody's game.

Every move of both is checked by the rules: simple ko, no suicide. A game ends by two passes, a
resignation, or after 3·size² moves. It is scored by area, the dead stones being those that the other
program's final_status_list lists, or if it has no such command those that random games find dead; where its
final_score says something else, that is told. GNU Go counts territory by itself, so that it has to
be started with --chinese-rules. A move against the rules, or no answer in --timeout, ends the match.

Game n has the seed plus n, which GNU Go is told too: a match can be repeated.
At temperature 0 against a program that always plays the same, all games of one color and opening are the same. The
interval is Wilson's of 95 %, a draw being half a win.`,
		Example: `  zoo go match --games 20 --sgf games
  zoo go match --visits 400 --against 'zoo go engine --visits 0' --openings games.zip --games 100`,
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.match(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	f.register(flags)
	flags.StringVar(&f.against, "against", "gnugo --mode gtp --level 1 --chinese-rules", "the other program with its arguments")
	flags.IntVar(&f.games, "games", 20, "games to play")
	flags.IntVar(&f.size, "size", 0, "of the board, as in 9; 0 means the one that the policy was trained on")
	flags.Float64Var(&f.komi, "komi", 7.5, "white's points for moving second")
	flags.StringArrayVar(&f.openings, "openings", nil, "game records whose first moves pairs of games begin with; can be given several times")
	flags.IntVar(&f.plies, "opening-moves", 12, "moves of an opening")
	flags.StringVar(&f.sgf, "sgf", "", "folder to write the games to")
	flags.DurationVar(&f.timeout, "timeout", time.Minute, "time that the other program has for an answer")
	flags.BoolVar(&f.json_, "json", false, "print one object")
	return cmd
}

func (f *goMatchFlags) check() error {
	switch {
	case f.plies < 0:
		return fmt.Errorf("--opening-moves %d: should be 0 or above", f.plies)
	case f.games < 1:
		return fmt.Errorf("--games %d: should be at least 1", f.games)
	case !(math.Abs(f.komi) <= 1000):
		return fmt.Errorf("--komi %v: should be a number of points such as 7.5", f.komi)
	case f.timeout <= 0:
		return fmt.Errorf("--timeout %v: should be above 0", f.timeout)
	}
	return nil
}

func (a *app) match(ctx context.Context, f goMatchFlags) error {
	if err := f.check(); err != nil {
		return usage(err)
	}
	words, err := splitWords(f.against)
	if err != nil {
		return usage(fmt.Errorf("--against %s: %w", f.against, err))
	}
	players, err := f.open(a)
	if err != nil {
		return err
	}
	defer players.close()
	size := f.size
	if size == 0 {
		size = players.size
	}
	if _, err := players.on(size); err != nil {
		return err
	}
	var openings *baduk.Corpus
	if len(f.openings) > 0 {
		if openings, err = a.readGames(size, f.openings); err != nil {
			return err
		}
	}
	if f.sgf != "" {
		if err := os.MkdirAll(f.sgf, 0o777); err != nil {
			return err
		}
	}
	other, err := gtp.Start(ctx, f.timeout, words[0], words[1:]...)
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%w: --against names it with its path, as in '/usr/games/gnugo --mode gtp --level 1 --chinese-rules'", err)
	}
	if err != nil {
		return err
	}
	defer other.Close()
	match := &gtp.Match{Opponent: other, Name: players.name(size), Size: size, Komi: f.komi}
	var games []gtp.MatchGame
	for n := range f.games {
		var player gtp.Player
		if player, err = players.player(size, uint64(n)); err != nil {
			break
		}
		if openings != nil {
			// Both games of a pair have the same.
			match.Opening = openings.Game(n / 2 * openings.Games() / ((f.games + 1) / 2)).Opening(f.plies)
		}
		var g gtp.MatchGame
		if g, err = match.Play(ctx, n+1, player, []baduk.Color{baduk.Black, baduk.White}[n%2], f.seed+uint64(n)); err != nil {
			break
		}
		games = append(games, g)
		if !f.json_ {
			fmt.Fprintln(a.stdout, matchLine(g, len(fmt.Sprint(f.games))))
		}
		if f.sgf != "" {
			file := filepath.Join(f.sgf, fmt.Sprintf("%03d.sgf", n+1))
			if err = weights.WriteAtomically(file, func(w io.Writer) error { return baduk.WriteSGF(w, g.Record) }); err != nil {
				break
			}
		}
	}
	s := gtp.Summarise(games)
	switch {
	case f.json_ && err == nil:
		return a.printJSON(goMatch{f.weights, players.value(size), f.visits, f.time.Seconds(), f.against, match.OpponentName(), size, f.komi, f.seed, s, games})
	case !f.json_ && len(games) > 0:
		fmt.Fprint(a.stdout, matchSummary(s, match.OpponentName()))
	}
	return err
}

// matchLine tells of a game.
func matchLine(g gtp.MatchGame, digits int) string {
	how := "lost"
	switch {
	case g.Won:
		how = "won"
	case g.Result == "0":
		how = "drawn"
	}
	line := fmt.Sprintf("game %*d: %s as %s, %s, %d moves", digits, g.Number, how, g.Color, g.Result, g.Moves)
	if g.Ended == gtp.EndedByBound {
		line += ", ended by their bound"
	}
	if g.Disagrees() {
		line += fmt.Sprintf("; the other program says %s", g.Opponent)
	}
	if g.Playouts != "" && g.Playouts != g.Result {
		line += fmt.Sprintf("; random games say %s", g.Playouts)
	}
	return line
}

// matchSummary tells of all games.
func matchSummary(s gtp.MatchSummary, opponent string) string {
	draws := ""
	if s.Draws > 0 {
		draws = fmt.Sprintf(" (%d drawn)", s.Draws)
	}
	return fmt.Sprintf("\nwon %d of %d games%s against %s, %s (%s to %s): %d of %d as black, %d of %d as white\n", s.Wins, s.Games, draws, opponent,
		report.Percent(float64(s.Wins)/float64(s.Games)), report.Percent(s.Low), report.Percent(s.High), s.WinsAsBlack, s.Black, s.WinsAsWhite, s.Games-s.Black) +
		fmt.Sprintf("mean margin %+.1f points in %d counted games, mean length %.0f moves; %s moves checked, none illegal\n", s.MeanMargin, s.Counted, s.MeanLength, report.Group(int64(s.Moves)))
}

// splitWords splits a command line at spaces, but for those in single or double quotes.
func splitWords(s string) ([]string, error) {
	var words []string
	var word strings.Builder
	begun, quote := false, rune(0)
	for _, r := range s {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote, begun = r, true
		case quote == 0 && r == ' ':
			if begun {
				words = append(words, word.String())
			}
			word.Reset()
			begun = false
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	if begun {
		words = append(words, word.String())
	}
	switch {
	case quote != 0:
		return nil, fmt.Errorf("a %c has no partner", quote)
	case len(words) == 0 || words[0] == "":
		return nil, errors.New("should be a program and its arguments")
	}
	return words, nil
}
