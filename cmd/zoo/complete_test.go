package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
)

// What the shell is told after a part of a command.
func TestTheShellCompletesNames(t *testing.T) {
	t.Chdir(t.TempDir())
	run1 := filepath.Join("runs", "lenet5-fashion", "001")
	if err := os.MkdirAll(filepath.Join(run1, "weights"), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{report.ConfigFile, report.LastFile} {
		if err := os.WriteFile(filepath.Join(run1, name), []byte("{}"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		typed string // the last word is completed
		has   []string
		not   []string
		files bool // the shell's own files, too
	}{
		{"train lenet5 --variant _", []string{"1998", "modern"}, []string{"cifar"}, false},
		{"train --variant _", []string{"1998", "cifar"}, nil, false},
		{"train alexnet --recipe _", []string{"paper"}, nil, false},
		{"train --recipe _", []string{"paper", "quick"}, nil, false},
		{"train lenet5 --set _", []string{"epochs=", "optimizer.lr=", "schedule.name="}, nil, false},
		{"train lenet5 --data _", []string{"mnist", "cifar-10"}, nil, true},
		{"train lenet5 --init _", []string{"lenet5-fashion-mnist", "runs/lenet5-fashion/001"}, nil, true},
		{"eval _", []string{"lenet5-fashion-mnist", "runs/lenet5-fashion/001"}, nil, true},
		{"eval x --part _", []string{"val", "test", "train"}, nil, false},
		{"resume _", []string{"runs/lenet5-fashion/001"}, []string{"lenet5-fashion-mnist"}, true},
		{"curves _", []string{"runs/lenet5-fashion/001"}, nil, true},
		{"explain _", []string{"lenet5-fashion-mnist", "runs/lenet5-fashion/001"}, nil, true},
		{"explain x --how _", []string{"gradcam", "dream", "filters"}, nil, false},
		{"weights get _", []string{"resnet50", "lenet5-mnist"}, nil, false},
		{"weights where _", []string{"resnet50"}, nil, false},
		{"inspect _", []string{"lenet5", "vgg16"}, nil, false},
		{"inspect lenet5 _", nil, []string{"vgg16"}, false},
		{"import x --as _", []string{"resnet18"}, nil, false},
		{"import x --classes _", []string{"imagenet", "cifar-10"}, nil, true},
		{"data show _", []string{"mnist", "fashion-mnist-small"}, []string{"lenet5"}, false},
		{"data show mnist _", nil, []string{"mnist"}, false},
	} {
		words := strings.Fields(c.typed)
		words[len(words)-1] = ""
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), append([]string{"__complete"}, words...), &stdout, &stderr); code != 0 {
			t.Errorf("%s: exit code %d, %s", c.typed, code, stderr.String())
		}
		lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
		for i, l := range lines {
			lines[i], _, _ = strings.Cut(l, "\t") // a description may follow
		}
		for _, want := range c.has {
			if !slices.Contains(lines, want) {
				t.Errorf("%s: no %s in %q", c.typed, want, lines)
			}
		}
		for _, not := range c.not {
			if slices.Contains(lines, not) {
				t.Errorf("%s: %s in %q", c.typed, not, lines)
			}
		}
		if last := lines[len(lines)-1]; (last == ":0") != c.files {
			t.Errorf("%s: the shell is told %s", c.typed, last)
		}
	}
}
