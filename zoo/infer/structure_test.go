package infer_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
)

// Layers of every kind are laid over each other: concatenations, response normalisation, gates of channels, windows.
func TestONNXModelsOfManyKindsBecomeTheirNetworks(t *testing.T) {
	for _, c := range []struct {
		name, variant string
		model         *zoo.Model
		other         string // a network that it is not
	}{
		{"squeezenet", "1.1", zoo.SqueezeNet(zoo.Variant("1.1"), zoo.Input(3, 64, 64)), "resnet18"},
		{"squeezenet", "", zoo.SqueezeNet(zoo.Variant("1.0"), zoo.Input(3, 64, 64)), "googlenet"},
		{"googlenet", "", zoo.GoogLeNet(zoo.Variant("paper")), "squeezenet"},
		{"mobilenetv3-small", "", zoo.MobileNetV3Small(), "mobilenetv2"},
		{"densenet-bc-100", "", zoo.DenseNetBC100(), "wrn-16-2"},
	} {
		t.Run(c.name+" "+c.model.Variant, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "model.onnx")
			want := exported(t, c.model, path, weights.Meta{}, false)
			r, model, err := infer.ONNXAs(path, c.name, c.variant)
			if err != nil {
				t.Fatal(err)
			}
			if model.Name != c.model.Name || model.Variant != c.model.Variant || model.Input != c.model.Input {
				t.Errorf("it becomes %s (%s) of %v", model.Name, model.Variant, model.Input)
			}
			got, err := infer.Params(r, model)
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, p := range got.All() {
				w := want.Get(p.Name)
				if w == nil || !slices.Equal(p.Data, w.Data) {
					t.Errorf("%s has other values", p.Name)
				}
				n++
			}
			if n != len(want.All()) {
				t.Errorf("%d parameters, want %d", n, len(want.All()))
			}
			if _, _, err := infer.ONNXAs(path, c.other, ""); err == nil || !strings.Contains(err.Error(), "it is not "+c.other) {
				t.Errorf("as %s: %v", c.other, err)
			}
			if _, _, err := infer.ONNXAs(path, c.name, "nonsense"); err == nil || !strings.Contains(err.Error(), `no variant "nonsense"`) {
				t.Errorf("as a variant that is none: %v", err)
			}
		})
	}
}
