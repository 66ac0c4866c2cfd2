package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

func TestChannelMeansAndAffine(t *testing.T) {
	for _, shape := range [][4]int{{1, 1, 1, 1}, {3, 5, 4, 7}, {2, 16, 3, 3}, {2, 37, 5, 2}} {
		t.Run(fmt.Sprint(shape), func(t *testing.T) {
			n, c, h, w := shape[0], shape[1], shape[2], shape[3]
			r := rand.New(rand.NewPCG(1, 2))
			draw := func() ([]float32, Act) {
				plain := make([]float32, n*c*h*w)
				for i := range plain {
					plain[i] = float32(r.NormFloat64()) + 3
				}
				a := NewAct(make([]float32, BlockedLen(n, c, h, w)), n, c, h, w)
				for i, v := range plain {
					*lane(&a, i) = v
				}
				return plain, a
			}
			plain, x := draw()
			also, add := draw()
			var before []float32
			for _, threads := range []int{1, 2, 3} {
				p := testPool(t, threads)
				mean, variance := make([]float32, c), make([]float32, c)
				ChannelMeans(p, x, nil, mean)
				ChannelMeans(p, x, mean, variance)
				for k := range c {
					m, v := 0.0, 0.0
					for i := range n * h * w {
						m += float64(plain[(i/(h*w)*c+k)*h*w+i%(h*w)])
					}
					m /= float64(n * h * w)
					for i := range n * h * w {
						d := float64(plain[(i/(h*w)*c+k)*h*w+i%(h*w)]) - m
						v += d * d
					}
					v /= float64(n * h * w)
					if math.Abs(float64(mean[k])-m) > 1e-6*math.Abs(m) || math.Abs(float64(variance[k])-v) > 1e-5*v+1e-9 {
						t.Errorf("channel %d: mean %g, variance %g, should be %g, %g", k, mean[k], variance[k], m, v)
					}
				}
				scale, shift := make([]float32, c), make([]float32, c)
				for k := range scale {
					scale[k], shift[k] = float32(k)-1.5, 0.25*float32(k)-3
				}
				y := NewAct(make([]float32, len(x.Data)), n, c, h, w)
				for i := range y.Data {
					y.Data[i] = float32(math.NaN()) // lanes beyond the last channel must become zeros
				}
				ChannelAffineAdd(p, x, scale, shift, &add, y, Activation{Kind: ReLUKind})
				seen := 0.0
				for i, v := range plain {
					k := i / (h * w) % c
					want := max(float64(v)*float64(scale[k])+float64(shift[k])+float64(also[i]), 0)
					seen += want
					if got := float64(*lane(&y, i)); math.Abs(got-want) > 1e-5*(1+math.Abs(want)) {
						t.Fatalf("element %d is %g, should be %g", i, got, want)
					}
				}
				sum := 0.0
				for _, v := range y.Data {
					sum += float64(v)
				}
				if math.IsNaN(sum) || math.Abs(sum-seen) > 1e-4*(1+seen) {
					t.Errorf("all lanes add up to %g, the channels to %g", sum, seen)
				}
				if all := append(append(append([]float32(nil), mean...), variance...), y.Data...); before == nil {
					before = all
				} else {
					for i := range all {
						if all[i] != before[i] {
							t.Fatalf("%d threads give other bits", threads)
						}
					}
				}
			}
		})
	}
}

// lane is element i of a batch, counted row-major.
func lane(a *Act, i int) *float32 {
	size := a.H * a.W
	n, c, at := i/size/a.C, i/size%a.C, i%size
	return &a.Data[n*a.Stride+(c/Block*size+at)*Block+c%Block]
}
