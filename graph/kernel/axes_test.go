package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// offset is where element i of a row-major tensor lies in one of another shape, whose sides of 1 are repeated.
func offset(i int, shape, of []int) int {
	at, stride := 0, 1
	for a := len(shape) - 1; a >= 0; a-- {
		if of[a] != 1 {
			at += i % shape[a] * stride
		}
		i /= shape[a]
		stride *= of[a]
	}
	return at
}

func volumeOf(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

func randomFloats(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = 0.5 + r.Float32()
	}
	return x
}

func TestBroadcastMatchesStraightLoops(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	want := map[Operator]func(x, y float64) float64{
		Plus: func(x, y float64) float64 { return x + y }, Minus: func(x, y float64) float64 { return x - y },
		Times: func(x, y float64) float64 { return x * y }, Over: func(x, y float64) float64 { return x / y },
		Power: math.Pow, Most: math.Max, Least: math.Min,
		Less:           func(x, y float64) float64 { return oneIf(x < y) },
		Greater:        func(x, y float64) float64 { return oneIf(x > y) },
		LessOrEqual:    func(x, y float64) float64 { return oneIf(x <= y) },
		GreaterOrEqual: func(x, y float64) float64 { return oneIf(x >= y) },
		Equal:          func(x, y float64) float64 { return oneIf(x == y) },
		NotEqual:       func(x, y float64) float64 { return oneIf(x != y) },
	}
	pool := NewPool(3)
	defer pool.Close()
	for _, shapes := range [][2][]int{
		{{}, {}}, {{7}, {7}}, {{7}, {1}}, {{1}, {7}}, {{3, 5}, {1, 5}}, {{3, 1}, {3, 5}}, {{3, 1}, {1, 5}}, {{2, 3, 4}, {2, 1, 4}},
		{{2, 1, 4, 1}, {1, 3, 1, 5}}, {{1, 3, 1, 1}, {2, 3, 4, 5}}, {{300, 400}, {1, 400}}, {{300, 400}, {300, 1}},
	} {
		out, err := BroadcastShape(shapes[0], shapes[1])
		if err != nil {
			t.Fatal(err)
		}
		x, y, z := randomFloats(r, volumeOf(shapes[0])), randomFloats(r, volumeOf(shapes[1])), make([]float32, volumeOf(out))
		if len(x) > 2 && len(y) > 2 {
			y[2] = x[2]
		}
		for op := range operators {
			plan, err := NewBroadcast(op, shapes[0], shapes[1])
			if err != nil {
				t.Fatal(err)
			}
			plan.Run(pool, x, y, z)
			for i, got := range z {
				w := want[op](float64(x[offset(i, out, shapes[0])]), float64(y[offset(i, out, shapes[1])]))
				if math.Abs(float64(got)-w) > 1e-6*math.Abs(w) {
					t.Fatalf("%v of %v and %v: element %d is %v, want %v", op, shapes[0], shapes[1], i, got, w)
				}
			}
		}
	}
	for _, shapes := range [][2][]int{{{2}, {3}}, {{2, 3}, {3}}, {{2, 3}, {2, 2}}} {
		if _, err := NewBroadcast(Plus, shapes[0], shapes[1]); err == nil {
			t.Errorf("%v and %v go together", shapes[0], shapes[1])
		}
	}
}

func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func TestReduceMatchesStraightLoops(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	pool := NewPool(3)
	defer pool.Close()
	for _, shape := range [][]int{{1}, {7}, {3, 5}, {2, 3, 4}, {2, 3, 1, 5}, {4, 70, 3, 2}, {130, 200}} {
		for mask := range 1 << len(shape) {
			var axes []int
			to := slices.Clone(shape)
			for a := range shape {
				if mask>>a&1 == 1 {
					axes, to[a] = append(axes, a), 1
				}
			}
			x := randomFloats(r, volumeOf(shape))
			want := map[Reduction][]float64{}
			for _, how := range []Reduction{MeanOf, SumOf, MaxOf, MinOf} {
				w := make([]float64, volumeOf(to))
				for i := range w {
					w[i] = map[Reduction]float64{MaxOf: math.Inf(-1), MinOf: math.Inf(1)}[how]
				}
				for i, v := range x {
					at := offset(i, shape, to)
					switch how {
					case MeanOf:
						w[at] += float64(v) * float64(len(w)) / float64(len(x))
					case SumOf:
						w[at] += float64(v)
					case MaxOf:
						w[at] = max(w[at], float64(v))
					case MinOf:
						w[at] = min(w[at], float64(v))
					}
				}
				want[how] = w
				y := make([]float32, len(w))
				NewReduce(how, shape, axes).Run(pool, x, y)
				for i, got := range y {
					if math.Abs(float64(got)-w[i]) > 1e-6*math.Abs(w[i]) {
						t.Fatalf("%v of %v over %v: element %d is %v, want %v", how, shape, axes, i, got, w[i])
					}
				}
			}
		}
	}
	y := []float32{0}
	NewReduce(MaxOf, []int{3}, []int{0}).Run(pool, []float32{1, float32(math.NaN()), 2}, y)
	if y[0] == y[0] {
		t.Errorf("the maximum of NaN and numbers is %v", y[0])
	}
}

func TestStridedGathersWhatItsStridesName(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	pool := NewPool(3)
	defer pool.Close()
	for _, c := range []struct {
		shape, strides []int
		offset, size   int
	}{
		{[]int{4}, []int{0}, 2, 3}, {[]int{3, 4}, []int{1, 3}, 0, 12}, {[]int{2, 3, 4}, []int{12, 0, 1}, 0, 24},
		{[]int{3, 1, 2}, []int{4, 9, 1}, 1, 12}, {[]int{1}, []int{5}, 3, 4}, {[]int{200, 300}, []int{1, 200}, 0, 60000},
	} {
		x, y := randomFloats(r, c.size), make([]float32, volumeOf(c.shape))
		NewStrided(c.shape, c.strides, c.offset).Gather(pool, x, y)
		for i, got := range y {
			at, rest := c.offset, i
			for a := len(c.shape) - 1; a >= 0; a-- {
				at += rest % c.shape[a] * c.strides[a]
				rest /= c.shape[a]
			}
			if got != x[at] {
				t.Fatalf("%v at %v: element %d is %v, want %v", c.shape, c.strides, i, got, x[at])
			}
		}
	}
}

func TestLogSoftmaxMatchesStraightLoops(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	pool := NewPool(3)
	defer pool.Close()
	for _, f := range Families() {
		before := CurrentFamily()
		if err := SetFamily(f); err != nil {
			t.Fatal(err)
		}
		for _, size := range [][2]int{{1, 1}, {3, 5}, {40, 17}, {300, 100}} {
			t.Run(fmt.Sprint(f, size), func(t *testing.T) {
				n, c := size[0], size[1]
				x, dy := randomFloats(r, n*c), randomFloats(r, n*c)
				for i := range x {
					x[i] = 200 * (x[i] - 1) // exponentials that overflow
				}
				y, dx := make([]float32, n*c), make([]float32, n*c)
				LogSoftmax(pool, n, c, x, y)
				LogSoftmaxGrad(pool, n, c, y, dy, dx)
				for row := range n {
					top, sum, mass := math.Inf(-1), 0.0, 0.0
					for i := range c {
						top = max(top, float64(x[row*c+i]))
						mass += float64(dy[row*c+i])
					}
					for i := range c {
						sum += math.Exp(float64(x[row*c+i]) - top)
					}
					for i := row * c; i < (row+1)*c; i++ {
						want := float64(x[i]) - top - math.Log(sum)
						grad := float64(dy[i]) - math.Exp(want)*mass
						if math.Abs(float64(y[i])-want) > 1e-5*max(1, math.Abs(want)) || math.Abs(float64(dx[i])-grad) > 1e-4*max(1, math.Abs(grad)) {
							t.Fatalf("row %d: %v and gradient %v, want %v and %v", row, y[i], dx[i], want, grad)
						}
					}
				}
			})
		}
		if err := SetFamily(before); err != nil {
			t.Fatal(err)
		}
	}
}
