package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/alphago"
)

type goSelfplayFlags struct {
	weights, out           string
	openings               []string
	games, beside, threads int
	seed                   uint64
	temperature, komi      float64
	early                  bool
}

// selfplaySettings are kept beside the games, so that only the same games are gone on with.
type selfplaySettings struct {
	Weights     string  `json:"weights"` // their checksum
	Openings    string  `json:"openings,omitempty"`
	Temperature float64 `json:"temperature"`
	Komi        float64 `json:"komi"`
	Seed        uint64  `json:"seed"`
	Early       bool    `json:"early,omitempty"`
}

func newGoSelfplay(a *app) *cobra.Command {
	var f goSelfplayFlags
	cmd := &cobra.Command{
		Use:   "selfplay -o GAMES.sgf",
		Short: "Let a policy network play against itself, for the value network to learn from",
		Long: `Let a policy network play games against itself and write them to one file, many side by side so that their
positions share the steps of the machine. Interrupted, the same command goes on where it ended, and in the
end has written the same games.

The first U moves of a game are drawn from the policy, or with --openings are those of somebody's game; then
comes one sensible move drawn from all of them alike, as in Silver et al. (2016, "Value network:
regression"); then the policy plays on at --temperature. U is drawn from 0 to three quarters of the
board's points. The record says in its property ZF where the game's own part begins: zoo go train --network
alphago-value takes positions from there on, one of each game in an epoch.

A game ends when no sensible move is left, or when random games leave no point of the board in doubt, and is
scored by area without the stones that random games find dead. With --early it ends as soon as 64 random
games all have the same winner, three times in a row.`,
		Example: `  zoo go selfplay --games 10000 -o selfplay.sgf
  zoo go selfplay --games 10000 --openings games.zip --early -o selfplay.sgf
  zoo go train --network alphago-value --data selfplay.sgf`,
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.selfplay(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.weights, "weights", "alphago-policy-small", "policy network: shipped weights, a weights file or a run")
	flags.StringVarP(&f.out, "output", "o", "", "file of game records to write, or to go on with")
	flags.IntVar(&f.games, "games", 1000, "games to have in the end")
	flags.StringArrayVar(&f.openings, "openings", nil, "game records whose first moves the games begin with; can be given several times")
	flags.Float64Var(&f.temperature, "temperature", 0.5, "0 plays the most probable move; 1 draws by the probabilities")
	flags.Float64Var(&f.komi, "komi", 7.5, "white's points for moving second")
	flags.BoolVar(&f.early, "early", false, "end a game when random games leave no doubt about its winner")
	flags.Uint64Var(&f.seed, "seed", 1, "of the moves that are drawn")
	flags.IntVar(&f.beside, "beside", 32, "games side by side, which change no game")
	flags.IntVar(&f.threads, "threads", 0, "threads, which change no game; 0 means one for each core")
	return cmd
}

func (a *app) selfplay(ctx context.Context, f goSelfplayFlags) error {
	switch {
	case f.out == "":
		return usage(errors.New("zoo go selfplay needs a file to write: -o games.sgf"))
	case f.games < 1:
		return usage(fmt.Errorf("--games %d: should be at least 1", f.games))
	}
	p, err := loadPolicy(f.weights, f.threads)
	if err != nil {
		return err
	}
	defer p.Close()
	s := alphago.SelfPlay{Policy: p, Temperature: f.temperature, Komi: f.komi, Seed: f.seed, Early: f.early, Beside: f.beside}
	set := selfplaySettings{Weights: p.Checksum(), Temperature: f.temperature, Komi: f.komi, Seed: f.seed, Early: f.early}
	if len(f.openings) > 0 {
		if s.Openings, err = a.readGames(p.Size(), f.openings); err != nil {
			return err
		}
		set.Openings = s.Openings.Checksum()
	}
	if err := s.Check(); err != nil {
		return usage(err)
	}
	out, had, err := openSelfplay(f.out, set)
	if err != nil {
		return err
	}
	defer out.Close()
	if had >= f.games {
		fmt.Fprintf(a.stdout, "%s: %s games, as many as are asked for\n", f.out, report.Group(int64(had)))
		return nil
	}
	if had > 0 {
		fmt.Fprintf(a.stderr, "%s: going on after %s games\n", f.out, report.Group(int64(had)))
	}
	t := tally{file: f.out, of: f.games, had: had, began: time.Now()}
	err = s.Play(ctx, had, f.games, func(n int, g *baduk.Game) error {
		g.Black, g.White = "zoo "+p.Model().Name, "zoo "+p.Model().Name
		var record bytes.Buffer
		if err := baduk.WriteSGF(&record, g); err != nil {
			return err
		}
		if _, err := out.Write(record.Bytes()); err != nil {
			return err
		}
		t.add(g)
		if t.due() {
			fmt.Fprintln(a.stderr, t.line())
		}
		return nil
	})
	if e := out.Sync(); err == nil {
		err = e
	}
	if t.games > 0 {
		fmt.Fprintln(a.stdout, t.line())
	}
	return err
}

// A tally counts the games that were played.
type tally struct {
	file        string
	of, had     int
	games       int
	moves       int
	black       int
	early       int
	began, told time.Time
}

func (t *tally) add(g *baduk.Game) {
	t.games++
	t.moves += len(g.Moves)
	if g.Result.Winner == baduk.Black {
		t.black++
	}
	if g.Result.Margin == 0 {
		t.early++
	}
}

// due says whether it is time for a line.
func (t *tally) due() bool {
	if now := time.Now(); now.Sub(cmp.Or(t.told, t.began)) >= 30*time.Second {
		t.told = now
		return true
	}
	return false
}

func (t *tally) line() string {
	spent := time.Since(t.began)
	rate := float64(t.games) / spent.Seconds()
	line := fmt.Sprintf("%s: %s of %s games, black won %s of those played now, mean length %.0f moves", t.file, report.Group(int64(t.had+t.games)), report.Group(int64(t.of)),
		report.Percent(float64(t.black)/float64(t.games)), float64(t.moves)/float64(t.games))
	if t.early > 0 {
		line += fmt.Sprintf(", %s ended early", report.Percent(float64(t.early)/float64(t.games)))
	}
	line += fmt.Sprintf("; %.1f games/s", rate)
	if left := t.of - t.had - t.games; left > 0 {
		line += fmt.Sprintf(", %v to go", time.Duration(float64(left)/rate*float64(time.Second)).Round(time.Second))
	}
	return line
}

// endOfGame ends each record that [baduk.WriteSGF] writes, and stands nowhere in one.
const endOfGame = "\n)\n"

// openSelfplay opens a file to add games to, and says how many it has. What was cut off when an earlier run was killed
// is taken out. Games of other settings are an error.
func openSelfplay(path string, set selfplaySettings) (f *os.File, had int, err error) {
	defer func() {
		if err != nil && f != nil {
			f.Close()
		}
	}()
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s: not a regular file: games cannot be added to it", path)
	}
	side := path + ".json"
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		data, err = nil, nil
		text, _ := json.MarshalIndent(set, "", "  ")
		if err := weights.WriteAtomically(side, func(w io.Writer) error { _, err := w.Write(append(text, '\n')); return err }); err != nil {
			return nil, 0, err
		}
	} else if err == nil {
		var was selfplaySettings
		text, e := weights.ReadSmall(side, 1<<20)
		if e != nil {
			return nil, 0, fmt.Errorf("%s: is there already, but not the settings that belong to it: %w", path, e)
		}
		if e := json.Unmarshal(text, &was); e != nil {
			return nil, 0, fmt.Errorf("%s: %w", side, e)
		}
		if was != set {
			now, _ := json.Marshal(set)
			old, _ := json.Marshal(was)
			return nil, 0, fmt.Errorf("%s: has games of other settings, %s: should be %s; -o names another file", path, old, now)
		}
	}
	if err != nil {
		return nil, 0, err
	}
	if f, err = os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o666); err != nil {
		return nil, 0, err
	}
	whole := bytes.LastIndex(data, []byte(endOfGame))
	if whole >= 0 {
		whole += len(endOfGame)
	}
	return f, bytes.Count(data, []byte(endOfGame)), f.Truncate(int64(max(whole, 0)))
}
