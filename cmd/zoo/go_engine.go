package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk/gtp"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/alphago"
)

func newGoEngine(a *app) *cobra.Command {
	var f goPlayerFlags
	var komi float64
	var rules string
	var ponder bool
	cmd := &cobra.Command{
		Use:   "engine",
		Short: "Play as a Go engine that speaks GTP",
		Long: `Play Go by tree search with a policy and a value network, speaking the Go Text
Protocol 2 on standard input and output, as GoGui, Sabaki, Lizzie and gogui-twogtp do, with their analysis commands
(lz-analyze, kata-analyze and their like) and KGS's.

The board is the policy's own to begin with. On 9×9, 13×13 and 19×19 it plays too, though it has learnt nothing
about them; random games judge there in the place of a value network.

A move takes --visits or --time; where a time control was set, the time that it allows. The same seed and
visits play the same game. With --visits 0 the policy's most probable move is played, without search.

It passes if that is best, or no sensible move is left (one that is legal and does not fill its own eye); if the
opponent has just passed and it is not behind, counting by area without the stones that random games find
dead, or random games leave no point in doubt; and always after 2·size² moves. It resigns with --resign
alone.`,
		Example: `  zoo go engine --time 5s
  gogui-twogtp -black 'zoo go engine' -white 'gnugo --mode gtp --level 10'`,
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, ok := gtp.RulesOf(rules)
			if !ok {
				return usage(unknown("rules", rules, gtp.RuleNames(), "there are "+strings.Join(gtp.RuleNames(), ", ")))
			}
			g, err := f.open(a)
			if err != nil {
				return err
			}
			if ponder && !g.searches() {
				g.close()
				return usage(fmt.Errorf("--ponder needs a search: --visits is 0"))
			}
			players := map[int]gtp.Player{}
			playerFor := func(size int) (gtp.Player, error) {
				if p, ok := players[size]; ok {
					return p, nil
				}
				p, err := g.player(size, 0)
				if err != nil {
					return nil, err
				}
				if s, ok := p.(*alphago.SearchPlayer); ok {
					s.Ponder = ponder
				}
				players[size] = p
				return p, nil
			}
			if _, err := playerFor(g.size); err != nil {
				g.close()
				return err
			}
			engine, err := gtp.New(gtp.Config{
				Name: g.name(g.size), Version: strings.TrimPrefix(version(), "zoo "),
				PlayerFor: playerFor, Sizes: g.sizes(), Komi: komi, Rules: r,
			})
			if err != nil {
				g.close()
				return usage(err)
			}
			// Reading standard input cannot be interrupted: the program ends beside it, and leaves the networks
			// open, which may be thinking.
			done := make(chan error, 1)
			go func() { done <- engine.Serve(cmd.Context(), cmd.InOrStdin(), a.stdout) }()
			select {
			case err := <-done:
				for _, p := range players {
					if s, ok := p.(*alphago.SearchPlayer); ok {
						s.Close()
					}
				}
				g.close()
				return err
			case <-cmd.Context().Done():
				return cmd.Context().Err()
			}
		},
	}
	flags := cmd.Flags()
	f.register(flags)
	flags.Float64Var(&komi, "komi", 7.5, "white's points for moving second, until a command says otherwise")
	flags.StringVar(&rules, "rules", "chinese", "to begin with: tromp-taylor, chinese, chinese-ogs, japanese and more; kata-set-rules changes them")
	flags.BoolVar(&ponder, "ponder", false, "think in the opponent's time too; games are then never the same")
	return cmd
}
