package main

import (
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

func newGo(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "go",
		Short: "The AlphaGo networks on game records: train, evaluate, play",
		Args:  arguments(0, 1, ""),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			var verbs []string
			for _, c := range cmd.Commands() {
				verbs = append(verbs, c.Name())
			}
			return usage(unknown("command", "go "+args[0], verbs, "zoo go --help lists them"))
		},
	}
	cmd.AddCommand(newGoTrain(a), newGoEval(a), newGoEngine(a), newGoMatch(a), newGoSelfplay(a), newGoJudge(a), newGoFeatures(a), newGoPicture(a))
	return cmd
}

func newGoFeatures(a *app) *cobra.Command {
	var out string
	var number, planes int
	cmd := &cobra.Command{
		Use:   "features GAME.sgf",
		Short: "Write the feature planes of every position of a game",
		Long: `Write the feature planes of every position of a game, before each move, passes included, as a
NumPy file of unsigned bytes N×48×19×19, indexed [position][plane][x][y] by SGF's coordinates.`,
		Example: "  zoo go features game.sgf -o planes.npy",
		Args:    arguments(1, 1, "a game record"),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case out == "":
				return usage(fmt.Errorf("zoo go features needs a file to write: -o planes.npy"))
			case planes < 1 || planes > baduk.ValuePlanes:
				return usage(fmt.Errorf("--planes %d: should be from 1 to %d", planes, baduk.ValuePlanes))
			}
			g, err := readGame(args[0], number)
			if err != nil {
				return err
			}
			if err := weights.WriteAtomically(out, func(w io.Writer) error { return baduk.WriteNPY(w, g, planes) }); err != nil {
				return err
			}
			fmt.Fprintf(a.stdout, "%s: %d×%d×%d×%[4]d\n", out, len(g.Moves), planes, g.Size)
			return nil
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "file to write")
	cmd.Flags().IntVar(&number, "game", 1, "which game of the file, from 1")
	cmd.Flags().IntVar(&planes, "planes", baduk.Planes, "how many of the planes, 49 for the value network")
	return cmd
}

// readGame reads one game of a file.
func readGame(path string, number int) (*baduk.Game, error) {
	if number < 1 {
		return nil, usage(fmt.Errorf("--game %d: should be at least 1", number))
	}
	n := 0
	for g, err := range baduk.Open(path) {
		if n++; n == number {
			return g, err
		}
	}
	return nil, fmt.Errorf("%s: no game %d: there are %d", path, number, n)
}

// readGames reads the games of files, folders and zips, and says which are left out.
func (a *app) readGames(size int, paths []string) (*baduk.Corpus, error) {
	for _, p := range paths {
		if _, err := os.Stat(p); err != nil {
			return nil, err
		}
	}
	return baduk.ReadCorpus(size, a.skipped, paths...)
}

// skipped tells of a game that is left out, or whose end is.
func (a *app) skipped(err error) {
	var short *baduk.Shortened
	if errors.As(err, &short) {
		fmt.Fprintln(a.stderr, "zoo:", report.Words(err))
		return
	}
	fmt.Fprintln(a.stderr, "zoo: left out:", report.Words(err))
}

// openNetwork opens the weights of a file or a run.
func openNetwork(arg string) (*weights.Reader, error) {
	if arg == "" {
		return nil, usage(fmt.Errorf("which network? --weights names a weights file or a run"))
	}
	path, _, err := find(arg)
	if err != nil {
		return nil, err
	}
	return openWeights(path)
}

// loadPolicy reads a policy network from a weights file or a run.
func loadPolicy(arg string, threads int) (*alphago.Policy, error) {
	r, err := openNetwork(arg)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return alphago.LoadPolicyFrom(r, threads)
}

// checkSymmetries checks a flag.
func checkSymmetries(n int) error {
	if n != 1 && n != baduk.Symmetries {
		return usage(fmt.Errorf("--symmetries %d: should be 1 or %d", n, baduk.Symmetries))
	}
	return nil
}
