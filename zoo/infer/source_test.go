package infer

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// folder8 is ResNet-8 as a folder of Hugging Face.
func folder8(t *testing.T, files map[string]string, rename func(string) string) string {
	t.Helper()
	params, err := zoo.ResNet8().Params(graph.Eval)
	if err != nil {
		t.Fatal(err)
	}
	params.Init(7)
	f := &weights.File{Meta: weights.Meta{Extra: map[string]string{"format": "pt"}}}
	for _, p := range params.All() {
		name := p.Name
		if rename != nil {
			name = rename(name)
		}
		f.Tensors = append(f.Tensors, weights.Tensor{Name: name, Shape: p.Shape, Data: p.Data})
	}
	dir := t.TempDir()
	if err := weights.Save(filepath.Join(dir, "model.safetensors"), f); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestAFolderOfTimm(t *testing.T) {
	dir := folder8(t, map[string]string{"config.json": `{"architecture": "resnet8", "num_classes": 10,
		"label_names": ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"],
		"pretrained_cfg": {"input_size": [3, 32, 32], "crop_pct": 0.875, "interpolation": "bicubic", "mean": [0.4, 0.5, 0.6], "std": [0.1, 0.2, 0.3]}}`}, nil)
	s, err := OpenSource(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want := &weights.Preprocessing{Resize: 36, Crop: 32, Interpolation: "bicubic", Channels: "rgb", Mean: []float32{.4, .5, .6}, Std: []float32{.1, .2, .3}}
	if s.Network == nil || s.Network.Name != "resnet8" || !reflect.DeepEqual(s.Preprocessing, want) || strings.Join(s.ClassNames, "") != "abcdefghij" {
		t.Errorf("%+v, %+v, %q", s.Network, s.Preprocessing, s.ClassNames)
	}
	got, err := Import(s.Reader, s.Network, ImportConfig{Preprocessing: s.Preprocessing, ClassNames: s.ClassNames})
	if err != nil || got.File.Meta.ClassNames[2] != "c" || got.File.Meta.Preprocessing.Resize != 36 {
		t.Errorf("%+v, error %v", got, err)
	}
}

func TestAFolderOfTransformers(t *testing.T) {
	for _, tt := range []struct {
		name, processor string
		want            weights.Preprocessing
	}{
		{"ConvNext's processor, as for ResNets", `{"crop_pct": 0.875, "feature_extractor_type": "ConvNextFeatureExtractor", "image_mean": [0.1, 0.2, 0.3], "image_std": [1, 1, 1], "resample": 3, "size": 224}`,
			weights.Preprocessing{Resize: 256, Crop: 224, Interpolation: "bicubic", Channels: "rgb", Mean: []float32{.1, .2, .3}, Std: []float32{1, 1, 1}}},
		{"the shorter side, then a crop", `{"size": {"shortest_edge": 256}, "do_center_crop": true, "crop_size": {"height": 224, "width": 224}, "resample": 2, "image_mean": [0.1, 0.2, 0.3], "image_std": [1, 1, 1]}`,
			weights.Preprocessing{Resize: 256, Crop: 224, Channels: "rgb", Mean: []float32{.1, .2, .3}, Std: []float32{1, 1, 1}}},
		{"both sides", `{"size": {"height": 224, "width": 224}, "do_normalize": false}`, weights.Preprocessing{Channels: "rgb"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := folder8(t, map[string]string{
				"config.json":              `{"model_type": "resnet", "architectures": ["ResNetForImageClassification"], "depths": [3, 4, 6, 3], "layer_type": "bottleneck", "downsample_in_bottleneck": true, "id2label": {"0": "LABEL_0", "1": "LABEL_1"}}`,
				"preprocessor_config.json": tt.processor,
			}, nil)
			s, err := OpenSource(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if s.Network == nil || s.Network.Name != "resnet50" || s.Network.Variant != "paper" || len(s.ClassNames) != 0 || !reflect.DeepEqual(*s.Preprocessing, tt.want) {
				t.Errorf("%+v, %+v, %q", s.Network, s.Preprocessing, s.ClassNames)
			}
		})
	}
}

func TestFoldersThatAreNotClear(t *testing.T) {
	empty := t.TempDir()
	if _, err := OpenSource(empty); err == nil || !strings.Contains(err.Error(), "no weights in this folder") {
		t.Errorf("error %v", err)
	}
	for _, name := range []string{"a.pth", "b.pth"} {
		if err := os.WriteFile(filepath.Join(empty, name), []byte("x"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := OpenSource(empty); err == nil || !strings.Contains(err.Error(), "a.pth, b.pth") {
		t.Errorf("error %v", err)
	}
	broken := folder8(t, map[string]string{"config.json": `{"architecture": `}, nil)
	if _, err := OpenSource(broken); err == nil || !strings.Contains(err.Error(), "config.json") {
		t.Errorf("error %v", err)
	}
}

// Hugging Face's names of a ResNet are torchvision's.
func TestHuggingFacesNames(t *testing.T) {
	for theirs, want := range map[string]string{
		"resnet.embedder.embedder.convolution.weight":                         "conv1.weight",
		"resnet.embedder.embedder.normalization.running_var":                  "bn1.running_var",
		"resnet.encoder.stages.0.layers.0.shortcut.convolution.weight":        "layer1.0.downsample.0.weight",
		"resnet.encoder.stages.2.layers.0.shortcut.normalization.bias":        "layer3.0.downsample.1.bias",
		"resnet.encoder.stages.3.layers.1.layer.2.convolution.weight":         "layer4.1.conv3.weight",
		"resnet.encoder.stages.0.layers.2.layer.0.normalization.running_mean": "layer1.2.bn1.running_mean",
		"classifier.1.weight": "fc.weight",
	} {
		if got := huggingFace(theirs); got != want {
			t.Errorf("%s is %s, want %s", theirs, got, want)
		}
	}
}

// A file is known by its checksum, and not by its name alone.
func TestAPublishedFileIsKnownByItsChecksum(t *testing.T) {
	file := small(t)
	o := offered(t, "test-known", file, "http://127.0.0.1:1/known-8.pth")
	path := filepath.Join(o.Cache, "known-8.pth")
	if err := os.WriteFile(path, file, 0o666); err != nil {
		t.Fatal(err)
	}
	s, err := OpenSource(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Network == nil || s.Network.Name != "resnet8" || s.Preprocessing.Interpolation != "bicubic" || !strings.Contains(strings.Join(s.Notes, ""), "test-known") {
		t.Errorf("%+v", s)
	}
	// Other weights under the same name.
	params, err := zoo.ResNet8().Params(graph.Eval)
	if err != nil {
		t.Fatal(err)
	}
	params.Init(8)
	f := &weights.File{}
	for _, p := range params.All() {
		f.Tensors = append(f.Tensors, weights.Tensor{Name: p.Name, Shape: p.Shape, Data: p.Data})
	}
	if err := weights.SavePyTorch(path, f); err != nil {
		t.Fatal(err)
	}
	other, err := OpenSource(path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if other.Network != nil {
		t.Errorf("other weights are taken for %+v", other.Network)
	}
}
