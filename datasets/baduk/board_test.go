package baduk

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

var allRules = []Rules{{}, {Superko: true}, {Suicide: true}, TrompTaylor}

// randomMove picks a point that is often near the last one, so that fights, kos and suicides come about.
func randomMove(r *rand.Rand, b *Board) Point {
	if r.IntN(60) == 0 {
		return Pass
	}
	for range 20 {
		p := Point(r.IntN(b.Points()))
		if last := b.Last(); last >= 0 && r.IntN(2) == 0 {
			q := b.near[last][r.IntN(4)]
			if int(q) < b.Points() {
				p = Point(q)
			}
		}
		if b.Color(p) == Empty {
			return p
		}
	}
	return Pass
}

func TestBoardAgreesWithTheSlowOneOnRandomGames(t *testing.T) {
	for _, size := range []int{2, 3, 4, 5, 7, 8, 9, 13, 19, 25} {
		for _, rules := range allRules {
			t.Run(fmt.Sprintf("%d×%d, %+v", size, size, rules), func(t *testing.T) {
				r := rand.New(rand.NewPCG(uint64(size), 1))
				games := max(1, 12/size)
				for range games {
					playBoth(t, r, size, rules, min(3*size*size, 500))
				}
			})
		}
	}
}

// playBoth plays a random game on both boards, takes moves back, and compares all the way.
func playBoth(t *testing.T, r *rand.Rand, size int, rules Rules, moves int) {
	b, err := NewBoard(size, rules)
	if err != nil {
		t.Fatal(err)
	}
	s := newSlow(size, rules)
	past := []*slow{s.clone()}
	for range moves {
		c := b.ToPlay()
		if r.IntN(20) == 0 {
			c = c.Opponent()
		}
		p := randomMove(r, b)
		_, want := s.play(c, p)
		if err := b.Play(c, p); !errors.Is(err, want) {
			t.Fatalf("%v at %s: %v, should be %v\n%v", c, p.Vertex(size), err, want, b)
		}
		same(t, b, s)
		if want == nil {
			past = append(past, s.clone())
		}
		if r.IntN(15) == 0 {
			n := 1 + r.IntN(len(past))
			for i := range n {
				if ok := b.Undo(); ok != (len(past) > 1) {
					t.Fatalf("undo %d of %d says %v with %d moves played", i, n, ok, len(past)-1)
				}
				past = past[:max(len(past)-1, 1)]
			}
			s = past[len(past)-1].clone()
			same(t, b, s)
			if r.IntN(2) == 0 {
				b = copied(b)
				same(t, b, s)
				past = past[len(past)-1:]
			}
		}
		if r.IntN(20) == 0 {
			black, white := b.Area()
			wantBlack, wantWhite := s.area()
			if black != wantBlack || white != wantWhite {
				t.Fatalf("areas %d and %d, should be %d and %d\n%v", black, white, wantBlack, wantWhite, b)
			}
		}
	}
	for range len(past) - 1 {
		b.Undo()
	}
	same(t, b, past[0])
}

// copied returns a copy into a board that was used for something else.
func copied(b *Board) *Board {
	c, _ := NewBoard(b.Size(), Rules{Suicide: true})
	for p := range Point(b.Points()) {
		c.Play(c.ToPlay(), p)
	}
	c.CopyFrom(b)
	return c
}

func TestEveryLegalityIsAsOnTheSlowBoard(t *testing.T) {
	for _, rules := range allRules {
		t.Run(fmt.Sprintf("%+v", rules), func(t *testing.T) {
			const size = 4
			r := rand.New(rand.NewPCG(3, 4))
			b, _ := NewBoard(size, rules)
			s := newSlow(size, rules)
			refused := map[error]int{}
			for range 800 {
				for p := range Point(size * size) {
					for c := Black; c <= White; c++ {
						_, want := s.clone().play(c, p)
						if err := b.Check(c, p); !errors.Is(err, want) {
							t.Fatalf("%v at %s: %v, should be %v\n%v", c, p.Vertex(size), err, want, b)
						}
						refused[want]++
					}
				}
				c, p := b.ToPlay(), randomMove(r, b)
				if b.Play(c, p) == nil {
					s.play(c, p)
				}
			}
			if refused[ErrKo] == 0 || rules.Superko && refused[ErrSuperko] == 0 || !rules.Suicide && refused[ErrSuicide] == 0 {
				t.Errorf("the games had too little in them: %v", refused)
			}
		})
	}
}

func draw(t testing.TB, diagram string) (*Board, map[rune]Point) {
	t.Helper()
	b, marks, err := Draw(diagram, Rules{})
	if err != nil {
		t.Fatal(err)
	}
	return b, marks
}

func TestTheKoMayBeRetakenAfterAMoveElsewhere(t *testing.T) {
	b, m := draw(t, `
		. X O . .
		X k X O .
		. X O . .
		. . . . .
		. . . . a`)
	// White takes the stone right of k by playing k.
	taken := At(2, 1, 5)
	if err := b.Play(White, m['k']); err != nil || b.Captured(Black) != 1 {
		t.Fatalf("white takes: %v, %d captured", err, b.Captured(Black))
	}
	if b.Ko() != taken || !errors.Is(b.Check(Black, taken), ErrKo) {
		t.Errorf("black may retake at once: ko at %v", b.Ko())
	}
	if err := b.Check(White, taken); err != nil {
		t.Errorf("white may not fill the ko: %v", err)
	}
	for _, c := range []Color{Black, White} {
		if err := b.Play(c, At(4, 4, 5)-Point(c)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Play(Black, taken); err != nil || b.Captured(White) != 1 {
		t.Errorf("black cannot retake after a threat: %v", err)
	}
}

func TestASnapbackIsNoKo(t *testing.T) {
	b, m := draw(t, `
		O O X . .
		X O X . .
		a O X . .
		X X X . .
		. . . . .`)
	// Black's stone at a takes the white group's last liberty: four stones come off.
	if err := b.Play(Black, m['a']); err != nil || b.Captured(White) != 4 {
		t.Fatalf("%v, %d captured", err, b.Captured(White))
	}
	if b.Ko() != None {
		t.Errorf("a ko at %s after four stones were taken", b.Ko().Vertex(5))
	}
}

func TestSetupRefusesGroupsWithoutLiberties(t *testing.T) {
	b, _ := NewBoard(3, Rules{})
	if err := b.Play(Black, At(1, 1, 3)); err != nil {
		t.Fatal(err)
	}
	before := b.String()
	err := b.Setup(Stone{White, 0}, Stone{Black, 1}, Stone{Black, 3})
	if err == nil || b.String() != before || !b.Undo() {
		t.Errorf("got %v and\n%v", err, b)
	}
	if err := b.Setup(Stone{Color(7), 0}); err == nil {
		t.Error("a color 7 was set up")
	}
	if err := b.Setup(Stone{Black, 9}); !errors.Is(err, ErrOffBoard) {
		t.Errorf("a stone beyond the board: %v", err)
	}
	if err := b.Setup(Stone{White, 0}, Stone{Black, 0}, Stone{Empty, 0}, Stone{White, 8}); err != nil {
		t.Fatal(err)
	}
	if b.Color(0) != Empty || b.Color(8) != White || b.Undo() {
		t.Errorf("after the set-up:\n%v", b)
	}
	// A point that is named twice gets back what it had at first.
	before = b.String()
	if err := b.Setup(Stone{Black, 1}, Stone{Black, 3}, Stone{Black, 0}, Stone{White, 0}); err == nil || b.String() != before {
		t.Errorf("got %v and\n%v", err, b)
	}
}

// Setting up forbids no ko, and what it puts on the board is old; stones that were there already keep their ages.
func TestWhatIsSetUpIsOldAndForbidsNoKo(t *testing.T) {
	b, m := draw(t, `
		. X O . .
		X k X O .
		. X O . .
		. . . . a
		. . . b c`)
	if err := b.Play(White, m['k']); err != nil || b.Ko() != At(2, 1, 5) {
		t.Fatal(err, b.Ko())
	}
	if err := b.Setup(Stone{White, m['k']}, Stone{Black, m['a']}); err != nil {
		t.Fatal(err)
	}
	if err := b.Check(Black, At(2, 1, 5)); err != nil || b.Ko() != None {
		t.Errorf("black may not take: %v, ko at %v", err, b.Ko())
	}
	if err := b.Play(Black, m['c']); err != nil {
		t.Fatal(err)
	}
	if err := b.Setup(Stone{White, m['c']}); err != nil {
		t.Fatal(err)
	}
	planes := make([]uint8, 12*25)
	if err := new(Features).Bytes(planes, b, 12); err != nil {
		t.Fatal(err)
	}
	for mark, want := range map[rune]int{'k': 2, 'a': 8, 'c': 8} {
		for age := 1; age <= 8; age++ {
			if got := planes[(PlaneTurns+age-1)*25+int(m[mark])] == 1; got != (age == want) {
				t.Errorf("the stone at %c is %d turns old: %v", mark, age, got)
			}
		}
	}
}

func TestWhatIsBeyondTheBoardIsEmpty(t *testing.T) {
	b, _ := NewBoard(5, Rules{})
	for _, p := range []Point{0, 24} {
		if err := b.Play(Black, p); err != nil || b.Color(p) != Black {
			t.Errorf("%v: %v on %d", err, b.Color(p), p)
		}
	}
	for _, p := range []Point{None, Pass, 25, 26, 1000} {
		if c := b.Color(p); c != Empty {
			t.Errorf("%v on %d", c, p)
		}
	}
}

func TestScores(t *testing.T) {
	b, _ := draw(t, `
		. X . O .
		X X . O .
		. X O O .
		X X O . O
		. X O O .`)
	for _, c := range []struct {
		name            string
		dead            []Point
		area, territory [2]int
	}{
		{"all stones alive", nil, [2]int{10, 13}, [2]int{3, 5}},
		{"the white stones dead", []Point{At(3, 0, 5), At(4, 3, 5)}, [2]int{25, 0}, [2]int{18 + 8, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if black, white := b.Area(c.dead...); [2]int{black, white} != c.area {
				t.Errorf("areas %d and %d, should be %v", black, white, c.area)
			}
			if black, white := b.Territory(c.dead...); [2]int{black, white} != c.territory {
				t.Errorf("territories %d and %d, should be %v", black, white, c.territory)
			}
		})
	}
}

// The points as GTP 2 lists them in section 4.1.1, with their vertices on boards of three sizes.
func TestHandicapStonesStandWhereGTPPutsThem(t *testing.T) {
	for _, c := range []struct {
		size int
		want map[int]string
	}{
		{19, map[int]string{
			2: "D4 Q16", 3: "D4 Q16 D16", 4: "D4 Q16 D16 Q4", 5: "D4 Q16 D16 Q4 K10", 6: "D4 Q16 D16 Q4 D10 Q10", 7: "D4 Q16 D16 Q4 D10 Q10 K10",
			8: "D4 Q16 D16 Q4 D10 Q10 K4 K16", 9: "D4 Q16 D16 Q4 D10 Q10 K4 K16 K10",
		}},
		{13, map[int]string{2: "D4 K10", 9: "D4 K10 D10 K4 D7 K7 G4 G10 G7"}},
		{9, map[int]string{2: "C3 G7", 5: "C3 G7 C7 G3 E5", 8: "C3 G7 C7 G3 C5 G5 E3 E7"}},
		{12, map[int]string{3: "C3 K10 C10", 4: "C3 K10 C10 K3"}},
		{7, map[int]string{4: "C3 E5 C5 E3"}},
	} {
		for n, want := range c.want {
			points, err := HandicapPoints(n, c.size)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]bool{}
			for _, p := range points {
				got[p.Vertex(c.size)] = true
			}
			for v := range strings.FieldsSeq(want) {
				if !got[v] {
					t.Errorf("%d on %d×%d: no stone at %s in %v", n, c.size, c.size, v, got)
				}
			}
			if len(points) != n || len(got) != n {
				t.Errorf("%d on %d×%d: %d stones at %v", n, c.size, c.size, len(points), got)
			}
		}
	}
	for _, c := range []struct {
		n, size int
		want    string
	}{
		{1, 19, "handicap 1 on 19×19: should be from 2 to 9"}, {10, 19, "handicap 10 on 19×19: should be from 2 to 9"},
		{5, 18, "handicap 5 on 18×18: should be from 2 to 4"}, {5, 7, "handicap 5 on 7×7: should be from 2 to 4"},
		{2, 6, "handicap 2: there are no handicap points on 6×6"},
	} {
		if points, err := HandicapPoints(c.n, c.size); err == nil || err.Error() != c.want {
			t.Errorf("%d on %d: %v, %v", c.n, c.size, points, err)
		}
	}
}

func TestAResultIsWrittenAsInRecords(t *testing.T) {
	for lead, want := range map[float64]Result{
		7.5: {Winner: Black, Margin: 7.5, Text: "B+7.5"}, 1: {Winner: Black, Margin: 1, Text: "B+1"}, 0: {Text: "0"},
		-0.5: {Winner: White, Margin: 0.5, Text: "W+0.5"}, -80: {Winner: White, Margin: 80, Text: "W+80"},
	} {
		if got := Score(lead); got != want {
			t.Errorf("%v: %+v, want %+v", lead, got, want)
		}
	}
	if got, want := Resignation(White), (Result{Winner: White, Text: "W+R"}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got, want := Resignation(Black), (Result{Winner: Black, Text: "B+R"}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// A prisoner is a point for who took it. Black takes two stones here, and White one.
func TestPrisonersCountForWhoTookThem(t *testing.T) {
	b, err := NewBoard(5, Rules{})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []Move{
		{Black, At(1, 0, 5)}, {White, At(0, 0, 5)}, {Black, At(1, 1, 5)}, {White, At(0, 1, 5)}, {Black, At(0, 2, 5)}, // two
		{White, At(3, 4, 5)}, {Black, At(4, 4, 5)}, {White, At(4, 3, 5)}, // one
	} {
		if err := b.Play(m.Color, m.Point); err != nil {
			t.Fatal(err)
		}
	}
	if black, white := b.Territory(); black != 2+2 || white != 1+1 {
		t.Errorf("territories %d and %d, should be 4 and 2:\n%v", black, white, b)
	}
	if black, white := b.Area(); black != 5 || white != 3 {
		t.Errorf("areas %d and %d, should be 5 and 3", black, white)
	}
	// The two white stones are dead: their points and they themselves are Black's, with all that nobody holds.
	if black, white := b.Territory(At(3, 4, 5), At(4, 3, 5)); black != 22+2+2 || white != 1 {
		t.Errorf("territories %d and %d, should be 26 and 1", black, white)
	}
	turned := b.Turn(5)
	if black, white := turned.Territory(); black != 4 || white != 2 {
		t.Errorf("turned: territories %d and %d, should be 4 and 2", black, white)
	}
}

func TestVerticesReadBack(t *testing.T) {
	for size := MinSize; size <= MaxSize; size++ {
		for p := Pass; int(p) < size*size; p++ {
			if q, err := ParseVertex(p.Vertex(size), size); err != nil || q != p {
				t.Fatalf("%s reads as %d: %v", p.Vertex(size), q, err)
			}
		}
	}
	for _, bad := range []string{"", "A", "I5", "A0", "A20", "T01", "4D", "AA1", "A-1", "U1", "é1", "A1 ", "resign"} {
		if p, err := ParseVertex(bad, 19); err == nil {
			t.Errorf("%q reads as %d", bad, p)
		}
	}
	if got := At(3, 15, 19).Vertex(19); got != "D4" {
		t.Errorf("column 3, row 15 is %s", got)
	}
	if _, err := ParseVertex("A1", 19); err != nil {
		t.Error(err)
	}
}

func TestSizesOutsideTheRangeAreRefused(t *testing.T) {
	for _, size := range []int{-1, 0, 1, 26} {
		if _, err := NewBoard(size, Rules{}); err == nil {
			t.Errorf("a board of size %d", size)
		}
	}
}

func TestSymmetriesMoveBack(t *testing.T) {
	for _, size := range []int{2, 5, 19} {
		seen := map[Point]bool{}
		for s := range Symmetry(Symmetries) {
			for p := range Point(size * size) {
				if q := s.Inverse().Point(s.Point(p, size), size); q != p {
					t.Fatalf("symmetry %d of %d moves %d back to %d", s, size, p, q)
				}
			}
			seen[s.Point(1, size)*1000+s.Point(Point(size*size-1), size)] = true
		}
		if size > 2 && len(seen) != Symmetries {
			t.Errorf("%d different symmetries of %d", len(seen), size)
		}
	}
	if Symmetry(3).Point(Pass, 19) != Pass {
		t.Error("a pass moved")
	}
}

func TestATurnedBoardPlaysAsTheOther(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for s := range Symmetry(Symmetries) {
		b, _ := NewBoard(9, Rules{})
		for range 120 {
			b.Play(b.ToPlay(), randomMove(r, b))
		}
		turned := b.Turn(s)
		for range 40 {
			c, p := b.ToPlay(), randomMove(r, b)
			if e, f := b.Play(c, p), turned.Play(c, s.Point(p, 9)); !errors.Is(e, f) {
				t.Fatalf("%v and, turned, %v", e, f)
			}
		}
		for p := range Point(81) {
			q := s.Point(p, 9)
			if b.Color(p) != turned.Color(q) || b.Age(p) != turned.Age(q) || b.Liberties(p) != turned.Liberties(q) {
				t.Fatalf("%s and its image differ", p.Vertex(9))
			}
		}
	}
}

func TestPlayingAllocatesNothing(t *testing.T) {
	b, _ := NewBoard(19, TrompTaylor)
	game := randomGame(19, TrompTaylor, 400, 9)
	play := func() {
		for _, m := range game {
			b.Play(m.Color, m.Point)
		}
		for b.Undo() {
		}
	}
	play()
	if n := testing.AllocsPerRun(5, play); n != 0 {
		t.Errorf("%v allocations a game", n)
	}
}

// randomGame returns moves that are legal one after the other.
func randomGame(size int, rules Rules, moves int, seed uint64) []Move {
	r := rand.New(rand.NewPCG(seed, 0))
	b, _ := NewBoard(size, rules)
	var game []Move
	for len(game) < moves {
		m := Move{b.ToPlay(), Point(r.IntN(b.Points()))}
		tries := 0
		for ; tries < 50 && (b.eye(m.Color, m.Point) || b.Play(m.Color, m.Point) != nil); tries++ {
			m.Point = Point(r.IntN(b.Points()))
		}
		if tries == 50 {
			m.Point = Pass
			b.Play(m.Color, Pass)
		}
		game = append(game, m)
	}
	return game
}

func BenchmarkPlay(b *testing.B) {
	for _, rules := range []Rules{{}, TrompTaylor} {
		b.Run(fmt.Sprintf("superko=%v", rules.Superko), func(b *testing.B) {
			game := randomGame(19, rules, 300, 1)
			board, _ := NewBoard(19, rules)
			n := 0
			for b.Loop() {
				board.Clear()
				for _, m := range game {
					if board.Play(m.Color, m.Point) != nil {
						b.Fatal("illegal")
					}
				}
				n += len(game)
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "moves/s")
		})
	}
}

func BenchmarkPlayAndUndo(b *testing.B) {
	game := randomGame(19, Rules{}, 300, 1)
	board, _ := NewBoard(19, Rules{})
	n := 0
	for b.Loop() {
		for _, m := range game {
			board.play(m.Color, m.Point)
		}
		for board.Undo() {
		}
		n += len(game)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "moves/s")
}

func BenchmarkCopy(b *testing.B) {
	board, _ := NewBoard(19, Rules{})
	for _, m := range randomGame(19, Rules{}, 200, 1) {
		board.play(m.Color, m.Point)
	}
	c := board.Clone()
	for b.Loop() {
		c.CopyFrom(board)
	}
}
