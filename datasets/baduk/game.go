package baduk

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"strconv"
	"strings"
)

// A Game is the main line of a game record. Games that this package reads can be played through: every
// stone is on the board, every move legal by the game's rules.
type Game struct {
	Name   string // of the file, an archive's name before it: "games.zip/2016.sgf"
	Number int    // in the file, from 1

	Size         int
	Rules        Rules  // suicide where RuleSet allows it; never superko
	RuleSet      string // as the record names it
	Komi         float64
	Handicap     int
	Black, White string // the players' names
	Result       Result

	Setup []Setup
	First Color // to play in the first position
	Moves []Move
	// From is how many moves were played before the part of the game that its result belongs to, if a move before
	// was drawn by lot; else 0. Records keep it as the property ZF, which is this package's own.
	From int
	// Judged says how the result came to be known, if the players did not tell it. Records keep it as the property ZJ,
	// which is this package's own.
	Judged string

	Rest    error    // why the record's later moves are missing here: "move 5, black at Q16: …"; nil if none is
	Guesses []string // what the record does not say plainly, and how it was read
}

// A Setup is a stone that was not played, but put on the board, or taken off it, after so many moves.
type Setup struct {
	After int
	Stone
}

// A Result is how a game ended.
type Result struct {
	Winner Color   // Empty if there is none, or it is unknown
	Margin float64 // in points; 0 if the game was not counted
	Text   string  // as the record has it: "B+3.5", "W+R", "0"
}

// ParseResult reads a result as SGF writes it. What it does not understand has no winner.
func ParseResult(s string) Result {
	r := Result{Text: s}
	who, how, ok := strings.Cut(strings.ToUpper(strings.TrimSpace(s)), "+")
	if !ok {
		return r
	}
	switch strings.TrimSpace(who) {
	case "B", "BLACK":
		r.Winner = Black
	case "W", "WHITE":
		r.Winner = White
	}
	if m, err := decimal(how); err == nil && r.Winner != Empty {
		r.Margin = m
	}
	return r
}

// Score is the result of a game that black leads by so many points, komi taken off, or is behind in.
func Score(lead float64) Result {
	number := strconv.FormatFloat(math.Abs(lead), 'f', -1, 64)
	switch {
	case lead > 0:
		return Result{Winner: Black, Margin: lead, Text: "B+" + number}
	case lead < 0:
		return Result{Winner: White, Margin: -lead, Text: "W+" + number}
	}
	return Result{Text: "0"}
}

// Resignation is the result of a game whose loser resigned.
func Resignation(winner Color) Result {
	return Result{Winner: winner, Text: map[Color]string{Black: "B+R", White: "W+R"}[winner]}
}

// decimal reads a number that may have a comma for the point.
func decimal(s string) (float64, error) {
	v, err := strconv.ParseFloat(strings.Replace(strings.TrimSpace(s), ",", ".", 1), 64)
	if err != nil || !(v > -1e4 && v < 1e4) {
		return 0, fmt.Errorf("number %q: should be as 6.5", s)
	}
	return v, nil
}

// String names the game.
func (g *Game) String() string { return fmt.Sprintf("%s: game %d", g.Name, g.Number) }

// Opening returns the game's first moves, at most so many and none after a pass or a player's second move in a row,
// from the empty board; of games with set-up stones, or that white begins, none.
func (g *Game) Opening(moves int) *Game {
	o := &Game{Name: g.Name, Number: g.Number, Size: g.Size, Rules: g.Rules, First: Black}
	if len(g.Setup) > 0 || g.First != Black {
		return o
	}
	for i, m := range g.Moves[:min(moves, len(g.Moves))] {
		if m.Point == Pass || m.Color != []Color{Black, White}[i%2] {
			break
		}
		o.Moves = append(o.Moves, m)
	}
	return o
}

// start makes b the game's first position.
func (g *Game) start(b *Board) error {
	b.Clear()
	b.rules = g.Rules
	b.SetToPlay(g.First)
	return g.setUp(b, 0)
}

// setUp puts the stones on the board that come after so many moves.
func (g *Game) setUp(b *Board, after int) error {
	var stones []Stone
	for _, s := range g.Setup {
		if s.After == after {
			stones = append(stones, s.Stone)
		}
	}
	if len(stones) == 0 {
		return nil
	}
	if err := b.Setup(stones...); err != nil {
		return fmt.Errorf("after move %d: %w", after, err)
	}
	return nil
}

// Positions returns the positions before each move with the move, passes included; its player is the
// board's ToPlay. The board is the loop's only until its next turn. A loop over a game of one's own
// making ends before a move that is illegal: see [Game.Check].
func (g *Game) Positions() iter.Seq2[*Board, Move] {
	return func(yield func(*Board, Move) bool) {
		b, err := NewBoard(g.Size, g.Rules)
		if err != nil || g.start(b) != nil {
			return
		}
		for i, m := range g.Moves {
			if b.Check(m.Color, m.Point) != nil {
				return
			}
			b.SetToPlay(m.Color)
			if !yield(b, m) {
				return
			}
			b.play(m.Color, m.Point)
			if len(g.Setup) > 0 && g.setUp(b, i+1) != nil {
				return
			}
		}
	}
}

// Final returns the position after the last move.
func (g *Game) Final() (*Board, error) {
	b, err := NewBoard(g.Size, g.Rules)
	if err != nil {
		return nil, err
	}
	return b, g.replay(b)
}

// Check returns why the game cannot be played through, or nil.
func (g *Game) Check() error {
	if g == nil {
		return errors.New("there is no game")
	}
	_, err := g.Final()
	return err
}

// replay plays the game on a board of its size.
func (g *Game) replay(b *Board) error {
	_, err := g.play(b)
	return err
}

// legal plays the game and returns how many of its moves can be played, with why not more. It is -1 if
// not even the first position can be set up.
func (g *Game) legal() (moves int, err error) {
	b, err := NewBoard(g.Size, g.Rules)
	if err != nil {
		return -1, err
	}
	return g.play(b)
}

func (g *Game) play(b *Board) (moves int, err error) {
	if err := g.start(b); err != nil {
		return -1, err
	}
	for i, m := range g.Moves {
		if err := b.Play(m.Color, m.Point); err != nil {
			return i, fmt.Errorf("move %d, %v at %s: %w", i+1, m.Color, m.Point.Vertex(g.Size), err)
		}
		if len(g.Setup) > 0 {
			if err := g.setUp(b, i+1); err != nil {
				return i + 1, err
			}
		}
	}
	return len(g.Moves), nil
}
