package train

import (
	"reflect"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// What is stored beside weights is how their images were prepared, all of it, and an evaluation prepares them so again.
func TestTheInputIsStoredBesideWeights(t *testing.T) {
	colour, grey := image.Shape{C: 3, H: 224, W: 192}, image.Shape{C: 1, H: 28, W: 32}
	three, one := []float32{.485, .456, .406}, []float32{.5}
	for _, c := range []struct {
		name string
		in   datasets.Input
		want *weights.Preprocessing
	}{
		{"as torchvision", datasets.Input{Shape: colour, Resize: 256, Crop: 224, Mean: three, Std: one, Scale: 1},
			&weights.Preprocessing{Resize: 256, Crop: 224, Mean: three, Std: one, Channels: "rgb"}},
		{"as Caffe", datasets.Input{Shape: colour, Resize: 256, Squash: true, Crop: 227, Mean: []float32{104, 117, 123}, Std: []float32{2, 3, 4}, Scale: 255, BGR: true},
			&weights.Preprocessing{Resize: 256, Squash: true, Crop: 227, Mean: []float32{104, 117, 123}, Std: []float32{2, 3, 4}, Channels: "bgr", Scale: 255}},
		{"grey, by another filter", datasets.Input{Shape: grey, Resize: 40, Mean: one, Std: one, Filter: image.Lanczos, Scale: 2},
			&weights.Preprocessing{Resize: 40, Mean: one, Std: one, Channels: "grey", Interpolation: "lanczos", Scale: 2}},
		{"no picture", datasets.Input{Shape: image.Shape{C: 48, H: 19, W: 19}, Scale: 1}, nil},
	} {
		got := preprocessing(c.in)
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
		if got == nil {
			continue
		}
		n := Network{Input: [3]int{c.in.C, c.in.H, c.in.W}}
		back, err := stored(weights.Meta{Preprocessing: got}, &n).For(datasets.Info{Shape: c.in.Shape})
		if err != nil {
			t.Fatal(err)
		}
		want, err := c.in.For(datasets.Info{Shape: c.in.Shape})
		if err != nil || !reflect.DeepEqual(back, want) {
			t.Errorf("%s: comes back as %+v, was %+v, %v", c.name, back, want, err)
		}
	}
}
