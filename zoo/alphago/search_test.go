package alphago

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk/gtp"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// evenPolicy finds all points alike, so that what a search finds is its own.
func evenPolicy(t testing.TB, size, threads int) *Policy {
	t.Helper()
	p, err := LoadPolicy(saveScaled(t, zoo.AlphaGoPolicy(zoo.Filters(2), zoo.Depth(2), zoo.Input(48, size, size), zoo.Classes(size*size)), 0), threads)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func search(t testing.TB, cfg SearchConfig, b *baduk.Board, komi float64, visits int) *Search {
	t.Helper()
	s, err := NewSearch(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Set(b, Goal{Komi: komi}); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(context.Background(), Limits{Visits: visits}, nil); err != nil {
		t.Fatal(err)
	}
	return s
}

// Each position has one move that wins.
func TestASearchSolvesPositions(t *testing.T) {
	for _, c := range []struct {
		name, diagram string
		player        baduk.Color
		good          rune
		komi          float64
		visits        int
		wins          bool // the player to move
	}{
		{"it captures, as either side could", mutual, baduk.Black, 'b', 20.5, 600, true},
		{"it captures first", mutual, baduk.White, 'a', 20.5, 600, true},
		{"it kills a straight three in its middle", three, baduk.Black, 'a', -6.5, 1500, true},
		{"it lives with a straight three", three, baduk.White, 'a', -6.5, 1500, true},
		{"it kills a bulky five at its vital point", `
			. a . O X . . . .
			. . O O X . . . .
			O O O X X . . . .
			X X X X X X X X X
			. . . . X O O O O
			X X X X X O . . .
			O O O O O O . . .
			. . . . O . . O .
			. . . . O . . . .`, baduk.Black, 'a', 0.5, 2000, true},
		{"it wins a ladder", ladder, baduk.Black, 'a', 0.5, 600, true},
		{"it knows a ladder that is broken", strings.Replace(strings.Replace(ladder, "a . c", "a . O", 1), ". . d", ". . O", 1), baduk.Black, 0, 0.5, 600, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, marks, err := baduk.Draw(c.diagram, baduk.Rules{})
			if err != nil {
				t.Fatal(err)
			}
			b.SetToPlay(c.player)
			s := search(t, SearchConfig{Policy: evenPolicy(t, 9, 0)}, b, c.komi, c.visits)
			list := s.Candidates()
			if good := marks[c.good]; c.good != 0 && list[0].Point != good {
				t.Errorf("it plays %s (win rate %.2f, %d visits), should play %s", list[0].Point.Vertex(9), list[0].Winrate, list[0].Visits, good.Vertex(9))
			}
			if (s.Winrate() > 0.5) != c.wins {
				t.Errorf("it finds a win rate of %.2f", s.Winrate())
			}
		})
	}
}

const (
	mutual = `
		. . . O . . . . .
		O O O O a O O O O
		X X X X X X X X X
		O O O O O O O O O
		X X X X b X X X X
		. . . X . . . . .
		. . . X . . . . .
		. . . X . . . . .
		. . . X . . . . .`
	three = `
		. a . O X . . . .
		O O O O X . . . .
		X X X X X . . . .
		. . . . X X X X X
		X X X X X O O O O
		O O O O O O . . .
		. . . . O . . . .
		. . . . O . O . .
		. . . . O . . . .`
	ladder = `
		X X X X X X X X X
		X . X . X X X . X
		X X X X X X X X X
		O O O O O O O b .
		X X X X X X a . c
		O O O O O O . . d
		. . . . . O O . O
		. O O O . . . O .
		. O . O . . O . .`
)

// Black's first move in the middle of a board of 5×5 wins all of it (van der Werf, van den Herik and Uiterwijk 2003,
// "Solving Go on small boards"), and of 3×3 too.
func TestASearchBeginsInTheMiddleOfSmallBoards(t *testing.T) {
	for size, visits := range map[int]int{3: 400, 5: 2500} {
		t.Run(fmt.Sprintf("%d×%[1]d", size), func(t *testing.T) {
			b, err := baduk.NewBoard(size, baduk.Rules{Superko: true})
			if err != nil {
				t.Fatal(err)
			}
			s := search(t, SearchConfig{Policy: evenPolicy(t, size, 0)}, b, 0.5, visits)
			if m := s.Candidates()[0]; m.Point != baduk.At(size/2, size/2, size) || m.Winrate < 0.55 {
				t.Errorf("it begins at %s with a win rate of %.2f", m.Point.Vertex(size), m.Winrate)
			}
		})
	}
}

// summary is all that a search found.
func summary(s *Search) string {
	text := fmt.Sprintf("%d %.17g", s.Visits(), s.Winrate())
	for _, m := range s.Candidates() {
		text += fmt.Sprintf("\n%v", m)
	}
	return text
}

func TestASearchIsTheSameOnAnyNumberOfThreads(t *testing.T) {
	b := position(t, 20)
	run := func(threads int, change func(*SearchConfig)) string {
		path := saveRandom(t, zoo.AlphaGoPolicy(zoo.Filters(3), zoo.Depth(3), zoo.Input(48, 9, 9), zoo.Classes(81)))
		p, err := LoadPolicy(path, threads)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		v, err := LoadValue(saveRandom(t, zoo.AlphaGoValue(zoo.Filters(3), zoo.Depth(3), zoo.Input(49, 9, 9))), threads)
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		cfg := SearchConfig{Policy: p, Value: v, Lambda: 0.5, Seed: 1}
		change(&cfg)
		return summary(search(t, cfg, b, 7.5, 300))
	}
	want := run(1, func(*SearchConfig) {})
	for _, threads := range []int{2, 3} {
		if got := run(threads, func(*SearchConfig) {}); got != want {
			t.Errorf("%d threads find\n%s\none finds\n%s", threads, got, want)
		}
	}
	for name, change := range map[string]func(*SearchConfig){
		"seed": func(c *SearchConfig) { c.Seed = 2 }, "lambda": func(c *SearchConfig) { c.Lambda = 0 }, "value": func(c *SearchConfig) { c.Value = nil },
		"rollouts": func(c *SearchConfig) { c.Rollouts = 3 }, "exploration": func(c *SearchConfig) { c.Exploration = 5 },
		"urgency": func(c *SearchConfig) { c.Urgency = -1 }, "flattening": func(c *SearchConfig) { c.Flatten = 0.5 },
		"threshold": func(c *SearchConfig) { c.Threshold = 5 }, "virtual loss": func(c *SearchConfig) { c.VirtualLoss = 3 }, "batch": func(c *SearchConfig) { c.Batch = 3 },
	} {
		if run(1, change) == want {
			t.Errorf("the %s changes nothing", name)
		}
	}
}

// What the nodes say must add up, however the search went.
func TestTheTreeAddsUp(t *testing.T) {
	for _, b := range []*baduk.Board{position(t, 0), position(t, 30), position(t, 70)} {
		s := search(t, SearchConfig{Policy: smallPolicy(t), Value: smallValue(t)}, b, 7.5, 500)
		var walk func(n *node)
		walk = func(n *node) {
			if n.virtual != 0 || n.waits {
				t.Fatal("a search is still on its way")
			}
			if len(n.moves) != len(n.priors) || len(n.children) > len(n.moves) {
				t.Fatalf("%d moves, %d priors, %d children", len(n.moves), len(n.priors), len(n.children))
			}
			var sum float64
			var visits int32
			total := 0.0
			for i, c := range n.children {
				sum, visits = sum+c.sum, visits+c.visits
				if i > 0 && n.priors[i] > n.priors[i-1] {
					t.Fatal("a more probable move comes later")
				}
				walk(c)
			}
			for _, p := range n.priors {
				total += float64(p)
			}
			if len(n.moves) > 0 && math.Abs(total-1) > 1e-4 {
				t.Fatalf("the priors make %v", total)
			}
			// Those that are no child's are the node's own.
			own := float64(n.visits - visits)
			if own < 0 || math.Abs(n.sum-sum-own*float64(n.value)) > 1e-3 {
				t.Fatalf("%d visits of value %v, %d of children: sum %v, of children %v", n.visits, n.value, visits, n.sum, sum)
			}
		}
		walk(s.root)
		if s.Visits() != 500 {
			t.Errorf("%d visits, should be 500", s.Visits())
		}
		if nodes, bytes := s.Memory(); nodes < 100 || bytes < nodes*nodeBytes {
			t.Errorf("%d nodes in %d bytes", nodes, bytes)
		}
	}
}

func TestTheTreeIsKept(t *testing.T) {
	b := position(t, 20)
	s := search(t, SearchConfig{Policy: smallPolicy(t)}, b, 7.5, 400)
	first := s.Candidates()[0]
	if err := s.Set(b, Goal{Komi: 7.5}); err != nil || s.Visits() != 400 {
		t.Errorf("the same position keeps %d visits (%v)", s.Visits(), err)
	}
	// The move and an answer.
	if len(first.Line) < 2 {
		t.Fatalf("the line is %v", first.Line)
	}
	next := b.Clone()
	for _, p := range first.Line[:2] {
		if err := next.Play(next.ToPlay(), p); err != nil {
			t.Fatal(err)
		}
	}
	answer := s.root.after(first.Line[0]).after(first.Line[1])
	if err := s.Set(next, Goal{Komi: 7.5}); err != nil || s.root != answer || s.Visits() == 0 {
		t.Errorf("two moves later %d visits are kept (%v)", s.Visits(), err)
	}
	kept := s.Visits()
	if err := s.Run(context.Background(), Limits{Visits: kept + 50}, nil); err != nil || s.Visits() != kept+50 {
		t.Errorf("%d visits of %d (%v)", s.Visits(), kept+50, err)
	}
	for name, change := range map[string]func(){
		"another komi":           func() { s.Set(next, Goal{Komi: 0.5}) },
		"another way of scoring": func() { s.Set(next, Goal{Komi: 0.5, Whole: true}) },
		"another position":       func() { s.Set(position(t, 40), Goal{Komi: 0.5, Whole: true}) },
		"a restriction": func() {
			s.Set(position(t, 40), Goal{Komi: 0.5, Whole: true, Restrict: []Restriction{{Color: baduk.White}}})
		},
	} {
		if err := s.Run(context.Background(), Limits{Visits: 20}, nil); err != nil {
			t.Fatal(err)
		}
		change()
		if name == "another position" && s.Visits() == 0 || s.Visits() == 0 {
			continue
		}
		t.Errorf("%s keeps %d visits", name, s.Visits())
	}
}

func TestASearchKeepsToItsRestrictions(t *testing.T) {
	b := position(t, 20)
	s, err := NewSearch(SearchConfig{Policy: smallPolicy(t)})
	if err != nil {
		t.Fatal(err)
	}
	run := func(rules ...Restriction) []Candidate {
		if err := s.Set(b, Goal{Komi: 7.5, Restrict: rules}); err != nil {
			t.Fatal(err)
		}
		if err := s.Run(context.Background(), Limits{Visits: 100}, nil); err != nil {
			t.Fatal(err)
		}
		return s.Candidates()
	}
	all := run()
	two := []baduk.Point{all[0].Point, all[3].Point}
	without := run(Restriction{Color: b.ToPlay(), Points: two, Depth: 1})
	if len(without) != len(all)-2 {
		t.Errorf("%d moves without two of %d", len(without), len(all))
	}
	for _, m := range without {
		if slices.Contains(two, m.Point) {
			t.Errorf("%s is looked at", m.Point.Vertex(9))
		}
	}
	only := run(Restriction{Color: b.ToPlay(), Points: two, Only: true, Depth: 1})
	if len(only) != 2 || !slices.Contains(two, only[0].Point) || !slices.Contains(two, only[1].Point) {
		t.Errorf("only %v: %v", two, only)
	}
	if other := run(Restriction{Color: b.ToPlay().Opponent(), Points: two}); len(other) != len(all) {
		t.Errorf("the opponent's restriction leaves %d moves of %d", len(other), len(all))
	}
}

func TestASearchEndsWithItsContextAndItsTime(t *testing.T) {
	s, err := NewSearch(SearchConfig{Policy: smallPolicy(t)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(context.Background(), Limits{Visits: 1}, nil); err == nil {
		t.Error("a search without a position is no error")
	}
	if err := s.Set(position(t, 10), Goal{Komi: 7.5}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	batches := 0
	err = s.Run(ctx, Limits{}, func() {
		if batches++; batches == 5 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || batches != 5 || s.Visits() == 0 {
		t.Errorf("cancelled in batch 5 it ends after %d with %v and %d visits", batches, err, s.Visits())
	}
	before := s.Visits()
	if err := s.Run(context.Background(), Limits{Time: 1}, nil); err != nil || s.Visits() > before {
		t.Errorf("without time it ends with %v and %d visits more", err, s.Visits()-before)
	}
	// Whatever the limits, there is a move to choose in the end.
	for _, l := range []Limits{{Visits: 1}, {Time: 1}} {
		s.Clear()
		if err := s.Set(position(t, 10), Goal{Komi: 7.5}); err != nil {
			t.Fatal(err)
		}
		if err := s.Run(context.Background(), l, nil); err != nil || len(s.Candidates()) < 2 {
			t.Errorf("%+v: %d candidates (%v)", l, len(s.Candidates()), err)
		}
	}
}

func TestSearchesSayWhatIsWrong(t *testing.T) {
	p := smallPolicy(t)
	large, err := LoadValue(saveRandom(t, zoo.AlphaGoValue(zoo.Filters(2), zoo.Depth(2))), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer large.Close()
	for name, cfg := range map[string]SearchConfig{
		"no policy": {}, "two sizes": {Policy: p, Value: large}, "lambda": {Policy: p, Value: smallValue(t), Lambda: 2}, "nan": {Policy: p, Exploration: math.NaN()},
		"batch": {Policy: p, Batch: -1},
	} {
		if _, err := NewSearch(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	s, err := NewSearch(SearchConfig{Policy: p})
	if err != nil {
		t.Fatal(err)
	}
	other, _ := baduk.NewBoard(13, baduk.Rules{})
	if s.Set(other, Goal{}) == nil {
		t.Error("a board of another size is no error")
	}
}

// Two players of the same seed play the same game, whose moves are legal, and which ends.
func TestASearchPlayerPlaysWholeGames(t *testing.T) {
	game := func(threads int, seed uint64) (moves []baduk.Point, b *baduk.Board) {
		path := saveRandom(t, zoo.AlphaGoPolicy(zoo.Filters(3), zoo.Depth(3), zoo.Input(48, 9, 9), zoo.Classes(81)))
		p, err := LoadPolicy(path, threads)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		s, err := NewSearch(SearchConfig{Policy: p, Seed: seed, Rollouts: 4})
		if err != nil {
			t.Fatal(err)
		}
		player := &SearchPlayer{Search: s, Visits: 40}
		b, _ = baduk.NewBoard(9, baduk.Rules{})
		for b.Passes() < 2 {
			move, resign, err := player.Genmove(context.Background(), gtp.Position{Board: b.Clone(), Komi: 7.5})
			if err != nil || resign {
				t.Fatal(err, resign)
			}
			if err := b.Play(b.ToPlay(), move); err != nil {
				t.Fatal(err)
			}
			moves = append(moves, move)
		}
		return moves, b
	}
	one, b := game(1, 1)
	if two, _ := game(2, 1); !slices.Equal(one, two) {
		t.Errorf("on two threads the game is\n%v\nand on one\n%v", two, one)
	}
	if three, _ := game(1, 2); slices.Equal(one, three) {
		t.Error("another seed plays the same game")
	}
	if len(one) < 30 || len(one) > 2*81+2 {
		t.Errorf("%d moves:\n%v", len(one), b)
	}
}
