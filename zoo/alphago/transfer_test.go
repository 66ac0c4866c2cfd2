package alphago

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// readTensor reads a tensor of a file, and its shape.
func readTensor(t *testing.T, r *weights.Reader, name string) (shape []int, data []float32) {
	t.Helper()
	shape, ok := r.Shape(name)
	if !ok {
		t.Fatalf("no %s", name)
	}
	n := 1
	for _, d := range shape {
		n *= d
	}
	data = make([]float32, n)
	if err := r.ReadTensor(name, data); err != nil {
		t.Fatal(err)
	}
	return shape, data
}

// The convolutions are the policy's, and the plane that it lacks counts for nothing; so the new network cannot tell
// who is to play, until it has learned to.
func TestAValueNetworkBeginsAsThePolicy(t *testing.T) {
	path := saveRandom(t, zoo.AlphaGoPolicy(zoo.Filters(3), zoo.Depth(3), zoo.Input(48, 9, 9), zoo.Classes(81)))
	r, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	v, err := ValueFromPolicy(r, 1)
	if err != nil {
		t.Fatal(err)
	}
	shape, first := readTensor(t, v, "conv1.weight")
	_, from := readTensor(t, r, "conv1.weight")
	if shape[0] != 3 || shape[1] != 49 || shape[2] != 5 {
		t.Fatalf("conv1.weight is %v", shape)
	}
	for k := range 3 {
		for c := range 49 {
			for i := range 25 {
				want := float32(0)
				if c < 48 {
					want = from[(k*48+c)*25+i]
				}
				if got := first[(k*49+c)*25+i]; got != want {
					t.Fatalf("filter %d, plane %d: %v, should be %v", k, c, got, want)
				}
			}
		}
	}
	_, second := readTensor(t, v, "conv2.weight")
	_, secondFrom := readTensor(t, r, "conv2.weight")
	_, bias := readTensor(t, v, "conv2.bias")
	_, biasFrom := readTensor(t, r, "conv2.bias")
	for i := range second {
		if second[i] != secondFrom[i] {
			t.Fatal("conv2.weight is another")
		}
	}
	for i := range bias {
		if bias[i] != biasFrom[i] {
			t.Fatal("conv2.bias is another")
		}
	}
	n, err := LoadValueFrom(v, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	b := position(t, 30)
	one := outcome(t, n, b)
	b.SetToPlay(b.ToPlay())
	if math.Abs(float64(one)) > 0.9 {
		t.Errorf("it begins with an outcome of %v", one)
	}
	other, err := ValueFromPolicy(r, 2)
	if err != nil {
		t.Fatal(err)
	}
	_, fresh := readTensor(t, v, "fc1.weight")
	if _, again := readTensor(t, other, "fc1.weight"); again[0] == fresh[0] {
		t.Error("the seed changes nothing")
	}
	wrong, err := weights.Open(saveRandom(t, zoo.AlphaGoValue(zoo.Filters(3), zoo.Depth(3), zoo.Input(49, 9, 9))))
	if err != nil {
		t.Fatal(err)
	}
	defer wrong.Close()
	if _, err := ValueFromPolicy(wrong, 1); err == nil || !strings.Contains(err.Error(), "is no policy network") {
		t.Errorf("of a value network: %v", err)
	}
}

// The convolutions are the policy's; a point's own bias is that of the point as far from the edges.
func TestAPolicyPlaysOnAnotherBoard(t *testing.T) {
	for _, c := range []struct {
		was, size int
		like      []int // of each coordinate
	}{
		{19, 9, []int{0, 1, 2, 3, 4, 15, 16, 17, 18}},
		{19, 13, []int{0, 1, 2, 3, 4, 5, 6, 13, 14, 15, 16, 17, 18}},
		{7, 11, []int{0, 1, 2, 3, 3, 3, 3, 3, 4, 5, 6}},
		{6, 9, []int{0, 1, 2, 2, 2, 3, 3, 4, 5}},
		{9, 6, []int{0, 1, 2, 6, 7, 8}},
	} {
		t.Run(fmt.Sprintf("from %d to %d", c.was, c.size), func(t *testing.T) {
			r, err := weights.Open(saveRandom(t, zoo.AlphaGoPolicy(zoo.Filters(3), zoo.Depth(3), zoo.Input(48, c.was, c.was), zoo.Classes(c.was*c.was))))
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			other, err := PolicyForBoard(r, c.size)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"conv1.weight", "conv1.bias", "conv2.weight", "conv3.weight"} {
				_, now := readTensor(t, other, name)
				if _, was := readTensor(t, r, name); !slices.Equal(now, was) {
					t.Errorf("%s is another", name)
				}
			}
			_, was := readTensor(t, r, "bias")
			_, now := readTensor(t, other, "bias")
			for x := range c.size {
				for y := range c.size {
					if got, want := now[x*c.size+y], was[c.like[x]*c.was+c.like[y]]; got != want {
						t.Fatalf("the bias of %d, %d is %v, that of %d, %d is %v", x, y, got, c.like[x], c.like[y], want)
					}
				}
			}
			p, err := LoadPolicyFrom(other, 1)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			b, err := baduk.NewBoard(c.size, baduk.Rules{})
			if err != nil {
				t.Fatal(err)
			}
			list, err := p.Probabilities([]*baduk.Board{b}, 1)
			if err != nil || len(list[0]) != c.size*c.size {
				t.Fatalf("%d probabilities, %v", len(list[0]), err)
			}
		})
	}
	r, err := weights.Open(saveRandom(t, zoo.AlphaGoPolicy(zoo.Filters(2), zoo.Depth(2))))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if same, err := PolicyForBoard(r, 19); same != r || err != nil {
		t.Errorf("for its own board: %v", err)
	}
	if _, err := PolicyForBoard(r, 26); err == nil || !strings.Contains(err.Error(), "26") {
		t.Errorf("for 26×26: %v", err)
	}
	v, err := weights.Open(saveRandom(t, zoo.AlphaGoValue(zoo.Filters(2), zoo.Depth(2))))
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if _, err := PolicyForBoard(v, 9); err == nil || !strings.Contains(err.Error(), "alphago-value is no policy network") {
		t.Errorf("of a value network: %v", err)
	}
}
