package infer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image/codec"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/caffe"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/labels"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/pretrained/published"
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

// Either of what a file says tells the paper's form; what it does not say is as Caffe's authors had it.
func TestAFilesNumbersTellTheVariant(t *testing.T) {
	for _, c := range []struct{ lrn, pad, want string }{
		{"", "", "caffe"}, {"1", "", "caffe"}, {"2", "", "paper"}, {"", "0", "caffe"}, {"", "1", "paper"},
		{"2", "0", "paper"}, {"1", "1", "paper"}, {"1", "0", "caffe"}, {"2", "1", "paper"},
	} {
		said := map[string]string{}
		if c.lrn != "" {
			said[caffe.LRN] = c.lrn
		}
		if c.pad != "" {
			said[caffe.PoolPad] = c.pad
		}
		if got := caffeVariant(said); got != c.want {
			t.Errorf("k %q, padding %q: %s, want %s", c.lrn, c.pad, got, c.want)
		}
	}
}

// Where each layer sees the one before it, the order of a file's layers tells which is which, whatever they are called.
func TestACaffeChainIsTakenInItsOrder(t *testing.T) {
	m := zoo.LeNet5()
	params, err := m.Params(graph.Eval)
	if err != nil {
		t.Fatal(err)
	}
	params.Init(7)
	file := func(chain string, change func(f *weights.File)) *weights.Reader {
		f := &weights.File{Meta: weights.Meta{Extra: map[string]string{caffe.Chain: chain}}}
		for i, p := range params.All() {
			f.Tensors = append(f.Tensors, weights.Tensor{Name: fmt.Sprintf("anything%d.%d", i/2, i%2), Shape: p.Shape, Data: p.Data})
		}
		if change != nil {
			change(f)
		}
		r, err := weights.FromFile("theirs.caffemodel", weights.FormatCaffe, f)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	got, err := Import(file("true", nil), m, ImportConfig{})
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range params.All() {
		if have := got.File.Tensors[i]; have.Name != p.Name || !slices.Equal(have.Data, p.Data) {
			t.Errorf("tensor %d is %s, want %s", i, have.Name, p.Name)
		}
	}
	for name, r := range map[string]*weights.Reader{
		"with branches":        file("false", nil),
		"with a layer less":    file("true", func(f *weights.File) { f.Tensors = f.Tensors[2:] }),
		"in another order":     file("true", func(f *weights.File) { f.Tensors[0], f.Tensors[2] = f.Tensors[2], f.Tensors[0] }),
		"of another network's": file("true", func(f *weights.File) { f.Tensors[0].Shape = []int{5, 6, 1, 5} }),
	} {
		if _, err := Import(r, m, ImportConfig{}); err == nil {
			t.Errorf("a file %s is taken", name)
		}
	}
}

func TestANetworkForAHundredClassesOfCIFARHasTheirNames(t *testing.T) {
	m := zoo.ResNet8(zoo.Classes(100))
	got, err := Import(foreign(t, m, graph.Eval, nil), m, ImportConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if names := got.File.Meta.ClassNames; !slices.Equal(names, labels.CIFAR100()) {
		t.Errorf("classes %q", names)
	}
	if notes := strings.Join(got.Notes, "; "); !strings.Contains(notes, "CIFAR-100") {
		t.Errorf("notes %q do not say so", notes)
	}
}

// Old files are published with a SHA-1 alone.
func TestAPublishedFileIsHeldToTheSumThatItHas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "net.pth")
	if err := os.WriteFile(path, []byte("abc"), 0o666); err != nil {
		t.Fatal(err)
	}
	const sum1, sum256 = "a9993e364706816aba3e25717850c26c9cd0d89d", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // FIPS 180
	for _, c := range []struct {
		e    published.Entry
		want string
	}{
		{published.Entry{SHA1: sum1}, ""},
		{published.Entry{SHA256: sum256}, ""},
		{published.Entry{SHA256: sum256[:8]}, ""},
		{published.Entry{SHA1: sum256[:40]}, "SHA-1 of the 3 bytes is " + sum1},
		{published.Entry{SHA256: sum1[:8]}, "SHA-256 of the 3 bytes is " + sum256},
	} {
		c.e.Name, c.e.Address = "net", "http://example.org/net.pth"
		if err := check(c.e, path); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) && !strings.Contains(err.Error(), "a text") {
			t.Errorf("%+v: %v, want %q", c.e, err, c.want)
		}
	}
	if err := check(published.Entry{SHA1: sum1}, path+".none"); err == nil {
		t.Error("no file is no error")
	}
}
