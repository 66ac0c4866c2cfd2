package explain_test

import (
	"encoding/binary"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/explain"
)

// Each method on six networks, against PyTorch: four of torchvision, and two whose layers stand in twin.py.
func TestMethodsAgreeWithPyTorch(t *testing.T) {
	const python = "/usr/bin/python3"
	if exec.Command(python, "-c", "import torchvision").Run() != nil {
		t.Skip("python3-torchvision is not installed")
	}
	for _, c := range []struct {
		network, variant string
		side             int
		layer, ours      string // whose strongest answer is projected, in torchvision and here
		cam, camOurs     string
		long             bool
	}{
		{"lenet5", "modern", 28, "relu2", "relu 2", "relu2", "relu 2", false},
		{"zfnet", "paper", 96, "relu5", "relu 5", "relu4", "relu 4", true},
		{"googlenet", "torchvision", 96, "inception3a", "concat 1", "inception4e", "concat 7", true},
		{"resnet18", "torchvision", 64, "layer2", "relu 9", "layer4", "relu 17", false},
		{"alexnet", "torchvision", 127, "features.9", "relu 4", "features.11", "relu 5", true},
		{"vgg16", "D", 224, "features.15", "relu 7", "features.29", "relu 13", true},
	} {
		t.Run(c.network, func(t *testing.T) {
			if c.long && os.Getenv("ZOO_LONG") == "" {
				t.Skip("ZOO_LONG is not set")
			}
			dir := t.TempDir()
			const classes = 10
			channels := 3
			if c.network == "lenet5" {
				channels = 1
			}
			if text, err := exec.Command(python, "testdata/twin.py", c.network, strconv.Itoa(c.side), strconv.Itoa(classes), c.layer, c.cam, dir).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			m, err := zoo.New(c.network, zoo.Variant(c.variant), zoo.Classes(classes), zoo.Input(channels, c.side, c.side))
			if err != nil {
				t.Fatal(err)
			}
			r, err := weights.Open(filepath.Join(dir, "weights.pth"))
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			params, err := m.Params(graph.Eval)
			if err != nil {
				t.Fatal(err)
			}
			params.Allocate()
			if err := r.ReadInto(func(name string, _ []int) []float32 {
				if p := params.Get(name); p != nil {
					return p.Data
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			params.Changed()
			s := &explain.Subject{Network: m, Params: params, Input: m.Input}
			x := floats(t, dir, "x")
			logits, err := s.Logits(x)
			if err != nil {
				t.Fatal(err)
			}
			agree(t, "logits", logits[0], floats(t, dir, "logits"))
			saliency, _, err := explain.Saliency{Class: -1}.Explain(s, x)
			if err != nil {
				t.Fatal(err)
			}
			agree(t, "saliency", saliency.V, floats(t, dir, "saliency"))
			guided, _, err := explain.Guided{Class: -1}.Explain(s, x)
			if err != nil {
				t.Fatal(err)
			}
			agree(t, "guided backpropagation", guided, floats(t, dir, "guided"))
			cam, _, err := explain.GradCAM{Class: -1, Layer: c.camOurs}.Explain(s, x)
			if err != nil {
				t.Fatal(err)
			}
			agree(t, "Grad-CAM", cam.V, floats(t, dir, "gradcam"))
			p, err := explain.Deconvnet{Layer: c.ours, Feature: -1}.Explain(s, x)
			if err != nil {
				t.Fatal(err)
			}
			agree(t, "deconvolution", p.Pixels, floats(t, dir, "deconv"))
			occludedByHand(t, s, x)
		})
	}
}

// occludedByHand compares occlusion by squares of half the image's side, whose places are four, with the answers to
// images that are covered here: of a step of four to the last bit, one by one but for the order of sums.
func occludedByHand(t *testing.T, s *explain.Subject, x []float32) {
	t.Helper()
	h, w := s.Input[1], s.Input[2]
	size := h / 2
	m, class, err := explain.Occlusion{Class: -1, Size: size, Stride: size, Fill: 0.25}.Explain(t.Context(), s, x)
	if err != nil {
		t.Fatal(err)
	}
	var tops []int
	for top := -size / 2; top+size/2 < h; top += size {
		tops = append(tops, top)
	}
	var covered []float32
	for _, top := range tops {
		for _, left := range tops {
			for i, v := range x {
				if y, x := i/w%h, i%w; y >= top && y < top+size && x >= left && x < left+size {
					v = 0.25
				}
				covered = append(covered, v)
			}
		}
	}
	places := len(tops) * len(tops)
	if len(m.V) != places {
		t.Fatalf("occlusion: %d places, should be %d", len(m.V), places)
	}
	probability := func(logits []float32) float64 {
		highest, sum := math.Inf(-1), 0.0
		for _, v := range logits {
			highest = max(highest, float64(v))
		}
		for _, v := range logits {
			sum += math.Exp(float64(v) - highest)
		}
		return math.Exp(float64(logits[class])-highest) / sum
	}
	whole, err := s.Logits(x)
	if err != nil {
		t.Fatal(err)
	}
	together, err := s.Logits(covered)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range m.V {
		if want := float32(probability(whole[0]) - probability(together[i])); v != want {
			t.Errorf("occlusion, place %d: %g, should be exactly %g", i, v, want)
		}
		alone, err := s.Logits(covered[i*len(x):][:len(x)])
		if err != nil {
			t.Fatal(err)
		}
		if want := probability(whole[0]) - probability(alone[0]); math.Abs(float64(v)-want) > 1e-5 {
			t.Errorf("occlusion, place %d: %g, by itself %g", i, v, want)
		}
	}
}

func floats(t *testing.T, dir, name string) []float32 {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	v := make([]float32, len(data)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return v
}

// agree wants a correlation of nearly one, and the same scale.
func agree(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, should be %d", what, len(got), len(want))
	}
	var gg, ww, gw float64
	for i := range got {
		g, w := float64(got[i]), float64(want[i])
		gg, ww, gw = gg+g*g, ww+w*w, gw+g*w
	}
	if ww == 0 {
		t.Fatalf("%s: the reference is all zero", what)
	}
	if r := gw / math.Sqrt(gg*ww+1e-300); r < 0.999 || math.Abs(gg/ww-1) > 0.02 {
		t.Errorf("%s: correlation %.5f, size %.4f of the reference's", what, r, math.Sqrt(gg/ww))
	} else {
		t.Logf("%s: correlation %.6f", what, r)
	}
}
