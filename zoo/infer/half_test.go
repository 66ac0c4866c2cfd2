package infer_test

import (
	"image"
	"image/color"
	"math"
	"slices"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
)

func TestHalfAnswersTheSame(t *testing.T) {
	path := save(t, zoo.AlexNet(zoo.Variant("cifar"), zoo.Classes(10)), graph.Eval, nil)
	full, err := infer.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	half, err := infer.Load(path, infer.Half())
	if err != nil {
		t.Fatal(err)
	}
	defer half.Close()
	if f, h := full.Halves(), half.Halves(); len(f) > 0 || !slices.Equal(h, []string{"fc6", "fc7"}) {
		t.Fatalf("16-bit weights in %v and in %v: want none, and fc6 and fc7", f, h)
	}
	img := image.NewRGBA(image.Rect(0, 0, 50, 40))
	for i := range 50 * 40 {
		img.Set(i%50, i/50, color.RGBA{uint8(5 * i), uint8(i / 9), uint8(i * i), 255})
	}
	for _, images := range [][]image.Image{{img}, {img, img, img, img}} { // one, and a step of four
		want, err := full.PredictBatch(t.Context(), images, 5)
		if err != nil {
			t.Fatal(err)
		}
		got, err := half.PredictBatch(t.Context(), images, 5)
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			for k := range got[i] {
				if g, w := got[i][k], want[i][k]; g.Class != w.Class || !(math.Abs(float64(g.Probability/w.Probability-1)) < 1e-3) {
					t.Errorf("image %d: %v, want %v", i, g, w)
				}
			}
		}
	}
}
