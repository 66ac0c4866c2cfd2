package baduk

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// someGames are random games on 9×9, some with set-up stones and passes, most with a winner.
func someGames(t testing.TB) []*Game {
	t.Helper()
	var games []*Game
	for i := range 8 {
		g := &Game{Name: "random", Number: i + 1, Size: 9, First: Black, Moves: randomGame(9, Rules{}, 20+11*i, uint64(i)), Result: Result{Winner: Color(i % 3)}}
		switch i {
		case 2:
			g.Moves = slices.Insert(g.Moves, 7, Move{Black, Pass}, Move{Black, Pass})
		}
		games = append(games, g)
	}
	h := parseOne(t, "(;SZ[9]HA[2]AB[cc][gg]RE[W+1];W[gc];B[];W[cg];AW[ee]AE[gc];B[ed];W[tt];B[fe];W[aa];B[])")
	return append(games, h)
}

func corpusOf(t testing.TB, games []*Game) *Corpus {
	t.Helper()
	c, err := NewCorpus(9)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range games {
		if err := c.Add(g); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func TestACorpusFindsThePositionsOfItsGames(t *testing.T) {
	games := someGames(t)
	c := corpusOf(t, games)
	b, _ := NewBoard(9, Rules{})
	i := 0
	for k, g := range games {
		for want, move := range g.Positions() {
			if move.Point == Pass {
				continue
			}
			m, game, winner, err := c.Position(i, b)
			if err != nil || m != move || game != k || winner != g.Result.Winner {
				t.Fatalf("position %d: %v of game %d, winner %v, %v", i, m, game, winner, err)
			}
			if !bytes.Equal(bytesOf(t, b, ValuePlanes), bytesOf(t, want, ValuePlanes)) || b.Moves() != want.Moves() {
				t.Fatalf("position %d of game %d is\n%vshould be\n%v", i, k, b, want)
			}
			i++
		}
	}
	if c.Len() != i || c.Games() != len(games) || i < 300 {
		t.Errorf("%d positions of %d games, should be %d of %d", c.Len(), c.Games(), i, len(games))
	}
	for _, bad := range []int{-1, i} {
		if _, _, _, err := c.Position(bad, b); err == nil {
			t.Errorf("there is a position %d", bad)
		}
	}
	other, _ := NewBoard(19, Rules{})
	if _, _, _, err := c.Position(0, other); err == nil {
		t.Error("a board of 19×19 became one of 9×9")
	}
	if err := c.Add(parseOne(t, "(;SZ[19];B[aa])")); err == nil || !strings.Contains(err.Error(), "should be 9×9") {
		t.Errorf("a game on 19×19 was added: %v", err)
	}
	if err := c.Add(&Game{Size: 9, Moves: []Move{{Black, 5}, {White, 5}}}); !errors.Is(err, ErrOccupied) {
		t.Errorf("an illegal game was added: %v", err)
	}
}

func TestACorpusIsSplitByGame(t *testing.T) {
	games := someGames(t)
	c := corpusOf(t, games)
	train, test, err := c.Split(3)
	if err != nil {
		t.Fatal(err)
	}
	if train.Games() != len(games)-3 || test.Games() != 3 || train.Len()+test.Len() != c.Len() {
		t.Errorf("%d and %d games, %d and %d positions of %d", train.Games(), test.Games(), train.Len(), test.Len(), c.Len())
	}
	a, _ := NewBoard(9, Rules{})
	b, _ := NewBoard(9, Rules{})
	for i := range test.Len() {
		m, _, _, err := test.Position(i, a)
		n, _, _, err2 := c.Position(train.Len()+i, b)
		if err != nil || err2 != nil || m != n || a.Hash() != b.Hash() || a.Moves() != b.Moves() {
			t.Fatalf("position %d of the last games is another", i)
		}
	}
	decided := c.Decided()
	for i := range decided.Len() {
		if _, _, winner, _ := decided.Position(i, a); winner == Empty {
			t.Fatalf("position %d has no winner", i)
		}
	}
	if decided.Games() != 6 {
		t.Errorf("%d games have a winner", decided.Games())
	}
	if _, _, err := c.Split(len(games) + 1); err == nil {
		t.Error("more games than there are were held out")
	}
}

// digest is what the batches of an epoch are, number by number.
func digest(t *testing.T, s *Stream, epoch, from int) []string {
	t.Helper()
	var all []string
	for b, err := range s.Epoch(context.Background(), epoch, from) {
		if err != nil {
			t.Fatal(err)
		}
		h := uint64(0)
		for _, v := range b.Planes[:cap(b.Planes)] {
			h = mix(h ^ uint64(math.Float32bits(v)))
		}
		if b.Number != from+len(all) || b.Epoch != epoch {
			t.Fatalf("batch %d of epoch %d, should be %d of %d", b.Number, b.Epoch, from+len(all), epoch)
		}
		all = append(all, fmt.Sprint(b.N, b.Labels[:cap(b.Labels)], b.Index, b.Played, h))
	}
	return all
}

func newStream(t testing.TB, c *Corpus, cfg StreamConfig) *Stream {
	t.Helper()
	s, err := NewStream(c, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestBatchesAreTheSameForAnyWorkersAndFromAnyPlace(t *testing.T) {
	c := corpusOf(t, someGames(t))
	cfg := StreamConfig{Batch: 32, Seed: 5, Shuffle: true, Symmetries: true, Workers: 1, Prefetch: 1}
	one := newStream(t, c, cfg)
	cfg.Workers, cfg.Prefetch = 5, 3
	five := newStream(t, c, cfg)
	cfg.Seed = 6
	other := newStream(t, c, cfg)
	want := digest(t, one, 2, 0)
	if len(want) != one.Batches() || len(want) < 10 {
		t.Fatalf("%d batches, should be %d", len(want), one.Batches())
	}
	if !slices.Equal(digest(t, five, 2, 0), want) {
		t.Error("five workers make other batches")
	}
	for _, from := range []int{1, 7, len(want)} {
		if !slices.Equal(digest(t, five, 2, from), want[from:]) {
			t.Errorf("the batches from %d on are others", from)
		}
	}
	if slices.Equal(digest(t, five, 3, 0), want) || slices.Equal(digest(t, other, 2, 0), want) {
		t.Error("another epoch or seed makes the same batches")
	}
}

func TestAnEpochHasEveryPositionOnceWithItsMove(t *testing.T) {
	c := corpusOf(t, someGames(t))
	s := newStream(t, c, StreamConfig{Batch: 10, Shuffle: true, Symmetries: true})
	seen := make([]int, c.Len())
	b, _ := NewBoard(9, Rules{})
	turns := map[Symmetry]int{}
	moved := 0
	var f Features
	want := make([]float32, Planes*81)
	for batch, err := range s.Epoch(context.Background(), 0, 0) {
		if err != nil {
			t.Fatal(err)
		}
		for i, at := range batch.Index {
			seen[at]++
			if at != batch.Number*10+i {
				moved++
			}
			m, _, _, _ := c.Position(at, b)
			matches := 0
			for turn := range Symmetry(Symmetries) {
				f.Floats(want, b, Planes, turn)
				if slices.Equal(want, batch.Planes[i*len(want):(i+1)*len(want)]) && batch.Labels[i] == float32(turn.Point(m.Point, 9)) {
					turns[turn]++
					matches++
				}
			}
			if matches == 0 || batch.Played[i] != b.Moves() {
				t.Fatalf("position %d has other planes or another label", at)
			}
		}
	}
	for at, n := range seen {
		if n != 1 {
			t.Fatalf("position %d came %d times", at, n)
		}
	}
	if len(turns) != Symmetries || moved < c.Len()*9/10 {
		t.Errorf("symmetries %v, %d of %d moved", turns, moved, c.Len())
	}
}

func TestTheValueStreamTellsWhoWon(t *testing.T) {
	c := corpusOf(t, someGames(t)).Decided()
	s := newStream(t, c, StreamConfig{Batch: 7, Target: Outcome, Limit: 50})
	b, _ := NewBoard(9, Rules{})
	n := 0
	for batch, err := range s.Epoch(context.Background(), 0, 0) {
		if err != nil {
			t.Fatal(err)
		}
		for i, at := range batch.Index {
			if at != n*c.Len()/50 {
				t.Fatalf("position %d is %d, not spread evenly", n, at)
			}
			n++
			m, _, winner, _ := c.Position(at, b)
			want := float32(-1)
			if winner == m.Color {
				want = 1
			}
			black := float32(0)
			if m.Color == Black {
				black = 1
			}
			if batch.Labels[i] != want || batch.Planes[(i*ValuePlanes+PlaneBlack)*81+40] != black {
				t.Fatalf("position %d: label %v, should be %v", at, batch.Labels[i], want)
			}
		}
	}
	if n != 50 || s.Len() != 50 || s.Planes() != ValuePlanes {
		t.Errorf("%d positions of %d planes", n, s.Planes())
	}
	if _, err := NewStream(corpusOf(t, someGames(t)), StreamConfig{Batch: 7, Target: Outcome}); err == nil || !strings.Contains(err.Error(), "who won game 1") {
		t.Errorf("games without a winner: %v", err)
	}
}

func TestAStreamEndsWhenTheLoopDoes(t *testing.T) {
	c := corpusOf(t, someGames(t))
	s := newStream(t, c, StreamConfig{Batch: 4})
	for range s.Epoch(context.Background(), 0, 0) {
		for _, err := range s.Epoch(context.Background(), 0, 0) {
			if err == nil {
				t.Error("two epochs at once")
			}
		}
		break
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	n := 0
	var last error
	for _, err := range s.Epoch(ctx, 0, 0) {
		if last = err; err == nil {
			n++
		}
		cancel()
	}
	if !errors.Is(last, context.Canceled) || n == 0 || n > s.Batches()/2 {
		t.Errorf("%d batches and %v", n, last)
	}
	if got := len(digest(t, s, 0, 0)); got != s.Batches() {
		t.Errorf("%d batches afterwards", got)
	}
	for _, bad := range [][2]int{{-1, 0}, {0, -1}, {0, s.Batches() + 1}} {
		for _, err := range s.Epoch(context.Background(), bad[0], bad[1]) {
			if err == nil {
				t.Errorf("an epoch %d from %d", bad[0], bad[1])
			}
		}
	}
}

func TestStreamSettingsAreChecked(t *testing.T) {
	c := corpusOf(t, someGames(t))
	for _, cfg := range []StreamConfig{
		{}, {Batch: 1, Planes: 50}, {Batch: 1, Planes: -1}, {Batch: 1, Target: 2}, {Batch: 1, Turn: 8}, {Batch: 1, Limit: -1},
		{Batch: 1, Workers: -1}, {Batch: 1, Prefetch: -1}, {Batch: 1 << 30}, {Batch: 1 << 14, DropLast: true},
	} {
		if _, err := NewStream(c, cfg); err == nil {
			t.Errorf("%+v is no error", cfg)
		}
	}
	empty, _ := NewCorpus(9)
	if _, err := NewStream(empty, StreamConfig{Batch: 1}); err == nil {
		t.Error("a stream without positions")
	}
}

func TestBatchesAllocateNothing(t *testing.T) {
	c := corpusOf(t, someGames(t)[:2]) // those with set-up stones do allocate
	count := func(batches int) float64 {
		s := newStream(t, c, StreamConfig{Batch: 1, Limit: batches, Shuffle: true, Symmetries: true})
		run := func() {
			for range s.Epoch(context.Background(), 1, 0) {
			}
		}
		run()
		return testing.AllocsPerRun(3, run)
	}
	if few, many := count(5), count(45); many-few > 4 {
		t.Errorf("40 batches more take %v allocations", many-few)
	}
}

func TestPermuteReachesEveryNumberOnce(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4, 5, 16, 17, 100, 1000, 4097} {
		seen := make([]bool, n)
		for i := range n {
			at := permute(99, i, n)
			if at < 0 || at >= n || seen[at] {
				t.Fatalf("%d of %d goes to %d", i, n, at)
			}
			seen[at] = true
		}
	}
}

func TestPermuteLeavesNoTraceOfTheOrder(t *testing.T) {
	const n = 20_000
	// The correlation of neighbours' places, which a good shuffle makes as small as chance does: 0.007.
	for _, apart := range []int{1, 2, 16, 128, 256} {
		sum := 0.0
		for i := range n - apart {
			sum += (float64(permute(7, i, n))/n - 0.5) * (float64(permute(7, i+apart, n))/n - 0.5)
		}
		if r := sum / n * 12; math.Abs(r) > 0.04 {
			t.Errorf("positions that are %d apart stay together: correlation %.3f", apart, r)
		}
	}
}

func TestReadCorpusSkipsWhatIsDamaged(t *testing.T) {
	var errs []error
	c, err := ReadCorpus(19, func(err error) { errs = append(errs, err) }, shared(t, "go-games"))
	if err != nil {
		t.Fatal(err)
	}
	var short *Shortened
	if c.Games() != 9500 || len(errs) != 1 || !errors.As(errs[0], &short) || len(short.Game.Moves) != 302 || c.Memory() > 5<<20 {
		t.Errorf("%d games, %d positions, %d bytes, damaged: %v", c.Games(), c.Len(), c.Memory(), errs)
	}
	// Only the moves from the illegal one on are missing.
	if from, to := c.Positions(23); to-from != 302 {
		t.Errorf("%d positions of the game that is damaged, should be 302", to-from)
	}
	if _, err := ReadCorpus(9, nil, shared(t, "go-games")); err == nil || !strings.Contains(err.Error(), "should be 9×9") {
		t.Errorf("19×19 games as 9×9: %v", err)
	}
}

func TestNPYTakesFromOneToAllPlanes(t *testing.T) {
	g := someGames(t)[2]
	for planes, allowed := range map[int]bool{-1: false, 0: false, 1: true, ValuePlanes: true, ValuePlanes + 1: false} {
		var file bytes.Buffer
		if err := WriteNPY(&file, g, planes); (err == nil) != allowed || (file.Len() > 0) != allowed {
			t.Errorf("%d planes: %v and %d bytes", planes, err, file.Len())
		}
	}
}

func TestNPYHasEveryPosition(t *testing.T) {
	g := someGames(t)[2]
	var file bytes.Buffer
	if err := WriteNPY(&file, g, Planes); err != nil {
		t.Fatal(err)
	}
	data := file.Bytes()
	if string(data[:8]) != "\x93NUMPY\x01\x00" {
		t.Fatalf("begins with %q", data[:8])
	}
	length := int(binary.LittleEndian.Uint16(data[8:]))
	header := string(data[10 : 10+length])
	want := fmt.Sprintf("{'descr': '|u1', 'fortran_order': False, 'shape': (%d, 48, 9, 9), }", len(g.Moves))
	if strings.TrimRight(header, " \n") != want || (10+length)%64 != 0 || header[length-1] != '\n' {
		t.Errorf("header %q", header)
	}
	data = data[10+length:]
	for b := range g.Positions() {
		one := bytesOf(t, b, Planes)
		if !bytes.HasPrefix(data, one) {
			t.Fatalf("position %d is another", b.Moves())
		}
		data = data[len(one):]
	}
	if len(data) != 0 {
		t.Errorf("%d bytes too many", len(data))
	}
	if WriteNPY(&file, g, 50) == nil || WriteNPY(&file, &Game{Size: 1}, 48) == nil {
		t.Error("a file of 50 planes or a board of one point was written")
	}
}

func BenchmarkStream(b *testing.B) {
	c, err := ReadCorpus(19, nil, shared(b, "go-games"))
	if err != nil {
		b.Fatal(err)
	}
	s := newStream(b, c, StreamConfig{Batch: 16, Shuffle: true, Symmetries: true, Workers: 1})
	n, epoch := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		for batch := range s.Epoch(context.Background(), epoch, 0) {
			if n += batch.N; n%4000 == 0 {
				break
			}
		}
		epoch++
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "positions/s")
}
