package baduk

import (
	"math/rand/v2"
	"slices"
)

// Playouts are games of random moves from a position to their end, beginning with the player to move and
// its opponent by turns. Players fill no eyes of their own (see [Board.Sensible]), and know nothing else. The
// zero value is ready; it keeps memory, and is for one goroutine at a time.
type Playouts struct {
	// Leads are black's points less white's at the end of each game, counted by area.
	Leads []int
	// Owned is for each point how many more games it was black's in the end than white's.
	Owned []int

	board Board
	empty []int16
}

// Play plays so many games; of a board of no size none. What they show is a function of the position, their number and the seed.
func (r *Playouts) Play(b *Board, games int, seed uint64) {
	r.Leads = r.Leads[:0]
	r.Owned = append(r.Owned[:0], make([]int, b.Points())...)
	if b.Size() == 0 {
		return
	}
	rnd := rand.New(rand.NewPCG(seed, b.hash))
	for n := range games {
		r.board.adopt(b)
		r.board.rules = Rules{}
		r.empty = slices.Grow(r.empty[:0], b.points)
		for p := range int16(b.points) {
			if b.color[p] == Empty {
				r.empty = append(r.empty, p)
			}
		}
		c := b.toPlay
		if n%2 == 1 {
			c = 3 - c
		}
		r.board.finish(c, r.empty, rnd)
		lead := 0
		for p := range r.Owned {
			switch r.board.holder(int16(p)) {
			case Black:
				r.Owned[p]++
				lead++
			case White:
				r.Owned[p]--
				lead--
			}
		}
		r.Leads = append(r.Leads, lead)
	}
}

// Won is the fraction of the games that black won with a komi, draws counting half.
func (r *Playouts) Won(komi float64) float64 {
	won := 0.0
	for _, lead := range r.Leads {
		switch {
		case float64(lead) > komi:
			won++
		case float64(lead) == komi:
			won += 0.5
		}
	}
	return won / float64(max(len(r.Leads), 1))
}

// Settled says whether the games leave no point in doubt: each was the same player's in nine of ten of them.
func (r *Playouts) Settled() bool {
	for _, n := range r.Owned {
		if 10*max(n, -n) < 8*len(r.Leads) { // nine of ten less one of ten
			return false
		}
	}
	return true
}

// Ownership plays random games from the position (see [Playouts]) and returns for each point how often it
// was black's in the end: from 1, always, to -1, always white's.
func (b *Board) Ownership(playouts int, seed uint64) []float32 {
	var r Playouts
	r.Play(b, playouts, seed)
	owner := make([]float32, b.points)
	for p, n := range r.Owned {
		owner[p] = float32(n) / float32(max(playouts, 1))
	}
	return owner
}

// finish plays random moves to the end of the game. Empty has all empty points, and room for all points.
func (b *Board) finish(c Color, empty []int16, rnd *rand.Rand) {
	for passes, n := 0, 0; passes < 2 && n < 3*b.points; n++ {
		at := -1
		if len(empty) > 0 {
			from := rnd.IntN(len(empty))
			for i := range empty {
				k := (from + i) % len(empty)
				if p := empty[k]; !b.eye(c, Point(p)) && b.possible(c, p) {
					at = k
					break
				}
			}
		}
		if at < 0 {
			b.ko = None
			passes++
			c = 3 - c
			continue
		}
		passes = 0
		p := empty[at]
		empty[at] = empty[len(empty)-1]
		empty = empty[:len(empty)-1]
		b.undos, b.saved = b.undos[:0], b.saved[:0]
		b.play(c, Point(p))
		u := &b.undos[0]
		for _, r := range u.taken[:u.takes] {
			for s := r; ; {
				empty = append(empty, s)
				if s = b.next[s]; s == r {
					break
				}
			}
		}
		c = 3 - c
	}
}

// holder returns whose a point is at the end of a random game, when what is empty is an eye or nobody's.
func (b *Board) holder(p int16) Color {
	c := b.color[p]
	if c != Empty {
		return c
	}
	for _, q := range &b.near[p] {
		switch o := b.color[q]; {
		case o == wall:
		case c == Empty:
			c = o
		case o != c:
			return Empty
		}
	}
	return c
}

// Dead returns the stones that are likely to be dead, for a game that is over: those of groups whose
// points the opponent has in the end of six of ten of so many random games. It is an estimate: it
// errs in long fights and in some sekis.
func (b *Board) Dead(playouts int, seed uint64) []Point { return b.dead(b.Ownership(playouts, seed)) }

// dead are the stones whose groups' points are the opponent's by their owners, as [Board.Ownership] gives them.
func (b *Board) dead(owner []float32) []Point {
	sum := make([]float32, b.points) // by root
	for p := range b.points {
		switch b.color[p] {
		case Black:
			sum[b.root[p]] += owner[p]
		case White:
			sum[b.root[p]] -= owner[p]
		}
	}
	var dead []Point
	for p := range b.points {
		// Six of ten for the opponent and four for the owner is a mean of -0.2.
		if b.color[p] != Empty && sum[b.root[p]] < -0.2*float32(b.count[b.root[p]]) {
			dead = append(dead, Point(p))
		}
	}
	return dead
}
