package baduk

import "fmt"

// A Stone is what is to be on a point; Empty takes off what is there.
type Stone struct {
	Color Color
	Point Point
}

// Setup puts stones on the board and takes others off, outside the rules: nothing is captured. It keeps
// the player to move, the prisoners and the number of moves, and forbids no ko. Moves before it cannot
// be taken back. If a point is not on the board, or a group would be left without a liberty, it returns
// an error and changes nothing.
func (b *Board) Setup(stones ...Stone) error {
	for _, s := range stones {
		switch {
		case s.Point < 0 || int(s.Point) >= b.points:
			return fmt.Errorf("setting up point %d: %w", int(s.Point), ErrOffBoard)
		case s.Color > White:
			return fmt.Errorf("setting up %s: %v: should be black, white or empty", s.Point.Vertex(b.size), s.Color)
		}
	}
	old := make([]Color, len(stones))
	for i, s := range stones {
		old[i] = b.color[s.Point]
		b.color[s.Point] = s.Color
	}
	b.regroup()
	for p := range b.points {
		if b.color[p] != Empty && b.free[b.root[p]] == 0 {
			for i := len(stones) - 1; i >= 0; i-- {
				b.color[stones[i].Point] = old[i]
			}
			b.regroup()
			return fmt.Errorf("setting up stones: the group at %s would have no liberty", Point(p).Vertex(b.size))
		}
	}
	for i, s := range stones {
		if s.Color != old[i] {
			b.born[s.Point] = 0
		}
	}
	if b.rules.Superko {
		// What came before cannot come back by moves alone, but may with what was set up.
		b.history = b.history[:0]
	}
	b.ko, b.koFor = None, Empty
	b.undos, b.saved = b.undos[:0], b.saved[:0]
	return nil
}

// regroup finds the groups, their liberties and the hash from the stones alone.
func (b *Board) regroup() {
	b.hash = 0
	for p := range b.root {
		b.root[p] = -1
		b.hash ^= b.keys[b.color[p]][p]
	}
	clear(b.libs)
	queue := make([]int16, 0, b.points)
	for p := range int16(b.points) {
		if b.color[p] == Empty || b.root[p] >= 0 {
			continue
		}
		set := b.liberties(p)
		b.root[p] = p
		queue = append(queue[:0], p)
		for i := 0; i < len(queue); i++ {
			for _, q := range &b.near[queue[i]] {
				switch b.color[q] {
				case Empty:
					set[q>>6] |= 1 << (q & 63)
				case b.color[p]:
					if b.root[q] < 0 {
						b.root[q] = p
						queue = append(queue, q)
					}
				}
			}
		}
		for i, s := range queue {
			b.next[s] = queue[(i+1)%len(queue)]
		}
		b.count[p], b.free[p] = int16(len(queue)), size(set)
	}
}

// HandicapPoints returns the customary points of n handicap stones, as GTP's fixed_handicap has them:
// from 2 to 9 on boards of odd size from 9 on, to 4 on those of even size from 8 on and on 7×7.
func HandicapPoints(n, size int) ([]Point, error) {
	most := 9
	switch {
	case size < 7:
		most = 0
	case size%2 == 0 || size == 7:
		most = 4
	}
	if n < 2 || n > most {
		if most == 0 {
			return nil, fmt.Errorf("handicap %d: there are no handicap points on %d×%d", n, size, size)
		}
		return nil, fmt.Errorf("handicap %d on %d×%d: should be from 2 to %d", n, size, size, most)
	}
	edge := 2
	if size >= 13 {
		edge = 3
	}
	// Lower left first, as GTP 2 draws them in section 4.1.1.
	low, mid, high := edge, size/2, size-1-edge
	p := func(x, y int) Point { return At(x, y, size) }
	points := []Point{p(low, high), p(high, low), p(low, low), p(high, high)}
	if n < 4 {
		return points[:n], nil
	}
	if n >= 6 {
		points = append(points, p(low, mid), p(high, mid))
	}
	if n >= 8 {
		points = append(points, p(mid, low), p(mid, high))
	}
	if n%2 == 1 {
		points = append(points, p(mid, mid))
	}
	return points, nil
}
