package alphago

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

func smallValue(t testing.TB) *Value {
	t.Helper()
	v, err := LoadValue(saveRandom(t, zoo.AlphaGoValue(zoo.Filters(3), zoo.Depth(3), zoo.Input(49, 9, 9))), 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

func TestTheOutcomeIsTheMeanOverTheSymmetries(t *testing.T) {
	v := smallValue(t)
	boards := []*baduk.Board{position(t, 20), position(t, 41)}
	list, err := v.Outcomes(boards, 8)
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range boards {
		want := 0.0
		for turn := range baduk.Symmetry(8) {
			one, err := v.Outcomes([]*baduk.Board{b.Turn(turn)}, 1)
			if err != nil {
				t.Fatal(err)
			}
			if one[0] < -1 || one[0] > 1 {
				t.Errorf("an outcome of %v", one[0])
			}
			want += float64(one[0]) / 8
		}
		if math.Abs(want-float64(list[i])) > 1e-5 {
			t.Errorf("board %d: %v, should be %v", i, list[i], want)
		}
	}
	// The last plane says who plays.
	other := boards[0].Clone()
	other.SetToPlay(other.ToPlay().Opponent())
	if again, err := v.Outcomes([]*baduk.Board{other}, 8); err != nil || again[0] == list[0] {
		t.Errorf("the outcome is the same, %v, whoever plays (%v)", list[0], err)
	}
}

func TestOutcomesAreMeasuredByPhase(t *testing.T) {
	v := smallValue(t)
	c, err := baduk.NewCorpus(9)
	if err != nil {
		t.Fatal(err)
	}
	// One game is won by who the network says on the whole, the other is the same game with the other winner.
	b, _ := baduk.NewBoard(9, baduk.Rules{})
	g := baduk.Game{Name: "made", Number: 1, Size: 9, First: baduk.Black}
	outcomes := []float64{}
	for range 60 {
		one, err := v.Outcomes([]*baduk.Board{b}, 1)
		if err != nil {
			t.Fatal(err)
		}
		outcomes = append(outcomes, float64(one[0]))
		p := baduk.Point(0)
		for !b.Sensible(b.ToPlay(), p) {
			p++
		}
		g.Moves = append(g.Moves, baduk.Move{Color: b.ToPlay(), Point: p})
		if err := b.Play(b.ToPlay(), p); err != nil {
			t.Fatal(err)
		}
	}
	for _, winner := range []baduk.Color{baduk.Black, baduk.White} {
		g := g
		g.Result.Winner = winner
		if err := c.Add(&g); err != nil {
			t.Fatal(err)
		}
	}
	list, err := v.Evaluate(context.Background(), c, 0, []int{1, 8}, nil)
	if err != nil {
		t.Fatal(err)
	}
	mse, late := 0.0, 0.0
	for i, o := range outcomes {
		mse += ((o-1)*(o-1) + (o+1)*(o+1)) / 120
		if i >= 50 {
			late += ((o-1)*(o-1) + (o+1)*(o+1)) / 20
		}
	}
	e := list[0]
	if e.Positions != 120 || e.Phases[0].Positions != 100 || e.Phases[1].Positions != 20 || e.Phases[2].Positions != 0 {
		t.Fatalf("positions %d, by phase %v", e.Positions, e.Phases)
	}
	// Of each position, one of the two games has the sign right.
	if math.Abs(e.MSE-mse) > 1e-5 || math.Abs(e.Phases[1].MSE-late) > 1e-5 || e.SignRight != 0.5 {
		t.Errorf("MSE %v, late %v, sign %v: should be %v, %v and 0.5", e.MSE, e.Phases[1].MSE, e.SignRight, mse, late)
	}
	if list[1].Symmetries != 8 || list[1].MSE == e.MSE {
		t.Error("the symmetries change nothing")
	}
	g.Result.Winner = baduk.Empty
	if err := c.Add(&g); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Evaluate(context.Background(), c, 0, []int{1}, nil); err == nil {
		t.Error("a game without a winner is no error")
	}
}

func TestOtherNetworksAreNoValues(t *testing.T) {
	for name, m := range map[string]*zoo.Model{"the policy network": zoo.AlphaGoPolicy(zoo.Filters(2), zoo.Depth(2)), "a classifier": zoo.LeNet5()} {
		if v, err := LoadValue(saveRandom(t, m), 1); err == nil || !strings.Contains(err.Error(), "is no value network") {
			if err == nil {
				v.Close()
			}
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A network that cannot be loaded is named, once.
func TestErrorsOfLoadingNameTheFileOnce(t *testing.T) {
	policy := func(path string) error { _, err := LoadPolicy(path, 1); return err }
	value := func(path string) error { _, err := LoadValue(path, 1); return err }
	small := []zoo.Option{zoo.Filters(2), zoo.Depth(2)}
	flip := func(at int) func(b []byte) { return func(b []byte) { b[len(b)-at] ^= 1 } }
	for _, c := range []struct {
		name   string
		model  *zoo.Model
		load   func(string) error
		change func([]byte)
		want   string
	}{
		{"a policy's changed weight", zoo.AlphaGoPolicy(small...), policy, flip(1), "changed since it was written"},
		{"a value network's changed weight", zoo.AlphaGoValue(small...), value, flip(1), "changed since it was written"},
		{"a policy as a value network", zoo.AlphaGoPolicy(small...), value, nil, "alphago-policy is no value network"},
		{"a value network as a policy", zoo.AlphaGoValue(small...), policy, nil, "alphago-value is no policy network"},
		{"a network of images", zoo.LeNet5(), policy, nil, "lenet5 is no policy network"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := saveRandom(t, c.model)
			if c.change != nil {
				content, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				c.change(content)
				if err := os.WriteFile(path, content, 0o666); err != nil {
					t.Fatal(err)
				}
			}
			err := c.load(path)
			if err == nil || strings.Count(err.Error(), filepath.Base(path)) != 1 || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v: should say %q and name the file once", err, c.want)
			}
		})
	}
}
