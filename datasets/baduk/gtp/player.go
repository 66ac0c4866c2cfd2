package gtp

import (
	"context"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
)

// A Player chooses moves.
type Player interface {
	// Genmove returns the move of the board's ToPlay, or that it resigns. An error is told to who asked,
	// and no move is made.
	Genmove(ctx context.Context, pos Position) (move baduk.Point, resign bool, err error)
}

// A PlayerFunc is a function that chooses moves.
type PlayerFunc func(ctx context.Context, pos Position) (move baduk.Point, resign bool, err error)

// Genmove calls the function.
func (f PlayerFunc) Genmove(ctx context.Context, pos Position) (move baduk.Point, resign bool, err error) {
	return f(ctx, pos)
}

// An Analyst is a player who says what it thinks: it makes an engine know lz-analyze, kata-analyze and their like.
type Analyst interface {
	Player
	// Analyze thinks about the board's position until the context ends, which is no error, or there is
	// nothing more to think about. It calls report as often as Every says.
	Analyze(ctx context.Context, pos Position, t Thinking) error
	// GenmoveAnalyze is Genmove with reports, of which the last is of what the move was chosen by.
	GenmoveAnalyze(ctx context.Context, pos Position, t Thinking) (move baduk.Point, resign bool, err error)
}

// Thinking says what is to be told of it.
type Thinking struct {
	Every     time.Duration // from one report to the next
	Ownership bool          // Analysis.Ownership is wanted
	Report    func(Analysis)
}

// An Analysis is what a player thinks about a position. Numbers are as the player to move sees them.
type Analysis struct {
	Visits    int
	Winrate   float64    // from 0 to 1
	Moves     []MoveInfo // best first
	Ownership []float32  // of each point, from 1, the player's, to -1; nil if not wanted
}

// A MoveInfo is what a player thinks about a move.
type MoveInfo struct {
	Point               baduk.Point
	Visits              int
	Winrate, Prior, LCB float64       // from 0 to 1; LCB is the lower bound of the win rate
	Line                []baduk.Point // the principal variation, which begins with the move
}

// A Position is what a player is asked about.
type Position struct {
	// Board is the player's own to play on, and knows earlier positions where superko is the rule.
	Board *baduk.Board
	Komi  float64
	Clock Clock
	// Cleanup says that the players do not agree which stones are dead: a stone on the board at the end is alive, and
	// whoever wants others off has to capture them (KGS's kgs-genmove_cleanup).
	Cleanup bool
	Avoid   []Avoid
}

// Avoid keeps a player from moves.
type Avoid struct {
	Color  baduk.Color
	Points []baduk.Point
	Only   bool // from all moves but these: lz-analyze's allow
	Depth  int  // in the first moves of what it thinks about, so many; 0 means all
}

// A Clock is the time that the player to move has.
type Clock struct {
	// Main, Byo and Stones are the settings: main time, and then Byo for each Stones moves (Canadian). If all are
	// zero, nothing is known of them; Byo without Stones means that time is not limited.
	Main, Byo time.Duration
	Stones    int
	// Periods, if not 0, makes the overtime Japanese: each move has Byo, and who needs longer loses one of so many
	// periods.
	Periods int
	// Left is the time that is left, for LeftStones moves if that is not 0; in Japanese overtime, of the move's
	// period, LeftStones being the periods that are left. Known says whether it was told.
	Left       time.Duration
	LeftStones int
	Known      bool
}

const (
	lag     = 200 * time.Millisecond // that a message may take, and a last batch
	fewLeft = 20                     // moves of a player that are always taken to follow
)

// Budget is the time that the next move should take at most, and whether time is limited at all. It spreads the main
// time over the moves that are likely to follow, of a game of two moves for three points of the board.
func (c Clock) Budget(b *baduk.Board) (time.Duration, bool) {
	if c.Main == 0 && c.Byo == 0 && !c.Known || c.Byo > 0 && c.Stones == 0 && c.Periods == 0 {
		return 0, false
	}
	left := c.Left
	if !c.Known {
		left = c.Main
	}
	moves := time.Duration(max((b.Points()*2/3-b.Moves())/2, fewLeft))
	var budget time.Duration
	switch {
	case c.Periods > 0 && (c.Known && c.LeftStones > 0 || left == 0):
		budget = c.Byo // one period, whatever others are left
		if c.Known {
			budget = left
		}
	case c.Periods > 0:
		budget = left/moves + c.Byo
	case c.Stones > 0 && c.Known && c.LeftStones > 0:
		budget = left / time.Duration(c.LeftStones)
	case c.Stones > 0 && left == 0:
		budget = c.Byo / time.Duration(c.Stones)
	case c.Stones > 0:
		budget = left/moves + c.Byo/time.Duration(c.Stones)
	default:
		budget = left / moves
	}
	if c.Periods == 0 && c.Stones == 0 || c.Known && c.LeftStones > 0 {
		budget = min(budget, left)
	}
	return max(budget-lag, budget/4), true
}
