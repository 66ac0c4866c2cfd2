package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// Each flag of zoo import changes its own part of how images are prepared, and what depends on it.
func TestFlagsSayHowImportedWeightsWantImages(t *testing.T) {
	torchvision := weights.Preprocessing{
		Resize: 256, Crop: 224, Channels: "rgb", Mean: []float32{.485, .456, .406}, Std: []float32{.229, .224, .225}, Interpolation: "bicubic", Squash: true,
	}
	same := weights.Preprocessing{Channels: "rgb", Mean: []float32{.5, .5, .5}, Std: []float32{.25, .25, .25}}
	for _, c := range []struct {
		name  string
		was   weights.Preprocessing
		flags map[string]string
		want  func(p *weights.Preprocessing)
		err   string
	}{
		{"no flag changes nothing", torchvision, nil, func(*weights.Preprocessing) {}, ""},
		{"a side for both becomes one for the shorter", torchvision, map[string]string{"resize": "232"}, func(p *weights.Preprocessing) { p.Resize, p.Squash = 232, false }, ""},
		{"the smallest size", torchvision, map[string]string{"resize": "1"}, func(p *weights.Preprocessing) { p.Resize, p.Squash = 1, false }, ""},
		{"no crop", torchvision, map[string]string{"crop": "0"}, func(p *weights.Preprocessing) { p.Crop = 0 }, ""},
		{"the largest crop", torchvision, map[string]string{"crop": "16384"}, func(p *weights.Preprocessing) { p.Crop = 16384 }, ""},
		{"a larger crop", torchvision, map[string]string{"crop": "16385"}, nil, "--crop 16385: should be 1 to 16384 pixels, or 0 for none"},
		{"a larger size", torchvision, map[string]string{"resize": "16385"}, nil, "--resize 16385: should be 1 to 16384 pixels"},
		{"bilinear is what nothing says", torchvision, map[string]string{"interpolation": "Bilinear"}, func(p *weights.Preprocessing) { p.Interpolation = "" }, ""},
		{"another filter", torchvision, map[string]string{"interpolation": "LANCZOS"}, func(p *weights.Preprocessing) { p.Interpolation = "lanczos" }, ""},
		{"one mean for all", torchvision, map[string]string{"mean": "0.5"}, func(p *weights.Preprocessing) { p.Mean = []float32{.5, .5, .5} }, ""},
		{"three deviations with spaces", torchvision, map[string]string{"std": "1, 2,4"}, func(p *weights.Preprocessing) { p.Std = []float32{1, 2, 4} }, ""},
		{"a mean below zero, a deviation not", torchvision, map[string]string{"mean": "-1"}, func(p *weights.Preprocessing) { p.Mean = []float32{-1, -1, -1} }, ""},
		{"a deviation of zero", torchvision, map[string]string{"std": "1,0,1"}, nil, "--std 1,0,1: should be one number a channel"},
		{"a mean that is none", torchvision, map[string]string{"mean": "NaN"}, nil, "--mean NaN: should be one number a channel"},
		{"two numbers", torchvision, map[string]string{"mean": "1,2"}, nil, "--mean 1,2: 2 numbers for 3 channels"},
		{"blue first, and the means in that order", torchvision, map[string]string{"channels": "BGR", "mean": "1,2,3", "std": "4,5,6"},
			func(p *weights.Preprocessing) {
				p.Channels, p.Mean, p.Std = "bgr", []float32{1, 2, 3}, []float32{4, 5, 6}
			}, ""},
		{"blue first, with means of red first", torchvision, map[string]string{"channels": "bgr"}, nil, "--channels bgr needs --mean and --std in that order"},
		{"blue first, with means that are the same", same, map[string]string{"channels": "bgr"}, func(p *weights.Preprocessing) { p.Channels = "bgr" }, ""},
		{"the order that it is already", torchvision, map[string]string{"channels": "rgb"}, func(*weights.Preprocessing) {}, ""},
		{"no order of channels", torchvision, map[string]string{"channels": "grb"}, nil, "--channels grb: should be rgb or bgr"},
		{"pixels to 255 with a mean: the deviation was of pixels to 1", torchvision, map[string]string{"scale": "255", "mean": "104,117,123"},
			func(p *weights.Preprocessing) { p.Scale, p.Mean, p.Std = 255, []float32{104, 117, 123}, nil }, ""},
		{"pixels to 255 with both", torchvision, map[string]string{"scale": "255", "mean": "0", "std": "2"},
			func(p *weights.Preprocessing) {
				p.Scale, p.Mean, p.Std = 255, []float32{0, 0, 0}, []float32{2, 2, 2}
			}, ""},
		{"pixels to 255 without a mean", torchvision, map[string]string{"scale": "255"}, nil, "--scale 255 needs --mean and --std on that scale"},
		{"pixels to 1, as they are", torchvision, map[string]string{"scale": "1"}, func(*weights.Preprocessing) {}, ""},
		{"pixels to nothing", torchvision, map[string]string{"scale": "-1", "mean": "0"}, nil, "--scale -1: should be 1 or 255"},
	} {
		t.Run(c.name, func(t *testing.T) {
			given := func(name string) bool { return c.flags[name] != "" }
			number := func(name string) (v float64) {
				if given(name) {
					if _, err := fmt.Sscan(c.flags[name], &v); err != nil {
						t.Fatal(err)
					}
				}
				return v
			}
			f := importFlags{
				channels: c.flags["channels"], interpolation: c.flags["interpolation"], mean: c.flags["mean"], std: c.flags["std"],
				scale: number("scale"), resize: int(number("resize")), crop: int(number("crop")),
			}
			got, want := c.was, c.was
			err := f.prepare(&got, 3, given)
			if c.err != "" {
				if err == nil || !strings.HasPrefix(err.Error(), c.err) {
					t.Errorf("%v, want %s", err, c.err)
				}
				return
			}
			if c.want(&want); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%+v, %v\nwant %+v", got, err, want)
			}
		})
	}
}

// A rule of --rename is for whole parts of a name between dots; a star stands for any part, or for what is in one.
func TestRulesRenameWholePartsOfNames(t *testing.T) {
	for _, c := range []struct{ rule, name, want string }{
		{"fc=linear", "fc.weight", "linear.weight"},
		{"fc=linear", "head.fc.bias", "head.linear.bias"},
		{"fc=linear", "head.fc", "head.linear"},
		{"fc=linear", "fc2.weight", "fc2.weight"},
		{"fc=linear", "afc.weight", "afc.weight"},
		{"fc=linear", "fc.fc.weight", "linear.fc.weight"},
		{"fc.=.linear", "fc.weight", "linear.weight"},
		{"module=", "module.conv1.weight", "conv1.weight"},
		{"inner=", "a.inner.b", "a.b"},
		{"block*.conv=layer*.conv1", "block3.conv.weight", "layer3.conv1.weight"},
		{"block*.conv=layer*.conv1", "net.block12.conv.weight", "net.layer12.conv1.weight"},
		{"b*.c*=l*.d*", "b1.c22.weight", "l1.d22.weight"},
		{"b*.c*=l*", "b1.c22.weight", "l1.weight"},
		{"s*=t", "s1.s2", "t.s2"},
		{"a+b=c", "a+b.weight", "c.weight"},
		{"a+b=c", "aab.weight", "aab.weight"},
		{"*=x", "a.b.c", "x.b.c"},
	} {
		rename, used, err := renaming(c.rule)
		if err != nil {
			t.Fatalf("%s: %v", c.rule, err)
		}
		if got := rename(c.name); got != c.want || *used != (c.want != c.name) {
			t.Errorf("--rename %s of %s: %s, used %v, want %s", c.rule, c.name, got, *used, c.want)
		}
	}
}

// Weights with a NaN are refused by the tensor's name, whatever is done with them, and before anything is written.
func TestWeightsThatAreNoNumbersAreRefusedByEveryVerb(t *testing.T) {
	t.Chdir(t.TempDir())
	if code, text := commanded(t, words("export lenet5-fashion-mnist -o w.safetensors")); code != 0 {
		t.Fatal(text)
	}
	f, err := weights.Load("w.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	spoilt := &f.Tensors[len(f.Tensors)-2]
	spoilt.Data[3] = float32(math.NaN())
	if err := errors.Join(weights.Save("bad.safetensors", f), weights.SavePyTorch("bad.pth", f)); err != nil {
		t.Fatal(err)
	}
	grey := image.NewGray(image.Rect(0, 0, 28, 28))
	var b bytes.Buffer
	if err := errors.Join(png.Encode(&b, grey), os.WriteFile("a.png", b.Bytes(), 0o666)); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{
		"import bad.pth --as lenet5 -o x.safetensors", "predict bad.safetensors a.png", "eval bad.safetensors --data fashion-mnist-small --limit 10",
		"export bad.safetensors -o x.onnx", "export bad.safetensors -o x.pth", "export bad.safetensors -o x.safetensors", "explain bad.safetensors a.png -o x.png",
		"serve bad.safetensors --addr localhost:0", "train lenet5 --init bad.safetensors --limit 20 --epochs 1 --out x",
	} {
		code, text := commanded(t, words(args))
		lines := strings.Split(strings.TrimSpace(text), "\n")
		want := fmt.Sprintf(`tensor %q: 1 of its %d values are NaN: `, spoilt.Name, len(spoilt.Data))
		if last := lines[len(lines)-1]; code != 1 || !strings.HasPrefix(last, "zoo: ") || !strings.Contains(last, want) {
			t.Errorf("zoo %s: code %d: %q, want %q", args, code, text, want)
		}
		for _, file := range []string{"x.safetensors", "x.onnx", "x.pth", "x.png", "x/weights/best.safetensors"} {
			if _, err := os.Stat(file); err == nil {
				t.Errorf("zoo %s wrote %s", args, file)
			}
		}
	}
}
