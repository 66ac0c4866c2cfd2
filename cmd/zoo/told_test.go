package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/download"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// An image that stands twice is named with its places, as far as a screen has room; all are counted.
func TestImagesThatStandTwiceAreNamedAndCounted(t *testing.T) {
	at := func(part datasets.Part, class string, index int) datasets.VerifiedImage {
		return datasets.VerifiedImage{Part: part, Class: class, Index: index}
	}
	list := []datasets.Duplicate{
		{Images: []datasets.VerifiedImage{at(datasets.Train, "cat", 3), at(datasets.Test, "cat", 0)}, Parts: true},
		{Images: []datasets.VerifiedImage{at(datasets.Train, "cat", 4), at(datasets.Train, "dog", 9)}, Classes: true},
		{Images: []datasets.VerifiedImage{at(datasets.Train, "cat", 5), at(datasets.Val, "dog", 1)}, Parts: true, Classes: true},
	}
	for i := range 30 {
		list = append(list, datasets.Duplicate{Images: []datasets.VerifiedImage{at(datasets.Train, "cat", 100+i), at(datasets.Val, "cat", i)}, Parts: true})
	}
	var out bytes.Buffer
	(&app{stdout: &out}).printDuplicates(list)
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	named := func(d datasets.Duplicate) string { return d.Images[0].String() + ", " + d.Images[1].String() }
	for i, want := range []string{
		"the same image in several parts: " + named(list[0]), "the same image in several classes: " + named(list[1]), "the same image in several parts and classes: " + named(list[2]),
	} {
		if lines[i] != want {
			t.Errorf("line %d: %q, want %q", i, lines[i], want)
		}
	}
	if want := "in several parts: 32 images; in several classes: 2 images"; len(lines) != 21 || lines[20] != want {
		t.Errorf("%d lines, the last is %q, want 21 and %q", len(lines), lines[len(lines)-1], want)
	}
	out.Reset()
	if (&app{stdout: &out}).printDuplicates(nil); out.Len() > 0 {
		t.Errorf("of none: %q", out.String())
	}
	for want, n := range map[string][]int{
		"no classes": nil, "7 in each of 1 class": {7}, "1,200 in each of 2 classes": {1200, 1200}, "0 to 31 in each of 3 classes": {31, 0, 7},
	} {
		if got := classCounts(n); got != want {
			t.Errorf("%v: %q, want %q", n, got, want)
		}
	}
}

// Without a terminal a download is a line for each file that is whole; on one there is a bar before it.
func TestDownloadsTellOfEachFile(t *testing.T) {
	files := []download.Progress{
		{File: "a.gz", Done: 0, Size: 3e6}, {File: "a.gz", Done: 1e6, Size: 3e6}, {File: "a.gz", Done: 3e6, Size: 3e6},
		{File: "b.gz", Done: 5000, Size: 40_000}, {File: "b.gz", Done: 40_000, Size: 40_000},
	}
	var plain, bars bytes.Buffer
	for _, d := range []*downloads{{w: &plain}, {w: &bars, bars: true}} {
		for _, p := range files {
			d.progress(p)
		}
		if d.bar != nil {
			t.Error("a bar is left")
		}
	}
	if want := "a.gz: 3 MB\nb.gz: 0.1 MB\n"; plain.String() != want {
		t.Errorf("%q, want %q", plain.String(), want)
	}
	text := bars.String()
	for _, want := range []string{"a.gz: 3 MB\n", "b.gz: 0.1 MB\n", "a.gz ", "b.gz "} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %q", want, text)
		}
	}
	if strings.Index(text, "a.gz: 3 MB") > strings.Index(text, "b.gz ") {
		t.Errorf("the second bar begins before the first file is told: %q", text)
	}
}

func TestServedModelsHaveNamesForPaths(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, dir := range []string{"runs/lenet5-mnist/001", "my run", "2024"} {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir("2024")
	for file, want := range map[string]string{
		"../runs/lenet5-mnist/001": "lenet5-mnist", "../runs/lenet5-mnist": "lenet5-mnist", "../my run": "my-run",
		"x/cats & dögs.safetensors": "cats---d-gs", "net.v2.onnx": "net.v2", "weights": "weights",
	} {
		if got := modelName(filepath.FromSlash(file)); got != want {
			t.Errorf("%s: %q, want %q", file, got, want)
		}
	}
	got := served()
	for name, want := range map[string]bool{
		"lenet5-fashion-mnist": true, "lenet5-mnist": true, "resnet20-cifar10": true, "alphago-policy-small": true,
		"lenet5-fashion-mnist-ensemble": false, "lenet5-fashion-mnist-ensemble-m1": false,
	} {
		if slices.Contains(got, name) != want {
			t.Errorf("served without arguments are %q; %s among them: should be %v", got, name, want)
		}
	}
	for arg, want := range map[string]string{"lenet5-mnist": "lenet5-mnist", "digits=lenet5-mnist": "digits", "resnet18": "resnet18", "r=resnet18": "r"} {
		if s, err := (&app{}).source(arg); err != nil || s.Name != want {
			t.Errorf("%s: %q, %v, want %q", arg, s.Name, err, want)
		}
	}
}

// What a file says of its network is read as it stands; what cannot be is an error that names it.
func TestOptionsOfAStoredNetworkAreRead(t *testing.T) {
	half := .5
	for text, want := range map[string]zoo.Options{
		``:              {},
		`{}`:            {},
		`{"width":0.5}`: {Width: half},
		`{"classes":12,"input":[3,64,48],"dropout":0.5}`: {Classes: 12, Input: [3]int{3, 64, 48}, Dropout: &half},
		`{"variant":"1998","head":"gap"}`:                {Variant: "1998", Head: "gap"},
	} {
		got, err := options(json.RawMessage(text))
		a, _ := json.Marshal(got)
		b, _ := json.Marshal(want)
		if err != nil || !bytes.Equal(a, b) {
			t.Errorf("%s: %s, %v, want %s", text, a, err, b)
		}
	}
	for text, want := range map[string]string{
		`{"widht":1}`:     "unknown option of the network widht: did you mean width?",
		`{"zzz":1}`:       "unknown option of the network zzz: there are ",
		`{"width":"big"}`: `option width of the network cannot be "big"`,
		`{"input":[3]}x`:  "options of the network: ",
		`[]`:              "options of the network: ",
	} {
		if _, err := options(json.RawMessage(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	n, err := stored(weights.Meta{Network: "lenet5", Options: json.RawMessage(`{"variant":"modern","classes":12,"input":[1,28,28]}`)})
	if err != nil || n.Name != "lenet5" || n.Classes != 12 || n.Input != [3]int{1, 28, 28} {
		t.Errorf("%+v, %v", n, err)
	}
	for want, m := range map[string]weights.Meta{
		"the file does not say which network it belongs to":   {},
		"unknown option of the network colour: there are ":    {Network: "lenet5", Options: json.RawMessage(`{"colour":1}`)},
		`no network is called "lenet6"; did you mean lenet5?`: {Network: "lenet6"},
	} {
		if _, err := stored(m); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", m, err, want)
		}
	}
	for input, want := range map[string]string{"3x224": "", "3x224x224x1": "", "0x2x2": "", "3x-1x5": "", "axbxc": "", "": "ok", "1x28x32": "ok"} {
		f := networkFlags{input: input}
		if _, err := f.options(); (err == nil) != (want == "ok") {
			t.Errorf("--input %s: %v", input, err)
		}
	}
}

// A failure of standard output is told in the system's words, without the file that it was about; after it nothing is written.
func TestLostOutputIsToldInTheSystemsWords(t *testing.T) {
	failing := fmt.Errorf("copy: %w", &fs.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.ENOSPC})
	if got, want := lost(failing).Error(), "standard output: no space left on device"; got != want || !errors.Is(lost(failing), syscall.ENOSPC) {
		t.Errorf("%q, want %q", got, want)
	}
	if lost(nil) != nil {
		t.Error("nothing was lost")
	}
	w := &failsAfter{left: 2}
	o := &output{file: w}
	for i, want := range []bool{true, true, false, false} {
		if _, err := o.Write([]byte("é\n")); (err == nil) != want {
			t.Errorf("writing %d: %v", i, err)
		}
	}
	if w.calls != 3 || o.Close() == nil {
		t.Errorf("%d writings, the last after a failure; %v", w.calls, o.Close())
	}
}

type failsAfter struct{ left, calls int }

func (w *failsAfter) Write(p []byte) (int, error) {
	if w.calls++; w.calls > w.left {
		return 0, syscall.EPIPE
	}
	return len(p), nil
}
