package alphago

import (
	"context"
	"math/rand/v2"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk/gtp"
)

// A PolicyPlayer plays what the policy network finds most probable, without search. It is a [gtp.Player].
//
// It passes if no sensible move is left; if the opponent has just passed and the player is not behind,
// counting by area without the stones that 200 random games find dead, or nothing is left to play for, each
// point being the same player's in nine of ten of those games; and always after 2·size² moves, so that games
// end. It never resigns.
type PolicyPlayer struct {
	Policy      *Policy
	Symmetries  int     // 1 or 8
	Temperature float64 // 0: the most probable move
	Rand        *rand.Rand
}

// passPlayouts is the number of random games that tell whether a player can pass.
const passPlayouts = 200

// Genmove returns the player's move.
func (p *PolicyPlayer) Genmove(ctx context.Context, pos gtp.Position) (baduk.Point, bool, error) {
	if err := ctx.Err(); err != nil {
		return baduk.None, false, err
	}
	b := pos.Board
	switch {
	case p.Policy == nil:
		return baduk.None, false, errNoNetwork
	case b.Size() == 0:
		return baduk.None, false, errNoBoard
	}
	if b.Moves() >= 2*b.Points() || b.Passes() > 0 && !(pos.Cleanup && prisoners(b)) && (ahead(b, pos.Komi) || settled(b)) {
		return baduk.Pass, false, nil
	}
	list, err := p.Policy.Probabilities([]*baduk.Board{b}, p.Symmetries)
	if err != nil {
		return baduk.None, false, err
	}
	move, err := Choose(b, list[0], p.Temperature, p.Rand)
	return move, false, err
}

// ahead says whether the player to move would not lose if the game ended now.
func ahead(b *baduk.Board, komi float64) bool {
	black, white := b.Area(b.Dead(passPlayouts, 1)...)
	lead := float64(black-white) - komi
	if b.ToPlay() == baduk.White {
		lead = -lead
	}
	return lead >= 0
}

// settled says whether random games leave no point of the board in doubt.
func settled(b *baduk.Board) bool {
	var random baduk.Playouts
	random.Play(b, passPlayouts, 1)
	return random.Settled()
}
