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
)

// topFive saves a network of torchvision as it saves its own, and says what that network shows photographs
// to be, with the transforms that torchvision publishes beside the weights. The weights are random, but
// such that signals neither grow nor vanish: batch normalisations have the statistics of the photographs,
// and logits a deviation of 3.
const topFive = `
import json, sys
try:
    import torch, torchvision
    from PIL import Image
except ImportError:
    sys.exit(42)
source, file, *photos = sys.argv[1:]
torch.manual_seed(1)
torch.set_num_threads(2)
kind, name = source.split(" ")[1].split(".")
w = getattr(getattr(torchvision.models, kind), name)
build = next(getattr(torchvision.models, n) for n in dir(torchvision.models) if n == n.lower() and n == kind[:-len("_Weights")].lower())
# What torchvision does where it loads its own trained GoogLeNet.
net = build(**({"transform_input": True, "init_weights": False} if kind.startswith("GoogLeNet") else {}))
last = None
for m in net.modules():
    if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear)):
        torch.nn.init.kaiming_normal_(m.weight, nonlinearity="relu")
        if m.bias is not None:
            torch.nn.init.normal_(m.bias, 0, 0.1)
        if getattr(m, "out_features", getattr(m, "out_channels", 0)) == 1000:
            last = m
    if isinstance(m, torch.nn.BatchNorm2d):
        m.momentum = None
transform = w.transforms()
images = [transform(Image.open(p).convert("RGB")) for p in photos]
batch = torch.stack(images + [i.flip(1) for i in images] + [i.flip(2) for i in images])
with torch.no_grad():
    for m in net.modules():
        m.training = isinstance(m, torch.nn.BatchNorm2d)
    net(batch)
    net.eval()
    scale = 3 / net(batch).std()
    last.weight *= scale
    last.bias *= scale
    answers = []
    for i in images:
        p = torch.softmax(net(i[None])[0].double(), 0)
        top = torch.topk(p, 6)
        answers.append([{"class": w.meta["categories"][k], "index": int(k), "probability": float(v)} for k, v in zip(top.indices, top.values)])
torch.save(net.state_dict(), file)
json.dump(answers, sys.stdout)
`

// Every entry of the table that is torchvision's, or a few without ZOO_SLOW_TESTS: the top five of two
// photographs, from a file that torchvision saved, to the pictures' pixels.
func TestPublishedWeightsSeeWhatTorchvisionSees(t *testing.T) {
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
	list, err := Published()
	if err != nil {
		t.Fatal(err)
	}
	quick := map[string]bool{"resnet18": true, "googlenet": true}
	for _, e := range list {
		if !strings.HasPrefix(e.Source, "torchvision ") || os.Getenv("ZOO_SLOW_TESTS") == "" && !quick[e.Name] {
			continue
		}
		t.Run(e.Name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), e.File())
			const python = "/usr/bin/python3"
			out, err := exec.Command(python, append([]string{"-c", topFive, e.Source, file}, photos...)...).Output()
			var exit *exec.ExitError
			switch {
			case errors.Is(err, fs.ErrNotExist), errors.As(err, &exit) && exit.ExitCode() == 42:
				t.Skipf("%s with torchvision is not installed", python)
			case exit != nil:
				t.Fatalf("%v: %s", err, exit.Stderr)
			case err != nil:
				t.Fatal(err)
			}
			var want [][]Prediction
			if err := json.Unmarshal(out, &want); err != nil {
				t.Fatal(err)
			}
			m, err := modelOf(e)
			if err != nil {
				t.Fatal(err)
			}
			src, err := OpenSource(file)
			if err != nil {
				t.Fatal(err)
			}
			defer src.Close()
			f, err := fitTo(src.Reader, m, ImportConfig{Preprocessing: &e.Preprocessing})
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
					if got.Class != want[i][k].Class || got.Index != want[i][k].Index {
						t.Errorf("%s: place %d is %s (%.4f), torchvision says %s (%.4f)", photos[i], k+1, got.Class, got.Probability, want[i][k].Class, want[i][k].Probability)
					}
				}
			}
			if most > 1e-3 {
				t.Errorf("probabilities differ by up to %.2g", most)
			}
			t.Logf("probabilities differ by up to %.2g; the first is %s with %.3f", most, want[0][0].Class, want[0][0].Probability)
		})
	}
}
