package image

import (
	"image"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// The numbers are worked out by hand from libjpeg's jdsample.c: three parts of the near sample and one of the far,
// rounded up and down in turns.
func TestSamplesBetweenAreRoundedInTurns(t *testing.T) {
	wide := make([]uint8, 6)
	Wider(wide, []uint8{10, 20, 40})
	if want := []uint8{10, 13, 17, 25, 35, 40}; !slices.Equal(wide, want) {
		t.Errorf("twice as wide: %v: want %v", wide, want)
	}
	upper, lower := make([]uint8, 2), make([]uint8, 2)
	Between(upper, []uint8{10, 22}, []uint8{20, 41}, 1)
	Between(lower, []uint8{10, 22}, []uint8{20, 41}, 2)
	if want := []uint8{12, 27}; !slices.Equal(upper, want) {
		t.Errorf("above: %v: want %v", upper, want)
	}
	if want := []uint8{13, 27}; !slices.Equal(lower, want) {
		t.Errorf("below: %v: want %v", lower, want)
	}
	both := make([]uint8, 4)
	WiderBetween(both, []uint8{10, 20}, []uint8{30, 50})
	if want := []uint8{15, 18, 24, 27}; !slices.Equal(both, want) {
		t.Errorf("both: %v: want %v", both, want)
	}
}

func TestColoursAreSpreadDownwardsInFourFourNought(t *testing.T) {
	m := image.NewYCbCr(image.Rect(0, 0, 1, 4), image.YCbCrSubsampleRatio440)
	copy(m.Y, []uint8{100, 100, 100, 100})
	copy(m.Cb, []uint8{102, 160})
	copy(m.Cr, []uint8{128, 128})
	var got Image
	if err := got.From(m); err != nil {
		t.Fatal(err)
	}
	// Cb becomes 102, 117, 145, 160.
	if want := []uint8{100, 100, 100, 100, 109, 104, 94, 89, 54, 81, 130, 157}; !slices.Equal(got.Pix, want) {
		t.Errorf("%v: want %v", got.Pix, want)
	}
	copy(m.Cb, []uint8{128, 128})
	copy(m.Cr, []uint8{102, 160})
	if err := got.From(m); err != nil {
		t.Fatal(err)
	}
	// Red by 1.402, green by -0.714136 times what Cr is from 128.
	if want := []uint8{64, 85, 124, 145, 119, 108, 88, 77, 100, 100, 100, 100}; !slices.Equal(got.Pix, want) {
		t.Errorf("%v: want %v", got.Pix, want)
	}
}

// Pictures of uneven colours, of odd and even sides and with room at the end of each row, against libjpeg's rule one pixel after
// the other: a sample between has three parts of the near one and one of the far in each direction that has fewer.
func TestColoursOfEverySubsamplingAreThoseOfStraightLoops(t *testing.T) {
	rnd := rand.New(rand.NewPCG(4, 4))
	for ratio, fewer := range map[image.YCbCrSubsampleRatio][2]bool{ // across, down
		image.YCbCrSubsampleRatio444: {false, false},
		image.YCbCrSubsampleRatio422: {true, false},
		image.YCbCrSubsampleRatio440: {false, true},
		image.YCbCrSubsampleRatio420: {true, true},
	} {
		for _, side := range [][2]int{{7, 5}, {6, 8}, {1, 9}, {9, 1}} {
			w, h := side[0], side[1]
			m := image.NewYCbCr(image.Rect(0, 0, w+5, h+3), ratio).SubImage(image.Rect(0, 0, w, h)).(*image.YCbCr)
			for _, plane := range [][]uint8{m.Y, m.Cb, m.Cr} {
				for i := range plane {
					plane[i] = uint8(rnd.IntN(256))
				}
			}
			// Where a pixel's colours are read from: nearest and next of n samples.
			places := func(i, n int, fewer bool) (near, far int) {
				switch {
				case !fewer:
					return i, i
				case i%2 == 0:
					return i / 2, max(i/2-1, 0)
				}
				return i / 2, min(i/2+1, (n+1)/2-1)
			}
			sample := func(c []uint8, x, y int) float64 {
				nearX, farX := places(x, w, fewer[0])
				nearY, farY := places(y, h, fewer[1])
				at := func(x, y int) float64 { return float64(c[y*m.CStride+x]) }
				return (9*at(nearX, nearY) + 3*at(nearX, farY) + 3*at(farX, nearY) + at(farX, farY)) / 16
			}
			var got Image
			if err := got.From(m); err != nil {
				t.Fatal(err)
			}
			for y := range h {
				for x := range w {
					l, b, r := float64(m.Y[y*m.YStride+x]), sample(m.Cb, x, y)-128, sample(m.Cr, x, y)-128
					for c, want := range []float64{l + 1.402*r, l - 0.344136*b - 0.714136*r, l + 1.772*b} {
						// Colours are rounded before they are multiplied, and then again.
						if v := float64(got.Plane(c)[y*w+x]); math.Abs(v-min(max(want, 0), 255)) > 2 {
							t.Errorf("%v, %d×%d: channel %d at %d, %d is %g, should be %.1f", ratio, w, h, c, x, y, v, want)
						}
					}
				}
			}
		}
	}
}

func TestTurnFollowsEveryOrientation(t *testing.T) {
	src := &Image{Shape{1, 2, 3}, []uint8{1, 2, 3, 4, 5, 6}}
	for o, want := range map[int]*Image{
		2: {Shape{1, 2, 3}, []uint8{3, 2, 1, 6, 5, 4}},
		3: {Shape{1, 2, 3}, []uint8{6, 5, 4, 3, 2, 1}},
		4: {Shape{1, 2, 3}, []uint8{4, 5, 6, 1, 2, 3}},
		5: {Shape{1, 3, 2}, []uint8{1, 4, 2, 5, 3, 6}},
		6: {Shape{1, 3, 2}, []uint8{4, 1, 5, 2, 6, 3}},
		7: {Shape{1, 3, 2}, []uint8{6, 3, 5, 2, 4, 1}},
		8: {Shape{1, 3, 2}, []uint8{3, 6, 2, 5, 1, 4}},
	} {
		var got Image
		if got.Turn(src, o); got.Shape != want.Shape || !slices.Equal(got.Pix, want.Pix) {
			t.Errorf("orientation %d: %v %v: want %v %v", o, got.Shape, got.Pix, want.Shape, want.Pix)
		}
	}
}

func TestInksLeaveWhatBlackDoes(t *testing.T) {
	r, g, b := []uint8{0, 255, 51}, []uint8{51, 0, 102}, []uint8{255, 51, 204}
	CMYK(r, g, b, []uint8{255, 102, 200}) // no black, three fifths, a little
	// white · (1 - ink)
	if want := [3][]uint8{{255, 0, 160}, {204, 102, 120}, {0, 82, 40}}; !slices.Equal(r, want[0]) || !slices.Equal(g, want[1]) || !slices.Equal(b, want[2]) {
		t.Errorf("%v %v %v: want %v", r, g, b, want)
	}
}
