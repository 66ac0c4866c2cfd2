package baduk

import (
	"fmt"
	"strconv"
	"strings"
)

// The sizes of boards that can be played on. GTP's letters end with 25.
const (
	MinSize = 2
	MaxSize = 25
)

// A Color is what a point holds.
type Color uint8

// A point is empty or has a stone.
const (
	Empty Color = iota
	Black
	White
	wall // beyond the edge
)

// Opponent returns the other player; that of Empty is Empty.
func (c Color) Opponent() Color {
	if c == Black || c == White {
		return 3 - c
	}
	return Empty
}

func (c Color) String() string {
	switch c {
	case Black:
		return "black"
	case White:
		return "white"
	case Empty:
		return "empty"
	}
	return "color " + strconv.Itoa(int(c))
}

// A Point is a place on a board of a certain size, x·size+y with x and y counted from 0 at the top left.
type Point int16

// Pass is the move that places no stone. None is no move and no point at all.
const (
	Pass Point = -1
	None Point = -2
)

// At returns the point of column x and row y.
func At(x, y, size int) Point { return Point(x*size + y) }

// XY returns the column and the row of a point on a board of that size.
func (p Point) XY(size int) (x, y int) { return int(p) / size, int(p) % size }

// A Move is a stone of a color on a point, or a pass.
type Move struct {
	Color Color
	Point Point
}

// letters are GTP's names of columns: I is left out.
const letters = "ABCDEFGHJKLMNOPQRSTUVWXYZ"

// Vertex names the point as GTP and players do: the column's letter, I left out, and the row's number
// counted from the bottom, as in "D4".
func (p Point) Vertex(size int) string {
	switch {
	case p == Pass:
		return "PASS"
	case p < 0 || int(p) >= size*size:
		return fmt.Sprintf("point %d", int(p))
	}
	x, y := p.XY(size)
	return letters[x:x+1] + strconv.Itoa(size-y)
}

// ParseVertex reads what Vertex writes, in small or capital letters.
func ParseVertex(s string, size int) (Point, error) {
	if strings.EqualFold(s, "pass") {
		return Pass, nil
	}
	if size < MinSize || size > MaxSize {
		return None, fmt.Errorf("vertex %q: a board of size %d: should be from %d to %d", s, size, MinSize, MaxSize)
	}
	bad := func() (Point, error) {
		return None, fmt.Errorf("vertex %q: should be a letter from A to %c without I and a number from 1 to %d, or pass", s, letters[size-1], size)
	}
	if len(s) < 2 || len(s) > 3 || s[1] == '0' {
		return bad()
	}
	x := strings.IndexByte(letters, s[0]&^0x20)
	row := 0
	for _, d := range []byte(s[1:]) {
		if d < '0' || d > '9' {
			return bad()
		}
		row = 10*row + int(d-'0')
	}
	if x < 0 || x >= size || row < 1 || row > size {
		return bad()
	}
	return At(x, size-row, size), nil
}
