package alphago

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk/gtp"
)

// A SearchPlayer plays the move that a search visits most. It is a [gtp.Analyst].
//
// It thinks for so many visits; or, where its clock says that time is limited, as long as that allows. It passes as a
// [PolicyPlayer] does, and where the search finds passing best. With Cleanup in the position, it passes when no dead
// stone of the opponent's is left on the board.
//
// The same seed and visits give the same game. Not so with a clock, or with Ponder.
type SearchPlayer struct {
	Search *Search
	// Visits of a move, those of the tree that is kept included; 0 means 400. With a clock it is no limit, unless
	// Strict says so.
	Visits int
	Strict bool
	// Time of a move, whatever the clock says; 0 leaves it to the clock.
	Time time.Duration
	// Resign is the win rate below which the player resigns, once a sixth of the board's points have been played;
	// 0 means never. The paper resigns below 0.1, as the value of its best move is below -0.8.
	Resign float64
	// Temperature above 0 draws the moves of the first Draw moves of a game by their visits, to the power of its
	// inverse.
	Temperature float64
	Draw        int
	Rand        *rand.Rand
	// Ponder goes on with the search in the opponent's time, until the player is called again.
	Ponder bool

	stop func() // ends pondering
}

// Genmove returns the player's move.
func (p *SearchPlayer) Genmove(ctx context.Context, pos gtp.Position) (baduk.Point, bool, error) {
	return p.GenmoveAnalyze(ctx, pos, gtp.Thinking{})
}

// GenmoveAnalyze is Genmove with reports.
func (p *SearchPlayer) GenmoveAnalyze(ctx context.Context, pos gtp.Position, t gtp.Thinking) (baduk.Point, bool, error) {
	p.Close()
	b := pos.Board
	if b.Size() == 0 {
		return baduk.None, false, errNoBoard
	}
	if b.Moves() >= 2*b.Points() || b.Passes() > 0 && !(pos.Cleanup && prisoners(b)) && (ahead(b, pos.Komi) || settled(b)) {
		return baduk.Pass, false, nil
	}
	goal := goalOf(pos)
	if pos.Cleanup && prisoners(b) {
		goal.Restrict = append(goal.Restrict, Restriction{Color: b.ToPlay(), Points: []baduk.Point{baduk.Pass}, Depth: 1})
	}
	if err := p.Search.Set(b, goal); err != nil {
		return baduk.None, false, err
	}
	limits := Limits{Visits: p.Visits, Settle: p.Temperature == 0}
	if limits.Visits == 0 {
		limits.Visits = 400
	}
	if limits.Time = p.Time; limits.Time == 0 {
		limits.Time, _ = pos.Clock.Budget(b)
	}
	if limits.Time > 0 && !p.Strict {
		limits.Visits = 0
	}
	tell := p.teller(b, t)
	if err := p.Search.Run(ctx, limits, tell.now); err != nil {
		return baduk.None, false, err
	}
	tell.report()
	move, err := p.pick(b)
	if err != nil {
		return baduk.None, false, err
	}
	if p.Resign > 0 && b.Moves() >= b.Points()/6 && p.best() < p.Resign {
		return baduk.None, true, nil
	}
	if p.Ponder {
		return move, false, p.ponder(b, move, goal)
	}
	return move, false, nil
}

// goalOf is what a search is to know of a position.
func goalOf(pos gtp.Position) Goal {
	g := Goal{Komi: pos.Komi, Whole: pos.Cleanup}
	for _, a := range pos.Avoid {
		g.Restrict = append(g.Restrict, Restriction(a))
	}
	return g
}

// prisoners says whether dead stones of the opponent's are on the board.
func prisoners(b *baduk.Board) bool {
	for _, p := range b.Dead(passPlayouts, 1) {
		if b.Color(p) == b.ToPlay().Opponent() {
			return true
		}
	}
	return false
}

// best is the win rate of the best move.
func (p *SearchPlayer) best() float64 {
	best := 0.0
	for _, m := range p.Search.Candidates() {
		if m.Visits > 0 {
			best = max(best, m.Winrate)
		}
	}
	return best
}

// pick chooses the move.
func (p *SearchPlayer) pick(b *baduk.Board) (baduk.Point, error) {
	list := p.Search.Candidates()
	switch {
	case len(list) == 0:
		return baduk.Pass, nil
	case p.Temperature == 0 || b.Moves() >= p.Draw:
		return list[0].Point, nil
	case p.Rand == nil:
		return baduk.None, errors.New("a temperature needs random numbers")
	}
	sum := 0.0
	weight := func(m Candidate) float64 {
		if m.Visits == 0 {
			return 0
		}
		return math.Pow(float64(m.Visits)/float64(max(list[0].Visits, 1)), 1/p.Temperature)
	}
	for _, m := range list {
		sum += weight(m)
	}
	left := float64(p.Rand.Uint64()>>11) / (1 << 53) * sum
	for _, m := range list {
		if left -= weight(m); left < 0 {
			return m.Point, nil
		}
	}
	return list[0].Point, nil
}

// ponder goes on with the search behind the player's back.
func (p *SearchPlayer) ponder(b *baduk.Board, move baduk.Point, goal Goal) error {
	next := b.Clone()
	if err := next.Play(next.ToPlay(), move); err != nil {
		return err
	}
	goal.Restrict = nil
	if err := p.Search.Set(next, goal); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.Search.Run(ctx, Limits{Visits: mostVisits}, nil) // a failure comes again when it is asked next
	}()
	p.stop = func() {
		cancel()
		<-done
	}
	return nil
}

// mostVisits bounds the memory of a search that nothing else ends: some 1.1 kB each.
const mostVisits = 500_000

// Close ends pondering.
func (p *SearchPlayer) Close() {
	if p.stop != nil {
		p.stop()
		p.stop = nil
	}
}

// Analyze thinks about a position until the context ends.
func (p *SearchPlayer) Analyze(ctx context.Context, pos gtp.Position, t gtp.Thinking) error {
	p.Close()
	if err := p.Search.Set(pos.Board, goalOf(pos)); err != nil {
		return err
	}
	tell := p.teller(pos.Board, t)
	err := p.Search.Run(ctx, Limits{Visits: mostVisits}, tell.now)
	if err != nil && !errors.Is(err, ctx.Err()) {
		return err
	}
	tell.report()
	return nil
}

// A teller reports now and then.
type teller struct {
	p    *SearchPlayer
	b    *baduk.Board
	t    gtp.Thinking
	last time.Time
}

func (p *SearchPlayer) teller(b *baduk.Board, t gtp.Thinking) *teller {
	return &teller{p, b, t, time.Now()}
}

// now reports if it is time.
func (t *teller) now() {
	if t.t.Every > 0 && time.Since(t.last) >= t.t.Every {
		t.report()
		t.last = time.Now()
	}
}

func (t *teller) report() {
	if t.t.Report == nil {
		return
	}
	a := gtp.Analysis{Visits: t.p.Search.Visits(), Winrate: t.p.Search.Winrate()}
	for _, m := range t.p.Search.Candidates() {
		a.Moves = append(a.Moves, gtp.MoveInfo{Point: m.Point, Visits: m.Visits, Winrate: m.Winrate, Prior: m.Prior, LCB: m.Bound, Line: m.Line})
	}
	if t.t.Ownership {
		a.Ownership = t.b.Ownership(passPlayouts, 1)
		if t.b.ToPlay() == baduk.White {
			for i := range a.Ownership {
				a.Ownership[i] = -a.Ownership[i]
			}
		}
	}
	t.t.Report(a)
}
