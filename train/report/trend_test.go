package report

import (
	"bytes"
	"image/png"
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
