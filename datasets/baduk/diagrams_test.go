package baduk

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// pointsOf returns the points that are 1 in a plane, as vertices.
func pointsOf(t *testing.T, b *Board, plane int) string {
	t.Helper()
	n := b.Points()
	var s []string
	for p, v := range bytesOf(t, b, ValuePlanes)[plane*n : (plane+1)*n] {
		if v == 1 {
			s = append(s, Point(p).Vertex(b.Size()))
		}
	}
	slices.Sort(s)
	return strings.Join(s, " ")
}

func vertices(b *Board, marks map[rune]Point, names string) string {
	var s []string
	for _, r := range names {
		s = append(s, marks[r].Vertex(b.Size()))
	}
	slices.Sort(s)
	return strings.Join(s, " ")
}

// Positions in which the ladders are read by hand. The marks are the only points of their plane.
func TestLaddersByHand(t *testing.T) {
	for _, c := range []struct {
		name            string
		player          Color
		capture, escape string
		diagram         string
	}{
		{"a ladder to the edge works, from one side only", Black, "a", "", `
			. . . . . . . . .
			. . X . . . . . .
			. X O a . . . . .
			. X b . . . . . .
			. . . . . . . . .
			. . . . . . . . .
			. . . . . . . . .
			. . . . . . . . .
			. . . . . . . . .`},
		{"a breaker in its way saves the stone", Black, "", "", `
			. . . . . . . . .
			. . X . . . . . .
			. X O a . . . . .
			. X b . . . . . .
			. . . . . . . . .
			. . . . . . . . .
			. . . . . . O . .
			. . . . . . . . .
			. . . . . . . . .`},
		{"a stone beside the way does not", Black, "a", "", `
			. . . . . . . . .
			. . X . . . . O .
			. X O a . . . . .
			. X b . . . . . .
			. . . . . . . . .
			. . . . . . . . .
			. . O . . . . . .
			. . . . . . . . .
			. . . . . . . . .`},
		{"running in a ladder that works is no escape", White, "", "", `
			. . . . . . . . .
			. . X . . . . . .
			. X O X . . . . .
			. X b . . . . . .
			. . . . . . . . .
			. . . . . . . . .
			. . . . . . . . .
			. . . . . . . . .
			. . . . . . . . .`},
		{"running towards a breaker is", White, "", "b", `
			. . . . . . . . .
			. . X . . . . . .
			. X O X . . . . .
			. X b . . . . . .
			. . . . . . . . .
			. . . . . . . . .
			. . . . . . O . .
			. . . . . . . . .
			. . . . . . . . .`},
		{"a stone on the first line is chased along it", Black, "ab", "", `
			. . . . . . .
			. . . . . . .
			. . . . . . .
			. . . . . . .
			. . . . . . .
			. . . X . . .
			. . a O b . .`},
		{"capturing a chaser saves, extending does not", Black, "", "c", `
			O O X X .
			O X O X .
			O a c . .
			. O . . .
			. . . . .`},
		{"a snapback: the stone thrown in may be taken", Black, "ab", "", `
			. . . . .
			. . . . .
			X X X . .
			O O O X .
			O a b X .`},
		{"a group of three liberties is in no ladder", Black, "", "", `
			. . . . .
			. . X . .
			. . O . .
			. . . . .
			. . . . .`},
		{"extending to three liberties is an escape without a ladder", White, "", "a", `
			. . . . .
			. X . . .
			X O X . .
			. a . . .
			. . . . .`},
		{"a net of walls: neither direction escapes", Black, "ab", "", `
			. . . . . . .
			. . X X . . .
			. X O a X . .
			. X b . X . .
			. . X X . . .
			. . . . . . .
			. . . . . . .`},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, m := draw(t, c.diagram)
			b.SetToPlay(c.player)
			if got, want := pointsOf(t, b, PlaneLadderCapture), vertices(b, m, c.capture); got != want {
				t.Errorf("capturing moves at %q, should be %q\n%v", got, want, b)
			}
			if got, want := pointsOf(t, b, PlaneLadderEscape), vertices(b, m, c.escape); got != want {
				t.Errorf("escaping moves at %q, should be %q\n%v", got, want, b)
			}
		})
	}
}

func TestCapturesByHand(t *testing.T) {
	for n := 1; n <= 11; n++ {
		t.Run(fmt.Sprintf("%d stones on the edge", n), func(t *testing.T) {
			// White along the first line from the corner, black above them; black takes at the end.
			b, _ := NewBoard(13, Rules{})
			var stones []Stone
			for x := range n {
				stones = append(stones, Stone{White, At(x, 0, 13)}, Stone{Black, At(x, 1, 13)})
			}
			if err := b.Setup(stones...); err != nil {
				t.Fatal(err)
			}
			end := At(n, 0, 13).Vertex(13)
			for plane := range 8 {
				want := ""
				if plane+1 == min(n, 8) {
					want = end
				}
				if got := pointsOf(t, b, PlaneCaptures+plane); got != want {
					t.Errorf("plane %d of captures has %q, should have %q", plane, got, want)
				}
			}
			// Its liberties afterwards: a captured stone's point, the next on the line and the one below.
			if got := pointsOf(t, b, PlaneAfter+2); !slices.Contains(strings.Fields(got), end) {
				t.Errorf("the capturing stone has not three liberties: %q", got)
			}
		})
	}
}

func TestSelfAtariByHand(t *testing.T) {
	for n := 1; n <= 11; n++ {
		t.Run(fmt.Sprintf("%d stones on the edge", n), func(t *testing.T) {
			// Black along the first line, white above; a stone more leaves the group one liberty.
			b, _ := NewBoard(13, Rules{})
			stones := []Stone{{White, At(n-1, 1, 13)}}
			for x := range n - 1 {
				stones = append(stones, Stone{Black, At(x, 0, 13)}, Stone{White, At(x, 1, 13)})
			}
			if err := b.Setup(stones...); err != nil {
				t.Fatal(err)
			}
			end := At(n-1, 0, 13).Vertex(13)
			for plane := range 8 {
				want := ""
				if plane+1 == min(n, 8) {
					want = end
				}
				if got := pointsOf(t, b, PlaneSelfAtari+plane); got != want {
					t.Errorf("plane %d of self-atari has %q, should have %q", plane, got, want)
				}
			}
			if got := pointsOf(t, b, PlaneAfter); got != end {
				t.Errorf("one liberty after a move at %q, should be at %q", got, end)
			}
		})
	}
}

func TestMovePlanesByHand(t *testing.T) {
	for _, c := range []struct {
		name    string
		player  Color
		diagram string
		want    map[int]string // by plane, its marks
	}{
		{"throwing in for a snapback", Black, `
			. . . . .
			. . . . .
			X X X . .
			O O O X .
			O a b X .`,
			map[int]string{PlaneSelfAtari: "a", PlaneAfter: "a", PlaneCaptures: ""}},
		{"the group in the snapback playing itself", White, `
			. . . . .
			X X X . .
			X X X . .
			O O O X .
			O a b X .`,
			map[int]string{PlaneSelfAtari + 4: "ab"}},
		{"two groups taken at once, liberties where they stood", Black, `
			. X . X .
			X O a O X
			. X . X .
			. . . . .
			. . . . .`,
			map[int]string{PlaneCaptures: "", PlaneCaptures + 1: "a", PlaneSelfAtari: ""}},
		{"suicide is no move at all", White, `
			a X . . .
			X . . . .
			. . . . .
			. . . X X
			. . . X b`,
			map[int]string{PlaneSelfAtari: "", PlaneSelfAtari + 1: ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, m := draw(t, c.diagram)
			b.SetToPlay(c.player)
			for plane, marks := range c.want {
				if got, want := pointsOf(t, b, plane), vertices(b, m, marks); got != want {
					t.Errorf("plane %d has %q, should have %q\n%v", plane, got, want, b)
				}
			}
		})
	}
}

func TestTheKoIsNotSensible(t *testing.T) {
	b, m := draw(t, `
		. X O . .
		X k X O .
		. X O . .
		. . . . .
		. . . . .`)
	if err := b.Play(White, m['k']); err != nil {
		t.Fatal(err)
	}
	ko := At(2, 1, 5)
	for plane := PlaneCaptures; plane < Planes; plane++ {
		if slices.Contains(strings.Fields(pointsOf(t, b, plane)), ko.Vertex(5)) {
			t.Errorf("plane %d is set where the ko may not be retaken", plane)
		}
	}
	for range 2 {
		b.Play(b.ToPlay(), Pass)
	}
	for _, plane := range []int{PlaneCaptures, PlaneSelfAtari, PlaneAfter, PlaneSensible} {
		if !slices.Contains(strings.Fields(pointsOf(t, b, plane)), ko.Vertex(5)) {
			t.Errorf("plane %d is not set where the ko may be retaken", plane)
		}
	}
}

func TestEyesByHand(t *testing.T) {
	b, m := draw(t, `
		e X . . . . .
		X X . . . . .
		. . . O X O .
		. . . X f X .
		. . . . X . .
		X X O . . X X
		g X . . . X h`)
	for name, sensible := range map[rune]bool{'e': false, 'f': true, 'g': false, 'h': false} {
		if got := b.Sensible(Black, m[name]); got != sensible {
			t.Errorf("black at %c is sensible: %v", name, got)
		}
		if b.Sensible(White, m[name]) && name != 'f' {
			t.Errorf("white's suicide at %c is sensible", name)
		}
	}
	if err := b.Setup(Stone{Empty, At(3, 2, 7)}); err != nil {
		t.Fatal(err)
	}
	if b.Sensible(Black, m['f']) {
		t.Error("an eye with one corner against it is filled")
	}
	if err := b.Setup(Stone{Empty, At(1, 5, 7)}, Stone{White, At(1, 5, 7)}); err != nil {
		t.Fatal(err)
	}
	if !b.Sensible(Black, m['g']) {
		t.Error("a false eye in the corner is kept")
	}
}

func TestTurnsAndColorByHand(t *testing.T) {
	b, _ := NewBoard(9, Rules{})
	if err := b.Setup(Stone{Black, At(8, 8, 9)}); err != nil {
		t.Fatal(err)
	}
	b.SetToPlay(White)
	for i := range 10 {
		if i == 9 {
			b.Play(b.ToPlay(), Pass) // counts as a turn
			continue
		}
		b.Play(b.ToPlay(), At(i%9, 3, 9))
	}
	for plane, want := range map[int]string{
		PlaneTurns: "", PlaneTurns + 1: "J6", PlaneTurns + 2: "H6", PlaneTurns + 6: "D6", PlaneTurns + 7: "A6 B6 C6 J1",
		PlaneOwn: "A6 C6 E6 G6 J6", PlaneOpponent: "B6 D6 F6 H6 J1", PlaneBlack: "", PlaneZeros: "",
	} {
		if got := pointsOf(t, b, plane); got != want {
			t.Errorf("plane %d has %q, should have %q\n%v", plane, got, want, b)
		}
	}
	b.SetToPlay(Black)
	if got := strings.Fields(pointsOf(t, b, PlaneBlack)); len(got) != 81 {
		t.Errorf("black's plane has %d points when black is to play", len(got))
	}
}

// bothWays draws a diagram for black and, its stones exchanged, for white, turned in all eight ways.
func bothWays(t *testing.T, diagram string, look func(t *testing.T, b *Board, me Color, at func(x, y int) Point)) {
	t.Helper()
	exchanged := strings.NewReplacer("X", "O", "O", "X").Replace(diagram)
	for me, diagram := range map[Color]string{Black: diagram, White: exchanged} {
		for sym := range Symmetry(8) {
			b, _ := draw(t, diagram)
			size := b.Size()
			turned := b.turned[sym]
			b = b.Turn(sym)
			b.SetToPlay(me)
			t.Run(fmt.Sprintf("%v, turned by %d", me, sym), func(t *testing.T) {
				look(t, b, me, func(x, y int) Point { return turned[At(x, y, size)] })
			})
		}
	}
}

func TestACaptureFreesTheNeighboursOfThreeGroups(t *testing.T) {
	bothWays(t, `
		. . X . . . .
		. X O X X . .
		X O . O O X .
		. X . X X . .
		. . . . . . .
		. . . . . . .
		. . . . . . .`, func(t *testing.T, b *Board, me Color, at func(x, y int) Point) {
		stones := []struct{ x, y, before, after int }{
			{0, 2, 2, 3}, {1, 1, 2, 4}, {2, 0, 2, 3}, {3, 1, 3, 6}, {4, 1, 3, 6}, {5, 2, 3, 4}, {3, 3, 4, 6}, {4, 3, 4, 6}, {1, 3, 3, 4},
		}
		move := at(2, 2)
		if got, want := b.effect(me, int16(move)), (effect{captured: 4, group: 1, liberties: 4}); got != want {
			t.Errorf("the move would do %+v, should do %+v", got, want)
		}
		for _, s := range stones {
			if got := b.Liberties(at(s.x, s.y)); got != s.before {
				t.Errorf("the stone at %d, %d has %d liberties before, should have %d", s.x, s.y, got, s.before)
			}
		}
		if err := b.Play(me, move); err != nil {
			t.Fatal(err)
		}
		if got := b.Captured(me.Opponent()); got != 4 {
			t.Errorf("%d stones captured, should be 4", got)
		}
		for _, s := range append(stones, struct{ x, y, before, after int }{2, 2, 0, 4}) {
			if got := b.Liberties(at(s.x, s.y)); got != s.after {
				t.Errorf("the stone at %d, %d has %d liberties after, should have %d\n%v", s.x, s.y, got, s.after, b)
			}
		}
		if !b.Undo() || b.Captured(me.Opponent()) != 0 {
			t.Fatal("the capture is not taken back")
		}
		for _, s := range stones {
			if got := b.Liberties(at(s.x, s.y)); got != s.before {
				t.Errorf("the stone at %d, %d has %d liberties when the move is taken back, should have %d", s.x, s.y, got, s.before)
			}
		}
		for _, p := range [][2]int{{2, 1}, {1, 2}, {3, 2}, {4, 2}} {
			if q := at(p[0], p[1]); b.Color(q) != me.Opponent() || b.Liberties(q) != 1 {
				t.Errorf("the captured stone at %v is not as it was", p)
			}
		}
	})
}

// One of the captured stones touches but one of the groups that the move joins; which of them it is changes with the
// turn.
func TestAJoiningCaptureCountsTheLibertiesOfEveryGroup(t *testing.T) {
	for groups, third := range map[int]string{2: ".", 3: "X"} {
		t.Run(fmt.Sprintf("%d groups", groups), func(t *testing.T) {
			bothWays(t, `
				. . . . . . .
				. . . `+third+` . . .
				. . X . X . .
				. X O O X . .
				. . X X . . .
				. . . . . . .
				. . . . . . .`, func(t *testing.T, b *Board, me Color, at func(x, y int) Point) {
				move := at(3, 2)
				if got, want := b.effect(me, int16(move)), (effect{captured: 2, group: groups + 2, liberties: 9}); got != want {
					t.Errorf("the move would do %+v, should do %+v", got, want)
				}
				if err := b.Play(me, move); err != nil {
					t.Fatal(err)
				}
				if l, g := b.Liberties(move), b.Group(move); l != 9 || g != groups+2 {
					t.Errorf("a group of %d stones with %d liberties, should be %d and 9\n%v", g, l, groups+2, b)
				}
			})
		})
	}
}

// The longest way of a ladder: from a corner of the board to the other, more than 60 moves.
func TestALadderIsReadAcrossTheBoard(t *testing.T) {
	for _, breaker := range []bool{false, true} {
		t.Run(fmt.Sprintf("breaker %v", breaker), func(t *testing.T) {
			rows := []string{". . X", ". X O", ". X ."}
			for i, r := range rows {
				rows[i] = r + strings.Repeat(" .", 16)
			}
			for range 16 {
				rows = append(rows, strings.TrimSpace(strings.Repeat(". ", 19)))
			}
			if breaker { // where the last stone of the ladder would stand
				rows[17] = strings.Repeat(". ", 17) + "O ."
			}
			bothWays(t, strings.Join(rows, "\n"), func(t *testing.T, b *Board, me Color, at func(x, y int) Point) {
				want := at(3, 1).Vertex(19)
				if breaker {
					want = ""
				}
				if got := pointsOf(t, b, PlaneLadderCapture); got != want {
					t.Errorf("capturing moves at %q, should be %q\n%v", got, want, b)
				}
			})
		})
	}
}

func TestAReadingBeyondItsBoundsIsGivenUpAsEscaped(t *testing.T) {
	for me, diagram := range map[Color]string{Black: "O X .\n. X .\n. . .", White: "X O .\n. O .\n. . ."} {
		b, _ := draw(t, diagram)
		prey := int16(At(0, 0, 3))
		for _, c := range []struct {
			depth, moves int
			lost         bool
		}{{0, 0, true}, {199, 0, true}, {200, 0, false}, {0, 999, true}, {0, 1000, false}} {
			r := reader{moves: c.moves}
			r.board.adopt(b)
			if got := r.lost(prey, c.depth); got != c.lost {
				t.Errorf("%v chases, after %d moves, %d in a row: lost %v, should be %v", me, c.moves, c.depth, got, c.lost)
			}
		}
	}
}
