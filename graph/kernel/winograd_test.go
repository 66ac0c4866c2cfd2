package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

func TestWinogradTransformsAgreeWithTheirTwins(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	const most = 5
	const rowPixels = 4*most + 3
	pitch := oddLines(most)
	vectors := convNormals(rng, 36*pitch)
	pixels := convNormals(rng, 6*rowPixels*Block)
	residual := convNormals(rng, 4*rowPixels*Block)
	filters := convNormals(rng, most*9*Block)
	bias := convNormals(rng, Block)
	row := rowPixels * Block * 4
	transforms := []struct {
		name   string
		floats int
		run    func(n int, to []float32)
	}{
		{"input", 36 * pitch, func(n int, to []float32) { winogradInput(n, &pixels[0], row, &to[0], pitch*4) }},
		{"output", 4 * rowPixels * Block, func(n int, to []float32) {
			winogradOutput(n, &vectors[0], pitch*4, &to[0], row, nil, &bias[0], &infinites[0])
		}},
		{"output with residual and ReLU", 4 * rowPixels * Block, func(n int, to []float32) {
			winogradOutput(n, &vectors[0], pitch*4, &to[0], row, &residual[0], &bias[0], &zeros[0])
		}},
		{"filter", 36 * pitch, func(n int, to []float32) { winogradFilter(n, &filters[0], &to[0], pitch*4) }},
		{"gradient of the output", 36 * pitch, func(n int, to []float32) { winogradOutputGrad(n, &pixels[0], row, &to[0], pitch*4) }},
		{"gradient of the filter", 9 * most * Block, func(n int, to []float32) { winogradFilterGrad(n, &vectors[0], pitch*4, &to[0]) }},
	}
	convFamilies(t, func(t *testing.T) {
		f := CurrentFamily()
		for _, k := range transforms {
			for n := 1; n <= most; n++ {
				t.Run(fmt.Sprintf("%s of %d tiles", k.name, n), func(t *testing.T) {
					got, want := newConvGuard(k.floats), newConvGuard(k.floats)
					setFamily(t, Portable)
					k.run(n, want.data)
					setFamily(t, f)
					k.run(n, got.data)
					got.check(t, k.name)
					expected := make([]float64, 0, k.floats)
					var result []float32
					for i, v := range want.data {
						// What the twin leaves alone, the assembly must.
						if untouched := math.Float32bits(v) == math.Float32bits(convCanary); untouched {
							if math.Float32bits(got.data[i]) != math.Float32bits(v) {
								t.Fatalf("wrote at %d of %d", i, k.floats)
							}
							continue
						}
						expected, result = append(expected, float64(v)), append(result, got.data[i])
					}
					if len(expected) == 0 {
						t.Fatal("nothing was written")
					}
					convNear(t, k.name, result, expected, 3e-7)
				})
			}
		}
	})
}

// The doc comment of type winograd states this precision.
func TestWinogradErrorOnNormalData(t *testing.T) {
	convFamilies(t, func(t *testing.T) {
		p := convPool(t, 2)
		for _, k := range []struct {
			channels  int
			tolerance float64
		}{{64, 1e-6}, {512, 2e-6}} {
			s := squareConv(1, k.channels, 12, 16, 3, 1, 1)
			d := newConvData(s, false)
			c, err := newConv(s, false, false, minimal)
			if err != nil {
				t.Fatal(err)
			}
			got := d.forward(t, p, c, false, false, false)
			convNear(t, fmt.Sprintf("%d channels", k.channels), got, d.ref.y, k.tolerance)
			dw, _ := d.filterGrad(t, p, c, false)
			convNear(t, fmt.Sprintf("filter gradient, %d channels", k.channels), dw, d.ref.dw, 1e-6)
		}
	})
}

func TestWinogradScalesExactlyByPowersOfTwo(t *testing.T) {
	// Nothing overflows or vanishes on the way: large pixels with small filters, and the other way
	// round, give the very same bits.
	s := squareConv(1, 20, 9, 17, 3, 1, 1)
	convFamilies(t, func(t *testing.T) {
		p := convPool(t, 1)
		c, err := newConv(s, false, false, minimal)
		if err != nil {
			t.Fatal(err)
		}
		// Of the two factors of each product one is scaled by a, the other by 1/a.
		run := func(a float64) [3][]float32 {
			scaled := func(x, w, dy float64) *convData {
				d := newConvData(s, false)
				for _, k := range []struct {
					data  []float32
					scale float64
				}{{d.x, x}, {d.w, w}, {d.dy, dy}} {
					for i := range k.data {
						k.data[i] *= float32(k.scale)
					}
				}
				d.ref = newConvReference(s, d.x, d.w, d.dy)
				return d
			}
			d := scaled(a, 1/a, 1/a)
			y := d.forward(t, p, c, false, false, false)
			dw, _ := d.filterGrad(t, p, c, false)
			return [3][]float32{y, scaled(1, 1/a, a).dataGrad(t, p, c, false), dw}
		}
		want := run(1)
		for _, k := range []int{-90, -40, 40, 90} {
			got := run(math.Ldexp(1, k))
			for i, what := range []string{"forward", "data gradient", "filter gradient"} {
				for j, v := range got[i] {
					if math.Float32bits(v) != math.Float32bits(want[i][j]) {
						t.Fatalf("%s, scaled by 2^%d and back: %g at %d, want %g", what, k, v, j, want[i][j])
					}
				}
			}
		}
	})
}

func TestConvolutionsOfTinyAndOfHugeNumbers(t *testing.T) {
	// Denormal numbers are not flushed to zero, and results below the largest number are reached without an
	// infinity on the way: within 1e-5 of the reference in norm, like any other.
	s := squareConv(1, 20, 9, 17, 3, 1, 1)
	for _, k := range []struct {
		name     string
		x, w, dy int // powers of two
	}{
		{"denormal results", -65, -66, -65},
		{"denormal pixels", -130, 20, 16},
		{"huge pixels", 115, 0, 0},
		{"huge filters", 0, 115, 0},
	} {
		t.Run(k.name, func(t *testing.T) {
			convFamilies(t, func(t *testing.T) {
				p := convPool(t, 1)
				for _, plan := range convPlans {
					c, err := newConv(s, false, plan.training, plan.a)
					if err != nil {
						t.Fatal(err)
					}
					d := newConvData(s, false)
					scale(d.x, k.x)
					scale(d.w, k.w)
					scale(d.dy, k.dy)
					d.ref = newConvReference(s, d.x, d.w, d.dy)
					d.forward(t, p, c, false, false, false)
					d.dataGrad(t, p, c, false)
					d.filterGrad(t, p, c, false)
				}
			})
		})
	}
}

// scale multiplies by a power of two.
func scale(x []float32, power int) {
	for i, v := range x {
		x[i] = float32(math.Ldexp(float64(v), power))
	}
}

func TestAlgorithmIsChosenByShape(t *testing.T) {
	for _, k := range []struct {
		name            string
		s               ConvShape
		plain, training bool
		want            bool
	}{
		{"3×3 with stride 1 takes minimal filtering", squareConv(1, 64, 56, 64, 3, 1, 1), false, false, true},
		{"so do groups of whole blocks", ConvShape{N: 1, C: 384, H: 13, W: 13, F: 384, KH: 3, KW: 3, PadT: 1, PadB: 1, PadL: 1, PadR: 1, Groups: 2}, false, false, true},
		{"few pixels and many filters do not", squareConv(1, 512, 7, 512, 3, 1, 1), false, false, false},
		{"nor do they in training", squareConv(1, 512, 7, 512, 3, 1, 1), false, true, false},
		{"but a batch of them does, in training", squareConv(8, 512, 7, 512, 3, 1, 1), false, true, true},
		{"few channels do not", squareConv(8, 4, 32, 4, 3, 1, 1), false, false, false},
		{"nor does plain input", squareConv(1, 64, 56, 64, 3, 1, 1), true, false, false},
		{"nor does stride 2", squareConv(1, 64, 56, 64, 3, 2, 1), false, false, false},
		{"nor does 5×5", squareConv(1, 64, 56, 64, 5, 1, 1), false, false, false},
		{"nor do groups that share blocks", ConvShape{N: 1, C: 96, H: 56, W: 56, F: 96, KH: 3, KW: 3, PadT: 1, PadB: 1, PadL: 1, PadR: 1, Groups: 12}, false, false, false},
	} {
		t.Run(k.name, func(t *testing.T) {
			c, err := NewConv(convDefaults(k.s), k.plain, k.training)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.winograd != nil; got != k.want {
				t.Errorf("minimal filtering: %v, want %v", got, k.want)
			}
		})
	}
}
