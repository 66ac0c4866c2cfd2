package baduk

import "math/bits"

// The bounds of a ladder's reading. The longest ladder on a board of 19 lines takes some 80 moves.
const (
	ladderDepth = 200
	ladderMoves = 1000
)

// A reader reads ladders on a board of its own.
type reader struct {
	board   Board
	moves   int // played in this reading
	givenUp int // readings that came to a bound
}

// read returns the capturing and the escaping moves of the player to move.
func (r *reader) read(b *Board) (capture, escape set) {
	me := b.toPlay
	copied := false
	for p := range int16(b.points) {
		if b.color[p] == Empty || b.root[p] != p {
			continue
		}
		prey := b.color[p]
		if prey == me && b.free[p] != 1 || prey != me && b.free[p] != 2 {
			continue
		}
		if !copied {
			r.board.adopt(b)
			r.board.rules = Rules{}
			copied = true
		}
		var moves set
		if prey == me {
			moves = r.board.answers(p)
		} else {
			copy(moves[:], b.liberties(p))
		}
		for m := range moves.all() {
			if !b.Legal(me, Point(m)) {
				continue
			}
			r.moves = 0
			if prey == me {
				if !escape.has(m) && r.saves(p, m, 0) {
					escape.add(m)
				}
			} else if !capture.has(m) && r.chases(p, m, 0) {
				capture.add(m)
			}
			if r.moves >= ladderMoves {
				r.givenUp++
			}
		}
	}
	return capture, escape
}

// all ranges over the points of a set in their order.
func (s *set) all() func(yield func(int16) bool) {
	return func(yield func(int16) bool) {
		for i, w := range s {
			for ; w != 0; w &= w - 1 {
				if !yield(int16(i<<6 | bits.TrailingZeros64(w))) {
					return
				}
			}
		}
	}
}

// answers are the moves that may save the group of a stone with one liberty: that liberty, and those that
// capture a group of one liberty beside it.
func (b *Board) answers(prey int16) (moves set) {
	r := b.root[prey]
	copy(moves[:], b.liberties(r))
	c := b.color[prey]
	for s := r; ; {
		for _, q := range &b.near[s] {
			if b.color[q] == 3-c {
				if o := b.root[q]; b.free[o] == 1 {
					for i, w := range b.liberties(o) {
						moves[i] |= w
					}
				}
			}
		}
		if s = b.next[s]; s == r {
			return moves
		}
	}
}

// possible says whether a move is legal in a reading, where there is neither suicide nor superko.
func (b *Board) possible(c Color, p int16) bool {
	return b.color[p] == Empty && !(Point(p) == b.ko && c == b.koFor) && !b.suicidal(c, Point(p))
}

// chases says whether the chaser's move on one of the prey's two liberties leads to its capture.
func (r *reader) chases(prey, move int16, depth int) bool {
	b := &r.board
	if !b.possible(3-b.color[prey], move) || r.escapesAtOnce(prey, move) {
		return false
	}
	r.moves++
	b.play(3-b.color[prey], Point(move))
	lost := r.lost(prey, depth+1)
	b.Undo()
	return lost
}

// escapesAtOnce sees without a reading that the prey has three liberties if the chaser plays move and the
// prey answers at its other liberty.
func (r *reader) escapesAtOnce(prey, move int16) bool {
	b := &r.board
	other := move
	for i, w := range b.liberties(b.root[prey]) {
		if i == int(move>>6) {
			w &^= 1 << (move & 63)
		}
		if w != 0 {
			other = int16(i<<6 | bits.TrailingZeros64(w))
		}
	}
	free := 0
	for _, q := range &b.near[other] {
		if b.color[q] == Empty && q != move {
			free++
		}
	}
	return free >= 3
}

// lost says whether the prey, in atari and to move, has no answer.
func (r *reader) lost(prey int16, depth int) bool {
	if depth >= ladderDepth || r.moves >= ladderMoves {
		return false
	}
	moves := r.board.answers(prey)
	for m := range moves.all() {
		if r.saves(prey, m, depth) {
			return false
		}
	}
	return true
}

// saves says whether an answer of the prey's escapes.
func (r *reader) saves(prey, move int16, depth int) bool {
	b := &r.board
	c := b.color[prey]
	if !b.possible(c, move) {
		return false
	}
	r.moves++
	b.play(c, Point(move))
	escaped := r.escaped(prey, depth+1)
	b.Undo()
	return escaped
}

// escaped says whether the prey cannot be captured, the chaser to move.
func (r *reader) escaped(prey int16, depth int) bool {
	b := &r.board
	group := b.root[prey]
	if b.free[group] > 2 {
		return true
	}
	var moves [2]int16
	n := 0
	for i, w := range b.liberties(group) {
		for ; w != 0; w &= w - 1 {
			moves[n] = int16(i<<6 | bits.TrailingZeros64(w))
			n++
		}
	}
	if n == 1 {
		// No ko forbids the capture: an answer that captures leaves the prey a second liberty, or is
		// itself a stone of the prey's, which is then no single stone.
		return false
	}
	for _, m := range moves {
		if r.chases(prey, m, depth) {
			return false
		}
	}
	return true
}
