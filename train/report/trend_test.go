package report

import (
	"bytes"
	"image/png"
	"math"
	"testing"
)

func TestTheTrendIsAPicture(t *testing.T) {
	var points []TrendPoint
	for i, family := range []string{"A 1", "B 2", "B 2", "C 3", "D 4", "E 5", "F 6", "G 7", "H 8", "I 9", "J 10", "K 11", "L 12"} {
		points = append(points, TrendPoint{Family: family, Label: "x", Error: 50 - float64(i), Params: int64(1e6 + i*3e6), MACs: int64(1e8 + i*9e8)})
	}
	var b bytes.Buffer
	if err := WriteTrend(&b, points); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	// The colours of the first and of the last family are drawn, more of them than a legend has.
	count := map[[3]uint32]int{}
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			r, g, b, _ := img.At(x, y).RGBA()
			count[[3]uint32{r >> 8, g >> 8, b >> 8}]++
		}
	}
	for i, c := range colours {
		r, g, b, _ := c.RGBA()
		if n := count[[3]uint32{r >> 8, g >> 8, b >> 8}]; n < 60 {
			t.Errorf("colour %d has %d pixels", i, n)
		}
	}
}

// VGG-16 takes 15.5 thousand million multiply-adds and has 138 million parameters. The axes end beyond the points, those of
// errors at a multiple of five.
func TestTheTrendsAxesCountInTheirUnits(t *testing.T) {
	points := []TrendPoint{
		{Family: "VGG 2014", Label: "16", Error: 28.41, Params: 138_357_544, MACs: 15_470_264_320},
		{Family: "AlexNet 2012", Label: "", Error: 43.45, Params: 61_100_840, MACs: 714_188_480},
	}
	for i, want := range []struct{ size, low, high float64 }{
		{15.47026432, .8 * .71418848, 1.25 * 15.47026432},
		{138.357544, .8 * 61.10084, 1.25 * 138.357544},
	} {
		if got := trendSizes[i].of(points[0]); !alike(got, want.size) {
			t.Errorf("%s: %v, want %v", trendSizes[i].axis, got, want.size)
		}
		p, err := trendPanel(points, []string{"VGG 2014", "AlexNet 2012"}, trendSizes[i].axis, trendSizes[i].of)
		if err != nil {
			t.Fatal(err)
		}
		if !alike(p.X.Min, want.low) || !alike(p.X.Max, want.high) || p.Y.Min != 25 || p.Y.Max != 45 {
			t.Errorf("%s: from %v to %v, errors from %v to %v; want %v to %v, 25 to 45", p.X.Label.Text, p.X.Min, p.X.Max, p.Y.Min, p.Y.Max, want.low, want.high)
		}
	}
}

func alike(a, b float64) bool { return math.Abs(a-b) < 1e-9*math.Abs(b) }
