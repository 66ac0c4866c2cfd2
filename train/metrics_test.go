package train

import (
	"math"
	"strings"
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
	if m.Images != 3 || m.Top1 != 2./3 || m.Top5 != 1./3 || m.Loss != 2 {
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

func TestSquaredDistancesAreToldAsSuch(t *testing.T) {
	var sum tally
	sum.squared([]float32{0.5, -0.5, 0, -1}, []float32{1, 1, 1, -1})
	sum.squared([]float32{0.25}, []float32{-1})
	m := sum.metrics()
	if want := (Metrics{Images: 5, Loss: (0.25 + 2.25 + 1 + 0 + 1.5625) / 5, Top1: 3. / 5, Squared: true}); m != want {
		t.Errorf("got %+v, want %+v", m, want)
	}
	if got, want := m.Result(), "MSE 1.0125, sign right 40.00 %"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if nearer := (Metrics{Images: 5, Loss: 1, Top1: 1, Squared: true}); !nearer.better(m) || m.better(nearer) {
		t.Error("what is nearer is not the better result")
	}
	row := Epoch{Epoch: 1, Step: 2, LR: 0.5, Train: m, Test: m, Rate: 3, Seconds: 4}
	if got, want := table([]Epoch{row}), "epoch,step,lr,train_mse,train_sign_right,test_mse,test_sign_right,images_per_second,seconds\n1,2,0.5,1.0125,0.4,1.0125,0.4,3,4\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	l := Lines{digits: 1}
	if got, want := l.row(row, 0), "epoch 1: train MSE 1.0125, sign right 40.00 %, test MSE 1.0125, sign right 40.00 %, 3 images/s, 4.0s"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTheHistoryAsATable(t *testing.T) {
	rows := []Epoch{
		{Epoch: 1, Step: 157, LR: 0.1, Train: Metrics{Images: 100, Loss: 2.25, Top1: 0.5, Top5: 0.125}, Test: Metrics{Images: 50, Loss: 1.5, Top1: 0.25, Top5: 0.0625}, Seconds: 1.5, Rate: 1000},
		{Epoch: 1.43, Step: 224, LR: 1e-7, Seconds: 2},
	}
	want := `epoch,step,lr,train_loss,train_top1_error,test_loss,top1_error,top5_error,images_per_second,seconds
1,157,0.1,2.25,0.5,1.5,0.25,0.0625,1000,1.5
1.43,224,1e-07,0,0,0,0,0,0,2
`
	if got := table(rows); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if n := strings.Count(table(nil), "\n"); n != 1 {
		t.Errorf("an empty table has %d lines", n)
	}
}
