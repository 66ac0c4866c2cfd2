package conv

import (
	"fmt"
	"math"
	"testing"
)

// The doc comment of type winograd states this precision.
func TestWinogradErrorOnNormalData(t *testing.T) {
	cases := []struct {
		a         *algorithm
		s         Shape
		tolerance float64
	}{
		{&minimal, squareConv(1, 64, 12, 16, 3, 1, 1), 1e-6},
		{&minimal, squareConv(1, 512, 12, 16, 3, 1, 1), 2e-6},
		{&smallTiles, squareConv(1, 64, 12, 16, 3, 1, 1), 4e-7},
		{&smallTiles, squareConv(1, 512, 12, 16, 3, 1, 1), 7e-7},
		{&fiveTaps, squareConv(1, 64, 8, 16, 5, 1, 2), 1.2e-6},
		{&fiveTaps, squareConv(1, 256, 8, 16, 5, 1, 2), 2e-6},
	}
	data := make([]*convData, len(cases))
	for i, k := range cases {
		data[i] = newConvData(k.s, false)
	}
	convFamilies(t, func(t *testing.T) {
		p := convPool(t, 2)
		for i, k := range cases {
			c, err := newPlan(k.s, options{plain: false, training: false}, k.a)
			if err != nil {
				t.Fatal(err)
			}
			d := data[i]
			got := d.forward(t, p, c, false, false, none)
			convNear(t, fmt.Sprintf("%s, %d channels", k.a.name, k.s.C), got, d.ref.y, k.tolerance)
			if k.a == &minimal {
				dw, _ := d.filterGrad(t, p, c, false)
				convNear(t, fmt.Sprintf("filter gradient, %d channels", k.s.C), dw, d.ref.dw, 1e-6)
			}
		}
	})
}

func TestWinogradScalesExactlyByPowersOfTwo(t *testing.T) {
	// Nothing overflows or vanishes on the way: large pixels with small filters, and the other way
	// round, give the very same bits.
	s := squareConv(1, 20, 9, 17, 3, 1, 1)
	convFamilies(t, func(t *testing.T) {
		p := convPool(t, 1)
		c, err := newPlan(s, options{plain: false, training: false}, &minimal)
		if err != nil {
			t.Fatal(err)
		}
		small, err := newPlan(s, options{plain: false, training: false}, &smallTiles)
		if err != nil {
			t.Fatal(err)
		}
		// Of the two factors of each product one is scaled by a, the other by 1/a.
		run := func(a float64) [4][]float32 {
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
			y := d.forward(t, p, c, false, false, none)
			dw, _ := d.filterGrad(t, p, c, false)
			return [4][]float32{y, scaled(1, 1/a, a).dataGrad(t, p, c, false), dw, d.forward(t, p, small, false, false, none)}
		}
		want := run(1)
		for _, k := range []int{-90, -40, 40, 90} {
			got := run(math.Ldexp(1, k))
			for i, what := range []string{"forward", "data gradient", "filter gradient", "forward by small tiles"} {
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
					c, err := newPlan(s, options{plain: false, training: plan.training}, plan.a)
					if err != nil {
						t.Fatal(err)
					}
					d := newConvData(s, false)
					scale(d.x, k.x)
					scale(d.w, k.w)
					scale(d.dy, k.dy)
					d.ref = newConvReference(s, d.x, d.w, d.dy)
					d.forward(t, p, c, false, false, none)
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
		s               Shape
		plain, training bool
		want            *algorithm
	}{
		{"3×3 with stride 1 takes minimal filtering", squareConv(1, 64, 56, 64, 3, 1, 1), false, false, &minimal},
		{"so do groups of whole blocks", Shape{N: 1, C: 384, H: 13, W: 13, F: 384, KH: 3, KW: 3, PadT: 1, PadB: 1, PadL: 1, PadR: 1, Groups: 2}, false, false, &minimal},
		{"few pixels and many filters take small tiles", squareConv(1, 512, 7, 512, 3, 1, 1), false, false, &smallTiles},
		{"but sum directly in training", squareConv(1, 512, 7, 512, 3, 1, 1), false, true, &direct},
		{"a batch of them does not", squareConv(8, 512, 7, 512, 3, 1, 1), false, false, &minimal},
		{"nor in training", squareConv(8, 512, 7, 512, 3, 1, 1), false, true, &minimal},
		{"a single pixel sums directly", squareConv(1, 512, 1, 512, 3, 1, 1), false, false, &direct},
		{"few channels do, too", squareConv(8, 4, 32, 4, 3, 1, 1), false, false, &direct},
		{"so does stride 2", squareConv(1, 64, 56, 64, 3, 2, 1), false, false, &direct},
		{"and 7×7", squareConv(1, 64, 56, 64, 7, 1, 3), false, false, &direct},
		{"5×5 takes tiles of its own", squareConv(1, 64, 27, 192, 5, 1, 2), false, false, &fiveTaps},
		{"in training too", squareConv(1, 64, 27, 192, 5, 1, 2), false, true, &fiveTaps},
		{"and groups that share blocks", Shape{N: 1, C: 96, H: 56, W: 56, F: 96, KH: 3, KW: 3, PadT: 1, PadB: 1, PadL: 1, PadR: 1, Groups: 12}, false, false, nil},
		{"and plain input", squareConv(1, 64, 56, 64, 3, 1, 1), true, false, nil},
	} {
		t.Run(k.name, func(t *testing.T) {
			c, err := New(convDefaults(k.s), k.plain, k.training)
			if err != nil {
				t.Fatal(err)
			}
			if k.want == nil { // any but minimal filtering
				if plannedBy(c, &minimal) || plannedBy(c, &smallTiles) {
					t.Error("minimal filtering")
				}
				return
			}
			if !plannedBy(c, k.want) {
				t.Errorf("not %s", k.want.name)
			}
		})
	}
}
