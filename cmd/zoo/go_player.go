package main

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/spf13/pflag"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk/gtp"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/alphago"
)

// goPlayerFlags say who plays: the policy alone, or a search.
type goPlayerFlags struct {
	weights, value              string
	visits, batch, rollouts     int
	symmetries, threads         int
	lambda, resign, exploration float64
	time                        time.Duration
	temperature                 float64
	seed                        uint64
}

// shippedValue is the value network that is part of the program.
const shippedValue = "alphago-value-small"

func (f *goPlayerFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.weights, "weights", "alphago-policy-small", "policy network: shipped weights, a weights file or a run")
	flags.StringVar(&f.value, "value", shippedValue, "value network that judges positions, likewise; none leaves that to random games")
	flags.IntVar(&f.visits, "visits", 400, "positions that a move's search looks at; 0 plays the policy alone, without search")
	flags.DurationVar(&f.time, "time", 0, "time of a move, as in 2s, in place of --visits")
	flags.Float64Var(&f.lambda, "lambda", 0, "part of random games in judging a position, from 0 to 1, beside a value network")
	flags.IntVar(&f.rollouts, "rollouts", 16, "random games for a position, if they are asked")
	flags.Float64Var(&f.exploration, "exploration", 1.5, "how far the search looks at less promising moves: c_puct")
	flags.IntVar(&f.batch, "batch", 8, "positions that the networks see in one step of a search; other batches find other moves")
	flags.Float64Var(&f.resign, "resign", 0, "win rate below which a search resigns, as in 0.1; 0 never does")
	flags.Float64Var(&f.temperature, "temperature", 0, "0 plays the best move; 1 draws by the probabilities, or by a search's visits in the first 30 moves")
	flags.Uint64Var(&f.seed, "seed", 1, "of all that is drawn")
	flags.IntVar(&f.symmetries, "symmetries", 1, "1, or 8 for the mean over the board's symmetries; of the policy alone")
	flags.IntVar(&f.threads, "threads", 0, "threads, which change no move; 0 means one for each core")
}

func (f *goPlayerFlags) check() error {
	switch {
	case !(f.temperature >= 0) || math.IsInf(f.temperature, 0):
		return fmt.Errorf("--temperature %v: should be 0 or above", f.temperature)
	case f.visits < 0:
		return fmt.Errorf("--visits %d: should be 0 or above", f.visits)
	case f.time < 0:
		return fmt.Errorf("--time %v: should be above 0", f.time)
	case !(f.lambda >= 0 && f.lambda <= 1):
		return fmt.Errorf("--lambda %v: should be from 0 to 1", f.lambda)
	case !(f.resign >= 0 && f.resign < 1):
		return fmt.Errorf("--resign %v: should be from 0 to below 1", f.resign)
	case !(f.exploration > 0) || math.IsInf(f.exploration, 0):
		return fmt.Errorf("--exploration %v: should be above 0", f.exploration)
	case f.rollouts < 1:
		return fmt.Errorf("--rollouts %d: should be at least 1", f.rollouts)
	case f.batch < 1:
		return fmt.Errorf("--batch %d: should be at least 1", f.batch)
	}
	return checkSymmetries(f.symmetries)
}

// goPlayers makes players of networks that are loaded once.
type goPlayers struct {
	f      goPlayerFlags
	policy *alphago.Policy
	judge  *alphago.Value // nil if there is none
}

// open loads the networks. The value network that is part of the program is left out where it is for another board;
// that is said.
func (f goPlayerFlags) open(a *app) (*goPlayers, error) {
	if err := f.check(); err != nil {
		return nil, usage(err)
	}
	p, err := loadPolicy(f.weights, f.threads)
	if err != nil {
		return nil, err
	}
	g := &goPlayers{f: f, policy: p}
	if f.value == "none" || f.value == "" || !g.searches() {
		return g, nil
	}
	r, err := openNetwork(f.value)
	if err == nil {
		g.judge, err = alphago.LoadValueFrom(r, f.threads)
		r.Close()
	}
	if err == nil && g.judge.Size() != p.Size() {
		if f.value == shippedValue {
			a.skipped(fmt.Errorf("%s, which is for boards of %d×%[2]d: random games judge positions", f.value, g.judge.Size()))
			g.judge.Close()
			g.judge = nil
			return g, nil
		}
		err = fmt.Errorf("%s judges boards of %d×%[2]d, and %s plays on %d×%[4]d", f.value, g.judge.Size(), f.weights, p.Size())
	}
	if err != nil {
		g.close()
		return nil, err
	}
	return g, nil
}

func (g *goPlayers) close() {
	g.policy.Close()
	if g.judge != nil {
		g.judge.Close()
	}
}

// searches says whether the player looks ahead.
func (g *goPlayers) searches() bool { return g.f.visits > 0 || g.f.time > 0 }

// value is the value network's name, if one judges.
func (g *goPlayers) value() string {
	if g.judge == nil {
		return ""
	}
	return g.f.value
}

// name is what the player calls itself.
func (g *goPlayers) name() string {
	name := "zoo " + g.policy.Model().Name
	switch {
	case !g.searches():
		return name
	case g.judge != nil:
		return "zoo alphago"
	}
	return "zoo alphago without value network"
}

// player returns a player for game n.
func (g *goPlayers) player(n uint64) (gtp.Player, error) {
	rnd := rand.New(rand.NewPCG(g.f.seed, n))
	if !g.searches() {
		return &alphago.PolicyPlayer{Policy: g.policy, Symmetries: g.f.symmetries, Temperature: g.f.temperature, Rand: rnd}, nil
	}
	s, err := alphago.NewSearch(alphago.SearchConfig{
		Policy: g.policy, Value: g.judge, Lambda: g.f.lambda, Rollouts: g.f.rollouts, Exploration: g.f.exploration, Batch: g.f.batch, Seed: g.f.seed + n,
	})
	if err != nil {
		return nil, usage(err)
	}
	if g.judge == nil && g.f.resign > 0 {
		return nil, usage(errors.New("--resign needs a value network: random games alone are no reason to give up"))
	}
	return &alphago.SearchPlayer{
		Search: s, Visits: g.f.visits, Time: g.f.time, Resign: g.f.resign, Temperature: g.f.temperature, Draw: openingMoves, Rand: rnd,
	}, nil
}

// openingMoves are those that a temperature draws.
const openingMoves = 30
