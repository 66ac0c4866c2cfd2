package baduk

import (
	"slices"
	"testing"
)

// A slow is a board as the rules tell it, without a thought of speed: it looks at all stones each time.
type slow struct {
	size  int
	rules Rules
	color []Color
	past  [][]Color // all earlier positions
	born  []int
	moves int
	lost  [3]int
	koAt  Point
	koFor Color
}

func newSlow(size int, rules Rules) *slow {
	return &slow{size: size, rules: rules, color: make([]Color, size*size), born: make([]int, size*size), koAt: None}
}

func (s *slow) clone() *slow {
	c := *s
	c.color, c.past, c.born = slices.Clone(s.color), slices.Clone(s.past), slices.Clone(s.born)
	return &c
}

func (s *slow) around(p Point) []Point {
	out := make([]Point, 0, 4)
	x, y := p.XY(s.size)
	for _, d := range [][2]int{{-1, 0}, {1, 0}, {0, -1}, {0, 1}} {
		if x, y := x+d[0], y+d[1]; x >= 0 && y >= 0 && x < s.size && y < s.size {
			out = append(out, At(x, y, s.size))
		}
	}
	return out
}

func (s *slow) diagonal(p Point) []Point {
	var out []Point
	x, y := p.XY(s.size)
	for _, d := range [][2]int{{-1, -1}, {1, -1}, {-1, 1}, {1, 1}} {
		if x, y := x+d[0], y+d[1]; x >= 0 && y >= 0 && x < s.size && y < s.size {
			out = append(out, At(x, y, s.size))
		}
	}
	return out
}

// chain returns the stones connected to one, and their liberties, both sorted.
func (s *slow) chain(p Point) (stones, liberties []Point) {
	c := s.color[p]
	seen := make([]bool, len(s.color))
	seen[p] = true
	stones = []Point{p}
	for i := 0; i < len(stones); i++ {
		for _, q := range s.around(stones[i]) {
			switch {
			case seen[q]:
				continue
			case s.color[q] == c:
				stones = append(stones, q)
			case s.color[q] == Empty:
				liberties = append(liberties, q)
			default:
				continue
			}
			seen[q] = true
		}
	}
	slices.Sort(stones)
	slices.Sort(liberties)
	return stones, liberties
}

func (s *slow) off(stones []Point) {
	for _, p := range stones {
		s.lost[s.color[p]]++
		s.color[p] = Empty
	}
}

// play plays a move or says why not, and returns what it captured.
func (s *slow) play(c Color, p Point) (captured []Point, err error) {
	if p == Pass {
		s.past = append(s.past, slices.Clone(s.color))
		s.moves++
		s.koAt = None
		return nil, nil
	}
	if s.color[p] != Empty {
		return nil, ErrOccupied
	}
	if p == s.koAt && c == s.koFor {
		return nil, ErrKo
	}
	before, lost := slices.Clone(s.color), s.lost
	back := func(err error) ([]Point, error) {
		s.color, s.lost = before, lost
		return nil, err
	}
	s.color[p] = c
	for _, q := range s.around(p) {
		if s.color[q] == c.Opponent() {
			if stones, libs := s.chain(q); len(libs) == 0 {
				captured = append(captured, stones...)
				s.off(stones)
			}
		}
	}
	own, libs := s.chain(p)
	if len(libs) == 0 {
		if !s.rules.Suicide {
			return back(ErrSuicide)
		}
		s.off(own)
	}
	past := append(slices.Clone(s.past), before)
	if s.rules.Superko && slices.ContainsFunc(past, func(q []Color) bool { return slices.Equal(q, s.color) }) {
		return back(ErrSuperko)
	}
	s.past = past
	s.moves++
	s.born[p] = s.moves
	s.koAt = None
	if len(captured) == 1 && len(own) == 1 && len(libs) == 1 {
		s.koAt, s.koFor = captured[0], c.Opponent()
	}
	return captured, nil
}

func (s *slow) area() (black, white int) {
	seen := make([]bool, len(s.color))
	for p := range Point(len(s.color)) {
		switch s.color[p] {
		case Black:
			black++
		case White:
			white++
		default:
			if seen[p] {
				continue
			}
			region, _ := s.chain(p) // of empty points
			var reached [3]bool
			for _, q := range region {
				seen[q] = true
				for _, o := range s.around(q) {
					reached[s.color[o]] = true
				}
			}
			if reached[Black] && !reached[White] {
				black += len(region)
			}
			if reached[White] && !reached[Black] {
				white += len(region)
			}
		}
	}
	return black, white
}

// same compares everything that a board knows with what the slow board finds.
func same(t *testing.T, b *Board, s *slow) {
	t.Helper()
	hash := uint64(0)
	type chain struct{ stones, libs []Point }
	chains := map[Point]chain{}
	for p := range Point(b.Points()) {
		c := s.color[p]
		if b.Color(p) != c {
			t.Fatalf("%s is %v, should be %v\n%v", p.Vertex(b.size), b.Color(p), c, b)
		}
		stones, libs, age := 0, 0, 0
		if c != Empty {
			if _, known := chains[p]; !known {
				ss, ll := s.chain(p)
				for _, q := range ss {
					chains[q] = chain{ss, ll}
				}
			}
			ll := chains[p].libs
			stones, libs = len(chains[p].stones), len(ll)
			set := b.liberties(b.root[p])
			for _, q := range ll {
				if set[q>>6]>>(q&63)&1 == 0 {
					t.Fatalf("%s is no liberty of %s\n%v", q.Vertex(b.size), p.Vertex(b.size), b)
				}
			}
			if s.born[p] > 0 {
				age = s.moves + 1 - s.born[p]
			}
			hash ^= b.keys[c][p]
		}
		if b.Group(p) != stones || b.Liberties(p) != libs {
			t.Fatalf("%s has %d stones and %d liberties, should have %d and %d\n%v", p.Vertex(b.size), b.Group(p), b.Liberties(p), stones, libs, b)
		}
		if b.Age(p) != age {
			t.Fatalf("the stone at %s is %d moves old, should be %d\n%v", p.Vertex(b.size), b.Age(p), age, b)
		}
	}
	if b.Hash() != hash {
		t.Fatalf("the hash is not that of the stones\n%v", b)
	}
	if b.Moves() != s.moves || b.Captured(Black) != s.lost[Black] || b.Captured(White) != s.lost[White] {
		t.Fatalf("%d moves, %d and %d prisoners, should be %d, %d and %d", b.Moves(), b.Captured(Black), b.Captured(White), s.moves, s.lost[Black], s.lost[White])
	}
}
