package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/train"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
)

// An evaluation is of the part that is asked for; without one it is of test images, or of what comes next to them, and
// then it says so.
func TestAnEvaluationIsOfTheImagesThatAreMeant(t *testing.T) {
	dir := t.TempDir()
	for name, images := range map[string]map[datasets.Part]int{
		"all":   {datasets.Train: 8, datasets.Val: 3, datasets.Test: 2},
		"val":   {datasets.Train: 8, datasets.Val: 3},
		"train": {datasets.Train: 8},
		"plain": {"": 8},
	} {
		grey := uint8(0)
		for _, part := range []datasets.Part{"", datasets.Train, datasets.Val, datasets.Test} {
			for _, class := range []string{"one", "two"} {
				for i := range images[part] {
					m := image.NewGray(image.Rect(0, 0, 4, 4))
					m.Pix[5] = grey
					grey++
					var file bytes.Buffer
					path := filepath.Join(dir, name, string(part), class, fmt.Sprint(i)+".png")
					err := errors.Join(png.Encode(&file, m), os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, file.Bytes(), 0o666))
					if err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
	sum := func(name string, part datasets.Part) string {
		split, err := openData("folder", filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		text, err := split.Part(part).Checksum()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	const classes = 2
	run := &recipe.Config{Val: "0.25", ValSeed: 3, ValLimit: 5}
	for _, c := range []struct {
		folder string
		of     source // its name and dir are the folder's
		part   datasets.Part
		images int
		limit  int
		note   string // stands in the note; empty for none
		err    string
	}{
		{"all", source{}, "", 2 * classes, 0, "", ""},
		{"all", source{}, datasets.Val, 3 * classes, 0, "", ""},
		{"all", source{}, datasets.Train, 8 * classes, 0, "", ""},
		{"all", source{run: &recipe.Config{Val: "val", ValLimit: 5}}, "", 2 * classes, 0, "", ""},
		{"all", source{run: &recipe.Config{Val: "val", ValLimit: 5}}, datasets.Val, 3 * classes, 5, "", ""},
		{"all", source{run: &recipe.Config{Val: "test", ValLimit: 3}}, "", 2 * classes, 3, "", ""},
		{"all", source{run: run}, datasets.Val, 2 * classes, 5, "", ""}, // held out
		{"all", source{run: run}, datasets.Train, 6 * classes, 0, "", ""},
		{"all", source{run: run, given: true}, datasets.Val, 3 * classes, 5, "", ""}, // what --data has
		{"all", source{trained: []string{"none", sum("all", datasets.Test)}}, "", 2 * classes, 0, "the weights have learned from these images of all: on others they are worse", ""},
		{"all", source{run: &recipe.Config{Val: "val"}, chose: "sha256:0"}, datasets.Val, 3 * classes, 0, "these images of all are not those that chose the weights: the images, or config.json, have changed", ""},
		{"all", source{run: &recipe.Config{Val: "val"}, chose: "sha256:0", given: true}, datasets.Val, 3 * classes, 0, "", ""},
		{"all", source{run: &recipe.Config{Val: "val"}, chose: sum("all", datasets.Val)}, datasets.Val, 3 * classes, 0, "", ""},
		{"val", source{}, "", 3 * classes, 0, "val has no test part: its part val is taken", ""},
		{"val", source{run: &recipe.Config{Val: "val"}}, "", 3 * classes, 0, "val has no test part: these are the images that chose the best weights", ""},
		{"val", source{}, datasets.Test, 0, 0, "", "no such part as test: there is train, val"},
		{"train", source{}, "", 0, 0, "", "train has a training part alone: --part train evaluates it"},
		{"train", source{}, datasets.Train, 8 * classes, 0, "", ""},
		{"train", source{run: run}, "", 2 * classes, 5, "train has no test part: these are the images that chose the best weights, held out of those that were learned", ""},
		{"plain", source{}, "", 8 * classes, 0, "", ""},
		{"plain", source{}, datasets.Val, 0, 0, "", "no such part as val: there is all of its images, without parts"},
		{"plain", source{run: run}, "", 2 * classes, 5, "held out of those that were learned", ""},
		{"gone", source{}, "", 0, 0, "", "gone"},
	} {
		c.of.name, c.of.dir = "folder", filepath.Join(dir, c.folder)
		src, limit, note, err := c.of.images(c.part)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s, part %q: %v, want %s", c.folder, c.part, err, c.err)
			}
			if strings.HasPrefix(c.err, "no such part") && !errors.Is(err, datasets.ErrNoPart) {
				t.Errorf("%s, part %q: %v is no ErrNoPart", c.folder, c.part, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s, part %q: %v", c.folder, c.part, err)
			continue
		}
		if src.Len() != c.images || limit != c.limit || !strings.HasSuffix(note, c.note) || (c.note == "") != (note == "") {
			t.Errorf("%s, part %q: %d images, limit %d, %q; want %d, %d, %q", c.folder, c.part, src.Len(), limit, note, c.images, c.limit, c.note)
		}
	}
}

// A run stands for its best weights, a folder of runs for the newest, an ensemble for its members.
func TestRunsAreFoundByWhatIsInTheirFolders(t *testing.T) {
	t.Chdir(t.TempDir())
	if code, text := commanded(t, words("export lenet5-fashion-mnist -o w.safetensors")); code != 0 {
		t.Fatal(text)
	}
	copied := func(to string) {
		data, err := os.ReadFile("w.safetensors")
		if err == nil {
			err = os.MkdirAll(filepath.Dir(to), 0o777)
		}
		if err == nil {
			err = os.WriteFile(to, data, 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	made := func(folder string, cfg recipe.Config, files ...string) {
		for _, f := range files {
			copied(filepath.Join(folder, f))
		}
		cfg.Network, cfg.Epochs, cfg.Batch, cfg.Optimizer.LR = "lenet5", 1, 8, 0.1
		if err := os.MkdirAll(folder, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := train.WriteConfig(folder, cfg); err != nil {
			t.Fatal(err)
		}
	}
	fashion := recipe.Config{Data: "fashion-mnist", EvalBatch: 24}
	made("a", fashion, report.BestFile, report.LastFile)
	made("last", fashion, report.LastFile)
	if err := os.WriteFile("last/"+report.MetricsFile, []byte(report.Table([]report.Epoch{{Epoch: 1, Step: 1}})), 0o666); err != nil {
		t.Fatal(err)
	}
	made("begun", fashion, report.LastFile)
	made("others", recipe.Config{Data: "mnist"}, report.BestFile, report.LastFile)
	made("e", recipe.Config{Data: "fashion-mnist", Ensemble: 3})
	made("e/m1", fashion, report.BestFile, report.LastFile)
	made("e/m2", fashion, report.BestFile, report.LastFile)
	made("none", fashion)
	made("runs/x/001", fashion, report.BestFile, report.LastFile)
	made("runs/x/002", fashion, report.BestFile, report.LastFile)
	made("runs/y/001", recipe.Config{Data: "mnist"}, report.BestFile, report.LastFile)

	for _, c := range []struct{ arg, path, data, note, err string }{
		{"a", "a/weights/best.safetensors", "fashion-mnist", "", ""},
		{"a/weights/last.safetensors", "a/weights/last.safetensors", "fashion-mnist", "", ""},
		{"w.safetensors", "w.safetensors", "fashion-mnist", "", ""},
		{"last", "last/weights/last.safetensors", "fashion-mnist", "last: the best weights, weights/best.safetensors, are gone: taking the last ones", ""},
		{"begun", "begun/weights/last.safetensors", "fashion-mnist", "", ""},
		{"e/m2", "e/m2/weights/best.safetensors", "fashion-mnist", "", ""},
		{"e", "", "", "", "e: a run of several members: name one of them, as in e/m1"},
		{"none", "", "", "", "none: no run that was saved: train one first, as in zoo train lenet5"},
		{"others", "", "", "", "others/weights/best.safetensors: it was trained on fashion-mnist, and the run's config.json says mnist"},
		{"lenet5-mnist", "lenet5-mnist", "mnist", "", ""},
		{"lenet5-fashion-mnist", "lenet5-fashion-mnist", "fashion-mnist-small", "", ""},
		{"lenet5-fashion-mnist-ensemble", "", "", "", "lenet5-fashion-mnist-ensemble: an ensemble of 7: name one of its members, as in lenet5-fashion-mnist-ensemble-m1"},
		{"nothing", "", "", "", "nothing: there is no such file or folder"},
	} {
		path, s, err := find(c.arg)
		if c.err != "" {
			if err == nil || !strings.Contains(report.Words(err), c.err) {
				t.Errorf("%s: %v, want %s", c.arg, err, c.err)
			}
			continue
		}
		if err != nil || filepath.ToSlash(path) != c.path || s.name != c.data || strings.Join(s.notes, "; ") != c.note {
			t.Errorf("%s: %s, %s, %q, %v; want %s, %s, %q", c.arg, path, s.name, s.notes, err, c.path, c.data, c.note)
		}
		if want := map[bool]int{true: 24}[strings.ContainsAny(c.arg, "/") || c.arg == "a" || c.arg == "last" || c.arg == "begun"]; s.batch != want {
			t.Errorf("%s: batch %d, want %d", c.arg, s.batch, want)
		}
	}

	members := func(of string, n int) (list []string) {
		for i := range n {
			list = append(list, of+string(rune('1'+i)))
		}
		return list
	}
	for _, c := range []struct {
		args     string
		ensemble int
		want     []string
		err      string
	}{
		{"e", 0, members("e/m", 2), ""},
		{"e", 1, members("e/m", 1), ""},
		{"e", 3, nil, "e: 2 members have weights, --ensemble 3 asks for more"},
		{"a", 0, []string{"a"}, ""},
		{"a", 1, []string{"a"}, ""},
		{"a e", 0, append([]string{"a"}, members("e/m", 2)...), ""},
		{"a e", 3, append([]string{"a"}, members("e/m", 2)...), ""},
		{"a e", 2, nil, "--ensemble 2: 3 weights are named"},
		{"runs/x", 2, []string{"runs/x/001", "runs/x/002"}, ""},
		{"runs/x", 3, nil, "2 runs of lenet5 on fashion-mnist have weights, --ensemble 3 asks for more: zoo train lenet5 --ensemble 3 makes them"},
		{"runs/y", 1, []string{"runs/y/001"}, ""},
		{"none", 0, []string{"none"}, ""},
		{"w.safetensors none", 0, []string{"w.safetensors", "none"}, ""},
		{"lenet5-fashion-mnist-ensemble", 0, members("lenet5-fashion-mnist-ensemble-m", 7), ""},
		{"lenet5-fashion-mnist-ensemble", 2, members("lenet5-fashion-mnist-ensemble-m", 2), ""},
		{"lenet5-fashion-mnist-ensemble a", 8, append(members("lenet5-fashion-mnist-ensemble-m", 7), "a"), ""},
		{"lenet5-mnist", 0, []string{"lenet5-mnist"}, ""},
	} {
		got, err := expand(words(c.args), c.ensemble)
		for i := range got {
			got[i] = filepath.ToSlash(got[i])
		}
		if strings.HasPrefix(c.args, "runs/x") { // which of them is newer is up to the clock
			slices.Sort(got)
		}
		if c.err != "" {
			if err == nil || err.Error() != c.err {
				t.Errorf("%s, %d together: %q, %v, want %s", c.args, c.ensemble, got, err, c.err)
			}
		} else if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s, %d together: %q, %v, want %q", c.args, c.ensemble, got, err, c.want)
		}
	}
}
