package infer

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image/codec"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// Files as Caffe writes them, from the published descriptions: what the network makes of two photographs is
// what PyTorch makes of them, with Caffe's preprocessing, and nothing has to be said.
func TestCaffesNetworksSeeWhatTheySaw(t *testing.T) {
	data := os.Getenv("ZOO_TESTDATA")
	if data == "" {
		t.Skip("ZOO_TESTDATA names no folder with photos/chelsea.png")
	}
	if testing.Short() {
		t.Skip("starts PyTorch")
	}
	photos := []string{filepath.Join(data, "photos", "chelsea.png"), filepath.Join(data, "photos", "coffee.png")}
	var pictures []*image.Image
	for _, p := range photos {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Skip(err)
		}
		var img image.Image
		if err := codec.Decode(text, &img); err != nil {
			t.Fatal(err)
		}
		pictures = append(pictures, &img)
	}
	for _, tt := range []struct {
		network, form, variant string
		slow                   bool
	}{
		{"googlenet", "old", "paper", false}, {"resnet50", "new", "caffe", false},
		{"alexnet", "old", "caffe", true}, {"alexnet", "new", "caffe", true}, {"googlenet", "new", "paper", true},
		{"vgg16", "old", "D", true}, {"vgg16", "new", "D", true}, {"vgg19", "new", "E", true},
		{"resnet101", "new", "caffe", true}, {"resnet152", "new", "caffe", true},
	} {
		t.Run(tt.network+" in the "+tt.form+" form", func(t *testing.T) {
			if tt.slow && os.Getenv("ZOO_SLOW_TESTS") == "" {
				t.Skip("takes a while: ZOO_SLOW_TESTS is not set")
			}
			const python = "/usr/bin/python3"
			file := filepath.Join(t.TempDir(), "net.caffemodel")
			out, err := exec.Command(python, append([]string{"testdata/caffe.py", tt.network, tt.form, file}, photos...)...).Output()
			var exit *exec.ExitError
			switch {
			case errors.Is(err, fs.ErrNotExist), errors.As(err, &exit) && exit.ExitCode() == 42:
				t.Skipf("%s with PyTorch is not installed", python)
			case exit != nil:
				t.Fatalf("%v: %s", err, exit.Stderr)
			case err != nil:
				t.Fatal(err)
			}
			var want [][]Prediction
			if err := json.Unmarshal(out, &want); err != nil {
				t.Fatal(err)
			}
			src, err := OpenSource(file)
			if err != nil {
				t.Fatal(err)
			}
			defer src.Close()
			if m := src.Network; m == nil || m.Name != tt.network || m.Variant != tt.variant {
				t.Fatalf("taken for %+v", src.Network)
			}
			f, err := fitTo(src.Reader, src.Network, ImportConfig{Preprocessing: src.Preprocessing})
			if err != nil {
				t.Fatal(err)
			}
			c, err := LoadFrom(f.reader)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			most := 0.0
			for i, img := range pictures {
				top, err := c.Predict(t.Context(), img, 5)
				if err != nil {
					t.Fatal(err)
				}
				for k, got := range top {
					d := float64(got.Probability - want[i][k].Probability)
					most = max(most, d, -d)
					if got.Index != want[i][k].Index {
						t.Errorf("%s: place %d is class %d (%.4f), PyTorch says %d (%.4f)", photos[i], k+1, got.Index, got.Probability, want[i][k].Index, want[i][k].Probability)
					}
				}
			}
			if most > 1e-3 {
				t.Errorf("probabilities differ by up to %.2g", most)
			}
			t.Logf("probabilities differ by up to %.2g; the first is class %d with %.3f; %s", most, want[0][0].Index, want[0][0].Probability, strings.Join(append(src.Notes, f.notes...), "; "))
		})
	}
}

func TestCaffesNames(t *testing.T) {
	for theirs, want := range map[string]string{
		"conv1.weight": "conv1.weight", "bn_conv1.running_mean": "bn1.running_mean", "scale_conv1.bias": "bn1.bias",
		"res2a_branch1.weight": "layer1.0.downsample.0.weight", "bn2a_branch1.running_var": "layer1.0.downsample.1.running_var", "scale2a_branch1.weight": "layer1.0.downsample.1.weight",
		"res3d_branch2c.weight": "layer2.3.conv3.weight", "res4b22_branch2a.weight": "layer3.22.conv1.weight", "bn4b35_branch2b.running_mean": "layer3.35.bn2.running_mean",
		"res3b7_branch2a.weight": "layer2.7.conv1.weight", "res5c_branch2b.weight": "layer4.2.conv2.weight", "fc1000.bias": "fc.bias",
	} {
		if got := caffeResNet(theirs); got != want {
			t.Errorf("%s is %s, want %s", theirs, got, want)
		}
	}
	for theirs, want := range map[string]string{
		"conv1/7x7_s2.weight": "conv1.weight", "conv2/3x3_reduce.bias": "conv2.bias", "conv2/3x3.weight": "conv3.weight",
		"inception_4d/5x5_reduce.weight": "inception4d.branch3.0.weight", "inception_5b/pool_proj.bias": "inception5b.branch4.bias",
		"loss1/fc.weight": "aux1.fc1.weight", "loss3/classifier.bias": "fc.bias",
	} {
		if got := caffeGoogLeNet(theirs); got != want {
			t.Errorf("%s is %s, want %s", theirs, got, want)
		}
	}
}

// The zoo's forms of the networks differ from Caffe's in what no tensor shows.
func TestCaffesVariantsAreTheirOwn(t *testing.T) {
	for _, name := range []string{"alexnet", "resnet50", "resnet101", "resnet152"} {
		if _, err := zoo.New(name, zoo.Variant("caffe")); err != nil {
			t.Error(err)
		}
	}
}
