package published

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

func TestTheTableIsInOrder(t *testing.T) {
	list, err := List()
	if err != nil {
		t.Fatal(err)
	}
	names, files := map[string]bool{}, map[string]bool{}
	for _, e := range list {
		if names[plain(e.Name)] || files[e.File()] {
			t.Errorf("%s or its file %s is there twice", e.Name, e.File())
		}
		names[plain(e.Name)], files[e.File()] = true, true
		if e.Licence == "" || e.Source == "" || e.Data == "" || e.Megabytes == 0 {
			t.Errorf("%s: licence, source, data and size should be told", e.Name)
		}
		if len(e.SHA256) == 8 && !strings.Contains(e.File(), e.SHA256) {
			t.Errorf("%s: the checksum's beginning, %s, is not the one in %s", e.Name, e.SHA256, e.File())
		}
		if err := e.Validate(); err != nil {
			t.Error(err)
		}
	}
	if len(list) < 60 {
		t.Errorf("%d entries", len(list))
	}
}

// fromTorchvision prints what torchvision knows of the weights that the table says are its own.
const fromTorchvision = `
import json, sys
try:
    import torchvision.models as models
except ImportError:
    sys.exit(42)
out = {}
for source in json.load(sys.stdin):
    kind, name = source.split(" ")[1].split(".")
    w = getattr(getattr(models, kind), name)
    t = w.transforms()
    metrics = w.meta["_metrics"]["ImageNet-1K"]
    out[source] = dict(url=w.url, resize=t.resize_size[0], crop=t.crop_size[0], interpolation=t.interpolation.value,
                       mean=t.mean, std=t.std, top1=metrics["acc@1"], top5=metrics["acc@5"], classes=w.meta["categories"])
json.dump(out, sys.stdout)
`

func TestTheTableIsTorchvisions(t *testing.T) {
	const python = "/usr/bin/python3"
	list, err := List()
	if err != nil {
		t.Fatal(err)
	}
	ours := map[string]Entry{}
	var sources []string
	for _, e := range list {
		if strings.HasPrefix(e.Source, "torchvision ") {
			ours[e.Source] = e
			sources = append(sources, e.Source)
		}
	}
	question, err := json.Marshal(sources)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-c", fromTorchvision)
	cmd.Stdin = strings.NewReader(string(question))
	text, err := cmd.Output()
	var exit *exec.ExitError
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.As(err, &exit) && exit.ExitCode() == 42:
		t.Skipf("%s with torchvision is not installed", python)
	case exit != nil:
		t.Fatalf("%v: %s", err, exit.Stderr)
	case err != nil:
		t.Fatal(err)
	}
	var theirs map[string]struct {
		URL           string
		Resize, Crop  int
		Interpolation string
		Mean, Std     []float32
		Top1, Top5    float64
		Classes       []string
	}
	if err := json.Unmarshal(text, &theirs); err != nil {
		t.Fatal(err)
	}
	if len(theirs) < 40 {
		t.Errorf("%d entries are compared", len(theirs))
	}
	for source, their := range theirs {
		e := ours[source]
		if e.Address != their.URL || e.Top1 != their.Top1 || e.Top5 != their.Top5 {
			t.Errorf("%s: %s, %g, %g; torchvision says %s, %g, %g", e.Name, e.Address, e.Top1, e.Top5, their.URL, their.Top1, their.Top5)
		}
		want := weights.Preprocessing{Resize: their.Resize, Crop: their.Crop, Mean: their.Mean, Std: their.Std, Channels: "rgb"}
		if their.Interpolation != "bilinear" {
			want.Interpolation = their.Interpolation
		}
		if e.Network == "googlenet" { // which normalises its input anew: see TestGoogLeNetsInput
			want.Mean, want.Std = []float32{.5, .5, .5}, []float32{.5, .5, .5}
		}
		if !reflect.DeepEqual(e.Preprocessing, want) {
			t.Errorf("%s: %+v; torchvision says %+v", e.Name, e.Preprocessing, want)
		}
	}
}

// Torchvision's GoogLeNet takes images that are normalised as for the others, and normalises them anew
// (transform_input) as for mean and deviation of one half: x·(std/0.5) + (mean-0.5)/0.5.
func TestGoogLeNetsInput(t *testing.T) {
	mean, std := []float64{.485, .456, .406}, []float64{.229, .224, .225}
	for c := range mean {
		for _, pixel := range []float64{0, .3, 1} {
			x := (pixel - mean[c]) / std[c]
			x = x*(std[c]/.5) + (mean[c]-.5)/.5
			if want := (pixel - .5) / .5; x-want > 1e-12 || want-x > 1e-12 {
				t.Errorf("channel %d: %g becomes %g, want %g", c, pixel, x, want)
			}
		}
	}
}

func TestLookup(t *testing.T) {
	for _, name := range []string{"resnet50-v2", "ResNet50_V2", "resnet50.v2", "resnet50-11ad3fa6.pth"} {
		if e, ok := Lookup(name); !ok || e.Name != "resnet50-v2" {
			t.Errorf("%s is %q", name, e.Name)
		}
	}
	if e, ok := Lookup("vgg16_bn"); !ok || e.Variant != "bn" {
		t.Errorf("vgg16_bn is %q", e.Name)
	}
	if _, ok := Lookup("resnet51"); ok {
		t.Error("resnet51 is there")
	}
}

func TestAListOfOnesOwn(t *testing.T) {
	read := func(text string) ([]Entry, error) {
		file := filepath.Join(t.TempDir(), "table.json")
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		t.Setenv("ZOO_WEIGHTS", file)
		registry.read, registry.entries, registry.err = false, nil, nil
		defer func() { registry.read, registry.entries, registry.err = false, nil, nil }()
		return List()
	}
	const one = `[{"name": "resnet50", "network": "resnet50", "data": "photos", "address": "https://example.org/mine.pth", "sha256": "0123456789abcdef", "preprocessing": {"channels": "rgb"}, "licence": "", "source": "us"}]`
	list, err := read(one)
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, e := range list {
		if e.Name == "resnet50" {
			count++
			if e.Address != "https://example.org/mine.pth" {
				t.Errorf("address %s", e.Address)
			}
		}
	}
	if count != 1 || len(list) < 60 {
		t.Errorf("%d entries of the name among %d", count, len(list))
	}
	for text, want := range map[string]string{
		`[{"nme": "x"}]`: "unknown field",
		strings.Replace(one, "0123456789abcdef", "0123", 1):                     "sha256",
		strings.Replace(one, "https://example.org/mine.pth", "/mine.pth", 1):    "address",
		strings.Replace(one, "https://example.org/mine.pth", "ftp://x/y", 1):    "address",
		strings.Replace(one, `"resnet50", "network"`, `"../x", "network"`, 1):   "name",
		strings.Replace(one, `"channels": "rgb"`, `"channels": "purple"`, 1):    "purple",
		strings.Replace(one, `"sha256": "0123456789abcdef"`, `"sha256": ""`, 1): "checksum",
	} {
		if _, err := read(text); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "ZOO_WEIGHTS=") {
			t.Errorf("error %v: want %q", err, want)
		}
	}
}

// A program can have entries of its own; what is none is refused with what it should be.
func TestEntriesOfAProgram(t *testing.T) {
	registry.read, registry.entries, registry.err = false, nil, nil
	defer func() { registry.read, registry.entries, registry.err = false, nil, nil }()
	t.Setenv("ZOO_WEIGHTS", "")
	good := Entry{
		Name: "mine", Network: "lenet5", Address: "https://example.org/a/mine.pth?download=1", SHA1: strings.Repeat("0a", 20),
		Preprocessing: weights.Preprocessing{Channels: "grey"},
	}
	before := good
	before.Address = "https://example.org/before.pth"
	for _, e := range []Entry{before, good} { // the second one takes the first one's place
		if err := Register(e); err != nil {
			t.Fatal(err)
		}
	}
	e, ok := Lookup("Mine")
	if !ok || e.File() != "mine.pth" {
		t.Errorf("found %+v, %v", e, ok)
	}
	if _, ok := Lookup("resnet50"); !ok {
		t.Error("the table is gone")
	}
	// The table's first is replaced as any other.
	all, err := List()
	if err != nil {
		t.Fatal(err)
	}
	first := good
	first.Name = all[0].Name
	if err := Register(first); err != nil {
		t.Fatal(err)
	}
	if now, err := List(); err != nil || len(now) != len(all) || now[0].Address != good.Address {
		t.Errorf("%d entries after one of %d was replaced, error %v", len(now), len(all), err)
	}
	for want, change := range map[string]func(e *Entry){
		"should name their network":                        func(e *Entry) { e.Network = "" },
		"should have a name without spaces and slashes":    func(e *Entry) { e.Name = "two words" },
		"should be one such as https://example.org":        func(e *Entry) { e.Address = "https://%zz" },
		"should end in the name of a file":                 func(e *Entry) { e.Address = "https://example.org/" },
		`sha1 "0A": should be 40 to 40 small hexadecimal`:  func(e *Entry) { e.SHA1 = "0A" },
		`sha256 "xyz": should be 8 to 64 small hexadecima`: func(e *Entry) { e.SHA256 = "xyz" },
		"should have a checksum, sha256 or sha1":           func(e *Entry) { e.SHA1 = "" },
		"mauve":                                            func(e *Entry) { e.Preprocessing.Channels = "mauve" },
	} {
		e := good
		change(&e)
		if err := Register(e); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
	if (Entry{Address: "https://%zz"}).File() != "" {
		t.Error("a file at no address")
	}
	t.Setenv("ZOO_WEIGHTS", filepath.Join(t.TempDir(), "none.json"))
	registry.read, registry.entries, registry.err = false, nil, nil
	if _, ok := Lookup("resnet50"); ok {
		t.Error("it is found, though a list cannot be read")
	}
	for range 2 {
		if _, err := List(); err == nil || !strings.Contains(err.Error(), "none.json") {
			t.Errorf("error %v", err)
		}
	}
}
