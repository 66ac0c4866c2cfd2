package baduk

// Symmetries is the number of the board's symmetries.
const Symmetries = 8

// A Symmetry is one of the eight ways to lay the board on itself, from 0, which moves nothing: bit 0
// mirrors the columns (x becomes size-1-x), then bit 1 the rows, then bit 2 exchanges columns and rows.
type Symmetry uint8

// turn moves a point.
func (s Symmetry) turn(p Point, size int) Point {
	x, y := p.XY(size)
	if s&1 != 0 {
		x = size - 1 - x
	}
	if s&2 != 0 {
		y = size - 1 - y
	}
	if s&4 != 0 {
		x, y = y, x
	}
	return At(x, y, size)
}

// Point returns where a point of a board of that size comes to lie; passes stay passes.
func (s Symmetry) Point(p Point, size int) Point {
	if p < 0 || int(p) >= size*size || size < MinSize || size > MaxSize {
		return p
	}
	return geometries[size]().turned[s&7][p]
}

// Move returns the move as it is after the symmetry.
func (s Symmetry) Move(m Move, size int) Move { return Move{m.Color, s.Point(m.Point, size)} }

// Inverse returns the symmetry that moves everything back.
func (s Symmetry) Inverse() Symmetry {
	s &= 7
	if s&4 != 0 {
		// The exchange of columns and rows comes last: taken back first, it turns one mirror into the other.
		return s&4 | s&1<<1 | s&2>>1
	}
	return s
}

// Turn moves one plane or policy of a board: dst[s(p)] = src[p]. Both are size² long and do not
// overlap. To bring a network's answer about a turned position back, turn it with the inverse. It panics if a plane is
// shorter, or no board has the size.
func Turn[T any](dst, src []T, s Symmetry, size int) {
	turned := geometries[size]().turned[s&7]
	_ = dst[len(turned)-1]
	for p, v := range src[:len(turned)] {
		dst[turned[p]] = v
	}
}

// Turn returns a board on which everything is moved by the symmetry: stones, their ages, the ko and who
// is to play. Moves cannot be taken back from it, and it knows no earlier position.
func (b *Board) Turn(s Symmetry) *Board {
	t, _ := NewBoard(b.size, b.rules)
	turned := b.turned[s&7]
	for p := range b.points {
		t.color[turned[p]], t.born[turned[p]] = b.color[p], b.born[p]
	}
	t.regroup()
	t.moves, t.passes, t.toPlay, t.koFor, t.lost = b.moves, b.passes, b.toPlay, b.koFor, b.lost
	t.last, t.ko = s.Point(b.last, b.size), s.Point(b.ko, b.size)
	return t
}
