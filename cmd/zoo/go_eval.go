package main

import (
	"context"
	"errors"
	"fmt"
	"image/png"
	"io"

	"github.com/spf13/cobra"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk/diagram"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/alphago"
)

// goEvaluation is what --json prints.
type goEvaluation struct {
	Weights string `json:"weights"`
	Games   int    `json:"games"`
	alphago.PolicyEvaluation
	// Plain is the network without symmetries, and Gain what they add to top-1; only with 8 of them.
	Plain *alphago.PolicyEvaluation `json:"plain,omitempty"`
	Gain  *float64                  `json:"gain,omitempty"`
}

type goEvalFlags struct {
	data                                []string
	symmetries, limit, holdout, threads int
	json_                               bool
}

func newGoEval(a *app) *cobra.Command {
	var f goEvalFlags
	cmd := &cobra.Command{
		Use:   "eval RUN|WEIGHTS --data GAMES",
		Short: "Measure how well a network predicts moves, or results, by phase of the game",
		Long: `Measure how often the move that was played is the policy network's first choice, or one of its first five,
by phase of the game; or of a value network how far the expected results are from those of the games (mean squared
error, of results that are 1 or -1), and how often the winner is told. Games without a winner are left out then.
With --symmetries 8 also for the mean over the board's eight symmetries.`,
		Example: "  zoo go eval runs/alphago-policy-go-games/001 --data games.zip --holdout 500 --symmetries 8",
		Args:    arguments(1, 1, "weights or a run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkSymmetries(f.symmetries); err != nil {
				return err
			}
			switch {
			case len(f.data) == 0:
				return usage(errors.New("zoo go eval needs game records: --data games.zip"))
			case f.limit < 0:
				return usage(fmt.Errorf("--limit %d: should be at least 1, or 0 for all positions", f.limit))
			case f.holdout < 0:
				return usage(fmt.Errorf("--holdout %d: should be at least 1, or 0 for all games", f.holdout))
			}
			r, err := openNetwork(args[0])
			if err != nil {
				return err
			}
			defer r.Close()
			if r.Meta().Network == "alphago-value" {
				return a.evaluateValue(cmd.Context(), r, args[0], f)
			}
			return a.evaluatePolicy(cmd.Context(), r, args[0], f)
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&f.data, "data", nil, "SGF file, folder or zip; can be given several times")
	flags.IntVar(&f.holdout, "holdout", 0, "only that many games at the end; 0 means all")
	flags.IntVar(&f.symmetries, "symmetries", 1, "1, or 8 for the mean over the board's symmetries")
	flags.IntVar(&f.limit, "limit", 10000, "positions, spread over the games; 0 means all")
	flags.IntVar(&f.threads, "threads", 0, "threads, which change no result; 0 means one for each core")
	flags.BoolVar(&f.json_, "json", false, "print one object")
	return cmd
}

// turns are the numbers of symmetries to evaluate with.
func (f *goEvalFlags) turns() []int {
	if f.symmetries > 1 {
		return []int{1, f.symmetries}
	}
	return []int{1}
}

// held is the games to evaluate on.
func (f *goEvalFlags) held(games *baduk.Corpus) (*baduk.Corpus, error) {
	if f.holdout == 0 {
		return games, nil
	}
	_, rest, err := games.Split(f.holdout)
	return rest, err
}

func (a *app) evaluatePolicy(ctx context.Context, r *weights.Reader, name string, f goEvalFlags) error {
	p, err := alphago.LoadPolicyFrom(r, f.threads)
	if err != nil {
		return err
	}
	defer p.Close()
	games, err := a.readGames(p.Size(), f.data)
	if err != nil {
		return err
	}
	if games, err = f.held(games); err != nil {
		return err
	}
	list, err := p.Evaluate(ctx, games, f.limit, f.turns(), a.counter())
	if err != nil {
		return err
	}
	e := goEvaluation{Weights: name, Games: games.Games(), PolicyEvaluation: list[len(list)-1]}
	if len(list) > 1 {
		gain := e.Top1 - list[0].Top1
		e.Plain, e.Gain = &list[0], &gain
	}
	if f.json_ {
		return a.printJSON(e)
	}
	a.printGoEvaluation(e)
	return nil
}

// counter shows an evaluation's progress on a terminal.
func (a *app) counter() func(done, of int) {
	if !a.onTerminal() {
		return nil
	}
	return func(done, of int) {
		if done == of {
			fmt.Fprint(a.screen, "\r\x1b[K")
		} else if done%400 == 0 {
			fmt.Fprintf(a.screen, "\r%s of %s positions", report.Group(int64(done)), report.Group(int64(of)))
		}
	}
}

func (a *app) printGoEvaluation(e goEvaluation) {
	header := []any{"Phase", "Positions", "Loss", "Top-1", "Top-5"}
	numbers := []int{2, 3, 4, 5}
	if e.Plain != nil {
		header = []any{"Phase", "Positions", "Loss", "Top-1", "Top-5", "Top-1 of 8", "Top-5 of 8", "Gain"}
		numbers = append(numbers, 6, 7, 8)
	}
	t := newTable(a.stdout, header...)
	t.SetColumnConfigs(right(numbers...))
	t.spares("Loss", "Positions", "Top-5", "Top-5 of 8")
	row := func(name string, m alphago.MoveAccuracy, plain *alphago.MoveAccuracy) {
		if m.Positions == 0 {
			return
		}
		list := []any{name, report.Group(int64(m.Positions)), fmt.Sprintf("%.4f", m.Loss), report.Percent(m.Top1), report.Percent(m.Top5)}
		if plain != nil {
			list = []any{name, report.Group(int64(m.Positions)), fmt.Sprintf("%.4f", m.Loss), report.Percent(plain.Top1), report.Percent(plain.Top5),
				report.Percent(m.Top1), report.Percent(m.Top5), fmt.Sprintf("%+.2f %%", 100*(m.Top1-plain.Top1))}
		}
		t.AppendRow(list)
	}
	for i, m := range e.Phases {
		var plain *alphago.MoveAccuracy
		if e.Plain != nil {
			plain = &e.Plain.Phases[i]
		}
		row(m.Phase, m, plain)
	}
	if e.Plain != nil {
		row("all", e.MoveAccuracy, &e.Plain.MoveAccuracy)
	} else {
		row("all", e.MoveAccuracy, nil)
	}
	t.Render()
	fmt.Fprintf(a.stdout, "\nmove prediction top-1 %s, top-5 %s on %s positions of %s games\n", report.Percent(e.Top1), report.Percent(e.Top5),
		report.Group(int64(e.Positions)), report.Group(int64(e.Games)))
	if e.Gain != nil {
		fmt.Fprintf(a.stdout, "the eight symmetries add %+.2f %% to top-1\n", 100**e.Gain)
	}
}

func newGoPicture(a *app) *cobra.Command {
	var out, file string
	var number, move, scale, symmetries, threads int
	cmd := &cobra.Command{
		Use:   "picture GAME.sgf --move N --weights WEIGHTS",
		Short: "Draw a position with the policy's probabilities as a heat map",
		Long: `Draw the position before move N of a game. The redder a point, the more probable the network finds it;
numbers are percentages, the network's first choice has a green ring, the move that was played a blue frame, the last
one a dot. Without --weights it is the position alone.`,
		Example: "  zoo go picture game.sgf --move 37 --weights runs/alphago-policy-go-games/001 -o move37.png",
		Args:    arguments(1, 1, "a game record"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkSymmetries(symmetries); err != nil {
				return err
			}
			if out == "" {
				return usage(errors.New("zoo go picture needs a file to write: -o board.png"))
			}
			if err := pngFile("-o", out); err != nil {
				return err
			}
			g, err := readGame(args[0], number)
			if err != nil {
				return err
			}
			if move < 1 || move > len(g.Moves) {
				return usage(fmt.Errorf("--move %d: should be from 1 to %d", move, len(g.Moves)))
			}
			var b *baduk.Board
			var played baduk.Move
			n := 0
			for position, m := range g.Positions() {
				if n++; n == move {
					b, played = position.Clone(), m
					break
				}
			}
			var heat []float32
			if file != "" {
				p, err := loadPolicy(file, threads)
				if err != nil {
					return err
				}
				defer p.Close()
				list, err := p.Probabilities([]*baduk.Board{b}, symmetries)
				if err != nil {
					return err
				}
				heat = list[0]
			}
			img, err := diagram.Draw(b, diagram.Marks{Heat: heat, Played: played.Point}, scale)
			if err != nil {
				return usage(err)
			}
			if err := weights.WriteAtomically(out, func(w io.Writer) error { return png.Encode(w, img) }); err != nil {
				return err
			}
			fmt.Fprintf(a.stdout, "%s: move %d, %v at %s", out, move, played.Color, played.Point.Vertex(g.Size))
			if heat != nil && played.Point != baduk.Pass {
				fmt.Fprintf(a.stdout, ", probability %s", report.Percent(float64(heat[played.Point])))
			}
			fmt.Fprintln(a.stdout)
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&out, "output", "o", "", "PNG file to write")
	flags.StringVar(&file, "weights", "", "weights file or run")
	flags.IntVar(&move, "move", 1, "the move that is about to be played, from 1")
	flags.IntVar(&number, "game", 1, "which game of the file, from 1")
	flags.IntVar(&scale, "scale", 32, "pixels from line to line")
	flags.IntVar(&symmetries, "symmetries", baduk.Symmetries, "1, or 8 for the mean over the board's symmetries")
	flags.IntVar(&threads, "threads", 0, "threads; 0 means one for each core")
	return cmd
}
