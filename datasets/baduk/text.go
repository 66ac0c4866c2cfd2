package baduk

import (
	"fmt"
	"strings"
)

// String draws the board with X for black, O for white, the last stone in brackets, the star points
// as + and GTP's letters and numbers at the edge.
func (b *Board) String() string {
	var s strings.Builder
	edge := func() {
		s.WriteString("  ")
		for x := range b.size {
			s.WriteByte(' ')
			s.WriteByte(letters[x])
		}
		s.WriteByte('\n')
	}
	stars := map[Point]bool{}
	if points, err := HandicapPoints(9, b.size); err == nil {
		for _, p := range points {
			stars[p] = true
		}
	}
	edge()
	for y := range b.size {
		fmt.Fprintf(&s, "%2d", b.size-y)
		for x := range b.size {
			p := At(x, y, b.size)
			switch {
			case p == b.last && b.color[p] != Empty:
				s.WriteByte('(')
			case x > 0 && At(x-1, y, b.size) == b.last && b.color[b.last] != Empty:
				s.WriteByte(')')
			default:
				s.WriteByte(' ')
			}
			switch {
			case b.color[p] == Black:
				s.WriteByte('X')
			case b.color[p] == White:
				s.WriteByte('O')
			case stars[p]:
				s.WriteByte('+')
			default:
				s.WriteByte('.')
			}
		}
		if b.last >= 0 && b.last == At(b.size-1, y, b.size) && b.color[b.last] != Empty {
			s.WriteByte(')')
		} else {
			s.WriteByte(' ')
		}
		fmt.Fprintf(&s, "%d\n", b.size-y)
	}
	edge()
	return s.String()
}

// Draw returns the board of a diagram, as tests have it: one line a row from the top, X or # black, O
// white, . or + empty, spaces ignored. Other marks, letters for example, are empty points too: marks
// tells where they are. Black is to play.
func Draw(diagram string, rules Rules) (b *Board, marks map[rune]Point, err error) {
	var rows [][]rune
	for line := range strings.Lines(diagram) {
		if fields := strings.Fields(line); len(fields) > 0 {
			rows = append(rows, []rune(strings.Join(fields, "")))
		}
	}
	if b, err = NewBoard(len(rows), rules); err != nil {
		return nil, nil, err
	}
	marks = map[rune]Point{}
	var stones []Stone
	for y, row := range rows {
		if len(row) != len(rows) {
			return nil, nil, fmt.Errorf("diagram: line %d has %d points: should be %d, as there are lines", y+1, len(row), len(rows))
		}
		for x, r := range row {
			p := At(x, y, len(rows))
			switch r {
			case 'X', '#':
				stones = append(stones, Stone{Black, p})
			case 'O':
				stones = append(stones, Stone{White, p})
			case '.', '+':
			default:
				marks[r] = p
			}
		}
	}
	return b, marks, b.Setup(stones...)
}
