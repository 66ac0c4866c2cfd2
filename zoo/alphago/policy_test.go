package alphago

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk/gtp"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// randomPolicy writes a network with random weights and loads it.
func randomPolicy(t testing.TB, m *zoo.Model) (*Policy, error) {
	t.Helper()
	return LoadPolicy(saveRandom(t, m), 1)
}

// saveRandom writes a network with random weights, and returns the file.
func saveRandom(t testing.TB, m *zoo.Model) string { return saveScaled(t, m, 0.25) }

// saveScaled is saveRandom with weights of a standard deviation.
func saveScaled(t testing.TB, m *zoo.Model, scale float64) string {
	t.Helper()
	params, err := m.Params(graph.Train)
	if err != nil {
		t.Fatal(err)
	}
	params.Allocate()
	r := rand.New(rand.NewPCG(1, 2))
	var f weights.File
	for _, p := range params.All() {
		for i := range p.Data {
			p.Data[i] = float32(r.NormFloat64() * scale)
		}
		f.Tensors = append(f.Tensors, weights.Tensor{Name: p.Name, Shape: p.Shape, Data: p.Data})
	}
	options, err := json.Marshal(m.Options)
	if err != nil {
		t.Fatal(err)
	}
	f.Meta = weights.Meta{Network: m.Name, Variant: m.Variant, Options: options, Classes: m.Classes, Input: m.Input[:]}
	path := filepath.Join(t.TempDir(), "policy.safetensors")
	if err := weights.Save(path, &f); err != nil {
		t.Fatal(err)
	}
	return path
}

func smallPolicy(t testing.TB) *Policy {
	t.Helper()
	p, err := randomPolicy(t, zoo.AlphaGoPolicy(zoo.Filters(3), zoo.Depth(3), zoo.Input(48, 9, 9), zoo.Classes(81)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// position is a game of random sensible moves.
func position(t testing.TB, moves int) *baduk.Board {
	t.Helper()
	b, err := baduk.NewBoard(9, baduk.Rules{})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(5, 6))
	for b.Moves() < moves {
		if p := baduk.Point(r.IntN(81)); b.Sensible(b.ToPlay(), p) {
			if err := b.Play(b.ToPlay(), p); err != nil {
				t.Fatal(err)
			}
		}
	}
	return b
}

func TestProbabilitiesAreTurnedBack(t *testing.T) {
	p := smallPolicy(t)
	b := position(t, 30)
	list, err := p.Probabilities([]*baduk.Board{b}, 8)
	if err != nil {
		t.Fatal(err)
	}
	want := make([]float64, 81)
	for turn := range baduk.Symmetry(8) {
		one, err := p.Probabilities([]*baduk.Board{b.Turn(turn)}, 1)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for i := range want {
			v := float64(one[0][turn.Point(baduk.Point(i), 9)])
			want[i] += v / 8
			sum += v
		}
		if math.Abs(sum-1) > 1e-5 {
			t.Errorf("probabilities add up to %v", sum)
		}
	}
	for i, v := range want {
		if math.Abs(v-float64(list[0][i])) > 1e-5 {
			t.Fatalf("point %d: %v, should be %v", i, list[0][i], v)
		}
	}
	for turn := range baduk.Symmetry(8) {
		again, err := p.Probabilities([]*baduk.Board{b.Turn(turn)}, 8)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range list[0] {
			if math.Abs(float64(v-again[0][turn.Point(baduk.Point(i), 9)])) > 1e-5 {
				t.Fatalf("the mean over the symmetries depends on how the board lies: symmetry %d, point %d", turn, i)
			}
		}
	}
}

func TestManyBoardsAreWhatEachIs(t *testing.T) {
	p := smallPolicy(t)
	var boards []*baduk.Board
	for i := range 11 {
		boards = append(boards, position(t, 4*i))
	}
	for _, symmetries := range []int{1, 8} {
		all, err := p.Probabilities(boards, symmetries)
		if err != nil {
			t.Fatal(err)
		}
		for i, b := range boards {
			one, err := p.Probabilities([]*baduk.Board{b}, symmetries)
			if err != nil {
				t.Fatal(err)
			}
			for k, v := range one[0] {
				if math.Abs(float64(v-all[i][k])) > 1e-5 {
					t.Fatalf("%d symmetries, board %d, point %d: %v and %v", symmetries, i, k, v, all[i][k])
				}
			}
		}
	}
}

func TestTheChosenMoveIsSensible(t *testing.T) {
	b := position(t, 40)
	flat := make([]float32, 81)
	legal := 0
	for i := range flat {
		flat[i] = 1. / 81
		if b.Sensible(b.ToPlay(), baduk.Point(i)) {
			legal++
		} else {
			flat[i] = 0.9 // what the network wants does not count
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	seen := map[baduk.Point]bool{}
	for range 2000 {
		move, err := Choose(b, flat, 1, r)
		if err != nil {
			t.Fatal(err)
		}
		if !b.Sensible(b.ToPlay(), move) {
			t.Fatalf("%s is not sensible", move.Vertex(9))
		}
		seen[move] = true
	}
	if len(seen) != legal {
		t.Errorf("%d of %d sensible moves in 2000", len(seen), legal)
	}
	var best baduk.Point
	for i := range flat {
		if b.Sensible(b.ToPlay(), baduk.Point(i)) {
			best = baduk.Point(i)
		}
	}
	flat[best] = 0.5
	for _, temperature := range []float64{0, 0.01} {
		if move, err := Choose(b, flat, temperature, r); err != nil || move != best {
			t.Errorf("temperature %v: %v, %v: should be %v", temperature, move, err, best)
		}
	}
	for _, bad := range []float64{-1, math.NaN(), math.Inf(1)} {
		if _, err := Choose(b, flat, bad, r); err == nil {
			t.Errorf("temperature %v is no error", bad)
		}
	}
	if _, err := Choose(b, flat, 1, nil); err == nil {
		t.Error("a temperature without random numbers is no error")
	}
	if _, err := Choose(b, flat[1:], 0, nil); err == nil {
		t.Error("too few probabilities are no error")
	}
}

func TestAPlayerPassesByItsRule(t *testing.T) {
	player := &PolicyPlayer{Policy: smallPolicy(t), Symmetries: 1}
	draw := func(diagram string) *baduk.Board {
		b, _, err := baduk.Draw(diagram, baduk.Rules{})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	// Black has all but white's row of nothing: a whole board of two colours, each alive.
	settled := draw(`
		. X . X . X O . O
		X X X X X X O O O
		. X . X . X O . O
		X X X X X X O O O
		. X . X . X O . O
		X X X X X X O O O
		. X . X . X O . O
		X X X X X X O O O
		. X . X . X O . O`)
	genmove := func(b *baduk.Board, c baduk.Color, komi float64) baduk.Point {
		t.Helper()
		b = b.Clone()
		b.SetToPlay(c)
		move, resign, err := player.Genmove(context.Background(), gtp.Position{Board: b, Komi: komi})
		if err != nil || resign {
			t.Fatal(err, resign)
		}
		return move
	}
	if move := genmove(settled, baduk.Black, 0); move != baduk.Pass {
		t.Errorf("no sensible move is left, but %s is played", move.Vertex(9))
	}
	// Black has six columns of the nine, white three: 27 points more.
	for komi, want := range map[float64][2]bool{26.5: {true, false}, 27: {true, true}, 27.5: {false, true}, -3: {true, false}} {
		for i, c := range []baduk.Color{baduk.Black, baduk.White} {
			b := settled.Clone()
			b.SetToPlay(c)
			if got := ahead(b, komi); got != want[i] {
				t.Errorf("with a komi of %g %v is ahead: %v", komi, c, got)
			}
		}
	}
	open := position(t, 30)
	if move := genmove(open, baduk.Black, 0); move == baduk.Pass {
		t.Error("the player passes in the middle of a game")
	}
	if err := open.Play(baduk.White, baduk.Pass); err != nil {
		t.Fatal(err)
	}
	if move := genmove(open, baduk.Black, -200); move != baduk.Pass {
		t.Error("the player is ahead after a pass, and goes on")
	}
	if move := genmove(open, baduk.Black, 200); move == baduk.Pass {
		t.Error("the player is behind after a pass, and passes too")
	}
	// Each is alive, and white has more. Black could throw stones in at the top, and would lose them.
	lost := draw(`
		. X O . . O . O .
		X X O O O O O O O
		. X O O O O O O O
		X X O O O O O O O
		. X O O O . O O O
		X X O O O O O O O
		. X O O O O O O O
		X X O O O O O O O
		. X O O O O O O .`)
	if !lost.Sensible(baduk.Black, baduk.At(3, 0, 9)) {
		t.Fatal("no sensible move is left")
	}
	if err := lost.Play(baduk.White, baduk.Pass); err != nil {
		t.Fatal(err)
	}
	if move := genmove(lost, baduk.Black, 0); move != baduk.Pass {
		t.Errorf("nothing is left to play for, but %s is played", move.Vertex(9))
	}
}

func TestAPlayersGameEnds(t *testing.T) {
	e, err := gtp.New(gtp.Config{Name: "zoo", Version: "1", Sizes: []int{9}, Komi: 7, Player: &PolicyPlayer{
		Policy: smallPolicy(t), Symmetries: 1, Temperature: 1, Rand: rand.New(rand.NewPCG(3, 3)),
	}})
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; e.Board().Passes() < 2; n++ {
		if got := e.Do("genmove " + []string{"b", "w"}[n%2]); got[0] != '=' || n > 2*81+2 {
			t.Fatalf("move %d: %q", n, got)
		}
	}
}

func TestAccuracyIsCountedByPhase(t *testing.T) {
	p := smallPolicy(t)
	c, err := baduk.NewCorpus(9)
	if err != nil {
		t.Fatal(err)
	}
	// One game plays what the network likes best, the other what it likes least.
	for game := range 2 {
		b, _ := baduk.NewBoard(9, baduk.Rules{})
		g := &baduk.Game{Name: "made", Number: game + 1, Size: 9, First: baduk.Black}
		for range 60 {
			list, err := p.Probabilities([]*baduk.Board{b}, 1)
			if err != nil {
				t.Fatal(err)
			}
			v := list[0]
			best := baduk.None
			for i := range v {
				if point := baduk.Point(i); b.Legal(b.ToPlay(), point) && (best == baduk.None || (v[i] > v[best]) != (game == 1)) {
					best = point
				}
			}
			g.Moves = append(g.Moves, baduk.Move{Color: b.ToPlay(), Point: best})
			if err := b.Play(b.ToPlay(), best); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Add(g); err != nil {
			t.Fatal(err)
		}
	}
	done := 0
	list, err := p.Evaluate(context.Background(), c, 0, []int{1, 8}, func(n, of int) { done = n })
	if err != nil {
		t.Fatal(err)
	}
	// The first move of both games is of the same position: 2 of 120 positions are seen twice.
	e := list[0]
	if e.Positions != 120 || done != 120 || e.Phases[0].Positions != 100 || e.Phases[1].Positions != 20 || e.Phases[2].Positions != 0 {
		t.Fatalf("positions %d, by phase %v", e.Positions, e.Phases)
	}
	if e.Top5 < e.Top1 || e.Top1 == 0 || e.Top1 > 0.6 || e.Phases[0].Top1 < 0.1 {
		t.Errorf("top-1 %v, top-5 %v: one game of two is what the network likes", e.Top1, e.Top5)
	}
	if got := (50*e.Phases[0].Top1*2 + 20*e.Phases[1].Top1) / 120; math.Abs(got-e.Top1) > 1e-9 {
		t.Errorf("the phases' top-1 make %v, not %v", got, e.Top1)
	}
	if list[1].Symmetries != 8 || list[1].Loss == e.Loss {
		t.Error("the symmetries change nothing")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := p.Evaluate(ctx, c, 0, []int{1}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("an interrupted evaluation ends with %v", err)
	}
	if _, err := p.Evaluate(context.Background(), c, -1, []int{1}, nil); err == nil {
		t.Error("a limit below 0 is no error")
	}
}

func TestOtherNetworksAreNoPolicies(t *testing.T) {
	for name, m := range map[string]*zoo.Model{"the value network": zoo.AlphaGoValue(zoo.Filters(2), zoo.Depth(2), zoo.Input(49, 9, 9)), "a classifier": zoo.LeNet5()} {
		if p, err := randomPolicy(t, m); err == nil {
			p.Close()
			t.Errorf("%s is taken for a policy", name)
		}
	}
	p := smallPolicy(t)
	other, _ := baduk.NewBoard(13, baduk.Rules{})
	if _, err := p.Probabilities([]*baduk.Board{other}, 1); err == nil {
		t.Error("a board of another size is no error")
	}
	if _, err := p.Probabilities(nil, 4); err == nil {
		t.Error("4 symmetries are no error")
	}
}
