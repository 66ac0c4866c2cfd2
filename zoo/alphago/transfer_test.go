package alphago

import (
	"math"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// The convolutions are the policy's, and the plane that it lacks counts for nothing; so the new network cannot tell
// who is to play, until it has learned to.
func TestAValueNetworkBeginsAsThePolicy(t *testing.T) {
	path := saveRandom(t, zoo.AlphaGoPolicy(zoo.Filters(3), zoo.Depth(3), zoo.Input(48, 9, 9), zoo.Classes(81)))
	r, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	read := func(r *weights.Reader, name string) ([]int, []float32) {
		t.Helper()
		shape, ok := r.Shape(name)
		if !ok {
			t.Fatalf("no %s", name)
		}
		n := 1
		for _, d := range shape {
			n *= d
		}
		data := make([]float32, n)
		if err := r.ReadTensor(name, data); err != nil {
			t.Fatal(err)
		}
		return shape, data
	}
	v, err := ValueFromPolicy(r, 1)
	if err != nil {
		t.Fatal(err)
	}
	shape, first := read(v, "conv1.weight")
	_, from := read(r, "conv1.weight")
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
	_, second := read(v, "conv2.weight")
	_, secondFrom := read(r, "conv2.weight")
	_, bias := read(v, "conv2.bias")
	_, biasFrom := read(r, "conv2.bias")
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
	_, fresh := read(v, "fc1.weight")
	if _, again := read(other, "fc1.weight"); again[0] == fresh[0] {
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
