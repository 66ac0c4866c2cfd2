package baduk

import (
	"errors"
	"fmt"
	"math/bits"
)

// Why a move is refused.
var (
	ErrOffBoard = errors.New("the point is not on the board")
	ErrColor    = errors.New("a move is black's or white's")
	ErrOccupied = errors.New("the point is occupied")
	ErrKo       = errors.New("the ko may not be retaken at once")
	ErrSuperko  = errors.New("the position would be repeated")
	ErrSuicide  = errors.New("the stones would have no liberty")
)

// Rules are the points in which the sets of rules differ.
type Rules struct {
	// Superko forbids every move, but a pass, that repeats an earlier position of the board, whoever
	// was to play in it. The simple ko is forbidden always.
	Superko bool
	// Suicide lets a player take its own stones off by filling their last liberty.
	Suicide bool
}

// TrompTaylor are the rules of Tromp and Taylor.
var TrompTaylor = Rules{Superko: true, Suicide: true}

// A Board is a position and how it came about. It is not safe for concurrent use while moves are
// played on it; reading it is.
type Board struct {
	*geometry
	rules Rules

	color []Color // of each point; the last, past the points, is wall
	// Stones of one color that touch are a group, named by one of its stones, its root. Next joins the
	// group's stones in a ring. What is indexed by root means nothing at other points.
	root  []int16
	next  []int16
	count []int16  // stones of the group of a root
	free  []int16  // liberties of the group of a root
	libs  []uint64 // the set of them, words a root
	born  []int32  // the number of the move that placed the stone, 0 if it was set up

	hash    uint64
	history []uint64 // hashes of all positions before this one, if Superko
	moves   int      // played so far, with passes
	passes  int      // at the end of them
	toPlay  Color
	last    Point
	ko      Point // where koFor may not play
	koFor   Color
	// lost are the stones of a color that were captured.
	lost [3]int

	undos []undo
	saved []uint64 // liberties of the groups that the moves of undos joined
}

// NewBoard returns an empty board, black to play. The size is from 2 to 25.
func NewBoard(size int, rules Rules) (*Board, error) {
	if size < MinSize || size > MaxSize {
		return nil, fmt.Errorf("board size %d: should be from %d to %d", size, MinSize, MaxSize)
	}
	g := geometries[size]()
	n := g.points
	b := &Board{
		geometry: g, rules: rules,
		color: make([]Color, n+1), root: make([]int16, n), next: make([]int16, n), count: make([]int16, n),
		free: make([]int16, n), libs: make([]uint64, n*g.words), born: make([]int32, n),
	}
	b.Clear()
	return b, nil
}

// Clear takes all stones off and forgets all moves.
func (b *Board) Clear() {
	clear(b.color)
	b.color[b.points] = wall
	clear(b.born)
	b.hash, b.history, b.moves, b.passes = 0, b.history[:0], 0, 0
	b.toPlay, b.last, b.ko, b.koFor = Black, None, None, Empty
	b.lost = [3]int{}
	b.undos, b.saved = b.undos[:0], b.saved[:0]
}

// CopyFrom makes b the position of from, at the cost of copying a few arrays. What led to it cannot be
// taken back from b. The boards' sizes may differ.
func (b *Board) CopyFrom(from *Board) {
	b.adopt(from)
	b.history = append(b.history[:0], from.history...)
}

// adopt is CopyFrom without the earlier positions that superko forbids.
func (b *Board) adopt(from *Board) {
	if b.geometry != from.geometry {
		fresh, _ := NewBoard(from.size, from.rules)
		fresh.history, fresh.undos, fresh.saved = b.history, b.undos, b.saved
		*b = *fresh
	}
	b.rules = from.rules
	copy(b.color, from.color)
	copy(b.root, from.root)
	copy(b.next, from.next)
	copy(b.count, from.count)
	copy(b.free, from.free)
	copy(b.libs, from.libs)
	copy(b.born, from.born)
	b.hash, b.moves, b.passes = from.hash, from.moves, from.passes
	b.history = b.history[:0]
	b.toPlay, b.last, b.ko, b.koFor, b.lost = from.toPlay, from.last, from.ko, from.koFor, from.lost
	b.undos, b.saved = b.undos[:0], b.saved[:0]
}

// Clone returns a board of its own in the same position.
func (b *Board) Clone() *Board {
	c := &Board{}
	c.CopyFrom(b)
	return c
}

// Size returns the number of lines: 0 if the board is nil or was not made by [NewBoard].
func (b *Board) Size() int {
	if b == nil || b.geometry == nil {
		return 0
	}
	return b.size
}

// Points returns the number of points, size².
func (b *Board) Points() int { return b.Size() * b.Size() }

// Rules returns the board's rules.
func (b *Board) Rules() Rules { return b.rules }

// Color returns what is on a point; what is beyond the board is Empty.
func (b *Board) Color(p Point) Color {
	if p < 0 || int(p) >= b.points {
		return Empty
	}
	return b.color[p]
}

// ToPlay returns the player whose turn it is: the opponent of who moved last, if nobody said otherwise.
func (b *Board) ToPlay() Color { return b.toPlay }

// SetToPlay gives the turn to a player.
func (b *Board) SetToPlay(c Color) {
	if c == Black || c == White {
		b.toPlay = c
	}
}

// Moves returns the number of moves played, passes included.
func (b *Board) Moves() int { return b.moves }

// Passes returns the number of passes since the last stone.
func (b *Board) Passes() int { return b.passes }

// Last returns the last move's point: None if there was no move.
func (b *Board) Last() Point { return b.last }

// Ko returns the point where the player to move may not retake a ko, or None.
func (b *Board) Ko() Point {
	if b.koFor != b.toPlay {
		return None
	}
	return b.ko
}

// Captured returns the number of stones of a color that were taken off the board by moves.
func (b *Board) Captured(c Color) int {
	if c > White {
		return 0
	}
	return b.lost[c]
}

// Hash identifies the stones on the board (Zobrist), not who is to play.
func (b *Board) Hash() uint64 { return b.hash }

// Liberties returns the number of liberties of the group of stones at a point, 0 if there is none.
func (b *Board) Liberties(p Point) int {
	if b.Color(p) == Empty {
		return 0
	}
	return int(b.free[b.root[p]])
}

// Group returns the number of stones of the group at a point, 0 if there is none.
func (b *Board) Group(p Point) int {
	if b.Color(p) == Empty {
		return 0
	}
	return int(b.count[b.root[p]])
}

// Age returns how many moves ago the stone at a point was played, 1 if it was the last move, and
// 0 if there is none or it was set up.
func (b *Board) Age(p Point) int {
	if b.Color(p) == Empty || b.born[p] == 0 {
		return 0
	}
	return b.moves + 1 - int(b.born[p])
}

// Check returns why a move is against the rules, or nil.
func (b *Board) Check(c Color, p Point) error {
	switch {
	case c != Black && c != White:
		return ErrColor
	case p == Pass:
		return nil
	case p < 0 || int(p) >= b.points:
		return ErrOffBoard
	case b.color[p] != Empty:
		return ErrOccupied
	case p == b.ko && c == b.koFor:
		return ErrKo
	}
	if !b.rules.Suicide && b.suicidal(c, p) {
		return ErrSuicide
	}
	if b.rules.Superko && b.repeats(c, p) {
		return ErrSuperko
	}
	return nil
}

// Legal says whether the rules allow a move.
func (b *Board) Legal(c Color, p Point) bool { return b.Check(c, p) == nil }

// suicidal says whether a stone on an empty point would leave its group without a liberty.
func (b *Board) suicidal(c Color, p Point) bool {
	for _, q := range &b.near[p] {
		switch b.color[q] {
		case Empty:
			return false
		case c:
			if b.free[b.root[q]] > 1 {
				return false
			}
		case 3 - c:
			if b.free[b.root[q]] == 1 {
				return false
			}
		}
	}
	return true
}

// repeats says whether a stone on an empty point would bring back an earlier position.
func (b *Board) repeats(c Color, p Point) bool {
	h := b.hash ^ b.keys[c][p]
	var gone [4]int16
	n := 0
	off := func(c Color, r int16) {
		for i := range n {
			if gone[i] == r {
				return
			}
		}
		gone[n] = r
		n++
		for s := r; ; {
			h ^= b.keys[c][s]
			if s = b.next[s]; s == r {
				return
			}
		}
	}
	if b.suicidal(c, p) {
		h ^= b.keys[c][p]
		for _, q := range &b.near[p] {
			if b.color[q] == c {
				off(c, b.root[q])
			}
		}
	} else {
		for _, q := range &b.near[p] {
			if b.color[q] == 3-c && b.free[b.root[q]] == 1 {
				off(3-c, b.root[q])
			}
		}
	}
	if h == b.hash {
		return true
	}
	for i := len(b.history) - 1; i >= 0; i-- {
		if b.history[i] == h {
			return true
		}
	}
	return false
}

// Play plays a move, if the rules allow it. Anyone may move at any time: that a player moves twice is
// for the caller to forbid.
func (b *Board) Play(c Color, p Point) error {
	if err := b.Check(c, p); err != nil {
		return err
	}
	b.play(c, p)
	return nil
}

// play plays a legal move.
func (b *Board) play(c Color, p Point) {
	b.undos = append(b.undos, undo{
		hash: b.hash, point: p, color: c, toPlay: b.toPlay, passes: int32(b.passes),
		last: b.last, ko: b.ko, koFor: b.koFor,
	})
	u := &b.undos[len(b.undos)-1]
	if b.rules.Superko {
		b.history = append(b.history, b.hash)
	}
	b.moves++
	b.toPlay, b.last, b.ko = 3-c, p, None
	if p == Pass {
		b.passes++
		return
	}
	b.passes = 0

	// A group of one stone.
	s := int16(p)
	u.next, u.born = b.next[s], b.born[s]
	b.color[s], b.root[s], b.next[s], b.count[s] = c, s, s, 1
	b.born[s] = int32(b.moves)
	b.hash ^= b.keys[c][s]
	own := b.liberties(s)
	clear(own)
	bit, word := uint64(1)<<(s&63), int(s>>6)
	free := int16(0)
	for _, q := range &b.near[s] {
		switch b.color[q] {
		case Empty:
			own[q>>6] |= 1 << (q & 63)
			free++
		case c:
			if r := b.root[q]; !u.knows(r) {
				u.joined[u.joins] = r
				u.joins++
			}
		case 3 - c:
			r := b.root[q]
			if w := &b.libs[int(r)*b.words+word]; *w&bit != 0 {
				*w &^= bit
				if b.free[r]--; b.free[r] == 0 {
					u.taken[u.takes] = r
					u.takes++
				}
			}
		}
	}
	b.free[s] = free
	group := s
	if u.joins > 0 {
		group = b.join(s, u)
	}
	for i := range u.takes {
		b.takeOff(u.taken[i])
	}
	switch {
	case u.takes == 0 && b.free[group] == 0:
		u.suicide = true
		b.takeOff(group)
	case u.takes == 1 && b.count[u.taken[0]] == 1 && b.count[group] == 1 && b.free[group] == 1:
		b.ko, b.koFor = Point(u.taken[0]), 3-c
	}
}

// liberties returns the set of a root's liberties.
func (b *Board) liberties(root int16) []uint64 {
	at := int(root) * b.words
	return b.libs[at : at+b.words : at+b.words]
}

// join makes one group of the new stone s and the groups beside it, and returns its root.
func (b *Board) join(s int16, u *undo) int16 {
	// The largest group stays as it is, and goes first.
	for i := 1; i < int(u.joins); i++ {
		if b.count[u.joined[i]] > b.count[u.joined[0]] {
			u.joined[0], u.joined[i] = u.joined[i], u.joined[0]
		}
	}
	group := u.joined[0]
	all := b.liberties(group)
	b.saved = append(b.saved, all...)
	for i, w := range b.liberties(s) {
		all[i] |= w
	}
	b.ring(group, s)
	b.root[s] = group
	b.count[group]++
	for _, r := range u.joined[1:u.joins] {
		set := b.liberties(r)
		b.saved = append(b.saved, set...)
		for i, w := range set {
			all[i] |= w
		}
		for t := r; ; {
			b.root[t] = group
			if t = b.next[t]; t == r {
				break
			}
		}
		b.ring(group, r)
		b.count[group] += b.count[r]
	}
	all[s>>6] &^= 1 << (s & 63)
	b.free[group] = size(all)
	return group
}

// ring makes one ring of two, or two of one again.
func (b *Board) ring(p, q int16) { b.next[p], b.next[q] = b.next[q], b.next[p] }

// takeOff takes a group off the board: its points are liberties of the groups around it.
func (b *Board) takeOff(r int16) {
	c := b.color[r]
	b.lost[c] += int(b.count[r])
	for s := r; ; {
		b.color[s] = Empty
		b.hash ^= b.keys[c][s]
		bit, word := uint64(1)<<(s&63), int(s>>6)
		for _, q := range &b.near[s] {
			if b.color[q] == 3-c {
				o := b.root[q]
				if w := &b.libs[int(o)*b.words+word]; *w&bit == 0 {
					*w |= bit
					b.free[o]++
				}
			}
		}
		if s = b.next[s]; s == r {
			return
		}
	}
}

// size returns the number of points in a set.
func size(set []uint64) int16 {
	n := 0
	for _, w := range set {
		n += bits.OnesCount64(w)
	}
	return int16(n)
}

// Groups returns the groups of stones on the board, each in the order of its points, and they in that of
// their first.
func (b *Board) Groups() [][]Point {
	var all [][]Point
	at := make([]int, b.points) // of a root's group in all, plus 1
	for p := range b.points {
		if b.color[p] == Empty {
			continue
		}
		r := b.root[p]
		if at[r] == 0 {
			all = append(all, nil)
			at[r] = len(all)
		}
		all[at[r]-1] = append(all[at[r]-1], Point(p))
	}
	return all
}
