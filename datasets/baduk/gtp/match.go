package gtp

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
)

// A Match is games of a player of this program against another program.
type Match struct {
	Opponent *Client
	Name     string // of the player, for the records
	Size     int
	Komi     float64
	Rules    baduk.Rules // that every move of both is checked by
	// Opening, if not nil, is what the games begin with.
	Opening *baduk.Game
	// MaxMoves ends a game that does not end by itself, passes counted; 0 means 3·size². It is then scored
	// as it stands.
	MaxMoves int

	opponent string // its own name and version
}

// How a game of a match ended.
const (
	EndedByPasses      = "passes"
	EndedByResignation = "resignation"
	EndedByBound       = "bound" // Match.MaxMoves
)

// A MatchGame is how a game went.
type MatchGame struct {
	Number int     `json:"number"`
	Color  string  `json:"color"`  // the player's
	Result string  `json:"result"` // as in SGF
	Won    bool    `json:"won"`    // by the player
	Margin float64 `json:"margin"` // in points, above 0 if the player won; 0 after a resignation
	Moves  int     `json:"moves"`  // passes included; each was legal
	Ended  string  `json:"ended"`
	// Opponent is what its final_score says, and Playouts the area without the stones that random games find
	// dead. Empty after a resignation, or where the opponent does not say.
	Opponent string      `json:"opponent_score,omitempty"`
	Playouts string      `json:"playouts_score,omitempty"`
	Record   *baduk.Game `json:"-"`
}

// Play plays a game in which the player has a color. The seed is told to opponents that know GNU Go's
// set_random_seed, so that a game can be repeated.
//
// The result counts area. Dead are the stones that the opponent's final_status_list lists, or for
// opponents without that command those that random games find dead. A move of either player
// that is against the rules, or that the opponent does not accept, is an error.
func (m *Match) Play(ctx context.Context, number int, player Player, c baduk.Color, seed uint64) (MatchGame, error) {
	b, err := baduk.NewBoard(m.Size, m.Rules)
	if err != nil {
		return MatchGame{}, err
	}
	g := MatchGame{Number: number, Color: c.String(), Record: &baduk.Game{
		Size: m.Size, Rules: m.Rules, RuleSet: "Chinese", Komi: m.Komi, First: baduk.Black,
	}}
	fail := func(err error) (MatchGame, error) {
		if ctx.Err() != nil {
			return g, ctx.Err()
		}
		return g, fmt.Errorf("game %d, move %d: %w", number, b.Moves()+1, err)
	}
	if err := m.begin(ctx, seed); err != nil {
		return fail(err)
	}
	g.Record.Black, g.Record.White = m.Name, m.opponent
	if c == baduk.White {
		g.Record.Black, g.Record.White = m.opponent, m.Name
	}
	if m.Opening != nil {
		if err := m.open(ctx, b, &g); err != nil {
			return fail(err)
		}
	}
	most := m.MaxMoves
	if most == 0 {
		most = 3 * b.Points()
	}
	g.Ended = EndedByPasses
	for b.Passes() < 2 {
		if b.Moves() == most {
			g.Ended = EndedByBound
			break
		}
		turn := b.ToPlay()
		move, resign, err := m.move(ctx, b, player, turn == c)
		if err != nil {
			return fail(err)
		}
		if resign {
			g.Ended = EndedByResignation
			winner := turn.Opponent()
			g.Record.Result = baduk.Resignation(winner)
			break
		}
		if err := b.Play(turn, move); err != nil {
			return fail(err)
		}
		g.Record.Moves = append(g.Record.Moves, baduk.Move{Color: turn, Point: move})
	}
	if g.Ended != EndedByResignation {
		if err := m.score(ctx, b, &g); err != nil {
			return fail(err)
		}
	}
	r := g.Record.Result
	g.Result, g.Moves, g.Won, g.Margin = r.Text, b.Moves(), r.Winner == c, r.Margin
	if r.Winner != c {
		g.Margin = -r.Margin
	}
	return g, nil
}

// begin tells the opponent of a new game.
func (m *Match) begin(ctx context.Context, seed uint64) error {
	commands := []string{fmt.Sprintf("boardsize %d", m.Size), "clear_board", fmt.Sprintf("komi %v", m.Komi)}
	if m.Opponent.Knows("set_random_seed") {
		commands = append(commands, fmt.Sprintf("set_random_seed %d", seed&(1<<31-1)))
	}
	for _, command := range commands {
		if _, err := m.Opponent.Do(ctx, command); err != nil {
			return err
		}
	}
	if m.opponent != "" {
		return nil
	}
	var words []string
	for _, command := range []string{"name", "version"} {
		text, err := m.Opponent.Do(ctx, command)
		var refused *Refused
		if err != nil && !errors.As(err, &refused) {
			return err
		}
		words = append(words, strings.Fields(text)...)
	}
	if m.opponent = strings.Join(words, " "); m.opponent == "" {
		m.opponent = m.Opponent.Name()
	}
	return nil
}

// open plays the opening for both.
func (m *Match) open(ctx context.Context, b *baduk.Board, g *MatchGame) error {
	if m.Opening.Size != m.Size || len(m.Opening.Setup) > 0 || m.Opening.First != baduk.Black {
		return fmt.Errorf("the opening, %v: should be moves on a board of %d×%[2]d that black begins", m.Opening, m.Size)
	}
	for _, move := range m.Opening.Moves {
		if move.Color != b.ToPlay() {
			return fmt.Errorf("the opening, %v: %v moves twice", m.Opening, move.Color)
		}
		if err := b.Play(move.Color, move.Point); err != nil {
			return fmt.Errorf("the opening, %v: %w", m.Opening, err)
		}
		if _, err := m.Opponent.Do(ctx, "play "+move.Color.String()+" "+move.Point.Vertex(m.Size)); err != nil {
			return err
		}
		g.Record.Moves = append(g.Record.Moves, move)
	}
	return nil
}

// move asks who is to play for a move, checks it, and tells the opponent of the player's.
func (m *Match) move(ctx context.Context, b *baduk.Board, player Player, own bool) (move baduk.Point, resign bool, err error) {
	c := b.ToPlay()
	if own {
		if err := ctx.Err(); err != nil {
			return baduk.None, false, err
		}
		move, resign, err = player.Genmove(ctx, Position{Board: b.Clone(), Komi: m.Komi})
		if err != nil || resign {
			return move, resign, err
		}
		if err := b.Check(c, move); err != nil {
			return move, false, fmt.Errorf("%s would play %v %s: %w", m.Name, c, move.Vertex(m.Size), err)
		}
		_, err = m.Opponent.Do(ctx, "play "+c.String()+" "+move.Vertex(m.Size))
		return move, false, err
	}
	text, err := m.Opponent.Do(ctx, "genmove "+c.String())
	if err != nil {
		return baduk.None, false, err
	}
	if strings.EqualFold(text, "resign") {
		return baduk.None, true, nil
	}
	if move, err = baduk.ParseVertex(text, m.Size); err != nil {
		return move, false, fmt.Errorf("%s answered genmove: %w", m.Opponent.Name(), err)
	}
	if err := b.Check(c, move); err != nil {
		return move, false, fmt.Errorf("%s plays %v %s, which is illegal: %w", m.Opponent.Name(), c, move.Vertex(m.Size), err)
	}
	return move, false, nil
}

// score counts a game that is over.
func (m *Match) score(ctx context.Context, b *baduk.Board, g *MatchGame) error {
	count := func(dead []baduk.Point) baduk.Result {
		black, white := b.Area(dead...)
		return baduk.Score(float64(black) - float64(white) - m.Komi)
	}
	random := count(b.Dead(playouts, 0))
	g.Record.Result, g.Playouts = random, random.Text
	if m.Opponent.Knows("final_status_list") {
		list, err := m.Opponent.Do(ctx, "final_status_list dead")
		if err != nil {
			return err
		}
		var dead []baduk.Point
		for _, v := range strings.Fields(list) {
			p, err := baduk.ParseVertex(v, m.Size)
			if err != nil || b.Color(p) == baduk.Empty {
				return fmt.Errorf("%s lists %q among the dead stones: there is no stone", m.Opponent.Name(), v)
			}
			dead = append(dead, p)
		}
		g.Record.Result = count(dead)
	}
	if m.Opponent.Knows("final_score") {
		text, err := m.Opponent.Do(ctx, "final_score")
		if err != nil {
			return err
		}
		g.Opponent = text
		if r := baduk.ParseResult(text); r.Winner != baduk.Empty {
			g.Opponent = baduk.Score(map[baduk.Color]float64{baduk.Black: 1, baduk.White: -1}[r.Winner] * r.Margin).Text // "W+7.0" is W+7
		}
	}
	return nil
}

// OpponentName returns the opponent's own name and version, after the first game.
func (m *Match) OpponentName() string { return m.opponent }

// A MatchSummary adds up the games of a match.
type MatchSummary struct {
	Games        int     `json:"games"`
	Wins         int     `json:"wins"`
	Draws        int     `json:"draws"`
	Black        int     `json:"black"` // games that the player had black in
	WinsAsBlack  int     `json:"wins_as_black"`
	WinsAsWhite  int     `json:"wins_as_white"`
	Counted      int     `json:"counted"`     // games without a resignation
	MeanMargin   float64 `json:"mean_margin"` // of the counted ones, above 0 if the player leads
	MeanLength   float64 `json:"mean_length"` // moves, passes included
	Moves        int     `json:"moves"`       // that were checked
	Bounded      int     `json:"ended_by_bound"`
	Disagreement int     `json:"disagreement"` // games that the opponent scores otherwise
	// Low and High bound the fraction of games that the player wins with a confidence of 95 % (Wilson 1927), a draw
	// being half a win.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Summarise adds games up.
func Summarise(games []MatchGame) MatchSummary {
	s := MatchSummary{Games: len(games)}
	one := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	for _, g := range games {
		black := g.Color == baduk.Black.String()
		s.Wins += one(g.Won)
		s.Draws += one(g.Result == "0")
		s.Black += one(black)
		s.WinsAsBlack += one(g.Won && black)
		s.WinsAsWhite += one(g.Won && !black)
		s.Moves += g.Moves
		s.Bounded += one(g.Ended == EndedByBound)
		s.Disagreement += one(g.Disagrees())
		if g.Ended != EndedByResignation {
			s.Counted++
			s.MeanMargin += g.Margin
		}
	}
	s.Low, s.High = wilson(float64(s.Wins)+float64(s.Draws)/2, float64(s.Games))
	s.MeanMargin /= float64(max(s.Counted, 1))
	s.MeanLength = float64(s.Moves) / float64(max(s.Games, 1))
	return s
}

// wilson is the interval of a fraction, so many of n, that holds in 95 of 100 cases.
func wilson(wins, n float64) (low, high float64) {
	if n == 0 {
		return 0, 1
	}
	const z = 1.959964
	p := wins / n
	middle := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return max(middle-half, 0), min(middle+half, 1)
}

// Disagrees says whether the opponent scores the game otherwise.
func (g MatchGame) Disagrees() bool { return g.Opponent != "" && g.Opponent != g.Result }
