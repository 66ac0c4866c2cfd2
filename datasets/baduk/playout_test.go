package baduk

import (
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
