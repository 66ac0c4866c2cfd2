package baduk

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestDeadStonesAreFound(t *testing.T) {
	for _, c := range []struct {
		name, diagram string
		stones        []Stone // put into it
		dead          []string
	}{
		{"two living groups and a stone without eyes in each", `
			. X . X O . O . .
			X X X X O O O O .
			. . . X O . . . .
			. X . X O . . . .
			. . . X O . . . .
			X X X X O O O O O
			. X . X O . O . .
			X X X X O O O O O
			. X . X O . . O .`, []Stone{{White, At(1, 2, 9)}, {Black, At(7, 4, 9)}}, []string{"B7", "H5"}},
		{"everything alive", `
			. X . X O . O . .
			X X X X O O O O O
			. X . X O . O . .
			X X X X O O O O O
			. X . X O . O . .
			X X X X O O O O O
			. X . X O . O . .
			X X X X O O O O O
			. X . X O . O . .`, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, _ := draw(t, c.diagram)
			if err := b.Setup(c.stones...); err != nil {
				t.Fatal(err)
			}
			before := b.String()
			var got []string
			for _, p := range b.Dead(200, 1) {
				got = append(got, p.Vertex(9))
			}
			slices.Sort(got)
			if !slices.Equal(got, c.dead) || b.String() != before {
				t.Errorf("dead are %v, should be %v\n%v", got, c.dead, b)
			}
		})
	}
}

// A group is dead whose points are the opponent's in six of ten games: on average less than -0.2 its owner's.
func TestAGroupIsDeadByAllItsPoints(t *testing.T) {
	b, m := draw(t, `
		a X . . .
		. b . . .
		. . . O O
		. . . c .
		. . . . d`)
	for _, c := range []struct {
		name   string
		owners map[rune]float32
		dead   []string
	}{
		{"nobody's", nil, nil},
		{"just not", map[rune]float32{'X': -0.2, 'O': 0.1, 'Q': 0.3}, nil},
		{"black's stone", map[rune]float32{'X': -0.25, 'O': 0.5, 'Q': -0.125}, []string{"B5"}},
		{"white's group", map[rune]float32{'X': 1, 'O': 0.5, 'Q': 0}, []string{"D3", "E3"}},
	} {
		owner := make([]float32, 25)
		owner[At(1, 0, 5)], owner[At(3, 2, 5)], owner[At(4, 2, 5)] = c.owners['X'], c.owners['O'], c.owners['Q']
		for _, p := range m { // of no stone
			owner[p] = 1
		}
		var got []string
		for _, p := range b.dead(owner) {
			got = append(got, p.Vertex(5))
		}
		if !slices.Equal(got, c.dead) {
			t.Errorf("%s: %v are dead, want %v", c.name, got, c.dead)
		}
	}
}

// One point is left, which is whose turn it is: by turns the player to move and its opponent begin.
func TestRandomGamesBeginWithBothPlayersByTurns(t *testing.T) {
	for first, want := range map[Color][]int{Black: {5, 3, 5, 3, 5}, White: {3, 5, 3, 5, 3}} {
		b, _ := draw(t, `
			. X X O .
			X X X O O
			. X . O .
			X X X O O
			. X X O .`)
		if b.ToPlay() != first {
			b.Play(b.ToPlay(), Pass)
		}
		var r Playouts
		r.Play(b, 5, 1)
		if !slices.Equal(r.Leads, want) {
			t.Errorf("%v to move: black leads by %v, want %v", first, r.Leads, want)
		}
		if mid, sign := r.Owned[At(2, 2, 5)], want[0]-4; mid != sign || r.Owned[At(0, 0, 5)] != 5 || r.Owned[At(4, 4, 5)] != -5 {
			t.Errorf("%v to move: the middle is black's %d times more than white's, want %d", first, mid, sign)
		}
	}
}

// A random game has at most three moves for each point, although stones could be taken for ever on a small board.
func TestARandomGameHasAnEnd(t *testing.T) {
	for size, most := range map[int]int{2: 12, 3: 27} {
		b, err := NewBoard(size, Rules{})
		if err != nil {
			t.Fatal(err)
		}
		longest, rnd := 0, rand.New(rand.NewPCG(1, 2))
		for range 3000 {
			b.Clear()
			empty := make([]int16, 0, b.points)
			for p := range int16(b.points) {
				empty = append(empty, p)
			}
			b.finish(Black, empty, rnd)
			longest = max(longest, b.Moves())
		}
		if longest != most {
			t.Errorf("the longest of 3000 games on %d×%[1]d has %d moves, should have %d", size, longest, most)
		}
	}
}

func TestGamesAreWonBeyondTheKomi(t *testing.T) {
	for _, c := range []struct {
		leads []int
		komi  float64
		want  float64
	}{{[]int{3, 4, -5, 2}, 3, 0.375}, {[]int{3, 4, -5, 2}, 2.5, 0.5}, {[]int{0}, 0, 0.5}, {nil, 0, 0}} {
		if got := (&Playouts{Leads: c.leads}).Won(c.komi); got != c.want {
			t.Errorf("%v with a komi of %v: %v won, want %v", c.leads, c.komi, got, c.want)
		}
	}
}

// A point is settled that is one player's in nine of ten games, so that it is eight of ten more.
func TestSettledIsNineOfTen(t *testing.T) {
	for _, c := range []struct {
		games int
		owned []int
		want  bool
	}{{10, []int{8, -8, 10}, true}, {10, []int{10, 7}, false}, {10, []int{-7, 10}, false}, {20, []int{16, -16}, true}, {20, []int{16, 15}, false}, {3, []int{3, -3}, true}, {3, []int{1}, false}} {
		if got := (&Playouts{Leads: make([]int, c.games), Owned: c.owned}).Settled(); got != c.want {
			t.Errorf("%v of %d games: %v", c.owned, c.games, got)
		}
	}
}

func TestOwnershipIsRepeatable(t *testing.T) {
	b, _ := NewBoard(9, Rules{})
	for _, m := range randomGame(9, Rules{}, 70, 3) {
		b.Play(m.Color, m.Point)
	}
	one, two := b.Ownership(50, 7), b.Ownership(50, 7)
	if !slices.Equal(one, two) {
		t.Error("the same seed gives other owners")
	}
	sum := float32(0)
	for p, v := range one {
		if v < -1 || v > 1 {
			t.Fatalf("%s is black's %v times", Point(p).Vertex(9), v)
		}
		sum += v
	}
	if slices.Equal(one, b.Ownership(50, 8)) || sum == 0 {
		t.Error("another seed gives the same owners")
	}
}

func BenchmarkOwnership(b *testing.B) {
	board, _ := NewBoard(19, Rules{})
	n := 0
	for b.Loop() {
		board.Ownership(10, uint64(n))
		n += 10
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "games/s")
}
