package baduk

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func bytesOf(t testing.TB, b *Board, planes int) []uint8 {
	t.Helper()
	dst := make([]uint8, planes*b.Points())
	var f Features
	if err := f.Bytes(dst, b, planes); err != nil {
		t.Fatal(err)
	}
	return dst
}

func TestTheFirstTwelvePlanesMatchTheGoldenFiles(t *testing.T) {
	records, _ := filepath.Glob(shared(t, "go-golden/*.sgf"))
	if len(records) != 3 {
		t.Fatalf("%d records", len(records))
	}
	for _, record := range records {
		t.Run(filepath.Base(record), func(t *testing.T) {
			base := strings.TrimSuffix(record, ".sgf")
			packed, err := os.Open(base + ".planes.gz")
			if err != nil {
				t.Fatal(err)
			}
			defer packed.Close()
			z, err := gzip.NewReader(packed)
			if err != nil {
				t.Fatal(err)
			}
			want, err := io.ReadAll(z)
			if err != nil {
				t.Fatal(err)
			}
			played, err := os.ReadFile(base + ".moves")
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for g, err := range Open(record) {
				if err != nil {
					t.Fatal(err)
				}
				for b, m := range g.Positions() {
					if got := []byte{byte(m.Point / 19), byte(m.Point % 19)}; !bytes.Equal(got, played[2*n:2*n+2]) {
						t.Fatalf("move %d is %v, should be %v", n+1, got, played[2*n:2*n+2])
					}
					got := bytesOf(t, b, 12)
					for i, v := range got {
						if w := want[n*len(got)+i]; v != w {
							t.Fatalf("position %d: plane %d is %d at %s, should be %d\n%v", n, i/361, v, Point(i%361).Vertex(19), w, b)
						}
					}
					n++
				}
			}
			if 12*361*n != len(want) || n == 0 {
				t.Errorf("%d positions, the file has %d bytes", n, len(want))
			}
		})
	}
}

// compare holds all planes of a position to the slow ones.
func compare(t *testing.T, b *Board) (ladders int) {
	t.Helper()
	got := bytesOf(t, b, ValuePlanes)
	want, givenUp := slowOf(b).planes(b.ToPlay())
	for i := range got {
		plane, p := i/b.Points(), Point(i%b.Points())
		if plane == PlaneLadderCapture || plane == PlaneLadderEscape {
			if givenUp {
				continue
			}
			ladders += int(want[i])
		}
		if got[i] != want[i] {
			t.Fatalf("plane %d is %d at %s, should be %d; %v to play\n%v", plane, got[i], p.Vertex(b.size), want[i], b.ToPlay(), b)
		}
	}
	return ladders
}

func TestAllPlanesAgreeWithTheSlowOnesOnRandomGames(t *testing.T) {
	ladders := 0
	for _, size := range []int{3, 5, 7, 9, 19} {
		for _, suicide := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d×%d, suicide %v", size, size, suicide), func(t *testing.T) {
				r := rand.New(rand.NewPCG(uint64(size), 2))
				b, _ := NewBoard(size, Rules{Suicide: suicide})
				every := 1
				if size == 19 {
					every = 40
				}
				for n := range min(size*size*3, 480) {
					b.Play(b.ToPlay(), randomMove(r, b))
					if n%every == 0 {
						ladders += compare(t, b)
					}
				}
			})
		}
	}
	if ladders < 1000 {
		t.Errorf("only %d ladder moves in all positions", ladders)
	}
}

func TestAllPlanesAgreeWithTheSlowOnesOnRealGames(t *testing.T) {
	ladders, games := 0, 0
	for g, err := range Open(shared(t, "go-games"), shared(t, "go-golden")) {
		if err != nil {
			continue
		}
		if games++; games%1499 != 0 && games <= 9500 {
			continue
		}
		n := 0
		for b := range g.Positions() {
			if n++; n%29 == games%29 {
				ladders += compare(t, b)
			}
		}
	}
	if ladders < 100 {
		t.Errorf("only %d ladder moves in all positions", ladders)
	}
}

func TestSuperkoIsSeenByThePlanes(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	b, _ := NewBoard(4, TrompTaylor)
	forbidden := 0
	for range 2000 {
		b.Play(b.ToPlay(), randomMove(r, b))
		planes := bytesOf(t, b, Planes)
		for p := range Point(16) {
			sensible := planes[PlaneSensible*16+int(p)] == 1
			if sensible != b.Sensible(b.ToPlay(), p) {
				t.Fatalf("sensible is %v at %s\n%v", sensible, p.Vertex(4), b)
			}
			if b.Check(b.ToPlay(), p) == ErrSuperko {
				forbidden++
			}
		}
	}
	if forbidden == 0 {
		t.Error("superko forbade nothing")
	}
}

func TestTurnedPlanesAreThePlanesOfTheTurnedBoard(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var f Features
	b, _ := NewBoard(9, Rules{})
	for range 200 {
		b.Play(b.ToPlay(), randomMove(r, b))
		for s := range Symmetry(Symmetries) {
			got := make([]float32, ValuePlanes*81)
			if err := f.Floats(got, b, ValuePlanes, s); err != nil {
				t.Fatal(err)
			}
			for i, v := range bytesOf(t, b.Turn(s), ValuePlanes) {
				if got[i] != float32(v) {
					t.Fatalf("symmetry %d, plane %d at %s: %v\n%v", s, i/81, Point(i%81).Vertex(9), got[i], b)
				}
			}
			plane := make([]float32, 81)
			Turn(plane, got[:81], s.Inverse(), 9)
			for p, v := range bytesOf(t, b, 1) {
				if plane[p] != float32(v) {
					t.Fatalf("symmetry %d is not turned back", s)
				}
			}
		}
	}
}

func TestFewerPlanesAreTheFirst(t *testing.T) {
	b, _ := NewBoard(9, Rules{})
	for _, m := range randomGame(9, Rules{}, 60, 3) {
		b.Play(m.Color, m.Point)
	}
	all := bytesOf(t, b, ValuePlanes)
	for n := 1; n <= ValuePlanes; n++ {
		if !slices.Equal(bytesOf(t, b, n), all[:n*81]) {
			t.Errorf("%d planes are not the first of all", n)
		}
	}
	var f Features
	for _, planes := range []int{0, -1, 50} {
		if err := f.Bytes(nil, b, planes); err == nil {
			t.Errorf("%d planes were made", planes)
		}
	}
	if err := f.Bytes(make([]uint8, 5), b, 48); err == nil {
		t.Error("48 planes were made of 5 bytes")
	}
}

func TestFeaturesLeaveTheBoardAndAllocateNothing(t *testing.T) {
	b, _ := NewBoard(19, Rules{})
	for _, m := range randomGame(19, Rules{}, 150, 4) {
		b.Play(m.Color, m.Point)
	}
	before := slowOf(b)
	var f Features
	bytes, floats := make([]uint8, Planes*361), make([]float32, ValuePlanes*361)
	run := func() {
		f.Bytes(bytes, b, Planes)
		f.Floats(floats, b, ValuePlanes, 5)
	}
	run()
	if n := testing.AllocsPerRun(10, run); n != 0 {
		t.Errorf("%v allocations", n)
	}
	after := slowOf(b)
	if !slices.Equal(before.color, after.color) || before.moves != after.moves || b.Undo() != true {
		t.Error("the board is another")
	}
}

// realPositions are positions of games of strong players, every 10th of a game.
func realPositions(t testing.TB) []*Board {
	var all []*Board
	games := 0
	for g, err := range Open(shared(t, "go-games")) {
		if err != nil {
			continue
		}
		n := 0
		for b := range g.Positions() {
			if n++; n%10 == 0 {
				all = append(all, b.Clone())
			}
		}
		if games++; games == 50 {
			break
		}
	}
	return all
}

func BenchmarkFeatures(b *testing.B) {
	positions := realPositions(b)
	for _, planes := range []int{12, 44, Planes} {
		b.Run(fmt.Sprint(planes), func(b *testing.B) {
			var f Features
			dst := make([]float32, planes*361)
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				f.Floats(dst, positions[n%len(positions)], planes, Symmetry(n%8))
				n++
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "positions/s")
			b.ReportMetric(float64(f.ladders.givenUp), "given-up")
		})
	}
}
