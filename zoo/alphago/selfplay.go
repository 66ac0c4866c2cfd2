package alphago

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
)

// SelfPlay plays games of a policy against itself, as a value network learns from them (Silver et al. 2016, methods,
// "Value network: regression"): the first U moves are drawn from the policy as it is, or are those of somebody's
// game; then comes one sensible move drawn from all of them alike; then the policy plays on to the end. U is drawn for
// each game from 0 to three quarters of the board's points. [baduk.Game.From] is U+1: the result belongs to the
// positions from there on, since the drawn move is no move that either player chose.
//
// A player passes when no sensible move is left. A game ends by two passes, after 2·size² moves, or when
// random games leave no point of the board in doubt, which is looked at every few moves. It is scored by area
// without the stones that random games find dead.
//
// Game n is a function of the settings, the seed and n alone, whatever games are played beside it.
type SelfPlay struct {
	Policy      *Policy
	Temperature float64       // of the moves after the drawn one; those before have 1
	Komi        float64       // not a whole number, so that every game has a winner
	Seed        uint64        //
	Openings    *baduk.Corpus // whose games' first moves are the games' first; nil: the policy's own
	// Finish plays each game of Openings on from where it ends, game n being the opening of that number; no move is drawn
	// at random. It tells who would have won games that were given up.
	Finish bool
	// Early ends a game when all random games from the position have the same winner, three times in a row. The
	// result is then written as a resignation.
	Early bool
	// Beside is how many games are played side by side, so that their positions fill the batches of the machine; 0
	// means 32.
	Beside int

	random baduk.Playouts
}

const (
	selfPlayouts = 64 // random games that tell whether the game is over
	selfEvery    = 10 // moves from one such look to the next
	selfLooks    = 3  // in a row that have the same winner, for SelfPlay.Early
)

// A selfGame is a game that is being played.
type selfGame struct {
	n      int
	board  *baduk.Board
	rnd    *rand.Rand
	record *baduk.Game
	before int         // moves before the drawn one; below 0 when that is played
	winner baduk.Color // at the last look
	looks  int         // with that winner
}

// Play plays games from to, not including it, and gives each to a function in their order. It returns the first
// error of the function, or the context's.
func (s *SelfPlay) Play(ctx context.Context, from, to int, each func(n int, g *baduk.Game) error) error {
	if err := s.Check(); err != nil {
		return err
	}
	if s.Finish && to > s.Openings.Games() {
		return fmt.Errorf("game %d: there are %d to finish", to, s.Openings.Games())
	}
	beside := s.Beside
	if beside == 0 {
		beside = 32
	}
	var playing []*selfGame
	done := map[int]*baduk.Game{}
	views := make([]view, 0, beside+1)
	for next, told := from, from; told < to; {
		for ; len(playing) < beside && next < to; next++ {
			g, err := s.begin(next)
			if err != nil {
				return err
			}
			playing = append(playing, g)
		}
		views = views[:0]
		for _, g := range playing {
			views = append(views, view{g.board, baduk.Symmetry(g.rnd.Uint64() >> 61)})
		}
		for len(views)%boardBatch != 0 {
			views = append(views, views[0]) // in a smaller step the last bits may differ
		}
		err := s.Policy.probabilities(views, func(i int, p []float32) error {
			if i >= len(playing) {
				return nil
			}
			return s.move(playing[i], p)
		})
		if err != nil {
			return err
		}
		still := playing[:0]
		for _, g := range playing {
			if s.over(g) {
				done[g.n] = g.record
			} else {
				still = append(still, g)
			}
		}
		playing = still
		for ; done[told] != nil; told++ {
			if err := each(told, done[told]); err != nil {
				return err
			}
			delete(done, told)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// Check returns what is wrong with the settings, or nil.
func (s *SelfPlay) Check() error {
	switch {
	case !(s.Temperature >= 0) || math.IsInf(s.Temperature, 0):
		return fmt.Errorf("temperature %v: should be 0 or above", s.Temperature)
	case !(math.Abs(s.Komi) <= 1000) || s.Komi == math.Trunc(s.Komi):
		return fmt.Errorf("komi %v: should be a number of points and a half, such as 7.5, so that no game is drawn", s.Komi)
	case s.Beside < 0:
		return fmt.Errorf("%d games side by side: should be at least 1, or 0 for the usual", s.Beside)
	case s.Openings != nil && s.Openings.Size() != s.Policy.size:
		return fmt.Errorf("openings of %d×%[1]d for a policy of %d×%[2]d", s.Openings.Size(), s.Policy.size)
	case s.Finish && s.Openings == nil:
		return errors.New("there are no games to finish")
	case s.Openings != nil && s.Openings.Games() == 0:
		return errors.New("there are no games to begin with")
	}
	return nil
}

// begin sets up game n.
func (s *SelfPlay) begin(n int) (*selfGame, error) {
	b, err := baduk.NewBoard(s.Policy.size, baduk.Rules{})
	if err != nil {
		return nil, err
	}
	g := &selfGame{n: n, board: b, rnd: rand.New(rand.NewPCG(s.Seed, uint64(n)))}
	g.record = &baduk.Game{Number: n + 1, Size: b.Size(), RuleSet: "Chinese", Komi: s.Komi, First: baduk.Black}
	// Of math/rand/v2 only the generators' output is promised to stay.
	draw := func(below int) int { return int(g.rnd.Uint64() >> 32 * uint64(below) >> 32) }
	g.before = draw(b.Points()*3/4 + 1)
	if s.Openings == nil {
		return g, nil
	}
	number := n
	if !s.Finish {
		number = draw(s.Openings.Games())
	}
	opening := s.Openings.Game(number)
	if s.Finish {
		g.record = opening
		g.record.Komi, g.before = s.Komi, -1
		g.board, err = opening.Final()
		return g, err
	}
	g.record.First = opening.First
	most := min(g.before, len(opening.Moves))
	for _, stone := range opening.Setup {
		if stone.After == 0 {
			g.record.Setup = append(g.record.Setup, stone)
		} else {
			most = min(most, stone.After-1) // only what was played
		}
	}
	g.record.Moves = opening.Moves[:most]
	g.before = len(g.record.Moves)
	g.record.Moves = g.record.Moves[:g.before:g.before]
	g.board, err = g.record.Final()
	return g, err
}

// move plays the next move of a game whose policy is p.
func (s *SelfPlay) move(g *selfGame, p []float32) error {
	b := g.board
	temperature := s.Temperature
	switch drawn := g.before == b.Moves(); {
	case drawn:
		for i := range p {
			p[i] = 1
		}
		fallthrough
	case b.Moves() < g.before:
		temperature = 1
	}
	if b.Moves() == g.before {
		g.record.From = b.Moves() + 1
	}
	c := b.ToPlay()
	point, err := Choose(b, p, temperature, g.rnd)
	if err != nil {
		return err
	}
	if err := b.Play(c, point); err != nil {
		return fmt.Errorf("game %d, move %d: %w", g.n+1, b.Moves()+1, err)
	}
	g.record.Moves = append(g.record.Moves, baduk.Move{Color: c, Point: point})
	return nil
}

// over says whether a game is over, and scores it then.
func (s *SelfPlay) over(g *selfGame) bool {
	b := g.board
	if b.Moves() <= g.before && b.Passes() < 2 {
		return false
	}
	if b.Passes() >= 2 || b.Moves() >= 2*b.Points() {
		return s.score(g)
	}
	if b.Moves() < b.Points()/2 || b.Moves()%selfEvery != 0 {
		return false
	}
	s.random.Play(b, selfPlayouts, s.Seed)
	if s.random.Settled() {
		return s.score(g)
	}
	if !s.Early {
		return false
	}
	winner := baduk.Empty
	switch s.random.Won(s.Komi) {
	case 0:
		winner = baduk.White
	case 1:
		winner = baduk.Black
	}
	if winner != g.winner {
		g.winner, g.looks = winner, 0
	}
	if g.looks++; winner == baduk.Empty || g.looks < selfLooks {
		return false
	}
	g.record.Result = baduk.Resignation(winner)
	return true
}

// score counts a game that is over: true.
func (s *SelfPlay) score(g *selfGame) bool {
	g.record.Result = Count(g.board, s.Komi)
	return true
}

// Count scores a game that is over by area, without the stones that random games find dead. A nil board has no result.
func Count(b *baduk.Board, komi float64) baduk.Result {
	if b.Size() == 0 {
		return baduk.Result{}
	}
	black, white := b.Area(b.Dead(passPlayouts, 1)...)
	return baduk.Score(float64(black-white) - komi)
}

// Over says whether both players have passed, or random games leave no point of the board in doubt. On a nil board
// no game is over.
func Over(b *baduk.Board) bool { return b.Size() > 0 && (b.Passes() >= 2 || settled(b)) }
