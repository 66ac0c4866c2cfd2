package train

import (
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"math"
	"testing"
)

func TestRank(t *testing.T) {
	nan := float32(math.NaN())
	inf := float32(math.Inf(1))
	for name, c := range map[string]struct {
		out   []float32
		label int
		want  int
	}{
		"the highest output is first":            {[]float32{1, 3, 2}, 1, 0},
		"each higher output counts":              {[]float32{1, 3, 2}, 0, 2},
		"of equal outputs the lower class wins":  {[]float32{2, 2, 2}, 0, 0},
		"of equal outputs the higher one loses":  {[]float32{2, 2, 2}, 2, 2},
		"a right output of NaN is wrong":         {[]float32{nan, nan, nan}, 0, 2},
		"another output of NaN does not compete": {[]float32{nan, 1, 0}, 1, 0},
		"infinity is higher than all":            {[]float32{inf, 1e30, 0}, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			if got := rank(c.out, c.label); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

func TestTallyCountsTop1AndTop5(t *testing.T) {
	var s tally
	s.count([]float32{
		7, 6, 5, 4, 3, 2, 1,
		7, 6, 5, 4, 3, 2, 1,
		7, 6, 5, 4, 3, 2, 1,
	}, []float32{0, 4, 5}, 7)
	s.Loss = 6
	m := s.metrics()
	if m.Images != 3 || m.Top1 != 2./3 || m.Top5 != report.Some(1./3) || m.Loss != 2 {
		t.Errorf("got %+v", m)
	}
}

func TestCrossEntropyDoesNotOverflow(t *testing.T) {
	for _, c := range []struct {
		out   []float32
		label int
		want  float64
	}{
		{[]float32{0, 0}, 0, math.Ln2},
		{[]float32{1e30, 0}, 0, 0},
		{[]float32{1e4, 0}, 1, 1e4},
		{[]float32{-3e38, -3e38, -3e38}, 2, math.Log(3)},
	} {
		if got := crossEntropy(c.out, c.label); math.Abs(got-c.want) > 1e-9*math.Max(1, c.want) {
			t.Errorf("%v, class %d: %v, want %v", c.out, c.label, got, c.want)
		}
	}
}

func TestSoftmaxAddsProbabilities(t *testing.T) {
	p := []float64{1, 0, 0}
	softmax([]float32{1e30, 0, 0}, p)
	softmax([]float32{0, 0, 0}, p)
	for c, want := range []float64{2 + 1./3, 1. / 3, 1. / 3} {
		if math.Abs(p[c]-want) > 1e-12 {
			t.Errorf("class %d: %v, want %v", c, p[c], want)
		}
	}
}

func TestSquaredDistancesAreCounted(t *testing.T) {
	var sum tally
	sum.squared([]float32{0.5, -0.5, 0, -1}, []float32{1, 1, 1, -1})
	sum.squared([]float32{0.25}, []float32{-1})
	if got, want := sum.metrics(), (report.Metrics{Images: 5, Loss: (0.25 + 2.25 + 1 + 0 + 1.5625) / 5, Top1: 3. / 5, Squared: true}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
