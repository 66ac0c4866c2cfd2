package baduk

// An undo is what it takes to take a move back: fixed in size, but for the liberties of joined groups.
//
// That little suffices because moves are taken back in the opposite order: when a move's turn comes, the
// rings, roots and liberties are as the move left them, wherever a stone still stands.
type undo struct {
	hash    uint64
	born    int32
	passes  int32
	point   Point
	last    Point
	ko      Point
	next    int16
	joined  [4]int16 // roots of the groups that the stone joined, the largest first
	taken   [4]int16 // roots of the groups that it captured
	joins   int8
	takes   int8
	color   Color
	toPlay  Color
	koFor   Color
	suicide bool
}

// knows says whether the group is known to touch the stone.
func (u *undo) knows(root int16) bool {
	for _, r := range u.joined[:u.joins] {
		if r == root {
			return true
		}
	}
	return false
}

// Undo takes the last move back and says whether there was one. Moves before [Board.Setup] or
// [Board.CopyFrom] cannot be taken back.
func (b *Board) Undo() bool {
	if len(b.undos) == 0 {
		return false
	}
	u := &b.undos[len(b.undos)-1]
	b.undos = b.undos[:len(b.undos)-1]
	if b.rules.Superko {
		b.history = b.history[:len(b.history)-1]
	}
	b.moves--
	b.passes, b.toPlay, b.last, b.ko, b.koFor = int(u.passes), u.toPlay, u.last, u.ko, u.koFor
	b.hash = u.hash
	if u.point == Pass {
		return true
	}

	s, c := int16(u.point), u.color
	if u.suicide {
		group := s
		if u.joins > 0 {
			group = u.joined[0]
		}
		b.putBack(group, c)
	}
	for i := u.takes - 1; i >= 0; i-- {
		b.putBack(u.taken[i], 3-c)
	}
	if u.joins > 0 {
		b.part(s, u)
	}
	b.color[s], b.next[s], b.born[s] = Empty, u.next, u.born
	bit, word := uint64(1)<<(s&63), int(s>>6)
	for _, q := range &b.near[s] {
		if b.color[q] == 3-c {
			r := b.root[q]
			if w := &b.libs[int(r)*b.words+word]; *w&bit == 0 {
				*w |= bit
				b.free[r]++
			}
		}
	}
	return true
}

// putBack puts a group back that was taken off. It has no liberties then, as when it was captured.
func (b *Board) putBack(r int16, c Color) {
	n := int16(0)
	for s := r; ; {
		n++
		b.color[s], b.root[s] = c, r
		bit, word := uint64(1)<<(s&63), int(s>>6)
		for _, q := range &b.near[s] {
			if b.color[q] == 3-c {
				o := b.root[q]
				if w := &b.libs[int(o)*b.words+word]; *w&bit != 0 {
					*w &^= bit
					b.free[o]--
				}
			}
		}
		if s = b.next[s]; s == r {
			break
		}
	}
	b.lost[c] -= int(n)
	b.count[r], b.free[r] = n, 0
	clear(b.liberties(r))
}

// part separates the groups that the stone s joined.
func (b *Board) part(s int16, u *undo) {
	group := u.joined[0]
	at := len(b.saved) - int(u.joins)*b.words
	saved := b.saved[at:]
	b.saved = b.saved[:at]
	for i := int(u.joins) - 1; i > 0; i-- {
		r := u.joined[i]
		b.ring(group, r)
		n := int16(0)
		for t := r; ; {
			b.root[t] = r
			n++
			if t = b.next[t]; t == r {
				break
			}
		}
		b.count[r] = n
		b.count[group] -= n
		set := b.liberties(r)
		copy(set, saved[i*b.words:])
		b.free[r] = size(set)
	}
	b.ring(group, s)
	b.count[group]--
	set := b.liberties(group)
	copy(set, saved)
	b.free[group] = size(set)
}
