package infer_test

import (
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
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

// The networks whose fully connected layers are large name the same five classes of a photograph, and their logits are
// the same to a thousandth of their range, where they are as far apart as those of a trained network.
func TestHalfAnswersTheSameOfPhotographs(t *testing.T) {
	data := os.Getenv("ZOO_TESTDATA")
	if data == "" || os.Getenv("ZOO_LONG") == "" {
		t.Skip("only with ZOO_LONG, and with photographs in the folder that ZOO_TESTDATA names")
	}
	var photos []image.Image
	for _, name := range []string{"chelsea.png", "coffee.png"} {
		f, err := os.Open(filepath.Join(data, "photos", name))
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		photos = append(photos, img)
	}
	for _, m := range []*zoo.Model{zoo.AlexNet(), zoo.VGG16()} {
		t.Run(m.Name, func(t *testing.T) {
			last := func(factor float32) func(*weights.File) {
				return func(f *weights.File) {
					for i := range f.Tensors {
						if slices.Contains(f.Tensors[i].Shape, m.Classes) { // the last layer
							for k := range f.Tensors[i].Data {
								f.Tensors[i].Data[k] *= factor
							}
						}
					}
				}
			}
			logits := func(factor float32, opts ...infer.Option) [][]infer.Prediction {
				c, err := infer.Load(save(t, m, graph.Eval, last(factor)), opts...)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				if halves := c.Halves(); len(opts) > 0 && len(halves) != 3 {
					t.Fatalf("16-bit weights in %v", halves)
				}
				list, err := c.PredictBatch(t.Context(), photos, m.Classes)
				if err != nil {
					t.Fatal(err)
				}
				return list
			}
			span := func(p []infer.Prediction) float64 {
				return math.Log(float64(p[0].Probability / p[len(p)-1].Probability))
			}
			factor := float32(15 / span(logits(1)[0]))
			want, got := logits(factor), logits(factor, infer.Half())
			for i := range photos {
				of := make(map[int]float64, m.Classes)
				for _, p := range want[i] {
					of[p.Index] = math.Log(float64(p.Probability))
				}
				worst := 0.0
				for k, p := range got[i] {
					worst = max(worst, math.Abs(math.Log(float64(p.Probability))-of[p.Index]))
					if k < 5 && p.Index != want[i][k].Index {
						t.Errorf("photograph %d: place %d is class %d, in 32 bits %d", i, k+1, p.Index, want[i][k].Index)
					}
				}
				t.Logf("photograph %d: first class %.2f %%, logits over %.1f, differ by at most %.2g of it", i, 100*want[i][0].Probability, span(want[i]), worst/span(want[i]))
				if !(worst < 1e-3*span(want[i])) {
					t.Errorf("photograph %d: logits differ by %g of their range", i, worst/span(want[i]))
				}
			}
		})
	}
}
