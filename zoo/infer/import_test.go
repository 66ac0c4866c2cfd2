package infer

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// foreign is what PyTorch would have of a network: its tensors under their names and no metadata.
func foreign(t *testing.T, m *zoo.Model, mode graph.Mode, change func(*weights.File)) *weights.Reader {
	t.Helper()
	params, err := m.Params(mode)
	if err != nil {
		t.Fatal(err)
	}
	params.Init(7)
	f := &weights.File{}
	for _, p := range params.All() {
		f.Tensors = append(f.Tensors, weights.Tensor{Name: p.Name, Shape: p.Shape, Data: p.Data})
	}
	if change != nil {
		change(f)
	}
	var b bytes.Buffer
	if err := weights.WritePyTorch(&b, f); err != nil {
		t.Fatal(err)
	}
	r, err := weights.NewReader("theirs.pth", bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestImportTakesAForeignFile(t *testing.T) {
	r := foreign(t, zoo.ResNet8(), graph.Eval, nil)
	got, err := Import(r, zoo.ResNet8(), ImportConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if notes := strings.Join(got.Notes, "; "); got.NewHead || notes != "classes get the names of CIFAR-10, as the network and their number, 10, are its own" {
		t.Errorf("new head %v, notes %q", got.NewHead, notes)
	}
	params, err := zoo.ResNet8().Params(graph.Eval)
	if err != nil {
		t.Fatal(err)
	}
	params.Init(7)
	for i, p := range params.All() {
		if have := got.File.Tensors[i]; have.Name != p.Name || !slices.Equal(have.Shape, p.Shape) || !slices.Equal(have.Data, p.Data) {
			t.Errorf("tensor %d is %s %v, want %s %v", i, have.Name, have.Shape, p.Name, p.Shape)
		}
	}
	meta := got.File.Meta
	if meta.Network != "resnet8" || meta.Variant != "paper" || meta.Classes != 10 || !slices.Equal(meta.Input, []int{3, 32, 32}) {
		t.Errorf("metadata %+v", meta)
	}
	var o zoo.Options
	if err := json.Unmarshal(meta.Options, &o); err != nil || !reflect.DeepEqual(o, zoo.ResNet8().Options) {
		t.Errorf("options %s, error %v", meta.Options, err)
	}
	if p := meta.Preprocessing; p == nil || p.Resize != 0 || p.Crop != 0 || p.Channels != "rgb" || p.Mean[2] != 0.406 {
		t.Errorf("preprocessing %+v", p)
	}
	if err := weights.Write(new(bytes.Buffer), got.File); err != nil {
		t.Error(err)
	}
}

func TestImportFollowsTheClassesOfTheFile(t *testing.T) {
	for _, tt := range []struct {
		name   string
		theirs *zoo.Model
		ours   *zoo.Model
	}{
		{"in a fully connected layer", zoo.ResNet8(zoo.Classes(3)), zoo.ResNet8()},
		{"in a convolution", zoo.AllCNN(zoo.Classes(3), zoo.Width(0.2)), zoo.AllCNN(zoo.Width(0.2))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Import(foreign(t, tt.theirs, graph.Eval, nil), tt.ours, ImportConfig{ClassNames: []string{"a", "b", "c"}})
			if err != nil {
				t.Fatal(err)
			}
			if got.NewHead || got.Model.Classes != 3 || got.File.Meta.Classes != 3 || len(got.File.Meta.ClassNames) != 3 {
				t.Errorf("new head %v, %d classes, metadata %+v", got.NewHead, got.Model.Classes, got.File.Meta)
			}
		})
	}
}

func TestImportReplacesTheHeadForOtherClasses(t *testing.T) {
	r := foreign(t, zoo.ResNet8(), graph.Eval, nil)
	c := ImportConfig{ClassNames: []string{"cat", "dog"}, NewHead: true, Seed: 3}
	got, err := Import(r, zoo.ResNet8(), c)
	if err != nil {
		t.Fatal(err)
	}
	if !got.NewHead || got.Model.Classes != 2 {
		t.Fatalf("new head %v of %d classes", got.NewHead, got.Model.Classes)
	}
	again, err := Import(r, zoo.ResNet8(), c)
	if err != nil {
		t.Fatal(err)
	}
	for i, tensor := range got.File.Tensors {
		if !slices.Equal(tensor.Data, again.File.Tensors[i].Data) {
			t.Errorf("%s differs with the same seed", tensor.Name)
		}
		switch tensor.Name {
		case "linear.weight":
			if !slices.Equal(tensor.Shape, []int{2, 64}) || !slices.ContainsFunc(tensor.Data, func(v float32) bool { return v != 0 }) {
				t.Errorf("the head is %v of zeros", tensor.Shape)
			}
		case "linear.bias":
		default:
			theirs := make([]float32, len(tensor.Data))
			if err := r.ReadTensor(tensor.Name, theirs); err != nil || !slices.Equal(theirs, tensor.Data) {
				t.Errorf("%s is not the file's, error %v", tensor.Name, err)
			}
		}
	}
}

func TestImportKeepsAuxiliaryClassifiers(t *testing.T) {
	small := []zoo.Option{zoo.Variant("torchvision"), zoo.Width(0.05)}
	for _, tt := range []struct {
		name string
		mode graph.Mode
		want bool
	}{{"that the file has", graph.Train, true}, {"and does without", graph.Eval, false}} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Import(foreign(t, zoo.GoogLeNet(small...), tt.mode, nil), zoo.GoogLeNet(small...), ImportConfig{})
			if err != nil {
				t.Fatal(err)
			}
			if has := slices.ContainsFunc(got.File.Tensors, func(t weights.Tensor) bool { return strings.HasPrefix(t.Name, "aux1.") }); has != tt.want {
				t.Errorf("auxiliary classifiers: %v, want %v", has, tt.want)
			}
		})
	}
}

func TestImportSaysWhatDoesNotFit(t *testing.T) {
	rename := func(from, to string) func(*weights.File) {
		return func(f *weights.File) {
			for i := range f.Tensors {
				f.Tensors[i].Name = strings.Replace(f.Tensors[i].Name, from, to, 1)
			}
		}
	}
	for _, tt := range []struct {
		name   string
		file   *weights.Reader
		model  *zoo.Model
		config ImportConfig
		want   []string
	}{
		{"with the nearest candidate", foreign(t, zoo.ResNet8(), graph.Eval, rename("bn1.bias", "bn1.beta")), zoo.ResNet8(), ImportConfig{},
			[]string{"resnet8: ", `"bn1.bias" (16) [is it "bn1.beta"?]`}},
		{"with the network that does", foreign(t, zoo.ResNet14(), graph.Eval, nil), zoo.ResNet8(), ImportConfig{}, []string{"unexpected", "they are those of resnet14"}},
		{"with the variant that does", foreign(t, zoo.ResNet8(zoo.Classes(4)), graph.Eval, nil), zoo.LeNet5(), ImportConfig{}, []string{"they are those of resnet8"}},
		{"and outputs that are fixed", foreign(t, zoo.LeNet5(zoo.Variant("1998")), graph.Eval, nil), zoo.LeNet5(zoo.Variant("1998")), ImportConfig{ClassNames: []string{"a"}, NewHead: true},
			[]string{"lenet5: its 10 outputs cannot be changed"}},
		{"and names of another number", foreign(t, zoo.ResNet8(), graph.Eval, nil), zoo.ResNet8(), ImportConfig{ClassNames: []string{"cat", "dog"}}, []string{"2 names for the file's 10 classes", "--new-head"}},
		{"and a new head without classes", foreign(t, zoo.ResNet8(), graph.Eval, nil), zoo.ResNet8(), ImportConfig{NewHead: true}, []string{"needs the names of its classes"}},
		{"and options that are none", foreign(t, zoo.ResNet8(), graph.Eval, nil), zoo.ResNet8(zoo.Variant("papre")), ImportConfig{}, []string{"did you mean paper"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Import(tt.file, tt.model, tt.config)
			for _, want := range tt.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v does not say %q", err, want)
				}
			}
		})
	}
	t.Run("as an error that can be asked for the tensors", func(t *testing.T) {
		_, err := Import(foreign(t, zoo.ResNet14(), graph.Eval, nil), zoo.ResNet8(), ImportConfig{})
		var mismatch *weights.MismatchError
		if !errors.As(err, &mismatch) || len(mismatch.Unexpected) != 30 {
			t.Errorf("error %v", err)
		}
	})
}

func TestEveryNetworkHasAHead(t *testing.T) {
	for _, e := range zoo.List() {
		for _, v := range e.Variants {
			h, err := e.New(zoo.Variant(v.Name)).Head()
			if err != nil {
				t.Error(err)
			}
			fixed := e.Name == "alphago-policy" || e.Name == "lenet5" && v.Name == "1998"
			if (len(h) == 0) != fixed {
				t.Errorf("%s %s has the head %v", e.Name, v.Name, h)
			}
		}
	}
}

func TestTorchvisionPreprocessing(t *testing.T) {
	imagenet := func(resize, crop int) *weights.Preprocessing {
		return &weights.Preprocessing{Resize: resize, Crop: crop, Channels: "rgb", Mean: []float32{0.485, 0.456, 0.406}, Std: []float32{0.229, 0.224, 0.225}}
	}
	for _, tt := range []struct {
		name  string
		input [3]int
		want  *weights.Preprocessing
	}{
		{"of ImageNet", [3]int{3, 224, 224}, imagenet(256, 224)},
		{"of AlexNet's paper", [3]int{3, 227, 227}, imagenet(259, 227)},
		{"of CIFAR-10", [3]int{3, 32, 32}, imagenet(0, 0)},
		{"of an oblong", [3]int{3, 200, 300}, imagenet(0, 0)},
		{"of digits", [3]int{1, 28, 28}, &weights.Preprocessing{Channels: "grey"}},
		{"of a board", [3]int{48, 19, 19}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := torchvision(tt.input); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

// Where torchvision's published weights want something of their own, that is assumed; not for inputs of another size.
func TestPreprocessingIsWhatThePublishedWeightsWant(t *testing.T) {
	for _, c := range []struct {
		network, variant string
		h, w             int
		resize, crop     int
	}{
		{"efficientnet-b1", "torchvision", 240, 240, 256, 240},
		{"convnext-tiny", "torchvision", 224, 224, 236, 224},
		{"convnext-tiny", "torchvision", 192, 192, 219, 192},
		{"convnext-tiny", "torchvision", 224, 192, 0, 0},
		{"convnext-tiny", "torchvision", 192, 224, 0, 0},
	} {
		m, err := zoo.New(c.network, zoo.Variant(c.variant), zoo.Input(3, c.h, c.w))
		if err != nil {
			t.Fatal(err)
		}
		if p := Preprocessing(m); p.Resize != c.resize || p.Crop != c.crop {
			t.Errorf("%s of %d×%d: resized to %d, cropped to %d, want %d and %d", c.network, c.h, c.w, p.Resize, p.Crop, c.resize, c.crop)
		}
	}
}

// Classes have names where a network sees colours at the size of a known data set and has as many classes as that.
func TestClassesHaveNamesWhereNothingElseHasSoMany(t *testing.T) {
	for _, c := range []struct {
		input   [3]int
		classes int
		of      string
	}{
		{[3]int{3, 224, 224}, 1000, "ImageNet"},
		{[3]int{3, 160, 160}, 1000, "ImageNet"},
		{[3]int{3, 160, 300}, 1000, "ImageNet"},
		{[3]int{3, 159, 300}, 1000, ""},
		{[3]int{3, 300, 159}, 1000, ""},
		{[3]int{1, 224, 224}, 1000, ""},
		{[3]int{3, 224, 224}, 999, ""},
		{[3]int{3, 32, 32}, 10, "CIFAR-10"},
		{[3]int{3, 32, 32}, 100, "CIFAR-100"},
		{[3]int{3, 32, 32}, 1000, ""},
		{[3]int{1, 32, 32}, 10, ""},
		{[3]int{3, 64, 64}, 10, ""},
		{[3]int{3, 64, 64}, 100, ""},
		{[3]int{3, 224, 224}, 10, ""},
	} {
		names, of := usual(&zoo.Model{Input: c.input, Loss: zoo.CrossEntropy}, c.classes)
		if of != c.of || of != "" && len(names) != c.classes {
			t.Errorf("%v with %d classes: %d names of %q, want %q", c.input, c.classes, len(names), of, c.of)
		}
	}
	if _, of := usual(&zoo.Model{Input: [3]int{3, 32, 32}, Loss: zoo.MSE}, 10); of != "" {
		t.Errorf("numbers are taken for classes of %s", of)
	}
}

func TestImportTakesThePublishedResNets(t *testing.T) {
	dir := os.Getenv("ZOO_TESTDATA")
	if dir == "" {
		t.Skip("ZOO_TESTDATA names no folder with weights/resnet20-12fca82f.th")
	}
	for _, tt := range []struct {
		file string
		m    *zoo.Model
	}{{"resnet20-12fca82f.th", zoo.ResNet20()}, {"resnet44-014dd654.th", zoo.ResNet44()}} {
		t.Run(tt.m.Name, func(t *testing.T) {
			r, err := weights.Open(filepath.Join(dir, "weights", tt.file))
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if _, err := Import(r, tt.m, ImportConfig{}); err != nil {
				t.Error(err)
			}
		})
	}
}

// torchvisionModel writes a state dict with random weights and statistics, and what the network makes
// of an input.
const torchvisionModel = `
import struct, sys
try:
    import torch, torchvision
except ImportError:
    sys.exit(42)
name, folder = sys.argv[1:]
torch.manual_seed(1)
torch.set_num_threads(1)
options = {"init_weights": True} if name == "googlenet" else {}
net = getattr(torchvision.models, name)(**options)
for m in net.modules():
    if isinstance(m, torch.nn.BatchNorm2d):
        m.running_mean.normal_(0, 0.1)
        m.running_var.uniform_(0.5, 1.5)
net.eval()
torch.save(net.state_dict(), folder + "/theirs.pth")
x = torch.randn(1, 3, 224, 224)
with torch.no_grad():
    y = net(x)
for file, v in ("x", x), ("y", y):
    with open(folder + "/" + file, "wb") as f:
        f.write(v.numpy().tobytes())
`

// strictly loads our file of the network in torchvision and compares.
const strictly = `
import sys, torch, torchvision
name, theirs, ours = sys.argv[1:]
options = {"init_weights": False} if name == "googlenet" else {}
net = getattr(torchvision.models, name)(**options)
net.load_state_dict(torch.load(ours, weights_only=True), strict=True)
got = net.state_dict()
for k, v in torch.load(theirs).items():
    if not torch.equal(v, got[k]):
        sys.exit(k + " changed")
`

func TestTorchvisionsNetworksComeAndGo(t *testing.T) {
	if testing.Short() {
		t.Skip("starts PyTorch")
	}
	const python = "/usr/bin/python3"
	models := []*zoo.Model{zoo.ResNet18()}
	if os.Getenv("ZOO_SLOW_TESTS") != "" { // about a minute, and 1.5 GB on disk
		models = append(models, zoo.GoogLeNet(zoo.Variant("torchvision")), zoo.AlexNet(zoo.Variant("torchvision")), zoo.VGG11(zoo.Variant("bn")), zoo.ResNet50())
	}
	for _, m := range models {
		name := m.Name
		if m.Variant == "bn" {
			name += "_bn"
		}
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			run := func(args ...string) {
				t.Helper()
				_, err := exec.Command(python, args...).Output()
				var exit *exec.ExitError
				switch {
				case errors.Is(err, fs.ErrNotExist), errors.As(err, &exit) && exit.ExitCode() == 42:
					t.Skipf("%s with torchvision is not installed", python)
				case exit != nil:
					t.Fatalf("%v: %s", err, exit.Stderr)
				case err != nil:
					t.Fatal(err)
				}
			}
			run("-c", torchvisionModel, name, dir)
			theirs := filepath.Join(dir, "theirs.pth")
			r, err := weights.Open(theirs)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			got, err := Import(r, m, ImportConfig{})
			if err != nil {
				t.Fatal(err)
			}

			params, err := got.Model.Params(graph.Eval)
			if err != nil {
				t.Fatal(err)
			}
			for _, tensor := range got.File.Tensors {
				if p := params.Get(tensor.Name); p != nil {
					p.Data = tensor.Data
				}
			}
			b := graph.NewBuilder(params, graph.Eval)
			x := b.Input("x", 1, 3, 224, 224)
			y, err := got.Model.Build(b, x)
			if err != nil {
				t.Fatal(err)
			}
			s, err := graph.Compile(b, []*gorgonia.Node{y}, graph.Config{})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Bind(x, floats(t, dir, "x")); err != nil {
				t.Fatal(err)
			}
			if err := s.Run(); err != nil {
				t.Fatal(err)
			}
			if d := distance(s.Value(y), floats(t, dir, "y")); !(d <= 1e-4) {
				t.Errorf("logits differ by %.2g", d)
			} else {
				t.Logf("logits differ by %.2g", d)
			}

			ours := filepath.Join(dir, "ours.pth")
			if err := weights.SavePyTorch(ours, got.File); err != nil {
				t.Fatal(err)
			}
			run("-c", strictly, name, theirs, ours)
		})
	}
}

func floats(t *testing.T, path ...string) []float32 {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	list := make([]float32, len(b)/4)
	for i := range list {
		list[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return list
}

// distance is |got - want|/|want|.
func distance(got, want []float32) float64 {
	var difference, norm float64
	for i, w := range want {
		d := float64(got[i]) - float64(w)
		difference, norm = difference+d*d, norm+float64(w)*float64(w)
	}
	return math.Sqrt(difference / norm)
}
