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

// goPlayers makes players of networks that are loaded once, for each size of board that is played on.
type goPlayers struct {
	f      goPlayerFlags
	a      *app
	size   int // of the boards that the policy was trained on
	boards map[int]goNetworks
}

type goNetworks struct {
	policy *alphago.Policy
	judge  *alphago.Value // nil if there is none
}

// open loads the networks.
func (f goPlayerFlags) open(a *app) (*goPlayers, error) {
	if err := f.check(); err != nil {
		return nil, usage(err)
	}
	p, err := loadPolicy(f.weights, f.threads)
	if err != nil {
		return nil, err
	}
	g := &goPlayers{f: f, a: a, size: p.Size(), boards: map[int]goNetworks{}}
	judge, err := g.judge(g.size)
	if err != nil {
		p.Close()
		return nil, err
	}
	g.boards[g.size] = goNetworks{p, judge}
	return g, nil
}

// judge loads the value network, if one is to judge. That which is part of the program is left out where it is for
// another board; that is said.
func (g *goPlayers) judge(size int) (*alphago.Value, error) {
	name := g.f.value
	if name == "none" || name == "" || !g.searches() {
		return nil, nil
	}
	r, err := openNetwork(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	v, err := alphago.LoadValueFrom(r, g.f.threads)
	if err != nil || v.Size() == size {
		return v, err
	}
	v.Close()
	if name != shippedValue && size == g.size {
		return nil, fmt.Errorf("%s judges boards of %d×%[2]d, and %s plays on %d×%[4]d", name, v.Size(), g.f.weights, size)
	}
	g.a.skipped(fmt.Errorf("%s, which is for boards of %d×%[2]d: random games judge positions", name, v.Size()))
	return nil, nil
}

// on gives the networks for boards of a size. The policy plays on others than its own as it is; that is said.
func (g *goPlayers) on(size int) (goNetworks, error) {
	if n, ok := g.boards[size]; ok {
		return n, nil
	}
	r, err := openNetwork(g.f.weights)
	if err != nil {
		return goNetworks{}, err
	}
	defer r.Close()
	other, err := alphago.PolicyForBoard(r, size)
	if err != nil {
		return goNetworks{}, err
	}
	p, err := alphago.LoadPolicyFrom(other, g.f.threads)
	if err != nil {
		return goNetworks{}, err
	}
	judge, err := g.judge(size)
	if err != nil {
		p.Close()
		return goNetworks{}, err
	}
	fmt.Fprintf(g.a.stderr, "zoo: %s was trained on boards of %d×%[2]d and plays on %d×%[3]d as it is\n", g.f.weights, g.size, size)
	g.boards[size] = goNetworks{p, judge}
	return g.boards[size], nil
}

// sizes are the boards that can be played on, the policy's own first.
func (g *goPlayers) sizes() []int {
	list := []int{g.size}
	for _, size := range []int{9, 13, 19} {
		if size != g.size {
			list = append(list, size)
		}
	}
	return list
}

func (g *goPlayers) close() {
	for _, n := range g.boards {
		n.policy.Close()
		if n.judge != nil {
			n.judge.Close()
		}
	}
}

// searches says whether the player looks ahead.
func (g *goPlayers) searches() bool { return g.f.visits > 0 || g.f.time > 0 }

// value is the value network's name, if one judges on boards of a size.
func (g *goPlayers) value(size int) string {
	if g.boards[size].judge == nil {
		return ""
	}
	return g.f.value
}

// name is what the player calls itself on boards of a size.
func (g *goPlayers) name(size int) string {
	n := g.boards[size]
	name := "zoo " + g.boards[g.size].policy.Model().Name
	switch {
	case !g.searches():
		return name
	case n.judge != nil:
		return "zoo alphago"
	}
	return "zoo alphago without value network"
}

// player returns a player for game n on boards of a size.
func (g *goPlayers) player(size int, n uint64) (gtp.Player, error) {
	networks, err := g.on(size)
	if err != nil {
		return nil, err
	}
	rnd := rand.New(rand.NewPCG(g.f.seed, n))
	if !g.searches() {
		return &alphago.PolicyPlayer{Policy: networks.policy, Symmetries: g.f.symmetries, Temperature: g.f.temperature, Rand: rnd}, nil
	}
	s, err := alphago.NewSearch(alphago.SearchConfig{
		Policy: networks.policy, Value: networks.judge, Lambda: g.f.lambda, Rollouts: g.f.rollouts, Exploration: g.f.exploration, Batch: g.f.batch, Seed: g.f.seed + n,
	})
	if err != nil {
		return nil, usage(err)
	}
	if networks.judge == nil && g.f.resign > 0 && size == g.size {
		return nil, usage(errors.New("--resign needs a value network: random games alone are no reason to give up"))
	}
	resign := g.f.resign
	if networks.judge == nil {
		resign = 0
	}
	return &alphago.SearchPlayer{
		Search: s, Visits: g.f.visits, Time: g.f.time, Resign: resign, Temperature: g.f.temperature, Draw: openingMoves, Rand: rnd,
	}, nil
}

// openingMoves are those that a temperature draws.
const openingMoves = 30
