package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/fashion"
	pixels "github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/train"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
)

// The task of these tests: pullovers and shirts, which people confuse too. A folder gets the first images
// of each in the program, 32×32 in three equal colours.
var confusable = []int{2, 6}

func writePhotos(t *testing.T, dir string, images map[datasets.Part]int) {
	t.Helper()
	split, err := fashion.Open()
	if err != nil {
		t.Fatal(err)
	}
	for part, src := range map[datasets.Part]datasets.Source{datasets.Train: split.Train, datasets.Test: split.Test} {
		for _, class := range confusable {
			to := filepath.Join(dir, string(part), src.Info().Classes[class])
			if err := os.MkdirAll(to, 0o777); err != nil {
				t.Fatal(err)
			}
			left := images[part]
			for i := 0; i < src.Len() && left > 0; i++ {
				if src.Label(i) != class {
					continue
				}
				left--
				var m pixels.Image
				if err := src.Image(i, &m); err != nil {
					t.Fatal(err)
				}
				p := image.NewRGBA(image.Rect(0, 0, 32, 32))
				for at := range 32 * 32 {
					g := m.At(at%32-2, at/32-2).(color.Gray).Y // black outside
					p.Set(at%32, at/32, color.RGBA{g, g, g, 255})
				}
				var file bytes.Buffer
				if err := png.Encode(&file, p); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(to, fmt.Sprintf("%05d.png", i)), file.Bytes(), 0o666); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// zooOutput runs the command, which must succeed.
func zooOutput(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	if code := run(t.Context(), args, &out, &err); code != 0 {
		t.Fatalf("zoo %s: exit code %d: %s", strings.Join(args, " "), code, err.String())
	}
	return out.String(), err.String()
}

// A small folder, a network for another number of classes, and what comes along with it.
func TestTrainingBeginsWithANetworkForOtherClasses(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", dir)
	photos := filepath.Join(dir, "photos")
	writePhotos(t, photos, map[datasets.Part]int{datasets.Train: 6, datasets.Test: 4})
	start, out := filepath.Join(dir, "start.safetensors"), filepath.Join(dir, "run")
	zooOutput(t, "train", "resnet8", "--data", colours, "--epochs", "1", "--limit", "16", "--set", "options.width=0.5", "--input", "3x24x20", "--out", filepath.Join(dir, "first"))
	zooOutput(t, "export", filepath.Join(dir, "first"), "-o", start)

	_, told := zooOutput(t, "train", "resnet8", "--data", photos, "--epochs", "1", "--init", start, "--freeze", "layer[1-2].*", "--out", out)
	for _, want := range []string{
		" frozen)", "10 training and 2 validation images of 3×24×20\n",
		"begins with " + start + ", which is for 10 classes: new for 2 are linear.weight, linear.bias\n",
	} {
		if !strings.Contains(told, want) {
			t.Errorf("told %q: should say %q", told, want)
		}
	}
	for name, same := range map[string]bool{"layer1.0.conv1.weight": true, "layer2.0.bn1.weight": true, "layer3.0.conv1.weight": false, "conv1.weight": false} {
		a, b := tensor(t, start, name), tensor(t, filepath.Join(out, report.LastFile), name)
		if equal := fmt.Sprint(a) == fmt.Sprint(b); equal != same {
			t.Errorf("%s stayed as it was: %v, should be %v", name, equal, same)
		}
	}
	r, err := openWeights(filepath.Join(out, report.BestFile))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	m := r.Meta()
	if p := m.Preprocessing; len(p.Mean) != 3 || p.Mean[0] != .5 || p.Std[0] != .3 || m.Classes != 2 || m.ClassNames[1] != "Shirt" {
		t.Errorf("metadata %+v with preprocessing %+v: the images should be prepared as for the first weights", m, p)
	}
	cfg, err := train.ReadConfig(out)
	if err != nil || len(cfg.Mean) != 3 {
		t.Errorf("the configuration has the mean %v (%v)", cfg.Mean, err)
	}
	zooOutput(t, "eval", out)
	// What is chosen comes first.
	_, told = zooOutput(t, "train", "resnet8", "--data", photos, "--init", start, "--set", "mean=0", "--set", "std=1", "--epochs", "1", "--out", filepath.Join(dir, "other"))
	if cfg, err := train.ReadConfig(filepath.Join(dir, "other")); err != nil || len(cfg.Mean) != 1 || cfg.Std[0] != 1 {
		t.Errorf("mean %v, std %v (%v, %s)", cfg.Mean, cfg.Std, err, told)
	}
	var stderr bytes.Buffer
	if code := run(t.Context(), []string{"train", "resnet14", "--data", photos, "--init", start}, &stderr, &stderr); code != 1 || !strings.Contains(stderr.String(), "the tensors are not the network's") {
		t.Errorf("another network: exit code %d, %s", code, stderr.String())
	}
}

func tensor(t *testing.T, file, name string) []float32 {
	t.Helper()
	r, err := openWeights(file)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	shape, _ := r.Shape(name)
	n := 1
	for _, d := range shape {
		n *= d
	}
	v := make([]float32, n)
	if err := r.ReadTensor(name, v); err != nil {
		t.Fatal(err)
	}
	return v
}

// From 200 images, a network that has learned from CIFAR-10 learns more than a new one. This is the same as
//
//	zoo import resnet20-12fca82f.th --as resnet20 -o r20.safetensors --mean .485,.456,.406 --std .229,.224,.225
//	zoo train resnet20 --data photos --init r20.safetensors --freeze 'layer[1-2].*' --epochs 30 --batch 32 --lr 0.05 --augment 'crop(2), flip'
//
// and the second without --init and --freeze, photos being a folder with train/CLASS/*.png and test/CLASS/*.png.
func TestANetworkThatHasLearnedLearnsMoreFromFewImages(t *testing.T) {
	root := os.Getenv("ZOO_TESTDATA")
	published := filepath.Join(root, "weights", "resnet20-12fca82f.th")
	if _, err := os.Stat(published); root == "" || err != nil {
		t.Skip("the environment variable ZOO_TESTDATA does not name a folder with weights/resnet20-12fca82f.th")
	}
	if testing.Short() {
		t.Skip("trains two networks")
	}
	dir := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", dir)
	photos, start := filepath.Join(dir, "photos"), filepath.Join(dir, "r20.safetensors")
	writePhotos(t, photos, map[datasets.Part]int{datasets.Train: 100, datasets.Test: 10})
	zooOutput(t, "import", published, "--as", "resnet20", "-o", start, "--mean", ".485,.456,.406", "--std", ".229,.224,.225")

	train := func(out string, more ...string) report.Result {
		args := append([]string{"train", "resnet20", "--data", photos, "--epochs", "12", "--batch", "32", "--lr", "0.05", "--augment", "crop(2), flip", "--json", "--out", filepath.Join(dir, out)}, more...)
		stdout, _ := zooOutput(t, args...)
		var r report.Result
		if err := json.Unmarshal([]byte(stdout), &r); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: test error %.2f %% of %d images, %.0f seconds", out, 100*r.Last.Val.Top1, r.Last.Val.Images, r.Seconds)
		return r
	}
	fresh := train("a new network")
	learned := train("one that has learned", "--init", start, "--freeze", "layer[1-2].*")
	if gain := fresh.Last.Val.Top1 - learned.Last.Val.Top1; gain < 0.03 {
		t.Errorf("the error falls by %.2f %% only", 100*gain)
	}
}

// Weights for the same classes in another order begin a training with the rows of the last layer brought into its order.
func TestInitialWeightsAreTakenByTheNamesOfTheirClasses(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", dir)
	photos := filepath.Join(dir, "photos")
	writePhotos(t, photos, map[datasets.Part]int{datasets.Train: 6, datasets.Test: 2})
	first, start, names := filepath.Join(dir, "first"), filepath.Join(dir, "turned.safetensors"), filepath.Join(dir, "names.txt")
	zooOutput(t, "train", "resnet8", "--data", photos, "--epochs", "1", "--out", first)
	// The same weights as of a network that has Shirt first.
	pth := filepath.Join(dir, "first.pth")
	zooOutput(t, "export", filepath.Join(first, report.BestFile), "-o", pth)
	if err := os.WriteFile(names, []byte("Shirt\nPullover\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	zooOutput(t, "import", pth, "--as", "resnet8", "--classes", names, "-o", start)
	out := filepath.Join(dir, "run")
	_, told := zooOutput(t, "train", "resnet8", "--data", photos, "--epochs", "1", "--init", start, "--freeze", "linear.*", "--out", out)
	if want := "begins with " + start + ", whose classes are the same in another order: the last layer is brought into this one\n"; !strings.Contains(told, want) {
		t.Errorf("told %q: should say %q", told, want)
	}
	for _, name := range []string{"linear.weight", "linear.bias"} {
		was, is := tensor(t, start, name), tensor(t, filepath.Join(out, report.LastFile), name)
		half := len(was) / 2
		if want := append(slices.Clone(was[half:]), was[:half]...); !slices.Equal(is, want) {
			t.Errorf("%s is %v: should be %v", name, is, want)
		}
	}
}
