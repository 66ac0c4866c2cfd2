package gtp

import (
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
)

// A Player chooses moves.
type Player interface {
	// Genmove returns the move of the board's ToPlay, or that it resigns. An error is told to who asked,
	// and no move is made.
	Genmove(pos Position) (move baduk.Point, resign bool, err error)
}

// A PlayerFunc is a function that chooses moves.
type PlayerFunc func(pos Position) (move baduk.Point, resign bool, err error)

// Genmove calls the function.
func (f PlayerFunc) Genmove(pos Position) (move baduk.Point, resign bool, err error) { return f(pos) }

// A Position is what a player is asked about.
type Position struct {
	// Board is the player's own to play on, and knows earlier positions where superko is the rule.
	Board *baduk.Board
	Komi  float64
	Clock Clock
}

// A Clock is the time that the player to move has.
type Clock struct {
	// Main, Byo and Stones are the settings: main time, and then Byo for each Stones moves. If all are
	// zero, nothing is known of them; Byo without Stones means that time is not limited.
	Main, Byo time.Duration
	Stones    int
	// Left is the time that is left, for LeftStones moves if that is not 0. Known says whether it was told.
	Left       time.Duration
	LeftStones int
	Known      bool
}
