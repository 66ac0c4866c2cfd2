package baduk

import (
	"errors"
	"fmt"
)

// The planes of Silver et al., Extended Data Table 2, in its order, seen by the player to move. Where
// a feature is a number, its eight planes stand for 1 to 7 and for 8 or more, and a point is 1 in at
// most one of them: the paper's "one-hot encoding".
const (
	PlaneOwn      = 0 // the player's stones
	PlaneOpponent = 1 // the opponent's stones
	PlaneEmpty    = 2
	PlaneOnes     = 3 // 1 everywhere: tells the edge from the padding
	// PlaneTurns: how many turns ago the stone at the point was played; 1 is the last move. Stones that
	// were set up count as the oldest.
	PlaneTurns     = 4
	PlaneLiberties = 12 // of the group of the stone at the point

	// What a move of the player to the point would do. All points are 0 where it is illegal.
	PlaneCaptures  = 20 // how many stones it would capture; 0 in all planes if none
	PlaneSelfAtari = 28 // the size of the player's group, if the move left it one liberty
	PlaneAfter     = 36 // how many liberties the group would have

	PlaneLadderCapture = 44 // it begins a ladder that captures: see Features
	PlaneLadderEscape  = 45 // it saves a group from capture, ladders included
	PlaneSensible      = 46 // it is legal and does not fill the player's own eye: see Board.Sensible
	PlaneZeros         = 47 // 0 everywhere

	PlaneBlack = 48 // 1 everywhere if black is to play: the value network's only

	Planes      = 48 // of the policy network
	ValuePlanes = 49 // of the value network
)

// Features computes the planes of positions. It keeps memory for reading ladders, so that it allocates
// nothing; one Features must not be used by two goroutines at once. The zero value is ready.
//
// Ladders are read to the end, both sides answering as follows. The chaser plays on one of the prey's
// two liberties, which leaves it one. The prey extends there, or captures any chasing group that touches
// it and has one liberty itself. With three liberties it has escaped; with two the chase goes on; with
// one it is lost. A capturing move thus is one on a liberty of an
// opponent's group of two, after which no answer escapes; an escaping move is an answer for a group of
// the player's with one liberty, after which no chase captures. A reading that takes more than
// 200 moves in a row or 1,000 in all is given up as escaped.
type Features struct {
	ladders reader
}

// Bytes writes the first planes of a position to dst, planes·size² long, as 0 or 1, indexed [plane][x][y].
// Planes is 48 for the policy network, 49 for the value network, or fewer: the paper also tried 4, 12
// and 20.
func (f *Features) Bytes(dst []uint8, b *Board, planes int) error {
	return fill(f, dst, b, planes, 0)
}

// Floats writes what Bytes does as 0 or 1, every plane turned by a symmetry.
func (f *Features) Floats(dst []float32, b *Board, planes int, s Symmetry) error {
	return fill(f, dst, b, planes, s)
}

// A canvas is planes to be painted, turned.
type canvas[T uint8 | float32] struct {
	dst    []T
	turned []Point
	planes int
}

func (c *canvas[T]) set(plane int, p int16) {
	if plane < c.planes {
		c.dst[plane*len(c.turned)+int(c.turned[p])] = 1
	}
}

// number sets the plane of a number from 1 on.
func (c *canvas[T]) number(plane, n int, p int16) {
	if n > 0 {
		c.set(plane+min(n, 8)-1, p)
	}
}

func (c *canvas[T]) all(plane int) {
	if plane < c.planes {
		n := len(c.turned)
		ones := c.dst[plane*n : (plane+1)*n]
		for i := range ones {
			ones[i] = 1
		}
	}
}

func fill[T uint8 | float32](f *Features, dst []T, b *Board, planes int, s Symmetry) error {
	switch {
	case b.Size() == 0:
		return errors.New("feature planes: there is no board")
	case planes < 1 || planes > ValuePlanes:
		return fmt.Errorf("%d feature planes: should be from 1 to %d", planes, ValuePlanes)
	case len(dst) != planes*b.points:
		return fmt.Errorf("feature planes: %d values: should be %d·%d·%d", len(dst), planes, b.size, b.size)
	}
	clear(dst)
	c := canvas[T]{dst, b.turned[s&7], planes}
	me := b.toPlay
	for p := range int16(b.points) {
		switch o := b.color[p]; {
		case o == Empty:
			c.set(PlaneEmpty, p)
			continue
		case o == me:
			c.set(PlaneOwn, p)
		default:
			c.set(PlaneOpponent, p)
		}
		age := 8
		if b.born[p] > 0 {
			age = b.moves + 1 - int(b.born[p])
		}
		c.number(PlaneTurns, age, p)
		c.number(PlaneLiberties, int(b.free[b.root[p]]), p)
	}
	c.all(PlaneOnes)
	if me == Black {
		c.all(PlaneBlack)
	}
	if planes <= PlaneCaptures {
		return nil
	}
	for p := range int16(b.points) {
		if b.color[p] != Empty || !b.Legal(me, Point(p)) {
			continue
		}
		e := b.effect(me, p)
		c.number(PlaneCaptures, e.captured, p)
		c.number(PlaneAfter, e.liberties, p)
		if e.liberties <= 1 {
			c.number(PlaneSelfAtari, e.group, p)
		}
		if !b.eye(me, Point(p)) {
			c.set(PlaneSensible, p)
		}
	}
	if planes > PlaneLadderCapture {
		capture, escape := f.ladders.read(b)
		for p := range int16(b.points) {
			if capture.has(p) {
				c.set(PlaneLadderCapture, p)
			}
			if escape.has(p) {
				c.set(PlaneLadderEscape, p)
			}
		}
	}
	return nil
}

// A set of points of any board.
type set [(MaxSize*MaxSize + 63) / 64]uint64

func (s *set) has(p int16) bool { return s[p>>6]>>(p&63)&1 != 0 }
func (s *set) add(p int16)      { s[p>>6] |= 1 << (p & 63) }

// An effect is what a move would do: the opponent's stones that it would capture, and the stones and
// liberties of the group that it would be part of.
type effect struct {
	captured, group, liberties int
}

// effect finds out what a legal move would do, without playing it.
func (b *Board) effect(c Color, p int16) effect {
	e := effect{group: 1}
	var own, lost [4]int16
	owns, losses := 0, 0
next:
	for _, q := range &b.near[p] {
		switch b.color[q] {
		case Empty:
			e.liberties++
		case c:
			r := b.root[q]
			for _, known := range own[:owns] {
				if known == r {
					continue next
				}
			}
			own[owns] = r
			owns++
			e.group += int(b.count[r])
		case 3 - c:
			r := b.root[q]
			if b.free[r] > 1 {
				continue
			}
			for _, known := range lost[:losses] {
				if known == r {
					continue next
				}
			}
			lost[losses] = r
			losses++
			e.captured += int(b.count[r])
		}
	}
	if owns == 0 && losses == 0 {
		return e
	}

	var free set
	for _, q := range &b.near[p] {
		if b.color[q] == Empty {
			free.add(q)
		}
	}
	for _, r := range own[:owns] {
		for i, w := range b.liberties(r) {
			free[i] |= w
		}
	}
	free[p>>6] &^= 1 << (p & 63)
	for _, r := range lost[:losses] {
		for s := r; ; {
			for _, q := range &b.near[s] {
				if q == p || b.color[q] == c && (b.root[q] == own[0] && owns > 0 || b.root[q] == own[1] && owns > 1 || b.root[q] == own[2] && owns > 2) {
					free.add(s)
					break
				}
			}
			if s = b.next[s]; s == r {
				break
			}
		}
	}
	e.liberties = int(size(free[:b.words]))
	return e
}
