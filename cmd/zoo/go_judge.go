package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/alphago"
)

type goJudgeFlags struct {
	weights, out   string
	limit, threads int
	komi, margin   float64
}

func newGoJudge(a *app) *cobra.Command {
	var f goJudgeFlags
	cmd := &cobra.Command{
		Use:   "judge GAMES... -o GAMES.sgf",
		Short: "Say who won games whose records do not say it",
		Long: `Say who won games whose records do not say it, and write all games of which that is known to one file. A result
that was judged is marked so in the record, in its property ZJ; the records' own results stay as they are.

A game that ended by two passes, or whose last position random games leave in no doubt, is scored by area
("counted"). Any other was given up, or ended before the last points were filled: a policy network plays it on to
the end for both players, and who then wins by at least --margin points, or so clearly that all of 64 random games
agree, is taken for the winner ("played on"). Closer games are left out: nobody knows.`,
		Example: "  zoo go judge games.zip -o judged.sgf\n  zoo go train --network alphago-value --data judged.sgf",
		Args:    arguments(1, -1, "game records"),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.judge(cmd.Context(), f, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.weights, "weights", "alphago-policy-small", "policy network: shipped weights, a weights file or a run")
	flags.StringVarP(&f.out, "output", "o", "", "file of game records to write")
	flags.Float64Var(&f.komi, "komi", 6.5, "white's points for moving second, where the record tells none")
	flags.IntVar(&f.limit, "limit", 0, "look at so many games, spread evenly; 0 means all")
	flags.Float64Var(&f.margin, "margin", 5, "points that a game that is played on has to be won by")
	flags.IntVar(&f.threads, "threads", 0, "threads, which change no result; 0 means one for each core")
	return cmd
}

// judged counts how the winners came to be known.
type judged struct{ told, counted, played, unknown int }

func (a *app) judge(ctx context.Context, f goJudgeFlags, paths []string) error {
	switch {
	case f.out == "":
		return usage(errors.New("zoo go judge needs a file to write: -o judged.sgf"))
	case !(f.margin >= 0):
		return usage(fmt.Errorf("--margin %v: should be 0 or above", f.margin))
	case f.limit < 0:
		return usage(fmt.Errorf("--limit %d: should be at least 1, or 0 for all games", f.limit))
	}
	p, err := loadPolicy(f.weights, f.threads)
	if err != nil {
		return err
	}
	defer p.Close()
	games, err := a.gamesToJudge(p.Size(), f, paths)
	if err != nil {
		return err
	}
	open, err := baduk.NewCorpus(p.Size())
	if err != nil {
		return err
	}
	var n judged
	var given []*baduk.Game // in the order of open
	for _, g := range games {
		if err := ctx.Err(); err != nil {
			return err
		}
		if g.Result.Winner != baduk.Empty {
			n.told++
			continue
		}
		b, err := g.Final()
		if err != nil {
			return err
		}
		if alphago.Over(b) {
			g.Result, g.Judged = alphago.Count(b, g.Komi), "counted"
			n.counted++
			continue
		}
		given = append(given, g)
		if err := open.Add(g); err != nil {
			return err
		}
	}
	var stopped error
	if len(given) > 0 {
		s := alphago.SelfPlay{Policy: p, Komi: f.komi, Openings: open, Finish: true, Early: true}
		stopped = s.Play(ctx, 0, len(given), func(i int, played *baduk.Game) error {
			g := given[i]
			if played.Result.Margin == 0 || played.Result.Margin >= f.margin {
				g.Result, g.Judged = baduk.Result{Winner: played.Result.Winner, Text: letter(played.Result.Winner) + "+"}, "played on"
				n.played++
			} else {
				n.unknown++
			}
			a.tellPlayedOn(i+1, len(given))
			return nil
		})
		if stopped != nil && ctx.Err() == nil {
			return stopped
		}
		n.unknown += len(given) - n.played - n.unknown // what was interrupted is not lost, but not told either
	}
	err = weights.WriteAtomically(f.out, func(w io.Writer) error {
		for _, g := range games {
			if g.Result.Winner == baduk.Empty {
				continue
			}
			var record bytes.Buffer
			if err := baduk.WriteSGF(&record, g); err != nil {
				return err
			}
			if _, err := w.Write(record.Bytes()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if stopped != nil {
		fmt.Fprintln(a.stderr, "interrupted: the games that were not played on yet are left out")
	}
	fmt.Fprintf(a.stdout, "%s: %s: %s had a result, %s were counted, %s were played on; %s were too close to tell\n", f.out,
		report.Plural(len(games)-n.unknown, "game"), report.Group(int64(n.told)), report.Group(int64(n.counted)), report.Group(int64(n.played)), report.Group(int64(n.unknown)))
	return stopped
}

// tellPlayedOn says now and then how many games were played on.
func (a *app) tellPlayedOn(done, of int) {
	if done%100 == 0 {
		fmt.Fprintf(a.stderr, "played on %s of %s games\n", report.Group(int64(done)), report.Group(int64(of)))
	}
}

// letter is a player's in SGF.
func letter(c baduk.Color) string {
	if c == baduk.White {
		return "W"
	}
	return "B"
}

// gamesToJudge reads the games of the policy's size that have moves.
func (a *app) gamesToJudge(size int, f goJudgeFlags, paths []string) ([]*baduk.Game, error) {
	for _, p := range paths {
		if _, err := os.Stat(p); err != nil {
			return nil, err
		}
	}
	var games []*baduk.Game
	for g, err := range baduk.Open(paths...) {
		switch {
		case err != nil:
			a.skipped(err)
		case g.Rest != nil:
			a.skipped(fmt.Errorf("%v: %w: how it ended is not known", g, g.Rest))
		case g.Size != size:
			a.skipped(fmt.Errorf("%v: the board is %d×%[2]d: should be %d×%[3]d", g, g.Size, size))
		case len(g.Moves) == 0:
			a.skipped(fmt.Errorf("%v: it has no moves", g))
		default:
			if g.Komi == 0 && g.Handicap == 0 {
				g.Komi = f.komi
			}
			games = append(games, g)
		}
	}
	if len(games) == 0 {
		return nil, errors.New("no game can be judged")
	}
	if f.limit > 0 && f.limit < len(games) {
		some := make([]*baduk.Game, f.limit)
		for i := range some {
			some[i] = games[i*len(games)/f.limit]
		}
		games = some
	}
	return games, nil
}
