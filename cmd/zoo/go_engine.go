package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk/gtp"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/alphago"
)

func newGoEngine(a *app) *cobra.Command {
	var file string
	var temperature, komi float64
	var seed uint64
	var symmetries, threads int
	cmd := &cobra.Command{
		Use:   "engine --weights WEIGHTS",
		Short: "Play as a Go engine that speaks GTP",
		Long: `Play what a policy network finds most probable of the legal and sensible moves, without search, speaking
the Go Text Protocol 2 on standard input and output, as GoGui, Sabaki and gogui-twogtp do.

It passes if no sensible move is left (one that is legal and does not fill its own eye); if the opponent
has just passed and it is not behind, counting by area without the stones that random games find dead, or
random games leave no point in doubt; and always after 2·size² moves. It never resigns. With a
temperature it draws its moves.`,
		Example: "  gogui-twogtp -black 'zoo go engine --weights runs/alphago-policy-go-games/001' -white 'gnugo --mode gtp --level 1'",
		Args:    arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkSymmetries(symmetries); err != nil {
				return err
			}
			if !(temperature >= 0) || math.IsInf(temperature, 0) {
				return usage(fmt.Errorf("--temperature %v: should be 0 or above", temperature))
			}
			p, err := loadPolicy(file, threads)
			if err != nil {
				return err
			}
			player := &alphago.PolicyPlayer{Policy: p, Symmetries: symmetries, Temperature: temperature, Rand: rand.New(rand.NewPCG(seed, 0))}
			engine, err := gtp.New(gtp.Config{
				Name: "zoo " + p.Model().Name, Version: strings.TrimPrefix(version(), "zoo "),
				Player: player, Sizes: []int{p.Size()}, Komi: komi, Rules: baduk.Rules{},
			})
			if err != nil {
				return usage(err)
			}
			// Reading standard input cannot be interrupted: the program ends beside it, and leaves the policy
			// open, which may be thinking.
			done := make(chan error, 1)
			go func() { done <- engine.Serve(cmd.Context(), cmd.InOrStdin(), a.stdout) }()
			select {
			case err := <-done:
				p.Close()
				return err
			case <-cmd.Context().Done():
				return cmd.Context().Err()
			}
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&file, "weights", "", "weights file or run")
	flags.Float64Var(&temperature, "temperature", 0, "0 plays the most probable move; 1 draws by the probabilities")
	flags.Float64Var(&komi, "komi", 7.5, "white's points for moving second, until a command says otherwise")
	flags.Uint64Var(&seed, "seed", 1, "of the moves that are drawn")
	flags.IntVar(&symmetries, "symmetries", 1, "1, or 8 for the mean over the board's symmetries")
	flags.IntVar(&threads, "threads", 0, "threads, which change no move; 0 means one for each core")
	return cmd
}
