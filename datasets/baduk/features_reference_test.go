package baduk

import "slices"

// slowOf returns the slow board of a position.
func slowOf(b *Board) *slow {
	s := newSlow(b.size, b.rules)
	for p := range Point(b.Points()) {
		s.color[p] = b.Color(p)
		s.born[p] = int(b.born[p])
	}
	s.moves = b.moves
	s.koAt, s.koFor = b.ko, b.koFor
	s.rules.Superko = false // tested where the game is known
	return s
}

// planes computes the 49 planes of a position straight from their definitions: every move is played and
// looked at. Given up says that a ladder was too long for it.
func (s *slow) planes(me Color) (planes []uint8, givenUp bool) {
	n := len(s.color)
	planes = make([]uint8, ValuePlanes*n)
	set := func(plane int, p Point) { planes[plane*n+int(p)] = 1 }
	number := func(plane, v int, p Point) {
		if v >= 8 {
			v = 8
		}
		if v > 0 {
			set(plane+v-1, p)
		}
	}
	r := &slowReader{}
	for p := range Point(n) {
		set(PlaneOnes, p)
		if me == Black {
			set(PlaneBlack, p)
		}
		if c := s.color[p]; c != Empty {
			if c == me {
				set(PlaneOwn, p)
			} else {
				set(PlaneOpponent, p)
			}
			age := 8
			if s.born[p] > 0 {
				age = s.moves - s.born[p] + 1
			}
			number(PlaneTurns, age, p)
			_, libs := s.chain(p)
			number(PlaneLiberties, len(libs), p)
			continue
		}
		set(PlaneEmpty, p)
		after := s.clone()
		captured, err := after.play(me, p)
		if err != nil {
			continue
		}
		number(PlaneCaptures, len(captured), p)
		if after.color[p] == Empty { // suicide
			number(PlaneSelfAtari, after.lost[me]-s.lost[me], p)
		} else {
			own, libs := after.chain(p)
			number(PlaneAfter, len(libs), p)
			if len(libs) == 1 {
				number(PlaneSelfAtari, len(own), p)
			}
		}
		if !s.eye(me, p) {
			set(PlaneSensible, p)
		}
		noSuicide := s.clone()
		noSuicide.rules = Rules{}
		noSuicide.past = nil
		if r.captures(noSuicide, me, p) {
			set(PlaneLadderCapture, p)
		}
		if r.escapes(noSuicide, me, p) {
			set(PlaneLadderEscape, p)
		}
	}
	return planes, r.givenUp
}

func (s *slow) eye(c Color, p Point) bool {
	for _, q := range s.around(p) {
		if s.color[q] != c {
			return false
		}
	}
	against := 0
	for _, q := range s.diagonal(p) {
		if s.color[q] == c.Opponent() {
			against++
		}
	}
	if len(s.diagonal(p)) < 4 {
		return against == 0
	}
	return against <= 1
}

// A slowReader reads ladders on copies of the slow board, without the fast one's short cuts.
type slowReader struct {
	moves   int
	givenUp bool
}

func (r *slowReader) captures(s *slow, me Color, p Point) bool {
	for _, prey := range s.around(p) {
		if s.color[prey] == me.Opponent() {
			if _, libs := s.chain(prey); len(libs) == 2 {
				r.moves = 0
				after := s.clone()
				if _, err := after.play(me, p); err == nil && r.lost(after, prey) {
					return true
				}
			}
		}
	}
	return false
}

func (r *slowReader) escapes(s *slow, me Color, p Point) bool {
	for prey, c := range s.color {
		if c != me {
			continue
		}
		if _, libs := s.chain(Point(prey)); len(libs) != 1 || !slices.Contains(r.answers(s, Point(prey)), p) {
			continue
		}
		r.moves = 0
		after := s.clone()
		if _, err := after.play(me, p); err == nil && r.escaped(after, Point(prey)) {
			return true
		}
	}
	return false
}

func (r *slowReader) answers(s *slow, prey Point) []Point {
	stones, moves := s.chain(prey)
	for _, p := range stones {
		for _, q := range s.around(p) {
			if s.color[q] == s.color[prey].Opponent() {
				if _, libs := s.chain(q); len(libs) == 1 {
					moves = append(moves, libs[0])
				}
			}
		}
	}
	return moves
}

func (r *slowReader) lost(s *slow, prey Point) bool {
	if r.moves++; r.moves > 1000 {
		r.givenUp = true
		return false
	}
	for _, p := range r.answers(s, prey) {
		after := s.clone()
		after.past = nil
		if _, err := after.play(s.color[prey], p); err == nil && r.escaped(after, prey) {
			return false
		}
	}
	return true
}

func (r *slowReader) escaped(s *slow, prey Point) bool {
	_, libs := s.chain(prey)
	if len(libs) >= 3 {
		return true
	}
	for _, p := range libs {
		after := s.clone()
		after.past = nil
		if captured, err := after.play(s.color[prey].Opponent(), p); err == nil {
			if len(libs) == 1 && len(captured) > 0 || len(libs) == 2 && r.lost(after, prey) {
				return false
			}
		}
	}
	return true
}
